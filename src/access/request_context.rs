//! The context that a caller gives for policies: bounded and measured once, and shared by the questions it is for.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Error;

/// The most bytes of the context of one question.
pub const MAX_BYTES: usize = 64 * 1024;

/// Most values in it: members and items at any depth.
pub const MAX_VALUES: usize = 4_096;

/// What a value costs besides its text, in bytes, wherever it is copied to.
const VALUE: usize = 64;

/// An object of JSON whose size is bounded. A copy shares it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoundedJson(Option<Arc<Measured>>);

#[derive(Debug, PartialEq)]
struct Measured {
    members: Map<String, Value>,
    size: Size,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    bytes: usize,
    values: usize,
}

impl BoundedJson {
    /// Measures it. Errors: [`Error::TooLarge`] beyond [`MAX_BYTES`] and [`MAX_VALUES`], found after that many.
    pub fn new(members: Map<String, Value>) -> Result<Self, Error> {
        if members.is_empty() {
            return Ok(Self(None));
        }
        let mut size = Size::default();
        size.add_members(&members)?;
        Ok(Self(Some(Arc::new(Measured { members, size }))))
    }

    /// The members, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().flat_map(|measured| &measured.members)
    }

    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.members.get(name)
    }

    /// A copy of its members.
    pub fn members(&self) -> Map<String, Value> {
        self.0.as_ref().map(|measured| measured.members.clone()).unwrap_or_default()
    }

    /// About what a copy takes, in bytes.
    pub fn weight(&self) -> usize {
        self.0.as_ref().map_or(0, |measured| measured.size.bytes + measured.size.values * VALUE)
    }

    /// Refuses what is too large together with this. Errors: [`Error::TooLarge`].
    pub fn fits_with(&self, other: &Self) -> Result<(), Error> {
        let mut size = Size::default();
        for measured in [self, other].into_iter().filter_map(|one| one.0.as_ref()) {
            size.add(measured.size.bytes, measured.size.values)?;
        }
        Ok(())
    }
}

impl Size {
    fn add(&mut self, bytes: usize, values: usize) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.values = self.values.saturating_add(values);
        if self.bytes > MAX_BYTES {
            return Err(Error::TooLarge(format!("`resource` and `context` have more than {MAX_BYTES} bytes")));
        }
        if self.values > MAX_VALUES {
            return Err(Error::TooLarge(format!("`resource` and `context` have more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    fn add_members(&mut self, members: &Map<String, Value>) -> Result<(), Error> {
        self.add(2, 0)?;
        members.iter().try_for_each(|(name, value)| {
            self.add(name.len().saturating_add(4), 0)?;
            self.add_value(value)
        })
    }

    fn add_value(&mut self, value: &Value) -> Result<(), Error> {
        match value {
            Value::Null | Value::Bool(_) => self.add(5, 1),
            Value::Number(_) => self.add(8, 1),
            Value::String(text) => self.add(text.len().saturating_add(3), 1),
            Value::Array(items) => {
                self.add(2, 1)?;
                items.iter().try_for_each(|item| self.add_value(item))
            }
            Value::Object(members) => {
                self.add(0, 1)?;
                self.add_members(members)
            }
        }
    }
}

/// The resource of a question, as the caller describes it. None of it is checked: a caller knows its own objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// In place of the entity id.
    pub id: Option<String>,
    /// In place of the entity type's own name.
    pub type_name: Option<String>,
    /// What the caller says of the object besides, for policies.
    pub attributes: BoundedJson,
}

impl Resource {
    /// Of `{id, type, attributes}`. Errors: [`Error::TooLarge`].
    pub fn of(mut given: Map<String, Value>) -> Result<Self, Error> {
        let text = |name: &str| given.get(name)?.as_str().map(str::to_owned);
        let (id, type_name) = (text("id"), text("type"));
        let attributes = match given.remove("attributes") {
            Some(Value::Object(attributes)) => BoundedJson::new(attributes)?,
            _ => BoundedJson::default(),
        };
        Ok(Self { id, type_name, attributes })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bounded(value: Value) -> Result<BoundedJson, Error> {
        BoundedJson::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_context_is_bounded_in_bytes_and_in_values_at_any_depth() {
        assert!(bounded(json!({"a": "x".repeat(MAX_BYTES - 100)})).is_ok());
        assert!(bounded(json!({"a": "x".repeat(MAX_BYTES)})).is_err());
        assert!(bounded(json!({"x".repeat(MAX_BYTES): 1})).is_err());
        assert!(bounded(json!({"a": vec![1; MAX_VALUES - 1]})).is_ok());
        assert!(bounded(json!({"a": vec![1; MAX_VALUES]})).is_err());
        assert!(bounded(json!({"a": vec![json!({"b": {}}); MAX_VALUES / 2]})).is_err());
    }

    #[test]
    fn two_parts_are_bounded_together_and_a_copy_costs_nothing() {
        let half = bounded(json!({"a": "x".repeat(MAX_BYTES * 2 / 3)})).unwrap();
        assert!(half.fits_with(&BoundedJson::default()).is_ok() && half.fits_with(&half).is_err());
        assert!(half.weight() > MAX_BYTES * 2 / 3 && half.clone() == half);
        assert_eq!((BoundedJson::default().weight(), bounded(json!({})).unwrap()), (0, BoundedJson::default()));
    }
}
