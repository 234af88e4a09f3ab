//! The `Authorization` header of a request (RFC 9110 §11.6.2).

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::http::respond::Refusal;

/// The one `Authorization` header as text; two of them are an attempt to confuse.
pub(super) fn authorization(request: &HttpRequest) -> Result<Option<&str>, Refusal> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::malformed("The request has more than one Authorization header."));
    }
    value.to_str().map(Some).map_err(|_| Refusal::malformed("The Authorization header is not readable."))
}
