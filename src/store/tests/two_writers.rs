//! Two processes that write to the same data: what one has read is what its commit rests on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use super::conformance::{COUNTS, Gate, NAMES, Result, find, put, set};
use crate::base::Moment;
use crate::base::id::TenantId;
use crate::store::rows::marks::{self, Meaning};
use crate::store::*;

/// Runs `change` in `store`; after its first run, and before it can be committed, `meanwhile` happens.
fn interrupted<T: Send + 'static>(
    store: &Store,
    change: impl Fn(&mut Tx) -> Result<T> + Send + 'static,
    meanwhile: impl Fn() + Send + 'static,
) -> Result<T> {
    let first = AtomicBool::new(true);
    store.write_blocking(move |tx| {
        let answer = change(tx);
        if first.swap(false, Ordering::SeqCst) {
            meanwhile();
        }
        answer
    })
}

/// Counts one up and answers what was there.
fn count_up(tx: &mut Tx, name: &str) -> Result<u64> {
    let before = find(tx, name).unwrap_or(0);
    set(tx, name, before + 1)?;
    Ok(before)
}

fn names(from: &(impl Read + ?Sized), limit: usize) -> Vec<u64> {
    let rows = NAMES.page(from, &prefix((TenantId::DEFAULT, "ann")), None, Order::Ascending, limit).unwrap();
    rows.into_iter().map(|(_, _, number)| number).collect()
}

fn name(tx: &mut Tx, number: u64) -> Result<()> {
    NAMES.put(tx, &(TenantId::DEFAULT, String::from("ann"), number))
}

#[test]
fn an_update_is_not_lost() {
    let [one, two] = Store::two_in_memory();
    put(&one, "a", 1);
    let other = two.clone();
    let before = interrupted(&one, |tx| count_up(tx, "a"), move || put(&other, "a", 10));
    assert_eq!(before, Ok(10), "it ran again over what the other process had written");
    assert_eq!(find(&two.read().unwrap(), "a"), Some(11));
}

#[test]
fn two_who_rely_on_each_other_do_not_both_leave() {
    let [one, two] = Store::two_in_memory();
    put(&one, "ann is on call", 1);
    put(&two, "bob is on call", 1);
    let leave = |name: &'static str, other: &'static str| {
        move |tx: &mut Tx| if find(tx, other) == Some(1) { set(tx, name, 0) } else { Err(Error::Key) }
    };
    let other = two.clone();
    let bob = leave("bob is on call", "ann is on call");
    let meanwhile = move || other.write_blocking(bob).unwrap();
    assert_eq!(interrupted(&one, leave("ann is on call", "bob is on call"), meanwhile), Err(Error::Key));
    let from = one.read().unwrap();
    assert_eq!((find(&from, "ann is on call"), find(&from, "bob is on call")), (Some(1), Some(0)));
}

#[test]
fn a_row_that_appears_in_what_was_counted_is_counted() {
    let [one, two] = Store::two_in_memory();
    one.write_blocking(|tx| name(tx, 1)).unwrap();
    let one_of_two = |tx: &mut Tx| if names(tx, 9).len() < 2 { name(tx, 7) } else { Err(Error::Key) };
    let answer = interrupted(&one, one_of_two, move || two.write_blocking(|tx| name(tx, 4)).unwrap());
    assert_eq!(answer, Err(Error::Key));
    assert_eq!(names(&one.read().unwrap(), 9), [1, 4]);
}

#[test]
fn a_page_is_read_to_its_last_row_and_no_further() {
    for (appears, seen) in [(8, vec![5]), (2, vec![2])] {
        let [one, two] = Store::two_in_memory();
        one.write_blocking(|tx| [5, 6].into_iter().try_for_each(|number| name(tx, number))).unwrap();
        let first = |tx: &mut Tx| {
            let first = names(tx, 1);
            set(tx, "seen", 1)?;
            Ok(first)
        };
        let meanwhile = move || two.write_blocking(move |tx| name(tx, appears)).unwrap();
        assert_eq!(interrupted(&one, first, meanwhile), Ok(seen), "{appears} appeared");
    }
}

#[test]
fn what_was_not_read_is_no_conflict() {
    let [one, two] = Store::two_in_memory();
    put(&one, "a", 1);
    let (other, runs) = (two.clone(), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&runs);
    let change = move |tx: &mut Tx| {
        seen.lock().unwrap().push(tx.base().unwrap());
        // Written without being read, and read only where the transaction itself had written it.
        set(tx, "b", 5)?;
        assert_eq!(find(tx, "b"), Some(5));
        count_up(tx, "a")
    };
    let meanwhile = move || {
        put(&other, "b", 4);
        put(&other, "c", 4);
    };
    assert_eq!(interrupted(&one, change, meanwhile), Ok(1));
    let runs = runs.lock().unwrap();
    assert!(runs.iter().all(|base| *base == runs[0]), "it ran over one state only");
    let from = two.read().unwrap();
    assert_eq!(["a", "b", "c"].map(|name| find(&from, name)), [Some(2), Some(5), Some(4)]);
}

#[test]
fn a_refusal_is_made_again_with_those_that_shared_its_commit() {
    let [one, two] = Store::two_in_memory();
    let gate = Gate::close(&one);
    let refused = gate.submit(|tx| find(tx, "allowed").ok_or(Error::Key));
    let first = AtomicBool::new(true);
    let written = gate.submit(move |tx| {
        if first.swap(false, Ordering::SeqCst) {
            put(&two, "allowed", 1);
        }
        set(tx, "other", 1)
    });
    gate.open();
    assert_eq!((refused.recv().unwrap(), written.recv().unwrap()), (Ok(1), Ok(())));
}

#[test]
fn who_never_gets_through_is_refused_and_nothing_of_it_is_kept() {
    let [one, two] = Store::two_in_memory();
    let other = two.clone();
    let always = one.write_blocking(move |tx| {
        let before = find(tx, "a");
        other.write_blocking(|tx| count_up(tx, "a"))?;
        set(tx, "mine", before.unwrap_or(0))
    });
    assert_eq!(always, Err(Error::Conflict));
    assert_eq!(find(&one.read().unwrap(), "mine"), None);
    assert_eq!(one.write_blocking(|tx| set(tx, "mine", 1)), Ok(()), "the writer goes on");
}

#[test]
fn two_processes_at_once_count_everything_once() {
    const EACH: u64 = 200;
    let stores = Store::two_in_memory();
    std::thread::scope(|scope| {
        for store in stores.iter().chain(&stores) {
            scope.spawn(move || {
                for _ in 0..EACH {
                    store.write_blocking(|tx| count_up(tx, "a")).unwrap();
                }
            });
        }
    });
    assert_eq!(stores.map(|store| find(&store.read().unwrap(), "a")), [Some(4 * EACH); 2]);
}

#[test]
fn what_may_be_used_once_is_used_by_one_of_two_processes() {
    let stores = Store::two_in_memory();
    let until = Moment::from_seconds(1_000);
    for round in 0..20 {
        let assertion = format!("assertion {round}");
        let barrier = Barrier::new(8);
        let firsts: Vec<bool> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|number| {
                    let (store, barrier, text) = (&stores[number % 2], &barrier, assertion.clone());
                    scope.spawn(move || {
                        barrier.wait();
                        let set =
                            move |tx: &mut Tx| marks::set(tx, TenantId::DEFAULT, Meaning::AssertionSeen, &text, until);
                        store.write_blocking(set).unwrap()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(firsts.iter().filter(|first| **first).count(), 1, "round {round}");
    }
}

#[test]
fn everybody_hears_of_every_commit_in_one_order_wherever_it_was_made() {
    let stores = Store::two_in_memory();
    let from = stores[0].read().unwrap().revision().unwrap();
    let heard = [(); 2].map(|()| Arc::new(Mutex::new(Vec::new())));
    for (store, heard) in stores.iter().zip(&heard) {
        let heard = Arc::clone(heard);
        let hear = move |commit: &Commit<'_>| {
            let changed = COUNTS.changed(commit, &[]).unwrap().into_iter();
            let row = changed.map(|((_, name), count)| (name, count.unwrap().0)).next().unwrap();
            heard.lock().unwrap().push((commit.revision().number(), row));
            true
        };
        assert_eq!(store.follow(from, hear), Ok(true));
    }
    std::thread::scope(|scope| {
        for (store, name) in stores.iter().zip(["a", "b"]) {
            scope.spawn(move || (1..=50).for_each(|value| put(store, name, value)));
        }
    });
    let heard = heard.map(|heard| heard.lock().unwrap().clone());
    assert_eq!(heard[0], heard[1]);
    let revisions: Vec<_> = heard[0].iter().map(|(revision, _)| *revision).collect();
    assert_eq!(revisions, (from.number() + 1..=from.number() + 100).collect::<Vec<_>>());
    for name in ["a", "b"] {
        let values = heard[0].iter().filter(|(_, row)| row.0 == name).map(|(_, row)| row.1);
        assert_eq!(values.collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>(), "{name}");
    }
    assert_eq!(stores.map(|store| store.changes().borrow().number()), [from.number() + 100; 2]);
}

#[test]
fn what_decides_access_changes_for_both_at_once() {
    let [one, two] = Store::two_in_memory();
    let versions = || [&one, &two].map(|store| store.read().unwrap().access_revision().unwrap());
    let before = versions();
    put(&one, "a", 1);
    assert_eq!(versions(), before);
    two.write_blocking(|tx| rows::tuples::raise(tx, TenantId::DEFAULT)).unwrap();
    let after = versions();
    assert!(after[0] == after[1] && after[0] > before[0]);
    assert_eq!(after[0], one.read().unwrap().revision().unwrap());
}

#[test]
fn what_is_derived_is_taken_at_once_wherever_the_commit_was_made_and_again_after_a_failure() {
    let [one, two] = Store::two_in_memory();
    put(&one, "a", 1);
    let (taken, fails, needed) = (Arc::new(Mutex::new(Vec::new())), Arc::default(), Arc::new(AtomicBool::new(true)));
    let (seen, failing, is_needed) = (Arc::clone(&taken), Arc::<AtomicBool>::clone(&fails), Arc::clone(&needed));
    let concerns = |commit: &Commit<'_>| COUNTS.may_be_changed_by(commit, &prefix((TenantId::DEFAULT, "a")));
    let take = move |from: &Snapshot| {
        if failing.load(Ordering::SeqCst) {
            return Err(Error::Full);
        }
        seen.lock().unwrap().push(find(from, "a").unwrap());
        Ok(is_needed.load(Ordering::SeqCst))
    };
    one.derive("a test", concerns, take).unwrap();
    let seen = || std::mem::take(&mut *taken.lock().unwrap());
    assert_eq!(seen(), [1], "the state of that moment");
    put(&two, "a", 2);
    put(&one, "a", 3);
    put(&two, "b", 1);
    assert_eq!(seen(), [2, 3], "each commit that concerns it, and no other one");
    fails.store(true, Ordering::SeqCst);
    put(&two, "a", 4);
    fails.store(false, Ordering::SeqCst);
    assert_eq!(seen(), [0; 0]);
    put(&two, "b", 2);
    assert_eq!(seen(), [4], "the next commit is another try, whatever it did");
    needed.store(false, Ordering::SeqCst);
    put(&two, "a", 5);
    put(&two, "a", 6);
    assert_eq!(seen(), [5], "nobody needs it any more");
    fails.store(true, Ordering::SeqCst);
    assert_eq!(
        two.derive("a test", |_| true, |_| Err(Error::Full)),
        Err(Error::Full),
        "the first failure is the caller's"
    );
}
