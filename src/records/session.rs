//! A signed-in browser or device.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{ClientId, SessionId, UserId};
use crate::base::secret::Digest;

use super::Proof;

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
    /// How the person proved who they are, at the sign-in and since: the latest proof of each kind.
    pub proofs: Vec<Proof>,
    /// Address of the peer at sign-in.
    pub ip: Option<String>,
    /// `User-Agent` at sign-in, shortened.
    pub user_agent: Option<String>,
    /// The sessions in whose place it came, of the same person in the same browser, the latest last: what is on its way
    /// to an app belongs to the one that it was made in. At most [`Session::EARLIER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<SessionId>,
    /// Apps that got a code out of this session.
    #[serde(default)]
    pub clients: Vec<ClientId>,
}

impl Session {
    /// How many [`Session::earlier`] are kept: more nobody begins while a code lives.
    pub const EARLIER: usize = 8;

    /// Whether this is the session with that identifier, or came in its place.
    pub fn continues(&self, id: &SessionId) -> bool {
        self.id == *id || self.earlier.contains(id)
    }

    /// From when to when it holds: since its last use was noted, at the most `longest`.
    pub fn term(&self, longest: Duration) -> Term {
        Term { made: self.last_seen_at, end: self.expires_at, longest }
    }

    /// When the person last proved who they are, at the sign-in or since: `auth_time` (OIDC Core §2). Without a proof,
    /// never.
    pub fn auth_time(&self) -> Moment {
        self.proofs.iter().map(|proof| proof.at).max().unwrap_or(Moment::from_millis(0))
    }
}
