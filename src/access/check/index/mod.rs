//! The tuples of a tenant in memory, in the shapes of a question.
//!
//! May use: `check::facts`, `store::rows::tuples`. [`Index`] holds one state of the tuples and knows which; `names` keeps every text once,
//! `probing` finds them. `keeper` builds it in the background, keeps it up with the commits, and hands it out for exactly the state that a snapshot has.
//! Start reading at [`Index`], then [`Keeper::at`].

mod keeper;
mod names;
mod probing;

use std::cell::Cell;
use std::cmp::Ordering;

use super::facts::{At, Facts, StoreFacts, Which};
use super::names::{Given, Link, Name, Place, Text, Who};
use crate::base::Moment;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples::Changed;
use crate::store::{Error, Snapshot};

pub(super) use keeper::Keeper;
pub(crate) use keeper::Keepers;
use names::Names;
use probing::{Probing, Slot};

/// The tuples as of one revision.
pub(super) struct Index {
    revision: u64,
    names: Names,
    objects: Probing<Object>,
    count: usize,
}

/// An object and the tuples on it, at least one.
struct Object {
    kind: Name,
    id: Name,
    tuples: Vec<Held>,
}

impl Default for Object {
    fn default() -> Self {
        Self { kind: Name::NOTHING, id: Name::NOTHING, tuples: Vec::new() }
    }
}

impl Slot for Object {
    fn hash(&self) -> Option<u32> {
        (!self.tuples.is_empty()).then(|| spread(self.kind, self.id))
    }
}

/// Spreads pairs of our own small numbers. Nobody outside chooses them.
fn spread(kind: Name, id: Name) -> u32 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let pair = u64::from(kind.0).rotate_left(40) ^ u64::from(id.0);
    u32::try_from(pair.wrapping_mul(ODD) >> 32).unwrap_or(0)
}

/// A tuple on an object.
struct Held {
    relation: Name,
    kind: Name,
    id: Name,
    /// [`Name::NOTHING`] where the subject is not a set by its own words.
    held: Name,
    created_at: Moment,
    more: Option<Box<More>>,
}

/// What few tuples have.
struct More {
    condition: Option<String>,
    expires_at: Option<Moment>,
    updated_at: Moment,
}

/// There is no room for more texts.
#[derive(Debug)]
struct Full;

impl Index {
    /// Without tuples.
    fn at(revision: u64) -> Self {
        Self { revision, names: Names::default(), objects: Probing::default(), count: 0 }
    }

    /// The state of the tuples that it holds.
    fn revision(&self) -> u64 {
        self.revision
    }

    /// About how much memory it takes, in bytes.
    fn bytes(&self) -> usize {
        self.names.bytes() + self.objects.bytes() + self.count * size_of::<Held>()
    }

    /// Puts a tuple in, over one with the same parts.
    fn put(&mut self, tuple: &Tuple) -> Result<(), Full> {
        let key = &tuple.key;
        let held = key.subject.relation.as_deref().unwrap_or_default();
        let parts = [&key.entity_type, &key.entity_id, &key.relation, &key.subject.kind, &key.subject.id];
        let [entity_type, entity, relation, kind_of_subject, id] = parts.map(|text| self.names.put(text));
        let held = self.names.put(held);
        let is_plain = tuple.condition.is_none() && tuple.expires_at.is_none() && tuple.updated_at == tuple.created_at;
        let more = (!is_plain).then(|| {
            let (condition, expires_at) = (tuple.condition.clone(), tuple.expires_at);
            Box::new(More { condition, expires_at, updated_at: tuple.updated_at })
        });
        let (kind, entity) = (entity_type.ok_or(Full)?, entity.ok_or(Full)?);
        let new = Held {
            relation: relation.ok_or(Full)?,
            kind: kind_of_subject.ok_or(Full)?,
            id: id.ok_or(Full)?,
            held: held.ok_or(Full)?,
            created_at: tuple.created_at,
            more,
        };
        let is = |object: &Object| object.kind == kind && object.id == entity;
        let Some(Object { tuples, .. }) = self.objects.find_mut(spread(kind, entity), is) else {
            self.objects.put(Object { kind, id: entity, tuples: vec![new] });
            self.count += 1;
            return Ok(());
        };
        self.count += usize::from(insert(tuples, new, &self.names));
        Ok(())
    }

    /// Takes a tuple out, if it is in.
    fn remove(&mut self, key: &TupleKey) {
        let parts = [&key.entity_type, &key.entity_id, &key.relation].map(|text| self.names.find(text));
        let ([Some(entity_type), Some(entity), Some(relation)], Some(who)) = (parts, self.who(&key.subject)) else {
            return;
        };
        let hash = spread(entity_type, entity);
        let is = |object: &Object| object.kind == entity_type && object.id == entity;
        let Some(Object { tuples, .. }) = self.objects.find_mut(hash, is) else { return };
        let Some(place) = tuples.iter().position(|one| one.relation == relation && one.who() == who) else { return };
        self.count -= 1;
        if tuples.len() > 1 {
            tuples.remove(place);
        } else {
            self.objects.take(hash, is);
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

    fn object(&self, kind: Name, id: Name) -> &[Held] {
        let found = self.objects.find(spread(kind, id), |object| object.kind == kind && object.id == id);
        found.map_or(&[], |object| &object.tuples)
    }

    fn place(&self, at: At<'_>) -> Option<Place> {
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|text| self.names.find(text));
        Some(Place { kind: kind?, id: id?, relation: relation? })
    }

    fn who(&self, subject: &SubjectRef) -> Option<Who> {
        let held = subject.relation.as_deref().unwrap_or_default();
        let [kind, id, held] = [&subject.kind, &subject.id, held].map(|text| self.names.find(text));
        Some(Who { kind: kind?, id: id?, held: held? })
    }

    /// Those of a relation among the tuples of its object, in their order.
    fn of<'t>(&self, tuples: &'t [Held], at: Place, which: Which) -> impl Iterator<Item = &'t Held> + use<'t> {
        let begin = tuples.partition_point(|one| one.before(at.relation, which, &self.names));
        let rest = tuples.get(begin..).unwrap_or_default();
        rest.iter().take_while(move |one| one.relation == at.relation)
    }

    /// The one with this relation and subject among the tuples of an object.
    fn exactly<'t>(&self, tuples: &'t [Held], at: Place, who: Who) -> Option<&'t Held> {
        if tuples.len() <= 16 {
            return tuples.iter().find(|one| one.relation == at.relation && one.who() == who);
        }
        let is_set = who.as_set().is_some();
        let wanted = texts(who, &self.names);
        let place = tuples.binary_search_by(|one| {
            one.compare_place(at.relation, is_set, &self.names).then_with(|| texts(one.who(), &self.names).cmp(&wanted))
        });
        place.ok().and_then(|place| tuples.get(place))
    }

    fn tuples(&self, at: At<'_>, which: Which, limit: usize) -> Vec<Tuple> {
        let found =
            self.place(at).into_iter().flat_map(|place| self.of(self.object(place.kind, place.id), place, which));
        found.take(limit).map(|held| self.tuple(at, held)).collect()
    }

    fn tuple(&self, at: At<'_>, held: &Held) -> Tuple {
        let text = |name: Name| self.names.text(name).to_owned();
        let subject = SubjectRef {
            kind: text(held.kind),
            id: text(held.id),
            relation: (held.held != Name::NOTHING).then(|| text(held.held)),
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

/// Puts one in its place, over one with the same parts; whether there was none.
fn insert(tuples: &mut Vec<Held>, new: Held, names: &Names) -> bool {
    // They come in order where they come from the store.
    let is_last = tuples.last().is_none_or(|last| last.compare(&new, names) == Ordering::Less);
    let place = if is_last { Err(tuples.len()) } else { tuples.binary_search_by(|one| one.compare(&new, names)) };
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
        }
    }
    place.is_err()
}

fn texts(who: Who, names: &Names) -> [&str; 3] {
    [who.kind, who.id, who.held].map(|name| names.text(name))
}

impl Held {
    fn who(&self) -> Who {
        Who { kind: self.kind, id: self.id, held: self.held }
    }

    fn link(&self) -> Link {
        let more = self.more.as_deref();
        let conditional = more.is_some_and(|more| more.condition.is_some());
        Link { who: self.who(), conditional, expires_at: more.and_then(|more| more.expires_at) }
    }

    /// The order of the store: by relation, those with sets last, by subject.
    fn compare(&self, other: &Self, names: &Names) -> Ordering {
        let is_set = other.who().as_set().is_some();
        self.compare_place(other.relation, is_set, names)
            .then_with(|| texts(self.who(), names).cmp(&texts(other.who(), names)))
    }

    fn compare_place(&self, relation: Name, is_set: bool, names: &Names) -> Ordering {
        if self.relation != relation {
            return names.text(self.relation).cmp(names.text(relation));
        }
        self.who().as_set().is_some().cmp(&is_set)
    }

    /// Whether it stands before the first one of a relation, or before the first set of it.
    fn before(&self, relation: Name, which: Which, names: &Names) -> bool {
        self.compare_place(relation, which == Which::Sets, names) == Ordering::Less
    }
}

/// The tuples of a snapshot: from memory where the same state is there, else from the store.
pub struct SnapshotFacts<'a> {
    store: StoreFacts<'a, Snapshot>,
    index: Option<&'a Index>,
    /// The object that was looked at last, and what stands for all objects of its type: an evaluation asks for the same ones again.
    one: Cell<(Name, Name, &'a [Held])>,
    all: Cell<(Name, Name, &'a [Held])>,
}

impl<'a> SnapshotFacts<'a> {
    /// `index`, if given, holds the state that `store` has.
    pub(super) fn new(store: StoreFacts<'a, Snapshot>, index: Option<&'a Index>) -> Self {
        let none = (Name::NOTHING, Name::NOTHING, &[][..]);
        Self { store, index, one: Cell::new(none), all: Cell::new(none) }
    }

    fn object(&self, index: &'a Index, at: Place) -> &'a [Held] {
        let last = if at.id == Name::ANY { &self.all } else { &self.one };
        let (kind, id, tuples) = last.get();
        if (kind, id) == (at.kind, at.id) {
            return tuples;
        }
        let tuples = index.object(at.kind, at.id);
        last.set((at.kind, at.id, tuples));
        tuples
    }
}

impl Facts for SnapshotFacts<'_> {
    fn tuple(&self, at: At<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.tuple(at, subject) };
        let found = index.place(at).zip(index.who(subject));
        let found = found.and_then(|(place, who)| index.exactly(self.object(index, place), place, who));
        Ok(found.map(|held| index.tuple(at, held)))
    }

    fn sets(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.sets(at, limit) };
        Ok(index.tuples(at, Which::Sets, limit))
    }

    fn holders(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.holders(at, limit) };
        Ok(index.tuples(at, Which::All, limit))
    }

    fn name(&self, given: &Given, text: &str) -> Name {
        self.index.and_then(|index| index.names.find(text)).unwrap_or_else(|| given.name(text))
    }

    fn text(&self, given: &Given, name: Name) -> Text<'_> {
        given.text(name).unwrap_or_else(|| Text::Stored(self.index.map_or("", |index| index.names.text(name))))
    }

    fn link(&self, given: &Given, at: Place, who: Who) -> Result<Option<Link>, Error> {
        match self.index {
            Some(index) => Ok(index.exactly(self.object(index, at), at, who).map(Held::link)),
            None => self.store.link(given, at, who),
        }
    }

    fn links(&self, given: &Given, at: Place, which: Which, limit: usize) -> Result<Vec<Link>, Error> {
        match self.index {
            Some(index) => Ok(index.of(self.object(index, at), at, which).take(limit).map(Held::link).collect()),
            None => self.store.links(given, at, which, limit),
        }
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
