//! Why an evaluation came to its result: a tree of steps that share their branches while it is built.

use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::result::{CheckResult, ScriptSource};
use crate::records::TupleKey;

/// What a step rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The rewrite of a relation in the model.
    Relation,
    /// A tuple that names the subject, everyone of its type, or a userset that the next step is about.
    Tuple,
    /// A tuple that names a parent, which the next step is about.
    Parent,
    /// One of several.
    AnyOf,
    /// All of several.
    AllOf,
    /// The first and not the second.
    Except,
    /// The question leads back to itself, which adds nothing.
    Cycle,
    /// The subject of the question is the userset itself.
    Subject,
}

/// A script that an evaluation came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptResult {
    /// Where it comes from.
    pub source: ScriptSource,
    /// `yes`, `no`, `error`, or `gated` when it was not run.
    pub result: CheckResult,
    /// The message when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A step of the tree, with those that it follows from.
#[derive(Debug)]
pub(in crate::access) struct Derivation {
    pub(in crate::access) rule: Rule,
    pub(in crate::access) holds: CheckResult,
    pub(in crate::access) object: Option<[Arc<str>; 3]>,
    pub(in crate::access) tuple: Option<TupleKey>,
    pub(in crate::access) script: Option<ScriptResult>,
    pub(in crate::access) by: Vec<Rc<Derivation>>,
}

impl Derivation {
    pub(in crate::access) fn new(rule: Rule, holds: CheckResult) -> Self {
        Self { rule, holds, object: None, tuple: None, script: None, by: Vec::new() }
    }

    /// Whether it says more than that nothing was found.
    pub(in crate::access) fn is_informative(&self) -> bool {
        self.holds != CheckResult::No || self.tuple.is_some() || !self.by.is_empty()
    }
}
