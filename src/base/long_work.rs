//! Long work: on few threads of its own, behind a bounded queue, in turn for those who ask. It leaves the threads that
//! answer requests free, and stops when nobody waits for it.

use std::sync::Arc;

use super::budget::Budget;
use super::id::TenantId;
use super::pool::{Pool, Shape};

/// Threads. One of them is always free for somebody else.
const THREADS: usize = 2;

/// Work of one caller that waits or runs.
const MOST_OF_ONE: usize = 16;

/// Work of all callers that waits.
const MOST_WAITING: usize = 128;

/// How far the threads step back (`nice`): those that answer requests go first.
const NICE: i32 = 10;

/// The work is not done: too much of it waits already, the caller's own or that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much long work is waiting: try again in a few seconds")]
pub struct Busy;

/// By whom long work is shared out: somebody, by a name that means somebody in a tenant only.
pub type Caller = (TenantId, String);

/// The threads and what waits for them. They start with the first piece of work.
pub struct LongWork(Pool<(), Caller>);

impl Default for LongWork {
    fn default() -> Self {
        let shape = Shape {
            of_one: MOST_OF_ONE,
            running_of_one: THREADS - 1,
            nice: NICE,
            ..Shape::new("long-work", THREADS, MOST_WAITING)
        };
        Self(Pool::new(shape, || Some(())))
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
        caller: Caller,
        budget: Arc<Budget>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let pending = self.0.submit(caller, move |(), _| job());
        let _wanted = Wanted(budget);
        pending.answer().await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use futures_util::FutureExt;

    use super::*;
    use crate::testing::block_on;

    fn by(name: &str) -> Caller {
        (TenantId::DEFAULT, name.to_owned())
    }

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
        let told = block_on(lane.run(by("ann"), budget(), name)).unwrap();
        assert!(told.is_some_and(|name| name.starts_with("long-work-")));
        assert_eq!(block_on(lane.run(by("ann"), budget(), || -> u8 { panic!("on purpose") })), Err(Busy));
        assert_eq!(block_on(lane.run(by("ann"), budget(), || 1)), Ok(1));
    }

    #[test]
    fn one_caller_leaves_a_thread_to_others_and_has_a_bounded_share() {
        let lane = LongWork::default();
        let (job, begun, release) = gated();
        block_on(async {
            let mut first = Box::pin(lane.run(by("ann"), budget(), job));
            assert_eq!(first.as_mut().now_or_never(), None);
            begun.recv().unwrap();
            let mut more: Vec<_> = (1..MOST_OF_ONE).map(|_| Box::pin(lane.run(by("ann"), budget(), || 1))).collect();
            for one in &mut more {
                assert_eq!(one.as_mut().now_or_never(), None, "it waits for the first");
            }
            assert_eq!(lane.run(by("ann"), budget(), || 1).await, Err(Busy));
            assert_eq!(lane.run(by("bob"), budget(), || 2).await, Ok(2), "the other thread is for others");
            let namesake = (TenantId(7), String::from("ann"));
            assert_eq!(lane.run(namesake, budget(), || 2).await, Ok(2), "who is called so in another tenant too");
            release.send(()).unwrap();
            assert_eq!(first.await, Ok(7));
            for one in more {
                assert_eq!(one.await, Ok(1));
            }
        });
        assert_eq!((lane.0.running(), lane.0.waiting()), (0, 0), "nothing is kept of who has nothing here");
    }

    #[test]
    fn what_waits_is_bounded_for_all_together() {
        let lane = LongWork::default();
        let gates = [gated(), gated()];
        block_on(async {
            let mut all = Vec::new();
            for (number, (job, begun, release)) in gates.into_iter().enumerate() {
                let mut running = Box::pin(lane.run(by(["ann", "bob"][number]), budget(), job));
                assert_eq!(running.as_mut().now_or_never(), None);
                begun.recv().unwrap();
                all.push((running, release));
            }
            let names: Vec<String> = (0..MOST_WAITING).map(|number| format!("caller {number}")).collect();
            let mut waiting: Vec<_> = names.iter().map(|name| Box::pin(lane.run(by(name), budget(), || 1))).collect();
            for one in &mut waiting {
                assert_eq!(one.as_mut().now_or_never(), None);
            }
            assert_eq!(lane.run(by("one too many"), budget(), || 1).await, Err(Busy));
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
            let mut first = Box::pin(lane.run(by("ann"), Arc::clone(&held), work));
            assert!(first.as_mut().now_or_never().is_none());
            begun.recv().unwrap();
            let mut second = Box::pin(lane.run(by("ann"), budget(), move || ran.send(()).unwrap()));
            assert!(second.as_mut().now_or_never().is_none());
            drop((first, second));
            release.send(()).unwrap();
            assert!(end.recv().unwrap().is_err(), "the next step is refused");
            assert_eq!(lane.run(by("ann"), budget(), || 1).await, Ok(1));
        });
        assert!(never.try_recv().is_err());
    }
}
