//! A question and its answer.

use serde::Serialize;

use crate::access::explain::Explanation;
use crate::access::graph::ScriptSource;
use crate::access::{BoundedJson, Resource};
use crate::records::{SubjectRef, Tuple};

/// May this subject do this with this object?
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Who. A userset, such as `group:eng#member`, may do what is given to that set.
    pub subject: SubjectRef,
    /// A permission, or where there is none of that name, a relation.
    pub permission: String,
    /// The type of the object.
    pub entity_type: String,
    /// The object; `*` asks about all of them.
    pub entity_id: String,
    /// `context.resource` of scripts.
    pub resource: Option<Resource>,
    /// More for the context of scripts.
    pub context: BoundedJson,
    /// Further members of the context, by name.
    pub properties: Vec<(&'static str, BoundedJson)>,
    /// Tuples that count for this question as if they were stored. They make nobody a platform administrator and give
    /// nobody full access.
    pub contextual: Vec<Tuple>,
    /// Whether the answer says why.
    pub explain: bool,
    /// Whether administering the platform, or full access to a client, lets the subject through before tuples are
    /// looked at. Only an explanation asks without.
    pub privileges: bool,
}

impl Question {
    /// A question without context.
    pub fn new(subject: SubjectRef, permission: &str, entity_type: &str, entity_id: &str) -> Self {
        Self {
            subject,
            permission: permission.to_owned(),
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
            resource: None,
            context: BoundedJson::default(),
            properties: Vec::new(),
            contextual: Vec::new(),
            explain: false,
            privileges: true,
        }
    }

    /// About how much memory the context takes that a script gets of the caller, in bytes.
    pub fn weight(&self) -> usize {
        // Attributes are in the context twice: by themselves and flat.
        let attributes = self.resource.as_ref().map_or(0, |resource| resource.attributes.weight().saturating_mul(2));
        let properties = self.properties.iter().map(|(_, value)| value.weight()).sum::<usize>();
        self.context.weight().saturating_add(attributes).saturating_add(properties)
    }
}

/// The answer to a question: whether, why, and as of which state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// What decided it.
    pub reason: Reason,
    /// Where the script comes from that ran last, when one ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ScriptSource>,
    /// The state of tuples, models and groups that was asked about (see `rows::tuples::revision`).
    pub revision: u64,
    /// Why, when that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// What decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A derivation holds.
    Granted,
    /// The subject administers the platform.
    AdminBypass,
    /// The subject has `full_access` to the client whose type it is.
    ClientFullAccess,
    /// No model declares the type.
    NoModel,
    /// The model declares neither a permission nor a relation of that name.
    NoPermission,
    /// There is no derivation.
    NoTuple,
    /// A policy or condition said no, and nothing else allows it.
    PolicyDenied,
    /// A policy or condition failed, and nothing else allows it.
    PolicyError,
    /// The person, key or client is disabled, expired, or its owner is.
    SubjectDisabled,
    /// There is no such person, key, client or group.
    SubjectNotFound,
    /// The key is bound to another client than the type belongs to.
    OutsideClient,
}

impl Reason {
    /// The code of the permission endpoints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::AdminBypass => "admin_bypass",
            Self::ClientFullAccess => "client_full_access",
            Self::NoModel => "no_model",
            Self::NoPermission => "no_permission",
            Self::NoTuple => "no_tuple",
            Self::PolicyDenied => "policy_denied",
            Self::PolicyError => "policy_error",
            Self::SubjectDisabled => "subject_disabled",
            Self::SubjectNotFound => "subject_not_found",
            Self::OutsideClient => "outside_client",
        }
    }

    /// For people, as the part of a sentence behind "allowed" or "denied".
    pub fn words(self) -> &'static str {
        match self {
            Self::Granted => "a relation gives it",
            Self::AdminBypass => "the subject administers the platform",
            Self::ClientFullAccess => "the subject has full access to the client whose type it is",
            Self::NoModel => "no model declares this entity type",
            Self::NoPermission => "the model declares neither a permission nor a relation of this name",
            Self::NoTuple => "no relation gives it",
            Self::PolicyDenied => "a policy said no",
            Self::PolicyError => "a policy failed, which denies",
            Self::SubjectDisabled => "the subject is disabled or has expired",
            Self::SubjectNotFound => "there is no such subject",
            Self::OutsideClient => "the key is bound to another client than the type belongs to",
        }
    }

    /// Whether it lets a subject through whatever the tuples on the object say.
    pub fn is_privilege(self) -> bool {
        matches!(self, Self::AdminBypass | Self::ClientFullAccess)
    }

    fn allows(self) -> bool {
        matches!(self, Self::Granted | Self::AdminBypass | Self::ClientFullAccess)
    }
}

impl Decision {
    /// A decision for this reason.
    pub fn new(reason: Reason, revision: u64) -> Self {
        Self { allowed: reason.allows(), reason, source: None, revision, explanation: None }
    }
}

/// The answer to a question without running scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaticDecision {
    /// The answer, whatever scripts would say.
    Decided(Box<Decision>),
    /// It depends on scripts.
    Gated,
}

impl StaticDecision {
    /// Whether it surely is allowed.
    pub fn allows(&self) -> bool {
        matches!(self, Self::Decided(decision) if decision.allowed)
    }
}
