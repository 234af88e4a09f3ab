//! The two maps every token carries: what its subject may do, and which of it needs a live question.

use serde_json::{Map, Value};

use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::cx::Cx;
use crate::store::{Error, Read};

/// Whose permissions.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A person.
    User(&'a UserId),
    /// A client acting for itself (RFC 6749 §4.4).
    Client(&'a ClientId),
    /// An API key: what it was given itself, nothing of its owner's.
    ApiKey(&'a ApiKeyId),
}

/// `permissions` and `abac_required`: entity type (or `type:id`) to permission names, sorted. Always both, possibly empty.
#[derive(Clone, Debug, Default)]
pub struct PermissionClaims {
    /// What the subject may do.
    pub permissions: Map<String, Value>,
    /// Which of that depends on a policy and must be asked live.
    pub abac_required: Map<String, Value>,
}

/// The maps for a subject in tokens of `client` (of none for a key that is bound to none), from one snapshot. Nobody holds a relation yet, so both are empty for everyone.
pub fn resolve(
    _cx: &Cx,
    _from: &impl Read,
    _subject: Subject<'_>,
    _client: Option<&ClientId>,
) -> Result<PermissionClaims, Error> {
    Ok(PermissionClaims::default())
}
