//! What the store notes about the data themselves: which state they are, and which migrations they have been through.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;
use super::changes::Head;
use super::key::Key as _;
use super::record::{self, Record};
use super::table::Table;
use crate::base::id::TenantId;

/// What the store notes about the data themselves.
pub(super) const META: Table<(TenantId, String), Meta> = Table::new("meta");

/// A fact about the data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meta {
    /// The number of the last migration that the file has been through.
    Schema(u32),
    /// Which state this is.
    Head(Head),
    /// Only in backups: what the file must hold.
    Manifest(Manifest),
}

impl Record for Meta {}

/// The table and the key of the row that says which state this is.
pub(super) fn head_row() -> (&'static str, Vec<u8>) {
    ("meta", (TenantId::INSTALLATION, String::from("head")).encode())
}

/// What the row of the head says; before there was one, nothing was counted. Errors: [`Error::Record`],
/// [`Error::Newer`].
pub(super) fn head_of(row: Option<&[u8]>) -> Result<Head, Error> {
    match row.map(record::from_bytes).transpose()? {
        Some(Meta::Head(head)) => Ok(head),
        Some(_) => Err(Error::Record(String::from("the head is missing"))),
        None => Ok(Head::default()),
    }
}

/// What a backup holds; written into it as its last row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// SHA-256 over all rows but this one, in hexadecimal.
    pub(super) sha256: String,
    /// Rows by table, without empty tables and this row.
    pub(super) tables: BTreeMap<String, u64>,
    /// The schema number of the data.
    pub(super) schema: u32,
}
