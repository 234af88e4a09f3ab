//! Token, revocation and introspection: POST, client authentication, JSON, never cached.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::{authorization, refused};
use crate::cx::Cx;
use crate::http::extract::Pairs;
use crate::http::respond::Refusal;
use crate::oauth::{Error, ErrorCode, Params, grants, introspect, revoke};

/// `POST` token (RFC 6749 §3.2).
pub async fn exchange(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let authorization = authorization(&request)?;
    let answer = match Params::from_pairs(pairs.0) {
        Ok(params) => grants::exchange(&cx, &params, authorization).await,
        Err(error) => Err(error),
    };
    Ok(match answer {
        Ok(answer) => private_json(&answer),
        Err(error) => with_client_challenge(&cx, &error),
    })
}

/// `POST` revocation (RFC 7009 §2.1): 200 without a body.
pub async fn revoke(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let authorization = authorization(&request)?;
    let answer = match Params::from_pairs(pairs.0) {
        Ok(params) => revoke::revoke(&cx, &params, authorization).await,
        Err(error) => Err(error),
    };
    Ok(match answer {
        Ok(()) => HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish(),
        Err(error) => with_client_challenge(&cx, &error),
    })
}

/// `POST` introspection (RFC 7662 §2.1).
pub async fn introspect(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let authorization = authorization(&request)?;
    let answer = match Params::from_pairs(pairs.0) {
        Ok(params) => introspect::introspect(&cx, &params, authorization).await,
        Err(error) => Err(error),
    };
    Ok(match answer {
        Ok(answer) => private_json(&answer),
        Err(error) => with_client_challenge(&cx, &error),
    })
}

/// "The authorization server MUST include the HTTP `Cache-Control` response header field with a value of `no-store`"
/// (RFC 6749 §5.1).
fn private_json(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(body)
}

/// 401 carries "the `WWW-Authenticate` response header field matching the authentication scheme used by the client"
/// (RFC 6749 §5.2).
fn with_client_challenge(cx: &Cx, error: &Error) -> HttpResponse {
    let challenge = (error.code == ErrorCode::InvalidClient).then_some("Basic realm=\"Auther\", charset=\"UTF-8\"");
    refused(cx, error, challenge)
}
