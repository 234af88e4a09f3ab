//! The tuples of a tenant in memory, as an evaluation reads them.
//!
//! May use: `graph::tuple_reader`, `store::rows::tuples`. [`Index`] holds the tuples as of one revision; `symbols`
//! keeps every text once. `maintainer` builds the index in the background, follows the commits, and gives it out for
//! exactly the revision that a snapshot has. Start reading at [`Index`], then [`IndexMaintainer::at`].

mod maintainer;
mod symbols;

use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::symbols::{Edge, LocalSymbols, Subject, Symbol, SymbolText, Userset};
use super::tuple_reader::{ObjectRelation, StoreTuples, TupleFilter, TupleReader};
use crate::base::Moment;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples::Changed;
use crate::store::{Error, Snapshot};

pub(in crate::access) use maintainer::IndexMaintainer;
pub(crate) use maintainer::Maintainers;
use symbols::SymbolTable;

/// The tuples as of one revision.
pub(in crate::access) struct Index {
    revision: u64,
    symbols: SymbolTable,
    objects: HashTable<Object>,
    state: RandomState,
    count: usize,
}

/// An object and the tuples on it, at least one.
struct Object {
    kind: Symbol,
    id: Symbol,
    tuples: Vec<IndexedTuple>,
}

impl Object {
    fn is(&self, kind: Symbol, id: Symbol) -> bool {
        (self.kind, self.id) == (kind, id)
    }
}

/// Where an object stands in the table.
fn hash(state: &RandomState, kind: Symbol, id: Symbol) -> u64 {
    state.hash_one(u64::from(kind.0) << 32 | u64::from(id.0))
}

/// A tuple on an object.
struct IndexedTuple {
    relation: Symbol,
    subject: Subject,
    created_at: Moment,
    rare: Option<Box<RareParts>>,
}

/// The parts that few tuples have.
struct RareParts {
    condition: Option<String>,
    expires_at: Option<Moment>,
    updated_at: Moment,
}

/// There is no room for more texts.
#[derive(Debug)]
struct IndexFull;

impl Index {
    fn at(revision: u64) -> Self {
        Self {
            revision,
            symbols: SymbolTable::default(),
            objects: HashTable::new(),
            state: RandomState::default(),
            count: 0,
        }
    }

    /// The state of the tuples that it holds.
    fn revision(&self) -> u64 {
        self.revision
    }

    /// About how much memory it takes, in bytes.
    fn bytes(&self) -> usize {
        self.symbols.bytes() + self.objects.allocation_size() + self.count * size_of::<IndexedTuple>()
    }

    /// Puts a tuple in, over one with the same parts.
    fn put(&mut self, tuple: &Tuple) -> Result<(), IndexFull> {
        let key = &tuple.key;
        let mut symbol = |text: &str| self.symbols.put(text).ok_or(IndexFull);
        let (kind, id, relation) = (symbol(&key.entity_type)?, symbol(&key.entity_id)?, symbol(&key.relation)?);
        let subject = Subject {
            kind: symbol(&key.subject.kind)?,
            id: symbol(&key.subject.id)?,
            relation: symbol(key.subject.relation.as_deref().unwrap_or_default())?,
        };
        let is_plain = tuple.condition.is_none() && tuple.expires_at.is_none() && tuple.updated_at == tuple.created_at;
        let rare = (!is_plain).then(|| {
            let (condition, expires_at) = (tuple.condition.clone(), tuple.expires_at);
            Box::new(RareParts { condition, expires_at, updated_at: tuple.updated_at })
        });
        let new = IndexedTuple { relation, subject, created_at: tuple.created_at, rare };
        let state = &self.state;
        let rehash = |object: &Object| hash(state, object.kind, object.id);
        match self.objects.entry(hash(state, kind, id), |object| object.is(kind, id), rehash) {
            Entry::Occupied(mut object) => {
                self.count += usize::from(insert(&mut object.get_mut().tuples, new, &self.symbols));
            }
            Entry::Vacant(place) => {
                place.insert(Object { kind, id, tuples: vec![new] });
                self.count += 1;
            }
        }
        Ok(())
    }

    /// Takes a tuple out, if it is in.
    fn remove(&mut self, key: &TupleKey) {
        let parts = [&key.entity_type, &key.entity_id, &key.relation].map(|text| self.symbols.find(text));
        let ([Some(kind), Some(id), Some(relation)], Some(subject)) = (parts, self.subject(&key.subject)) else {
            return;
        };
        let found = self.objects.find_entry(hash(&self.state, kind, id), |object| object.is(kind, id));
        let Ok(mut object) = found else { return };
        let tuples = &mut object.get_mut().tuples;
        let Some(position) = tuples.iter().position(|one| one.relation == relation && one.subject == subject) else {
            return;
        };
        self.count -= 1;
        if tuples.len() > 1 {
            tuples.remove(position);
        } else {
            object.remove();
        }
    }

    /// Goes on to the state after a commit. What lies behind it already changes nothing.
    fn apply(&mut self, changed: &Changed) -> Result<(), IndexFull> {
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

    fn object(&self, kind: Symbol, id: Symbol) -> &[IndexedTuple] {
        let found = self.objects.find(hash(&self.state, kind, id), |object| object.is(kind, id));
        found.map_or(&[], |object| &object.tuples)
    }

    fn userset(&self, at: ObjectRelation<'_>) -> Option<Userset> {
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|text| self.symbols.find(text));
        Some(Userset { kind: kind?, id: id?, relation: relation? })
    }

    fn subject(&self, subject: &SubjectRef) -> Option<Subject> {
        let relation = subject.relation.as_deref().unwrap_or_default();
        let [kind, id, relation] = [&subject.kind, &subject.id, relation].map(|text| self.symbols.find(text));
        Some(Subject { kind: kind?, id: id?, relation: relation? })
    }

    /// Those of a relation among the tuples of its object, in their order.
    fn of<'t>(
        &self,
        tuples: &'t [IndexedTuple],
        at: Userset,
        filter: TupleFilter,
    ) -> impl Iterator<Item = &'t IndexedTuple> + use<'t> {
        let begin = tuples.partition_point(|one| one.before(at.relation, filter, &self.symbols));
        let rest = tuples.get(begin..).unwrap_or_default();
        rest.iter().take_while(move |one| one.relation == at.relation)
    }

    /// The one with this relation and subject among the tuples of an object.
    fn exactly<'t>(&self, tuples: &'t [IndexedTuple], at: Userset, subject: Subject) -> Option<&'t IndexedTuple> {
        if tuples.len() <= 16 {
            return tuples.iter().find(|one| one.relation == at.relation && one.subject == subject);
        }
        let is_set = subject.as_set().is_some();
        let wanted = texts(subject, &self.symbols);
        let position = tuples.binary_search_by(|one| {
            let same_group = one.compare_group(at.relation, is_set, &self.symbols);
            same_group.then_with(|| texts(one.subject, &self.symbols).cmp(&wanted))
        });
        position.ok().and_then(|position| tuples.get(position))
    }

    fn tuples(&self, at: ObjectRelation<'_>, filter: TupleFilter, limit: usize) -> Vec<Tuple> {
        let found = self.userset(at).into_iter().flat_map(|at| self.of(self.object(at.kind, at.id), at, filter));
        found.take(limit).map(|indexed| self.tuple(at, indexed)).collect()
    }

    fn tuple(&self, at: ObjectRelation<'_>, indexed: &IndexedTuple) -> Tuple {
        let text = |symbol: Symbol| self.symbols.text(symbol).to_owned();
        let Subject { kind, id, relation } = indexed.subject;
        let subject =
            SubjectRef { kind: text(kind), id: text(id), relation: (relation != Symbol::NONE).then(|| text(relation)) };
        let key = TupleKey {
            entity_type: at.kind.to_owned(),
            entity_id: at.id.to_owned(),
            relation: at.relation.to_owned(),
            subject,
        };
        let rare = indexed.rare.as_deref();
        Tuple {
            key,
            condition: rare.and_then(|rare| rare.condition.clone()),
            expires_at: rare.and_then(|rare| rare.expires_at),
            created_at: indexed.created_at,
            updated_at: rare.map_or(indexed.created_at, |rare| rare.updated_at),
        }
    }
}

/// Puts one in its place, over one with the same parts; whether there was none.
fn insert(tuples: &mut Vec<IndexedTuple>, new: IndexedTuple, symbols: &SymbolTable) -> bool {
    // They come in order where they come from the store.
    let is_last = tuples.last().is_none_or(|last| last.compare(&new, symbols) == Ordering::Less);
    let position = if is_last { Err(tuples.len()) } else { tuples.binary_search_by(|one| one.compare(&new, symbols)) };
    match position {
        Ok(position) => {
            if let Some(old) = tuples.get_mut(position) {
                *old = new;
            }
        }
        Err(position) => {
            if tuples.len() < 4 {
                // Most objects have very few.
                tuples.reserve_exact(1);
            }
            tuples.insert(position, new);
        }
    }
    position.is_err()
}

fn texts(subject: Subject, symbols: &SymbolTable) -> [&str; 3] {
    [subject.kind, subject.id, subject.relation].map(|symbol| symbols.text(symbol))
}

impl IndexedTuple {
    fn edge(&self) -> Edge {
        let rare = self.rare.as_deref();
        let conditional = rare.is_some_and(|rare| rare.condition.is_some());
        Edge { subject: self.subject, conditional, expires_at: rare.and_then(|rare| rare.expires_at) }
    }

    /// The order of the store: by relation, those with usersets last, by subject.
    fn compare(&self, other: &Self, symbols: &SymbolTable) -> Ordering {
        let is_set = other.subject.as_set().is_some();
        self.compare_group(other.relation, is_set, symbols)
            .then_with(|| texts(self.subject, symbols).cmp(&texts(other.subject, symbols)))
    }

    fn compare_group(&self, relation: Symbol, is_set: bool, symbols: &SymbolTable) -> Ordering {
        if self.relation != relation {
            return symbols.text(self.relation).cmp(symbols.text(relation));
        }
        self.subject.as_set().is_some().cmp(&is_set)
    }

    /// Whether it stands before the first one of a relation, or before the first userset of it.
    fn before(&self, relation: Symbol, filter: TupleFilter, symbols: &SymbolTable) -> bool {
        self.compare_group(relation, filter == TupleFilter::Usersets, symbols) == Ordering::Less
    }
}

/// The tuples of a snapshot: from memory where the same state is there, else from the store.
pub struct SnapshotTuples<'a> {
    store: StoreTuples<'a, Snapshot>,
    index: Option<&'a Index>,
    /// The object that was looked at last, and what stands for all objects of its type: an evaluation asks for the same
    /// ones again.
    one: Cell<(Symbol, Symbol, &'a [IndexedTuple])>,
    all: Cell<(Symbol, Symbol, &'a [IndexedTuple])>,
}

impl<'a> SnapshotTuples<'a> {
    /// `index`, if given, holds the state that `store` has.
    pub(in crate::access) fn new(store: StoreTuples<'a, Snapshot>, index: Option<&'a Index>) -> Self {
        let none = (Symbol::NONE, Symbol::NONE, &[][..]);
        Self { store, index, one: Cell::new(none), all: Cell::new(none) }
    }

    fn object(&self, index: &'a Index, at: Userset) -> &'a [IndexedTuple] {
        let last = if at.id == Symbol::ANY { &self.all } else { &self.one };
        let (kind, id, tuples) = last.get();
        if (kind, id) == (at.kind, at.id) {
            return tuples;
        }
        let tuples = index.object(at.kind, at.id);
        last.set((at.kind, at.id, tuples));
        tuples
    }
}

impl TupleReader for SnapshotTuples<'_> {
    fn tuple(&self, at: ObjectRelation<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.tuple(at, subject) };
        let found = index.userset(at).zip(index.subject(subject));
        let found = found.and_then(|(at, subject)| index.exactly(self.object(index, at), at, subject));
        Ok(found.map(|indexed| index.tuple(at, indexed)))
    }

    fn sets(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.sets(at, limit) };
        Ok(index.tuples(at, TupleFilter::Usersets, limit))
    }

    fn holders(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let Some(index) = self.index else { return self.store.holders(at, limit) };
        Ok(index.tuples(at, TupleFilter::All, limit))
    }

    fn symbol(&self, local: &LocalSymbols, text: &str) -> Symbol {
        self.index.and_then(|index| index.symbols.find(text)).unwrap_or_else(|| local.symbol(text))
    }

    fn text(&self, local: &LocalSymbols, symbol: Symbol) -> SymbolText<'_> {
        let stored = || self.index.map_or("", |index| index.symbols.text(symbol));
        local.text(symbol).unwrap_or_else(|| SymbolText::Stored(stored()))
    }

    fn edge(&self, local: &LocalSymbols, at: Userset, subject: Subject) -> Result<Option<Edge>, Error> {
        match self.index {
            Some(index) => Ok(index.exactly(self.object(index, at), at, subject).map(IndexedTuple::edge)),
            None => self.store.edge(local, at, subject),
        }
    }

    fn edges(&self, local: &LocalSymbols, at: Userset, filter: TupleFilter, limit: usize) -> Result<Vec<Edge>, Error> {
        match self.index {
            Some(index) => {
                Ok(index.of(self.object(index, at), at, filter).take(limit).map(IndexedTuple::edge).collect())
            }
            None => self.store.edges(local, at, filter, limit),
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

    fn objects_of(
        &self,
        subject: &SubjectRef,
        object: (&str, &str),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        self.store.objects_of(subject, object, after, limit)
    }

    fn subjects_of(
        &self,
        at: ObjectRelation<'_>,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        self.store.subjects_of(at, kind, after, limit)
    }

    fn subject_types(&self, limit: usize) -> Result<Vec<String>, Error> {
        self.store.subject_types(limit)
    }
}
