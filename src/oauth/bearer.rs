//! Whose token of ours somebody shows: an access token, an id token, or what an API key was exchanged for. Alive as of now, because we are
//! the ones who would know better.

use std::time::Duration;

use serde_json::{Map, Value};

use super::access_token::{self, genuine, genuine_of_any_use};
use super::mint::{API_KEY_CLAIM, API_KEY_SCOPE};
use super::{Error, TokenUse, clients};
use crate::apikeys::{self, Live};
use crate::base::id::{ApiKeyId, SessionId, TypedId, UserId};
use crate::crypto::jose;
use crate::cx::Cx;
use crate::records::{Client, User};
use crate::store::Read;
use crate::store::rows::marks::{self, Meaning};
use crate::store::rows::{grants, users};

/// For whom a token speaks.
#[derive(Debug)]
pub enum Holder {
    /// A person, at the app it was given to.
    Person(Box<User>),
    /// A person, to whom an app was told who they are.
    Identified(Box<User>),
    /// A client for itself.
    Client(Box<Client>),
    /// A machine with an API key.
    Key(Box<Live>),
}

/// A token that a machine got for its API key.
#[derive(Debug)]
pub struct Exchanged {
    /// What it says.
    pub claims: Map<String, Value>,
    /// The key, which works.
    pub live: Live,
}

/// Verifies signature, kind, issuer and times, then that everybody behind the token is still good: person, client, session or family,
/// key. The audience is not restricted: it is we who are asked. `None` for everything else: callers must not tell the reasons apart.
pub fn find_live(cx: &Cx, token: &str) -> Result<Option<Holder>, Error> {
    let Some((is_for, claims)) = genuine_of_any_use(cx, token) else { return Ok(None) };
    match is_for {
        TokenUse::Access => Ok(access_token::live(cx, claims)?.map(|live| match live.person {
            Some((user, _)) => Holder::Person(Box::new(user)),
            None => Holder::Client(Box::new(live.client)),
        })),
        TokenUse::Key if is_current(cx, &claims)? => Ok(of_key(cx, &claims)?.map(|live| Holder::Key(Box::new(live)))),
        TokenUse::Id if is_current(cx, &claims)? => of_id_token(cx, &claims),
        TokenUse::Key | TokenUse::Id => Ok(None),
    }
}

/// What a token says that a machine got for its API key, while token and key are good.
pub fn find_exchanged(cx: &Cx, token: &str) -> Result<Option<Exchanged>, Error> {
    let Some(claims) = genuine(cx, token, TokenUse::Key) else { return Ok(None) };
    if !is_current(cx, &claims)? {
        return Ok(None);
    }
    Ok(of_key(cx, &claims)?.map(|live| Exchanged { claims, live }))
}

/// Whether an id token or an exchanged one is within its times and was not revoked by itself.
fn is_current(cx: &Cx, claims: &Map<String, Value>) -> Result<bool, Error> {
    let is_in_time = jose::check_times(claims, cx.now, Duration::ZERO, &["iat", "jti"]).is_ok();
    let is_revoked = marks::holds(&cx.read()?, cx.tenant, Meaning::TokenRevoked, text(claims, "jti"), cx.now)?;
    Ok(is_in_time && !is_revoked)
}

/// The key still works and belongs to whom the token says.
fn of_key(cx: &Cx, claims: &Map<String, Value>) -> Result<Option<Live>, Error> {
    let Ok(id) = ApiKeyId::parse(text(claims, API_KEY_CLAIM)) else { return Ok(None) };
    match apikeys::live(cx, &id) {
        Ok(live) if text(claims, "scope") == API_KEY_SCOPE && text(claims, "sub") == live.owner.id.as_str() => {
            Ok(Some(live))
        }
        Ok(_) => Ok(None),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(Error::internal(error)),
    }
}

/// The person is there, and what they let the app have in that session has not ended.
fn of_id_token(cx: &Cx, claims: &Map<String, Value>) -> Result<Option<Holder>, Error> {
    let ids = (UserId::parse(text(claims, "sub")), SessionId::parse(text(claims, "sid")));
    let (Ok(user), Ok(session)) = ids else { return Ok(None) };
    let client = clients::find_live(cx, text(claims, "aud")).map_err(Error::internal)?;
    let Some(client) = client else { return Ok(None) };
    let from = cx.read()?;
    let families = grants::of_session(&from, cx.tenant, &session)?;
    let is_held =
        families.iter().any(|grant| grant.client == client.id && grant.user == user && grant.revoked_at.is_none());
    if !is_held {
        return Ok(None);
    }
    Ok(live_user(cx, &from, &user)?.map(|user| Holder::Identified(Box::new(user))))
}

fn live_user(cx: &Cx, from: &impl Read, id: &UserId) -> Result<Option<User>, Error> {
    Ok(users::find(from, cx.tenant, id)?.filter(|user| !user.disabled))
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> &'c str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}
