//! The meaning of models and tuples, as plainly as it can be said: every relation of every object at once, again and
//! again until nothing changes. No memory, no order, no limits. What is taken away is first taken from nothing and then
//! from what the round before gave, so that what excludes itself in circles is neither given nor counted on.

use std::collections::BTreeMap;

use super::world::{IDS, RELATIONS, TYPES, TextRunner, World};
use crate::access::graph::{CheckResult, Script, ScriptOutcome, ScriptRunner, ScriptSource};
use crate::access::model::{Relation, Rewrite, SubjectRule};
use crate::records::{SubjectRef, Tuple};
use crate::testing::START;

/// Type, object, relation, and whether the permission's policy applies.
pub(in crate::access) type Node = (&'static str, &'static str, &'static str, bool);
pub(in crate::access) type Table = BTreeMap<Node, CheckResult>;

/// A question about everything: whose, and with scripts run and this policy, or without scripts.
pub(in crate::access) struct Naive<'w> {
    pub(in crate::access) world: &'w World,
    pub(in crate::access) subject: SubjectRef,
    pub(in crate::access) live: Option<Option<&'static str>>,
}

pub(in crate::access) fn node(kind: &str, id: &str, relation: &str, applies: bool) -> Node {
    let known = |all: &[&'static str], wanted: &str| *all.iter().find(|one| **one == wanted).unwrap();
    (known(&TYPES, kind), known(&IDS, id), known(&RELATIONS, relation), applies)
}

impl Naive<'_> {
    /// What surely holds, and what may hold. They differ only where something excludes itself.
    pub(in crate::access) fn answers(&self) -> (Table, Table) {
        let mut sure = Table::new();
        loop {
            let possible = self.rounds(&sure);
            let next = self.rounds(&possible);
            if next == sure {
                return (sure, possible);
            }
            sure = next;
        }
    }

    fn rounds(&self, taken: &Table) -> Table {
        let mut given = Table::new();
        loop {
            let mut next = Table::new();
            for kind in TYPES {
                for (id, relation, applies) in IDS
                    .into_iter()
                    .flat_map(|id| RELATIONS.into_iter().flat_map(move |r| [(id, r, false), (id, r, true)]))
                {
                    let node = (kind, id, relation, applies);
                    let rewrite = &self.world.models[kind].relations[relation].rewrite;
                    next.insert(node, self.value(rewrite, node, &given, taken));
                }
            }
            if next == given {
                return given;
            }
            given = next;
        }
    }

    fn read(&self, node: Node, table: &Table) -> CheckResult {
        if self.subject.as_set() == Some((node.0, node.1, node.2)) {
            return self.script(None, node.3);
        }
        table.get(&node).copied().unwrap_or(CheckResult::No)
    }

    fn value(&self, rewrite: &Rewrite, node: Node, given: &Table, taken: &Table) -> CheckResult {
        let (kind, id, relation, applies) = node;
        let values = |parts: &[Rewrite]| parts.iter().map(|p| self.value(p, node, given, taken)).collect::<Vec<_>>();
        match rewrite {
            Rewrite::Direct => {
                let own = self.tuples(kind, id, relation).map(|tuple| {
                    let subject = &tuple.key.subject;
                    let everyone = subject.id == "*" && subject.kind == self.subject.kind && subject.relation.is_none();
                    let met = match subject.as_set() {
                        Some((kind, id, relation)) => self.read(super::naive::node(kind, id, relation, false), given),
                        None if *subject == self.subject => CheckResult::Yes,
                        None if everyone && self.subject.as_set().is_none() => CheckResult::Yes,
                        None => CheckResult::No,
                    };
                    met.min(self.script(Some(tuple), applies))
                });
                own.max().unwrap_or(CheckResult::No)
            }
            Rewrite::Computed(other) => self.read(super::naive::node(kind, id, other, applies), given),
            Rewrite::FromParent { from, relation } => {
                if !has_direct(&self.world.models[kind].relations[from.as_str()].rewrite) {
                    return CheckResult::No;
                }
                let parents = self.tuples(kind, id, from).filter(|tuple| {
                    tuple.key.subject.relation.is_none() && TYPES.contains(&tuple.key.subject.kind.as_str())
                });
                let each = parents.map(|tuple| {
                    let parent = super::naive::node(&tuple.key.subject.kind, &tuple.key.subject.id, relation, applies);
                    self.read(parent, given).min(self.script(Some(tuple), false))
                });
                each.max().unwrap_or(CheckResult::No)
            }
            Rewrite::AnyOf(parts) => values(parts).into_iter().max().unwrap_or(CheckResult::No),
            Rewrite::AllOf(parts) => values(parts).into_iter().min().unwrap_or(CheckResult::No),
            Rewrite::Except(base, less) => {
                let base = self.value(base, node, given, taken);
                let value = match self.value(less, (kind, id, relation, false), taken, given) {
                    CheckResult::Yes => CheckResult::No,
                    CheckResult::No => base,
                    unclear => base.min(unclear),
                };
                if self.live.is_none() && id == "*" { value.min(CheckResult::Gated) } else { value }
            }
        }
    }

    /// The tuples that count on an object: its own and those on every object.
    fn tuples(&self, kind: &str, id: &str, relation: &str) -> impl Iterator<Item = &Tuple> {
        let rules = &self.world.models[kind].relations[relation];
        self.world.tuples.values().filter(move |tuple| {
            let key = &tuple.key;
            key.entity_type == kind
                && key.relation == relation
                && (key.entity_id == id || key.entity_id == "*")
                && tuple.expires_at.is_none_or(|end| end > START)
                && allows(rules, &key.subject)
        })
    }

    fn script(&self, tuple: Option<&Tuple>, applies: bool) -> CheckResult {
        let condition = tuple.and_then(|tuple| tuple.condition.as_deref());
        let policy = self.live.flatten().filter(|_| applies);
        let Some(text) = condition.or(policy) else { return CheckResult::Yes };
        if self.live.is_none() {
            return CheckResult::Gated;
        }
        match TextRunner.run(&Script { source: ScriptSource::Policy, text, tuple }) {
            ScriptOutcome::Allowed => CheckResult::Yes,
            ScriptOutcome::Denied => CheckResult::No,
            ScriptOutcome::Failed(_) => CheckResult::Error,
        }
    }
}

fn has_direct(rewrite: &Rewrite) -> bool {
    format!("{rewrite:?}").contains("Direct")
}

fn allows(relation: &Relation, subject: &SubjectRef) -> bool {
    let Some(rules) = &relation.subjects else { return true };
    let group = subject.kind == "group"
        && subject.id != "*"
        && subject.relation.as_deref().is_none_or(|relation| relation == "member");
    let written = match (&subject.relation, subject.id.as_str()) {
        (Some(relation), _) => SubjectRule::Set { kind: subject.kind.clone(), relation: relation.clone() },
        (None, "*") => SubjectRule::Everyone(subject.kind.clone()),
        (None, _) => SubjectRule::One(subject.kind.clone()),
    };
    let members = SubjectRule::Set { kind: String::from("group"), relation: String::from("member") };
    if group {
        rules.contains(&members) || rules.contains(&SubjectRule::One(String::from("group")))
    } else {
        rules.contains(&written)
    }
}
