//! How the sign-ins to an app were protected lately, and what that is a reason for: to demand PKCE of an app that sends
//! it anyway, and to warn of one that sends nothing by which it could tell its own sign-in from one that somebody else
//! began (RFC 9700 §4.7).
//!
//! Counted are sign-ins that came to an end, where the code was redeemed by the app: a request that anybody can send
//! counts for nothing. The count is written in the transaction that redeems.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::id::ClientId;
use crate::cx::Cx;
use crate::records::recent_sign_ins::SignInDay;
use crate::records::{Client, Code, RecentSignIns};
use crate::store::rows::{clients, recent_sign_ins as rows};
use crate::store::{self, Read, Tx};

/// How many days are looked back, today included.
pub const DAYS: u8 = 7;

/// So many sign-ins show what an app does.
const ENOUGH: u64 = 10;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The sign-ins to an app in the last [`DAYS`] days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecentProtection {
    /// How many days that is.
    pub days: u8,
    /// All of them.
    pub all: u64,
    /// Those with PKCE (S256).
    pub pkce: u64,
    /// Those with neither PKCE, nor a nonce, nor a state.
    pub bare: u64,
}

impl RecentProtection {
    /// Whether PKCE could be demanded of the app without anybody noticing: all of many sign-ins had it, and it is not
    /// demanded yet.
    pub fn shows_pkce(&self, client: &Client) -> bool {
        let is_demanded = client.is_public() || client.require_pkce;
        !is_demanded && self.all >= ENOUGH && self.pkce == self.all
    }

    /// Whether the app, as a rule, begins sign-ins with nothing by which it could tell them from those that somebody
    /// else began. A few among many are somebody's experiment, or somebody's attack.
    pub fn is_bare(&self) -> bool {
        self.bare > self.all / 2
    }
}

/// Counts the sign-in that this code ends.
pub(in crate::oauth) fn note(tx: &mut Tx, cx: &Cx, code: &Code) -> Result<(), store::Error> {
    let has_pkce = code.challenge.is_some();
    let is_bare = !has_pkce && code.nonce.is_none() && !code.has_state;
    let mut recent = rows::find(tx, cx.tenant.id, &code.client)?.unwrap_or_default();
    count(&mut recent, cx.now, has_pkce, is_bare);
    rows::put(tx, cx.tenant.id, &code.client, &recent)
}

fn count(recent: &mut RecentSignIns, now: Moment, has_pkce: bool, is_bare: bool) {
    let today = day_of(now);
    // Days ahead were counted before the clock was set back.
    recent.days.retain(|one| is_recent(one.day, today));
    if recent.days.last().is_none_or(|last| last.day != today) {
        recent.days.push(SignInDay { day: today, ..SignInDay::default() });
    }
    if let Some(day) = recent.days.last_mut() {
        day.all += 1;
        day.pkce += u64::from(has_pkce);
        day.bare += u64::from(is_bare);
    }
}

/// The sign-ins to an app lately.
pub fn of_client(cx: &Cx, from: &impl Read, client: &ClientId) -> Result<RecentProtection, store::Error> {
    Ok(sum(&rows::find(from, cx.tenant.id, client)?.unwrap_or_default(), cx.now))
}

/// The apps whose sign-ins are bare as a rule, by their identifiers.
pub fn bare_apps(cx: &Cx) -> Result<Vec<Client>, store::Error> {
    let (from, mut found) = (cx.read()?, Vec::new());
    for (client, recent) in rows::all(&from, cx.tenant.id)? {
        if sum(&recent, cx.now).is_bare() {
            found.extend(clients::find(&from, cx.tenant.id, &client)?);
        }
    }
    Ok(found)
}

fn sum(recent: &RecentSignIns, now: Moment) -> RecentProtection {
    let today = day_of(now);
    let zero = RecentProtection { days: DAYS, ..RecentProtection::default() };
    recent.days.iter().filter(|one| is_recent(one.day, today)).fold(zero, |sum, one| RecentProtection {
        all: sum.all + one.all,
        pkce: sum.pkce + one.pkce,
        bare: sum.bare + one.bare,
        ..sum
    })
}

fn day_of(at: Moment) -> i64 {
    at.millis().div_euclid(DAY)
}

fn is_recent(day: i64, today: i64) -> bool {
    day <= today && today - day < i64::from(DAYS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn days(count: u64) -> Duration {
        Duration::from_secs(count * 24 * 60 * 60)
    }

    #[test]
    fn seven_days_are_kept_and_no_more() {
        let mut recent = RecentSignIns::default();
        let start = Moment::from_seconds(1_800_000_000);
        for day in 0..100 {
            for _ in 0..3 {
                count(&mut recent, start.plus(days(day)), day % 2 == 0, day == 99);
            }
            assert!(recent.days.len() <= 7);
        }
        let found = sum(&recent, start.plus(days(99)));
        assert_eq!(found, RecentProtection { days: 7, all: 21, pkce: 9, bare: 3 });
        assert_eq!(sum(&recent, start.plus(days(105))), RecentProtection { days: 7, all: 3, pkce: 0, bare: 3 });
        assert_eq!(sum(&recent, start.plus(days(106))).all, 0);
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_the_days_ahead() {
        let mut recent = RecentSignIns::default();
        let start = Moment::from_seconds(1_800_000_000);
        count(&mut recent, start.plus(days(1000)), true, false);
        assert_eq!(sum(&recent, start).all, 0);
        count(&mut recent, start, true, false);
        assert_eq!(recent.days.len(), 1);
    }

    #[test]
    fn an_app_is_bare_when_most_of_its_sign_ins_are() {
        let bare = |all, bare| RecentProtection { days: 7, all, pkce: 0, bare }.is_bare();
        assert_eq!([bare(0, 0), bare(1, 1), bare(10, 5), bare(10, 6)], [false, true, false, true]);
    }
}
