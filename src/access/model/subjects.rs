//! The kinds of subjects that a relation takes: their text forms, and which subjects they let in.

use std::fmt;

use super::SubjectRule;
use super::names::{NAME_RULE, TYPE_RULE, is_entity_type, is_name, quoted};
use crate::records::tuple::{ANY, GROUP, MEMBER};

impl SubjectRule {
    /// Reads `user`, `user:*`, `group#member`, `client_abc:folder`, and any of them with the name of a condition behind
    /// it: `user with office_hours`. Errors: what is wrong, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((rule, condition)) = text.split_once(" with ") {
            if !is_name(condition) {
                return Err(format!("{} names no condition after `with`: {NAME_RULE}", quoted(text)));
            }
            return match Self::parse(rule)? {
                Self::With { .. } => Err(format!("{} names two conditions", quoted(text))),
                rule => Ok(Self::With { rule: Box::new(rule), condition: condition.to_owned() }),
            };
        }
        if let Some((kind, relation)) = text.split_once('#') {
            return match (is_entity_type(kind), is_name(relation)) {
                (true, true) => Ok(Self::Set { kind: kind.to_owned(), relation: relation.to_owned() }),
                (false, _) => Err(format!("{} names no entity type before the #: {TYPE_RULE}", quoted(text))),
                (_, false) => Err(format!("{} names no relation after the #: {NAME_RULE}", quoted(text))),
            };
        }
        let everyone = text.strip_suffix(":*");
        let kind = everyone.unwrap_or(text);
        if !is_entity_type(kind) {
            return Err(format!(
                "{} is no kind of subject: write `user`, `user:*`, `group#member` or an entity type such as `client_abc:folder`",
                quoted(text)
            ));
        }
        Ok(if everyone.is_some() { Self::Everyone(kind.to_owned()) } else { Self::One(kind.to_owned()) })
    }

    /// The type of the subjects.
    pub fn kind(&self) -> &str {
        match self {
            Self::One(kind) | Self::Everyone(kind) | Self::Set { kind, .. } => kind,
            Self::With { rule, .. } => rule.kind(),
        }
    }

    /// The same without the condition.
    pub fn alone(&self) -> &Self {
        if let Self::With { rule, .. } = self { rule } else { self }
    }

    /// The same with another name of its type.
    #[must_use]
    pub fn renamed(self, name: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::One(kind) => Self::One(name(&kind)),
            Self::Everyone(kind) => Self::Everyone(name(&kind)),
            Self::Set { kind, relation } => Self::Set { kind: name(&kind), relation },
            Self::With { rule, condition } => Self::With { rule: Box::new(rule.renamed(name)), condition },
        }
    }

    /// Whether it lets the subject `kind:id` or `kind:id#held` in. A group and its members are one subject in two
    /// spellings.
    pub fn accepts(&self, kind: &str, id: &str, held: Option<&str>) -> bool {
        let is_set_of_members = |kind: &str, held: Option<&str>| kind == GROUP && held == Some(MEMBER);
        match self {
            Self::With { rule, .. } => rule.accepts(kind, id, held),
            Self::Everyone(wanted) => wanted == kind && id == ANY && held.is_none(),
            Self::One(wanted) => wanted == kind && id != ANY && (held.is_none() || is_set_of_members(kind, held)),
            Self::Set { kind: wanted, relation } => {
                let spelled_short = held.is_none() && id != ANY && is_set_of_members(kind, Some(relation));
                wanted == kind && (held == Some(relation) || spelled_short)
            }
        }
    }
}

impl fmt::Display for SubjectRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(kind) => f.write_str(kind),
            Self::Everyone(kind) => write!(f, "{kind}:*"),
            Self::Set { kind, relation } => write!(f, "{kind}#{relation}"),
            Self::With { rule, condition } => write!(f, "{rule} with {condition}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::SubjectRef;

    fn rule(text: &str) -> SubjectRule {
        SubjectRule::parse(text).unwrap()
    }

    fn accepts(text: &str, subject: &SubjectRef) -> bool {
        rule(text).accepts(&subject.kind, &subject.id, subject.relation.as_deref())
    }

    #[test]
    fn a_rule_survives_its_text() {
        for text in [
            "user",
            "user:*",
            "group#member",
            "client_abc:folder",
            "client_abc:folder:*",
            "a:b#viewer",
            "user with office_hours",
            "user:* with c",
            "group#member with c",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(rule("client_abc:folder:*"), SubjectRule::Everyone("client_abc:folder".into()));
        for bad in [
            "",
            "*",
            "user:",
            "user#",
            "#member",
            "user#*",
            "user:*#member",
            "a b",
            "user:**",
            "user with ",
            "user with a with b",
            " with a",
        ] {
            assert!(SubjectRule::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bug_46_a_rule_lets_in_what_it_names_and_nothing_else() {
        let one = SubjectRef::new("user", "ann");
        let everyone = SubjectRef::new("user", "*");
        let set = SubjectRef::set("user", "ann", "friend");
        let all = [&one, &everyone, &set];
        let accepted = |text: &str| all.map(|subject| accepts(text, subject));
        assert_eq!(accepted("user"), [true, false, false]);
        assert_eq!(accepted("user:*"), [false, true, false]);
        assert_eq!(accepted("user#friend"), [false, false, true]);
        assert_eq!(accepted("user#enemy"), [false; 3]);
        assert_eq!(accepted("apikey"), [false; 3]);
    }

    #[test]
    fn a_group_is_its_members_in_either_spelling() {
        let spellings = [SubjectRef::new("group", "eng"), SubjectRef::set("group", "eng", "member")];
        for text in ["group", "group#member"] {
            assert!(spellings.iter().all(|subject| accepts(text, subject)), "{text}");
        }
        assert!(!accepts("group#admin", &SubjectRef::new("group", "eng")));
        assert!(!accepts("group#member", &SubjectRef::new("group", "*")));
    }
}
