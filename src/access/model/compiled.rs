//! A model in the one form that questions are answered with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::id::ClientId;
use crate::records::SubjectRef;
use crate::records::tuple::GROUP;

/// A model, ready for questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledModel {
    /// `users`, `client_abc:invoice`, ….
    pub entity_type: String,
    /// The client whose type it is.
    pub client: Option<ClientId>,
    pub relations: BTreeMap<String, Relation>,
    pub permissions: BTreeMap<String, Permission>,
    /// Whether platform administrators may do everything with objects of this type.
    pub admin_bypass: bool,
    /// The version of the stored model; 0 for a built-in one.
    pub version: u64,
}

/// A relation: who has it, and who may be given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub rewrite: Rewrite,
    /// What may stand as the subject of its tuples, when writing and when reading; `None` for anything.
    pub subjects: Option<Vec<SubjectRule>>,
}

/// Who has a relation to an object (Zanzibar §2.3.1, "userset rewrite").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// The subjects of its tuples.
    Direct,
    /// Who has another relation to the same object.
    Computed(String),
    /// Who has `relation` to an object that is the subject of a `from` tuple of this one: tuple-to-userset.
    FromParent {
        /// The relation whose tuples name the parents.
        from: String,
        /// The relation to the parent.
        relation: String,
    },
    /// Who is in any of these.
    AnyOf(Vec<Rewrite>),
    /// Who is in all of these.
    AllOf(Vec<Rewrite>),
    /// Who is in the first and not in the second.
    Except(Box<Rewrite>, Box<Rewrite>),
}

/// A kind of subject that a relation takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectRule {
    /// `user`: one subject of this type. `group` alone means the members of one group.
    One(String),
    /// `user:*`: everyone of this type.
    Everyone(String),
    /// `group#member`: everyone with a relation to an object of this type.
    Set { kind: String, relation: String },
    /// `user with office_hours`: one of these, by a tuple that has a condition.
    With {
        /// Who.
        rule: Box<SubjectRule>,
        /// What the condition is called. It is written on each tuple.
        condition: String,
    },
}

/// What may be done, by whom, under which condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Who has this relation may.
    pub relation: String,
    /// Lua that must return `true` as well.
    pub policy: Option<Arc<str>>,
    pub description: Option<String>,
}

impl Relation {
    /// Whether it can be given at all: false when it only follows from others.
    pub fn takes_tuples(&self) -> bool {
        self.rewrite.has_direct()
    }

    /// Whether usersets may be subjects of its tuples at all.
    pub fn takes_sets(&self) -> bool {
        self.subjects.as_ref().is_none_or(|rules| {
            rules.iter().any(|rule| match rule.alone() {
                SubjectRule::Set { .. } => true,
                rule => rule.kind() == GROUP,
            })
        })
    }

    /// Whether a tuple of this relation, `conditional` or not, may have, and counts with, this subject.
    pub fn accepts(&self, subject: &SubjectRef, conditional: bool) -> bool {
        self.takes_tuples() && self.lets_in((&subject.kind, &subject.id, subject.relation.as_deref()), conditional)
    }

    /// Whether the subject `kind:id` or `kind:id#held` is of a kind that tuples of this relation take, with a condition
    /// or without.
    pub fn lets_in(&self, (kind, id, held): (&str, &str, Option<&str>), conditional: bool) -> bool {
        let lets_in = |rule: &SubjectRule| {
            (conditional || !matches!(rule, SubjectRule::With { .. })) && rule.alone().accepts(kind, id, held)
        };
        self.subjects.as_ref().is_none_or(|rules| rules.iter().any(lets_in))
    }
}

impl CompiledModel {
    /// The relation that a permission needs, and its policy. Where no permission has the name, the relation of that
    /// name, without a policy.
    pub fn wanted(&self, permission: &str) -> Option<(&str, Option<&Arc<str>>)> {
        match self.permissions.get(permission) {
            Some(permission) => Some((&permission.relation, permission.policy.as_ref())),
            None => self.relations.get_key_value(permission).map(|(name, _)| (name.as_str(), None)),
        }
    }

    /// Relations that take tuples and whose holders, without more, have `relation`: what to write where that one takes
    /// none.
    pub fn sources<'m>(&'m self, relation: &'m str) -> Vec<&'m str> {
        let (mut seen, mut open) = (BTreeSet::from([relation]), vec![relation]);
        while let Some(name) = open.pop() {
            for other in self.relations.get(name).map(|found| alternatives(&found.rewrite)).unwrap_or_default() {
                if seen.insert(other) {
                    open.push(other);
                }
            }
        }
        let gives = |name: &&str| self.relations.get(*name).is_some_and(Relation::takes_tuples);
        seen.into_iter().filter(gives).collect()
    }
}

impl Rewrite {
    /// Whether tuples have a part in it.
    pub fn has_direct(&self) -> bool {
        match self {
            Self::Direct => true,
            Self::Computed(_) | Self::FromParent { .. } => false,
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().any(Self::has_direct),
            Self::Except(base, taken) => base.has_direct() || taken.has_direct(),
        }
    }

    /// Whether somebody is taken away from others.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::Direct | Self::Computed(_) | Self::FromParent { .. } => false,
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().any(Self::takes_away),
            Self::Except(..) => true,
        }
    }

    /// The relations of the same object that it refers to, whether they give or take.
    pub fn computed(&self) -> Vec<&str> {
        match self {
            Self::Direct | Self::FromParent { .. } => Vec::new(),
            Self::Computed(relation) => vec![relation],
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().flat_map(Self::computed).collect(),
            Self::Except(base, taken) => base.computed().into_iter().chain(taken.computed()).collect(),
        }
    }

    /// The (relation to the parent, relation of the parent) pairs that it refers to.
    pub fn inherited(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Direct | Self::Computed(_) => Vec::new(),
            Self::FromParent { from, relation } => vec![(from, relation)],
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().flat_map(Self::inherited).collect(),
            Self::Except(base, taken) => base.inherited().into_iter().chain(taken.inherited()).collect(),
        }
    }
}

/// Relations to the same object, each of which is enough.
pub(super) fn alternatives(rewrite: &Rewrite) -> Vec<&str> {
    match rewrite {
        Rewrite::Computed(name) => vec![name],
        Rewrite::AnyOf(parts) => parts.iter().flat_map(alternatives).collect(),
        Rewrite::Except(base, _) => alternatives(base),
        Rewrite::Direct | Rewrite::FromParent { .. } | Rewrite::AllOf(_) => Vec::new(),
    }
}
