//! What is made of the members of an object elsewhere: flags of the command line, tables of the configuration.

use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Schemas, number, of, parts, referred};

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// What it is for.
    pub words: String,
    /// What it takes.
    pub shape: Shape,
    /// Whether it can be `null`.
    pub is_nullable: bool,
}

/// What a member takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// A whole number within bounds, both included.
    Number(u64, u64),
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Word(Vec<String>),
    Texts,
    /// Some of these words.
    Words(Vec<String>),
    Object,
}

/// The members that an object of the type `T` can have, by name.
pub fn members_of<T: ToSchema>() -> Vec<Member> {
    let mut schemas = Schemas::default();
    schemas.add::<T>();
    let all = schemas.finished();
    let properties = all.get(&*T::name()).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| member(&all, name, schema)).collect()
}

fn member(all: &Map<String, Value>, name: &str, schema: &Value) -> Member {
    let words = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_null = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "null");
    let ways = schema.get("anyOf");
    let is_nullable = ways.is_some_and(|ways| parts(ways).any(is_null))
        || schema.get("type").is_some_and(|kind| parts(kind).any(|kind| kind == "null"));
    let plain = ways.and_then(|ways| parts(ways).find(|way| !is_null(way))).unwrap_or(schema);
    Member { name: name.to_owned(), words, shape: shape(all, plain), is_nullable }
}

fn shape(all: &Map<String, Value>, schema: &Value) -> Shape {
    let schema = referred(all, schema).unwrap_or(schema);
    let is = |kind: &str| schema.get("type").is_some_and(|found| found == kind || parts(found).any(|one| one == kind));
    let words = |schema: &Value| {
        let words = schema.get("enum").map(parts)?.filter_map(Value::as_str).map(str::to_owned);
        Some(words.collect::<Vec<_>>())
    };
    if is("array") {
        let items = schema.get("items").map(|items| referred(all, items).unwrap_or(items));
        return items.and_then(words).map_or(Shape::Texts, Shape::Words);
    }
    match words(schema) {
        Some(words) => Shape::Word(words),
        None if is("boolean") => Shape::Bool,
        None if is("integer") => {
            Shape::Number(number(schema, "minimum").unwrap_or(0), number(schema, "maximum").unwrap_or(u64::MAX))
        }
        None if is("object") => Shape::Object,
        None => Shape::Text,
    }
}

/// A parameter of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub words: String,
    /// What it takes: a schema that refers to no other.
    pub schema: Value,
    /// Whether it must be there.
    pub is_needed: bool,
}

/// The parameters of a query that is read as a `T`, by name.
pub fn parameters_of<T: ToSchema>() -> Vec<Parameter> {
    let mut schemas = Schemas::default();
    schemas.add::<T>();
    let all = schemas.finished();
    let Some(whole) = all.get(&*T::name()) else { return Vec::new() };
    let properties = whole.get("properties").and_then(Value::as_object).into_iter().flatten();
    let is_needed = |name: &str| whole.get("required").is_some_and(|names| parts(names).any(|one| one == name));
    let parameter = |(name, schema): (&String, &Value)| Parameter {
        name: name.clone(),
        words: schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        schema: value_of(&all, schema),
        is_needed: is_needed(name),
    };
    properties.map(parameter).collect()
}

/// The schema of a value that is there: not of `null`, by itself, and without words.
fn value_of(all: &Map<String, Value>, schema: &Value) -> Value {
    let is_null = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "null");
    if let Some(way) = schema.get("anyOf").and_then(|ways| parts(ways).find(|way| !is_null(way))) {
        return value_of(all, way);
    }
    if let Some(named) = referred(all, schema) {
        return value_of(all, named);
    }
    let mut plain = schema.clone();
    if let Some(members) = plain.as_object_mut() {
        members.remove("description");
        if let Some(kind) = members.get_mut("type")
            && let Some(one) = parts(&kind.clone()).find(|one| *one != "null")
        {
            *kind = one.clone();
        }
    }
    plain
}

/// The words that a `T` can be, where it is one of some.
pub fn words_of<T: ToSchema>() -> Vec<String> {
    of::<T>().get("enum").map(parts).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
