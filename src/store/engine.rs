//! The seam: what an engine must be able to do. Byte tables, ordered keys, frozen views, one atomic commit.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::Error;

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// The direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the smallest key to the largest.
    Ascending,
    /// From the largest key to the smallest.
    Descending,
}

/// What a transaction, or a batch of them, changes: by table and key, the new value or `None` for a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    tables: BTreeMap<&'static str, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl Changes {
    /// Whether nothing was put or deleted.
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Notes the new value of a row, or its deletion.
    pub(super) fn set(&mut self, table: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.tables.entry(table).or_default().insert(key, value);
    }

    /// What is noted of a row: nothing, its new value, or its deletion.
    pub(super) fn find(&self, table: &'static str, key: &[u8]) -> Option<Option<&[u8]>> {
        self.tables.get(table)?.get(key).map(Option::as_deref)
    }

    /// Takes over all of `later`, which wins.
    pub(super) fn absorb(&mut self, later: Self) {
        for (table, rows) in later.tables {
            self.tables.entry(table).or_default().extend(rows);
        }
    }

    /// The rows noted for one table, by key.
    pub(super) fn table(&self, table: &'static str) -> Option<&BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
        self.tables.get(table)
    }

    /// The tables with notes, and their rows by key.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<Vec<u8>, Option<Vec<u8>>>)> {
        self.tables.iter().map(|(name, rows)| (*name, rows))
    }
}

/// A frozen state of all tables. A table that was never written to is empty.
pub(super) trait View: Send + Sync {
    /// The value of a row.
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Up to `limit` rows between the bounds, in order. Bounds that leave nothing between them give no rows.
    fn scan(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error>;

    /// How many rows a table has, without reading them.
    fn count(&self, table: &'static str) -> Result<u64, Error>;
}

/// Where rows are kept. Backing up is built on a view (see `backup`), so that it works for every engine.
pub(super) trait Engine: Send + Sync {
    /// The state as of the last commit, unaffected by later ones. Those who ask between two commits may share one view.
    fn snapshot(&self) -> Result<Arc<dyn View>, Error>;

    /// Makes all changes or none, durably. After an error the engine holds the state before, or fails clearly.
    fn commit(&self, changes: &Changes) -> Result<(), Error>;

    /// Gives unused room back to the system; false when there was none, or readers hold on to it.
    fn compact(&self) -> Result<bool, Error>;

    /// Marks the current state, so that [`Engine::roll_back`] can return to it even after a crash.
    fn mark(&self) -> Result<(), Error>;

    /// Returns to the marked state and forgets the mark; false when there is no mark.
    fn roll_back(&self) -> Result<bool, Error>;

    /// Forgets the mark and keeps the current state.
    fn forget_mark(&self) -> Result<(), Error>;

    /// Lets go of the file. Everything afterwards fails with [`Error::Closed`].
    fn close(&self);
}

/// Whether no key can lie between the bounds.
pub(super) fn nothing_between(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}
