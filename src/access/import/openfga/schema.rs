//! From types that were read to model documents of Auther. All types are at hand, so their references to each other are
//! checked too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Defined, Imported, ImportedModel, Source, Term, Type, local};
use crate::access::error::Mistake;
use crate::access::model::names::{advice, quoted};
use crate::access::model::{SubjectRule, compile};
use crate::records::tuple::GROUP;
use crate::records::tuple::SUBJECT_TYPES;

/// Mistakes that are looked for. What to write instead is found by comparing names, which takes its time.
const MAX_MISTAKES: usize = 100;

/// Types with their relations, by name.
type Known<'t> = BTreeMap<&'t str, BTreeMap<&'t str, &'t Defined>>;

/// One document for each type, except those of Auther itself that are declared without relations. Errors: every mistake
/// in meaning.
pub(super) fn documents(source: &Source) -> Result<Imported, Vec<Mistake>> {
    let types = &source.types;
    let mut mistakes = Vec::new();
    let known = known(types, &mut mistakes);
    let (mut models, mut notes) = (Vec::new(), notes_on_names(source));
    for typed in types {
        if mistakes.len() >= MAX_MISTAKES {
            break;
        }
        for defined in &typed.relations {
            subjects_exist(&known, defined, &mut mistakes);
            conditions_exist(source, defined, &mut mistakes);
            arrows_lead_somewhere(&known, typed, defined, &mut mistakes);
        }
        let definition = document(typed);
        if let Err(wrong) = compile(&typed.name, None, &definition) {
            mistakes.extend(wrong.into_iter().map(|mistake| placed(typed, mistake)));
        }
        notes.extend(notes_on(typed));
        // Declared there only to be named as a subject: a model of it would say nothing, and take the place of what we
        // have.
        if !(typed.relations.is_empty() && SUBJECT_TYPES.contains(&&*typed.name)) {
            models.push(ImportedModel { entity_type: typed.name.clone(), definition });
        }
    }
    if types.is_empty() && mistakes.is_empty() {
        mistakes.push(Mistake::new("", "the model has no types"));
    }
    if mistakes.is_empty() { Ok(Imported { models, notes }) } else { Err(mistakes) }
}

fn known<'t>(types: &'t [Type], mistakes: &mut Vec<Mistake>) -> Known<'t> {
    let mut known = Known::new();
    for typed in types {
        if known.contains_key(typed.name.as_str()) {
            mistakes.push(Mistake::new(&typed.at, format!("the type {} is there twice", quoted(&typed.name))));
        }
        let relations = known.entry(&typed.name).or_default();
        for defined in &typed.relations {
            if relations.insert(&defined.name, defined).is_some() {
                mistakes
                    .push(Mistake::new(&defined.at, format!("the relation {} is there twice", quoted(&defined.name))));
            }
        }
    }
    known
}

/// The place of a mistake in a document as a place in the text.
fn placed(typed: &Type, mistake: Mistake) -> Mistake {
    let mut names = mistake.at.splitn(3, '.');
    let (section, name) = (names.next(), names.next().unwrap_or_default());
    // Names may hold dots: the longest one that fits is meant.
    let fits = |defined: &&Defined| {
        section == Some("relations")
            && mistake.at.strip_prefix("relations.").is_some_and(|rest| begins(rest, &defined.name))
    };
    let defined = typed.relations.iter().filter(fits).max_by_key(|defined| defined.name.len());
    let at = defined.map_or(&typed.at, |defined| &defined.at);
    let name = defined.map_or(name, |defined| &defined.name);
    let what = if name.is_empty() { quoted(&typed.name) } else { quoted(&format!("{}#{name}", typed.name)) };
    Mistake::new(at, format!("{what}: {}", mistake.problem))
}

fn begins(text: &str, name: &str) -> bool {
    text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn subjects_exist(known: &Known<'_>, defined: &Defined, mistakes: &mut Vec<Mistake>) {
    for rule in &defined.subjects {
        if mistakes.len() >= MAX_MISTAKES {
            return;
        }
        let problem = match (known.get(rule.kind()), rule.alone()) {
            (None, _) => format!(
                "`{rule}`: there is no type {}: {}",
                quoted(rule.kind()),
                advice(rule.kind(), known.keys().copied())
            ),
            (Some(relations), SubjectRule::Set { relation, .. }) if !relations.contains_key(relation.as_str()) => {
                format!(
                    "`{rule}`: the type has no relation {}: {}",
                    quoted(relation),
                    advice(relation, relations.keys().copied())
                )
            }
            _ => continue,
        };
        mistakes.push(Mistake::new(&defined.at, problem));
    }
}

fn conditions_exist(source: &Source, defined: &Defined, mistakes: &mut Vec<Mistake>) {
    for rule in &defined.subjects {
        if let SubjectRule::With { condition, .. } = rule
            && !source.conditions.contains_key(condition)
            && mistakes.len() < MAX_MISTAKES
        {
            let names = source.conditions.keys().map(String::as_str);
            let problem =
                format!("`{rule}`: there is no condition {}: {}", quoted(condition), advice(condition, names));
            mistakes.push(Mistake::new(&defined.at, problem));
        }
    }
}

/// What became of names and of conditions.
fn notes_on_names(source: &Source) -> Vec<Mistake> {
    let renamed = source.slashed.iter().map(|name| {
        Mistake::new("", format!("{} is called `{}` here, where names have no `/`", quoted(name), local(name)))
    });
    let conditions = source.conditions.iter().map(|(name, at)| {
        let problem = format!(
            "the condition `{name}` is written in another language there. Relations whose subjects are `… with {name}` take only tuples \
             that have a condition. Write it in Lua on each of them; on tuples that are imported it denies until then"
        );
        Mistake::new(at, problem)
    });
    renamed.chain(conditions).collect()
}

/// At least one of the types that may be parents has the relation that is wanted there.
fn arrows_lead_somewhere(known: &Known<'_>, typed: &Type, defined: &Defined, mistakes: &mut Vec<Mistake>) {
    let mut arrows = BTreeSet::new();
    collect_arrows(&defined.term, &mut arrows);
    for (relation, from) in arrows {
        let parents =
            known.get(typed.name.as_str()).and_then(|relations| relations.get(from)).map(|parent| &parent.subjects);
        let Some(parents) = parents.filter(|parents| !parents.is_empty()) else { continue };
        let has = |rule: &SubjectRule| known.get(rule.kind()).is_some_and(|relations| relations.contains_key(relation));
        if !parents.iter().any(has) {
            let problem =
                format!("`{relation} from {from}`: none of the types that `{from}` takes has a relation `{relation}`");
            mistakes.push(Mistake::new(&defined.at, problem));
        }
    }
}

fn collect_arrows<'t>(term: &'t Term, arrows: &mut BTreeSet<(&'t str, &'t str)>) {
    match term {
        Term::Direct | Term::Computed(_) => {}
        Term::FromParent { relation, from } => {
            arrows.insert((relation, from));
        }
        Term::AnyOf(parts) | Term::AllOf(parts) => parts.iter().for_each(|part| collect_arrows(part, arrows)),
        Term::ButNot(base, removed) => {
            collect_arrows(base, arrows);
            collect_arrows(removed, arrows);
        }
    }
}

fn notes_on(typed: &Type) -> Vec<Mistake> {
    let mut notes = Vec::new();
    let mut arrows = BTreeSet::new();
    typed.relations.iter().for_each(|defined| collect_arrows(&defined.term, &mut arrows));
    let leads = |name: &str| arrows.iter().any(|(_, from)| *from == name);
    let bare = |rule: &SubjectRule| *rule.alone() == SubjectRule::One(GROUP.to_owned());
    for defined in typed.relations.iter().filter(|defined| defined.subjects.iter().any(bare) && !leads(&defined.name)) {
        let problem = format!(
            "`{}` takes `group`: here a group stands for its members, so they have the relation too",
            defined.name
        );
        notes.push(Mistake::new(&defined.at, problem));
    }
    notes
}

fn document(typed: &Type) -> Map<String, Value> {
    let relations = typed.relations.iter().map(|defined| (defined.name.clone(), Value::Object(relation(defined))));
    let mut document = Map::new();
    document.insert(String::from("relations"), Value::Object(relations.collect()));
    document.insert(String::from("permissions"), Value::Object(Map::new()));
    document
}

fn relation(defined: &Defined) -> Map<String, Value> {
    let mut relation = expression(&defined.term);
    if !defined.subjects.is_empty() {
        let subjects: BTreeSet<_> = defined.subjects.iter().map(ToString::to_string).collect();
        relation.insert(String::from("subjects"), json!(subjects));
    }
    relation
}

/// `anyOf`, `allOf`, `except`; nothing where tuples alone count.
fn expression(term: &Term) -> Map<String, Value> {
    let mut object = Map::new();
    match term {
        Term::Direct => {}
        Term::AllOf(parts) => {
            object.insert(String::from("allOf"), elements(parts));
        }
        Term::AnyOf(parts) => {
            object.insert(String::from("anyOf"), elements(parts));
        }
        Term::ButNot(base, removed) => {
            object = match &**base {
                Term::ButNot(..) => nested(base),
                base => expression(base),
            };
            object.insert(String::from("except"), alternatives(removed));
        }
        leaf => {
            object.insert(String::from("anyOf"), json!([element(leaf)]));
        }
    }
    object
}

fn nested(term: &Term) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert(String::from("anyOf"), json!([element(term)]));
    object
}

fn alternatives(term: &Term) -> Value {
    match term {
        Term::AnyOf(parts) => elements(parts),
        one => json!([element(one)]),
    }
}

fn elements(parts: &[Term]) -> Value {
    Value::Array(parts.iter().map(element).collect())
}

fn element(term: &Term) -> Value {
    match term {
        Term::Direct => json!({"direct": true}),
        Term::Computed(relation) => json!({"relation": relation}),
        Term::FromParent { relation, from } => json!({"relation": relation, "from": from}),
        Term::ButNot(base, removed) if matches!(**base, Term::Direct | Term::ButNot(..)) => {
            let mut object = nested(base);
            object.insert(String::from("except"), alternatives(removed));
            Value::Object(object)
        }
        inner => Value::Object(expression(inner)),
    }
}
