//! What the relations and permissions of an entity type mean.
//!
//! May use: `audit` and below, `script`. A model is read from its document (`read`, `expression`), every mistake in
//! form and sense (`sense`) is reported at once, and everything becomes one form: a rewrite for each relation. The
//! installation's own types are in [`builtin`], stored models are written by
//! [`super::catalogue`], and [`Models`] finds either while
//! questions are answered. Start reading at [`CompiledModel`] and [`compile`].

pub(crate) mod builtin;
mod compile;
mod compiled;
mod describe;
mod expression;
mod lua;
mod models;
pub(crate) mod names;
mod read;
mod reader;
mod sense;
mod subjects;

#[cfg(test)]
mod tests;

pub use compile::{compile, compile_stored};
pub use compiled::{CompiledModel, Permission, Relation, Rewrite, SubjectRule};
pub use describe::{Description, describe};
pub use lua::problem_of_script;
pub use models::Models;
pub(in crate::access) use models::{spell_subjects, stored_as};
pub(in crate::access) use sense::circular_exclusions;
