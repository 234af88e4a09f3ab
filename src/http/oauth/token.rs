//! Token, revocation and introspection: POST, client authentication, JSON, never cached.

use actix_web::HttpResponse;

use crate::cx::Cx;
use crate::http::extract::{Authorized, Pairs};
use crate::http::respond::Refusal;
use crate::oauth::{Params, grants, introspect, revoke};

/// `POST` token (RFC 6749 §3.2).
pub async fn exchange(cx: Cx, authorized: Authorized, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    let answer = grants::exchange(&cx, &params, authorized.0.as_ref()).await?;
    // "… and the Pragma response header field with a value of `no-cache`" (RFC 6749 §5.1); the guard adds `no-store`.
    Ok(HttpResponse::Ok().insert_header(("pragma", "no-cache")).json(answer))
}

/// `POST` revocation (RFC 7009 §2.1): 200 without a body.
pub async fn revoke(cx: Cx, authorized: Authorized, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    revoke::revoke(&cx, &params, authorized.0.as_ref()).await?;
    Ok(HttpResponse::Ok().finish())
}

/// `POST` introspection (RFC 7662 §2.1).
pub async fn introspect(cx: Cx, authorized: Authorized, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    let answer = introspect::introspect(&cx, &params, authorized.0.as_ref()).await?;
    Ok(HttpResponse::Ok().json(answer))
}
