//! The audit log: appended to, paged through, swept at the end of its keeping time.

use crate::base::Moment;
use crate::base::id::{AuditId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::records::AuditRow;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Table, Tx};

impl Record for AuditRow {}

const AUDIT: Table<(TenantId, AuditId), AuditRow> = Table::new("audit");

/// Rows read at most to fill one filtered page.
const SCAN_LIMIT: usize = 10_000;

/// Appends a row.
pub fn append(tx: &mut Tx, tenant: TenantId, row: &AuditRow) -> Result<(), Error> {
    AUDIT.put(tx, &(tenant, row.id.clone()), row)
}

/// A page of rows that `wanted` accepts, in the given order. The cursor is an audit id; a page may be short and still have a
/// successor when few rows are wanted, so read on until `next` is absent.
pub fn page(
    from: &impl Read,
    tenant: TenantId,
    order: Order,
    request: &PageRequest,
    wanted: impl Fn(&AuditRow) -> bool,
) -> Result<Page<AuditRow>, Error> {
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id: AuditId| (tenant, id));
    let rows = AUDIT.page(from, &prefix((tenant,)), after.as_ref(), order, SCAN_LIMIT)?;
    let cut_off = (rows.len() == SCAN_LIMIT).then(|| rows.last().map(|((_, id), _)| id.to_string())).flatten();
    let found = rows.into_iter().map(|(_, row)| row).filter(wanted).take(request.limit + 1).collect();
    let mut page = Page::from_rows(found, request.limit, |row: &AuditRow| row.id.to_string());
    page.next = page.next.or(cut_off);
    Ok(page)
}

/// Removes up to `limit` of the oldest rows from before `before`; answers how many.
pub fn sweep(tx: &mut Tx, tenant: TenantId, before: Moment, limit: usize) -> Result<usize, Error> {
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
