//! How a form is answered: by leading on, or by the form again with what is wrong.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

use crate::http::extract::{Browser, Fields};
use crate::http::respond::{Refusal, sentence};
use crate::http::views::FormErrors;
use crate::identity::{Error, Fault};

/// Sends the browser to an Auther page, or to a URI that was validated, with `GET` (RFC 9110 §15.4.4).
pub(super) fn go(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// Why a form that is not the browser's own is drawn again.
pub(super) fn stale_form(browser: &Browser, fields: &Fields) -> FormErrors {
    match browser.opened_at() {
        Some(opened) => FormErrors::opened_elsewhere(opened, browser.cx.tenant.urls.issuer()),
        None if browser.is_out_of_date(fields) => FormErrors::out_of_date(),
        None => FormErrors::stale(),
    }
}

/// What is wrong with a form, and the status its page is sent with. Faults of our own are no part of a form.
pub(super) fn mistakes(error: Error) -> Result<(StatusCode, FormErrors), Refusal> {
    if error.fault() == Fault::Internal {
        return Err(error.into());
    }
    let errors = match &error {
        Error::Busy { retry_after_seconds } => {
            return Ok((StatusCode::SERVICE_UNAVAILABLE, FormErrors::overloaded(*retry_after_seconds)));
        }
        Error::Delayed { retry_after_seconds } => {
            return Ok((StatusCode::TOO_MANY_REQUESTS, FormErrors::delayed(*retry_after_seconds)));
        }
        Error::InvalidCredentials => FormErrors::not_matching(),
        Error::Several(all) => all.iter().fold(FormErrors::none(), with),
        one => with(FormErrors::none(), one),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, errors))
}

/// The same mistakes and one more, beside its field if that is one of the form's.
fn with(errors: FormErrors, error: &Error) -> FormErrors {
    let message = sentence(&error.to_string());
    match error {
        Error::InvalidEmail | Error::EmailTaken => errors.and("identifier", message),
        Error::PasswordTooShort | Error::PasswordTooLong | Error::PasswordTooCommon | Error::PasswordFromName => {
            errors.and("password", message)
        }
        Error::InvalidField { field, .. } if field == "name" => errors.and("name", message),
        _ => FormErrors { summary: Some(message), ..errors },
    }
}
