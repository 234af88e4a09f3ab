//! What the rules about people say, as a refusal.

use actix_web::http::StatusCode;

use super::{FieldProblem, Refusal};
use crate::identity::{Error, Fault};
use crate::rights::Denied;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error.fault() {
            Fault::Internal => match error {
                Error::Store(error) => Self::from(error),
                error => Self::internal(error),
            },
            Fault::Load => match error {
                Error::Busy { retry_after_seconds } => Self::busy(retry_after_seconds),
                _ => Self::busy(1),
            },
            Fault::Caller => by_caller(&error),
        }
    }
}

fn by_caller(error: &Error) -> Refusal {
    let status = match error {
        Error::Denied(denied) => return Refusal::from(denied.clone()),
        Error::InvalidCredentials => StatusCode::UNAUTHORIZED,
        Error::Delayed { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::SessionNotFresh | Error::RegistrationClosed | Error::InvalidInvite | Error::Disabled => {
            StatusCode::FORBIDDEN
        }
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::EmailTaken | Error::UsernameTaken | Error::Conflict | Error::LastAdministrator => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    };
    let message = sentence(&error.to_string());
    let mut refusal = Refusal::new(status, error.code(), message.clone());
    if let Error::Delayed { retry_after_seconds } = error {
        refusal = refusal.after(*retry_after_seconds);
    }
    if matches!(error, Error::SessionNotFresh) {
        // Where API keys are made, the dialect has a second code of its own.
        refusal = refusal.with("code", "SESSION_NOT_FRESH");
    }
    if matches!(error, Error::NotFound) {
        refusal = refusal.unnamed();
    }
    if let Error::Several(mistakes) = error {
        let named = mistakes.iter().filter_map(|one| field(one).map(|field| (field, sentence(&one.to_string()))));
        return refusal
            .with_fields(named.map(|(field, message)| FieldProblem { field: field.to_owned(), message }).collect());
    }
    match field(error) {
        Some(field) => refusal.with_fields(vec![FieldProblem { field: field.to_owned(), message }]),
        None => refusal,
    }
}

/// Which member of a request the error is about.
fn field(error: &Error) -> Option<&str> {
    Some(match error {
        Error::InvalidEmail | Error::EmailTaken => "email",
        Error::InvalidUsername | Error::ReservedUsername(_) | Error::UsernameTaken => "username",
        Error::PasswordTooShort | Error::PasswordTooLong | Error::PasswordTooCommon | Error::PasswordFromName => {
            "password"
        }
        Error::InvalidField { field, .. } => field,
        _ => return None,
    })
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::forbidden(sentence(&denied.to_string()))
    }
}

/// A rule's words as a sentence: a capital at the beginning, a full stop at the end.
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
