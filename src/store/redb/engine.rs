//! The engine over an open data file. When the disk fails under it, the file is opened anew.

use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwapOption;
use redb::{CompactionError, Database, Durability, ReadableTable as _, WriteTransaction};

use super::device::Device;
use super::error::OpenError;
use super::fault::{fault, guarded};
use super::opening::{self, Opened};
use super::options::Options;
use super::view::{RedbView, raw, view_of};
use crate::base::Moment;
use crate::store::changes::{Changes, Head, Revision};
use crate::store::engine::{Asked, CommitError, DataFile, Engine, Listener, Proposal, View};
use crate::store::error::log_fault;
use crate::store::log::{Log, Logged};
use crate::store::meta::{self, Meta};
use crate::store::{Error, Lease, record, schema};

/// Whether the file is there for us.
enum Slot {
    /// The device may still hold back what redb wants to put right in the file: it is read over it, and not written
    /// before.
    Open(Database, Device),
    /// The disk failed, and the file could not be opened again yet. Anyone who reads or writes next tries it.
    Failed(Error),
    Closed,
}

/// A data file that this process holds.
pub(in crate::store) struct RedbEngine {
    path: PathBuf,
    options: Options,
    slot: RwLock<Slot>,
    /// The disk failed under redb, which from then on refuses to touch the file: it must be opened anew. Views tell it
    /// too.
    sick: Arc<AtomicBool>,
    /// The view that those share who read between two commits. It is only kept while the slot is locked for reading,
    /// and let go by anyone who locks it for writing: nothing else would ever let go of the file.
    latest: ArcSwapOption<RedbView>,
    /// Goes up with every commit, once it is in the file: a view of a lower number is an old one.
    generation: AtomicU64,
    /// The last commits. Its newest revision is that of the file.
    log: Mutex<Log>,
}

impl RedbEngine {
    /// Takes a file that was opened by [`opening`] and is settled.
    /// Errors: reading.
    pub(super) fn new(path: &Path, options: &Options, opened: Opened) -> Result<Self, Error> {
        let head = guarded(|| view_of(&opened.database)?.head())?;
        Ok(Self {
            path: path.to_path_buf(),
            options: options.clone(),
            slot: RwLock::new(Slot::Open(opened.database, opened.device)),
            sick: Arc::default(),
            latest: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
            log: Mutex::new(Log::behind(head.revision)),
        })
    }

    /// Opens an existing file and proves it sound. Errors leave the file as it was.
    pub(in crate::store) fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let opened = opening::existing(path, options)?;
        opened.device.settle().map_err(|error| OpenError::from_io(path, &error))?;
        Self::new(path, options, opened).map_err(|error| OpenError::from_store(path, error))
    }

    /// The same engine, after its file was given another name.
    pub(in crate::store) fn renamed(mut self, path: &Path) -> Self {
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

    /// Closes the file and opens it anew, when the disk failed under it: it is as it was at the last commit. Opening
    /// writes nothing, so that it can be read although there is no room; what was held back is written when somebody
    /// writes.
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
        // The file was proved whole when the process started. While a disk is full this happens with every write, and
        // all wait for it.
        let options = Options { check_bytes: 0, ..self.options.clone() };
        let opened = opening::existing(&self.path, &options).map_err(|error| error.to_string());
        match opened.and_then(|opened| self.still_there(opened)) {
            Ok(opened) => {
                *slot = Slot::Open(opened.database, opened.device);
                self.sick.store(false, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                if !again {
                    log_fault("the data file could not be opened again", &error);
                }
                let error = Error::Io(error);
                *slot = Slot::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// Looks at the file that was opened again: the commit that failed may be in it or not, and nothing that was seen
    /// before may be missing. Otherwise two states would have one revision. Errors: why it is not used.
    fn still_there(&self, opened: Opened) -> Result<Opened, String> {
        let head = guarded(|| view_of(&opened.database)?.head()).map_err(|error| error.to_string())?;
        let mut log = self.log();
        if head.revision < log.newest() {
            return Err(format!(
                "{} went back from revision {} to {}: look at the disk; start again to serve what is in the file, or restore a backup",
                self.path.display(),
                log.newest().number(),
                head.revision.number()
            ));
        }
        if head.revision > log.newest() {
            *log = Log::behind(head.revision);
        }
        Ok(opened)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts and deletes rows as they are, that of the head too: to copy a state with its revision into a file that
    /// nobody uses yet.
    pub(in crate::store) fn load(&self, changes: &Changes) -> Result<(), Error> {
        self.write(|transaction| apply(transaction, changes).map(|()| true))
    }

    /// Runs a write transaction of redb and commits it durably, unless `change` answers false. When that fails the file
    /// stays at the last commit, and is read on.
    fn write(&self, change: impl FnOnce(&mut WriteTransaction) -> Result<bool, Error>) -> Result<(), Error> {
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
            if change(&mut transaction)? {
                transaction.commit().map_err(fault)
            } else {
                transaction.abort().map_err(fault)
            }
        });
        self.let_go();
        if matches!(written, Err(Error::Io(_) | Error::Full | Error::Damaged(_))) {
            self.sick.store(true, Ordering::Release);
            // At once, not with the next write: who reads meanwhile would be refused, and a change that begins by
            // reading as well. When this fails too, it is told and tried again.
            let _ = self.reopen_if_sick();
        }
        written
    }
}

impl Engine for RedbEngine {
    fn snapshot(&self) -> Result<Arc<dyn View>, Error> {
        self.reopen_if_sick()?;
        // Asked for before the view is made: a view that is younger than its number is let go early, never used too
        // long.
        let generation = self.generation.load(Ordering::Acquire);
        if let Some(view) = self.latest.load_full().filter(|view| view.generation == generation) {
            return Ok(view);
        }
        self.with(|database, _| {
            let view = Arc::new(view_of(database)?.shared(generation, &self.sick));
            self.latest.store(Some(Arc::clone(&view)));
            if self.generation.load(Ordering::Acquire) != generation {
                // Somebody committed meanwhile: nobody asks for this view any more, and kept it would hold on to old
                // pages.
                self.latest.store(None);
            }
            Ok(view as Arc<dyn View>)
        })
    }

    fn commit(&self, proposal: &Proposal) -> Result<Revision, CommitError> {
        let (mut before, mut after) = (Head::default(), None);
        self.write(|transaction| {
            let (name, key) = meta::head_row();
            let mut table = transaction.open_table(raw(name)).map_err(fault)?;
            before = meta::head_of(table.get(key.as_slice()).map_err(fault)?.as_ref().map(|row| row.value()))?;
            // Only this process writes, one commit after another, so this does not happen.
            if before.revision != proposal.base && self.log().touches(&proposal.reads, proposal.base) {
                return Ok(false);
            }
            let head = before.after(&proposal.changes);
            table.insert(key.as_slice(), record::to_bytes(&Meta::Head(head))?.as_slice()).map_err(fault)?;
            drop(table);
            apply(transaction, &proposal.changes)?;
            after = Some(head.revision);
            Ok(true)
        })?;
        let revision = after.ok_or(CommitError::Conflict { newer: before.revision })?;
        self.log().push(Logged { revision, changes: Arc::clone(&proposal.changes) });
        Ok(revision)
    }

    fn changes_since(&self, revision: Revision) -> Result<Option<Vec<Logged>>, Error> {
        Ok(self.log().since(revision))
    }

    fn listen(&self, _: Listener) {
        // The file is locked: there is no other process.
    }

    fn lease<'a>(&'a self, _: &'a Lease, _: Moment) -> Asked<'a> {
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
        self.write(|transaction| transaction.persistent_savepoint().map(|_| true).map_err(fault))
    }

    fn roll_back(&self) -> Result<bool, Error> {
        let savepoints = self.with(|database, _| savepoints(&database.begin_write().map_err(fault)?))?;
        let Some(first) = savepoints.first() else { return Ok(false) };
        self.write(|transaction| {
            let savepoint = transaction.get_persistent_savepoint(*first).map_err(fault)?;
            transaction.restore_savepoint(&savepoint).map_err(fault)?;
            Ok(true)
        })?;
        *self.log() = Log::behind(self.snapshot()?.head()?.revision);
        self.release()?;
        Ok(true)
    }

    fn release(&self) -> Result<(), Error> {
        self.write(|transaction| {
            for savepoint in savepoints(transaction)? {
                transaction.delete_persistent_savepoint(savepoint).map_err(fault)?;
            }
            Ok(true)
        })
    }

    fn close(&self) {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        self.let_go();
        *slot = Slot::Closed;
    }
}

/// Puts and deletes rows.
fn apply(transaction: &WriteTransaction, changes: &Changes) -> Result<(), Error> {
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
}

fn savepoints(transaction: &WriteTransaction) -> Result<Vec<u64>, Error> {
    let mut savepoints: Vec<u64> = transaction.list_persistent_savepoints().map_err(fault)?.collect();
    savepoints.sort_unstable();
    Ok(savepoints)
}
