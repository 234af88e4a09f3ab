//! JSON bodies: bounded in size, depth and number of values, no member twice.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body;
use super::cx::charge;
use crate::base::json_schema::{self, Mistake};
use crate::base::strict_json::Error::Syntax;
use crate::base::strict_json::{self, Bounds, Document};
use crate::http::respond::{FieldProblem, Refusal};

/// What most documents may be.
const PLAIN: Bounds = Bounds { depth: 32, values: 10_000 };

/// What batches may be: an expression of a model takes two levels for each of its sixteen, and has the model around
/// it; a thousand items have fifty values each.
const BATCH: Bounds = Bounds { depth: 64, values: 50_000 };

/// The body as `T` says. Must be sent as `application/json`; an empty body is read as `{}`. A body that does not fit is
/// refused with everything that is wrong with it. The rule for members that a type does not know: with
/// `#[serde(deny_unknown_fields)]` it refuses them, and so do all bodies of the admin API, of API keys and of grants,
/// so that nobody takes a member for heard that was not ([`Input`](super::Input) does the same for questions about
/// permissions). Without it they are ignored, as the clients of the account dialect expect ([`Json`]), and AuthZEN.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Body<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(Size::Plain, request.clone(), payload.take());
        Box::pin(async { read.await?.typed().map(Self) })
    }
}

/// The same for what comes in batches: models and tuples. From a known caller it may be a megabyte whatever the
/// settings say.
pub struct LongBody<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for LongBody<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(Size::Long, request.clone(), payload.take());
        Box::pin(async { read.await?.typed().map(Self) })
    }
}

/// The body as `T` reads it, without a description: what `T` does not know is ignored, and only the first mistake is
/// told. For the account dialect, whose clients send more than is needed here.
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

/// The members of what comes in batches: questions in the form of OpenID AuthZEN.
pub struct LongJson(pub Map<String, Value>);

impl FromRequest for LongJson {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_object(Size::Long, &request, payload).await.map(Self) })
    }
}

/// Most bytes of a batch.
const LONG: usize = 1024 * 1024;

/// What a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Size {
    /// As large as the settings say.
    Plain,
    /// As what comes in batches.
    Long,
}

impl Size {
    fn bounds(self) -> Bounds {
        match self {
            Self::Plain => PLAIN,
            Self::Long => BATCH,
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
struct Sent {
    value: Value,
    bytes: Bytes,
    size: Size,
}

impl Sent {
    /// What it says. Only when it does not fit is it read once more, to say why.
    fn typed<T: DeserializeOwned + ToSchema>(self) -> Result<T, Refusal> {
        let Self { value, bytes, size } = self;
        serde_json::from_value(value).or_else(|error| {
            let again = if bytes.is_empty() { Value::Object(Map::new()) } else { weigh(size, &bytes)?.value };
            Err(misfit(json_schema::mistakes_of::<T>(&again), &error))
        })
    }
}

/// Refuses what is not as its type says: with every mistake, or where the schema does not show it, with what the type
/// says.
fn misfit(mistakes: Vec<Mistake>, error: &serde_json::Error) -> Refusal {
    match mistakes.first() {
        None => Refusal::malformed(explain(error)),
        Some(mistake) if mistake.at.is_empty() => Refusal::malformed("The JSON body is no object."),
        Some(_) => Refusal::invalid_fields(
            mistakes.into_iter().map(|mistake| FieldProblem { field: mistake.at, message: mistake.message }).collect(),
        ),
    }
}

async fn read(size: Size, request: HttpRequest, payload: Payload) -> Result<Sent, Refusal> {
    let most = if size == Size::Long { LONG } else { 0 };
    let media_type = body::media_type(&request)?;
    let bytes = body::read_up_to(most, &request, payload).await?;
    match media_type.as_deref() {
        Some("application/json") if !bytes.is_empty() => {
            let document = weigh(size, &bytes)?;
            charge(&request, document.bytes)?;
            Ok(Sent { value: document.value, bytes, size })
        }
        _ if bytes.is_empty() => Ok(Sent { value: Value::Object(Map::new()), bytes, size }),
        _ => Err(Refusal::unsupported("application/json")),
    }
}

/// Parses a document strictly.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    weigh(Size::Plain, bytes).map(|document| document.value)
}

fn weigh(size: Size, bytes: &[u8]) -> Result<Document, Refusal> {
    strict_json::read(bytes, size.bounds()).map_err(|error| {
        Refusal::malformed(match error {
            Syntax { line, column } => format!("The JSON body cannot be read at line {line}, column {column}."),
            error => format!("The JSON body is not accepted: {error}."),
        })
    })
}

/// Says what is wrong without repeating what was sent: a password in the wrong place must not come back in an error.
fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") || text.starts_with("unknown field") {
        return format!("The JSON body does not fit: {}.", text.split(" at line ").next().unwrap_or(&text));
    }
    String::from("A member of the JSON body has the wrong type or value.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_said_without_repeating_it() {
        let said = |text: &str| parse(text.as_bytes()).unwrap_err().message().to_owned();
        assert_eq!(said("[".repeat(50_000).as_str()), "The JSON body is not accepted: it is nested too deeply.");
        let many = format!("[{}0]", "0,".repeat(10_000));
        assert_eq!(said(&many), "The JSON body is not accepted: it has too many values.");
        assert_eq!(said(r#"{"pw":1,"pw":2}"#), "The JSON body is not accepted: it names a member twice.");
        assert_eq!(said("{\n pw}"), "The JSON body cannot be read at line 2, column 2.");
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
            Sent { value: parse(&bytes).unwrap(), bytes, size: Size::Plain }.typed::<Asked>()
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
