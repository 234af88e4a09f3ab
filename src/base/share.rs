//! What many hold together: so much in all, and of that so much each.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

/// How much may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// By all keys together.
    pub all: usize,
    pub one: usize,
}

/// What is held of one thing, by key.
#[derive(Debug)]
pub struct Shares<K>(Mutex<Sums<K>>);

#[derive(Debug)]
struct Sums<K> {
    all: usize,
    by_key: HashMap<K, usize, RandomState>,
}

/// There is no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Mutex::new(Sums { all: 0, by_key: HashMap::default() }))
    }
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// The share of a key, in which nothing is held yet. A key may have many.
    pub fn of(self: &Arc<Self>, key: K) -> Share<K> {
        Share { shares: Arc::clone(self), key, held: 0 }
    }

    /// What all hold.
    pub fn held(&self) -> usize {
        self.sums().all
    }

    /// What one key holds.
    pub fn held_by(&self, key: &K) -> usize {
        self.sums().by_key.get(key).copied().unwrap_or_default()
    }

    fn sums(&self) -> MutexGuard<'_, Sums<K>> {
        // Sums only: a panic elsewhere leaves none of them half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is held by one of those who share; given back when it is dropped.
#[derive(Debug)]
pub struct Share<K: Clone + Eq + Hash> {
    shares: Arc<Shares<K>>,
    key: K,
    held: usize,
}

impl<K: Clone + Eq + Hash> Share<K> {
    /// Holds so much more. Errors: [`Full`] where all together, or the key, would hold more than they may; nothing is
    /// taken then.
    pub fn take(&mut self, more: usize, bounds: Bounds) -> Result<(), Full> {
        let mut sums = self.shares.sums();
        let all = sums.all.saturating_add(more);
        let one = sums.by_key.get(&self.key).copied().unwrap_or_default().saturating_add(more);
        if all > bounds.all || one > bounds.one {
            return Err(Full);
        }
        sums.all = all;
        sums.by_key.insert(self.key.clone(), one);
        self.held = self.held.saturating_add(more);
        Ok(())
    }
}

impl<K: Clone + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        if self.held == 0 {
            return;
        }
        let mut sums = self.shares.sums();
        sums.all = sums.all.saturating_sub(self.held);
        let left = sums.by_key.get(&self.key).map_or(0, |held| held.saturating_sub(self.held));
        if left == 0 {
            sums.by_key.remove(&self.key);
        } else {
            sums.by_key.insert(self.key.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { all: 20, one: 5 };

    #[test]
    fn one_key_has_a_share_and_all_have_a_bound() {
        let shares = Arc::new(Shares::default());
        let taken = |key: u32| {
            let mut share = shares.of(key);
            share.take(1, BOUNDS).ok().map(|()| share)
        };
        let held: Vec<_> = (0..100).filter_map(|number| taken(number / 10)).collect();
        assert_eq!((held.len(), shares.held(), shares.held_by(&0)), (20, 20, 5));
        assert!(taken(99).is_none());
        drop(held);
        assert!(taken(99).is_some());
        assert!(shares.held() == 0 && shares.sums().by_key.is_empty());
    }

    #[test]
    fn what_is_refused_is_not_held() {
        let shares = Arc::new(Shares::default());
        let mut share = shares.of("ann");
        assert_eq!(share.take(3, BOUNDS), Ok(()));
        assert_eq!(share.take(usize::MAX, BOUNDS), Err(Full));
        assert_eq!((share.take(2, BOUNDS), share.take(1, BOUNDS), shares.held()), (Ok(()), Err(Full), 5));
        drop(share);
        assert_eq!(shares.held(), 0);
    }
}
