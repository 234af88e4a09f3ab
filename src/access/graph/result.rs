//! The result of an evaluation, its limits, and where it gets models and the outcome of scripts from.

use std::sync::Arc;

use serde::Serialize;

use crate::access::Error;
use crate::access::model::CompiledModel;
use crate::cx::Cx;
use crate::records::Tuple;

/// The result of a check or of a part of it, from worst to best: any-of takes the greatest, all-of the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It does not hold.
    No,
    /// A script failed, so it does not hold.
    Error,
    /// It holds if a script allows it that was not run.
    Gated,
    /// It holds.
    Yes,
}

/// How far an evaluation may go. Beyond them there is no answer: [`Error::LimitReached`], never a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps from one object to another: nested groups and parents.
    pub depth: usize,
    /// Usersets that are looked into.
    pub subjects: usize,
    /// Relations of objects that are visited.
    pub nodes: usize,
    /// Objects or subjects that a list looks at.
    pub listed: usize,
}

impl Limits {
    /// As the configuration says.
    pub fn of(cx: &Cx) -> Self {
        let set = &cx.settings().limits;
        let (depth, subjects, nodes) = (set.check_depth, set.check_sets, set.check_nodes);
        Self { depth, subjects, nodes, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 25, subjects: 1_000, nodes: 10_000, listed: 100_000 }
    }
}

/// Where models come from.
pub trait Schema {
    /// The model of an entity type; `None` when nobody declared it.
    fn model(&self, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error>;
}

/// Where a script comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptSource {
    /// The condition of a tuple. It takes the place of the permission's policy.
    Condition,
    /// The policy of the permission.
    Policy,
}

/// A script that has to allow it.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// Where it comes from.
    pub source: ScriptSource,
    /// The Lua text.
    pub text: &'a str,
    /// The tuple that ends this derivation; none when the subject of the question is itself the set that is asked about.
    pub tuple: Option<&'a Tuple>,
}

/// The outcome of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptOutcome {
    /// `true`.
    Allowed,
    /// Anything else.
    Denied,
    /// It failed or ran out of budget; with the message.
    Failed(String),
}

/// Runs scripts for one question, on the thread it is called on.
pub trait ScriptRunner {
    /// Runs a script with the context of the question.
    fn run(&mut self, script: &Script<'_>) -> ScriptOutcome;
}
