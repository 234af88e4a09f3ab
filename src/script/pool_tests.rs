//! The threads, their owners, and what does not come back.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;

use super::pool::*;
use super::*;
use crate::base::id::TenantId;
use crate::base::{Moment, ScriptDigest};
use crate::testing::block_on;

fn pool(queue: usize) -> Pool {
    Pool::start(1, Limits { queue, ..Limits::default() }).unwrap()
}

fn task(owner: &str) -> Task {
    Task { tenant: TenantId::DEFAULT, owner: owner.to_owned(), about: String::from("a test") }
}

fn answer(vm: &mut Vm) -> Result<Returned, Fault> {
    vm.evaluate("return true", &Value::Null, Moment::from_millis(0)).returned
}

#[test]
fn a_job_runs_on_a_script_thread() {
    let pool = pool(8);
    let name = |vm: &mut Vm| (answer(vm), thread::current().name().map(str::to_owned));
    let (answer, thread) = block_on(pool.run(task("a"), name)).unwrap();
    assert_eq!((answer, thread.as_deref()), (Ok(Returned::Bool(true)), Some("script-0")));
}

#[test]
fn a_panicking_job_is_told_and_the_thread_goes_on() {
    let pool = pool(8);
    assert_eq!(block_on(pool.run(task("a"), |_| -> u8 { panic!("on purpose") })), Err(Busy::Panicked));
    assert_eq!(block_on(pool.run(task("a"), answer)), Ok(Ok(Returned::Bool(true))));
}

#[test]
fn a_full_queue_is_an_answer_at_once() {
    let pool = pool(1);
    let (started, begun) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    block_on(async {
        let busy = pool.run(task("a"), move |_| {
            started.send(()).unwrap();
            gate.recv().unwrap();
        });
        let mut busy = std::pin::pin!(busy);
        assert_eq!(busy.as_mut().now_or_never(), None);
        begun.recv().unwrap();
        let mut waiting = std::pin::pin!(pool.run(task("a"), answer));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        assert_eq!(pool.run(task("a"), answer).await, Err(Busy::Full));
        release.send(()).unwrap();
        assert_eq!(busy.await, Ok(()));
        assert_eq!(waiting.await, Ok(Ok(Returned::Bool(true))));
    });
}

#[test]
fn one_owner_never_has_all_threads() {
    let pool = Pool::start(2, Limits::default()).unwrap();
    let (release, gate) = mpsc::channel::<()>();
    block_on(async {
        let (started, begun) = mpsc::channel();
        let mut first = std::pin::pin!(pool.run(task("a"), move |_| {
            started.send(()).unwrap();
            gate.recv().unwrap();
        }));
        assert_eq!(first.as_mut().now_or_never(), None);
        begun.recv().unwrap();
        let mut second = std::pin::pin!(pool.run(task("a"), answer));
        assert_eq!(second.as_mut().now_or_never(), None);
        // What came later, from another owner, is answered, and the second of the first still waits.
        assert_eq!(pool.run(task("b"), answer).await, Ok(Ok(Returned::Bool(true))));
        assert_eq!(second.as_mut().now_or_never(), None);
        let namesake = Task { tenant: TenantId(7), ..task("a") };
        assert_eq!(pool.run(namesake, answer).await, Ok(Ok(Returned::Bool(true))), "an owner of another tenant");
        release.send(()).unwrap();
        first.await.unwrap();
        assert_eq!(second.await, Ok(Ok(Returned::Bool(true))));
    });
}

/// A job that is at a script, and does not come back before it is let.
fn stuck(script: &'static str, gate: mpsc::Receiver<()>) -> impl FnOnce(&mut Vm) + Send + 'static {
    move |vm| {
        vm.pretend(script);
        gate.recv().unwrap();
    }
}

#[test]
fn a_thread_that_does_not_come_back_is_replaced_and_its_script_switched_off() {
    let short = Duration::from_millis(150);
    let limits = Limits { lost: short, time: Duration::from_millis(1), replaced: 1, ..Limits::default() };
    let pool = Pool::start(1, limits).unwrap();
    let (release, gate) = mpsc::channel::<()>();
    assert_eq!(block_on(pool.run(task("a"), stuck("return 1 == 1", gate))), Err(Busy::Lost));
    let script = ScriptDigest::of("return 1 == 1");
    assert!(pool.take_lost(TenantId(7)).is_empty(), "it is of another tenant");
    assert_eq!(pool.take_lost(TenantId::DEFAULT), [Lost { script, task: task("a") }]);
    assert!(pool.take_lost(TenantId::DEFAULT).is_empty());
    let run = |source: &'static str| {
        let run =
            pool.run(task("b"), move |vm: &mut Vm| vm.evaluate(source, &Value::Null, Moment::from_millis(0)).returned);
        block_on(run).unwrap()
    };
    assert_eq!((run("return 1 == 1"), pool.lost_threads()), (Err(Fault::SwitchedOff), 1));
    // Another text is another script.
    assert_ne!(run("return 1 == 1 "), Err(Fault::SwitchedOff));
    pool.switch_on(script);
    assert_ne!(run("return 1 == 1"), Err(Fault::SwitchedOff));
    // Another one is lost, and no thread takes its place until one comes back.
    let (release_other, gate) = mpsc::channel::<()>();
    assert_eq!(block_on(pool.run(task("a"), stuck("return 2", gate))), Err(Busy::Lost));
    release.send(()).unwrap();
    assert_ne!(run("return true"), Err(Fault::SwitchedOff));
    release_other.send(()).unwrap();
    drop(pool);
}

#[test]
fn the_last_handle_may_go_on_a_script_thread() {
    let pool = Arc::new(pool(8));
    let held = Arc::clone(&pool);
    let (started, begun) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    let (done, finished) = mpsc::channel();
    {
        let job = pool.run(task("a"), move |_| {
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
