//! What can go wrong with API keys, in domain words.

use crate::identity;
use crate::rights::{Denied, MayDeny};
use crate::store;

/// A key does not work, or cannot be made or changed so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such key, or not the caller's; for a presented one, not a key of this installation.
    #[error("there is no such API key")]
    NotFound,
    /// What was presented has not the form of a key, or its check characters do not fit the rest.
    #[error(
        "this is no API key: it is mistyped, cut short, or has white space or a line end at one of its ends. Send the text alone that was shown when the key was made"
    )]
    Malformed,
    /// It, its owner or its client is switched off.
    #[error("this API key is disabled")]
    Disabled,
    /// Its end has come.
    #[error("this API key has expired")]
    Expired,
    /// It may be used from other networks only.
    #[error("this API key may not be used from this address")]
    ForeignNetwork,
    /// No use is left.
    #[error("this API key has no uses left")]
    UsageExceeded {
        /// Milliseconds until it is refilled, if it ever is.
        try_again_ms: Option<u64>,
    },
    /// It was used too often within its window.
    #[error("this API key is used too often")]
    RateLimited {
        /// Milliseconds until the next window.
        try_again_ms: u64,
    },
    /// All that is wrong with the fields, at once.
    #[error("{}", .0.iter().map(|field| field.message.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// The caller may not set these.
    #[error("only an administrator sets {}", .0.join(", "))]
    Reserved(Vec<&'static str>),
    /// The caller does not manage the client that the key is to be bound to; there may be no such client.
    #[error("only those who manage a client bind keys to it")]
    ForeignClient,
    /// The owner has as many keys as one may have.
    #[error("this person has {limit} API keys and can have no more: delete some first", limit = crate::records::api_key::MAX_PER_OWNER)]
    TooMany,
    /// It would do more, and the session that asks is not fresh (see [`identity::sessions::require_fresh`]).
    #[error("{}", identity::Error::SessionNotFresh)]
    NotFresh,
    /// It changed since the caller read it.
    #[error("this was changed by somebody else meanwhile: load it again")]
    Conflict,
    /// The caller lacks the right to the change.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Its name, in snake case.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Error {
    /// The stable code of the API-key endpoints.
    pub fn code(&self) -> &'static str {
        match self {
            // Clients know one code for a key that is none, whatever the reason.
            Self::NotFound | Self::Malformed => "KEY_NOT_FOUND",
            Self::Disabled => "KEY_DISABLED",
            Self::Expired => "KEY_EXPIRED",
            Self::ForeignNetwork => "KEY_NOT_ALLOWED_FROM_ADDRESS",
            Self::UsageExceeded { .. } => "USAGE_EXCEEDED",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Invalid(_) => "INVALID_FIELDS",
            Self::Reserved(_) => "SERVER_ONLY_PROPERTY",
            Self::ForeignClient => "CLIENT_NOT_MANAGED",
            Self::TooMany => "TOO_MANY_KEYS",
            Self::NotFresh => "SESSION_NOT_FRESH",
            Self::Conflict => "CONFLICT",
            Self::Denied(_) => "FORBIDDEN",
            Self::Store(_) => "INTERNAL_ERROR",
        }
    }

    /// Milliseconds until another try is worth it, if waiting helps.
    pub fn try_again_ms(&self) -> Option<u64> {
        match self {
            Self::RateLimited { try_again_ms } => Some(*try_again_ms),
            Self::UsageExceeded { try_again_ms } => *try_again_ms,
            _ => None,
        }
    }

    /// Whether it says that a presented key does not work, and not that something failed.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotFound
                | Self::Malformed
                | Self::Disabled
                | Self::Expired
                | Self::ForeignNetwork
                | Self::UsageExceeded { .. }
                | Self::RateLimited { .. }
        )
    }
}

impl MayDeny for Error {
    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }
}
