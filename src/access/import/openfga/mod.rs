//! Authorization models of OpenFGA, schemas 1.1 and 1.2, as model documents of Auther: one for each type.
//!
//! `dsl` and `json` read the two notations into one form, `schema` checks that its types fit together and writes the
//! documents. Start reading at [`import`].

mod dsl;
mod json;
mod schema;
mod tokens;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::access::error::Mistake;
use crate::access::model::SubjectRule;

/// Largest text that is read, in bytes.
const MAX_TEXT: usize = 1 << 20;
/// Deepest nesting of expressions.
const MAX_DEPTH: usize = 16;
/// Most types of one model.
const MAX_TYPES: usize = 1000;

/// What a text came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// In the order of the text.
    pub models: Vec<ImportedModel>,
    /// What means something else here than there, and what to look at before storing.
    pub notes: Vec<Mistake>,
}

/// The document of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedModel {
    /// The entity type.
    pub entity_type: String,
    /// A document that compiles.
    pub definition: Map<String, Value>,
}

/// Reads a model in either notation: JSON when it begins with `{`, else the language. Errors: every mistake with its
/// place (`line 3, column 5`, or a path); in the language, only the first one in form.
pub fn import(text: &str) -> Result<Imported, Vec<Mistake>> {
    if text.len() > MAX_TEXT {
        return Err(vec![Mistake::new("", format!("the model has {} bytes; {MAX_TEXT} are allowed", text.len()))]);
    }
    let text = text.trim_start_matches('\u{feff}');
    let source = if text.trim_start().starts_with('{') {
        json::read(text)?
    } else {
        dsl::read(text).map_err(|mistake| vec![mistake])?
    };
    schema::documents(&source)
}

/// A name there as a name here, where no name has a `/`.
pub(super) fn local(name: &str) -> String {
    name.replace('/', ".")
}

/// What a condition of OpenFGA becomes on a tuple: a name, and a script that denies until somebody writes what it says.
pub(super) fn unwritten(condition: &str) -> String {
    format!("-- {condition}: this denies until the condition is written here in Lua.\nreturn false")
}

/// A model in either notation.
#[derive(Debug, Default)]
struct Source {
    types: Vec<Type>,
    /// Names with a `/`, as they stand there.
    slashed: BTreeSet<String>,
    /// The names of its conditions, and where each stands.
    conditions: BTreeMap<String, String>,
}

/// A type in either notation.
#[derive(Debug)]
struct Type {
    name: String,
    at: String,
    relations: Vec<Defined>,
}

/// A relation in either notation.
#[derive(Debug)]
struct Defined {
    name: String,
    at: String,
    term: Term,
    /// The types in brackets, or `directly_related_user_types`.
    subjects: Vec<SubjectRule>,
}

/// Who has a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Direct,
    Computed(String),
    FromParent { relation: String, from: String },
    AnyOf(Vec<Term>),
    AllOf(Vec<Term>),
    ButNot(Box<Term>, Box<Term>),
}

impl Term {
    /// How often tuples are let in anywhere within.
    fn directs(&self) -> usize {
        match self {
            Self::Direct => 1,
            Self::Computed(_) | Self::FromParent { .. } => 0,
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().map(Self::directs).sum(),
            Self::ButNot(base, removed) => base.directs() + removed.directs(),
        }
    }
}
