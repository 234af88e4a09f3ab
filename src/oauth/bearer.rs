//! Whose token somebody shows: an access token, an id token, or what an API key was exchanged for. Alive as of now,
//! because we are the ones who would know better.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::access_token::{self, genuine, genuine_of_any_use};
use super::mint::{API_KEY_CLAIM, API_KEY_SCOPE};
use super::{Error, TokenUse, app_access, clients, consents};
use crate::apikeys::{self, Live};
use crate::base::id::{ApiKeyId, SessionId, TypedId, UserId};
use crate::crypto::jose;
use crate::cx::Cx;
use crate::records::{Client, User};
use crate::store::rows::grants;
use crate::store::rows::marks::{self, Meaning};

/// For whom a token speaks.
#[derive(Debug)]
pub enum Holder {
    /// A person, at the app it was given to.
    Person(Box<User>),
    /// A person, to whom an app was told who they are.
    Identified(Box<User>),
    /// A client for itself.
    Client(Arc<Client>),
    /// A machine with an API key.
    Key(Box<Live>),
}

/// A token that a machine got for its API key.
#[derive(Debug)]
pub struct Exchanged {
    pub claims: Map<String, Value>,
    /// The key, which works.
    pub live: Live,
}

/// Verifies signature, kind, issuer and times, then that everybody behind the token is still good at this moment:
/// person, client, session or family, key, and whether person or key may use the app. The audience is not restricted:
/// it is we who are asked. `None` for everything else: callers must not tell the reasons apart.
pub async fn find_live(cx: &Cx, token: &str) -> Result<Option<Holder>, Error> {
    let Some((is_for, claims)) = genuine_of_any_use(cx, token) else { return Ok(None) };
    if is_for == TokenUse::Access {
        return Ok(access_token::live(cx, claims).await?.map(|live| match live.person {
            Some((user, _)) => Holder::Person(Box::new(user)),
            None => Holder::Client(live.client),
        }));
    }
    if !is_current(cx, &claims)? {
        return Ok(None);
    }
    if is_for == TokenUse::Key {
        return Ok(of_key(cx, &claims).await?.map(|live| Holder::Key(Box::new(live))));
    }
    let Some((user, client)) = of_id_token(cx, &claims)? else { return Ok(None) };
    let is_let_in = app_access::may_use(cx, &client, &user.id).await?;
    Ok(is_let_in.then(|| Holder::Identified(Box::new(user))))
}

/// What a token says that a machine got for its API key, while token and key are good.
pub async fn find_exchanged(cx: &Cx, token: &str) -> Result<Option<Exchanged>, Error> {
    let Some(claims) = genuine(cx, token, TokenUse::Key) else { return Ok(None) };
    if !is_current(cx, &claims)? {
        return Ok(None);
    }
    Ok(of_key(cx, &claims).await?.map(|live| Exchanged { claims, live }))
}

/// Whether an id token or an exchanged one is within its times and was not revoked by itself.
fn is_current(cx: &Cx, claims: &Map<String, Value>) -> Result<bool, Error> {
    let is_in_time = jose::check_times(claims, cx.now, Duration::ZERO, &["iat", "jti"]).is_ok();
    let is_revoked = marks::holds(&cx.read()?, cx.tenant.id, Meaning::TokenRevoked, text(claims, "jti"), cx.now)?;
    Ok(is_in_time && !is_revoked)
}

/// The key still works, belongs to whom the token says, and may use the app that it is bound to.
async fn of_key(cx: &Cx, claims: &Map<String, Value>) -> Result<Option<Live>, Error> {
    let Ok(id) = ApiKeyId::parse(text(claims, API_KEY_CLAIM)) else { return Ok(None) };
    let live = match apikeys::live(cx, &id) {
        Ok(live) => live,
        Err(error) if error.is_refusal() => return Ok(None),
        Err(error) => return Err(Error::internal(error)),
    };
    let fits = text(claims, "scope") == API_KEY_SCOPE && text(claims, "sub") == live.owner.id.as_str();
    Ok(if fits && app_access::key_may_use(cx, &live).await? { Some(live) } else { None })
}

/// The person is there, and what they let the app have in that session has not ended.
fn of_id_token(cx: &Cx, claims: &Map<String, Value>) -> Result<Option<(User, Arc<Client>)>, Error> {
    let ids = (UserId::parse(text(claims, "sub")), SessionId::parse(text(claims, "sid")));
    let (Ok(user), Ok(session)) = ids else { return Ok(None) };
    let client = clients::find_live(cx, text(claims, "aud")).map_err(Error::internal)?;
    let Some(client) = client else { return Ok(None) };
    let from = cx.read()?;
    let families = grants::of_session(&from, cx.tenant.id, &session)?;
    let held =
        families.iter().find(|grant| grant.client == client.id && grant.user == user && grant.revoked_at.is_none());
    let Some(held) = held else { return Ok(None) };
    let user = consents::person_who_consents(cx, &from, &client, (&user, &held.scopes))?;
    Ok(user.map(|user| (user, client)))
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> &'c str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}
