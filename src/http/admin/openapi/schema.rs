//! The words of JSON Schema that the document uses, and no others: its tests know these.

use serde_json::{Map, Value, json};

/// Any text.
pub fn text() -> Value {
    json!({"type": "string"})
}

/// A time as RFC 3339 writes it.
pub fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// A whole number from 0 on.
pub fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// Any number.
pub fn number() -> Value {
    json!({"type": "number"})
}

/// Yes or no.
pub fn yes_no() -> Value {
    json!({"type": "boolean"})
}

/// Anything at all.
pub fn anything() -> Value {
    json!({})
}

/// An object whose members are the caller's own.
pub fn free() -> Value {
    json!({"type": "object", "additionalProperties": true})
}

/// One of these words.
pub fn choice(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

/// Several.
pub fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

/// So many at the most.
pub fn up_to(most: usize, of: Value) -> Value {
    json!({"type": "array", "maxItems": most, "items": of})
}

/// The same or `null`.
pub fn nullable(of: Value) -> Value {
    json!({"anyOf": [of, {"type": "null"}]})
}

/// Either of two.
pub fn either(one: Value, other: Value) -> Value {
    json!({"anyOf": [one, other]})
}

/// A schema of the document, by name.
pub fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object with names as keys, all of one kind.
pub fn by_name(of: Value) -> Value {
    json!({"type": "object", "additionalProperties": of})
}

/// An object with these members, of which those whose names end in `?` may be missing. There are no others.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in members {
        let bare = name.trim_end_matches('?');
        if bare == name {
            required.push(name);
        }
        properties.insert(bare.to_owned(), schema);
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// The members of one object and those of another.
pub fn both(mut one: Value, other: &Value) -> Value {
    if let (Some(properties), Some(Value::Object(more))) =
        (one.get_mut("properties").and_then(Value::as_object_mut), other.get("properties"))
    {
        properties.extend(more.clone());
    }
    if let (Some(required), Some(Value::Array(more))) =
        (one.get_mut("required").and_then(Value::as_array_mut), other.get("required"))
    {
        required.extend(more.iter().cloned());
    }
    one
}

/// The shape of every list.
pub fn page(of: Value) -> Value {
    object([("items", list(of)), ("next", nullable(text()))])
}

/// Every refusal (RFC 9457).
pub fn problem() -> Value {
    object([
        ("type", text()),
        ("title", text()),
        ("status", whole()),
        ("code", text()),
        ("detail", text()),
        ("request_id", text()),
        ("errors?", list(object([("field", text()), ("message", text())]))),
    ])
}
