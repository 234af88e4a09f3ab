//! Keys for tests: making an RSA key takes up to half a second, reading one does not.

use serde_json::Value;

use super::{Algorithm, SigningKey};
use crate::base::Secret;

const VECTORS: &str = include_str!("../../../tests/data/wycheproof/json_web_signature_test.json");

/// The private RSA key of one of Wycheproof's test groups, renamed to `kid`.
pub(crate) fn rsa_key(group: usize, kid: &str) -> SigningKey {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let mut jwk = groups.iter().filter(|group| group["comment"] == "rs256").nth(group).unwrap()["private"].clone();
    jwk["kid"] = kid.into();
    SigningKey::from_private_jwk(&Secret::new(jwk.to_string())).unwrap()
}

/// A key of any algorithm, without waiting.
pub(crate) fn key(algorithm: Algorithm, kid: &str) -> SigningKey {
    match algorithm {
        Algorithm::RS256 => rsa_key(0, kid),
        Algorithm::ES256 | Algorithm::EdDSA => SigningKey::generate(algorithm, kid).unwrap(),
    }
}
