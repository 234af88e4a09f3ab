//! Routes and descriptions belong together.

use std::collections::BTreeSet;

use super::super::operation::Right;
use super::*;
use crate::http::extract::all_rights;

#[test]
fn every_route_is_described_and_every_description_has_its_route() {
    let routes: BTreeSet<(String, String)> = registered()
        .into_iter()
        .flat_map(|(path, methods)| methods.into_iter().map(move |method| (method, path.clone())))
        .collect();
    let described: Vec<(String, String)> =
        operations().map(|operation| operation.place()).map(|(method, path)| (method.into(), path.into())).collect();
    let once: BTreeSet<(String, String)> = described.iter().cloned().collect();
    assert_eq!(once.len(), described.len(), "something is described twice");
    let missing: Vec<_> = routes.difference(&once).collect();
    assert!(missing.is_empty(), "without a description: {missing:?}");
    let left: Vec<_> = once.difference(&routes).collect();
    assert!(left.is_empty(), "described, but no route: {left:?}");
}

#[test]
fn every_right_that_is_named_exists() {
    let known: BTreeSet<String> = all_rights().map(|(permission, on)| format!("{permission} on {on}")).collect();
    for operation in operations() {
        if let Right::Named(right) = operation.right() {
            assert!(known.contains(right), "{right}");
        }
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("$ref") {
                found.insert(name.trim_start_matches("#/components/schemas/").to_owned());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    let known: BTreeSet<String> = document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(used, known);
}

#[test]
fn operations_have_names_of_their_own() {
    let document = document();
    let mut seen = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(seen.insert(id.clone()), "{id}");
        }
    }
    assert!(seen.len() > 60);
}

#[test]
fn declarations_for_the_pages_are_as_the_document_says() {
    let wanted = typescript::declarations(&document());
    if std::env::var_os("AUTHER_WRITE_GENERATED").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/api.d.ts"), &wanted).unwrap();
        return;
    }
    let kept = include_str!("../../../../assets/api.d.ts");
    let differs = kept.lines().zip(wanted.lines()).find(|(kept, wanted)| kept != wanted);
    let how = "run the test with AUTHER_WRITE_GENERATED=1 to write assets/api.d.ts anew";
    assert!(kept == wanted, "{how}; the first line that differs, as it is and as it should be: {differs:?}");
}

#[test]
fn a_schema_is_declared_as_the_type_that_it_is() {
    let document = json!({"components": {"schemas": {
        "Word": {"type": "string", "enum": ["a", "b"], "description": "One of two."},
        "Thing": {"type": "object", "required": ["id", "word"], "additionalProperties": false, "properties": {
            "id": {"type": "integer"}, "word": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Word"}]},
            "more": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
            "free": {"type": "object", "additionalProperties": true}, "any": {},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}}}}}},
        "paths": {"/things": {"post": {"summary": "Makes one",
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
            "responses": {"201": {"content": {"application/json": {"schema": {"type": "boolean"}}}}}}}}});
    let text = typescript::declarations(&document);
    for part in [
        "/** One of two. */\nexport type Word = \"a\" | \"b\";",
        "export interface Thing {\n  id: number;\n  word: Word | null;\n  more?: (string | null)[] | null;",
        "  free?: Record<string, unknown>;\n  any?: unknown;\n  counts?: Record<string, number>;\n}",
        "  /** Makes one */\n  \"POST /things\": {\n    body: Thing;\n    answer: boolean;\n  };",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// A value that fits, with every member that can be there.
fn sample(all: &Map<String, Value>, schema: &Value) -> Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return sample(all, &all[name.rsplit('/').next().unwrap()]);
    }
    if let Some(ways) = schema.get("anyOf").and_then(Value::as_array) {
        return sample(all, ways.iter().find(|way| way["type"] != "null").unwrap());
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap(),
        kind => kind,
    };
    match kind.as_str().unwrap_or_default() {
        "string" if schema["format"] == "date-time" => json!("2026-01-31T12:00:00Z"),
        "string" => json!("wiki"),
        "integer" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => json!([sample(all, &schema["items"])]),
        _ => {
            let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            properties.map(|(name, schema)| (name.clone(), sample(all, schema))).collect::<Map<_, _>>().into()
        }
    }
}

/// The same value with an unknown member in each of its objects in turn that have not any members.
fn with_a_member_too_many(all: &Map<String, Value>, schema: &Value, value: &Value) -> Vec<Value> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return with_a_member_too_many(all, &all[name.rsplit('/').next().unwrap()], value);
    }
    if let Some(ways) = schema.get("anyOf").and_then(Value::as_array) {
        return with_a_member_too_many(all, ways.iter().find(|way| way["type"] != "null").unwrap(), value);
    }
    let mut found = Vec::new();
    match value {
        Value::Object(members) if schema["additionalProperties"] == false => {
            let mut more = members.clone();
            more.insert(String::from("no_such_member"), json!(1));
            found.push(more.into());
            for (name, inner) in members {
                for inner in with_a_member_too_many(all, &schema["properties"][name], inner) {
                    let mut changed = members.clone();
                    changed.insert(name.clone(), inner);
                    found.push(changed.into());
                }
            }
        }
        Value::Array(items) => {
            found
                .extend(with_a_member_too_many(all, &schema["items"], &items[0]).into_iter().map(|item| json!([item])));
        }
        _ => {}
    }
    found
}

#[test]
fn every_body_is_read_as_it_is_described_and_a_member_too_many_is_refused_at_any_depth() {
    let all = schemas();
    let (mut bodies, mut refused) = (0, 0);
    for operation in operations() {
        let Some((schema, reads)) = operation.body() else { continue };
        bodies += 1;
        let value = sample(&all, schema);
        assert_eq!(reads(&value), Ok(()), "{:?}: {value}", operation.place());
        for wrong in with_a_member_too_many(&all, schema, &value) {
            refused += 1;
            assert!(reads(&wrong).is_err(), "{:?}: {wrong}", operation.place());
        }
    }
    assert!(bodies >= 25 && refused > bodies, "{bodies} {refused}");
}

#[test]
fn the_words_of_all_schemas_are_known_to_who_compares_values_with_them() {
    fn words(schema: &Value, found: &mut BTreeSet<String>) {
        for (word, rule) in schema.as_object().into_iter().flatten() {
            found.insert(word.clone());
            match word.as_str() {
                "properties" => rule.as_object().unwrap().values().for_each(|schema| words(schema, found)),
                "items" | "additionalProperties" => words(rule, found),
                "anyOf" => rule.as_array().unwrap().iter().for_each(|schema| words(schema, found)),
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    schemas().values().for_each(|schema| words(schema, &mut found));
    found.retain(|word| !crate::base::json_schema::WORDS.contains(&&**word));
    assert_eq!(found, BTreeSet::new());
}
