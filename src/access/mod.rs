//! Who may do what, why, and which of it is in a token.
//!
//! May use: `cx` and below, `script`, `audit`, `identity`. `model` says what relations of a type mean, `catalogue`
//! writes models and `tuples` who has the relations; `groups` are written by themselves and read by `membership`.
//! `graph` evaluates the models over the tuples, `check` answers questions by it, `explain` says why, `list` finds the
//! objects, subjects and actions that a question would allow, `effective` all that a subject may do, `claims` puts
//! permissions in tokens, `group_claims` groups and roles for apps that know no relations. `policy` makes the context
//! of a script (`request_context` is the caller's part of it) and reads its answer, `evaluations` keeps its outcome,
//! `switched_off` which scripts are not run any more, `naming` turns names that people type into identifiers,
//! `strangers` says which of them are nobody here. Start reading at [`check`].

pub mod authority;
pub(crate) mod catalogue;
pub mod check;
pub(crate) mod claims;
pub(crate) mod client_tuple_quota;
pub(crate) mod deletion;
pub(crate) mod dry_run;
pub(crate) mod effective;
mod error;
pub(crate) mod evaluations;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod group_claims;
pub(crate) mod groups;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod membership;
pub(crate) mod model;
pub(crate) mod naming;
pub(crate) mod policy;
pub(crate) mod request_context;
pub(crate) mod strangers;
pub(crate) mod switched_off;
#[cfg(test)]
mod tests;
pub(crate) mod tuples;

pub use error::{Error, Mistake};
pub use request_context::{BoundedJson, Resource};
