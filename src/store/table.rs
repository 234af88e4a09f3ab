//! Tables and indexes with types: the last place where bytes and names of tables are seen.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Bound, ControlFlow};

use super::follow::Commit;
use super::key::{Key, Parts, end_of_prefix, prefix};
use super::record::{self, Record};
use super::scan::{Order, Row};
use super::tx::{Read, Tx};
use super::{Error, schema};

/// Rows that are read at a time by what goes through all of them.
const STEP: usize = 256;

/// Whether who is shown row after row wants to see the next one.
pub type Next = Result<ControlFlow<()>, Error>;

/// Yes, the next one.
pub const GO_ON: Next = Ok(ControlFlow::Continue(()));

/// Records by key.
pub struct Table<K, R> {
    name: &'static str,
    shape: PhantomData<fn() -> (K, R)>,
}

impl<K: Key, R: Record> Table<K, R> {
    /// The table called `name`, which must be in `schema::TABLES`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, shape: PhantomData }
    }

    /// The name that it has in the engine.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The record at `key`. Errors: reading, [`Error::Record`], [`Error::Newer`].
    pub fn find(&self, from: &(impl Read + ?Sized), key: impl Parts<Key = K>) -> Result<Option<R>, Error> {
        from.get_raw(self.name, &prefix(key))?.map(|bytes| record::from_bytes(&bytes)).transpose()
    }

    /// Writes the record at `key`, over one that may be there.
    pub fn put(&self, tx: &mut Tx, key: impl Parts<Key = K>, record: &R) -> Result<(), Error> {
        tx.set_raw(self.name, prefix(key), Some(record::to_bytes(record)?))
    }

    /// Removes the record at `key`, if there is one.
    pub fn delete(&self, tx: &mut Tx, key: impl Parts<Key = K>) -> Result<(), Error> {
        tx.set_raw(self.name, prefix(key), None)
    }

    /// Whether a commit may have put or removed a record whose key begins with `prefix`: also when it is not known what
    /// was committed.
    pub fn may_be_changed_by(&self, commit: &Commit<'_>, prefix: &[u8]) -> bool {
        let Some(changes) = commit.changes() else { return true };
        let first = |rows: &BTreeMap<Vec<u8>, Option<Vec<u8>>>| {
            let mut after = rows.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
            after.next().is_some_and(|(key, _)| key.starts_with(prefix))
        };
        changes.table(self.name).is_some_and(first)
    }

    /// What a commit did to the records whose keys begin with `prefix`: the new ones, and `None` for those that are
    /// gone.
    pub fn changed(&self, commit: &Commit<'_>, prefix: &[u8]) -> Result<Vec<(K, Option<R>)>, Error> {
        let Some(rows) = commit.changes().and_then(|changes| changes.table(self.name)) else { return Ok(Vec::new()) };
        let of_prefix = rows.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
        of_prefix
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| Ok((K::decode(key)?, value.as_deref().map(record::from_bytes).transpose()?)))
            .collect()
    }

    /// Up to `limit` records whose keys begin with `prefix` (see [`super::prefix`]) and, in the given order, come after
    /// `after`.
    pub fn page(
        &self,
        from: &(impl Read + ?Sized),
        prefix: &[u8],
        after: Option<&K>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(K, R)>, Error> {
        rows(from, self.name, prefix, after.map(Key::encode).as_deref(), (order, limit))?
            .into_iter()
            .map(|(key, value)| Ok((K::decode(&key)?, record::from_bytes(&value)?)))
            .collect()
    }

    /// Shows `visit` the records whose keys begin with `prefix`, ascending, until it breaks. Some are read at a time,
    /// so that only what `visit` keeps is held. Errors: reading, those of `visit`.
    pub fn visit(
        &self,
        from: &(impl Read + ?Sized),
        prefix: &[u8],
        mut visit: impl FnMut(K, R) -> Next,
    ) -> Result<(), Error> {
        walk(
            self.name,
            prefix,
            &mut { from },
            |from| *from,
            |_, (key, value)| visit(K::decode(&key)?, record::from_bytes(&value)?),
        )
    }

    /// As [`Table::visit`], for what changes rows on the way. What it puts behind the current one may be shown or not.
    pub fn visit_in(
        &self,
        tx: &mut Tx,
        prefix: &[u8],
        mut visit: impl FnMut(&mut Tx, K, R) -> Next,
    ) -> Result<(), Error> {
        walk(
            self.name,
            prefix,
            tx,
            |tx| tx,
            |tx, (key, value)| visit(tx, K::decode(&key)?, record::from_bytes(&value)?),
        )
    }
}

/// Facts that are keys: whether a key is there is all that is stored.
pub struct Index<K> {
    name: &'static str,
    shape: PhantomData<fn() -> K>,
}

impl<K: Key> Index<K> {
    /// The index called `name`, which must be in `schema::TABLES`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, shape: PhantomData }
    }

    /// Notes the fact.
    pub fn put(&self, tx: &mut Tx, key: impl Parts<Key = K>) -> Result<(), Error> {
        tx.set_raw(self.name, prefix(key), Some(Vec::new()))
    }

    /// Removes the fact, if it is there.
    pub fn delete(&self, tx: &mut Tx, key: impl Parts<Key = K>) -> Result<(), Error> {
        tx.set_raw(self.name, prefix(key), None)
    }

    /// Whether the fact is there.
    pub fn contains(&self, from: &(impl Read + ?Sized), key: impl Parts<Key = K>) -> Result<bool, Error> {
        Ok(from.get_raw(self.name, &prefix(key))?.is_some())
    }

    /// Up to `limit` facts that begin with `prefix` (see [`super::prefix`]) and, in the given order, come after
    /// `after`.
    pub fn page(
        &self,
        from: &(impl Read + ?Sized),
        prefix: &[u8],
        after: Option<&K>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<K>, Error> {
        let after = after.map(Key::encode);
        let rows = rows(from, self.name, prefix, after.as_deref(), (order, limit))?;
        rows.into_iter().map(|(key, _)| K::decode(&key)).collect()
    }

    /// Shows `visit` the facts that begin with `prefix`, ascending, until it breaks (see [`Table::visit`]).
    pub fn visit(
        &self,
        from: &(impl Read + ?Sized),
        prefix: &[u8],
        mut visit: impl FnMut(K) -> Next,
    ) -> Result<(), Error> {
        walk(self.name, prefix, &mut { from }, |from| *from, |_, (key, _)| visit(K::decode(&key)?))
    }

    /// As [`Index::visit`], for what changes rows on the way (see [`Table::visit_in`]).
    pub fn visit_in(&self, tx: &mut Tx, prefix: &[u8], mut visit: impl FnMut(&mut Tx, K) -> Next) -> Result<(), Error> {
        walk(self.name, prefix, tx, |tx| tx, |tx, (key, _)| visit(tx, K::decode(&key)?))
    }

    /// Up to `limit` facts from the one that `from_key` begins to the one that `to_key` begins, both included,
    /// ascending.
    pub(super) fn between(
        &self,
        from: &(impl Read + ?Sized),
        from_key: &[u8],
        to_key: &[u8],
        limit: usize,
    ) -> Result<Vec<K>, Error> {
        let end = end_of_prefix(to_key);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        from.scan_raw(schema::known(self.name)?, Bound::Included(from_key), to, Order::Ascending, limit)?
            .into_iter()
            .map(|(key, _)| K::decode(&key))
            .collect()
    }
}

/// Shows `visit` row after row, some read at a time. `with` is what `visit` gets besides, and what `read` reads from.
fn walk<W: ?Sized, R: Read + ?Sized>(
    table: &'static str,
    prefix: &[u8],
    with: &mut W,
    read: impl Fn(&W) -> &R,
    mut visit: impl FnMut(&mut W, Row) -> Next,
) -> Result<(), Error> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let some = rows(read(with), table, prefix, after.as_deref(), (Order::Ascending, STEP))?;
        let is_last = some.len() < STEP;
        after = some.last().map(|(key, _)| key.clone());
        for row in some {
            if visit(with, row)?.is_break() {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

fn rows(
    from: &(impl Read + ?Sized),
    table: &'static str,
    prefix: &[u8],
    after: Option<&[u8]>,
    (order, limit): (Order, usize),
) -> Result<Vec<Row>, Error> {
    let end = end_of_prefix(prefix);
    let mut low = Bound::Included(prefix);
    let mut high = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    // A cursor from another list must not lead out of this one: it only ever narrows the prefix.
    match (after, order) {
        (Some(after), Order::Ascending) if after >= prefix => low = Bound::Excluded(after),
        (Some(after), Order::Descending) if end.as_deref().is_none_or(|end| after < end) => {
            high = Bound::Excluded(after)
        }
        _ => {}
    }
    from.scan_raw(table, low, high, order, limit)
}
