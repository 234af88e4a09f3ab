//! What the OAuth rules say, as a refusal.

use std::borrow::Cow;

use actix_web::http::StatusCode;

use super::Refusal;
use crate::oauth::{Error, ErrorCode};

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let plain = Self::new(status, error.code.as_str(), error.description);
        Self {
            is_registered: true,
            challenge: challenge(error.code),
            cause: error.cause.map(|cause| cause.into_boxed_dyn_error() as Box<dyn std::error::Error>),
            ..plain
        }
    }
}

/// RFC 6749 §5.2 for a client that failed to prove itself, RFC 6750 §3 for a token.
fn challenge(code: ErrorCode) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        ErrorCode::InvalidClient => "Basic realm=\"auther\"",
        ErrorCode::InvalidToken => "Bearer error=\"invalid_token\"",
        _ => "Bearer",
    })
}
