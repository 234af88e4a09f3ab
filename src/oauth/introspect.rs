//! Token introspection for resource servers (RFC 7662).

use serde_json::{Map, Value, json};

use super::access_token::{self, LiveToken};
use super::{Error, ErrorCode, Params, bearer, client_auth};
use crate::base::id::{RefreshId, TypedId};
use crate::crypto::token;
use crate::cx::Cx;
use crate::records::{Client, User};
use crate::store::rows;

/// What a token is, for an authenticated confidential client: "to prevent token scanning attacks, the endpoint MUST also require
/// some form of authorization" (RFC 7662 §2.1). A refresh token is shown to its own client only.
pub async fn introspect(cx: &Cx, params: &Params, authorization: Option<&str>) -> Result<Value, Error> {
    let client = client_auth::authenticate(cx, params, authorization).await?;
    if client.is_public() {
        return Err(Error::new(
            ErrorCode::UnauthorizedClient,
            "Introspection is for clients that can authenticate; a public client cannot.",
        ));
    }
    let token = params.require("token")?;
    if let Some(live) = access_token::find_live(cx, token)? {
        return Ok(Value::Object(describe(live)));
    }
    if let Some(exchanged) = bearer::find_exchanged(cx, token)? {
        return Ok(Value::Object(active(exchanged.claims, Some(&exchanged.live.owner))));
    }
    let refresh = refresh_token(cx, token, &client)?;
    Ok(refresh.map_or_else(|| json!({ "active": false }), Value::Object))
}

/// RFC 7662 §2.2, with everything the token says.
fn describe(live: LiveToken) -> Map<String, Value> {
    active(live.claims, live.person.as_ref().map(|(user, _)| user))
}

fn active(mut answer: Map<String, Value>, person: Option<&User>) -> Map<String, Value> {
    answer.remove("grant");
    answer.insert("active".into(), json!(true));
    answer.insert("token_type".into(), json!("Bearer"));
    if let Some(user) = person {
        answer.insert("username".into(), json!(user.username.as_ref().unwrap_or(&user.email)));
    }
    answer
}

fn refresh_token(cx: &Cx, text: &str, client: &Client) -> Result<Option<Map<String, Value>>, Error> {
    let Some((id, secret)) = token::split(text) else { return Ok(None) };
    let Ok(id) = RefreshId::parse(id) else { return Ok(None) };
    let from = cx.read()?;
    let found = rows::grants::find_refresh(&from, cx.tenant, &id)?;
    let Some(refresh) = found.filter(|t| {
        t.digest.matches(secret) && t.rotated.is_none() && t.term(cx.settings().tokens.refresh_idle).holds(cx.now)
    }) else {
        return Ok(None);
    };
    let grant = rows::grants::find(&from, cx.tenant, &refresh.grant)?
        .filter(|grant| grant.client == client.id && grant.revoked_at.is_none());
    let Some(grant) = grant else { return Ok(None) };
    if rows::users::find(&from, cx.tenant, &grant.user)?.is_none_or(|user| user.disabled) {
        return Ok(None);
    }
    let answer = json!({
        "active": true,
        "token_type": "refresh_token",
        "iss": cx.issuer(),
        "sub": grant.user,
        "client_id": grant.client,
        "scope": grant.scopes.join(" "),
        "iat": refresh.created_at.seconds(),
        "exp": refresh.expires_at.seconds(),
    });
    Ok(answer.as_object().cloned())
}
