//! Token-signing keys: few, read whole.

use crate::base::id::{KeyId, TenantId};
use crate::records::SigningKeyRecord;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Table, Tx};

impl Record for SigningKeyRecord {}

const KEYS: Table<(TenantId, KeyId), SigningKeyRecord> = Table::new("signing_keys");

/// All keys, oldest first.
pub fn all(from: &impl Read, tenant: TenantId) -> Result<Vec<SigningKeyRecord>, Error> {
    let rows = KEYS.page(from, &prefix((tenant,)), None, Order::Ascending, usize::MAX)?;
    Ok(rows.into_iter().map(|(_, key)| key).collect())
}

/// The key with this `kid`.
pub fn find(from: &impl Read, tenant: TenantId, id: &KeyId) -> Result<Option<SigningKeyRecord>, Error> {
    KEYS.find(from, &(tenant, id.clone()))
}

/// Writes a key.
pub fn put(tx: &mut Tx, tenant: TenantId, key: &SigningKeyRecord) -> Result<(), Error> {
    KEYS.put(tx, &(tenant, key.id.clone()), key)
}

/// Removes a key for ever.
pub fn delete(tx: &mut Tx, tenant: TenantId, id: &KeyId) -> Result<(), Error> {
    KEYS.delete(tx, &(tenant, id.clone()))
}
