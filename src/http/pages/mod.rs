//! The pages people see: signing in, consent, signing out, errors. They work without script.
//!
//! May use: every floor below, `http::{extract, respond, routes, oauth}`. A page that is part of an app's request carries it as a
//! [`Flow`](flow::Flow) in the hidden field `continue`. A form is answered with 303, or with the same page and what is wrong.
//! Start reading at [`sign_in`].

mod app;
mod consent;
mod flow;
mod home;
mod log_out;
mod set_up;
mod sign_in;
mod sign_up;
pub mod views;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::ServiceConfig;

use self::views::{Account, FormErrors};
use super::respond::{Refusal, sentence};
use super::routes::{self, Endpoint};
use crate::base::text::shown;
use crate::identity::{Error, Fault};
use crate::records::User;

/// The routes of the pages.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(Endpoint::at([routes::HOME]).get(home::show))
        .service(Endpoint::at([routes::SIGN_IN]).get(sign_in::show).post(sign_in::submit).attempt())
        .service(Endpoint::at([routes::CHOOSE_ACCOUNT]).get(sign_in::show_choice).post(sign_in::choose))
        .service(Endpoint::at([routes::SIGN_UP]).get(sign_up::show).post(sign_up::submit).attempt())
        .service(Endpoint::at([routes::SETUP]).get(set_up::show).post(set_up::submit).attempt())
        .service(Endpoint::at([routes::CONSENT]).get(consent::show).post(consent::submit))
        .service(Endpoint::at([routes::LOGOUT]).get(log_out::show).post(log_out::submit))
        .service(Endpoint::at([routes::ADMIN, routes::BELOW_ADMIN]).get(app::admin))
        .service(Endpoint::at([routes::ACCOUNT, routes::BELOW_ACCOUNT]).get(app::account))
        .service(Endpoint::at([routes::ERROR]).get(home::error));
}

impl Account {
    /// The account of a person as pages show it. What a stored name holds that is not seen is shown as its number.
    pub fn of(user: &User) -> Self {
        let name = user.profile.name.as_deref().unwrap_or_default();
        Self { name: shown(name).into_owned(), email: shown(&user.email).into_owned() }
    }
}

/// Sends the browser to an Auther page, or to a URI that was validated, with `GET` (RFC 9110 §15.4.4).
fn go(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// What is wrong with a form, and the status its page is sent with. Faults of our own are no part of a form.
fn mistakes(error: Error) -> Result<(StatusCode, FormErrors), Refusal> {
    if error.fault() == Fault::Internal {
        return Err(error.into());
    }
    let message = sentence(&error.to_string());
    let at = |field| FormErrors::none().and(field, message.clone());
    let errors = match &error {
        Error::Busy { retry_after_seconds } => {
            return Ok((StatusCode::SERVICE_UNAVAILABLE, FormErrors::overloaded(*retry_after_seconds)));
        }
        Error::Delayed { retry_after_seconds } => {
            return Ok((StatusCode::TOO_MANY_REQUESTS, FormErrors::delayed(*retry_after_seconds)));
        }
        Error::InvalidCredentials => FormErrors::not_matching(),
        Error::InvalidEmail | Error::EmailTaken => at("identifier"),
        Error::PasswordTooShort | Error::PasswordTooLong | Error::PasswordTooCommon | Error::PasswordFromName => {
            at("password")
        }
        Error::InvalidField { field, .. } if field == "name" => at("name"),
        _ => FormErrors::saying(message),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, errors))
}
