//! Tuples that are not stored, or are thought away: for contextual tuples and for dry runs.

use std::collections::{BTreeMap, BTreeSet};

use super::tuple_reader::{ObjectRelation, TupleReader};
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::Error;

/// Facts with some tuples more and some less.
#[derive(Clone, Debug)]
pub struct Overlay<'a, F: ?Sized> {
    base: &'a F,
    added: BTreeMap<TupleKey, Tuple>,
    removed: BTreeSet<TupleKey>,
}

impl<'a, F: TupleReader + ?Sized> Overlay<'a, F> {
    /// The tuples of `base` without the tuples `removed` and with those `added`. An added tuple hides a stored one with
    /// the same parts.
    pub fn new(
        base: &'a F,
        added: impl IntoIterator<Item = Tuple>,
        removed: impl IntoIterator<Item = TupleKey>,
    ) -> Self {
        let added: BTreeMap<_, _> = added.into_iter().map(|tuple| (tuple.key.clone(), tuple)).collect();
        Self { base, added, removed: removed.into_iter().collect() }
    }

    fn hides(&self, key: &TupleKey) -> bool {
        self.removed.contains(key) || self.added.contains_key(key)
    }

    /// How many rows more must be read for `limit` to be left.
    fn hidden(&self) -> usize {
        self.removed.len().saturating_add(self.added.len())
    }

    fn added_at(&self, at: ObjectRelation<'_>) -> impl Iterator<Item = &Tuple> {
        self.added.values().filter(move |tuple| {
            tuple.key.entity_type == at.kind && tuple.key.entity_id == at.id && tuple.key.relation == at.relation
        })
    }

    /// The visible of `stored`, of which up to `asked` were asked for, and of `added`, sorted by `order`.
    fn merged<K: Ord>(
        &self,
        stored: Vec<TupleKey>,
        added: impl Iterator<Item = TupleKey>,
        order: impl Fn(&TupleKey) -> K,
        (asked, limit): (usize, usize),
    ) -> Vec<TupleKey> {
        // What lies behind a full page belongs to the next one.
        let end = if stored.len() == asked { stored.last().map(&order) } else { None };
        let mut keys: Vec<_> = stored.into_iter().filter(|key| !self.hides(key)).collect();
        keys.extend(added.filter(|key| end.as_ref().is_none_or(|end| order(key) <= *end)));
        keys.sort_by_cached_key(order);
        keys.truncate(limit);
        keys
    }
}

impl<F: TupleReader + ?Sized> TupleReader for Overlay<'_, F> {
    fn tuple(&self, at: ObjectRelation<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error> {
        if let Some(tuple) = self.added_at(at).find(|tuple| tuple.key.subject == *subject) {
            return Ok(Some(tuple.clone()));
        }
        Ok(self.base.tuple(at, subject)?.filter(|tuple| !self.removed.contains(&tuple.key)))
    }

    fn sets(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let mut sets = self.base.sets(at, limit.saturating_add(self.hidden()))?;
        sets.retain(|tuple| !self.hides(&tuple.key));
        sets.extend(self.added_at(at).filter(|tuple| tuple.key.subject.as_set().is_some()).cloned());
        sets.sort_by(|one, two| one.key.subject.cmp(&two.key.subject));
        sets.truncate(limit);
        Ok(sets)
    }

    fn holders(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        let mut holders = self.base.holders(at, limit.saturating_add(self.hidden()))?;
        holders.retain(|tuple| !self.hides(&tuple.key));
        holders.extend(self.added_at(at).cloned());
        holders.sort_by_cached_key(|tuple| (tuple.key.subject.as_set().is_some(), tuple.key.subject.clone()));
        holders.truncate(limit);
        Ok(holders)
    }

    fn of_subject(&self, subject: &SubjectRef, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error> {
        let order = |key: &TupleKey| (key.entity_type.clone(), key.relation.clone(), key.entity_id.clone());
        let asked = limit.saturating_add(self.hidden());
        let stored = self.base.of_subject(subject, after, asked)?;
        let start = after.map(order);
        let added = self.added.keys().filter(|key| key.subject == *subject);
        let added = added.filter(|key| start.as_ref().is_none_or(|start| order(key) > *start)).cloned();
        Ok(self.merged(stored, added, order, (asked, limit)))
    }

    fn of_subject_type(&self, kind: &str, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error> {
        let order = |key: &TupleKey| {
            let subject = (key.subject.id.clone(), key.subject.relation.clone());
            (subject, key.entity_type.clone(), key.relation.clone(), key.entity_id.clone())
        };
        let asked = limit.saturating_add(self.hidden());
        let stored = self.base.of_subject_type(kind, after, asked)?;
        let start = after.map(order);
        let added = self.added.keys().filter(|key| key.subject.kind == kind);
        let added = added.filter(|key| start.as_ref().is_none_or(|start| order(key) > *start)).cloned();
        Ok(self.merged(stored, added, order, (asked, limit)))
    }

    fn entity_ids(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Error> {
        let mut ids = self.base.entity_ids(kind, after, limit)?;
        let end = if ids.len() == limit { ids.last().cloned() } else { None };
        let added = self.added.keys().filter(|key| key.entity_type == kind).map(|key| &key.entity_id);
        let added = added.filter(|id| after.is_none_or(|after| id.as_str() > after));
        ids.extend(added.filter(|id| end.as_ref().is_none_or(|end| *id <= end)).cloned());
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(limit);
        Ok(ids)
    }

    fn objects_of(
        &self,
        subject: &SubjectRef,
        (kind, relation): (&str, &str),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let is_one = |key: &TupleKey| key.subject == *subject && key.entity_type == kind && key.relation == relation;
        let key = |id: &str| TupleKey {
            entity_type: kind.to_owned(),
            entity_id: id.to_owned(),
            relation: relation.to_owned(),
            subject: subject.clone(),
        };
        let asked = limit.saturating_add(self.hidden());
        let stored = self.base.objects_of(subject, (kind, relation), after, asked)?;
        let added = self.added.keys().filter(|added| is_one(added)).map(|added| added.entity_id.clone());
        let added = added.filter(|id| after.is_none_or(|after| id.as_str() > after));
        let stored = stored.into_iter().map(|id| key(&id)).collect();
        let keys = self.merged(stored, added.map(|id| key(&id)), |key| key.entity_id.clone(), (asked, limit));
        Ok(keys.into_iter().map(|key| key.entity_id).collect())
    }

    fn subjects_of(
        &self,
        at: ObjectRelation<'_>,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let key = |id: &str| TupleKey {
            entity_type: at.kind.to_owned(),
            entity_id: at.id.to_owned(),
            relation: at.relation.to_owned(),
            subject: SubjectRef::new(kind, id),
        };
        let is_one = |subject: &SubjectRef| subject.kind == kind && subject.as_set().is_none() && subject.id != ANY;
        let asked = limit.saturating_add(self.hidden());
        let stored = self.base.subjects_of(at, kind, after, asked)?.iter().map(|id| key(id)).collect();
        let added = self.added_at(at).map(|tuple| &tuple.key.subject).filter(|subject| is_one(subject));
        let added = added.filter(|subject| after.is_none_or(|after| subject.id.as_str() > after));
        let added = added.map(|subject| key(&subject.id));
        let keys = self.merged(stored, added, |key| key.subject.id.clone(), (asked, limit));
        Ok(keys.into_iter().map(|key| key.subject.id).collect())
    }

    fn subject_types(&self, limit: usize) -> Result<Vec<String>, Error> {
        let mut kinds: BTreeSet<String> = self.base.subject_types(limit)?.into_iter().collect();
        kinds.extend(self.added.keys().map(|key| key.subject.kind.clone()));
        Ok(kinds.into_iter().take(limit).collect())
    }
}
