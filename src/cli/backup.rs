//! `auther admin backup`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Failure, Output, text};
use super::remote::{Call, Remote};
use crate::http::admin::backup::NewBackup;
use crate::store::{self, BackupReport, Restored};

/// What can be done with copies of the data file.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Copy the data file while it is in use: consistent, checksummed, mode 0600
    #[command(after_help = "Example:\n  auther admin backup create /var/backups/auther-$(date +%F).redb\n\n\
        Copying auther.redb itself while the server runs is never a backup.")]
    Create(FileArgs),
    /// Read a backup whole and compare it with its checksums
    Verify(FileArgs),
    /// Put a backup in the place of the data file; the server must be stopped
    Restore(RestoreArgs),
}

/// Names a backup.
#[derive(Args, Debug)]
pub struct FileArgs {
    /// The backup
    file: PathBuf,
}

/// `backup restore`.
#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Replace a data file that exists; it stays beside the new one, under another name
    #[arg(long)]
    force: bool,
}

impl BackupCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(args) => {
                let path = absolute(&args.file)?;
                let answer = remote.call(Call::post(["backup"]).body(&NewBackup { path }).slow())?;
                output.show(&answer, |answer| {
                    let made = format!("Backed up to {}: {} rows.", text(answer, "path"), text(answer, "rows"));
                    match answer.get("recorded").and_then(Value::as_bool) {
                        Some(false) => format!("{made}\n{UNRECORDED}"),
                        _ => made,
                    }
                })
            }
            Self::Verify(args) => {
                let report = store::verify_backup(&args.file).map_err(|error| refused(&error))?;
                output.show(&document(&args.file, &report), |answer| {
                    format!("{} is whole: {} rows.", text(answer, "path"), text(answer, "rows"))
                })
            }
            Self::Restore(args) => {
                let restored = store::restore(&args.file, remote.data(), args.force);
                let Restored { report, kept } = restored.map_err(|error| refused(&error))?;
                let mut answer = document(remote.data(), &report);
                if let Some(members) = answer.as_object_mut() {
                    members.insert(String::from("kept"), json!(kept));
                }
                output.show(&answer, |answer| {
                    let restored = format!("Restored {}: {} rows.", text(answer, "path"), text(answer, "rows"));
                    match &kept {
                        Some(kept) => format!("{restored}\nWhat was there before is in {}.", kept.display()),
                        None => restored,
                    }
                })
            }
        }
    }
}

/// What is said of a copy that the data file knows nothing of.
const UNRECORDED: &str = "The disk of the data file is full: the copy is whole, but nothing of it is in the audit log. Make room there: until then everything that writes is refused.";

/// The server has another working folder than we have.
fn absolute(file: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(file)
        .map_err(|error| Failure::usage("bad_path", format!("{}: {error}.", file.display())))?;
    path.to_str().map(str::to_owned).ok_or_else(|| Failure::usage("bad_path", "the file's name is not UTF-8."))
}

fn refused(error: &store::BackupError) -> Failure {
    Failure::new("backup", error.to_string())
}

/// The same members as the API's answer.
fn document(path: &Path, report: &BackupReport) -> Value {
    json!({
        "path": path.to_string_lossy(),
        "rows": report.rows,
        "bytes": report.bytes,
        "sha256": report.sha256,
        "schema": report.schema,
        "tables": report.tables,
    })
}
