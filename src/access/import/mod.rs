//! Models and tuples that were written elsewhere, or by us in another installation.
//!
//! May use: `access::model`. Nothing is stored here: what comes out is written like anything else that a person writes.
//! Start reading at [`openfga`] and [`tuples`].

pub(crate) mod openfga;
pub(crate) mod tuples;

use serde_json::Value;

use super::model::SubjectRule;
use crate::records::tuple::SUBJECT_TYPES;

pub use openfga::{Imported, import};
pub use tuples::{Incoming, read_tuples};

/// The name of a foreign type here: with `prefix` before it, unless it is a type of subjects that we have ourselves.
pub fn prefixed(kind: &str, prefix: &str) -> String {
    if SUBJECT_TYPES.contains(&kind) { kind.to_owned() } else { format!("{prefix}{kind}") }
}

impl Imported {
    /// The same models with `prefix` before the name of every type, wherever it stands.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        for model in &mut self.models {
            model.entity_type = prefixed(&model.entity_type, prefix);
            let relations = model.definition.get_mut("relations").and_then(Value::as_object_mut);
            for relation in relations.into_iter().flat_map(|relations| relations.values_mut()) {
                let subjects = relation.get_mut("subjects").and_then(Value::as_array_mut);
                for subject in subjects.into_iter().flatten() {
                    if let Some(rule) = subject.as_str().and_then(|text| SubjectRule::parse(text).ok()) {
                        *subject = renamed(rule, prefix).to_string().into();
                    }
                }
            }
        }
        self
    }
}

fn renamed(rule: SubjectRule, prefix: &str) -> SubjectRule {
    match rule {
        SubjectRule::One(kind) => SubjectRule::One(prefixed(&kind, prefix)),
        SubjectRule::Everyone(kind) => SubjectRule::Everyone(prefixed(&kind, prefix)),
        SubjectRule::Set { kind, relation } => SubjectRule::Set { kind: prefixed(&kind, prefix), relation },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_ours_without_relations_becomes_no_model() {
        let names = |text: &str| -> Vec<String> {
            let imported = import(&format!("model\n  schema 1.1\n{text}")).unwrap().with_prefix("shop:");
            assert!(imported.notes.is_empty(), "{:?}", imported.notes);
            imported.models.into_iter().map(|model| model.entity_type).collect()
        };
        let doc = "type doc\n  relations\n    define viewer: [user]\n";
        assert_eq!(names(&format!("type user\ntype group\n{doc}type employee\n")), ["shop:doc", "shop:employee"]);
        assert!(names("type user\n").is_empty());
        let told = "type user\n  relations\n    define manager: [user]\n";
        assert_eq!(names(&format!("{told}{doc}")), ["user", "shop:doc"]);
    }

    #[test]
    fn a_prefix_stands_before_every_foreign_type_and_no_other() {
        let text = "model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user]\ntype folder\n  relations\n    define viewer: [user, group#member]\ntype doc\n  \
                    relations\n    define parent: [folder]\n    define viewer: [user, user:*, folder#viewer] or viewer from parent\n";
        let imported = import(text).unwrap().with_prefix("shop:");
        let doc = imported.models.iter().find(|model| model.entity_type == "shop:doc").unwrap();
        assert_eq!(doc.definition["relations"]["parent"]["subjects"], serde_json::json!(["shop:folder"]));
        let viewer = doc.definition["relations"]["viewer"]["subjects"].as_array().unwrap();
        let viewer: Vec<_> = viewer.iter().filter_map(Value::as_str).collect();
        assert!(
            viewer.contains(&"user") && viewer.contains(&"user:*") && viewer.contains(&"shop:folder#viewer"),
            "{viewer:?}"
        );
    }
}
