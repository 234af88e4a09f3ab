//! The engine against what it should say: examples from the documents, and laws over random worlds.

mod laws;
mod lists;
pub(in crate::access) mod naive;
pub(in crate::access) mod world;
