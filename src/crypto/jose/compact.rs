//! The compact form, taken apart before any key is touched (RFC 7515 §7.1, §5.2 steps 1 to 7).

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::{Error, object};

/// The longest token read where no smaller limit applies.
pub const MAX_BYTES: usize = 16 * 1024;

/// Header members that would change how a token is read, or bring a key along. None is ever followed, so none is
/// accepted: `crit` (RFC 7515 §4.1.11), `b64` (RFC 7797), keys and where to fetch them (§4.1.2, 4.1.3, 4.1.5, 4.1.6),
/// and what belongs to encryption (RFC 7516 §4.1.2, 4.1.3).
const REFUSED_MEMBERS: [&str; 8] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip"];

/// What a token says of itself. Untrusted until its signature has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Algorithm (RFC 7515 §4.1.1).
    pub alg: String,
    /// Which key (RFC 7515 §4.1.4).
    pub kid: Option<String>,
    /// Which kind of token (RFC 7515 §4.1.9).
    pub typ: Option<String>,
}

/// A token in its parts, whose signature nobody has looked at yet: nothing of it may be trusted.
#[derive(Debug)]
pub struct Unverified<'t> {
    pub(super) header: Header,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// The bytes the signature covers.
    pub(super) signed: &'t [u8],
}

impl<'t> Unverified<'t> {
    /// Takes a token of at most [`MAX_BYTES`] apart. Errors: every form but the compact one, and headers that ask for
    /// special treatment.
    pub fn parse(token: &'t str) -> Result<Self, Error> {
        parse(token, MAX_BYTES)
    }

    /// What it says of itself: enough to choose the key to verify it with.
    pub fn header(&self) -> &Header {
        &self.header
    }
}

/// Reads the header of a token of at most [`MAX_BYTES`], to choose the key to verify with. The whole form is checked,
/// the signature is not: nothing of the answer may be trusted.
pub fn peek_header(token: &str) -> Result<Header, Error> {
    parse(token, MAX_BYTES).map(|compact| compact.header)
}

/// Reads the claims of a token of at most [`MAX_BYTES`], to find out whose keys to verify it with. Nothing of the
/// answer may be trusted, as with [`peek_header`].
pub fn peek_claims(token: &str) -> Result<Map<String, Value>, Error> {
    object(&parse(token, MAX_BYTES)?.payload).ok_or(Error::Claims)
}

/// Takes a token apart; refuses every form but the compact one, and every header that asks for special treatment.
pub(super) fn parse(token: &str, max_bytes: usize) -> Result<Unverified<'_>, Error> {
    if token.len() > max_bytes {
        return Err(Error::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Error::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(Error::Form)?;
    let members = object(&decode(header)?).ok_or(Error::Header("is not a JSON object with unique members"))?;
    Ok(Unverified {
        header: read_header(&members)?,
        payload: decode(payload)?,
        signature: decode(signature)?,
        signed: signed.as_bytes(),
    })
}

/// Base64url without padding, white space or stray trailing bits: one spelling per value (RFC 7515 §2, RFC 4648 §3.5).
/// A fourth part shows here as a dot, which is no letter of the alphabet.
fn decode(part: &str) -> Result<Vec<u8>, Error> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Error::Form)
}

fn read_header(members: &Map<String, Value>) -> Result<Header, Error> {
    if REFUSED_MEMBERS.iter().any(|name| members.contains_key(*name)) {
        return Err(Error::Header("asks for something that is not accepted here"));
    }
    let alg = text(members, "alg")?.ok_or(Error::Header("names no algorithm"))?;
    if alg.eq_ignore_ascii_case("none") {
        return Err(Error::Algorithm);
    }
    Ok(Header { alg, kid: text(members, "kid")?, typ: text(members, "typ")? })
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::Header("has a member of the wrong type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!("{}.e30.AAAA", BASE64URL_NOPAD.encode(header.as_bytes()))
    }

    #[test]
    fn a_header_is_read() {
        let header = peek_header(&token(r#"{"alg":"ES256","kid":"k","typ":"JWT","cty":"x"}"#)).unwrap();
        assert_eq!(header, Header { alg: "ES256".into(), kid: Some("k".into()), typ: Some("JWT".into()) });
    }

    #[test]
    fn a_header_that_asks_for_special_treatment_is_refused() {
        for member in ["crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip"] {
            let header = format!(r#"{{"alg":"ES256","{member}":["exp"]}}"#);
            assert!(matches!(peek_header(&token(&header)), Err(Error::Header(_))), "{member}");
        }
        for (header, error) in [
            (r#"{"alg":"none"}"#, Error::Algorithm),
            (r#"{"alg":"NoNe"}"#, Error::Algorithm),
            (r#"{"typ":"JWT"}"#, Error::Header("names no algorithm")),
            (r#"{"alg":7}"#, Error::Header("has a member of the wrong type")),
            (r#"{"alg":"ES256","kid":null}"#, Error::Header("has a member of the wrong type")),
            (r#"{"alg":"ES256","alg":"ES256"}"#, Error::Header("is not a JSON object with unique members")),
            (r#"["ES256"]"#, Error::Header("is not a JSON object with unique members")),
        ] {
            assert_eq!(peek_header(&token(header)), Err(error), "{header}");
        }
    }

    #[test]
    fn only_the_canonical_compact_form_is_read() {
        let good = token(r#"{"alg":"ES256"}"#);
        assert!(peek_header(&good).is_ok());
        for bad in [
            String::new(),
            "..".into(),
            "a.b".into(),
            format!("{good}."),
            format!("{good}.e30"),
            format!(" {good}"),
            format!("{good}\n"),
            format!("{good}="),
            good.replace(".e30.", ".e31."),
            good.replace(".e30.", ".e3 0."),
            good.replace(".AAAA", ".AA+A"),
            good.replace(".AAAA", ".AAAAA"),
            r#"{"payload":"e30","protected":"e30","signature":"AAAA"}"#.into(),
        ] {
            assert!(peek_header(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_measured_before_it_is_read() {
        assert_eq!(peek_header(&"x".repeat(MAX_BYTES + 1)), Err(Error::TooLong));
        assert_eq!(peek_header(&"x".repeat(MAX_BYTES)), Err(Error::Form));
    }
}
