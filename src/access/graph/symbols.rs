//! Symbols: interned texts. An evaluation meets the same few texts again and again, and compares and keeps their
//! numbers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::base::Moment;
use crate::records::tuple::{ANY, GROUP, MEMBER};
use crate::records::{SubjectRef, Tuple};
use foldhash::fast::RandomState;

/// An interned text: within one question, two symbols are the same if and only if their texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Symbol(pub(super) u32);

/// Texts whose symbols are the same everywhere, by number.
pub(super) const WELL_KNOWN: [&str; 4] = ["", ANY, GROUP, MEMBER];

/// The first of the symbols that a question makes itself.
const FIRST_LOCAL: u32 = 1 << 31;

impl Symbol {
    /// The empty text, which stands for the relation of a subject that has none.
    pub const NONE: Self = Self(0);

    /// `*`.
    pub const ANY: Self = Self(1);

    /// `group`.
    pub const GROUP: Self = Self(2);

    /// `member`.
    pub const MEMBER: Self = Self(3);

    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The n-th of those for stored texts; `None` when there are too many.
    pub(super) fn stored(n: usize) -> Option<Self> {
        u32::try_from(n).ok().filter(|n| *n < FIRST_LOCAL).map(Self)
    }
}

/// A userset, `object#relation`: those who have a relation to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Userset {
    /// The entity type.
    pub kind: Symbol,
    pub id: Symbol,
    pub relation: Symbol,
}

/// A subject in interned texts: an object, or the userset of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    pub kind: Symbol,
    pub id: Symbol,
    /// For a userset the relation whose holders it stands for, else [`Symbol::NONE`].
    pub relation: Symbol,
}

impl Subject {
    /// As [`SubjectRef::as_set`].
    pub fn as_set(self) -> Option<Userset> {
        let relation = match self.relation {
            Symbol::NONE if self.kind == Symbol::GROUP => Symbol::MEMBER,
            Symbol::NONE => return None,
            relation => relation,
        };
        Some(Userset { kind: self.kind, id: self.id, relation })
    }
}

/// An edge of the graph: what an evaluation needs of a tuple on a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub subject: Subject,
    /// Whether it has a condition: a script of its own.
    pub conditional: bool,
    /// When it ends.
    pub expires_at: Option<Moment>,
}

impl Edge {
    /// Whether the tuple exists at a moment.
    pub fn counts_at(&self, now: Moment) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// The text of a symbol.
pub enum SymbolText<'a> {
    /// Kept by the tuple reader.
    Stored(&'a str),
    /// Kept by the question.
    Local(Arc<str>),
}

impl Deref for SymbolText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Stored(text) => text,
            Self::Local(text) => text,
        }
    }
}

/// The symbols that a question makes itself, for texts of which the tuple reader has none.
#[derive(Default)]
pub struct LocalSymbols(RefCell<Table>);

#[derive(Default)]
struct Table {
    texts: Vec<Arc<str>>,
    /// Of all texts once there are more than [`FEW`]; with fewer it is quicker to look through them.
    positions: HashMap<Arc<str>, usize, RandomState>,
}

/// So many texts are looked through one by one.
const FEW: usize = 8;

impl Table {
    /// The position of a text, which is added if it is not there.
    fn position(&mut self, text: &str) -> usize {
        let end = self.texts.len();
        let known = if end <= FEW {
            self.texts.iter().position(|known| **known == *text)
        } else {
            self.positions.get(text).copied()
        };
        known.unwrap_or_else(|| {
            let text: Arc<str> = text.into();
            self.texts.push(Arc::clone(&text));
            if end == FEW {
                self.positions.extend(self.texts.iter().cloned().zip(0..));
            } else if end > FEW {
                self.positions.insert(text, end);
            }
            end
        })
    }
}

impl LocalSymbols {
    /// The symbol of a text.
    pub fn symbol(&self, text: &str) -> Symbol {
        if let Some(known) = (0..).zip(WELL_KNOWN).find(|(_, known)| *known == text) {
            return Symbol(known.0);
        }
        let position = self.0.borrow_mut().position(text);
        // Limits end a question long before the numbers run out.
        Symbol(u32::try_from(position).unwrap_or(FIRST_LOCAL).saturating_add(FIRST_LOCAL))
    }

    /// The text of a symbol that was made here, or is well known.
    pub fn text(&self, symbol: Symbol) -> Option<SymbolText<'static>> {
        if let Some(text) = WELL_KNOWN.get(symbol.index()) {
            return Some(SymbolText::Stored(text));
        }
        let position = usize::try_from(symbol.0.checked_sub(FIRST_LOCAL)?).ok()?;
        self.0.borrow().texts.get(position).map(|text| SymbolText::Local(Arc::clone(text)))
    }

    /// What an evaluation needs of a tuple, all of it in symbols of the question.
    pub(super) fn edge(&self, tuple: &Tuple) -> Edge {
        let subject = self.subject(&tuple.key.subject);
        Edge { subject, conditional: tuple.condition.is_some(), expires_at: tuple.expires_at }
    }

    fn subject(&self, subject: &SubjectRef) -> Subject {
        let relation = subject.relation.as_deref().unwrap_or_default();
        Subject { kind: self.symbol(&subject.kind), id: self.symbol(&subject.id), relation: self.symbol(relation) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_of_a_question_leads_back_to_its_text_and_those_well_known_are_the_same_everywhere() {
        let (one, other) = (LocalSymbols::default(), LocalSymbols::default());
        other.symbol("first elsewhere");
        for text in ["", "*", "group", "member"] {
            assert_eq!(one.symbol(text), other.symbol(text));
        }
        assert_eq!([Symbol::NONE, Symbol::ANY, Symbol::GROUP, Symbol::MEMBER], WELL_KNOWN.map(|text| one.symbol(text)));
        for text in ["", "*", "member", "doc", "ann", "doc"] {
            assert_eq!(one.text(one.symbol(text)).as_deref(), Some(text));
        }
        assert_eq!((one.symbol("doc") == one.symbol("ann"), one.symbol("doc") == one.symbol("doc")), (false, true));
        let many: Vec<String> = (0..40).map(|n| format!("text {n}")).collect();
        let symbols: Vec<Symbol> = many.iter().map(|text| one.symbol(text)).collect();
        for (text, symbol) in many.iter().zip(symbols) {
            assert_eq!((one.symbol(text), one.text(symbol).as_deref()), (symbol, Some(text.as_str())));
        }
        assert!(one.text(Symbol::stored(9).unwrap()).is_none() && Symbol::stored(1 << 31).is_none());
    }

    #[test]
    fn a_group_stands_for_its_members() {
        let local = LocalSymbols::default();
        let set = |subject: SubjectRef| local.subject(&subject).as_set();
        assert_eq!(set(SubjectRef::new("group", "g")), set(SubjectRef::set("group", "g", "member")));
        assert_eq!(set(SubjectRef::new("user", "g")), None);
        let owners = Userset { kind: local.symbol("team"), id: local.symbol("g"), relation: local.symbol("owner") };
        assert_eq!(set(SubjectRef::set("team", "g", "owner")), Some(owners));
    }
}
