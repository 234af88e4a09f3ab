//! Clients, by id.

use std::sync::Arc;

use serde::Deserialize;

use super::filtered::{self, PageRange};
use crate::base::Moment;
use crate::base::id::{ClientId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::base::sort::Sortable as _;
use crate::records::{Client, ClientFields, ClientSecret, ClientType, Origin};
use crate::store::key::prefix;
use crate::store::{Decoded, Error, GO_ON, Order, Read, Record, Snapshot, Table, Tx, record};

impl Record for Client {
    const VERSION: u8 = 2;

    fn upgrade(version: u8, body: &[u8]) -> Result<Option<Self>, Error> {
        let upgraded = |old: Version1| Some(Self::from(old));
        if version == 1 { record::read_json(body).map(upgraded) } else { Ok(None) }
    }
}

/// A client when what can be set of it stood beside the rest.
#[derive(Deserialize)]
struct Version1 {
    id: ClientId,
    name: String,
    kind: ClientType,
    #[serde(default)]
    secrets: Vec<ClientSecret>,
    #[serde(flatten)]
    fields: ClientFields,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    origin: Origin,
    created_at: Moment,
    updated_at: Moment,
    #[serde(default)]
    version: u64,
}

impl From<Version1> for Client {
    fn from(old: Version1) -> Self {
        let Version1 { id, name, kind, secrets, fields, disabled, origin, created_at, updated_at, version } = old;
        Self { id, name, kind, secrets, fields, disabled, origin, created_at, updated_at, version }
    }
}

const CLIENTS: Table<(TenantId, ClientId), Client> = Table::new("clients");

/// As [`find`], shared with others who found the same row. Errors: reading.
pub fn find_shared(
    from: &Snapshot,
    tenant: TenantId,
    id: &ClientId,
    decoded: &Decoded<Client>,
) -> Result<Option<Arc<Client>>, Error> {
    CLIENTS.find_shared(from, (tenant, id), decoded)
}

/// The client with this id, byte-exact.
pub fn find(from: &(impl Read + ?Sized), tenant: TenantId, id: &ClientId) -> Result<Option<Client>, Error> {
    CLIENTS.find(from, (tenant, id))
}

/// A page of clients in the order of their ids. The cursor is a client id.
pub fn page(from: &(impl Read + ?Sized), tenant: TenantId, request: &PageRequest) -> Result<Page<Client>, Error> {
    page_of(from, tenant, request, |_| true)
}

/// As [`page`], of those that `wanted` accepts. A page may be short and still have a successor: read on until `next` is
/// absent.
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
    CLIENTS.put(tx, (tenant, &client.id), client)
}

/// Removes a client. What belongs to it is the caller's to remove in the same transaction.
pub fn delete(tx: &mut Tx, tenant: TenantId, id: &ClientId) -> Result<(), Error> {
    CLIENTS.delete(tx, (tenant, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{AccessPolicy, AuthMethod, GrantType};

    #[test]
    fn a_client_from_when_its_fields_stood_beside_the_rest_is_the_same() {
        for names in [
            ("auth_method", "grants", "access_seconds"),
            ("token_endpoint_auth_method", "grant_types", "access_token_seconds"),
        ] {
            let old = serde_json::json!({
                "id": "wiki", "name": "Wiki", "kind": "web", "secrets": [], "redirect_uris": ["https://a.b/c"],
                names.0: "client_secret_post", names.1: ["authorization_code"], names.2: 600,
                "access_policy": "restricted", "disabled": true, "created_at": 1, "updated_at": 2, "version": 3,
            });
            let client = Client::upgrade(1, old.to_string().as_bytes()).unwrap().unwrap();
            assert_eq!((client.id.as_str(), client.disabled, client.version), ("wiki", true, 3));
            let wanted = ClientFields {
                redirect_uris: vec![String::from("https://a.b/c")],
                auth_method: AuthMethod::ClientSecretPost,
                grants: vec![GrantType::AuthorizationCode],
                access_seconds: Some(600),
                access_policy: AccessPolicy::Restricted,
                ..ClientFields::default()
            };
            assert_eq!(client.fields, wanted);
            let written = record::to_bytes(&client).unwrap();
            let again: Client = record::from_bytes(&written).unwrap();
            assert_eq!((written.first(), again.fields), (Some(&2), wanted));
        }
        assert!(matches!(Client::upgrade(0, b"{}"), Ok(None)));
    }
}
