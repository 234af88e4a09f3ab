//! What the rules about people say, in the words of this dialect.

use actix_web::http::StatusCode;

use crate::http::respond::Refusal;
use crate::identity::Error;

/// The refusal with the dialect's code and status; others keep the rule's own.
pub fn in_dialect(error: Error) -> Refusal {
    let (status, code) = match &error {
        Error::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_email_or_password"),
        Error::EmailTaken => (StatusCode::UNPROCESSABLE_ENTITY, "user_already_exists"),
        Error::UsernameTaken => (StatusCode::UNPROCESSABLE_ENTITY, "username_is_already_taken"),
        Error::RegistrationClosed => (StatusCode::FORBIDDEN, "sign_up_disabled"),
        Error::InvalidInvite => (StatusCode::FORBIDDEN, "invalid_invite"),
        _ => return Refusal::from(error),
    };
    let message = Refusal::from(error).message().to_owned();
    Refusal::new(status, code, message)
}

/// A wrong current password of somebody who is signed in: their session is good, so it is no 401.
pub fn wrong_password(error: Error) -> Refusal {
    match error {
        Error::InvalidCredentials => {
            Refusal::new(StatusCode::BAD_REQUEST, "invalid_password", "The current password is wrong.")
        }
        other => in_dialect(other),
    }
}
