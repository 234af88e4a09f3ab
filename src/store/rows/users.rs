//! People, by id, by e-mail address and by username.

use serde::{Deserialize, Serialize};

use super::filtered::{self, PageRange};
use crate::base::canonical;
use crate::base::id::{TenantId, UserId};
use crate::base::page::{Page, PageRequest};
use crate::base::sort::Sortable as _;
use crate::records::User;
use crate::store::key::prefix;
use crate::store::{Error, Index, Order, Read, Record, Table, Tx};

impl Record for User {}

const USERS: Table<(TenantId, UserId), User> = Table::new("users");
const STATUSES: Table<(TenantId, UserId), Status> = Table::new("users");
/// (tenant, canonical e-mail, user)
const BY_EMAIL: Index<(TenantId, String, UserId)> = Index::new("users_by_email");
/// (tenant, canonical username, user)
const BY_USERNAME: Index<(TenantId, String, UserId)> = Index::new("users_by_username");

/// What of a person decides whether they may do anything.
#[derive(Serialize, Deserialize)]
struct Status {
    disabled: bool,
}

impl Record for Status {
    const VERSION: u8 = User::VERSION;

    fn upgrade(version: u8, body: &[u8]) -> Result<Option<Self>, Error> {
        Ok(User::upgrade(version, body)?.map(|user| Self { disabled: user.disabled }))
    }
}

/// A name that another person already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Another person has the e-mail address.
    Email,
    /// Another person has the username.
    Username,
}

/// The person with this id.
pub fn find(from: &(impl Read + ?Sized), tenant: TenantId, id: &UserId) -> Result<Option<User>, Error> {
    USERS.find(from, (tenant, id))
}

/// Whether the person with this id is disabled; `None` when there is nobody. Reads nothing else of them.
pub fn is_disabled(from: &(impl Read + ?Sized), tenant: TenantId, id: &UserId) -> Result<Option<bool>, Error> {
    Ok(STATUSES.find(from, (tenant, id))?.map(|status| status.disabled))
}

/// The person whose address has this canonical form.
pub fn find_by_email(from: &(impl Read + ?Sized), tenant: TenantId, canonical: &str) -> Result<Option<User>, Error> {
    by_name(from, tenant, &BY_EMAIL, canonical)
}

/// The person whose username has this canonical form.
pub fn find_by_username(from: &(impl Read + ?Sized), tenant: TenantId, canonical: &str) -> Result<Option<User>, Error> {
    by_name(from, tenant, &BY_USERNAME, canonical)
}

/// A page of people, oldest first. The cursor is a user id.
pub fn page(from: &(impl Read + ?Sized), tenant: TenantId, request: &PageRequest) -> Result<Page<User>, Error> {
    page_of(from, tenant, request, |_| true)
}

/// As [`page`], of those that `wanted` accepts. A page may be short and still have a successor: read on until `next` is
/// absent.
pub fn page_of(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    request: &PageRequest,
    wanted: impl Fn(&User) -> bool,
) -> Result<Page<User>, Error> {
    if let Some(sort) = &request.sort {
        let rank = |user: &User| user.rank(sort.field());
        return filtered::sorted(from, &USERS, &prefix((tenant,)), (sort, request.limit), wanted, rank);
    }
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id: UserId| (tenant, id));
    let range = PageRange { prefix: prefix((tenant,)), after, order: Order::Ascending, limit: request.limit };
    filtered::page(from, &USERS, range, wanted, |(_, id)| id.to_string())
}

/// Writes a person and keeps both names unique. `old` is the row as it was read in this transaction, if there was one.
/// Answers which name is taken instead of writing when another person has it.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&User>, new: &User) -> Result<Result<(), Taken>, Error> {
    if let Some(email) = canonical::email(&new.email)
        && find_by_email(tx, tenant, &email)?.is_some_and(|other| other.id != new.id)
    {
        return Ok(Err(Taken::Email));
    }
    let username = new.username.as_deref().and_then(canonical::username);
    if let Some(username) = &username
        && find_by_username(tx, tenant, username)?.is_some_and(|other| other.id != new.id)
    {
        return Ok(Err(Taken::Username));
    }
    if let Some(old) = old {
        remove_names(tx, tenant, old)?;
    }
    if let Some(email) = canonical::email(&new.email) {
        BY_EMAIL.put(tx, (tenant, &email, &new.id))?;
    }
    if let Some(username) = username {
        BY_USERNAME.put(tx, (tenant, &username, &new.id))?;
    }
    USERS.put(tx, (tenant, &new.id), new)?;
    Ok(Ok(()))
}

/// Moves a person in the index of addresses from `before`, which a former version took for the canonical form.
pub(in crate::store) fn move_address(tx: &mut Tx, tenant: TenantId, user: &User, before: &str) -> Result<(), Error> {
    BY_EMAIL.delete(tx, (tenant, before, &user.id))?;
    match canonical::email(&user.email) {
        Some(email) => BY_EMAIL.put(tx, (tenant, &email, &user.id)),
        None => Ok(()),
    }
}

/// Writes a person as a former version did, found by `address`.
#[cfg(test)]
pub(in crate::store) fn write_as_before(
    tx: &mut Tx,
    tenant: TenantId,
    user: &User,
    address: &str,
) -> Result<(), Error> {
    BY_EMAIL.put(tx, (tenant, address, &user.id))?;
    USERS.put(tx, (tenant, &user.id), user)
}

/// Removes a person and their names. What belongs to them is the caller's to remove in the same transaction.
pub fn delete(tx: &mut Tx, tenant: TenantId, user: &User) -> Result<(), Error> {
    remove_names(tx, tenant, user)?;
    USERS.delete(tx, (tenant, &user.id))
}

fn remove_names(tx: &mut Tx, tenant: TenantId, user: &User) -> Result<(), Error> {
    if let Some(email) = canonical::email(&user.email) {
        BY_EMAIL.delete(tx, (tenant, &email, &user.id))?;
    }
    if let Some(username) = user.username.as_deref().and_then(canonical::username) {
        BY_USERNAME.delete(tx, (tenant, &username, &user.id))?;
    }
    Ok(())
}

fn by_name(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    index: &Index<(TenantId, String, UserId)>,
    name: &str,
) -> Result<Option<User>, Error> {
    let hits = index.page(from, &prefix((tenant, name)), None, Order::Ascending, 1)?;
    match hits.into_iter().next() {
        Some((_, _, id)) => find(from, tenant, &id),
        None => Ok(None),
    }
}
