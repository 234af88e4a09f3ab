//! Copies of the data file, made while it is in use.

use std::path::PathBuf;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::Local;
use crate::audit::{Entry, Event};
use crate::base::long_work::Busy;
use crate::cx::Cx;
use crate::http::extract::{Input, Json};
use crate::http::respond::Refusal;
use crate::store::rows::marks;
use crate::store::{self, Tx};

/// `POST backup`: writes a new file on the machine, at the absolute `path`.
pub async fn create(local: Local, body: Json<Map<String, Value>>) -> Result<HttpResponse, Refusal> {
    let mut input = Input::new(body.0);
    let path = PathBuf::from(input.require::<String>("path"));
    if path.is_relative() {
        input.refuse("path", "Give an absolute path: the server has a working folder of its own.");
    }
    input.finish()?;
    let cx = local.cx;
    let target = path.clone();
    let report = cx.look_long(move |cx| Ok::<_, Busy>(cx.store().backup(&target, |_| {}))).await?;
    let report = report.map_err(refused)?;
    note(&cx, path.to_string_lossy().into_owned()).await?;
    Ok(HttpResponse::Created().json(json!({
        "path": path.to_string_lossy(),
        "rows": report.rows,
        "bytes": report.bytes,
        "sha256": report.sha256,
        "schema": report.schema,
        "tables": report.tables,
    })))
}

/// Remembers when there was a backup last.
async fn note(cx: &Cx, path: String) -> Result<(), store::Error> {
    let (at, entry, event) = (cx.clone(), Entry::new(cx), Event::BackupCreate { path });
    let noted = move |tx: &mut Tx| {
        marks::put_value(tx, marks::LAST_BACKUP, &at.now.rfc3339())?;
        entry.append(tx, &at, &event)
    };
    cx.store().write(noted).await
}

/// What stands in the way is the operator's to remove, and said to the operator only.
fn refused(error: store::Error) -> Refusal {
    let (status, code) = match &error {
        store::Error::Exists(_) => (StatusCode::CONFLICT, "exists"),
        store::Error::Full => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
        store::Error::Io(_) => (StatusCode::BAD_REQUEST, "not_written"),
        _ => return Refusal::internal(error),
    };
    Refusal::new(status, code, error.to_string())
}
