//! One row of the audit log.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::id::AuditId;

/// Who did what to whom, from where, when. Append-only; never holds a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditRow {
    /// Time-sortable.
    pub id: AuditId,
    /// When it happened.
    pub at: Moment,
    /// What, as `noun.verb`: `user.sign_in`.
    pub action: String,
    /// Whether it was done or refused.
    pub outcome: Outcome,
    /// What kind of actor.
    pub actor_kind: ActorKind,
    /// The actor's identifier: user id, client id, or `local` for the admin socket.
    pub actor: Option<String>,
    /// What it was done to: an identifier.
    pub target: Option<String>,
    /// The request it belongs to.
    pub request: Option<String>,
    /// Peer address.
    pub ip: Option<String>,
    /// `User-Agent`, shortened.
    pub user_agent: Option<String>,
    /// Further facts.
    #[serde(default)]
    pub detail: Map<String, Value>,
}

/// How an audited action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was tried and refused.
    Failure,
}

/// What kind of actor did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// Nobody known.
    Anonymous,
    /// A person.
    User,
    /// An OAuth client.
    Client,
    /// An API key.
    Key,
    /// The operator on the machine, through the admin socket.
    Local,
    /// The server itself: rotation, expiry.
    System,
}
