//! Invitations, by id.

use super::expiry::{self, Kind};
use crate::base::id::{InviteId, TenantId};
use crate::records::Invite;
use crate::store::{Error, Read, Record, Table, Tx};

impl Record for Invite {}

const INVITES: Table<(TenantId, InviteId), Invite> = Table::new("invites");

/// The invitation with this id, used or expired or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &InviteId) -> Result<Option<Invite>, Error> {
    INVITES.find(from, (tenant, id))
}

/// Writes an invitation. `old` is the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&Invite>, new: &Invite) -> Result<(), Error> {
    expiry::reschedule(tx, tenant, Kind::Invite, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    INVITES.put(tx, (tenant, &new.id), new)
}

/// Removes an invitation.
pub fn delete(tx: &mut Tx, tenant: TenantId, invite: &Invite) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Invite, invite.id.as_str(), invite.expires_at)?;
    INVITES.delete(tx, (tenant, &invite.id))
}
