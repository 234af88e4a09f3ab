//! Apps.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde_json::{Map, Value, json};

use super::{flag, named_request, onward, paged, parameter, search, sorted_request, wrong_parameter};
use crate::base::id::ClientId;
use crate::base::long_work::Busy;
use crate::http::extract::{
    Admin, CreateClients, DeleteClients, Fresh, Input, Json, Query, UpdateClients, ViewClients,
};
use crate::http::respond::{FieldProblem, HandlerResult, Refusal};
use crate::oauth::clients::{self, ClientInput, Error, Filter, Registered, protection};
use crate::records::{Client, ClientType, GrantType, Origin};

/// How long an old secret may go on working.
const LONGEST_OVERLAP: u64 = 90 * 24 * 60 * 60;

/// A client as administrators see it: everything but its secrets, whose ages stand there instead.
pub(super) fn view(client: &Client) -> Map<String, Value> {
    let secrets: Vec<Value> = client
        .secrets
        .iter()
        .map(|secret| {
            json!({"created_at": secret.created_at.rfc3339(), "expires_at": secret.expires_at.map(|at| at.rfc3339())})
        })
        .collect();
    let grants: Vec<&str> = client.grants.iter().map(|grant: &GrantType| grant.as_str()).collect();
    let document = json!({
        "client_id": client.id,
        "name": client.name,
        "type": client.kind.as_str(),
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "token_endpoint_auth_method": client.auth_method.as_str(),
        "grant_types": grants,
        "audiences": client.audiences,
        "origins": client.origins,
        "scopes": client.scopes,
        "trusted": client.trusted,
        "require_pkce": client.require_pkce,
        "signing_alg": client.signing_alg.as_str(),
        "access_policy": client.access_policy.as_str(),
        "permission_claims": client.permission_claims.as_str(),
        "jwks": client.jwks,
        "access_token_seconds": client.access_seconds,
        "disabled": client.disabled,
        "managed_by": match client.origin { Origin::Admin => "admin", Origin::Config => "config" },
        "secrets": secrets,
        "created_at": client.created_at.rfc3339(),
        "updated_at": client.updated_at.rfc3339(),
        "version": client.version,
    });
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The view, with the secret if there is a new one: shown this once.
fn shown(registered: &Registered) -> Map<String, Value> {
    let mut document = view(&registered.client);
    if let Some(secret) = &registered.secret {
        document.insert(String::from("client_secret"), secret.expose().as_str().into());
    }
    document
}

/// `GET clients`: a page in the order of ids or by `sort`; `search`, `type` and `disabled` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewClients>, query: Query) -> HandlerResult {
    let filter = Filter { search: search(&query)?, kind: kind(&query)?, disabled: flag(&query, "disabled")? };
    let by_id = parameter(&query, "sort")?.is_none();
    let request = if by_id { named_request(&query, "clients")? } else { sorted_request::<ClientId, Client>(&query)? };
    let page = paged(&admin.cx, request, move |cx, request| clients::page(cx, &filter, request)).await?;
    let items: Vec<Map<String, Value>> = page.items.iter().map(view).collect();
    let next = if by_id { onward("clients", page.next.as_ref()) } else { page.next };
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": next})))
}

/// `GET clients/{client}`: with how its sign-ins of the last days were protected, and what follows from it.
pub async fn show(admin: Admin<ViewClients>, id: Path<String>) -> HandlerResult {
    let client = clients::find(&admin.cx, &id)?.ok_or(Error::NotFound)?;
    let recent = protection::of_client(&admin.cx, &admin.cx.read()?, &client.id)?;
    let mut document = view(&client);
    document.insert(String::from("sign_ins"), json!(recent));
    document.insert(String::from("could_require_pkce"), recent.shows_pkce(&client).into());
    document.insert(String::from("is_unprotected"), recent.is_bare().into());
    Ok(HttpResponse::Ok().json(document))
}

/// `POST clients`.
pub async fn create(Fresh(admin): Fresh<Admin<CreateClients>>, body: Json<ClientInput>) -> HandlerResult {
    let registered = clients::register(&admin.cx, &body.0).await?;
    Ok(HttpResponse::Created().json(shown(&registered)))
}

/// `PATCH clients/{client}`: what is absent stays, a key set or lifetime that is `null` goes. `version` makes it conditional.
pub async fn update(
    Fresh(admin): Fresh<Admin<UpdateClients>>,
    id: Path<String>,
    body: Json<ClientInput>,
) -> HandlerResult {
    let registered = clients::update(&admin.cx, &parsed(&id)?, &body.0).await?;
    Ok(HttpResponse::Ok().json(shown(&registered)))
}

/// `POST clients/{client}/rotate-secret`: `overlap_seconds` is how long the old one goes on working.
pub async fn rotate_secret(
    Fresh(admin): Fresh<Admin<UpdateClients>>,
    id: Path<String>,
    body: Json<Map<String, Value>>,
) -> HandlerResult {
    let mut input = Input::new(body.0);
    let overlap: u64 = input.take("overlap_seconds").unwrap_or_default();
    if overlap > LONGEST_OVERLAP {
        input.refuse("overlap_seconds", "An old secret may work for 90 days at the most.");
    }
    input.finish()?;
    let registered = clients::rotate_secret(&admin.cx, &parsed(&id)?, Duration::from_secs(overlap)).await?;
    Ok(HttpResponse::Ok().json(shown(&registered)))
}

/// `POST clients/{client}/disable`: revokes its grants, and says what ended.
pub async fn disable(admin: Admin<UpdateClients>, id: Path<String>) -> HandlerResult {
    let (client, ended) = clients::set_disabled(&admin.cx, &parsed(&id)?, true).await?;
    let mut document = view(&client);
    document.insert(String::from("ended"), json!(ended));
    Ok(HttpResponse::Ok().json(document))
}

/// `POST clients/{client}/enable`.
pub async fn enable(Fresh(admin): Fresh<Admin<UpdateClients>>, id: Path<String>) -> HandlerResult {
    let (client, _) = clients::set_disabled(&admin.cx, &parsed(&id)?, false).await?;
    Ok(HttpResponse::Ok().json(view(&client)))
}

/// `DELETE clients/{client}`: says what went with it.
pub async fn delete(Fresh(admin): Fresh<Admin<DeleteClients>>, id: Path<String>) -> HandlerResult {
    let id = parsed(&id)?;
    let ended = clients::delete(&admin.cx, &id).await?;
    Ok(HttpResponse::Ok().json(json!({"client_id": id, "deleted": true, "ended": ended})))
}

fn kind(query: &Query) -> Result<Option<ClientType>, Refusal> {
    let Some(text) = parameter(query, "type")? else { return Ok(None) };
    let known = ClientType::ALL.into_iter().find(|kind| kind.as_str() == text);
    known.map(Some).ok_or_else(|| wrong_parameter("type", "is none of web, spa, native and m2m"))
}

/// `GET clients/{client}/deletion`: what a deletion would take along.
pub async fn deletion(admin: Admin<DeleteClients>, id: Path<String>) -> HandlerResult {
    let id = parsed(&id)?;
    let ended = admin.cx.look_long(move |cx| Ok::<_, Busy>(clients::deletion(cx, &id))).await??;
    Ok(HttpResponse::Ok().json(json!({
        "refresh_families": ended.grants,
        "api_keys": ended.api_keys,
        "tuples": ended.tuples,
        "memberships": ended.memberships,
        "consents": ended.consents,
        "models": ended.models,
    })))
}

/// What is no id is no client's.
pub(super) fn parsed(id: &str) -> Result<ClientId, Error> {
    id.parse().map_err(|_| Error::NotFound)
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Store(error) => return Self::from(error.clone()),
            Error::Denied(denied) => return Self::from(denied.clone()),
            Error::Invalid { .. } | Error::NoSecret => StatusCode::BAD_REQUEST,
            Error::NotFound | Error::NoFailure => StatusCode::NOT_FOUND,
            Error::Taken | Error::Conflict | Error::ManagedByConfig | Error::NotFixable => StatusCode::CONFLICT,
        };
        let fields = match &error {
            Error::Invalid { fields } => fields
                .iter()
                .map(|field| FieldProblem { field: field.field.to_owned(), message: field.message.clone() })
                .collect(),
            _ => Vec::new(),
        };
        let message = match &error {
            Error::Invalid { fields } => {
                let names: Vec<&str> = fields.iter().map(|field| field.field).collect();
                format!("These fields are not accepted: {}.", names.join(", "))
            }
            other => other.to_string(),
        };
        Self::new(status, error.code(), message).with_fields(fields)
    }
}
