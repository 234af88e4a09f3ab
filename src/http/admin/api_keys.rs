//! API keys of all people.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Map, Value, json};

use super::{paged, parameter, sorted_request};
use crate::access::authority;
use crate::apikeys::{self, Error, KeyChange, NewKey, RefillRule};
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::base::page::Page;
use crate::cx::{Actor, Cx};
use crate::http::extract::{Admin, Fresh, Input, Json, Manager, Query, RevokeApiKeys, ViewApiKeys};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::users;
use crate::records::{ApiKey, RateLimit};

/// A key as administrators see it: everything but its text.
fn view(cx: &Cx, key: &ApiKey) -> Map<String, Value> {
    let usage = apikeys::usage(cx, key);
    let document = json!({
        "id": key.id,
        "name": key.name,
        "start": key.start,
        "owner": key.owner,
        "client": key.client,
        "enabled": key.enabled,
        "expired": key.has_expired(cx.now),
        "expires_at": key.expires_at.map(|at| at.rfc3339()),
        "networks": key.networks,
        "rate_limit": key.rate_limit,
        "remaining": key.remaining,
        "refill": key.refill.map(|refill| {
            json!({"amount": refill.amount, "interval_ms": refill.interval_ms, "last": refill.last.rfc3339()})
        }),
        "metadata": key.metadata,
        "uses": usage.count,
        "last_used_at": usage.last.map(|at| at.rfc3339()),
        "created_at": key.created_at.rfc3339(),
        "updated_at": key.updated_at.rfc3339(),
        "version": key.version,
    });
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `GET api-keys`: a page, newest first or by `sort`; of one `client`, a page; of one `owner`, all when they are not sorted.
pub async fn list(admin: Admin<ViewApiKeys>, query: Query) -> HandlerResult {
    let cx = admin.cx.clone();
    let owner = match (parameter(&query, "owner")?, parameter(&query, "client")?) {
        (Some(_), Some(_)) => return Err(Refusal::malformed("Ask for the keys of an owner or of a client.")),
        (Some(name), None) => Some(users::by_name(&cx, name)?.id),
        (None, _) => None,
    };
    let client: Option<ClientId> = parameter(&query, "client")?
        .map(|client| client.parse().map_err(|_| Refusal::not_found("There is no client with this id.")))
        .transpose()?;
    let page = paged(&cx, sorted_request::<ApiKeyId, ApiKey>(&query)?, move |cx, request| {
        match (&request.sort, &owner, &client) {
            (Some(sort), owner, client) => apikeys::sorted(cx, (sort, request.limit), owner.as_ref(), client.as_ref()),
            (None, Some(owner), _) => {
                let items = apikeys::of_owner(cx, owner)?.into_iter().rev().collect();
                Ok(Page { items, next: None })
            }
            (None, None, Some(client)) => apikeys::page_of_client(cx, client, request),
            (None, None, None) => apikeys::page(cx, request),
        }
    });
    let page = page.await?.map(|key| view(&admin.cx, &key));
    Ok(HttpResponse::Ok().json(page))
}

/// `GET api-keys/{key}`.
pub async fn show(admin: Admin<ViewApiKeys>, id: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(view(&admin.cx, &apikeys::find(&admin.cx, &parsed(&id)?, None)?)))
}

/// `POST api-keys`: `key` is shown this once. Without `owner` it belongs to the administrator who asks, or to the first one.
pub async fn create(Fresh(admin): Fresh<Admin>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let name: String = input.require("name");
    let owner: Option<String> = input.take("owner");
    let mut new = NewKey {
        name,
        prefix: input.take("prefix"),
        expires_in: input.take("expires_in"),
        client: input.take::<ClientId>("client"),
        networks: input.take("networks").unwrap_or_default(),
        metadata: input.take("metadata").unwrap_or_default(),
        remaining: input.take("remaining"),
        ..NewKey::default()
    };
    new.rate_limit = input.take::<RateLimit>("rate_limit");
    new.refill = input.take::<RefillRule>("refill");
    input.finish()?;
    let owner = owner_of(&admin.cx, owner.as_deref())?;
    let created = apikeys::create(&admin.cx, &owner, new).await?;
    let mut document = view(&admin.cx, &created.key);
    document.insert(String::from("key"), created.secret.expose().as_str().into());
    Ok(HttpResponse::Created().json(document))
}

/// `PATCH api-keys/{key}`: what is absent stays, a limit or an end that is `null` goes. `version` makes it conditional. Who may only revoke keys may
/// only take from them.
pub async fn update(
    manager: Manager,
    id: Path<String>,
    body: Result<Json<Map<String, Value>>, Refusal>,
) -> HandlerResult {
    let cx = &manager.cx;
    authority::may_change_some_key(cx)?;
    let id = parsed(&id)?;
    let mut input = Input::new(body?.0);
    let change = KeyChange {
        expected_version: input.take("version"),
        name: input.take("name"),
        enabled: input.take("enabled"),
        expires_in: input.take_or_null("expires_in"),
        networks: input.take("networks"),
        metadata: input.take("metadata"),
        remaining: input.take_or_null("remaining"),
        refill: input.take_or_null("refill"),
        rate_limit: input.take_or_null("rate_limit"),
    };
    input.finish()?;
    let key = apikeys::update(cx, &id, change).await?;
    Ok(HttpResponse::Ok().json(view(cx, &key)))
}

/// `DELETE api-keys/{key}`: it stops working at once, and so do tokens it was exchanged for wherever we are asked.
pub async fn revoke(admin: Admin<RevokeApiKeys>, id: Path<String>) -> HandlerResult {
    let (key, tuples) = apikeys::delete(&admin.cx, &parsed(&id)?).await?;
    let ended = json!({ "tuples": tuples });
    let answer = json!({"id": key.id, "name": key.name, "owner": key.owner, "deleted": true, "ended": ended});
    Ok(HttpResponse::Ok().json(answer))
}

fn owner_of(cx: &Cx, named: Option<&str>) -> Result<UserId, Refusal> {
    match (named, &cx.actor) {
        (Some(name), _) => Ok(users::by_name(cx, name)?.id),
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
