//! Groups, by id and by name. Who is in one is told by tuples.

use super::filtered::{self, PageRange};
use crate::base::canonical;
use crate::base::id::{GroupId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::base::sort::Sortable as _;
use crate::records::Group;
use crate::store::key::prefix;
use crate::store::{Error, Index, Order, Read, Record, Table, Tx};

impl Record for Group {}

const GROUPS: Table<(TenantId, GroupId), Group> = Table::new("groups");
/// (tenant, name in lower case, group)
const BY_NAME: Index<(TenantId, String, GroupId)> = Index::new("groups_by_name");

/// The group with this id.
pub fn find(from: &(impl Read + ?Sized), tenant: TenantId, id: &GroupId) -> Result<Option<Group>, Error> {
    GROUPS.find(from, (tenant, id))
}

/// The group with this name, without regard to case.
pub fn find_by_name(from: &(impl Read + ?Sized), tenant: TenantId, name: &str) -> Result<Option<Group>, Error> {
    let hits = BY_NAME.page(from, &prefix((tenant, &*canonical::name(name))), None, Order::Ascending, 1)?;
    match hits.into_iter().next() {
        Some((_, _, id)) => find(from, tenant, &id),
        None => Ok(None),
    }
}

/// A page in the order of ids, which is the order of creation.
pub fn page(from: &(impl Read + ?Sized), tenant: TenantId, request: &PageRequest) -> Result<Page<Group>, Error> {
    page_of(from, tenant, request, |_| true)
}

/// As [`page`], of those that `wanted` accepts. A page may be short and still have a successor: read on until `next` is
/// absent.
pub fn page_of(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    request: &PageRequest,
    wanted: impl Fn(&Group) -> bool,
) -> Result<Page<Group>, Error> {
    if let Some(sort) = &request.sort {
        let rank = |group: &Group| group.rank(sort.field());
        return filtered::sorted(from, &GROUPS, &prefix((tenant,)), (sort, request.limit), wanted, rank);
    }
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id: GroupId| (tenant, id));
    let range = PageRange { prefix: prefix((tenant,)), after, order: Order::Ascending, limit: request.limit };
    filtered::page(from, &GROUPS, range, wanted, |(_, id)| id.to_string())
}

/// Writes a group and keeps its name unique; answers false instead of writing when another group has the name. `old` is
/// the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&Group>, new: &Group) -> Result<bool, Error> {
    if find_by_name(tx, tenant, &new.name)?.is_some_and(|other| other.id != new.id) {
        return Ok(false);
    }
    if let Some(old) = old {
        BY_NAME.delete(tx, (tenant, &canonical::name(&old.name), &old.id))?;
    }
    BY_NAME.put(tx, (tenant, &canonical::name(&new.name), &new.id))?;
    GROUPS.put(tx, (tenant, &new.id), new)?;
    Ok(true)
}

/// Lets a group whose name was kept in another form be found by [`canonical::name`]. Two groups that have one name from
/// then on keep it: the older one is found by it, each by its identifier.
pub fn move_name(tx: &mut Tx, tenant: TenantId, group: &Group) -> Result<(), Error> {
    BY_NAME.delete(tx, (tenant, &group.name.to_lowercase(), &group.id))?;
    let new = Group { name: canonical::composed(&group.name), ..group.clone() };
    BY_NAME.put(tx, (tenant, &canonical::name(&new.name), &new.id))?;
    GROUPS.put(tx, (tenant, &new.id), &new)
}

/// Removes a group and its name. Its tuples are the caller's to remove in the same transaction.
pub fn delete(tx: &mut Tx, tenant: TenantId, group: &Group) -> Result<(), Error> {
    BY_NAME.delete(tx, (tenant, &canonical::name(&group.name), &group.id))?;
    GROUPS.delete(tx, (tenant, &group.id))
}

/// As former versions kept names: in small letters, and in whatever form they were typed.
#[cfg(test)]
pub fn put_as_before(tx: &mut Tx, tenant: TenantId, group: &Group) -> Result<(), Error> {
    BY_NAME.put(tx, (tenant, &group.name.to_lowercase(), &group.id))?;
    GROUPS.put(tx, (tenant, &group.id), group)
}
