//! Whether a model that is well written can mean anything: relations that nobody can have, exclusions that depend on
//! themselves, arrows that lead nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{advice, quoted};
use super::reader::{Arrow, MAX_MISTAKES};
use super::{CompiledModel, Relation, Rewrite, SubjectRule};
use crate::access::error::Mistake;

/// Every relation whose meaning fails.
pub(super) fn check(model: &CompiledModel, arrows: &[Arrow]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for arrow in arrows {
        arrow_leads_to_objects(model, arrow, &mut mistakes);
    }
    for (name, relation) in &model.relations {
        subjects_have_a_use(name, relation, &mut mistakes);
        own_sets_exist(model, name, relation, &mut mistakes);
    }
    if mistakes.is_empty() {
        someone_can_have_each(model, &mut mistakes);
        no_exclusion_depends_on_itself(model, &mut mistakes);
    }
    mistakes
}

/// Parents are read from the tuples of the `from` relation alone, so nothing else may give it.
fn arrow_leads_to_objects(model: &CompiledModel, arrow: &Arrow, mistakes: &mut Vec<Mistake>) {
    let Some(relation) = model.relations.get(&arrow.from).filter(|_| mistakes.len() < MAX_MISTAKES) else { return };
    let (at, from) = (format!("{}.from", arrow.at), &arrow.from);
    if !relation.takes_tuples() {
        mistakes.push(Mistake::new(
            at,
            format!("`{from}` takes no tuples, so it leads to no parents: name a plain relation"),
        ));
        return;
    }
    if relation.rewrite != Rewrite::Direct {
        mistakes.push(Mistake::new(
            at,
            format!("parents are read from the tuples of `{from}` only, but others have it too or not all of them count: name a plain relation"),
        ));
        return;
    }
    let Some(rules) = &relation.subjects else { return };
    for rule in rules.iter().filter(|rule| !matches!(rule.alone(), SubjectRule::One(_))) {
        let place = format!("relations.{from}.subjects");
        mistakes.push(Mistake::new(
            place,
            format!("`{rule}` is no single object, and {} follows `{from}` to parents: remove it", arrow.at),
        ));
    }
    let all_are_own = rules.iter().all(|rule| rule.kind() == model.entity_type);
    if all_are_own && !model.relations.contains_key(&arrow.relation) {
        let known = advice(&arrow.relation, model.relations.keys().map(String::as_str));
        let problem = format!("parents are of this type, which has no relation {}: {known}", quoted(&arrow.relation));
        mistakes.push(Mistake::new(format!("{}.relation", arrow.at), problem));
    }
}

fn subjects_have_a_use(name: &str, relation: &Relation, mistakes: &mut Vec<Mistake>) {
    if relation.subjects.is_some() && !relation.takes_tuples() {
        mistakes.push(Mistake::new(
            format!("relations.{name}.subjects"),
            "the relation takes no tuples: add {\"direct\": true} to its list, or remove `subjects`",
        ));
    }
}

/// Sets over other types may be written before those types; sets over this one must exist now.
fn own_sets_exist(model: &CompiledModel, name: &str, relation: &Relation, mistakes: &mut Vec<Mistake>) {
    for rule in relation.subjects.iter().flatten() {
        if let SubjectRule::Set { kind, relation } = rule.alone()
            && *kind == model.entity_type
            && !model.relations.contains_key(relation)
            && mistakes.len() < MAX_MISTAKES
        {
            let known = advice(relation, model.relations.keys().map(String::as_str));
            let problem = format!("`{rule}` names no relation of this model: {known}");
            mistakes.push(Mistake::new(format!("relations.{name}.subjects"), problem));
        }
    }
}

/// Grows the set of relations that somebody could have until it stays the same; what is left over only leads back to
/// itself.
fn someone_can_have_each(model: &CompiledModel, mistakes: &mut Vec<Mistake>) {
    let mut possible: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = possible.len();
        for (name, relation) in &model.relations {
            if can_hold(model, relation, &relation.rewrite, &possible) {
                possible.insert(name);
            }
        }
        if possible.len() == before {
            break;
        }
    }
    for (name, relation) in model.relations.iter().filter(|(name, _)| !possible.contains(name.as_str())) {
        let mut needs = Vec::new();
        steps(model, relation, &relation.rewrite, false, &mut needs);
        let needs: BTreeSet<_> =
            needs.iter().filter(|step| !possible.contains(step.to)).map(|step| format!("`{}`", step.to)).collect();
        let needs = needs.into_iter().collect::<Vec<_>>().join(", ");
        mistakes.push(Mistake::new(
            format!("relations.{name}"),
            format!("nobody can ever have this: it only leads round in a circle through {needs}. Give one of them tuples ({{\"direct\": true}}) or another source"),
        ));
    }
}

fn can_hold(model: &CompiledModel, relation: &Relation, rewrite: &Rewrite, possible: &BTreeSet<&str>) -> bool {
    match rewrite {
        Rewrite::Direct => relation.subjects.as_ref().is_none_or(|rules| {
            rules.iter().any(|rule| match rule.alone() {
                SubjectRule::Set { kind, relation } if *kind == model.entity_type => {
                    possible.contains(relation.as_str())
                }
                _ => true,
            })
        }),
        Rewrite::Computed(other) => possible.contains(other.as_str()),
        Rewrite::FromParent { from, relation } => parents(model, from).is_none_or(|kinds| {
            kinds.into_iter().any(|kind| kind != model.entity_type || possible.contains(relation.as_str()))
        }),
        Rewrite::AnyOf(parts) => parts.iter().any(|part| can_hold(model, relation, part, possible)),
        Rewrite::AllOf(parts) => parts.iter().all(|part| can_hold(model, relation, part, possible)),
        Rewrite::Except(base, _) => can_hold(model, relation, base, possible),
    }
}

/// The types that `from` may lead to; `None` for any.
fn parents<'m>(model: &'m CompiledModel, from: &str) -> Option<Vec<&'m str>> {
    let rules = model.relations.get(from)?.subjects.as_ref()?;
    Some(rules.iter().map(SubjectRule::kind).collect())
}

/// That one relation of the type depends on another.
struct Step<'m> {
    to: &'m str,
    /// Whether it is the absence of the other that matters.
    negative: bool,
    /// Whether both are relations to the same object.
    same_object: bool,
}

fn steps<'m>(
    model: &'m CompiledModel,
    relation: &'m Relation,
    rewrite: &'m Rewrite,
    negative: bool,
    out: &mut Vec<Step<'m>>,
) {
    match rewrite {
        Rewrite::Computed(to) => out.push(Step { to, negative, same_object: true }),
        Rewrite::Direct => out.extend(relation.subjects.iter().flatten().filter_map(|rule| match rule.alone() {
            SubjectRule::Set { kind, relation: to } if *kind == model.entity_type => {
                Some(Step { to, negative, same_object: false })
            }
            _ => None,
        })),
        Rewrite::FromParent { from, relation: to } => {
            if parents(model, from).is_some_and(|kinds| kinds.contains(&model.entity_type.as_str())) {
                out.push(Step { to, negative, same_object: false });
            }
        }
        Rewrite::AnyOf(parts) | Rewrite::AllOf(parts) => {
            parts.iter().for_each(|part| steps(model, relation, part, negative, out));
        }
        Rewrite::Except(base, removed) => {
            steps(model, relation, base, negative, out);
            steps(model, relation, removed, true, out);
        }
    }
}

fn graph(model: &CompiledModel) -> BTreeMap<&str, Vec<Step<'_>>> {
    model
        .relations
        .iter()
        .map(|(name, relation)| {
            let mut out = Vec::new();
            steps(model, relation, &relation.rewrite, false, &mut out);
            (name.as_str(), out)
        })
        .collect()
}

/// Whether `goal` is reached from `start`, over steps on the same object only or over all.
fn reaches(graph: &BTreeMap<&str, Vec<Step<'_>>>, start: &str, goal: &str, same_object: bool) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([start]), vec![start]);
    while let Some(name) = open.pop() {
        if name == goal {
            return true;
        }
        for step in graph.get(name).into_iter().flatten().filter(|step| step.same_object || !same_object) {
            if seen.insert(step.to) {
                open.push(step.to);
            }
        }
    }
    false
}

/// Relations whose absence they rest on themselves, with the relation in between.
fn paradoxes(model: &CompiledModel, same_object: bool) -> Vec<(String, String)> {
    let graph = graph(model);
    let mut found = BTreeSet::new();
    for (name, steps) in &graph {
        for step in steps.iter().filter(|step| step.negative && (step.same_object || !same_object)) {
            if reaches(&graph, step.to, name, same_object) {
                found.insert(((*name).to_owned(), step.to.to_owned()));
            }
        }
    }
    found.into_iter().collect()
}

/// Who has a relation because they do not have it: there is no answer to that (stratified negation).
fn no_exclusion_depends_on_itself(model: &CompiledModel, mistakes: &mut Vec<Mistake>) {
    for (name, through) in paradoxes(model, true) {
        mistakes.push(Mistake::new(
            format!("relations.{name}.except"),
            format!("`{through}` is taken away from `{name}` and depends on `{name}` itself: break the circle"),
        ));
    }
}

/// Exclusions that depend on themselves where objects are in a circle, such as a folder that is its own parent.
pub(in crate::access) fn circular_exclusions(model: &CompiledModel) -> Vec<Mistake> {
    paradoxes(model, false)
        .into_iter()
        .map(|(name, through)| {
            let problem = format!("`{through}` is taken away and can depend on `{name}` of another object; for objects in a circle the answer is no");
            Mistake::new(format!("relations.{name}.except"), problem)
        })
        .collect()
}
