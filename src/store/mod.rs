//! The disk: everything Auther knows, in one file. The only folder that names redb.
//!
//! May use: `base`. Start reading at [`Store`], then [`Table`] and [`Tx`]; `engine` is the seam below which bytes begin.
//!
//! Reads take a [`Snapshot`] and never wait. Writes are closures over a [`Tx`]: pure, run one after another on the writer's
//! thread (`writer`), many to one durable commit. Files are opened, made and refused in `opening` and `draft`.

mod backup;
mod device;
mod draft;
mod engine;
mod error;
pub mod expiry;
mod follow;
mod key;
mod memory;
mod migrate;
mod opening;
mod record;
mod redb;
pub mod rows;
pub mod schema;
mod table;
mod tx;
mod writer;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod model;
#[cfg(test)]
mod refusals;

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

pub use backup::{BackupReport, restore, verify_backup};
pub use engine::{Order, Row};
pub use error::{BackupError, Error, OpenError};
pub use expiry::Expiry;
pub use follow::Commit;
pub use key::{Component, Key, Part, Parts, prefix, text_prefix};
pub use record::{Record, from_bytes as record_from_bytes, to_bytes as record_to_bytes};
pub use table::{Index, Table};
pub use tx::{Read, Snapshot, Tx};

use draft::{Draft, Publish, Unpublished};
use engine::Engine;
use memory::MemoryEngine;
use redb::RedbEngine;
use writer::Writer;

/// How a data file is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for pages of the file, in bytes.
    pub cache_bytes: usize,
    /// Files up to this size, in bytes, are read and checked as a whole when they are opened; larger ones only where they
    /// are used, and by backups.
    pub check_bytes: u64,
    /// A disk that can be made to look full.
    #[cfg(test)]
    pub(crate) room: device::Room,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 48 << 20,
            check_bytes: 16 << 20,
            #[cfg(test)]
            room: device::Room::default(),
        }
    }
}

/// The store. Cheap to clone; closed when the last handle goes.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<dyn Engine>,
    writer: Writer,
    options: Options,
}

impl Store {
    /// Opens the data file at `path`, or makes it (0600) when nothing is there, and brings it up to date. Blocks.
    ///
    /// Errors leave an existing file as it was. Two processes never have one file open.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let engine = if is_missing(path)? {
            match make(path, options) {
                Ok(engine) => engine,
                // Another process was faster.
                Err(Unpublished::Exists) => RedbEngine::open(path, options)?,
                Err(Unpublished::Failed(error)) => return Err(error),
            }
        } else {
            RedbEngine::open(path, options)?
        };
        bring_up_to_date(path, &engine)?;
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let writer = Writer::start(Arc::clone(&engine)).map_err(|error| OpenError::from_store(path, error))?;
        Ok(Self { inner: Arc::new(Inner { engine, writer, options: options.clone() }) })
    }

    /// A store without a file, for tests and throw-away servers. All is lost with the last handle.
    pub fn in_memory() -> Self {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        if let Err(failure) = migrate::run(engine.as_ref(), migrate::MIGRATIONS) {
            log_fault("the store in memory has no schema", &failure.cause);
        }
        let writer = Writer::start(Arc::clone(&engine)).unwrap_or_else(|error| {
            log_fault("the store in memory cannot be written", &error);
            Writer::stopped()
        });
        Self { inner: Arc::new(Inner { engine, writer, options: Options::default() }) }
    }

    /// The state as of the last commit. Takes microseconds and waits for nobody. Errors: [`Error::Closed`], the disk's.
    pub fn read(&self) -> Result<Snapshot, Error> {
        let before = self.inner.writer.authority();
        let snapshot = self.inner.engine.snapshot().map(Snapshot::new)?;
        // Between two looks at the same number nothing of it changed.
        let known = before.filter(|_| self.inner.writer.authority() == before);
        Ok(snapshot.versioned(known))
    }

    /// Runs `change` in a transaction and answers when it is durable.
    ///
    /// `change` must be pure: no input or output, no time, no chance; it may run more than once (debug builds run it twice and
    /// compare). When it gives an error or panics, none of its changes are kept, and no other transaction is touched. A refusal
    /// that must leave a mark is therefore a value, not an error. When the caller stops waiting, the transaction still
    /// takes place. Errors: its own; [`Error::Panicked`]; [`Error::Full`], [`Error::Io`] when the commit failed.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.inner.writer.submit(change, move |result| drop(answer.send(result)));
        answered.await.unwrap_or_else(|_| Err(E::from(Error::Closed)))
    }

    /// As [`Store::write`], for what nobody waits for: the change takes place soon, after those that wait already. That it failed is in the
    /// log, and nowhere else.
    pub fn write_unwatched<E, F>(&self, change: F)
    where
        F: Fn(&mut Tx) -> Result<(), E> + Send + 'static,
        E: From<Error> + Display + Send + 'static,
    {
        self.inner.writer.submit(change, |result: Result<(), E>| {
            if let Err(error) = result {
                log_fault("a change that nobody waits for was not made", &error);
            }
        });
    }

    /// Runs `change` over the state of the last commit and keeps nothing of it: what it would answer. Waits for nobody. Errors: its own, the disk's.
    pub fn rehearse<T, E: From<Error>>(&self, change: impl FnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
        change(&mut Tx::over(self.inner.engine.snapshot()?))
    }

    /// As [`Store::write`], for threads that may wait: the start of the process, tests. Not for async workers.
    pub fn write_blocking<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        self.inner.writer.submit(change, move |result| drop(answer.send(result)));
        answered.recv().unwrap_or_else(|_| Err(E::from(Error::Closed)))
    }

    /// Copies the present state to a new data file at `target` (0600), with a manifest, while others read and write. Blocks for
    /// as long as the copy takes. `progress` is told the rows copied so far. Errors: [`Error::Exists`], [`Error::Full`].
    pub fn backup(&self, target: &Path, mut progress: impl FnMut(u64)) -> Result<BackupReport, Error> {
        backup::create(&self.read()?, target, &self.inner.options, &mut progress)
    }

    /// Gives unused room in the file back to the disk. Does nothing, and says so with false, while snapshots are held. Blocks,
    /// and lets nobody read or write meanwhile: for the start of the process.
    pub fn compact(&self) -> Result<bool, Error> {
        self.inner.engine.compact()
    }

    /// The number of durable commits since the store was opened.
    pub fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    /// Sees the number of commits change with every durable commit, before its transactions are answered.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.writer.changes()
    }

    /// Tells `follower` of every commit from the next one on, until it answers false. It is told on the writer's thread before the
    /// transactions of the commit are answered, so it must be quick, and must not write.
    pub fn follow(&self, follower: impl Fn(&Commit<'_>) -> bool + Send + 'static) {
        self.inner.writer.follow(Box::new(follower));
    }

    /// Finishes the transactions that wait, then closes the file. Afterwards everything is refused with [`Error::Closed`].
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.writer.stop();
        self.engine.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn is_missing(path: &Path) -> Result<bool, OpenError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(OpenError::from_io(path, &error)),
    }
}

/// Makes a data file that is whole from the moment it can be seen.
fn make(path: &Path, options: &Options) -> Result<RedbEngine, Unpublished> {
    let draft = Draft::begin(path, options).map_err(Unpublished::Failed)?;
    bring_up_to_date(path, draft.engine()).map_err(Unpublished::Failed)?;
    draft.publish(Publish::New)
}

fn bring_up_to_date(path: &Path, engine: &RedbEngine) -> Result<(), OpenError> {
    migrate::run(engine, migrate::MIGRATIONS).map_err(|failure| match (failure.migration, failure.cause) {
        (_, Error::Full) => OpenError::Full(path.to_path_buf()),
        (Some((number, name)), cause) => OpenError::Migration { path: path.to_path_buf(), number, name, cause },
        (None, cause) => OpenError::from_store(path, cause),
    })
}

/// One line in the log for what must not reach the outside.
fn log_fault(what: &str, error: &dyn Display) {
    tracing::error!(%error, "{what}");
}
