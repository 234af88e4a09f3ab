//! What redb reports, in the store's words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{
    CommitError, CompactionError, SavepointError, SetDurabilityError, StorageError, TableError, TransactionError,
};

use crate::base::panic::message_of;
use crate::store::Error;

/// Turns a panic within redb, as damaged pages can cause, into an error.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::Damaged(format!("the engine stopped: {}", message_of(panic.as_ref())))))
}

/// What redb reports, in the store's words.
pub(super) fn fault(error: impl Into<Fault>) -> Error {
    match error.into().0 {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::Damaged(String::from("it ends too early"))
        }
        redb::Error::Io(error) => error.into(),
        redb::Error::Corrupted(reason) => Error::Damaged(reason),
        redb::Error::DatabaseClosed => Error::Closed,
        redb::Error::PreviousIo => Error::Io(String::from("a write failed before")),
        other => Error::Io(other.to_string()),
    }
}

/// Any error of redb.
pub(super) struct Fault(redb::Error);

macro_rules! faults {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self(error.into())
            }
        }
    )*};
}

faults!(
    StorageError,
    TableError,
    TransactionError,
    CommitError,
    CompactionError,
    SavepointError,
    SetDurabilityError,
    redb::DatabaseError
);
