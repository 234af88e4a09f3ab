//! Tuples: who has which relation to which object.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Map, Value, json};

use super::input::Input;
use super::writers::{What, for_writers};
use super::{page_request, paged, parameter, wrong_parameter};
use crate::access::import::{Incoming, prefixed, read_tuples_from};
use crate::access::tuples::{self, MAX_BATCH, NewTuple};
use crate::access::{Error, dry_run};
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::{Admin, LongJson, Manager, Query, ViewTuples};
use crate::http::respond::Refusal;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples::Filter;

/// Tuples of one dry run.
const MAX_DRY: usize = 100;

type Answer = Result<HttpResponse, Refusal>;

/// What is wrong with it is told after who asks.
type Body = Result<LongJson, Refusal>;

/// A tuple as administrators see it.
pub(super) fn view(tuple: &Tuple) -> Value {
    let TupleKey { entity_type, entity_id, relation, subject } = &tuple.key;
    json!({
        "id": tuple.key.id(),
        "entity_type": entity_type,
        "entity_id": entity_id,
        "relation": relation,
        "subject_type": subject.kind,
        "subject_id": subject.id,
        "subject_relation": subject.relation,
        "condition": tuple.condition,
        "expires_at": tuple.expires_at.map(|at| at.rfc3339()),
        "created_at": tuple.created_at.rfc3339(),
        "updated_at": tuple.updated_at.rfc3339(),
    })
}

/// `GET tuples`: `entity_type`, `entity_id`, `relation` and `subject=TYPE:ID` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewTuples>, query: Query) -> Answer {
    let text = |name| parameter(&query, name).map(|value| value.map(str::to_owned));
    let (subject_type, subject_id) = match parameter(&query, "subject")? {
        None => (None, None),
        Some(subject) => {
            // The type may hold colons; the identifier is what stands behind the last one of the type.
            let split = subject.split_once(':').ok_or_else(|| wrong_parameter("subject", "is not TYPE:ID"))?;
            (Some(split.0.to_owned()), Some(split.1.to_owned()))
        }
    };
    let filter = Filter {
        entity_type: text("entity_type")?,
        entity_id: text("entity_id")?,
        relation: text("relation")?,
        subject_type: text("subject_type")?.or(subject_type),
        subject_id: text("subject_id")?.or(subject_id),
    };
    let read = move |cx: &Cx, request: &PageRequest| tuples::page(cx, &filter, request);
    let page = paged(&admin.cx, page_request::<String>(&query)?, read).await?;
    let items: Vec<Value> = page.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}

/// `GET tuples/{tuple}`.
pub async fn show(admin: Admin<ViewTuples>, id: Path<String>) -> Answer {
    Ok(HttpResponse::Ok().json(view(&tuples::by_id(&admin.cx, &id)?)))
}

/// `POST tuples`: one tuple, or `tuples` with up to 1000 of them, all or none.
pub async fn write(manager: Manager, body: Body) -> Answer {
    for_writers(&manager.cx, What::Tuples, write_all(&manager.cx, body).await)
}

async fn write_all(cx: &Cx, body: Body) -> Answer {
    let mut input = Input::new(body?.0);
    if let Some(many) = input.take::<Vec<Map<String, Value>>>("tuples") {
        input.finish()?;
        let new = many.into_iter().map(|one| new_tuple(Input::new(one))).collect::<Result<Vec<_>, _>>()?;
        let written = tuples::write_lines(cx, (1..).zip(new).collect()).await?;
        let items: Vec<Value> = written.iter().map(|written| view(&written.tuple)).collect();
        return Ok(HttpResponse::Created().json(json!({"items": items, "next": null})));
    }
    let written = tuples::write(cx, new_tuple(input)?).await?;
    Ok(HttpResponse::Created().json(view(&written.tuple)))
}

/// `POST tuples/remove`: the parts of the tuple.
pub async fn remove(manager: Manager, body: Body) -> Answer {
    for_writers(&manager.cx, What::Tuples, remove_named(&manager.cx, body).await)
}

async fn remove_named(cx: &Cx, body: Body) -> Answer {
    let tuple = new_tuple(Input::new(body?.0))?;
    Ok(HttpResponse::Ok().json(view(&tuples::remove(cx, &tuple.key).await?)))
}

/// `DELETE tuples/{tuple}`.
pub async fn delete(manager: Manager, id: Path<String>) -> Answer {
    for_writers(&manager.cx, What::Tuples, remove_by_id(&manager.cx, &id).await)
}

async fn remove_by_id(cx: &Cx, id: &str) -> Answer {
    Ok(HttpResponse::Ok().json(view(&tuples::remove_by_id(cx, id).await?)))
}

/// `POST tuples/import`: `lines` in any of the notations that are read, `first_line` for messages, `prefix` before the types of OpenFGA tuples;
/// all or none. Those that have expired are left out and counted.
pub async fn import(manager: Manager, body: Body) -> Answer {
    for_writers(&manager.cx, What::Tuples, import_lines(&manager.cx, body).await)
}

async fn import_lines(cx: &Cx, body: Body) -> Answer {
    let mut input = Input::new(body?.0);
    let lines: Vec<String> = input.require("lines");
    let first: usize = input.take("first_line").unwrap_or(1);
    let prefix: String = input.take("prefix").unwrap_or_default();
    input.finish()?;
    if lines.len() > MAX_BATCH {
        return Err(Error::invalid("lines", format!("has more than {MAX_BATCH} lines")).into());
    }
    // Lines that were sent before count for the numbers in messages.
    let incoming = read_tuples_from(&lines.join("\n"), first).map_err(Error::Invalid)?;
    // What has ended is told by an export too, and gives nobody anything.
    let numbered = (first..).zip(incoming.into_iter().map(|one| placed(one, &prefix)));
    let (expired, new): (Vec<_>, Vec<_>) = numbered.partition(|(_, one)| one.has_expired(cx.now));
    let written = tuples::write_lines(cx, new).await?;
    Ok(HttpResponse::Ok().json(json!({"written": written.len(), "expired": expired.len()})))
}

/// `POST tuples/dry-run`: `add` and `remove`; who would gain and who would lose what. Nothing is changed.
pub async fn dry_run(admin: Admin<ViewTuples>, body: LongJson) -> Answer {
    let mut input = Input::new(body.0);
    let mut tuples_of = |name: &str| input.take::<Vec<Map<String, Value>>>(name).unwrap_or_default();
    let (add, remove) = (tuples_of("add"), tuples_of("remove"));
    input.finish()?;
    if add.len() + remove.len() > MAX_DRY {
        return Err(Error::invalid("", format!("at most {MAX_DRY} tuples are tried at once")).into());
    }
    let mut added = Vec::with_capacity(add.len());
    for one in add {
        added.push(tuples::draft(&admin.cx, &new_tuple(Input::new(one))?)?);
    }
    let mut removed = Vec::with_capacity(remove.len());
    for one in remove {
        removed.push(tuples::stored_key(&admin.cx, &new_tuple(Input::new(one))?.key)?);
    }
    let changes = admin.cx.look(move |cx| dry_run::of_tuples(cx, &added, &removed)).await?;
    Ok(HttpResponse::Ok().json(changes))
}

fn placed(incoming: Incoming, prefix: &str) -> NewTuple {
    let mut key = incoming.key;
    if incoming.is_foreign {
        key.entity_type = prefixed(&key.entity_type, prefix);
        key.subject.kind = prefixed(&key.subject.kind, prefix);
    }
    NewTuple { key, condition: incoming.condition, expires_at: incoming.expires_at }
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
    // A tuple may be written as it was read.
    for told in ["id", "created_at", "updated_at"] {
        input.take::<Value>(told);
    }
    input.finish()?;
    Ok(NewTuple { key, condition, expires_at })
}
