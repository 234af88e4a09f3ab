//! How often tuples, models and groups have changed: the number that answers and tokens name. It is counted in the
//! transaction that changes them.
//!
//! Two states with the same count hold the same rows, so a count only ever grows.

use serde::{Deserialize, Serialize};

use crate::base::id::TenantId;
use crate::store::{Commit, Error, Read, Record, Table, Tx, prefix};

/// As it stands in keys.
const PERMISSIONS: &str = "permissions revision";

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

fn key(tenant: TenantId) -> (TenantId, String) {
    (tenant, PERMISSIONS.to_owned())
}

/// The count; 0 before the first change.
pub(super) fn find(from: &(impl Read + ?Sized), tenant: TenantId) -> Result<u64, Error> {
    Ok(COUNTS.find(from, &key(tenant))?.map_or(0, |count| count.changes))
}

/// Counts a change in this transaction; answers the new count.
pub(super) fn raise(tx: &mut Tx, tenant: TenantId) -> Result<u64, Error> {
    let changes = find(tx, tenant)?.saturating_add(1);
    COUNTS.put(tx, &key(tenant), &Count { changes })?;
    Ok(changes)
}

/// The new count if the commit counted a change.
pub(super) fn changed(commit: &Commit<'_>, tenant: TenantId) -> Result<Option<u64>, Error> {
    let rows = COUNTS.changed(commit, &prefix((tenant, PERMISSIONS)))?;
    Ok(rows.into_iter().find_map(|(_, row)| row).map(|count| count.changes))
}

/// Takes over what a former version counted.
pub(in crate::store) fn move_in(tx: &mut Tx, tenant: TenantId) -> Result<(), Error> {
    let key = key(tenant);
    let Some(former) = FORMER.find(tx, &key)? else { return Ok(()) };
    let changes = former.changes.saturating_add(find(tx, tenant)?);
    COUNTS.put(tx, &key, &Count { changes })?;
    FORMER.delete(tx, &key)
}

/// Counts of former versions that nobody asks for: what belonged to them belongs to a revision now.
const GONE: [&str; 2] = ["models revision", "signing keys revision"];

/// Removes the counts that nobody asks for, wherever a former version kept them.
pub(in crate::store) fn remove_gone(tx: &mut Tx, tenant: TenantId) -> Result<(), Error> {
    for name in GONE {
        let key = (tenant, name.to_owned());
        COUNTS.delete(tx, &key)?;
        FORMER.delete(tx, &key)?;
    }
    Ok(())
}
