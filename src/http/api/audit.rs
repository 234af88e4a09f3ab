//! The audit log.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::{page_request, parameter, wrong_parameter};
use crate::audit::{self, Filter};
use crate::base::Moment;
use crate::base::id::AuditId;
use crate::http::extract::{Admin, Query, ViewAudit};
use crate::http::respond::Refusal;
use crate::records::AuditRow;
use crate::store::Order;

fn view(row: &AuditRow) -> Value {
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

/// `GET audit`: a page, newest first or in the given `order`; `since`, `actor`, `action`, `target` and `request` narrow it. A page may be
/// short and still have a `next`.
pub async fn list(admin: Admin<ViewAudit>, query: Query) -> Result<HttpResponse, Refusal> {
    let order = match parameter(&query, "order")? {
        None | Some("desc") => Order::Descending,
        Some("asc") => Order::Ascending,
        Some(_) => return Err(wrong_parameter("order", "is neither asc nor desc")),
    };
    let since = match parameter(&query, "since")? {
        None => None,
        Some(text) => {
            Some(Moment::parse_rfc3339(text).ok_or_else(|| wrong_parameter("since", "is not an RFC 3339 time"))?)
        }
    };
    let text = |name| parameter(&query, name).map(|value| value.map(str::to_owned));
    let (actor, action, target) = (text("actor")?, text("action")?, text("target")?);
    let filter = Filter { since, actor, action, target, request: text("request")? };
    let page = audit::page(&admin.cx, &filter, order, &page_request::<AuditId>(&query)?)?;
    let items: Vec<Value> = page.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}
