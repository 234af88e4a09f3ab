//! What every part of a document is read with: mistakes are noted with their places, and reading goes on.

use serde_json::{Map, Value};

use super::names::{self, NAME_RULE, is_name, quoted};
use crate::access::error::Mistake;

/// The most mistakes that are reported, and looked for.
pub(super) const MAX_MISTAKES: usize = 100;

/// A place where relation `from` leads to parents, and which relation is wanted there.
#[derive(Debug)]
pub(super) struct Arrow {
    pub at: String,
    pub from: String,
    pub relation: String,
}

/// What is known while a document is read.
pub(super) struct Reader<'d> {
    pub(super) known: Vec<&'d str>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    pub(super) fn note(&mut self, at: impl Into<String>, problem: impl Into<String>) {
        if !self.has_said_enough() {
            self.mistakes.push(Mistake::new(at, problem));
        }
    }

    /// Whether no more mistakes are reported: what to write instead need not be looked for.
    pub(super) fn has_said_enough(&self) -> bool {
        self.mistakes.len() >= MAX_MISTAKES
    }

    /// Notes every member of an object that has no meaning there.
    pub(super) fn members(&mut self, at: &str, object: &Map<String, Value>, known: &[&str]) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            if self.has_said_enough() {
                return;
            }
            let advice = names::advice(name, known.iter().copied());
            self.note(member(at, name), format!("{} is not known here: {advice}", quoted(name)));
        }
    }

    /// The name of a relation of this type. Notes one that is missing, no text, or not declared.
    pub(super) fn known_relation(&mut self, at: &str, value: Option<&Value>) -> Option<String> {
        let name = self.name(at, value)?;
        if self.known.contains(&name.as_str()) {
            return Some(name);
        }
        if self.has_said_enough() {
            return None;
        }
        let advice = names::advice(&name, self.known.iter().copied());
        self.note(at, format!("there is no relation {} in this model: {advice}", quoted(&name)));
        None
    }

    /// A text that can be a name.
    pub(super) fn name(&mut self, at: &str, value: Option<&Value>) -> Option<String> {
        match value {
            Some(Value::String(name)) if is_name(name) => Some(name.clone()),
            Some(Value::String(name)) => {
                self.note(at, format!("{} cannot be a name: {NAME_RULE}", quoted(name)));
                None
            }
            Some(_) => {
                self.note(at, "must be the name of a relation, as text");
                None
            }
            None => {
                self.note(at, "is missing: name a relation");
                None
            }
        }
    }
}

/// The place of a member.
pub(super) fn member(at: &str, name: &str) -> String {
    let name: String = name.chars().take(64).collect();
    if at.is_empty() { name } else { format!("{at}.{name}") }
}
