//! The permission graph: whether a subject has a relation to an object, by the rewrites of the models over the tuples.
//!
//! May use: `access::model`, `cx` and below; no other folder of `access`. [`Engine`] evaluates over a [`Graph`]:
//! tuples, models, a moment and limits. It reads tuples through [`TupleReader`] (from the store, from the `index` in
//! memory, or with an [`Overlay`] of tuples that are not stored) as numbers in the place of texts (`symbols`), `memo`
//! keeps what was found, `derivation` notes why. `reach` walks over tuples to find candidates. Start reading at
//! [`Engine`].

mod derivation;
mod engine;
mod index;
mod memo;
mod overlay;
mod reach;
mod result;
mod state;
mod symbols;
mod tuple_reader;

#[cfg(test)]
pub(super) mod tests;

pub(in crate::access) use derivation::Derivation;
pub use derivation::{Rule, ScriptResult};
pub use engine::{CheckOutcome, Engine};
pub(in crate::access) use index::IndexMaintainer;
pub(crate) use index::Maintainers;
pub use index::SnapshotTuples;
pub use overlay::Overlay;
pub(in crate::access) use reach::{RelationKey, Walk};
pub use result::{CheckResult, Script, ScriptOutcome, ScriptRunner, ScriptSource};
pub use state::{Graph, Limits, Schema};
pub use tuple_reader::{ObjectRelation, StoreTuples, TupleReader};
