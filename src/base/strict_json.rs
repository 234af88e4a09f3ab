//! JSON of others, read strictly: bounded in depth and in the number of values; no member is named twice in an object,
//! because two readers could disagree about which one counts (RFC 8259 §4; RFC 7515 §4 and RFC 7519 §4 demand it); and
//! no number is taken that would have to be rounded (RFC 8259 §6, RFC 7493 §2.2), because it could become equal to
//! another one.
//!
//! Whatever somebody wrote is read here: bodies, files, arguments, parts of tokens. A test names every other place that
//! reads JSON.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What a document may be at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Arrays and objects within each other.
    pub depth: usize,
    /// Members and items at any depth. In memory an object of one member takes a hundred times its text.
    pub values: usize,
}

/// A document that was read.
#[derive(Debug)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// What it takes in memory, in bytes: `[0,0,…]` takes many times its text.
    pub bytes: usize,
}

/// Why a document is not read. It never repeats what the document says: a password in the wrong place must not come
/// back in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not JSON.
    #[error("it cannot be read at line {line}, column {column}")]
    Syntax {
        /// From 1 on.
        line: usize,
        /// From 1 on, in bytes.
        column: usize,
    },
    /// [`Bounds::depth`].
    #[error("it is nested too deeply")]
    TooDeep,
    /// [`Bounds::values`].
    #[error("it has too many values")]
    TooManyValues,
    /// An object has two members of one name.
    #[error("it names a member twice")]
    RepeatedMember,
    /// [`LARGEST`].
    #[error(
        "it has a number beyond 9007199254740992 (2^53), which cannot be kept exactly: write it as text, in quotes"
    )]
    InexactNumber,
}

/// Whole numbers up to this one, and down to its negative, are kept exactly by everything that numbers go through:
/// scripts, browsers and other readers of JSON have floating-point numbers of 64 bits only.
pub const LARGEST: u64 = 1 << 53;

/// The number as scripts have it. `None` when it would have to be rounded to a whole number.
pub fn exact(number: &Number) -> Option<f64> {
    let is_exact = match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => whole.unsigned_abs() <= LARGEST,
        (None, Some(whole)) => whole <= LARGEST,
        // From there on there are no fractions, and the text may have said another whole number.
        (None, None) => number.as_f64().is_some_and(|value| value.abs() < LARGEST as f64),
    };
    number.as_f64().filter(|_| is_exact)
}

/// Reads one document and nothing behind it.
pub fn read(bytes: &[u8], bounds: Bounds) -> Result<Document, Error> {
    let state = State { values: Cell::new(bounds.values), bytes: Cell::new(0), wrong: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Reader { depth: bounds.depth, state: &state }.deserialize(&mut deserializer);
    match value.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(Document { value, bytes: state.bytes.get() }),
        Err(error) => {
            let syntax = Error::Syntax { line: error.line(), column: error.column() };
            Err(state.wrong.get().unwrap_or(syntax))
        }
    }
}

/// The members of a document that is an object. `None` where it is something else, and for every [`Error`].
pub fn object(bytes: &[u8], bounds: Bounds) -> Option<Map<String, Value>> {
    match read(bytes, bounds).ok()?.value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// What a value takes in a list that grows by doubling.
const OF_VALUE: usize = 2 * size_of::<Value>();

/// What the name of a member takes besides its letters, the same.
const OF_NAME: usize = 2 * (size_of::<String>() + 2 * size_of::<usize>());

/// What is known of a document while it is read.
struct State {
    /// Values that it may still have.
    values: Cell<usize>,
    bytes: Cell<usize>,
    wrong: Cell<Option<Error>>,
}

impl State {
    fn takes(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
    }

    /// One more value.
    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        let left = self.values.get().checked_sub(1);
        self.values.set(left.ok_or_else(|| self.refuse(Error::TooManyValues))?);
        Ok(())
    }

    fn refuse<E: serde::de::Error>(&self, error: Error) -> E {
        self.wrong.set(Some(error));
        E::custom(error)
    }
}

/// Reads a value that may hold this many levels more.
#[derive(Clone, Copy)]
struct Reader<'s> {
    depth: usize,
    state: &'s State,
}

impl Reader<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| self.state.refuse(Error::TooDeep))?;
        Ok(Self { depth, ..self })
    }

    fn number<E: serde::de::Error>(self, number: Number) -> Result<Value, E> {
        exact(&number).ok_or_else(|| self.state.refuse(Error::InexactNumber))?;
        Ok(Value::Number(number))
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.state.takes(OF_VALUE);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
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

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.number(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.number(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.number(Number::from_f64(value).ok_or_else(|| E::custom("a number out of range"))?)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        self.state.takes(value.len());
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            self.state.count()?;
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.state.takes(OF_NAME + name.len());
            self.state.count()?;
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(self.state.refuse(Error::RepeatedMember));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { depth: 32, values: 10_000 };

    fn refused(text: impl AsRef<[u8]>) -> Error {
        read(text.as_ref(), BOUNDS).unwrap_err()
    }

    #[test]
    fn a_document_keeps_its_values() {
        for text in [
            r#"{"a":[1,-2,1.5,"x",null,true],"b":{"c":{}},"d":9007199254740992,"e":-9007199254740992,"f":1e15}"#,
            "null",
            "\"text\"",
            " [ 0 ] ",
        ] {
            let plain: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text.as_bytes(), BOUNDS).unwrap().value, plain, "{text}");
        }
    }

    #[test]
    fn bug_class_40_depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(BOUNDS.depth).as_bytes(), BOUNDS).is_ok());
        assert_eq!(refused(nested(BOUNDS.depth + 1)), Error::TooDeep);
        assert_eq!(refused("[".repeat(50_000)), Error::TooDeep);
    }

    #[test]
    fn the_number_of_values_is_bounded_at_any_depth() {
        let list = |count: usize| format!("[{}]", vec!["{\"a\":0}"; count].join(","));
        assert!(read(list(BOUNDS.values / 2).as_bytes(), BOUNDS).is_ok());
        assert_eq!(refused(list(BOUNDS.values / 2 + 1)), Error::TooManyValues);
        assert!(read(list(BOUNDS.values).as_bytes(), Bounds { values: 50_000, ..BOUNDS }).is_ok());
    }

    #[test]
    fn a_member_that_is_named_twice_is_refused_at_any_depth() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#, r#"{"a":[{"b":1,"b":2}]}"#]
        {
            assert_eq!(refused(text), Error::RepeatedMember, "{text}");
        }
    }

    #[test]
    fn a_number_that_would_be_rounded_is_refused_at_any_depth() {
        let numbers = ["9007199254740993", "-9007199254740993", "18446744073709551615", "18446744073709551617"];
        for number in
            numbers.into_iter().chain(["9007199254740993.0", "9007199254740992.0", "9.007199254740993e15", "-1e300"])
        {
            for text in [number.to_owned(), format!("[{{\"a\":{number}}}]")] {
                assert_eq!(refused(&text), Error::InexactNumber, "{text}");
            }
        }
        assert_eq!(read(b"[0.1,-1.5,1e-7,9007199254740991]", BOUNDS).unwrap().value[3], 9_007_199_254_740_991_u64);
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for text in
            [&b""[..], b"{", b"{}x", b"{} {}", b"{\"a\":\"\xff\"}", b"{'a':1}", b"NaN", b"\xef\xbb\xbf{}", b"[1e999]"]
        {
            assert!(matches!(refused(text), Error::Syntax { .. }), "{text:?}");
        }
        assert_eq!(refused("{\n  x}"), Error::Syntax { line: 2, column: 3 });
    }

    #[test]
    fn an_object_is_nothing_else() {
        assert_eq!(object(br#"{"a":1}"#, BOUNDS).map(|members| members.len()), Some(1));
        for text in ["[]", "null", "1", "\"{}\"", ""] {
            assert!(object(text.as_bytes(), BOUNDS).is_none(), "{text}");
        }
    }

    #[test]
    fn what_a_document_takes_is_known() {
        let bytes = |text: String| read(text.as_bytes(), BOUNDS).unwrap().bytes;
        assert!(bytes(format!("[{}0]", "0,".repeat(1000))) >= 1000 * 2 * size_of::<Value>());
        assert!(bytes(format!("\"{}\"", "x".repeat(1000))) >= 1000);
        let members: Vec<String> = (0..100).map(|number| format!("\"{number}\":[]")).collect();
        let least = 100 * (2 * size_of::<Value>() + 2 * size_of::<String>());
        assert!(bytes(format!("{{{}}}", members.join(","))) >= least);
    }
}
