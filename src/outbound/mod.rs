//! Requests that this server makes to others: one HTTP client behind one guard.
//!
//! May use: `config`, `crypto`, `base`. Nothing is asked that an administrator did not configure; the caller sees to
//! that. What is reached is decided here: https only, public addresses and what `egress.allow` names, by the addresses
//! themselves and not by names. Start reading at [`Client`], then `guard`.

mod address;
mod error;
mod guard;
mod http;
mod names;

pub use error::Error;
pub use http::{Client, Limits, Request, Response};

#[cfg(test)]
mod tests;
