//! The few shapes in which an evaluation reads tuples.

use super::names::{Given, Link, Name, Place, Text, Who};
use crate::base::id::TenantId;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples as rows;
use crate::store::{Error, Read};

/// A relation of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At<'a> {
    /// The entity type.
    pub kind: &'a str,
    /// The object, or `*`.
    pub id: &'a str,
    /// The relation.
    pub relation: &'a str,
}

impl<'a> At<'a> {
    /// A relation of the object `kind:id`.
    pub fn new(kind: &'a str, id: &'a str, relation: &'a str) -> Self {
        Self { kind, id, relation }
    }
}

/// Which tuples of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All, those with sets last.
    All,
    /// Those whose subjects stand for others ([`SubjectRef::as_set`]).
    Sets,
}

/// Tuples as of one moment, expired ones included. Lists come sorted and hold up to `limit` items; those with `after` go on behind it.
///
/// An evaluation reads links between numbers. Facts that number their texts answer those themselves; for all others the numbers are
/// `given` during the question.
pub trait Facts {
    /// The tuple that gives exactly this subject the relation.
    fn tuple(&self, at: At<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error>;

    /// The tuples of a relation whose subjects stand for others ([`SubjectRef::as_set`]).
    fn sets(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error>;

    /// All tuples of a relation, those with sets last.
    fn holders(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error>;

    /// The tuples in which exactly this subject stands, by entity type, relation and entity.
    fn of_subject(&self, subject: &SubjectRef, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error>;

    /// The tuples whose subject has this type.
    fn of_subject_type(&self, kind: &str, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error>;

    /// The different objects of a type that have tuples; it may name some that have none any more.
    fn entity_ids(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Error>;

    /// The number of a text.
    fn name(&self, given: &Given, text: &str) -> Name {
        given.name(text)
    }

    /// The text of a number from [`Facts::name`] with the same `given`; empty for any other.
    fn text(&self, given: &Given, name: Name) -> Text<'_> {
        given.text(name).unwrap_or(Text::Stored(""))
    }

    /// What an evaluation needs of the tuple that gives exactly this subject the relation.
    fn link(&self, given: &Given, at: Place, who: Who) -> Result<Option<Link>, Error> {
        Ok(self.whole(given, at, who)?.map(|tuple| given.link(&tuple)))
    }

    /// What an evaluation needs of the tuples of a relation.
    fn links(&self, given: &Given, at: Place, which: Which, limit: usize) -> Result<Vec<Link>, Error> {
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|name| self.text(given, name));
        let at = At::new(&kind, &id, &relation);
        let tuples = match which {
            Which::All => self.holders(at, limit)?,
            Which::Sets => self.sets(at, limit)?,
        };
        Ok(tuples.iter().map(|tuple| given.link(tuple)).collect())
    }

    /// The tuple behind a link.
    fn whole(&self, given: &Given, at: Place, who: Who) -> Result<Option<Tuple>, Error> {
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|name| self.text(given, name));
        self.tuple(At::new(&kind, &id, &relation), &self.subject(given, who))
    }

    /// A subject in texts.
    fn subject(&self, given: &Given, who: Who) -> SubjectRef {
        let [kind, id] = [who.kind, who.id].map(|name| self.text(given, name).to_owned());
        let relation = (who.held != Name::NOTHING).then(|| self.text(given, who.held).to_owned());
        SubjectRef { kind, id, relation }
    }
}

/// The tuples of a tenant in a snapshot or a transaction.
#[derive(Clone, Copy, Debug)]
pub struct StoreFacts<'a, R: ?Sized> {
    /// Where they are read.
    pub from: &'a R,
    /// Whose they are.
    pub tenant: TenantId,
}

impl<R: Read + ?Sized> Facts for StoreFacts<'_, R> {
    fn tuple(&self, at: At<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error> {
        rows::find_exact(self.from, self.tenant, (at.kind, at.id, at.relation), subject)
    }

    fn sets(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        rows::sets(self.from, self.tenant, (at.kind, at.id, at.relation), limit)
    }

    fn holders(&self, at: At<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        rows::holders(self.from, self.tenant, (at.kind, at.id, at.relation), limit)
    }

    fn of_subject(&self, subject: &SubjectRef, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error> {
        rows::of_subject(self.from, self.tenant, subject, after, limit)
    }

    fn of_subject_type(&self, kind: &str, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error> {
        rows::of_subject_type(self.from, self.tenant, kind, after, limit)
    }

    fn entity_ids(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Error> {
        rows::entity_ids(self.from, self.tenant, kind, after, limit)
    }
}
