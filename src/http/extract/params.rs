//! Query parameters as a type says.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::value::{Error as Misread, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Query;
use crate::base::json_schema::{Mistake, Rules, Shape, Unknown, members_of};
use crate::http::respond::{FieldProblem, Refusal};

/// The query as `T` says, whose members are texts, numbers, `true` or `false`, and words. Nothing is given twice. A
/// query that does not fit is refused with everything that is wrong with it; a parameter that `T` does not know is
/// ignored, as in all queries but those of questions about permissions.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + ToSchema> FromRequest for Params<T> {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = Query::of(request).and_then(|query| typed(query.0, Unknown::Ignored).map_err(refusal));
        ready(read.map(Self))
    }
}

/// The parameters as a type says. Errors: everything that is wrong with them.
pub(in crate::http) fn typed<T: DeserializeOwned + ToSchema>(
    pairs: Vec<(String, String)>,
    unknown: Unknown,
) -> Result<T, Vec<Mistake>> {
    let is_repeated =
        pairs.iter().enumerate().any(|(at, (name, _))| pairs.iter().skip(at + 1).any(|(other, _)| other == name));
    if !is_repeated {
        let texts = pairs.iter().map(|(name, text)| (name.as_str(), Text(text)));
        if let Ok(read) = T::deserialize(MapDeserializer::<_, Misread>::new(texts)) {
            return Ok(read);
        }
    }
    Err(mistakes::<T>(pairs, unknown))
}

/// A query that is refused for these mistakes.
fn refusal(mistakes: Vec<Mistake>) -> Refusal {
    let problems = mistakes.iter().map(|mistake| format!("`{}`: {}", mistake.at, mistake.message));
    let message = format!("The query is not accepted. {}", problems.collect::<Vec<_>>().join(" "));
    Refusal::malformed(message).with_fields(mistakes.into_iter().map(FieldProblem::from).collect())
}

/// A query that is refused for one parameter, for what its type cannot say.
pub(in crate::http) fn wrong(name: &str, problem: &str) -> Refusal {
    refusal(vec![Mistake { at: name.to_owned(), message: problem.to_owned(), is_missing: false }])
}

/// The value of a parameter.
struct Text<'q>(&'q str);

impl<'de> IntoDeserializer<'de, Misread> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads a number where one is wanted. A text that is none is handed on as a text, and refused by the type.
macro_rules! numbers {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
            match self.0.parse() {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_str(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Misread;

    numbers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0.parse() {
            Ok(is_so) => visitor.visit_bool(is_so),
            Err(_) => visitor.visit_str(self.0),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

fn mistakes<T: ToSchema>(pairs: Vec<(String, String)>, unknown: Unknown) -> Vec<Mistake> {
    let members = members_of::<T>();
    let (mut found, mut value) = (Vec::new(), Map::new());
    let mut note = |at: &str, message: &str| {
        found.push(Mistake { at: at.to_owned(), message: message.to_owned(), is_missing: false });
    };
    for (name, text) in pairs {
        let shape = members.iter().find(|member| member.name == name).map(|member| &member.shape);
        let read = match shape {
            Some(Shape::Number(..)) => text.parse::<u64>().map(Value::from).map_err(|_| "This is not a number."),
            Some(Shape::Bool) => text.parse::<bool>().map(Value::from).map_err(|_| "This is neither true nor false."),
            _ => Ok(Value::from(text)),
        };
        match read {
            _ if value.contains_key(&name) => note(&name, "This is given twice."),
            Ok(read) => drop(value.insert(name, read)),
            Err(problem) => {
                note(&name, problem);
                // It is there: that it is missing is not said besides.
                value.insert(name, Value::Null);
            }
        }
    }
    let known = found.len();
    found.extend(Rules::of::<T>(unknown).mistakes(&Value::Object(value)));
    let is_new =
        |(at, mistake): (usize, &Mistake)| at < known || !found.iter().take(known).any(|one| one.at == mistake.at);
    let mut found: Vec<Mistake> =
        found.iter().enumerate().filter(|(at, one)| is_new((*at, one))).map(|(_, one)| one.clone()).collect();
    if found.is_empty() {
        let message = String::from("A query parameter has a value that is not accepted.");
        found.push(Mistake { at: String::new(), message, is_missing: false });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[derive(Debug, PartialEq, serde::Deserialize, ToSchema)]
    #[serde(rename_all = "lowercase")]
    enum Direction {
        Up,
        Down,
    }

    #[derive(Debug, PartialEq, serde::Deserialize, ToSchema)]
    struct Asked {
        name: String,
        #[schema(minimum = 1, maximum = 9)]
        limit: Option<u64>,
        direct: Option<bool>,
        order: Option<Direction>,
        since: Option<Timestamp>,
    }

    fn read(query: &str) -> Result<Asked, Vec<(String, String)>> {
        let pairs = super::super::pairs::decode(query.as_bytes()).unwrap();
        let read = typed::<Asked>(pairs, Unknown::Ignored);
        read.map_err(|mistakes| mistakes.into_iter().map(|one| (one.at, one.message)).collect())
    }

    #[test]
    fn a_query_is_read_as_its_type_says() {
        let asked = read("name=a+b&limit=7&direct=true&order=down&since=2026-01-31T12:00:00Z&other=1").unwrap();
        assert_eq!((asked.name.as_str(), asked.limit, asked.direct), ("a b", Some(7), Some(true)));
        assert!(asked.order == Some(Direction::Down) && asked.since.is_some());
        let name = String::from("5");
        let bare = Asked { name, limit: None, direct: None, order: None, since: None };
        assert_eq!(read("name=5"), Ok(bare));
    }

    #[test]
    fn everything_that_is_wrong_with_a_query_is_said_at_once() {
        let found = read("limit=x&direct=1&order=left&since=now&direct=true").unwrap_err();
        let words = [
            ("limit", "This is not a number."),
            ("direct", "This is neither true nor false."),
            ("direct", "This is given twice."),
            ("name", "This is missing."),
            ("order", "This is not one of: up, down."),
            ("since", "This is no time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z."),
        ];
        assert_eq!(found, words.map(|(at, message)| (at.to_owned(), message.to_owned())));
        assert_eq!(read("name=a&name=a").unwrap_err().len(), 1, "twice the same is twice");
    }
}
