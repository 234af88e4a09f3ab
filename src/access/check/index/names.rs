//! Every text once, and a number for it.

use std::hash::BuildHasher;

use super::super::names::{Name, WELL_KNOWN};
use super::probing::{Probing, Slot};
use crate::base::hash::Seeded;

/// Texts by number and numbers by text. Nothing is ever taken out.
pub(super) struct Names {
    /// The texts, each behind its length. The number of a text is where it begins.
    arena: String,
    by_hash: Probing<Hashed>,
    state: Seeded,
}

/// The number of a text with this hash.
#[derive(Default)]
struct Hashed {
    hash: u32,
    name: u32,
}

impl Slot for Hashed {
    fn hash(&self) -> Option<u32> {
        (self.name != Name::NOTHING.0).then_some(self.hash)
    }
}

/// A length is this many characters of seven bits, lowest first.
const LENGTH: usize = 3;

impl Default for Names {
    fn default() -> Self {
        // No text begins where the numbers of those well known are.
        let arena = " ".repeat(WELL_KNOWN.len());
        let mut names = Self { arena, by_hash: Probing::default(), state: Seeded::default() };
        for (name, text) in (0..).zip(WELL_KNOWN).skip(1) {
            let hash = names.hash(text);
            names.by_hash.put(Hashed { hash, name });
        }
        names
    }
}

impl Names {
    /// About how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.capacity() + self.by_hash.bytes()
    }

    /// The text with this number.
    pub(super) fn text(&self, name: Name) -> &str {
        if let Some(known) = WELL_KNOWN.get(name.place()) {
            return known;
        }
        let start = name.place();
        let length = start.checked_sub(LENGTH).and_then(|begin| self.arena.as_bytes().get(begin..start));
        let length = length.unwrap_or_default().iter().rev().fold(0, |length, digit| length << 7 | usize::from(*digit));
        self.arena.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// The number of a text; `None` when it never was put in.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        if text.is_empty() {
            return Some(Name::NOTHING);
        }
        self.find_hashed(text, self.hash(text))
    }

    fn find_hashed(&self, text: &str, hash: u32) -> Option<Name> {
        let found = self.by_hash.find(hash, |slot| self.text(Name(slot.name)) == text)?;
        Some(Name(found.name))
    }

    fn hash(&self, text: &str) -> u32 {
        let hash = self.state.hash_one(text);
        u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0)
    }

    /// The number of a text, which is put in if it is not there; `None` when there is no room for it.
    pub(super) fn put(&mut self, text: &str) -> Option<Name> {
        if text.is_empty() {
            return Some(Name::NOTHING);
        }
        let hash = self.hash(text);
        if let Some(known) = self.find_hashed(text, hash) {
            return Some(known);
        }
        let digits = [0, 7, 14].map(|shift| u8::try_from(text.len() >> shift & 0x7F).unwrap_or(0));
        if text.len() >> (7 * LENGTH) != 0 {
            return None;
        }
        let name = Name::stored(self.arena.len() + LENGTH)?;
        self.arena.extend(digits.map(char::from));
        self.arena.push_str(text);
        self.by_hash.put(Hashed { hash, name: name.0 });
        Some(name)
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
        assert_eq!(
            WELL_KNOWN.map(|text| names.find(text)),
            [Name::NOTHING, Name::ANY, Name::GROUP, Name::MEMBER].map(Some)
        );
    }

    #[test]
    fn long_texts_and_those_of_many_scripts_are_kept_whole_and_those_too_long_refused() {
        let mut names = Names::default();
        let texts = ["ä".repeat(200), "漢字".repeat(9_000), "x".repeat((1 << 21) - 1)];
        let numbers = texts.each_ref().map(|text| names.put(text).unwrap());
        assert_eq!(numbers.map(|name| names.text(name).to_owned()), texts);
        assert_eq!(names.put(&"x".repeat(1 << 21)), None);
        // A number that was not given out is nobody's.
        assert_eq!(names.text(Name(u32::MAX)), "");
    }
}
