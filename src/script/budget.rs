//! What one evaluation may use up, counted from inside the interpreter.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mlua::VmState;

use super::{Fault, Limits};
use crate::base::Moment;

/// The monotonic clock. A deadline needs one that runs while a script does.
#[expect(
    clippy::disallowed_methods,
    reason = "what a script may take is wall-clock time, and nothing is decided by it but that"
)]
pub(super) fn instant() -> Instant {
    Instant::now()
}

const FINE: u8 = 0;
const STEPS: u8 = 1;
const TIME: u8 = 2;

/// Counts an evaluation's steps and watches its time. Between evaluations nothing is refused.
///
/// Once a limit is reached, every further step is refused, so a script that catches the first refusal meets the next.
#[derive(Debug)]
pub(super) struct Budget {
    born: Instant,
    /// Nanoseconds from `born`.
    began: AtomicU64,
    /// Nanoseconds from `born`.
    deadline: AtomicU64,
    most: AtomicU64,
    steps: AtomicU64,
    reached: AtomicU8,
    now: AtomicI64,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            born: instant(),
            began: AtomicU64::new(0),
            deadline: AtomicU64::new(u64::MAX),
            most: AtomicU64::new(u64::MAX),
            steps: AtomicU64::new(0),
            reached: AtomicU8::new(FINE),
            now: AtomicI64::new(0),
        }
    }

    /// An evaluation begins; it may take `time` from here on. For the script it is `now`.
    pub(super) fn begin(&self, limits: &Limits, time: Duration, now: Moment) {
        let began = self.age();
        self.began.store(began, Relaxed);
        self.deadline.store(began.saturating_add(nanos(time)), Relaxed);
        self.most.store(limits.steps, Relaxed);
        self.steps.store(0, Relaxed);
        self.reached.store(FINE, Relaxed);
        self.now.store(now.millis(), Relaxed);
    }

    /// The evaluation has ended; which limit it reached, if any.
    pub(super) fn end(&self) -> Option<Fault> {
        let late = self.age() > self.deadline.swap(u64::MAX, Relaxed);
        self.most.store(u64::MAX, Relaxed);
        match self.reached.swap(FINE, Relaxed) {
            STEPS => Some(Fault::Instructions),
            TIME => Some(Fault::Time),
            _ => late.then_some(Fault::Time),
        }
    }

    /// One step. Errors once a limit is reached.
    pub(super) fn step(&self) -> mlua::Result<VmState> {
        self.take(1).map(|()| VmState::Continue)
    }

    /// Takes the steps that a built-in function is about to work for. What is no number of steps is more than there
    /// are. Errors once a limit is reached.
    pub(super) fn spend(&self, steps: f64) -> mlua::Result<()> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast ends at the bounds of u64"
        )]
        let whole = if steps >= 0.0 { steps as u64 } else { u64::MAX };
        self.take(whole)
    }

    fn take(&self, steps: u64) -> mlua::Result<()> {
        let taken = self.steps.load(Relaxed).saturating_add(steps);
        self.steps.store(taken, Relaxed);
        if taken > self.most.load(Relaxed) {
            self.reached.store(STEPS, Relaxed);
        } else if self.age() >= self.deadline.load(Relaxed) {
            self.reached.store(TIME, Relaxed);
        }
        if self.reached.load(Relaxed) == FINE { Ok(()) } else { Err(mlua::Error::runtime("a limit is reached")) }
    }

    /// The moment of the evaluation, in seconds.
    pub(super) fn now(&self) -> i64 {
        Moment::from_millis(self.now.load(Relaxed)).seconds()
    }

    /// Seconds since the evaluation began.
    pub(super) fn seconds(&self) -> f64 {
        Duration::from_nanos(self.age().saturating_sub(self.began.load(Relaxed))).as_secs_f64()
    }

    fn age(&self) -> u64 {
        nanos(self.born.elapsed())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
