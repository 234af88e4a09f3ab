//! A frozen state of the data file.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTableMetadata as _, TableDefinition, TableError,
};

use super::fault::{fault, guarded};
use crate::store::changes::Head;
use crate::store::engine::View;
use crate::store::scan::{Order, Row, nothing_between};
use crate::store::{Error, meta, schema};

type Bytes = &'static [u8];

/// The one shape of every table.
pub(super) const fn raw(name: &str) -> TableDefinition<'_, Bytes, Bytes> {
    TableDefinition::new(name)
}

type RawTable = ReadOnlyTable<Bytes, Bytes>;
/// A table, or `None` when nothing was ever written to it.
type MaybeTable = Option<RawTable>;

/// A frozen state of the file. Tables are opened when they are first read.
pub(super) struct RedbView {
    transaction: ReadTransaction,
    /// As in the schema.
    tables: Vec<(&'static str, OnceLock<MaybeTable>)>,
    /// Read when it is first asked for.
    head: OnceLock<Head>,
    /// Which view it is of those that are shared one after another.
    pub(super) generation: u64,
    /// Where it tells that the disk failed.
    sick: Arc<AtomicBool>,
}

/// The state of `database` as of its last commit.
pub(super) fn view_of(database: &Database) -> Result<RedbView, Error> {
    let tables = schema::tables().map(|name| (name, OnceLock::new())).collect();
    let transaction = database.begin_read().map_err(fault)?;
    Ok(RedbView { transaction, tables, head: OnceLock::new(), generation: 0, sick: Arc::default() })
}

impl RedbView {
    /// As one of the views that are shared one after another; `sick` is where it tells that the disk failed.
    pub(super) fn shared(self, generation: u64, sick: &Arc<AtomicBool>) -> Self {
        Self { generation, sick: Arc::clone(sick), ..self }
    }

    /// Runs `read`; when the disk fails at it, the file is opened anew for those who come next.
    fn reading<T>(&self, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        guarded(read).inspect_err(|error| {
            if matches!(error, Error::Io(_)) {
                self.sick.store(true, Ordering::Release);
            }
        })
    }

    /// The table, or `None` when nothing was ever written to it.
    fn table(&self, name: &'static str) -> Result<Option<&RawTable>, Error> {
        let place = self.tables.iter().find(|(listed, _)| *listed == name).map(|(_, place)| place);
        let place = place.ok_or_else(|| Error::UnknownTable(name.to_owned()))?;
        if let Some(table) = place.get() {
            return Ok(table.as_ref());
        }
        let table = match self.transaction.open_table(raw(name)) {
            Ok(table) => Some(table),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(fault(error)),
        };
        Ok(place.get_or_init(|| table).as_ref())
    }

    /// Names of tables in the file that the schema does not list.
    pub(super) fn unlisted_tables(&self) -> Result<Vec<String>, Error> {
        use redb::TableHandle;
        let names = self.transaction.list_tables().map_err(fault)?.map(|table| table.name().to_owned());
        Ok(names.filter(|name| !schema::tables().any(|listed| listed == name)).collect())
    }
}

impl View for RedbView {
    fn head(&self) -> Result<Head, Error> {
        if let Some(head) = self.head.get() {
            return Ok(*head);
        }
        let (table, key) = meta::head_row();
        let head = meta::head_of(self.get(table, &key)?.as_deref())?;
        Ok(*self.head.get_or_init(|| head))
    }

    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.reading(|| match self.table(table)? {
            Some(table) => Ok(table.get_owned(key).map_err(fault)?.map(|value| value.value().to_vec())),
            None => Ok(None),
        })
    }

    fn count(&self, table: &'static str) -> Result<u64, Error> {
        self.reading(|| match self.table(table)? {
            Some(table) => table.len().map_err(fault),
            None => Ok(0),
        })
    }

    fn scan(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        self.reading(|| {
            let Some(table) = self.table(table)? else { return Ok(Vec::new()) };
            if nothing_between(from, to) {
                return Ok(Vec::new());
            }
            let range = table.range_owned::<&[u8]>((from, to)).map_err(fault)?.map(|row| {
                let (key, value) = row.map_err(fault)?;
                Ok((key.value().to_vec(), value.value().to_vec()))
            });
            match order {
                Order::Ascending => range.take(limit).collect(),
                Order::Descending => range.rev().take(limit).collect(),
            }
        })
    }
}
