//! How many people signed in and how many failed, hour by hour: what a chart needs without reading the audit log.

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::id::TenantId;
use crate::records::Outcome;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Table, Tx};

/// Milliseconds of an hour.
const HOUR: i64 = 60 * 60 * 1000;

/// One hour's sign-ins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Those that went well.
    pub ok: u64,
    /// Those that were refused.
    pub failed: u64,
}

impl Record for Hour {}

/// By the moment at which the hour begins.
const HOURS: Table<(TenantId, Moment), Hour> = Table::new("sign_in_hours");

/// When the hour of a moment began.
pub fn hour_of(at: Moment) -> Moment {
    Moment::from_millis(at.millis().div_euclid(HOUR) * HOUR)
}

/// Counts a sign-in at this moment.
pub(super) fn note(tx: &mut Tx, tenant: TenantId, at: Moment, outcome: Outcome) -> Result<(), Error> {
    let key = (tenant, hour_of(at));
    let mut hour = HOURS.find(tx, &key)?.unwrap_or_default();
    match outcome {
        Outcome::Success => hour.ok += 1,
        Outcome::Failure => hour.failed += 1,
    }
    HOURS.put(tx, &key, &hour)
}

/// Up to `limit` hours with sign-ins, the latest first, each with the moment at which it began.
pub fn latest(from: &impl Read, tenant: TenantId, limit: usize) -> Result<Vec<(Moment, Hour)>, Error> {
    let rows = HOURS.page(from, &prefix((tenant,)), None, Order::Descending, limit)?;
    Ok(rows.into_iter().map(|((_, at), hour)| (at, hour)).collect())
}

/// When the oldest hour began.
pub(super) fn oldest(from: &impl Read, tenant: TenantId) -> Result<Option<Moment>, Error> {
    let first = HOURS.page(from, &prefix((tenant,)), None, Order::Ascending, 1)?;
    Ok(first.first().map(|((_, at), _)| *at))
}

/// Removes up to `limit` of the oldest hours that began before `before`; answers how many.
pub(super) fn sweep(tx: &mut Tx, tenant: TenantId, before: Moment, limit: usize) -> Result<usize, Error> {
    let mut rows = HOURS.page(tx, &prefix((tenant,)), None, Order::Ascending, limit)?;
    rows.retain(|((_, at), _)| *at < before);
    for (key, _) in &rows {
        HOURS.delete(tx, key)?;
    }
    Ok(rows.len())
}
