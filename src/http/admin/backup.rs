//! Copies of the data file, made while it is in use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::local::Local;
use super::operation::{Operation, post};
use crate::audit::{Entry, Event};
use crate::base::long_work::Busy;
use crate::cx::Cx;
use crate::http::extract::Body;
use crate::http::respond::{FieldProblem, HandlerResult, Refusal};
use crate::store::rows::marks;
use crate::store::{self, Tx};

/// Where a copy is to be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBackup {
    /// An absolute path on the machine, where there is nothing yet.
    pub path: String,
}

/// A copy of the data file.
#[derive(Debug, Serialize, ToSchema)]
pub struct Backup {
    path: String,
    rows: u64,
    bytes: u64,
    /// Over all rows, in hexadecimal.
    sha256: String,
    /// The number of the shape of the data.
    schema: u32,
    /// Rows by table, without empty tables.
    tables: BTreeMap<String, u64>,
    /// Whether the audit log and the overview know of it: not when the disk of the data file is full.
    recorded: bool,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    vec![post("backup", "Copies the data file").on_the_machine().takes::<NewBackup>().makes::<Backup>()]
}

/// `POST backup`: writes a new file on the machine, at the absolute `path`.
pub async fn create(local: Local, body: Body<NewBackup>) -> HandlerResult {
    let path = PathBuf::from(body.0.path);
    if path.is_relative() {
        let message = String::from("Give an absolute path: the server has a working folder of its own.");
        return Err(Refusal::invalid_fields(vec![FieldProblem { field: String::from("path"), message }]));
    }
    let cx = local.cx;
    let target = path.clone();
    let report = cx.look_long(move |cx| Ok::<_, Busy>(cx.store().backup(&target, |_| {}))).await?;
    let report = report.map_err(refused)?;
    let path = path.to_string_lossy().into_owned();
    // A full disk is when a copy on another one is needed most: it is there, whether it can be noted or not.
    let recorded = match note(&cx, path.clone()).await {
        Ok(()) => true,
        Err(store::Error::Full) => false,
        Err(error) => return Err(error.into()),
    };
    Ok(HttpResponse::Created().json(Backup {
        path,
        rows: report.rows,
        bytes: report.bytes,
        sha256: report.sha256,
        schema: report.schema,
        tables: report.tables,
        recorded,
    }))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::body::to_bytes;
    use serde_json::Value;

    use super::*;
    use crate::store::{Options, Store};
    use crate::testing::TestApp;

    /// The room goes up from nothing, so that the disk is full at every point once.
    #[actix_web::test]
    async fn a_copy_succeeds_while_the_disk_of_the_data_file_is_full_and_says_so() {
        let (folder, options) = (tempfile::tempdir().unwrap(), Options::default());
        let store = Store::open(&folder.path().join("auther.redb"), &options).unwrap();
        let app = TestApp::with(|parts| parts.store = store);
        let mut seen = BTreeSet::new();
        for step in 0..200_u64 {
            options.room.set(step * 16 * 1024);
            let target = folder.path().join(format!("backup {step}"));
            let body = Body(NewBackup { path: target.display().to_string() });
            match create(Local { cx: app.cx() }, body).await {
                Ok(answer) => {
                    let bytes = to_bytes(answer.into_body()).await.unwrap();
                    let answer: Value = serde_json::from_slice(&bytes).unwrap();
                    store::verify_backup(&target).unwrap();
                    seen.insert(if answer["recorded"] == true { "recorded" } else { "not recorded" });
                    if answer["recorded"] == true {
                        break;
                    }
                }
                Err(refusal) => {
                    assert_eq!(refusal.code(), "disk_full");
                    assert!(!target.exists());
                    seen.insert("refused");
                }
            }
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["not recorded", "recorded", "refused"]);
    }
}
