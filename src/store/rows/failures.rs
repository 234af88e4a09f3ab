//! Refused authorization requests, by client.

use super::expiry::{self, Kind};
use crate::base::id::{ClientId, FailureId, TenantId};
use crate::records::AuthorizeFailure;
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Read, Record, Table, Tx};

impl Record for AuthorizeFailure {}

const FAILURES: Table<(TenantId, ClientId, FailureId), AuthorizeFailure> = Table::new("authorize_failures");

/// The failure of this client with this id, expired or not.
pub fn find(
    from: &impl Read,
    tenant: TenantId,
    client: &ClientId,
    id: &FailureId,
) -> Result<Option<AuthorizeFailure>, Error> {
    FAILURES.find(from, (tenant, client, id))
}

/// All failures of a client, oldest first, expired ones included until they are swept. Anyone who writes keeps them
/// few.
pub fn of_client(from: &impl Read, tenant: TenantId, client: &ClientId) -> Result<Vec<AuthorizeFailure>, Error> {
    let mut failures = Vec::new();
    FAILURES.visit(from, &prefix((tenant, client)), |_, failure| {
        failures.push(failure);
        GO_ON
    })?;
    Ok(failures)
}

/// Writes a failure. `old` is the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&AuthorizeFailure>, new: &AuthorizeFailure) -> Result<(), Error> {
    expiry::reschedule(tx, tenant, Kind::Refused, &name(new), old.map(|old| old.expires_at), new.expires_at)?;
    FAILURES.put(tx, (tenant, &new.client, &new.id), new)
}

/// Removes a failure.
pub fn delete(tx: &mut Tx, tenant: TenantId, failure: &AuthorizeFailure) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Refused, &name(failure), failure.expires_at)?;
    FAILURES.delete(tx, (tenant, &failure.client, &failure.id))
}

/// What a failure is called among the rows that end: neither half can hold the space between them.
fn name(failure: &AuthorizeFailure) -> String {
    format!("{} {}", failure.client, failure.id)
}

/// The failure that is called this among the rows that end.
pub(super) fn find_by_name(from: &impl Read, tenant: TenantId, name: &str) -> Result<Option<AuthorizeFailure>, Error> {
    let Some((client, id)) = name.split_once(' ') else { return Ok(None) };
    match (client.parse(), id.parse()) {
        (Ok(client), Ok(id)) => find(from, tenant, &client, &id),
        _ => Ok(None),
    }
}
