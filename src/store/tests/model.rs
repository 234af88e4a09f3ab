//! Random histories: every engine must behave as a sorted map that a transaction changes whole or not at all.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

use proptest::prelude::*;

use super::conformance::Gate;
use crate::store::scan::nothing_between;
use crate::store::*;

const A: &str = "test_a";
const B: &str = "test_b";

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    /// Transactions that wait for each other and share a commit.
    Batch(Vec<Transaction>),
    Reopen,
    Backup,
}

type Change = (&'static str, Vec<u8>, Option<Vec<u8>>);

#[derive(Clone, Debug)]
struct Transaction {
    changes: Vec<Change>,
    scans: Vec<Scan>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Keep,
    Refuse,
    Panic,
}

#[derive(Clone, Debug)]
pub(super) struct Scan {
    table: &'static str,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    order: Order,
    limit: usize,
}

pub(super) type Model = BTreeMap<&'static str, BTreeMap<Vec<u8>, Vec<u8>>>;

fn slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

impl Scan {
    pub(super) fn of(&self, from: &(impl Read + ?Sized)) -> Vec<Row> {
        from.scan_raw(self.table, slice(&self.from), slice(&self.to), self.order, self.limit).unwrap()
    }

    pub(super) fn of_model(&self, model: &Model) -> Vec<Row> {
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

pub(super) fn table_name() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(A), Just(B)]
}

pub(super) fn small_key() -> impl Strategy<Value = Vec<u8>> {
    // Four bytes of tenant, then few different tails: collisions are what is looked for.
    proptest::collection::vec(0..3_u8, 0..3).prop_map(|tail| [&[0, 0, 0, 1], tail.as_slice()].concat())
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![Just(Bound::Unbounded), small_key().prop_map(Bound::Included), small_key().prop_map(Bound::Excluded)]
}

pub(super) fn scan() -> impl Strategy<Value = Scan> {
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    (table_name(), bound(), bound(), order, prop_oneof![0..4_usize, Just(usize::MAX)])
        .prop_map(|(table, from, to, order, limit)| Scan { table, from, to, order, limit })
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let value = prop_oneof![4 => Just(Some(b"\x01{}".to_vec())), 1 => (0..99_u8).prop_map(|n| Some(format!("\u{1}{n}").into_bytes())), 2 => Just(None)];
    let change = (table_name(), small_key(), value);
    let outcome = prop_oneof![6 => Just(Outcome::Keep), 1 => Just(Outcome::Refuse), 1 => Just(Outcome::Panic)];
    (proptest::collection::vec(change, 0..8), proptest::collection::vec(scan(), 1..4), outcome)
        .prop_map(|(changes, scans, outcome)| Transaction { changes, scans, outcome })
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
                let seen: Vec<_> = transaction.scans.iter().map(|scan| scan.of(tx)).collect();
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
            Outcome::Keep => Ok(transaction.scans.iter().map(|scan| scan.of_model(&after)).collect()),
            Outcome::Refuse => Err(Error::Key),
            Outcome::Panic => Err(Error::Panicked(String::from("as planned"))),
        };
        assert_eq!(answer.recv().unwrap(), expected);
        if transaction.outcome == Outcome::Keep {
            *model = after;
        }
        for scan in &transaction.scans {
            assert_eq!(scan.of(&frozen), scan.of_model(&before), "the snapshot moved");
        }
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
    assert_eq!(restore(&target, &restored, true).unwrap().report.sha256, report.sha256);
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
