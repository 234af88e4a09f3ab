//! Discovery and keys: bytes prepared when they change, for anyone (`Access-Control-Allow-Origin: *` is the guard's).

use actix_web::http::{StatusCode, header};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use crate::crypto::keyring::PreparedJson;
use crate::cx::Cx;
use crate::http::respond::Refusal;
use crate::oauth::discovery;

/// How long caches may keep either document. Keys are published at least 24 hours before their first use.
const CACHE: &str = "public, max-age=300";

/// The discovery document of the tenant.
pub async fn discovery(cx: Cx, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    Ok(send(&request, discovery::prepared(&cx.tenant)))
}

/// The same, where clients of an issuer with a path look for it (RFC 8414 §3.1).
pub async fn metadata_of_issuer(cx: Cx, request: HttpRequest, base: Path<String>) -> Result<HttpResponse, Refusal> {
    if cx.tenant.urls.is_named_by(&base) {
        discovery(cx, request).await
    } else {
        Err(Refusal::of_status(StatusCode::NOT_FOUND))
    }
}

/// The key set (RFC 7517 §5).
pub async fn jwks(cx: Cx, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    Ok(send(&request, &cx.tenant.keyring.jwks()))
}

/// The document, or 304 when the caller has it (RFC 9110 §13.1.2).
fn send(request: &HttpRequest, prepared: &PreparedJson) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_known =
        known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == prepared.etag));
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, prepared.etag.as_str())).insert_header((header::CACHE_CONTROL, CACHE));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(prepared.bytes.clone())
}
