//! Token-signing keys: few, read whole.

use crate::base::id::{KeyId, TenantId};
use crate::records::SigningKeyRecord;
use crate::store::key::prefix;
use crate::store::{Commit, Error, GO_ON, Read, Record, Table, Tx};

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
    KEYS.find(from, (tenant, id))
}

/// Writes a key.
pub fn put(tx: &mut Tx, tenant: TenantId, key: &SigningKeyRecord) -> Result<(), Error> {
    KEYS.put(tx, (tenant, &key.id), key)
}

/// Removes a key for ever.
pub fn delete(tx: &mut Tx, tenant: TenantId, id: &KeyId) -> Result<(), Error> {
    KEYS.delete(tx, (tenant, id))
}

/// Whether a commit may have changed a key of the tenant.
pub fn may_be_changed_by(commit: &Commit<'_>, tenant: TenantId) -> bool {
    KEYS.may_be_changed_by(commit, &prefix((tenant,)))
}

/// The tenants that have keys.
pub fn tenants(from: &impl Read) -> Result<Vec<TenantId>, Error> {
    let mut tenants: Vec<TenantId> = Vec::new();
    KEYS.visit(from, &[], |(tenant, _), _| {
        if tenants.last() != Some(&tenant) {
            tenants.push(tenant);
        }
        GO_ON
    })?;
    Ok(tenants)
}
