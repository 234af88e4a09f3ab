//! Our own keys: made, kept and signed with.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use josekit::jwk::alg::ed::EdCurve;
use josekit::jwk::{Jwk, KeyPair};
use josekit::jws::{self, JwsSigner};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::{Algorithm, Error, VerifyingKey, object};
use crate::base::Secret;

/// Bits of the RSA keys we make.
const RSA_BITS: u32 = 2048;

/// What every key signs once before it is used: proves that both halves belong together, and warms the library's
/// caches.
const TRIAL: &[u8] = b"a key signs this once before anyone waits for it";

/// A private signing key, parsed once and ready. Shared between threads as `Arc<SigningKey>`.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    signer: Box<dyn JwsSigner>,
    private_jwk: Secret<String>,
    public_jwk: Map<String, Value>,
}

/// The whole header of our tokens, members in this order.
#[derive(Serialize)]
struct SignedHeader<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

impl SigningKey {
    /// Makes a fresh key. RSA takes up to half a second of one core: not where someone waits. The library draws the
    /// randomness of keys and signatures from its own generator.
    pub fn generate(algorithm: Algorithm, kid: &str) -> Result<Self, Error> {
        let jwk = match algorithm {
            Algorithm::RS256 => jws::RS256.generate_key_pair(RSA_BITS).map(|pair| pair.to_jwk_key_pair()),
            Algorithm::ES256 => jws::ES256.generate_key_pair().map(|pair| pair.to_jwk_key_pair()),
            Algorithm::EdDSA => jws::EdDSA.generate_key_pair(EdCurve::Ed25519).map(|pair| pair.to_jwk_key_pair()),
        };
        let mut members: Map<String, Value> = jwk.map_err(|_| Error::Internal)?.into();
        for (name, value) in [("kid", kid), ("alg", algorithm.as_str()), ("use", "sig")] {
            members.insert(name.to_owned(), Value::from(value));
        }
        let text = serde_json::to_string(&members).map(Secret::new);
        wipe(members);
        Self::from_private_jwk(&text.map_err(|_| Error::Internal)?)
    }

    /// Reads a key that [`SigningKey::to_private_jwk`] wrote. Refuses one that does not verify what it signs.
    pub fn from_private_jwk(json: &Secret<String>) -> Result<Self, Error> {
        let members = object(json.expose().as_bytes()).ok_or(Error::Key("is not a JSON object"))?;
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let algorithm =
            text("alg").and_then(|name| name.parse().ok()).ok_or(Error::Key("names no supported algorithm"));
        let kid = text("kid").ok_or(Error::Key("has no kid"));
        let public_jwk = public_half(&members);
        let signer = Jwk::from_map(members).map_err(|_| Error::Key("is malformed")).and_then(|jwk| {
            let signer = algorithm.clone().and_then(|algorithm| signer(algorithm, &jwk));
            wipe(jwk.into());
            signer
        })?;
        let key = Self { kid: kid?, algorithm: algorithm?, signer, private_jwk: json.clone(), public_jwk };
        halves_belong_together(&key)?;
        Ok(key)
    }

    /// The private key as JWK text, to be sealed and stored (RFC 7517 §9.2).
    pub fn to_private_jwk(&self) -> Secret<String> {
        self.private_jwk.clone()
    }

    /// The public half with `kid`, `alg` and `use`, as the key set publishes it (RFC 7517 §4).
    pub fn public_jwk(&self) -> Map<String, Value> {
        self.public_jwk.clone()
    }

    /// The key's name in headers and in the key set (RFC 7517 §4.5).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many bytes of JSON fit into a token of this type that is `max` bytes long at the most.
    pub fn room_for_claims(&self, typ: &str, max: usize) -> Result<usize, Error> {
        let header = SignedHeader { alg: self.algorithm.as_str(), kid: &self.kid, typ };
        let header = serde_json::to_vec(&header).map_err(|_| Error::Internal)?;
        let signature = match self.algorithm {
            Algorithm::RS256 => RSA_BITS as usize / 8,
            Algorithm::ES256 | Algorithm::EdDSA => 64,
        };
        let others = BASE64URL_NOPAD.encode_len(header.len()) + BASE64URL_NOPAD.encode_len(signature) + 2;
        Ok(max.saturating_sub(others) / 4 * 3)
    }

    /// Signs `claims`, which must serialise to a JSON object, as a token of type `typ`. The header is exactly
    /// `{"alg","kid","typ"}`. Costs one signature: call it on the worker, never inside a store transaction.
    pub fn sign(&self, typ: &str, claims: &(impl Serialize + ?Sized)) -> Result<String, Error> {
        let header = SignedHeader { alg: self.algorithm.as_str(), kid: &self.kid, typ };
        let header = serde_json::to_vec(&header).map_err(|_| Error::Internal)?;
        let payload = serde_json::to_vec(claims).map_err(|_| Error::Claims)?;
        if payload.first() != Some(&b'{') {
            return Err(Error::Claims);
        }
        let mut token = BASE64URL_NOPAD.encode(&header);
        token.push('.');
        BASE64URL_NOPAD.encode_append(&payload, &mut token);
        let signature = self.signer.sign(token.as_bytes()).map_err(|_| Error::Internal)?;
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Ok(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {})", self.algorithm, self.kid)
    }
}

fn signer(algorithm: Algorithm, jwk: &Jwk) -> Result<Box<dyn JwsSigner>, Error> {
    let signer: Result<Box<dyn JwsSigner>, _> = match algorithm {
        Algorithm::RS256 => jws::RS256.signer_from_jwk(jwk).map(|made| Box::new(made) as _),
        Algorithm::ES256 => jws::ES256.signer_from_jwk(jwk).map(|made| Box::new(made) as _),
        Algorithm::EdDSA => jws::EdDSA.signer_from_jwk(jwk).map(|made| Box::new(made) as _),
    };
    signer.map_err(|_| Error::Key("is not a private key of its algorithm"))
}

/// The public members of a private JWK.
fn public_half(members: &Map<String, Value>) -> Map<String, Value> {
    ["kty", "crv", "n", "e", "x", "y", "kid", "alg", "use"]
        .into_iter()
        .filter_map(|name| members.get(name).map(|value| (name.to_owned(), value.clone())))
        .collect()
}

/// The public half verifies what the private half signs, and is one that we would take from others.
fn halves_belong_together(key: &SigningKey) -> Result<(), Error> {
    let signature = key.signer.sign(TRIAL).map(Zeroizing::new).map_err(|_| Error::Key("cannot sign"))?;
    if VerifyingKey::from_public_jwk(&key.public_jwk)?.fits(TRIAL, &signature) {
        Ok(())
    } else {
        Err(Error::Key("does not verify what it signs"))
    }
}

/// Overwrites the texts of a private JWK before its memory goes back.
fn wipe(mut members: Map<String, Value>) {
    for value in members.values_mut() {
        if let Value::String(text) = value {
            text.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Expectation, MAX_BYTES, SignatureAlgorithm, TypRule, fixtures, verify};
    use super::*;

    fn expect(algorithms: &[SignatureAlgorithm]) -> Expectation<'_> {
        Expectation { algorithms, typ: TypRule::OneOf(&["JWT"]), max_bytes: MAX_BYTES }
    }

    #[test]
    fn what_a_key_signs_its_public_half_verifies() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm, "kid_1").unwrap();
            let again = SigningKey::from_private_jwk(&key.to_private_jwk()).unwrap();
            assert_eq!(again.public_jwk(), key.public_jwk());
            let token = again.sign("JWT", &json!({"sub": "ann"})).unwrap();
            let public = VerifyingKey::from_public_jwk(&key.public_jwk()).unwrap();
            let verified = verify(&token, &public, &expect(&[algorithm.into()])).unwrap();
            assert_eq!(Value::Object(verified.claims), json!({"sub": "ann"}));
        }
    }

    #[test]
    fn a_header_has_three_members_and_the_public_half_nothing_private() {
        let key = SigningKey::generate(Algorithm::ES256, "kid_\"1\"").unwrap();
        let token = key.sign("at+jwt", &json!({})).unwrap();
        let long = json!({"a": "x".repeat(key.room_for_claims("at+jwt", 2_000).unwrap() - 8)});
        assert!((1_996..=2_000).contains(&key.sign("at+jwt", &long).unwrap().len()));
        let header = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
        assert_eq!(header, br#"{"alg":"ES256","kid":"kid_\"1\"","typ":"at+jwt"}"#);
        let mut names: Vec<_> = key.public_jwk().keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert!(!format!("{key:?}").contains(key.to_private_jwk().expose()));
    }

    #[test]
    fn only_an_object_can_be_signed() {
        let key = SigningKey::generate(Algorithm::EdDSA, "k").unwrap();
        for claims in [json!([]), json!("{"), json!(null), json!(1)] {
            assert_eq!(key.sign("JWT", &claims), Err(Error::Claims), "{claims}");
        }
    }

    #[test]
    fn a_damaged_private_key_is_refused() {
        for algorithm in Algorithm::ALL {
            let key = fixtures::key(algorithm, "k");
            let other = match algorithm {
                Algorithm::RS256 => fixtures::rsa_key(1, "k"),
                _ => fixtures::key(algorithm, "k"),
            };
            let mut members = object(key.to_private_jwk().expose().as_bytes()).unwrap();
            let other = object(other.to_private_jwk().expose().as_bytes()).unwrap();
            let foreign = if algorithm == Algorithm::RS256 { "n" } else { "x" };
            members.insert(foreign.to_owned(), other[foreign].clone());
            if let Some(y) = other.get("y") {
                members.insert("y".to_owned(), y.clone());
            }
            let mixed = Secret::new(serde_json::to_string(&members).unwrap());
            assert!(SigningKey::from_private_jwk(&mixed).is_err(), "{algorithm}");
            for missing in ["kid", "alg", "d", "kty"] {
                let mut members = object(key.to_private_jwk().expose().as_bytes()).unwrap();
                members.remove(missing);
                let damaged = Secret::new(serde_json::to_string(&members).unwrap());
                assert!(SigningKey::from_private_jwk(&damaged).is_err(), "{algorithm} without {missing}");
            }
        }
        assert!(SigningKey::from_private_jwk(&Secret::from("")).is_err());
    }
}
