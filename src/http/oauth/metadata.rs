//! Discovery and keys: bytes prepared when they change, for anyone (`Access-Control-Allow-Origin: *` is the guard's).

use std::sync::OnceLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use crate::crypto::keyring::PreparedJson;
use crate::cx::Cx;
use crate::http::respond::Refusal;
use crate::oauth::discovery;

/// How long caches may keep either document. Keys are published at least 24 hours before their first use.
const CACHE: &str = "public, max-age=300";

/// The discovery document. It depends on the issuer only, which is fixed while the process runs.
pub async fn discovery(cx: Cx, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    static PREPARED: OnceLock<Vec<(String, PreparedJson)>> = OnceLock::new();
    let known = PREPARED.get_or_init(|| {
        let document = discovery::document(cx.issuer());
        PreparedJson::new(&document).map(|json| (cx.issuer().to_owned(), json)).into_iter().collect()
    });
    match known.iter().find(|(issuer, _)| issuer == cx.issuer()) {
        Some((_, prepared)) => Ok(send(&request, prepared)),
        None => {
            let prepared = PreparedJson::new(&discovery::document(cx.issuer())).map_err(Refusal::internal)?;
            Ok(send(&request, &prepared))
        }
    }
}

/// The key set (RFC 7517 §5).
pub async fn jwks(cx: Cx, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    Ok(send(&request, &cx.home.keyring.jwks()))
}

/// The document, or 304 when the caller has it (RFC 9110 §13.1.2).
fn send(request: &HttpRequest, prepared: &PreparedJson) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == prepared.etag));
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, prepared.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, CACHE));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(prepared.bytes.clone())
}
