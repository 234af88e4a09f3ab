//! How often something may happen in a while, for each of those who make it happen and for all of them together.
//!
//! What is counted is remembered only where it was let through. So a flood fills no memory: it ends at the widest level
//! first.

use std::collections::HashMap;
use std::time::Duration;

use super::Moment;
use super::by_tenant::ByTenant;
use super::id::TenantId;
use foldhash::fast::RandomState;

/// Between the parts of a key. Nobody can write it into an identifier or an address.
const BETWEEN: char = '\u{1f}';

/// Counts are looked over for old ones when there are more than these.
const FEW: usize = 1_000;

/// One of the keys by which an event is counted, and how often it may happen under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    key: String,
    most: u32,
}

impl Level {
    /// Events of this `kind`, of whom or what `of` names.
    pub fn new(kind: &str, of: &str, most: u32) -> Self {
        Self { key: format!("{kind}{BETWEEN}{of}"), most }
    }
}

#[derive(Debug)]
struct Count {
    since: Moment,
    taken: u32,
    /// Events that were left out since the last one that was let through.
    left_out: u64,
}

#[derive(Debug, Default)]
struct Counts {
    of: HashMap<String, Count, RandomState>,
    swept: Option<Moment>,
    /// What was left out under keys that are forgotten, by kind.
    unsaid: HashMap<String, u64>,
}

/// The counts of one purpose, kept for the life of the process.
#[derive(Debug)]
pub struct Quota {
    window: Duration,
    counts: ByTenant<Counts>,
}

impl Quota {
    /// Every count begins anew after `window`.
    pub fn new(window: Duration) -> Self {
        Self { window, counts: ByTenant::default() }
    }

    /// Lets an event of a tenant through that every one of `levels` has room for; they go from the narrowest to the
    /// widest. Answers how many like it were left out since the last that was let through; `None` when this one is left
    /// out, which is counted where it is known best.
    pub fn take(&self, tenant: TenantId, levels: &[Level], now: Moment) -> Option<u64> {
        self.counts.with(tenant, |counts| self.take_of(counts, levels, now))
    }

    fn take_of(&self, counts: &mut Counts, levels: &[Level], now: Moment) -> Option<u64> {
        if counts.of.len() > FEW && counts.swept.is_none_or(|swept| self.is_over(swept, now)) {
            self.sweep(counts, now);
        }
        let is_full = |level: &Level| {
            let taken = counts.of.get(&level.key).filter(|count| !self.is_over(count.since, now));
            taken.map_or(0, |count| count.taken) >= level.most
        };
        if levels.iter().any(is_full) {
            let known = levels.iter().find(|level| counts.of.contains_key(&level.key));
            if let Some(count) = known.and_then(|level| counts.of.get_mut(&level.key)) {
                count.left_out += 1;
            }
            return None;
        }
        let mut left_out = 0;
        for level in levels {
            let count = counts.of.entry(level.key.clone()).or_insert(Count { since: now, taken: 0, left_out: 0 });
            if self.is_over(count.since, now) {
                (count.since, count.taken) = (now, 0);
            }
            count.taken += 1;
            left_out += std::mem::take(&mut count.left_out);
        }
        Some(left_out)
    }

    /// How many of each kind were left out in a tenant without an event after them that could tell, since this was
    /// asked last.
    pub fn unsaid(&self, tenant: TenantId, now: Moment) -> Vec<(String, u64)> {
        self.counts.with(tenant, |counts| {
            self.sweep(counts, now);
            let mut unsaid: Vec<_> = counts.unsaid.drain().collect();
            unsaid.sort_unstable();
            unsaid
        })
    }

    /// Keys that are remembered of a tenant.
    #[cfg(test)]
    pub(crate) fn remembered(&self, tenant: TenantId) -> usize {
        self.counts.with(tenant, |counts| counts.of.len())
    }

    fn sweep(&self, counts: &mut Counts, now: Moment) {
        let Counts { of, unsaid, swept } = counts;
        of.retain(|key, count| {
            let goes = self.is_over(count.since, now);
            if goes && count.left_out > 0 {
                let kind = key.split(BETWEEN).next().unwrap_or_default();
                *unsaid.entry(kind.to_owned()).or_default() += count.left_out;
            }
            !goes
        });
        *swept = Some(now);
    }

    /// A count that began later than now, before the clock was set back, is over too.
    fn is_over(&self, since: Moment, now: Moment) -> bool {
        now.since(since) >= self.window || since > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);
    const TENANT: TenantId = TenantId::DEFAULT;

    fn at(seconds: u64) -> Moment {
        Moment::from_seconds(1_769_817_600).plus(Duration::from_secs(seconds))
    }

    fn levels(who: &str, net: &str) -> [Level; 3] {
        [Level::new("refuse", who, 2), Level::new("refuse", net, 3), Level::new("refuse", "all", 5)]
    }

    #[test]
    fn a_count_begins_anew_and_says_what_was_left_out() {
        let quota = Quota::new(WINDOW);
        let take = |seconds| quota.take(TENANT, &levels("ann", "n1"), at(seconds));
        assert_eq!([take(0), take(1), take(2), take(59)], [Some(0), Some(0), None, None]);
        assert_eq!([take(60), take(61)], [Some(2), Some(0)]);
        // The clock was set back by an hour.
        assert_eq!(quota.take(TENANT, &levels("ann", "n1"), at(0)), Some(0));
    }

    #[test]
    fn who_uses_all_up_in_one_tenant_takes_nothing_from_who_is_called_so_in_another() {
        let quota = Quota::new(WINDOW);
        let through = |tenant| (0..9).filter(|_| quota.take(tenant, &levels("ann", "n1"), at(0)).is_some()).count();
        assert_eq!((through(TENANT), through(TenantId(7)), through(TENANT)), (2, 2, 0));
        let left_out = |tenant| quota.unsaid(tenant, at(60));
        assert_eq!(
            (left_out(TenantId(7)), left_out(TENANT)),
            (vec![("refuse".into(), 7)], vec![("refuse".into(), 16)])
        );
    }

    #[test]
    fn who_is_wide_does_not_hide_who_is_elsewhere() {
        let quota = Quota::new(WINDOW);
        let through = |who: &str, net: &str| quota.take(TENANT, &levels(who, net), at(0)).is_some();
        let flood = (0..100).filter(|n| through(&n.to_string(), "n1")).count();
        assert_eq!((flood, through("bob", "n2")), (3, true));
        let flood = (0..100).filter(|n| through(&n.to_string(), &format!("net{n}"))).count();
        assert_eq!((flood, through("eve", "n3")), (1, false), "five of all");
    }

    #[test]
    fn a_flood_fills_no_memory_and_is_told_in_the_end() {
        let quota = Quota::new(WINDOW);
        for n in 0..50_000 {
            let _ = quota.take(TENANT, &levels(&format!("who{n}"), &format!("net{n}")), at(0));
        }
        assert!(quota.remembered(TENANT) <= 11, "{}", quota.remembered(TENANT));
        assert!(quota.unsaid(TENANT, at(1)).is_empty());
        assert_eq!(quota.unsaid(TENANT, at(60)), [(String::from("refuse"), 49_995)]);
        assert_eq!((quota.unsaid(TENANT, at(60)).len(), quota.remembered(TENANT)), (0, 0));
    }
}
