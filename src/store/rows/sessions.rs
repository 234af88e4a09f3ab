//! Sessions, by id, by person and by end.

use serde::Deserialize;

use super::expiry::{self, Kind};
use super::filtered::{self, PageRange};
use crate::base::Moment;
use crate::base::id::{ClientId, SessionId, TenantId, UserId};
use crate::base::page::{Page, PageRequest};
use crate::base::secret::Digest;
use crate::base::sort::Sortable as _;
use crate::records::{Proof, ProofKind, Session};
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Index, Order, Read, Record, Table, Tx, record};

impl Record for Session {
    const VERSION: u8 = 2;

    fn upgrade(version: u8, body: &[u8]) -> Result<Option<Self>, Error> {
        let upgraded = |old: Version1| Some(Self::from(old));
        if version == 1 { record::read_json(body).map(upgraded) } else { Ok(None) }
    }
}

/// A session before proofs were kept: all of them began with a password, which could be given again.
#[derive(Deserialize)]
struct Version1 {
    id: SessionId,
    digest: Digest,
    user: UserId,
    created_at: Moment,
    expires_at: Moment,
    #[serde(default)]
    ends_at: Option<Moment>,
    last_seen_at: Moment,
    auth_time: Moment,
    #[serde(default)]
    confirmed_at: Option<Moment>,
    ip: Option<String>,
    user_agent: Option<String>,
    #[serde(default)]
    clients: Vec<ClientId>,
}

impl From<Version1> for Session {
    fn from(old: Version1) -> Self {
        let at = old.confirmed_at.unwrap_or(old.auth_time);
        Self {
            id: old.id,
            digest: old.digest,
            user: old.user,
            created_at: old.created_at,
            expires_at: old.expires_at,
            ends_at: old.ends_at,
            last_seen_at: old.last_seen_at,
            proofs: vec![Proof { kind: ProofKind::Password, at }],
            ip: old.ip,
            user_agent: old.user_agent,
            earlier: Vec::new(),
            clients: old.clients,
        }
    }
}

const SESSIONS: Table<(TenantId, SessionId), Session> = Table::new("sessions");
const BY_USER: Index<(TenantId, UserId, SessionId)> = Index::new("sessions_by_user");

/// The session with this id, expired or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &SessionId) -> Result<Option<Session>, Error> {
    SESSIONS.find(from, (tenant, id))
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

/// The sessions of a person above the number that is kept, those first that were not used for the longest time; mostly
/// none.
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

/// A page of the sessions that `wanted` accepts, newest first. The cursor is a session id; a page may be short and
/// still have a successor: read on until `next` is absent.
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
    expiry::reschedule(tx, tenant, Kind::Session, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    BY_USER.put(tx, (tenant, &new.user, &new.id))?;
    SESSIONS.put(tx, (tenant, &new.id), new)
}

/// Removes a session.
pub fn delete(tx: &mut Tx, tenant: TenantId, session: &Session) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Session, session.id.as_str(), session.expires_at)?;
    BY_USER.delete(tx, (tenant, &session.user, &session.id))?;
    SESSIONS.delete(tx, (tenant, &session.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{record_from_bytes, record_to_bytes};

    #[test]
    fn a_session_from_before_proofs_were_kept_is_one_by_password() {
        let row = |confirmed: &str| {
            let body = format!(
                r#"{{"id":"ses_06gvo8eknfl8s00b91rhhk5gv8","digest":"{digest}","user":"usr_06gvo8eknfl8s00b91rhhk5gv8","created_at":1000,
                "expires_at":9000,"last_seen_at":2000,"auth_time":1500,{confirmed}"amr":["pwd"],"ip":null,"user_agent":"curl"}}"#,
                digest = "A".repeat(43)
            );
            record_from_bytes::<Session>(&[b"\x01", body.as_bytes()].concat()).unwrap()
        };
        let by_password = |at| vec![Proof { kind: ProofKind::Password, at: Moment::from_millis(at) }];
        assert_eq!(row("").proofs, by_password(1500));
        let confirmed = row(r#""confirmed_at":1700,"#);
        assert_eq!((confirmed.proofs.clone(), confirmed.auth_time()), (by_password(1700), Moment::from_millis(1700)));
        // As it is written from now on.
        let bytes = record_to_bytes(&confirmed).unwrap();
        assert_eq!(bytes.first(), Some(&2));
        assert_eq!(record_from_bytes::<Session>(&bytes).unwrap().proofs, confirmed.proofs);
    }
}
