//! What the OAuth rules say, as a refusal.

use std::borrow::Cow;

use actix_web::http::StatusCode;

use super::Refusal;
use crate::oauth::{Error, ErrorCode};
use crate::rights::MayDeny;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if let Some(denied) = error.denied() {
            return Self::from(denied.clone());
        }
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut refusal = Self::new(status, error.code.as_str(), error.description);
        if error.code == ErrorCode::TemporarilyUnavailable {
            refusal = refusal.after(1);
        }
        refusal.0.is_registered = true;
        refusal.0.challenge = challenge(error.code);
        refusal.0.cause = error.cause.map(|cause| cause.into_boxed_dyn_error() as Box<dyn std::error::Error>);
        refusal
    }
}

/// RFC 6749 §5.2 for a client that failed to prove itself, RFC 6750 §3 for a token.
fn challenge(code: ErrorCode) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        ErrorCode::InvalidClient => "Basic realm=\"auther\"",
        ErrorCode::InvalidToken => "Bearer error=\"invalid_token\"",
        ErrorCode::InsufficientScope => "Bearer error=\"insufficient_scope\"",
        _ => "Bearer",
    })
}
