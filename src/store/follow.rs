//! Telling the rest of the process what was committed, so that what is held in memory can keep up with the file.

use std::sync::{Mutex, PoisonError};

use super::engine::Changes;

/// What the writer has to say of a commit.
pub struct Commit<'a> {
    changes: Option<&'a Changes>,
}

/// Hears of every commit; false when it wants to hear no more.
pub(super) type Follower = Box<dyn Fn(&Commit<'_>) -> bool + Send>;

/// Those who hear of commits.
#[derive(Default)]
pub(super) struct Followers(Mutex<Vec<Follower>>);

impl<'a> Commit<'a> {
    /// Whether it is known what the commit did. After one that failed it is not: the disk may have it or not.
    pub fn is_known(&self) -> bool {
        self.changes.is_some()
    }

    /// What it did.
    pub(super) fn changes(&self) -> Option<&'a Changes> {
        self.changes
    }
}

impl Followers {
    /// Tells this one from the next commit on.
    pub(super) fn add(&self, follower: Follower) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(follower);
    }

    /// Tells everybody of a commit, or with `None` that one failed.
    pub(super) fn tell(&self, changes: Option<&Changes>) {
        let commit = Commit { changes };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|follower| follower(&commit));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::base::Moment;
    use crate::base::id::TenantId;
    use crate::store::rows::marks::{self, Meaning};
    use crate::store::rows::tuples;
    use crate::store::{Error, Read, Store, Tx};

    #[test]
    fn a_commit_is_told_before_its_transactions_are_answered_and_until_nobody_wants_to_hear() {
        let store = Store::in_memory();
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        store.follow(move |commit| {
            assert!(commit.is_known());
            counter.fetch_add(1, Ordering::SeqCst) < 1
        });
        for told in [1, 2, 2] {
            store.write_blocking::<_, Error, _>(|tx| tuples::raise(tx, TenantId::DEFAULT)).unwrap();
            assert_eq!(heard.load(Ordering::SeqCst), told);
        }
    }

    #[test]
    fn what_decides_who_may_do_what_has_a_version_that_changes_with_it_alone() {
        let store = Store::in_memory();
        let version = || store.read().unwrap().authority();
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
            Ok(tx.authority())
        });
        assert_eq!(seen.unwrap(), None);
        assert!(version() > old.authority());
    }
}
