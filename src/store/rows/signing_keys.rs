//! Token-signing keys: few, read whole; and the count of changes to them.

use super::models::Revision;
use crate::base::id::{KeyId, TenantId};
use crate::records::SigningKeyRecord;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Table, Tx};

impl Record for SigningKeyRecord {}

const KEYS: Table<(TenantId, KeyId), SigningKeyRecord> = Table::new("signing_keys");
const REVISIONS: Table<(TenantId, String), Revision> = Table::new("marks");

/// All keys, oldest first.
pub fn all(from: &impl Read, tenant: TenantId) -> Result<Vec<SigningKeyRecord>, Error> {
    let rows = KEYS.page(from, &prefix((tenant,)), None, Order::Ascending, usize::MAX)?;
    Ok(rows.into_iter().map(|(_, key)| key).collect())
}

/// The key with this `kid`.
pub fn find(from: &impl Read, tenant: TenantId, id: &KeyId) -> Result<Option<SigningKeyRecord>, Error> {
    KEYS.find(from, &(tenant, id.clone()))
}

/// Writes a key and counts the change.
pub fn put(tx: &mut Tx, tenant: TenantId, key: &SigningKeyRecord) -> Result<(), Error> {
    KEYS.put(tx, &(tenant, key.id.clone()), key)?;
    raise(tx, tenant)
}

/// Removes a key for ever and counts the change.
pub fn delete(tx: &mut Tx, tenant: TenantId, id: &KeyId) -> Result<(), Error> {
    KEYS.delete(tx, &(tenant, id.clone()))?;
    raise(tx, tenant)
}

/// How often keys of the tenant changed. Two states with the same count hold the same keys.
pub fn revision(from: &impl Read, tenant: TenantId) -> Result<u64, Error> {
    Ok(REVISIONS.find(from, &revision_key(tenant))?.map_or(0, |row| row.revision))
}

fn raise(tx: &mut Tx, tenant: TenantId) -> Result<(), Error> {
    let revision = revision(tx, tenant)?.saturating_add(1);
    REVISIONS.put(tx, &revision_key(tenant), &Revision { revision })
}

fn revision_key(tenant: TenantId) -> (TenantId, String) {
    (tenant, String::from("signing keys revision"))
}
