//! A text that says something.

use serde::de::{Deserialize, Deserializer, Error};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A text of at least one character. Reading an empty one is an error, and by its schema it is as missing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Filled(String);

impl Filled {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Filled> for String {
    fn from(text: Filled) -> Self {
        text.0
    }
}

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Err(D::Error::custom("an empty text")) } else { Ok(Self(text)) }
    }
}

impl PartialSchema for Filled {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).into()
    }
}

impl ToSchema for Filled {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::json_schema::{Unknown, mistakes_of};

    #[test]
    fn an_empty_text_is_none() {
        assert_eq!(serde_json::from_str::<Filled>("\"a\"").unwrap().as_str(), "a");
        assert!(serde_json::from_str::<Filled>("\"\"").is_err());
        let mistakes = mistakes_of::<Filled>(&json!(""), Unknown::Refused);
        assert!(mistakes.len() == 1 && mistakes[0].is_missing);
    }
}
