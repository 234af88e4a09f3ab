//! Signed tokens and their keys: JWS compact form, JWT times, JWK (RFC 7515, 7517, 7518, 7519, 7638, 8037, BCP 225).
//!
//! May use: `base`, `records::Algorithm`, and as the only folder the JOSE library. Keys are parsed once and kept ready.
//! Start reading at [`verify`], whose checks stand in the order in which they are made.

mod compact;
mod jwk;
mod signing;
mod times;
mod verifying;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wycheproof;

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::base::strict_json::{self, Bounds};
pub use crate::records::Algorithm;
pub use compact::{Header, MAX_BYTES, Unverified, peek_claims, peek_header};
pub use jwk::{VerifyingKey, thumbprint};
pub use signing::SigningKey;
pub use times::{check_times, numeric_date};
pub use verifying::{Expectation, TypRule, Verified, verify};

/// What the parts of a token and a key may hold: a token of [`MAX_BYTES`] has no room for more values.
const JSON: Bounds = Bounds { depth: 32, values: MAX_BYTES };

/// A JSON object with unique member names (RFC 7515 §4, RFC 7519 §4); `None` for everything else.
fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    strict_json::object(bytes, JSON)
}

/// What signatures are accepted with: the algorithms of our own tokens, and PS256 for what clients sign (RFC 7518
/// §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    PS256,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SignatureAlgorithm {
    /// All, for key material of strangers (client assertions).
    pub const ALL: [Self; 4] = [Self::RS256, Self::PS256, Self::ES256, Self::EdDSA];

    /// What our own tokens may be signed with.
    pub const OURS: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl From<Algorithm> for SignatureAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RS256 => Self::RS256,
            Algorithm::ES256 => Self::ES256,
            Algorithm::EdDSA => Self::EdDSA,
        }
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(Error::Algorithm)
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a token or a key is refused. The texts carry nothing of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than the limit of this use.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url without padding (RFC 7515 §7.1).
    #[error("the token is not a signed token in compact form")]
    Form,
    /// The header is not acceptable; the text says what.
    #[error("the token's header {0}")]
    Header(&'static str),
    /// An algorithm that is not allowed here, or not the key's own (RFC 8725 §3.1).
    #[error("the token's algorithm is not accepted here")]
    Algorithm,
    /// A token of another kind (RFC 8725 §3.11).
    #[error("the token is of another type")]
    Type,
    /// The header names another key.
    #[error("the token was signed with another key")]
    OtherKey,
    /// The signature does not fit.
    #[error("the token's signature does not verify")]
    Signature,
    /// What is signed is not a JSON object with unique members (RFC 7519 §4).
    #[error("the token's claims are not a JSON object with unique members")]
    Claims,
    /// A claim that must be there is missing.
    #[error("the token lacks the claim `{0}`")]
    MissingClaim(String),
    /// A time that is not a NumericDate in seconds (RFC 7519 §2).
    #[error("the claim `{0}` is not a time in seconds since 1970")]
    NotATime(String),
    /// Past its `exp` (RFC 7519 §4.1.4).
    #[error("the token has expired")]
    Expired,
    /// Before its `nbf` (RFC 7519 §4.1.5).
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Its `iat` lies in the future.
    #[error("the token claims to be issued in the future")]
    IssuedInFuture,
    /// A key that is not acceptable; the text says why.
    #[error("the key {0}")]
    Key(&'static str),
    /// The library failed at something that should not fail.
    #[error("signing or generating a key failed")]
    Internal,
}
