//! Sign-ins that have begun and are not complete, by id and by person.

use super::expiry::{self, Kind};
use crate::base::id::{AuthenticationId, TenantId, UserId};
use crate::records::Authentication;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Table, Tx};
use crate::store::{GO_ON, Index};

impl Record for Authentication {}

const AUTHENTICATIONS: Table<(TenantId, AuthenticationId), Authentication> = Table::new("authentications");
const BY_USER: Index<(TenantId, UserId, AuthenticationId)> = Index::new("authentications_by_user");

/// Rows of one person that are kept: a newer one takes the place of the oldest.
pub const PER_PERSON: usize = 10;

/// The authentication with this id, expired or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &AuthenticationId) -> Result<Option<Authentication>, Error> {
    AUTHENTICATIONS.find(from, (tenant, id))
}

/// Writes a new authentication.
pub fn put(tx: &mut Tx, tenant: TenantId, new: &Authentication) -> Result<(), Error> {
    expiry::reschedule(tx, tenant, Kind::Authentication, new.id.as_str(), None, new.expires_at)?;
    AUTHENTICATIONS.put(tx, (tenant, &new.id), new)?;
    BY_USER.put(tx, (tenant, &new.user, &new.id))?;
    let held = BY_USER.page(tx, &prefix((tenant, &new.user)), None, Order::Ascending, PER_PERSON + 1)?;
    // Identifiers begin with their moment.
    for (_, _, oldest) in held.iter().take(held.len().saturating_sub(PER_PERSON)) {
        delete(tx, tenant, oldest)?;
    }
    Ok(())
}

/// Removes an authentication, if it is there.
pub fn delete(tx: &mut Tx, tenant: TenantId, id: &AuthenticationId) -> Result<(), Error> {
    let Some(old) = find(tx, tenant, id)? else { return Ok(()) };
    expiry::cancel(tx, tenant, Kind::Authentication, id.as_str(), old.expires_at)?;
    BY_USER.delete(tx, (tenant, &old.user, id))?;
    AUTHENTICATIONS.delete(tx, (tenant, id))
}

/// Removes every authentication of a person.
pub fn delete_of_user(tx: &mut Tx, tenant: TenantId, user: &UserId) -> Result<(), Error> {
    let mut held = Vec::new();
    BY_USER.visit(tx, &prefix((tenant, user)), |(_, _, id)| {
        held.push(id);
        GO_ON
    })?;
    held.iter().try_for_each(|id| delete(tx, tenant, id))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::secret::Digest;
    use crate::records::Wanted;
    use crate::store::Store;
    use crate::store::rows::expired;
    use crate::testing::START;

    const TENANT: TenantId = TenantId::DEFAULT;

    fn of(user: &UserId, after: u64) -> Authentication {
        let created_at = START.plus(Duration::from_secs(after));
        Authentication {
            id: AuthenticationId::new(created_at, &OsEntropy),
            digest: Digest::of("x"),
            browser: String::new(),
            user: user.clone(),
            proofs: Vec::new(),
            wanted: Wanted::POLICY,
            resume: None,
            created_at,
            expires_at: created_at.plus(Duration::from_secs(900)),
        }
    }

    #[test]
    fn a_person_has_ten_at_the_most_and_they_end_by_themselves_or_with_the_person() {
        let store = Store::in_memory();
        let (ann, bob) = (UserId::new(START, &OsEntropy), UserId::new(START, &OsEntropy));
        let rows: Vec<_> = (0..14).map(|n| of(&ann, n)).chain([of(&bob, 0)]).collect();
        for row in rows.clone() {
            store.write_blocking::<_, Error, _>(move |tx| put(tx, TENANT, &row)).unwrap();
        }
        let there = |store: &Store| {
            let from = store.read().unwrap();
            let found = rows.iter().map(|row| find(&from, TENANT, &row.id).unwrap().is_some());
            (found.collect::<Vec<_>>(), from.count("authentications").unwrap(), from.count("expiry").unwrap())
        };
        let (found, count, ends) = there(&store);
        assert_eq!(found.iter().position(|is_there| *is_there), Some(4));
        assert_eq!((count, ends), (11, 11));
        let whose = ann.clone();
        store.write_blocking::<_, Error, _>(move |tx| delete_of_user(tx, TENANT, &whose)).unwrap();
        assert_eq!((there(&store).1, there(&store).2), (1, 1));
        let end = START.plus(Duration::from_secs(900));
        for (now, left) in [(end.minus(Duration::from_millis(1)), 1), (end, 0)] {
            store.write_blocking::<_, Error, _>(move |tx| expired::sweep(tx, now, 10)).unwrap();
            assert_eq!(there(&store).1, left);
        }
    }
}
