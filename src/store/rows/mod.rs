//! Queries by noun: the only place that knows which index belongs to which table.
//!
//! May use: the rest of `store`, `records`, `base`. Every function takes the tenant first after the transaction, and every key
//! begins with it. Writing a row keeps its indexes in step, so callers never name a table.
//! Start reading at [`users`].

pub mod api_keys;
pub mod audit;
pub mod authentications;
pub mod certificates;
pub(super) mod change_counts;
pub mod clients;
pub mod codes;
pub mod consents;
pub mod counts;
pub mod evaluations;
pub mod expired;
mod expiry;
pub mod failures;
mod filtered;
pub mod grants;
pub mod groups;
pub mod interactions;
pub mod invites;
pub mod links;
pub mod marks;
pub mod models;
pub mod outbox;
pub mod policy_versions;
pub mod recent_sign_ins;
pub mod scripts;
pub mod sessions;
pub mod sign_ins;
pub mod signing_keys;
pub mod switched_off;
pub mod tuples;
pub mod users;
