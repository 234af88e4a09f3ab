//! The result of an evaluation, and the scripts that it depends on.

use serde::Serialize;

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
    Yes,
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
    /// The tuple that ends this derivation; none when the subject of the question is itself the set that is asked
    /// about.
    pub tuple: Option<&'a Tuple>,
}

/// The outcome of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptOutcome {
    /// `true`.
    Allowed,
    Denied,
    /// It failed or ran out of budget; with the message.
    Failed(String),
}

/// Runs scripts for one question, on the thread it is called on.
pub trait ScriptRunner {
    /// Runs a script with the context of the question.
    fn run(&mut self, script: &Script<'_>) -> ScriptOutcome;
}
