//! Random histories of two processes: whatever commits are refused, what was kept must be what the transactions do one
//! after another.

use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::prelude::*;

use super::model::{Model, Scan, scan, small_key, table_name};
use crate::store::engine::{CommitError, Engine, Proposal};
use crate::store::memory::MemoryEngine;
use crate::store::redb::RedbEngine;
use crate::store::*;

/// What a transaction does: what it writes depends on all that it has read until then.
#[derive(Clone, Debug)]
enum Action {
    Get(&'static str, Vec<u8>),
    Scan(Scan),
    Put(&'static str, Vec<u8>),
    Delete(&'static str, Vec<u8>),
}

/// One step of a history of two processes.
#[derive(Clone, Debug)]
enum Step {
    /// A transaction is run; one that this process has run before and not committed is given up.
    Run(usize, Vec<Action>),
    Commit(usize),
}

/// What transactions run over: the store's, and the model's.
trait State {
    fn get(&self, table: &'static str, key: &[u8]) -> Option<Vec<u8>>;
    fn scan(&self, scan: &Scan) -> Vec<Row>;
    fn set(&mut self, table: &'static str, key: &[u8], value: Option<Vec<u8>>);
}

impl State for Tx {
    fn get(&self, table: &'static str, key: &[u8]) -> Option<Vec<u8>> {
        self.get_raw(table, key).unwrap()
    }

    fn scan(&self, scan: &Scan) -> Vec<Row> {
        scan.of(self)
    }

    fn set(&mut self, table: &'static str, key: &[u8], value: Option<Vec<u8>>) {
        self.set_raw(table, key.to_vec(), value).unwrap();
    }
}

impl State for Model {
    fn get(&self, table: &'static str, key: &[u8]) -> Option<Vec<u8>> {
        self.get(table)?.get(key).cloned()
    }

    fn scan(&self, scan: &Scan) -> Vec<Row> {
        scan.of_model(self)
    }

    fn set(&mut self, table: &'static str, key: &[u8], value: Option<Vec<u8>>) {
        let rows = self.entry(table).or_default();
        match value {
            Some(value) => rows.insert(key.to_vec(), value),
            None => rows.remove(key),
        };
    }
}

/// Runs a transaction and answers all that it saw.
fn run(actions: &[Action], state: &mut impl State) -> Vec<Row> {
    let mut seen = Vec::new();
    for action in actions {
        match action {
            Action::Get(table, key) => seen.extend(state.get(table, key).map(|value| (key.clone(), value))),
            Action::Scan(scan) => seen.extend(state.scan(scan)),
            Action::Put(table, key) => {
                let digest = crate::base::secret::sha256(format!("{seen:?}").as_bytes());
                state.set(table, key, Some(digest.to_vec()));
            }
            Action::Delete(table, key) => state.set(table, key, None),
        }
    }
    seen
}

struct Pending {
    actions: Vec<Action>,
    seen: Vec<Row>,
    proposal: Proposal,
}

fn begin(engine: &dyn Engine, actions: &[Action]) -> Pending {
    let mut tx = Tx::over(engine.snapshot().unwrap());
    let seen = run(actions, &mut tx);
    let changes = tx.take_own();
    tx.keep(changes);
    Pending { actions: actions.to_vec(), seen, proposal: tx.into_proposal().unwrap() }
}

/// Goes through a history; answers how many commits were refused.
fn follow(engines: [&dyn Engine; 2], steps: &[Step]) -> usize {
    let (mut model, mut pending, mut refused) = (Model::new(), [None, None], 0);
    let mut revision = engines[0].snapshot().unwrap().head().unwrap().revision;
    for step in steps {
        match step {
            Step::Run(process, actions) => pending[*process] = Some(begin(engines[*process], actions)),
            Step::Commit(process) => {
                let Some(mut one) = pending[*process].take() else { continue };
                let mut committed = engines[*process].commit(&one.proposal);
                if let Err(error) = committed {
                    assert_eq!(error, CommitError::Conflict { newer: revision });
                    refused += 1;
                    one = begin(engines[*process], &one.actions);
                    committed = engines[*process].commit(&one.proposal);
                }
                revision = revision.next();
                assert_eq!(committed, Ok(revision), "nobody else has committed since");
                assert_eq!(one.seen, run(&one.actions, &mut model), "it saw another state than the one it follows");
            }
        }
        for engine in engines {
            let view = engine.snapshot().unwrap();
            let all = |table: &'static str| view.scan(table, Bound::Unbounded, Bound::Unbounded, Order::Ascending, 999);
            for table in ["test_a", "test_b"] {
                let stored: BTreeMap<_, _> = all(table).unwrap().into_iter().collect();
                assert_eq!(stored, model.get(table).cloned().unwrap_or_default());
            }
        }
    }
    refused
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => (table_name(), small_key()).prop_map(|(table, key)| Action::Get(table, key)),
        2 => scan().prop_map(Action::Scan),
        4 => (table_name(), small_key()).prop_map(|(table, key)| Action::Put(table, key)),
        1 => (table_name(), small_key()).prop_map(|(table, key)| Action::Delete(table, key)),
    ]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    proptest::collection::vec(action(), 2..7)
}

/// Mostly both run over one state and commit one after the other, else anything.
fn history(rounds: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let both = (actions(), actions(), 0..2_usize).prop_map(|(one, other, first)| {
        vec![Step::Run(0, one), Step::Run(1, other), Step::Commit(first), Step::Commit(1 - first)]
    });
    let run = (0..2_usize, actions()).prop_map(|(process, actions)| vec![Step::Run(process, actions)]);
    let commit = (0..2_usize).prop_map(|process| vec![Step::Commit(process)]);
    proptest::collection::vec(prop_oneof![3 => both, 1 => run, 1 => commit], rounds).prop_map(|steps| steps.concat())
}

#[test]
fn what_two_processes_keep_is_what_their_transactions_do_one_after_another() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let refused = std::cell::Cell::new(0);
    let result = runner.run(&history(1..20), |steps| {
        let memory = MemoryEngine::default();
        refused.set(refused.get() + follow([&memory, &memory.another()], &steps));
        Ok(())
    });
    result.unwrap();
    assert!(refused.get() > 20, "only {} commits were refused: the histories do not meet", refused.get());
}

#[test]
fn a_data_file_refuses_what_rests_on_an_older_state() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let refused = std::cell::Cell::new(0);
    let result = runner.run(&history(10..15), |steps| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auther.redb");
        Store::open(&path, &Options::default()).unwrap().close();
        let engine = RedbEngine::open(&path, &Options::default()).unwrap();
        refused.set(refused.get() + follow([&engine, &engine], &steps));
        Ok(())
    });
    result.unwrap();
    assert!(refused.get() > 3, "only {} commits were refused", refused.get());
}
