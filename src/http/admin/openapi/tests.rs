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
