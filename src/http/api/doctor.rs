//! What is wrong with the installation.

use actix_web::HttpResponse;
use actix_web::web::block;
use serde_json::json;

use crate::doctor;
use crate::http::extract::{Admin, ViewSettings};
use crate::http::respond::Refusal;

/// `GET doctor`: every check with its state, and what to do where something is wrong. Nothing is changed.
pub async fn examine(admin: Admin<ViewSettings>) -> Result<HttpResponse, Refusal> {
    let cx = admin.cx;
    // Files are looked at, and a long log is read through.
    let items = block(move || doctor::examine(&cx)).await.map_err(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}
