//! The one thread that writes. It takes whatever transactions wait, runs each over its own changes, and makes those that
//! succeeded durable in one commit; then every caller gets its answer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::engine::Engine;
use super::follow::{Follower, Followers};
use super::tx::Tx;
use super::{Error, log_fault, schema};

/// The most transactions that share a commit: bounds memory and the wait of the first among them.
const BATCH: usize = 512;

/// One waiting transaction.
trait Job: Send {
    /// Runs the closure; whether its changes are to be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;

    /// Answers the caller: with the closure's result, or with the failure of the commit.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

struct Transaction<F, T, E, A> {
    closure: F,
    result: Option<Result<T, E>>,
    answer: A,
}

impl<F, T, E, A> Job for Transaction<F, T, E, A>
where
    F: Fn(&mut Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
    A: FnOnce(Result<T, E>) + Send,
{
    fn run(&mut self, tx: &mut Tx) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| run_closure(&self.closure, tx)));
        let result = outcome.unwrap_or_else(|panic| {
            let message = message_of(panic.as_ref());
            log_fault("a transaction panicked", &message);
            Err(E::from(Error::Panicked(message)))
        });
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        // Refusals too wait for the commit: they may rest on what an earlier transaction of the batch wrote.
        (self.answer)(match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(Error::Closed)),
            (Err(error), _) => Err(E::from(error)),
        });
    }
}

/// Runs the closure; in debug builds twice, to see that it does the same again, as it must (it may run again).
fn run_closure<T, E>(closure: &impl Fn(&mut Tx) -> Result<T, E>, tx: &mut Tx) -> Result<T, E> {
    if cfg!(debug_assertions) {
        let first = closure(tx).is_ok();
        let changes = tx.take_own();
        let result = closure(tx);
        let again = tx.take_own();
        debug_assert!(
            first == result.is_ok() && changes == again,
            "a transaction is not pure: run again, it did something else. Draw time, chance and ids before store.write"
        );
        tx.set_own(again);
        return result;
    }
    closure(tx)
}

/// What a panic said.
pub(super) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| String::from("(no message)"))
}

/// The handle on the thread.
pub(super) struct Writer {
    queue: RwLock<Option<Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    progress: Arc<Progress>,
}

/// What the world may know of the thread's work.
struct Progress {
    commits: AtomicU64,
    revision: watch::Sender<u64>,
    followers: Followers,
    /// Even between changes to what decides who may do what, odd while one is being written or was not seen to succeed.
    authority: AtomicU64,
}

impl Writer {
    /// Starts the thread. Errors: [`Error::Io`] when the system gives no thread.
    pub(super) fn start(engine: Arc<dyn Engine>) -> Result<Self, Error> {
        let (sender, receiver) = channel();
        let stopped = Self::stopped();
        let seen = Arc::clone(&stopped.progress);
        let thread = std::thread::Builder::new()
            .name(String::from("store-writer"))
            .spawn(move || work(engine.as_ref(), &receiver, &seen))?;
        Ok(Self { queue: RwLock::new(Some(sender)), thread: Mutex::new(Some(thread)), ..stopped })
    }

    /// A writer that answers every transaction with [`Error::Closed`].
    pub(super) fn stopped() -> Self {
        let (commits, revision) = (AtomicU64::new(0), watch::Sender::new(0));
        let (followers, authority) = (Followers::default(), AtomicU64::new(0));
        let progress = Arc::new(Progress { commits, revision, followers, authority });
        Self { queue: RwLock::new(None), thread: Mutex::new(None), progress }
    }

    /// Queues a transaction; `answer` is called on the writer's thread once it is durable or refused, and at once when the
    /// writer has stopped.
    pub(super) fn submit<T, E>(
        &self,
        closure: impl Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        answer: impl FnOnce(Result<T, E>) + Send + 'static,
    ) where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let job: Box<dyn Job> = Box::new(Transaction { closure, result: None, answer });
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        let returned = match queue.as_ref() {
            Some(queue) => queue.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        drop(queue);
        if let Some(job) = returned {
            job.answer(Err(Error::Closed));
        }
    }

    /// The number of durable commits so far.
    pub(super) fn commits(&self) -> u64 {
        self.progress.commits.load(Ordering::Acquire)
    }

    /// A receiver that sees every new number of commits.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.progress.revision.subscribe()
    }

    /// The version of what decides who may do what; `None` while it changes. Ask before and after taking a snapshot.
    pub(super) fn authority(&self) -> Option<u64> {
        Some(self.progress.authority.load(Ordering::SeqCst)).filter(|version| version.is_multiple_of(2))
    }

    /// Tells `follower` of every commit from the next one on.
    pub(super) fn follow(&self, follower: Follower) {
        self.progress.followers.add(follower);
    }

    /// Takes no more transactions, finishes those that wait, and ends the thread.
    pub(super) fn stop(&self) {
        self.queue.write().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A transaction may hold the last handle on the store; the thread cannot wait for itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

fn work(engine: &dyn Engine, queue: &Receiver<Box<dyn Job>>, progress: &Progress) {
    while let Ok(first) = queue.recv() {
        let mut jobs = vec![first];
        jobs.extend(queue.try_iter().take(BATCH - 1));
        let committed = run_batch(engine, &mut jobs, progress);
        for job in jobs {
            job.answer(committed.clone());
        }
    }
}

fn run_batch(engine: &dyn Engine, jobs: &mut [Box<dyn Job>], progress: &Progress) -> Result<(), Error> {
    let mut tx = Tx::over(engine.snapshot()?);
    for job in jobs {
        let keep = job.run(&mut tx);
        let changes = tx.take_own();
        if keep {
            tx.keep(changes);
        }
    }
    let batch = tx.into_batch();
    if batch.is_empty() {
        return Ok(());
    }
    let stirs = batch.tables().any(|(name, _)| schema::AUTHORITY.contains(&name));
    let odd = progress.authority.load(Ordering::SeqCst) | 1;
    if stirs {
        progress.authority.store(odd, Ordering::SeqCst);
    }
    let committed = engine.commit(&batch).inspect_err(|error| log_fault("a commit failed", error));
    progress.followers.tell(committed.is_ok().then_some(&batch));
    committed?;
    if stirs {
        progress.authority.store(odd + 1, Ordering::SeqCst);
    }
    let commits = progress.commits.fetch_add(1, Ordering::AcqRel) + 1;
    progress.revision.send_replace(commits);
    Ok(())
}
