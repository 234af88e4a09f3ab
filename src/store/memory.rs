//! The engine without a file: for tests and throw-away servers, and the proof that the seam is one. In tests several
//! processes share it.

use std::collections::BTreeMap;
use std::future::ready;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::changes::{Head, Revision};
use super::engine::{Asked, CommitError, Engine, Listener, Proposal, View};
use super::log::{Log, Logged};
use super::scan::{Order, Row, nothing_between};
use super::{Error, Lease, schema};
use crate::base::Moment;

type Tables = BTreeMap<&'static str, Arc<BTreeMap<Vec<u8>, Vec<u8>>>>;

/// What several processes share.
#[derive(Default)]
struct Shared {
    state: RwLock<State>,
    /// Who wants to hear of the commits of others.
    listeners: Mutex<Vec<(usize, Listener)>>,
    /// Who has a lease, by its name, and until when.
    leases: Mutex<BTreeMap<String, (usize, Moment)>>,
}

#[derive(Default)]
struct State {
    tables: Tables,
    head: Head,
    log: Log,
}

/// Tables in memory, as one of the processes that share them has them. A view shares them too; a commit copies those
/// that a view still holds.
#[derive(Default)]
pub(super) struct MemoryEngine {
    shared: Arc<Shared>,
    process: usize,
}

struct MemoryView {
    tables: Tables,
    head: Head,
}

impl MemoryEngine {
    /// Another process over the same data.
    #[cfg(test)]
    pub(super) fn another(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), process: self.process + 1 }
    }

    fn leases(&self) -> MutexGuard<'_, BTreeMap<String, (usize, Moment)>> {
        self.shared.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Makes a proposal the next state. Errors: [`CommitError::Conflict`].
    fn commit(&mut self, proposal: &Proposal) -> Result<Revision, CommitError> {
        let newer = self.head.revision;
        if proposal.base != newer && self.log.touches(&proposal.reads, proposal.base) {
            return Err(CommitError::Conflict { newer });
        }
        for (table, rows) in proposal.changes.tables() {
            let stored = Arc::make_mut(self.tables.entry(table).or_default());
            for (key, value) in rows {
                match value {
                    Some(value) => stored.insert(key.clone(), value.clone()),
                    None => stored.remove(key),
                };
            }
        }
        self.head = self.head.after(&proposal.changes);
        let revision = self.head.revision;
        self.log.push(Logged { revision, changes: Arc::clone(&proposal.changes) });
        Ok(revision)
    }
}

impl Engine for MemoryEngine {
    fn snapshot(&self) -> Result<Arc<dyn View>, Error> {
        let state = self.shared.state.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::new(MemoryView { tables: state.tables.clone(), head: state.head }))
    }

    fn commit(&self, proposal: &Proposal) -> Result<Revision, CommitError> {
        let revision = self.shared.state.write().unwrap_or_else(PoisonError::into_inner).commit(proposal)?;
        let listeners = self.shared.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().filter(|(process, _)| *process != self.process).for_each(|(_, heard)| heard());
        Ok(revision)
    }

    fn changes_since(&self, revision: Revision) -> Result<Option<Vec<Logged>>, Error> {
        Ok(self.shared.state.read().unwrap_or_else(PoisonError::into_inner).log.since(revision))
    }

    fn listen(&self, listener: Listener) {
        self.shared.listeners.lock().unwrap_or_else(PoisonError::into_inner).push((self.process, listener));
    }

    fn lease<'a>(&'a self, lease: &'a Lease, now: Moment) -> Asked<'a> {
        let mut leases = self.leases();
        let is_free = leases.get(lease.name()).is_none_or(|(holder, until)| *holder == self.process || *until <= now);
        if is_free {
            leases.insert(lease.name().to_owned(), (self.process, lease.until()));
        }
        Box::pin(ready(Ok(is_free)))
    }

    fn give_back<'a>(&'a self, lease: &'a Lease) -> Asked<'a> {
        let mut leases = self.leases();
        let is_held = leases.get(lease.name()).is_some_and(|(holder, _)| *holder == self.process);
        if is_held {
            leases.remove(lease.name());
        }
        Box::pin(ready(Ok(is_held)))
    }
}

impl View for MemoryView {
    fn head(&self) -> Result<Head, Error> {
        Ok(self.head)
    }

    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.tables.get(schema::known(table)?).and_then(|rows| rows.get(key).cloned()))
    }

    fn count(&self, table: &'static str) -> Result<u64, Error> {
        Ok(self.tables.get(schema::known(table)?).map_or(0, |rows| rows.len() as u64))
    }

    fn scan(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let Some(rows) = self.tables.get(schema::known(table)?) else { return Ok(Vec::new()) };
        if nothing_between(from, to) {
            return Ok(Vec::new());
        }
        let range = rows.range::<[u8], _>((from, to)).map(|(key, value)| (key.clone(), value.clone()));
        Ok(match order {
            Order::Ascending => range.take(limit).collect(),
            Order::Descending => range.rev().take(limit).collect(),
        })
    }
}
