//! The context that a caller gives for policies: bounded and measured once, and shared by the questions it is for.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Error, Mistake};

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
    /// What a caller says of an object, wherever it says so: `id` and `type` are texts, `attributes` is an object, and
    /// every other member is an attribute, too: `{"amount": 10}` and `{"attributes": {"amount": 10}}` say the same.
    /// `at` is where it stands in the request. Errors: [`Error::Invalid`] for members of another type, and for an
    /// attribute that is given twice and differently; [`Error::TooLarge`].
    pub fn of(mut given: Map<String, Value>, at: &str) -> Result<Self, Error> {
        let mut wrong = Vec::new();
        let mut note = |name: &str, problem: &str| wrong.push(Mistake::new(format!("{at}.{name}"), problem));
        let mut text = |name: &str, note: &mut dyn FnMut(&str, &str)| match given.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                note(name, "This must be a string.");
                None
            }
        };
        let (id, type_name) = (text("id", &mut note), text("type", &mut note));
        let mut attributes = match given.remove("attributes") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(attributes)) => attributes,
            Some(_) => {
                note("attributes", "This must be an object.");
                Map::new()
            }
        };
        for (name, value) in given {
            match attributes.get(&name) {
                Some(other) if *other != value => note(&name, "This says something else than `attributes` does."),
                _ => drop(attributes.insert(name, value)),
            }
        }
        if wrong.is_empty() {
            Ok(Self { id, type_name, attributes: BoundedJson::new(attributes)? })
        } else {
            Err(Error::Invalid(wrong))
        }
    }

    /// The resource of a question: what the request says of it by itself, or else in its `context`. Errors: as
    /// [`Resource::of`].
    pub fn of_question(given: Option<Map<String, Value>>, context: &BoundedJson) -> Result<Option<Self>, Error> {
        match (given, context.get("resource")) {
            (Some(given), _) => Self::of(given, "resource").map(Some),
            (None, Some(Value::Object(given))) => Self::of(given.clone(), "context.resource").map(Some),
            (None, _) => Ok(None),
        }
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
    fn members_beside_id_type_and_attributes_are_attributes() {
        let of = |given: Value| Resource::of(given.as_object().unwrap().clone(), "resource");
        let wanted = bounded(json!({"amount": 10, "open": true})).unwrap();
        for given in [
            json!({"amount": 10, "open": true}),
            json!({"attributes": {"amount": 10, "open": true}}),
            json!({"amount": 10, "attributes": {"open": true}}),
            json!({"amount": 10, "attributes": {"amount": 10, "open": true}, "id": null, "type": null}),
        ] {
            assert_eq!(of(given).unwrap(), Resource { attributes: wanted.clone(), ..Resource::default() });
        }
        let named = of(json!({"id": "1", "type": "x", "amount": 10, "open": true})).unwrap();
        assert_eq!((named.id.as_deref(), named.type_name.as_deref()), (Some("1"), Some("x")));
        assert_eq!(named.attributes, wanted);
        let wrong = of(json!({"id": 1, "type": [], "attributes": 2})).unwrap_err();
        let Error::Invalid(wrong) = wrong else { panic!("{wrong}") };
        let places: Vec<&str> = wrong.iter().map(|mistake| &*mistake.at).collect();
        assert_eq!(places, ["resource.id", "resource.type", "resource.attributes"]);
        assert!(matches!(of(json!({"amount": 10, "attributes": {"amount": 11}})), Err(Error::Invalid(_))));
    }

    #[test]
    fn two_parts_are_bounded_together_and_a_copy_costs_nothing() {
        let half = bounded(json!({"a": "x".repeat(MAX_BYTES * 2 / 3)})).unwrap();
        assert!(half.fits_with(&BoundedJson::default()).is_ok() && half.fits_with(&half).is_err());
        assert!(half.weight() > MAX_BYTES * 2 / 3 && half.clone() == half);
        assert_eq!((BoundedJson::default().weight(), bounded(json!({})).unwrap()), (0, BoundedJson::default()));
    }
}
