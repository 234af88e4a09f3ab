//! API keys: how machines without people prove who they are.
//!
//! May use: `identity`, `audit`, `cx` and below. A key belongs to a person and is a subject of its own: it holds what
//! tuples give it and nothing of its owner's. `token` is the text that is shown once, `fields` what its facts may be,
//! `keys` makes and changes, `using` decides whether a presented key works, `usage` counts uses, `key_cache` spares
//! reading. Start reading at [`accept`].

mod error;
mod fields;
pub(crate) mod key_cache;
mod keys;
mod token;
pub(crate) mod usage;
mod using;

#[cfg(test)]
mod tests;

pub use error::{Error, FieldError};
pub use fields::{KeyChange, NewKey, RefillRule};
pub use keys::{
    Created, create, delete, delete_expired, delete_own, find, of_owner, page, page_of_client, sorted, update,
    update_own,
};
pub use token::{PREFIX, is_of_a_key};
pub use usage::{Usage, flush, until_flush, usage};
pub use using::{Live, accept, authenticate, live};
