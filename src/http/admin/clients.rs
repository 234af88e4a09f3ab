//! Apps.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, patch, post};
use super::paging::{PageQuery, SortOfClients, onward, paged, search};
use crate::access;
use crate::access::dry_run::Changes;
use crate::audit::Ended;
use crate::base::Timestamp;
use crate::base::id::ClientId;
use crate::base::page::Page;
use crate::cx::Cx;
use crate::http::extract::{
    Admin, Body, CreateClients, DeleteClients, Fresh, Params, PlatformRight, UpdateClients, ViewClients, ViewTuples,
};
use crate::http::respond::{FieldProblem, HandlerResult, Refusal};
use crate::oauth::clients::protection::{self, RecentProtection};
use crate::oauth::clients::{self, ClientChange, Error, FieldError, Filter, NewClient, Registered};
use crate::records::{self, ClientFields, ClientSecret, ClientType, Origin};

/// How long an old secret may go on working, in seconds.
const LONGEST_OVERLAP: u64 = 90 * 24 * 60 * 60;

/// An app or a machine: everything but its secrets, whose ages stand there instead.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Client {
    client_id: ClientId,
    /// Name that people see.
    name: String,
    /// web: keeps a secret; spa: in the browser; native: on a device; m2m: without people.
    #[serde(rename = "type")]
    kind: ClientType,
    /// What can be set of it.
    #[serde(flatten)]
    fields: ClientFields,
    /// A disabled app gets nothing.
    disabled: bool,
    /// Where it was declared; in the configuration: read-only here.
    managed_by: Origin,
    /// Its secrets by their ages: one, or two while a rotation overlaps.
    secrets: Vec<SecretAge>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    /// What ended with the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended: Option<Ended>,
    /// The sign-ins of the last days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sign_ins: Option<RecentProtection>,
    /// Whether PKCE could be demanded without anybody noticing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    could_require_pkce: Option<bool>,
    /// Whether nothing ties most of its sign-ins to the browser that began them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    is_unprotected: Option<bool>,
    /// A new secret, shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret: Option<String>,
}

/// How old a secret is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SecretAge {
    created_at: Timestamp,
    /// When it stops working, once there is a newer one.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

impl From<&records::Client> for Client {
    fn from(client: &records::Client) -> Self {
        let age = |secret: &ClientSecret| SecretAge {
            created_at: secret.created_at.into(),
            expires_at: secret.expires_at.map(Timestamp::from),
        };
        Self {
            client_id: client.id.clone(),
            name: client.name.clone(),
            kind: client.kind,
            fields: client.fields.clone(),
            disabled: client.disabled,
            managed_by: client.origin,
            secrets: client.secrets.iter().map(age).collect(),
            created_at: client.created_at.into(),
            updated_at: client.updated_at.into(),
            version: client.version,
            ended: None,
            sign_ins: None,
            could_require_pkce: None,
            is_unprotected: None,
            client_secret: None,
        }
    }
}

/// With the secret if there is a new one: shown this once.
impl From<&Registered> for Client {
    fn from(registered: &Registered) -> Self {
        let client_secret = registered.secret.as_ref().map(|secret| secret.expose().clone());
        Self { client_secret, ..Self::from(&registered.client) }
    }
}

/// What happens to the old secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long it goes on working, in seconds; it ends at once when absent.
    #[schema(maximum = 7_776_000)]
    pub overlap_seconds: Option<u64>,
}

/// An app that was deleted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedClient {
    client_id: ClientId,
    deleted: bool,
    ended: Ended,
}

/// What the deletion of an app would take along.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientDeletion {
    refresh_families: usize,
    api_keys: usize,
    tuples: usize,
    memberships: usize,
    consents: usize,
    models: usize,
    /// Who would gain and who would lose what; null for callers without view on tuples.
    #[schema(required)]
    changes: Option<Changes>,
}

/// Which apps a list of them shows, in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ClientQuery {
    /// Only those whose id, name or redirect URIs hold this.
    search: Option<String>,
    /// Only of this type.
    #[serde(rename = "type")]
    kind: Option<ClientType>,
    /// Only those that are, or are not.
    disabled: Option<bool>,
    /// By this field; with - from the end. A cursor is good for the order that it was made in.
    sort: Option<SortOfClients>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("clients", "Apps and machines, by id").needs("view on clients").asks::<ClientQuery>().lists::<Client>(),
        post("clients", "Registers an app; its secret is shown this once")
            .needs("create on clients")
            .fresh()
            .takes::<NewClient>()
            .makes::<Client>(),
        get("clients/{client}", "An app").needs("view on clients").gives::<Client>(),
        patch("clients/{client}", "Changes an app; what is absent stays, a key set or lifetime that is null goes")
            .needs("update on clients")
            .fresh()
            .takes::<ClientChange>()
            .gives::<Client>(),
        deletes("clients/{client}", "Deletes an app with its grants and consents")
            .needs("delete on clients")
            .fresh()
            .gives::<DeletedClient>(),
        post("clients/{client}/rotate-secret", "Makes another secret, shown this once")
            .needs("update on clients")
            .fresh()
            .takes::<Rotation>()
            .gives::<Client>(),
        post("clients/{client}/disable", "Gives the app nothing more, and revokes its grants")
            .needs("update on clients")
            .gives::<Client>(),
        post("clients/{client}/enable", "Lets the app work again").needs("update on clients").fresh().gives::<Client>(),
        get("clients/{client}/deletion", "What a deletion would take along")
            .needs("delete on clients")
            .gives::<ClientDeletion>(),
    ];
    all.into_iter().map(|operation| operation.under("apps")).collect()
}

/// `GET clients`: a page in the order of ids or by `sort`; `search`, `type` and `disabled` narrow it. A page may be
/// short and still have a `next`.
pub async fn list(admin: Admin<ViewClients>, query: Params<ClientQuery>) -> HandlerResult {
    let ClientQuery { search: text, kind, disabled, sort, page } = query.0;
    let filter = Filter { search: search(text.as_ref()), kind, disabled };
    let by_id = sort.is_none();
    let request = match sort {
        None => page.named_request("clients")?,
        Some(SortOfClients(sort)) => page.sorted_request::<ClientId>(Some(&sort))?,
    };
    let page = paged(&admin.cx, request, move |cx, request| clients::page(cx, &filter, request)).await?;
    let page = page.map(|client| Client::from(&client));
    let next = if by_id { onward("clients", page.next.as_ref()) } else { page.next };
    Ok(HttpResponse::Ok().json(Page { items: page.items, next }))
}

/// `GET clients/{client}`: with how its sign-ins of the last days were protected, and what follows from it.
pub async fn show(admin: Admin<ViewClients>, id: Path<String>) -> HandlerResult {
    let client = clients::find(&admin.cx, &id)?.ok_or(Error::NotFound)?;
    let recent = protection::of_client(&admin.cx, &admin.cx.read()?, &client.id)?;
    Ok(HttpResponse::Ok().json(Client {
        sign_ins: Some(recent),
        could_require_pkce: Some(recent.shows_pkce(&client)),
        is_unprotected: Some(recent.is_bare()),
        ..Client::from(&*client)
    }))
}

/// `POST clients`.
pub async fn create(Fresh(admin): Fresh<Admin<CreateClients>>, body: Body<NewClient>) -> HandlerResult {
    let registered = clients::register(&admin.cx, &body.0).await?;
    Ok(HttpResponse::Created().json(Client::from(&registered)))
}

/// `PATCH clients/{client}`: what is absent stays, a key set or lifetime that is `null` goes. `version` makes it
/// conditional.
pub async fn update(
    Fresh(admin): Fresh<Admin<UpdateClients>>,
    id: Path<String>,
    body: Body<ClientChange>,
) -> HandlerResult {
    let registered = clients::update(&admin.cx, &parsed(&id)?, &body.0).await?;
    Ok(HttpResponse::Ok().json(Client::from(&registered)))
}

/// `POST clients/{client}/rotate-secret`: `overlap_seconds` is how long the old one goes on working.
pub async fn rotate_secret(
    Fresh(admin): Fresh<Admin<UpdateClients>>,
    id: Path<String>,
    body: Body<Rotation>,
) -> HandlerResult {
    let overlap = body.0.overlap_seconds.unwrap_or_default();
    if overlap > LONGEST_OVERLAP {
        let message = String::from("An old secret may work for 90 days at the most.");
        return Err(Refusal::invalid_fields(vec![FieldProblem { field: String::from("overlap_seconds"), message }]));
    }
    let registered = clients::rotate_secret(&admin.cx, &parsed(&id)?, Duration::from_secs(overlap)).await?;
    Ok(HttpResponse::Ok().json(Client::from(&registered)))
}

/// `POST clients/{client}/disable`: revokes its grants, and says what ended.
pub async fn disable(admin: Admin<UpdateClients>, id: Path<String>) -> HandlerResult {
    let (client, ended) = clients::set_disabled(&admin.cx, &parsed(&id)?, true).await?;
    Ok(HttpResponse::Ok().json(Client { ended: Some(ended), ..Client::from(&client) }))
}

/// `POST clients/{client}/enable`.
pub async fn enable(Fresh(admin): Fresh<Admin<UpdateClients>>, id: Path<String>) -> HandlerResult {
    let (client, _) = clients::set_disabled(&admin.cx, &parsed(&id)?, false).await?;
    Ok(HttpResponse::Ok().json(Client::from(&client)))
}

/// `DELETE clients/{client}`: says what went with it.
pub async fn delete(Fresh(admin): Fresh<Admin<DeleteClients>>, id: Path<String>) -> HandlerResult {
    let client_id = parsed(&id)?;
    let ended = clients::delete(&admin.cx, &client_id).await?;
    Ok(HttpResponse::Ok().json(DeletedClient { client_id, deleted: true, ended }))
}

/// `GET clients/{client}/deletion`: what a deletion would take along, and who would gain and who would lose what.
pub async fn deletion(admin: Admin<DeleteClients>, id: Path<String>) -> HandlerResult {
    let id = parsed(&id)?;
    let sees_tuples = ViewTuples::is_held(&admin.cx)?;
    let look = move |cx: &Cx| {
        let ended = clients::deletion(cx, &id);
        // Only who may delete it learns what follows.
        let changes = (ended.is_ok() && sees_tuples).then(|| access::deletion::of_client(cx, &id)).transpose()?;
        Ok::<_, access::Error>((ended, changes))
    };
    let (ended, changes) = admin.cx.look_long(look).await?;
    let ended = ended?;
    Ok(HttpResponse::Ok().json(ClientDeletion {
        refresh_families: ended.grants,
        api_keys: ended.api_keys,
        tuples: ended.tuples,
        memberships: ended.memberships,
        consents: ended.consents,
        models: ended.models,
        changes,
    }))
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
        let Error::Invalid { fields } = &error else {
            let refusal = Self::new(status, error.code(), error.to_string());
            return if status == StatusCode::NOT_FOUND { refusal.unnamed() } else { refusal };
        };
        let problem =
            |field: &FieldError| FieldProblem { field: field.field.to_owned(), message: field.message.clone() };
        Self::invalid_fields(fields.iter().map(problem).collect())
    }
}
