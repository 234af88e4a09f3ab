//! Set-up links, and those that set a password, by id and by person.

use super::expiry::{self, Kind};
use crate::base::Moment;
use crate::base::id::{LinkId, TenantId, UserId};
use crate::records::{Link, LinkPurpose};
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Index, Read, Record, Table, Tx};

impl Record for Link {}

const LINKS: Table<(TenantId, LinkId), Link> = Table::new("links");
const BY_USER: Index<(TenantId, UserId, LinkId)> = Index::new("links_by_user");

/// The link with this id, expired or not. One for a person that does not stand under them, as versions before the
/// index wrote it, is none: nothing would find it when what is theirs ends.
pub fn find(from: &impl Read, tenant: TenantId, id: &LinkId) -> Result<Option<Link>, Error> {
    let Some(link) = LINKS.find(from, (tenant, id))? else { return Ok(None) };
    let is_whole = match &link.purpose {
        LinkPurpose::Setup => true,
        LinkPurpose::Recover(user) => BY_USER.contains(from, (tenant, user, id))?,
    };
    Ok(is_whole.then_some(link))
}

/// Writes a link and removes every other of the same purpose: only the newest works.
pub fn put_only(tx: &mut Tx, tenant: TenantId, link: &Link) -> Result<(), Error> {
    delete_all(tx, tenant, &link.purpose)?;
    expiry::reschedule(tx, tenant, Kind::Link, link.id.as_str(), None, link.expires_at)?;
    if let LinkPurpose::Recover(user) = &link.purpose {
        BY_USER.put(tx, (tenant, user, &link.id))?;
    }
    LINKS.put(tx, (tenant, &link.id), link)
}

/// Removes every link of a purpose.
pub fn delete_all(tx: &mut Tx, tenant: TenantId, purpose: &LinkPurpose) -> Result<(), Error> {
    match purpose {
        // Looked for only until there is an administrator: until then there are few links.
        LinkPurpose::Setup => LINKS.visit_in(tx, &prefix((tenant,)), |tx, id, link| {
            if link.purpose == LinkPurpose::Setup {
                delete(tx, tenant, &id.1)?;
            }
            GO_ON
        }),
        LinkPurpose::Recover(user) => BY_USER.visit_in(tx, &prefix((tenant, user)), |tx, (_, _, id)| {
            delete(tx, tenant, &id)?;
            GO_ON
        }),
    }
}

/// Removes a link, if it is there.
pub fn delete(tx: &mut Tx, tenant: TenantId, id: &LinkId) -> Result<(), Error> {
    let Some(link) = LINKS.find(tx, (tenant, id))? else { return Ok(()) };
    expiry::cancel(tx, tenant, Kind::Link, id.as_str(), link.expires_at)?;
    if let LinkPurpose::Recover(user) = &link.purpose {
        BY_USER.delete(tx, (tenant, user, id))?;
    }
    LINKS.delete(tx, (tenant, id))
}

/// Removes a link whose time is over.
pub fn end(tx: &mut Tx, tenant: TenantId, id: &LinkId, now: Moment) -> Result<(), Error> {
    match LINKS.find(tx, (tenant, id))? {
        Some(link) if link.expires_at <= now => delete(tx, tenant, id),
        _ => Ok(()),
    }
}
