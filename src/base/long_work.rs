//! Long work: on few threads of its own, behind a bounded queue, in turn for those who ask. It leaves the threads that
//! answer requests free, and stops when nobody waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::budget::Budget;
use super::turns::Turns;

/// Threads. One of them is always free for somebody else.
const THREADS: usize = 2;

/// Work of one caller that waits or runs.
const MOST_OF_ONE: usize = 16;

/// Work of all callers that waits.
const MOST_WAITING: usize = 128;

/// How far the threads step back (`nice`): those that answer requests go first.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The work is not done: too much of it waits already, the caller's own or that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much long work is waiting: try again in a few seconds")]
pub struct Busy;

/// Work; what it gives back brings the answer to who waits for it.
type Job = Box<dyn FnOnce() -> Delivery + Send>;
type Delivery = Box<dyn FnOnce() + Send>;

/// The threads and what waits for them. They start with the first piece of work.
#[derive(Default)]
pub struct LongWork {
    lane: Arc<Lane>,
}

#[derive(Default)]
struct Lane {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    waiting: Turns<Job>,
    /// Whose work the threads do.
    running: Vec<String>,
    threads: usize,
    stopped: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { waiting: Turns::new(MOST_WAITING), running: Vec::new(), threads: 0, stopped: false }
    }
}

/// Somebody who waits. When they stop waiting, the work does.
struct Wanted(Arc<Budget>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl LongWork {
    /// Does `job` on one of the threads. Of one `caller` no more runs at a time than leaves a thread to others. When
    /// the future is dropped, a job that has not begun does not begin, and `budget` stops one that has. Errors:
    /// [`Busy`], also when the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        caller: &str,
        budget: Arc<Budget>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (reply, answer) = oneshot::channel();
        let work = move || -> Delivery {
            if reply.is_closed() {
                return Box::new(|| ());
            }
            let done = job();
            Box::new(move || drop(reply.send(done)))
        };
        self.submit(caller, Box::new(work))?;
        let _wanted = Wanted(budget);
        answer.await.map_err(|_| Busy)
    }

    fn submit(&self, caller: &str, job: Job) -> Result<(), Busy> {
        let mut state = self.lane.lock();
        if state.waiting.count_of(caller) + state.running_of(caller) >= MOST_OF_ONE {
            return Err(Busy);
        }
        // Who has much waiting makes room for who has less: the answer of what goes without a place is `Busy`.
        let without = state.waiting.push(caller, job);
        if state.threads < THREADS {
            let lane = Arc::clone(&self.lane);
            let name = format!("long-work-{}", state.threads);
            match thread::Builder::new().name(name).spawn(move || lane.serve()) {
                Ok(_) => state.threads += 1,
                Err(error) => tracing::warn!(%error, "a thread for long work cannot be started"),
            }
        }
        drop(state);
        // Outside the lock: what a job holds may do anything when it goes.
        drop(without);
        self.lane.work.notify_one();
        Ok(())
    }
}

impl Drop for LongWork {
    fn drop(&mut self) {
        let mut state = self.lane.lock();
        state.stopped = true;
        let unanswered = state.waiting.take();
        drop(state);
        drop(unanswered);
        self.lane.work.notify_all();
    }
}

impl State {
    /// Pieces of work of a caller that are being done.
    fn running_of(&self, caller: &str) -> usize {
        self.running.iter().filter(|running| *running == caller).count()
    }

    /// The next piece of work, of the caller whose turn it is and who may have one more running.
    fn next(&mut self) -> Option<(String, Job)> {
        let Self { waiting, running, .. } = self;
        let may = |caller: &str| running.iter().filter(|running| *running == caller).count() + 1 < THREADS;
        let (caller, job) = waiting.next(may)?;
        running.push(caller.clone());
        Some((caller, job))
    }

    fn done(&mut self, caller: &str) {
        if let Some(at) = self.running.iter().position(|running| running == caller) {
            self.running.swap_remove(at);
        }
    }
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Whole after every statement that matters: at worst a piece of work is lost, and its caller told.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of one thread.
    fn serve(&self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
        let mut state = self.lock();
        while !state.stopped {
            let Some((caller, job)) = state.next() else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            // The caller of a job that panics is told by its end of the channel.
            let delivery = catch_unwind(AssertUnwindSafe(job));
            self.lock().done(&caller);
            // What waited for this caller's turn to end may go on.
            self.work.notify_one();
            if let Ok(deliver) = delivery {
                deliver();
            }
            state = self.lock();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;
    use crate::testing::block_on;

    fn budget() -> Arc<Budget> {
        Arc::new(Budget::of(1_000))
    }

    /// A job that says when it has begun and ends when it is let go.
    fn gated() -> (impl FnOnce() -> u8 + Send + 'static, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((started, begun), (release, gate)) = (mpsc::channel(), mpsc::channel::<()>());
        let job = move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
            7
        };
        (job, begun, release)
    }

    #[test]
    fn work_is_done_elsewhere_and_a_panic_is_told() {
        let lane = LongWork::default();
        let name = || thread::current().name().map(str::to_owned);
        let told = block_on(lane.run("ann", budget(), name)).unwrap();
        assert!(told.is_some_and(|name| name.starts_with("long-work-")));
        assert_eq!(block_on(lane.run("ann", budget(), || -> u8 { panic!("on purpose") })), Err(Busy));
        assert_eq!(block_on(lane.run("ann", budget(), || 1)), Ok(1));
    }

    #[test]
    fn one_caller_leaves_a_thread_to_others_and_has_a_bounded_share() {
        let lane = LongWork::default();
        let (job, begun, release) = gated();
        block_on(async {
            let mut first = Box::pin(lane.run("ann", budget(), job));
            assert_eq!(first.as_mut().now_or_never(), None);
            begun.recv().unwrap();
            let mut more: Vec<_> = (1..MOST_OF_ONE).map(|_| Box::pin(lane.run("ann", budget(), || 1))).collect();
            for one in &mut more {
                assert_eq!(one.as_mut().now_or_never(), None, "it waits for the first");
            }
            assert_eq!(lane.run("ann", budget(), || 1).await, Err(Busy));
            assert_eq!(lane.run("bob", budget(), || 2).await, Ok(2), "the other thread is for others");
            release.send(()).unwrap();
            assert_eq!(first.await, Ok(7));
            for one in more {
                assert_eq!(one.await, Ok(1));
            }
        });
        assert!(lane.lane.lock().running.is_empty(), "nothing is kept of who has nothing here");
    }

    #[test]
    fn what_waits_is_bounded_for_all_together() {
        let lane = LongWork::default();
        let gates = [gated(), gated()];
        block_on(async {
            let mut all = Vec::new();
            for (number, (job, begun, release)) in gates.into_iter().enumerate() {
                let mut running = Box::pin(lane.run(["ann", "bob"][number], budget(), job));
                assert_eq!(running.as_mut().now_or_never(), None);
                begun.recv().unwrap();
                all.push((running, release));
            }
            let names: Vec<String> = (0..MOST_WAITING).map(|number| format!("caller {number}")).collect();
            let mut waiting: Vec<_> = names.iter().map(|name| Box::pin(lane.run(name, budget(), || 1))).collect();
            for one in &mut waiting {
                assert_eq!(one.as_mut().now_or_never(), None);
            }
            assert_eq!(lane.run("one too many", budget(), || 1).await, Err(Busy));
            for (running, release) in all {
                release.send(()).unwrap();
                assert_eq!(running.await, Ok(7));
            }
            for one in waiting {
                assert_eq!(one.await, Ok(1));
            }
        });
    }

    #[test]
    fn work_that_nobody_waits_for_stops_and_what_waited_does_not_begin() {
        let lane = LongWork::default();
        let held = budget();
        let (seen, (job, begun, release)) = (Arc::clone(&held), gated());
        let (ended, end) = mpsc::channel();
        let work = move || {
            job();
            ended.send(seen.take(1)).unwrap();
        };
        let (ran, never) = mpsc::channel();
        block_on(async {
            let mut first = Box::pin(lane.run("ann", Arc::clone(&held), work));
            assert!(first.as_mut().now_or_never().is_none());
            begun.recv().unwrap();
            let mut second = Box::pin(lane.run("ann", budget(), move || ran.send(()).unwrap()));
            assert!(second.as_mut().now_or_never().is_none());
            drop((first, second));
            release.send(()).unwrap();
            assert!(end.recv().unwrap().is_err(), "the next step is refused");
            assert_eq!(lane.run("ann", budget(), || 1).await, Ok(1));
        });
        assert!(never.try_recv().is_err());
    }
}
