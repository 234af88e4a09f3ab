//! What is kept in memory of each tenant by itself: names, addresses and identifiers mean something in a tenant only,
//! and what is counted or held in one says nothing of another.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::id::TenantId;

/// One `T` for each tenant, empty until it is first used.
#[derive(Debug)]
pub struct ByTenant<T>(Mutex<HashMap<TenantId, T, RandomState>>);

impl<T> Default for ByTenant<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> ByTenant<T> {
    /// Uses what is kept of a tenant; nobody else does meanwhile. It must be quick, and must be whole after every
    /// statement: a panic in it does not take it out of use.
    pub fn with<R>(&self, tenant: TenantId, using: impl FnOnce(&mut T) -> R) -> R {
        using(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(tenant).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_one_tenant_is_not_seen_in_another() {
        let kept: ByTenant<Vec<u8>> = ByTenant::default();
        kept.with(TenantId::DEFAULT, |all| all.push(1));
        kept.with(TenantId(7), |all| all.push(2));
        assert_eq!(kept.with(TenantId::DEFAULT, |all| all.clone()), [1]);
        assert_eq!(kept.with(TenantId(7), std::mem::take), [2]);
        assert!(kept.with(TenantId(7), |all| all.is_empty()));
    }
}
