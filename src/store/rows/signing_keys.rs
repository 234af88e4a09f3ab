//! Token-signing keys: few, read whole; and the count of changes to them.

use super::change_counts::{self, Of};
use crate::base::id::{KeyId, TenantId};
use crate::records::SigningKeyRecord;
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Read, Record, Table, Tx};

impl Record for SigningKeyRecord {}

const KEYS: Table<(TenantId, KeyId), SigningKeyRecord> = Table::new("signing_keys");

/// All keys, oldest first.
pub fn all(from: &impl Read, tenant: TenantId) -> Result<Vec<SigningKeyRecord>, Error> {
    let mut keys = Vec::new();
    KEYS.visit(from, &prefix((tenant,)), |_, key| {
        keys.push(key);
        GO_ON
    })?;
    Ok(keys)
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
    change_counts::find(from, tenant, Of::SigningKeys)
}

fn raise(tx: &mut Tx, tenant: TenantId) -> Result<(), Error> {
    change_counts::raise(tx, tenant, Of::SigningKeys).map(drop)
}
