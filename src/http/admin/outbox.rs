//! Deliveries that are not done: seen, tried again, deleted.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Value, json};

use super::{page_request, paged, parameter, wrong_parameter};
use crate::base::id::DeliveryId;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::{Admin, Fresh, Query};
use crate::http::respond::HandlerResult;
use crate::outbox::{self, Error, Filter};
use crate::records::{Delivery, DeliveryState};

/// What is shown of a delivery. Its payload is for who receives it.
fn view(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "kind": delivery.kind,
        "target": delivery.target,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due_at": delivery.due.rfc3339(),
        "tried_at": delivery.tried_at.map(|at| at.rfc3339()),
        "error": delivery.error,
        "created_at": delivery.created_at.rfc3339(),
        "expires_at": delivery.expires_at.rfc3339(),
    })
}

/// `GET outbox`: a page, newest first; `state`, `kind` and `target` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin, query: Query) -> HandlerResult {
    let state = match parameter(&query, "state")? {
        None => None,
        Some(word) => match DeliveryState::ALL.into_iter().find(|state| state.as_str() == word) {
            None => return Err(wrong_parameter("state", "is neither waiting nor dead")),
            state => state,
        },
    };
    let text = |name| parameter(&query, name).map(|value| value.map(str::to_owned));
    let filter = Filter { state, kind: text("kind")?, target: text("target")? };
    let read = move |cx: &Cx, request: &PageRequest| outbox::page(cx, &filter, request);
    let page = paged(&admin.cx, page_request::<DeliveryId>(&query)?, read).await?;
    let items: Vec<Value> = page.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}

fn parsed(id: &str) -> Result<DeliveryId, Error> {
    id.parse().map_err(|_| Error::NotFound)
}

/// `POST outbox/{delivery}/retry`: tries it again now, and as often as a new one.
pub async fn retry(admin: Admin, id: Path<String>) -> HandlerResult {
    let delivery = outbox::retry(&admin.cx, &parsed(&id)?).await?;
    Ok(HttpResponse::Ok().json(view(&delivery)))
}

/// `DELETE outbox/{delivery}`: it is not delivered.
pub async fn delete(Fresh(admin): Fresh<Admin>, id: Path<String>) -> HandlerResult {
    let delivery = outbox::delete(&admin.cx, &parsed(&id)?).await?;
    Ok(HttpResponse::Ok().json(view(&delivery)))
}
