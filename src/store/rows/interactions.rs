//! Authorization requests that were answered after one of our pages: each gets one answer.

use serde::{Deserialize, Serialize};

use super::expiry::{self, Kind};
use crate::base::Moment;
use crate::base::id::{InteractionId, TenantId};
use crate::store::{Error, Read, Record, Table, Tx};

/// It got its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Answered {
    expires_at: Moment,
}

impl Record for Answered {}

const ANSWERED: Table<(TenantId, InteractionId), Answered> = Table::new("interactions");

/// Whether the request got its answer.
pub fn is_answered(from: &impl Read, tenant: TenantId, id: &InteractionId) -> Result<bool, Error> {
    Ok(ANSWERED.find(from, (tenant, id))?.is_some())
}

/// Notes that the request gets its answer now; false when it had one before, and then nothing is written. `until` is
/// when the request itself has ended, and the note with it.
pub fn answer(tx: &mut Tx, tenant: TenantId, id: &InteractionId, until: Moment) -> Result<bool, Error> {
    if is_answered(tx, tenant, id)? {
        return Ok(false);
    }
    expiry::reschedule(tx, tenant, Kind::Interaction, id.as_str(), None, until)?;
    ANSWERED.put(tx, (tenant, id), &Answered { expires_at: until })?;
    Ok(true)
}

/// Removes the note when it has ended.
pub(super) fn forget(tx: &mut Tx, tenant: TenantId, id: &InteractionId, now: Moment) -> Result<(), Error> {
    let key = (tenant, id.clone());
    let has_ended = ANSWERED.find(tx, &key)?.is_some_and(|answered| answered.expires_at <= now);
    if has_ended { ANSWERED.delete(tx, &key) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::store::Store;
    use crate::store::rows::expired;
    use crate::testing::START;

    const TENANT: TenantId = TenantId::DEFAULT;

    #[test]
    fn a_request_is_answered_once_and_the_note_ends_with_it() {
        let store = Store::in_memory();
        let id = InteractionId::new(START, &OsEntropy);
        let until = START.plus(Duration::from_secs(60));
        for is_first in [true, false] {
            let one = id.clone();
            let written = store.write_blocking::<_, Error, _>(move |tx| answer(tx, TENANT, &one, until));
            assert_eq!(written.unwrap(), is_first);
        }
        let is_noted = || is_answered(&store.read().unwrap(), TENANT, &id).unwrap();
        for (now, stays) in [(START, true), (until, false)] {
            store.write_blocking::<_, Error, _>(move |tx| expired::sweep(tx, now, 10)).unwrap();
            assert_eq!(is_noted(), stays);
        }
    }
}
