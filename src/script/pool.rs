//! The threads that run scripts, each with an interpreter of its own, behind a bounded queue. A full queue is an answer
//! at once.
//!
//! Owners take turns, and none has all threads at once. Should a thread not come back from a script, although every
//! limit has passed, its caller is told, another thread takes its place, and the script is not run any more.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use tokio::sync::oneshot;

use super::budget::instant;
use super::vm::{At, SwitchedOff};
use super::{Fault, Limits, Vm};
use crate::base::ScriptDigest;
use crate::base::turns::Turns;

/// Stack of a script thread: the compiler and the interpreter recurse, both to fixed depths.
const STACK: usize = 8 << 20;

/// Why a job has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// The queue is full: ask the client to come back in a moment.
    #[error("too many scripts are running")]
    Full,
    /// The pool has stopped.
    #[error("the script threads are not running")]
    Stopped,
    /// The job panicked.
    #[error("a script job failed")]
    Panicked,
    /// The job did not come back.
    #[error("a script did not come back")]
    Lost,
}

/// What a job is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Whose scripts it runs: owners take turns.
    pub owner: String,
    /// What it decides, for people who look for the script.
    pub about: String,
}

/// A script that did not come back, and is switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which one.
    pub script: ScriptDigest,
    /// What the job was for.
    pub task: Task,
}

type Work = Box<dyn FnOnce(&mut Vm) + Send>;
type Refuse = Box<dyn FnOnce(Busy) + Send>;

struct Job {
    task: Task,
    work: Work,
    refuse: Refuse,
}

/// A job on a thread.
struct Running {
    task: Task,
    refuse: Refuse,
    at: Arc<At>,
    /// When the thread counts as lost.
    until: Instant,
    /// Whether that moment was seen to pass once: a machine that stood still gets a little more.
    warned: bool,
}

struct State {
    waiting: Turns<Job>,
    /// By the number of the thread.
    running: HashMap<u64, Running>,
    /// Threads that serve. Lost ones do not count.
    serving: usize,
    lost_threads: usize,
    /// Threads that were started.
    started: u64,
    threads: HashSet<ThreadId>,
    /// Whether the watcher sleeps until it is woken.
    watcher_sleeps: bool,
    lost: Vec<Lost>,
    stopped: bool,
}

struct Shared {
    state: Mutex<State>,
    /// There is a job, or an end.
    work: Condvar,
    /// There is something to watch.
    watch: Condvar,
    /// A thread has ended.
    ended: Condvar,
    limits: Limits,
    /// Threads that should serve.
    wanted: usize,
    off: Arc<SwitchedOff>,
}

/// The pool. Dropping it answers what still waits with [`Busy::Stopped`] and waits for what runs, which is never long.
pub struct Pool(Arc<Shared>);

impl Pool {
    /// Starts `threads` threads, at least one, each with a warm interpreter. Errors: [`Fault::Engine`].
    pub fn start(threads: usize, limits: Limits) -> Result<Self, Fault> {
        let wanted = threads.max(1);
        let state = State {
            waiting: Turns::new(limits.queue),
            running: HashMap::new(),
            serving: 0,
            lost_threads: 0,
            started: 0,
            threads: HashSet::new(),
            watcher_sleeps: false,
            lost: Vec::new(),
            stopped: false,
        };
        let shared = Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            watch: Condvar::new(),
            ended: Condvar::new(),
            limits,
            wanted,
            off: Arc::default(),
        };
        let pool = Self(Arc::new(shared));
        for _ in 0..wanted {
            let vm = pool.0.interpreter()?;
            pool.0.spawn(&mut pool.0.lock(), Some(vm))?;
        }
        let shared = Arc::clone(&pool.0);
        let watcher = thread::Builder::new().name(String::from("script-watch"));
        watcher.spawn(move || shared.watch()).map_err(|_| Fault::Engine)?;
        Ok(pool)
    }

    /// Runs a job on one of the threads. A job may evaluate several scripts; all together may take
    /// [`Limits::job_time`].
    pub async fn run<T: Send + 'static>(
        &self,
        task: Task,
        job: impl FnOnce(&mut Vm) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (reply, answer) = oneshot::channel();
        // The thread that works and the one that watches it may both answer; the first does.
        let reply = Arc::new(Mutex::new(Some(reply)));
        let refusing = Arc::clone(&reply);
        let take =
            |reply: &Mutex<Option<oneshot::Sender<_>>>| reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_awaited = |reply: &Mutex<Option<oneshot::Sender<_>>>| {
            reply.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|reply| !reply.is_closed())
        };
        let work = move |vm: &mut Vm| {
            // A caller that has gone away is not worth the work.
            if is_awaited(&reply) {
                let done = job(vm);
                let _ = take(&reply).map(|reply| reply.send(Ok(done)));
            }
        };
        let refuse = move |busy| drop(take(&refusing).map(|reply| reply.send(Err(busy))));
        self.0.submit(Job { task, work: Box::new(work), refuse: Box::new(refuse) });
        answer.await.unwrap_or(Err(Busy::Stopped))
    }

    /// The scripts that did not come back since this was asked last.
    pub fn take_lost(&self) -> Vec<Lost> {
        mem::take(&mut self.0.lock().lost)
    }

    /// From now on the script fails with [`Fault::SwitchedOff`].
    pub fn switch_off(&self, script: ScriptDigest) {
        self.0.off.insert(script);
    }

    /// From now on the script is run again.
    pub fn switch_on(&self, script: ScriptDigest) {
        self.0.off.remove(script);
    }

    /// Threads that are lost to a script at the moment.
    pub fn lost_threads(&self) -> usize {
        self.0.lock().lost_threads
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.0.wanted).finish_non_exhaustive()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.stopped = true;
        let unanswered = state.waiting.take();
        drop(state);
        self.0.work.notify_all();
        self.0.watch.notify_all();
        // Outside the lock: what a job holds may do anything when it goes.
        unanswered.into_iter().for_each(|job| (job.refuse)(Busy::Stopped));
        let mut state = self.0.lock();
        // The last handle may go on one of our own threads, with the job that held it.
        while state.serving > 0 && !state.threads.contains(&thread::current().id()) {
            state = self.0.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that panics is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interpreter(&self) -> Result<Vm, Fault> {
        Vm::heeding(self.limits.clone(), Arc::clone(&self.off))
    }

    fn spawn(self: &Arc<Self>, state: &mut State, vm: Option<Vm>) -> Result<(), Fault> {
        let (shared, number) = (Arc::clone(self), state.started);
        let thread = thread::Builder::new().name(format!("script-{number}")).stack_size(STACK);
        thread.spawn(move || shared.serve(number, vm)).map_err(|_| Fault::Engine)?;
        state.started += 1;
        state.serving += 1;
        Ok(())
    }

    fn submit(&self, job: Job) {
        let mut state = self.lock();
        let refused = if state.stopped {
            Some((job, Busy::Stopped))
        } else {
            let owner = job.task.owner.clone();
            state.waiting.push(&owner, job).map(|job| (job, Busy::Full))
        };
        drop(state);
        self.work.notify_one();
        if let Some((job, busy)) = refused {
            (job.refuse)(busy);
        }
    }

    /// Waits for a job for this thread; `None` at the end.
    fn begin(&self, number: u64, at: &Arc<At>) -> Option<Work> {
        // With one thread there is nothing to share.
        let most = self.wanted.saturating_sub(1).max(1);
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let State { waiting, running, .. } = &mut *state;
            let may = |owner: &str| running.values().filter(|running| running.task.owner == owner).count() < most;
            if let Some((_, Job { task, work, refuse })) = waiting.next(may) {
                let until = instant() + self.limits.lost;
                let job = Running { task, refuse, at: Arc::clone(at), until, warned: false };
                running.insert(number, job);
                if mem::take(&mut state.watcher_sleeps) {
                    self.watch.notify_one();
                }
                return Some(work);
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A job has ended; whether the thread goes on. It does not, when it was lost and another has its place.
    fn end(&self, number: u64, is_fine: bool) -> bool {
        let mut state = self.lock();
        if let Some(job) = state.running.remove(&number) {
            drop(state);
            if !is_fine {
                (job.refuse)(Busy::Panicked);
            }
            return true;
        }
        state.lost_threads = state.lost_threads.saturating_sub(1);
        let goes_on = state.serving < self.wanted && !state.stopped;
        state.serving += usize::from(goes_on);
        goes_on
    }

    /// The life of one thread.
    fn serve(self: Arc<Self>, number: u64, mut vm: Option<Vm>) {
        let own = thread::current().id();
        self.lock().threads.insert(own);
        loop {
            let ready = vm.take().map_or_else(|| self.interpreter(), Ok);
            let at = ready.as_ref().map(Vm::at).unwrap_or_default();
            let Some(work) = self.begin(number, &at) else { break };
            let is_fine = ready.is_ok_and(|mut ready| {
                ready.begin_job();
                // After a panic nobody knows what state the interpreter is in. Without one the job is dropped, and its
                // caller told.
                let is_fine = catch_unwind(AssertUnwindSafe(|| work(&mut ready))).is_ok();
                vm = is_fine.then_some(ready);
                is_fine
            });
            if !self.end(number, is_fine) {
                self.lock().threads.remove(&own);
                return;
            }
        }
        drop(vm);
        let mut state = self.lock();
        state.threads.remove(&own);
        state.serving = state.serving.saturating_sub(1);
        drop(state);
        self.watch.notify_all();
        self.ended.notify_all();
    }

    /// The life of the thread that watches the others.
    fn watch(self: Arc<Self>) {
        let mut state = self.lock();
        while !(state.stopped && state.serving == 0) {
            let now = instant();
            let overdue = state.running.iter().find(|(_, job)| job.until <= now).map(|(number, _)| *number);
            if let Some(number) = overdue {
                let refuse = self.give_up(&mut state, number, now);
                drop(state);
                if let Some(refuse) = refuse {
                    refuse(Busy::Lost);
                    self.ended.notify_all();
                }
                state = self.lock();
                continue;
            }
            let next = state.running.values().map(|job| job.until).min();
            state.watcher_sleeps = next.is_none();
            state = match next {
                Some(next) => {
                    let wait = next.saturating_duration_since(now);
                    self.watch.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.watch.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Gives a thread up, unless it gets a little more time. Answers how its caller is told.
    fn give_up(self: &Arc<Self>, state: &mut State, number: u64, now: Instant) -> Option<Refuse> {
        let job = state.running.get_mut(&number)?;
        if !mem::replace(&mut job.warned, true) {
            job.until = now + self.limits.lost / 10;
            return None;
        }
        let job = state.running.remove(&number)?;
        state.serving = state.serving.saturating_sub(1);
        state.lost_threads += 1;
        // What has only begun is not what took so long.
        let script = job.at.script().filter(|(_, since)| now.saturating_duration_since(*since) > self.limits.time * 2);
        if let Some((script, _)) = script {
            self.off.insert(script);
            tracing::error!(%script, about = %job.task.about, "a policy did not come back; it is switched off");
            state.lost.push(Lost { script, task: job.task });
        } else {
            tracing::error!(about = %job.task.about, "a question with policies did not come back");
        }
        let is_replaced = state.lost_threads <= self.limits.replaced && !state.stopped;
        if !(is_replaced && self.spawn(state, None).is_ok()) {
            tracing::error!(lost = state.lost_threads, "a lost script thread is not replaced until one comes back");
        }
        Some(job.refuse)
    }
}
