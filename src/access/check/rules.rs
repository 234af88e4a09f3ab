//! Whom a relation takes, when tuples are written and when they are read.

use crate::access::model::{Relation, Rewrite, SubjectRule};
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP, MEMBER};

/// Whether the model lets this subject stand in tuples of the relation.
pub fn accepts(relation: &Relation, subject: &SubjectRef) -> bool {
    relation.subjects.as_ref().is_none_or(|rules| rules.iter().any(|rule| covers(rule, subject)))
}

/// A group and its members are one subject in two spellings.
fn covers(rule: &SubjectRule, subject: &SubjectRef) -> bool {
    let held = subject.relation.as_deref();
    let members = |kind: &str, relation: Option<&str>| kind == GROUP && relation == Some(MEMBER);
    match rule {
        SubjectRule::Everyone(kind) => subject.kind == *kind && subject.id == ANY && held.is_none(),
        SubjectRule::One(kind) => subject.kind == *kind && subject.id != ANY && (held.is_none() || members(kind, held)),
        SubjectRule::Set { kind, relation } => {
            let spelled_short = held.is_none() && subject.id != ANY && members(kind, Some(relation));
            subject.kind == *kind && (held == Some(relation) || spelled_short)
        }
    }
}

/// Whether sets may stand in tuples of the relation at all.
pub(super) fn accepts_sets(relation: &Relation) -> bool {
    relation.subjects.as_ref().is_none_or(|rules| {
        rules.iter().any(|rule| match rule {
            SubjectRule::Set { .. } => true,
            SubjectRule::One(kind) | SubjectRule::Everyone(kind) => kind == GROUP,
        })
    })
}

/// Whether the relation has tuples of its own.
pub fn takes_tuples(rewrite: &Rewrite) -> bool {
    match rewrite {
        Rewrite::Direct => true,
        Rewrite::Computed(_) | Rewrite::FromParent { .. } => false,
        Rewrite::AnyOf(parts) | Rewrite::AllOf(parts) => parts.iter().any(takes_tuples),
        Rewrite::Except(base, taken) => takes_tuples(base) || takes_tuples(taken),
    }
}

/// The relations of the same object that a rewrite speaks of, whether they give or take.
pub fn computed(rewrite: &Rewrite) -> Vec<&str> {
    match rewrite {
        Rewrite::Direct | Rewrite::FromParent { .. } => Vec::new(),
        Rewrite::Computed(relation) => vec![relation],
        Rewrite::AnyOf(parts) | Rewrite::AllOf(parts) => parts.iter().flat_map(computed).collect(),
        Rewrite::Except(base, taken) => [base, taken].into_iter().flat_map(|part| computed(part)).collect(),
    }
}

/// The (relation to the parent, relation of the parent) pairs that a rewrite speaks of.
pub fn inherited(rewrite: &Rewrite) -> Vec<(&str, &str)> {
    match rewrite {
        Rewrite::Direct | Rewrite::Computed(_) => Vec::new(),
        Rewrite::FromParent { from, relation } => vec![(from, relation)],
        Rewrite::AnyOf(parts) | Rewrite::AllOf(parts) => parts.iter().flat_map(inherited).collect(),
        Rewrite::Except(base, taken) => [base, taken].into_iter().flat_map(|part| inherited(part)).collect(),
    }
}
