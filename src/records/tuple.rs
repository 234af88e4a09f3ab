//! One relation between an object and a subject: `(client_abc:invoice, inv_1, owner, user, usr_…)`.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::secret::sha256;

/// Stands for every object of a type, or for every subject of one.
pub const ANY: &str = "*";

/// The subject type of groups. A group as a subject means its members.
pub const GROUP: &str = "group";

/// The relation of a group's members.
pub const MEMBER: &str = "member";

/// Types of subjects that need no model.
pub const SUBJECT_TYPES: [&str; 4] = ["user", GROUP, "apikey", "client"];

/// Which colon of `type:id` ends the type: types and identifiers may both hold some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeEnd {
    /// The first: so OpenFGA writes, whose types hold none.
    FirstColon,
    /// The last before a `#`: so Auther writes, whose types are `client:name`. An identifier with a colon cannot be
    /// written so.
    LastColon,
}

/// Takes `type:id` apart; `None` where one of them is missing.
pub fn parse_object(text: &str, end: TypeEnd) -> Option<(&str, &str)> {
    let parts = match end {
        TypeEnd::FirstColon => text.split_once(':'),
        TypeEnd::LastColon => text.rsplit_once(':'),
    };
    parts.filter(|(kind, id)| !kind.is_empty() && !id.is_empty())
}

/// Who a tuple speaks of, or who a question is about: `user:ann`, `user:*`, or a set such as `group:eng#member`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct SubjectRef {
    /// `user`, `group`, `apikey`, `client`, or any entity type.
    #[serde(rename = "subject_type")]
    pub kind: String,
    /// The identifier, or [`ANY`].
    #[serde(rename = "subject_id")]
    pub id: String,
    /// With it, the subject is everyone who has this relation to `kind:id`.
    #[serde(rename = "subject_relation", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub relation: Option<String>,
}

impl SubjectRef {
    /// One subject.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), relation: None }
    }

    /// Everyone with `relation` to `kind:id`.
    pub fn set(kind: impl Into<String>, id: impl Into<String>, relation: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), relation: Some(relation.into()) }
    }

    /// Reads `type:id` and `type:id#relation`; `None` for everything else. Whether type and relation exist is not
    /// asked.
    pub fn parse(text: &str, end: TypeEnd) -> Option<Self> {
        let (object, relation) = match (text.split_once('#'), end) {
            (None, _) => (text, None),
            (Some((object, relation)), TypeEnd::LastColon) => (object, Some(relation)),
            // An identifier of OpenFGA may hold the sign too.
            (Some(_), TypeEnd::FirstColon) => text.rsplit_once('#').map(|(object, held)| (object, Some(held)))?,
        };
        let (kind, id) = parse_object(object, end)?;
        if relation.is_some_and(str::is_empty) {
            return None;
        }
        Some(Self { kind: kind.to_owned(), id: id.to_owned(), relation: relation.map(str::to_owned) })
    }

    /// The object and relation whose holders this stands for: `T:I#R`, and for a bare group its members.
    pub fn as_set(&self) -> Option<(&str, &str, &str)> {
        match &self.relation {
            Some(relation) => Some((&self.kind, &self.id, relation)),
            None if self.kind == GROUP => Some((&self.kind, &self.id, MEMBER)),
            None => None,
        }
    }
}

impl fmt::Display for SubjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)?;
        self.relation.as_ref().map_or(Ok(()), |relation| write!(f, "#{relation}"))
    }
}

/// What makes a tuple this tuple: there is at most one with the same six parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TupleKey {
    /// `users`, `oauth_client`, `client_abc:invoice`, ….
    pub entity_type: String,
    /// The object, or [`ANY`].
    pub entity_id: String,
    /// The relation that the subject has to the object.
    pub relation: String,
    /// The subject that has it.
    #[serde(flatten)]
    pub subject: SubjectRef,
}

impl TupleKey {
    /// Reads `type:id#relation@type:id` and `type:id#relation@type:id#relation`, as [`Display`](fmt::Display) writes
    /// them; `None` for everything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (object, rest) = text.split_once('#')?;
        let (relation, subject) = rest.split_once('@').filter(|(relation, _)| !relation.is_empty())?;
        let (entity_type, entity_id) = parse_object(object, TypeEnd::LastColon)?;
        Some(Self {
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
            relation: relation.to_owned(),
            subject: SubjectRef::parse(subject, TypeEnd::LastColon)?,
        })
    }

    /// `tpl_` and the first 40 hexadecimal digits of SHA-256 over the six parts, each ended by a zero byte. The same
    /// tuple has the same identifier in every installation.
    pub fn id(&self) -> String {
        let subject = &self.subject;
        let relation = subject.relation.as_deref().unwrap_or_default();
        let mut text = Vec::with_capacity(128);
        for part in [&*self.entity_type, &*self.entity_id, &*self.relation, &*subject.kind, &*subject.id, relation] {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        let digest = data_encoding::HEXLOWER.encode(&sha256(&text));
        format!("tpl_{}", digest.get(..40).unwrap_or(&digest))
    }
}

impl fmt::Display for TupleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}#{}@{}", self.entity_type, self.entity_id, self.relation, self.subject)
    }
}

/// A tuple with its identifier and condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuple {
    /// What tells it from others: object, relation and subject.
    #[serde(flatten)]
    pub key: TupleKey,
    /// Lua that must return `true` for the tuple to count. It takes the place of the permission's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// From this moment on the tuple does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
    /// When it was first written.
    pub created_at: Moment,
    /// When its condition or expiry last changed.
    pub updated_at: Moment,
}

impl Tuple {
    /// Whether it counts at this moment.
    pub fn counts_at(&self, now: Moment) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(relation: Option<&str>) -> TupleKey {
        let subject = SubjectRef { kind: "group".into(), id: "eng".into(), relation: relation.map(str::to_owned) };
        TupleKey { entity_type: "doc".into(), entity_id: "1".into(), relation: "viewer".into(), subject }
    }

    #[test]
    fn an_identifier_is_the_same_for_the_same_parts_and_no_other() {
        assert_eq!(key(None).id(), key(None).id());
        assert_ne!(key(None).id(), key(Some("member")).id());
        assert_eq!(key(None).id().len(), 44);
        let shifted = TupleKey { entity_type: "do".into(), entity_id: "c1".into(), ..key(None) };
        assert_ne!(key(None).id(), shifted.id());
    }

    #[test]
    fn what_is_written_is_read() {
        for text in ["doc:1#viewer@group:eng#member", "ci:doc:*#owner@user:*", "a:b:c:1#x@a:b:c:2"] {
            assert_eq!(TupleKey::parse(text).unwrap().to_string(), text);
        }
        let deep = SubjectRef::parse("abc:folder:f1#viewer", TypeEnd::LastColon).unwrap();
        assert_eq!(deep, SubjectRef::set("abc:folder", "f1", "viewer"));
        let foreign = SubjectRef::parse("doc:urn:1#2#viewer", TypeEnd::FirstColon).unwrap();
        assert_eq!(foreign, SubjectRef::set("doc", "urn:1#2", "viewer"));
    }

    #[test]
    fn what_lacks_a_part_is_not_read() {
        for text in ["", ":", "doc", "doc:", ":1", "doc:1#", "#viewer"] {
            for end in [TypeEnd::FirstColon, TypeEnd::LastColon] {
                assert_eq!(SubjectRef::parse(text, end), None, "{text}");
            }
        }
        for text in ["doc:1#viewer", "doc:1@user:ann", "doc:1#@user:ann", "doc#viewer@user:ann", "doc:1#viewer@user:"] {
            assert_eq!(TupleKey::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_group_stands_for_its_members() {
        assert_eq!(SubjectRef::new("group", "eng").as_set(), Some(("group", "eng", "member")));
        assert_eq!(SubjectRef::set("folder", "f", "viewer").as_set(), Some(("folder", "f", "viewer")));
        assert_eq!(SubjectRef::new("user", "ann").as_set(), None);
        assert_eq!(key(Some("member")).to_string(), "doc:1#viewer@group:eng#member");
    }
}
