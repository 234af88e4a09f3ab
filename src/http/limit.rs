//! Attempts per peer address.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::rate::{Rate, Rates};
use crate::base::{Uptime, net};

/// The most addresses remembered at once.
const CAPACITY: usize = 50_000;

/// Lets a subscriber make a burst of requests, and one more per interval.
#[derive(Debug)]
pub struct Limiter {
    rate: Rate,
    used: Mutex<Rates<IpAddr>>,
}

impl Limiter {
    /// A limiter that allows `burst` requests at once and one per `interval` in the long run.
    pub fn new(burst: u32, interval: Duration) -> Self {
        Self { rate: Rate { burst, interval }, used: Mutex::new(Rates::new(CAPACITY)) }
    }

    /// The limit on attempts to sign in and the like: thirty at once, then one every two seconds. An office behind one
    /// address can begin its day with it; guessing gets nowhere, since accounts have limits of their own.
    pub fn for_attempts() -> Self {
        Self::new(30, Duration::from_secs(2))
    }

    /// Counts one request of this address. `Err` gives the whole seconds until the next one is heard; a refused request
    /// uses up nothing.
    pub fn pass(&self, address: IpAddr, now: Uptime) -> Result<(), u64> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = used.take(&net::subscriber(address), self.rate, now);
        passed.map_err(|wait| wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1))
    }
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
        let limiter = Limiter::new(3, Duration::from_secs(2));
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
        let limiter = Limiter::new(1, Duration::from_secs(2));
        assert!(limiter.pass(address("2001:db8:0:1::1"), at(0)).is_ok());
        assert!(limiter.pass(address("2001:db8:0:1:ffff::2"), at(0)).is_err());
        assert!(limiter.pass(address("2001:db8:0:2::1"), at(0)).is_ok());
        assert!(limiter.pass(address("192.0.2.1"), at(0)).is_ok());
        assert!(limiter.pass(address("::ffff:192.0.2.1"), at(0)).is_err());
    }

    #[test]
    fn loopback_is_no_exception() {
        let limiter = Limiter::new(1, Duration::from_secs(2));
        assert!(limiter.pass(address("127.0.0.1"), at(0)).is_ok());
        assert!(limiter.pass(address("127.0.0.1"), at(0)).is_err());
    }
}
