//! The JSON notation: `{"schema_version": "1.1", "type_definitions": […]}`.

use serde_json::{Map, Value};

use super::{Defined, MAX_DEPTH, MAX_TYPES, Source, Term, Type, local};
use crate::access::error::Mistake;
use crate::access::model::SubjectRule;
use crate::access::model::names::quoted;
use crate::base::strict_json::{self, Bounds};

/// What a model may be: its expressions take some levels for each of [`MAX_DEPTH`].
const JSON: Bounds = Bounds { depth: 128, values: 200_000 };

/// Reads all types. Errors: every mistake, with its path.
pub(super) fn read(text: &str) -> Result<Source, Vec<Mistake>> {
    let whole = strict_json::read(text.as_bytes(), JSON).map_err(|error| {
        let at = match error {
            strict_json::Error::Syntax { line, column } => format!("line {line}, column {column}"),
            _ => String::from("the document"),
        };
        vec![Mistake::new(at, format!("is not accepted as JSON: {error}"))]
    })?;
    let Value::Object(whole) = whole.value else {
        return Err(vec![Mistake::new("the document", "is not a JSON object")]);
    };
    let model = whole.get("authorization_model").and_then(Value::as_object).unwrap_or(&whole);
    let mut reader = Reader::default();
    reader.source.types = reader.model(model);
    if reader.mistakes.is_empty() { Ok(reader.source) } else { Err(reader.mistakes) }
}

#[derive(Default)]
struct Reader {
    mistakes: Vec<Mistake>,
    source: Source,
}

impl Reader {
    fn note(&mut self, at: impl Into<String>, problem: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, problem));
    }

    fn local(&mut self, name: &str) -> String {
        if name.contains('/') {
            self.source.slashed.insert(name.to_owned());
        }
        local(name)
    }

    fn model(&mut self, model: &Map<String, Value>) -> Vec<Type> {
        let version = member(model, "schema_version", "schemaVersion").and_then(Value::as_str);
        if !matches!(version, Some("1.1" | "1.2")) {
            self.note("schema_version", "must be \"1.1\" or \"1.2\": no other schema can be imported");
        }
        for name in model.get("conditions").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            let name = self.local(name);
            self.source.conditions.insert(name.clone(), format!("conditions.{name}"));
        }
        let at = "type_definitions";
        let Some(types) = member(model, at, "typeDefinitions").and_then(Value::as_array) else {
            self.note(at, "is missing: it lists the types of the model");
            return Vec::new();
        };
        if types.len() > MAX_TYPES {
            self.note(at, format!("holds more than {MAX_TYPES} types"));
            return Vec::new();
        }
        types.iter().enumerate().filter_map(|(index, item)| self.typed(&format!("{at}[{index}]"), item)).collect()
    }

    fn typed(&mut self, at: &str, item: &Value) -> Option<Type> {
        let Some(name) = item.get("type").and_then(Value::as_str) else {
            self.note(format!("{at}.type"), "is missing: it names the type");
            return None;
        };
        let empty = Map::new();
        let relations = match item.get("relations") {
            None | Some(Value::Null) => &empty,
            Some(Value::Object(relations)) => relations,
            Some(_) => {
                self.note(format!("{at}.relations"), "must be an object");
                &empty
            }
        };
        let metadata = item.get("metadata");
        // Of which module a type came does not matter where all types are at hand.
        let metadata = metadata.and_then(|metadata| metadata.get("relations"));
        let relations = relations.iter().map(|(relation, value)| {
            let at = format!("{at}.relations.{relation}");
            let about = metadata.and_then(|metadata| metadata.get(relation));
            self.defined(&at, relation, value, about)
        });
        let relations = relations.collect();
        Some(Type { name: self.local(name), at: at.to_owned(), relations })
    }

    fn defined(&mut self, at: &str, name: &str, value: &Value, about: Option<&Value>) -> Defined {
        let term = self.term(at, value, 1).unwrap_or(Term::Direct);
        let types =
            about.and_then(|about| about.get("directly_related_user_types").or(about.get("directlyRelatedUserTypes")));
        let items = types.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let types_at = format!("{at}: directly_related_user_types");
        match (term.directs() > 0, items.is_empty()) {
            (true, true) => {
                self.note(types_at.clone(), "is missing: `this` needs the types that may be given the relation")
            }
            (false, false) => self.note(types_at.clone(), "has no use: the relation has no `this`"),
            _ => {}
        }
        let subjects = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.subject(&format!("{types_at}[{index}]"), item))
            .collect();
        Defined { name: self.local(name), at: at.to_owned(), term, subjects }
    }

    fn subject(&mut self, at: &str, item: &Value) -> Option<SubjectRule> {
        let text = |name: &str| item.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let named = |reader: &mut Self, name: &str| text(name).map(|name| reader.local(name));
        let kind = named(self, "type").unwrap_or_default();
        let (relation, condition) = (named(self, "relation"), named(self, "condition"));
        let condition = condition.map(|name| format!(" with {name}")).unwrap_or_default();
        let rule = match (relation, item.get("wildcard").filter(|wildcard| !wildcard.is_null())) {
            (Some(relation), None) => SubjectRule::parse(&format!("{kind}#{relation}{condition}")),
            (None, Some(_)) => SubjectRule::parse(&format!("{kind}:*{condition}")),
            (None, None) => SubjectRule::parse(&format!("{kind}{condition}")),
            (Some(_), Some(_)) => Err(String::from("has both a relation and a wildcard")),
        };
        rule.map_err(|problem| self.note(at, problem)).ok()
    }

    fn term(&mut self, at: &str, value: &Value, depth: usize) -> Option<Term> {
        if depth > MAX_DEPTH {
            self.note(
                at,
                format!("is nested more than {MAX_DEPTH} levels deep: give the inner part a relation of its own"),
            );
            return None;
        }
        let mut members = value.as_object().into_iter().flatten();
        let (Some((kind, inner)), None) = (members.next(), members.next()) else {
            self.note(at, "must be an object with exactly one of this, computedUserset, tupleToUserset, union, intersection, difference");
            return None;
        };
        let at = format!("{at}.{kind}");
        match kind.as_str() {
            "this" => Some(Term::Direct),
            "computedUserset" | "computed_userset" => self.relation(&at, Some(inner)).map(Term::Computed),
            "tupleToUserset" | "tuple_to_userset" => {
                let computed = inner.get("computedUserset").or(inner.get("computed_userset"));
                let from = self.relation(&format!("{at}.tupleset"), inner.get("tupleset"));
                let relation = self.relation(&format!("{at}.computedUserset"), computed);
                Some(Term::FromParent { relation: relation?, from: from? })
            }
            "union" => self.children(&at, inner, depth).map(Term::AnyOf),
            "intersection" => self.children(&at, inner, depth).map(Term::AllOf),
            "difference" => self.difference(&at, inner, depth),
            other => {
                self.note(&at, format!("{} is not known in a relation", quoted(other)));
                None
            }
        }
    }

    fn difference(&mut self, at: &str, inner: &Value, depth: usize) -> Option<Term> {
        let base = self.term(&format!("{at}.base"), inner.get("base").unwrap_or(&Value::Null), depth + 1);
        let at = format!("{at}.subtract");
        let removed = self.term(&at, inner.get("subtract").unwrap_or(&Value::Null), depth + 1)?;
        if removed.directs() > 0 {
            self.note(at, "`this` cannot be subtracted: give the types a relation of their own");
        }
        Some(Term::ButNot(Box::new(base?), Box::new(removed)))
    }

    fn children(&mut self, at: &str, inner: &Value, depth: usize) -> Option<Vec<Term>> {
        let Some(children) = inner.get("child").and_then(Value::as_array).filter(|children| !children.is_empty())
        else {
            self.note(format!("{at}.child"), "must be a list with at least one element");
            return None;
        };
        let terms: Vec<_> = children
            .iter()
            .enumerate()
            .filter_map(|(index, child)| self.term(&format!("{at}.child[{index}]"), child, depth + 1))
            .collect();
        (terms.len() == children.len()).then_some(terms)
    }

    fn relation(&mut self, at: &str, value: Option<&Value>) -> Option<String> {
        let name = value.and_then(|value| value.get("relation")).and_then(Value::as_str);
        if name.is_none() {
            self.note(format!("{at}.relation"), "is missing: it names a relation");
        }
        name.map(|name| self.local(name))
    }
}

fn member<'m>(object: &'m Map<String, Value>, name: &str, other: &str) -> Option<&'m Value> {
    object.get(name).or_else(|| object.get(other))
}
