//! Why an evaluation came to its verdict: a tree of steps, shared while it grows, told in the end.

use std::rc::Rc;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::verdict::{ScriptSource, Verdict};
use crate::records::TupleKey;

/// Steps told at most; what is left out is below the steps that are told.
const MAX_STEPS: usize = 500;

/// Near misses told at most.
const MAX_MISSES: usize = 10;

/// What a step rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// What the model says of a relation.
    Relation,
    /// A tuple that names the subject, everyone of its type, or a set that the next step is about.
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
    /// The subject of the question is the set itself.
    Subject,
}

/// A script that was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// What it hangs on.
    pub source: ScriptSource,
    /// `yes`, `no`, `error`, or `gated` when it was not run.
    pub result: Verdict,
    /// What it said when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A step while the tree grows.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) rule: Rule,
    pub(super) holds: Verdict,
    pub(super) object: Option<[Arc<str>; 3]>,
    pub(super) tuple: Option<TupleKey>,
    pub(super) ran: Option<Ran>,
    pub(super) by: Vec<Rc<Proof>>,
}

impl Proof {
    pub(super) fn new(rule: Rule, holds: Verdict) -> Self {
        Self { rule, holds, object: None, tuple: None, ran: None, by: Vec::new() }
    }

    /// Whether it tells more than that nothing was found.
    pub(super) fn tells(&self) -> bool {
        self.holds != Verdict::No || self.tuple.is_some() || !self.by.is_empty()
    }
}

/// A step of a derivation, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it rests on.
    pub rule: Rule,
    /// What it came to.
    pub holds: Verdict,
    /// For relations: `client_abc:invoice:inv_1#viewer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// For tuples and parents: the tuple.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "tuple_text")]
    pub tuple: Option<TupleKey>,
    /// The script that had to say yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<Ran>,
    /// What it follows from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Step>,
}

fn tuple_text<S: Serializer>(tuple: &Option<TupleKey>, serializer: S) -> Result<S::Ok, S::Error> {
    match tuple {
        Some(key) => serializer.collect_map([("id", key.id()), ("text", key.to_string())]),
        None => serializer.serialize_none(),
    }
}

impl Step {
    /// The tree below a proof.
    pub(super) fn told(proof: &Rc<Proof>) -> Self {
        let mut budget = MAX_STEPS;
        Self::within(proof, &mut budget)
    }

    fn within(proof: &Rc<Proof>, budget: &mut usize) -> Self {
        let object = proof.object.as_ref().map(|[kind, id, relation]| format!("{kind}:{id}#{relation}"));
        let mut by = Vec::new();
        for child in &proof.by {
            if *budget == 0 {
                break;
            }
            *budget -= 1;
            by.push(Self::within(child, budget));
        }
        let (tuple, script) = (proof.tuple.clone(), proof.ran.clone());
        Self { rule: proof.rule, holds: proof.holds, object, tuple, script, by }
    }

    /// The tuples that end the object side of the derivations that hold, in order: what a list calls its grants.
    pub fn granting(&self) -> Vec<&TupleKey> {
        let mut found = Vec::new();
        self.collect_granting(&mut found);
        found
    }

    fn collect_granting<'a>(&'a self, found: &mut Vec<&'a TupleKey>) {
        if self.holds < Verdict::Gated {
            return;
        }
        match (self.rule, &self.tuple) {
            (Rule::Tuple, Some(key)) if !found.contains(&key) => found.push(key),
            (Rule::Tuple, _) => {}
            (Rule::Except, _) => self.by.iter().take(1).for_each(|step| step.collect_granting(found)),
            _ => self.by.iter().for_each(|step| step.collect_granting(found)),
        }
    }

    /// Every tuple in the tree, in order.
    pub fn tuples(&self) -> Vec<&TupleKey> {
        let mut found: Vec<_> = self.tuple.iter().collect();
        for key in self.by.iter().flat_map(Self::tuples) {
            if !found.contains(&key) {
                found.push(key);
            }
        }
        found
    }

    /// What came nearest to a yes, in the order it was met.
    pub(super) fn misses(&self) -> Vec<Miss> {
        let mut found = Vec::new();
        self.collect_misses(&mut found);
        found.truncate(MAX_MISSES);
        found
    }

    fn collect_misses(&self, found: &mut Vec<Miss>) {
        match self.rule {
            Rule::Except => {
                if let [base, taken] = self.by.as_slice()
                    && base.holds > Verdict::No
                    && taken.holds > Verdict::No
                {
                    let why = if taken.holds == Verdict::Yes { Why::Excluded } else { Why::ExclusionUnclear };
                    let tuple = taken.tuples().first().copied().cloned();
                    found.push(Miss { why, tuple, relation: None, message: None });
                    return;
                }
            }
            Rule::Tuple | Rule::Parent if self.holds < Verdict::Gated => {
                let judged = self.script.as_ref().and_then(|ran| ran.why().map(|why| (why, ran.message.clone())));
                let (why, message) = judged
                    .unwrap_or_else(|| (if self.rule == Rule::Tuple { Why::NotInSet } else { Why::NotOnParent }, None));
                found.push(Miss { why, tuple: self.tuple.clone(), relation: None, message });
            }
            _ => {}
        }
        self.by.iter().for_each(|step| step.collect_misses(found));
    }
}

impl Ran {
    fn why(&self) -> Option<Why> {
        match (self.source, self.result) {
            (_, Verdict::Yes | Verdict::Gated) => None,
            (_, Verdict::Error) => Some(Why::ScriptFailed),
            (ScriptSource::Condition, Verdict::No) => Some(Why::ConditionDenied),
            (ScriptSource::Policy, Verdict::No) => Some(Why::PolicyDenied),
        }
    }
}

/// Something that would have allowed it, had one thing been different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// What was missing.
    pub why: Why,
    /// The tuple that almost did it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "tuple_text")]
    pub tuple: Option<TupleKey>,
    /// The relation that the subject has instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// What the script said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What was missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The tuple's condition did not say `true`.
    ConditionDenied,
    /// The permission's policy did not say `true`.
    PolicyDenied,
    /// A script failed.
    ScriptFailed,
    /// The relation excludes the subject.
    Excluded,
    /// Whether the relation excludes the subject could not be found out.
    ExclusionUnclear,
    /// The set has the relation, but the subject is not in it.
    NotInSet,
    /// The object has this parent, but the subject has nothing on it.
    NotOnParent,
    /// The tuple has expired.
    Expired,
    /// The subject has another relation to the object.
    OtherRelation,
}

/// Why a question was answered as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The derivation, or where the search ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derivation: Option<Step>,
    /// For denials: what came nearest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<Miss>,
}
