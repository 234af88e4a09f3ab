//! Authorization codes, by id.

use super::expired::{self, Kind};
use crate::base::id::{CodeId, TenantId};
use crate::records::Code;
use crate::store::{Error, Read, Record, Table, Tx};

impl Record for Code {}

const CODES: Table<(TenantId, CodeId), Code> = Table::new("codes");

/// The code with this id, used or expired or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &CodeId) -> Result<Option<Code>, Error> {
    CODES.find(from, &(tenant, id.clone()))
}

/// Writes a code. `old` is the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&Code>, new: &Code) -> Result<(), Error> {
    expired::reschedule(tx, tenant, Kind::Code, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    CODES.put(tx, &(tenant, new.id.clone()), new)
}

/// Removes a code.
pub fn delete(tx: &mut Tx, tenant: TenantId, code: &Code) -> Result<(), Error> {
    expired::cancel(tx, tenant, Kind::Code, code.id.as_str(), code.expires_at)?;
    CODES.delete(tx, &(tenant, code.id.clone()))
}
