//! Who may do what, why, and what of it stands in a token.
//!
//! May use: `cx` and below, `script`, `audit`, `identity`. `model` says what relations of a type mean, `tuples` holds who has them, `check` answers
//! questions, `list` turns them round, `claims` puts the answers in tokens. Start reading at [`check`].

pub mod check;
pub mod claims;
mod error;
pub mod list;
pub mod model;
mod reach;
#[cfg(test)]
mod tests;
pub mod tuples;

pub use error::Error;
