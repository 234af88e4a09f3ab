//! Groups, and who is in them.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, patch, post};
use super::paging::{PageQuery, SortOfGroups, paged, search};
use super::tuples::Tuple;
use crate::access::Error;
use crate::access::dry_run::{self, Changes};
use crate::access::groups::{self, Change, Ended};
use crate::access::membership;
use crate::access::naming::Naming;
use crate::access::tuples::{self as rules, NewTuple};
use crate::base::Timestamp;
use crate::base::id::GroupId;
use crate::base::page::{MAX_LIMIT, Page, cursor_behind};
use crate::cx::Cx;
use crate::http::extract::{
    Admin, Body, CreateGroups, DeleteGroups, ManageMembers, Params, PlatformRight, UpdateGroups, ViewGroups, ViewTuples,
};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::tuple::{GROUP, MEMBER};
use crate::records::{self, SubjectRef, TupleKey};
use crate::store::rows::users;

/// What the pages of members are told by.
const MEMBERS: &str = "members";

/// A named set of people, keys and other groups.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Group {
    id: GroupId,
    /// Unique without regard to case.
    name: String,
    /// What it is for.
    #[schema(required)]
    description: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// 1, and one more with every change.
    version: u64,
}

impl From<&records::Group> for Group {
    fn from(group: &records::Group) -> Self {
        Self {
            id: group.id.clone(),
            name: group.name.clone(),
            description: group.description.clone(),
            created_at: group.created_at.into(),
            updated_at: group.updated_at.into(),
            version: group.version,
        }
    }
}

/// A group to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Unique name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for.
    #[schema(max_length = 1_000)]
    pub description: Option<String>,
}

/// A group that was deleted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedGroup {
    id: GroupId,
    name: String,
    deleted: bool,
    ended: Ended,
}

/// What the deletion of a group would take along.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupDeletion {
    /// Memberships, and relations that the group has.
    tuples: usize,
    /// How many of those are memberships.
    memberships: usize,
    /// Who would gain and who would lose what; null for callers without view on tuples.
    #[schema(required)]
    changes: Option<Changes>,
}

/// Somebody in a group.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Member {
    subject_type: String,
    subject_id: String,
    #[schema(required)]
    subject_relation: Option<String>,
    /// The e-mail address of a person, the name of a group.
    #[schema(required)]
    name: Option<String>,
    /// The group that they were put in by name, when it is another one.
    #[schema(required)]
    through: Option<String>,
    /// Whether a condition decides at the time of a check.
    conditional: bool,
}

/// What a member of a group can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberKind {
    /// A person.
    User,
    /// An API key.
    Apikey,
    /// An app.
    Client,
    /// All members of another group.
    Group,
}

impl MemberKind {
    /// The type of the subject in a tuple.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Apikey => "apikey",
            Self::Client => "client",
            Self::Group => GROUP,
        }
    }
}

/// Somebody to put into a group.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// What they are; `user` when absent.
    pub subject_type: Option<MemberKind>,
    /// An identifier, or the name of a person or group.
    pub subject_id: String,
    /// Whether they may be named; otherwise all is an identifier.
    pub names: Option<bool>,
}

/// Which groups a list of them shows, in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GroupQuery {
    /// Only those whose name, description or id hold this.
    search: Option<String>,
    /// By this field; with - from the end. A cursor is good for the order that it was made in.
    sort: Option<SortOfGroups>,
    #[serde(flatten)]
    page: PageQuery,
}

/// Which members of a group a list shows.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MemberQuery {
    /// Only those who were put in by name.
    direct: Option<bool>,
    #[serde(flatten)]
    page: PageQuery,
}

/// How the member in the path is meant.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Named {
    /// Whether the member may be named; otherwise all is an identifier.
    names: Option<bool>,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("groups", "Groups, oldest first").needs("view on groups").asks::<GroupQuery>().lists::<Group>(),
        post("groups", "Makes a group").needs("create on groups").takes::<NewGroup>().makes::<Group>(),
        get("groups/{group}", "A group, by name or id").needs("view on groups").gives::<Group>(),
        patch("groups/{group}", "Changes a group; what is absent stays")
            .needs("update on groups")
            .takes::<Change>()
            .gives::<Group>(),
        get("groups/{group}/deletion", "What a deletion would take along")
            .needs("delete on groups")
            .gives::<GroupDeletion>(),
        deletes("groups/{group}", "Deletes a group with all that was granted to it")
            .needs("delete on groups")
            .gives::<DeletedGroup>(),
        get("groups/{group}/members", "Everybody in it")
            .needs("view on groups")
            .asks::<MemberQuery>()
            .lists::<Member>(),
        post("groups/{group}/members", "Puts somebody in")
            .needs("manage_members on groups")
            .takes::<NewMember>()
            .makes::<Tuple>(),
        deletes("groups/{group}/members/{type}/{id}", "Takes somebody out")
            .needs("manage_members on groups")
            .asks::<Named>()
            .gives::<Tuple>(),
    ];
    all.into_iter().map(|operation| operation.under("people")).collect()
}

/// `GET groups`: a page in the order of creation or by `sort`; `search` narrows it. A page may be short and still have
/// a `next`.
pub async fn list(admin: Admin<ViewGroups>, query: Params<GroupQuery>) -> HandlerResult {
    let GroupQuery { search: text, sort, page } = query.0;
    let request = page.sorted_request::<GroupId>(sort.as_ref().map(|sort| &sort.0))?;
    let search = search(text.as_ref());
    let page = paged(&admin.cx, request, move |cx, request| groups::page(cx, search.as_ref(), request)).await?;
    Ok(HttpResponse::Ok().json(page.map(|group| Group::from(&group))))
}

/// `GET groups/{group}`: by id or name.
pub async fn show(admin: Admin<ViewGroups>, name: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(Group::from(&groups::group(&admin.cx, &admin.cx.read()?, &name)?)))
}

/// `POST groups`.
pub async fn create(admin: Admin<CreateGroups>, body: Body<NewGroup>) -> HandlerResult {
    let NewGroup { name, description } = body.0;
    let group = groups::create(&admin.cx, &name, description.as_deref()).await?;
    Ok(HttpResponse::Created().json(Group::from(&group)))
}

/// `PATCH groups/{group}`: what is absent stays. `version` makes it conditional.
pub async fn update(admin: Admin<UpdateGroups>, name: Path<String>, body: Body<Change>) -> HandlerResult {
    let group = named(&admin.cx, &name)?;
    Ok(HttpResponse::Ok().json(Group::from(&groups::update(&admin.cx, &group.id, body.0).await?)))
}

/// `DELETE groups/{group}`: says what went with it.
pub async fn delete(admin: Admin<DeleteGroups>, name: Path<String>) -> HandlerResult {
    let group = named(&admin.cx, &name)?;
    let (group, ended) = groups::delete(&admin.cx, &group.id).await?;
    Ok(HttpResponse::Ok().json(DeletedGroup { id: group.id, name: group.name, deleted: true, ended }))
}

/// `GET groups/{group}/deletion`: what a deletion would take along, and who would gain and who would lose what.
pub async fn deletion(admin: Admin<DeleteGroups>, name: Path<String>) -> HandlerResult {
    let group = named(&admin.cx, &name)?;
    let sees_tuples = ViewTuples::is_held(&admin.cx)?;
    let look = move |cx: &Cx| {
        let Ended { tuples, memberships } = groups::deletion(cx, &group.id)?;
        let changes = sees_tuples.then(|| dry_run::of_group(cx, &group.id)).transpose()?;
        Ok::<_, Error>(GroupDeletion { tuples, memberships, changes })
    };
    Ok(HttpResponse::Ok().json(admin.cx.look_long(look).await?))
}

/// `GET groups/{group}/members`: a page of everybody, or with `direct=true` of those who were put in by name.
pub async fn members(admin: Admin<ViewGroups>, name: Path<String>, query: Params<MemberQuery>) -> HandlerResult {
    let MemberQuery { direct, page } = query.0;
    let (direct, mut request) = (direct.unwrap_or_default(), page.named_request(MEMBERS)?);
    if page.limit().is_none() {
        request.limit = MAX_LIMIT;
    }
    let look = move |cx: &Cx| membership::members(cx, &cx.read()?, &groups::group(cx, &cx.read()?, &name)?.id, direct);
    let mut members = admin.cx.look(look).await?;
    members.retain(|member| request.after.as_ref().is_none_or(|after| place(member) > *after));
    members.sort_by_cached_key(place);
    members.truncate(request.limit.saturating_add(1));
    let page = Page::from_rows(members, request.limit, |last| cursor_behind(MEMBERS, &place(last)));
    let from = admin.cx.read()?;
    let items = page.items.into_iter().map(|member| with_name(&admin.cx, &from, member)).collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(Page::<Member> { items, next: page.next }))
}

/// Where a member stands in the list.
fn place(member: &membership::Member) -> String {
    format!("{} {}", member.subject, member.through.as_deref().unwrap_or_default())
}

fn with_name(cx: &Cx, from: &impl crate::store::Read, member: membership::Member) -> Result<Member, Refusal> {
    let SubjectRef { kind, id, relation } = member.subject;
    let name = match kind.as_str() {
        "user" => match id.parse() {
            Ok(id) => users::find(from, cx.tenant.id, &id)?.map(|user| user.email),
            Err(_) => None,
        },
        GROUP => groups::find(cx, from, &id)?.map(|group| group.name),
        _ => None,
    };
    Ok(Member {
        subject_type: kind,
        subject_id: id,
        subject_relation: relation,
        name,
        through: member.through,
        conditional: member.conditional,
    })
}

/// `POST groups/{group}/members`: `subject_type` (`user` when absent) and `subject_id`. People and groups may be named,
/// unless `"names": false`.
pub async fn add_member(admin: Admin<ManageMembers>, name: Path<String>, body: Body<NewMember>) -> HandlerResult {
    let NewMember { subject_type, subject_id, names } = body.0;
    let naming = Naming::written(names.unwrap_or(true));
    let group = named(&admin.cx, &name)?;
    let key = membership(&group, subject_type.unwrap_or(MemberKind::User).as_str(), &subject_id);
    let written = rules::write(&admin.cx, NewTuple { naming, ..key.into() }).await?;
    Ok(HttpResponse::Created().json(Tuple::from(&written)))
}

/// `DELETE groups/{group}/members/{type}/{id}`: the member may be named, unless `names=false`.
pub async fn remove_member(
    admin: Admin<ManageMembers>,
    path: Path<(String, String, String)>,
    query: Params<Named>,
) -> HandlerResult {
    let (name, kind, id) = path.into_inner();
    let naming = Naming::written(query.0.names.unwrap_or(true));
    let group = named(&admin.cx, &name)?;
    let removed = rules::remove_named(&admin.cx, &membership(&group, &kind, &id), naming).await?;
    Ok(HttpResponse::Ok().json(Tuple::from(&removed)))
}

fn membership(group: &records::Group, kind: &str, id: &str) -> TupleKey {
    TupleKey {
        entity_type: GROUP.to_owned(),
        entity_id: group.id.to_string(),
        relation: MEMBER.to_owned(),
        subject: SubjectRef::new(kind, id),
    }
}

/// The group of this name or id: from here on its id counts, whatever it is called meanwhile.
fn named(cx: &Cx, name: &str) -> Result<records::Group, Refusal> {
    Ok(groups::group(cx, &cx.read()?, name)?)
}
