//! A deserializer around that of serde_json, which counts what it hands on and sees every name.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::{Number, Value};

use super::{Bounds, Error, exact};

/// What a value takes in a list that grows by doubling.
const OF_VALUE: usize = 2 * size_of::<Value>();

/// What the name of a member takes besides its letters, the same.
const OF_NAME: usize = 2 * (size_of::<String>() + 2 * size_of::<usize>());

/// What is known of a document while it is read.
pub(super) struct State<'de> {
    depth: usize,
    /// Values that it may still have.
    values: Cell<usize>,
    bytes: Cell<usize>,
    wrong: Cell<Option<Error>>,
    /// The names of the members of all objects that are open, those of an inner object behind those of the outer ones.
    names: RefCell<Vec<Cow<'de, str>>>,
}

impl<'de> State<'de> {
    /// Of a document of which nothing was read.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            depth: bounds.depth,
            values: Cell::new(bounds.values),
            bytes: Cell::new(0),
            wrong: Cell::new(None),
            names: RefCell::default(),
        }
    }

    /// Reads a whole document.
    pub(super) fn read<T: Deserialize<'de>>(&self, bytes: &'de [u8]) -> Result<T, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        self.takes(OF_VALUE);
        let value =
            T::deserialize(Watched { inner: &mut json, at: At { depth: self.depth, is_name: false, of: self } })?;
        json.end().map(|()| value)
    }

    /// What was read so far takes about so many bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// Why it was refused, where it is JSON.
    pub(super) fn wrong(&self) -> Option<Error> {
        self.wrong.get()
    }

    fn takes(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
    }

    /// One more value.
    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        let left = self.values.get().checked_sub(1);
        self.values.set(left.ok_or_else(|| self.refuse(Error::TooManyValues))?);
        self.takes(OF_VALUE);
        Ok(())
    }

    fn refuse<E: serde::de::Error>(&self, error: Error) -> E {
        self.wrong.set(Some(error));
        E::custom(error)
    }

    /// Where the names of an object begin that is opened now.
    fn open(&self) -> usize {
        self.names.borrow().len()
    }

    /// Ends an object whose names began there. Errors: two of them are the same.
    fn close<E: serde::de::Error>(&self, from: usize) -> Result<(), E> {
        let mut names = self.names.borrow_mut();
        let own = names.get_mut(from..).unwrap_or_default();
        own.sort_unstable();
        let is_repeated = own.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
        names.truncate(from);
        if is_repeated { Err(self.refuse(Error::RepeatedMember)) } else { Ok(()) }
    }
}

/// Where the reader is.
#[derive(Clone, Copy)]
struct At<'s, 'de> {
    /// Levels that may still be opened.
    depth: usize,
    /// Whether it reads the name of a member.
    is_name: bool,
    of: &'s State<'de>,
}

impl<'de> At<'_, 'de> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        Ok(Self { depth: depth.ok_or_else(|| self.of.refuse(Error::TooDeep))?, is_name: false, ..self })
    }

    fn number<E: serde::de::Error>(self, number: &Number) -> Result<(), E> {
        exact(number).map(drop).ok_or_else(|| self.of.refuse(Error::InexactNumber))
    }

    fn text(self, text: impl FnOnce() -> Cow<'de, str>, length: usize) {
        if self.is_name {
            self.of.takes(OF_NAME);
            self.of.names.borrow_mut().push(text());
        }
        self.of.takes(length);
    }
}

/// Whatever serde hands a value on with.
struct Watched<'s, 'de, T> {
    inner: T,
    at: At<'s, 'de>,
}

impl<'s, 'de, T> Watched<'s, 'de, T> {
    fn around<U>(&self, inner: U) -> Watched<'s, 'de, U> {
        Watched { inner, at: self.at }
    }
}

/// Methods of a deserializer that differ in nothing but their name.
macro_rules! read_as {
    ($($name:ident($($arg:ident: $of:ty),*) by $inner:ident($($given:expr),*);)*) => {$(
        fn $name<V: Visitor<'de>>(self, $($arg: $of,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.around(visitor);
            self.inner.$inner($($given,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Watched<'_, 'de, D> {
    type Error = D::Error;

    read_as! {
        deserialize_any() by deserialize_any();
        deserialize_bool() by deserialize_bool();
        deserialize_i8() by deserialize_i8();
        deserialize_i16() by deserialize_i16();
        deserialize_i32() by deserialize_i32();
        deserialize_i64() by deserialize_i64();
        deserialize_u8() by deserialize_u8();
        deserialize_u16() by deserialize_u16();
        deserialize_u32() by deserialize_u32();
        deserialize_u64() by deserialize_u64();
        deserialize_f32() by deserialize_f32();
        deserialize_f64() by deserialize_f64();
        deserialize_char() by deserialize_char();
        deserialize_str() by deserialize_str();
        deserialize_string() by deserialize_string();
        deserialize_bytes() by deserialize_bytes();
        deserialize_byte_buf() by deserialize_byte_buf();
        deserialize_option() by deserialize_option();
        deserialize_unit() by deserialize_unit();
        deserialize_unit_struct(name: &'static str) by deserialize_unit_struct(name);
        deserialize_newtype_struct(name: &'static str) by deserialize_newtype_struct(name);
        deserialize_seq() by deserialize_seq();
        deserialize_tuple(len: usize) by deserialize_tuple(len);
        deserialize_tuple_struct(name: &'static str, len: usize) by deserialize_tuple_struct(name, len);
        deserialize_map() by deserialize_map();
        deserialize_enum(name: &'static str, all: &'static [&'static str]) by deserialize_enum(name, all);
        deserialize_identifier() by deserialize_identifier();
        deserialize_ignored_any() by deserialize_any();
    }

    /// As a map: serde_json would also take a list for the members in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_map(visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Methods of a visitor for what holds nothing else.
macro_rules! plain {
    ($($name:ident: $of:ty),*) => {$(
        fn $name<E: serde::de::Error>(self, value: $of) -> Result<V::Value, E> {
            self.inner.$name(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watched<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    plain! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_u8: u8, visit_u16: u16, visit_u32: u32,
        visit_f32: f32, visit_char: char, visit_bytes: &[u8], visit_borrowed_bytes: &'de [u8], visit_byte_buf: Vec<u8>
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<V::Value, E> {
        self.at.number(&value.into())?;
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<V::Value, E> {
        self.at.number(&value.into())?;
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<V::Value, E> {
        self.at.number(&Number::from_f64(value).ok_or_else(|| E::custom("a number out of range"))?)?;
        self.inner.visit_f64(value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<V::Value, E> {
        self.at.text(|| Cow::Owned(value.to_owned()), value.len());
        self.inner.visit_str(value)
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.at.text(|| Cow::Borrowed(value), value.len());
        self.inner.visit_borrowed_str(value)
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<V::Value, E> {
        self.at.text(|| Cow::Owned(value.clone()), value.len());
        self.inner.visit_string(value)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<V::Value, D::Error> {
        let some = self.around(some);
        self.inner.visit_some(some)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inside: D) -> Result<V::Value, D::Error> {
        let inside = self.around(inside);
        self.inner.visit_newtype_struct(inside)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Watched { inner: items, at: self.at.deeper()? })
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        let at = self.at.deeper()?;
        self.inner.visit_map(Members { inner: members, at, names: at.of.open() })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Watched { inner: variant, at: self.at.deeper()? })
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.around(deserializer);
        self.inner.deserialize(deserializer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Watched<'_, 'de, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.around(seed);
        let item = self.inner.next_element_seed(seed)?;
        if item.is_some() {
            self.at.of.count()?;
        }
        Ok(item)
    }
}

/// The members of an object, and where its names begin.
struct Members<'s, 'de, A> {
    inner: A,
    at: At<'s, 'de>,
    names: usize,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let name = self.inner.next_key_seed(Watched { inner: seed, at: At { is_name: true, ..self.at } })?;
        match name {
            Some(_) => self.at.of.count()?,
            None => self.at.of.close(self.names)?,
        }
        Ok(name)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Watched { inner: seed, at: self.at })
    }
}

impl<'s, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Watched<'s, 'de, A> {
    type Error = A::Error;
    type Variant = Watched<'s, 'de, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let at = self.at;
        let (name, inner) = self.inner.variant_seed(seed)?;
        at.of.count::<A::Error>()?;
        Ok((name, Watched { inner, at }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Watched<'_, 'de, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.around(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, all: &'static [&'static str], visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.struct_variant(all, visitor)
    }
}
