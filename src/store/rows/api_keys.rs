//! API keys, by id, by owner and by client.

use serde::{Deserialize, Serialize};

use super::filtered;
use crate::base::Moment;
use crate::base::id::{ApiKeyId, ClientId, TenantId, UserId};
use crate::base::page::{Page, PageRequest};
use crate::base::sort::{Rank, Sort};
use crate::records::{ApiKey, api_key};
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Index, Order, Read, Record, Table, Tx};

impl Record for ApiKey {}

const KEYS: Table<(TenantId, ApiKeyId), ApiKey> = Table::new("api_keys");
const STATUSES: Table<(TenantId, ApiKeyId), KeyStatus> = Table::new("api_keys");
const BY_OWNER: Index<(TenantId, UserId, ApiKeyId)> = Index::new("api_keys_by_owner");
const BY_CLIENT: Index<(TenantId, ClientId, ApiKeyId)> = Index::new("api_keys_by_client");

/// What of a key decides whether it may do anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyStatus {
    /// Whose key it is.
    pub owner: UserId,
    /// The client it is bound to.
    #[serde(default)]
    pub client: Option<ClientId>,
    /// Whether the key may be used at all.
    pub enabled: bool,
    /// From this moment on it does not work.
    #[serde(default)]
    pub expires_at: Option<Moment>,
    /// When it last changed.
    pub updated_at: Moment,
}

impl KeyStatus {
    /// Whether it holds at `now`, as far as its end goes: as [`ApiKey::holds`].
    pub fn holds(&self, now: Moment) -> bool {
        api_key::holds(self.expires_at, self.updated_at, now)
    }
}

impl From<ApiKey> for KeyStatus {
    fn from(key: ApiKey) -> Self {
        let ApiKey { owner, client, enabled, expires_at, updated_at, .. } = key;
        Self { owner, client, enabled, expires_at, updated_at }
    }
}

impl Record for KeyStatus {
    const VERSION: u8 = ApiKey::VERSION;

    fn upgrade(version: u8, body: &[u8]) -> Result<Option<Self>, Error> {
        Ok(ApiKey::upgrade(version, body)?.map(Self::from))
    }
}

/// The key with this id, expired or not.
pub fn find(from: &(impl Read + ?Sized), tenant: TenantId, id: &ApiKeyId) -> Result<Option<ApiKey>, Error> {
    KEYS.find(from, (tenant, id))
}

/// What of the key with this id decides whether it may do anything. Reads nothing else of it.
pub fn status(from: &(impl Read + ?Sized), tenant: TenantId, id: &ApiKeyId) -> Result<Option<KeyStatus>, Error> {
    STATUSES.find(from, (tenant, id))
}

/// The keys of a person, oldest first, expired ones included.
pub fn of_owner(from: &(impl Read + ?Sized), tenant: TenantId, owner: &UserId) -> Result<Vec<ApiKey>, Error> {
    let mut keys = Vec::new();
    BY_OWNER.visit(from, &prefix((tenant, owner)), |(_, _, id)| {
        keys.extend(find(from, tenant, &id)?);
        GO_ON
    })?;
    Ok(keys)
}

/// The keys that are bound to a client, oldest first, expired ones included.
pub fn of_client(from: &(impl Read + ?Sized), tenant: TenantId, client: &ClientId) -> Result<Vec<ApiKey>, Error> {
    let mut keys = Vec::new();
    BY_CLIENT.visit(from, &prefix((tenant, client)), |(_, _, id)| {
        keys.extend(find(from, tenant, &id)?);
        GO_ON
    })?;
    Ok(keys)
}

/// How many keys a person has, counted up to `limit`.
pub fn count_of_owner(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    owner: &UserId,
    limit: usize,
) -> Result<usize, Error> {
    Ok(BY_OWNER.page(from, &prefix((tenant, owner)), None, Order::Ascending, limit)?.len())
}

/// A page of the keys that `wanted` accepts, in another order; `rank` tells what each is sorted by.
pub fn sorted(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    order: (&Sort, usize),
    wanted: impl Fn(&ApiKey) -> bool,
    rank: impl Fn(&ApiKey) -> Rank,
) -> Result<Page<ApiKey>, Error> {
    filtered::sorted(from, &KEYS, &prefix((tenant,)), order, wanted, rank)
}

/// A page of all keys, newest first. The cursor is a key id.
pub fn page(from: &(impl Read + ?Sized), tenant: TenantId, request: &PageRequest) -> Result<Page<ApiKey>, Error> {
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id: ApiKeyId| (tenant, id));
    let rows = KEYS.page(from, &prefix((tenant,)), after.as_ref(), Order::Descending, request.limit + 1)?;
    let keys = rows.into_iter().map(|(_, key)| key).collect();
    Ok(Page::from_rows(keys, request.limit, |key: &ApiKey| key.id.to_string()))
}

/// A page of a client's keys, newest first. The cursor is a key id.
pub fn page_of_client(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    client: &ClientId,
    request: &PageRequest,
) -> Result<Page<ApiKey>, Error> {
    let after = request.after.as_deref().and_then(|id| id.parse().ok());
    let after = after.map(|id: ApiKeyId| (tenant, client.clone(), id));
    let bound = prefix((tenant, client));
    let rows = BY_CLIENT.page(from, &bound, after.as_ref(), Order::Descending, request.limit + 1)?;
    let keys = load(from, tenant, rows.into_iter().map(|(_, _, id)| id))?;
    Ok(Page::from_rows(keys, request.limit, |key: &ApiKey| key.id.to_string()))
}

/// Writes a key. Owner and client of a key never change.
pub fn put(tx: &mut Tx, tenant: TenantId, key: &ApiKey) -> Result<(), Error> {
    BY_OWNER.put(tx, (tenant, &key.owner, &key.id))?;
    if let Some(client) = &key.client {
        BY_CLIENT.put(tx, (tenant, client, &key.id))?;
    }
    KEYS.put(tx, (tenant, &key.id), key)
}

/// Removes a key. What belongs to it is the caller's to remove in the same transaction.
pub fn delete(tx: &mut Tx, tenant: TenantId, key: &ApiKey) -> Result<(), Error> {
    BY_OWNER.delete(tx, (tenant, &key.owner, &key.id))?;
    if let Some(client) = &key.client {
        BY_CLIENT.delete(tx, (tenant, client, &key.id))?;
    }
    KEYS.delete(tx, (tenant, &key.id))
}

fn load(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    ids: impl Iterator<Item = ApiKeyId>,
) -> Result<Vec<ApiKey>, Error> {
    let mut keys = Vec::new();
    for id in ids {
        keys.extend(find(from, tenant, &id)?);
    }
    Ok(keys)
}
