//! The table of registered errors: RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7009 §2.2.1, OIDC Core §3.1.2.6.

use std::fmt;

use serde_json::{Value, json};

use super::Reason;
use crate::rights::{Denied, MayDeny};
use crate::{access, identity, store};

/// A registered error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// RFC 6749 §5.2: a parameter is missing, repeated or malformed.
    InvalidRequest,
    /// RFC 6749 §5.2: client authentication failed.
    InvalidClient,
    /// RFC 6749 §5.2: the code, refresh token or assertion is not good.
    InvalidGrant,
    /// RFC 6749 §5.2: this client may not do this.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §5.2.
    InvalidScope,
    /// RFC 6749 §4.1.2.1: the person or the server said no.
    AccessDenied,
    /// OIDC Core §3.1.2.6.
    LoginRequired,
    /// OIDC Core §3.1.2.6.
    ConsentRequired,
    /// OIDC Core §3.1.2.6.
    AccountSelectionRequired,
    /// OIDC Core §3.1.2.6.
    RequestNotSupported,
    /// OIDC Core §3.1.2.6.
    RequestUriNotSupported,
    /// OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
    UnmetAuthenticationRequirements,
    /// RFC 6750 §3.1: the access token is expired, revoked or malformed.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType,
    /// RFC 8707 §2: a token for another API than the client's tokens are for.
    InvalidTarget,
    /// RFC 6749 §4.1.2.1: the fault is ours.
    ServerError,
    /// RFC 6749 §4.1.2.1: come back in a moment.
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidTarget => "invalid_target",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status of a JSON answer with this code (RFC 6749 §5.2, RFC 6750 §3.1).
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::AccessDenied | Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// An error with a public half, safe to show to anyone, and a private cause for the log.
#[derive(Debug)]
pub struct Error {
    /// The registered code.
    pub code: ErrorCode,
    /// What is wrong and what to do, in words for the app's developer. Never a secret.
    pub description: String,
    /// What the people who run the app learn of it; those who sent the request do not.
    pub reason: Option<Reason>,
    /// What really happened, for the log.
    pub cause: Option<anyhow::Error>,
}

impl Error {
    /// An error that is the caller's fault.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), reason: None, cause: None }
    }

    /// The same, with what the people who run the app learn of it.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// `invalid_request`.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// `invalid_grant`.
    pub fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    /// `invalid_client`.
    pub fn invalid_client(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidClient, description)
    }

    /// `invalid_token`.
    pub fn invalid_token() -> Self {
        Self::new(ErrorCode::InvalidToken, "The access token is expired, revoked or not issued by this server.")
    }

    /// A fault of the server; the cause is logged and never shown.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            code: ErrorCode::ServerError,
            description: String::from(
                "Something went wrong on the server. The log has the cause under this request's id.",
            ),
            reason: None,
            cause: Some(cause.into()),
        }
    }

    /// The JSON body of RFC 6749 §5.2.
    pub fn body(&self) -> Value {
        json!({ "error": self.code.as_str(), "error_description": self.public_description() })
    }

    /// The description in the characters that RFC 6749 §5.2 allows: printable ASCII without `"` and `\`.
    pub fn public_description(&self) -> String {
        self.description
            .chars()
            .map(|c| match c {
                '"' => '\'',
                '\\' => '/',
                ' '..='~' => c,
                _ => '?',
            })
            .collect()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.description)
    }
}

impl std::error::Error for Error {}

impl From<store::Error> for Error {
    fn from(cause: store::Error) -> Self {
        match cause {
            store::Error::Full => Self {
                code: ErrorCode::TemporarilyUnavailable,
                description: String::from("The server's disk is full, so nothing was changed."),
                reason: None,
                cause: Some(cause.into()),
            },
            store::Error::Conflict => Self {
                code: ErrorCode::TemporarilyUnavailable,
                description: String::from("The server is busy with the same data, so nothing was changed. Try again."),
                reason: None,
                cause: Some(cause.into()),
            },
            cause => Self::internal(cause),
        }
    }
}

impl From<Denied> for Error {
    fn from(cause: Denied) -> Self {
        Self { code: ErrorCode::AccessDenied, description: cause.to_string(), reason: None, cause: Some(cause.into()) }
    }
}

impl MayDeny for Error {
    fn denied(&self) -> Option<&Denied> {
        self.cause.as_ref()?.downcast_ref()
    }
}

impl From<access::Error> for Error {
    fn from(cause: access::Error) -> Self {
        match cause {
            access::Error::Store(cause) => cause.into(),
            access::Error::Denied(denied) => denied.into(),
            access::Error::Busy => Self {
                code: ErrorCode::TemporarilyUnavailable,
                description: String::from("The server runs as many policies as it can. Try again in a second."),
                reason: None,
                cause: Some(cause.into()),
            },
            cause => Self::internal(cause),
        }
    }
}

impl From<identity::Error> for Error {
    fn from(cause: identity::Error) -> Self {
        match cause {
            identity::Error::Denied(denied) => denied.into(),
            cause => Self::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_tried_again_is_called_temporary() {
        for cause in [store::Error::Full, store::Error::Conflict] {
            assert_eq!(Error::from(cause).code, ErrorCode::TemporarilyUnavailable);
        }
        assert_eq!(Error::from(store::Error::Closed).code, ErrorCode::ServerError);
    }

    #[test]
    fn a_description_keeps_to_the_allowed_characters() {
        let error = Error::invalid_request("say \"x\\y\" – now\r\n");
        assert_eq!(error.public_description(), "say 'x/y' ? now??");
    }
}
