//! Queries by noun: the only place that knows which index belongs to which table.
//!
//! May use: the rest of `store`, `records`, `base`. Every function takes the tenant first after the transaction, and
//! every key begins with it. Writing a row keeps its indexes in step, so callers never name a table. Start reading at
//! [`users`].

pub mod api_keys;
pub(crate) mod audit;
pub(crate) mod authentications;
pub mod certificates;
pub(super) mod change_counts;
pub mod clients;
pub mod codes;
pub(crate) mod consents;
pub(crate) mod counts;
pub(crate) mod evaluations;
pub(crate) mod expired;
mod expiry;
pub(crate) mod failures;
mod filtered;
pub mod grants;
pub(crate) mod groups;
pub(crate) mod interactions;
pub(crate) mod invites;
pub(crate) mod links;
pub(crate) mod marks;
pub mod models;
pub(crate) mod outbox;
pub(crate) mod policy_versions;
pub(crate) mod recent_sign_ins;
pub(crate) mod scripts;
pub mod sessions;
pub mod sign_ins;
pub(crate) mod signing_keys;
pub(crate) mod switched_off;
pub mod tuples;
pub mod users;
