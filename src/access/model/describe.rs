//! A model for people: its hierarchy in words, and which relation gives which permission.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::compiled::alternatives;
use super::{CompiledModel, Relation, Rewrite};

/// What pages and the command line show of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Description {
    /// The entity type.
    pub entity_type: String,
    /// `owner ⊃ editor ⊃ viewer`: who has the left can do all that the right can. Every inclusion stands in one of
    /// them.
    pub hierarchy: Vec<String>,
    /// In the order of the hierarchy, the most powerful first.
    pub relations: Vec<DescribedRelation>,
    /// By name.
    pub permissions: Vec<DescribedPermission>,
    /// By relation, then by permission: what holding the relation is worth.
    pub matrix: BTreeMap<String, BTreeMap<String, Sufficiency>>,
}

/// A relation in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DescribedRelation {
    /// Its name.
    pub name: String,
    /// Who has it: `given, or editor, or viewer of parent`.
    pub held_by: String,
    /// Whether it can be given.
    pub takes_tuples: bool,
    /// What may stand as subject, `["user", "group#member"]`; `null` for anything.
    #[schema(required)]
    pub subjects: Option<Vec<String>>,
}

/// A permission in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DescribedPermission {
    /// Its name.
    pub name: String,
    /// The relation it needs.
    pub relation: String,
    /// Whether a policy has to agree.
    pub policy: bool,
    /// What it is for.
    #[schema(required)]
    pub description: Option<String>,
}

/// What holding one relation is worth for another one or for a permission. A policy may still say no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sufficiency {
    /// Nothing.
    No,
    /// A part: another relation is needed as well.
    Part,
    /// Enough, unless an exclusion takes it away.
    Unless,
    /// Enough.
    Yes,
}

/// Describes a model. The same model is always described in the same words.
pub fn describe(model: &CompiledModel) -> Description {
    let order = order(model);
    let relations =
        order.iter().filter_map(|name| model.relations.get(*name).map(|relation| described(name, relation)));
    let permissions = model.permissions.iter().map(|(name, permission)| DescribedPermission {
        name: name.clone(),
        relation: permission.relation.clone(),
        policy: permission.policy.is_some(),
        description: permission.description.clone(),
    });
    Description {
        entity_type: model.entity_type.clone(),
        hierarchy: hierarchy(model, &order),
        relations: relations.collect(),
        permissions: permissions.collect(),
        matrix: model.relations.keys().map(|name| (name.clone(), row(model, name))).collect(),
    }
}

fn described(name: &str, relation: &Relation) -> DescribedRelation {
    DescribedRelation {
        name: name.to_owned(),
        held_by: words(&relation.rewrite, false),
        takes_tuples: relation.takes_tuples(),
        subjects: relation.subjects.as_ref().map(|rules| rules.iter().map(ToString::to_string).collect()),
    }
}

fn words(rewrite: &Rewrite, inner: bool) -> String {
    let joined = |parts: &[Rewrite], by: &str| {
        let text = parts.iter().map(|part| words(part, true)).collect::<Vec<_>>().join(by);
        if inner { format!("({text})") } else { text }
    };
    match rewrite {
        Rewrite::Direct => String::from("given"),
        Rewrite::Computed(name) => name.clone(),
        Rewrite::FromParent { from, relation } => format!("{relation} of {from}"),
        Rewrite::AnyOf(parts) => joined(parts, " or "),
        Rewrite::AllOf(parts) => joined(parts, " and "),
        Rewrite::Except(base, removed) => {
            let text = format!("{} but not {}", words(base, true), words(removed, true));
            if inner { format!("({text})") } else { text }
        }
    }
}

fn row(model: &CompiledModel, held: &str) -> BTreeMap<String, Sufficiency> {
    let worth = Sufficiencies::of(model, held);
    model.permissions.iter().map(|(name, permission)| (name.clone(), worth.get(&permission.relation))).collect()
}

/// What one relation is worth for every other one of the same object: least fixpoints, one per level.
struct Sufficiencies<'m> {
    sure: BTreeSet<&'m str>,
    enough: BTreeSet<&'m str>,
    part: BTreeSet<&'m str>,
}

impl<'m> Sufficiencies<'m> {
    fn of(model: &'m CompiledModel, held: &'m str) -> Self {
        let sure = grow(model, held, |rewrite, so_far| counts(rewrite, so_far, &Level::Sure));
        let enough = grow(model, held, |rewrite, so_far| counts(rewrite, so_far, &Level::Enough(&sure)));
        let part = grow(model, held, |rewrite, so_far| counts(rewrite, so_far, &Level::Part));
        Self { sure, enough, part }
    }

    fn get(&self, relation: &str) -> Sufficiency {
        let levels =
            [(&self.sure, Sufficiency::Yes), (&self.enough, Sufficiency::Unless), (&self.part, Sufficiency::Part)];
        levels.into_iter().find(|(set, _)| set.contains(relation)).map_or(Sufficiency::No, |(_, worth)| worth)
    }
}

enum Level<'s, 'm> {
    /// Whatever else is the case.
    Sure,
    /// If nothing else is the case; with what surely is.
    Enough(&'s BTreeSet<&'m str>),
    /// If everything else is the case.
    Part,
}

fn grow<'m>(
    model: &'m CompiledModel,
    held: &'m str,
    counts: impl Fn(&Rewrite, &BTreeSet<&'m str>) -> bool,
) -> BTreeSet<&'m str> {
    let mut grown = BTreeSet::from([held]);
    loop {
        let before = grown.len();
        for (name, relation) in &model.relations {
            if counts(&relation.rewrite, &grown) {
                grown.insert(name);
            }
        }
        if grown.len() == before {
            return grown;
        }
    }
}

fn counts(rewrite: &Rewrite, so_far: &BTreeSet<&str>, level: &Level<'_, '_>) -> bool {
    match rewrite {
        Rewrite::Direct | Rewrite::FromParent { .. } => false,
        Rewrite::Computed(name) => so_far.contains(name.as_str()),
        Rewrite::AnyOf(parts) => parts.iter().any(|part| counts(part, so_far, level)),
        Rewrite::AllOf(parts) => match level {
            Level::Part => parts.iter().any(|part| counts(part, so_far, level)),
            _ => parts.iter().all(|part| counts(part, so_far, level)),
        },
        Rewrite::Except(base, removed) => match level {
            Level::Sure => false,
            Level::Enough(sure) => counts(base, so_far, level) && !counts(removed, sure, &Level::Sure),
            Level::Part => counts(base, so_far, level),
        },
    }
}

/// Which relations each one is enough for, one step further.
fn lower(model: &CompiledModel) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut lower: BTreeMap<&str, BTreeSet<&str>> =
        model.relations.keys().map(|name| (name.as_str(), BTreeSet::new())).collect();
    for (name, relation) in &model.relations {
        for higher in alternatives(&relation.rewrite).into_iter().filter(|higher| higher != name) {
            lower.entry(higher).or_default().insert(name);
        }
    }
    lower
}

/// All relations so that those that include others stand before them; by name where nothing else decides.
fn order(model: &CompiledModel) -> Vec<&str> {
    let lower = lower(model);
    let mut done = BTreeSet::new();
    let mut order = Vec::new();
    while order.len() < model.relations.len() {
        let open: Vec<_> = model.relations.keys().map(String::as_str).filter(|name| !done.contains(name)).collect();
        let is_top = |name: &str| {
            !open.iter().any(|other| *other != name && lower.get(other).is_some_and(|set| set.contains(name)))
        };
        // In a circle of equals, the first by name opens it.
        let Some(next) = open.iter().find(|name| is_top(name)).or(open.first()) else { break };
        done.insert(*next);
        order.push(*next);
    }
    order
}

/// Chains that hold every inclusion once, except those that follow from two others.
fn hierarchy(model: &CompiledModel, order: &[&str]) -> Vec<String> {
    let mut open = lower(model);
    let whole = open.clone();
    for (name, set) in &mut open {
        set.retain(|below| {
            !whole.get(name).into_iter().flatten().any(|other| other != below && leads(&whole, other, below, name))
        });
    }
    let mut chains = Vec::new();
    for start in order {
        while open.get(start).is_some_and(|set| !set.is_empty()) {
            let (mut chain, mut at) = ((*start).to_owned(), *start);
            while let Some(next) = open.get_mut(at).and_then(|set| set.pop_first()) {
                chain.push_str(" ⊃ ");
                chain.push_str(next);
                at = next;
            }
            chains.push(chain);
        }
    }
    chains
}

/// Whether there is a way down from `start` to `goal` that does not pass `past`.
fn leads(lower: &BTreeMap<&str, BTreeSet<&str>>, start: &str, goal: &str, past: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([start, past]), vec![start]);
    while let Some(name) = open.pop() {
        if name == goal {
            return true;
        }
        open.extend(lower.get(name).into_iter().flatten().filter(|next| seen.insert(next)));
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::compile;
    use super::*;

    fn model(document: serde_json::Value) -> CompiledModel {
        compile("doc", None, document.as_object().unwrap()).unwrap()
    }

    #[test]
    fn bug_52_the_picture_shows_the_direction_of_union() {
        let described = describe(&model(json!({
            "relations": {
                "viewer": {}, "owner": {"union": ["editor"]}, "editor": {"includes": ["viewer"]}, "auditor": {"includes": ["viewer"]}
            },
            "permissions": {"read": {"relation": "viewer"}, "delete": {"relation": "owner"}}
        })));
        assert_eq!(described.hierarchy, ["auditor ⊃ viewer", "owner ⊃ editor ⊃ viewer"]);
        let worth = |relation: &str, permission: &str| described.matrix[relation][permission];
        assert_eq!((worth("owner", "read"), worth("owner", "delete")), (Sufficiency::Yes, Sufficiency::Yes));
        assert_eq!((worth("viewer", "read"), worth("viewer", "delete")), (Sufficiency::Yes, Sufficiency::No));
        assert_eq!(
            serde_json::to_value(&described).unwrap()["matrix"]["viewer"],
            json!({"read": "yes", "delete": "no"})
        );
    }

    #[test]
    fn what_follows_from_two_inclusions_is_not_drawn_again() {
        let described = describe(&model(json!({
            "relations": {"a": {"includes": ["b", "c"]}, "b": {"includes": ["c"]}, "c": {"includes": ["a"]}, "d": {}}
        })));
        assert_eq!(described.hierarchy, ["a ⊃ b ⊃ c ⊃ a"]);
        assert_eq!(described.relations.len(), 4);
    }

    #[test]
    fn exclusions_and_parts_show_in_the_matrix() {
        let described = describe(&model(json!({
            "relations": {
                "member": {}, "banned": {}, "parent": {}, "active": {},
                "reader": {"anyOf": [{"relation": "member"}, {"relation": "reader", "from": "parent"}], "except": [{"relation": "banned"}]},
                "writer": {"allOf": [{"relation": "active"}, {"relation": "reader"}]}
            },
            "permissions": {"read": {"relation": "reader", "policyEngine": "lua", "policy": "return true"}, "write": {"relation": "writer"}}
        })));
        let worth = |relation: &str| (described.matrix[relation]["read"], described.matrix[relation]["write"]);
        assert_eq!(worth("member"), (Sufficiency::Unless, Sufficiency::Part));
        assert_eq!(worth("reader"), (Sufficiency::Yes, Sufficiency::Part));
        assert_eq!(worth("banned"), (Sufficiency::No, Sufficiency::No));
        assert_eq!(worth("writer"), (Sufficiency::No, Sufficiency::Yes));
        let reader = described.relations.iter().find(|relation| relation.name == "reader").unwrap();
        assert_eq!(reader.held_by, "(member or reader of parent) but not banned");
        assert!(!reader.takes_tuples && described.permissions[0].policy);
    }
}
