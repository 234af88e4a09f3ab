//! Limits on guessing a password: who is counted together, when they are locked, for how long.
//!
//! Ten failures with less than 15 minutes between them lock for a minute; each further one doubles that, up to 15 minutes. A lock
//! is not extended by attempts during it, and not shown: the answer is that of a wrong password.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;

use crate::base::id::{SessionId, UserId};
use crate::base::secret::sha256;
use crate::base::{Moment, canonical};
use crate::cx::Cx;
use crate::records::SignInFailures;
use crate::store::rows::marks;
use crate::store::{Error, Read, Tx};

/// Failures further apart than this are not added up.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// The failure that locks.
const LIMIT: u32 = 10;
/// What the first lock lasts.
const FIRST_LOCK: Duration = Duration::from_secs(60);
/// What no lock exceeds.
const LONGEST_LOCK: Duration = Duration::from_secs(15 * 60);

/// Attempts that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket(String);

impl Bucket {
    /// Attempts on an account from browsers that its owner never used.
    pub(super) fn of_account(user: &UserId) -> Self {
        Self(format!("account/{user}"))
    }

    /// Attempts on a name that nobody has. Only a digest is kept: people type passwords into the wrong field.
    pub(super) fn of_unknown(identifier: &str) -> Self {
        let digest = sha256(canonical::identifier(identifier).as_bytes());
        Self(format!("unknown/{}", BASE64URL_NOPAD.encode(&digest)))
    }

    /// Attempts on an account from one browser that its owner used.
    pub(super) fn of_device(user: &UserId, nonce: &str) -> Self {
        Self(format!("device/{user}/{nonce}"))
    }

    /// Attempts to confirm the password within a session.
    pub(super) fn of_session(session: &SessionId) -> Self {
        Self(format!("session/{session}"))
    }
}

/// Whether no attempt of the bucket is weighed at this moment.
pub(super) fn is_locked(from: &impl Read, cx: &Cx, bucket: &Bucket) -> Result<bool, Error> {
    if !cx.settings().rate_limit.enabled {
        return Ok(false);
    }
    let failures = marks::failures(from, cx.tenant, &bucket.0)?;
    Ok(failures.and_then(|failures| failures.locked_until).is_some_and(|until| until > cx.now))
}

/// Counts a failed attempt; answers for how long it locks the bucket, if it does.
pub(super) fn count_failure(tx: &mut Tx, cx: &Cx, bucket: &Bucket) -> Result<Option<Duration>, Error> {
    if !cx.settings().rate_limit.enabled {
        return Ok(None);
    }
    let old = marks::failures(tx, cx.tenant, &bucket.0)?;
    let (new, lock) = after_failure(old.as_ref(), cx.now);
    marks::put_failures(tx, cx.tenant, &bucket.0, old.as_ref(), &new)?;
    Ok(lock)
}

/// Forgets the failures of a bucket.
pub(super) fn forgive(tx: &mut Tx, cx: &Cx, bucket: &Bucket) -> Result<(), Error> {
    match marks::failures(tx, cx.tenant, &bucket.0)? {
        Some(failures) => marks::delete_failures(tx, cx.tenant, &bucket.0, &failures),
        None => Ok(()),
    }
}

/// The count after one more failure, and the lock that it brings.
fn after_failure(old: Option<&SignInFailures>, now: Moment) -> (SignInFailures, Option<Duration>) {
    let before = old.filter(|old| old.expires_at > now).map_or(0, |old| old.count);
    let count = before.saturating_add(1);
    let lock = count.checked_sub(LIMIT).map(lock_after);
    let locked_until = lock.map(|lock| now.plus(lock));
    let expires_at = locked_until.unwrap_or(now).plus(WINDOW);
    (SignInFailures { count, last_at: now, locked_until, expires_at }, lock)
}

/// How long the failure that is `beyond` the limit locks.
fn lock_after(beyond: u32) -> Duration {
    FIRST_LOCK.saturating_mul(2_u32.saturating_pow(beyond)).min(LONGEST_LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn locks_double_from_a_minute_to_a_quarter_of_an_hour() {
        let mut now = Moment::from_seconds(1_000_000);
        let mut failures = None;
        let mut locks = Vec::new();
        for _ in 0..16 {
            let (new, lock) = after_failure(failures.as_ref(), now);
            now = now.plus(lock.unwrap_or(seconds(1)));
            locks.push(lock.map_or(0, |lock| lock.as_secs()));
            failures = Some(new);
        }
        assert_eq!(locks, [0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 120, 240, 480, 900, 900, 900]);
    }

    #[test]
    fn failures_far_apart_are_not_added_up() {
        let mut now = Moment::from_seconds(1_000_000);
        let mut failures = None;
        for _ in 0..50 {
            let (new, lock) = after_failure(failures.as_ref(), now);
            assert_eq!((new.count, lock), (1, None));
            now = now.plus(WINDOW);
            failures = Some(new);
        }
    }

    #[test]
    fn bug_31_spellings_of_one_name_share_a_bucket() {
        for spelling in ["ANN@example.com", " ann@Example.com ", "ａｎｎ@example.com"] {
            assert_eq!(Bucket::of_unknown(spelling), Bucket::of_unknown("ann@example.com"), "{spelling}");
        }
        assert_ne!(Bucket::of_unknown("ann@example.org"), Bucket::of_unknown("ann@example.com"));
    }
}
