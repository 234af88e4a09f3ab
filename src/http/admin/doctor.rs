//! What is wrong with the installation.

use actix_web::HttpResponse;

use super::operation::{Operation, get};
use crate::base::long_work::Busy;
use crate::base::page::Page;
use crate::doctor::{self, Finding};
use crate::http::extract::{Admin, ViewSettings};
use crate::http::respond::HandlerResult;

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = get("doctor", "What is wrong with the installation, and what to do");
    vec![all.needs("view on settings").lists::<Finding>()]
}

/// `GET doctor`: every check with its state, and what to do where something is wrong. Nothing is changed.
pub async fn examine(admin: Admin<ViewSettings>) -> HandlerResult {
    // Files are looked at, and a long log is read through.
    let items = admin.cx.look_long(|cx| Ok::<_, Busy>(doctor::examine(cx))).await?;
    Ok(HttpResponse::Ok().json(Page { items, next: None }))
}
