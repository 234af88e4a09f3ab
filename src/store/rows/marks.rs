//! Small facts that last for a while: used assertion ids, revoked token ids; and the installation's own values.

use serde::{Deserialize, Serialize};

use super::expiry::{self, Kind};
use crate::base::Moment;
use crate::base::id::TenantId;
use crate::store::{Commit, Error, Read, Record, Table, Tx, prefix};

/// Until when a mark holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    expires_at: Moment,
}

impl Record for Mark {}

/// A value of the installation: text by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Value {
    value: String,
}

impl Record for Value {}

const MARKS: Table<(TenantId, String), Mark> = Table::new("marks");
/// Failed sign-ins, which former versions counted here. Nobody reads them any more; they end by themselves.
const FAILURES: Table<(TenantId, String), Mark> = Table::new("sign_in_failures");
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
    Ok(MARKS.find(from, (tenant, &meaning.name(text)))?.is_some_and(|mark| mark.expires_at > now))
}

/// Sets the mark until `until`; answers whether it is new, so that the first of many callers can be told from the
/// others.
pub fn set(tx: &mut Tx, tenant: TenantId, meaning: Meaning, text: &str, until: Moment) -> Result<bool, Error> {
    let key = (tenant, meaning.name(text));
    let old = MARKS.find(tx, &key)?;
    expiry::reschedule(tx, tenant, Kind::Mark, &key.1, old.as_ref().map(|mark| mark.expires_at), until)?;
    MARKS.put(tx, &key, &Mark { expires_at: until })?;
    Ok(old.is_none())
}

pub(super) fn delete(tx: &mut Tx, tenant: TenantId, name: &str) -> Result<(), Error> {
    MARKS.delete(tx, (tenant, name))
}

/// Removes failed sign-ins that a former version counted.
pub(super) fn delete_failures(tx: &mut Tx, tenant: TenantId, name: &str) -> Result<(), Error> {
    FAILURES.delete(tx, (tenant, name))
}

/// The value that holds when the latest backup was made, as RFC 3339 writes it.
pub const LAST_BACKUP: &str = "last_backup";

/// The value that holds what the dearest stored password hash costs to check, in KiB of work.
pub const PASSWORD_WORK: &str = "password_work";

/// A value of the installation.
pub fn value(from: &impl Read, name: &str) -> Result<Option<String>, Error> {
    Ok(VALUES.find(from, (TenantId::INSTALLATION, name))?.map(|row| row.value))
}

/// Whether a commit may have changed a value of the installation.
pub fn value_may_be_changed_by(commit: &Commit<'_>, name: &str) -> bool {
    VALUES.may_be_changed_by(commit, &prefix((TenantId::INSTALLATION, name)))
}

/// Removes a value of the installation.
pub fn delete_value(tx: &mut Tx, name: &str) -> Result<(), Error> {
    VALUES.delete(tx, (TenantId::INSTALLATION, name))
}

/// Sets a value of the installation.
pub fn put_value(tx: &mut Tx, name: &str, value: &str) -> Result<(), Error> {
    VALUES.put(tx, (TenantId::INSTALLATION, name), &Value { value: value.to_owned() })
}
