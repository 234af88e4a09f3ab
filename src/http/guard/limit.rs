//! Attempts per peer address, counted by the generic cell rate algorithm: one number per address, no timer, by a clock that nobody sets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::{Uptime, net};

/// The most addresses remembered at once.
const CAPACITY: usize = 50_000;

/// Lets an address make a burst of requests, and one more per interval.
#[derive(Debug)]
pub struct Limiter {
    /// Time that one request uses up.
    interval: Duration,
    /// How far ahead of the clock an address may get.
    tolerance: Duration,
    capacity: usize,
    /// When the address will have used up nothing (the theoretical arrival time).
    free_at: Mutex<HashMap<IpAddr, Uptime>>,
}

impl Limiter {
    /// A limiter that allows `burst` requests at once and one per `interval` in the long run.
    pub fn new(burst: u32, interval: Duration, capacity: usize) -> Self {
        let tolerance = interval.saturating_mul(burst.saturating_sub(1));
        Self { interval, tolerance, capacity, free_at: Mutex::new(HashMap::new()) }
    }

    /// The limit on attempts to sign in and the like: thirty at once, then one every two seconds. An office behind one address can
    /// begin its day with it; guessing gets nowhere, since accounts have limits of their own.
    pub fn for_attempts() -> Self {
        Self::new(30, Duration::from_secs(2), CAPACITY)
    }

    /// Counts one request of this address. `Err` gives the whole seconds until the next one is heard; a refused request uses up nothing.
    pub fn pass(&self, address: IpAddr, now: Uptime) -> Result<(), u64> {
        let key = net::subscriber(address);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let busy_until = free_at.get(&key).copied().unwrap_or(now).max(now);
        let ahead = busy_until.since(now);
        if ahead > self.tolerance {
            let wait = ahead.saturating_sub(self.tolerance);
            return Err(wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1));
        }
        if free_at.len() >= self.capacity && !free_at.contains_key(&key) {
            make_room(&mut free_at, now, self.capacity);
        }
        free_at.insert(key, busy_until.plus(self.interval));
        Ok(())
    }
}

/// Forgets who has used up nothing; if that is nobody, the half that has used up least.
fn make_room(free_at: &mut HashMap<IpAddr, Uptime>, now: Uptime, capacity: usize) {
    free_at.retain(|_, moment| *moment > now);
    if free_at.len() < capacity {
        return;
    }
    let mut moments: Vec<Uptime> = free_at.values().copied().collect();
    let middle = moments.len() / 2;
    let (_, median, _) = moments.select_nth_unstable(middle);
    let median = *median;
    let mut surplus = middle + 1;
    free_at.retain(|_, moment| {
        let goes = *moment <= median && surplus > 0;
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Uptime {
        Uptime::from_millis(1000 * (1_000 + seconds))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let limiter = Limiter::new(3, Duration::from_secs(2), 100);
        let ann = address("192.0.2.1");
        let passed = |second| limiter.pass(ann, at(second)).is_ok();
        assert_eq!([passed(0), passed(0), passed(0), passed(0)], [true, true, true, false]);
        assert_eq!(limiter.pass(ann, at(0)), Err(2));
        assert_eq!([passed(1), passed(2), passed(2), passed(4)], [false, true, false, true]);
        assert!(limiter.pass(address("192.0.2.2"), at(4)).is_ok(), "another address is not concerned");
        assert_eq!((0..5).filter(|_| passed(1000)).count(), 3, "a long pause gives a burst and not more");
    }

    #[test]
    fn bug_class_31_one_subscriber_is_one_address() {
        let limiter = Limiter::new(1, Duration::from_secs(2), 100);
        assert!(limiter.pass(address("2001:db8:0:1::1"), at(0)).is_ok());
        assert!(limiter.pass(address("2001:db8:0:1:ffff::2"), at(0)).is_err());
        assert!(limiter.pass(address("2001:db8:0:2::1"), at(0)).is_ok());
        assert!(limiter.pass(address("192.0.2.1"), at(0)).is_ok());
        assert!(limiter.pass(address("::ffff:192.0.2.1"), at(0)).is_err());
    }

    #[test]
    fn loopback_is_no_exception() {
        let limiter = Limiter::new(1, Duration::from_secs(2), 100);
        assert!(limiter.pass(address("127.0.0.1"), at(0)).is_ok());
        assert!(limiter.pass(address("127.0.0.1"), at(0)).is_err());
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_spares_the_worst() {
        let limiter = Limiter::new(5, Duration::from_secs(2), 100);
        let worst = address("192.0.2.1");
        (0..5).for_each(|_| limiter.pass(worst, at(0)).unwrap());
        for number in 0..1000_u32 {
            let _ = limiter.pass(IpAddr::V4(number.into()), at(0));
            assert!(limiter.free_at.lock().unwrap().len() <= 100);
        }
        assert!(limiter.pass(worst, at(0)).is_err());
    }
}
