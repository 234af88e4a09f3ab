//! People: their accounts, how they sign in, what they hold, and how all of it ends.
//!
//! May use: `audit`, `cx` and below. Knows no HTTP: what goes wrong is an [`Error`] in domain words. Passwords are
//! hashed before a transaction begins; what a refusal must leave behind (an audit row) is committed before it is
//! answered. Start reading at [`sign_in`] and [`next_step`], then [`cascade`].

pub(crate) mod administrators;
pub(crate) mod authentication;
pub(crate) mod cascade;
mod device;
mod error;
mod fields;
pub mod interaction;
pub mod invites;
pub mod links;
mod lookup;
pub(crate) mod next_step;
mod password;
mod password_change;
mod password_rule;
pub(crate) mod proofs;
pub mod sessions;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
mod signed_in;
pub(crate) mod throttle;
pub mod users;

pub use error::{Error, Fault};

#[cfg(test)]
mod tests;
