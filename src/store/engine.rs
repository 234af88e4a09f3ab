//! The seam: what an engine must be able to do. Byte tables, ordered keys, frozen views, one atomic commit. What only a file can do
//! is [`DataFile`].

use std::collections::BTreeMap;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;

use super::{Error, Lease};
use crate::base::Moment;

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

    /// Gives `lease` to this process, or prolongs it, unless another process holds one of the same name that has not ended at `now`; answers
    /// whether it did. An engine that only one process can open always gives it and stores nothing.
    fn lease<'a>(&'a self, lease: &'a Lease, now: Moment) -> Asked<'a>;

    /// Gives the lease back before its end. Does nothing when another process holds it by now.
    fn give_back<'a>(&'a self, lease: &'a Lease) -> Asked<'a>;
}

/// An answer that an engine may have to fetch from elsewhere.
pub(super) type Asked<'a> = Pin<Box<dyn Future<Output = Result<bool, Error>> + Send + 'a>>;

/// What an engine over a file can do besides. Rules never see it; opening, upgrading and closing do.
pub(super) trait DataFile: Send + Sync {
    /// Gives unused room back to the system; false when there was none, or readers hold on to it.
    fn compact(&self) -> Result<bool, Error>;

    /// Makes a savepoint of the current state, so that [`DataFile::roll_back`] can return to it even after a crash.
    fn savepoint(&self) -> Result<(), Error>;

    /// Returns to the savepoint and removes it; false when there is none.
    fn roll_back(&self) -> Result<bool, Error>;

    /// Removes the savepoint and keeps the current state.
    fn release(&self) -> Result<(), Error>;

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
