//! Which objects, which subjects: questions about permissions turned round. What takes long leaves the thread that
//! answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use super::asked::AskedForList;
use super::check::{may_ask, may_ask_about_others, subject};
use super::shapes::{ObjectsRequest, SubjectsRequest};
use crate::access::Error;
use crate::access::check::with_session;
use crate::access::list::{self, Objects, SubjectFilter, Subjects};
use crate::base::page::{DEFAULT_LIMIT, PageRequest};
use crate::cx::Cx;
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::SubjectRef;
use crate::records::tuple::ANY;

/// Items of one list at the most.
const MAX_LIST: u64 = 1_000;

/// `GET` and `POST /api/auth/list-objects`: with which objects of a type may the subject do this?
pub async fn objects(asked: AskedForList<ObjectsRequest>) -> HandlerResult {
    let AskedForList { caller, mut body } = asked;
    let subject = subject(&caller, body.take_whom())?;
    let page = page(body.limit, body.cursor)?;
    let (entity_type, permission) = (String::from(body.entity_type), String::from(body.permission));
    may_ask(&caller, &subject, &entity_type)?;
    let found = found_objects(&caller.cx, (&subject, &entity_type, &permission), &page).await?;
    Ok(HttpResponse::Ok().json(objects_view((&subject, &entity_type, &permission), &page, &found)))
}

/// A page of the objects that a subject may do this with: here when there is little to look at, else among the long
/// work.
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

/// A page of the subjects of type `kind`, or of the sets with its `relation`, that may do `permission` with an object;
/// as [`found_objects`].
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

/// Which objects a subject may do this with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectList<'a> {
    user_id: Option<&'a str>,
    subject_type: &'a str,
    subject_id: &'a str,
    entity_type: &'a str,
    permission: &'a str,
    items: Vec<ListedObject<'a>>,
    pagination: Pagination<'a>,
    /// Whether they may do it with all objects of the type.
    wildcard_grant: bool,
    wildcard_abac_required: bool,
    /// Whether something is left out because no check has an answer.
    partial: bool,
    /// What that is: objects that lead too far.
    undecided: &'a [String],
}

/// An object of a list. `abac_required` and `tupleId` are there for programs that know it by these names.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedObject<'a> {
    entity_id: &'a str,
    #[serde(rename = "abac_required")]
    is_gated: bool,
    abac_required: bool,
    tuple_ids: Vec<&'a str>,
    tuple_id: Option<&'a str>,
    tuples: Vec<ListedTuple<'a>>,
}

/// A tuple that leads to an object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedTuple<'a> {
    tuple_id: &'a str,
    relation: &'a str,
}

/// Where a list goes on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination<'a> {
    next_cursor: Option<&'a str>,
    has_more: bool,
    /// How many there are, where that is asked: known where they all stand on one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Option<usize>>,
    limit: usize,
}

impl<'a> Pagination<'a> {
    fn new(next: Option<&'a String>, page: &PageRequest) -> Self {
        Self { next_cursor: next.map(String::as_str), has_more: next.is_some(), total: None, limit: page.limit }
    }
}

fn objects_view<'a>(
    (subject, entity_type, permission): (&'a SubjectRef, &'a str, &'a str),
    page: &PageRequest,
    found: &'a Objects,
) -> ObjectList<'a> {
    let listed = |item: &'a list::Object| ListedObject {
        entity_id: &item.entity_id,
        is_gated: item.abac_required,
        abac_required: item.abac_required,
        tuple_ids: item.tuples.iter().map(|(id, _)| &**id).collect(),
        tuple_id: item.tuples.first().map(|(id, _)| &**id),
        tuples: item.tuples.iter().map(|(id, relation)| ListedTuple { tuple_id: id, relation }).collect(),
    };
    let items: Vec<ListedObject> = found.items.iter().map(listed).collect();
    let is_all = page.after.is_none() && found.next.is_none() && found.undecided.is_empty();
    let total = is_all.then_some(items.len());
    ObjectList {
        user_id: (subject.kind == "user").then_some(&*subject.id),
        subject_type: &subject.kind,
        subject_id: &subject.id,
        entity_type,
        permission,
        items,
        pagination: Pagination { total: Some(total), ..Pagination::new(found.next.as_ref(), page) },
        wildcard_grant: found.wildcard_grant,
        wildcard_abac_required: found.wildcard_gated,
        partial: !found.undecided.is_empty(),
        undecided: &found.undecided,
    }
}

/// Who may do this with an object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SubjectList<'a> {
    entity_type: &'a str,
    entity_id: &'a str,
    permission: &'a str,
    subject_type: &'a str,
    items: Vec<ListedSubject<'a>>,
    pagination: Pagination<'a>,
    wildcard_grant: bool,
    wildcard_abac_required: bool,
    /// As of objects.
    partial: bool,
    undecided: &'a [String],
}

/// A subject of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedSubject<'a> {
    subject_type: &'a str,
    subject_id: &'a str,
    subject_relation: Option<&'a str>,
    abac_required: bool,
}

/// `GET` and `POST /api/auth/list-subjects`: who may do this with the object? `subjectType` is `user` when absent.
pub async fn subjects(asked: AskedForList<SubjectsRequest>) -> HandlerResult {
    let AskedForList { caller, body } = asked;
    let page = page(body.limit, body.cursor)?;
    let (entity_type, permission) = (String::from(body.entity_type), String::from(body.permission));
    let (kind, relation) = (body.subject_type.unwrap_or_else(|| String::from("user")), body.subject_relation);
    let entity_id = body.entity_id.unwrap_or_else(|| ANY.to_owned());
    may_ask_about_others(&caller, &entity_type)?;
    let object = (&*entity_type, &*entity_id, &*permission);
    let found = found_subjects(&caller.cx, object, (&kind, relation.as_deref()), &page).await?;
    let listed = found.items.iter().map(|item| ListedSubject {
        subject_type: &item.subject.kind,
        subject_id: &item.subject.id,
        subject_relation: item.subject.relation.as_deref(),
        abac_required: item.abac_required,
    });
    Ok(HttpResponse::Ok().json(SubjectList {
        entity_type: &entity_type,
        entity_id: &entity_id,
        permission: &permission,
        subject_type: &kind,
        items: listed.collect(),
        pagination: Pagination::new(found.next.as_ref(), &page),
        wildcard_grant: found.everyone,
        wildcard_abac_required: found.everyone_gated,
        partial: !found.undecided.is_empty(),
        undecided: &found.undecided,
    }))
}

fn page(limit: Option<u64>, cursor: Option<String>) -> Result<PageRequest, Refusal> {
    let limit = match limit {
        None => None,
        Some(limit) if (1..=MAX_LIST).contains(&limit) => usize::try_from(limit).ok(),
        Some(_) => {
            let message = format!("`limit` is a number from 1 to {MAX_LIST}.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_limit", message));
        }
    };
    Ok(PageRequest { limit: limit.unwrap_or(DEFAULT_LIMIT), after: cursor, sort: None })
}
