//! What the rules about API keys say, as a refusal: of a key that is managed, and of a key that is presented.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::{FieldProblem, Refusal, sentence};
use crate::apikeys::Error;

impl From<Error> for Refusal {
    /// Where keys are made, shown and changed.
    fn from(error: Error) -> Self {
        let (status, code) = match &error {
            Error::Store(error) => return Self::from(error.clone()),
            Error::Denied(denied) => return Self::from(denied.clone()),
            Error::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_fields"),
            Error::Reserved(_) | Error::ForeignClient => (StatusCode::FORBIDDEN, "forbidden"),
            Error::NotFresh => (StatusCode::FORBIDDEN, "session_not_fresh"),
            Error::TooMany => (StatusCode::CONFLICT, "too_many_keys"),
            Error::Conflict => (StatusCode::CONFLICT, "conflict"),
            Error::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            _ => return Self::of_presented_key(&error),
        };
        let fields = match &error {
            Error::Invalid(fields) => fields
                .iter()
                .map(|field| FieldProblem { field: field.field.to_owned(), message: field.message.clone() })
                .collect(),
            _ => Vec::new(),
        };
        let message = match &error {
            Error::Invalid(fields) => fields.iter().map(|field| field.message.as_str()).collect::<Vec<_>>().join(" "),
            other => sentence(&other.to_string()),
        };
        let refusal = Self::new(status, code, message).with_fields(fields).with("code", error.code());
        if matches!(error, Error::NotFound) { refusal.unnamed() } else { refusal }
    }
}

impl Refusal {
    /// Where a key is what somebody proves themselves with.
    pub fn of_presented_key(error: &Error) -> Self {
        let (status, code) = match error {
            Error::Store(error) => return Self::from(error.clone()),
            Error::ForeignNetwork => (StatusCode::FORBIDDEN, "forbidden"),
            Error::RateLimited { .. } | Error::UsageExceeded { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            _ => (StatusCode::UNAUTHORIZED, "invalid_api_key"),
        };
        let refusal = Self::new(status, code, sentence(&error.to_string())).with("code", error.code());
        match error.try_again_ms() {
            Some(ms) => refusal.with("details", try_again(ms)).after(ms.div_ceil(1000).max(1)),
            None => refusal,
        }
    }
}

/// When another try is worth it, as the API-key endpoints say it.
pub fn try_again(ms: u64) -> Value {
    json!({ "tryAgainIn": ms })
}
