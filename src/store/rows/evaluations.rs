//! What came of policies: appended to, paged through, swept at the end of its keeping time.

use crate::base::Moment;
use crate::base::id::{EvaluationId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::records::EvaluationRow;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Snapshot, Table, Tx};

impl Record for EvaluationRow {}

const EVALUATIONS: Table<(TenantId, EvaluationId), EvaluationRow> = Table::new("evaluations");

/// Rows read at most to fill one filtered page.
const SCAN_LIMIT: usize = 5_000;

/// Appends a row.
pub fn append(tx: &mut Tx, tenant: TenantId, row: &EvaluationRow) -> Result<(), Error> {
    EVALUATIONS.put(tx, (tenant, &row.id), row)
}

/// A page of rows that `wanted` accepts, in the given order. The cursor is an evaluation id; a page may be short and
/// still have a successor when few rows are wanted, so read on until `next` is absent.
pub fn page(
    from: &impl Read,
    tenant: TenantId,
    order: Order,
    request: &PageRequest,
    wanted: impl Fn(&EvaluationRow) -> bool,
) -> Result<Page<EvaluationRow>, Error> {
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id: EvaluationId| (tenant, id));
    let rows = EVALUATIONS.page(from, &prefix((tenant,)), after.as_ref(), order, SCAN_LIMIT)?;
    let cut_off = (rows.len() == SCAN_LIMIT).then(|| rows.last().map(|((_, id), _)| id.to_string())).flatten();
    let found = rows.into_iter().map(|(_, row)| row).filter(wanted).take(request.limit + 1).collect();
    let mut page = Page::from_rows(found, request.limit, |row: &EvaluationRow| row.id.to_string());
    page.next = page.next.or(cut_off);
    Ok(page)
}

/// Rows of all tenants.
pub fn count(from: &Snapshot) -> Result<u64, Error> {
    from.count("evaluations")
}

/// When the oldest row was written.
pub fn oldest(from: &impl Read, tenant: TenantId) -> Result<Option<Moment>, Error> {
    let first = EVALUATIONS.page(from, &prefix((tenant,)), None, Order::Ascending, 1)?;
    Ok(first.first().map(|(_, row)| row.at))
}

/// Removes up to `limit` of the oldest rows from before `before`; answers how many.
pub fn sweep(tx: &mut Tx, tenant: TenantId, before: Moment, limit: usize) -> Result<usize, Error> {
    let rows = EVALUATIONS.page(tx, &prefix((tenant,)), None, Order::Ascending, limit)?;
    let mut swept = 0;
    for (key, row) in rows {
        if row.at >= before {
            break;
        }
        EVALUATIONS.delete(tx, &key)?;
        swept += 1;
    }
    Ok(swept)
}
