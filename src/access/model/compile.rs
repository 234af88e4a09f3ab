//! From a document to the form that questions are answered with.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::expression::any_of;
use super::lua::problem_of_script;
use super::names::{TYPE_RULE, is_entity_type, quoted};
use super::read::{Declared, Document, Reading, read};
use super::{CompiledModel, Relation, Rewrite, sense};
use crate::access::error::Mistake;
use crate::base::id::ClientId;
use crate::base::text::{self, Lines};
use crate::records::Model;

/// Reads and checks a document that somebody wrote. The version is that of a model which is not stored yet: 0. Errors:
/// every mistake, with its place and what to do.
pub fn compile(
    entity_type: &str,
    client: Option<&ClientId>,
    document: &Map<String, Value>,
) -> Result<CompiledModel, Vec<Mistake>> {
    let (model, mut mistakes) = translate(entity_type, document);
    if !is_entity_type(entity_type) {
        mistakes.insert(0, Mistake::new("", format!("{} cannot be an entity type: {TYPE_RULE}", quoted(entity_type))));
    }
    for (name, permission) in &model.permissions {
        if let Some(problem) = permission.policy.as_deref().and_then(problem_of_script) {
            mistakes.push(Mistake::new(format!("permissions.{name}.policy"), format!("is no Lua script: {problem}")));
        }
    }
    mistakes.extend(descriptions(document));
    if mistakes.is_empty() { Ok(CompiledModel { client: client.cloned(), ..model }) } else { Err(mistakes) }
}

/// The same for a model that was checked before it was stored: its scripts are taken as they are. Errors: as
/// [`compile`], for models that were stored under other rules.
pub fn compile_stored(stored: &Model) -> Result<CompiledModel, Vec<Mistake>> {
    let (model, mistakes) = translate(&stored.entity_type, &stored.definition);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(CompiledModel { client: stored.client.clone(), version: stored.version, ..model })
}

/// Descriptions that hold what is not seen. Those that are stored already stay: a model is not to end by them.
fn descriptions(document: &Map<String, Value>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut look = |at: String, of: &Map<String, Value>| {
        let told = of.get("description").and_then(Value::as_str).and_then(|told| text::problem(told, Lines::Many));
        mistakes.extend(told.map(|problem| Mistake::new(at, problem)));
    };
    look(String::from("description"), document);
    for part in ["relations", "permissions"] {
        for (name, value) in document.get(part).and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = value.as_object() {
                look(format!("{part}.{name}.description"), value);
            }
        }
    }
    mistakes
}

fn translate(entity_type: &str, document: &Map<String, Value>) -> (CompiledModel, Vec<Mistake>) {
    let Reading { document, arrows, mut mistakes } = read(document);
    let Document { relations, permissions, admin_bypass } = document;
    let relations = normalised(relations);
    let model = CompiledModel {
        entity_type: entity_type.to_owned(),
        client: None,
        relations,
        permissions,
        admin_bypass,
        version: 0,
    };
    mistakes.extend(sense::check(&model, &arrows));
    (model, mistakes)
}

/// One rewrite for each relation. What others include it with stands in its base, so that its `except` holds for them
/// too.
fn normalised(declared: BTreeMap<String, Declared>) -> BTreeMap<String, Relation> {
    let mut includers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, relation) in &declared {
        for included in &relation.includes {
            let list = includers.entry(included.clone()).or_default();
            if !list.contains(name) {
                list.push(name.clone());
            }
        }
    }
    let normal = |(name, relation): (String, Declared)| {
        let added = includers.remove(&name).unwrap_or_default().into_iter().map(Rewrite::Computed);
        let mut parts = match relation.base {
            Rewrite::AnyOf(parts) => parts,
            other => vec![other],
        };
        for part in added {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        let base = any_of(parts);
        let rewrite = match relation.except {
            Some(removed) => Rewrite::Except(Box::new(base), Box::new(removed)),
            None => base,
        };
        (name, Relation { rewrite, subjects: relation.subjects })
    };
    declared.into_iter().map(normal).collect()
}
