//! Who may do what, why, and what of it stands in a token.
//!
//! May use: `cx` and below, `script`, `audit`, `identity`. `model` says what relations of a type mean, `tuples` holds who has them, `check` answers
//! questions, `list` turns them round, `effective` tells all of one subject, `claims` puts the answers in tokens. `policy` says what a script is told (`said` is the caller's part of it) and what its answer means,
//! `evaluations` keeps what came of it, `switched_off` which scripts are not run any more, `naming` turns names that people type into identifiers.
//! Start reading at [`check`].

pub mod authority;
pub mod check;
pub mod claims;
pub mod dry_run;
pub mod effective;
mod error;
pub mod evaluations;
pub mod groups;
pub mod import;
pub mod judge;
pub mod list;
pub mod model;
pub mod naming;
pub mod own_grants;
pub mod policy;
mod reach;
mod rooms;
pub mod said;
pub mod switched_off;
#[cfg(test)]
mod tests;
pub mod tuples;

pub use error::{Error, Mistake};
pub use said::{Resource, Said};
