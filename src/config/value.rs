//! A value as it was typed, brought to the kind its key takes. What it means is decided later.

use std::fmt;

use serde::{Serialize, Serializer};

use super::declaration::ClientDeclaration;
use super::schema::Kind;
use crate::base::Secret;
use crate::base::secret::ct_eq;

/// Shown in place of a secret.
const HIDDEN: &str = "(set)";

/// A typed value. Printing or serialising it never shows a secret.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nobody typed it and there is no default.
    Absent,
    /// Text, a path or a known name.
    Text(String),
    /// A whole number within the bounds of its key.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// Texts in order.
    List(Vec<String>),
    /// Text that stays hidden.
    Secret(Secret<String>),
    /// A table as JSON.
    Table(serde_json::Map<String, serde_json::Value>),
    /// Declared clients; shown by their ids.
    Clients(Vec<ClientDeclaration>),
}

/// Why something typed is no value of its kind; the sentence starts with the name of the key.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) remedy: String,
}

fn wrong(what: impl Into<String>, remedy: impl Into<String>) -> Wrong {
    Wrong { what: what.into(), remedy: remedy.into() }
}

/// What was typed in a file or in JSON, before it is known which key it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The line it stands on, where there are lines.
    pub(super) line: Option<usize>,
    pub(super) body: Body,
}

/// The shapes a [`Node`] can have.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Text(String),
    Number(i64),
    /// `true` or `false`.
    Bool(bool),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
    /// A shape no key takes, by its name.
    Other(&'static str),
}

impl Node {
    fn shape(&self) -> &'static str {
        match &self.body {
            Body::Text(_) => "text",
            Body::Number(_) => "a whole number",
            Body::Bool(_) => "true or false",
            Body::List(_) => "a list",
            Body::Table(_) => "a table",
            Body::Other(name) => name,
        }
    }

    /// The same as JSON; `None` when it holds a shape that JSON has not.
    fn json(&self) -> Option<serde_json::Value> {
        Some(match &self.body {
            Body::Text(text) => text.as_str().into(),
            Body::Number(number) => (*number).into(),
            Body::Bool(yes) => (*yes).into(),
            Body::List(items) => serde_json::Value::Array(items.iter().map(Self::json).collect::<Option<_>>()?),
            Body::Table(entries) => serde_json::Value::Object(json_object(entries)?),
            Body::Other(_) => return None,
        })
    }
}

fn json_object(entries: &[(String, Node)]) -> Option<serde_json::Map<String, serde_json::Value>> {
    entries.iter().map(|(name, node)| Some((name.clone(), node.json()?))).collect()
}

impl Value {
    /// Reads a variable, a flag or a default.
    pub(super) fn from_text(kind: Kind, text: &str) -> Result<Self, Wrong> {
        match kind {
            Kind::Bool => match text {
                "true" | "1" => Ok(Self::Bool(true)),
                "false" | "0" => Ok(Self::Bool(false)),
                _ => Err(mismatch(kind, &format!("{text:?}"))),
            },
            Kind::Number { .. } => match text.parse() {
                Ok(number) => bounded(kind, number),
                Err(_) => Err(mismatch(kind, &format!("{text:?}"))),
            },
            Kind::List | Kind::Choices(_) if text.trim().is_empty() => Ok(Self::List(Vec::new())),
            Kind::List | Kind::Choices(_) => list(kind, text.split(',').map(|item| item.trim().to_owned()).collect()),
            Kind::Text | Kind::Path | Kind::Choice { .. } | Kind::Secret => line_of_text(kind, text),
            Kind::Table | Kind::Clients => Err(mismatch(kind, "text")),
        }
    }

    /// Reads what stood in a file or in JSON.
    pub(super) fn from_node(kind: Kind, node: &Node) -> Result<Self, Wrong> {
        match (kind, &node.body) {
            (Kind::Text | Kind::Path | Kind::Choice { .. } | Kind::Secret, Body::Text(text)) => {
                line_of_text(kind, text)
            }
            (Kind::Bool, Body::Bool(yes)) => Ok(Self::Bool(*yes)),
            (Kind::Number { .. }, Body::Number(number)) => bounded(kind, *number),
            (Kind::List | Kind::Choices(_), Body::List(nodes)) => {
                let mut items = Vec::new();
                for node in nodes {
                    match &node.body {
                        Body::Text(text) => items.push(text.clone()),
                        _ => return Err(mismatch(kind, &format!("a list with {} in it", node.shape()))),
                    }
                }
                list(kind, items)
            }
            (Kind::Table, Body::Table(entries)) => json_object(entries).map(Self::Table).ok_or_else(|| {
                wrong("holds a date or a fraction", "use text, whole numbers, true, false, lists and tables")
            }),
            _ => Err(mismatch(kind, node.shape())),
        }
    }

    /// Whether both are the same value; secrets are compared in constant time.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(one), Self::Secret(two)) => ct_eq(one.expose().as_bytes(), two.expose().as_bytes()),
            _ => self.to_string() == other.to_string(),
        }
    }
}

/// `typed` is a shape or a quoted value, never a secret.
fn mismatch(kind: Kind, typed: &str) -> Wrong {
    let (expected, remedy) = match kind {
        Kind::Text | Kind::Path | Kind::Secret => ("text", "write it in quotes"),
        Kind::Choice { known, .. } => return wrong("expects a name in quotes", format!("use {}", one_of(known))),
        Kind::Bool => ("true or false", "write true or false"),
        Kind::Number { least, most } => {
            return wrong(format!("expects a whole number, not {typed}"), format!("use {least} to {most}"));
        }
        Kind::List | Kind::Choices(_) => ("a list of texts", "write it as [\"one\", \"two\"]"),
        Kind::Table => ("a table", "write it as { keys = […] }"),
        Kind::Clients => ("a list of tables", "write one [[clients]] table per client"),
    };
    wrong(format!("expects {expected}, not {typed}"), remedy)
}

fn bounded(kind: Kind, number: i64) -> Result<Value, Wrong> {
    match kind {
        Kind::Number { least, most } if !(least..=most).contains(&number) => {
            Err(wrong(format!("cannot be {number}"), format!("use {least} to {most}")))
        }
        _ => Ok(Value::Number(number)),
    }
}

fn line_of_text(kind: Kind, text: &str) -> Result<Value, Wrong> {
    if text.trim().is_empty() {
        return Err(wrong("is empty", "give it a value or leave it out"));
    }
    match kind {
        Kind::Secret => Ok(Value::Secret(Secret::from(text))),
        Kind::Choice { known, later } => named(text, known, later).map(|()| Value::Text(text.to_owned())),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

fn list(kind: Kind, items: Vec<String>) -> Result<Value, Wrong> {
    for item in &items {
        if item.trim().is_empty() {
            return Err(wrong("has an empty entry", "take it out"));
        }
        if let Kind::Choices(known) = kind {
            named(item, known, &[])?;
        }
    }
    Ok(Value::List(items))
}

fn named(text: &str, known: &[&str], later: &[&str]) -> Result<(), Wrong> {
    if known.contains(&text) {
        Ok(())
    } else if later.contains(&text) {
        Err(wrong(format!("= {text:?} is not available in this version"), format!("use {}", one_of(known))))
    } else {
        Err(wrong(format!("cannot be {text:?}"), format!("use {}", one_of(known))))
    }
}

/// `a, b or c`.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::List(items) => f.write_str(&items.join(", ")),
            Self::Secret(_) => f.write_str(HIDDEN),
            Self::Table(json) => f.write_str(&serde_json::to_string(json).unwrap_or_default()),
            Self::Clients(clients) => f.write_str(&client_ids(clients).join(", ")),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::List(items) => items.serialize(serializer),
            Self::Secret(_) => serializer.serialize_str(HIDDEN),
            Self::Table(json) => json.serialize(serializer),
            Self::Clients(clients) => client_ids(clients).serialize(serializer),
        }
    }
}

fn client_ids(clients: &[ClientDeclaration]) -> Vec<&str> {
    clients.iter().map(|client| client.client_id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(kind: Kind, text: &str) -> String {
        Value::from_text(kind, text).unwrap_err().what
    }

    #[test]
    fn a_list_in_a_variable_is_separated_by_commas() {
        assert_eq!(Value::from_text(Kind::List, "a, b ,c").unwrap().to_string(), "a, b, c");
        assert_eq!(Value::from_text(Kind::List, "").unwrap().to_string(), "");
        assert_eq!(complaint(Kind::List, "a,,b"), "has an empty entry");
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        assert_eq!(complaint(Kind::Bool, "yes"), "expects true or false, not \"yes\"");
        assert_eq!(complaint(Kind::Number { least: 1, most: 9 }, "10"), "cannot be 10");
        assert_eq!(complaint(Kind::Number { least: 1, most: 9 }, "x"), "expects a whole number, not \"x\"");
        assert_eq!(complaint(Kind::Text, " "), "is empty");
    }

    #[test]
    fn a_name_of_a_later_version_is_told_apart() {
        let kind = Kind::Choice { known: &["files", "off"], later: &["acme"] };
        assert_eq!(complaint(kind, "acme"), "= \"acme\" is not available in this version");
        assert_eq!(complaint(kind, "Files"), "cannot be \"Files\"");
    }

    #[test]
    fn a_secret_is_shown_as_set_and_nothing_else() {
        let value = Value::from_text(Kind::Secret, "hunter2").unwrap();
        assert_eq!(value.to_string(), "(set)");
        assert_eq!(serde_json::to_string(&value).unwrap(), "\"(set)\"");
        assert!(!format!("{value:?}").contains("hunter2"));
        assert!(value.same(&Value::Secret(Secret::from("hunter2"))));
        assert!(!value.same(&Value::Secret(Secret::from("hunter3"))));
    }
}
