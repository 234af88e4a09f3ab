//! The tuples of a tenant in memory, in the shapes of a question.
//!
//! May use: `check::facts`, `store::rows::tuples`. [`Index`] holds one state of the tuples and knows which; `names` keeps every text once.
//! `keeper` builds it in the background, keeps it up with the commits, and hands it out for exactly the state that a snapshot has.
//! Start reading at [`Index`], then [`Keeper::at`].

mod keeper;
mod names;

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::facts::{At, Facts, StoreFacts};
use crate::base::Moment;
use crate::records::tuple::{ANY, GROUP};
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples::Changed;
use crate::store::{Error, Snapshot};

pub(super) use keeper::Keeper;
use names::{Names, Sym};

/// What one object costs beside its tuples, in bytes: its place in the map, twice for the room a map keeps.
const OBJECT: usize = 64;

/// The tuples as of one revision.
pub(super) struct Index {
    revision: u64,
    names: Names,
    group: Sym,
    objects: HashMap<Object, Vec<Held>, BuildHasherDefault<Mix>>,
    count: usize,
}

/// Entity type and entity.
type Object = (Sym, Sym);

/// A tuple on an object.
struct Held {
    relation: Sym,
    kind: Sym,
    id: Sym,
    /// [`Sym::NOTHING`] where the subject is not a set by its own words.
    held: Sym,
    created_at: Moment,
    more: Option<Box<More>>,
}

/// What few tuples have.
struct More {
    condition: Option<String>,
    expires_at: Option<Moment>,
    updated_at: Moment,
}

/// The parts of a subject, found or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Who {
    kind: Sym,
    id: Sym,
    held: Sym,
}

/// There is no room for more texts.
#[derive(Debug)]
struct Full;

impl Index {
    /// Without tuples.
    fn at(revision: u64) -> Self {
        let mut names = Names::default();
        let group = names.put(GROUP).unwrap_or(Sym::NOTHING);
        Self { revision, names, group, objects: HashMap::default(), count: 0 }
    }

    /// The state of the tuples that it holds.
    fn revision(&self) -> u64 {
        self.revision
    }

    /// About how much memory it takes, in bytes.
    fn bytes(&self) -> usize {
        self.names.bytes() + self.objects.capacity() * OBJECT + self.count * size_of::<Held>()
    }

    /// Puts a tuple in, over one with the same parts.
    fn put(&mut self, tuple: &Tuple) -> Result<(), Full> {
        let key = &tuple.key;
        let held = key.subject.relation.as_deref().unwrap_or_default();
        let parts = [&key.entity_type, &key.entity_id, &key.relation, &key.subject.kind, &key.subject.id];
        let [entity_type, entity, relation, kind, id] = parts.map(|text| self.names.put(text));
        let held = self.names.put(held);
        let is_plain = tuple.condition.is_none() && tuple.expires_at.is_none() && tuple.updated_at == tuple.created_at;
        let more = (!is_plain).then(|| {
            let (condition, expires_at) = (tuple.condition.clone(), tuple.expires_at);
            Box::new(More { condition, expires_at, updated_at: tuple.updated_at })
        });
        let object = (entity_type.ok_or(Full)?, entity.ok_or(Full)?);
        let new = Held {
            relation: relation.ok_or(Full)?,
            kind: kind.ok_or(Full)?,
            id: id.ok_or(Full)?,
            held: held.ok_or(Full)?,
            created_at: tuple.created_at,
            more,
        };
        let (names, group) = (&self.names, self.group);
        let tuples = self.objects.entry(object).or_default();
        // They come in order where they come from the store.
        let is_last = tuples.last().is_none_or(|last| last.compare(&new, names, group) == Ordering::Less);
        let place =
            if is_last { Err(tuples.len()) } else { tuples.binary_search_by(|one| one.compare(&new, names, group)) };
        match place {
            Ok(place) => {
                if let Some(old) = tuples.get_mut(place) {
                    *old = new;
                }
            }
            Err(place) => {
                if tuples.len() < 4 {
                    // Most objects have very few.
                    tuples.reserve_exact(1);
                }
                tuples.insert(place, new);
                self.count += 1;
            }
        }
        Ok(())
    }

    /// Takes a tuple out, if it is in.
    fn remove(&mut self, key: &TupleKey) {
        let parts = [&key.entity_type, &key.entity_id, &key.relation].map(|text| self.names.find(text));
        let ([Some(entity_type), Some(entity), Some(relation)], Some(who)) = (parts, self.who(&key.subject)) else {
            return;
        };
        if let Some(tuples) = self.objects.get_mut(&(entity_type, entity)) {
            let before = tuples.len();
            tuples.retain(|one| one.relation != relation || one.who() != who);
            self.count -= before - tuples.len();
            if tuples.is_empty() {
                self.objects.remove(&(entity_type, entity));
            }
        }
    }

    /// Goes on to the state after a commit. What lies behind it already changes nothing.
    fn apply(&mut self, changed: &Changed) -> Result<(), Full> {
        let Some(revision) = changed.revision.filter(|revision| *revision > self.revision) else { return Ok(()) };
        for (key, tuple) in &changed.tuples {
            match tuple {
                Some(tuple) => self.put(tuple)?,
                None => self.remove(key),
            }
        }
        self.revision = revision;
        Ok(())
    }

    fn object(&self, kind: &str, id: &str) -> &[Held] {
        let object = self.names.find(kind).zip(self.names.find(id));
        object.and_then(|object| self.objects.get(&object)).map_or(&[], Vec::as_slice)
    }

    fn who(&self, subject: &SubjectRef) -> Option<Who> {
        let held = subject.relation.as_deref().unwrap_or_default();
        let [kind, id, held] = [&subject.kind, &subject.id, held].map(|text| self.names.find(text));
        Some(Who { kind: kind?, id: id?, held: held? })
    }

    /// Those of a relation, in their order: from the sets on, or all.
    fn of<'a>(&self, tuples: &'a [Held], relation: &str, sets: bool) -> impl Iterator<Item = &'a Held> {
        let relation = if tuples.is_empty() { None } else { self.names.find(relation) };
        let begin = relation.map_or(tuples.len(), |relation| {
            tuples.partition_point(|one| one.before(relation, sets, &self.names, self.group))
        });
        let rest = tuples.get(begin..).unwrap_or_default();
        rest.iter().take_while(move |one| Some(one.relation) == relation)
    }

    fn exactly<'a>(&self, tuples: &'a [Held], relation: &str, who: Who) -> Option<&'a Held> {
        let is_set = who.is_set(self.group);
        let relation = self.names.find(relation)?;
        if tuples.len() <= 16 {
            return tuples.iter().find(|one| one.relation == relation && one.who() == who);
        }
        let wanted = who.texts(&self.names);
        let place = tuples.binary_search_by(|one| {
            one.compare_place(relation, is_set, &self.names, self.group)
                .then_with(|| one.who().texts(&self.names).cmp(&wanted))
        });
        place.ok().and_then(|place| tuples.get(place))
    }

    fn tuple(&self, at: At<'_>, held: &Held) -> Tuple {
        let text = |sym: Sym| self.names.text(sym).to_owned();
        let subject = SubjectRef {
            kind: text(held.kind),
            id: text(held.id),
            relation: (held.held != Sym::NOTHING).then(|| text(held.held)),
        };
        let key = TupleKey {
            entity_type: at.kind.to_owned(),
            entity_id: at.id.to_owned(),
            relation: at.relation.to_owned(),
            subject,
        };
        let more = held.more.as_deref();
        Tuple {
            key,
            condition: more.and_then(|more| more.condition.clone()),
            expires_at: more.and_then(|more| more.expires_at),
            created_at: held.created_at,
            updated_at: more.map_or(held.created_at, |more| more.updated_at),
        }
    }
}

impl Who {
    /// As [`SubjectRef::as_set`] says.
    fn is_set(self, group: Sym) -> bool {
        self.held != Sym::NOTHING || self.kind == group
    }

    fn texts(self, names: &Names) -> [&str; 3] {
        [self.kind, self.id, self.held].map(|sym| names.text(sym))
    }
}

impl Held {
    fn who(&self) -> Who {
        Who { kind: self.kind, id: self.id, held: self.held }
    }

    /// The order of the store: by relation, those with sets last, by subject.
    fn compare(&self, other: &Self, names: &Names, group: Sym) -> Ordering {
        let is_set = other.who().is_set(group);
        self.compare_place(other.relation, is_set, names, group)
            .then_with(|| self.who().texts(names).cmp(&other.who().texts(names)))
    }

    fn compare_place(&self, relation: Sym, is_set: bool, names: &Names, group: Sym) -> Ordering {
        if self.relation != relation {
            return names.text(self.relation).cmp(names.text(relation));
        }
        self.who().is_set(group).cmp(&is_set)
    }

    /// Whether it stands before the first one of a relation, or before the first set of it.
    fn before(&self, relation: Sym, is_set: bool, names: &Names, group: Sym) -> bool {
        self.compare_place(relation, is_set, names, group) == Ordering::Less
    }
}

/// Spreads pairs of our own small numbers over a map. Nobody outside chooses them.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(29) ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// The tuples of a snapshot: from memory where the same state is there, else from the store.
pub struct SnapshotFacts<'a> {
    store: StoreFacts<'a, Snapshot>,
    index: Option<&'a Index>,
    /// Questions come back to the same object and subject again and again.
    lately: RefCell<Lately<'a>>,
}

#[derive(Default)]
struct Lately<'a> {
    object: Seen<'a>,
    every: Seen<'a>,
    subjects: [Option<(SubjectRef, Option<Who>)>; 2],
    next: usize,
}

#[derive(Default)]
struct Seen<'a> {
    kind: String,
    id: String,
    tuples: &'a [Held],
}

impl<'a> Seen<'a> {
    fn find(&mut self, index: &'a Index, kind: &str, id: &str) -> &'a [Held] {
        if self.id != id || self.kind != kind {
            self.kind.clear();
            self.kind.push_str(kind);
            self.id.clear();
            self.id.push_str(id);
            self.tuples = index.object(kind, id);
        }
        self.tuples
    }
}

impl<'a> Lately<'a> {
    fn tuples(&mut self, index: &'a Index, at: At<'_>) -> &'a [Held] {
        let seen = if at.id == ANY { &mut self.every } else { &mut self.object };
        seen.find(index, at.kind, at.id)
    }

    fn who(&mut self, index: &Index, subject: &SubjectRef) -> Option<Who> {
        if let Some((_, who)) = self.subjects.iter().flatten().find(|(known, _)| known == subject) {
            return *who;
        }
        let who = index.who(subject);
        if let Some(place) = self.subjects.get_mut(self.next) {
            *place = Some((subject.clone(), who));
        }
        self.next ^= 1;
        who
    }
}

impl<'a> SnapshotFacts<'a> {
    /// `index`, if given, holds the state that `store` has.
    pub(super) fn new(store: StoreFacts<'a, Snapshot>, index: Option<&'a Index>) -> Self {
        Self { store, index, lately: RefCell::default() }
    }
}

impl Facts for SnapshotFacts<'_> {
    fn tuple(&self, at: At<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.tuple(at, subject) };
        let mut lately = self.lately.borrow_mut();
        let tuples = lately.tuples(index, at);
        if tuples.is_empty() {
            return Ok(None);
        }
        let Some(who) = lately.who(index, subject) else { return Ok(None) };
        Ok(index.exactly(tuples, at.relation, who).map(|held| index.tuple(at, held)))
    }

    fn sets(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.sets(at, limit) };
        let tuples = self.lately.borrow_mut().tuples(index, at);
        Ok(index.of(tuples, at.relation, true).take(limit).map(|held| index.tuple(at, held)).collect())
    }

    fn holders(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.holders(at, limit) };
        let tuples = self.lately.borrow_mut().tuples(index, at);
        Ok(index.of(tuples, at.relation, false).take(limit).map(|held| index.tuple(at, held)).collect())
    }

    fn of_subject(&self, subject: &SubjectRef, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error> {
        self.store.of_subject(subject, after, limit)
    }

    fn of_subject_type(&self, kind: &str, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error> {
        self.store.of_subject_type(kind, after, limit)
    }

    fn entity_ids(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Error> {
        self.store.entity_ids(kind, after, limit)
    }
}
