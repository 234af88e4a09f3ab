//! Token introspection for resource servers (RFC 7662): what a token is at this moment, told to those whom it concerns.

use serde_json::{Map, Value, json};

use super::access_token::{self, LiveToken};
use super::bearer::Exchanged;
use super::client_claims::{RESERVED, TRUNCATED};
use super::consents::person_who_consents;
use super::grants::refresh::{is_usable, still_open};
use super::{Error, ErrorCode, Params, app_access, bearer, client_auth, client_claims, mint};
use crate::access::check::{CLIENT, CLIENTS, Question, check};
use crate::access::claims::{Scope, Subject, resolve};
use crate::audit::{self, Entry, Event};
use crate::base::authorization::Authorization;
use crate::base::id::{ClientId, RefreshId, TypedId};
use crate::crypto::token;
use crate::cx::{Actor, Cx};
use crate::records::tuple::ANY;
use crate::records::{Client, Grant, GrantType, SubjectRef};
use crate::store::rows;

/// The permission that shows a client the tokens of another one.
const INTROSPECT: &str = "introspect";

/// What a token is, for an authenticated confidential client: "to prevent token scanning attacks, the endpoint MUST
/// also require some form of authorization" (RFC 7662 §2.1). "If the introspection call is properly authorized but …
/// the protected resource is not allowed to introspect this particular token, then the authorization server MUST return
/// an introspection response with the active field set to false" (§2.2). A refresh token is shown to its own client
/// only.
pub async fn introspect(cx: &Cx, params: &Params, authorization: Option<&Authorization>) -> Result<Value, Error> {
    let client = client_auth::authenticate(cx, params, authorization).await?;
    if client.is_public() {
        return Err(Error::new(
            ErrorCode::UnauthorizedClient,
            "Introspection is for clients that can authenticate; a public client cannot.",
        ));
    }
    let cx = &cx.with_actor(Actor::Client(client.id.clone()));
    let told = tell(cx, params.require("token")?, &client).await?;
    Ok(told.map_or_else(|| json!({ "active": false }), Value::Object))
}

async fn tell(cx: &Cx, token: &str, client: &Client) -> Result<Option<Map<String, Value>>, Error> {
    if let Some(live) = access_token::find_live(cx, token).await? {
        return if is_for(cx, client, &live.claims).await? { of_access_token(cx, live).map(Some) } else { Ok(None) };
    }
    if let Some(found) = bearer::find_exchanged(cx, token).await? {
        return if is_for(cx, client, &found.claims).await? { of_exchanged(cx, found).map(Some) } else { Ok(None) };
    }
    of_refresh_token(cx, token, client).await
}

/// Whether the token concerns this client: it was given to it, it is the audience by its id, or it holds `introspect`
/// on one of these. A token that names no client is shown to those who hold it on all.
async fn is_for(cx: &Cx, client: &Client, claims: &Map<String, Value>) -> Result<bool, Error> {
    let issued_to = claims.get("client_id").and_then(Value::as_str);
    let audience = match claims.get("aud") {
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    let named: Vec<&str> = issued_to.into_iter().chain(audience).filter(|id| ClientId::parse(id).is_ok()).collect();
    if named.contains(&client.id.as_str()) {
        return Ok(true);
    }
    let objects = if named.is_empty() { vec![ANY] } else { named };
    for object in objects {
        let subject = SubjectRef::new(CLIENT, client.id.as_str());
        if check(cx, &Question::new(subject, INTROSPECT, CLIENTS, object)).await?.allowed {
            return Ok(true);
        }
    }
    audit::tell(cx, &format!("token.introspect {}", client.id), || {
        let entry = issued_to.into_iter().fold(Entry::new(cx), Entry::target);
        (entry, Event::TokenIntrospect { reason: "not_permitted" })
    });
    Ok(false)
}

/// RFC 7662 §2.2, with everything the token says; what has changed since it was made is said as it is now.
fn of_access_token(cx: &Cx, live: LiveToken) -> Result<Map<String, Value>, Error> {
    let LiveToken { claims, client, person, scopes } = live;
    let mut answer = active(claims);
    // What the token says of the person is said anew, whatever it was.
    answer.retain(|name, _| RESERVED.contains(&name.as_str()) && name != TRUNCATED);
    let from = cx.read()?;
    if answer.contains_key("scope") {
        answer.insert("scope".into(), json!(scopes.join(" ")));
    }
    let subject = match &person {
        Some((user, _)) => {
            mint::person(&mut answer, user, &scopes);
            client_claims::of(cx, &from, (&client, user), &scopes)?.put(&mut answer);
            answer.insert("username".into(), json!(user.username.as_ref().unwrap_or(&user.email)));
            Subject::User(&user.id)
        }
        None => Subject::Client(&client.id),
    };
    let permissions = resolve(cx, &from, subject, mint::claims_within(&client))?;
    mint::maps(cx, &mut answer, &permissions);
    Ok(answer)
}

fn of_exchanged(cx: &Cx, found: Exchanged) -> Result<Map<String, Value>, Error> {
    let Exchanged { claims, live } = found;
    let mut answer = active(claims);
    answer.insert("username".into(), json!(live.owner.username.as_ref().unwrap_or(&live.owner.email)));
    let within = live.client.as_deref().map_or(Scope::All, mint::claims_within);
    mint::maps(cx, &mut answer, &resolve(cx, &cx.read()?, Subject::Key(&live.key.id), within)?);
    Ok(answer)
}

fn active(mut answer: Map<String, Value>) -> Map<String, Value> {
    answer.remove("grant");
    answer.insert("active".into(), json!(true));
    answer.insert("token_type".into(), json!("Bearer"));
    answer
}

/// A refresh token that would be taken from this client now.
async fn of_refresh_token(cx: &Cx, text: &str, client: &Client) -> Result<Option<Map<String, Value>>, Error> {
    let Some((id, secret)) = token::split(text) else { return Ok(None) };
    let Ok(id) = RefreshId::parse(id) else { return Ok(None) };
    let from = cx.read()?;
    let found = rows::grants::find_refresh(&from, cx.tenant.id, &id)?;
    let Some(refresh) = found.filter(|refresh| refresh.digest.matches(secret)) else { return Ok(None) };
    if !client.allows(GrantType::RefreshToken) || !is_usable(&from, cx, &refresh)? {
        return Ok(None);
    }
    let grant = rows::grants::find(&from, cx.tenant.id, &refresh.grant)?;
    let is_live = |grant: &Grant| grant.client == client.id && grant.revoked_at.is_none();
    let Some(grant) = grant.filter(is_live) else { return Ok(None) };
    let person = person_who_consents(cx, &from, client, (&grant.user, &grant.scopes))?;
    if person.is_none() || !app_access::may_use(cx, client, &grant.user).await? {
        return Ok(None);
    }
    let answer = json!({
        "active": true,
        "token_type": "refresh_token",
        "iss": cx.tenant.issuer,
        "sub": grant.user,
        "client_id": grant.client,
        "scope": still_open(client, &grant).join(" "),
        "iat": refresh.created_at.seconds(),
        "exp": refresh.expires_at.seconds(),
    });
    Ok(answer.as_object().cloned())
}
