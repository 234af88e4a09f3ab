//! Authorization codes, by id.

use super::expiry::{self, Kind};
use crate::base::id::{CodeId, TenantId, UserId};
use crate::records::Code;
use crate::store::key::prefix;
use crate::store::{Error, Index, Order, Read, Record, Table, Tx};

impl Record for Code {}

const CODES: Table<(TenantId, CodeId), Code> = Table::new("codes");

const BY_USER: Index<(TenantId, UserId, CodeId)> = Index::new("codes_by_user");

/// Codes of one person that are kept, used ones included: a newer one takes the place of the oldest.
pub const PER_PERSON: usize = 500;

/// The code with this id, used or expired or not.
pub fn find(from: &impl Read, tenant: TenantId, id: &CodeId) -> Result<Option<Code>, Error> {
    CODES.find(from, (tenant, id))
}

/// Writes a code. `old` is the row as it was read in this transaction, if there was one.
pub fn put(tx: &mut Tx, tenant: TenantId, old: Option<&Code>, new: &Code) -> Result<(), Error> {
    expiry::reschedule(tx, tenant, Kind::Code, new.id.as_str(), old.map(|old| old.expires_at), new.expires_at)?;
    CODES.put(tx, (tenant, &new.id), new)?;
    if old.is_none() {
        BY_USER.put(tx, (tenant, &new.user, &new.id))?;
        let held = BY_USER.page(tx, &prefix((tenant, &new.user)), None, Order::Ascending, PER_PERSON + 1)?;
        // Identifiers begin with their moment.
        for (_, user, oldest) in held.iter().take(held.len().saturating_sub(PER_PERSON)) {
            match find(tx, tenant, oldest)? {
                Some(code) => delete(tx, tenant, &code)?,
                None => BY_USER.delete(tx, (tenant, user, oldest))?,
            }
        }
    }
    Ok(())
}

/// Removes a code.
pub fn delete(tx: &mut Tx, tenant: TenantId, code: &Code) -> Result<(), Error> {
    expiry::cancel(tx, tenant, Kind::Code, code.id.as_str(), code.expires_at)?;
    BY_USER.delete(tx, (tenant, &code.user, &code.id))?;
    CODES.delete(tx, (tenant, &code.id))
}
