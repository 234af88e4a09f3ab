//! How rules about permissions say no.

use actix_web::http::StatusCode;

use super::{FieldProblem, Refusal, sentence};
use crate::access::Error;
use crate::identity;

/// When to ask again while all scripts are busy, in seconds.
const RETRY_AFTER: u64 = 1;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Store(error) => return Self::from(error.clone()),
            Error::Denied(denied) => return Self::from(denied.clone()),
            Error::NotFresh => return Self::from(identity::Error::SessionNotFresh),
            Error::Invalid(_) | Error::UnknownPermission { .. } => StatusCode::BAD_REQUEST,
            Error::UnknownType(_) | Error::SubjectNotFound { .. } | Error::NotFound => StatusCode::NOT_FOUND,
            Error::Taken | Error::Conflict | Error::InUse(_) => StatusCode::CONFLICT,
            Error::LimitReached(_) | Error::TooLarge(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Busy | Error::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        };
        let fields = match &error {
            Error::Invalid(mistakes) => mistakes
                .iter()
                .map(|mistake| FieldProblem { field: mistake.at.clone(), message: mistake.problem.clone() })
                .collect(),
            _ => Vec::new(),
        };
        // Mistakes begin with their place, which is written as it is.
        let message = match &error {
            Error::Invalid(_) => error.to_string(),
            _ => sentence(&error.to_string()),
        };
        let refusal = Self::new(status, error.code(), message).with_fields(fields);
        if matches!(error, Error::NotFound | Error::UnknownType(_)) {
            return refusal.unnamed();
        }
        if matches!(error, Error::Busy | Error::Crowded) { refusal.after(RETRY_AFTER) } else { refusal }
    }
}
