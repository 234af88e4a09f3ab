//! API keys: how machines without people prove who they are.
//!
//! May use: `identity`, `audit`, `cx` and below. A key belongs to a person and is a subject of its own: it holds what tuples give it and
//! nothing of its owner's. `token` is the text that is shown once, `fields` what its facts may be, `keys` makes and changes, `using`
//! decides whether a presented key works, `memory` counts what may be lost, `lately` spares reading. Start reading at [`accept`].

mod error;
mod fields;
mod keys;
mod lately;
mod memory;
mod token;
mod using;

#[cfg(test)]
mod tests;

pub use error::{Error, FieldError};
pub use fields::{KeyChange, NewKey, RefillRule};
pub use keys::{
    Created, MAX_PER_OWNER, create, delete, delete_expired, delete_own, find, of_owner, page, page_of_client, sorted,
    update, update_own,
};
pub use memory::{Usage, flush, until_flush, usage};
pub use token::PREFIX;
pub use using::{Live, accept, authenticate, live};
