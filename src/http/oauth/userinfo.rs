//! Userinfo by `GET` or `POST`, the token in the header or in a form body (OIDC Core §5.3.1, RFC 6750 §2.1, §2.2).

use actix_web::{HttpRequest, HttpResponse};

use super::authorization::authorization;
use crate::cx::Cx;
use crate::http::extract::Pairs;
use crate::http::respond::Refusal;
use crate::oauth::{Params, userinfo};

/// `GET`: the token comes in the header only. In a query it would end up in logs (RFC 9700 §4.3.2).
pub async fn by_header(cx: Cx, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    answer(&cx, bearer(authorization(&request)?)).await
}

/// `POST`: in the header or in the body. "Clients MUST NOT use more than one method to transmit the token in each request"
/// (RFC 6750 §2).
pub async fn by_body(cx: Cx, request: HttpRequest, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    match (bearer(authorization(&request)?), params.find("access_token")) {
        (Some(_), Some(_)) => Err(Refusal::malformed("The access token is both in the header and in the body.")),
        (header, body) => answer(&cx, header.or(body)).await,
    }
}

/// "If the request lacks any authentication information …, the resource server SHOULD NOT include an error code" in its challenge
/// (RFC 6750 §3.1).
async fn answer(cx: &Cx, token: Option<&str>) -> Result<HttpResponse, Refusal> {
    let token = token.ok_or_else(Refusal::unauthenticated)?;
    Ok(HttpResponse::Ok().json(userinfo::claims(cx, token).await?))
}

/// The token of a `Bearer` header; the scheme's name has no case (RFC 9110 §11.1).
fn bearer(header: Option<&str>) -> Option<&str> {
    let (scheme, token) = header?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}
