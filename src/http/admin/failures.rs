//! Requests of an app that were refused.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::clients::{Client, parsed};
use super::operation::{Operation, get, post};
use crate::base::Timestamp;
use crate::base::id::FailureId;
use crate::base::page::Page;
use crate::http::extract::{Admin, Fresh, UpdateClients, ViewClients};
use crate::http::respond::HandlerResult;
use crate::oauth::clients::Error;
use crate::oauth::clients::failures::{self, Shown};

/// A request of an app that was refused, or that went on without some of its scopes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AppFailure {
    id: FailureId,
    /// The last time.
    at: Timestamp,
    /// A stable word.
    error: String,
    message: String,
    /// The value that was wrong.
    #[schema(required)]
    sent: Option<String>,
    /// What is registered and comes nearest to it.
    #[schema(required)]
    registered: Option<String>,
    /// How often it was sent.
    count: u64,
    /// What would put it right in one step.
    #[schema(required)]
    fix: Option<Fix>,
    /// What to do about it, in words.
    next_step: String,
}

/// A change of an app that puts a failure right.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Fix {
    /// The list.
    field: String,
    /// What it lacks.
    add: String,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("clients/{client}/failures", "Requests of the app that failed, newest first")
            .needs("view on clients")
            .lists::<AppFailure>(),
        post("clients/{client}/failures/{failure}/fix", "Adds the redirect URI that was sent")
            .needs("update on clients")
            .fresh()
            .gives::<Client>(),
    ];
    all.into_iter().map(|operation| operation.under("apps")).collect()
}

/// `GET clients/{client}/failures`: the newest first.
pub async fn list(admin: Admin<ViewClients>, id: Path<String>) -> HandlerResult {
    let items = failures::of_client(&admin.cx, &id)?.into_iter().map(AppFailure::from).collect();
    Ok(HttpResponse::Ok().json(Page::<AppFailure> { items, next: None }))
}

impl From<Shown> for AppFailure {
    fn from(Shown { failure, registered, fix, next_step }: Shown) -> Self {
        Self {
            id: failure.id,
            at: failure.at.into(),
            error: failure.error,
            message: failure.message,
            sent: failure.sent,
            registered,
            count: failure.count,
            fix: fix.map(|add| Fix { field: String::from("redirect_uris"), add }),
            next_step: next_step.to_owned(),
        }
    }
}

/// `POST clients/{client}/failures/{id}/fix`: adds the redirect URI that was sent, and answers the client.
pub async fn fix(Fresh(admin): Fresh<Admin<UpdateClients>>, path: Path<(String, String)>) -> HandlerResult {
    let (client, id) = path.into_inner();
    let id: FailureId = id.parse().map_err(|_| Error::NoFailure)?;
    let client = failures::fix(&admin.cx, &parsed(&client)?, &id).await?;
    Ok(HttpResponse::Ok().json(Client::from(&client)))
}
