//! Builds the index when it is worth it, follows the commits, and gives the index out for one revision only.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};

use super::{Index, IndexFull};
use crate::base::id::TenantId;
use crate::cx::Cx;
use crate::store::rows::tuples::{self, Changed};
use crate::store::{Commit, Error, Snapshot, Store};
use foldhash::fast::RandomState;

/// Questions after which the tuples are taken into memory: what asks less often is quick enough without.
const ENOUGH: u32 = 64;

/// Tuples read at a time while it is built.
const CHUNK: usize = 2_000;

/// The largest index, in bytes. A larger one is given up for good, and the store answers.
const MOST_BYTES: usize = 400 << 20;

/// Changes that wait to be taken over at the most, in tuples; with more of them it is built anew when somebody asks
/// again.
const MOST_WAITING: usize = 50_000;

/// The maintainers of all tenants.
#[derive(Default)]
pub(crate) struct Maintainers(RwLock<HashMap<TenantId, Arc<IndexMaintainer>, RandomState>>);

/// The index of a tenant, and the changes that it does not have yet.
#[derive(Default)]
pub(in crate::access) struct IndexMaintainer {
    tenant: Option<TenantId>,
    asked: AtomicU32,
    index: RwLock<Option<Index>>,
    /// Whether the backlog has something for the index.
    behind: AtomicBool,
    backlog: Mutex<Backlog>,
}

#[derive(Default)]
struct Backlog {
    phase: Phase,
    /// Tells who follows the commits now from those who did before.
    follower: u64,
    changes: VecDeque<Changed>,
    waiting: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// There is none.
    #[default]
    None,
    /// It is being built; the changes meanwhile are collected.
    Building,
    /// It is there and follows the commits.
    Ready,
    /// Something was missed: what there is must go.
    Lost,
    /// It would be too large.
    Refused,
}

impl IndexMaintainer {
    /// The maintainer of the operation's tenant.
    pub(in crate::access) fn of(cx: &Cx) -> Arc<Self> {
        let maintainers = &cx.process().tuple_index;
        let known = maintainers.0.read().unwrap_or_else(PoisonError::into_inner).get(&cx.tenant.id).cloned();
        known.unwrap_or_else(|| {
            let mut all = maintainers.0.write().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Self { tenant: Some(cx.tenant.id), ..Self::default() });
            Arc::clone(all.entry(cx.tenant.id).or_insert_with(fresh))
        })
    }

    /// The index, if it is there and holds exactly the state `revision`. Never waits.
    pub(in crate::access) fn at(self: &Arc<Self>, store: &Store, revision: u64) -> Option<Ready<'_>> {
        if self.behind.load(Ordering::Acquire) {
            self.catch_up();
            if self.behind.load(Ordering::Acquire) {
                return None;
            }
        }
        let held = self.index.try_read().ok()?;
        match &*held {
            Some(index) if index.revision() == revision => Some(Ready(held)),
            Some(_) => None,
            None => {
                drop(held);
                self.consider(store);
                None
            }
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to build once it has been asked for often enough.
    fn consider(self: &Arc<Self>, store: &Store) {
        if self.asked.fetch_add(1, Ordering::Relaxed) < ENOUGH {
            return;
        }
        let mut backlog = self.backlog();
        if backlog.phase != Phase::None {
            return;
        }
        backlog.phase = Phase::Building;
        backlog.follower += 1;
        let (maintainer, store, follower) = (Arc::downgrade(self), store.clone(), backlog.follower);
        drop(backlog);
        let build = move || build(&maintainer, &store, follower);
        let started = std::thread::Builder::new().name(String::from("tuple-index")).spawn(build);
        if let Err(error) = started {
            tracing::warn!(%error, "the tuples are not taken into memory: there is no thread for it");
            self.backlog().phase = Phase::Refused;
        }
    }

    /// Notes what a commit did; false when this follower is not the one that is listened to.
    fn hear(&self, commit: &Commit<'_>, follower: u64) -> bool {
        let mut backlog = self.backlog();
        if backlog.follower != follower || !matches!(backlog.phase, Phase::Building | Phase::Ready) {
            return false;
        }
        let tenant = self.tenant.unwrap_or(TenantId::DEFAULT);
        match tuples::changed(commit, tenant).ok().filter(|_| commit.is_known()) {
            Some(changed) if changed.revision.is_none() && changed.tuples.is_empty() => return true,
            // Without a new revision two states would look the same.
            Some(changed) if changed.revision.is_some() && backlog.waiting < MOST_WAITING => {
                backlog.waiting += changed.tuples.len() + 1;
                backlog.changes.push_back(changed);
            }
            _ => backlog.lose(),
        }
        let is_followed = backlog.phase != Phase::Lost;
        self.behind.store(true, Ordering::Release);
        is_followed
    }

    /// Takes over what waits, unless somebody is reading.
    fn catch_up(&self) {
        let Ok(mut held) = self.index.try_write() else { return };
        let mut backlog = self.backlog();
        if backlog.phase == Phase::Building {
            // What waits belongs to the one that is being built; there is none yet that could be wrong.
            return;
        }
        if let Some(index) = held.as_mut() {
            let applied = backlog.changes.iter().try_for_each(|changed| index.apply(changed));
            if applied.is_err() || index.bytes() > MOST_BYTES {
                backlog.refuse();
            }
        }
        backlog.changes.clear();
        backlog.waiting = 0;
        if backlog.phase == Phase::Lost {
            backlog.phase = Phase::None;
        }
        if backlog.phase != Phase::Ready {
            *held = None;
        }
        // Under the lock of the backlog, so that nothing that was heard since is overlooked.
        self.behind.store(false, Ordering::Release);
    }

    /// Puts a new index in place, if nothing was missed while it was built.
    fn install(&self, index: Index, follower: u64) {
        let mut held = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let mut backlog = self.backlog();
        if backlog.phase == Phase::Building && backlog.follower == follower {
            backlog.phase = Phase::Ready;
            *held = Some(index);
        }
        self.behind.store(true, Ordering::Release);
    }

    fn give_up(&self, error: &Failed, follower: u64) {
        let mut backlog = self.backlog();
        if backlog.follower != follower {
            return;
        }
        match error {
            Failed::TooLarge => {
                tracing::warn!("the tuples are not taken into memory: there are too many of them");
                backlog.refuse();
            }
            Failed::Store(error) => {
                tracing::warn!(%error, "the tuples are not taken into memory: they cannot be read");
                backlog.refuse();
            }
            Failed::Gone => {}
            Failed::Missed => backlog.lose(),
        }
        self.behind.store(true, Ordering::Release);
    }
}

impl Backlog {
    fn lose(&mut self) {
        self.phase = Phase::Lost;
        self.changes.clear();
        self.waiting = 0;
    }

    fn refuse(&mut self) {
        self.lose();
        self.phase = Phase::Refused;
    }
}

/// The index while it is read: it stays as it is.
pub(in crate::access) struct Ready<'a>(RwLockReadGuard<'a, Option<Index>>);

impl Ready<'_> {
    pub(in crate::access) fn index(&self) -> Option<&Index> {
        self.0.as_ref()
    }
}

enum Failed {
    TooLarge,
    Store(Error),
    /// Nobody waits for it any more.
    Gone,
    /// There were commits that it does not know.
    Missed,
}

impl From<IndexFull> for Failed {
    fn from(_: IndexFull) -> Self {
        Self::TooLarge
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

fn build(maintainer: &Weak<IndexMaintainer>, store: &Store, follower: u64) {
    let built = begin(maintainer, store, follower).and_then(|from| read_all(maintainer, &from));
    let Some(maintainer) = maintainer.upgrade() else { return };
    match built {
        Ok(index) => maintainer.install(index, follower),
        Err(error) => maintainer.give_up(&error, follower),
    }
}

/// The state to build from; all commits after it are heard of.
fn begin(maintainer: &Weak<IndexMaintainer>, store: &Store, follower: u64) -> Result<Snapshot, Failed> {
    let (heard, from) = (Weak::clone(maintainer), store.read()?);
    let hear = move |commit: &Commit<'_>| heard.upgrade().is_some_and(|maintainer| maintainer.hear(commit, follower));
    if store.follow(from.revision()?, hear)? { Ok(from) } else { Err(Failed::Missed) }
}

fn read_all(maintainer: &Weak<IndexMaintainer>, from: &Snapshot) -> Result<Index, Failed> {
    let tenant = maintainer.upgrade().and_then(|maintainer| maintainer.tenant).ok_or(Failed::Gone)?;
    let mut index = Index::at(tuples::revision(from, tenant)?);
    let mut after = None;
    loop {
        let some = tuples::all(from, tenant, after.as_ref(), CHUNK)?;
        some.iter().try_for_each(|tuple| index.put(tuple))?;
        if index.bytes() > MOST_BYTES {
            return Err(Failed::TooLarge);
        }
        if some.len() < CHUNK {
            return Ok(index);
        }
        if maintainer.strong_count() == 0 {
            return Err(Failed::Gone);
        }
        after = some.into_iter().last().map(|tuple| tuple.key);
    }
}

#[cfg(test)]
impl IndexMaintainer {
    /// Builds it now, on this thread.
    pub(in crate::access) fn build_now(self: &Arc<Self>, store: &Store) {
        let follower = {
            let mut backlog = self.backlog();
            backlog.phase = Phase::Building;
            backlog.follower += 1;
            backlog.follower
        };
        build(&Arc::downgrade(self), store, follower);
    }

    pub(in crate::access) fn new(tenant: TenantId) -> Arc<Self> {
        Arc::new(Self { tenant: Some(tenant), ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_process_writes_is_in_the_index_of_this_one() {
        let [here, there] = Store::two_in_memory();
        let maintainer = IndexMaintainer::new(TenantId::DEFAULT);
        maintainer.build_now(&here);
        for count in 1..=3 {
            there.write_blocking::<_, Error, _>(|tx| tuples::raise(tx, TenantId::DEFAULT)).unwrap();
            let revision = tuples::revision(&here.read().unwrap(), TenantId::DEFAULT).unwrap();
            assert_eq!(revision, count);
            assert!(maintainer.at(&here, revision).is_some(), "it followed");
        }
    }

    #[test]
    fn an_index_that_was_begun_earlier_does_not_displace_one_that_was_begun_later() {
        let (store, maintainer) = (Store::in_memory(), IndexMaintainer::new(TenantId::DEFAULT));
        let raise = || store.write_blocking::<_, Error, _>(|tx| tuples::raise(tx, TenantId::DEFAULT)).unwrap();
        let revision = || tuples::revision(&store.read().unwrap(), TenantId::DEFAULT).unwrap();
        raise();
        maintainer.backlog().phase = Phase::Building;
        let first = maintainer.backlog().follower;
        let Ok(old) = read_all(&Arc::downgrade(&maintainer), &store.read().unwrap()) else { panic!("it is read") };
        raise();
        maintainer.build_now(&store);
        for _ in 0..2 {
            assert!(maintainer.at(&store, revision()).is_some());
            assert!(maintainer.at(&store, revision() - 1).is_none());
            maintainer.install(Index::at(old.revision()), first);
        }
    }
}
