//! What can go wrong with permissions, in domain words.

use crate::base::budget::Stopped;
use crate::base::long_work::Busy;
use crate::identity;
use crate::rights::{Denied, MayDeny};
use crate::store;

/// A rule about models, tuples, groups or questions said no, or something below failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model, tuple or question is not one: every mistake with its place.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Mistake>),
    /// No model declares the entity type.
    #[error("there is no model for the entity type `{0}`")]
    UnknownType(String),
    /// The model declares no such permission or relation.
    #[error("`{entity_type}` has no permission `{permission}`")]
    UnknownPermission {
        /// The entity type.
        entity_type: String,
        /// What was asked for.
        permission: String,
    },
    /// A person, key, group or client that does not exist.
    #[error("there is no {kind} `{id}`")]
    SubjectNotFound {
        /// The subject type.
        kind: String,
        /// What was asked for.
        id: String,
    },
    /// There is no such tuple, group or model.
    #[error("not found")]
    NotFound,
    /// Another group has the name.
    #[error("this name is taken")]
    Taken,
    /// It changed since the caller read it.
    #[error("this was changed by somebody else meanwhile: load it again")]
    Conflict,
    /// The model cannot change so while tuples use what would go.
    #[error("{0}")]
    InUse(String),
    /// A limit was reached before there was an answer. Never a denial.
    #[error("the question is too large: {0}")]
    LimitReached(&'static str),
    /// What was sent for policies is larger than what is taken.
    #[error("{0}")]
    TooLarge(String),
    /// All scripts are busy.
    #[error("too many policies are running: try again in a second")]
    Busy,
    /// Too much long work is waiting already.
    #[error("too much long work is waiting: try again in a few seconds")]
    Crowded,
    /// It gives or takes authority over the platform, and the session that asks is not fresh (see
    /// [`identity::sessions::require_fresh`]).
    #[error("{}", identity::Error::SessionNotFresh)]
    NotFresh,
    /// The caller lacks the right to what they want to change.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Stopped(stopped) => stopped.into(),
            error => Self::Store(error),
        }
    }
}

impl From<Stopped> for Error {
    fn from(_: Stopped) -> Self {
        Self::LimitReached("there is more to look at than one request may")
    }
}

impl From<Busy> for Error {
    fn from(_: Busy) -> Self {
        Self::Crowded
    }
}

/// One mistake in a document, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Mistake {
    /// Such as `relations.reader.anyOf[1].from`; empty for the whole document.
    pub at: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl Mistake {
    /// A mistake at a place.
    pub fn new(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { at: at.into(), problem: problem.into() }
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.at.is_empty() { f.write_str(&self.problem) } else { write!(f, "{}: {}", self.at, self.problem) }
    }
}

impl Error {
    /// One mistake in what was sent, with its place and what is wrong.
    pub fn invalid(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid(vec![Mistake::new(at, problem)])
    }

    /// The stable code of the permission endpoints.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_fields",
            Self::UnknownType(_) => "unknown_entity_type",
            Self::UnknownPermission { .. } => "unknown_permission",
            Self::SubjectNotFound { .. } => "subject_not_found",
            Self::NotFound => "not_found",
            Self::Taken => "taken",
            Self::Conflict => "conflict",
            Self::InUse(_) => "in_use",
            Self::LimitReached(_) => "limit_reached",
            Self::TooLarge(_) => "too_large",
            Self::Busy | Self::Crowded => "busy",
            Self::NotFresh => "session_not_fresh",
            Self::Denied(_) => "forbidden",
            Self::Store(_) => "internal_error",
        }
    }
}

impl MayDeny for Error {
    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }
}
