//! Models and tuples that were written elsewhere, or by us in another installation.
//!
//! May use: `access::model`. Nothing is stored here: what comes out is written like anything else that a person writes.
//! Start reading at [`openfga`] and [`tuples`].

pub(crate) mod openfga;
pub(crate) mod tuples;

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::SubjectRule;
use crate::records::tuple::SUBJECT_TYPES;

pub use openfga::{Imported, import};
pub use tuples::{Incoming, read_tuples};

/// What foreign types are called here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeNames {
    /// Stands before every type that has no name of its own in `renamed`, but not before types of subjects that Auther
    /// has itself.
    pub prefix: String,
    /// By the name there.
    pub renamed: BTreeMap<String, String>,
}

impl TypeNames {
    /// The name of a foreign type here.
    pub fn of(&self, kind: &str) -> String {
        match self.renamed.get(kind) {
            Some(name) => name.clone(),
            None if SUBJECT_TYPES.contains(&kind) => kind.to_owned(),
            None => format!("{}{kind}", self.prefix),
        }
    }
}

impl Imported {
    /// The same models with other names of types, wherever they stand.
    #[must_use]
    pub fn named(mut self, names: &TypeNames) -> Self {
        for model in &mut self.models {
            model.entity_type = names.of(&model.entity_type);
            let relations = model.definition.get_mut("relations").and_then(Value::as_object_mut);
            for relation in relations.into_iter().flat_map(|relations| relations.values_mut()) {
                let subjects = relation.get_mut("subjects").and_then(Value::as_array_mut);
                for subject in subjects.into_iter().flatten() {
                    if let Some(rule) = subject.as_str().and_then(|text| SubjectRule::parse(text).ok()) {
                        *subject = rule.renamed(&|kind| names.of(kind)).to_string().into();
                    }
                }
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> TypeNames {
        TypeNames { prefix: String::from("shop:"), ..TypeNames::default() }
    }

    #[test]
    fn a_type_of_ours_without_relations_becomes_no_model() {
        let names = |text: &str| -> Vec<String> {
            let imported = import(&format!("model\n  schema 1.1\n{text}")).unwrap().named(&shop());
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
        let imported = import(text).unwrap().named(&shop());
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
