//! Reading our own access tokens back: whose they are, and whether they still hold.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::mint::API_KEY_CLAIM;
use super::token_use;
use super::{Error, TokenUse, app_access, clients, consents, scope};
use crate::base::Moment;
use crate::base::id::{ClientId, GrantId, TypedId};
use crate::crypto::jose::{self, Expectation, SignatureAlgorithm, TypRule, Unverified};
use crate::cx::Cx;
use crate::records::{Client, Grant, GrantType, User};
use crate::store::rows::grants;
use crate::store::rows::marks::{self, Meaning};
use crate::store::{Read, Snapshot};

/// A token that is genuine and still holds at this moment, as the store sees it.
#[derive(Debug)]
pub struct LiveToken {
    pub claims: Map<String, Value>,
    /// The client it was given to.
    pub client: Arc<Client>,
    /// The person and the family, unless the client acts for itself.
    pub person: Option<(User, Grant)>,
    /// Its scopes, without those that the client may not ask for any more.
    pub scopes: Vec<String>,
}

/// Verifies signature, kind, issuer and times, then that client, person, consent and family are still good, that the
/// person may use the app at this moment, and that the token was not revoked. `None` for everything else: callers must
/// not tell the reasons apart.
pub async fn find_live(cx: &Cx, token: &str) -> Result<Option<LiveToken>, Error> {
    match genuine(cx, token, TokenUse::Access) {
        Some(claims) => live(cx, claims).await,
        None => Ok(None),
    }
}

/// As [`find_live`], of a token that is known to be genuine.
pub(super) async fn live(cx: &Cx, claims: Map<String, Value>) -> Result<Option<LiveToken>, Error> {
    if jose::check_times(&claims, cx.now, std::time::Duration::ZERO, &["iat", "jti"]).is_err() {
        return Ok(None);
    }
    let Some(live) = as_stored(cx, claims)? else { return Ok(None) };
    let is_let_in = match &live.person {
        Some((user, _)) => app_access::may_use(cx, &live.client, &user.id).await?,
        None => true,
    };
    Ok(is_let_in.then_some(live))
}

/// The token with what the store has about it, unless that speaks against it.
fn as_stored(cx: &Cx, claims: Map<String, Value>) -> Result<Option<LiveToken>, Error> {
    let from = cx.read()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if marks::holds(&from, cx.tenant.id, Meaning::TokenRevoked, text("jti").unwrap_or_default(), cx.now)? {
        return Ok(None);
    }
    let client = live_client(cx, &from, text("client_id"))?.filter(|client| !is_older(cx, &claims, client));
    let Some(client) = client else { return Ok(None) };
    let words = || text("scope").unwrap_or_default().split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
    let (person, scopes) = match text("grant") {
        Some(grant) => match live_person(cx, &from, &client, grant)? {
            Some(person) => (Some(person), words().filter(|word| scope::is_open_to(&client, word)).collect()),
            None => return Ok(None),
        },
        None if is_of(&client, &claims) => (None, words().filter(|word| scope::holds(&client.scopes, word)).collect()),
        None => return Ok(None),
    };
    Ok(Some(LiveToken { claims, client, person, scopes }))
}

/// Whether a client's own token is of this client, and not of one that had its id before, and the client still acts for
/// itself.
fn is_of(client: &Client, claims: &Map<String, Value>) -> bool {
    let made_at = jose::numeric_date(claims, "iat").ok().flatten();
    client.allows(GrantType::ClientCredentials)
        && made_at.is_some_and(|made_at| made_at.seconds() >= client.created_at.seconds())
}

/// The claims of a token that one of our keys signed for us and that is for this, at any time: expiry is the caller's
/// to check.
pub fn genuine(cx: &Cx, token: &str, wanted: TokenUse) -> Option<Map<String, Value>> {
    signed(cx, Unverified::parse(token).ok()?, wanted.typs()).filter(|claims| use_of(claims) == Some(wanted.as_str()))
}

/// As [`genuine`], whatever it is for.
pub(super) fn genuine_of_any_use(cx: &Cx, token: &str) -> Option<(TokenUse, Map<String, Value>)> {
    let token = Unverified::parse(token).ok()?;
    let typ = token.header().typ.clone()?;
    let claims = signed(cx, token, &[&typ])?;
    let is_this = |one: &TokenUse| use_of(&claims) == Some(one.as_str()) && one.typs().contains(&&*typ);
    let found = TokenUse::ALL.into_iter().find(is_this)?;
    Some((found, claims))
}

/// The claims of an id token that Auther issued, at any time, for those who show it as a hint: it names an app and a
/// session and opens nothing. Apps keep theirs for long, so one that was made before tokens said what they are for is
/// taken by its shape, which no token of another kind had: `azp` and `auth_time`, and nothing of an access token or an
/// exchanged one.
pub fn genuine_id_token(cx: &Cx, token: &str) -> Option<Map<String, Value>> {
    let is_older = |claims: &Map<String, Value>| {
        let others = [API_KEY_CLAIM, "act", "scope", "client_id", "grant"];
        let has_shape = ["azp", "auth_time", "sid"].iter().all(|name| claims.contains_key(*name));
        !claims.contains_key(token_use::CLAIM) && has_shape && !others.iter().any(|name| claims.contains_key(*name))
    };
    let claims = signed(cx, Unverified::parse(token).ok()?, TokenUse::Id.typs())?;
    (use_of(&claims) == Some(TokenUse::Id.as_str()) || is_older(&claims)).then_some(claims)
}

fn use_of(claims: &Map<String, Value>) -> Option<&str> {
    claims.get(token_use::CLAIM).and_then(Value::as_str)
}

/// The claims of what one of our keys signed for us with one of these `typ`s.
fn signed(cx: &Cx, token: Unverified<'_>, typs: &[&str]) -> Option<Map<String, Value>> {
    let key = cx.tenant.keyring.verifier(token.header().kid.as_deref()?)?;
    let typ = TypRule::OneOf(typs);
    let expect = Expectation { algorithms: &SignatureAlgorithm::OURS, typ, max_bytes: jose::MAX_BYTES };
    let verified = token.verify(&key, &expect).ok()?;
    let is_ours = verified.claims.get("iss").and_then(Value::as_str) == Some(cx.tenant.issuer.as_str());
    is_ours.then_some(verified.claims)
}

/// `exp` of a token that Auther issued.
pub fn expiry(claims: &Map<String, Value>) -> Option<Moment> {
    jose::numeric_date(claims, "exp").ok().flatten()
}

/// Whether a token was given to another client, which had the id of this one before. A clock that was set back behind
/// the making of the client says nothing.
fn is_older(cx: &Cx, claims: &Map<String, Value>, client: &Client) -> bool {
    let issued = jose::numeric_date(claims, "iat").ok().flatten();
    client.created_at <= cx.now && issued.is_none_or(|issued| issued.seconds() < client.created_at.seconds())
}

fn live_client(cx: &Cx, from: &Snapshot, id: Option<&str>) -> Result<Option<Arc<Client>>, Error> {
    let Some(id) = id.and_then(|id| ClientId::parse(id).ok()) else { return Ok(None) };
    Ok(clients::find_in(cx, from, &id)?.filter(|client| !client.disabled))
}

fn live_person(cx: &Cx, from: &impl Read, client: &Client, grant: &str) -> Result<Option<(User, Grant)>, Error> {
    let Ok(id) = GrantId::parse(grant) else { return Ok(None) };
    let grant = grants::find(from, cx.tenant.id, &id)?.filter(|grant| grant.revoked_at.is_none());
    let Some(grant) = grant.filter(|grant| grant.client == client.id) else { return Ok(None) };
    let user = consents::person_who_consents(cx, from, client, (&grant.user, &grant.scopes))?;
    Ok(user.map(|user| (user, grant)))
}
