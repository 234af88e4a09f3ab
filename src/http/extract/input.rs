//! Reading the members of a JSON object, with every mistake told at once.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::Moment;
use crate::http::respond::{FieldProblem, Refusal};

const WRONG_TYPE: &str = "This has the wrong type.";

/// The members of a body that nobody has taken yet, and what was wrong with those that were.
pub struct Input {
    members: Map<String, Value>,
    wrong: Vec<FieldProblem>,
}

impl Input {
    /// Reads these members.
    pub fn new(members: Map<String, Value>) -> Self {
        Self { members, wrong: Vec::new() }
    }

    /// Takes a member; absent and `null` are the same.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.take_or_null(name).flatten()
    }

    /// Takes a member; `Some(None)` when it is `null`, to remove a value.
    pub fn take_or_null<T: DeserializeOwned>(&mut self, name: &str) -> Option<Option<T>> {
        match self.members.remove(name)? {
            Value::Null => Some(None),
            value => match serde_json::from_value(value) {
                Ok(value) => Some(Some(value)),
                Err(_) => {
                    self.refuse(name, WRONG_TYPE);
                    None
                }
            },
        }
    }

    /// Takes a member that is an object, as it is.
    pub fn take_object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.members.remove(name)? {
            Value::Null => None,
            Value::Object(members) => Some(members),
            _ => {
                self.refuse(name, WRONG_TYPE);
                None
            }
        }
    }

    /// Takes a member that is a list of objects, as it is.
    pub fn take_objects(&mut self, name: &str) -> Option<Vec<Map<String, Value>>> {
        let objects = match self.members.remove(name)? {
            Value::Null => return None,
            Value::Array(items) => items.into_iter().map(|item| match item {
                Value::Object(members) => Some(members),
                _ => None,
            }),
            _ => {
                self.refuse(name, WRONG_TYPE);
                return None;
            }
        };
        let objects: Option<Vec<_>> = objects.collect();
        if objects.is_none() {
            self.refuse(name, WRONG_TYPE);
        }
        objects
    }

    /// Takes a member that must be there.
    pub fn require<T: DeserializeOwned + Default>(&mut self, name: &str) -> T {
        if self.members.get(name).is_none_or(Value::is_null) {
            self.members.remove(name);
            self.refuse(name, "This is missing.");
            return T::default();
        }
        self.take(name).unwrap_or_default()
    }

    /// Takes a time as RFC 3339 writes it.
    pub fn take_moment(&mut self, name: &str) -> Option<Moment> {
        let text: String = self.take(name)?;
        let moment = Moment::parse_rfc3339(&text);
        if moment.is_none() {
            self.refuse(name, "This is no time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z.");
        }
        moment
    }

    /// Takes all that is left.
    pub fn rest(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.members)
    }

    /// Notes what is wrong with a member.
    pub fn refuse(&mut self, name: &str, message: &str) {
        self.wrong.push(FieldProblem { field: name.to_owned(), message: message.to_owned() });
    }

    /// Refuses what nobody took, and whatever else was wrong.
    pub fn finish(mut self) -> Result<(), Refusal> {
        for name in self.rest().keys() {
            self.refuse(name, "There is no such field.");
        }
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(Refusal::invalid_fields(self.wrong))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(value: Value) -> Input {
        Input::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mut input = input(json!({"name": 1, "colour": "red", "age": "x"}));
        assert_eq!(input.require::<String>("email"), "");
        assert_eq!(input.take::<String>("name"), None);
        assert_eq!(input.take::<u64>("age"), None);
        let refusal = input.finish().unwrap_err();
        assert_eq!(refusal.message(), "These fields are not accepted: email, name, age, colour.");
    }

    #[test]
    fn null_is_absent_or_a_removal() {
        let mut input = input(json!({"a": null, "b": null}));
        assert_eq!(input.take::<String>("a"), None);
        assert_eq!(input.take_or_null::<String>("b"), Some(None));
        assert_eq!(input.take_or_null::<String>("c"), None);
        assert!(input.finish().is_ok());
    }
}
