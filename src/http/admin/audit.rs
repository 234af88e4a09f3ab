//! The audit log.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::operation::{Operation, get};
use super::paging::{Direction, PageQuery, paged};
use crate::audit::{self, Filter};
use crate::base::Timestamp;
use crate::base::id::AuditId;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::{Admin, Params, PlatformRight, ViewAudit, ViewUsers};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::users;
use crate::records::{ActorKind, AuditRow, Outcome};

/// Who did what to whom.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRow)]
pub struct Row {
    id: AuditId,
    at: Timestamp,
    /// Such as `user.sign_in`.
    action: String,
    outcome: Outcome,
    actor_kind: ActorKind,
    #[schema(required)]
    actor: Option<String>,
    #[schema(required)]
    target: Option<String>,
    /// The request that did it.
    #[schema(required)]
    request: Option<String>,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    user_agent: Option<String>,
    /// What more there is to say, by the action.
    detail: Map<String, Value>,
}

impl From<AuditRow> for Row {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at.into(),
            action: row.action,
            outcome: row.outcome,
            actor_kind: row.actor_kind,
            actor: row.actor,
            target: row.target,
            request: row.request,
            ip: row.ip,
            user_agent: row.user_agent,
            detail: row.detail,
        }
    }
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = get("audit", "Who did what to whom, newest first").needs("view on audit").asks::<AuditQuery>();
    vec![all.lists::<Row>()]
}

/// Which rows of the audit log a list shows, in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AuditQuery {
    /// Oldest or newest first.
    order: Option<Direction>,
    #[serde(flatten)]
    filter: AuditFilter,
    #[serde(flatten)]
    page: PageQuery,
}

/// Which rows of the audit log are wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AuditFilter {
    /// From this moment on.
    since: Option<Timestamp>,
    /// From before this moment.
    until: Option<Timestamp>,
    /// Only what this one did: an identifier or an e-mail address.
    actor: Option<String>,
    /// Only this action, or all of a noun: `user.sign_in`, `user`.
    action: Option<String>,
    /// Only what was done to this one: an identifier or an e-mail address.
    target: Option<String>,
    /// Only what this request did.
    request: Option<String>,
    /// Only what ended so.
    result: Option<Outcome>,
    /// Only rows that hold this text.
    search: Option<String>,
}

/// `GET audit`: a page, newest first or in the given `order`; `since`, `until`, `actor`, `action`, `target`, `request`,
/// `result` and `search` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewAudit>, query: Params<AuditQuery>) -> HandlerResult {
    let (order, request) = (Direction::order(query.0.order), query.0.page.request::<AuditId>()?);
    let filter = filter(&admin.cx, query.0.filter)?;
    let read = move |cx: &Cx, request: &PageRequest| audit::page(cx, &filter, order, request);
    Ok(HttpResponse::Ok().json(paged(&admin.cx, request, read).await?.map(Row::from)))
}

/// What is wanted, with identifiers in the place of addresses.
pub(super) fn filter(cx: &Cx, query: AuditFilter) -> Result<Filter, Refusal> {
    let AuditFilter { since, until, actor, action, target, request, result: outcome, search } = query;
    let id_or_address = |text: Option<String>| {
        Ok::<_, Refusal>(match text {
            Some(text) => Some(id_of_address(cx, &text)?.unwrap_or(text)),
            None => None,
        })
    };
    let search = search.filter(|text| !text.trim().is_empty());
    let named = match &search {
        Some(text) => id_of_address(cx, text)?,
        None => None,
    };
    Ok(Filter {
        since: since.map(|Timestamp(since)| since),
        until: until.map(|Timestamp(until)| until),
        actor: id_or_address(actor)?,
        action,
        target: id_or_address(target)?,
        request,
        outcome,
        search,
        named,
    })
}

/// The identifier of the person with this e-mail address: rows hold identifiers, and people remember addresses.
fn id_of_address(cx: &Cx, text: &str) -> Result<Option<String>, Refusal> {
    if !text.contains('@') || !ViewUsers::is_held(cx)? {
        return Ok(None);
    }
    Ok(users::find_by_name(&cx.read()?, cx, text.trim())?.map(|user| user.id.to_string()))
}
