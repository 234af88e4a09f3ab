//! The symbols of the index: every text once, and a number for it.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::super::symbols::{Symbol, WELL_KNOWN};

/// Texts by number and numbers by text. Nothing is ever taken out.
pub(super) struct SymbolTable {
    /// The texts, each behind its length. The number of a text is where it begins.
    arena: String,
    /// Their symbols, found by the texts' hashes.
    by_text: HashTable<Symbol>,
    state: RandomState,
}

/// A length is this many characters of seven bits, lowest first.
const LENGTH: usize = 3;

impl Default for SymbolTable {
    fn default() -> Self {
        // No text begins where the numbers of the well known symbols are.
        let arena = " ".repeat(WELL_KNOWN.len());
        let mut symbols = Self { arena, by_text: HashTable::new(), state: RandomState::default() };
        for (symbol, text) in (0..).zip(WELL_KNOWN).skip(1) {
            symbols.place(Symbol(symbol), text);
        }
        symbols
    }
}

impl SymbolTable {
    /// About how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.capacity() + self.by_text.allocation_size()
    }

    /// The text of a symbol.
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        text(&self.arena, symbol)
    }

    /// The symbol of a text; `None` when it never was put in.
    pub(super) fn find(&self, text: &str) -> Option<Symbol> {
        if text.is_empty() {
            return Some(Symbol::NONE);
        }
        self.by_text.find(self.state.hash_one(text), |symbol| self.text(*symbol) == text).copied()
    }

    /// The symbol of a text, which is put in if it is not there; `None` when there is no room for it.
    pub(super) fn put(&mut self, text: &str) -> Option<Symbol> {
        if let Some(known) = self.find(text) {
            return Some(known);
        }
        let digits = [0, 7, 14].map(|shift| u8::try_from(text.len() >> shift & 0x7F).unwrap_or(0));
        if text.len() >> (7 * LENGTH) != 0 {
            return None;
        }
        let symbol = Symbol::stored(self.arena.len() + LENGTH)?;
        self.arena.extend(digits.map(char::from));
        self.arena.push_str(text);
        self.place(symbol, text);
        Some(symbol)
    }

    fn place(&mut self, symbol: Symbol, of: &str) {
        let (state, arena) = (&self.state, &self.arena);
        self.by_text.insert_unique(state.hash_one(of), symbol, |symbol| state.hash_one(text(arena, *symbol)));
    }
}

/// The text of a symbol among these.
fn text(arena: &str, symbol: Symbol) -> &str {
    if let Some(known) = WELL_KNOWN.get(symbol.index()) {
        return known;
    }
    let start = symbol.index();
    let length = start.checked_sub(LENGTH).and_then(|begin| arena.as_bytes().get(begin..start));
    let length = length.unwrap_or_default().iter().rev().fold(0, |length, digit| length << 7 | usize::from(*digit));
    arena.get(start..start.saturating_add(length)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_symbol_and_a_symbol_one_text() {
        let mut symbols = SymbolTable::default();
        let texts: Vec<String> = (0..1000).map(|n| format!("name {n}")).collect();
        let made: Vec<Symbol> = texts.iter().map(|text| symbols.put(text).unwrap()).collect();
        for (text, symbol) in texts.iter().zip(&made) {
            assert_eq!((symbols.text(*symbol), symbols.find(text)), (text.as_str(), Some(*symbol)));
            assert_eq!(symbols.put(text), Some(*symbol));
        }
        assert_eq!(
            (symbols.find("other"), symbols.find(""), symbols.text(Symbol::NONE)),
            (None, Some(Symbol::NONE), "")
        );
        assert_eq!(
            WELL_KNOWN.map(|text| symbols.find(text)),
            [Symbol::NONE, Symbol::ANY, Symbol::GROUP, Symbol::MEMBER].map(Some)
        );
    }

    #[test]
    fn long_texts_and_those_of_many_scripts_are_kept_whole_and_those_too_long_refused() {
        let mut symbols = SymbolTable::default();
        let texts = ["ä".repeat(200), "漢字".repeat(9_000), "x".repeat((1 << 21) - 1)];
        let made = texts.each_ref().map(|text| symbols.put(text).unwrap());
        assert_eq!(made.map(|symbol| symbols.text(symbol).to_owned()), texts);
        assert_eq!(symbols.put(&"x".repeat(1 << 21)), None);
        // A symbol that was not made has no text.
        assert_eq!(symbols.text(Symbol(u32::MAX)), "");
    }
}
