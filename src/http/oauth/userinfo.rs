//! Userinfo by `GET` or `POST`, the token in the header or in a form body (OIDC Core §5.3.1, RFC 6750 §2.1, §2.2).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::{authorization, refused};
use crate::cx::Cx;
use crate::http::extract::Pairs;
use crate::http::respond::Refusal;
use crate::oauth::{Error, ErrorCode, Params, userinfo};

/// `GET`: the token comes in the header only. In a query it would end up in logs (RFC 9700 §4.3.2).
pub async fn by_header(cx: Cx, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let token = bearer(authorization(&request)?);
    Ok(answer(&cx, token))
}

/// `POST`: in the header or in the body, not in both (RFC 6750 §2).
pub async fn by_body(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = match Params::from_pairs(pairs.0) {
        Ok(params) => params,
        Err(error) => return Ok(refused(&cx, &error, Some("Bearer error=\"invalid_request\""))),
    };
    let token = match (bearer(authorization(&request)?), params.find("access_token")) {
        (Some(_), Some(_)) => {
            let error = Error::invalid_request("The request has an access token in the header and another in the body.");
            return Ok(refused(&cx, &error, Some("Bearer error=\"invalid_request\"")));
        }
        (header, body) => header.or(body),
    };
    Ok(answer(&cx, token))
}

fn answer(cx: &Cx, token: Option<&str>) -> HttpResponse {
    let Some(token) = token else {
        // "If the request lacks any authentication information … SHOULD NOT include an error code" in the challenge (RFC 6750 §3.1).
        return refused(cx, &Error::new(ErrorCode::InvalidToken, "Send an access token as a Bearer token."), Some("Bearer"));
    };
    match userinfo::claims(cx, token) {
        Ok(claims) => HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(claims),
        Err(error) => {
            let challenge = match error.code {
                ErrorCode::InvalidToken => Some("Bearer error=\"invalid_token\""),
                ErrorCode::InsufficientScope => Some("Bearer error=\"insufficient_scope\", scope=\"openid\""),
                _ => None,
            };
            refused(cx, &error, challenge)
        }
    }
}

/// The token of a `Bearer` header; the scheme's name has no case (RFC 9110 §11.1).
fn bearer(header: Option<&str>) -> Option<&str> {
    let (scheme, token) = header?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}
