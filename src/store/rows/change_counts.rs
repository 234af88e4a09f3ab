//! How often what is kept in memory or named in answers has changed: one count for each kind.
//!
//! Two states with the same count hold the same rows of the kind, so a count only ever grows.

use serde::{Deserialize, Serialize};

use crate::base::id::TenantId;
use crate::store::{Error, Read, Record, Table, Tx};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Of {
    /// Tuples, models and groups together.
    Permissions,
    Models,
    SigningKeys,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Count {
    /// As former versions called it.
    #[serde(rename = "revision")]
    changes: u64,
}

impl Record for Count {}

const COUNTS: Table<(TenantId, String), Count> = Table::new("change_counts");
/// Where former versions kept them.
const FORMER: Table<(TenantId, String), Count> = Table::new("marks");

impl Of {
    pub(in crate::store) const ALL: [Self; 3] = [Self::Permissions, Self::Models, Self::SigningKeys];

    /// As it stands in keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Permissions => "permissions revision",
            Self::Models => "models revision",
            Self::SigningKeys => "signing keys revision",
        }
    }

    fn key(self, tenant: TenantId) -> (TenantId, String) {
        (tenant, self.name().to_owned())
    }
}

/// The count; 0 before the first change.
pub(super) fn find(from: &(impl Read + ?Sized), tenant: TenantId, of: Of) -> Result<u64, Error> {
    Ok(COUNTS.find(from, &of.key(tenant))?.map_or(0, |count| count.changes))
}

/// Counts a change in this transaction; answers the new count.
pub(super) fn raise(tx: &mut Tx, tenant: TenantId, of: Of) -> Result<u64, Error> {
    let changes = find(tx, tenant, of)?.saturating_add(1);
    COUNTS.put(tx, &of.key(tenant), &Count { changes })?;
    Ok(changes)
}

/// The new count if the commit counted a change.
pub(super) fn changed(commit: &crate::store::Commit<'_>, tenant: TenantId, of: Of) -> Result<Option<u64>, Error> {
    let rows = COUNTS.changed(commit, &crate::store::prefix((tenant, of.name())))?;
    Ok(rows.into_iter().find_map(|(_, row)| row).map(|count| count.changes))
}

/// Takes over what a former version counted.
pub(in crate::store) fn move_in(tx: &mut Tx, tenant: TenantId, of: Of) -> Result<(), Error> {
    let key = of.key(tenant);
    let Some(former) = FORMER.find(tx, &key)? else { return Ok(()) };
    let changes = former.changes.saturating_add(find(tx, tenant, of)?);
    COUNTS.put(tx, &key, &Count { changes })?;
    FORMER.delete(tx, &key)
}
