//! Members of a change that may be absent (it stays), `null` (it goes) or a value (RFC 7396).

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// For `#[serde(default, deserialize_with = "patch::given")]`: `Some(None)` for a member that is `null`.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// For a member whose type says whether it can be `null`: where it can, `null` is its value, and where it cannot, the
/// same as absent.
pub fn member<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(serde_json::from_value(Value::Null).ok()),
        value => serde_json::from_value(value).map(Some).map_err(D::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Change {
        #[serde(default, deserialize_with = "given")]
        name: Option<Option<String>>,
        #[serde(default, deserialize_with = "member")]
        list: Option<Vec<u8>>,
        #[serde(default, deserialize_with = "member")]
        count: Option<Option<u8>>,
    }

    #[test]
    fn null_is_a_value_where_the_type_has_it() {
        let read = |text| serde_json::from_str::<Change>(text).map(|change| (change.list, change.count)).ok();
        assert_eq!(read("{}"), Some((None, None)));
        assert_eq!(read(r#"{"list":null,"count":null}"#), Some((None, Some(None))));
        assert_eq!(read(r#"{"list":[],"count":1}"#), Some((Some(Vec::new()), Some(Some(1)))));
        assert_eq!(read(r#"{"list":1}"#), None);
    }

    #[test]
    fn absent_and_null_are_two_things() {
        let read = |text| serde_json::from_str::<Change>(text).unwrap().name;
        assert_eq!(read("{}"), None);
        assert_eq!(read("{\"name\":null}"), Some(None));
        assert_eq!(read("{\"name\":\"a\"}"), Some(Some(String::from("a"))));
        assert!(serde_json::from_str::<Change>("{\"name\":1}").is_err());
    }
}
