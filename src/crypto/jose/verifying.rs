//! Verifying a signed token (RFC 7515 §5.2, RFC 8725 §3).

use serde_json::{Map, Value};

use super::compact::{self, Header, Unverified};
use super::{Error, SignatureAlgorithm, VerifyingKey, object};

/// What a token must be to be taken at one place.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// Algorithms allowed here (RFC 8725 §3.1). The key's own must be among them, and be the token's.
    pub algorithms: &'a [SignatureAlgorithm],
    /// Which kind of token (RFC 8725 §3.11).
    pub typ: TypRule<'a>,
    /// The longest token read, in bytes; [`super::MAX_BYTES`] unless there is a reason.
    pub max_bytes: usize,
}

/// Which `typ` a token must name. Compared without regard to case, and with or without `application/` before it, as
/// media types are (RFC 7515 §4.1.9).
#[derive(Clone, Copy, Debug)]
pub enum TypRule<'a> {
    /// One of these.
    OneOf(&'a [&'a str]),
    /// One of these, or none at all.
    OneOfOrAbsent(&'a [&'a str]),
}

/// A token whose signature has been verified. Its times and claims have not: see [`super::check_times`].
#[derive(Clone, Debug)]
pub struct Verified {
    /// The header, now trustworthy.
    pub header: Header,
    /// What was signed.
    pub claims: Map<String, Value>,
}

/// Verifies a token with a key that was chosen for it. Refuses everything that [`Expectation`] and the key do not
/// allow; a key in the token itself is never looked at.
pub fn verify(token: &str, key: &VerifyingKey, expect: &Expectation) -> Result<Verified, Error> {
    compact::parse(token, expect.max_bytes)?.verify(key, expect)
}

impl Unverified<'_> {
    /// As [`verify`], for a token whose header was needed to choose the key.
    pub fn verify(self, key: &VerifyingKey, expect: &Expectation) -> Result<Verified, Error> {
        let (header, payload) = verify_parts(self, key, expect)?;
        let claims = object(&payload).ok_or(Error::Claims)?;
        Ok(Verified { header, claims })
    }
}

/// As [`verify`], for any signed bytes: vectors of others sign what are no claims.
#[cfg(test)]
pub(super) fn verify_bytes(token: &str, key: &VerifyingKey, expect: &Expectation) -> Result<(Header, Vec<u8>), Error> {
    verify_parts(compact::parse(token, expect.max_bytes)?, key, expect)
}

fn verify_parts(token: Unverified<'_>, key: &VerifyingKey, expect: &Expectation) -> Result<(Header, Vec<u8>), Error> {
    algorithm_is_allowed(&token.header, key, expect.algorithms)?;
    type_is_expected(&token.header, expect.typ)?;
    names_this_key(&token.header, key)?;
    if !key.fits(token.signed, &token.signature) {
        return Err(Error::Signature);
    }
    Ok((token.header, token.payload))
}

/// RFC 8725 §3.1: the algorithm is allowed here and is the one the key is bound to; the token has no say in it.
fn algorithm_is_allowed(header: &Header, key: &VerifyingKey, allowed: &[SignatureAlgorithm]) -> Result<(), Error> {
    if header.alg == key.algorithm().as_str() && allowed.contains(&key.algorithm()) {
        Ok(())
    } else {
        Err(Error::Algorithm)
    }
}

/// RFC 8725 §3.11: a token of another kind must not pass for this one.
fn type_is_expected(header: &Header, rule: TypRule) -> Result<(), Error> {
    let expected = match (rule, &header.typ) {
        (TypRule::OneOfOrAbsent(_), None) => true,
        (TypRule::OneOf(_), None) => false,
        (TypRule::OneOf(list) | TypRule::OneOfOrAbsent(list), Some(typ)) => {
            list.iter().any(|one| media_subtype(one).eq_ignore_ascii_case(media_subtype(typ)))
        }
    };
    if expected { Ok(()) } else { Err(Error::Type) }
}

/// RFC 7515 §4.1.9: `application/` may be left out where no other slash follows.
fn media_subtype(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((kind, subtype)) if kind.eq_ignore_ascii_case("application/") && !subtype.contains('/') => subtype,
        _ => typ,
    }
}

/// RFC 7515 §4.1.4: a token that names a key is not tried with another.
fn names_this_key(header: &Header, key: &VerifyingKey) -> Result<(), Error> {
    match (header.kid.as_deref(), key.kid()) {
        (Some(named), Some(ours)) if named != ours => Err(Error::OtherKey),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::json;

    use super::super::{Algorithm, MAX_BYTES, SigningKey};
    use super::*;

    const OURS: Expectation<'static> =
        Expectation { algorithms: &SignatureAlgorithm::OURS, typ: TypRule::OneOf(&["at+jwt"]), max_bytes: MAX_BYTES };

    fn key_pair(algorithm: Algorithm) -> (SigningKey, VerifyingKey) {
        let key = SigningKey::generate(algorithm, "k1").unwrap();
        let public = VerifyingKey::from_public_jwk(&key.public_jwk()).unwrap();
        (key, public)
    }

    #[test]
    fn a_changed_token_is_refused() {
        let (key, public) = key_pair(Algorithm::ES256);
        let token = key.sign("at+jwt", &json!({"sub": "ann"})).unwrap();
        assert!(verify(&token, &public, &OURS).is_ok());
        let parts: Vec<&str> = token.split('.').collect();
        let bob = BASE64URL_NOPAD.encode(br#"{"sub":"bob"}"#);
        let forged = format!("{}.{bob}.{}", parts[0], parts[2]);
        assert_eq!(verify(&forged, &public, &OURS).unwrap_err(), Error::Signature);
        for signature in ["", "AAAA", &"A".repeat(86)] {
            let forged = format!("{}.{}.{signature}", parts[0], parts[1]);
            assert_eq!(verify(&forged, &public, &OURS).unwrap_err(), Error::Signature, "{signature}");
        }
    }

    #[test]
    fn an_algorithm_outside_the_list_is_refused_with_a_right_signature() {
        let (key, public) = key_pair(Algorithm::ES256);
        let token = key.sign("at+jwt", &json!({})).unwrap();
        for algorithms in [&[][..], &[SignatureAlgorithm::RS256, SignatureAlgorithm::PS256][..]] {
            let expect = Expectation { algorithms, ..OURS };
            assert_eq!(verify(&token, &public, &expect).unwrap_err(), Error::Algorithm);
        }
        let (_, other) = key_pair(Algorithm::EdDSA);
        assert_eq!(verify(&token, &other, &OURS).unwrap_err(), Error::Algorithm);
    }

    #[test]
    fn types_are_compared_as_media_types() {
        let (key, public) = key_pair(Algorithm::EdDSA);
        let strict = OURS;
        let lax = Expectation { typ: TypRule::OneOfOrAbsent(&["JWT"]), ..OURS };
        for (typ, is_access_token, is_any_jwt) in [
            ("at+jwt", true, false),
            ("application/at+jwt", true, false),
            ("AT+JWT", true, false),
            ("APPLICATION/AT+jwt", true, false),
            ("JWT", false, true),
            ("application/jwt", false, true),
            ("application/x/jwt", false, false),
            ("logout+jwt", false, false),
            ("", false, false),
            ("é".repeat(9).as_str(), false, false),
        ] {
            let token = key.sign(typ, &json!({})).unwrap();
            assert_eq!(verify(&token, &public, &strict).is_ok(), is_access_token, "{typ}");
            assert_eq!(verify(&token, &public, &lax).is_ok(), is_any_jwt, "{typ}");
        }
        let header = Header { alg: "EdDSA".into(), kid: None, typ: None };
        assert_eq!(type_is_expected(&header, strict.typ), Err(Error::Type));
        assert_eq!(type_is_expected(&header, lax.typ), Ok(()));
    }

    #[test]
    fn a_token_that_names_another_key_is_refused() {
        let (key, _) = key_pair(Algorithm::EdDSA);
        let mut renamed = key.public_jwk();
        renamed.insert("kid".into(), json!("k2"));
        let token = key.sign("at+jwt", &json!({})).unwrap();
        let public = VerifyingKey::from_public_jwk(&renamed).unwrap();
        assert_eq!(verify(&token, &public, &OURS).unwrap_err(), Error::OtherKey);
        renamed.remove("kid");
        assert!(verify(&token, &VerifyingKey::from_public_jwk(&renamed).unwrap(), &OURS).is_ok());
    }

    #[test]
    fn a_long_token_is_refused_before_it_is_read() {
        let (key, public) = key_pair(Algorithm::EdDSA);
        let token = key.sign("at+jwt", &json!({"filler": "x".repeat(200)})).unwrap();
        let expect = Expectation { max_bytes: token.len() - 1, ..OURS };
        assert_eq!(verify(&token, &public, &expect).unwrap_err(), Error::TooLong);
        assert!(verify(&token, &public, &Expectation { max_bytes: token.len(), ..OURS }).is_ok());
    }
}
