//! JSON bodies: bounded in size, depth and number of values, no member twice.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::body;
use super::cx::charge;
use crate::base::json_schema::{self, Mistake};
use crate::http::respond::{FieldProblem, Refusal};

/// Arrays and objects within each other.
const MAX_DEPTH: usize = 32;

/// The same in what comes in batches: an expression of a model takes two for each of its sixteen levels, and has the model around it.
const LONG_DEPTH: usize = 64;

/// Values in a document: members and items at any depth. In memory an object of one member takes a hundred times its text.
const MAX_VALUES: usize = 10_000;

/// The same in what comes in batches: a thousand items with fifty values each.
const LONG_VALUES: usize = 50_000;

/// The body as `T` says. Must be sent as `application/json`; an empty body is read as `{}`. A body that does not fit is refused with everything that is
/// wrong with it. A type refuses members that it does not know with `#[serde(deny_unknown_fields)]`: those of the admin API and of the permission
/// APIs do, so that nobody takes a member for heard that was not; those of the account dialect, whose clients send more than is needed here, do not.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Body<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(Size::Plain, request.clone(), payload.take());
        Box::pin(async { read.await?.typed().map(Self) })
    }
}

/// The same for what comes in batches: models, tuples and questions. From a known caller it may be a megabyte whatever the settings say.
pub struct LongBody<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for LongBody<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(Size::Long, request.clone(), payload.take());
        Box::pin(async { read.await?.typed().map(Self) })
    }
}

/// The body as `T`. Must be sent as `application/json`; an empty body is read as `{}`.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(Size::Plain, request.clone(), payload.take());
        Box::pin(async {
            serde_json::from_value(read.await?.value).map(Self).map_err(|error| Refusal::malformed(explain(&error)))
        })
    }
}

/// The same for what comes in batches: models, tuples and questions. From a known caller it may be a megabyte whatever the settings say.
pub struct LongJson(pub Map<String, Value>);

/// Most bytes of a batch.
const LONG: usize = 1024 * 1024;

impl FromRequest for LongJson {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_object(Size::Long, &request, payload).await.map(Self) })
    }
}

/// What a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Size {
    /// As large as the settings say.
    Plain,
    /// As what comes in batches.
    Long,
}

impl Size {
    /// Most levels and values.
    fn bounds(self) -> (usize, usize) {
        match self {
            Self::Plain => (MAX_DEPTH, MAX_VALUES),
            Self::Long => (LONG_DEPTH, LONG_VALUES),
        }
    }
}

/// The body as the members of a JSON object.
pub(in crate::http) async fn read_object(
    size: Size,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Map<String, Value>, Refusal> {
    match read(size, request.clone(), payload).await?.value {
        Value::Object(members) => Ok(members),
        _ => Err(Refusal::malformed("The JSON body is no object.")),
    }
}

/// A body that was read strictly, with its text.
struct Document {
    value: Value,
    bytes: Bytes,
    size: Size,
}

impl Document {
    /// What it says. Only when it does not fit is it read once more, to say why.
    fn typed<T: DeserializeOwned + ToSchema>(self) -> Result<T, Refusal> {
        let Self { value, bytes, size } = self;
        serde_json::from_value(value).or_else(|error| {
            let again = if bytes.is_empty() { Value::Object(Map::new()) } else { weigh(size.bounds(), &bytes)?.0 };
            Err(misfit(json_schema::mistakes_of::<T>(&again), &error))
        })
    }
}

/// Refuses what is not as its type says: with every mistake, or where the schema does not show it, with what the type says.
fn misfit(mistakes: Vec<Mistake>, error: &serde_json::Error) -> Refusal {
    match mistakes.first() {
        None => Refusal::malformed(explain(error)),
        Some(mistake) if mistake.at.is_empty() => Refusal::malformed("The JSON body is no object."),
        Some(_) => Refusal::invalid_fields(
            mistakes.into_iter().map(|mistake| FieldProblem { field: mistake.at, message: mistake.message }).collect(),
        ),
    }
}

async fn read(size: Size, request: HttpRequest, payload: Payload) -> Result<Document, Refusal> {
    let most = if size == Size::Long { LONG } else { 0 };
    let media_type = body::media_type(&request)?;
    let bytes = body::read_up_to(most, &request, payload).await?;
    match media_type.as_deref() {
        Some("application/json") if !bytes.is_empty() => {
            let (value, cost) = weigh(size.bounds(), &bytes)?;
            charge(&request, cost)?;
            Ok(Document { value, bytes, size })
        }
        _ if bytes.is_empty() => Ok(Document { value: Value::Object(Map::new()), bytes, size }),
        _ => Err(Refusal::unsupported("application/json")),
    }
}

/// Parses a document strictly.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    parse_within((MAX_DEPTH, MAX_VALUES), bytes)
}

fn parse_within(bounds: (usize, usize), bytes: &[u8]) -> Result<Value, Refusal> {
    weigh(bounds, bytes).map(|(value, _)| value)
}

/// The document, and what it takes in memory, in bytes: `[0,0,…]` takes many times its text.
fn weigh((depth, values): (usize, usize), bytes: &[u8]) -> Result<(Value, usize), Refusal> {
    let (left, cost) = (Cell::new(values), Cell::new(0));
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth, left: &left, cost: &cost }.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    let value = value.map_err(|error| Refusal::malformed(explain(&error)))?;
    Ok((value, cost.get()))
}

/// Says what is wrong without repeating what was sent: a password in the wrong place must not come back in an error.
fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") || text.starts_with("unknown field") || text.starts_with(OWN) {
        return format!("The JSON body does not fit: {}.", text.split(" at line ").next().unwrap_or(&text));
    }
    match error.line() {
        0 => String::from("A member of the JSON body has the wrong type or value."),
        line => format!("The JSON body cannot be read at line {line}, column {}.", error.column()),
    }
}

/// Begins our own complaints.
const OWN: &str = "the document";

/// What a value takes in a list that grows by doubling.
const OF_VALUE: usize = 2 * size_of::<Value>();

/// What the name of a member takes besides its letters, the same.
const OF_NAME: usize = 2 * (size_of::<String>() + 2 * size_of::<usize>());

/// Reads a value that may hold this many levels more, and adds up what it takes.
#[derive(Clone, Copy)]
struct Strict<'c> {
    depth: usize,
    /// Values that the document may still have.
    left: &'c Cell<usize>,
    cost: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.takes(OF_VALUE);
        deserializer.deserialize_any(self)
    }
}

impl Strict<'_> {
    fn takes(self, bytes: usize) {
        self.cost.set(self.cost.get().saturating_add(bytes));
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom(format_args!("{OWN} is nested too deeply")))?;
        Ok(Self { depth, ..self })
    }

    /// One more value.
    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| E::custom(format_args!("{OWN} has too many values")))?);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        self.takes(value.len());
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            self.count()?;
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.takes(OF_NAME + name.len());
            self.count()?;
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(format_args!("{OWN} names a member twice")));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_values() {
        let text = br#"{"a":[1,-2,1.5,"x",null,true],"b":{"c":{}}}"#;
        assert_eq!(parse(text).unwrap(), serde_json::from_slice::<Value>(text).unwrap());
    }

    #[test]
    fn bug_class_40_depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err().message().contains("deeply"));
        assert!(parse("[".repeat(50_000).as_bytes()).is_err());
    }

    #[test]
    fn the_number_of_values_is_bounded_at_any_depth() {
        let list = |count: usize| format!("[{}]", vec!["{\"a\":0}"; count].join(","));
        assert!(parse(list(MAX_VALUES / 2).as_bytes()).is_ok());
        assert!(parse(list(MAX_VALUES / 2 + 1).as_bytes()).unwrap_err().message().contains("too many values"));
        assert!(parse_within((MAX_DEPTH, LONG_VALUES), list(MAX_VALUES).as_bytes()).is_ok());
    }

    #[test]
    fn a_member_that_is_named_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(parse(text.as_bytes()).unwrap_err().message().contains("twice"), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [&b""[..], b"{", b"{}x", b"{\"a\":\"\xff\"}", b"{'a':1}", b"NaN"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_a_document_takes_is_known() {
        let cost = |text: String| weigh((MAX_DEPTH, MAX_VALUES), text.as_bytes()).unwrap().1;
        assert!(cost(format!("[{}0]", "0,".repeat(1000))) >= 1000 * 2 * size_of::<Value>());
        assert!(cost(format!("\"{}\"", "x".repeat(1000))) >= 1000);
        let members: Vec<String> = (0..100).map(|number| format!("\"{number}\":[]")).collect();
        assert!(cost(format!("{{{}}}", members.join(","))) >= 100 * (2 * size_of::<Value>() + 2 * size_of::<String>()));
    }

    #[test]
    fn a_body_that_does_not_fit_is_refused_with_all_that_is_wrong() {
        #[derive(Debug, serde::Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Asked {
            email: String,
            inner: Vec<Inner>,
        }
        #[derive(Debug, serde::Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Inner {
            id: u64,
        }
        let read = |text: &'static str| {
            let bytes = Bytes::from_static(text.as_bytes());
            Document { value: parse(&bytes).unwrap(), bytes, size: Size::Plain }.typed::<Asked>()
        };
        assert!(read(r#"{"email":"a","inner":[{"id":1}]}"#).is_ok());
        let refusal = read(r#"{"inner":[{"id":1},{"id":"4711","age":1}],"colour":"red"}"#).unwrap_err();
        assert_eq!(refusal.code(), "invalid_fields");
        let all = "These fields are not accepted: email, inner[1].id, inner[1].age, colour.";
        assert_eq!(refusal.message(), all);
        assert_eq!(read("[]").unwrap_err().code(), "invalid_request");
    }

    #[test]
    fn an_error_does_not_repeat_a_value() {
        #[derive(Debug, serde::Deserialize)]
        struct Body {
            #[expect(dead_code, reason = "only its shape matters")]
            email: String,
        }
        let error = serde_json::from_value::<Body>(serde_json::json!({ "email": 4711 })).unwrap_err();
        assert!(!explain(&error).contains("4711"));
        let error = serde_json::from_value::<Body>(serde_json::json!({})).unwrap_err();
        assert!(explain(&error).contains("missing field `email`"));
    }
}
