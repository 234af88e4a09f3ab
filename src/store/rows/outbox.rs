//! The outbox: deliveries by id, and those that wait by the moment of their next try.

use super::expiry::{self, Kind};
use super::filtered::{self, PageRange};
use crate::base::Moment;
use crate::base::id::{DeliveryId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::records::{Delivery, DeliveryState};
use crate::store::key::prefix;
use crate::store::{Error, Index, Order, Read, Record, Snapshot, Table, Tx};

impl Record for Delivery {}

const OUTBOX: Table<(TenantId, DeliveryId), Delivery> = Table::new("outbox");

const BY_DUE: Index<(TenantId, Moment, DeliveryId)> = Index::new("outbox_by_due");

/// The delivery with this id, dead or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &DeliveryId) -> Result<Option<Delivery>, Error> {
    OUTBOX.find(from, (tenant, id))
}

/// Writes a delivery. `old` is the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&Delivery>, new: &Delivery) -> Result<(), Error> {
    expiry::reschedule(tx, tenant, Kind::Delivery, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    if let Some(old) = old {
        BY_DUE.delete(tx, (tenant, old.due, &old.id))?;
    }
    if new.state == DeliveryState::Waiting {
        BY_DUE.put(tx, (tenant, new.due, &new.id))?;
    }
    OUTBOX.put(tx, (tenant, &new.id), new)
}

/// Removes a delivery.
pub fn delete(tx: &mut Tx, tenant: TenantId, delivery: &Delivery) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Delivery, delivery.id.as_str(), delivery.expires_at)?;
    BY_DUE.delete(tx, (tenant, delivery.due, &delivery.id))?;
    OUTBOX.delete(tx, (tenant, &delivery.id))
}

/// Up to `limit` deliveries whose next try is due at `now`, the earliest first.
pub fn due(from: &impl Read, tenant: TenantId, now: Moment, limit: usize) -> Result<Vec<Delivery>, Error> {
    let waiting = BY_DUE.between(from, &prefix((tenant,)), &prefix((tenant, now)), limit)?;
    let mut found = Vec::with_capacity(waiting.len());
    for (_, _, id) in waiting {
        found.extend(find(from, tenant, &id)?);
    }
    Ok(found)
}

/// When the next try is due, past or to come; `None` when nothing waits.
pub fn next_due(from: &impl Read, tenant: TenantId) -> Result<Option<Moment>, Error> {
    let first = BY_DUE.page(from, &prefix((tenant,)), None, Order::Ascending, 1)?;
    Ok(first.into_iter().next().map(|(_, due, _)| due))
}

/// A page of the deliveries that `wanted` accepts, newest first. It may be short and still have a successor: read on
/// until `next` is absent.
pub fn page(
    from: &impl Read,
    tenant: TenantId,
    request: &PageRequest,
    wanted: impl Fn(&Delivery) -> bool,
) -> Result<Page<Delivery>, Error> {
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id| (tenant, id));
    let place = PageRange { prefix: prefix((tenant,)), after, order: Order::Descending, limit: request.limit };
    filtered::page(from, &OUTBOX, place, wanted, |(_, id)| id.to_string())
}

/// Deliveries of all tenants, dead ones included.
pub fn count(from: &Snapshot) -> Result<u64, Error> {
    from.count("outbox")
}

/// Deliveries of all tenants that are still tried.
pub fn waiting(from: &Snapshot) -> Result<u64, Error> {
    from.count("outbox_by_due")
}

/// Removes the delivery with this id if its own end has passed too.
pub(super) fn end(tx: &mut Tx, tenant: TenantId, id: &str, now: Moment) -> Result<(), Error> {
    let Ok(id) = id.parse() else { return Ok(()) };
    match find(tx, tenant, &id)? {
        Some(delivery) if delivery.expires_at <= now => delete(tx, tenant, &delivery),
        _ => Ok(()),
    }
}
