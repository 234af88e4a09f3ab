//! What is wrong with the installation.

use actix_web::HttpResponse;
use serde_json::json;

use crate::base::long_work::Busy;
use crate::doctor;
use crate::http::extract::{Admin, ViewSettings};
use crate::http::respond::Refusal;

/// `GET doctor`: every check with its state, and what to do where something is wrong. Nothing is changed.
pub async fn examine(admin: Admin<ViewSettings>) -> Result<HttpResponse, Refusal> {
    // Files are looked at, and a long log is read through.
    let items = admin.cx.look_long(|cx| Ok::<_, Busy>(doctor::examine(cx))).await?;
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}
