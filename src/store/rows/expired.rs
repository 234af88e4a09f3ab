//! The sweeper: removes the rows whose end, as `expiry` notes it, has passed.

use super::expiry::{self, Kind};
use super::{authentications, codes, failures, grants, interactions, invites, links, marks, outbox, scripts, sessions};
use crate::base::Moment;
use crate::base::id::TenantId;
use crate::store::{Error, Read, Tx};

/// The earliest moment at which a row ends, past or to come.
pub fn next(from: &impl Read) -> Result<Option<Moment>, Error> {
    expiry::next(from)
}

/// Removes up to `limit` rows of all tenants whose end has passed; answers how many entries were worked off.
pub fn sweep(tx: &mut Tx, now: Moment, limit: usize) -> Result<usize, Error> {
    let due = expiry::due(tx, now, limit)?;
    for entry in &due {
        if let Some(kind) = Kind::named(&entry.kind) {
            remove(tx, entry.tenant, kind, &entry.key, now)?;
        }
        entry.remove(tx)?;
    }
    Ok(due.len())
}

/// Removes the row if its own end has passed too: an entry may be older than the row's last change.
fn remove(tx: &mut Tx, tenant: TenantId, kind: Kind, key: &str, now: Moment) -> Result<(), Error> {
    match kind {
        Kind::Authentication => {
            if let Some(begun) =
                key.parse().ok().map(|id| authentications::find(tx, tenant, &id)).transpose()?.flatten()
                && begun.expires_at <= now
            {
                authentications::delete(tx, tenant, &begun.id)?;
            }
        }
        Kind::Code => {
            if let Some(code) = key.parse().ok().map(|id| codes::find(tx, tenant, &id)).transpose()?.flatten()
                && code.expires_at <= now
            {
                codes::delete(tx, tenant, &code)?;
            }
        }
        Kind::Delivery => outbox::end(tx, tenant, key, now)?,
        Kind::Failures => marks::delete_failures(tx, tenant, key)?,
        Kind::Grant => {
            if let Some(grant) = key.parse().ok().map(|id| grants::find(tx, tenant, &id)).transpose()?.flatten()
                && grant.expires_at <= now
            {
                grants::delete(tx, tenant, &grant)?;
            }
        }
        Kind::Interaction => {
            if let Ok(id) = key.parse() {
                interactions::forget(tx, tenant, &id, now)?;
            }
        }
        Kind::Invite => {
            if let Some(invite) = key.parse().ok().map(|id| invites::find(tx, tenant, &id)).transpose()?.flatten()
                && invite.expires_at <= now
            {
                invites::delete(tx, tenant, &invite)?;
            }
        }
        Kind::Link => {
            if let Ok(id) = key.parse() {
                links::end(tx, tenant, &id, now)?;
            }
        }
        Kind::Mark => marks::delete(tx, tenant, key)?,
        Kind::Refresh => {
            if let Some(refresh) =
                key.parse().ok().map(|id| grants::find_refresh(tx, tenant, &id)).transpose()?.flatten()
                && refresh.expires_at <= now
            {
                grants::delete_refresh(tx, tenant, &refresh)?;
            }
        }
        Kind::Refused => {
            if let Some(failure) = failures::find_by_name(tx, tenant, key)?
                && failure.expires_at <= now
            {
                failures::delete(tx, tenant, &failure)?;
            }
        }
        Kind::Script => scripts::end(tx, tenant, key, now)?,
        Kind::Session => {
            if let Some(session) = key.parse().ok().map(|id| sessions::find(tx, tenant, &id)).transpose()?.flatten()
                && session.expires_at <= now
            {
                sessions::delete(tx, tenant, &session)?;
            }
        }
    }
    Ok(())
}
