//! The engine without a file: for tests and throw-away servers, and the proof that the seam is one.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use super::Error;
use super::engine::{Changes, Engine, Order, Row, View, nothing_between};
use super::schema;

type Tables = BTreeMap<&'static str, Arc<BTreeMap<Vec<u8>, Vec<u8>>>>;

#[derive(Default)]
struct State {
    tables: Tables,
    mark: Option<Tables>,
    closed: bool,
}

/// Tables in memory. A view shares them; a commit copies those that a view still holds.
#[derive(Default)]
pub(super) struct MemoryEngine {
    state: RwLock<State>,
}

struct MemoryView {
    tables: Tables,
}

impl MemoryEngine {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.closed { Err(Error::Closed) } else { change(&mut state) }
    }
}

impl Engine for MemoryEngine {
    fn snapshot(&self) -> Result<Arc<dyn View>, Error> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.closed { Err(Error::Closed) } else { Ok(Arc::new(MemoryView { tables: state.tables.clone() })) }
    }

    fn commit(&self, changes: &Changes) -> Result<(), Error> {
        self.change(|state| {
            for (table, rows) in changes.tables() {
                let stored = Arc::make_mut(state.tables.entry(schema::known(table)?).or_default());
                for (key, value) in rows {
                    match value {
                        Some(value) => stored.insert(key.clone(), value.clone()),
                        None => stored.remove(key),
                    };
                }
            }
            Ok(())
        })
    }

    fn compact(&self) -> Result<bool, Error> {
        self.change(|_| Ok(false))
    }

    fn mark(&self) -> Result<(), Error> {
        self.change(|state| {
            state.mark = Some(state.tables.clone());
            Ok(())
        })
    }

    fn roll_back(&self) -> Result<bool, Error> {
        self.change(|state| match state.mark.take() {
            Some(tables) => {
                state.tables = tables;
                Ok(true)
            }
            None => Ok(false),
        })
    }

    fn forget_mark(&self) -> Result<(), Error> {
        self.change(|state| {
            state.mark = None;
            Ok(())
        })
    }

    fn close(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State { closed: true, ..State::default() };
    }
}

impl View for MemoryView {
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
