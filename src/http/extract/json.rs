//! JSON bodies: bounded in size, depth and number of values, no member twice.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::body;
use super::cx::charge;
use crate::base::json_schema::{self, Mistake, Unknown};
use crate::base::strict_json::Error::Syntax;
use crate::base::strict_json::{self, Bounds, Document};
use crate::http::respond::{FieldProblem, Refusal};

/// What most documents may be.
const PLAIN: Bounds = Bounds { depth: 32, values: 10_000 };

/// What batches may be: an expression of a model takes two levels for each of its sixteen, and has the model around
/// it; a thousand items have fifty values each.
const BATCH: Bounds = Bounds { depth: 64, values: 50_000 };

/// The body as `T` says. Must be sent as `application/json`; an empty body is read as `{}`. It is read straight into
/// the type; one that does not fit is read once more, and refused with everything that is wrong with it. Members that
/// `T` does not know are refused, so that nobody takes a member for heard that was not: in all bodies of the admin API,
/// of API keys, of grants, and of questions about permissions. `T` says so itself by `#[serde(deny_unknown_fields)]`.
pub struct Body<T>(pub T);

/// The same for what comes in batches: models and tuples. From a known caller it may be a megabyte whatever the
/// settings say.
pub struct LongBody<T>(pub T);

/// As [`Body`], but what `T` does not know is ignored: in the account dialect, whose clients send more than is needed
/// here.
pub struct OpenBody<T>(pub T);

/// An extractor that reads a body in one way.
macro_rules! reads_a_body {
    ($($name:ident: $size:expr, $unknown:expr;)*) => {$(
        impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for $name<T> {
            type Error = Refusal;
            type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

            fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
                let read = read_as::<T>(($size, $unknown), request.clone(), payload.take());
                Box::pin(async { Ok(Self(read.await?.map_err(Misfit::refusal)?)) })
            }
        }
    )*};
}

reads_a_body! {
    Body: Size::Plain, Unknown::Refused;
    LongBody: Size::Long, Unknown::Refused;
    OpenBody: Size::Plain, Unknown::Ignored;
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

/// A body that is JSON, and not as its type says.
pub(in crate::http) struct Misfit {
    /// What was sent.
    pub value: Value,
    /// What is wrong with it; nothing where the schema of the type does not show it.
    pub mistakes: Vec<Mistake>,
    error: serde_json::Error,
}

impl Misfit {
    /// With every mistake, or where the schema does not show it, with what the type says.
    pub fn refusal(self) -> Refusal {
        match self.mistakes.first() {
            None => Refusal::malformed(explain(&self.error)),
            Some(mistake) if mistake.at.is_empty() => Refusal::malformed("The JSON body is no object."),
            Some(_) => Refusal::invalid_fields(self.mistakes.into_iter().map(FieldProblem::from).collect()),
        }
    }
}

impl From<Mistake> for FieldProblem {
    fn from(mistake: Mistake) -> Self {
        Self { field: mistake.at, message: mistake.message }
    }
}

/// The body as a type says, for extractors that do something else with what does not fit. The outer error: it is no
/// JSON, or there is too much of it.
pub(in crate::http) async fn read_as<T: DeserializeOwned + ToSchema>(
    (size, unknown): (Size, Unknown),
    request: HttpRequest,
    payload: Payload,
) -> Result<Result<T, Misfit>, Refusal> {
    let bytes = read(size, &request, payload).await?;
    let error = match strict_json::typed::<T>(&bytes, size.bounds()) {
        Ok(document) => {
            charge(&request, document.bytes)?;
            return Ok(Ok(document.value));
        }
        Err(error) => error,
    };
    let document = weigh(size, &bytes)?;
    charge(&request, document.bytes)?;
    let mistakes = json_schema::mistakes_of::<T>(&document.value, unknown);
    Ok(Err(Misfit { value: document.value, mistakes, error }))
}

async fn read(size: Size, request: &HttpRequest, payload: Payload) -> Result<Bytes, Refusal> {
    let most = if size == Size::Long { LONG } else { 0 };
    let media_type = body::media_type(request)?;
    let bytes = body::read_up_to(most, request, payload).await?;
    match media_type.as_deref() {
        _ if bytes.is_empty() => Ok(Bytes::from_static(b"{}")),
        Some("application/json") => Ok(bytes),
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
            let error = match strict_json::typed::<Asked>(text.as_bytes(), PLAIN) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let value = parse(text.as_bytes()).unwrap();
            let mistakes = json_schema::mistakes_of::<Asked>(&value, Unknown::Refused);
            Err(Misfit { value, mistakes, error }.refusal())
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
