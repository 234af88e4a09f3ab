//! Texts of scripts that evaluations refer to, by digest: each is stored once.

use super::expiry::{self, Kind};
use crate::base::id::TenantId;
use crate::base::{Moment, ScriptDigest};
use crate::records::Script;
use crate::store::{Error, Read, Record, Snapshot, Table, Tx};

impl Record for Script {}

const SCRIPTS: Table<(TenantId, String), Script> = Table::new("scripts");

/// The text with this digest.
pub fn text(from: &impl Read, tenant: TenantId, digest: ScriptDigest) -> Result<Option<String>, Error> {
    Ok(SCRIPTS.find(from, (tenant, &digest.to_string()))?.map(|script| script.text))
}

/// Until when the text with this digest is kept, as far as it is written down.
pub fn kept_until(from: &impl Read, tenant: TenantId, digest: ScriptDigest) -> Result<Option<Moment>, Error> {
    Ok(SCRIPTS.find(from, (tenant, &digest.to_string()))?.map(|script| script.expires_at))
}

/// Texts of all tenants.
pub fn count(from: &Snapshot) -> Result<u64, Error> {
    from.count("scripts")
}

/// Keeps a text until `until`.
pub fn keep(tx: &mut Tx, tenant: TenantId, text: &str, until: Moment) -> Result<(), Error> {
    let digest = ScriptDigest::of(text).to_string();
    let key = (tenant, digest);
    let old = SCRIPTS.find(tx, &key)?.map(|script| script.expires_at);
    expiry::reschedule(tx, tenant, Kind::Script, &key.1, old, until)?;
    SCRIPTS.put(tx, &key, &Script { text: text.to_owned(), expires_at: until })
}

/// Removes the text that is called this among the rows that end, if its own end has passed too.
pub(super) fn end(tx: &mut Tx, tenant: TenantId, digest: &str, now: Moment) -> Result<(), Error> {
    let key = (tenant, digest.to_owned());
    match SCRIPTS.find(tx, &key)? {
        Some(script) if script.expires_at <= now => SCRIPTS.delete(tx, &key),
        _ => Ok(()),
    }
}
