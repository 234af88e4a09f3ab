//! What the relations and permissions of an entity type mean.
//!
//! May use: `records`, `store`. A model is read from its document, every mistake is told at once, and everything becomes one form: a rewrite
//! for each relation. Start reading at [`CompiledModel`].

mod compiled;

pub use compiled::{CompiledModel, Permission, Relation, Rewrite, SubjectRule};
