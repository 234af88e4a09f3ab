//! What ends by itself: one index by moment over all kinds, and the sweeper that empties it.

use super::expiry::{self, Expiry};
use super::{authentications, codes, failures, grants, interactions, invites, links, marks, outbox, scripts, sessions};
use crate::base::Moment;
use crate::base::id::TenantId;
use crate::store::{Error, Read, Tx};

/// What kind of row ends.
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

/// The earliest moment at which a row ends, past or to come.
pub fn next(from: &impl Read) -> Result<Option<Moment>, Error> {
    expiry::next(from)
}

/// Removes up to `limit` rows of all tenants whose end has passed; answers how many entries were worked off.
pub fn sweep(tx: &mut Tx, now: Moment, limit: usize) -> Result<usize, Error> {
    let due = expiry::due(tx, now, limit)?;
    for entry in &due {
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == entry.kind) {
            remove(tx, entry.tenant, kind, &entry.key, now)?;
        }
        entry.remove(tx)?;
    }
    Ok(due.len())
}

fn note(tenant: TenantId, kind: Kind, key: &str, at: Moment) -> Expiry {
    Expiry { tenant, at, kind: kind.name().to_owned(), key: key.to_owned() }
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
            if let Some(link) = key.parse().ok().map(|id| links::find(tx, tenant, &id)).transpose()?.flatten()
                && link.expires_at <= now
            {
                links::delete(tx, tenant, &link)?;
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
