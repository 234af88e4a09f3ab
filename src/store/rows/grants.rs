//! Token families and their refresh tokens; families by person, session and client.

use super::expiry::{self, Kind};
use crate::base::id::{ClientId, GrantId, RefreshId, SessionId, TenantId, UserId};
use crate::records::{Grant, Refresh};
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Index, Order, Read, Record, Table, Tx};

impl Record for Grant {}
impl Record for Refresh {}

const GRANTS: Table<(TenantId, GrantId), Grant> = Table::new("grants");
const BY_USER: Index<(TenantId, UserId, GrantId)> = Index::new("grants_by_user");
const BY_SESSION: Index<(TenantId, SessionId, GrantId)> = Index::new("grants_by_session");
const BY_CLIENT: Index<(TenantId, ClientId, GrantId)> = Index::new("grants_by_client");
const REFRESH: Table<(TenantId, RefreshId), Refresh> = Table::new("refresh_tokens");

const REFRESH_BY_GRANT: Index<(TenantId, GrantId, RefreshId)> = Index::new("refresh_tokens_by_grant");

/// Families of one person that are kept: a newer one takes the place of the oldest, of the same client if that has
/// many.
pub const PER_PERSON: usize = 500;

/// Families of one person with one client, above which it is they that make room.
const PER_CLIENT: usize = 50;

/// Refresh tokens of one family that are kept. Beyond them the oldest used one goes; anyone who shows it is refused as
/// unknown.
pub const REFRESH_PER_FAMILY: usize = 100;

/// The family with this id, revoked or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &GrantId) -> Result<Option<Grant>, Error> {
    GRANTS.find(from, (tenant, id))
}

/// All families of a person.
pub fn of_user(from: &impl Read, tenant: TenantId, user: &UserId) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    BY_USER.visit(from, &prefix((tenant, user)), |(_, _, id)| {
        grants.extend(find(from, tenant, &id)?);
        GO_ON
    })?;
    Ok(grants)
}

/// All families that began in a session.
pub fn of_session(from: &impl Read, tenant: TenantId, session: &SessionId) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    BY_SESSION.visit(from, &prefix((tenant, session)), |(_, _, id)| {
        grants.extend(find(from, tenant, &id)?);
        GO_ON
    })?;
    Ok(grants)
}

/// All families of a client.
pub fn of_client(from: &impl Read, tenant: TenantId, client: &ClientId) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    BY_CLIENT.visit(from, &prefix((tenant, client)), |(_, _, id)| {
        grants.extend(find(from, tenant, &id)?);
        GO_ON
    })?;
    Ok(grants)
}

/// Writes a family. `old` is the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&Grant>, new: &Grant) -> Result<(), Error> {
    expiry::reschedule(tx, tenant, Kind::Grant, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    if old.is_none() {
        make_room(tx, tenant, new)?;
        BY_USER.put(tx, (tenant, &new.user, &new.id))?;
        BY_SESSION.put(tx, (tenant, &new.session, &new.id))?;
        BY_CLIENT.put(tx, (tenant, &new.client, &new.id))?;
    }
    GRANTS.put(tx, (tenant, &new.id), new)
}

/// Removes the family that a new one takes the place of, with its refresh tokens, when there are as many as are kept.
fn make_room(tx: &mut Tx, tenant: TenantId, new: &Grant) -> Result<(), Error> {
    let held = BY_USER.page(tx, &prefix((tenant, &new.user)), None, Order::Ascending, PER_PERSON)?;
    if held.len() < PER_PERSON {
        return Ok(());
    }
    let held = load(tx, tenant, held.into_iter().map(|(_, _, id)| id))?;
    let of_client: Vec<&Grant> = held.iter().filter(|grant| grant.client == new.client).collect();
    let oldest = if of_client.len() > PER_CLIENT { of_client.first().copied() } else { held.first() };
    let Some(oldest) = oldest else { return Ok(()) };
    REFRESH_BY_GRANT.visit_in(tx, &prefix((tenant, &oldest.id)), |tx, (_, _, id)| {
        if let Some(refresh) = find_refresh(tx, tenant, &id)? {
            delete_refresh(tx, tenant, &refresh)?;
        }
        GO_ON
    })?;
    delete(tx, tenant, oldest)
}

/// Removes a family; its refresh tokens answer nothing without it and are swept at their own end.
pub fn delete(tx: &mut Tx, tenant: TenantId, grant: &Grant) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Grant, grant.id.as_str(), grant.expires_at)?;
    BY_USER.delete(tx, (tenant, &grant.user, &grant.id))?;
    BY_SESSION.delete(tx, (tenant, &grant.session, &grant.id))?;
    BY_CLIENT.delete(tx, (tenant, &grant.client, &grant.id))?;
    GRANTS.delete(tx, (tenant, &grant.id))
}

/// The refresh token with this id, used or expired or not.
pub fn find_refresh(from: &impl Read, tenant: TenantId, id: &RefreshId) -> Result<Option<Refresh>, Error> {
    REFRESH.find(from, (tenant, id))
}

/// Writes a refresh token. `old` is the row as it was read in this transaction, if there was one.
pub fn put_refresh(tx: &mut Tx, tenant: TenantId, old: Option<&Refresh>, new: &Refresh) -> Result<(), Error> {
    expiry::reschedule(tx, tenant, Kind::Refresh, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    if old.is_some() {
        return REFRESH.put(tx, (tenant, &new.id), new);
    }
    // A family that is full stays full: each further token takes the place of an old one.
    let full = u32::try_from(REFRESH_PER_FAMILY).unwrap_or(u32::MAX).saturating_add(1);
    let new = &Refresh { in_family: new.in_family.min(full), ..new.clone() };
    REFRESH.put(tx, (tenant, &new.id), new)?;
    REFRESH_BY_GRANT.put(tx, (tenant, &new.grant, &new.id))?;
    let is_full = match new.in_family {
        0 => {
            let held = REFRESH_BY_GRANT.page(
                tx,
                &prefix((tenant, &new.grant)),
                None,
                Order::Ascending,
                REFRESH_PER_FAMILY + 1,
            )?;
            held.len() > REFRESH_PER_FAMILY
        }
        known => known >= full,
    };
    if is_full { forget_oldest_used(tx, tenant, &new.grant) } else { Ok(()) }
}

/// Removes a token of a full family. The token that was used last stays: it tells which of those that were given in its
/// place goes on.
fn forget_oldest_used(tx: &mut Tx, tenant: TenantId, grant: &GrantId) -> Result<(), Error> {
    // The oldest are used ones nearly always.
    for limit in [4, REFRESH_PER_FAMILY + 1] {
        let held = REFRESH_BY_GRANT.page(tx, &prefix((tenant, grant)), None, Order::Ascending, limit)?;
        let (mut used, mut unused) = (None, None);
        for (_, grant, id) in held {
            match find_refresh(tx, tenant, &id)? {
                Some(refresh) if refresh.rotated.is_none() => {
                    unused.get_or_insert(refresh);
                }
                Some(refresh) => match &used {
                    Some(oldest) => return delete_refresh(tx, tenant, oldest),
                    None => used = Some(refresh),
                },
                None => return REFRESH_BY_GRANT.delete(tx, (tenant, &grant, &id)),
            }
        }
        if let Some(oldest) = unused.filter(|_| limit > REFRESH_PER_FAMILY) {
            return delete_refresh(tx, tenant, &oldest);
        }
    }
    Ok(())
}

/// Removes a refresh token.
pub fn delete_refresh(tx: &mut Tx, tenant: TenantId, refresh: &Refresh) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Refresh, refresh.id.as_str(), refresh.expires_at)?;
    REFRESH_BY_GRANT.delete(tx, (tenant, &refresh.grant, &refresh.id))?;
    REFRESH.delete(tx, (tenant, &refresh.id))
}

fn load(from: &impl Read, tenant: TenantId, ids: impl Iterator<Item = GrantId>) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    for id in ids {
        grants.extend(find(from, tenant, &id)?);
    }
    Ok(grants)
}
