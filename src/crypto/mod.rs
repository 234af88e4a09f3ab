//! Keys and what is done with them: signed tokens, the ring of signing keys, passwords, opaque tokens, sealing at rest.
//!
//! May use: `base`, `records`. Only `jose/` names the JOSE library. Nothing here touches the store: callers load and
//! save. Start reading at [`jose`] and [`keyring`].

pub(crate) mod certificate;
pub mod jose;
pub mod keyring;
pub mod password;
mod purpose;
pub(crate) mod rotation;
pub mod seal;
pub(crate) mod tls;
pub mod token;

pub use purpose::Purpose;
