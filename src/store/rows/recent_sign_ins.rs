//! How the sign-ins to each app were protected lately: one row per app.

use crate::base::id::{ClientId, TenantId};
use crate::records::RecentSignIns;
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Read, Record, Table, Tx};

impl Record for RecentSignIns {}

const RECENT: Table<(TenantId, ClientId), RecentSignIns> = Table::new("recent_sign_ins");

/// Those to this app.
pub fn find(from: &impl Read, tenant: TenantId, client: &ClientId) -> Result<Option<RecentSignIns>, Error> {
    RECENT.find(from, (tenant, client))
}

/// Those to every app that had any, by the app's identifier.
pub fn all(from: &impl Read, tenant: TenantId) -> Result<Vec<(ClientId, RecentSignIns)>, Error> {
    let mut all = Vec::new();
    RECENT.visit(from, &prefix((tenant,)), |(_, client), recent| {
        all.push((client, recent));
        GO_ON
    })?;
    Ok(all)
}

/// Writes those to an app.
pub fn put(tx: &mut Tx, tenant: TenantId, client: &ClientId, recent: &RecentSignIns) -> Result<(), Error> {
    RECENT.put(tx, (tenant, client), recent)
}

/// Forgets those to an app.
pub fn delete(tx: &mut Tx, tenant: TenantId, client: &ClientId) -> Result<(), Error> {
    RECENT.delete(tx, (tenant, client))
}
