//! Deliveries that are not done: seen, tried again, deleted.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, post};
use super::paging::{PageQuery, paged};
use crate::base::Timestamp;
use crate::base::id::DeliveryId;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::http::extract::{Admin, Fresh, Params};
use crate::http::respond::HandlerResult;
use crate::outbox::{self, Error, Filter};
use crate::records::{self, DeliveryState};

/// A delivery that is not done. Its payload is for who receives it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    id: DeliveryId,
    kind: String,
    /// What it is about.
    target: String,
    state: DeliveryState,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried next.
    due_at: Timestamp,
    #[schema(required)]
    tried_at: Option<Timestamp>,
    /// What went wrong the last time.
    #[schema(required)]
    error: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl From<records::Delivery> for Delivery {
    fn from(delivery: records::Delivery) -> Self {
        Self {
            id: delivery.id,
            kind: delivery.kind,
            target: delivery.target,
            state: delivery.state,
            attempts: delivery.attempts,
            due_at: delivery.due.into(),
            tried_at: delivery.tried_at.map(Timestamp::from),
            error: delivery.error,
            created_at: delivery.created_at.into(),
            expires_at: delivery.expires_at.into(),
        }
    }
}

/// Which deliveries a list of them shows.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DeliveryQuery {
    /// Only those that wait, or only those that were given up.
    state: Option<DeliveryState>,
    /// Only those of this kind.
    kind: Option<String>,
    /// Only those about this identifier.
    target: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    vec![
        get("outbox", "Deliveries that are not done, newest first")
            .needs("manage_platform on platform")
            .asks::<DeliveryQuery>()
            .lists::<Delivery>(),
        post("outbox/{delivery}/retry", "Tries a delivery again now")
            .needs("manage_platform on platform")
            .gives::<Delivery>(),
        deletes("outbox/{delivery}", "Deletes a delivery: it is not done")
            .needs("manage_platform on platform")
            .fresh()
            .gives::<Delivery>(),
    ]
}

/// `GET outbox`: a page, newest first; `state`, `kind` and `target` narrow it. A page may be short and still have a
/// `next`.
pub async fn list(admin: Admin, query: Params<DeliveryQuery>) -> HandlerResult {
    let DeliveryQuery { state, kind, target, page } = query.0;
    let filter = Filter { state, kind, target };
    let read = move |cx: &Cx, request: &PageRequest| outbox::page(cx, &filter, request);
    let page = paged(&admin.cx, page.request::<DeliveryId>()?, read).await?;
    Ok(HttpResponse::Ok().json(page.map(Delivery::from)))
}

fn parsed(id: &str) -> Result<DeliveryId, Error> {
    id.parse().map_err(|_| Error::NotFound)
}

/// `POST outbox/{delivery}/retry`: tries it again now, and as often as a new one.
pub async fn retry(admin: Admin, id: Path<String>) -> HandlerResult {
    let delivery = outbox::retry(&admin.cx, &parsed(&id)?).await?;
    Ok(HttpResponse::Ok().json(Delivery::from(delivery)))
}

/// `DELETE outbox/{delivery}`: it is not delivered.
pub async fn delete(Fresh(admin): Fresh<Admin>, id: Path<String>) -> HandlerResult {
    let delivery = outbox::delete(&admin.cx, &parsed(&id)?).await?;
    Ok(HttpResponse::Ok().json(Delivery::from(delivery)))
}
