//! Who calls the token, introspection and revocation endpoints: RFC 6749 §2.3, OIDC Core §9, RFC 7523.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::clients;
use super::{Error, ErrorCode, Params, Reason, refusals};
use crate::base::authorization::Authorization;
use crate::base::clock::Term;
use crate::base::id::ClientId;
use crate::base::quota::{Level, Quota};
use crate::base::{Moment, Secret};
use crate::crypto::jose::{self, Expectation, SignatureAlgorithm, TypRule, VerifyingKey};
use crate::cx::Cx;
use crate::records::{AuthMethod, Client};
use crate::store::rows::marks::{self, Meaning};
use crate::tenant::paths;

/// `client_assertion_type` of RFC 7523 §2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longest life of a client assertion that is accepted: widespread libraries sign for an hour.
const MAX_ASSERTION_LIFE: Duration = Duration::from_hours(1);

/// How far the clocks of others may be off.
const LEEWAY: Duration = Duration::from_secs(30);

/// What a caller showed.
enum Shown {
    Basic { id: String, secret: Secret<String> },
    Post { id: String, secret: Secret<String> },
    Assertion { assertion: String },
    Nothing { id: String },
}

/// Proves which client calls. `authorization` is the header, if there is one. Fails with `invalid_client` in the same
/// words whatever is wrong, so that ids cannot be probed; the people who run the app learn the reason. Public clients
/// prove nothing and name themselves.
pub async fn authenticate(
    cx: &Cx,
    params: &Params,
    authorization: Option<&Authorization>,
) -> Result<Arc<Client>, Error> {
    let shown = only_one_method(params, authorization)
        .inspect_err(|error| refusals::tell_proof(cx, params, params.find("client_id"), error))?;
    proved(cx, params, &shown).await.inspect_err(|error| {
        let named = named(&shown).ok();
        refusals::tell_proof(cx, params, named.as_deref().or_else(|| params.find("client_id")), error);
    })
}

/// Whom the credentials name.
fn named(shown: &Shown) -> Result<Cow<'_, str>, Error> {
    match shown {
        Shown::Basic { id, .. } | Shown::Post { id, .. } | Shown::Nothing { id } => Ok(Cow::Borrowed(id)),
        Shown::Assertion { assertion } => assertion_subject(assertion).map(Cow::Owned),
    }
}

async fn proved(cx: &Cx, params: &Params, shown: &Shown) -> Result<Arc<Client>, Error> {
    let client = load(cx, &named(shown)?)?;
    if params.find("client_id").is_some_and(|id| id != client.id.as_str()) {
        let other = "The parameter `client_id` names another client than the credentials do.";
        return Err(Error::invalid_client(other).because(Reason::OtherClient));
    }
    uses_its_registered_method(&client, shown)?;
    match shown {
        Shown::Basic { secret, .. } | Shown::Post { secret, .. } => {
            secret_is_current(cx, &client, secret.expose())?;
        }
        Shown::Assertion { assertion } => assertion_is_good(cx, &client, assertion).await?,
        Shown::Nothing { .. } => {}
    }
    Ok(client)
}

/// "The client MUST NOT use more than one authentication method in each request" (RFC 6749 §2.3).
fn only_one_method(params: &Params, authorization: Option<&Authorization>) -> Result<Shown, Error> {
    let malformed = || {
        Error::invalid_client("The Authorization header is not HTTP Basic with base64 of client_id:client_secret.")
            .because(Reason::NoProof)
    };
    let basic = authorization.map(|shown| shown.client_credentials().ok_or_else(malformed)).transpose()?;
    let secret = params.find("client_secret");
    let assertion = params.find("client_assertion");
    match (basic, secret, assertion) {
        (Some((id, secret)), None, None) => Ok(Shown::Basic { id, secret }),
        (None, Some(secret), None) => {
            let id = params.find("client_id").ok_or_else(|| unknown(Reason::NoProof))?;
            Ok(Shown::Post { id: id.to_owned(), secret: Secret::from(secret) })
        }
        (None, None, Some(assertion)) => {
            if params.find("client_assertion_type") != Some(JWT_BEARER) {
                let rule = format!("The parameter `client_assertion_type` must be {JWT_BEARER}.");
                return Err(Error::invalid_client(rule).because(Reason::NoProof));
            }
            Ok(Shown::Assertion { assertion: assertion.to_owned() })
        }
        (None, None, None) => match params.find("client_id") {
            Some(id) => Ok(Shown::Nothing { id: id.to_owned() }),
            None => Err(Error::invalid_client(
                "No client credentials. Send HTTP Basic, client_id and client_secret, or client_id alone for a public client.",
            )
            .because(Reason::NoProof)),
        },
        _ => Err(Error::invalid_request("The request uses more than one way of client authentication.")
            .because(Reason::SeveralProofs)),
    }
}

fn load(cx: &Cx, id: &str) -> Result<Arc<Client>, Error> {
    let found = clients::find(cx, id).map_err(Error::internal)?;
    let client = found.ok_or_else(|| unknown(Reason::UnknownClient))?;
    if client.disabled { Err(unknown(Reason::ClientDisabled)) } else { Ok(client) }
}

/// Only the registered kind of proof works: a secret, in the header or in the body; an assertion; or nothing.
fn uses_its_registered_method(client: &Client, shown: &Shown) -> Result<(), Error> {
    let used = match shown {
        Shown::Basic { .. } => AuthMethod::ClientSecretBasic,
        Shown::Post { .. } => AuthMethod::ClientSecretPost,
        Shown::Assertion { .. } => AuthMethod::PrivateKeyJwt,
        Shown::Nothing { .. } => AuthMethod::None,
    };
    // Libraries differ in which of the two secret forms they default to; both carry the same proof.
    let both_secret = used.uses_secret() && client.auth_method.uses_secret();
    // Many libraries send an empty-password Basic header or none for public clients; only `none` means public.
    if used == client.auth_method || both_secret { Ok(()) } else { Err(unknown(Reason::WrongMethod)) }
}

fn secret_is_current(cx: &Cx, client: &Client, secret: &str) -> Result<(), Error> {
    // The end of an old one was set when the newest was made.
    let made = client.secrets.iter().map(|stored| stored.created_at).max().unwrap_or(cx.now);
    let holds = |end| Term { made, end, longest: Duration::MAX }.holds(cx.now);
    let (mut is_current, mut is_old) = (false, false);
    for stored in &client.secrets {
        let is_it = stored.digest.matches(secret);
        let is_valid = stored.expires_at.is_none_or(holds);
        is_current |= is_it & is_valid;
        is_old |= is_it & !is_valid;
    }
    match (is_current, is_old) {
        (true, _) => Ok(()),
        (false, true) => Err(unknown(Reason::OldSecret)),
        (false, false) => Err(unknown(Reason::WrongSecret)),
    }
}

/// Whom the assertion speaks of, before anything of it is believed: it only chooses whose keys are tried.
fn assertion_subject(assertion: &str) -> Result<String, Error> {
    let claims = jose::peek_claims(assertion).map_err(|_| unknown(Reason::AssertionMalformed))?;
    let subject = claims.get("sub").and_then(Value::as_str).map(str::to_owned);
    subject.ok_or_else(|| unknown(Reason::AssertionIssuer))
}

/// RFC 7523 §3: issuer and subject are the client, the audience is us, it has not expired and was not used before.
async fn assertion_is_good(cx: &Cx, client: &Client, assertion: &str) -> Result<(), Error> {
    let claims = signed_claims(client, assertion)?;
    jose::check_times(&claims, cx.now, LEEWAY, &["exp"]).map_err(|error| unknown(untimely(&error)))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let is_client = |name: &str| text(name) == Some(client.id.as_str());
    if !is_client("iss") || !is_client("sub") {
        return Err(unknown(Reason::AssertionIssuer));
    }
    if !names_us(cx, claims.get("aud")) {
        return Err(unknown(Reason::AssertionAudience));
    }
    let incomplete = || unknown(Reason::AssertionIncomplete);
    let expires = claims.get("exp").and_then(Value::as_i64).map(Moment::from_seconds).ok_or_else(incomplete)?;
    let jti = text("jti").filter(|jti| (1..=256).contains(&jti.len())).ok_or_else(incomplete)?;
    if expires > cx.now.plus(MAX_ASSERTION_LIFE + LEEWAY) {
        return Err(unknown(Reason::AssertionLifetime));
    }
    let is_first = first_use(cx, &client.id, jti, expires.plus(LEEWAY)).await?;
    if is_first { Ok(()) } else { Err(unknown(Reason::AssertionReplayed)) }
}

/// The claims of an assertion that a registered key of the client signed.
fn signed_claims(client: &Client, assertion: &str) -> Result<Map<String, Value>, Error> {
    let keys = client.jwks.as_ref().and_then(|jwks| jwks.get("keys")).and_then(Value::as_array);
    let keys = keys.ok_or_else(|| unknown(Reason::UnknownKey))?;
    let header = jose::peek_header(assertion).map_err(|_| unknown(Reason::AssertionMalformed))?;
    let algorithm = SignatureAlgorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == header.alg);
    let algorithm = algorithm.ok_or_else(|| unknown(Reason::AssertionMalformed))?;
    let expect = Expectation {
        algorithms: &SignatureAlgorithm::ALL,
        typ: TypRule::OneOfOrAbsent(&["JWT", "client-authentication+jwt"]),
        max_bytes: jose::MAX_BYTES,
    };
    keys.iter()
        .filter_map(Value::as_object)
        .filter(|jwk| header.kid.is_none() || jwk.get("kid").and_then(Value::as_str) == header.kid.as_deref())
        .filter_map(|jwk| VerifyingKey::from_public_jwk_for(jwk, algorithm).ok())
        .find_map(|key| jose::verify(assertion, &key, &expect).ok())
        .map(|verified| verified.claims)
        .ok_or_else(|| unknown(Reason::UnknownKey))
}

fn untimely(error: &jose::Error) -> Reason {
    match error {
        jose::Error::Expired => Reason::AssertionExpired,
        jose::Error::NotYetValid | jose::Error::IssuedInFuture => Reason::AssertionEarly,
        _ => Reason::AssertionIncomplete,
    }
}

/// The issuer or the token endpoint, as the one audience or among several (RFC 7523 §3 item 3).
fn names_us(cx: &Cx, audience: Option<&Value>) -> bool {
    let endpoint = cx.tenant.urls.url(paths::TOKEN[0]);
    let is_us = |value: &Value| value.as_str().is_some_and(|aud| aud == cx.tenant.issuer || aud == endpoint);
    match audience {
        Some(Value::Array(many)) => many.iter().any(is_us),
        Some(one) => is_us(one),
        None => false,
    }
}

/// "The JWT MUST NOT be reused" where `jti` is demanded: noted durably, so that a restart does not forget (RFC 7523 §3
/// item 7).
async fn first_use(cx: &Cx, client: &ClientId, jti: &str, until: Moment) -> Result<bool, Error> {
    may_mark(cx, client)?;
    let (at, name) = (cx.clone(), format!("{client} {jti}"));
    cx.store()
        .write(move |tx| marks::set(tx, at.tenant.id, Meaning::AssertionSeen, &name, until).map_err(Error::from))
        .await
}

/// Marks of one client that are set in a minute: used assertions and revoked access tokens, each kept until what it
/// marks has ended.
const MARKS: u32 = 6_000;

/// The count that [`MARKS`] bounds.
pub(crate) fn quota() -> Quota {
    Quota::new(Duration::from_secs(60))
}

/// Whether one more mark of a client may be set, which has proved who it is or shown a token of its own.
/// Errors: [`ErrorCode::TemporarilyUnavailable`].
pub(super) fn may_mark(cx: &Cx, client: &ClientId) -> Result<(), Error> {
    let level = Level::new("mark", client.as_str(), MARKS);
    let room = cx.process().spent_tokens.take(cx.tenant.id, &[level], cx.now);
    room.map(drop).ok_or_else(|| {
        Error::new(ErrorCode::TemporarilyUnavailable, "The client used or revoked too many tokens within a minute.")
    })
}

fn unknown(reason: Reason) -> Error {
    Error::invalid_client(
        "Client authentication failed: unknown client, wrong credentials, or not the registered method.",
    )
    .because(reason)
}
