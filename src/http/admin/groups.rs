//! Groups, and who is in them.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Map, Value, json};

use super::paging::{named_request, paged, parameter, search, sorted_request};
use super::tuples;
use crate::access::groups::{self, Change, Member};
use crate::access::naming::Naming;
use crate::access::tuples::{self as rules, NewTuple};
use crate::base::id::GroupId;
use crate::base::page::{MAX_LIMIT, Page, cursor_behind};
use crate::cx::Cx;
use crate::http::extract::{
    Admin, CreateGroups, DeleteGroups, Input, Json, ManageMembers, Query, UpdateGroups, ViewGroups,
};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::tuple::{GROUP, MEMBER};
use crate::records::{Group, SubjectRef, TupleKey};
use crate::store::rows::users;

/// What the pages of members are told by.
const MEMBERS: &str = "members";

fn view(group: &Group) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "created_at": group.created_at.rfc3339(),
        "updated_at": group.updated_at.rfc3339(),
        "version": group.version,
    })
}

/// `GET groups`: a page in the order of creation or by `sort`; `search` narrows it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewGroups>, query: Query) -> HandlerResult {
    let (search, request) = (search(&query)?, sorted_request::<GroupId, Group>(&query)?);
    let page = paged(&admin.cx, request, move |cx, request| groups::page(cx, search.as_ref(), request)).await?;
    let items: Vec<Value> = page.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}

/// `GET groups/{group}`: by id or name.
pub async fn show(admin: Admin<ViewGroups>, name: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(view(&groups::group(&admin.cx, &admin.cx.read()?, &name)?)))
}

/// `POST groups`.
pub async fn create(admin: Admin<CreateGroups>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let name: String = input.require("name");
    let description: Option<String> = input.take("description");
    input.finish()?;
    let group = groups::create(&admin.cx, &name, description.as_deref()).await?;
    Ok(HttpResponse::Created().json(view(&group)))
}

/// `PATCH groups/{group}`: what is absent stays. `version` makes it conditional.
pub async fn update(admin: Admin<UpdateGroups>, name: Path<String>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let change = Change {
        name: input.take("name"),
        description: input.take_or_null("description"),
        version: input.take("version"),
    };
    input.finish()?;
    let group = named(&admin.cx, &name)?;
    Ok(HttpResponse::Ok().json(view(&groups::update(&admin.cx, &group.id, change).await?)))
}

/// `DELETE groups/{group}`: says what went with it.
pub async fn delete(admin: Admin<DeleteGroups>, name: Path<String>) -> HandlerResult {
    let group = named(&admin.cx, &name)?;
    let (group, ended) = groups::delete(&admin.cx, &group.id).await?;
    Ok(HttpResponse::Ok().json(json!({"id": group.id, "name": group.name, "deleted": true, "ended": ended})))
}

/// `GET groups/{group}/deletion`: what a deletion would take along.
pub async fn deletion(admin: Admin<DeleteGroups>, name: Path<String>) -> HandlerResult {
    let group = named(&admin.cx, &name)?;
    Ok(HttpResponse::Ok().json(admin.cx.look_long(move |cx| groups::deletion(cx, &group.id)).await?))
}

/// `GET groups/{group}/members`: a page of everybody, or with `direct=true` of those who were put in by name.
pub async fn members(admin: Admin<ViewGroups>, name: Path<String>, query: Query) -> HandlerResult {
    let direct = parameter(&query, "direct")? == Some("true");
    let mut request = named_request(&query, MEMBERS)?;
    if parameter(&query, "limit")?.is_none() {
        request.limit = MAX_LIMIT;
    }
    let look = move |cx: &Cx| groups::members(cx, &cx.read()?, &groups::group(cx, &cx.read()?, &name)?.id, direct);
    let mut members = admin.cx.look(look).await?;
    members.retain(|member| request.after.as_ref().is_none_or(|after| place(member) > *after));
    members.sort_by_cached_key(place);
    members.truncate(request.limit.saturating_add(1));
    let page = Page::from_rows(members, request.limit, |last| cursor_behind(MEMBERS, &place(last)));
    let from = admin.cx.read()?;
    let items: Vec<Value> =
        page.items.iter().map(|member| member_view(&admin.cx, &from, member)).collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}

/// Where a member stands in the list.
fn place(member: &Member) -> String {
    format!("{} {}", member.subject, member.through.as_deref().unwrap_or_default())
}

fn member_view(cx: &Cx, from: &impl crate::store::Read, member: &Member) -> Result<Value, Refusal> {
    let subject = &member.subject;
    let name = match subject.kind.as_str() {
        "user" => match subject.id.parse() {
            Ok(id) => users::find(from, cx.tenant.id, &id)?.map(|user| user.email),
            Err(_) => None,
        },
        GROUP => groups::find(cx, from, &subject.id)?.map(|group| group.name),
        _ => None,
    };
    Ok(json!({
        "subject_type": subject.kind,
        "subject_id": subject.id,
        "subject_relation": subject.relation,
        "name": name,
        "through": member.through,
        "conditional": member.conditional,
    }))
}

/// `POST groups/{group}/members`: `subject_type` (`user` when absent) and `subject_id`. People and groups may be named, unless `"names": false`.
pub async fn add_member(
    admin: Admin<ManageMembers>,
    name: Path<String>,
    body: Json<Map<String, Value>>,
) -> HandlerResult {
    let mut input = Input::new(body.0);
    let kind: Option<String> = input.take("subject_type");
    let id: String = input.require("subject_id");
    let naming = Naming::written(input.take("names").unwrap_or(true));
    input.finish()?;
    let group = named(&admin.cx, &name)?;
    let key = membership(&group, kind.as_deref().unwrap_or("user"), &id);
    let written = rules::write(&admin.cx, NewTuple { naming, ..key.into() }).await?;
    Ok(HttpResponse::Created().json(tuples::written_view(&written)))
}

/// `DELETE groups/{group}/members/{type}/{id}`: the member may be named, unless `names=false`.
pub async fn remove_member(
    admin: Admin<ManageMembers>,
    path: Path<(String, String, String)>,
    query: Query,
) -> HandlerResult {
    let (name, kind, id) = path.into_inner();
    let naming = Naming::written(parameter(&query, "names")? != Some("false"));
    let group = named(&admin.cx, &name)?;
    let removed = rules::remove_named(&admin.cx, &membership(&group, &kind, &id), naming).await?;
    Ok(HttpResponse::Ok().json(tuples::view(&removed)))
}

fn membership(group: &Group, kind: &str, id: &str) -> TupleKey {
    TupleKey {
        entity_type: GROUP.to_owned(),
        entity_id: group.id.to_string(),
        relation: MEMBER.to_owned(),
        subject: SubjectRef::new(kind, id),
    }
}

/// The group of this name or id: from here on its id counts, whatever it is called meanwhile.
fn named(cx: &Cx, name: &str) -> Result<Group, Refusal> {
    Ok(groups::group(cx, &cx.read()?, name)?)
}
