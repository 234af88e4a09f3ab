//! What every question reads, kept for the questions after it: the revision of the graph, and whether people and keys
//! may act.
//!
//! Everything is kept under the version of the store that it was read in ([`Read::access_revision`]) and forgotten with
//! it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use crate::access::Error;
use crate::base::id::{ApiKeyId, TenantId, UserId};
use crate::cx::Cx;
use crate::store::rows::api_keys::{self, KeyStatus};
use crate::store::rows::{tuples, users};
use crate::store::{self, Read, Revision};
use foldhash::fast::RandomState;

/// The most people, and the most keys, that are kept. Questions about more of them in one version read the store.
const MOST: usize = 20_000;

/// What was read in one version of the store.
pub(crate) struct SubjectCache {
    version: u64,
    /// How often tuples, models and groups have changed.
    pub(super) revision: u64,
    users: Cached<UserId, Option<bool>>,
    keys: Cached<ApiKeyId, Option<KeyStatus>>,
}

struct Cached<K, V>(RwLock<HashMap<K, V, RandomState>>);

impl SubjectCache {
    /// The cache of this state. For a version that is not known it is made anew, and nobody else gets it.
    pub(super) fn of(cx: &Cx, from: &(impl Read + ?Sized)) -> Result<Arc<Self>, store::Error> {
        let Some(version) = from.access_revision().map(Revision::number) else {
            return Self::at(0, cx.tenant.id, from);
        };
        let newest = &cx.process().subjects;
        let known = newest.find(&cx.tenant.id);
        if let Some(known) = known.as_ref().filter(|known| known.version == version) {
            return Ok(Arc::clone(known));
        }
        let fresh = Self::at(version, cx.tenant.id, from)?;
        // An operation that still reads an older state does not displace the newer one.
        newest.offer(cx.tenant.id, version, &fresh);
        Ok(fresh)
    }

    fn at(version: u64, tenant: TenantId, from: &(impl Read + ?Sized)) -> Result<Arc<Self>, store::Error> {
        let revision = tuples::revision(from, tenant)?;
        Ok(Arc::new(Self { version, revision, users: Cached::default(), keys: Cached::default() }))
    }

    /// Whether a person is disabled; `None` when there is no such person. `from` is the state of this cache.
    pub(super) fn is_disabled(&self, cx: &Cx, from: &dyn Read, id: &UserId) -> Result<Option<bool>, Error> {
        self.users.find(id, || Ok(users::is_disabled(from, cx.tenant.id, id)?))
    }

    /// What decides whether a key works; `None` when there is no such key. `from` is the state of this cache.
    pub(super) fn key(&self, cx: &Cx, from: &dyn Read, id: &ApiKeyId) -> Result<Option<KeyStatus>, Error> {
        self.keys.find(id, || Ok(api_keys::status(from, cx.tenant.id, id)?))
    }
}

impl<K, V> Default for Cached<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Cached<K, V> {
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
