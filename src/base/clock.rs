//! Time as a value. Rules receive a [`Moment`] and an [`Uptime`]; only the process asks a [`Clock`].
//!
//! A moment is what the machine's clock shows: people set it, and it may go back. It is for what is stored and what is
//! told to others. An uptime only grows: it is for what is kept in memory. What is stored with an end goes by
//! [`Term`].

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z. Stored and compared as that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment `seconds` whole seconds after the epoch, as JWTs write it (RFC 7519 §2 NumericDate).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down (RFC 7519 §2 NumericDate).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved `by` into the future; saturates at the end of time.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment moved `by` into the past; saturates at the beginning of time.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time that passed from `earlier` to this moment; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC with exactly three fractional digits: `2026-01-31T12:00:00.000Z`.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => format!("{timestamp:.3}"),
            Err(_) => String::from("9999-12-31T23:59:59.999Z"),
        }
    }

    /// Reads RFC 3339 text with any zone; `None` when it is not.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|timestamp| Self(timestamp.as_millisecond()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// How far a moment may lie in the future and still count as now: clocks are corrected by this much without anybody
/// noticing.
pub const SLACK: Duration = Duration::from_secs(5 * 60);

/// From when to when something holds that is stored with an end: a session, a code, a link, a key.
///
/// A clock that was set back makes such ends lie further away than any rule allows. Nothing may live longer for it:
/// what was made in the future (beyond [`SLACK`]) does not hold, and nothing holds longer than `longest` after it was
/// made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// When it was made, or last renewed.
    pub made: Moment,
    /// The end as it is stored.
    pub end: Moment,
    /// The longest time that the rules of today allow between the two; [`Duration::MAX`] where there is no such rule.
    pub longest: Duration,
}

impl Term {
    /// Whether it holds at `now`.
    pub fn holds(self, now: Moment) -> bool {
        self.made <= now.plus(SLACK) && now < self.end.min(self.made.plus(self.longest))
    }
}

/// A point in the life of the process: milliseconds of a clock that nobody sets (`CLOCK_MONOTONIC`). Only differences
/// mean something; it begins anew with the process and is never stored. The clock stands while the machine sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uptime(u64);

impl Uptime {
    /// The point `millis` milliseconds after the beginning.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the beginning.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// This point moved `by` onwards; saturates.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// This point moved `by` back; saturates at the beginning.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The time that passed from `earlier` to this point; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// `#[serde(with = "rfc3339")]`: a [`Moment`] as RFC 3339 text, the form of every JSON API.
pub(crate) mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Moment;

    /// Writes the text form.
    pub fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&moment.rfc3339())
    }

    /// Reads the text form.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        Moment::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("expected RFC 3339 time"))
    }

    /// The same for an optional moment: text or `null`.
    pub mod option {
        use serde::Serializer;

        use super::Moment;

        /// Writes text or `null`.
        pub fn serialize<S: Serializer>(moment: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
            match moment {
                Some(moment) => serializer.serialize_str(&moment.rfc3339()),
                None => serializer.serialize_none(),
            }
        }
    }
}

/// A time as RFC 3339 writes it, such as `2026-01-31T12:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(#[serde(with = "rfc3339")] pub Moment);

impl From<Moment> for Timestamp {
    fn from(moment: Moment) -> Self {
        Self(moment)
    }
}

/// Where the process reads the time.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> Moment;

    /// How long the process has been running, by a clock that nobody sets.
    fn uptime(&self) -> Uptime;
}

/// The machine's clocks.
#[derive(Debug, Default)]
pub struct SystemClock;

/// What uptimes are counted from: the first time that one was asked for.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's steady clock")]
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Moment {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Uptime {
        Uptime::default().plus(BEGINNING.elapsed())
    }
}

/// A clock that stands still until it is moved: tests jump in time with it.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    uptime: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Moment) -> Self {
        Self { now: AtomicI64::new(start.millis()), uptime: AtomicU64::default() }
    }

    /// Sets both clocks forward by this much.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.uptime.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Sets the clock, as people and time servers do: no time passes.
    pub fn set(&self, to: Moment) {
        self.now.store(to.millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment(self.now.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Uptime {
        Uptime(self.uptime.load(Ordering::SeqCst))
    }
}

/// Notices that the clock was set: two readings of both clocks differ by other spans. One for the life of the process.
#[derive(Debug, Default)]
pub struct Steps(std::sync::Mutex<Noticed>);

#[derive(Debug, Default)]
struct Noticed {
    before: Option<(Moment, Uptime)>,
    last: Option<Step>,
}

/// The clock was set, or the machine slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// By how many milliseconds: forward, or back when negative.
    pub millis: i64,
    /// What the clock showed when it was noticed.
    pub at: Moment,
    /// When it was noticed.
    pub noticed: Uptime,
}

impl Steps {
    /// Differences smaller than this are none: clocks are slewed, and two readings take their time.
    const LEAST: i64 = 10_000;

    /// Takes a reading of both clocks; answers the step since the reading before, if there was one.
    pub fn look(&self, now: Moment, uptime: Uptime) -> Option<Step> {
        let mut noticed = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (then, up) = noticed.before.replace((now, uptime))?;
        let passed = i64::try_from(uptime.since(up).as_millis()).unwrap_or(i64::MAX);
        let millis = now.millis().saturating_sub(then.millis()).saturating_sub(passed);
        if millis.saturating_abs() < Self::LEAST {
            return None;
        }
        noticed.last = Some(Step { millis, at: now, noticed: uptime });
        noticed.last
    }

    /// The last step that was noticed.
    pub fn last(&self) -> Option<Step> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_three_digits_and_z() {
        assert_eq!(Moment::from_millis(0).rfc3339(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Moment::from_millis(1_736_938_800_120).rfc3339(), "2025-01-15T11:00:00.120Z");
    }

    #[test]
    fn a_moment_survives_its_text() {
        let moment = Moment::from_millis(1_736_938_800_123);
        assert_eq!(Moment::parse_rfc3339(&moment.rfc3339()), Some(moment));
        assert_eq!(Moment::parse_rfc3339("2025-01-15T12:00:00.123+01:00"), Some(moment));
        assert_eq!(Moment::parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Moment::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(Moment::from_millis(5).since(end), Duration::ZERO);
    }

    #[test]
    fn a_term_ends_at_its_end_and_never_later_than_the_rule_allows() {
        let hour = Duration::from_secs(3600);
        let made = Moment::from_seconds(1_000_000);
        let term = Term { made, end: made.plus(hour), longest: hour };
        for (now, holds) in [
            (made.minus(2 * hour), false),
            (made.minus(SLACK), true),
            (made, true),
            (made.plus(hour).minus(Duration::from_millis(1)), true),
            (made.plus(hour), false),
        ] {
            assert_eq!(term.holds(now), holds, "{now}");
        }
        let too_far = Term { end: made.plus(1000 * hour), ..term };
        assert!(!too_far.holds(made.plus(hour)), "a stored end cannot lengthen what the rule allows");
        assert!(Term { longest: Duration::MAX, ..too_far }.holds(made.plus(hour)));
    }

    #[test]
    fn a_clock_that_is_set_is_noticed_once_and_one_that_runs_is_not() {
        let (steps, clock) = (Steps::default(), ManualClock::new(Moment::from_seconds(1_000_000)));
        let look = || steps.look(clock.now(), clock.uptime()).map(|step| step.millis);
        assert_eq!(look(), None);
        clock.advance(Duration::from_secs(86_400));
        assert_eq!(look(), None);
        clock.set(clock.now().minus(Duration::from_secs(7200)));
        assert_eq!((look(), look()), (Some(-7_200_000), None));
        clock.set(clock.now().plus(Duration::from_secs(3600)));
        clock.advance(Duration::from_secs(15));
        assert_eq!((look(), look()), (Some(3_600_000), None));
        clock.set(clock.now().plus(Duration::from_secs(2)));
        assert_eq!((look(), steps.last().map(|step| step.millis)), (None, Some(3_600_000)));
    }

    #[test]
    fn the_steady_clock_of_the_machine_does_not_go_back() {
        let (one, two) = (SystemClock.uptime(), SystemClock.uptime());
        assert!(one <= two);
    }
}
