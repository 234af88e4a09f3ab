//! What an evaluation can come to, and whom it asks on the way.

use std::sync::Arc;

use serde::Serialize;

use crate::access::Error;
use crate::access::model::CompiledModel;
use crate::cx::Cx;
use crate::records::Tuple;

/// What part of a question came to, from worst to best: any-of takes the greatest, all-of the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does not hold.
    No,
    /// A script failed, so it does not hold.
    Error,
    /// It holds if a script says so that was not run.
    Gated,
    /// It holds.
    Yes,
}

/// How far a question may lead. Beyond them there is no answer: [`Error::LimitReached`], never a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps from one object to another: nested groups and parents.
    pub depth: usize,
    /// Sets that are looked into.
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

/// What a script hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptSource {
    /// A tuple. It takes the place of the permission's policy.
    Condition,
    /// The permission.
    Policy,
}

/// A script that has to say yes.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// What it hangs on.
    pub source: ScriptSource,
    /// The Lua text.
    pub text: &'a str,
    /// The tuple that ends this derivation; none when the subject of the question is itself the set that is asked about.
    pub tuple: Option<&'a Tuple>,
}

/// What a script said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// `true`.
    Allowed,
    /// Anything else.
    Denied,
    /// It failed or ran out of budget; with what it said.
    Failed(String),
}

/// Runs scripts for one question, on the thread it is called on.
pub trait Judge {
    /// Runs a script with the context of the question.
    fn judge(&mut self, script: &Script<'_>) -> Judgement;
}
