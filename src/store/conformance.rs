//! What every engine must do, run over each of them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};

use proptest::prelude::*;

use super::engine::{Engine, nothing_between};
use super::memory::MemoryEngine;
use super::*;
use crate::base::id::TenantId;

const A: &str = "test_a";
const B: &str = "test_b";
const COUNTS: Table<(TenantId, String), u64> = Table::new(A);
const NAMES: Index<(TenantId, String, u64)> = Index::new(B);

impl Record for u64 {}

type Result<T, E = Error> = std::result::Result<T, E>;

/// Every kind of store; the folder keeps the file while the test runs.
fn each_store(mut test: impl FnMut(&Store)) {
    test(&Store::in_memory());
    let folder = tempfile::tempdir().unwrap();
    test(&Store::open(&folder.path().join("auther.redb"), &Options::default()).unwrap());
}

fn key(name: &str) -> (TenantId, String) {
    (TenantId::DEFAULT, name.to_owned())
}

fn put(store: &Store, name: &'static str, value: u64) {
    store.write_blocking(move |tx| COUNTS.put(tx, &key(name), &value)).unwrap();
}

fn find(from: &impl Read, name: &str) -> Option<u64> {
    COUNTS.find(from, &key(name)).unwrap()
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
fn pages_keep_to_their_prefix_their_order_and_their_limit() {
    each_store(|store| {
        store
            .write_blocking(|tx| {
                for (tenant, name) in [(1, "a"), (1, "b"), (1, "c"), (1, "c2"), (2, "a"), (u32::MAX, "z")] {
                    COUNTS.put(tx, &(TenantId(tenant), name.to_owned()), &1)?;
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
fn a_transaction_sees_its_own_changes_in_both_orders() {
    each_store(|store| {
        for name in ["a", "c", "e", "g"] {
            put(store, name, 0);
        }
        let seen = store
            .write_blocking(|tx| {
                COUNTS.put(tx, &key("b"), &1)?;
                COUNTS.put(tx, &key("c"), &1)?;
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
        let row = |name: &str, value| (name.to_owned(), value);
        assert_eq!(seen[0], [row("b", 1), row("c", 1)]);
        assert_eq!(seen[1], [row("g", 0), row("c", 1)]);
        assert_eq!(seen[2], [row("c", 1), row("g", 0)]);
    });
}

#[test]
fn an_error_keeps_nothing() {
    each_store(|store| {
        put(store, "one", 1);
        let before = store.commits();
        let refused = store.write_blocking(|tx| {
            COUNTS.put(tx, &key("one"), &2)?;
            COUNTS.put(tx, &key("two"), &2)?;
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
                    COUNTS.put(tx, &key(&n.to_string()), &n)?;
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
        let answer = store.write_blocking(move |tx| COUNTS.put(tx, &key("one"), &calls.fetch_add(1, Ordering::SeqCst)));
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
                            COUNTS.put(tx, &code, &thread)?;
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
struct Gate<'a> {
    store: &'a Store,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl<'a> Gate<'a> {
    fn close(store: &'a Store) -> Self {
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

    fn submit<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Tx) -> Result<T> + Send + 'static,
    ) -> std::sync::mpsc::Receiver<Result<T>> {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        self.store.inner.writer.submit(change, move |result| drop(answer.send(result)));
        answered
    }

    fn open(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }
}

#[test]
fn those_who_wait_share_a_commit() {
    each_store(|store| {
        let before = store.commits();
        let mut changes = store.changes();
        let gate = Gate::close(store);
        let answers: Vec<_> =
            (0..100_u64).map(|n| gate.submit(move |tx| COUNTS.put(tx, &key(&n.to_string()), &n))).collect();
        gate.open();
        answers.iter().for_each(|answer| answer.recv().unwrap().unwrap());
        assert_eq!(store.commits(), before + 1);
        assert!(changes.has_changed().unwrap());
        assert_eq!(*changes.borrow_and_update(), before + 1);
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
                    let count = COUNTS.find(tx, &key("count"))?.unwrap_or(0);
                    COUNTS.put(tx, &key("count"), &(count + 1))?;
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
    const NOWHERE: Table<(TenantId,), u64> = Table::new("nowhere");
    each_store(|store| {
        let refused = Err(Error::UnknownTable(String::from("nowhere")));
        assert_eq!(NOWHERE.find(&store.read().unwrap(), &(TenantId::DEFAULT,)).map(drop), refused);
        assert_eq!(store.write_blocking(|tx| NOWHERE.put(tx, &(TenantId::DEFAULT,), &1)), refused);
    });
}

#[test]
fn a_closed_store_refuses_and_loses_nothing_that_waited() {
    each_store(|store| {
        let gate = Gate::close(store);
        let waiting = gate.submit(|tx| COUNTS.put(tx, &key("waiting"), &1));
        gate.open();
        store.close();
        assert_eq!(waiting.recv().unwrap(), Ok(()));
        assert_eq!(store.write_blocking(|tx| COUNTS.put(tx, &key("late"), &1)), Err(Error::Closed));
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
    for store in [Store::in_memory()] {
        let writes = (0..20_u64).map(|n| store.write(move |tx| COUNTS.put(tx, &key(&n.to_string()), &n)));
        futures_util::future::join_all(writes).await.into_iter().for_each(|written| written.unwrap());
        assert_eq!(find(&store.read().unwrap(), "19"), Some(19));
        // A caller who gives up does not take the transaction back.
        drop(store.write(|tx| COUNTS.put(tx, &key("never started"), &1)));
        assert_eq!(find(&store.read().unwrap(), "never started"), None);
    }
}

#[test]
fn a_mark_takes_everything_back_even_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auther.redb");
    Store::open(&path, &Options::default()).unwrap().close();
    let reopen = || -> Box<dyn Engine> { Box::new(RedbEngine::open(&path, &Options::default()).unwrap()) };
    for (mut engine, lasting) in [(Box::new(MemoryEngine::default()) as Box<dyn Engine>, false), (reopen(), true)] {
        let set = |engine: &dyn Engine, value| tx::transact(engine, |tx| COUNTS.put(tx, &key("one"), &value)).unwrap();
        let get = |engine: &dyn Engine| COUNTS.find(engine.snapshot().unwrap().as_ref(), &key("one")).unwrap();
        assert!(!engine.roll_back().unwrap());
        set(engine.as_ref(), 1);
        engine.mark().unwrap();
        set(engine.as_ref(), 2);
        set(engine.as_ref(), 3);
        if lasting {
            drop(engine);
            engine = reopen();
        }
        assert!(engine.roll_back().unwrap());
        assert_eq!(get(engine.as_ref()), Some(1));
        assert!(!engine.roll_back().unwrap(), "the mark is used up");
        engine.mark().unwrap();
        set(engine.as_ref(), 4);
        engine.forget_mark().unwrap();
        assert!(!engine.roll_back().unwrap());
        assert_eq!(get(engine.as_ref()), Some(4));
    }
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    /// Transactions that wait for each other and share a commit.
    Batch(Vec<Transaction>),
    Reopen,
    Backup,
}

#[derive(Clone, Debug)]
struct Transaction {
    changes: Vec<(&'static str, Vec<u8>, Option<Vec<u8>>)>,
    scan: Scan,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Keep,
    Refuse,
    Panic,
}

#[derive(Clone, Debug)]
struct Scan {
    table: &'static str,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    order: Order,
    limit: usize,
}

type Model = BTreeMap<&'static str, BTreeMap<Vec<u8>, Vec<u8>>>;

fn slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

impl Scan {
    fn of(&self, from: &(impl Read + ?Sized)) -> Vec<Row> {
        from.scan_raw(self.table, slice(&self.from), slice(&self.to), self.order, self.limit).unwrap()
    }

    fn of_model(&self, model: &Model) -> Vec<Row> {
        let none = BTreeMap::new();
        let within = |key: &[u8]| {
            (match slice(&self.from) {
                Bound::Included(from) => key >= from,
                Bound::Excluded(from) => key > from,
                Bound::Unbounded => true,
            }) && (match slice(&self.to) {
                Bound::Included(to) => key <= to,
                Bound::Excluded(to) => key < to,
                Bound::Unbounded => true,
            })
        };
        let rows = model.get(self.table).unwrap_or(&none).iter().filter(|(key, _)| within(key));
        let mut rows: Vec<Row> = rows.map(|(key, value)| (key.clone(), value.clone())).collect();
        assert!(rows.is_empty() || !nothing_between(slice(&self.from), slice(&self.to)));
        if self.order == Order::Descending {
            rows.reverse();
        }
        rows.truncate(self.limit);
        rows
    }
}

fn table_name() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(A), Just(B)]
}

fn small_key() -> impl Strategy<Value = Vec<u8>> {
    // Four bytes of tenant, then few different tails: collisions are what is looked for.
    proptest::collection::vec(0..3_u8, 0..3).prop_map(|tail| [&[0, 0, 0, 1], tail.as_slice()].concat())
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![Just(Bound::Unbounded), small_key().prop_map(Bound::Included), small_key().prop_map(Bound::Excluded)]
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let value = prop_oneof![2 => Just(Some(b"\x01{}".to_vec())), 1 => (0..99_u8).prop_map(|n| Some(format!("\u{1}{n}").into_bytes())), 2 => Just(None)];
    let change = (table_name(), small_key(), value);
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let scan = (table_name(), bound(), bound(), order, prop_oneof![0..4_usize, Just(usize::MAX)])
        .prop_map(|(table, from, to, order, limit)| Scan { table, from, to, order, limit });
    let outcome = prop_oneof![6 => Just(Outcome::Keep), 1 => Just(Outcome::Refuse), 1 => Just(Outcome::Panic)];
    (proptest::collection::vec(change, 0..8), scan, outcome).prop_map(|(changes, scan, outcome)| Transaction {
        changes,
        scan,
        outcome,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => proptest::collection::vec(transaction(), 1..5).prop_map(Step::Batch),
        1 => Just(Step::Reopen),
        1 => Just(Step::Backup),
    ]
}

fn apply(model: &mut Model, transaction: &Transaction) {
    for (table, key, value) in &transaction.changes {
        let rows = model.entry(table).or_default();
        match value {
            Some(value) => rows.insert(key.clone(), value.clone()),
            None => rows.remove(key),
        };
    }
}

/// Runs a batch over the store and the model, and compares every scan and every answer.
fn run_batch(store: &Store, model: &mut Model, batch: &[Transaction]) {
    let gate = Gate::close(store);
    let frozen = store.read().unwrap();
    let before = model.clone();
    let answers: Vec<_> = batch
        .iter()
        .cloned()
        .map(|transaction| {
            gate.submit(move |tx| {
                for (table, key, value) in &transaction.changes {
                    tx.set_raw(table, key.clone(), value.clone())?;
                }
                let seen = transaction.scan.of(tx);
                match transaction.outcome {
                    Outcome::Keep => Ok(seen),
                    Outcome::Refuse => Err(Error::Key),
                    Outcome::Panic => std::panic::resume_unwind(Box::new("as planned")),
                }
            })
        })
        .collect();
    gate.open();
    for (transaction, answer) in batch.iter().zip(answers) {
        let mut after = model.clone();
        apply(&mut after, transaction);
        let expected = match transaction.outcome {
            Outcome::Keep => Ok(transaction.scan.of_model(&after)),
            Outcome::Refuse => Err(Error::Key),
            Outcome::Panic => Err(Error::Panicked(String::from("as planned"))),
        };
        assert_eq!(answer.recv().unwrap(), expected);
        if transaction.outcome == Outcome::Keep {
            *model = after;
        }
        assert_eq!(transaction.scan.of(&frozen), transaction.scan.of_model(&before), "the snapshot moved");
    }
}

fn compare(store: &Store, model: &Model) {
    let snapshot = store.read().unwrap();
    for table in [A, B] {
        let scan =
            Scan { table, from: Bound::Unbounded, to: Bound::Unbounded, order: Order::Ascending, limit: usize::MAX };
        assert_eq!(scan.of(&snapshot), scan.of_model(model));
        for (key, value) in model.get(table).into_iter().flatten() {
            assert_eq!(snapshot.get_raw(table, key).unwrap().as_ref(), Some(value));
        }
    }
}

fn check_backup(store: &Store, model: &Model, folder: &Path) {
    let target = folder.join("backup.redb");
    let report = store.backup(&target, |_| {}).unwrap();
    assert_eq!(verify_backup(&target).unwrap(), report);
    let restored = folder.join("restored.redb");
    assert_eq!(restore(&target, &restored, true).unwrap().sha256, report.sha256);
    let store = Store::open(&restored, &Options::default()).unwrap();
    compare(&store, model);
    std::fs::remove_file(target).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_behaves_as_a_sorted_map(steps in proptest::collection::vec(step(), 1..10)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auther.redb");
        let open = || Store::open(&path, &Options::default()).unwrap();
        for (mut store, lasting) in [(Store::in_memory(), false), (open(), true)] {
            let mut model = Model::new();
            for step in &steps {
                match step {
                    Step::Batch(batch) => run_batch(&store, &mut model, batch),
                    Step::Backup => check_backup(&store, &model, folder.path()),
                    Step::Reopen if lasting => {
                        drop(store);
                        store = open();
                    }
                    Step::Reopen => {}
                }
                compare(&store, &model);
            }
        }
    }
}
