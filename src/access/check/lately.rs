//! What was read of the store lately and is read for every question: the count of changes, and whether people, keys and clients work.
//!
//! Everything is kept under the version of the store that it was read in ([`Read::access_revision`]) and forgotten with it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use crate::access::Error;
use crate::base::hash::Seeded;
use crate::base::id::{ApiKeyId, TenantId, UserId};
use crate::base::latest::LatestOf;
use crate::cx::Cx;
use crate::store::rows::api_keys::KeyStanding;
use crate::store::rows::{tuples, users};
use crate::store::{self, Read, Revision};

/// People and keys remembered at the most. What asks about more of them in one version reads.
const MOST: usize = 20_000;

/// The newest version of each tenant.
type Newest = LatestOf<TenantId, Lately>;

/// One version of the store.
pub(super) struct Lately {
    version: u64,
    /// How often tuples, models and groups have changed.
    pub(super) revision: u64,
    users: Kept<UserId, Option<bool>>,
    keys: Kept<ApiKeyId, Option<KeyStanding>>,
}

struct Kept<K, V>(RwLock<HashMap<K, V, Seeded>>);

impl Lately {
    /// What is known of this state. A version that is not known is read anew and kept by nobody else.
    pub(super) fn of(cx: &Cx, from: &(impl Read + ?Sized)) -> Result<Arc<Self>, store::Error> {
        let Some(version) = from.access_revision().map(Revision::number) else { return Self::at(0, cx.tenant, from) };
        let newest = cx.home.shared.of::<Newest>();
        let known = newest.find(&cx.tenant);
        if let Some(known) = known.as_ref().filter(|known| known.version == version) {
            return Ok(Arc::clone(known));
        }
        let fresh = Self::at(version, cx.tenant, from)?;
        // Who still reads an older state does not displace the newer one.
        newest.offer(cx.tenant, version, &fresh);
        Ok(fresh)
    }

    fn at(version: u64, tenant: TenantId, from: &(impl Read + ?Sized)) -> Result<Arc<Self>, store::Error> {
        let revision = tuples::revision(from, tenant)?;
        Ok(Arc::new(Self { version, revision, users: Kept::default(), keys: Kept::default() }))
    }

    /// Whether a person is disabled; `None` when there is nobody. `from` is the state that this is of.
    pub(super) fn is_disabled(&self, cx: &Cx, from: &dyn Read, id: &UserId) -> Result<Option<bool>, Error> {
        self.users.find(id, || Ok(users::is_disabled(from, cx.tenant, id)?))
    }

    /// What decides whether a key works, read by `read` from the state that this is of.
    pub(super) fn key(
        &self,
        id: &ApiKeyId,
        read: impl FnOnce() -> Result<Option<KeyStanding>, Error>,
    ) -> Result<Option<KeyStanding>, Error> {
        self.keys.find(id, read)
    }
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Kept<K, V> {
    fn find(&self, key: &K, read: impl FnOnce() -> Result<V, Error>) -> Result<V, Error> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(known.clone());
        }
        let found = read()?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.insert(key.clone(), found.clone());
        }
        Ok(found)
    }
}
