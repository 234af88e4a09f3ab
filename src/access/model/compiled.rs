//! A model in the one form that questions are answered with.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::id::ClientId;

/// A model, ready for questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledModel {
    /// `users`, `client_abc:invoice`, ….
    pub entity_type: String,
    /// The client whose type it is.
    pub client: Option<ClientId>,
    /// By name.
    pub relations: BTreeMap<String, Relation>,
    /// By name.
    pub permissions: BTreeMap<String, Permission>,
    /// Whether platform administrators may do everything with objects of this type.
    pub admin_bypass: bool,
    /// The version of the stored model; 0 for a built-in one.
    pub version: u64,
}

/// A relation: who has it, and who may be given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Who has it.
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
    Set {
        /// The type.
        kind: String,
        /// The relation.
        relation: String,
    },
}

/// What may be done, by whom, under which condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Who has this relation may.
    pub relation: String,
    /// Lua that must return `true` as well.
    pub policy: Option<Arc<str>>,
    /// For people.
    pub description: Option<String>,
}
