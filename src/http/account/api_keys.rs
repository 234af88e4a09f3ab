//! API keys: of the caller, to be verified, to be exchanged for a token. Errors are `{"error","message"}`.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::shapes::SUCCESS;
use crate::apikeys::{self, Error, KeyChange, NewKey, RefillRule};
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::base::{Secret, Timestamp, patch};
use crate::cx::Cx;
use crate::http::extract::{Body, Caller, Fresh, OpenBody, Params, Person, Who, presented_key};
use crate::http::respond::{FieldProblem, HandlerResult, Refusal, sentence, try_again};
use crate::oauth::app_access::{self, Gate};
use crate::oauth::{ErrorCode, exchange as rules};
use crate::records::{ApiKey, RateLimit, User};

/// What other software of this dialect limits a key to when it names no numbers: ten uses a day.
const DEFAULT_LIMIT: RateLimit = RateLimit { max: 10, window_ms: 24 * 60 * 60 * 1000 };

/// A key as this dialect writes it: everything but its text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    id: ApiKeyId,
    name: String,
    start: String,
    prefix: String,
    user_id: UserId,
    client_id: Option<ClientId>,
    enabled: bool,
    expired: bool,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    refill_interval: Option<u64>,
    refill_amount: Option<u64>,
    last_refill_at: Option<Timestamp>,
    rate_limit_enabled: bool,
    rate_limit_time_window: Option<u64>,
    rate_limit_max: Option<u64>,
    request_count: u64,
    remaining: Option<u64>,
    last_request: Option<Timestamp>,
    networks: Vec<String>,
    /// Other software keeps permissions in the key; here they are tuples.
    permissions: (),
    metadata: Map<String, Value>,
    version: u64,
    /// Its text, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

fn shape(cx: &Cx, key: &ApiKey) -> Key {
    let usage = apikeys::usage(cx, key);
    Key {
        id: key.id.clone(),
        name: key.name.clone(),
        start: key.start.clone(),
        prefix: key.prefix.clone(),
        user_id: key.owner.clone(),
        client_id: key.client.clone(),
        enabled: key.enabled,
        expired: key.has_expired(cx.now),
        expires_at: key.expires_at.map(Timestamp::from),
        created_at: key.created_at.into(),
        updated_at: key.updated_at.into(),
        refill_interval: key.refill.map(|refill| refill.interval_ms),
        refill_amount: key.refill.map(|refill| refill.amount),
        last_refill_at: key.refill.map(|refill| refill.last.into()),
        rate_limit_enabled: key.rate_limit.is_some(),
        rate_limit_time_window: key.rate_limit.map(|limit| limit.window_ms),
        rate_limit_max: key.rate_limit.map(|limit| limit.max),
        request_count: usage.count,
        remaining: key.remaining,
        last_request: usage.last.map(Timestamp::from),
        networks: key.networks.clone(),
        permissions: (),
        metadata: key.metadata.clone(),
        version: key.version,
        key: None,
    }
}

/// Limits of use, which only administrators set.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    #[serde(default, deserialize_with = "patch::given")]
    remaining: Option<Option<u64>>,
    #[serde(default, deserialize_with = "patch::given")]
    refill_amount: Option<Option<u64>>,
    #[serde(default, deserialize_with = "patch::given")]
    refill_interval: Option<Option<u64>>,
    rate_limit_enabled: Option<bool>,
    rate_limit_max: Option<u64>,
    rate_limit_time_window: Option<u64>,
}

impl Limits {
    /// Those that are named, beside what else only administrators set.
    fn reserved(&self, user_id: bool, permissions: bool) -> Vec<&'static str> {
        let all = [
            ("userId", user_id),
            ("permissions", permissions),
            ("remaining", self.remaining.flatten().is_some()),
            ("refillAmount", self.refill_amount.flatten().is_some()),
            ("refillInterval", self.refill_interval.flatten().is_some()),
            ("rateLimitEnabled", self.rate_limit_enabled.is_some()),
            ("rateLimitMax", self.rate_limit_max.is_some()),
            ("rateLimitTimeWindow", self.rate_limit_time_window.is_some()),
        ];
        all.into_iter().filter(|(_, is_named)| *is_named).map(|(name, _)| name).collect()
    }

    /// `Some(None)` when a limit is to go.
    fn rate_limit(&self) -> Option<Option<RateLimit>> {
        match self.rate_limit_enabled {
            Some(false) => Some(None),
            None if self.rate_limit_max.is_none() && self.rate_limit_time_window.is_none() => None,
            _ => Some(Some(RateLimit {
                max: self.rate_limit_max.unwrap_or(DEFAULT_LIMIT.max),
                window_ms: self.rate_limit_time_window.unwrap_or(DEFAULT_LIMIT.window_ms),
            })),
        }
    }

    /// `Some(None)` when both are `null`. Errors: one without the other.
    fn refill(&self) -> Result<Option<Option<RefillRule>>, Refusal> {
        match (self.refill_amount, self.refill_interval) {
            (None, None) => Ok(None),
            (Some(None), Some(None) | None) | (None, Some(None)) => Ok(Some(None)),
            (Some(Some(amount)), Some(Some(interval_ms))) => Ok(Some(Some(RefillRule { amount, interval_ms }))),
            _ => Err(wrong("refillAmount", "`refillAmount` and `refillInterval` go together.")),
        }
    }
}

/// `POST /api-key/create`
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiKey {
    name: Option<String>,
    /// Whose it is; the caller's when absent.
    user_id: Option<UserId>,
    permissions: Option<Value>,
    prefix: Option<String>,
    /// Seconds until it ends.
    expires_in: Option<u64>,
    client_id: Option<ClientId>,
    networks: Option<Vec<String>>,
    metadata: Option<Map<String, Value>>,
    #[serde(flatten)]
    limits: Limits,
}

/// The record with `key`, which is shown this once.
pub async fn create(Fresh(person): Fresh<Person>, body: Body<NewApiKey>) -> HandlerResult {
    let (user, body) = (&person.signed_in.user, body.0);
    let name = body.name.ok_or_else(|| missing("name"))?;
    let (for_another, permissions) = (body.user_id.is_some(), body.permissions.is_some());
    nothing_is_reserved(body.limits.reserved(for_another, permissions), user)?;
    permissions_are_tuples(permissions)?;
    let owner = body.user_id.unwrap_or_else(|| user.id.clone());
    let new = NewKey {
        name,
        prefix: body.prefix,
        expires_in: body.expires_in,
        client: body.client_id,
        networks: body.networks.unwrap_or_default(),
        metadata: body.metadata.unwrap_or_default(),
        remaining: body.limits.remaining.flatten(),
        refill: body.limits.refill()?.flatten(),
        rate_limit: body.limits.rate_limit().flatten(),
    };
    let created = apikeys::create(&person.cx, &owner, new).await.map_err(in_camel_case)?;
    let key = Some(created.secret.expose().clone());
    Ok(HttpResponse::Ok().json(Key { key, ..shape(&person.cx, &created.key) }))
}

/// `GET /api-key/list`: the caller's keys, expired ones included.
pub async fn list(person: Person) -> HandlerResult {
    let keys = apikeys::of_owner(&person.cx, &person.signed_in.user.id)?;
    Ok(HttpResponse::Ok().json(keys.iter().map(|key| shape(&person.cx, key)).collect::<Vec<_>>()))
}

/// Which key is shown.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Shows {
    id: Option<String>,
}

/// `GET /api-key/get?id=`
pub async fn show(person: Person, query: Params<Shows>) -> HandlerResult {
    let id = query.0.id.ok_or_else(|| missing("id"))?;
    let key = apikeys::find(&person.cx, &parsed(&id)?, Some(&person.signed_in.user.id))?;
    Ok(HttpResponse::Ok().json(shape(&person.cx, &key)))
}

/// `POST /api-key/update`
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangedApiKey {
    key_id: Option<String>,
    user_id: Option<Value>,
    permissions: Option<Value>,
    version: Option<u64>,
    name: Option<String>,
    enabled: Option<bool>,
    /// Seconds from now until it ends; `null` for never.
    #[serde(default, deserialize_with = "patch::given")]
    expires_in: Option<Option<u64>>,
    networks: Option<Vec<String>>,
    metadata: Option<Map<String, Value>>,
    #[serde(flatten)]
    limits: Limits,
}

/// `keyId` and what is to change; `null` removes an end. Only ever the caller's own.
pub async fn update(person: Person, body: Body<ChangedApiKey>) -> HandlerResult {
    let (user, body) = (&person.signed_in.user, body.0);
    let id = body.key_id.ok_or_else(|| missing("keyId"))?;
    let (owner, permissions) = (body.user_id.is_some(), body.permissions.is_some());
    nothing_is_reserved(body.limits.reserved(owner, permissions), user)?;
    let id = parsed(&id)?;
    if owner {
        return Err(wrong("userId", "A key stays its owner's."));
    }
    permissions_are_tuples(permissions)?;
    let change = KeyChange {
        expected_version: body.version,
        name: body.name,
        enabled: body.enabled,
        expires_in: body.expires_in,
        networks: body.networks,
        metadata: body.metadata,
        remaining: body.limits.remaining,
        refill: body.limits.refill()?,
        rate_limit: body.limits.rate_limit(),
    };
    let changed = apikeys::update_own(&person.cx, &id, &user.id, change).await;
    Ok(HttpResponse::Ok().json(shape(&person.cx, &changed.map_err(in_camel_case)?)))
}

/// `POST /api-key/delete`
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Which {
    key_id: Option<String>,
}

/// `{success: true}`. Another person's key is as unknown as one that never was.
pub async fn delete(person: Person, which: OpenBody<Which>) -> HandlerResult {
    let id = parsed(&which.0.key_id.ok_or_else(|| missing("keyId"))?)?;
    apikeys::delete_own(&person.cx, &id, &person.signed_in.user.id).await?;
    Ok(HttpResponse::Ok().json(SUCCESS))
}

/// How many keys were deleted.
#[derive(Debug, Serialize)]
struct DeletedExpired {
    success: bool,
    error: (),
    deleted: usize,
}

/// `POST /api-key/delete-all-expired-api-keys`: the caller's own. `{success, error, deleted}`
pub async fn delete_expired(person: Person) -> HandlerResult {
    let deleted = apikeys::delete_expired(&person.cx, &person.signed_in.user.id).await?;
    Ok(HttpResponse::Ok().json(DeletedExpired { success: true, error: (), deleted }))
}

/// `POST /api-key/verify`
#[derive(Deserialize, ToSchema)]
pub struct Shown {
    #[schema(value_type = Option<String>)]
    key: Option<Secret<String>>,
    /// Where the machine came from that showed the key. Not known when absent, unless the key asks about itself.
    #[schema(value_type = Option<String>)]
    ip: Option<IpAddr>,
    permissions: Option<Value>,
}

/// `{valid, error, key}`, for somebody who was shown a key and wants to know whether it works. Counts as a use of it.
pub async fn verify(caller: Caller, body: OpenBody<Shown>) -> HandlerResult {
    let Shown { key, ip, permissions } = body.0;
    let key = key.ok_or_else(|| missing("key"))?;
    if permissions.is_some_and(|wanted| !wanted.is_null()) {
        // To answer `valid` without having looked would be to grant.
        return Err(Refusal::malformed(
            "`permissions` is not checked here. Ask /api/auth/check-permission with the key.",
        ));
    }
    let cx = &caller.cx;
    let is_own = matches!(&caller.who, Who::Key(live) if live.key.hash.matches(key.expose()));
    let from = ip.or(cx.request.ip.filter(|_| is_own));
    let (error, key) = match apikeys::accept(cx, &key, from).await {
        Ok(live) => match app_access::admit_key(cx, &live, Gate::Key).await {
            Ok(()) => (None, Some(shape(cx, &live.key))),
            Err(error) if error.code == ErrorCode::AccessDenied => {
                let message = error.public_description().to_string();
                (Some(NotValid { message, code: String::from("FORBIDDEN"), details: None }), None)
            }
            Err(error) => return Err(error.into()),
        },
        Err(error) if error.is_refusal() => {
            let (message, code) = (sentence(&error.to_string()).to_string(), error.code().to_string());
            (Some(NotValid { message, code, details: error.try_again_ms().map(try_again) }), None)
        }
        Err(error) => return Err(error.into()),
    };
    Ok(HttpResponse::Ok().json(Verified { valid: key.is_some(), error, key }))
}

/// Whether a key works.
#[derive(Debug, Serialize)]
struct Verified {
    valid: bool,
    error: Option<NotValid>,
    key: Option<Key>,
}

/// Why a key does not work.
#[derive(Debug, Serialize)]
struct NotValid {
    message: String,
    code: String,
    /// When another try is worth it.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
}

/// `POST /api-key/exchange`. Anything else in the body is refused: who asks for a narrower token must not get a wider
/// one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Presented {
    #[schema(value_type = Option<String>)]
    api_key: Option<Secret<String>>,
}

/// `{token, tokenType, expiresIn, expiresAt}`; the key comes in the body or in `x-api-key`.
pub async fn exchange(cx: Cx, request: HttpRequest, body: Body<Presented>) -> HandlerResult {
    let key = presented_key(&request, body.0.api_key.as_ref())?.filter(|key| !key.expose().is_empty());
    let key = key.ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "missing_api_key", "Send the key as `apiKey` or in the header x-api-key.")
    })?;
    let live = apikeys::accept(&cx, &key, cx.request.ip).await;
    let live = live.map_err(|error| Refusal::of_presented_key(&error))?;
    let exchanged = rules::exchange(&cx, &live).await?;
    Ok(HttpResponse::Ok().json(Exchanged {
        token: exchanged.token,
        token_type: "Bearer",
        expires_in: exchanged.expires_in,
        expires_at: exchanged.expires_at.into(),
    }))
}

/// The token that a key was exchanged for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Exchanged<T> {
    token: T,
    token_type: &'static str,
    expires_in: u64,
    expires_at: Timestamp,
}

fn parsed(id: &str) -> Result<ApiKeyId, Error> {
    id.parse().map_err(|_| Error::NotFound)
}

fn missing(name: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "missing_fields", format!("`{name}` is missing."))
}

fn wrong(field: &str, message: &str) -> Refusal {
    Refusal::invalid_fields(vec![FieldProblem { field: field.to_owned(), message: message.to_owned() }])
}

fn nothing_is_reserved(named: Vec<&'static str>, user: &User) -> Result<(), Error> {
    if named.is_empty() || user.is_admin() { Ok(()) } else { Err(Error::Reserved(named)) }
}

/// Other software keeps permissions in the key; here they are tuples, so that there is one answer to who may do what.
fn permissions_are_tuples(are_named: bool) -> Result<(), Refusal> {
    let message = "Give the key relations instead: (type, id, relation, apikey, key id).";
    if are_named { Err(wrong("permissions", message)) } else { Ok(()) }
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
