//! The store: everything Auther knows, as tables of rows.
//!
//! May use: `base`, `records`. Start reading at [`Store`], then [`Table`] and [`Tx`]; `engine` is the seam below which
//! bytes begin. This folder's root is the seam and what stands on it; the data file, with all that opens, makes, guards
//! and copies it, is in `redb`, the engine without a file in `memory`, queries by noun in [`rows`].
//!
//! Reads take a [`Snapshot`] and never wait. Writes are closures over a [`Tx`]: pure, run one after another on the
//! writer's thread (`writer`), many to one durable commit. What they read is noted (`reads`): where another process has
//! changed it, they run again. Who keeps something in memory follows the commits (`follow`), of which engines keep the
//! last ones (`log`).

mod changes;
mod decoded;
mod engine;
mod error;
mod follow;
mod key;
mod lease;
mod log;
mod memory;
mod meta;
mod migrate;
mod reads;
mod record;
mod redb;
pub mod rows;
mod scan;
pub(crate) mod schema;
mod table;
mod tx;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub use self::redb::{BackupError, BackupReport, OpenError, Options, Restored, restore, verify_backup};
pub use changes::Revision;
pub use decoded::Decoded;
pub use error::Error;
pub use follow::Commit;
pub use key::{Component, Key, Part, Parts, prefix, text_prefix};
pub use lease::Lease;
pub use record::{Record, from_bytes as record_from_bytes, to_bytes as record_to_bytes};
pub use scan::{Order, Row};
pub use table::{GO_ON, Index, Next, Table};
pub use tx::{Read, Snapshot, Tx};

use crate::base::Moment;
use engine::{DataFile, Engine};
use error::log_fault;
use follow::Feed;
use memory::MemoryEngine;
use writer::Writer;

/// The store. Cheap to clone; closed when the last handle goes.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<dyn Engine>,
    /// The same engine, where it is one over a file.
    file: Option<Arc<dyn DataFile>>,
    writer: Writer,
    feed: Arc<Feed>,
    options: Options,
    closed: AtomicBool,
}

impl Store {
    /// A store over `engine`, and over the same as a file where it is one. Errors: [`Error::Io`] when the system gives
    /// no thread to write on.
    fn over(engine: Arc<dyn Engine>, file: Option<Arc<dyn DataFile>>, options: &Options) -> Result<Self, Error> {
        let feed = Feed::start(&engine);
        let writer = Writer::start(Arc::clone(&engine), Arc::clone(&feed))?;
        let (options, closed) = (options.clone(), AtomicBool::new(false));
        Ok(Self { inner: Arc::new(Inner { engine, file, writer, feed, options, closed }) })
    }

    /// A store without a file, for tests and throw-away servers. All is lost with the last handle.
    pub fn in_memory() -> Self {
        let engine = MemoryEngine::default();
        if let Err(failure) = migrate::run(&engine, None, migrate::MIGRATIONS) {
            log_fault("the store in memory has no schema", &failure.cause);
        }
        Self::in_memory_over(engine)
    }

    /// Two stores over the same data, as two processes have them.
    #[cfg(test)]
    pub(crate) fn two_in_memory() -> [Self; 2] {
        let engine = MemoryEngine::default();
        let another = engine.another();
        migrate::run(&engine, None, migrate::MIGRATIONS).map_err(|failure| failure.cause).unwrap();
        [engine, another].map(Self::in_memory_over)
    }

    fn in_memory_over(engine: MemoryEngine) -> Self {
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let feed = Feed::start(&engine);
        let writer = Writer::start(Arc::clone(&engine), Arc::clone(&feed)).unwrap_or_else(|error| {
            log_fault("the store in memory cannot be written", &error);
            Writer::stopped()
        });
        let (options, closed) = (Options::default(), AtomicBool::new(false));
        Self { inner: Arc::new(Inner { engine, file: None, writer, feed, options, closed }) }
    }

    /// The state as of the last commit. Takes microseconds and waits for nobody. Errors: [`Error::Closed`], the disk's.
    pub fn read(&self) -> Result<Snapshot, Error> {
        self.still_open()?;
        self.inner.engine.snapshot().map(Snapshot::new)
    }

    /// Runs `change` in a transaction and answers when it is durable.
    ///
    /// `change` must be pure: no input or output, no time, no chance; it may run more than once (debug builds run it
    /// twice and compare). When it gives an error or panics, none of its changes are kept, and no other transaction is
    /// touched. A refusal that must leave a mark is therefore a value, not an error. When the caller stops waiting, the
    /// transaction still takes place. Errors: its own; [`Error::Panicked`]; [`Error::Full`], [`Error::Io`] when the
    /// commit failed; [`Error::Conflict`].
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

    /// As [`Store::write`], for what nobody waits for: the change takes place soon, after those that wait already. That
    /// it failed is in the log, and nowhere else.
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

    /// Runs `change` over the state of the last commit and keeps nothing of it: what it would answer. Waits for nobody.
    /// Errors: its own, the disk's.
    pub fn rehearse<T, E: From<Error>>(&self, change: impl FnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
        self.still_open()?;
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

    /// Asks for the lease `name` until `now` + `term`: the right to do something that must happen once however many
    /// processes serve the same data, as background work does. Ask before the work, and again to prolong it; do nothing
    /// after its end. `None`: another process holds it, and this one leaves the work alone. With a data file, which
    /// only one process can open, the answer is always a lease.
    ///
    /// `name` says what is done, as `sweep` or `outbox`; one process may hold many leases, and asking twice is
    /// prolonging. A process that ends without [`Store::give_back`] keeps its leases until they end, so `term` is how
    /// long the work may stand still after a crash. Errors: [`Error::Closed`], [`Error::Io`] when who gives leases
    /// cannot be reached; then the work is left alone too.
    pub async fn lease(&self, name: &str, now: Moment, term: Duration) -> Result<Option<Lease>, Error> {
        self.still_open()?;
        let lease = Lease::new(name, now.plus(term));
        Ok(self.inner.engine.lease(&lease, now).await?.then_some(lease))
    }

    /// Gives a lease back before its end, so that another process may go on at once. Errors: as [`Store::lease`].
    pub async fn give_back(&self, lease: Lease) -> Result<(), Error> {
        self.still_open()?;
        self.inner.engine.give_back(&lease).await.map(drop)
    }

    /// The number of commits that this handle and its clones have made since the store was opened.
    pub fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    /// Sees the revision change with every commit, wherever it was made, and before the transactions of the own ones
    /// are answered.
    pub fn changes(&self) -> watch::Receiver<Revision> {
        self.inner.feed.newest()
    }

    /// Tells `follower` of every commit after `from`, in order, without a gap and wherever it was made, until it
    /// answers false. Those that there are already it learns of before this returns; the later ones before the
    /// transactions of the commit are answered, on the thread that learns of it, so it must be quick, and must not
    /// write. When commits were missed it is told so (see [`Commit::is_known`]).
    ///
    /// `from` is the revision of the snapshot ([`Snapshot::revision`]) that the follower builds on. False when the
    /// store no longer knows all commits after it: take a newer snapshot. Errors: [`Error::Closed`], the disk's.
    pub fn follow(
        &self,
        from: Revision,
        follower: impl Fn(&Commit<'_>) -> bool + Send + 'static,
    ) -> Result<bool, Error> {
        self.still_open()?;
        self.inner.feed.follow(from, Box::new(follower))
    }

    /// Keeps what is made of some rows, and read without a snapshot, as the rows are: `take` gets the state of this
    /// moment before this returns, and then that after every commit for which `concerns` answers true, wherever it was
    /// made and before its transactions are answered. So it must be quick, and must not write. When it fails, that is
    /// in the log, and the next commit is another try, whatever it did. It answers false when nobody needs it any more.
    /// Errors: those of the first `take`; the store's.
    pub fn derive<E>(
        &self,
        what: &'static str,
        concerns: impl Fn(&Commit<'_>) -> bool + Send + Sync + 'static,
        take: impl Fn(&Snapshot) -> Result<bool, E> + Send + Sync + 'static,
    ) -> Result<(), E>
    where
        E: From<Error> + Display,
    {
        let take = Arc::new(take);
        let (again, is_behind) = (Arc::clone(&take), AtomicBool::new(false));
        let hear = Arc::new(move |commit: &Commit<'_>| {
            if !is_behind.load(Ordering::Acquire) && !concerns(commit) {
                return true;
            }
            let taken = commit.read().map_err(E::from).and_then(|from| again(&from));
            is_behind.store(taken.is_err(), Ordering::Release);
            taken.unwrap_or_else(|error| {
                tracing::error!(%error, what, "what this process keeps in memory is not as the store has it");
                true
            })
        });
        loop {
            let from = self.read()?;
            let (is_needed, hear) = (take(&from)?, Arc::clone(&hear));
            // When more was committed meanwhile than is known, it begins with a newer state.
            if !is_needed || self.follow(from.revision()?, move |commit| hear(commit))? {
                return Ok(());
            }
        }
    }

    /// Finishes the transactions that wait, then closes the file. Afterwards everything is refused with
    /// [`Error::Closed`].
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Store {
    /// Errors: [`Error::Closed`].
    fn still_open(&self) -> Result<(), Error> {
        if self.inner.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }
}

impl Inner {
    fn close(&self) {
        self.writer.stop();
        self.closed.store(true, Ordering::Release);
        if let Some(file) = &self.file {
            file.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
