//! Auther from the outside: every test starts a server of its own in this process and speaks HTTP with it.
//!
//! A test that guards against a class of known faults begins with the number of the class. Start reading at
//! [`harness`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod administration;

mod api_keys;
mod app_access;
mod app_claims;
mod authorize;
mod authzen;
mod callers;
mod claims;
mod clients;
mod clocks;
mod codes;
mod crash;
mod edge;
mod graph;
mod harness;
mod heads;
mod interaction;
mod introspection;
mod logout;
mod matrix;
mod mutations;
mod names;
mod people;
mod protection;
mod questions;
mod refresh;
mod refusals;
mod relying_party;
mod routes;
mod scenario;
mod scenarios;
mod strangers;
mod strict;
mod supervisor;
mod taken_away;
mod telling;
mod tls;
mod token_uses;
mod unseen;
mod upkeep;
mod worlds;
