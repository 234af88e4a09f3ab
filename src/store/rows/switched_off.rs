//! Policies that are not run any more, by the digest of their text.

use crate::base::ScriptDigest;
use crate::base::id::TenantId;
use crate::records::SwitchedOff;
use crate::store::key::prefix;
use crate::store::{Commit, Error, Order, Read, Record, Table, Tx};

impl Record for SwitchedOff {}

const SWITCHED_OFF: Table<(TenantId, String), SwitchedOff> = Table::new("policies_switched_off");

/// Rows that are kept: beyond them, the oldest goes.
pub const MOST: usize = 1_000;

/// All of them, oldest first.
pub fn all(from: &impl Read, tenant: TenantId) -> Result<Vec<SwitchedOff>, Error> {
    let rows = SWITCHED_OFF.page(from, &prefix((tenant,)), None, Order::Ascending, MOST)?;
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    rows.sort_by_key(|row| (row.at, row.script));
    Ok(rows)
}

/// The row of this script.
pub fn find(from: &impl Read, tenant: TenantId, script: ScriptDigest) -> Result<Option<SwitchedOff>, Error> {
    SWITCHED_OFF.find(from, (tenant, &script.to_string()))
}

/// Whether a commit may have changed a row of the tenant.
pub fn may_be_changed_by(commit: &Commit<'_>, tenant: TenantId) -> bool {
    SWITCHED_OFF.may_be_changed_by(commit, &prefix((tenant,)))
}

/// Writes a row.
pub fn put(tx: &mut Tx, tenant: TenantId, row: &SwitchedOff) -> Result<(), Error> {
    let others = all(tx, tenant)?;
    if others.len() >= MOST
        && let Some(oldest) = others.iter().find(|other| other.script != row.script)
    {
        delete(tx, tenant, oldest.script)?;
    }
    SWITCHED_OFF.put(tx, (tenant, &row.script.to_string()), row)
}

/// Removes the row of this script.
pub fn delete(tx: &mut Tx, tenant: TenantId, script: ScriptDigest) -> Result<(), Error> {
    SWITCHED_OFF.delete(tx, (tenant, &script.to_string()))
}
