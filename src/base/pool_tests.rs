//! Places, turns, what a thread has of its own, and what does not come back.

use std::sync::mpsc;

use futures_util::FutureExt;

use super::*;
use crate::testing::block_on;

/// A job that says when it has begun and ends when it is let go.
fn gated() -> (impl FnOnce(&mut (), JobNumber) -> u8 + Send + 'static, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((started, begun), (release, gate)) = (mpsc::channel(), mpsc::channel::<()>());
    let job = move |(): &mut (), _| {
        started.send(()).unwrap();
        gate.recv().unwrap();
        7
    };
    (job, begun, release)
}

fn one(queue: usize) -> Pool<(), &'static str> {
    Pool::new(Shape::new("one", 1, queue), || Some(()))
}

#[test]
fn who_goes_away_makes_room_and_what_runs_counts_as_much_as_what_waits() {
    let pool = one(1);
    let (job, begun, release) = gated();
    let running = pool.submit("ann", job);
    begun.recv().unwrap();
    let goes = pool.submit("ann", |(), _| 1);
    assert_eq!(block_on(pool.submit("ann", |(), _| 2).answer()), Err(Refusal::Full));
    drop(goes);
    let stays = pool.submit("ann", |(), _| 3);
    assert_eq!((pool.running(), pool.waiting()), (1, 1));
    release.send(()).unwrap();
    assert_eq!((block_on(running.answer()), block_on(stays.answer())), (Ok(7), Ok(3)));
}

#[test]
fn one_without_a_queue_takes_a_job_whenever_its_thread_is_free() {
    let pool = one(0);
    for number in 0..50 {
        assert_eq!(block_on(pool.submit("ann", move |(), _| number).answer()), Ok(number));
    }
}

#[test]
fn who_has_much_waiting_makes_room_for_who_has_less() {
    let pool = one(3);
    let (job, begun, release) = gated();
    let running = pool.submit("ann", job);
    begun.recv().unwrap();
    let mut many: Vec<_> = (0..3_u8).map(|n| Box::pin(pool.submit("ann", move |(), _| n).answer())).collect();
    let other = pool.submit("bob", |(), _| 9);
    assert_eq!(many[2].as_mut().now_or_never(), Some(Err(Refusal::Full)));
    release.send(()).unwrap();
    assert_eq!((block_on(running.answer()), block_on(other.answer())), (Ok(7), Ok(9)));
    many.truncate(2);
    assert_eq!(many.into_iter().map(block_on).collect::<Vec<_>>(), [Ok(0), Ok(1)]);
}

#[test]
fn a_stopped_pool_answers_all_and_its_threads_have_ended() {
    let pool = one(8);
    let (job, begun, release) = gated();
    let running = pool.submit("ann", job);
    begun.recv().unwrap();
    let waiting = pool.submit("ann", |(), _| 1);
    pool.stop();
    assert_eq!(block_on(waiting.answer()), Err(Refusal::Stopped));
    assert_eq!(block_on(pool.submit("ann", |(), _| 1).answer()), Err(Refusal::Stopped));
    release.send(()).unwrap();
    assert_eq!(block_on(running.answer()), Ok(7));
    let shared = Arc::downgrade(&pool.0);
    drop(pool);
    while shared.strong_count() > 0 {
        thread::yield_now();
    }
}

#[test]
fn what_a_thread_has_of_its_own_stays_from_job_to_job_rests_and_is_made_anew_after_a_panic() {
    struct Own(u32, mpsc::Sender<u32>);
    impl Worker for Own {
        fn rest(&mut self) {
            self.1.send(self.0).unwrap();
            self.0 = 100;
        }
    }
    let (rests, rested) = mpsc::channel();
    let shape = Shape { rest: Some(Duration::from_millis(1)), ..Shape::new("own", 1, 8) };
    let pool = Pool::start(shape, move || Some(Own(0, rests.clone()))).unwrap();
    let count = || {
        let count = |own: &mut Own, _| {
            own.0 += 1;
            own.0
        };
        block_on(pool.submit((), count).answer())
    };
    assert_eq!(rested.recv(), Ok(0));
    assert_eq!(count(), Ok(101));
    let panics = |_: &mut Own, _| -> u8 { panic!("on purpose") };
    assert_eq!(block_on(pool.submit((), panics).answer()), Err(Refusal::Panicked));
    assert!(count().is_ok_and(|count| count == 1 || count == 101), "made anew, and rested or not");
    let nothing: Pool<Own, ()> = Pool::new(Shape::new("none", 1, 8), || None);
    assert_eq!(block_on(nothing.submit((), |_, _| 1).answer()), Err(Refusal::Panicked));
    assert!(Pool::<Own, ()>::start(Shape::new("none", 1, 8), || None).is_none());
}

#[test]
fn a_thread_that_was_given_up_is_replaced_as_far_as_the_shape_says_and_takes_a_free_place_when_it_comes_back() {
    let pool: Pool<(), ()> = Pool::new(Shape { replaced: 1, ..Shape::new("lost", 1, 8) }, || Some(()));
    let mut gates = Vec::new();
    for wanted in [GivenUp { lost: 1, replaced: true }, GivenUp { lost: 2, replaced: false }] {
        let ((started, begun), (release, gate)) = (mpsc::channel(), mpsc::channel::<()>());
        let stuck = pool.submit((), move |(), number| {
            started.send(number).unwrap();
            gate.recv().unwrap();
        });
        let number = begun.recv().unwrap();
        assert_eq!(pool.give_up(number), Some(wanted));
        assert_eq!((block_on(stuck.answer()), pool.give_up(number)), (Err(Refusal::Lost), None));
        gates.push(release);
    }
    let waits = pool.submit((), |(), _| 1);
    gates.iter().for_each(|gate| gate.send(()).unwrap());
    assert_eq!(block_on(waits.answer()), Ok(1));
    while pool.lost() > 0 {
        thread::yield_now();
    }
}
