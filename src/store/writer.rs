//! The one thread of this process that writes. It takes whatever transactions wait, runs each over its own changes, and
//! proposes those that succeeded as one commit; then every caller gets its answer. Where another process was faster and
//! changed what they had read, it runs them again over the newer state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use super::Error;
use super::engine::{CommitError, Engine};
use super::error::log_fault;
use super::follow::Feed;
use super::tx::Tx;
use crate::base::panic::message_of;

/// The most transactions that share a commit: bounds memory and the wait of the first among them.
const BATCH: usize = 512;

/// How often a batch is run when other processes change what it reads. Each time somebody else's commit went through.
const ATTEMPTS: usize = 64;

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

/// The handle on the thread.
pub(super) struct Writer {
    queue: RwLock<Option<Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread. Errors: [`Error::Io`] when the system gives no thread.
    pub(super) fn start(engine: Arc<dyn Engine>, feed: Arc<Feed>) -> Result<Self, Error> {
        let (sender, receiver) = channel();
        let stopped = Self::stopped();
        let commits = Arc::clone(&stopped.commits);
        let thread = std::thread::Builder::new()
            .name(String::from("store-writer"))
            .spawn(move || work(&Work { engine, feed, commits }, &receiver))?;
        Ok(Self { queue: RwLock::new(Some(sender)), thread: Mutex::new(Some(thread)), ..stopped })
    }

    /// A writer that answers every transaction with [`Error::Closed`].
    pub(super) fn stopped() -> Self {
        Self { queue: RwLock::new(None), thread: Mutex::new(None), commits: Arc::default() }
    }

    /// Queues a transaction; `answer` is called on the writer's thread once it is durable or refused, and at once when
    /// the writer has stopped.
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

    /// The number of durable commits of this writer so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
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

/// What the thread works with.
struct Work {
    engine: Arc<dyn Engine>,
    feed: Arc<Feed>,
    commits: Arc<AtomicU64>,
}

fn work(with: &Work, queue: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = queue.recv() {
        let mut jobs = vec![first];
        jobs.extend(queue.try_iter().take(BATCH - 1));
        let committed = run_batch(with, &mut jobs);
        for job in jobs {
            job.answer(committed.clone());
        }
    }
}

/// Runs the transactions and commits what they changed, again and again while other processes change what they read.
fn run_batch(with: &Work, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        let mut tx = Tx::over(with.engine.snapshot()?);
        for job in jobs.iter_mut() {
            let keep = job.run(&mut tx);
            let changes = tx.take_own();
            if keep {
                tx.keep(changes);
            }
        }
        let proposal = tx.into_proposal()?;
        if proposal.changes.is_empty() {
            return Ok(());
        }
        match with.engine.commit(&proposal) {
            Ok(_) => {
                with.commits.fetch_add(1, Ordering::AcqRel);
                with.feed.deliver();
                return Ok(());
            }
            Err(CommitError::Conflict { newer }) => {
                tracing::debug!(newer = newer.number(), "another process changed what was read; once more");
            }
            Err(error) => {
                log_fault("a commit failed", &error);
                with.feed.deliver();
                return Err(error.into());
            }
        }
    }
    Err(Error::Conflict)
}
