//! What a script is called by: the digest of its text.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;

use super::secret::sha256;

/// The SHA-256 of a script's text, written as base64url without padding. Two scripts with the same one are the same
/// script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptDigest([u8; 32]);

impl ScriptDigest {
    /// The digest of this text.
    pub fn of(script: &str) -> Self {
        Self(sha256(script.as_bytes()))
    }
}

impl fmt::Display for ScriptDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl FromStr for ScriptDigest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("expected 32 bytes as base64url")
    }
}

impl utoipa::PartialSchema for ScriptDigest {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new().schema_type(Type::String).description(Some("The digest of a script's text.")).into()
    }
}

impl utoipa::ToSchema for ScriptDigest {}

impl serde::Serialize for ScriptDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ScriptDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = ScriptDigest::of("return true");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(serde_json::from_value::<ScriptDigest>(serde_json::json!(digest)).unwrap(), digest);
        assert_ne!(digest, ScriptDigest::of("return true "));
        assert!("x".parse::<ScriptDigest>().is_err());
    }
}
