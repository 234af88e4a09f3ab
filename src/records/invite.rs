//! An invitation to sign up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::InviteId;
use crate::base::secret::Digest;

/// A single-use right to sign up while registration is by invitation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invite {
    /// First half of the token.
    pub id: InviteId,
    /// Digest of the second half.
    pub digest: Digest,
    /// The only address that may use it, when set.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When it stops working.
    pub expires_at: Moment,
    /// When it was used.
    pub used_at: Option<Moment>,
}

impl Invite {
    /// From when to when it holds: since it was made, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.created_at, end: self.expires_at, longest }
    }
}
