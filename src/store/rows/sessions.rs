//! Sessions, by id, by person and by end.

use super::expired::{self, Kind};
use super::filtered::{self, PageRange};
use crate::base::id::{SessionId, TenantId, UserId};
use crate::base::page::{Page, PageRequest};
use crate::base::sort::Sortable as _;
use crate::records::Session;
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Index, Order, Read, Record, Table, Tx};

impl Record for Session {}

const SESSIONS: Table<(TenantId, SessionId), Session> = Table::new("sessions");
const BY_USER: Index<(TenantId, UserId, SessionId)> = Index::new("sessions_by_user");

/// The session with this id, expired or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &SessionId) -> Result<Option<Session>, Error> {
    SESSIONS.find(from, &(tenant, id.clone()))
}

/// All sessions of a person, oldest first, expired ones included until they are swept.
pub fn of_user(from: &impl Read, tenant: TenantId, user: &UserId) -> Result<Vec<Session>, Error> {
    let mut sessions = Vec::new();
    BY_USER.visit(from, &prefix((tenant, user)), |(_, _, id)| {
        sessions.extend(find(from, tenant, &id)?);
        GO_ON
    })?;
    Ok(sessions)
}

/// Sessions of one person that are kept.
pub const PER_PERSON: usize = 100;

/// The sessions of a person above the number that is kept, those first that were not used for the longest time; mostly none.
pub fn surplus(from: &impl Read, tenant: TenantId, user: &UserId) -> Result<Vec<Session>, Error> {
    let held = BY_USER.page(from, &prefix((tenant, user)), None, Order::Ascending, PER_PERSON + 1)?;
    if held.len() <= PER_PERSON {
        return Ok(Vec::new());
    }
    let mut sessions = of_user(from, tenant, user)?;
    sessions.sort_by(|one, two| (one.last_seen_at, &one.id).cmp(&(two.last_seen_at, &two.id)));
    sessions.truncate(sessions.len().saturating_sub(PER_PERSON));
    Ok(sessions)
}

/// A page of the sessions that `wanted` accepts, newest first. The cursor is a session id; a page may be short and still have a successor: read
/// on until `next` is absent.
pub fn page_of(
    from: &impl Read,
    tenant: TenantId,
    request: &PageRequest,
    wanted: impl Fn(&Session) -> bool,
) -> Result<Page<Session>, Error> {
    if let Some(sort) = &request.sort {
        let rank = |session: &Session| session.rank(sort.field());
        return filtered::sorted(from, &SESSIONS, &prefix((tenant,)), (sort, request.limit), wanted, rank);
    }
    let after = request.after.as_deref().and_then(|id| id.parse().ok()).map(|id: SessionId| (tenant, id));
    let range = PageRange { prefix: prefix((tenant,)), after, order: Order::Descending, limit: request.limit };
    filtered::page(from, &SESSIONS, range, wanted, |(_, id)| id.to_string())
}

/// Writes a session. `old` is the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&Session>, new: &Session) -> Result<(), Error> {
    expired::reschedule(tx, tenant, Kind::Session, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    BY_USER.put(tx, &(tenant, new.user.clone(), new.id.clone()))?;
    SESSIONS.put(tx, &(tenant, new.id.clone()), new)
}

/// Removes a session.
pub fn delete(tx: &mut Tx, tenant: TenantId, session: &Session) -> Result<(), Error> {
    expired::cancel(tx, tenant, Kind::Session, session.id.as_str(), session.expires_at)?;
    BY_USER.delete(tx, &(tenant, session.user.clone(), session.id.clone()))?;
    SESSIONS.delete(tx, &(tenant, session.id.clone()))
}
