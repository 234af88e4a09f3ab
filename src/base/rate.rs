//! How fast something may happen, for each of those who make it happen: the generic cell rate algorithm (ITU-T I.371,
//! appendix A). One number per key, no timer, by a clock that nobody sets.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use foldhash::fast::RandomState;

use super::Uptime;

/// So many at once, and one more in each interval.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At least 1.
    pub burst: u32,
    /// Time that one uses up.
    pub interval: Duration,
}

impl Rate {
    /// How far ahead of the clock a key may get.
    fn tolerance(self) -> Duration {
        self.interval.saturating_mul(self.burst.saturating_sub(1))
    }
}

/// What keys have used up. At most so many are remembered: those that have used up nothing go first, then those that
/// have used up least.
#[derive(Debug)]
pub struct Rates<K> {
    /// When a key will have used up nothing (the theoretical arrival time).
    free_at: HashMap<K, Uptime, RandomState>,
    most: usize,
}

impl<K: Clone + Eq + Hash> Rates<K> {
    /// Nobody has used up anything; at most `most` keys are remembered.
    pub fn new(most: usize) -> Self {
        Self { free_at: HashMap::default(), most }
    }

    /// Lets one pass and counts it. `Err` gives the time until the next one may; one that is refused uses up nothing.
    pub fn take(&mut self, key: &K, rate: Rate, now: Uptime) -> Result<(), Duration> {
        let next = self.next(key, rate, now);
        if next > now {
            return Err(next.since(now));
        }
        self.use_up(key, rate, now);
        Ok(())
    }

    /// From when on the next one of a key may pass: `now`, or later.
    pub fn next(&self, key: &K, rate: Rate, now: Uptime) -> Uptime {
        self.free_at.get(key).map_or(now, |free_at| free_at.minus(rate.tolerance()).max(now))
    }

    /// Counts one that passes now, or will at its time.
    pub fn use_up(&mut self, key: &K, rate: Rate, now: Uptime) {
        let free_at = self.entry(key, now);
        *free_at = (*free_at).max(now).plus(rate.interval);
    }

    /// Counts one that is not refused, whatever was used up: never more than a burst is remembered.
    pub fn note(&mut self, key: &K, rate: Rate, now: Uptime) {
        let full = now.plus(rate.interval.saturating_mul(rate.burst));
        let free_at = self.entry(key, now);
        *free_at = (*free_at).max(now).plus(rate.interval).min(full);
    }

    /// How many of a key are not forgotten yet.
    pub fn noted(&self, key: &K, rate: Rate, now: Uptime) -> u32 {
        let left = self.free_at.get(key).map_or(Duration::ZERO, |free_at| free_at.since(now));
        u32::try_from(left.as_millis().div_ceil(rate.interval.as_millis().max(1))).unwrap_or(u32::MAX)
    }

    /// Forgets one that was counted.
    pub fn give_back(&mut self, key: &K, rate: Rate) {
        if let Some(free_at) = self.free_at.get_mut(key) {
            *free_at = free_at.minus(rate.interval);
        }
    }

    /// Forgets all that these keys have used up.
    pub fn forget(&mut self, keys: &[K]) {
        self.free_at.retain(|key, _| !keys.contains(key));
    }

    /// Keys that are remembered.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.free_at.len()
    }

    fn entry(&mut self, key: &K, now: Uptime) -> &mut Uptime {
        if self.free_at.len() >= self.most && !self.free_at.contains_key(key) {
            self.free_at.retain(|_, free_at| *free_at > now);
            keep_the_largest(&mut self.free_at, self.most, |free_at| free_at.millis());
        }
        self.free_at.entry(key.clone()).or_default()
    }
}

/// Where there are `most` entries or more, the half that counts least goes.
pub fn keep_the_largest<K: Eq + Hash, V, S: BuildHasher>(
    all: &mut HashMap<K, V, S>,
    most: usize,
    weight: impl Fn(&V) -> u64,
) {
    if all.len() < most {
        return;
    }
    let mut weights: Vec<u64> = all.values().map(&weight).collect();
    let middle = weights.len() / 2;
    let median = *weights.select_nth_unstable(middle).1;
    let mut surplus = middle + 1;
    all.retain(|_, value| {
        let goes = weight(value) <= median && surplus > 0;
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(2) };

    fn at(seconds: u64) -> Uptime {
        Uptime::from_millis(1000 * (1_000 + seconds))
    }

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let mut rates = Rates::new(100);
        let mut passed = |second| rates.take(&"ann", RATE, at(second));
        let late = |seconds| Err(Duration::from_secs(seconds));
        assert_eq!([passed(0), passed(0), passed(0), passed(0)], [Ok(()), Ok(()), Ok(()), late(2)]);
        assert_eq!([passed(1), passed(2), passed(2), passed(4)], [late(1), Ok(()), late(2), Ok(())]);
        assert_eq!((0..5).filter(|_| passed(1000).is_ok()).count(), 3, "a long pause gives a burst and not more");
        assert!(rates.take(&"bob", RATE, at(1000)).is_ok(), "another key is not concerned");
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let mut rates = Rates::new(100);
        (0..3).for_each(|_| rates.take(&"ann", RATE, at(0)).unwrap());
        rates.give_back(&"ann", RATE);
        assert!(rates.take(&"ann", RATE, at(0)).is_ok() && rates.take(&"ann", RATE, at(0)).is_err());
        rates.forget(&["ann"]);
        assert_eq!((0..5).filter(|_| rates.take(&"ann", RATE, at(0)).is_ok()).count(), 3);
    }

    #[test]
    fn what_is_noted_is_forgotten_one_by_one_and_is_never_more_than_a_burst() {
        let mut rates = Rates::new(100);
        (0..50).for_each(|_| rates.note(&"ann", RATE, at(0)));
        let noted = |second| rates.noted(&"ann", RATE, at(second));
        assert_eq!([noted(0), noted(1), noted(2), noted(5), noted(6)], [3, 3, 2, 1, 0]);
        assert_eq!(rates.noted(&"bob", RATE, at(0)), 0);
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_spares_the_worst() {
        let mut rates = Rates::new(100);
        (0..3).for_each(|_| rates.take(&u32::MAX, RATE, at(0)).unwrap());
        for key in 0..1000 {
            let _ = rates.take(&key, RATE, at(0));
            assert!(rates.remembered() <= 100);
        }
        assert!(rates.take(&u32::MAX, RATE, at(0)).is_err());
    }
}
