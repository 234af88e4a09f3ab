//! Token revocation (RFC 7009).

use serde_json::Value;

use super::{Error, Params, TokenUse, access_token, client_auth};
use crate::audit::{Entry, Event};
use crate::base::Secret;
use crate::base::authorization::Authorization;
use crate::base::id::{RefreshId, TypedId};
use crate::crypto::token;
use crate::cx::{Actor, Cx};
use crate::identity::cascade;
use crate::records::Client;
use crate::store::rows;
use crate::store::rows::marks::{self, Meaning};

/// Revokes a token of the calling client. A refresh token takes its whole family with it; an access token goes alone
/// (RFC 7009 §2.1). "Invalid tokens do not cause an error response" (§2.2), and neither do other clients' tokens:
/// nothing is told.
pub async fn revoke(cx: &Cx, params: &Params, authorization: Option<&Authorization>) -> Result<(), Error> {
    let client = client_auth::authenticate(cx, params, authorization).await?;
    let text = params.require("token")?;
    let cx = &cx.with_actor(Actor::Client(client.id.clone()));
    match token::split(text) {
        Some((id, secret)) => revoke_refresh(cx, &client, id, secret).await,
        None => revoke_access(cx, &client, text).await,
    }
}

async fn revoke_refresh(cx: &Cx, client: &Client, id: &str, secret: &str) -> Result<(), Error> {
    let Ok(id) = RefreshId::parse(id) else { return Ok(()) };
    let (at, client, secret) = (cx.clone(), client.id.clone(), Secret::from(secret));
    let entry = Entry::new(cx);
    cx.store()
        .write(move |tx| {
            let found = rows::grants::find_refresh(tx, at.tenant.id, &id)?;
            let Some(refresh) = found.filter(|refresh| refresh.digest.matches(secret.expose())) else { return Ok(()) };
            let grant = rows::grants::find(tx, at.tenant.id, &refresh.grant)?;
            let Some(grant) = grant.filter(|grant| grant.client == client) else { return Ok(()) };
            cascade::revoke_grant(tx, &at, &grant.id)?;
            Ok(entry.clone().target(&grant.id).append(tx, &at, &Event::TokenRevoke {})?)
        })
        .await
}

async fn revoke_access(cx: &Cx, client: &Client, text: &str) -> Result<(), Error> {
    let Some(claims) = access_token::genuine(cx, text, TokenUse::Access) else { return Ok(()) };
    let named = |name: &str| claims.get(name).and_then(Value::as_str);
    let (Some(jti), Some(expiry)) = (named("jti"), access_token::expiry(&claims)) else { return Ok(()) };
    if named("client_id") != Some(client.id.as_str()) || expiry <= cx.now {
        return Ok(());
    }
    client_auth::may_mark(cx, &client.id)?;
    let (at, jti) = (cx.clone(), jti.to_owned());
    let entry = Entry::new(cx).target(&jti);
    cx.store()
        .write(move |tx| {
            marks::set(tx, at.tenant.id, Meaning::TokenRevoked, &jti, expiry)?;
            Ok(entry.append(tx, &at, &Event::TokenRevoke {})?)
        })
        .await
}
