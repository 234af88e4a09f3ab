//! API keys of all people.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, patch, post};
use super::paging::{PageQuery, SortOfApiKeys, paged};
use super::users::named as users_named;
use crate::access::authority;
use crate::apikeys::{self, Error, KeyChange, NewKey, RefillRule};
use crate::base::Timestamp;
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::base::page::Page;
use crate::cx::{Actor, Cx};
use crate::http::extract::{Admin, Body, Fresh, Manager, Params, RevokeApiKeys, ViewApiKeys};
use crate::http::respond::{FieldProblem, HandlerResult, Refusal};
use crate::identity::users;
use crate::records::{self, RateLimit};

/// A key of a machine: everything but its text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    id: ApiKeyId,
    /// What people call it.
    name: String,
    /// The beginning of its text.
    start: String,
    owner: UserId,
    /// The app that it is bound to.
    #[schema(required)]
    client: Option<ClientId>,
    enabled: bool,
    expired: bool,
    #[schema(required)]
    expires_at: Option<Timestamp>,
    /// Where it may be used from, as CIDR; empty for everywhere.
    networks: Vec<String>,
    #[schema(required)]
    rate_limit: Option<RateLimit>,
    /// Uses left; `null` for any number.
    #[schema(required)]
    remaining: Option<u64>,
    #[schema(required)]
    refill: Option<Refill>,
    /// Notes.
    metadata: Map<String, Value>,
    /// How often it was used.
    uses: u64,
    #[schema(required)]
    last_used_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    /// Its text, shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<String>,
}

/// How the uses that are left grow back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Refill {
    /// Uses after each refill.
    amount: u64,
    /// Between refills, in milliseconds.
    interval_ms: u64,
    /// The last one.
    last: Timestamp,
}

/// A key to make.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Whose it is: e-mail address, username or id. The administrator's who asks when absent, or the first one's.
    pub owner: Option<String>,
    /// What its text begins with; `ak_live_` when absent.
    #[schema(min_length = 1, max_length = 32)]
    pub prefix: Option<String>,
    /// Seconds until it ends; never when absent.
    #[schema(minimum = 86_400, maximum = 315_360_000)]
    pub expires_in: Option<u64>,
    /// The app to bind it to.
    pub client: Option<String>,
    /// Where it may be used from, as CIDR or addresses; everywhere when absent.
    #[schema(max_items = 32)]
    pub networks: Option<Vec<String>>,
    /// Notes.
    pub metadata: Option<Map<String, Value>>,
    /// How many uses it has; any number when absent.
    #[schema(maximum = 1_000_000_000)]
    pub remaining: Option<u64>,
    /// How often it may be used.
    pub rate_limit: Option<RateLimit>,
    /// How the uses grow back.
    pub refill: Option<RefillRule>,
}

/// A key that was deleted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedApiKey {
    id: ApiKeyId,
    name: String,
    owner: UserId,
    deleted: bool,
    ended: EndedTuples,
}

/// How many relations ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EndedTuples {
    tuples: usize,
}

/// Which keys a list of them shows, in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct KeyQuery {
    /// All of this person.
    owner: Option<String>,
    /// Those that are bound to this app.
    client: Option<String>,
    /// By this field; with - from the end. A cursor is good for the order that it was made in.
    sort: Option<SortOfApiKeys>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("api-keys", "API keys, newest first")
            .needs("view_all on api_keys")
            .asks::<KeyQuery>()
            .lists::<ApiKey>(),
        post("api-keys", "Makes a key, shown this once")
            .needs("manage_platform on platform")
            .fresh()
            .takes::<NewApiKey>()
            .makes::<ApiKey>(),
        get("api-keys/{key}", "A key").needs("view_all on api_keys").gives::<ApiKey>(),
        patch("api-keys/{key}", "Changes a key; what is absent stays, a limit or an end that is null goes")
            .depends("Needs update on api_keys; where the key can do less afterwards and nothing else changes, revoke on api_keys is enough.")
            .takes::<KeyChange>()
            .gives::<ApiKey>(),
        deletes("api-keys/{key}", "Deletes a key; it stops working at once")
            .needs("revoke on api_keys")
            .gives::<DeletedApiKey>(),
    ];
    all.into_iter().map(|operation| operation.under("apps")).collect()
}

fn shown(cx: &Cx, key: records::ApiKey) -> ApiKey {
    let usage = apikeys::usage(cx, &key);
    ApiKey {
        expired: key.has_expired(cx.now),
        id: key.id,
        name: key.name,
        start: key.start,
        owner: key.owner,
        client: key.client,
        enabled: key.enabled,
        expires_at: key.expires_at.map(Timestamp::from),
        networks: key.networks,
        rate_limit: key.rate_limit,
        remaining: key.remaining,
        refill: key.refill.map(|refill| Refill {
            amount: refill.amount,
            interval_ms: refill.interval_ms,
            last: refill.last.into(),
        }),
        metadata: key.metadata,
        uses: usage.count,
        last_used_at: usage.last.map(Timestamp::from),
        created_at: key.created_at.into(),
        updated_at: key.updated_at.into(),
        version: key.version,
        key: None,
    }
}

/// `GET api-keys`: a page, newest first or by `sort`; of one `client`, a page; of one `owner`, all when they are not
/// sorted.
pub async fn list(admin: Admin<ViewApiKeys>, query: Params<KeyQuery>) -> HandlerResult {
    let (cx, KeyQuery { owner, client, sort, page }) = (admin.cx.clone(), query.0);
    let owner = match (owner, &client) {
        (Some(_), Some(_)) => return Err(Refusal::malformed("Ask for the keys of an owner or of a client.")),
        (Some(name), None) => Some(users_named(&cx, &name)?.id),
        (None, _) => None,
    };
    let client: Option<ClientId> =
        client.map(|client| client.parse().map_err(|_| Refusal::no_such(&cx, "clients", &client))).transpose()?;
    let page =
        paged(&cx, page.sorted_request::<ApiKeyId>(sort.as_ref().map(|sort| &sort.0))?, move |cx, request| {
            match (&request.sort, &owner, &client) {
                (Some(sort), owner, client) => {
                    apikeys::sorted(cx, (sort, request.limit), owner.as_ref(), client.as_ref())
                }
                (None, Some(owner), _) => {
                    let items = apikeys::of_owner(cx, owner)?.into_iter().rev().collect();
                    Ok(Page { items, next: None })
                }
                (None, None, Some(client)) => apikeys::page_of_client(cx, client, request),
                (None, None, None) => apikeys::page(cx, request),
            }
        });
    let page = page.await?.map(|key| shown(&admin.cx, key));
    Ok(HttpResponse::Ok().json(page))
}

/// `GET api-keys/{key}`.
pub async fn show(admin: Admin<ViewApiKeys>, id: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(shown(&admin.cx, apikeys::find(&admin.cx, &parsed(&id)?, None)?)))
}

/// `POST api-keys`: `key` is shown this once. Without `owner` it belongs to the administrator who asks, or to the first
/// one.
pub async fn create(Fresh(admin): Fresh<Admin>, body: Body<NewApiKey>) -> HandlerResult {
    let body = body.0;
    let new = NewKey {
        name: body.name,
        prefix: body.prefix,
        expires_in: body.expires_in,
        client: body.client.map(|client| client_of(&client)).transpose()?,
        networks: body.networks.unwrap_or_default(),
        metadata: body.metadata.unwrap_or_default(),
        remaining: body.remaining,
        refill: body.refill,
        rate_limit: body.rate_limit,
    };
    let owner = owner_of(&admin.cx, body.owner.as_deref())?;
    let created = apikeys::create(&admin.cx, &owner, new).await?;
    let key = Some(created.secret.expose().clone());
    Ok(HttpResponse::Created().json(ApiKey { key, ..shown(&admin.cx, created.key) }))
}

/// The client that a key is to be bound to. What is no id is no client's.
fn client_of(text: &str) -> Result<ClientId, Refusal> {
    let message = String::from("This is not the id of an app.");
    let wrong = |_| Refusal::invalid_fields(vec![FieldProblem { field: String::from("client"), message }]);
    text.parse().map_err(wrong)
}

/// `PATCH api-keys/{key}`: what is absent stays, a limit or an end that is `null` goes. `version` makes it conditional.
/// Who may only revoke keys may only take from them.
pub async fn update(manager: Manager, id: Path<String>, body: Result<Body<KeyChange>, Refusal>) -> HandlerResult {
    let cx = &manager.cx;
    authority::may_change_some_key(cx)?;
    let id = parsed(&id)?;
    let key = apikeys::update(cx, &id, body?.0).await?;
    Ok(HttpResponse::Ok().json(shown(cx, key)))
}

/// `DELETE api-keys/{key}`: it stops working at once, and so do tokens it was exchanged for wherever we are asked.
pub async fn revoke(admin: Admin<RevokeApiKeys>, id: Path<String>) -> HandlerResult {
    let (key, tuples) = apikeys::delete(&admin.cx, &parsed(&id)?).await?;
    let ended = EndedTuples { tuples };
    Ok(HttpResponse::Ok().json(DeletedApiKey { id: key.id, name: key.name, owner: key.owner, deleted: true, ended }))
}

fn owner_of(cx: &Cx, named: Option<&str>) -> Result<UserId, Refusal> {
    match (named, &cx.actor) {
        (Some(name), _) => Ok(users_named(cx, name)?.id),
        (None, Actor::User(id)) => Ok(id.clone()),
        (None, _) => match users::first_administrator(cx)? {
            Some(user) => Ok(user.id),
            None => {
                Err(Refusal::malformed("A key belongs to a person: name its owner, since there is no administrator."))
            }
        },
    }
}

fn parsed(id: &str) -> Result<ApiKeyId, Error> {
    id.parse().map_err(|_| Error::NotFound)
}
