//! API keys: of the caller, to be verified, to be exchanged for a token. Errors are `{"error","message"}`.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::apikeys::{self, Error, KeyChange, NewKey, RefillRule};
use crate::base::Secret;
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::cx::Cx;
use crate::http::extract::{Caller, Fresh, Input, Json, Person, Query, Who, presented_key};
use crate::http::respond::{FieldProblem, HandlerResult, Refusal, sentence, try_again};
use crate::oauth::app_access::{self, Gate};
use crate::oauth::{ErrorCode, exchange as rules};
use crate::records::{ApiKey, RateLimit, User};

/// What other software of this dialect limits a key to when it names no numbers: ten uses a day.
const DEFAULT_LIMIT: RateLimit = RateLimit { max: 10, window_ms: 24 * 60 * 60 * 1000 };

/// What only administrators set.
const RESERVED: [&str; 8] = [
    "userId",
    "permissions",
    "remaining",
    "refillAmount",
    "refillInterval",
    "rateLimitEnabled",
    "rateLimitMax",
    "rateLimitTimeWindow",
];

/// A key as this dialect writes it: everything but its text.
fn shape(cx: &Cx, key: &ApiKey) -> Map<String, Value> {
    let usage = apikeys::usage(cx, key);
    let document = json!({
        "id": key.id,
        "name": key.name,
        "start": key.start,
        "prefix": key.prefix,
        "userId": key.owner,
        "clientId": key.client,
        "enabled": key.enabled,
        "expired": key.has_expired(cx.now),
        "expiresAt": key.expires_at.map(|at| at.rfc3339()),
        "createdAt": key.created_at.rfc3339(),
        "updatedAt": key.updated_at.rfc3339(),
        "refillInterval": key.refill.map(|refill| refill.interval_ms),
        "refillAmount": key.refill.map(|refill| refill.amount),
        "lastRefillAt": key.refill.map(|refill| refill.last.rfc3339()),
        "rateLimitEnabled": key.rate_limit.is_some(),
        "rateLimitTimeWindow": key.rate_limit.map(|limit| limit.window_ms),
        "rateLimitMax": key.rate_limit.map(|limit| limit.max),
        "requestCount": usage.count,
        "remaining": key.remaining,
        "lastRequest": usage.last.map(|at| at.rfc3339()),
        "networks": key.networks,
        "permissions": null,
        "metadata": key.metadata,
        "version": key.version,
    });
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `POST /api-key/create`: the record with `key`, which is shown this once.
pub async fn create(Fresh(person): Fresh<Person>, body: Json<Map<String, Value>>) -> HandlerResult {
    let user = &person.signed_in.user;
    is_there(&body.0, "name")?;
    nothing_is_reserved(&body.0, user)?;
    let mut input = Input::new(body.0);
    let owner = match input.take::<UserId>("userId") {
        Some(named) => named,
        None => user.id.clone(),
    };
    permissions_are_tuples(&mut input);
    let new = NewKey {
        name: input.take("name").unwrap_or_default(),
        prefix: input.take("prefix"),
        expires_in: input.take("expiresIn"),
        client: input.take::<ClientId>("clientId"),
        networks: input.take("networks").unwrap_or_default(),
        metadata: input.take("metadata").unwrap_or_default(),
        remaining: input.take("remaining"),
        refill: refill(&mut input).flatten(),
        rate_limit: rate_limit(&mut input).flatten(),
    };
    input.finish()?;
    let created = apikeys::create(&person.cx, &owner, new).await.map_err(in_camel_case)?;
    let mut document = shape(&person.cx, &created.key);
    document.insert(String::from("key"), created.secret.expose().as_str().into());
    Ok(HttpResponse::Ok().json(document))
}

/// `GET /api-key/list`: the caller's keys, expired ones included.
pub async fn list(person: Person) -> HandlerResult {
    let keys = apikeys::of_owner(&person.cx, &person.signed_in.user.id)?;
    Ok(HttpResponse::Ok().json(keys.iter().map(|key| shape(&person.cx, key)).collect::<Vec<_>>()))
}

/// `GET /api-key/get?id=`
pub async fn show(person: Person, query: Query) -> HandlerResult {
    let id = query.find("id").ok_or_else(|| missing("id"))?;
    let key = apikeys::find(&person.cx, &parsed(id)?, Some(&person.signed_in.user.id))?;
    Ok(HttpResponse::Ok().json(shape(&person.cx, &key)))
}

/// `POST /api-key/update`: `keyId` and what is to change; `null` removes an end. Only ever the caller's own.
pub async fn update(person: Person, body: Json<Map<String, Value>>) -> HandlerResult {
    let user = &person.signed_in.user;
    is_there(&body.0, "keyId")?;
    nothing_is_reserved(&body.0, user)?;
    let mut input = Input::new(body.0);
    let id = parsed(&input.take::<String>("keyId").unwrap_or_default())?;
    if input.take::<Value>("userId").is_some() {
        input.refuse("userId", "A key stays its owner's.");
    }
    permissions_are_tuples(&mut input);
    let change = KeyChange {
        expected_version: input.take("version"),
        name: input.take("name"),
        enabled: input.take("enabled"),
        expires_in: input.take_or_null("expiresIn"),
        networks: input.take("networks"),
        metadata: input.take("metadata"),
        remaining: input.take_or_null("remaining"),
        refill: refill(&mut input),
        rate_limit: rate_limit(&mut input),
    };
    input.finish()?;
    let changed = apikeys::update_own(&person.cx, &id, &user.id, change).await;
    Ok(HttpResponse::Ok().json(shape(&person.cx, &changed.map_err(in_camel_case)?)))
}

/// `POST /api-key/delete`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Which {
    key_id: Option<String>,
}

/// `{success: true}`. Another person's key is as unknown as one that never was.
pub async fn delete(person: Person, which: Json<Which>) -> HandlerResult {
    let id = parsed(&which.0.key_id.ok_or_else(|| missing("keyId"))?)?;
    apikeys::delete_own(&person.cx, &id, &person.signed_in.user.id).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// `POST /api-key/delete-all-expired-api-keys`: the caller's own. `{success, error, deleted}`
pub async fn delete_expired(person: Person) -> HandlerResult {
    let deleted = apikeys::delete_expired(&person.cx, &person.signed_in.user.id).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "error": null, "deleted": deleted })))
}

/// `POST /api-key/verify`
#[derive(Deserialize)]
pub struct Shown {
    key: Option<Secret<String>>,
    /// Where the machine came from that showed the key. Not known when absent, unless the key asks about itself.
    ip: Option<IpAddr>,
    permissions: Option<Value>,
}

/// `{valid, error, key}`, for somebody who was shown a key and wants to know whether it works. Counts as a use of it.
pub async fn verify(caller: Caller, body: Json<Shown>) -> HandlerResult {
    let Shown { key, ip, permissions } = body.0;
    let key = key.ok_or_else(|| missing("key"))?;
    if permissions.is_some_and(|wanted| !wanted.is_null()) {
        // To answer `valid` without having looked would be to grant.
        return Err(Refusal::malformed(
            "`permissions` is not judged here. Ask /api/auth/check-permission with the key.",
        ));
    }
    let cx = &caller.cx;
    let is_own = matches!(&caller.who, Who::Key(live) if live.key.hash.matches(key.expose()));
    let from = ip.or(cx.request.ip.filter(|_| is_own));
    let body = match apikeys::accept(cx, &key, from).await {
        Ok(live) => match app_access::admit_key(cx, &live, Gate::Key).await {
            Ok(()) => json!({ "valid": true, "error": null, "key": shape(cx, &live.key) }),
            Err(error) if error.code == ErrorCode::AccessDenied => {
                let told = json!({ "message": error.public_description(), "code": "FORBIDDEN" });
                json!({ "valid": false, "error": told, "key": null })
            }
            Err(error) => return Err(error.into()),
        },
        Err(error) if error.is_refusal() => {
            let mut told = json!({ "message": sentence(&error.to_string()), "code": error.code() });
            if let (Some(ms), Some(members)) = (error.try_again_ms(), told.as_object_mut()) {
                members.insert(String::from("details"), try_again(ms));
            }
            json!({ "valid": false, "error": told, "key": null })
        }
        Err(error) => return Err(error.into()),
    };
    Ok(HttpResponse::Ok().json(body))
}

/// `POST /api-key/exchange`. Anything else in the body is refused: who asks for a narrower token must not get a wider one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Presented {
    api_key: Option<Secret<String>>,
}

/// `{token, tokenType, expiresIn, expiresAt}`; the key comes in the body or in `x-api-key`.
pub async fn exchange(cx: Cx, request: HttpRequest, body: Json<Presented>) -> HandlerResult {
    let key = presented_key(&request, body.0.api_key.as_ref())?.filter(|key| !key.expose().is_empty());
    let key = key.ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "missing_api_key", "Send the key as `apiKey` or in the header x-api-key.")
    })?;
    let live = apikeys::accept(&cx, &key, cx.request.ip).await;
    let live = live.map_err(|error| Refusal::of_presented_key(&error))?;
    let exchanged = rules::exchange(&cx, &live).await?;
    Ok(HttpResponse::Ok().json(json!({
        "token": exchanged.token,
        "tokenType": "Bearer",
        "expiresIn": exchanged.expires_in,
        "expiresAt": exchanged.expires_at.rfc3339(),
    })))
}

fn parsed(id: &str) -> Result<ApiKeyId, Error> {
    id.parse().map_err(|_| Error::NotFound)
}

fn missing(name: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "missing_fields", format!("`{name}` is missing."))
}

fn is_there(body: &Map<String, Value>, name: &str) -> Result<(), Refusal> {
    if body.get(name).is_none_or(Value::is_null) { Err(missing(name)) } else { Ok(()) }
}

fn nothing_is_reserved(body: &Map<String, Value>, user: &User) -> Result<(), Error> {
    let named = RESERVED.into_iter().filter(|name| body.get(*name).is_some_and(|value| !value.is_null()));
    let named: Vec<&'static str> = named.collect();
    if named.is_empty() || user.is_admin() { Ok(()) } else { Err(Error::Reserved(named)) }
}

/// Other software keeps permissions in the key; here they are tuples, so that there is one answer to who may do what.
fn permissions_are_tuples(input: &mut Input) {
    if input.take::<Value>("permissions").is_some() {
        input.refuse("permissions", "Give the key relations instead: (type, id, relation, apikey, key id).");
    }
}

/// `Some(None)` when a limit is to go.
fn rate_limit(input: &mut Input) -> Option<Option<RateLimit>> {
    let is_enabled: Option<bool> = input.take("rateLimitEnabled");
    let (max, window_ms) = (input.take("rateLimitMax"), input.take("rateLimitTimeWindow"));
    match is_enabled {
        Some(false) => Some(None),
        None if max.is_none() && window_ms.is_none() => None,
        _ => Some(Some(RateLimit {
            max: max.unwrap_or(DEFAULT_LIMIT.max),
            window_ms: window_ms.unwrap_or(DEFAULT_LIMIT.window_ms),
        })),
    }
}

/// `Some(None)` when both are `null`.
fn refill(input: &mut Input) -> Option<Option<RefillRule>> {
    let (amount, interval_ms) = (input.take_or_null("refillAmount"), input.take_or_null("refillInterval"));
    match (amount, interval_ms) {
        (None, None) => None,
        (Some(None), Some(None) | None) | (None, Some(None)) => Some(None),
        (Some(Some(amount)), Some(Some(interval_ms))) => Some(Some(RefillRule { amount, interval_ms })),
        _ => {
            input.refuse("refillAmount", "`refillAmount` and `refillInterval` go together.");
            None
        }
    }
}

/// Names fields as this dialect does.
fn in_camel_case(error: Error) -> Refusal {
    let Error::Invalid(fields) = error else { return error.into() };
    let problems = fields.iter().map(|field| {
        let name = match field.field {
            "expires_in" => "expiresIn",
            "owner" => "userId",
            "client" => "clientId",
            "refill" => "refillAmount",
            "rate_limit" => "rateLimitMax",
            other => other,
        };
        FieldProblem { field: name.to_owned(), message: field.message.clone() }
    });
    let problems = problems.collect();
    Refusal::from(Error::Invalid(fields)).with_fields(problems)
}
