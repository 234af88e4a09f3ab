//! Who is in a group, for the backends of apps. Errors are `{"error","message"}`.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::groups;
use crate::access::membership::{self, Member};
use crate::base::id::GroupId;
use crate::http::extract::{Caller, Params, PlatformRight, ViewGroups, refuse_app};
use crate::http::respond::HandlerResult;
use crate::records::tuple::ANY;

/// `GET /api/internal/groups/{group}/members`: everybody, or with `direct=true` those who were put in by name. Who is
/// only in on a condition is not surely in, and `user:*` names nobody.
pub async fn list(caller: Caller, group: Path<String>, asked: Params<MembersQuery>) -> HandlerResult {
    refuse_app(&caller)?;
    ViewGroups::require(&caller.cx)?;
    let direct = asked.0.direct.unwrap_or_default();
    let from = caller.cx.read()?;
    let group = groups::group(&caller.cx, &from, &group)?;
    let id = group.id.clone();
    let members = caller.cx.look(move |cx| membership::members(cx, &cx.read()?, &id, direct)).await?;
    let is_told = |member: &&Member| member.subject.kind == "user" && member.subject.id != ANY && !member.conditional;
    let ids: BTreeSet<&str> = members.iter().filter(is_told).map(|member| &*member.subject.id).collect();
    Ok(HttpResponse::Ok().json(GroupMembers { group_id: &group.id, count: ids.len(), member_ids: ids }))
}

/// How the members of a group are asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MembersQuery {
    /// Only those who were put in by name.
    direct: Option<bool>,
}

/// Who is in a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupMembers<'g> {
    group_id: &'g GroupId,
    member_ids: BTreeSet<&'g str>,
    count: usize,
}
