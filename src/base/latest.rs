//! What is read at one place and used everywhere: the newest state wins, not the one whose reader comes last.
//!
//! Who loads a value and then puts it in place can be overtaken in between: the slower one would bring back what the
//! faster one has seen go, a retired key or an old certificate. So nothing is put here without saying of which state it
//! is ([`Latest::offer`], [`LatestOf::offer`], where the source counts its changes), or without having read it while
//! nobody else does ([`Latest::turn`], where it does not).

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{Mutex, MutexGuard};

use foldhash::fast::RandomState;

/// The newest of the values that were offered. Reading takes no lock.
#[derive(Debug)]
pub struct Latest<T> {
    held: ArcSwap<Numbered<T>>,
    turn: Mutex<()>,
}

#[derive(Debug)]
struct Numbered<T> {
    revision: u64,
    value: T,
}

impl<T> Latest<T> {
    /// With a value of the lowest revision: every other one takes its place.
    pub fn new(value: T) -> Self {
        Self { held: ArcSwap::from_pointee(Numbered { revision: 0, value }), turn: Mutex::const_new(()) }
    }

    /// The newest value so far. Who goes on using it keeps it, whatever is put in its place.
    pub fn load(&self) -> Held<T> {
        Held(self.held.load())
    }

    /// Puts a value in place unless what is there belongs to a later state of its source. Answers whether it did.
    pub fn offer(&self, revision: u64, value: T) -> bool {
        let fresh = Arc::new(Numbered { revision, value });
        let is_old = |held: &Numbered<T>| held.revision > revision;
        let before = self.held.rcu(|held| if is_old(held) { Arc::clone(held) } else { Arc::clone(&fresh) });
        !is_old(&before)
    }

    /// Waits until nobody else has the turn: for a source that does not count its changes. Read it after this and not
    /// before.
    pub async fn turn(&self) -> Turn<'_, T> {
        Turn { latest: self, _alone: self.turn.lock().await }
    }
}

/// A value of a [`Latest`].
pub struct Held<T>(Guard<Arc<Numbered<T>>>);

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

/// The right to put the next value in place of a [`Latest`]: one has it at a time.
#[derive(Debug)]
pub struct Turn<'l, T> {
    latest: &'l Latest<T>,
    _alone: MutexGuard<'l, ()>,
}

impl<T> Turn<'_, T> {
    /// Puts in place what was read since the turn began.
    pub fn put(&self, value: T) {
        let revision = self.latest.held.load().revision + 1;
        self.latest.held.store(Arc::new(Numbered { revision, value }));
    }
}

/// The newest value of each of a few keys.
#[derive(Debug)]
pub struct LatestOf<K, T>(RwLock<HashMap<K, (u64, Arc<T>), RandomState>>);

impl<K, T> Default for LatestOf<K, T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, T> LatestOf<K, T> {
    /// The newest value of this key so far.
    pub fn find(&self, key: &K) -> Option<Arc<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).map(|(_, value)| Arc::clone(value))
    }

    /// Puts a value in place unless what is there is of the same state or a later one. Answers whether it did.
    pub fn offer(&self, key: K, revision: u64, value: &Arc<T>) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_newer = all.get(&key).is_none_or(|(held, _)| *held < revision);
        if is_newer {
            all.insert(key, (revision, Arc::clone(value)));
        }
        is_newer
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;
    use crate::testing::{block_on, race};

    #[test]
    fn a_reader_of_an_older_state_does_not_displace_a_newer_one_in_either_order() {
        for order in [[1, 2], [2, 1]] {
            let (latest, of) = (Latest::new("none"), LatestOf::default());
            for revision in order {
                let value = if revision == 1 { "older" } else { "newer" };
                latest.offer(revision, value);
                of.offer("key", revision, &Arc::new(value));
            }
            assert_eq!((*latest.load(), *of.find(&"key").unwrap()), ("newer", "newer"), "{order:?}");
            assert!(!latest.offer(1, "older") && !of.offer("key", 2, &Arc::new("again")));
            assert!(latest.offer(2, "read again"), "the same state may be read twice");
        }
    }

    #[test]
    fn of_many_who_offer_at_once_the_newest_stays() {
        for _ in 0..50 {
            let (latest, of) = (Latest::new(0), LatestOf::default());
            race(8, |number| {
                let revision = u64::try_from(number).unwrap() + 1;
                latest.offer(revision, revision);
                of.offer((), revision, &Arc::new(revision));
            });
            assert_eq!((*latest.load(), *of.find(&()).unwrap()), (8, 8));
        }
    }

    #[test]
    fn a_source_without_a_count_is_read_by_one_at_a_time() {
        let source = RwLock::new("first");
        let latest = Latest::new("nothing");
        let read = || *source.read().unwrap();
        block_on(async {
            let turn = latest.turn().await;
            let seen = read();
            *source.write().unwrap() = "second";
            let mut other = std::pin::pin!(async {
                let turn = latest.turn().await;
                turn.put(read());
            });
            let mut context = Context::from_waker(Waker::noop());
            assert!(other.as_mut().poll(&mut context).is_pending(), "the other one has read nothing yet");
            turn.put(seen);
            drop(turn);
            assert_eq!(*latest.load(), "first");
            other.await;
            assert_eq!(*latest.load(), "second");
        });
    }
}
