//! What a JSON value must look like, as the type says that reads or writes it; and what of a value is not so, each
//! mistake with its place.
//!
//! The schemas are those of utoipa, brought into one form: an object has the members that are described and no others,
//! unless all its members are free; parts that are flattened into an object stand in it (JSON Schema 2020-12, as
//! OpenAPI 3.1 uses it). Start reading at [`mistakes`].
//!
//! May use: `base::{clock, id}`.

mod members;
mod mistakes;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

pub use members::{Member, Parameter, Shape, members_of, parameters_of, words_of};
pub use mistakes::{Mistake, Rules, Unknown, mistakes_of};
#[cfg(test)]
pub use mistakes::{WORDS, mistakes};

/// An object of any members, where each is checked by the rule that takes it.
#[derive(Debug, serde::Deserialize)]
pub struct AnyObject(pub Map<String, Value>);

impl utoipa::PartialSchema for AnyObject {
    fn schema() -> RefOr<Schema> {
        utoipa::openapi::schema::ObjectBuilder::new().into()
    }
}

impl ToSchema for AnyObject {}

/// Where schemas refer to each other.
const PLACE: &str = "#/components/schemas/";

/// Schemas by name, as `components/schemas` of an OpenAPI document has them.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    all: Map<String, Value>,
    /// What was asked for by name; the rest is there for it.
    wanted: BTreeSet<String>,
}

impl Schemas {
    /// Takes in what `T` is made of, and gives the schema that refers to `T` by its name.
    pub fn add<T: ToSchema>(&mut self) -> Value {
        let mut all = Vec::new();
        T::schemas(&mut all);
        all.push((T::name().into_owned(), T::schema()));
        for (name, schema) in all {
            self.put(name, plain(&schema));
        }
        self.wanted.insert(T::name().into_owned());
        named(&T::name())
    }

    /// Takes in all of `others`.
    pub fn join(&mut self, others: Self) {
        for (name, schema) in others.all {
            self.put(name, schema);
        }
        self.wanted.extend(others.wanted);
    }

    fn put(&mut self, name: String, schema: Value) {
        let known = self.all.get(&name);
        debug_assert!(known.is_none_or(|known| *known == schema), "two types are called {name}");
        self.all.insert(name, schema);
    }

    /// Those that were asked for and what they refer to, in one form: call it when all are in.
    #[must_use]
    pub fn finished(self) -> Map<String, Value> {
        let mut finished = Map::new();
        let mut waiting: Vec<String> = self.wanted.into_iter().collect();
        while let Some(name) = waiting.pop() {
            let Some(schema) = self.all.get(&name).filter(|_| !finished.contains_key(&name)) else { continue };
            let schema = in_one_form(&self.all, schema.clone());
            note_references(&schema, &mut waiting);
            finished.insert(name, schema);
        }
        finished
    }
}

/// The schema that stands under this name.
pub fn named(name: &str) -> Value {
    json!({"$ref": format!("{PLACE}{name}")})
}

/// The schema of a type that is not made of others: a text, a number, one of some words.
pub fn of<T: ToSchema>() -> Value {
    in_one_form(&Map::new(), plain(&T::schema()))
}

/// The schema of an object of which nothing must be there.
pub fn all_optional(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.required.clear();
            object.into()
        }
        other => other,
    }
}

fn plain(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// The schema with its parts in one form.
fn in_one_form(all: &Map<String, Value>, schema: Value) -> Value {
    let Value::Object(members) = schema else { return schema };
    let mut whole = Map::new();
    for (word, rule) in members {
        match word.as_str() {
            "allOf" => parts(&rule).for_each(|part| take_in(&mut whole, all, part)),
            "oneOf" => drop(whole.insert(String::from("anyOf"), in_one_form_each(all, rule))),
            "anyOf" => drop(whole.insert(word, in_one_form_each(all, rule))),
            // Any text can be the name of a member.
            "propertyNames" => {}
            // How many bits a program here keeps a number in is no concern of others.
            "format" if matches!(rule.as_str(), Some("int32" | "int64" | "double" | "float")) => {}
            "items" => drop(whole.insert(word, in_one_form(all, rule))),
            "additionalProperties" if rule == json!({}) => drop(whole.insert(word, true.into())),
            "additionalProperties" => drop(whole.insert(word, in_one_form(all, rule))),
            "properties" => {
                let Value::Object(properties) = rule else { continue };
                let properties = properties.into_iter().map(|(name, schema)| (name, in_one_form(all, schema)));
                add_properties(&mut whole, properties.collect());
            }
            "required" => add_required(&mut whole, &rule),
            _ => drop(whole.insert(word, rule)),
        }
    }
    let is_object = whole.get("type").is_some_and(|kind| kind == "object" || parts(kind).any(|kind| kind == "object"));
    if is_object && !whole.contains_key("additionalProperties") {
        let is_free = !whole.contains_key("properties");
        whole.insert(String::from("additionalProperties"), is_free.into());
    }
    whole.into()
}

fn in_one_form_each(all: &Map<String, Value>, rule: Value) -> Value {
    match rule {
        Value::Array(parts) => parts.into_iter().map(|part| in_one_form(all, part)).collect(),
        other => other,
    }
}

/// Takes what a part of an object describes into the whole.
fn take_in(whole: &mut Map<String, Value>, all: &Map<String, Value>, part: &Value) {
    let Value::Object(part) = in_one_form(all, referred(all, part).unwrap_or(part).clone()) else { return };
    for (word, rule) in part {
        match (word.as_str(), rule) {
            ("properties", Value::Object(more)) => add_properties(whole, more),
            ("required", more) => add_required(whole, &more),
            ("description", _) => {}
            (_, rule) => drop(whole.insert(word, rule)),
        }
    }
}

fn add_properties(whole: &mut Map<String, Value>, more: Map<String, Value>) {
    let mut properties = match whole.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    properties.extend(more);
    whole.insert(String::from("properties"), properties.into());
}

fn add_required(whole: &mut Map<String, Value>, more: &Value) {
    let mut names: Vec<Value> = whole.get("required").map(parts).into_iter().flatten().cloned().collect();
    names.extend(parts(more).cloned());
    whole.insert(String::from("required"), names.into());
}

fn note_references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix(PLACE));
            names.extend(name.map(str::to_owned));
            members.values().for_each(|member| note_references(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| note_references(item, names)),
        _ => {}
    }
}

fn parts(rule: &Value) -> impl Iterator<Item = &Value> {
    rule.as_array().into_iter().flatten()
}

fn referred<'a>(all: &'a Map<String, Value>, schema: &Value) -> Option<&'a Value> {
    all.get(schema.get("$ref")?.as_str()?.strip_prefix(PLACE)?)
}

fn number(schema: &Value, word: &str) -> Option<u64> {
    schema.get(word)?.as_u64()
}
