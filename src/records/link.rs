//! A link that gives an administrator in: the first one, or one who lost the way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{LinkId, UserId};
use crate::base::secret::Digest;

/// A single-use link printed on the machine itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// First half of the token.
    pub id: LinkId,
    /// Digest of the second half.
    pub digest: Digest,
    /// What it opens.
    pub purpose: LinkPurpose,
    /// When it was made.
    pub created_at: Moment,
    /// When it stops working.
    pub expires_at: Moment,
}

/// What a [`Link`] opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkPurpose {
    /// Making the first administrator; void once there is one.
    Setup,
    /// Setting a new password for this person.
    Recover(UserId),
}

impl Link {
    /// From when to when it holds: since it was made, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.created_at, end: self.expires_at, longest }
    }
}
