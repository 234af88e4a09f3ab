//! Keys that were presented, as they were read: a busy machine presents the same one a thousand times a second.
//!
//! Everything is kept under the version of the store that it was read in ([`crate::store::Read::access_revision`]) and
//! forgotten with it. Whether a key works at this moment is decided anew each time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::base::id::{ApiKeyId, TenantId};
use crate::records::{ApiKey, Client, User};

/// The most keys that are kept.
const MOST: usize = 1_000;

/// The rows of a key.
pub(super) struct CachedKey {
    pub(super) key: Arc<ApiKey>,
    /// Whose it is; `None` when they are gone.
    pub(super) owner: Option<Arc<User>>,
    /// The client it is bound to; `None` when it is bound to none, or that is gone.
    pub(super) client: Option<Arc<Client>>,
}

/// The keys of the newest version that was read.
#[derive(Default)]
pub(crate) struct KeyCache(RwLock<Version>);

#[derive(Default)]
struct Version {
    number: u64,
    keys: HashMap<(TenantId, ApiKeyId), Arc<CachedKey>>,
}

impl KeyCache {
    /// The key as this version has it, if it was read in it before.
    pub(super) fn find(&self, tenant: TenantId, version: Option<u64>, id: &ApiKeyId) -> Option<Arc<CachedKey>> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if version != Some(held.number) {
            return None;
        }
        held.keys.get(&(tenant, id.clone())).cloned()
    }

    /// Keeps what was read in a version; a version that is not known keeps nothing.
    pub(super) fn keep(&self, tenant: TenantId, version: Option<u64>, found: &Arc<CachedKey>) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(version) = version.filter(|version| *version >= held.number) else { return };
        if version > held.number || held.keys.len() >= MOST {
            held.number = version;
            held.keys.clear();
        }
        held.keys.insert((tenant, found.key.id.clone()), Arc::clone(found));
    }
}
