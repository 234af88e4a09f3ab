//! Reading and changing: a frozen [`Snapshot`], and the [`Tx`] that keeps its own changes over it.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::changes::{Changes, Revision};
use super::engine::{Engine, Proposal, View};
use super::reads::ReadSet;
use super::scan::{Order, Row, nothing_between};
use super::{Error, schema};
use crate::base::Budget;

/// What can be read from: a [`Snapshot`], or a [`Tx`] that also sees its own changes.
pub trait Read {
    /// The last commit that touched what decides who may do what: people, clients, API keys, groups, models, tuples.
    /// Two snapshots of one store with the same one hold the same rows of these, so that what was read of them may be
    /// kept under it. `None` when it cannot be read, and in a transaction, which may yet come to nothing.
    fn access_revision(&self) -> Option<Revision> {
        None
    }

    /// The last commit that touched a model: two snapshots of one store with the same one hold the same models. `None`
    /// in a transaction, which may yet come to nothing. Errors: reading.
    fn models_revision(&self) -> Result<Option<Revision>, Error> {
        Ok(None)
    }

    /// The value of a row.
    fn get_raw(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Up to `limit` rows between the bounds, in order.
    fn scan_raw(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error>;
}

impl<R: Read + ?Sized> Read for &R {
    fn access_revision(&self) -> Option<Revision> {
        (**self).access_revision()
    }

    fn models_revision(&self) -> Result<Option<Revision>, Error> {
        (**self).models_revision()
    }

    fn get_raw(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        (**self).get_raw(table, key)
    }

    fn scan_raw(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        (**self).scan_raw(table, from, to, order, limit)
    }
}

impl Read for dyn View + '_ {
    fn get_raw(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.get(table, key)
    }

    fn scan_raw(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        self.scan(table, from, to, order, limit)
    }
}

/// Rows that are read at a time while they are counted.
const COUNTED: usize = 256;

/// Bytes of a row that are a step beside the row itself.
const STEP_BYTES: usize = 4_096;

/// What it costs to read a row of so many bytes.
fn steps(bytes: usize) -> usize {
    1 + bytes / STEP_BYTES
}

/// The state of the store as of one commit. Later writes do not show in it. Hold it briefly: it pins old pages.
pub struct Snapshot {
    view: Arc<dyn View>,
    budget: Option<Arc<Budget>>,
}

impl Snapshot {
    pub(super) fn new(view: Arc<dyn View>) -> Self {
        Self { view, budget: None }
    }

    /// The same, of which each row that is read, and every 4 KiB of it, is a step of `budget`: when that is spent,
    /// reading fails with [`Error::Stopped`].
    #[must_use]
    pub fn within(self, budget: Option<Arc<Budget>>) -> Self {
        Self { budget, ..self }
    }

    /// The commit whose state this is. Errors: reading.
    pub fn revision(&self) -> Result<Revision, Error> {
        Ok(self.view.head()?.revision)
    }

    /// How many rows a table has, of all tenants together. Costs the same however many they are.
    pub fn count(&self, table: &'static str) -> Result<u64, Error> {
        self.view.count(schema::known(table)?)
    }

    /// The frozen state, as the engine gave it.
    pub(super) fn view(&self) -> &dyn View {
        self.view.as_ref()
    }
}

impl Read for Snapshot {
    fn access_revision(&self) -> Option<Revision> {
        self.view.head().ok().map(|head| head.access)
    }

    fn models_revision(&self) -> Result<Option<Revision>, Error> {
        Ok(Some(self.view.head()?.models))
    }

    fn get_raw(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let found = self.view.get(table, key)?;
        if let Some(budget) = &self.budget {
            budget.take(steps(found.as_ref().map_or(0, Vec::len)))?;
        }
        Ok(found)
    }

    fn scan_raw(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let Some(budget) = &self.budget else { return self.view.scan(table, from, to, order, limit) };
        let (mut from, mut to) = (from.map(<[u8]>::to_vec), to.map(<[u8]>::to_vec));
        let mut rows: Vec<Row> = Vec::new();
        // Some at a time: what is too much is found out before all of it is held.
        loop {
            let wanted = limit.saturating_sub(rows.len()).min(COUNTED);
            let bounds = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
            let some = self.view.scan(table, bounds.0, bounds.1, order, wanted)?;
            budget.take(some.iter().map(|(key, value)| steps(key.len() + value.len())).sum::<usize>() + 1)?;
            let last = some.last().map(|(key, _)| Bound::Excluded(key.clone()));
            let ended = some.len() < wanted;
            rows.extend(some);
            match (last, order) {
                (Some(_), _) if ended || rows.len() >= limit => return Ok(rows),
                (None, _) => return Ok(rows),
                (Some(last), Order::Ascending) => from = last,
                (Some(last), Order::Descending) => to = last,
            }
        }
    }
}

/// What a scan of a transaction answers.
struct Page<'a> {
    rows: &'a [Row],
    limit: usize,
}

/// A transaction. Reads see its own changes, then those of the transactions that share its commit, then the last
/// commit; what they look for in the last commit is noted, refused transactions included, since their answers rest on
/// it too.
pub struct Tx {
    own: Changes,
    batch: Changes,
    view: Arc<dyn View>,
    reads: RefCell<ReadSet>,
}

impl Tx {
    /// The first transaction of a batch over `view`.
    pub(super) fn over(view: Arc<dyn View>) -> Self {
        Self { own: Changes::default(), batch: Changes::default(), view, reads: RefCell::default() }
    }

    /// The state that it reads, without what was noted over it.
    #[cfg(test)]
    pub(super) fn base(&self) -> Result<Revision, Error> {
        Ok(self.view.head()?.revision)
    }

    /// Takes the current transaction's changes away from it.
    pub(super) fn take_own(&mut self) -> Changes {
        std::mem::take(&mut self.own)
    }

    /// Gives changes back that were taken away.
    pub(super) fn set_own(&mut self, changes: Changes) {
        self.own = changes;
    }

    /// Adds a finished transaction's changes to what the next ones see.
    pub(super) fn keep(&mut self, changes: Changes) {
        self.batch.absorb(changes);
    }

    /// Everything that was kept, with everything that was read for it. Errors: reading.
    pub(super) fn into_proposal(self) -> Result<Proposal, Error> {
        let base = self.view.head()?.revision;
        Ok(Proposal { base, reads: self.reads.into_inner(), changes: Arc::new(self.batch) })
    }

    /// Notes what a scan has found out about the last commit: which rows there are from its beginning to its end, or to
    /// the last row of a full page.
    fn note_scan(&self, table: &'static str, (from, to): (Bound<&[u8]>, Bound<&[u8]>), order: Order, page: Page<'_>) {
        let mut reads = self.reads.borrow_mut();
        match page.rows.last().filter(|_| page.rows.len() >= page.limit) {
            Some((last, _)) if order == Order::Ascending => reads.range(table, from, Bound::Included(last)),
            Some((last, _)) => reads.range(table, Bound::Included(last), to),
            None => reads.range(table, from, to),
        }
    }

    /// Notes a row's new value, or with `None` its deletion. Errors: [`Error::UnknownTable`].
    pub(super) fn set_raw(&mut self, table: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), Error> {
        self.own.set(schema::known(table)?, key, value);
        Ok(())
    }

    /// The noted rows of a table between the bounds, the transaction's own over the batch's, by key.
    fn noted(&self, table: &'static str, from: Bound<&[u8]>, to: Bound<&[u8]>) -> BTreeMap<&[u8], Option<&[u8]>> {
        let mut noted = BTreeMap::new();
        for changes in [&self.batch, &self.own] {
            if let Some(rows) = changes.table(table) {
                noted.extend(rows.range::<[u8], _>((from, to)).map(|(key, value)| (key.as_slice(), value.as_deref())));
            }
        }
        noted
    }
}

impl Read for Tx {
    fn get_raw(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.own.find(table, key).or_else(|| self.batch.find(table, key)) {
            Some(noted) => Ok(noted.map(<[u8]>::to_vec)),
            None => {
                self.reads.borrow_mut().key(table, key);
                self.view.get(table, key)
            }
        }
    }

    fn scan_raw(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        if limit == 0 || nothing_between(from, to) {
            return Ok(Vec::new());
        }
        let noted = self.noted(table, from, to);
        // Each note hides at most one stored row, so this many stored rows are always enough.
        let stored = self.view.scan(table, from, to, order, limit.saturating_add(noted.len()))?;
        let rows = match order {
            Order::Ascending => merge(stored, noted.into_iter(), limit, <[u8]>::cmp),
            Order::Descending => merge(stored, noted.into_iter().rev(), limit, |one, two| two.cmp(one)),
        };
        self.note_scan(table, (from, to), order, Page { rows: &rows, limit });
        Ok(rows)
    }
}

/// One transaction with a commit of its own, past the writer: for files that nobody else uses yet.
pub(super) fn transact<T>(engine: &dyn Engine, change: impl FnOnce(&mut Tx) -> Result<T, Error>) -> Result<T, Error> {
    let mut tx = Tx::over(engine.snapshot()?);
    let result = change(&mut tx)?;
    let changes = tx.take_own();
    tx.keep(changes);
    engine.commit(&tx.into_proposal()?)?;
    Ok(result)
}

/// Up to `limit` rows of two lists that `compare` has sorted; a note wins over the stored row with its key.
fn merge<'a>(
    stored: Vec<Row>,
    noted: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    limit: usize,
    compare: impl Fn(&[u8], &[u8]) -> Ordering,
) -> Vec<Row> {
    let mut stored = stored.into_iter().peekable();
    let mut noted = noted.peekable();
    let mut rows = Vec::new();
    while rows.len() < limit {
        let stored_first = match (stored.peek(), noted.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((key, _)), Some((note, _))) => compare(key, note),
        };
        if stored_first == Ordering::Less {
            rows.extend(stored.next());
            continue;
        }
        if stored_first == Ordering::Equal {
            stored.next();
        }
        if let Some((key, Some(value))) = noted.next() {
            rows.push((key.to_vec(), value.to_vec()));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn rows_are_read_the_same_while_they_are_counted_until_the_budget_ends() {
        const TABLE: &str = "test_a";
        let store = Store::in_memory();
        let fill =
            |tx: &mut Tx| (0..1_000_u16).try_for_each(|n| tx.set_raw(TABLE, n.to_be_bytes().to_vec(), Some(vec![1])));
        store.write_blocking::<_, Error, _>(fill).unwrap();
        let counted = |steps: u64| store.read().unwrap().within(Some(Arc::new(Budget::of(steps))));
        let (low, high) = (7_u16.to_be_bytes(), 900_u16.to_be_bytes());
        for order in [Order::Ascending, Order::Descending] {
            for limit in [0, 1, COUNTED, COUNTED + 1, 600, 893, usize::MAX] {
                let scan =
                    |from: &Snapshot| from.scan_raw(TABLE, Bound::Included(&low), Bound::Excluded(&high), order, limit);
                assert_eq!(scan(&counted(10_000)), scan(&store.read().unwrap()), "{order:?} {limit}");
            }
        }
        let all =
            |steps| counted(steps).scan_raw(TABLE, Bound::Unbounded, Bound::Unbounded, Order::Ascending, usize::MAX);
        assert!(matches!(all(700), Err(Error::Stopped(_))));
        assert_eq!(all(1_100).map(|rows| rows.len()), Ok(1_000));
    }

    #[test]
    fn a_large_row_is_many_steps() {
        assert_eq!((steps(0), steps(STEP_BYTES - 1), steps(10 * STEP_BYTES)), (1, 1, 11));
    }
}
