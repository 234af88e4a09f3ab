//! What the backends of apps manage themselves: the grants of their own types.
//!
//! May use: `access`, `http::{extract, respond, routes}`. Errors are `{"error","message"}`. A grant is a tuple on one
//! of the client's types; managing them needs `manage_grants` on the client (owner, admin) or full access to it, and a
//! credential that administers. Start reading at [`list`].

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{AppBody, missing, of_mistakes};
use crate::access::client_tuple_quota::{self, Admission};
use crate::access::model::Models;
use crate::access::naming;
use crate::access::tuples::{self, Change, Filter, NewTuple};
use crate::access::{Error, authority};
use crate::base::id::{ApiKeyId, ClientId, GroupId, UserId};
use crate::base::json_schema::Unknown;
use crate::base::page::PageRequest;
use crate::base::{Filled, Timestamp};
use crate::cx::Cx;
use crate::http::extract::{Caller, Query, Who, params, refuse_app};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::{Model, SubjectRef, Tuple, TupleKey};
use crate::rights::{self, MayDeny};
use crate::store::rows::{models, users};

/// Grants of one page.
const MAX_LIMIT: u64 = 500;

/// The client, if the caller manages its grants.
fn managed(caller: &Caller, client: &str) -> Result<ClientId, Refusal> {
    refuse_app(caller)?;
    let id: ClientId = client.parse().map_err(|_| Refusal::not_found("There is no such client."))?;
    if let Who::Key(live) = &caller.who
        && live.key.client.as_ref().is_some_and(|bound| *bound != id)
    {
        return Err(Refusal::forbidden("The key is bound to another client."));
    }
    // What is written is decided once more where it is written.
    authority::may_manage_grants(&caller.cx, &caller.cx.read()?, &id).inspect_err(|error| {
        if let Some(denied) = error.denied() {
            rights::record(&caller.cx, denied);
        }
    })?;
    Ok(id)
}

/// The type that a client calls `name`. All models may have to be looked at for it. Errors: [`Error::UnknownType`].
async fn own_type(cx: &Cx, client: &ClientId, name: &str) -> Result<String, Error> {
    let (client, name) = (client.clone(), name.to_owned());
    cx.look(move |cx| find_own_type(cx, &client, &name)).await
}

fn find_own_type(cx: &Cx, client: &ClientId, name: &str) -> Result<String, Error> {
    let from = cx.read()?;
    let all = Models::current(cx, &from)?;
    for entity_type in [format!("{client}:{name}"), format!("client_{client}:{name}"), name.to_owned()] {
        if let Some(model) = all.find(&from, &entity_type)?
            && model.client.as_ref() == Some(client)
        {
            return Ok(model.entity_type.clone());
        }
    }
    let owned = models::of_client(&from, cx.tenant.id, client)?;
    let named = |model: &&Model| model.entity_type.rsplit_once(':').is_some_and(|(_, last)| last == name);
    owned.iter().find(named).map(|model| model.entity_type.clone()).ok_or_else(|| Error::UnknownType(name.to_owned()))
}

/// `GET /api/internal/clients/{client}/grants`: `entityTypeName` and `entityId` go together.
pub async fn list(caller: Caller, client: Path<String>, query: Query) -> HandlerResult {
    let client = managed(&caller, &client)?;
    let asked: GrantQuery = params::typed(query.0, Unknown::Ignored).map_err(of_mistakes)?;
    let limit = match asked.limit {
        None => None,
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => usize::try_from(limit).ok(),
        Some(_) => {
            let message = format!("`limit` is a number from 1 to {MAX_LIMIT}.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_limit", message));
        }
    };
    let mut request = PageRequest::new(limit, None);
    let cx = &caller.cx;
    let (types, entity_id) = match (asked.entity_type_name, asked.entity_id) {
        (Some(name), Some(id)) => (vec![own_type(cx, &client, &name).await?], Some(id)),
        (None, None) => {
            let client = client.clone();
            (cx.look(move |cx| types_of(cx, &client)).await?, None)
        }
        _ => {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "missing_fields",
                "`entityTypeName` and `entityId` go together.",
            ));
        }
    };
    // The cursor names the type that was being read, and where in it.
    let (mut begun, mut after) = match asked.cursor.as_deref().map(|cursor| cursor.split_once('~')) {
        None => (None, None),
        Some(Some((kind, rest))) if types.iter().any(|one| one == kind) => {
            (Some(kind.to_owned()), Some(rest.to_owned()).filter(|rest| !rest.is_empty()))
        }
        Some(_) => return Err(Refusal::malformed("`cursor` is not one of this list.")),
    };
    let (mut grants, mut next) = (Vec::new(), None);
    for (index, entity_type) in types.iter().enumerate() {
        if begun.as_ref().is_some_and(|begun| begun != entity_type) {
            continue;
        }
        begun = None;
        request.after = after.take();
        request.limit = limit.unwrap_or(request.limit).saturating_sub(grants.len()).max(1);
        let filter =
            Filter { entity_type: Some(entity_type.clone()), entity_id: entity_id.clone(), ..Filter::default() };
        let page = tuples::page(cx, &filter, &request)?;
        for tuple in page.items {
            grants.push(shown(cx, tuple)?);
        }
        if let Some(cursor) = page.next {
            next = Some(format!("{entity_type}~{cursor}"));
            break;
        }
        if grants.len() >= limit.unwrap_or(100) {
            next = types.get(index + 1).map(|kind| format!("{kind}~"));
            break;
        }
    }
    let has_more = next.is_some();
    Ok(HttpResponse::Ok().json(GrantPage { grants, next_cursor: next, has_more }))
}

fn types_of(cx: &Cx, client: &ClientId) -> Result<Vec<String>, Error> {
    let owned = models::of_client(&cx.read()?, cx.tenant.id, client)?;
    Ok(owned.into_iter().map(|model| model.entity_type).collect())
}

/// What a list of grants is asked with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GrantQuery {
    /// Only of this type, with `entityId`.
    entity_type_name: Option<String>,
    /// Only on this object, with `entityTypeName`.
    entity_id: Option<String>,
    limit: Option<u64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A page of grants.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GrantPage {
    grants: Vec<Grant>,
    next_cursor: Option<String>,
    has_more: bool,
}

/// A tuple on one of the client's types.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    tuple_id: String,
    entity_type: String,
    entity_id: String,
    relation: String,
    subject_type: String,
    subject_id: String,
    subject_relation: Option<String>,
    user_id: Option<String>,
    user_email: Option<String>,
    has_condition: bool,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
}

fn shown(cx: &Cx, tuple: Tuple) -> Result<Grant, Refusal> {
    let tuple_id = tuple.key.id();
    let TupleKey { entity_type, entity_id, relation, subject } = tuple.key;
    let user = match (subject.kind.as_str(), subject.id.parse::<UserId>()) {
        ("user", Ok(id)) => users::find(&cx.read()?, cx.tenant.id, &id)?,
        _ => None,
    };
    Ok(Grant {
        tuple_id,
        entity_type,
        entity_id,
        relation,
        user_id: (subject.kind == "user").then(|| subject.id.clone()),
        user_email: user.map(|user| user.email),
        subject_type: subject.kind,
        subject_id: subject.id,
        subject_relation: subject.relation,
        has_condition: tuple.condition.is_some(),
        expires_at: tuple.expires_at.map(Timestamp::from),
        created_at: tuple.created_at.into(),
    })
}

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SubjectKind {
    User,
    Group,
    Apikey,
}

impl SubjectKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Apikey => "apikey",
        }
    }
}

/// A grant to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGrant {
    /// The type, as the client calls it or by its whole name.
    entity_type_name: Filled,
    entity_id: Filled,
    relation: Filled,
    subject_type: SubjectKind,
    /// In the place of `subjectId`, for people.
    subject_email: Option<String>,
    subject_id: Option<String>,
    /// Lua that must return true for the grant to count.
    condition: Option<String>,
    /// From then on it does not count.
    expires_at: Option<Timestamp>,
}

/// A grant that is there now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Granted {
    ok: bool,
    tuple_id: String,
    subject_id: String,
}

/// A grant that was taken back.
#[derive(Debug, Serialize)]
struct Removed {
    ok: bool,
}

/// `POST /api/internal/clients/{client}/grants`: 201, or 200 when it was there.
pub async fn create(caller: Caller, client: Path<String>, body: Result<AppBody<NewGrant>, Refusal>) -> HandlerResult {
    let client = managed(&caller, &client)?;
    let body = body?.0;
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let subject_id = text(body.subject_id).or(text(body.subject_email)).ok_or_else(|| missing(&["subjectId"]))?;
    let (condition, expires_at) = (body.condition, body.expires_at.map(|Timestamp(end)| end));
    let (entity_id, relation) = (String::from(body.entity_id), String::from(body.relation));
    let entity_type = own_type(&caller.cx, &client, body.entity_type_name.as_str()).await?;
    let from = caller.cx.read()?;
    let model = Models::current(&caller.cx, &from)?.find(&from, &entity_type)?;
    if !model.is_some_and(|model| model.relations.contains_key(&relation)) {
        let message = format!("`{entity_type}` has no relation `{relation}`.");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "unknown_relation", message));
    }
    // Identifiers, and addresses of people. Usernames and names of groups are for people who write: a program's own
    // name for somebody may be one of them.
    let holder = match body.subject_type {
        SubjectKind::User => naming::holder_of_address(&caller.cx, &from, &subject_id)?,
        SubjectKind::Group | SubjectKind::Apikey => None,
    };
    let subject = SubjectRef::new(body.subject_type.as_str(), holder.map_or(subject_id, |user| user.id.to_string()));
    // A grant is for somebody who is here: whether there still is one with an Auther identifier is seen when it is
    // written.
    let is_ours = match body.subject_type {
        SubjectKind::User => subject.id.parse::<UserId>().is_ok(),
        SubjectKind::Group => subject.id.parse::<GroupId>().is_ok(),
        SubjectKind::Apikey => subject.id.parse::<ApiKeyId>().is_ok(),
    };
    if !is_ours {
        return Err(Error::SubjectNotFound { kind: subject.kind, id: subject.id }.into());
    }
    let key = TupleKey { entity_type, entity_id, relation, subject };
    match client_tuple_quota::admit(&caller.cx, &client)? {
        Admission::Admitted => {}
        Admission::TooManyThisMinute => return Err(Refusal::busy(60)),
        Admission::Full => {
            let message = "The installation has very many tuples. Remove some, or let an administrator write this one.";
            return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "too_many_tuples", message));
        }
    }
    let written =
        tuples::write_of_client(&caller.cx, &client, NewTuple { condition, expires_at, ..key.into() }).await?;
    let status = if written.change == Change::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(Granted {
        ok: true,
        tuple_id: written.tuple.key.id(),
        subject_id: written.tuple.key.subject.id,
    }))
}

/// `DELETE /api/internal/clients/{client}/grants/{tuple}`.
pub async fn delete(caller: Caller, path: Path<(String, String)>) -> HandlerResult {
    let (client, id) = path.into_inner();
    let client = managed(&caller, &client)?;
    let tuple = tuples::by_id(&caller.cx, &id)?;
    let from = caller.cx.read()?;
    let owner = Models::current(&caller.cx, &from)?.find(&from, &tuple.key.entity_type)?;
    if owner.and_then(|model| model.client.clone()) != Some(client.clone()) {
        return Err(Refusal::forbidden("The grant is on a type of another client."));
    }
    tuples::remove_of_client(&caller.cx, &client, &id).await?;
    Ok(HttpResponse::Ok().json(Removed { ok: true }))
}
