//! The shapes of the admin API for the JavaScript of the pages: `assets/api.d.ts`, made from the document.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// All schemas as types, and what each operation takes and gives.
pub fn declarations(document: &Value) -> String {
    let mut text = String::from(
        "// The shapes of the admin API, made from its description by a test, which says when they are out of date\n\
         // and with AUTHER_WRITE_GENERATED=1 writes them anew: cargo test --lib declarations_for_the_pages\n\n",
    );
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    let mut names: Vec<(&String, &Value)> = schemas.into_iter().flatten().collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    for (name, schema) in names {
        comment(&mut text, schema, "");
        match schema.get("properties").and_then(Value::as_object) {
            Some(_) => drop(writeln!(text, "export interface {name} {}\n", of(schema, ""))),
            None => drop(writeln!(text, "export type {name} = {};\n", of(schema, ""))),
        }
    }
    text.push_str("/** What each operation takes and gives. */\nexport interface Operations {\n");
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            comment(&mut text, &summary(operation), "  ");
            let body = operation.pointer("/requestBody/content/application~1json/schema");
            let body = body.map_or_else(|| String::from("undefined"), |schema| of(schema, "    "));
            let answer = ["200", "201"]
                .iter()
                .find_map(|status| operation.pointer(&format!("/responses/{status}/content/application~1json/schema")));
            let answer = answer.map_or_else(|| String::from("unknown"), |schema| of(schema, "    "));
            let method = method.to_uppercase();
            let _ = writeln!(text, "  \"{method} {path}\": {{\n    body: {body};\n    answer: {answer};\n  }};");
        }
    }
    text.push_str("}\n");
    text
}

fn summary(operation: &Value) -> Value {
    serde_json::json!({"description": operation.get("summary")})
}

fn comment(text: &mut String, schema: &Value, indent: &str) {
    if let Some(words) = schema.get("description").and_then(Value::as_str) {
        let _ = writeln!(text, "{indent}/** {} */", words.replace('\n', " "));
    }
}

/// The type of a schema.
fn of(schema: &Value, indent: &str) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return name.rsplit('/').next().unwrap_or(name).to_owned();
    }
    if let Some(ways) = schema.get("anyOf").and_then(Value::as_array) {
        return either(ways.iter().map(|way| of(way, indent)).collect());
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let mut words: Vec<String> = words.iter().map(Value::to_string).collect();
        words.extend(is_nullable(schema).then(|| String::from("null")));
        return either(words);
    }
    match schema.get("type") {
        None => String::from("unknown"),
        Some(Value::Array(kinds)) => {
            either(kinds.iter().filter_map(Value::as_str).map(|kind| of_kind(kind, schema, indent)).collect())
        }
        Some(kind) => of_kind(kind.as_str().unwrap_or_default(), schema, indent),
    }
}

fn is_nullable(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
}

fn either(mut types: Vec<String>) -> String {
    // `null` stands last.
    types.sort_by_key(|one| one == "null");
    types.dedup();
    types.join(" | ")
}

fn of_kind(kind: &str, schema: &Value, indent: &str) -> String {
    match kind {
        "string" => String::from("string"),
        "integer" | "number" => String::from("number"),
        "boolean" => String::from("boolean"),
        "null" => String::from("null"),
        "array" => {
            let item = schema.get("items").map_or_else(|| String::from("unknown"), |items| of(items, indent));
            if item.contains(' ') && !item.starts_with('{') { format!("({item})[]") } else { format!("{item}[]") }
        }
        "object" => match (schema.get("properties").and_then(Value::as_object), schema.get("additionalProperties")) {
            (Some(properties), _) => members(schema, properties, indent),
            (None, Some(rest @ Value::Object(_))) => format!("Record<string, {}>", of(rest, indent)),
            (None, _) => String::from("Record<string, unknown>"),
        },
        _ => String::from("unknown"),
    }
}

fn members(schema: &Value, properties: &Map<String, Value>, indent: &str) -> String {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let inner = format!("{indent}  ");
    let mut text = String::from("{\n");
    for (name, schema) in properties {
        comment(&mut text, schema, &inner);
        let mark = if required.contains(&name.as_str()) { "" } else { "?" };
        let _ = writeln!(text, "{inner}{name}{mark}: {};", of(schema, &inner));
    }
    text.push_str(indent);
    text.push('}');
    text
}
