//! Numbers in the place of texts: an evaluation meets the same few texts again and again, and compares and keeps numbers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::base::Moment;
use crate::base::hash::Seeded;
use crate::records::tuple::{ANY, GROUP, MEMBER};
use crate::records::{SubjectRef, Tuple};

/// The number of a text: within one question, two numbers are the same if and only if the texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(pub(super) u32);

/// Texts whose numbers are the same everywhere, by number.
pub(super) const WELL_KNOWN: [&str; 4] = ["", ANY, GROUP, MEMBER];

/// The first number of those given during a question.
const FIRST_GIVEN: u32 = 1 << 31;

impl Name {
    /// The empty text, which stands for the relation of a subject that has none.
    pub const NOTHING: Self = Self(0);

    /// `*`.
    pub const ANY: Self = Self(1);

    /// `group`.
    pub const GROUP: Self = Self(2);

    /// `member`.
    pub const MEMBER: Self = Self(3);

    pub(super) fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The n-th of those that stand for stored texts; `None` when there are too many.
    pub(super) fn stored(n: usize) -> Option<Self> {
        u32::try_from(n).ok().filter(|n| *n < FIRST_GIVEN).map(Self)
    }
}

/// A relation of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The entity type.
    pub kind: Name,
    /// The object.
    pub id: Name,
    /// The relation.
    pub relation: Name,
}

/// A subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// Its type.
    pub kind: Name,
    /// Its identifier.
    pub id: Name,
    /// The relation whose holders it stands for, or [`Name::NOTHING`].
    pub held: Name,
}

impl Who {
    /// As [`SubjectRef::as_set`].
    pub fn as_set(self) -> Option<Place> {
        let relation = match self.held {
            Name::NOTHING if self.kind == Name::GROUP => Name::MEMBER,
            Name::NOTHING => return None,
            relation => relation,
        };
        Some(Place { kind: self.kind, id: self.id, relation })
    }
}

/// What an evaluation needs of a tuple on a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The subject.
    pub who: Who,
    /// Whether it hangs on a script of its own.
    pub conditional: bool,
    /// When it ends.
    pub expires_at: Option<Moment>,
}

impl Link {
    /// Whether the tuple exists at a moment.
    pub fn counts_at(&self, now: Moment) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// A text that somebody else keeps.
pub enum Text<'a> {
    /// Of the facts.
    Stored(&'a str),
    /// Of the question.
    Given(Arc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Stored(text) => text,
            Self::Given(text) => text,
        }
    }
}

/// The numbers that were given during a question, to texts that have none in the facts.
#[derive(Default)]
pub struct Given(RefCell<Table>);

#[derive(Default)]
struct Table {
    texts: Vec<Arc<str>>,
    /// Of all texts once there are more than [`FEW`]; with fewer it is quicker to look through them.
    places: HashMap<Arc<str>, usize, Seeded>,
}

/// So many texts are looked through one by one.
const FEW: usize = 8;

impl Table {
    /// Where a text stands, which is put in if it is not there.
    fn place(&mut self, text: &str) -> usize {
        let place = self.texts.len();
        let known = if place <= FEW {
            self.texts.iter().position(|known| **known == *text)
        } else {
            self.places.get(text).copied()
        };
        known.unwrap_or_else(|| {
            let text: Arc<str> = text.into();
            self.texts.push(Arc::clone(&text));
            if place == FEW {
                self.places.extend(self.texts.iter().cloned().zip(0..));
            } else if place > FEW {
                self.places.insert(text, place);
            }
            place
        })
    }
}

impl Given {
    /// The number of a text.
    pub fn name(&self, text: &str) -> Name {
        if let Some(known) = (0..).zip(WELL_KNOWN).find(|(_, known)| *known == text) {
            return Name(known.0);
        }
        let place = self.0.borrow_mut().place(text);
        // Limits end a question long before the numbers do.
        Name(u32::try_from(place).unwrap_or(FIRST_GIVEN).saturating_add(FIRST_GIVEN))
    }

    /// The text of a number that was given here, or is well known.
    pub fn text(&self, name: Name) -> Option<Text<'static>> {
        if let Some(text) = WELL_KNOWN.get(name.place()) {
            return Some(Text::Stored(text));
        }
        let place = usize::try_from(name.0.checked_sub(FIRST_GIVEN)?).ok()?;
        self.0.borrow().texts.get(place).map(|text| Text::Given(Arc::clone(text)))
    }

    /// What an evaluation needs of a tuple, all of it in given numbers.
    pub(super) fn link(&self, tuple: &Tuple) -> Link {
        let who = self.who(&tuple.key.subject);
        Link { who, conditional: tuple.condition.is_some(), expires_at: tuple.expires_at }
    }

    fn who(&self, subject: &SubjectRef) -> Who {
        let held = subject.relation.as_deref().unwrap_or_default();
        Who { kind: self.name(&subject.kind), id: self.name(&subject.id), held: self.name(held) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_number_leads_back_to_its_text_and_those_well_known_are_the_same_everywhere() {
        let (one, other) = (Given::default(), Given::default());
        other.name("first elsewhere");
        for text in ["", "*", "group", "member"] {
            assert_eq!(one.name(text), other.name(text));
        }
        assert_eq!([Name::NOTHING, Name::ANY, Name::GROUP, Name::MEMBER], WELL_KNOWN.map(|text| one.name(text)));
        for text in ["", "*", "member", "doc", "ann", "doc"] {
            assert_eq!(one.text(one.name(text)).as_deref(), Some(text));
        }
        assert_eq!((one.name("doc") == one.name("ann"), one.name("doc") == one.name("doc")), (false, true));
        let many: Vec<String> = (0..40).map(|n| format!("text {n}")).collect();
        let numbers: Vec<Name> = many.iter().map(|text| one.name(text)).collect();
        for (text, number) in many.iter().zip(numbers) {
            assert_eq!((one.name(text), one.text(number).as_deref()), (number, Some(text.as_str())));
        }
        assert!(one.text(Name::stored(9).unwrap()).is_none() && Name::stored(1 << 31).is_none());
    }

    #[test]
    fn a_group_stands_for_its_members() {
        let given = Given::default();
        let set = |subject: SubjectRef| given.who(&subject).as_set();
        assert_eq!(set(SubjectRef::new("group", "g")), set(SubjectRef::set("group", "g", "member")));
        assert_eq!(set(SubjectRef::new("user", "g")), None);
        let owners = Place { kind: given.name("team"), id: given.name("g"), relation: given.name("owner") };
        assert_eq!(set(SubjectRef::set("team", "g", "owner")), Some(owners));
    }
}
