//! How much work one operation may still do, and whether somebody still waits for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Work was stopped: there was more of it than its budget, or nobody waits for it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this takes more work than one request may ask for")]
pub struct Stopped;

/// A number of steps. What counts as one is small and of about the same size everywhere: a row that is read, a relation
/// of an object or a tuple that an evaluation looks at. It is used by one thread at a time; any other may say that
/// nobody waits any more.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    spent: AtomicU64,
    unwanted: AtomicBool,
}

impl Budget {
    /// A budget of so many steps.
    pub fn of(steps: u64) -> Self {
        Self { most: steps, spent: AtomicU64::new(0), unwanted: AtomicBool::new(false) }
    }

    /// Takes `steps`. Errors: [`Stopped`] when fewer are left, from then on every time.
    pub fn take(&self, steps: usize) -> Result<(), Stopped> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        // One thread works with it, so no step is lost between the two.
        let spent = self.spent.load(Relaxed).saturating_add(steps);
        self.spent.store(spent, Relaxed);
        if spent > self.most || self.unwanted.load(Relaxed) { Err(Stopped) } else { Ok(()) }
    }

    /// The steps that it began with.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// Whether more was asked of it than it held.
    pub fn is_spent(&self) -> bool {
        self.spent() > self.most
    }

    /// The steps that were taken, with those that were one too many.
    pub fn spent(&self) -> u64 {
        self.spent.load(Relaxed)
    }

    /// Nobody waits for the work any more: the next step is refused.
    pub fn give_up(&self) {
        self.unwanted.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_and_stays_ended() {
        let budget = Budget::of(10);
        assert_eq!((budget.take(4), budget.take(6), budget.is_spent()), (Ok(()), Ok(()), false));
        assert_eq!((budget.take(1), budget.take(0), budget.is_spent()), (Err(Stopped), Err(Stopped), true));
        assert_eq!(budget.spent(), 11);
    }

    #[test]
    fn work_that_nobody_waits_for_is_stopped_and_its_budget_is_not_spent() {
        let budget = Budget::of(10);
        budget.give_up();
        assert_eq!((budget.take(1), budget.is_spent()), (Err(Stopped), false));
    }
}
