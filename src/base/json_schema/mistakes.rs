//! What of a value is not as a schema says, each mistake with its place.

use std::fmt;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Schemas, number, parts, referred};
use crate::base::{Moment, id};

/// Words of JSON Schema that [`mistakes`] understands, or that say nothing about whether a value fits.
#[cfg(test)]
pub const WORDS: [&str; 16] = [
    "$ref",
    "type",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "maxItems",
    "anyOf",
    "required",
    "items",
    "properties",
    "additionalProperties",
    "format",
    "default",
    "description",
];

/// One mistake in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `subjects[2].id`; empty for the value itself.
    pub at: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// Whether something is not there, or is an empty text, that must be there.
    pub is_missing: bool,
}

/// What becomes of members that a type does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They are mistakes.
    Refused,
    /// They are passed over, at any depth.
    Ignored,
}

/// What a `T` must look like, to be asked about several values.
pub struct Rules {
    all: Map<String, Value>,
    schema: Value,
    unknown: Unknown,
}

impl Rules {
    /// Those of `T`.
    pub fn of<T: ToSchema>(unknown: Unknown) -> Self {
        let mut schemas = Schemas::default();
        let schema = schemas.add::<T>();
        Self { all: schemas.finished(), schema, unknown }
    }

    /// All that is wrong with a value.
    pub fn mistakes(&self, value: &Value) -> Vec<Mistake> {
        let mut found = Vec::new();
        Walk { all: &self.all, unknown: self.unknown, found: &mut found }.look(&self.schema, value, At::Value);
        found
    }
}

/// All that is wrong with a value that is to be a `T`.
pub fn mistakes_of<T: ToSchema>(value: &Value, unknown: Unknown) -> Vec<Mistake> {
    Rules::of::<T>(unknown).mistakes(value)
}

/// All that is wrong with a value that is to be as `schema` says, which may refer to `all`.
#[cfg(test)]
pub fn mistakes(all: &Map<String, Value>, schema: &Value, value: &Value) -> Vec<Mistake> {
    Rules { all: all.clone(), schema: schema.clone(), unknown: Unknown::Refused }.mistakes(value)
}

/// So many mistakes of one value are told at the most.
const MOST: usize = 100;

/// So much of a member's name is repeated, in characters.
const NAME: usize = 64;

/// Where the walk is. It is written out only for a mistake.
#[derive(Clone, Copy)]
enum At<'a> {
    Value,
    Member(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => Ok(()),
            Self::Member(above, name) => {
                let dot = if matches!(above, At::Value) { "" } else { "." };
                let cut = name.char_indices().nth(NAME).map(|(cut, _)| cut);
                let shown = cut.and_then(|cut| name.get(..cut)).unwrap_or(name);
                write!(f, "{above}{dot}{shown}{}", if cut.is_some() { "…" } else { "" })
            }
            Self::Item(above, place) => write!(f, "{above}[{place}]"),
        }
    }
}

struct Walk<'w> {
    all: &'w Map<String, Value>,
    unknown: Unknown,
    found: &'w mut Vec<Mistake>,
}

impl Walk<'_> {
    fn note(&mut self, at: At<'_>, message: impl Into<String>) {
        if self.found.len() < MOST {
            self.found.push(Mistake { at: at.to_string(), message: message.into(), is_missing: false });
        }
    }

    fn note_missing(&mut self, at: At<'_>, message: &str) {
        if self.found.len() < MOST {
            self.found.push(Mistake { at: at.to_string(), message: message.to_owned(), is_missing: true });
        }
    }

    fn look(&mut self, schema: &Value, value: &Value, at: At<'_>) {
        if self.found.len() >= MOST {
            return;
        }
        if let Some(schema) = referred(self.all, schema) {
            return self.look(schema, value, at);
        }
        if let Some(ways) = schema.get("anyOf") {
            return self.look_at_ways(ways, value, at);
        }
        if schema.get("type").is_some_and(|kind| !is_of(kind, value)) {
            return self.note(at, "This has the wrong type.");
        }
        if value.is_null() {
            return;
        }
        if let Some(words) = schema.get("enum").filter(|words| !parts(words).any(|word| word == value)) {
            let words: Vec<&str> = parts(words).filter_map(Value::as_str).collect();
            return self.note(at, format!("This is not one of: {}.", words.join(", ")));
        }
        match value {
            Value::String(text) => self.look_at_text(schema, text, at),
            Value::Number(_) => self.look_at_number(schema, value, at),
            Value::Array(items) => self.look_at_items(schema, items, at),
            Value::Object(members) => self.look_at_members(schema, members, at),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The way that fits best: the one of which the fewest members are missing or unknown, and then the one with the
    /// fewest mistakes. What is wrong by the others says nothing.
    fn look_at_ways(&mut self, ways: &Value, value: &Value, at: At<'_>) {
        let ways = parts(ways).filter(|way| value.is_null() || way.get("type").is_none_or(|kind| kind != "null"));
        let here = at.to_string();
        let is_here = |mistake: &&Mistake| {
            mistake.at.strip_prefix(&here).is_some_and(|rest| !rest.trim_start_matches('.').contains(['.', '[']))
        };
        let tried = ways.map(|way| {
            let mut found = Vec::new();
            Walk { all: self.all, unknown: self.unknown, found: &mut found }.look(way, value, at);
            found
        });
        let best = tried.min_by_key(|found| (found.iter().filter(is_here).count(), found.len()));
        self.found.extend(best.unwrap_or_default());
    }

    fn look_at_text(&mut self, schema: &Value, text: &str, at: At<'_>) {
        let length = text.chars().count() as u64;
        match number(schema, "minLength").filter(|least| length < *least) {
            Some(1) => self.note_missing(at, "This is empty."),
            Some(least) => self.note(at, format!("This is too short: at least {least} characters.")),
            None => {}
        }
        if let Some(most) = number(schema, "maxLength").filter(|most| length > *most) {
            self.note(at, format!("This is too long: at most {most} characters."));
        }
        match schema.get("format").and_then(Value::as_str) {
            Some("date-time") if Moment::parse_rfc3339(text).is_none() => {
                self.note(at, "This is no time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z.");
            }
            Some(format) => {
                if let Some(problem) = id::misfit(format, text) {
                    self.note(at, problem);
                }
            }
            None => {}
        }
    }

    fn look_at_number(&mut self, schema: &Value, value: &Value, at: At<'_>) {
        let bound = |word: &str| schema.get(word).and_then(Value::as_f64).zip(value.as_f64());
        if let Some((least, _)) = bound("minimum").filter(|(least, number)| number < least) {
            self.note(at, format!("This is too little: at least {least}."));
        }
        if let Some((most, _)) = bound("maximum").filter(|(most, number)| number > most) {
            self.note(at, format!("This is too much: at most {most}."));
        }
    }

    fn look_at_items(&mut self, schema: &Value, items: &[Value], at: At<'_>) {
        if let Some(most) = number(schema, "maxItems").filter(|most| items.len() as u64 > *most) {
            return self.note(at, format!("This has too many items: at most {most}."));
        }
        let Some(rule) = schema.get("items") else { return };
        for (place, item) in items.iter().enumerate() {
            self.look(rule, item, At::Item(&at, place));
        }
    }

    fn look_at_members(&mut self, schema: &Value, members: &Map<String, Value>, at: At<'_>) {
        let required: Vec<&str> =
            schema.get("required").map(parts).into_iter().flatten().filter_map(Value::as_str).collect();
        let known = schema.get("properties").and_then(Value::as_object);
        for name in required.iter().filter(|name| !members.contains_key(**name)) {
            self.note_missing(At::Member(&at, name), "This is missing.");
        }
        let rest = schema.get("additionalProperties").unwrap_or(&Value::Bool(true));
        for (name, value) in members {
            let at = At::Member(&at, name);
            match (known.and_then(|known| known.get(name)), rest) {
                (Some(rule), _) if value.is_null() && required.contains(&&**name) => {
                    let before = self.found.len();
                    self.look(rule, value, at);
                    if self.found.len() > before {
                        self.found.truncate(before);
                        self.note_missing(at, "This is missing.");
                    }
                }
                (Some(rule), _) => self.look(rule, value, at),
                (None, Value::Bool(false)) if self.unknown == Unknown::Ignored => {}
                (None, Value::Bool(false)) => self.note(at, "There is no such field."),
                (None, rule) => self.look(rule, value, at),
            }
        }
    }
}

/// Whether a value is of a type, or of one of several.
fn is_of(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
        Value::String(kind) => match kind.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, ToSchema)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        #[schema(min_length = 2, max_length = 4)]
        id: String,
        kind: Option<Kind>,
    }

    #[derive(Deserialize, ToSchema)]
    enum Kind {
        #[serde(rename = "user")]
        User,
        #[serde(rename = "group")]
        Group,
    }

    #[derive(Deserialize, ToSchema)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Flat {
        count: Option<u64>,
    }

    #[derive(Deserialize, ToSchema)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Outer {
        /// With a description.
        one: Option<Inner>,
        #[schema(max_items = 3)]
        subjects: Vec<Inner>,
        free: Option<Map<String, Value>>,
        #[schema(value_type = Option<String>, format = DateTime)]
        at: Option<Value>,
        #[serde(flatten)]
        flat: Flat,
    }

    fn found(value: &Value) -> Vec<(String, String)> {
        mistakes_of::<Outer>(value, Unknown::Refused).into_iter().map(|mistake| (mistake.at, mistake.message)).collect()
    }

    fn places(value: &Value) -> Vec<String> {
        found(value).into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn what_is_as_described_has_no_mistake() {
        let value = json!({"one": {"id": "ab", "kind": null}, "subjects": [{"id": "cdef", "kind": "group"}],
            "free": {"a": [1, {}]}, "at": "2026-01-31T12:00:00Z", "count": 3});
        assert_eq!(found(&value), []);
        assert_eq!(found(&json!({"subjects": [], "one": null, "free": null, "count": null})), []);
    }

    #[test]
    fn all_mistakes_are_found_at_any_depth_each_with_its_place() {
        let value = json!({"one": {"kind": "dog"}, "subjects": [{"id": "ok"}, 7, {"id": "too long", "colour": 1}],
            "at": "yesterday", "count": -1, "size": 1});
        let words = [
            ("one.id", "This is missing."),
            ("one.kind", "This is not one of: user, group."),
            ("subjects[1]", "This has the wrong type."),
            ("subjects[2].id", "This is too long: at most 4 characters."),
            ("subjects[2].colour", "There is no such field."),
            ("at", "This is no time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z."),
            ("count", "This is too little: at least 0."),
            ("size", "There is no such field."),
        ];
        assert_eq!(found(&value), words.map(|(at, message)| (at.to_owned(), message.to_owned())));
    }

    #[test]
    fn what_is_not_known_is_passed_over_where_that_is_the_rule() {
        let value = json!({"one": {"id": "abc", "x": 1}, "subjects": [{"id": 7, "x": 1}], "size": 1});
        let found = mistakes_of::<Outer>(&value, Unknown::Ignored);
        assert_eq!(found.iter().map(|mistake| &*mistake.at).collect::<Vec<_>>(), ["subjects[0].id"]);
    }

    #[test]
    fn what_must_be_there_is_missing_when_it_is_null() {
        assert_eq!(found(&json!({"subjects": null})), [(String::from("subjects"), String::from("This is missing."))]);
        assert_eq!(places(&json!({})), ["subjects"]);
        assert_eq!(places(&json!([])), [""]);
    }

    #[test]
    fn of_two_ways_the_one_that_is_meant_says_what_is_wrong() {
        #[derive(Deserialize, ToSchema)]
        #[serde(untagged)]
        #[expect(dead_code, reason = "only its shape matters")]
        enum Either {
            Many { items: Vec<Inner> },
            One(Inner),
        }
        let places = |value: &Value| {
            let found = mistakes_of::<Either>(value, Unknown::Refused);
            found.into_iter().map(|mistake| mistake.at).collect::<Vec<_>>()
        };
        assert_eq!(
            places(&json!({"items": [{"id": 1}, {"id": 2, "kind": 3}]})),
            ["items[0].id", "items[1].id", "items[1].kind"]
        );
        assert_eq!(places(&json!({"id": 1})), ["id"]);
    }

    #[test]
    fn what_is_told_of_a_value_is_bounded() {
        let name = "x".repeat(10_000);
        let many: Vec<Value> = (0..1_000).map(|_| json!({"id": "ok", name.as_str(): 1})).collect();
        let found = mistakes_of::<Vec<Inner>>(&many.into(), Unknown::Refused);
        assert_eq!(found.len(), MOST);
        assert_eq!(found.last().unwrap().at, format!("[{}].{}…", MOST - 1, "x".repeat(NAME)));
    }

    #[test]
    fn too_many_items_are_one_mistake() {
        assert_eq!(places(&json!({"subjects": [1, 2, 3, 4]})), ["subjects"]);
    }

    #[test]
    fn a_word_that_is_not_known_here_is_used_by_no_schema() {
        let mut schemas = Schemas::default();
        schemas.add::<Outer>();
        fn words(schema: &Value, found: &mut Vec<String>) {
            for (word, rule) in schema.as_object().into_iter().flatten() {
                found.push(word.clone());
                match word.as_str() {
                    "properties" => rule.as_object().unwrap().values().for_each(|schema| words(schema, found)),
                    "items" | "additionalProperties" => words(rule, found),
                    "anyOf" => parts(rule).for_each(|schema| words(schema, found)),
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        schemas.finished().values().for_each(|schema| words(schema, &mut found));
        assert!(found.len() > 20);
        assert!(found.iter().all(|word| WORDS.contains(&&**word)), "{found:?}");
    }
}
