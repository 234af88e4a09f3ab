//! The threads that run scripts, each with an interpreter of its own, behind a bounded queue. A full queue is an answer at once.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::{Fault, Limits, Vm};

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
}

type Job = Box<dyn FnOnce(&mut Vm) + Send>;

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    stopped: bool,
}

struct Queue {
    state: Mutex<State>,
    work: Condvar,
    capacity: usize,
}

/// The pool. Dropping it answers what still waits with [`Busy::Stopped`] and waits for what runs, which is never long.
pub struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `threads` threads, at least one, each with a warm interpreter. Errors: [`Fault::Engine`].
    pub fn start(threads: usize, limits: Limits) -> Result<Self, Fault> {
        let queue = Arc::new(Queue { state: Mutex::default(), work: Condvar::new(), capacity: limits.queue });
        let mut pool = Self { queue, threads: Vec::new() };
        for number in 0..threads.max(1) {
            let (queue, limits, vm) = (Arc::clone(&pool.queue), limits.clone(), Vm::new(limits.clone())?);
            let thread = thread::Builder::new().name(format!("script-{number}")).stack_size(STACK);
            pool.threads.push(thread.spawn(move || queue.serve(vm, &limits)).map_err(|_| Fault::Engine)?);
        }
        Ok(pool)
    }

    /// Runs a job on one of the threads. A job may evaluate several scripts; all together may take [`Limits::job_time`].
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Vm) -> T + Send + 'static) -> Result<T, Busy> {
        let (reply, answer) = oneshot::channel();
        self.queue.submit(Box::new(move |vm| {
            // A caller that has gone away is not worth the work.
            if !reply.is_closed() {
                let _ = reply.send(job(vm));
            }
        }))?;
        answer.await.map_err(|_| if self.queue.lock().stopped { Busy::Stopped } else { Busy::Panicked })
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let unanswered = self.queue.stop();
        // Outside the lock: what a job holds may do anything when it goes.
        drop(unanswered);
        for thread in self.threads.drain(..) {
            // The last handle may go on one of our own threads, with the job that held it.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A queue and a flag, whole after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, job: Job) -> Result<(), Busy> {
        let mut state = self.lock();
        if state.stopped {
            return Err(Busy::Stopped);
        }
        if state.waiting.len() >= self.capacity {
            return Err(Busy::Full);
        }
        state.waiting.push_back(job);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    fn stop(&self) -> VecDeque<Job> {
        let mut state = self.lock();
        state.stopped = true;
        let unanswered = mem::take(&mut state.waiting);
        drop(state);
        self.work.notify_all();
        unanswered
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The life of one thread.
    fn serve(&self, vm: Vm, limits: &Limits) {
        let mut vm = Some(vm);
        while let Some(job) = self.next() {
            // Without an interpreter the job is dropped, and its caller told.
            let Some(mut ready) = vm.take().or_else(|| Vm::new(limits.clone()).ok()) else { continue };
            ready.begin_job();
            // After a panic nobody knows what state the interpreter is in.
            if catch_unwind(AssertUnwindSafe(|| job(&mut ready))).is_ok() {
                vm = Some(ready);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;
    use serde_json::Value;

    use super::*;
    use crate::base::Moment;
    use crate::script::Returned;
    use crate::testing::block_on;

    fn pool(queue: usize) -> Pool {
        Pool::start(1, Limits { queue, ..Limits::default() }).unwrap()
    }

    fn answer(vm: &mut Vm) -> Result<Returned, Fault> {
        vm.evaluate("return true", &Value::Null, Moment::from_millis(0)).returned
    }

    #[test]
    fn a_job_runs_on_a_script_thread() {
        let pool = pool(8);
        let name = |vm: &mut Vm| (answer(vm), thread::current().name().map(str::to_owned));
        let (answer, thread) = block_on(pool.run(name)).unwrap();
        assert_eq!((answer, thread.as_deref()), (Ok(Returned::Bool(true)), Some("script-0")));
    }

    #[test]
    fn a_panicking_job_is_told_and_the_thread_goes_on() {
        let pool = pool(8);
        assert_eq!(block_on(pool.run(|_| -> u8 { panic!("on purpose") })), Err(Busy::Panicked));
        assert_eq!(block_on(pool.run(answer)), Ok(Ok(Returned::Bool(true))));
    }

    #[test]
    fn a_full_queue_is_an_answer_at_once() {
        let pool = pool(1);
        let (started, begun) = mpsc::channel();
        let (release, gate) = mpsc::channel::<()>();
        block_on(async {
            let busy = pool.run(move |_| {
                started.send(()).unwrap();
                gate.recv().unwrap();
            });
            let mut busy = std::pin::pin!(busy);
            assert_eq!(busy.as_mut().now_or_never(), None);
            begun.recv().unwrap();
            let mut waiting = std::pin::pin!(pool.run(answer));
            assert_eq!(waiting.as_mut().now_or_never(), None);
            assert_eq!(pool.run(answer).await, Err(Busy::Full));
            release.send(()).unwrap();
            assert_eq!(busy.await, Ok(()));
            assert_eq!(waiting.await, Ok(Ok(Returned::Bool(true))));
        });
    }

    #[test]
    fn the_last_handle_may_go_on_a_script_thread() {
        let pool = Arc::new(pool(8));
        let held = Arc::clone(&pool);
        let (started, begun) = mpsc::channel();
        let (release, gate) = mpsc::channel::<()>();
        let (done, finished) = mpsc::channel();
        {
            let job = pool.run(move |_| {
                started.send(()).unwrap();
                gate.recv().unwrap();
                drop(held);
                done.send(()).unwrap();
            });
            let mut job = Box::pin(job);
            assert_eq!(job.as_mut().now_or_never(), None);
            begun.recv().unwrap();
        }
        drop(pool);
        release.send(()).unwrap();
        finished.recv().unwrap();
    }
}
