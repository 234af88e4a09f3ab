//! The data file: the engine over redb, and what opens, makes, guards, copies and proves a file. The only folder that names redb.
//!
//! May use: the rest of `store`. Start reading at [`RedbEngine`]; then `opening` (from a path to an open, proved file, or a refusal),
//! `device` (the bytes below redb), `draft` (a file that appears whole or not at all), `backup`, and `files` (what only a store with a
//! file can do).
//!
//! Two-phase commits and quick repair always: with a shared commit the safe mode is free, and a file reopens at once after a crash.

mod backup;
mod device;
mod draft;
mod error;
mod files;
mod opening;

#[cfg(test)]
mod refusals;

use std::future::ready;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use arc_swap::ArcSwapOption;
use redb::{
    CommitError, CompactionError, Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase,
    ReadableTableMetadata as _, SavepointError, SetDurabilityError, StorageError, TableDefinition, TableError,
    TransactionError, WriteTransaction,
};

pub use backup::{BackupReport, restore, verify_backup};
pub use error::{BackupError, OpenError};
pub use files::Options;

use super::engine::{Asked, Changes, DataFile, Engine, Order, Row, View, nothing_between};
use super::writer::message_of;
use super::{Error, Lease, log_fault, schema};
use crate::base::Moment;
use device::Device;
use opening::Opened;

pub(super) use backup::Manifest;
#[cfg(test)]
pub(super) use draft::{Draft, Publish};

type Bytes = &'static [u8];
type RawTable = ReadOnlyTable<Bytes, Bytes>;
/// A table, or `None` when nothing was ever written to it.
type MaybeTable = Option<RawTable>;

/// The one shape of every table.
const fn raw(name: &str) -> TableDefinition<'_, Bytes, Bytes> {
    TableDefinition::new(name)
}

/// Whether the file is there for us.
enum Slot {
    /// The device may still hold back what redb wants to put right in the file: it is read over it, and not written before.
    Open(Database, Device),
    /// The disk failed, and the file could not be opened again yet. Whoever reads or writes next tries it.
    Failed(Error),
    Closed,
}

/// A data file that this process holds.
pub(super) struct RedbEngine {
    path: PathBuf,
    options: Options,
    slot: RwLock<Slot>,
    /// The disk failed under redb, which from then on refuses to touch the file: it must be opened anew. Views tell it too.
    sick: Arc<AtomicBool>,
    /// The view that those share who read between two commits. It is only kept while the slot is locked for reading, and let go
    /// by whoever locks it for writing: nothing else would ever let go of the file.
    latest: ArcSwapOption<RedbView>,
    /// Goes up with every commit, once it is in the file: a view of a lower number is an old one.
    generation: AtomicU64,
}

impl RedbEngine {
    /// Takes a file that was opened by [`opening`] and is settled.
    fn new(path: &Path, options: &Options, opened: Opened) -> Self {
        Self {
            path: path.to_path_buf(),
            options: options.clone(),
            slot: RwLock::new(Slot::Open(opened.database, opened.device)),
            sick: Arc::default(),
            latest: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
        }
    }

    /// Opens an existing file and proves it sound. Errors leave the file as it was.
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let opened = opening::existing(path, options)?;
        opened.device.settle().map_err(|error| OpenError::from_io(path, &error))?;
        Ok(Self::new(path, options, opened))
    }

    /// The same engine, after its file was given another name.
    pub(super) fn renamed(mut self, path: &Path) -> Self {
        self.path = path.to_path_buf();
        self
    }

    /// Uses the open file.
    fn with<T>(&self, using: impl FnOnce(&Database, &Device) -> Result<T, Error>) -> Result<T, Error> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Slot::Open(database, device) => guarded(|| using(database, device)),
            Slot::Failed(error) => Err(error.clone()),
            Slot::Closed => Err(Error::Closed),
        }
    }

    /// Nobody who asks from now on gets the view that was shared so far, and only those who read it hold on to it.
    fn let_go(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.latest.store(None);
    }

    /// Closes the file and opens it anew, when the disk failed under it: it is as it was at the last commit. Opening writes nothing, so
    /// that it can be read although there is no room; what was held back is written when somebody writes.
    fn reopen_if_sick(&self) -> Result<(), Error> {
        if !self.sick.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        if !self.sick.load(Ordering::Acquire) {
            // Somebody else was faster.
            return Ok(());
        }
        let again = match &*slot {
            Slot::Closed => return Err(Error::Closed),
            Slot::Failed(_) => true,
            Slot::Open(..) => false,
        };
        // The lock on the file must be let go of before it can be taken again.
        self.let_go();
        drop(std::mem::replace(&mut *slot, Slot::Failed(Error::Closed)));
        // The file was proved whole when the process started. While a disk is full this happens with every write, and all wait for it.
        let options = Options { check_bytes: 0, ..self.options.clone() };
        match opening::existing(&self.path, &options) {
            Ok(opened) => {
                *slot = Slot::Open(opened.database, opened.device);
                self.sick.store(false, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                if !again {
                    log_fault("the data file could not be opened again", &error);
                }
                let error = Error::Io(error.to_string());
                *slot = Slot::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// Runs a write transaction of redb and commits it durably. When that fails the file stays at the last commit, and is read on.
    fn write(&self, change: impl FnOnce(&mut WriteTransaction) -> Result<(), Error>) -> Result<(), Error> {
        self.reopen_if_sick()?;
        // There may still be no room for this: redb knows nothing of it, and the file is read on as it is.
        self.with(|_, device| Ok(device.settle()?))?;
        // What is freed in this commit can be used again soon if no old view pins it.
        self.latest.store(None);
        let written = self.with(|database, _| {
            let mut transaction = database.begin_write().map_err(fault)?;
            transaction.set_durability(Durability::Immediate).map_err(fault)?;
            transaction.set_two_phase_commit(true);
            transaction.set_quick_repair(true);
            change(&mut transaction)?;
            transaction.commit().map_err(fault)
        });
        self.let_go();
        if matches!(written, Err(Error::Io(_) | Error::Full | Error::Damaged(_))) {
            self.sick.store(true, Ordering::Release);
            // At once, not with the next write: who reads meanwhile would be refused, and a change that begins by reading as well.
            // When this fails too, it is told and tried again.
            let _ = self.reopen_if_sick();
        }
        written
    }
}

impl Engine for RedbEngine {
    fn snapshot(&self) -> Result<Arc<dyn View>, Error> {
        self.reopen_if_sick()?;
        // Asked for before the view is made: a view that is younger than its number is let go early, never used too long.
        let generation = self.generation.load(Ordering::Acquire);
        if let Some(view) = self.latest.load_full().filter(|view| view.generation == generation) {
            return Ok(view);
        }
        self.with(|database, _| {
            let view = Arc::new(RedbView { generation, sick: Arc::clone(&self.sick), ..view_of(database)? });
            self.latest.store(Some(Arc::clone(&view)));
            if self.generation.load(Ordering::Acquire) != generation {
                // Somebody committed meanwhile: nobody asks for this view any more, and kept it would hold on to old pages.
                self.latest.store(None);
            }
            Ok(view as Arc<dyn View>)
        })
    }

    fn commit(&self, changes: &Changes) -> Result<(), Error> {
        self.write(|transaction| {
            for (name, rows) in changes.tables() {
                let mut table = transaction.open_table(raw(schema::known(name)?)).map_err(fault)?;
                for (key, value) in rows {
                    match value {
                        Some(value) => table.insert(key.as_slice(), value.as_slice()).map(drop).map_err(fault)?,
                        None => table.remove(key.as_slice()).map(drop).map_err(fault)?,
                    }
                }
            }
            Ok(())
        })
    }

    fn lease<'a>(&'a self, _: &'a Lease, _: Moment) -> Asked<'a> {
        // The file is locked: there is no other process.
        Box::pin(ready(Ok(true)))
    }

    fn give_back<'a>(&'a self, _: &'a Lease) -> Asked<'a> {
        Box::pin(ready(Ok(true)))
    }
}

impl DataFile for RedbEngine {
    fn compact(&self) -> Result<bool, Error> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        self.let_go();
        match &mut *slot {
            Slot::Open(database, _) => guarded(|| match database.compact() {
                Ok(compacted) => Ok(compacted),
                Err(CompactionError::TransactionInProgress) => Ok(false),
                Err(error) => Err(fault(error)),
            }),
            Slot::Failed(error) => Err(error.clone()),
            Slot::Closed => Err(Error::Closed),
        }
    }

    fn savepoint(&self) -> Result<(), Error> {
        self.write(|transaction| transaction.persistent_savepoint().map(drop).map_err(fault))
    }

    fn roll_back(&self) -> Result<bool, Error> {
        let savepoints = self.with(|database, _| savepoints(&database.begin_write().map_err(fault)?))?;
        let Some(first) = savepoints.first() else { return Ok(false) };
        self.write(|transaction| {
            let savepoint = transaction.get_persistent_savepoint(*first).map_err(fault)?;
            transaction.restore_savepoint(&savepoint).map_err(fault)?;
            Ok(())
        })?;
        self.release()?;
        Ok(true)
    }

    fn release(&self) -> Result<(), Error> {
        self.write(|transaction| {
            for savepoint in savepoints(transaction)? {
                transaction.delete_persistent_savepoint(savepoint).map_err(fault)?;
            }
            Ok(())
        })
    }

    fn close(&self) {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        self.let_go();
        *slot = Slot::Closed;
    }
}

fn savepoints(transaction: &WriteTransaction) -> Result<Vec<u64>, Error> {
    let mut savepoints: Vec<u64> = transaction.list_persistent_savepoints().map_err(fault)?.collect();
    savepoints.sort_unstable();
    Ok(savepoints)
}

/// A frozen state of the file. Tables are opened when they are first read.
pub(super) struct RedbView {
    transaction: ReadTransaction,
    /// As in the schema.
    tables: Vec<(&'static str, OnceLock<MaybeTable>)>,
    /// Of how many commits it is, for those who share it.
    generation: u64,
    /// Where it tells that the disk failed.
    sick: Arc<AtomicBool>,
}

/// The state of `database` as of its last commit.
pub(super) fn view_of(database: &Database) -> Result<RedbView, Error> {
    let tables = schema::tables().map(|name| (name, OnceLock::new())).collect();
    Ok(RedbView { transaction: database.begin_read().map_err(fault)?, tables, generation: 0, sick: Arc::default() })
}

impl RedbView {
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

/// Turns a panic within redb, as damaged pages can cause, into an error.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::Damaged(format!("the engine stopped: {}", message_of(panic.as_ref())))))
}

/// What redb reports, in the store's words.
pub(super) fn fault(error: impl Into<Fault>) -> Error {
    match error.into().0 {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::Damaged(String::from("it ends too early"))
        }
        redb::Error::Io(error) => error.into(),
        redb::Error::Corrupted(reason) => Error::Damaged(reason),
        redb::Error::DatabaseClosed => Error::Closed,
        redb::Error::PreviousIo => Error::Io(String::from("a write failed before")),
        other => Error::Io(other.to_string()),
    }
}

/// Any error of redb.
pub(super) struct Fault(redb::Error);

macro_rules! faults {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self(error.into())
            }
        }
    )*};
}

faults!(
    StorageError,
    TableError,
    TransactionError,
    CommitError,
    CompactionError,
    SavepointError,
    SetDurabilityError,
    redb::DatabaseError
);
