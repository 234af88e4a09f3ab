//! What came of a policy, and what a policy was before.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ActorKind;
use crate::base::id::EvaluationId;
use crate::base::{Moment, ScriptDigest};

/// Where a policy stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyPlace {
    /// In a model, at the permission of this name.
    Permission(String),
    /// On the tuple with this identifier, as its condition.
    Tuple(String),
}

impl PolicyPlace {
    /// `permission` or `tuple`.
    pub fn level(&self) -> &'static str {
        match self {
            Self::Permission(_) => "permission",
            Self::Tuple(_) => "tuple",
        }
    }

    /// The name of the permission, or the identifier of the tuple.
    pub fn name(&self) -> &str {
        match self {
            Self::Permission(name) | Self::Tuple(name) => name,
        }
    }
}

/// What a policy came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PolicyResult)]
pub enum Decision {
    /// It returned `true`.
    Allowed,
    /// It returned something else.
    Denied,
    /// It came to no end of its own, which denies too.
    Error,
}

impl Decision {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }
}

/// One evaluation of one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRow {
    /// Sorts by time.
    pub id: EvaluationId,
    /// The moment of the check.
    pub at: Moment,
    /// What was asked about.
    pub entity_type: String,
    /// The identifier of the object that was asked about.
    pub entity_id: String,
    /// What was asked for.
    pub permission: String,
    /// Who it was asked for.
    pub subject_type: String,
    /// The identifier of the subject.
    pub subject_id: String,
    /// The permission or tuple that the policy belongs to.
    pub place: PolicyPlace,
    /// The digest of its text, which is kept once for all rows.
    #[serde(default)]
    pub digest: Option<ScriptDigest>,
    /// Its text: stored in older rows only, and filled in when a row is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// What it came to.
    pub result: Decision,
    /// The code of the fault.
    #[serde(default)]
    pub error: Option<String>,
    /// The fault in words, or why what it returned counts as deny.
    #[serde(default)]
    pub message: Option<String>,
    /// What the script was told, without what is redacted; shortened when it is large.
    pub context: Value,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// The request it belongs to.
    #[serde(default)]
    pub request: Option<String>,
    /// Address of the caller.
    #[serde(default)]
    pub ip: Option<String>,
    /// `User-Agent` of the caller, shortened.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// Evaluations like it that were not recorded before it, because there were too many in a minute.
    #[serde(default)]
    pub left_out: u64,
}

/// The text of a script that evaluations refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The text of the script.
    pub text: String,
    /// From this moment on no row refers to it.
    pub expires_at: Moment,
}

/// A policy as it was from one moment to the next version's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// The type whose objects it is about.
    pub entity_type: String,
    /// The permission or tuple that the policy belongs to.
    pub place: PolicyPlace,
    /// Its text; `None` when it was taken away.
    #[serde(default)]
    pub script: Option<String>,
    /// 1, and one more with every change.
    pub version: u64,
    /// What kind of actor changed it.
    pub changed_by_kind: ActorKind,
    /// Who changed it.
    #[serde(default)]
    pub changed_by: Option<String>,
    /// Why, if that was said.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it was recorded.
    pub at: Moment,
}
