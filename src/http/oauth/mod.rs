//! The OAuth and OpenID Connect endpoints: what travels over HTTP around the rules of [`crate::oauth`].
//!
//! May use: `http::extract`, `http::respond`, `http::routes`, the rules. Start reading at [`configure`].

mod authorize;
mod end_session;
mod metadata;
mod token;
mod userinfo;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

pub use end_session::LogoutRequest;

use super::respond::{Refusal, oauth_error};
use super::routes::{self, Endpoint};
use crate::cx::Cx;
use crate::oauth::{Error, ErrorCode};

/// Registers the endpoints of contract §3 under all their names.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(Endpoint::at(routes::DISCOVERY).get(metadata::discovery))
        .service(Endpoint::at(routes::JWKS).get(metadata::jwks))
        .service(Endpoint::at(routes::AUTHORIZE).get(authorize::by_query).post(authorize::by_form))
        .service(Endpoint::at(routes::TOKEN).post(token::exchange))
        .service(Endpoint::at(routes::REVOKE).post(token::revoke))
        .service(Endpoint::at(routes::INTROSPECT).post(token::introspect))
        .service(Endpoint::at(routes::USERINFO).get(userinfo::by_header).post(userinfo::by_body))
        .service(Endpoint::at(routes::END_SESSION).get(end_session::by_query).post(end_session::by_form));
}

/// Seconds after which a caller that found us busy may come back.
const RETRY_AFTER: &str = "1";

/// Draws a rule's error as JSON with the headers its code asks for. A fault of ours is logged once, here.
fn refused(cx: &Cx, error: &Error, challenge: Option<&str>) -> HttpResponse {
    if let Some(cause) = &error.cause {
        tracing::error!(request_id = %cx.request.id, cause = format!("{cause:#}"), "oauth request failed");
    }
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    oauth_error(status, error.code.as_str(), &error.description, |response| {
        if let Some(challenge) = challenge {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if error.code == ErrorCode::TemporarilyUnavailable {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
        }
    })
}

/// The one `Authorization` header as text; two of them are an attempt to confuse.
fn authorization(request: &HttpRequest) -> Result<Option<&str>, Refusal> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::malformed("The request has more than one Authorization header."));
    }
    value.to_str().map(Some).map_err(|_| Refusal::malformed("The Authorization header is not readable."))
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error.cause {
            Some(cause) => Self::internal(cause),
            None => {
                let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
                Self::new(status, error.code.as_str(), error.description)
            }
        }
    }
}
