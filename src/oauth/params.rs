//! Request parameters: a name at most once, an empty value is an absent one.

use std::collections::BTreeMap;

use super::Error;

/// Longest value in bytes, where [`LENGTHS`] says nothing else.
const MAX_VALUE: usize = 8 * 1024;

/// Longest token of any kind in bytes.
const MAX_TOKEN: usize = 32 * 1024;

/// The parameter that may be given more than once (RFC 8707 §2).
const RESOURCE: &str = "resource";

/// The longest values in bytes that are not bounded as all are.
const LENGTHS: [(&str, usize); 11] = [
    // It comes back in the ID token.
    ("nonce", 1_024),
    ("interaction", MAX_TOKEN),
    ("client_assertion", MAX_TOKEN),
    ("assertion", MAX_TOKEN),
    ("id_token_hint", MAX_TOKEN),
    ("request", MAX_TOKEN),
    ("token", MAX_TOKEN),
    ("access_token", MAX_TOKEN),
    ("refresh_token", MAX_TOKEN),
    ("subject_token", MAX_TOKEN),
    ("actor_token", MAX_TOKEN),
];

/// A parameter that is not taken, and what is said of it.
#[derive(Debug)]
pub struct Wrong {
    /// The parameter that is wrong.
    pub name: String,
    /// `invalid_request`.
    pub error: Error,
}

/// Parameters of an OAuth request, from a query, a form or a JSON object. Unknown ones are kept and ignored (RFC 6749
/// §3.1).
#[derive(Clone, Debug, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Collects pairs in any order. "Request and response parameters MUST NOT be included more than once" (RFC 6749
    /// §3.1, §3.2), with one exception: `resource` may repeat (RFC 8707 §2), and all are kept, with a space between
    /// two: a URI has none. No value is longer than any that has a meaning here.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let (params, wrong) = Self::collect(pairs);
        match wrong.into_iter().next() {
            None => Ok(params),
            Some(wrong) => Err(wrong.error),
        }
    }

    /// The first value of each parameter, and those that are given more than once or are too long: for who must tell an
    /// app about them.
    pub fn collect(pairs: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<Wrong>) {
        let (mut params, mut wrong) = (BTreeMap::<String, String>::new(), Vec::new());
        for (name, value) in pairs {
            let most = longest(&name);
            // All that are named count, and none hides another.
            let value = match params.get(&name) {
                Some(earlier) if name == RESOURCE => format!("{earlier} {value}"),
                _ => value,
            };
            let shown = || name.chars().take(64).collect::<String>();
            if value.len() > most {
                let error = format!("The parameter `{}` is longer than {most} bytes.", shown());
                wrong.push(Wrong { error: Error::invalid_request(error), name });
            } else if params.contains_key(&name) && name != RESOURCE {
                let error = format!("The parameter `{}` is given more than once.", shown());
                wrong.push(Wrong { error: Error::invalid_request(error), name });
            } else {
                params.insert(name, value);
            }
        }
        (Self(params), wrong)
    }

    /// The value, unless absent or empty ("Parameters sent without a value MUST be treated as if they were omitted",
    /// RFC 6749 §3.1).
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value, or an `invalid_request` that names it.
    pub fn require(&self, name: &str) -> Result<&str, Error> {
        self.find(name).ok_or_else(|| Error::invalid_request(format!("The parameter `{name}` is missing.")))
    }

    /// The space-separated words of a value; none when it is absent.
    pub fn words(&self, name: &str) -> Vec<&str> {
        self.find(name).map(|value| value.split(' ').filter(|word| !word.is_empty()).collect()).unwrap_or_default()
    }

    /// The parameters as a form-encoded query, in order of their names.
    pub fn to_query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// Reads back what [`Params::to_query`] wrote, or any query string.
    pub fn from_query(query: &str) -> Result<Self, Error> {
        Self::from_pairs(url::form_urlencoded::parse(query.as_bytes()).into_owned())
    }

    /// The same parameters with this one, in the place of what it was.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same parameters without one.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }
}

/// The longest value of a parameter, in bytes.
fn longest(name: &str) -> usize {
    LENGTHS.iter().find(|(known, _)| *known == name).map_or(MAX_VALUE, |(_, most)| *most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    #[test]
    fn t06_a_repeated_parameter_is_refused() {
        for query in ["scope=a&scope=b", "client_id=a&client_id=a", "x=&x=1", "state=1&st%61te=2"] {
            assert_eq!(Params::from_query(query).unwrap_err().code, ErrorCode::InvalidRequest, "{query}");
        }
    }

    #[test]
    fn a_value_that_is_longer_than_any_with_a_meaning_is_refused() {
        for name in ["redirect_uri", "state", "scope", "token", "unknown", "resource"] {
            let value = |length: usize| [(name.to_owned(), "x".repeat(length))];
            assert!(Params::from_pairs(value(longest(name))).is_ok(), "{name}");
            let refused = Params::from_pairs(value(longest(name) + 1)).unwrap_err();
            assert!(refused.code == ErrorCode::InvalidRequest && refused.description.contains(name), "{name}");
        }
    }

    #[test]
    fn an_empty_value_is_absent() {
        let params = Params::from_query("state=&scope=openid++email").unwrap();
        assert_eq!(params.find("state"), None);
        assert_eq!(params.words("scope"), ["openid", "email"]);
        assert!(params.require("client_id").is_err());
    }

    #[test]
    fn parameters_survive_their_query() {
        let params = Params::from_query("b=%26%3D+%C3%A4&a=1").unwrap();
        let again = Params::from_query(&params.to_query()).unwrap();
        assert_eq!(again.find("b"), Some("&= ä"));
        assert_eq!(again.without("b").to_query(), "a=1");
    }
}
