//! What can go wrong with the outbox.

use crate::rights::{Denied, MayDeny};
use crate::store;

/// Why something could not be put into the outbox, or changed there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such delivery.
    #[error("There is no delivery with this id: it is done, was deleted, or never was.")]
    NotFound,
    /// The outbox has as many rows as it may.
    #[error("The outbox is full. Look at `auther admin outbox list` and remove what makes deliveries fail.")]
    Full,
    /// The payload is larger than it may be.
    #[error("The payload of the delivery is too large.")]
    TooLarge,
    /// The payload is no JSON.
    #[error("The payload of the delivery cannot be written: {0}")]
    Payload(String),
    /// The caller lacks the right to the change.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl MayDeny for Error {
    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }
}
