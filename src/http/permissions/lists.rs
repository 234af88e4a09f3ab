//! Which objects, which subjects: questions about permissions turned round. What takes long leaves the thread that answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::asked::AskedForList;
use super::check::{may_ask, may_ask_about_others, required, subject};
use crate::access::Error;
use crate::access::check::with_session;
use crate::access::list::{self, Objects, SubjectFilter, Subjects};
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::Input;
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::SubjectRef;
use crate::records::tuple::ANY;

/// Items of one list at the most.
const MAX_LIST: usize = 200;

/// `GET` and `POST /api/auth/list-objects`: with which objects of a type may the subject do this?
pub async fn objects(asked: AskedForList) -> HandlerResult {
    let AskedForList { caller, mut input } = asked;
    let subject = subject(&caller, &mut input)?;
    let (entity_type, permission) = (required(&mut input, "entityType")?, required(&mut input, "permission")?);
    let page = page(&mut input)?;
    input.finish()?;
    may_ask(&caller, &subject, &entity_type)?;
    let found = found_objects(&caller.cx, (&subject, &entity_type, &permission), &page).await?;
    Ok(HttpResponse::Ok().json(objects_view((&subject, &entity_type, &permission), &page, &found)))
}

/// A page of the objects that a subject may do this with: here when there is little to look at, else among the long work.
pub(super) async fn found_objects(
    cx: &Cx,
    (subject, entity_type, permission): (&SubjectRef, &str, &str),
    page: &PageRequest,
) -> Result<Objects, Error> {
    let (subject, page) = (subject.clone(), page.clone());
    let (entity_type, permission) = (entity_type.to_owned(), permission.to_owned());
    cx.look(move |cx| with_session(cx, &subject, |session| list::objects(session, &entity_type, &permission, &page)))
        .await
}

/// A page of the subjects of type `kind`, or of the sets with its `relation`, that may do `permission` with an object; as [`found_objects`].
pub(super) async fn found_subjects(
    cx: &Cx,
    (entity_type, entity_id, permission): (&str, &str, &str),
    (kind, relation): (&str, Option<&str>),
    page: &PageRequest,
) -> Result<Subjects, Error> {
    let object = [entity_type, entity_id, permission].map(str::to_owned);
    let (kind, relation, page) = (kind.to_owned(), relation.map(str::to_owned), page.clone());
    let look = move |cx: &Cx| {
        let [entity_type, entity_id, permission] = &object;
        let wanted = SubjectFilter { kind: &kind, relation: relation.as_deref() };
        list::subjects_now(cx, (entity_type, entity_id, permission), &wanted, &page)
    };
    cx.look(look).await
}

fn objects_view(
    (subject, entity_type, permission): (&SubjectRef, &str, &str),
    page: &PageRequest,
    found: &Objects,
) -> Value {
    let items: Vec<Value> = found
        .items
        .iter()
        .map(|item| {
            let tuples: Vec<Value> =
                item.tuples.iter().map(|(id, relation)| json!({"tupleId": id, "relation": relation})).collect();
            json!({
                "entityId": item.entity_id,
                "abac_required": item.abac_required,
                "abacRequired": item.abac_required,
                "tupleIds": item.tuples.iter().map(|(id, _)| id).collect::<Vec<_>>(),
                "tupleId": item.tuples.first().map(|(id, _)| id),
                "tuples": tuples,
            })
        })
        .collect();
    // How many there are is known where they all stand on one page.
    let total = (page.after.is_none() && found.next.is_none()).then_some(items.len());
    let pagination =
        json!({"nextCursor": found.next, "hasMore": found.next.is_some(), "total": total, "limit": page.limit});
    json!({
        "userId": (subject.kind == "user").then_some(&subject.id),
        "subjectType": subject.kind,
        "subjectId": subject.id,
        "entityType": entity_type,
        "permission": permission,
        "items": items,
        "pagination": pagination,
        "wildcardGrant": found.wildcard_grant,
        "wildcardAbacRequired": found.wildcard_gated,
    })
}

/// `GET` and `POST /api/auth/list-subjects`: who may do this with the object? `subjectType` is `user` when absent.
pub async fn subjects(asked: AskedForList) -> HandlerResult {
    let AskedForList { caller, mut input } = asked;
    let (entity_type, permission) = (required(&mut input, "entityType")?, required(&mut input, "permission")?);
    let entity_id: Option<String> = input.take("entityId");
    let kind: Option<String> = input.take("subjectType");
    let relation: Option<String> = input.take("subjectRelation");
    let page = page(&mut input)?;
    input.finish()?;
    let (kind, entity_id) = (kind.unwrap_or_else(|| String::from("user")), entity_id.unwrap_or_else(|| ANY.to_owned()));
    may_ask_about_others(&caller, &entity_type)?;
    let object = (&*entity_type, &*entity_id, &*permission);
    let found = found_subjects(&caller.cx, object, (&kind, relation.as_deref()), &page).await?;
    let items: Vec<Value> = found
        .items
        .iter()
        .map(|item| {
            let SubjectRef { kind, id, relation } = &item.subject;
            json!({"subjectType": kind, "subjectId": id, "subjectRelation": relation, "abacRequired": item.abac_required})
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "entityType": entity_type,
        "entityId": entity_id,
        "permission": permission,
        "subjectType": kind,
        "items": items,
        "pagination": {"nextCursor": found.next, "hasMore": found.next.is_some(), "limit": page.limit},
        "wildcardGrant": found.everyone,
        "wildcardAbacRequired": found.everyone_gated,
    })))
}

fn page(input: &mut Input) -> Result<PageRequest, Refusal> {
    let limit = input.take::<Value>("limit");
    let limit = match limit.as_ref().map(Value::as_u64) {
        None => None,
        Some(Some(limit)) if (1..=MAX_LIST as u64).contains(&limit) => usize::try_from(limit).ok(),
        Some(_) => {
            let message = format!("`limit` is a number from 1 to {MAX_LIST}.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_limit", message));
        }
    };
    Ok(PageRequest::new(limit, input.take("cursor")))
}
