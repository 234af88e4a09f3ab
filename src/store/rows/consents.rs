//! Consents, by person and client.

use crate::base::id::{ClientId, TenantId, UserId};
use crate::records::Consent;
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Index, Read, Record, Table, Tx};

impl Record for Consent {}

const CONSENTS: Table<(TenantId, UserId, ClientId), Consent> = Table::new("consents");
const BY_CLIENT: Index<(TenantId, ClientId, UserId)> = Index::new("consents_by_client");

/// What this person allowed this client.
pub fn find(from: &impl Read, tenant: TenantId, user: &UserId, client: &ClientId) -> Result<Option<Consent>, Error> {
    CONSENTS.find(from, (tenant, user, client))
}

/// All that a person allowed.
pub fn of_user(from: &impl Read, tenant: TenantId, user: &UserId) -> Result<Vec<Consent>, Error> {
    let mut consents = Vec::new();
    CONSENTS.visit(from, &prefix((tenant, user)), |_, consent| {
        consents.push(consent);
        GO_ON
    })?;
    Ok(consents)
}

/// All that was allowed to a client.
pub fn of_client(from: &impl Read, tenant: TenantId, client: &ClientId) -> Result<Vec<Consent>, Error> {
    let mut consents = Vec::new();
    BY_CLIENT.visit(from, &prefix((tenant, client)), |(_, _, user)| {
        consents.extend(find(from, tenant, &user, client)?);
        GO_ON
    })?;
    Ok(consents)
}

/// Writes a consent.
pub fn put(tx: &mut Tx, tenant: TenantId, consent: &Consent) -> Result<(), Error> {
    BY_CLIENT.put(tx, (tenant, &consent.client, &consent.user))?;
    CONSENTS.put(tx, (tenant, &consent.user, &consent.client), consent)
}

/// Removes a consent.
pub fn delete(tx: &mut Tx, tenant: TenantId, consent: &Consent) -> Result<(), Error> {
    BY_CLIENT.delete(tx, (tenant, &consent.client, &consent.user))?;
    CONSENTS.delete(tx, (tenant, &consent.user, &consent.client))
}
