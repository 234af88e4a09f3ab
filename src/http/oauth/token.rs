//! Token, revocation and introspection: POST, client authentication, JSON, never cached.

use actix_web::{HttpRequest, HttpResponse};

use super::authorization::authorization;
use crate::cx::Cx;
use crate::http::extract::Pairs;
use crate::http::respond::Refusal;
use crate::oauth::{Params, grants, introspect, revoke};

/// `POST` token (RFC 6749 §3.2).
pub async fn exchange(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    let answer = grants::exchange(&cx, &params, authorization(&request)?).await?;
    // "… and the Pragma response header field with a value of `no-cache`" (RFC 6749 §5.1); the guard adds `no-store`.
    Ok(HttpResponse::Ok().insert_header(("pragma", "no-cache")).json(answer))
}

/// `POST` revocation (RFC 7009 §2.1): 200 without a body.
pub async fn revoke(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    revoke::revoke(&cx, &params, authorization(&request)?).await?;
    Ok(HttpResponse::Ok().finish())
}

/// `POST` introspection (RFC 7662 §2.1).
pub async fn introspect(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    let answer = introspect::introspect(&cx, &params, authorization(&request)?).await?;
    Ok(HttpResponse::Ok().json(answer))
}
