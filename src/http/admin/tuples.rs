//! Tuples: who has which relation to which object.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::paging::{page_request, paged, parameter, wrong_parameter};
use super::writers::for_writers;
use crate::access::authority::Writable;
use crate::access::import::{Incoming, prefixed, read_tuples_from};
use crate::access::naming::{self, Name, Naming};
use crate::access::tuples::{self, MAX_BATCH, NewTuple, Written};
use crate::access::{Error, dry_run};
use crate::base::Timestamp;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::{Admin, Input, LongJson, Manager, Query, ViewTuples};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::{self, SubjectRef, TupleKey};
use crate::store::rows::tuples::Filter;

/// Tuples of one dry run.
const MAX_DRY: usize = 100;

/// What is wrong with it is told after who asks.
type Body = Result<LongJson, Refusal>;

/// A tuple: who has which relation to which object.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tuple {
    /// Made of its six parts: the same tuple has the same identifier everywhere.
    id: String,
    entity_type: String,
    /// The object; `*` for all of the type.
    entity_id: String,
    relation: String,
    subject_type: String,
    /// Who; `*` for all of the type.
    subject_id: String,
    /// With it, the subject is everyone who has this relation to the one that is named.
    #[schema(required)]
    subject_relation: Option<String>,
    /// Lua that must return true for the tuple to count.
    #[schema(required)]
    condition: Option<String>,
    /// From then on it does not count.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The name that the subject was given by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resolved: Option<Name>,
}

impl From<&records::Tuple> for Tuple {
    fn from(tuple: &records::Tuple) -> Self {
        let TupleKey { entity_type, entity_id, relation, subject } = tuple.key.clone();
        Self {
            id: tuple.key.id(),
            entity_type,
            entity_id,
            relation,
            subject_type: subject.kind,
            subject_id: subject.id,
            subject_relation: subject.relation,
            condition: tuple.condition.clone(),
            expires_at: tuple.expires_at.map(Timestamp::from),
            created_at: tuple.created_at.into(),
            updated_at: tuple.updated_at.into(),
            resolved: None,
        }
    }
}

impl From<&Written> for Tuple {
    fn from(written: &Written) -> Self {
        Self { resolved: written.name.clone(), ..Self::from(&written.tuple) }
    }
}

/// `GET tuples`: `entity_type`, `entity_id`, `relation` and `subject=TYPE:ID` narrow it. A subject may be named, unless `names=false`. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewTuples>, query: Query) -> HandlerResult {
    let text = |name| parameter(&query, name).map(|value| value.map(str::to_owned));
    let (subject_type, subject_id) = match parameter(&query, "subject")? {
        None => (None, None),
        Some(subject) => {
            // The type may hold colons; the identifier is what stands behind the last one of the type.
            let split = subject.split_once(':').ok_or_else(|| wrong_parameter("subject", "is not TYPE:ID"))?;
            (Some(split.0.to_owned()), Some(split.1.to_owned()))
        }
    };
    let mut filter = Filter {
        entity_type: text("entity_type")?,
        entity_id: text("entity_id")?,
        relation: text("relation")?,
        subject_type: text("subject_type")?.or(subject_type),
        subject_id: text("subject_id")?.or(subject_id),
    };
    let naming = Naming::asked(parameter(&query, "names")? != Some("false"));
    let mut name = None;
    if let (Some(kind), Some(id)) = (&filter.subject_type, &filter.subject_id) {
        let typed = SubjectRef::new(&**kind, &**id);
        let found = naming::subject(&admin.cx, &admin.cx.read()?, &typed, naming)?;
        (filter.subject_id, name) = (Some(found.0.id), found.1);
    }
    let read = move |cx: &Cx, request: &PageRequest| tuples::page(cx, &filter, request);
    let page = paged(&admin.cx, page_request::<String>(&query)?, read).await?;
    let items: Vec<Tuple> = page.items.iter().map(Tuple::from).collect();
    Ok(HttpResponse::Ok().json(resolved(json!({"items": items, "next": page.next}), name.as_ref())))
}

/// The answer with the name that somebody was given by, if they were: `resolved`.
pub(super) fn resolved(mut answer: Value, name: Option<&Name>) -> Value {
    if let (Some(members), Some(name)) = (answer.as_object_mut(), name) {
        members.insert(String::from("resolved"), json!(name));
    }
    answer
}

/// `GET tuples/{tuple}`.
pub async fn show(admin: Admin<ViewTuples>, id: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(Tuple::from(&tuples::by_id(&admin.cx, &id)?)))
}

/// `POST tuples`: one tuple, or `tuples` with up to 1000 of them, all or none. People and groups may be named; with `"names": false` all is
/// taken for an identifier.
pub async fn write(manager: Manager, body: Body) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, write_all(&manager.cx, body).await)
}

async fn write_all(cx: &Cx, body: Body) -> HandlerResult {
    let mut input = Input::new(body?.0);
    if let Some(many) = input.take::<Vec<Map<String, Value>>>("tuples") {
        input.finish()?;
        let new = many.into_iter().map(|one| new_tuple(Input::new(one))).collect::<Result<Vec<_>, _>>()?;
        let written = tuples::write_lines(cx, (1..).zip(new).collect()).await?;
        let items: Vec<Tuple> = written.iter().map(Tuple::from).collect();
        return Ok(HttpResponse::Created().json(json!({"items": items, "next": null})));
    }
    Ok(HttpResponse::Created().json(Tuple::from(&tuples::write(cx, new_tuple(input)?).await?)))
}

/// `POST tuples/remove`: the parts of the tuple.
pub async fn remove(manager: Manager, body: Body) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, remove_named(&manager.cx, body).await)
}

async fn remove_named(cx: &Cx, body: Body) -> HandlerResult {
    let tuple = new_tuple(Input::new(body?.0))?;
    Ok(HttpResponse::Ok().json(Tuple::from(&tuples::remove_named(cx, &tuple.key, tuple.naming).await?)))
}

/// `DELETE tuples/{tuple}`.
pub async fn delete(manager: Manager, id: Path<String>) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, remove_by_id(&manager.cx, &id).await)
}

async fn remove_by_id(cx: &Cx, id: &str) -> HandlerResult {
    Ok(HttpResponse::Ok().json(Tuple::from(&tuples::remove_by_id(cx, id).await?)))
}

/// `POST tuples/import`: `lines` in any of the notations that are read, `first_line` for messages, `prefix` before the types of OpenFGA tuples;
/// all or none. Those that have expired are left out and counted. Lines hold identifiers, as files from elsewhere do; with `names` they are read as a person
/// writes them.
pub async fn import(manager: Manager, body: Body) -> HandlerResult {
    for_writers(&manager.cx, Writable::Tuples, import_lines(&manager.cx, body).await)
}

async fn import_lines(cx: &Cx, body: Body) -> HandlerResult {
    let mut input = Input::new(body?.0);
    let lines: Vec<String> = input.require("lines");
    let first: usize = input.take("first_line").unwrap_or(1);
    let prefix: String = input.take("prefix").unwrap_or_default();
    let naming = Naming::written(input.take("names").unwrap_or_default());
    input.finish()?;
    if lines.len() > MAX_BATCH {
        return Err(Error::invalid("lines", format!("has more than {MAX_BATCH} lines")).into());
    }
    // Lines that were sent before count for the numbers in messages.
    let incoming = read_tuples_from(&lines.join("\n"), first).map_err(Error::Invalid)?;
    // What has ended is told by an export too, and gives nobody anything.
    let numbered = (first..).zip(incoming.into_iter().map(|one| placed(one, &prefix, naming)));
    let (expired, new): (Vec<_>, Vec<_>) = numbered.partition(|(_, one)| one.has_expired(cx.now));
    let written = tuples::write_lines(cx, new).await?;
    let resolved = written.iter().filter(|one| one.name.is_some()).count();
    // A person's name in a file is somebody of another system, and who reads the answer is told so.
    let names = match naming {
        Naming::Identifiers => {
            naming::count_of_names(cx, &cx.read()?, written.iter().map(|one| &one.tuple.key.subject))?
        }
        Naming::Names | Naming::Asking => 0,
    };
    let answer = json!({"written": written.len(), "expired": expired.len(), "resolved": resolved, "names": names});
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST tuples/dry-run`: `add` and `remove`; who would gain and who would lose what. Nothing is changed.
pub async fn dry_run(admin: Admin<ViewTuples>, body: LongJson) -> HandlerResult {
    let mut input = Input::new(body.0);
    let mut tuples_of = |name: &str| input.take::<Vec<Map<String, Value>>>(name).unwrap_or_default();
    let (add, remove) = (tuples_of("add"), tuples_of("remove"));
    input.finish()?;
    if add.len() + remove.len() > MAX_DRY {
        return Err(Error::invalid("", format!("at most {MAX_DRY} tuples are tried at once")).into());
    }
    let (mut added, mut names) = (Vec::with_capacity(add.len()), Vec::new());
    for one in add {
        let (draft, name) = tuples::draft(&admin.cx, &new_tuple(Input::new(one))?)?;
        added.push(draft);
        names.extend(name);
    }
    let mut removed = Vec::with_capacity(remove.len());
    for one in remove {
        let one = new_tuple(Input::new(one))?;
        removed.push(tuples::stored_key(&admin.cx, &one.key, one.naming)?);
    }
    let changes = admin.cx.look(move |cx| dry_run::of_tuples(cx, &added, &removed)).await?;
    let mut answer = json!(changes);
    if let Some(members) = answer.as_object_mut() {
        members.insert(String::from("resolved"), json!(names));
    }
    Ok(HttpResponse::Ok().json(answer))
}

fn placed(incoming: Incoming, prefix: &str, naming: Naming) -> NewTuple {
    let mut key = incoming.key;
    if incoming.is_foreign {
        key.entity_type = prefixed(&key.entity_type, prefix);
        key.subject.kind = prefixed(&key.subject.kind, prefix);
    }
    NewTuple { key, naming, condition: incoming.condition, expires_at: incoming.expires_at }
}

pub(super) fn new_tuple(mut input: Input) -> Result<NewTuple, Refusal> {
    let subject = SubjectRef {
        kind: input.require("subject_type"),
        id: input.require("subject_id"),
        relation: input.take("subject_relation"),
    };
    let key = TupleKey {
        entity_type: input.require("entity_type"),
        entity_id: input.require("entity_id"),
        relation: input.require("relation"),
        subject,
    };
    let (condition, expires_at) = (input.take("condition"), input.take_moment("expires_at"));
    let naming = Naming::written(input.take("names").unwrap_or(true));
    // A tuple may be written as it was read.
    for told in ["id", "created_at", "updated_at", "resolved"] {
        input.take::<Value>(told);
    }
    input.finish()?;
    Ok(NewTuple { key, naming, condition, expires_at })
}
