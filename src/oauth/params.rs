//! Request parameters: a name at most once, an empty value is an absent one.

use std::collections::BTreeMap;

use super::Error;

/// Parameters of an OAuth request, from a query, a form or a JSON object. Unknown ones are kept and ignored (RFC 6749 §3.1).
#[derive(Clone, Debug, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Collects pairs in any order. "Request and response parameters MUST NOT be included more than once" (RFC 6749 §3.1, §3.2),
    /// with one exception: `resource` may repeat (RFC 8707 §2), of which the last is kept since it is not supported.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let (params, repeated) = Self::collect(pairs);
        match repeated.first() {
            None => Ok(params),
            Some(name) => Err(Self::given_twice(name)),
        }
    }

    /// The first value of each parameter, and the names that are given more than once: for who must tell an app about them.
    pub fn collect(pairs: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<String>) {
        let (mut params, mut repeated) = (BTreeMap::new(), Vec::new());
        for (name, value) in pairs {
            if params.contains_key(&name) && name != "resource" {
                repeated.push(name);
            } else {
                params.insert(name, value);
            }
        }
        (Self(params), repeated)
    }

    /// What is said of a parameter that is given more than once.
    pub fn given_twice(name: &str) -> Error {
        let shown: String = name.chars().take(64).collect();
        Error::invalid_request(format!("The parameter `{shown}` is given more than once."))
    }

    /// The value, unless absent or empty ("Parameters sent without a value MUST be treated as if they were omitted", RFC 6749 §3.1).
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

    /// The same parameters without one.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }
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
