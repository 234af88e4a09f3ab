//! The threads that run scripts, each with an interpreter of its own, behind a bounded queue ([`base::pool`]). A full
//! queue is an answer at once.
//!
//! Owners take turns, and none has all threads at once. Should a thread not come back from a script, although every
//! limit has passed, its caller is told, another thread takes its place, and the script is not run any more.
//!
//! [`base::pool`]: crate::base::pool

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::budget::instant;
use super::vm::{At, SwitchedOff};
use super::{Fault, Limits, Vm};
use crate::base::ScriptDigest;
use crate::base::id::TenantId;
use crate::base::pool::{self, JobNumber, Shape, Worker};

pub use crate::base::pool::Refusal as Busy;

/// Stack of a script thread: the compiler and the interpreter recurse, both to fixed depths.
const STACK: usize = 8 << 20;

/// What a job is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The tenant whose script it is.
    pub tenant: TenantId,
    /// Whose scripts it runs: owners take turns.
    pub owner: String,
    /// What it decides, for people who look for the script.
    pub about: String,
}

/// A script that did not come back, and is switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The script, by its text.
    pub script: ScriptDigest,
    /// What the job was for.
    pub task: Task,
}

/// A job on a thread.
struct Watched {
    task: Task,
    at: Arc<At>,
    /// When the thread counts as lost.
    until: Instant,
    /// Whether that moment was seen to pass once: a machine that stood still gets a little more.
    warned: bool,
}

#[derive(Default)]
struct Watch {
    jobs: HashMap<JobNumber, Watched>,
    /// Whether the watcher sleeps until it is woken.
    sleeps: bool,
    lost: Vec<Lost>,
    stopped: bool,
}

struct Shared {
    pool: pool::Pool<Vm, (TenantId, String)>,
    watch: Mutex<Watch>,
    /// There is something to watch.
    watched: Condvar,
    limits: Limits,
    off: Arc<SwitchedOff>,
}

/// The pool. Dropping it answers what still waits with [`Busy::Stopped`] and waits for what runs, which is never long.
pub struct Pool(Arc<Shared>);

impl Worker for Vm {}

impl Pool {
    /// Starts `threads` threads, at least one, each with a warm interpreter. Errors: [`Fault::Engine`].
    pub fn start(threads: usize, limits: Limits) -> Result<Self, Fault> {
        let off: Arc<SwitchedOff> = Arc::default();
        let shape = Shape {
            // With one thread there is nothing to share.
            running_of_one: threads.saturating_sub(1).max(1),
            stack: Some(STACK),
            replaced: limits.replaced,
            ..Shape::new("script", threads, limits.queue)
        };
        let (shared, bounds) = (Arc::clone(&off), limits.clone());
        let make = move || Vm::with_switched_off(bounds.clone(), Arc::clone(&shared)).ok();
        let pool = pool::Pool::start(shape, make).ok_or(Fault::Engine)?;
        let shared = Arc::new(Shared { pool, watch: Mutex::default(), watched: Condvar::new(), limits, off });
        let (watcher, watching) = (thread::Builder::new().name(String::from("script-watch")), Arc::clone(&shared));
        watcher.spawn(move || watching.keep_watch()).map_err(|_| Fault::Engine)?;
        Ok(Self(shared))
    }

    /// Runs a job on one of the threads. A job may evaluate several scripts; all together may take
    /// [`Limits::job_time`].
    pub async fn run<T: Send + 'static>(
        &self,
        task: Task,
        job: impl FnOnce(&mut Vm) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (shared, owner) = (Arc::clone(&self.0), (task.tenant, task.owner.clone()));
        let watched_job = move |vm: &mut Vm, number| {
            vm.begin_job();
            // Dropped at the end of the job, also when it panics.
            let _watched = shared.begin(number, task, vm.at());
            job(vm)
        };
        self.0.pool.submit(owner, watched_job).answer().await
    }

    /// The scripts of a tenant that did not come back since this was asked last.
    pub fn take_lost(&self, tenant: TenantId) -> Vec<Lost> {
        let mut watch = self.0.lock();
        let (taken, others) = mem::take(&mut watch.lost).into_iter().partition(|lost| lost.task.tenant == tenant);
        watch.lost = others;
        taken
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
        self.0.pool.lost()
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.pool.fmt(f)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.pool.stop();
        // Watched until then: a job that does not come back is not waited for.
        self.0.pool.join();
        self.0.lock().stopped = true;
        self.0.watched.notify_all();
    }
}

/// A job that is watched.
struct Begun {
    shared: Arc<Shared>,
    number: JobNumber,
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut watch = self.shared.lock();
        let ended = watch.jobs.remove(&self.number);
        let was_last = watch.stopped && watch.jobs.is_empty();
        drop(watch);
        drop(ended);
        if was_last {
            self.shared.watched.notify_all();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watch> {
        // Nothing that panics is done under the lock.
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: Arc<Self>, number: JobNumber, task: Task, at: Arc<At>) -> Begun {
        let until = instant() + self.limits.lost;
        let mut watch = self.lock();
        watch.jobs.insert(number, Watched { task, at, until, warned: false });
        if mem::take(&mut watch.sleeps) {
            self.watched.notify_one();
        }
        drop(watch);
        Begun { shared: self, number }
    }

    /// The life of the thread that watches the others.
    fn keep_watch(self: Arc<Self>) {
        let mut watch = self.lock();
        while !(watch.stopped && watch.jobs.is_empty()) {
            let now = instant();
            let overdue = watch.jobs.iter().find(|(_, job)| job.until <= now).map(|(number, _)| *number);
            if let Some(number) = overdue {
                let lost = self.is_lost(&mut watch, number, now);
                drop(watch);
                if let Some(job) = lost {
                    self.give_up(number, job, now);
                }
                watch = self.lock();
                continue;
            }
            let next = watch.jobs.values().map(|job| job.until).min();
            watch.sleeps = next.is_none();
            watch = match next {
                Some(next) => {
                    let wait = next.saturating_duration_since(now);
                    self.watched.wait_timeout(watch, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.watched.wait(watch).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Takes an overdue job out of what is watched, unless it gets a little more time.
    fn is_lost(&self, watch: &mut Watch, number: JobNumber, now: Instant) -> Option<Watched> {
        let job = watch.jobs.get_mut(&number)?;
        if mem::replace(&mut job.warned, true) {
            return watch.jobs.remove(&number);
        }
        job.until = now + self.limits.lost / 10;
        None
    }

    /// Gives up a thread, and the script that it is at.
    fn give_up(&self, number: JobNumber, job: Watched, now: Instant) {
        // What has only begun is not what took so long.
        let script = job.at.script().filter(|(_, since)| now.saturating_duration_since(*since) > self.limits.time * 2);
        if let Some((script, _)) = script {
            self.off.insert(script);
            tracing::error!(%script, about = %job.task.about, "a policy did not come back; it is switched off");
            self.lock().lost.push(Lost { script, task: job.task });
        } else {
            tracing::error!(about = %job.task.about, "a question with policies did not come back");
        }
        let given_up = self.pool.give_up(number);
        if let Some(given_up) = given_up.filter(|given_up| !given_up.replaced) {
            tracing::error!(lost = given_up.lost, "a lost script thread is not replaced until one comes back");
        }
    }
}
