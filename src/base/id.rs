//! Identifiers: opaque, URL-safe, time-sortable, with a prefix that names the kind (`usr_0j8…`).

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Entropy, Moment};

/// Base 32 with an alphabet in ASCII order, so that text sorts as the bytes do (RFC 4648 §7, lower case, no padding).
#[expect(clippy::expect_used, reason = "the alphabet is a constant; a test builds it")]
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghijklmnopqrstuv");
    specification.encoding().expect("a 32-letter alphabet is an encoding")
});

/// Characters after the prefix: 16 bytes in base 32.
const BODY: usize = 26;

/// The text is not an identifier of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub struct ParseIdError;

/// What all typed identifiers share; the store keys rows with it.
pub trait TypedId: Sized {
    /// The prefix with its underscore: `usr_`.
    const PREFIX: &'static str;

    /// The whole text, prefix included.
    fn as_str(&self) -> &str;

    /// Reads the text form; refuses another kind's prefix and anything malformed.
    fn parse(text: &str) -> Result<Self, ParseIdError>;

    /// When it was made, as it says itself: anybody can write one that says anything, so nothing is decided by it.
    fn says_made_at(&self) -> Option<Moment> {
        let body = self.as_str().strip_prefix(Self::PREFIX)?;
        let bytes = BASE32.decode(body.as_bytes()).ok()?;
        let millis = bytes.get(..6)?.iter().fold(0_i64, |millis, byte| (millis << 8) | i64::from(*byte));
        Some(Moment::from_millis(millis))
    }
}

fn fresh(prefix: &str, now: Moment, entropy: &dyn Entropy) -> String {
    let mut bytes = entropy.bytes::<16>();
    let millis = u64::try_from(now.millis()).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    let mut text = String::with_capacity(prefix.len() + BODY);
    text.push_str(prefix);
    BASE32.encode_append(&bytes, &mut text);
    text
}

fn well_formed(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|body| body.len() == BODY && body.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v')))
}

/// The schema of an identifier, with what it begins with as its format; [`CLIENT_FORMAT`] for those of clients.
fn described_id(format: &str, words: &str) -> RefOr<Schema> {
    let format = SchemaFormat::Custom(format.to_owned());
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).description(Some(words)).into()
}

/// The format of the identifier of a client.
const CLIENT_FORMAT: &str = "client-id";

/// What is wrong with a text that is to be an identifier of this format; `None` when nothing is, and for other formats.
pub fn misfit(format: &str, text: &str) -> Option<String> {
    if format == CLIENT_FORMAT {
        return ClientId::parse(text).err().map(|_| String::from("This is not the id of an app."));
    }
    let is_wrong = TYPED.contains(&format) && !well_formed(format, text);
    is_wrong.then(|| format!("This is no identifier that begins with {format}."))
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// A new identifier that sorts after those made at earlier moments.
            pub fn new(now: Moment, entropy: &dyn Entropy) -> Self {
                Self(fresh($prefix, now, entropy).into())
            }

            /// The whole text, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;

            fn as_str(&self) -> &str {
                &self.0
            }

            fn parse(text: &str) -> Result<Self, ParseIdError> {
                if well_formed($prefix, text) { Ok(Self(text.into())) } else { Err(ParseIdError) }
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                described_id($prefix, concat!("An identifier that begins with `", $prefix, "`."))
            }
        }

        impl ToSchema for $name {}

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*

        /// What the identifiers begin with that are given out here, each with its underscore.
        const TYPED: &[&str] = &[$($prefix),*];
    };
}

typed_ids! {
    /// Names a person.
    UserId = "usr_";
    /// A signed-in browser or device.
    SessionId = "ses_";
    /// An authorization code.
    CodeId = "cod_";
    /// What a person granted to a client at one authorization: the family of the tokens that follow from it.
    GrantId = "gnt_";
    /// A refresh token.
    RefreshId = "rft_";
    /// An authorization request that waits for a person.
    InteractionId = "int_";
    /// A sign-in that has begun and is not complete.
    AuthenticationId = "atn_";
    /// A row of the audit log.
    AuditId = "aud_";
    /// An invitation to sign up.
    InviteId = "inv_";
    /// A request, as it is named in logs and in `x-request-id`.
    RequestId = "req_";
    /// A token-signing key: the `kid` of RFC 7517 §4.5.
    KeyId = "kid_";
    /// A first-administrator or recovery link.
    LinkId = "lnk_";
    /// Names a group.
    GroupId = "grp_";
    /// An API key.
    ApiKeyId = "key_";
    /// An evaluation of a policy.
    EvaluationId = "evl_";
    /// A refused authorization request of an app.
    FailureId = "flr_";
    /// Something in the outbox.
    DeliveryId = "dlv_";
}

/// Prefixes of identifiers that have no type of their own: tuples, clients that were given an identifier, clients that
/// are gone, webhooks.
const UNTYPED: [&str; 4] = ["tpl_", CLIENT, GONE, "wh_"];

/// What the identifier of a client begins with that was given one.
const CLIENT: &str = "client_";

/// The prefix of our identifiers that a text begins with, in any case. Names that people choose begin with none of
/// them, so that no name is ever taken for an identifier, and no identifier of one kind for one of another (RFC 9700
/// §4.15).
pub fn reserved_prefix(text: &str) -> Option<&'static str> {
    let begins = |prefix: &&&str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    TYPED.iter().chain(&UNTYPED).find(begins).copied()
}

/// As [`reserved_prefix`], for the identifier that somebody chooses for a client: `client_` is the prefix of its own
/// kind.
pub fn foreign_prefix(client: &str) -> Option<&'static str> {
    reserved_prefix(client).filter(|prefix| *prefix != CLIENT)
}

/// What the place of a client that is gone begins with.
const GONE: &str = "gone_";

/// A client identifier: free-form within `^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$`, compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// A generated identifier: `client_` and 26 time-ordered characters.
    pub fn new(now: Moment, entropy: &dyn Entropy) -> Self {
        Self(fresh(CLIENT, now, entropy).into())
    }

    /// What stands in the place of a client that is gone, where something that was its own stays: `gone_` and 26
    /// time-ordered characters. No client may be called so ([`ClientId::is_gone`]).
    pub fn gone(now: Moment, entropy: &dyn Entropy) -> Self {
        Self(fresh(GONE, now, entropy).into())
    }

    /// Whether it stands in the place of a client that is gone.
    pub fn is_gone(&self) -> bool {
        self.0.starts_with(GONE)
    }

    /// The identifier as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TypedId for ClientId {
    const PREFIX: &'static str = "";

    fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, ParseIdError> {
        let mut bytes = text.bytes();
        let first_is_fit = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
        let rest_is_fit = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if first_is_fit && rest_is_fit && (2..=64).contains(&text.len()) {
            Ok(Self(text.into()))
        } else {
            Err(ParseIdError)
        }
    }
}

impl FromStr for ClientId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Self::parse(text)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialSchema for ClientId {
    fn schema() -> RefOr<Schema> {
        described_id(CLIENT_FORMAT, "The identifier of an app: 2 to 64 characters of A-Z a-z 0-9 . _ -")
    }
}

impl ToSchema for ClientId {}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The number every stored key begins with. `INSTALLATION` holds what belongs to no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub u32);

impl TenantId {
    /// Rows of the installation itself: signing of cookies, the local CA.
    pub const INSTALLATION: Self = Self(0);
    /// The tenant that always exists; its issuer is the bare origin.
    pub const DEFAULT: Self = Self(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::OsEntropy;

    #[test]
    fn an_identifier_says_when_it_was_made() {
        let now = Moment::from_millis(1_769_860_800_123);
        assert_eq!(CodeId::new(now, &OsEntropy).says_made_at(), Some(now));
    }

    #[test]
    fn later_identifiers_sort_later() {
        let early = UserId::new(Moment::from_millis(1_700_000_000_000), &OsEntropy);
        let late = UserId::new(Moment::from_millis(1_700_000_000_001), &OsEntropy);
        assert!(early < late);
        assert_eq!(early.as_str().len(), 4 + BODY);
    }

    #[test]
    fn an_identifier_of_another_kind_is_refused() {
        let session = SessionId::new(Moment::from_millis(0), &OsEntropy);
        assert_eq!(UserId::parse(session.as_str()), Err(ParseIdError));
        assert_eq!(SessionId::parse(session.as_str()), Ok(session));
        assert_eq!(UserId::parse("usr_../../etc"), Err(ParseIdError));
    }

    #[test]
    fn every_prefix_of_an_identifier_is_reserved_in_any_case() {
        let made = [
            UserId::new(Moment::from_millis(0), &OsEntropy).to_string(),
            ApiKeyId::new(Moment::from_millis(0), &OsEntropy).to_string(),
            ClientId::new(Moment::from_millis(0), &OsEntropy).to_string(),
        ];
        for id in made.iter().map(String::as_str).chain(["USR_x", "tpl_1", "grp_", "wh_1"]) {
            assert!(reserved_prefix(id).is_some(), "{id}");
        }
        for name in ["ann", "usr", "key-1", "my_key", "ü", "", "keys_x"] {
            assert_eq!(reserved_prefix(name), None, "{name}");
        }
        assert_eq!((foreign_prefix("client_abc"), foreign_prefix("usr_abc")), (None, Some("usr_")));
    }

    #[test]
    fn client_identifiers_follow_the_contract() {
        for good in ["my-spa-client-id", "client_abc", "a1", "Acme.Corp_1"] {
            assert!(ClientId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-abc", "a b", "ä1", &"x".repeat(65), "a/b"] {
            assert!(ClientId::parse(bad).is_err(), "{bad}");
        }
    }
}
