//! Public keys: which are taken, and the ready-made verifiers they become (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use josekit::jwk::Jwk;
use josekit::jws::{self, JwsVerifier};
use serde_json::{Map, Value};

use super::{Error, SignatureAlgorithm};
use crate::base::secret::sha256;

/// Members that only a private or a symmetric key has (RFC 7518 §6.2.2, 6.3.2, 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Bits of an RSA modulus that are taken: fewer are too weak (RFC 7518 §3.3), more cost us too much.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Primes modulo which the keys of CVE-2017-15361 ("ROCA") are powers of 65537; another key is so once in 2^27 or
/// rarer.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// A public key, ready to verify with, bound to one algorithm. Cheap to use from many threads; parsing is what costs.
pub struct VerifyingKey {
    algorithm: SignatureAlgorithm,
    kid: Option<String>,
    verifier: Box<dyn JwsVerifier>,
}

impl VerifyingKey {
    /// Takes a public JWK. It is bound to its `alg`; without one to the algorithm of its type (RSA: RS256).
    ///
    /// Refused are private and symmetric keys, keys meant for something else (`use`, `key_ops`), RSA keys outside 2048
    /// to 8192 bits, with a small exponent or a known weakness, curves other than P-256 and Ed25519, points off the
    /// curve.
    pub fn from_public_jwk(jwk: &Map<String, Value>) -> Result<Self, Error> {
        let algorithm = match text(jwk, "alg")? {
            Some(name) => name.parse().map_err(|_| Error::Key("names an algorithm that is not accepted"))?,
            None => default_algorithm(jwk)?,
        };
        Self::from_public_jwk_for(jwk, algorithm)
    }

    /// The same, bound to `algorithm`: for a stranger's RSA key without `alg`, which fits both RS256 and PS256. A key
    /// that names another algorithm is refused.
    pub fn from_public_jwk_for(jwk: &Map<String, Value>, algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        is_public(jwk)?;
        is_meant_for_verifying(jwk)?;
        allows_algorithm(jwk, algorithm)?;
        let material = match algorithm {
            SignatureAlgorithm::RS256 | SignatureAlgorithm::PS256 => rsa_material(jwk)?,
            SignatureAlgorithm::ES256 => p256_material(jwk)?,
            SignatureAlgorithm::EdDSA => ed25519_material(jwk)?,
        };
        Ok(Self { algorithm, kid: text(jwk, "kid")?.map(str::to_owned), verifier: verifier(algorithm, material)? })
    }

    /// The one algorithm this key verifies.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The key's `kid`, if it has one (RFC 7517 §4.5).
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether `signature` is this key's over `message`.
    pub(super) fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, {:?})", self.algorithm, self.kid)
    }
}

/// SHA-256 thumbprint of a JWK as base64url: over its required members only, in lexicographic order (RFC 7638 §3,
/// RFC 8037 §2). Refuses a key that lacks one of them or is of an unknown type.
pub fn thumbprint(jwk: &Map<String, Value>) -> Result<String, Error> {
    let names: &[&str] = match text(jwk, "kty")? {
        Some("RSA") => &["e", "kty", "n"],
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("OKP") => &["crv", "kty", "x"],
        _ => return Err(Error::Key("is of a type that is not accepted")),
    };
    let mut canonical = Map::new();
    for name in names {
        canonical.insert((*name).to_owned(), Value::from(member(jwk, name)?));
    }
    let canonical = serde_json::to_vec(&canonical).map_err(|_| Error::Internal)?;
    Ok(BASE64URL_NOPAD.encode(&sha256(&canonical)))
}

/// A private key in a place for public ones is a leak waiting to happen; a symmetric one is no key that is accepted
/// (RFC 8725 §2.1).
fn is_public(jwk: &Map<String, Value>) -> Result<(), Error> {
    if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
        return Err(Error::Key("is not a public key"));
    }
    Ok(())
}

/// RFC 7517 §4.2, §4.3: `use` and `key_ops`, where present, must say so.
fn is_meant_for_verifying(jwk: &Map<String, Value>) -> Result<(), Error> {
    let use_fits = jwk.get("use").is_none_or(|usage| usage == "sig");
    let operations_fit = jwk
        .get("key_ops")
        .is_none_or(|operations| operations.as_array().is_some_and(|list| list.iter().any(|one| one == "verify")));
    if use_fits && operations_fit { Ok(()) } else { Err(Error::Key("is not meant for verifying signatures")) }
}

/// RFC 7517 §4.4, RFC 8725 §3.1: a key is used with one algorithm.
fn allows_algorithm(jwk: &Map<String, Value>, algorithm: SignatureAlgorithm) -> Result<(), Error> {
    match text(jwk, "alg")? {
        Some(name) if name != algorithm.as_str() => Err(Error::Key("is meant for another algorithm")),
        _ => Ok(()),
    }
}

fn default_algorithm(jwk: &Map<String, Value>) -> Result<SignatureAlgorithm, Error> {
    match text(jwk, "kty")? {
        Some("RSA") => Ok(SignatureAlgorithm::RS256),
        Some("EC") => Ok(SignatureAlgorithm::ES256),
        Some("OKP") => Ok(SignatureAlgorithm::EdDSA),
        _ => Err(Error::Key("is of a type that is not accepted")),
    }
}

/// RFC 7518 §6.3.1, §3.3; FIPS 186-5 §5.4 for the exponent.
fn rsa_material(jwk: &Map<String, Value>) -> Result<Jwk, Error> {
    is_member(jwk, "kty", "RSA")?;
    let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    if !odd(&modulus) || !RSA_BITS.contains(&bit_length(&modulus)?) {
        return Err(Error::Key("has a modulus that is not between 2048 and 8192 bits"));
    }
    if !odd(&exponent) || !(17..=64).contains(&bit_length(&exponent)?) {
        return Err(Error::Key("has a public exponent below 65537 or out of bounds"));
    }
    if is_roca(&modulus) {
        return Err(Error::Key("was made by a generator known to be broken (CVE-2017-15361)"));
    }
    copy(jwk, "RSA", &["n", "e"])
}

/// RFC 7518 §6.2.1: both coordinates in full length. That the point lies on the curve is checked on import.
fn p256_material(jwk: &Map<String, Value>) -> Result<Jwk, Error> {
    is_member(jwk, "kty", "EC")?;
    is_member(jwk, "crv", "P-256")?;
    if bytes(jwk, "x")?.len() != 32 || bytes(jwk, "y")?.len() != 32 {
        return Err(Error::Key("has coordinates of the wrong length"));
    }
    copy(jwk, "EC", &["crv", "x", "y"])
}

/// RFC 8037 §2.
fn ed25519_material(jwk: &Map<String, Value>) -> Result<Jwk, Error> {
    is_member(jwk, "kty", "OKP")?;
    is_member(jwk, "crv", "Ed25519")?;
    if bytes(jwk, "x")?.len() != 32 {
        return Err(Error::Key("has a coordinate of the wrong length"));
    }
    copy(jwk, "OKP", &["crv", "x"])
}

fn verifier(algorithm: SignatureAlgorithm, material: Jwk) -> Result<Box<dyn JwsVerifier>, Error> {
    let verifier: Result<Box<dyn JwsVerifier>, _> = match algorithm {
        SignatureAlgorithm::RS256 => jws::RS256.verifier_from_jwk(&material).map(|made| Box::new(made) as _),
        SignatureAlgorithm::PS256 => jws::PS256.verifier_from_jwk(&material).map(|made| Box::new(made) as _),
        SignatureAlgorithm::ES256 => jws::ES256.verifier_from_jwk(&material).map(|made| Box::new(made) as _),
        SignatureAlgorithm::EdDSA => jws::EdDSA.verifier_from_jwk(&material).map(|made| Box::new(made) as _),
    };
    verifier.map_err(|_| Error::Key("is not a point or number of its kind"))
}

/// What the library gets to see of a key: the checked members and nothing else.
fn copy(jwk: &Map<String, Value>, kty: &str, names: &[&str]) -> Result<Jwk, Error> {
    let mut material = Jwk::new(kty);
    for name in names {
        let value = Value::from(member(jwk, name)?);
        material.set_parameter(name, Some(value)).map_err(|_| Error::Key("has a malformed member"))?;
    }
    Ok(material)
}

/// Bits of a big-endian number without leading zero bytes, which RFC 7518 §2 (Base64urlUInt) forbids.
fn bit_length(number: &[u8]) -> Result<usize, Error> {
    match number.first() {
        None | Some(0) => Err(Error::Key("has a number with leading zeros or none at all")),
        Some(first) => Ok(number.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0)),
    }
}

/// Whether the modulus bears the mark of CVE-2017-15361: modulo every prime of the list it is a power of 65537.
fn is_roca(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|&prime| {
        let residue = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65_537 % prime));
        powers.take(prime as usize).any(|power| power == residue)
    })
}

fn is_member(jwk: &Map<String, Value>, name: &str, wanted: &str) -> Result<(), Error> {
    if text(jwk, name)? == Some(wanted) { Ok(()) } else { Err(Error::Key("is of a type or curve that does not fit")) }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Error> {
    BASE64URL_NOPAD.decode(member(jwk, name)?.as_bytes()).map_err(|_| Error::Key("has a member that is not base64url"))
}

fn member<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<&'j str, Error> {
    text(jwk, name)?.ok_or(Error::Key("lacks a member"))
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<Option<&'j str>, Error> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::Key("has a member of the wrong type")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures;
    use super::*;
    use crate::records::Algorithm;

    fn public(algorithm: Algorithm) -> Map<String, Value> {
        fixtures::key(algorithm, "kid").public_jwk()
    }

    fn with(jwk: &Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
        let mut changed = jwk.clone();
        changed.insert(name.to_owned(), value);
        changed
    }

    #[test]
    fn a_key_for_something_else_is_refused() {
        let jwk = public(Algorithm::ES256);
        assert!(VerifyingKey::from_public_jwk(&jwk).is_ok());
        assert!(VerifyingKey::from_public_jwk(&with(&jwk, "key_ops", json!(["verify"]))).is_ok());
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!(["sig"])),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!("verify")),
            ("alg", json!("ES384")),
            ("alg", json!("RS256")),
            ("alg", json!("none")),
            ("alg", json!(1)),
            ("kty", json!("OKP")),
            ("kty", json!("oct")),
            ("crv", json!("P-384")),
            ("d", json!("AAAA")),
            ("k", json!("AAAA")),
            ("x", json!("AAAA")),
            ("x", json!("A".repeat(43))),
            ("y", json!("not base64url!")),
            ("kid", json!(5)),
        ] {
            let changed = with(&jwk, name, value.clone());
            assert!(VerifyingKey::from_public_jwk(&changed).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn an_rsa_key_without_algorithm_is_bound_by_the_caller() {
        let mut jwk = public(Algorithm::RS256);
        assert!(VerifyingKey::from_public_jwk_for(&jwk, SignatureAlgorithm::PS256).is_err());
        jwk.remove("alg");
        let bound = VerifyingKey::from_public_jwk_for(&jwk, SignatureAlgorithm::PS256).unwrap();
        assert_eq!(bound.algorithm(), SignatureAlgorithm::PS256);
        assert_eq!(VerifyingKey::from_public_jwk(&jwk).unwrap().algorithm(), SignatureAlgorithm::RS256);
        assert!(VerifyingKey::from_public_jwk_for(&jwk, SignatureAlgorithm::ES256).is_err());
    }

    #[test]
    fn weak_rsa_numbers_are_refused() {
        let jwk = public(Algorithm::RS256);
        let modulus = bytes(&jwk, "n").unwrap();
        let encode = |number: &[u8]| json!(BASE64URL_NOPAD.encode(number));
        let (mut even, mut short) = (modulus.clone(), modulus.clone());
        *even.last_mut().unwrap() &= 0xfe;
        short[0] = 0x7f;
        for (name, value) in [
            ("e", encode(&[3])),
            ("e", encode(&[1])),
            ("e", encode(&[1, 0, 0])),
            ("e", encode(&[0, 1, 0, 1])),
            ("e", encode(&[0xff; 9])),
            ("e", json!("")),
            ("n", encode(&even)),
            ("n", encode(&short)),
            ("n", encode(&[&[0][..], &modulus[..]].concat())),
            ("n", encode(&[0xff; 1025])),
        ] {
            assert!(VerifyingKey::from_public_jwk(&with(&jwk, name, value.clone())).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn fresh_keys_do_not_bear_the_roca_mark() {
        assert!(!is_roca(&bytes(&public(Algorithm::RS256), "n").unwrap()));
        assert!(is_roca(&[1, 0, 1]), "65537 itself is a power of 65537");
    }
}
