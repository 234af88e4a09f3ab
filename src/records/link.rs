//! A link that lets somebody in: the first administrator, or a person who has no password or lost it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{ApiKeyId, ClientId, LinkId, UserId};
use crate::base::secret::Digest;

/// A single-use link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// First half of the token.
    pub id: LinkId,
    /// Digest of the second half.
    pub digest: Digest,
    /// What it opens.
    pub purpose: LinkPurpose,
    /// Who made it.
    #[serde(default)]
    pub made_by: LinkMaker,
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

/// Who made a [`Link`]. It works as long as they still have the right to make it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkMaker {
    /// The operator on the machine, or the server itself.
    #[default]
    Operator,
    /// A person.
    User(UserId),
    /// An OAuth client.
    Client(ClientId),
    /// A machine with an API key.
    Key(ApiKeyId),
}

impl Link {
    /// From when to when it holds: since it was made, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.created_at, end: self.expires_at, longest }
    }
}
