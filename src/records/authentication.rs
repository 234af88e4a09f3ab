//! A sign-in that has begun and is not complete.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Interaction, Proof, Wanted};
use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{AuthenticationId, UserId};
use crate::base::secret::Digest;

/// A sign-in of which some proofs were given and more are needed. It opens nothing. Its token is `id.secret`, in a
/// cookie of its own; only the secret's digest is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Authentication {
    /// First half of the token.
    pub id: AuthenticationId,
    /// Digest of the second half.
    pub digest: Digest,
    /// Digest of the name of the browser in which it began. It counts in no other.
    pub browser: String,
    /// Whose proofs were given.
    pub user: UserId,
    /// Those, and when.
    pub proofs: Vec<Proof>,
    /// Which level is to be reached, and why.
    pub wanted: Wanted,
    /// What is taken up again afterwards. It counts for nothing else.
    pub resume: Option<Interaction>,
    /// When it began.
    pub created_at: Moment,
    /// When it stops working.
    pub expires_at: Moment,
}

impl Authentication {
    /// From when to when it holds: since it began, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.created_at, end: self.expires_at, longest }
    }
}
