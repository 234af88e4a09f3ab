//! A token-signing key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::id::KeyId;

/// What tokens are signed with (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what every library accepts.
    #[default]
    RS256,
    /// ECDSA with P-256 and SHA-256: about ten times cheaper to sign.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// All, in the order discovery lists them.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not one of RS256, ES256, EdDSA"))
    }
}

/// A signing key at rest: the public half as JWK, the private half sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningKeyRecord {
    /// `kid`.
    pub id: KeyId,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Public JWK (RFC 7517 §4).
    pub public_jwk: Map<String, Value>,
    /// Private JWK, sealed under the master key.
    pub sealed_private: String,
    /// When it was made and published.
    pub created_at: Moment,
    /// When it began to sign; `None` while it is published ahead.
    pub activated_at: Option<Moment>,
    /// When it stopped to sign; its tokens still verify.
    pub retired_at: Option<Moment>,
}
