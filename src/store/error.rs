//! What can go wrong between a rule and the disk.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// A read or a write failed. Nothing of a failed write is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The disk has no room left.
    #[error("the disk is full")]
    Full,
    /// The disk, or the system around it, failed.
    #[error("the disk failed: {0}")]
    Io(String),
    /// What is stored does not fit together.
    #[error("the data file is damaged: {0}")]
    Damaged(String),
    /// Bytes that are no key of the expected shape.
    #[error("a stored key does not have the expected shape")]
    Key,
    /// A row's body is not the record that its table holds.
    #[error("a record does not have the expected shape: {0}")]
    Record(String),
    /// A row was written by a newer version of this program.
    #[error("a record has version {found}, this program knows up to {known}")]
    Newer {
        /// The version in the row.
        found: u8,
        /// The highest version this program reads.
        known: u8,
    },
    /// The name is missing in `schema::TABLES`: a mistake in the program.
    #[error("`{0}` is not a table of the schema")]
    UnknownTable(String),
    /// Other processes changed what the transaction reads as often as it was tried. Trying again later may do.
    #[error("others changed the same rows again and again")]
    Conflict,
    /// The closure of a transaction panicked; only its own changes are lost.
    #[error("a transaction panicked: {0}")]
    Panicked(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The operation has read as much as it may, or nobody waits for it any more.
    #[error(transparent)]
    Stopped(#[from] crate::base::budget::Stopped),
    /// Something that must not be overwritten is in the way.
    #[error("{} already exists. Remove it, or name another file.", .0.display())]
    Exists(PathBuf),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error.to_string()),
        }
    }
}

/// One line in the log for what must not reach the outside.
pub(super) fn log_fault(what: &str, error: &dyn Display) {
    tracing::error!(%error, "{what}");
}
