//! JSON of others, read strictly: bounded in depth and in the number of values; no member is named twice in an object,
//! because two readers could disagree about which one counts (RFC 8259 §4; RFC 7515 §4 and RFC 7519 §4 demand it); and
//! no number is taken that would have to be rounded (RFC 8259 §6, RFC 7493 §2.2), because it could become equal to
//! another one.
//!
//! Whatever somebody wrote is read here: bodies, files, arguments, parts of tokens. A test names every other place that
//! reads JSON.

mod reader;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use reader::State;

/// What a document may be at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Arrays and objects within each other.
    pub depth: usize,
    /// Members and items at any depth. In memory an object of one member takes a hundred times its text.
    pub values: usize,
}

/// A document that was read, as JSON or straight into a type.
#[derive(Debug)]
pub struct Document<T = Value> {
    /// What it says.
    pub value: T,
    /// About what it takes in memory as JSON, in bytes: `[0,0,…]` takes many times its text. As a type it takes less.
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
    let state = State::new(bounds);
    match state.read(bytes) {
        Ok(value) => Ok(Document { value, bytes: state.bytes() }),
        Err(error) => Err(state.wrong().unwrap_or(Error::Syntax { line: error.line(), column: error.column() })),
    }
}

/// Reads one document and nothing behind it straight into a type, as strictly: a list is never taken for an object with
/// its members in order, and what the type ignores is read all the same. The error only says that it is not this; what
/// is wrong is found by [`read`], and where that succeeds, in what it gives.
pub fn typed<T: DeserializeOwned>(bytes: &[u8], bounds: Bounds) -> Result<Document<T>, serde_json::Error> {
    let state = State::new(bounds);
    let value = state.read(bytes)?;
    Ok(Document { value, bytes: state.bytes() })
}

/// The members of a document that is an object. `None` where it is something else, and for every [`Error`].
pub fn object(bytes: &[u8], bounds: Bounds) -> Option<Map<String, Value>> {
    match read(bytes, bounds).ok()?.value {
        Value::Object(members) => Some(members),
        _ => None,
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

    #[derive(Debug, PartialEq, Eq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Plain,
        Of { name: String },
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Typed {
        name: String,
        inner: Option<Box<Typed>>,
        kinds: Option<Vec<Kind>>,
        free: Option<Map<String, Value>>,
    }

    #[test]
    fn a_type_is_read_as_strictly_as_a_value() {
        let read = |text: &str| typed::<Typed>(text.as_bytes(), BOUNDS).ok().map(|document| document.value);
        let whole = r#"{"name":"a\u0062","inner":{"name":"c","more":{"d":[1]}},"kinds":["plain",{"of":{"name":"x"}}],
            "free":{"e":null,"f":{"g":1.5}}}"#;
        let found = read(whole).unwrap();
        assert_eq!((found.name.as_str(), found.inner.as_ref().unwrap().name.as_str()), ("ab", "c"));
        assert_eq!(found.kinds, Some(vec![Kind::Plain, Kind::Of { name: String::from("x") }]));
        assert_eq!(found.free.as_ref().map(Map::len), Some(2));
        let plain = br#"{"name":"a","x":[{"y":"z"},1],"free":{"e":"f"}}"#;
        let bytes = super::read(plain, BOUNDS).unwrap().bytes;
        assert_eq!(typed::<Typed>(plain, BOUNDS).unwrap().bytes, bytes, "what is not known counts, too");
        for (what, text) in [
            ("a member twice", r#"{"name":"a","name":"b"}"#),
            ("one that is not known, twice", r#"{"name":"a","x":1,"x":2}"#),
            ("the same, spelt otherwise", r#"{"name":"a","x":1,"\u0078":2}"#),
            ("inside of what is not known", r#"{"name":"a","x":[{"y":1,"y":2}]}"#),
            ("inside of what is free", r#"{"name":"a","free":{"y":{"z":1,"z":1}}}"#),
            ("a list for an object", r#"["a",null,null,null]"#),
            ("a list for an object inside", r#"{"name":"a","inner":["b",null,null,null]}"#),
            ("text behind it", r#"{"name":"a"} x"#),
            ("no UTF-8 in what is not known", "{\"name\":\"a\",\"x\":\"\u{1}\"}"),
        ] {
            assert_eq!(read(text), None, "{what}");
        }
        assert!(typed::<Typed>(b"{\"name\":\"a\",\"x\":\"\xff\"}", BOUNDS).is_err());
        let nested = format!("{{\"name\":\"a\",\"x\":{}{}}}", "[".repeat(BOUNDS.depth), "]".repeat(BOUNDS.depth));
        assert_eq!(read(&nested), None, "too deep in what is not known");
        let many = format!("{{\"name\":\"a\",\"x\":[{}0]}}", "0,".repeat(BOUNDS.values));
        assert_eq!(read(&many), None, "too many values in what is not known");
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
