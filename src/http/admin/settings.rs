//! The configuration in effect.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use crate::config::schema::{Kind, find_key};
use crate::config::{Effective, Source, effective};
use crate::http::extract::{Admin, ViewSettings};
use crate::http::respond::Refusal;

/// A key, its value, where that was typed, whether a new one waits for a restart, and whether anything reads it in this version. A secret says only that it is set.
fn view(row: &Effective, waiting: &[&str]) -> Value {
    let key = find_key(row.key);
    let (origin, place) = match &row.source {
        Source::Default => ("default", None),
        Source::File { .. } => ("file", Some(row.source.to_string())),
        Source::Env { .. } => ("environment", Some(row.source.to_string())),
        Source::Flag { .. } => ("flag", Some(row.source.to_string())),
    };
    json!({
        "key": row.key,
        "value": row.value,
        "origin": origin,
        "place": place,
        "variable": key.map(|key| key.variable()),
        "reloadable": key.is_some_and(|key| key.reloadable),
        "waiting": waiting.contains(&row.key),
        "has_effect": key.is_none_or(|key| !key.not_yet),
        "secret": key.is_some_and(|key| key.kind == Kind::Secret),
        "description": key.map(|key| key.help),
    })
}

/// `GET settings`: every key of the configuration, in the order of its documentation.
pub async fn list(admin: Admin<ViewSettings>) -> Result<HttpResponse, Refusal> {
    let settings = admin.cx.settings();
    let items: Vec<Value> = effective(settings).map(|row| view(&row, &settings.waiting)).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}
