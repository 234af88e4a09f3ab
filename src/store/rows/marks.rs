//! Small facts that last for a while: used assertion ids, revoked token ids, failed sign-ins, and the installation's own values.

use serde::{Deserialize, Serialize};

use super::expired::{self, Kind};
use crate::base::Moment;
use crate::base::id::TenantId;
use crate::records::SignInFailures;
use crate::store::{Error, Read, Record, Table, Tx};

/// Until when a mark holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    expires_at: Moment,
}

impl Record for Mark {}
impl Record for SignInFailures {}

/// A value of the installation: text by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Value {
    value: String,
}

impl Record for Value {}

const MARKS: Table<(TenantId, String), Mark> = Table::new("marks");
const FAILURES: Table<(TenantId, String), SignInFailures> = Table::new("sign_in_failures");
const VALUES: Table<(TenantId, String), Value> = Table::new("installation");

/// What a mark means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A client assertion's `jti` was seen (RFC 7523 §3 item 7).
    AssertionSeen,
    /// An access token's `jti` was revoked (RFC 7009).
    TokenRevoked,
}

impl Meaning {
    fn name(self, text: &str) -> String {
        match self {
            Self::AssertionSeen => format!("assertion {text}"),
            Self::TokenRevoked => format!("token {text}"),
        }
    }
}

/// Whether the mark was set and still holds at `now`.
pub fn holds(from: &impl Read, tenant: TenantId, meaning: Meaning, text: &str, now: Moment) -> Result<bool, Error> {
    Ok(MARKS.find(from, &(tenant, meaning.name(text)))?.is_some_and(|mark| mark.expires_at > now))
}

/// Sets the mark until `until`; answers whether it is new, so that the first of many callers can be told from the others.
pub fn set(tx: &mut Tx, tenant: TenantId, meaning: Meaning, text: &str, until: Moment) -> Result<bool, Error> {
    let key = (tenant, meaning.name(text));
    let old = MARKS.find(tx, &key)?;
    expired::reschedule(tx, tenant, Kind::Mark, &key.1, old.as_ref().map(|mark| mark.expires_at), until)?;
    MARKS.put(tx, &key, &Mark { expires_at: until })?;
    Ok(old.is_none())
}

pub(super) fn delete(tx: &mut Tx, tenant: TenantId, name: &str) -> Result<(), Error> {
    MARKS.delete(tx, &(tenant, name.to_owned()))
}

/// Failed sign-ins counted for this canonical identifier.
pub fn failures(from: &impl Read, tenant: TenantId, identifier: &str) -> Result<Option<SignInFailures>, Error> {
    FAILURES.find(from, &(tenant, identifier.to_owned()))
}

/// Writes the count. `old` is the row as it was read in this transaction, if there was one.
pub fn put_failures(
    tx: &mut Tx,
    tenant: TenantId,
    identifier: &str,
    old: Option<&SignInFailures>,
    new: &SignInFailures,
) -> Result<(), Error> {
    expired::reschedule(tx, tenant, Kind::Failures, identifier, old.map(|old| old.expires_at), new.expires_at)?;
    FAILURES.put(tx, &(tenant, identifier.to_owned()), new)
}

/// Forgets the count.
pub fn delete_failures(
    tx: &mut Tx,
    tenant: TenantId,
    identifier: &str,
    failures: &SignInFailures,
) -> Result<(), Error> {
    expired::cancel(tx, tenant, Kind::Failures, identifier, failures.expires_at)?;
    FAILURES.delete(tx, &(tenant, identifier.to_owned()))
}

/// The value that holds when the latest backup was made, as RFC 3339 writes it.
pub const LAST_BACKUP: &str = "last_backup";

/// A value of the installation.
pub fn value(from: &impl Read, name: &str) -> Result<Option<String>, Error> {
    Ok(VALUES.find(from, &(TenantId::INSTALLATION, name.to_owned()))?.map(|row| row.value))
}

/// Removes a value of the installation.
pub fn delete_value(tx: &mut Tx, name: &str) -> Result<(), Error> {
    VALUES.delete(tx, &(TenantId::INSTALLATION, name.to_owned()))
}

/// Sets a value of the installation.
pub fn put_value(tx: &mut Tx, name: &str, value: &str) -> Result<(), Error> {
    VALUES.put(tx, &(TenantId::INSTALLATION, name.to_owned()), &Value { value: value.to_owned() })
}
