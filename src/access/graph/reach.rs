//! Walks over tuples from a subject to objects, and from objects to subjects: candidates, never decisions. What is
//! found here is checked afterwards.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Graph, ObjectRelation, TupleReader};
use crate::access::Error;
use crate::records::tuple::{ANY, GROUP, MEMBER};
use crate::records::{SubjectRef, TupleKey};

/// Tuples read at a time.
const CHUNK: usize = 512;

/// A relation of an object: type, id, relation.
pub(in crate::access) type RelationKey = (String, String, String);

/// A walk over tuples that counts its steps.
pub(in crate::access) struct Walk<'a, F: ?Sized> {
    graph: Graph<'a, F>,
    seen: HashSet<RelationKey>,
    queue: VecDeque<RelationKey>,
    /// Whether objects of a type stand as subjects anywhere: most never do, and looking each up would find nothing.
    stand: HashMap<String, bool>,
    steps: usize,
}

/// Objects that a subject's tuples lead to.
#[derive(Debug, Default)]
pub(in crate::access) struct Reached {
    /// (type, id) of every object that a tuple was met on, `*` included.
    pub(in crate::access) objects: BTreeSet<(String, String)>,
}

impl<'a, F: TupleReader + ?Sized> Walk<'a, F> {
    pub(in crate::access) fn new(graph: Graph<'a, F>) -> Self {
        Self { graph, seen: HashSet::new(), queue: VecDeque::new(), stand: HashMap::new(), steps: 0 }
    }

    /// From a subject over its sets, and with `parents` also from objects to what inherits from them: every object on
    /// which the subject can possibly have more than it has on `*`. Exclusions and conditions are not looked at.
    /// Errors: [`Error::LimitReached`].
    pub(in crate::access) fn reached_by(mut self, subject: &SubjectRef, parents: bool) -> Result<Reached, Error> {
        let mut reached = Reached::default();
        if let Some((kind, id, relation)) = subject.as_set() {
            self.push(kind, id, relation);
            reached.objects.insert((kind.to_owned(), id.to_owned()));
        } else {
            self.tuples_of(subject, &mut reached)?;
            if subject.id != ANY {
                self.tuples_of(&SubjectRef::new(subject.kind.as_str(), ANY), &mut reached)?;
            }
        }
        self.all_reached(&mut reached, parents)?;
        Ok(reached)
    }

    /// From relations of objects to every object on which something rests on them. Errors: [`Error::LimitReached`].
    pub(in crate::access) fn reached_from(mut self, starts: &[RelationKey]) -> Result<Reached, Error> {
        let mut reached = Reached::default();
        starts.iter().for_each(|(kind, id, relation)| self.push(kind, id, relation));
        self.all_reached(&mut reached, true)?;
        Ok(reached)
    }

    /// The subjects on whose tuples rests what a subject has on objects that nothing rests on themselves: the subject,
    /// everyone, and the sets and parents that these lead to. `None` when all objects of a type are among them. Errors:
    /// [`Error::LimitReached`].
    pub(in crate::access) fn sources_of(mut self, subject: &SubjectRef) -> Result<Option<BTreeSet<SubjectRef>>, Error> {
        let kinds = self.kinds_that_stand()?;
        let mut sources = BTreeSet::new();
        match subject.as_set() {
            Some((kind, id, relation)) => self.push(kind, id, relation),
            None => {
                self.follow(subject, &kinds, &mut sources)?;
                self.follow(&SubjectRef::new(subject.kind.as_str(), ANY), &kinds, &mut sources)?;
            }
        }
        while let Some((kind, id, relation)) = self.queue.pop_front() {
            self.graph.take(1)?;
            self.include(&kind, &id, &relation)?;
            if !kinds.contains(&kind) {
                continue;
            }
            if id == ANY {
                return Ok(None);
            }
            self.follow(&SubjectRef::set(&*kind, &*id, &*relation), &kinds, &mut sources)?;
            let alone = SubjectRef::new(&*kind, &*id);
            if kind == GROUP && relation == MEMBER {
                self.follow(&alone, &kinds, &mut sources)?;
            }
            self.follow_children(&alone, &relation, &kinds)?;
            sources.insert(alone);
        }
        Ok(Some(sources))
    }

    /// The types of objects that stand as subjects.
    fn kinds_that_stand(&mut self) -> Result<BTreeSet<String>, Error> {
        let mut kinds = BTreeSet::new();
        let most = self.graph.limits.listed;
        for kind in self.graph.tuples.subject_types(most)? {
            self.step(1)?;
            if self.graph.schema.model(&kind)?.is_some() {
                kinds.insert(kind);
            }
        }
        Ok(kinds)
    }

    /// From a subject to what its tuples give on objects of these types.
    fn follow(
        &mut self,
        subject: &SubjectRef,
        kinds: &BTreeSet<String>,
        sources: &mut BTreeSet<SubjectRef>,
    ) -> Result<(), Error> {
        if !sources.insert(subject.clone()) {
            return Ok(());
        }
        self.each_on(subject, kinds, |walk, key| {
            walk.push(&key.entity_type, &key.entity_id, &key.relation);
            Ok(())
        })
    }

    /// From a parent to what objects of these types take over from it.
    fn follow_children(&mut self, parent: &SubjectRef, relation: &str, kinds: &BTreeSet<String>) -> Result<(), Error> {
        self.each_on(parent, kinds, |walk, key| {
            let Some(model) = walk.graph.schema.model(&key.entity_type)? else { return Ok(()) };
            for (name, other) in &model.relations {
                if other.rewrite.inherited().contains(&(key.relation.as_str(), relation)) {
                    walk.push(&key.entity_type, &key.entity_id, name);
                }
            }
            Ok(())
        })
    }

    /// The tuples of a subject on objects of some types; those on other ones are not read.
    fn each_on(
        &mut self,
        subject: &SubjectRef,
        kinds: &BTreeSet<String>,
        mut with: impl FnMut(&mut Self, &TupleKey) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for kind in kinds {
            let (entity_id, relation) = (String::new(), String::new());
            let mut after = TupleKey { entity_type: kind.clone(), entity_id, relation, subject: subject.clone() };
            loop {
                let keys = self.graph.tuples.of_subject(subject, Some(&after), CHUNK)?;
                let on_kind = keys.iter().take_while(|key| key.entity_type == *kind).count();
                self.step(on_kind.saturating_add(1))?;
                keys.iter().take(on_kind).try_for_each(|key| with(self, key))?;
                match keys.last() {
                    Some(last) if on_kind == CHUNK => after = last.clone(),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// The relations of objects that a question about these relations may come to, and whether a rewrite among them
    /// takes something away. Errors: [`Error::LimitReached`].
    pub(in crate::access) fn places_met(
        mut self,
        places: &[ObjectRelation<'_>],
    ) -> Result<(BTreeSet<RelationKey>, bool), Error> {
        let mut takes_away = false;
        for at in places {
            self.push(at.kind, at.id, at.relation);
        }
        while let Some((kind, id, relation)) = self.queue.pop_front() {
            self.step(1)?;
            let Some(model) = self.graph.schema.model(&kind)? else { continue };
            let Some(rewrite) = model.relations.get(&relation).map(|relation| &relation.rewrite) else { continue };
            takes_away |= rewrite.takes_away();
            for other in rewrite.computed() {
                self.push(&kind, &id, other);
            }
            for id in if id == ANY { vec![ANY] } else { vec![&*id, ANY] } {
                let most = self.graph.limits.listed.saturating_add(1);
                let sets = self.graph.tuples.sets(ObjectRelation::new(&kind, id, &relation), most)?;
                self.step(sets.len())?;
                for set in sets {
                    if let Some((kind, id, relation)) = set.key.subject.as_set() {
                        self.push(kind, id, relation);
                    }
                }
            }
            for (from, inherited) in rewrite.inherited() {
                for parent in self.holders(&kind, &id, from)? {
                    if parent.relation.is_none() {
                        self.push(&parent.kind, &parent.id, inherited);
                    }
                }
            }
        }
        Ok((self.seen.into_iter().collect(), takes_away))
    }

    fn all_reached(&mut self, reached: &mut Reached, parents: bool) -> Result<(), Error> {
        while let Some((kind, id, relation)) = self.queue.pop_front() {
            self.graph.take(1)?;
            self.include(&kind, &id, &relation)?;
            if !self.stands(&kind)? {
                continue;
            }
            self.sets_of(&kind, &id, &relation, reached)?;
            if parents {
                self.children_of(&kind, &id, &relation, reached)?;
            }
        }
        Ok(())
    }

    /// Every subject of a tuple that a question about these relations may meet, and whether a rewrite among them takes
    /// something away. Errors: [`Error::LimitReached`].
    pub(in crate::access) fn met_at(
        mut self,
        places: &[ObjectRelation<'_>],
    ) -> Result<(BTreeSet<SubjectRef>, bool), Error> {
        let (mut found, mut takes_away) = (BTreeSet::new(), false);
        for at in places {
            self.push(at.kind, at.id, at.relation);
        }
        while let Some((kind, id, relation)) = self.queue.pop_front() {
            self.graph.take(1)?;
            let Some(model) = self.graph.schema.model(&kind)? else { continue };
            let Some(rewrite) = model.relations.get(&relation).map(|relation| &relation.rewrite) else { continue };
            takes_away |= rewrite.takes_away();
            // A set has itself.
            found.insert(SubjectRef::set(kind.as_str(), id.as_str(), relation.as_str()));
            for other in rewrite.computed() {
                self.push(&kind, &id, other);
            }
            for subject in self.holders(&kind, &id, &relation)? {
                if let Some((kind, id, relation)) = subject.as_set() {
                    self.push(kind, id, relation);
                }
                found.insert(subject);
            }
            for (from, inherited) in rewrite.inherited() {
                for parent in self.holders(&kind, &id, from)? {
                    if parent.relation.is_none() {
                        self.push(&parent.kind, &parent.id, inherited);
                    }
                }
            }
        }
        Ok((found, takes_away))
    }

    /// Whether objects of a type stand as subjects anywhere.
    pub(in crate::access) fn stands(&mut self, kind: &str) -> Result<bool, Error> {
        if let Some(known) = self.stand.get(kind) {
            return Ok(*known);
        }
        let stands = !self.graph.tuples.of_subject_type(kind, None, 1)?.is_empty();
        self.stand.insert(kind.to_owned(), stands);
        Ok(stands)
    }

    fn push(&mut self, kind: &str, id: &str, relation: &str) {
        let place = (kind.to_owned(), id.to_owned(), relation.to_owned());
        if self.seen.insert(place.clone()) {
            self.queue.push_back(place);
        }
    }

    fn step(&mut self, by: usize) -> Result<(), Error> {
        self.graph.take(by)?;
        self.steps = self.steps.saturating_add(by);
        if self.steps > self.graph.limits.listed {
            return Err(Error::LimitReached("the list is too long to be looked through"));
        }
        Ok(())
    }

    fn holders(&mut self, kind: &str, id: &str, relation: &str) -> Result<Vec<SubjectRef>, Error> {
        let mut found = Vec::new();
        for id in if id == ANY { vec![ANY] } else { vec![id, ANY] } {
            let most = self.graph.limits.listed.saturating_add(1);
            let tuples = self.graph.tuples.holders(ObjectRelation::new(kind, id, relation), most)?;
            self.step(tuples.len())?;
            found.extend(tuples.into_iter().map(|tuple| tuple.key.subject));
        }
        Ok(found)
    }

    fn meet(&mut self, key: TupleKey, reached: &mut Reached) {
        self.push(&key.entity_type, &key.entity_id, &key.relation);
        reached.objects.insert((key.entity_type, key.entity_id));
    }

    fn tuples_of(&mut self, subject: &SubjectRef, reached: &mut Reached) -> Result<(), Error> {
        self.each_of(subject, |walk, key| {
            walk.meet(key, reached);
            Ok(())
        })
    }

    /// Relations of the same object whose rewrites refer to this one.
    fn include(&mut self, kind: &str, id: &str, relation: &str) -> Result<(), Error> {
        let Some(model) = self.graph.schema.model(kind)? else { return Ok(()) };
        for (name, other) in &model.relations {
            if other.rewrite.computed().contains(&relation) {
                self.push(kind, id, name);
            }
        }
        Ok(())
    }

    /// Tuples that give something to the set `kind:id#relation`.
    fn sets_of(&mut self, kind: &str, id: &str, relation: &str, reached: &mut Reached) -> Result<(), Error> {
        let members = kind == GROUP && relation == MEMBER;
        if id == ANY {
            // Who has it on every object is in the set of each.
            return self.each_of_type(kind, |walk, key| {
                let held = key.subject.relation.as_deref();
                if held == Some(relation) || held.is_none() && members {
                    walk.meet(key, reached);
                }
                Ok(())
            });
        }
        self.tuples_of(&SubjectRef::set(kind, id, relation), reached)?;
        if members {
            self.tuples_of(&SubjectRef::new(kind, id), reached)?;
        }
        Ok(())
    }

    /// Objects that have `kind:id` as a parent and take this relation over from it.
    fn children_of(&mut self, kind: &str, id: &str, relation: &str, reached: &mut Reached) -> Result<(), Error> {
        let inherit = |walk: &mut Self, key: TupleKey, reached: &mut Reached| -> Result<(), Error> {
            let Some(model) = walk.graph.schema.model(&key.entity_type)? else { return Ok(()) };
            for (name, other) in &model.relations {
                if key.subject.relation.is_none()
                    && other.rewrite.inherited().contains(&(key.relation.as_str(), relation))
                {
                    walk.push(&key.entity_type, &key.entity_id, name);
                    reached.objects.insert((key.entity_type.clone(), key.entity_id.clone()));
                }
            }
            Ok(())
        };
        if id == ANY {
            return self.each_of_type(kind, |walk, key| inherit(walk, key, reached));
        }
        self.each_of(&SubjectRef::new(kind, id), |walk, key| inherit(walk, key, reached))
    }

    fn each_of(
        &mut self,
        subject: &SubjectRef,
        mut with: impl FnMut(&mut Self, TupleKey) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut after: Option<TupleKey> = None;
        loop {
            let keys = self.graph.tuples.of_subject(subject, after.as_ref(), CHUNK)?;
            self.step(keys.len())?;
            let last = if keys.len() == CHUNK { keys.last().cloned() } else { None };
            keys.into_iter().try_for_each(|key| with(self, key))?;
            let Some(last) = last else { return Ok(()) };
            after = Some(last);
        }
    }

    fn each_of_type(
        &mut self,
        kind: &str,
        mut with: impl FnMut(&mut Self, TupleKey) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut after: Option<TupleKey> = None;
        loop {
            let keys = self.graph.tuples.of_subject_type(kind, after.as_ref(), CHUNK)?;
            self.step(keys.len())?;
            let last = if keys.len() == CHUNK { keys.last().cloned() } else { None };
            keys.into_iter().try_for_each(|key| with(self, key))?;
            let Some(last) = last else { return Ok(()) };
            after = Some(last);
        }
    }
}
