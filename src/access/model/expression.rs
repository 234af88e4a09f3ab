//! Set expressions: `anyOf`, `allOf`, `except` and their parts.

use serde_json::{Map, Value};

use super::Rewrite;
use super::reader::{Arrow, Reader};

/// Deepest nesting.
const MAX_DEPTH: usize = 16;

const LEAF: &[&str] = &["relation", "from"];
const NESTED: &[&str] = &["anyOf", "allOf", "except"];
const FORMS: &str = "write {\"direct\": true}, {\"relation\": \"viewer\"}, {\"relation\": \"viewer\", \"from\": \"parent\"} or a nested \
    {\"anyOf\": […]} or {\"allOf\": […]}";

/// What `anyOf` or `allOf` of this object say; `None` when it has neither.
pub(super) fn base(reader: &mut Reader<'_>, at: &str, object: &Map<String, Value>, depth: usize) -> Option<Rewrite> {
    match (object.get("anyOf"), object.get("allOf")) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            reader.note(
                at,
                "has both `anyOf` and `allOf`: put one inside the other, such as {\"anyOf\": [{\"allOf\": […]}, …]}",
            );
            Some(Rewrite::Direct)
        }
        (Some(list), None) => {
            Some(any_of(elements(reader, &format!("{at}.anyOf"), list, depth).unwrap_or_else(|| vec![Rewrite::Direct])))
        }
        (None, Some(list)) => {
            let mut all =
                elements(reader, &format!("{at}.allOf"), list, depth).unwrap_or_else(|| vec![Rewrite::Direct]);
            Some(if all.len() == 1 { all.pop().unwrap_or(Rewrite::Direct) } else { Rewrite::AllOf(all) })
        }
    }
}

/// What `except` of this object takes away.
pub(super) fn except(reader: &mut Reader<'_>, at: &str, object: &Map<String, Value>, depth: usize) -> Option<Rewrite> {
    let at = format!("{at}.except");
    let removed = elements(reader, &at, object.get("except")?, depth)?;
    if removed.iter().any(Rewrite::has_direct) {
        reader.note(
            at,
            "{\"direct\": true} cannot be excepted: anyone who is given the relation would lose it. Name another relation",
        );
        return None;
    }
    Some(any_of(removed))
}

/// The smallest form of a union.
pub(super) fn any_of(mut parts: Vec<Rewrite>) -> Rewrite {
    if parts.len() == 1 { parts.pop().unwrap_or(Rewrite::Direct) } else { Rewrite::AnyOf(parts) }
}

/// `None` when nothing of the list could be read.
fn elements(reader: &mut Reader<'_>, at: &str, list: &Value, depth: usize) -> Option<Vec<Rewrite>> {
    let Some(items) = list.as_array().filter(|items| !items.is_empty()) else {
        reader.note(at, format!("must be a list with at least one element: {FORMS}"));
        return None;
    };
    if depth > MAX_DEPTH {
        reader.note(
            at,
            format!("is nested more than {MAX_DEPTH} levels deep: give the inner part a relation of its own"),
        );
        return None;
    }
    let parts: Vec<_> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| element(reader, &format!("{at}[{index}]"), item, depth))
        .collect();
    if parts.is_empty() { None } else { Some(parts) }
}

fn element(reader: &mut Reader<'_>, at: &str, item: &Value, depth: usize) -> Option<Rewrite> {
    let Some(object) = item.as_object() else {
        reader.note(at, format!("must be an object: {FORMS}"));
        return None;
    };
    if object.contains_key("direct") {
        direct(reader, at, object);
        return Some(Rewrite::Direct);
    }
    if object.contains_key("relation") || object.contains_key("from") {
        return leaf(reader, at, object);
    }
    reader.members(at, object, NESTED);
    match base(reader, at, object, depth + 1) {
        Some(inner) => Some(match except(reader, at, object, depth + 1) {
            Some(removed) => Rewrite::Except(Box::new(inner), Box::new(removed)),
            None => inner,
        }),
        None if object.contains_key("except") => {
            reader.note(at, "`except` needs something to take away from: add `anyOf` or `allOf` beside it");
            None
        }
        None => {
            reader.note(at, format!("says nothing: {FORMS}"));
            None
        }
    }
}

fn direct(reader: &mut Reader<'_>, at: &str, object: &Map<String, Value>) {
    reader.members(at, object, &["direct"]);
    if object.get("direct") != Some(&Value::Bool(true)) {
        reader.note(format!("{at}.direct"), "must be true: leave the element out when tuples do not count");
    }
}

fn leaf(reader: &mut Reader<'_>, at: &str, object: &Map<String, Value>) -> Option<Rewrite> {
    for nested in NESTED.iter().filter(|nested| object.contains_key(**nested)) {
        reader.note(
            format!("{at}.{nested}"),
            format!("cannot stand beside `relation`: write {{\"anyOf\": [{{\"relation\": …}}], \"{nested}\": […]}}"),
        );
    }
    let quiet: Vec<_> = LEAF.iter().chain(NESTED).copied().collect();
    reader.members(at, object, &quiet);
    let relation_at = format!("{at}.relation");
    let Some(from) = object.get("from") else {
        return reader.known_relation(&relation_at, object.get("relation")).map(Rewrite::Computed);
    };
    let from_at = format!("{at}.from");
    let from = reader.known_relation(&from_at, Some(from));
    // The relation is one of the parents' types: these are looked at when everything is read.
    let relation = reader.name(&relation_at, object.get("relation"));
    let (from, relation) = (from?, relation?);
    reader.arrows.push(Arrow { at: at.to_owned(), from: from.clone(), relation: relation.clone() });
    Some(Rewrite::FromParent { from, relation })
}
