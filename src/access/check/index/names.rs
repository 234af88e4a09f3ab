//! Every text once, and a number for it.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sym(u32);

impl Sym {
    /// The number of the empty text.
    pub(super) const NOTHING: Self = Self(0);

    fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Texts by number and numbers by text. Nothing is ever taken out.
pub(super) struct Names {
    text: String,
    spans: Vec<Span>,
    /// The number of the newest text with this hash.
    by_hash: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    state: RandomState,
}

struct Span {
    start: u32,
    length: u32,
    /// An older text with the same hash.
    older: Option<std::num::NonZeroU32>,
}

impl Default for Names {
    fn default() -> Self {
        let (text, by_hash, state) = (String::new(), HashMap::default(), RandomState::new());
        Self { text, spans: vec![Span { start: 0, length: 0, older: None }], by_hash, state }
    }
}

impl Names {
    /// About how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.spans.capacity() * size_of::<Span>() + self.by_hash.capacity() * 20
    }

    /// The text with this number.
    pub(super) fn text(&self, sym: Sym) -> &str {
        self.spans.get(sym.place()).map_or("", |span| self.within(span))
    }

    fn within(&self, span: &Span) -> &str {
        let (Ok(start), Ok(length)) = (usize::try_from(span.start), usize::try_from(span.length)) else { return "" };
        self.text.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// The number of a text; `None` when it never was put in.
    pub(super) fn find(&self, text: &str) -> Option<Sym> {
        if text.is_empty() {
            return Some(Sym::NOTHING);
        }
        self.find_hashed(text, self.state.hash_one(text))
    }

    fn find_hashed(&self, text: &str, hash: u64) -> Option<Sym> {
        let mut number = *self.by_hash.get(&hash)?;
        loop {
            if self.text(Sym(number)) == text {
                return Some(Sym(number));
            }
            number = self.spans.get(Sym(number).place())?.older?.get();
        }
    }

    /// The number of a text, which is put in if it is not there; `None` when there is no room for it.
    pub(super) fn put(&mut self, text: &str) -> Option<Sym> {
        if text.is_empty() {
            return Some(Sym::NOTHING);
        }
        let hash = self.state.hash_one(text);
        if let Some(known) = self.find_hashed(text, hash) {
            return Some(known);
        }
        let number = u32::try_from(self.spans.len()).ok()?;
        let (start, length) = (u32::try_from(self.text.len()).ok()?, u32::try_from(text.len()).ok()?);
        self.text.push_str(text);
        let older = self.by_hash.insert(hash, number).and_then(std::num::NonZeroU32::new);
        self.spans.push(Span { start, length, older });
        Some(Sym(number))
    }
}

/// Takes a hash for what it is.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_a_number_one_text() {
        let mut names = Names::default();
        let texts: Vec<String> = (0..1000).map(|n| format!("name {n}")).collect();
        let syms: Vec<Sym> = texts.iter().map(|text| names.put(text).unwrap()).collect();
        for (text, sym) in texts.iter().zip(&syms) {
            assert_eq!((names.text(*sym), names.find(text)), (text.as_str(), Some(*sym)));
            assert_eq!(names.put(text), Some(*sym));
        }
        assert_eq!((names.find("other"), names.find(""), names.text(Sym::NOTHING)), (None, Some(Sym::NOTHING), ""));
    }
}
