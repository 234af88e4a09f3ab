//! For denials: what would have allowed it, had one thing been different.

use serde::Serialize;

use super::derivation_step::{DerivationStep, tuple_text};
use crate::access::graph::{CheckResult, Rule, ScriptResult, ScriptSource};
use crate::records::TupleKey;

/// The most near misses of one explanation.
const MAX_MISSES: usize = 10;

/// Something that would have allowed it, had one thing been different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NearMiss {
    /// What was missing.
    pub why: NearMissReason,
    /// The tuple that almost did it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "tuple_text")]
    pub tuple: Option<TupleKey>,
    /// The relation that the subject has instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// The message of a script that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What was missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NearMissReason {
    /// The tuple's condition did not return `true`.
    ConditionDenied,
    /// The permission's policy did not return `true`.
    PolicyDenied,
    /// A script failed.
    ScriptFailed,
    /// The relation excludes the subject.
    Excluded,
    /// Whether the relation excludes the subject could not be found out.
    ExclusionUnclear,
    /// The userset has the relation, but the subject is not in it.
    NotInSet,
    /// The object has this parent, but the subject has nothing on it.
    NotOnParent,
    /// The tuple has expired.
    Expired,
    /// The subject has another relation to the object.
    OtherRelation,
}

impl DerivationStep {
    /// The near misses below this step, in the order of the search.
    pub(in crate::access) fn near_misses(&self) -> Vec<NearMiss> {
        let mut found = Vec::new();
        self.collect_misses(&mut found);
        found.truncate(MAX_MISSES);
        found
    }

    fn collect_misses(&self, found: &mut Vec<NearMiss>) {
        match self.rule {
            Rule::Except => {
                if let [base, taken] = self.by.as_slice()
                    && base.holds > CheckResult::No
                    && taken.holds > CheckResult::No
                {
                    let why = if taken.holds == CheckResult::Yes {
                        NearMissReason::Excluded
                    } else {
                        NearMissReason::ExclusionUnclear
                    };
                    let tuple = taken.tuples().first().copied().cloned();
                    found.push(NearMiss { why, tuple, relation: None, message: None });
                    return;
                }
            }
            Rule::Tuple | Rule::Parent if self.holds < CheckResult::Gated => {
                let script = self.script.as_ref();
                let by_script = script.and_then(|script| Some((script_reason(script)?, script.message.clone())));
                let (why, message) = by_script.unwrap_or_else(|| {
                    (
                        if self.rule == Rule::Tuple { NearMissReason::NotInSet } else { NearMissReason::NotOnParent },
                        None,
                    )
                });
                found.push(NearMiss { why, tuple: self.tuple.clone(), relation: None, message });
            }
            _ => {}
        }
        self.by.iter().for_each(|step| step.collect_misses(found));
    }
}

/// The reason where a script denied; `None` where it allowed, or was not run.
fn script_reason(script: &ScriptResult) -> Option<NearMissReason> {
    match (script.source, script.result) {
        (_, CheckResult::Yes | CheckResult::Gated) => None,
        (_, CheckResult::Error) => Some(NearMissReason::ScriptFailed),
        (ScriptSource::Condition, CheckResult::No) => Some(NearMissReason::ConditionDenied),
        (ScriptSource::Policy, CheckResult::No) => Some(NearMissReason::PolicyDenied),
    }
}
