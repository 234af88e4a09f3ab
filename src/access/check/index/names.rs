//! Every text once, and a number for it.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use super::super::hash::Seeded;
use super::super::names::{Name, WELL_KNOWN};

/// Texts by number and numbers by text. Nothing is ever taken out.
pub(super) struct Names {
    text: String,
    spans: Vec<Span>,
    /// The number of the newest text with this hash.
    by_hash: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    state: Seeded,
}

struct Span {
    start: u32,
    length: u32,
    /// An older text with the same hash.
    older: Option<std::num::NonZeroU32>,
}

impl Default for Names {
    fn default() -> Self {
        let (text, by_hash, state) = (String::new(), HashMap::default(), Seeded::default());
        let mut names = Self { text, spans: vec![Span { start: 0, length: 0, older: None }], by_hash, state };
        for text in WELL_KNOWN {
            names.put(text);
        }
        names
    }
}

impl Names {
    /// About how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.spans.capacity() * size_of::<Span>() + self.by_hash.capacity() * 20
    }

    /// The text with this number.
    pub(super) fn text(&self, name: Name) -> &str {
        self.spans.get(name.place()).map_or("", |span| self.within(span))
    }

    fn within(&self, span: &Span) -> &str {
        let (Ok(start), Ok(length)) = (usize::try_from(span.start), usize::try_from(span.length)) else { return "" };
        self.text.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// The number of a text; `None` when it never was put in.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        if text.is_empty() {
            return Some(Name::NOTHING);
        }
        self.find_hashed(text, self.state.hash_one(text))
    }

    fn find_hashed(&self, text: &str, hash: u64) -> Option<Name> {
        let mut number = *self.by_hash.get(&hash)?;
        loop {
            if self.text(Name(number)) == text {
                return Some(Name(number));
            }
            number = self.spans.get(Name(number).place())?.older?.get();
        }
    }

    /// The number of a text, which is put in if it is not there; `None` when there is no room for it.
    pub(super) fn put(&mut self, text: &str) -> Option<Name> {
        if text.is_empty() {
            return Some(Name::NOTHING);
        }
        let hash = self.state.hash_one(text);
        if let Some(known) = self.find_hashed(text, hash) {
            return Some(known);
        }
        let name = Name::stored(self.spans.len())?;
        let (start, length) = (u32::try_from(self.text.len()).ok()?, u32::try_from(text.len()).ok()?);
        self.text.push_str(text);
        let older = self.by_hash.insert(hash, name.0).and_then(std::num::NonZeroU32::new);
        self.spans.push(Span { start, length, older });
        Some(name)
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
        let numbers: Vec<Name> = texts.iter().map(|text| names.put(text).unwrap()).collect();
        for (text, name) in texts.iter().zip(&numbers) {
            assert_eq!((names.text(*name), names.find(text)), (text.as_str(), Some(*name)));
            assert_eq!(names.put(text), Some(*name));
        }
        assert_eq!((names.find("other"), names.find(""), names.text(Name::NOTHING)), (None, Some(Name::NOTHING), ""));
    }
}
