//! Authority over Auther itself: who may change what of it, and who may ask what about others.
//!
//! May use: `access::{check, effective, graph, model}`, `identity::sessions`, `rights`, `cx` and below. A rule takes
//! the operation, whose actor is the caller, and the state that it is about: a handler asks it early, and the
//! transaction that makes the change asks it once more, over what it is about to write. `changes` has the rules for
//! what is written, `reading` those for what is shown and asked. `platform` says which tuples, models and clients
//! decide who has authority over the platform. `authorizer` answers for the modules to the left of `access`, whose own
//! rules are in [`crate::rights`]. Start reading at [`may_write_tuples`].

mod authorizer;
mod changes;
mod platform;
mod reading;

#[cfg(test)]
mod tests;

pub use authorizer::GraphAuthorizer;
pub use changes::{
    ModelChange, WriteAs, may_change_group, may_change_model, may_delete_client, may_manage_grants, may_write_tuples,
};
pub use reading::{
    Writable, is_oneself, may, may_ask, may_ask_about_others, may_change_some_key, may_see_model, may_write_some,
    require,
};
