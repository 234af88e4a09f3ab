//! Revisions: stored with the data, counted one by one, and what follows from that for who reads and who follows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ScopedJoinHandle;

use super::conformance::{COUNTS, each_store, find, put, set};
use crate::base::id::TenantId;
use crate::store::*;

#[test]
fn who_follows_starts_at_a_revision_and_misses_nothing() {
    each_store(|store| {
        let early = store.read().unwrap().revision().unwrap();
        put(store, "a", 1);
        put(store, "a", 2);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = |who: &'static str| {
            let heard = Arc::clone(&heard);
            move |commit: &Commit<'_>| {
                let rows = COUNTS.changed(commit, &[]).unwrap();
                heard.lock().unwrap().push((who, commit.revision(), rows[0].1.unwrap().0));
                true
            }
        };
        assert_eq!(store.follow(early, hear("early")), Ok(true));
        let late = early.next().next();
        assert_eq!(store.follow(late, hear("late")), Ok(true));
        put(store, "a", 3);
        let first = [("early", early.next(), 1), ("early", late, 2)];
        let then = [("early", late.next(), 3), ("late", late.next(), 3)];
        assert_eq!(*heard.lock().unwrap(), [first, then].concat());
    });
}

#[test]
fn a_revision_survives_reopening_backup_and_restore() {
    let folder = tempfile::tempdir().unwrap();
    let [path, backup, restored] = ["auther.redb", "backup", "restored"].map(|name| folder.path().join(name));
    let open = |path| Store::open(path, &Options::default()).unwrap();
    let heads = |store: &Store| {
        let from = store.read().unwrap();
        (from.revision().unwrap(), from.access_revision().unwrap())
    };
    let store = open(&path);
    store.write_blocking(|tx| rows::tuples::raise(tx, TenantId::DEFAULT)).unwrap();
    put(&store, "a", 1);
    let (revision, access) = heads(&store);
    assert_eq!(revision, access.next());
    store.backup(&backup, |_| {}).unwrap();
    put(&store, "a", 2);
    drop(store);
    let store = open(&path);
    assert_eq!(heads(&store), (revision.next(), access));
    assert_eq!(
        store.follow(access, |_| true),
        Ok(false),
        "what was committed before it was opened is not known any more"
    );
    restore(&backup, &restored, false).unwrap();
    let restored = open(&restored);
    assert_eq!(heads(&restored), (revision, access));
    put(&restored, "a", 3);
    assert_eq!(heads(&restored), (revision.next(), access));
}

#[test]
fn a_snapshot_and_its_versions_belong_together_whoever_writes_meanwhile() {
    each_store(|store| {
        let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
        let read = || {
            let (mut seen, mut last) = (HashMap::new(), Revision::default());
            while !done.load(Ordering::Acquire) {
                let from = store.read().unwrap();
                let (revision, access) = (from.revision().unwrap(), from.access_revision().unwrap());
                let state = rows::tuples::revision(&from, TenantId::DEFAULT).unwrap();
                assert_eq!(*seen.entry(access).or_insert(state), state, "two states have one version");
                // Every other commit writes its own number.
                let behind = find(&from, "commits").map_or(0, |number| revision.number() - number);
                assert!(behind <= 1, "the state of one commit has the number of another");
                assert!(revision >= last && access <= revision);
                last = revision;
                reads.fetch_add(1, Ordering::AcqRel);
            }
            seen.len()
        };
        let versions: Vec<_> = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..3).map(|_| scope.spawn(read)).collect();
            for _ in 0..100 {
                store.write_blocking(|tx| rows::tuples::raise(tx, TenantId::DEFAULT)).unwrap();
                let next = store.read().unwrap().revision().unwrap().next().number();
                store.write_blocking(move |tx| set(tx, "commits", next)).unwrap();
                let before = reads.load(Ordering::Acquire);
                while reads.load(Ordering::Acquire) == before && !readers.iter().any(ScopedJoinHandle::is_finished) {
                    std::thread::yield_now();
                }
            }
            done.store(true, Ordering::Release);
            readers.into_iter().map(|reader| reader.join().unwrap()).collect()
        });
        assert!(versions.iter().any(|seen| *seen > 1), "nobody read while somebody wrote");
    });
}
