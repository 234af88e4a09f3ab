//! Set-up and recovery links, by id.

use super::expiry::{self, Kind};
use crate::base::id::{LinkId, TenantId};
use crate::records::{Link, LinkPurpose};
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Read, Record, Table, Tx};

impl Record for Link {}

const LINKS: Table<(TenantId, LinkId), Link> = Table::new("links");

/// The link with this id, expired or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &LinkId) -> Result<Option<Link>, Error> {
    LINKS.find(from, (tenant, id))
}

/// Writes a link and removes every other of the same purpose: only the newest works.
pub fn put_only(tx: &mut Tx, tenant: TenantId, link: &Link) -> Result<(), Error> {
    delete_all(tx, tenant, &link.purpose)?;
    expiry::reschedule(tx, tenant, Kind::Link, link.id.as_str(), None, link.expires_at)?;
    LINKS.put(tx, (tenant, &link.id), link)
}

/// Removes every link of a purpose.
pub fn delete_all(tx: &mut Tx, tenant: TenantId, purpose: &LinkPurpose) -> Result<(), Error> {
    LINKS.visit_in(tx, &prefix((tenant,)), |tx, _, link| {
        if link.purpose == *purpose {
            delete(tx, tenant, &link)?;
        }
        GO_ON
    })
}

/// Removes a link.
pub fn delete(tx: &mut Tx, tenant: TenantId, link: &Link) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Link, link.id.as_str(), link.expires_at)?;
    LINKS.delete(tx, (tenant, &link.id))
}
