//! Consents, by person and client.

use crate::base::id::{ClientId, TenantId, UserId};
use crate::records::Consent;
use crate::store::key::prefix;
use crate::store::{Error, Index, Order, Read, Record, Table, Tx};

impl Record for Consent {}

const CONSENTS: Table<(TenantId, UserId, ClientId), Consent> = Table::new("consents");
const BY_CLIENT: Index<(TenantId, ClientId, UserId)> = Index::new("consents_by_client");

/// What this person allowed this client.
pub fn find(from: &impl Read, tenant: TenantId, user: &UserId, client: &ClientId) -> Result<Option<Consent>, Error> {
    CONSENTS.find(from, &(tenant, user.clone(), client.clone()))
}

/// All that a person allowed.
pub fn of_user(from: &impl Read, tenant: TenantId, user: &UserId) -> Result<Vec<Consent>, Error> {
    let rows = CONSENTS.page(from, &prefix((tenant, user)), None, Order::Ascending, usize::MAX)?;
    Ok(rows.into_iter().map(|(_, consent)| consent).collect())
}

/// All that was allowed to a client.
pub fn of_client(from: &impl Read, tenant: TenantId, client: &ClientId) -> Result<Vec<Consent>, Error> {
    let keys = BY_CLIENT.page(from, &prefix((tenant, client)), None, Order::Ascending, usize::MAX)?;
    let mut consents = Vec::with_capacity(keys.len());
    for (_, _, user) in keys {
        consents.extend(find(from, tenant, &user, client)?);
    }
    Ok(consents)
}

/// Writes a consent.
pub fn put(tx: &mut Tx, tenant: TenantId, consent: &Consent) -> Result<(), Error> {
    BY_CLIENT.put(tx, &(tenant, consent.client.clone(), consent.user.clone()))?;
    CONSENTS.put(tx, &(tenant, consent.user.clone(), consent.client.clone()), consent)
}

/// Removes a consent.
pub fn delete(tx: &mut Tx, tenant: TenantId, consent: &Consent) -> Result<(), Error> {
    BY_CLIENT.delete(tx, &(tenant, consent.client.clone(), consent.user.clone()))?;
    CONSENTS.delete(tx, &(tenant, consent.user.clone(), consent.client.clone()))
}
