//! Who is in a group, for the backends of apps. Errors are `{"error","message"}`.

use std::collections::BTreeSet;

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::access::groups;
use crate::access::membership::{self, Member};
use crate::base::id::GroupId;
use crate::http::extract::{Caller, PlatformRight, ViewGroups, refuse_app};
use crate::http::respond::HandlerResult;
use crate::records::tuple::ANY;

/// `GET /api/internal/groups/{group}/members`: everybody, or with `direct=true` those who were put in by name. Who is
/// only in on a condition is not surely in, and `user:*` names nobody.
pub async fn list(caller: Caller, group: Path<String>, request: HttpRequest) -> HandlerResult {
    refuse_app(&caller)?;
    ViewGroups::require(&caller.cx)?;
    let direct = request.query_string().split('&').any(|pair| pair == "direct=true");
    let from = caller.cx.read()?;
    let group = groups::group(&caller.cx, &from, &group)?;
    let id = group.id.clone();
    let members = caller.cx.look(move |cx| membership::members(cx, &cx.read()?, &id, direct)).await?;
    let is_told = |member: &&Member| member.subject.kind == "user" && member.subject.id != ANY && !member.conditional;
    let ids: BTreeSet<&str> = members.iter().filter(is_told).map(|member| &*member.subject.id).collect();
    Ok(HttpResponse::Ok().json(GroupMembers { group_id: &group.id, count: ids.len(), member_ids: ids }))
}

/// Who is in a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupMembers<'g> {
    group_id: &'g GroupId,
    member_ids: BTreeSet<&'g str>,
    count: usize,
}
