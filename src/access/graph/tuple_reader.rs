//! How an evaluation reads tuples.

use super::symbols::{Edge, LocalSymbols, Subject, Symbol, SymbolText, Userset};
use crate::base::id::TenantId;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples as rows;
use crate::store::{Error, Read};

/// A relation of an object, `object#relation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectRelation<'a> {
    /// The entity type.
    pub kind: &'a str,
    /// The object, or `*`.
    pub id: &'a str,
    pub relation: &'a str,
}

impl<'a> ObjectRelation<'a> {
    /// A relation of the object `kind:id`.
    pub fn new(kind: &'a str, id: &'a str, relation: &'a str) -> Self {
        Self { kind, id, relation }
    }
}

/// Which tuples of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TupleFilter {
    /// All, those with usersets last.
    All,
    /// Those whose subjects are usersets ([`SubjectRef::as_set`]).
    Usersets,
}

/// Tuples as of one moment, expired ones included. Lists come sorted and hold up to `limit` items; those with `after`
/// go on behind it.
///
/// An evaluation reads [`Edge`]s between [`Symbol`]s. A reader with symbols of its own for its texts answers these
/// methods itself; for all others the symbols are those of the question, `local`.
pub trait TupleReader {
    /// The tuple that gives exactly this subject the relation.
    fn tuple(&self, at: ObjectRelation<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error>;

    /// The tuples of a relation whose subjects are usersets ([`SubjectRef::as_set`]).
    fn sets(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error>;

    /// All tuples of a relation, those with usersets last.
    fn holders(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error>;

    /// The tuples in which exactly this subject stands, by entity type, relation and entity.
    fn of_subject(&self, subject: &SubjectRef, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error>;

    /// The tuples whose subject has this type.
    fn of_subject_type(&self, kind: &str, after: Option<&TupleKey>, limit: usize) -> Result<Vec<TupleKey>, Error>;

    /// The different objects of a type that have tuples; it may name some that have none any more.
    fn entity_ids(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Error>;

    /// The objects of a type to which exactly this subject has the relation by a tuple, behind one; sorted.
    fn objects_of(
        &self,
        subject: &SubjectRef,
        object: (&str, &str),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error>;

    /// The subjects of a type, no sets and not everyone, to whom tuples give the relation, behind one; sorted.
    fn subjects_of(
        &self,
        at: ObjectRelation<'_>,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error>;

    /// The different types of the subjects of tuples; it may name some that have none any more.
    fn subject_types(&self, limit: usize) -> Result<Vec<String>, Error>;

    /// The symbol of a text.
    fn symbol(&self, local: &LocalSymbols, text: &str) -> Symbol {
        local.symbol(text)
    }

    /// The text of a symbol from [`TupleReader::symbol`] with the same `local`; empty for any other.
    fn text(&self, local: &LocalSymbols, symbol: Symbol) -> SymbolText<'_> {
        local.text(symbol).unwrap_or(SymbolText::Stored(""))
    }

    /// What an evaluation needs of the tuple that gives exactly this subject the relation.
    fn edge(&self, local: &LocalSymbols, at: Userset, subject: Subject) -> Result<Option<Edge>, Error> {
        Ok(self.tuple_behind(local, at, subject)?.map(|tuple| local.edge(&tuple)))
    }

    /// What an evaluation needs of the tuples of a relation.
    fn edges(&self, local: &LocalSymbols, at: Userset, filter: TupleFilter, limit: usize) -> Result<Vec<Edge>, Error> {
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|symbol| self.text(local, symbol));
        let at = ObjectRelation::new(&kind, &id, &relation);
        let tuples = match filter {
            TupleFilter::All => self.holders(at, limit)?,
            TupleFilter::Usersets => self.sets(at, limit)?,
        };
        Ok(tuples.iter().map(|tuple| local.edge(tuple)).collect())
    }

    /// The tuple that an edge was made of.
    fn tuple_behind(&self, local: &LocalSymbols, at: Userset, subject: Subject) -> Result<Option<Tuple>, Error> {
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|symbol| self.text(local, symbol));
        self.tuple(ObjectRelation::new(&kind, &id, &relation), &self.subject_ref(local, subject))
    }

    /// A subject in texts.
    fn subject_ref(&self, local: &LocalSymbols, subject: Subject) -> SubjectRef {
        let [kind, id] = [subject.kind, subject.id].map(|symbol| self.text(local, symbol).to_owned());
        let relation = (subject.relation != Symbol::NONE).then(|| self.text(local, subject.relation).to_owned());
        SubjectRef { kind, id, relation }
    }
}

/// The tuples of a tenant in a snapshot or a transaction.
#[derive(Clone, Copy, Debug)]
pub struct StoreTuples<'a, R: ?Sized> {
    /// Where they are read.
    pub from: &'a R,
    /// Whose they are.
    pub tenant: TenantId,
}

impl<R: Read + ?Sized> TupleReader for StoreTuples<'_, R> {
    fn tuple(&self, at: ObjectRelation<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, Error> {
        rows::find_exact(self.from, self.tenant, (at.kind, at.id, at.relation), subject)
    }

    fn sets(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
        rows::sets(self.from, self.tenant, (at.kind, at.id, at.relation), limit)
    }

    fn holders(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, Error> {
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

    fn objects_of(
        &self,
        subject: &SubjectRef,
        object: (&str, &str),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        rows::objects_of_subject(self.from, self.tenant, subject, object, (after, limit))
    }

    fn subjects_of(
        &self,
        at: ObjectRelation<'_>,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        rows::subjects_of_object(self.from, self.tenant, (at.kind, at.id, at.relation), kind, (after, limit))
    }

    fn subject_types(&self, limit: usize) -> Result<Vec<String>, Error> {
        rows::subject_types(self.from, self.tenant, limit)
    }
}
