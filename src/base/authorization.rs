//! What an `Authorization` field holds (RFC 9110 §11.6.2).

use data_encoding::BASE64;

use super::{Secret, form};

/// Longest credentials of `Basic` that are decoded, in characters.
const LONGEST_BASIC: usize = 4096;

/// A scheme, whose name has no case (RFC 9110 §11.1), and the credentials behind it. Wiped when it is dropped.
#[derive(Clone)]
pub struct Authorization(Secret<String>);

impl Authorization {
    /// The value of a field.
    pub fn new(value: &str) -> Self {
        Self(Secret::from(value.trim()))
    }

    /// The token of the scheme `Bearer` (RFC 6750 §2.1); empty where none stands behind the scheme, which is a token
    /// that does not work. `None` for other schemes.
    pub fn bearer(&self) -> Option<&str> {
        self.of("bearer")
    }

    /// Whether the scheme is `Basic`.
    pub fn is_basic(&self) -> bool {
        self.of("basic").is_some()
    }

    /// The client id and secret of the scheme `Basic`, each encoded as in a form (RFC 6749 §2.3.1). `None` for other
    /// schemes, and where it is not base64 of both.
    pub fn client_credentials(&self) -> Option<(String, Secret<String>)> {
        let encoded = self.of("basic").filter(|encoded| encoded.len() <= LONGEST_BASIC)?;
        let text = Secret::new(String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?);
        let (id, secret) = text.expose().split_once(':')?;
        Some((form::decoded(id.as_bytes())?, Secret::new(form::decoded(secret.as_bytes())?)))
    }

    fn of(&self, scheme: &str) -> Option<&str> {
        let (named, credentials) = self.0.expose().split_once(' ').unwrap_or((self.0.expose(), ""));
        named.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> Option<(String, String)> {
        let field = Authorization::new(&format!("Basic {}", BASE64.encode(text.as_bytes())));
        field.client_credentials().map(|(id, secret)| (id, secret.expose().clone()))
    }

    #[test]
    fn a_scheme_has_no_case() {
        for text in ["Bearer abc", "bearer abc", "BEARER   abc "] {
            assert_eq!(Authorization::new(text).bearer(), Some("abc"), "{text}");
        }
        assert!(Authorization::new("bAsIc eDp5").is_basic());
    }

    #[test]
    fn a_scheme_without_credentials_shows_some_that_do_not_work() {
        for text in ["Bearer", "Bearer ", "bearer"] {
            assert_eq!(Authorization::new(text).bearer(), Some(""), "{text}");
        }
        let nothing = Authorization::new("Basic");
        assert!(nothing.is_basic() && nothing.client_credentials().is_none());
    }

    #[test]
    fn another_scheme_is_neither() {
        for text in ["", "Digest abc", "Bearerabc", "Basicabc", "DPoP abc", "abc"] {
            let field = Authorization::new(text);
            assert!(field.bearer().is_none() && !field.is_basic(), "{text}");
            assert!(field.client_credentials().is_none(), "{text}");
        }
    }

    #[test]
    fn both_halves_of_basic_are_encoded_as_in_a_form() {
        let both = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(basic("ci:secret"), both("ci", "secret"));
        assert_eq!(basic("a+b%3A:c%25d:e"), both("a b:", "c%d:e"));
        assert_eq!(basic(":"), both("", ""));
        for broken in ["ci", "", "ci:%", "%zz:x", "ci:%ff"] {
            assert_eq!(basic(broken), None, "{broken}");
        }
        assert!(Authorization::new("Basic ***").client_credentials().is_none());
        let long =
            Authorization::new(&format!("Basic {}", BASE64.encode(format!("ci:{}", "x".repeat(4096)).as_bytes())));
        assert!(long.client_credentials().is_none());
    }
}
