//! Threads for work that must not be done where requests are answered: few, behind a bounded queue that is an answer at
//! once when it is full, in turns for those who bring work. Passwords, scripts and long looks at the data each have a
//! [`Pool`]: they differ in its [`Shape`] and in what a thread has of its own.
//!
//! A caller who goes away makes room, and is not worked for. A job that panics costs its thread nothing but what the
//! thread had of its own, which is made anew.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::sync::oneshot;

use super::turns::Turns;

/// Why a job has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too much waits already, the owner's own or that of all: ask the client to come back in a moment.
    #[error("too much work is waiting")]
    Full,
    /// The pool has stopped.
    #[error("the threads are not running")]
    Stopped,
    /// The job panicked.
    #[error("the work failed")]
    Panicked,
    /// The job did not come back (see [`Pool::give_up`]).
    #[error("the work did not come back")]
    Lost,
}

/// How a pool is built.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What its threads are called, before their number.
    pub name: &'static str,
    /// Threads, at least one.
    pub threads: usize,
    /// Jobs that wait when all threads work.
    pub queue: usize,
    /// Jobs of one owner that wait or run.
    pub of_one: usize,
    /// Jobs of one owner that run at one time.
    pub running_of_one: usize,
    /// How far the threads step back (`nice`): the kernel then wakes anything else over them.
    pub nice: i32,
    /// The stack of a thread, in bytes; `None` is what the system gives.
    pub stack: Option<usize>,
    /// After this long without work a thread gives back what it can ([`Worker::rest`]).
    pub rest: Option<Duration>,
    /// Threads whose jobs do not come back that are replaced, until one of them comes back.
    pub replaced: usize,
}

impl Shape {
    /// So many threads, in front of which so many jobs wait; an owner may have all of both, and nothing else is asked
    /// for.
    pub fn new(name: &'static str, threads: usize, queue: usize) -> Self {
        let (of_one, running_of_one, replaced) = (usize::MAX, usize::MAX, 0);
        Self {
            name,
            threads: threads.max(1),
            queue,
            of_one,
            running_of_one,
            nice: 0,
            stack: None,
            rest: None,
            replaced,
        }
    }
}

/// What a thread has of its own, from job to job.
pub trait Worker: Send + 'static {
    /// There was nothing to do for a while.
    fn rest(&mut self) {}
}

impl Worker for () {}

/// The number of a job, in the order in which they began. A thread has one at a time.
pub type JobNumber = u64;

type Work<W> = Box<dyn FnOnce(&mut W, JobNumber) -> Delivery + Send>;
/// Brings the answer to who waits for it.
type Delivery = Box<dyn FnOnce() + Send>;
type Refuse = Box<dyn FnOnce(Refusal) + Send>;

struct Job<W> {
    work: Work<W>,
    refuse: Refuse,
    is_awaited: Box<dyn Fn() -> bool + Send>,
}

/// A job on a thread.
struct Running<O> {
    owner: O,
    refuse: Refuse,
}

struct State<W, O> {
    waiting: Turns<O, Job<W>>,
    running: HashMap<JobNumber, Running<O>>,
    begun: JobNumber,
    /// Threads that were started.
    started: usize,
    /// Threads that serve. Lost ones do not count.
    serving: usize,
    lost: usize,
    threads: HashSet<ThreadId>,
    stopped: bool,
}

struct Shared<W, O> {
    shape: Shape,
    make: Box<dyn Fn() -> Option<W> + Send + Sync>,
    state: Mutex<State<W, O>>,
    /// There is a job, or an end.
    work: Condvar,
    /// A thread has ended.
    ended: Condvar,
}

/// The threads and what waits for them. `O` is by whom it is shared out, `W` what a thread has of its own. Dropping it
/// answers what still waits with [`Refusal::Stopped`] and waits for what runs.
pub struct Pool<W: Worker, O: Owner>(Arc<Shared<W, O>>);

/// By whom work is shared out.
pub trait Owner: Clone + Eq + Hash + Send + 'static {}

impl<O: Clone + Eq + Hash + Send + 'static> Owner for O {}

/// The answer to a job, when it is there. Who drops it makes room for others.
#[must_use = "nobody works for who does not wait"]
pub struct Pending<T>(oneshot::Receiver<Result<T, Refusal>>);

impl<T> Pending<T> {
    /// Waits for it. Errors: the job's refusal.
    pub async fn answer(self) -> Result<T, Refusal> {
        self.0.await.unwrap_or(Err(Refusal::Stopped))
    }
}

/// Lost a job: what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Threads that are lost now.
    pub lost: usize,
    /// Whether another thread has taken its place.
    pub replaced: bool,
}

impl<W: Worker, O: Owner> Pool<W, O> {
    /// A pool whose threads start with the first jobs. `make` makes what a thread has of its own; where it makes
    /// nothing, a job is answered with [`Refusal::Panicked`].
    pub fn new(shape: Shape, make: impl Fn() -> Option<W> + Send + Sync + 'static) -> Self {
        let state = State {
            waiting: Turns::default(),
            running: HashMap::new(),
            begun: 0,
            started: 0,
            serving: 0,
            lost: 0,
            threads: HashSet::new(),
            stopped: false,
        };
        let (state, make) = (Mutex::new(state), Box::new(make));
        Self(Arc::new(Shared { shape, make, state, work: Condvar::new(), ended: Condvar::new() }))
    }

    /// The same, with all its threads started, each with what it has of its own. `None`: one of them has it not, or the
    /// system gives no thread.
    pub fn start(shape: Shape, make: impl Fn() -> Option<W> + Send + Sync + 'static) -> Option<Self> {
        let pool = Self::new(shape, make);
        for _ in 0..pool.0.shape.threads {
            let own = (pool.0.make)()?;
            pool.0.spawn(&mut pool.0.lock(), Some(own)).ok()?;
        }
        Some(pool)
    }

    /// Queues a job of an owner. When all places are taken, the latest job of the owner with the most makes room for
    /// one who has fewer.
    pub fn submit<T: Send + 'static>(
        &self,
        owner: O,
        job: impl FnOnce(&mut W, JobNumber) -> T + Send + 'static,
    ) -> Pending<T> {
        let (reply, answer) = oneshot::channel();
        // The thread that works and the one that gives it up may both answer; the first does.
        let reply = Arc::new(Mutex::new(Some(reply)));
        let (working, refusing) = (Arc::clone(&reply), Arc::clone(&reply));
        let work: Work<W> = Box::new(move |own, number| {
            if !is_awaited(&working) {
                return Box::new(|| ());
            }
            let done = job(own, number);
            Box::new(move || send(&working, Ok(done)))
        });
        let refuse: Refuse = Box::new(move |refusal| send(&refusing, Err(refusal)));
        self.0.submit(owner, Job { work, refuse, is_awaited: Box::new(move || is_awaited(&reply)) });
        Pending(answer)
    }

    /// Gives up on a job that does not come back: its caller is told, and another thread takes the place of its own, as
    /// far as the shape allows. `None` when it has ended by now.
    pub fn give_up(&self, number: JobNumber) -> Option<GivenUp> {
        let mut state = self.0.lock();
        let job = state.running.remove(&number)?;
        state.serving = state.serving.saturating_sub(1);
        state.lost += 1;
        let may = state.lost <= self.0.shape.replaced && !state.stopped;
        let given_up = GivenUp { lost: state.lost, replaced: may && self.0.spawn(&mut state, None).is_ok() };
        drop(state);
        (job.refuse)(Refusal::Lost);
        self.0.ended.notify_all();
        Some(given_up)
    }

    /// Threads that are lost to a job at the moment.
    pub fn lost(&self) -> usize {
        self.0.lock().lost
    }

    /// Answers what waits with [`Refusal::Stopped`], and lets nothing begin any more.
    pub fn stop(&self) {
        let mut state = self.0.lock();
        state.stopped = true;
        let unanswered = state.waiting.take();
        drop(state);
        self.0.work.notify_all();
        // Outside the lock: what a job holds may do anything when it goes.
        unanswered.into_iter().for_each(|job| (job.refuse)(Refusal::Stopped));
    }

    /// Waits until all threads that serve have ended, unless it is one of them that asks.
    pub fn join(&self) {
        let mut state = self.0.lock();
        while state.serving > 0 && !state.threads.contains(&thread::current().id()) {
            state = self.0.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Jobs that run now.
    #[cfg(test)]
    pub fn running(&self) -> usize {
        self.0.lock().running.len()
    }

    /// Jobs that wait now.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting.count()
    }
}

impl<W: Worker, O: Owner> std::fmt::Debug for Pool<W, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("shape", &self.0.shape).finish_non_exhaustive()
    }
}

impl<W: Worker, O: Owner> Drop for Pool<W, O> {
    fn drop(&mut self) {
        self.stop();
        // The last handle may go on one of our own threads, with the job that held it.
        self.join();
    }
}

type Reply<T> = Mutex<Option<oneshot::Sender<Result<T, Refusal>>>>;

fn is_awaited<T>(reply: &Reply<T>) -> bool {
    reply.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|reply| !reply.is_closed())
}

fn send<T>(reply: &Reply<T>, answer: Result<T, Refusal>) {
    let reply = reply.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Gone away meanwhile: nobody to tell.
    drop(reply.map(|reply| reply.send(answer)));
}

impl<W: Worker, O: Owner> State<W, O> {
    fn running_of(&self, owner: &O) -> usize {
        self.running.values().filter(|running| running.owner == *owner).count()
    }

    /// Finds a place for a job; answers the jobs that have none.
    fn push(&mut self, shape: &Shape, owner: &O, job: Job<W>) -> Vec<Job<W>> {
        let room = shape.threads.saturating_add(shape.queue).saturating_sub(self.running.len());
        let has_share = |state: &Self| state.waiting.count_of(owner) + state.running_of(owner) < shape.of_one;
        let mut without = Vec::new();
        if self.waiting.count() >= room || !has_share(self) {
            // Anyone who has gone away makes room for who is still there.
            without = self.waiting.take_unwanted(|job| (job.is_awaited)());
        }
        without.extend(if has_share(self) { self.waiting.push(owner, job, room) } else { Some(job) });
        without
    }

    /// The next job, of the owner whose turn it is and who may have one more running.
    fn next(&mut self, shape: &Shape) -> Option<(JobNumber, Work<W>)> {
        let Self { waiting, running, .. } = self;
        let may = |owner: &O| running.values().filter(|running| running.owner == *owner).count() < shape.running_of_one;
        let (owner, Job { work, refuse, .. }) = waiting.next(may)?;
        self.begun += 1;
        self.running.insert(self.begun, Running { owner, refuse });
        Some((self.begun, work))
    }
}

impl<W: Worker, O: Owner> Shared<W, O> {
    fn lock(&self) -> MutexGuard<'_, State<W, O>> {
        // Whole after every statement, and nothing that panics is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(self: &Arc<Self>, state: &mut State<W, O>, own: Option<W>) -> std::io::Result<()> {
        let (shared, name) = (Arc::clone(self), format!("{}-{}", self.shape.name, state.started));
        let thread = thread::Builder::new().name(name);
        let thread = match self.shape.stack {
            Some(bytes) => thread.stack_size(bytes),
            None => thread,
        };
        thread.spawn(move || shared.serve(own))?;
        state.started += 1;
        state.serving += 1;
        Ok(())
    }

    fn submit(self: &Arc<Self>, owner: O, job: Job<W>) {
        let mut state = self.lock();
        let (refused, refusal) = if state.stopped {
            (vec![job], Refusal::Stopped)
        } else {
            if state.started < self.shape.threads
                && let Err(error) = self.spawn(&mut state, None)
            {
                tracing::warn!(%error, "no thread `{}` can be started", self.shape.name);
            }
            (state.push(&self.shape, &owner, job), Refusal::Full)
        };
        drop(state);
        self.work.notify_one();
        // Outside the lock: what a job holds may do anything when it goes.
        refused.into_iter().for_each(|job| (job.refuse)(refusal));
    }

    /// Waits for a job; `None` at the end. A thread that waits long gives back what it can.
    fn begin(&self, mut own: Option<&mut W>) -> Option<(JobNumber, Work<W>)> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(next) = state.next(&self.shape) {
                return Some(next);
            }
            let resting = self.shape.rest.filter(|_| own.is_some());
            let Some(resting) = resting else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (again, waited) = self.work.wait_timeout(state, resting).unwrap_or_else(PoisonError::into_inner);
            state = again;
            if waited.timed_out()
                && let Some(own) = own.take()
            {
                own.rest();
            }
        }
    }

    /// A job has ended; whether its thread goes on. It does not, when it was given up and another has its place.
    fn end(&self, number: JobNumber, is_fine: bool) -> bool {
        let mut state = self.lock();
        let Some(job) = state.running.remove(&number) else {
            state.lost = state.lost.saturating_sub(1);
            let goes_on = state.serving < self.shape.threads && !state.stopped;
            state.serving += usize::from(goes_on);
            return goes_on;
        };
        drop(state);
        // What waited for this owner's turn to end may go on.
        self.work.notify_one();
        if !is_fine {
            (job.refuse)(Refusal::Panicked);
        }
        true
    }

    /// The life of one thread.
    fn serve(self: Arc<Self>, mut own: Option<W>) {
        step_back(self.shape.nice);
        let id = thread::current().id();
        self.lock().threads.insert(id);
        loop {
            own = own.or_else(|| (self.make)());
            let Some((number, work)) = self.begin(own.as_mut()) else { break };
            // After a panic nobody knows what state the thread's own is in: it is made anew.
            let delivery = own.take().and_then(|mut ready| {
                let delivery = catch_unwind(AssertUnwindSafe(|| work(&mut ready, number))).ok()?;
                own = Some(ready);
                Some(delivery)
            });
            // Before the answer: who has it must find the place free.
            if !self.end(number, delivery.is_some()) {
                self.lock().threads.remove(&id);
                return;
            }
            if let Some(deliver) = delivery {
                deliver();
            }
        }
        drop(own);
        let mut state = self.lock();
        state.threads.remove(&id);
        state.serving = state.serving.saturating_sub(1);
        drop(state);
        self.ended.notify_all();
    }
}

/// Lets every other thread of the machine go first. Where the system does not let us, this one competes as an equal.
fn step_back(nice: i32) {
    #[cfg(target_os = "linux")]
    if nice > 0 {
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
