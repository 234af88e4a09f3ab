//! A key for machines: a subject of the permission graph that belongs to a person.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::clock::Term;
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::base::secret::Digest;

/// How many keys one person can have.
pub const MAX_PER_OWNER: usize = 500;

/// An API key. The secret itself is not in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// `key_…`: the subject id in tuples.
    pub id: ApiKeyId,
    /// SHA-256 of the whole key as it was shown, base64url.
    pub hash: Digest,
    /// What people call it.
    pub name: String,
    /// What it is shown as: the beginning of the key.
    pub start: String,
    /// What the key begins with, `ak_live_` unless another was asked for.
    pub prefix: String,
    /// Whose key it is.
    pub owner: UserId,
    /// The client it is bound to: it then works within the types of that client only.
    #[serde(default)]
    pub client: Option<ClientId>,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// From this moment on it does not work.
    #[serde(default)]
    pub expires_at: Option<Moment>,
    /// How often it may be used, per window.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// How many uses are left; `None` for any number.
    #[serde(default)]
    pub remaining: Option<u64>,
    /// How `remaining` grows back.
    #[serde(default)]
    pub refill: Option<Refill>,
    /// Networks it may be used from, as CIDR; empty for everywhere.
    #[serde(default)]
    pub networks: Vec<String>,
    /// The caller's own notes. They never grant anything.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When it was last used, as of a minute ago: uses are counted in memory and written down now and then.
    #[serde(default)]
    pub last_used_at: Option<Moment>,
    /// How often it was used, as of a minute ago.
    #[serde(default)]
    pub uses: u64,
    /// When it was made.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// 1, and one more with every change.
    pub version: u64,
}

impl ApiKey {
    /// Whether it holds at `now`, as far as its end goes. Any end may be chosen; one that was chosen in the future,
    /// under a wrong clock, would let the key live longer than was meant.
    pub fn holds(&self, now: Moment) -> bool {
        holds(self.expires_at, self.updated_at, now)
    }

    /// Whether its end has come.
    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// Whether a key with this end, which was changed last at `changed`, holds at `now`.
pub fn holds(end: Option<Moment>, changed: Moment, now: Moment) -> bool {
    end.is_none_or(|end| Term { made: changed, end, longest: Duration::MAX }.holds(now))
}

/// At most `max` uses in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Uses per window.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub max: u64,
    /// Length of the window in milliseconds.
    #[schema(minimum = 1, maximum = 315_360_000_000_u64)]
    pub window_ms: u64,
}

/// `amount` more uses every `interval_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    /// Uses after each refill.
    pub amount: u64,
    /// Between refills, in milliseconds.
    pub interval_ms: u64,
    /// When it was last refilled.
    pub last: Moment,
}
