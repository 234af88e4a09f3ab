//! Keys as bytes whose order is the order of the values, so that a range of keys is a range of meanings.
//!
//! A key is a tuple of components. Numbers are big-endian, text is escaped and terminated: no encoded key is the
//! beginning of another one of the same shape, and leading components make a prefix that isolates (see [`prefix`]).

use crate::base::Moment;
use crate::base::id::{TenantId, TypedId};

use super::Error;

/// Stands for a zero byte within text.
const ESCAPED_ZERO: [u8; 2] = [0x00, 0xFF];

/// Ends text; sorts before every continuation of it.
const TERMINATOR: [u8; 2] = [0x00, 0x00];

/// The key of a table: written to bytes that sort as the values do, and read back.
pub trait Key: Sized {
    /// The bytes of the key.
    fn encode(&self) -> Vec<u8>;

    /// Reads what [`Key::encode`] wrote. Errors: [`Error::Key`] when the bytes are no such key.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
}

/// A component of a key.
pub trait Component: Sized {
    /// Appends the bytes of this component.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes this component off the front of `input`. Errors: [`Error::Key`].
    fn read(input: &mut &[u8]) -> Result<Self, Error>;
}

/// A component as it is given to tables and to [`prefix`]: numbers as they are, all else by reference, text also as
/// `&str`.
pub trait Part {
    /// What it is a component of a key as.
    type Of: Component;

    /// Appends the bytes of this component.
    fn append(&self, out: &mut Vec<u8>);
}

impl<T: Component> Part for &T {
    type Of = T;

    fn append(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl Part for &str {
    type Of = String;

    fn append(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }
}

impl Part for TenantId {
    type Of = Self;

    fn append(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl Part for u64 {
    type Of = Self;

    fn append(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl Part for Moment {
    type Of = Self;

    fn append(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], Error> {
    let (head, rest) = input.split_first_chunk::<N>().ok_or(Error::Key)?;
    *input = rest;
    Ok(*head)
}

impl Component for TenantId {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn read(input: &mut &[u8]) -> Result<Self, Error> {
        take(input).map(|bytes| Self(u32::from_be_bytes(bytes)))
    }
}

impl Component for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn read(input: &mut &[u8]) -> Result<Self, Error> {
        take(input).map(u64::from_be_bytes)
    }
}

impl Component for Moment {
    fn write(&self, out: &mut Vec<u8>) {
        // With the sign flipped, moments before 1970 sort before those after it.
        out.extend_from_slice(&(self.millis() ^ i64::MIN).to_be_bytes());
    }

    fn read(input: &mut &[u8]) -> Result<Self, Error> {
        take(input).map(|bytes| Self::from_millis(i64::from_be_bytes(bytes) ^ i64::MIN))
    }
}

fn write_escaped(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte == 0 {
            out.extend_from_slice(&ESCAPED_ZERO);
        } else {
            out.push(byte);
        }
    }
}

fn read_text(input: &mut &[u8]) -> Result<String, Error> {
    let mut bytes = Vec::new();
    loop {
        match *input {
            [0x00, 0x00, rest @ ..] => {
                *input = rest;
                return String::from_utf8(bytes).map_err(|_| Error::Key);
            }
            [0x00, 0xFF, rest @ ..] => {
                bytes.push(0);
                *input = rest;
            }
            [byte, rest @ ..] if *byte != 0 => {
                bytes.push(*byte);
                *input = rest;
            }
            _ => return Err(Error::Key),
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_escaped(text, out);
    out.extend_from_slice(&TERMINATOR);
}

impl Component for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, Error> {
        read_text(input)
    }
}

impl<T: TypedId> Component for T {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self.as_str(), out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, Error> {
        T::parse(&read_text(input)?).map_err(|_| Error::Key)
    }
}

/// Components of a key, written one after another: all of them as a tuple such as `(tenant, &user_id)`, which owns
/// nothing, or as the key itself by reference; for [`prefix`] the leading ones.
pub trait Parts {
    /// The key that these are all components of.
    type Key;

    /// Appends the bytes of every component.
    fn write_all(&self, out: &mut Vec<u8>);
}

impl<K: Key> Parts for &K {
    type Key = K;

    fn write_all(&self, out: &mut Vec<u8>) {
        out.extend(self.encode());
    }
}

/// The bytes that every key beginning with these components begins with, and no other key: pass a tuple such as
/// `(tenant, &user_id)` or `(tenant, "email")`.
pub fn prefix(parts: impl Parts) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    parts.write_all(&mut out);
    out
}

/// As [`prefix`], for keys whose next component is text that begins with `start`.
pub fn text_prefix(parts: impl Parts, start: &str) -> Vec<u8> {
    let mut out = prefix(parts);
    write_escaped(start, &mut out);
    out
}

macro_rules! tuples {
    ($(($($name:ident $field:tt),+);)*) => {$(
        impl<$($name: Part),+> Parts for ($($name,)+) {
            type Key = ($($name::Of,)+);

            fn write_all(&self, out: &mut Vec<u8>) {
                $(self.$field.append(out);)+
            }
        }

        impl<$($name: Component),+> Key for ($($name,)+) {
            fn encode(&self) -> Vec<u8> {
                let mut out = Vec::with_capacity(64);
                $(self.$field.write(&mut out);)+
                out
            }

            fn decode(bytes: &[u8]) -> Result<Self, Error> {
                let mut input = bytes;
                let key = ($($name::read(&mut input)?,)+);
                if input.is_empty() { Ok(key) } else { Err(Error::Key) }
            }
        }
    )*};
}

tuples! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}

/// The smallest bytes above everything that begins with `prefix`; `None` when nothing is above.
pub(super) fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::id::{ClientId, UserId};

    type Shape = (TenantId, String, Moment, u64, String);

    fn text() -> impl Strategy<Value = String> {
        // Few letters, so that equal beginnings, zero bytes and the highest letters meet often.
        proptest::collection::vec(prop_oneof![Just('\0'), Just('\u{1}'), Just('a'), Just('b'), any::<char>()], 0..6)
            .prop_map(|letters| letters.into_iter().collect())
    }

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![0..3_u64, any::<u64>()]
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let millis = prop_oneof![-2..3_i64, any::<i64>()];
        (0..3_u32, text(), millis, number(), text())
            .prop_map(|(tenant, a, millis, n, b)| (TenantId(tenant), a, Moment::from_millis(millis), n, b))
    }

    proptest! {
        #[test]
        fn a_key_survives_its_bytes(key in shape()) {
            prop_assert_eq!(Shape::decode(&key.encode()).unwrap(), key);
        }

        #[test]
        fn bytes_sort_as_the_keys_do(one in shape(), two in shape()) {
            prop_assert_eq!(one.encode().cmp(&two.encode()), one.cmp(&two));
        }

        #[test]
        fn no_key_begins_another(one in shape(), two in shape()) {
            prop_assert!(one == two || !two.encode().starts_with(&one.encode()));
        }

        #[test]
        fn a_prefix_holds_exactly_the_keys_with_its_components(one in shape(), two in shape()) {
            let shared = (one.0, &one.1) == (two.0, &two.1);
            prop_assert_eq!(two.encode().starts_with(&prefix((one.0, &one.1))), shared);
            let begins = one.0 == two.0 && two.1.starts_with(&one.1);
            prop_assert_eq!(two.encode().starts_with(&text_prefix((one.0,), &one.1)), begins);
        }

        #[test]
        fn strange_bytes_are_refused_or_read_back_the_same(bytes in proptest::collection::vec(0..4_u8, 0..24)) {
            if let Ok(key) = <(TenantId, String, u64)>::decode(&bytes) {
                prop_assert_eq!(key.encode(), bytes);
            }
        }

        #[test]
        fn the_end_of_a_prefix_is_above_all_of_it(
            start in proptest::collection::vec(250..=255_u8, 0..4),
            tail in proptest::collection::vec(any::<u8>(), 0..4),
            other in proptest::collection::vec(250..=255_u8, 0..6),
        ) {
            let inside: Vec<u8> = start.iter().chain(&tail).copied().collect();
            match end_of_prefix(&start) {
                Some(end) => {
                    prop_assert!(inside < end);
                    prop_assert!(other < start || other.starts_with(&start) || other >= end);
                }
                None => prop_assert!(start.iter().all(|byte| *byte == 255)),
            }
        }
    }

    #[test]
    fn identifiers_are_components_and_foreign_ones_are_refused() {
        let user = UserId::new(Moment::from_millis(7), &OsEntropy);
        let key = (TenantId::DEFAULT, user.clone());
        assert_eq!(<(TenantId, UserId)>::decode(&key.encode()).unwrap(), key);
        assert!(matches!(<(TenantId, crate::base::id::SessionId)>::decode(&key.encode()), Err(Error::Key)));
        let client = (ClientId::parse("my-app").unwrap(), String::from("x"));
        assert_eq!(<(ClientId, String)>::decode(&client.encode()).unwrap(), client);
        assert!(client.encode().starts_with(&prefix((&client.0,))));
    }

    #[test]
    fn a_key_with_something_after_it_is_refused() {
        let mut bytes = (TenantId::DEFAULT, 5_u64).encode();
        assert!(<(TenantId, u64)>::decode(&bytes).is_ok());
        bytes.push(0);
        assert!(matches!(<(TenantId, u64)>::decode(&bytes), Err(Error::Key)));
    }
}
