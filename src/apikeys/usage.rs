//! Counters of uses: how often keys were used since that was last written to the store, and the windows of rate limits.

use std::collections::HashMap;
use std::time::Duration;

use crate::base::by_tenant::ByTenant;
use crate::base::id::{ApiKeyId, TenantId};
use crate::base::{Moment, Uptime};
use crate::cx::Cx;
use crate::records::{ApiKey, RateLimit};
use crate::store;
use crate::store::rows::api_keys as rows;

/// How often uses are written to the store.
const EVERY: Duration = Duration::from_secs(60);

/// Rows written in one transaction.
const BATCH: usize = 500;

/// Counted for the life of the process. What is lost with it is a minute of last uses, and the state of rate limits.
#[derive(Default)]
pub(crate) struct UsageCounters(ByTenant<Counts>);

#[derive(Default)]
struct Counts {
    uses: HashMap<ApiKeyId, Usage>,
    written_at: Option<Uptime>,
    windows: HashMap<ApiKeyId, Window>,
}

/// How much a key was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How often it was used.
    pub count: u64,
    /// When it was used last; `None` for never.
    pub last: Option<Moment>,
}

/// Uses since the beginning of a window.
struct Window {
    ends: Uptime,
    count: u64,
}

impl UsageCounters {
    /// Notes a use of a key of a tenant.
    pub(super) fn note(&self, tenant: TenantId, key: &ApiKeyId, now: Moment) {
        self.0.with(tenant, |counts| match counts.uses.get_mut(key) {
            Some(usage) => *usage = usage.and(Usage { count: 1, last: Some(now) }),
            None => drop(counts.uses.insert(key.clone(), Usage { count: 1, last: Some(now) })),
        });
    }

    /// Takes one use of the key's window. `Err` gives the milliseconds until the next window; a refused use takes
    /// nothing.
    pub(super) fn take(&self, (tenant, key): (TenantId, &ApiKeyId), limit: RateLimit, now: Uptime) -> Result<(), u64> {
        self.0.with(tenant, |counts| counts.take(key, limit, now))
    }

    /// Takes the uses in a tenant that are to be written.
    fn take_uses(&self, tenant: TenantId, now: Uptime) -> Vec<(ApiKeyId, Usage)> {
        let mut uses: Vec<_> = self.0.with(tenant, |counts| {
            counts.written_at = Some(now);
            counts.windows.retain(|_, window| window.ends > now);
            std::mem::take(&mut counts.uses).into_iter().collect()
        });
        uses.sort_unstable_by(|one, two| one.0.cmp(&two.0));
        uses
    }

    fn give_back(&self, tenant: TenantId, uses: &[(ApiKeyId, Usage)]) {
        self.0.with(tenant, |counts| {
            for (key, usage) in uses {
                let held = counts.uses.entry(key.clone()).or_default();
                *held = held.and(*usage);
            }
        });
    }
}

impl Counts {
    fn take(&mut self, key: &ApiKeyId, limit: RateLimit, now: Uptime) -> Result<(), u64> {
        let length = Duration::from_millis(limit.window_ms);
        let window = self.windows.entry(key.clone()).or_insert(Window { ends: now.plus(length), count: 0 });
        // Over, or from before the limit was changed.
        if window.ends <= now || window.ends > now.plus(length) {
            *window = Window { ends: now.plus(length), count: 0 };
        }
        if window.count >= limit.max {
            return Err(u64::try_from(window.ends.since(now).as_millis()).unwrap_or(u64::MAX));
        }
        window.count += 1;
        Ok(())
    }
}

impl Usage {
    fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), last: self.last.max(other.last) }
    }
}

/// How much a key was used so far, the last minute included.
pub fn usage(cx: &Cx, key: &ApiKey) -> Usage {
    let held = cx.process().api_key_uses.0.with(cx.tenant.id, |counts| counts.uses.get(&key.id).copied());
    held.unwrap_or_default().and(Usage { count: key.uses, last: key.last_used_at })
}

/// How long until [`flush`] is to be called: a minute after it was last, and not before there are uses to write or
/// windows to forget.
pub fn until_flush(cx: &Cx) -> Option<Duration> {
    cx.process().api_key_uses.0.with(cx.tenant.id, |counts| {
        let due = counts.written_at.map(|last| last.plus(EVERY));
        (!counts.uses.is_empty() || !counts.windows.is_empty())
            .then(|| due.map_or(Duration::ZERO, |due| due.since(cx.uptime)))
    })
}

/// Writes uses to the store now: at the end of the process. What cannot be written is kept for the next time.
pub async fn flush(cx: &Cx) -> Result<(), store::Error> {
    let counters = &cx.process().api_key_uses;
    let tenant = cx.tenant.id;
    let uses = counters.take_uses(tenant, cx.uptime);
    let mut done = 0;
    for batch in uses.chunks(BATCH) {
        let rows = batch.to_vec();
        let written = cx.store().write(move |tx| {
            for (id, usage) in &rows {
                // Deleted meanwhile, perhaps.
                if let Some(old) = rows::find(tx, tenant, id)? {
                    let total = usage.and(Usage { count: old.uses, last: old.last_used_at });
                    rows::put(tx, tenant, &ApiKey { uses: total.count, last_used_at: total.last, ..old })?;
                }
            }
            Ok::<_, store::Error>(())
        });
        if let Err(error) = written.await {
            counters.give_back(tenant, uses.get(done..).unwrap_or_default());
            return Err(error);
        }
        done += batch.len();
    }
    Ok(())
}
