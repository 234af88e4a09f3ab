//! The audit log.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::{page_request, paged, parameter, wrong_parameter};
use crate::audit::{self, Filter};
use crate::base::Moment;
use crate::base::id::AuditId;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::{Admin, PlatformRight, Query, ViewAudit, ViewUsers};
use crate::http::respond::Refusal;
use crate::identity::users;
use crate::records::{AuditRow, Outcome};
use crate::store::Order;

pub(super) fn view(row: &AuditRow) -> Value {
    json!({
        "id": row.id,
        "at": row.at.rfc3339(),
        "action": row.action,
        "outcome": row.outcome,
        "actor_kind": row.actor_kind,
        "actor": row.actor,
        "target": row.target,
        "request": row.request,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "detail": row.detail,
    })
}

/// `GET audit`: a page, newest first or in the given `order`; `since`, `until`, `actor`, `action`, `target`, `request`, `result` and `search`
/// narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewAudit>, query: Query) -> Result<HttpResponse, Refusal> {
    let order = match parameter(&query, "order")? {
        None | Some("desc") => Order::Descending,
        Some("asc") => Order::Ascending,
        Some(_) => return Err(wrong_parameter("order", "is neither asc nor desc")),
    };
    let filter = filter(&admin.cx, &query)?;
    let read = move |cx: &Cx, request: &PageRequest| audit::page(cx, &filter, order, request);
    let page = paged(&admin.cx, page_request::<AuditId>(&query)?, read).await?;
    let items: Vec<Value> = page.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
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
