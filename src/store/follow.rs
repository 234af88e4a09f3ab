//! Telling the rest of the process what was committed, wherever it was, so that what is held in memory keeps up with
//! the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Error;
use super::changes::{Changes, Revision};
use super::engine::Engine;
use super::log::Logged;
use super::tx::Snapshot;

/// One commit, or that some commits were missed.
pub struct Commit<'a> {
    revision: Revision,
    changes: Option<&'a Changes>,
    engine: &'a dyn Engine,
}

/// Hears of every commit; false when it wants to hear no more.
pub(super) type Follower = Box<dyn Fn(&Commit<'_>) -> bool + Send>;

/// Those who hear of commits.
pub(super) struct Feed {
    engine: Arc<dyn Engine>,
    followers: Mutex<Vec<(Revision, Follower)>>,
    newest: watch::Sender<Revision>,
}

impl<'a> Commit<'a> {
    /// Its revision; when commits were missed, that of the last one.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether it is known what the commit did. When not, commits were missed, as they may be when the disk fails: what
    /// was built of them is to be built anew from a snapshot.
    pub fn is_known(&self) -> bool {
        self.changes.is_some()
    }

    /// The state after it, or a newer one. Errors: the engine's.
    pub fn read(&self) -> Result<Snapshot, Error> {
        self.engine.snapshot().map(Snapshot::new)
    }

    /// What it did.
    pub(super) fn changes(&self) -> Option<&'a Changes> {
        self.changes
    }
}

impl Feed {
    /// Begins at the state that `engine` shows now, and hears of what other processes commit.
    pub(super) fn start(engine: &Arc<dyn Engine>) -> Arc<Self> {
        let newest = watch::Sender::new(revision_of(engine.as_ref()).unwrap_or_default());
        let feed = Arc::new(Self { engine: Arc::clone(engine), followers: Mutex::default(), newest });
        let heard = Arc::downgrade(&feed);
        engine.listen(Box::new(move || {
            if let Some(feed) = heard.upgrade() {
                feed.deliver();
            }
        }));
        feed
    }

    /// Sees the revision change with every commit.
    pub(super) fn newest(&self) -> watch::Receiver<Revision> {
        self.newest.subscribe()
    }

    /// Tells `follower` of all commits after `from`, those that there are at once; false, and it is not told of any,
    /// when not all of these are known any more. Errors: the engine's.
    pub(super) fn follow(&self, from: Revision, follower: Follower) -> Result<bool, Error> {
        let mut followers = self.followers();
        let Some(since) = self.engine.changes_since(from)? else { return Ok(false) };
        let mut one = vec![(from, follower)];
        tell(self.engine.as_ref(), &mut one, &since);
        followers.append(&mut one);
        Ok(true)
    }

    /// Tells everybody of the commits that they have not heard of.
    pub(super) fn deliver(&self) {
        // Held to the end: two who deliver do not tell commits in another order.
        let mut followers = self.followers();
        let told = *self.newest.borrow();
        match self.engine.changes_since(told) {
            Ok(Some(since)) => {
                tell(self.engine.as_ref(), &mut followers, &since);
                if let Some(last) = since.last() {
                    self.newest.send_replace(last.revision);
                }
            }
            Ok(None) | Err(_) => self.start_again(&mut followers, told),
        }
    }

    /// Tells everybody that commits were missed.
    fn start_again(&self, followers: &mut Vec<(Revision, Follower)>, told: Revision) {
        let now = revision_of(self.engine.as_ref()).unwrap_or(told);
        let missed = Commit { revision: now, changes: None, engine: self.engine.as_ref() };
        followers.retain_mut(|(at, follower)| {
            *at = now;
            follower(&missed)
        });
        self.newest.send_replace(now);
    }

    fn followers(&self) -> MutexGuard<'_, Vec<(Revision, Follower)>> {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn revision_of(engine: &dyn Engine) -> Result<Revision, Error> {
    Ok(engine.snapshot()?.head()?.revision)
}

/// Tells each of them the commits that lie after its own place.
fn tell(engine: &dyn Engine, followers: &mut Vec<(Revision, Follower)>, since: &[Logged]) {
    followers.retain_mut(|(at, follower)| {
        since.iter().all(|logged| {
            if logged.revision <= *at {
                return true;
            }
            *at = logged.revision;
            follower(&Commit { revision: logged.revision, changes: Some(&logged.changes), engine })
        })
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::base::Moment;
    use crate::base::id::TenantId;
    use crate::store::engine::{Asked, CommitError, Listener, Proposal, View};
    use crate::store::memory::MemoryEngine;
    use crate::store::rows::marks::{self, Meaning};
    use crate::store::rows::tuples;
    use crate::store::{Lease, Options, Read, Store, Tx};

    #[test]
    fn a_commit_is_told_before_its_transactions_are_answered_and_until_nobody_wants_to_hear() {
        let store = Store::in_memory();
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        let from = store.read().unwrap().revision().unwrap();
        let follower = move |commit: &Commit<'_>| {
            assert!(commit.is_known());
            counter.fetch_add(1, Ordering::SeqCst) < 1
        };
        assert_eq!(store.follow(from, follower), Ok(true));
        for told in [1, 2, 2] {
            store.write_blocking::<_, Error, _>(|tx| tuples::raise(tx, TenantId::DEFAULT)).unwrap();
            assert_eq!(heard.load(Ordering::SeqCst), told);
        }
    }

    /// An engine that has forgotten its last commits when it is asked for them.
    struct Forgetful {
        memory: MemoryEngine,
        forgets: Arc<AtomicBool>,
    }

    impl Engine for Forgetful {
        fn snapshot(&self) -> Result<Arc<dyn View>, Error> {
            self.memory.snapshot()
        }

        fn commit(&self, proposal: &Proposal) -> Result<Revision, CommitError> {
            self.memory.commit(proposal)
        }

        fn changes_since(&self, revision: Revision) -> Result<Option<Vec<Logged>>, Error> {
            if self.forgets.load(Ordering::SeqCst) { Ok(None) } else { self.memory.changes_since(revision) }
        }

        fn listen(&self, listener: Listener) {
            self.memory.listen(listener);
        }

        fn lease<'a>(&'a self, lease: &'a Lease, now: Moment) -> Asked<'a> {
            self.memory.lease(lease, now)
        }

        fn give_back<'a>(&'a self, lease: &'a Lease) -> Asked<'a> {
            self.memory.give_back(lease)
        }
    }

    #[test]
    fn who_missed_a_commit_is_told_so_and_hears_of_the_next_ones() {
        let forgets = Arc::new(AtomicBool::new(false));
        let engine = Arc::new(Forgetful { memory: MemoryEngine::default(), forgets: Arc::clone(&forgets) });
        let store = Store::over(engine, None, &Options::default()).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        let hear = move |commit: &Commit<'_>| {
            log.lock().unwrap().push((commit.revision().number(), commit.is_known()));
            true
        };
        assert_eq!(store.follow(Revision::default(), hear), Ok(true));
        for forgetful in [false, true, false] {
            forgets.store(forgetful, Ordering::SeqCst);
            store.write_blocking::<_, Error, _>(|tx| tuples::raise(tx, TenantId::DEFAULT)).unwrap();
        }
        assert_eq!(*heard.lock().unwrap(), [(1, true), (2, false), (3, true)]);
        forgets.store(true, Ordering::SeqCst);
        assert_eq!(store.follow(Revision::default(), |_| true), Ok(false), "it is to begin with a newer snapshot");
    }

    #[test]
    fn what_decides_who_may_do_what_has_a_version_that_changes_with_it_alone() {
        let store = Store::in_memory();
        let version = || store.read().unwrap().access_revision();
        let first = version();
        assert!(first.is_some());
        store.write_blocking::<_, Error, _>(|tx| tx.set_raw("sessions", vec![1], Some(vec![1]))).unwrap();
        let until = Moment::from_millis(5);
        let revoke = move |tx: &mut Tx| marks::set(tx, TenantId::DEFAULT, Meaning::TokenRevoked, "some", until);
        store.write_blocking::<_, Error, _>(revoke).unwrap();
        assert_eq!(version(), first);
        store.write_blocking::<_, Error, _>(|tx| tx.set_raw("users", vec![1], Some(vec![1]))).unwrap();
        assert!(version() > first);
        let old = store.read().unwrap();
        let seen = store.write_blocking::<_, Error, _>(|tx| {
            tuples::raise(tx, TenantId::DEFAULT)?;
            Ok(tx.access_revision())
        });
        assert_eq!(seen.unwrap(), None);
        assert!(version() > old.access_revision());
    }
}
