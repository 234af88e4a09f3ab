//! A signed-in browser or device.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{ClientId, SessionId, UserId};
use crate::base::secret::Digest;

/// One sign-in that lasts. Its token is `id.secret`; only the secret's digest is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The `sid` of tokens.
    pub id: SessionId,
    /// Digest of the token's secret half.
    pub digest: Digest,
    /// Who is signed in.
    pub user: UserId,
    /// When it began.
    pub created_at: Moment,
    /// When it ends unless it is used before: slides, up to `ends_at`.
    pub expires_at: Moment,
    /// When it ends however much it is used; absent in rows that are older than this field.
    #[serde(default)]
    pub ends_at: Option<Moment>,
    /// When it was last extended.
    pub last_seen_at: Moment,
    /// When the person signed in: `auth_time`.
    pub auth_time: Moment,
    /// When they gave their password again within the session; absent until they do.
    #[serde(default)]
    pub confirmed_at: Option<Moment>,
    /// How they proved it (RFC 8176 values).
    pub amr: Vec<String>,
    /// Address of the peer at sign-in.
    pub ip: Option<String>,
    /// `User-Agent` at sign-in, shortened.
    pub user_agent: Option<String>,
    /// Apps that got a code out of this session.
    #[serde(default)]
    pub clients: Vec<ClientId>,
}

impl Session {
    /// From when to when it holds: since its last use was noted, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.last_seen_at, end: self.expires_at, longest }
    }

    /// When the person last proved who they are: at the sign-in, or with the password again.
    pub fn proved_at(&self) -> Moment {
        self.confirmed_at.unwrap_or(self.auth_time)
    }
}
