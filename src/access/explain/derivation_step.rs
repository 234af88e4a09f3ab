//! The derivation of an answer as callers and people see it.

use std::rc::Rc;

use serde::{Serialize, Serializer};

use crate::access::graph::{CheckOutcome, CheckResult, Derivation, Rule, ScriptResult};
use crate::records::TupleKey;

/// The most steps of one explanation; what is left out is below the steps that are shown.
const MAX_STEPS: usize = 500;

/// A step of a derivation as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DerivationStep {
    /// What it rests on.
    pub rule: Rule,
    pub holds: CheckResult,
    /// For relations: `client_abc:invoice:inv_1#viewer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// For tuples and parents: the tuple.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "tuple_text")]
    pub tuple: Option<TupleKey>,
    /// The script that had to allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<ScriptResult>,
    /// What it follows from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<DerivationStep>,
}

pub(super) fn tuple_text<S: Serializer>(tuple: &Option<TupleKey>, serializer: S) -> Result<S::Ok, S::Error> {
    match tuple {
        Some(key) => serializer.collect_map([("id", key.id()), ("text", key.to_string())]),
        None => serializer.serialize_none(),
    }
}

impl DerivationStep {
    /// The derivation of an outcome; `None` when the engine was not asked to note it.
    pub fn of(outcome: &CheckOutcome) -> Option<Self> {
        let mut budget = MAX_STEPS;
        outcome.derivation.as_ref().map(|derivation| Self::within(derivation, &mut budget))
    }

    fn within(derivation: &Rc<Derivation>, budget: &mut usize) -> Self {
        let object = derivation.object.as_ref().map(|[kind, id, relation]| format!("{kind}:{id}#{relation}"));
        let mut by = Vec::new();
        for child in &derivation.by {
            if *budget == 0 {
                break;
            }
            *budget -= 1;
            by.push(Self::within(child, budget));
        }
        let (tuple, script) = (derivation.tuple.clone(), derivation.script.clone());
        Self { rule: derivation.rule, holds: derivation.holds, object, tuple, script, by }
    }

    /// The tuples that end the object side of the derivations that hold, in order: those that a list shows for an
    /// object.
    pub fn granting_tuples(&self) -> Vec<&TupleKey> {
        let mut found = Vec::new();
        self.collect_granting(&mut found);
        found
    }

    fn collect_granting<'a>(&'a self, found: &mut Vec<&'a TupleKey>) {
        if self.holds < CheckResult::Gated {
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
}
