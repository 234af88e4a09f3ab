//! What every engine must do, run over each of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};

use crate::base::id::TenantId;
use crate::store::redb::RedbEngine;
use crate::store::*;

pub(super) const COUNTS: Table<(TenantId, String), Count> = Table::new("test_a");
pub(super) const NAMES: Index<(TenantId, String, u64)> = Index::new("test_b");

#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Count(pub(super) u64);

impl Record for Count {}

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// Every kind of store; the folder keeps the file while the test runs.
pub(super) fn each_store(mut test: impl FnMut(&Store)) {
    test(&Store::in_memory());
    let folder = tempfile::tempdir().unwrap();
    test(&Store::open(&folder.path().join("auther.redb"), &Options::default()).unwrap());
}

pub(super) fn key(name: &str) -> (TenantId, String) {
    (TenantId::DEFAULT, name.to_owned())
}

pub(super) fn put(store: &Store, name: &'static str, value: u64) {
    store.write_blocking(move |tx| set(tx, name, value)).unwrap();
}

pub(super) fn set(tx: &mut Tx, name: &str, value: u64) -> Result<()> {
    COUNTS.put(tx, &key(name), &Count(value))
}

pub(super) fn find(from: &(impl Read + ?Sized), name: &str) -> Option<u64> {
    COUNTS.find(from, &key(name)).unwrap().map(|count| count.0)
}

#[test]
fn what_was_put_is_found_until_it_is_deleted() {
    each_store(|store| {
        put(store, "one", 1);
        put(store, "one", 2);
        let snapshot = store.read().unwrap();
        assert_eq!((find(&snapshot, "one"), find(&snapshot, "two")), (Some(2), None));
        store.write_blocking(|tx| COUNTS.delete(tx, &key("one"))).unwrap();
        store.write_blocking(|tx| COUNTS.delete(tx, &key("never there"))).unwrap();
        assert_eq!(find(&store.read().unwrap(), "one"), None);
    });
}

#[test]
fn a_snapshot_does_not_see_later_writes() {
    each_store(|store| {
        put(store, "one", 1);
        let before = store.read().unwrap();
        put(store, "one", 2);
        put(store, "two", 2);
        assert_eq!((find(&before, "one"), find(&before, "two")), (Some(1), None));
        assert_eq!(COUNTS.page(&before, &prefix((TenantId::DEFAULT,)), None, Order::Ascending, 9).unwrap().len(), 1);
        assert_eq!(find(&store.read().unwrap(), "two"), Some(2));
    });
}

#[test]
fn whoever_reads_after_an_answer_sees_what_was_answered() {
    each_store(|store| {
        let answered = AtomicU64::new(0);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(Ordering::Acquire) {
                        let least = answered.load(Ordering::Acquire);
                        assert!(find(&store.read().unwrap(), "one").unwrap_or(0) >= least);
                    }
                });
            }
            for value in 1..=200 {
                put(store, "one", value);
                answered.store(value, Ordering::Release);
                assert_eq!(find(&store.read().unwrap(), "one"), Some(value));
            }
            done.store(true, Ordering::Release);
        });
        store.close();
        assert!(store.read().is_err(), "nothing is read from a file that was let go");
    });
}

#[test]
fn pages_keep_to_their_prefix_their_order_and_their_limit() {
    each_store(|store| {
        store
            .write_blocking(|tx| {
                for (tenant, name) in [(1, "a"), (1, "b"), (1, "c"), (1, "c2"), (2, "a"), (u32::MAX, "z")] {
                    COUNTS.put(tx, &(TenantId(tenant), name.to_owned()), &Count(1))?;
                }
                for number in 0..3 {
                    NAMES.put(tx, &(TenantId(1), String::from("ann"), number))?;
                    NAMES.put(tx, &(TenantId(1), String::from("anna"), number))?;
                }
                Ok::<_, Error>(())
            })
            .unwrap();
        let snapshot = store.read().unwrap();
        let page = |tenant: u32, after: Option<(u32, &str)>, order, limit| -> Vec<String> {
            let after = after.map(|(tenant, name)| (TenantId(tenant), name.to_owned()));
            let rows = COUNTS.page(&snapshot, &prefix((TenantId(tenant),)), after.as_ref(), order, limit).unwrap();
            rows.into_iter().map(|((_, name), _)| name).collect()
        };
        assert_eq!(page(1, None, Order::Ascending, 9), ["a", "b", "c", "c2"]);
        assert_eq!(page(1, None, Order::Descending, 2), ["c2", "c"]);
        assert_eq!(page(1, Some((1, "b")), Order::Ascending, 1), ["c"]);
        assert_eq!(page(1, Some((1, "c")), Order::Descending, 9), ["b", "a"]);
        assert_eq!(page(1, Some((2, "a")), Order::Ascending, 9), [""; 0]);
        assert_eq!(page(2, Some((1, "b")), Order::Ascending, 9), ["a"]);
        assert_eq!(page(2, Some((u32::MAX, "z")), Order::Descending, 9), ["a"]);
        assert_eq!(page(u32::MAX, None, Order::Descending, 9), ["z"]);
        assert_eq!(page(3, None, Order::Ascending, 9), [""; 0]);
        assert_eq!(page(1, None, Order::Ascending, 0), [""; 0]);
        let names = |prefix: &[u8]| NAMES.page(&snapshot, prefix, None, Order::Ascending, 9).unwrap().len();
        assert_eq!(names(&prefix((TenantId(1), "ann"))), 3);
        assert_eq!(names(&text_prefix((TenantId(1),), "ann")), 6);
        assert!(NAMES.contains(&snapshot, &(TenantId(1), String::from("ann"), 2)).unwrap());
        assert!(!NAMES.contains(&snapshot, &(TenantId(1), String::from("ann"), 3)).unwrap());
    });
}

#[test]
fn rows_are_counted_as_of_the_snapshot() {
    each_store(|store| {
        let none = store.read().unwrap().count("test_a").unwrap();
        put(store, "a", 1);
        put(store, "b", 2);
        let before = store.read().unwrap();
        put(store, "b", 3);
        store.write_blocking(|tx| COUNTS.delete(tx, &key("a"))).unwrap();
        assert_eq!((none, before.count("test_a"), store.read().unwrap().count("test_a")), (0, Ok(2), Ok(1)));
        assert_eq!(before.count("nowhere"), Err(Error::UnknownTable(String::from("nowhere"))));
    });
}

#[test]
fn a_transaction_sees_its_own_changes_in_both_orders() {
    each_store(|store| {
        for name in ["a", "c", "e", "g"] {
            put(store, name, 0);
        }
        let seen = store
            .write_blocking(|tx| {
                set(tx, "b", 1)?;
                set(tx, "c", 1)?;
                COUNTS.delete(tx, &key("a"))?;
                COUNTS.delete(tx, &key("e"))?;
                COUNTS.delete(tx, &key("not there"))?;
                let up = COUNTS.page(tx, &prefix((TenantId::DEFAULT,)), None, Order::Ascending, 2)?;
                let down = COUNTS.page(tx, &prefix((TenantId::DEFAULT,)), None, Order::Descending, 2)?;
                let all = COUNTS.page(tx, &prefix((TenantId::DEFAULT,)), Some(&key("b")), Order::Ascending, 9)?;
                Ok::<_, Error>(
                    [up, down, all].map(|page| page.into_iter().map(|((_, n), v)| (n, v)).collect::<Vec<_>>()),
                )
            })
            .unwrap();
        let row = |name: &str, value| (name.to_owned(), Count(value));
        assert_eq!(seen[0], [row("b", 1), row("c", 1)]);
        assert_eq!(seen[1], [row("g", 0), row("c", 1)]);
        assert_eq!(seen[2], [row("c", 1), row("g", 0)]);
    });
}

#[test]
fn deleted_rows_do_not_shorten_a_page() {
    each_store(|store| {
        for name in ["a", "b", "c", "d"] {
            put(store, name, 0);
        }
        let seen = store.write_blocking(|tx| {
            COUNTS.delete(tx, &key("b"))?;
            COUNTS.delete(tx, &key("a"))?;
            let up = COUNTS.page(tx, &prefix((TenantId::DEFAULT,)), None, Order::Ascending, 1)?;
            COUNTS.delete(tx, &key("d"))?;
            let down = COUNTS.page(tx, &prefix((TenantId::DEFAULT,)), None, Order::Descending, 1)?;
            Ok::<_, Error>((up, down))
        });
        let page = vec![(key("c"), Count(0))];
        assert_eq!(seen, Ok((page.clone(), page)));
    });
}

#[test]
fn an_error_keeps_nothing() {
    each_store(|store| {
        put(store, "one", 1);
        let before = store.commits();
        let refused = store.write_blocking(|tx| {
            set(tx, "one", 2)?;
            set(tx, "two", 2)?;
            Err::<(), _>(Error::Key)
        });
        assert_eq!(refused, Err(Error::Key));
        let snapshot = store.read().unwrap();
        assert_eq!((find(&snapshot, "one"), find(&snapshot, "two")), (Some(1), None));
        assert_eq!(store.commits(), before, "nothing was committed");
    });
}

#[test]
fn a_panic_hurts_nobody_else() {
    each_store(|store| {
        let gate = Gate::close(store);
        let answers: Vec<_> = (0..30_u64)
            .map(|n| {
                gate.submit(move |tx| {
                    set(tx, &n.to_string(), n)?;
                    assert!(n % 3 != 0, "number {n} fails");
                    if n % 3 == 1 { Err(Error::Key) } else { Ok(n) }
                })
            })
            .collect();
        gate.open();
        for (n, answer) in (0..).zip(answers) {
            let answer = answer.recv().unwrap();
            match n % 3 {
                0 => assert_eq!(answer, Err(Error::Panicked(format!("number {n} fails")))),
                1 => assert_eq!(answer, Err(Error::Key)),
                _ => assert_eq!(answer, Ok(n)),
            }
            assert_eq!(find(&store.read().unwrap(), &n.to_string()), (n % 3 == 2).then_some(n));
        }
        put(store, "after", 1);
    });
}

#[test]
fn an_impure_transaction_is_found_out() {
    each_store(|store| {
        let calls = AtomicU64::new(0);
        let answer = store.write_blocking(move |tx| set(tx, "one", calls.fetch_add(1, Ordering::SeqCst)));
        assert!(matches!(answer, Err(Error::Panicked(message)) if message.contains("not pure")));
        assert_eq!(find(&store.read().unwrap(), "one"), None);
    });
}

#[test]
fn one_of_many_wins() {
    each_store(|store| {
        for round in 0..5_u64 {
            let barrier = Arc::new(Barrier::new(64));
            let threads: Vec<_> = (0..64_u64)
                .map(|thread| {
                    let (store, barrier) = (store.clone(), Arc::clone(&barrier));
                    std::thread::spawn(move || {
                        barrier.wait();
                        store.write_blocking(move |tx| {
                            let code = key(&format!("code {round}"));
                            if COUNTS.find(tx, &code)?.is_some() {
                                return Ok::<_, Error>(false);
                            }
                            COUNTS.put(tx, &code, &Count(thread))?;
                            NAMES.put(tx, &(TenantId::DEFAULT, round.to_string(), thread))?;
                            Ok(true)
                        })
                    })
                })
                .collect();
            let won: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
            assert_eq!(won.iter().filter(|won| **won).count(), 1);
            let rows = prefix((TenantId::DEFAULT, &round.to_string()));
            let winners = NAMES.page(&store.read().unwrap(), &rows, None, Order::Ascending, 99).unwrap();
            assert!(winners.len() == 1 && won[usize::try_from(winners[0].2).unwrap()], "losers left rows");
        }
    });
}

/// Holds the writer inside a transaction, so that others must wait in line.
pub(super) struct Gate<'a> {
    store: &'a Store,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl<'a> Gate<'a> {
    pub(super) fn close(store: &'a Store) -> Self {
        let open = Arc::new((Mutex::new(false), Condvar::new()));
        let entered = Arc::new(Barrier::new(2));
        let first = AtomicBool::new(true);
        let (inside, line) = (Arc::clone(&entered), Arc::clone(&open));
        store.inner.writer.submit(
            move |_| {
                if first.swap(false, Ordering::SeqCst) {
                    inside.wait();
                    let mut open = line.0.lock().unwrap();
                    while !*open {
                        open = line.1.wait(open).unwrap();
                    }
                }
                Ok::<_, Error>(())
            },
            |_| {},
        );
        entered.wait();
        Self { store, open }
    }

    pub(super) fn submit<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Tx) -> Result<T> + Send + 'static,
    ) -> std::sync::mpsc::Receiver<Result<T>> {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        self.store.inner.writer.submit(change, move |result| drop(answer.send(result)));
        answered
    }

    pub(super) fn open(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }
}

#[test]
fn those_who_wait_share_a_commit() {
    each_store(|store| {
        let before = store.commits();
        let revision = store.read().unwrap().revision().unwrap();
        let mut changes = store.changes();
        let gate = Gate::close(store);
        let answers: Vec<_> = (0..100_u64).map(|n| gate.submit(move |tx| set(tx, &n.to_string(), n))).collect();
        gate.open();
        answers.iter().for_each(|answer| answer.recv().unwrap().unwrap());
        assert_eq!(store.commits(), before + 1);
        assert!(changes.has_changed().unwrap());
        assert_eq!(*changes.borrow_and_update(), revision.next());
        assert_eq!(store.read().unwrap().revision(), Ok(revision.next()));
        assert_eq!(COUNTS.page(&store.read().unwrap(), &[], None, Order::Ascending, 999).unwrap().len(), 100);
    });
}

#[test]
fn those_who_share_a_commit_see_each_other() {
    each_store(|store| {
        let gate = Gate::close(store);
        let answers: Vec<_> = (0..50)
            .map(|_| {
                gate.submit(|tx| {
                    let count = find(tx, "count").unwrap_or(0);
                    set(tx, "count", count + 1)?;
                    Ok(count)
                })
            })
            .collect();
        gate.open();
        let seen: Vec<_> = answers.iter().map(|answer| answer.recv().unwrap().unwrap()).collect();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
        assert_eq!(find(&store.read().unwrap(), "count"), Some(50));
    });
}

#[test]
fn a_transaction_without_changes_is_answered_without_a_commit() {
    each_store(|store| {
        let before = store.commits();
        assert_eq!(store.write_blocking(|tx| COUNTS.find(tx, &key("one"))), Ok(None));
        assert_eq!(store.commits(), before);
    });
}

#[test]
fn an_unlisted_table_cannot_be_used() {
    const NOWHERE: Table<(TenantId,), Count> = Table::new("nowhere");
    each_store(|store| {
        let refused = Err(Error::UnknownTable(String::from("nowhere")));
        assert_eq!(NOWHERE.find(&store.read().unwrap(), &(TenantId::DEFAULT,)).map(drop), refused);
        assert_eq!(store.write_blocking(|tx| NOWHERE.put(tx, &(TenantId::DEFAULT,), &Count(1))), refused);
    });
}

#[test]
fn a_closed_store_refuses_and_loses_nothing_that_waited() {
    each_store(|store| {
        let gate = Gate::close(store);
        let waiting = gate.submit(|tx| set(tx, "waiting", 1));
        gate.open();
        store.close();
        assert_eq!(waiting.recv().unwrap(), Ok(()));
        assert_eq!(store.write_blocking(|tx| set(tx, "late", 1)), Err(Error::Closed));
        assert_eq!(store.read().map(drop), Err(Error::Closed));
        store.close();
    });
}

#[test]
fn the_last_handle_may_be_dropped_by_a_transaction() {
    let store = Store::in_memory();
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    let captured = store.clone();
    let weak = Arc::downgrade(&store.inner);
    store.inner.writer.submit(move |_| Ok::<_, Error>(captured.commits()), move |result| drop(answer.send(result)));
    drop(store);
    assert_eq!(answered.recv().unwrap(), Ok(0));
    while weak.strong_count() > 0 {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn async_callers_are_answered() {
    fn may_change_threads<T: Send>(future: T) -> T {
        future
    }
    let store = Store::in_memory();
    let writes = (0..20_u64).map(|n| may_change_threads(store.write(move |tx| set(tx, &n.to_string(), n))));
    futures_util::future::join_all(writes).await.into_iter().for_each(|written| written.unwrap());
    assert_eq!(find(&store.read().unwrap(), "19"), Some(19));
    // Nothing is written for a future that nobody awaits.
    drop(store.write(|tx| set(tx, "never started", 1)));
    assert_eq!(find(&store.read().unwrap(), "never started"), None);
}

#[test]
fn a_savepoint_takes_everything_back_even_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auther.redb");
    Store::open(&path, &Options::default()).unwrap().close();
    let open = || RedbEngine::open(&path, &Options::default()).unwrap();
    let set = |engine: &dyn Engine, value| tx::transact(engine, |tx| set(tx, "one", value)).unwrap();
    let get = |engine: &dyn Engine| COUNTS.find(engine.snapshot().unwrap().as_ref(), &key("one")).unwrap();
    let mut engine = open();
    assert!(!engine.roll_back().unwrap());
    set(&engine, 1);
    engine.savepoint().unwrap();
    set(&engine, 2);
    set(&engine, 3);
    drop(engine);
    engine = open();
    assert!(engine.roll_back().unwrap());
    assert_eq!(get(&engine), Some(Count(1)));
    assert!(!engine.roll_back().unwrap(), "the savepoint is used up");
    engine.savepoint().unwrap();
    set(&engine, 4);
    engine.release().unwrap();
    assert!(!engine.roll_back().unwrap());
    assert_eq!(get(&engine), Some(Count(4)));
}
