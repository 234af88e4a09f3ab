//! Userinfo by `GET` or `POST`, the token in the header or in a form body (OIDC Core §5.3.1, RFC 6750 §2.1, §2.2).

use actix_web::HttpResponse;

use crate::base::authorization::Authorization;
use crate::cx::Cx;
use crate::http::extract::{Authorized, Pairs};
use crate::http::respond::Refusal;
use crate::oauth::{Params, userinfo};

/// `GET`: the token comes in the header only. In a query it would end up in logs (RFC 9700 §4.3.2).
pub async fn by_header(cx: Cx, authorized: Authorized) -> Result<HttpResponse, Refusal> {
    answer(&cx, authorized.0.as_ref().and_then(Authorization::bearer)).await
}

/// `POST`: in the header or in the body. "Clients MUST NOT use more than one method to transmit the token in each
/// request" (RFC 6750 §2).
pub async fn by_body(cx: Cx, authorized: Authorized, pairs: Pairs) -> Result<HttpResponse, Refusal> {
    let params = Params::from_pairs(pairs.0)?;
    match (authorized.0.as_ref().and_then(Authorization::bearer), params.find("access_token")) {
        (Some(_), Some(_)) => Err(Refusal::malformed("The access token is both in the header and in the body.")),
        (header, body) => answer(&cx, header.or(body)).await,
    }
}

/// "If the request lacks any authentication information …, the resource server SHOULD NOT include an error code" in its
/// challenge (RFC 6750 §3.1).
async fn answer(cx: &Cx, token: Option<&str>) -> Result<HttpResponse, Refusal> {
    let token = token.ok_or_else(Refusal::unauthenticated)?;
    Ok(HttpResponse::Ok().json(userinfo::claims(cx, token).await?))
}
