//! The `Authorization` field of a request, and others that may stand in it once.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use crate::base::Secret;
use crate::base::authorization::Authorization;
use crate::http::respond::Refusal;

/// The field, where there is one. Refuses a request with two, and one that is no text.
pub struct Authorized(pub Option<Authorization>);

impl FromRequest for Authorized {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorization(request).map(Self))
    }
}

/// The same for who has the request.
pub(super) fn authorization(request: &HttpRequest) -> Result<Option<Authorization>, Refusal> {
    Ok(one_line(request, header::AUTHORIZATION.as_str())?.map(|line| Authorization::new(line.expose())))
}

/// The value of a field that holds a secret. Two of them are an attempt to confuse, and refused.
pub(super) fn one_line(request: &HttpRequest, name: &str) -> Result<Option<Secret<String>>, Refusal> {
    let mut lines = request.headers().get_all(name);
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Refusal::malformed(format!("The request has more than one {name} header.")));
    }
    let text = line.to_str().map_err(|_| Refusal::malformed(format!("The header {name} is not readable.")))?;
    Ok(Some(Secret::from(text)))
}
