//! The audit log.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::operation::{Operation, get};
use super::paging::{page_request, paged, parameter, wrong_parameter};
use crate::audit::{self, Filter};
use crate::base::id::AuditId;
use crate::base::page::PageRequest;
use crate::base::{Moment, Timestamp};
use crate::cx::Cx;
use crate::http::extract::{Admin, PlatformRight, Query, ViewAudit, ViewUsers};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::users;
use crate::records::{ActorKind, AuditRow, Outcome};
use crate::store::Order;

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
    let all = get("audit", "Who did what to whom, newest first")
        .needs("view on audit")
        .filter::<Timestamp>("since", "From this moment on.")
        .filter::<Timestamp>("until", "From before this moment.")
        .filter::<String>("actor", "Only what this one did: an identifier or an e-mail address.")
        .filter::<String>("action", "Only this action, or all of a noun: `user.sign_in`, `user`.")
        .filter::<String>("target", "Only what was done to this one: an identifier or an e-mail address.")
        .filter::<String>("request", "Only what this request did.")
        .filter::<Outcome>("result", "Only what ended so.")
        .filter::<String>("search", "Only rows that hold this text.")
        .filter_among("order", &["asc", "desc"], "Oldest or newest first.");
    vec![all.pages::<Row>()]
}

/// `GET audit`: a page, newest first or in the given `order`; `since`, `until`, `actor`, `action`, `target`, `request`,
/// `result` and `search` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewAudit>, query: Query) -> HandlerResult {
    let order = match parameter(&query, "order")? {
        None | Some("desc") => Order::Descending,
        Some("asc") => Order::Ascending,
        Some(_) => return Err(wrong_parameter("order", "is neither asc nor desc")),
    };
    let filter = filter(&admin.cx, &query)?;
    let read = move |cx: &Cx, request: &PageRequest| audit::page(cx, &filter, order, request);
    let page = paged(&admin.cx, page_request::<AuditId>(&query)?, read).await?;
    Ok(HttpResponse::Ok().json(page.map(Row::from)))
}

fn filter(cx: &Cx, query: &Query) -> Result<Filter, Refusal> {
    let outcome = match parameter(query, "result")? {
        None => None,
        Some("success") => Some(Outcome::Success),
        Some("failure") => Some(Outcome::Failure),
        Some(_) => return Err(wrong_parameter("result", "is neither success nor failure")),
    };
    let moment = |name| match parameter(query, name)? {
        None => Ok(None),
        Some(text) => match Moment::parse_rfc3339(text) {
            None => Err(wrong_parameter(name, "is not an RFC 3339 time")),
            at => Ok(at),
        },
    };
    let text = |name| parameter(query, name).map(|value| value.map(str::to_owned));
    let id_or_address = |name| {
        Ok::<_, Refusal>(match parameter(query, name)? {
            Some(text) => Some(id_of_address(cx, text)?.unwrap_or_else(|| text.to_owned())),
            None => None,
        })
    };
    let search = text("search")?.filter(|text| !text.trim().is_empty());
    let named = match &search {
        Some(text) => id_of_address(cx, text)?,
        None => None,
    };
    Ok(Filter {
        since: moment("since")?,
        until: moment("until")?,
        actor: id_or_address("actor")?,
        action: text("action")?,
        target: id_or_address("target")?,
        request: text("request")?,
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
