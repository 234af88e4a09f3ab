//! How rules about the outbox say no.

use actix_web::http::StatusCode;

use super::Refusal;
use crate::outbox::Error;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::missing(),
            Error::Full => Self::new(StatusCode::SERVICE_UNAVAILABLE, "outbox_full", error.to_string()),
            Error::Denied(denied) => denied.into(),
            Error::Store(error) => error.into(),
            Error::TooLarge | Error::Payload(_) => Self::internal(error),
        }
    }
}
