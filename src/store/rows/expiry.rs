//! When rows end: one index by moment over all kinds. What is to be deleted for a kind is known to the queries by noun,
//! and `expired` calls them.

use std::ops::ControlFlow;

use crate::base::Moment;
use crate::base::id::TenantId;
use crate::store::key::prefix;
use crate::store::{Error, Index, Order, Read, Tx};

type ExpiryKey = (TenantId, Moment, String, String);

/// The index of endings.
const EXPIRY: Index<ExpiryKey> = Index::new("expiry");

/// One row that ends: which one, and when.
///
/// Anyone who writes a row that ends notes it here in the same transaction, and moves the note when the ending moves.
/// The sweeper asks for [`due`] in small batches, deletes the rows and removes the notes in one transaction per batch.
/// Rows past their end that are not yet swept still exist: rules compare the moment in the record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// The tenant of the row.
    pub tenant: TenantId,
    /// From this moment on the row may be deleted.
    pub at: Moment,
    /// What kind of row: usually the name of its table.
    pub kind: String,
    /// The row's key as text: usually its identifier.
    pub key: String,
}

impl Expiry {
    fn index_key(&self) -> ExpiryKey {
        (self.tenant, self.at, self.kind.clone(), self.key.clone())
    }

    /// Notes the ending.
    pub fn put(&self, tx: &mut Tx) -> Result<(), Error> {
        EXPIRY.put(tx, &self.index_key())
    }

    /// Removes the note, if it is there.
    pub fn remove(&self, tx: &mut Tx) -> Result<(), Error> {
        EXPIRY.delete(tx, &self.index_key())
    }
}

/// What kind of row ends. Who writes a row that ends notes it here in the same transaction, and moves the note when the
/// ending moves: [`reschedule`], [`cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Authentication,
    Code,
    Delivery,
    Failures,
    Grant,
    Interaction,
    Invite,
    Link,
    Mark,
    Refresh,
    Refused,
    Script,
    Session,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Authentication,
        Self::Code,
        Self::Delivery,
        Self::Failures,
        Self::Grant,
        Self::Interaction,
        Self::Invite,
        Self::Link,
        Self::Mark,
        Self::Refresh,
        Self::Refused,
        Self::Script,
        Self::Session,
    ];

    /// The kind that has this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Code => "code",
            Self::Delivery => "delivery",
            Self::Failures => "failures",
            Self::Grant => "grant",
            Self::Interaction => "interaction",
            Self::Invite => "invite",
            Self::Link => "link",
            Self::Mark => "mark",
            Self::Refresh => "refresh",
            Self::Refused => "refused",
            Self::Script => "script",
            Self::Session => "session",
        }
    }
}

/// Notes that the row ends at `new` instead of `old`.
pub(super) fn reschedule(
    tx: &mut Tx,
    tenant: TenantId,
    kind: Kind,
    key: &str,
    old: Option<Moment>,
    new: Moment,
) -> Result<(), Error> {
    match old {
        Some(old) if old == new => return Ok(()),
        Some(old) => note(tenant, kind, key, old).remove(tx)?,
        None => {}
    }
    note(tenant, kind, key, new).put(tx)
}

/// Notes that the row is gone.
pub(super) fn cancel(tx: &mut Tx, tenant: TenantId, kind: Kind, key: &str, at: Moment) -> Result<(), Error> {
    note(tenant, kind, key, at).remove(tx)
}

fn note(tenant: TenantId, kind: Kind, key: &str, at: Moment) -> Expiry {
    Expiry { tenant, at, kind: kind.name().to_owned(), key: key.to_owned() }
}

/// Up to `limit` rows, of all tenants, that have ended at `now`; within a tenant the earliest first.
pub fn due(from: &(impl Read + ?Sized), now: Moment, limit: usize) -> Result<Vec<Expiry>, Error> {
    let mut found = Vec::new();
    let _ = each_tenant(from, |tenant| {
        let (first, last) = (prefix((tenant,)), prefix((tenant, now)));
        let keys = EXPIRY.between(from, &first, &last, limit - found.len())?;
        found.extend(keys.into_iter().map(|(tenant, at, kind, key)| Expiry { tenant, at, kind, key }));
        Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

/// The earliest moment at which a row ends, past or to come: when the sweeper has to look next.
pub fn next(from: &(impl Read + ?Sized)) -> Result<Option<Moment>, Error> {
    let mut earliest: Option<Moment> = None;
    let _ = each_tenant(from, |tenant| {
        let first = EXPIRY.page(from, &prefix((tenant,)), None, Order::Ascending, 1)?;
        earliest = first.into_iter().map(|(_, at, _, _)| at).chain(earliest).min();
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(earliest)
}

/// Visits the tenants that have endings, jumping from one to the next.
fn each_tenant(
    from: &(impl Read + ?Sized),
    mut visit: impl FnMut(TenantId) -> Result<ControlFlow<()>, Error>,
) -> Result<ControlFlow<()>, Error> {
    let mut start = Some(0_u32);
    while let Some(at_least) = start {
        let Some((tenant, ..)) = EXPIRY.between(from, &prefix((TenantId(at_least),)), &[], 1)?.pop() else { break };
        if visit(tenant)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        start = tenant.0.checked_add(1);
    }
    Ok(ControlFlow::Continue(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn ending(tenant: u32, at: i64, key: &str) -> Expiry {
        Expiry { tenant: TenantId(tenant), at: Moment::from_millis(at), kind: String::from("code"), key: key.into() }
    }

    #[test]
    fn what_has_ended_is_due_and_nothing_else() {
        let store = Store::in_memory();
        let all =
            [ending(1, 5, "b"), ending(1, 10, "a"), ending(1, 11, "late"), ending(7, 9, "x"), ending(u32::MAX, 3, "y")];
        let rows = all.clone();
        store.write_blocking(move |tx| rows.iter().try_for_each(|row| row.put(tx))).unwrap();
        let snapshot = store.read().unwrap();
        let now = Moment::from_millis(10);
        let [b, a, late, x, y] = all;
        assert_eq!(due(&snapshot, now, 10).unwrap(), [b.clone(), a.clone(), x, y]);
        assert_eq!(due(&snapshot, now, 2).unwrap(), [b.clone(), a]);
        assert_eq!(due(&snapshot, now, 0).unwrap(), []);
        assert_eq!(next(&snapshot).unwrap(), Some(Moment::from_millis(3)));
        assert_eq!(due(&snapshot, Moment::from_millis(-1), 10).unwrap(), []);
        store.write_blocking(move |tx| b.remove(tx)).unwrap();
        assert_eq!(due(&store.read().unwrap(), Moment::from_millis(5), 10).unwrap().len(), 1);
        assert!(due(&store.read().unwrap(), late.at, 10).unwrap().contains(&late));
    }

    #[test]
    fn an_empty_index_has_no_next_moment() {
        assert_eq!(next(&Store::in_memory().read().unwrap()).unwrap(), None);
    }
}
