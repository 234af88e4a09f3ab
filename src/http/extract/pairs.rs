//! Name–value pairs: queries and forms, decoded strictly.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde_json::Value;
use zeroize::Zeroize;

use super::{body, json};
use crate::base::{Secret, form};
use crate::http::respond::Refusal;

/// More parameters than any request has.
const MAX_PAIRS: usize = 100;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// The query, decoded, in order, repeats kept.
pub struct Query(pub Vec<(String, String)>);

impl FromRequest for Query {
    type Error = Refusal;
    type Future = std::future::Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(request))
    }
}

impl Query {
    /// The query of a request.
    pub(in crate::http) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        decode(request.query_string().as_bytes()).map(Self)
    }

    /// The value of a parameter that is there exactly once.
    pub fn find(&self, name: &str) -> Option<&str> {
        let mut hits = self.0.iter().filter(|(key, _)| key == name);
        let first = hits.next()?;
        hits.next().is_none().then_some(first.1.as_str())
    }
}

/// The body as pairs, in order, repeats kept: a form, or the text members of a JSON object (other scalars as their JSON
/// text; `null` is absent). An empty body has no pairs. Anything else is 415.
pub struct Pairs(pub Vec<(String, String)>);

impl FromRequest for Pairs {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let media_type = body::media_type(&request)?;
            let bytes = body::read(&request, payload).await?;
            match media_type.as_deref() {
                Some(FORM) => Self::from_form(&bytes),
                Some(JSON) => members(json::parse(&bytes)?).map(Self),
                _ if bytes.is_empty() => Ok(Self(Vec::new())),
                _ => Err(Refusal::unsupported("application/x-www-form-urlencoded or application/json")),
            }
        })
    }
}

impl Pairs {
    /// The pairs of a form body or a query: at most 100, properly escaped, UTF-8. Refuses everything else as malformed.
    pub fn from_form(bytes: &[u8]) -> Result<Self, Refusal> {
        decode(bytes).map(Self)
    }
}

/// The fields of a page's form. A repeated field is refused. Wiped when dropped: passwords arrive in it.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Takes decoded pairs; refuses repeats.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, Refusal> {
        let fields = Self(pairs);
        for (at, (name, _)) in fields.0.iter().enumerate() {
            if fields.0.iter().skip(at + 1).any(|(other, _)| other == name) {
                return Err(Refusal::malformed("The form names a field twice."));
            }
        }
        Ok(fields)
    }

    /// The value of a field; empty when it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The value of a secret field; empty when it is absent.
    pub fn secret(&self, name: &str) -> Secret<String> {
        Secret::from(self.text(name))
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

impl FromRequest for Fields {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if body::media_type(&request)?.as_deref() != Some(FORM) {
                return Err(Refusal::unsupported(FORM));
            }
            Self::new(decode(&body::read(&request, payload).await?)?)
        })
    }
}

/// Decodes `application/x-www-form-urlencoded`. A broken escape or a byte sequence that is no UTF-8 is refused, never
/// replaced: two readers of one request must not see different values.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    let mut pairs = Vec::new();
    for part in bytes.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
        if pairs.len() == MAX_PAIRS {
            return Err(Refusal::malformed("The request has too many parameters."));
        }
        let at = part.iter().position(|byte| *byte == b'=');
        let (name, value) = at.and_then(|at| part.split_at_checked(at)).unwrap_or((part, &[]));
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let decoded =
            |text| form::decoded(text).ok_or_else(|| Refusal::malformed("A parameter is not properly encoded."));
        pairs.push((decoded(name)?, decoded(value)?));
    }
    Ok(pairs)
}

fn members(body: Value) -> Result<Vec<(String, String)>, Refusal> {
    let Value::Object(members) = body else {
        return Err(Refusal::malformed("The body must be a JSON object."));
    };
    let mut pairs = Vec::with_capacity(members.len());
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((name, text)),
            Value::Bool(_) | Value::Number(_) => pairs.push((name, value.to_string())),
            Value::Array(_) | Value::Object(_) => {
                return Err(Refusal::malformed("A member of the body must be text."));
            }
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn pairs_are_decoded_in_order_with_their_repeats() {
        let pairs = decode(b"a=1&b=x+y%2Bz&a=2&&c&d=&e=f=g").unwrap();
        let wanted = [("a", "1"), ("b", "x y+z"), ("a", "2"), ("c", ""), ("d", ""), ("e", "f=g")];
        assert_eq!(pairs, wanted.map(|(name, value)| pair(name, value)));
    }

    #[test]
    fn broken_escapes_and_broken_utf_8_are_refused() {
        for bad in [&b"a=%"[..], b"a=%2", b"a=%zz", b"a=%ff", b"a=\xff", b"%c3=1", b"a=%+1"] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
        let many = "a=1&".repeat(MAX_PAIRS + 1);
        assert!(decode(many.as_bytes()).is_err());
    }

    #[test]
    fn a_form_that_names_a_field_twice_is_refused() {
        assert!(Fields::new(vec![pair("a", "1"), pair("b", "1"), pair("a", "1")]).is_err());
        let fields = Fields::new(vec![pair("a", "1")]).unwrap();
        assert_eq!((fields.text("a"), fields.text("b")), ("1", ""));
    }

    #[test]
    fn a_query_parameter_that_is_repeated_has_no_value() {
        let query = Query(vec![pair("a", "1"), pair("a", "2"), pair("b", "3")]);
        assert_eq!((query.find("a"), query.find("b"), query.find("c")), (None, Some("3"), None));
    }

    #[test]
    fn a_json_body_gives_its_scalar_members() {
        let body = serde_json::json!({ "a": "1", "b": 2, "c": null, "d": true });
        assert_eq!(members(body).unwrap(), [pair("a", "1"), pair("b", "2"), pair("d", "true")]);
        assert!(members(serde_json::json!({ "a": [] })).is_err());
        assert!(members(serde_json::json!([])).is_err());
    }
}
