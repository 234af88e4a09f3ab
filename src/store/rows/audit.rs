//! The audit log: appended to, paged through, swept at the end of its keeping time.

use std::time::Duration;

use super::sign_ins;
use crate::base::id::{AuditId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::base::{Entropy, Moment};
use crate::records::AuditRow;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Table, Tx};

impl Record for AuditRow {}

const AUDIT: Table<(TenantId, AuditId), AuditRow> = Table::new("audit");

/// Rows read at most to fill one filtered page.
const SCAN_LIMIT: usize = 10_000;

/// Rows read at a time, after the first look.
const STEP: usize = 500;

/// What a row is called that tells of a sign-in, well or not.
pub const SIGN_IN: &str = "user.sign_in";

/// Appends a row, and counts it where it tells of a sign-in.
pub fn append(tx: &mut Tx, tenant: TenantId, row: &AuditRow) -> Result<(), Error> {
    count_only(tx, tenant, row)?;
    AUDIT.put(tx, (tenant, &row.id), row)
}

/// Counts what a row tells of that is left out.
pub fn count_only(tx: &mut Tx, tenant: TenantId, row: &AuditRow) -> Result<(), Error> {
    if row.action == SIGN_IN { sign_ins::note(tx, tenant, row.at, row.outcome) } else { Ok(()) }
}

/// From when on, and before when; absent ends are open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// The first moment that is in it.
    pub since: Option<Moment>,
    /// The first moment that is not in it any more.
    pub until: Option<Moment>,
}

impl Span {
    /// What the first row comes after. Identifiers begin with their moment, so the rows before it need not be read.
    fn start(self, order: Order) -> Option<AuditId> {
        match order {
            Order::Descending => self.until.map(|until| AuditId::new(until, &Constant(0))),
            Order::Ascending => {
                self.since.map(|since| AuditId::new(since.minus(Duration::from_millis(1)), &Constant(u8::MAX)))
            }
        }
    }

    /// Whether the row, and with it all that follow, lies behind the span.
    fn is_over(self, order: Order, row: &AuditRow) -> bool {
        match order {
            Order::Descending => self.since.is_some_and(|since| row.at < since),
            Order::Ascending => self.until.is_some_and(|until| row.at >= until),
        }
    }
}

/// Fills with one byte: for the smallest and the largest identifier of a moment.
struct Constant(u8);

impl Entropy for Constant {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

/// A page of the rows in a span that `wanted` accepts, in the given order. The cursor is an audit id; a page may be
/// short and still have a successor when few rows are wanted, so read on until `next` is absent.
pub fn page(
    from: &impl Read,
    tenant: TenantId,
    (order, span): (Order, Span),
    request: &PageRequest,
    wanted: impl Fn(&AuditRow) -> bool,
) -> Result<Page<AuditRow>, Error> {
    let given = request.after.as_deref().and_then(|id| id.parse::<AuditId>().ok());
    let later = match order {
        Order::Descending => [given, span.start(order)].into_iter().flatten().min(),
        Order::Ascending => [given, span.start(order)].into_iter().flatten().max(),
    };
    let mut after = later.map(|id| (tenant, id));
    let mut found = Vec::new();
    let mut read = 0;
    while read < SCAN_LIMIT && found.len() <= request.limit {
        // Where all rows are wanted, the first look finds them.
        let step = if read == 0 { request.limit + 1 } else { STEP };
        let rows = AUDIT.page(from, &prefix((tenant,)), after.as_ref(), order, step)?;
        let is_end = rows.len() < step || rows.last().is_some_and(|(_, row)| span.is_over(order, row));
        read += rows.len();
        after = rows.last().map(|(key, _)| key.clone());
        found.extend(rows.into_iter().map(|(_, row)| row).filter(|row| !span.is_over(order, row) && wanted(row)));
        if is_end {
            after = None;
            break;
        }
    }
    let mut page = Page::from_rows(found, request.limit, |row: &AuditRow| row.id.to_string());
    page.next = page.next.or(after.map(|(_, id)| id.to_string()));
    Ok(page)
}

/// When the oldest row was written, or the oldest hour of sign-ins began.
pub fn oldest(from: &impl Read, tenant: TenantId) -> Result<Option<Moment>, Error> {
    let first = AUDIT.page(from, &prefix((tenant,)), None, Order::Ascending, 1)?;
    let row = first.first().map(|(_, row)| row.at);
    Ok(row.into_iter().chain(sign_ins::oldest(from, tenant)?).min())
}

/// Removes up to `limit` of the oldest rows from before `before`, and as many hours of sign-ins; answers how many rows.
pub fn sweep(tx: &mut Tx, tenant: TenantId, before: Moment, limit: usize) -> Result<usize, Error> {
    sign_ins::sweep(tx, tenant, before, limit)?;
    let rows = AUDIT.page(tx, &prefix((tenant,)), None, Order::Ascending, limit)?;
    let mut swept = 0;
    for (key, row) in rows {
        if row.at >= before {
            break;
        }
        AUDIT.delete(tx, &key)?;
        swept += 1;
    }
    Ok(swept)
}
