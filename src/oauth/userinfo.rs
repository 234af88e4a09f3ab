//! The userinfo endpoint (OIDC Core §5.3).

use serde_json::{Map, Value, json};

use super::claims::{self, ClaimsDestination, Granted};
use super::{Error, ErrorCode, access_token, client_claims, mint, scope};
use crate::access::claims::{Subject, resolve};
use crate::cx::Cx;

/// Claims about the person whose access token this is, as they are now. Refuses machine tokens and such without
/// `openid`.
pub async fn claims(cx: &Cx, token: &str) -> Result<Map<String, Value>, Error> {
    let live = access_token::find_live(cx, token).await?.ok_or_else(Error::invalid_token)?;
    let Some((user, grant)) = live.person else { return Err(without_openid()) };
    if !scope::holds(&live.scopes, scope::OPENID) {
        return Err(without_openid());
    }
    let mut answer = Map::new();
    answer.insert("sub".into(), json!(user.id));
    let granted = Granted { client: &live.client, scopes: &live.scopes, request: grant.claims.as_ref() };
    answer.extend(claims::about(&user, granted, ClaimsDestination::Userinfo));
    let (from, within) = (cx.read()?, mint::claims_within(&live.client));
    client_claims::of(cx, &from, (&live.client, &user), &live.scopes)?.put(&mut answer);
    mint::maps(cx, &mut answer, &resolve(cx, &from, Subject::User(&user.id), within)?);
    Ok(answer)
}

fn without_openid() -> Error {
    Error::new(ErrorCode::InsufficientScope, "The access token does not have the scope openid.")
}
