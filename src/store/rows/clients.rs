//! Clients, by id.

use super::filtered::{self, PageRange};
use crate::base::id::{ClientId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::base::sort::Sortable as _;
use crate::records::Client;
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Order, Read, Record, Table, Tx};

impl Record for Client {}

const CLIENTS: Table<(TenantId, ClientId), Client> = Table::new("clients");

/// The client with this id, byte-exact.
pub fn find(from: &(impl Read + ?Sized), tenant: TenantId, id: &ClientId) -> Result<Option<Client>, Error> {
    CLIENTS.find(from, &(tenant, id.clone()))
}

/// A page of clients in the order of their ids. The cursor is a client id.
pub fn page(from: &(impl Read + ?Sized), tenant: TenantId, request: &PageRequest) -> Result<Page<Client>, Error> {
    page_of(from, tenant, request, |_| true)
}

/// As [`page`], of those that `wanted` accepts. A page may be short and still have a successor: read on until `next` is absent.
pub fn page_of(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    request: &PageRequest,
    wanted: impl Fn(&Client) -> bool,
) -> Result<Page<Client>, Error> {
    if let Some(sort) = &request.sort {
        let rank = |client: &Client| client.rank(sort.field());
        return filtered::sorted(from, &CLIENTS, &prefix((tenant,)), (sort, request.limit), wanted, rank);
    }
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id: ClientId| (tenant, id));
    let range = PageRange { prefix: prefix((tenant,)), after, order: Order::Ascending, limit: request.limit };
    filtered::page(from, &CLIENTS, range, wanted, |(_, id)| id.to_string())
}

/// Every client: for what must look at all of them, such as the list of allowed origins.
pub fn all(from: &(impl Read + ?Sized), tenant: TenantId) -> Result<Vec<Client>, Error> {
    let mut clients = Vec::new();
    CLIENTS.visit(from, &prefix((tenant,)), |_, client| {
        clients.push(client);
        GO_ON
    })?;
    Ok(clients)
}

/// Writes a client.
pub fn put(tx: &mut Tx, tenant: TenantId, client: &Client) -> Result<(), Error> {
    CLIENTS.put(tx, &(tenant, client.id.clone()), client)
}

/// Removes a client. What belongs to it is the caller's to remove in the same transaction.
pub fn delete(tx: &mut Tx, tenant: TenantId, id: &ClientId) -> Result<(), Error> {
    CLIENTS.delete(tx, &(tenant, id.clone()))
}
