//! The few shapes in which an evaluation reads tuples.

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

/// Tuples as of one moment, expired ones included. Lists come sorted and hold up to `limit` items; those with `after` go on behind it.
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
