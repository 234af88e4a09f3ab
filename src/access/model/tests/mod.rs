//! What documents mean, and what is refused.

mod documents;
mod meaning;

use serde_json::{Map, Value};

use super::{CompiledModel, compile};
use crate::access::error::Mistake;

/// The members of a document written with `json!`.
fn members(document: Value) -> Map<String, Value> {
    document.as_object().cloned().unwrap()
}

fn compiled(document: Value) -> CompiledModel {
    compile("doc", None, &members(document)).unwrap()
}

fn mistakes(document: Value) -> Vec<Mistake> {
    compile("doc", None, &members(document)).unwrap_err()
}

/// The one mistake of a document: its place and text.
fn mistake(document: Value) -> (String, String) {
    let mut all = mistakes(document);
    assert_eq!(all.len(), 1, "{all:?}");
    all.pop().map(|mistake| (mistake.at, mistake.problem)).unwrap()
}
