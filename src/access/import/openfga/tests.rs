//! Models of OpenFGA: its own suite (`tests/data/openfga`, with its licence), both notations, and what is refused.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Imported, import};
use crate::access::error::Mistake;
use crate::access::graph::tests::world::{World, tuple};
use crate::access::graph::{CheckResult, Engine, ObjectRelation};
use crate::access::import::read_tuples;
use crate::access::model::compile;

const SUITE: &str = include_str!("../../../../tests/data/openfga/check_and_list.yaml");

fn dsl(types: &str) -> Result<Imported, Vec<Mistake>> {
    import(&format!("model\n  schema 1.1\n{types}"))
}

/// The relations of the type `doc`.
fn relations(types: &str) -> Value {
    let imported = dsl(types).unwrap_or_else(|mistakes| panic!("{types}: {mistakes:?}"));
    let doc = imported.models.iter().find(|model| model.entity_type == "doc").unwrap();
    doc.definition["relations"].clone()
}

#[test]
fn every_model_and_tuple_of_the_suite_is_read() {
    let suite: Value = serde_saphyr::from_str(SUITE).unwrap();
    let worlds = suite["tests"].as_array().unwrap();
    let mut stages = 0;
    for stage in worlds.iter().flat_map(|world| world["stages"].as_array().unwrap()) {
        let text = stage["model"].as_str().unwrap();
        let imported = import(text).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:?}"));
        for model in &imported.models {
            compile(&model.entity_type, None, &model.definition).unwrap();
        }
        if let Some(tuples) = stage.get("tuples").filter(|tuples| !tuples.is_null()) {
            let read = read_tuples(&tuples.to_string(), 1).unwrap_or_else(|mistakes| panic!("{tuples}\n{mistakes:?}"));
            assert_eq!(read.len(), tuples.as_array().unwrap().len());
        }
        stages += 1;
    }
    assert!(worlds.len() == 33 && stages > 33, "{} worlds, {stages} stages", worlds.len());
}

#[test]
fn every_construct_becomes_the_expression_that_means_it() {
    let read = relations(
        "type user
type group # a remark
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [user]
# another
type doc
  relations
    define parent: [folder]
    define blocked: [user]
    define editor: [user, user:*, group#member]
    define viewer: [user] or editor or viewer from parent
    define auditor: (editor but not blocked) and viewer
    define reader: viewer but not (blocked or editor)
    define owner: [user] but not blocked
    define alias: owner
    define last: [user] or editor but not blocked
",
    );
    assert_eq!(
        read,
        json!({
            "parent": {"subjects": ["folder"]},
            "blocked": {"subjects": ["user"]},
            "editor": {"subjects": ["group#member", "user", "user:*"]},
            "viewer": {"anyOf": [{"direct": true}, {"relation": "editor"}, {"relation": "viewer", "from": "parent"}], "subjects": ["user"]},
            "auditor": {"allOf": [{"anyOf": [{"relation": "editor"}], "except": [{"relation": "blocked"}]}, {"relation": "viewer"}]},
            "reader": {"anyOf": [{"relation": "viewer"}], "except": [{"relation": "blocked"}, {"relation": "editor"}]},
            "owner": {"except": [{"relation": "blocked"}], "subjects": ["user"]},
            "alias": {"anyOf": [{"relation": "owner"}]},
            "last": {"anyOf": [{"direct": true}, {"relation": "editor"}], "except": [{"relation": "blocked"}], "subjects": ["user"]}
        })
    );
}

#[test]
fn json_means_the_same_as_the_language() {
    let this = json!({"this": {}});
    let computed = |relation: &str| json!({"computedUserset": {"object": "", "relation": relation}});
    let from_parent =
        json!({"tupleToUserset": {"tupleset": {"relation": "parent"}, "computedUserset": {"relation": "viewer"}}});
    let model = json!({
        "schema_version": "1.1", "id": "01H",
        "type_definitions": [
            {"type": "user", "relations": {}, "metadata": null},
            {"type": "doc",
             "relations": {
                "parent": this, "blocked": this,
                "editor": {"intersection": {"child": [this, computed("blocked")]}},
                "viewer": {"union": {"child": [this, computed("editor"), from_parent]}},
                "reader": {"difference": {"base": computed("viewer"), "subtract": computed("blocked")}}
             },
             "metadata": {"relations": {
                "parent": {"directly_related_user_types": [{"type": "doc"}]},
                "blocked": {"directly_related_user_types": [{"type": "user", "condition": ""}, {"type": "user", "wildcard": {}}]},
                "editor": {"directly_related_user_types": [{"type": "doc", "relation": "blocked"}]},
                "viewer": {"directly_related_user_types": [{"type": "user"}]}
             }}}
        ]
    });
    let language = dsl("type user
type doc
  relations
    define parent: [doc]
    define blocked: [user, user:*]
    define editor: [doc#blocked] and blocked
    define viewer: [user] or editor or viewer from parent
    define reader: viewer but not blocked");
    assert_eq!(import(&model.to_string()).map(|imported| imported.models), language.map(|imported| imported.models));
    assert!(import(&json!({"authorization_model": model}).to_string()).is_ok());
}

#[test]
fn what_is_not_in_the_grammar_is_refused_with_line_and_column() {
    let on = |definition: &str| {
        format!("type user\ntype doc\n  relations\n    define a: [user]\n    define b: {definition}\n")
    };
    for (text, at, says) in [
        (on("[user] or a and a"), "line 7, column 27", "parentheses"),
        (on("a but not a but not a"), "line 7, column 27", "parentheses"),
        (on("a or"), "line 7, column 19", "the end"),
        (on("(a"), "line 7, column 17", "`)`"),
        (on("[]"), "line 7, column 16", "a type"),
        (on("[user with or]"), "line 7, column 26", "keyword"),
        (on("[user] or [user]"), "line 7, column 12", "more than once"),
        (on("a but not [user]"), "line 7, column 25", "after `but not`"),
        (on("a but a"), "line 7, column 21", "`not`"),
        (on("a from or"), "line 7, column 22", "keyword"),
        (String::from("condition c(x: int) {\n x > 1 "), "line 4, column 8", "`}`"),
        (String::from("extend type doc"), "line 3, column 1", "modules"),
        (String::from("typ user"), "line 3, column 1", "`type`"),
        (String::from("type doc\n  relations\ntype user"), "line 5, column 1", "`define`"),
    ] {
        let mistakes = dsl(&text).unwrap_err();
        assert_eq!((mistakes.len(), mistakes[0].at.as_str()), (1, at), "{text}: {mistakes:?}");
        assert!(mistakes[0].problem.contains(says), "{text}: {mistakes:?}");
    }
    for (text, says) in [
        ("model\n schema 1.0\n", "1.0"),
        ("model\n schema 1.3", "1.2"),
        ("module a\ntype b", "modules"),
        ("", "`model`"),
    ] {
        assert!(import(text).unwrap_err()[0].problem.contains(says), "{text}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused_all_at_once() {
    for (text, says) in [
        ("type doc\n relations\n  define a: [user]", "no type `user`"),
        ("type user\ntype user", "twice"),
        ("type user\ntype doc\n relations\n  define a: [user]\n  define a: [user]", "twice"),
        ("type user\ntype doc\n relations\n  define a: [user#b]", "no relation `b`"),
        ("type user\ntype doc\n relations\n  define a: b", "no relation `b`"),
        ("type user\ntype doc\n relations\n  define a: a", "nobody can ever"),
        ("type user\ntype doc\n relations\n  define a: b\n  define b: a", "nobody can ever"),
        ("type user\ntype doc\n relations\n  define a: [doc#a]", "nobody can ever"),
        ("type user\ntype doc\n relations\n  define a: [user] but not a", "depends on"),
        ("type user\ntype doc\n relations\n  define p: [user]\n  define a: x from p", "none of the types"),
        (
            "type user\ntype doc\n relations\n  define p: [doc, doc:*]\n  define a: [user] or a from p",
            "no single object",
        ),
        (
            "type user\ntype doc\n relations\n  define q: [doc]\n  define p: q\n  define a: [user] or a from p",
            "takes no tuples",
        ),
        ("", "no types"),
    ] {
        let mistakes = dsl(text).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.problem.contains(says)), "{text}: {mistakes:?}");
    }
    let two = dsl("type user\ntype doc\n relations\n  define a: b\n  define c: [usr]").unwrap_err();
    assert_eq!(two.iter().map(|mistake| mistake.at.as_str()).collect::<Vec<_>>(), ["line 7", "line 6"]);
}

#[test]
fn json_that_is_no_model_is_refused_with_its_path() {
    let with = |relation: Value| {
        json!({"schema_version": "1.1", "type_definitions": [{"type": "doc", "relations": {"a": relation}}]})
            .to_string()
    };
    for (text, at) in [
        (String::from("{"), "line 1, column 1"),
        (json!({"schema_version": "1.3", "type_definitions": []}).to_string(), "schema_version"),
        (json!({"schema_version": "1.1"}).to_string(), "type_definitions"),
        (json!({"schema_version": "1.1", "type_definitions": [{}]}).to_string(), "type_definitions[0].type"),
        (with(json!({})), "type_definitions[0].relations.a"),
        (with(json!({"union": {"child": []}})), "type_definitions[0].relations.a.union.child"),
        (with(json!({"magic": {}})), "type_definitions[0].relations.a.magic"),
        (with(json!({"this": {}})), "type_definitions[0].relations.a: directly_related_user_types"),
    ] {
        let mistakes = import(&text).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.at == at), "{text}: {mistakes:?}");
    }
}

#[test]
fn what_means_something_else_here_is_noted() {
    let imported = dsl(
        "type user\ntype group\n relations\n  define member: [user]\ntype doc\n relations\n  define viewer: [user, group]\n  \
        define owner: [group]\n  define x: member from owner",
    );
    let notes: Vec<_> = imported.unwrap().notes.into_iter().map(|note| (note.at, note.problem)).collect();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].0 == "line 9" && notes[0].1.contains("stands for its members"), "{notes:?}");
}

#[test]
fn bug_40_nesting_is_bounded() {
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        dsl(&format!("type user\ntype doc\n relations\n  define a: [user]\n  define b: {open}a{close}"))
    };
    assert!(nested(15).is_ok());
    assert!(nested(16).unwrap_err()[0].problem.contains("16 levels"));
    assert!(nested(100_000).is_err());
    assert!(import(&"x".repeat(2 << 20)).unwrap_err()[0].problem.contains("allowed"));
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(import(&deep).is_err());
}

/// An expression over the relations `a` and `b` and the parents of `p`.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("a from p".to_owned())];
    leaf.prop_recursive(4, 24, 3, |inner| {
        (prop_oneof![Just(" or "), Just(" and "), Just(" but not ")], prop::collection::vec(inner, 2..4)).prop_map(
            |(operator, parts)| {
                let parts: Vec<_> = parts.into_iter().map(|part| format!("({part})")).collect();
                let used = if operator == " but not " { 2 } else { parts.len() };
                parts.into_iter().take(used).collect::<Vec<_>>().join(operator)
            },
        )
    })
}

proptest! {
    #[test]
    fn every_expression_of_the_grammar_becomes_a_document_that_compiles(expressions in prop::collection::vec(expression(), 1..6)) {
        let mut text = String::from("type user\ntype doc\n relations\n  define a: [user]\n  define b: [user:*]\n  define p: [doc]\n");
        for (index, expression) in expressions.iter().enumerate() {
            writeln!(text, "  define r{index}: {expression}").unwrap();
        }
        let imported = dsl(&text).unwrap();
        let doc = &imported.models[0];
        prop_assert!(compile("doc", None, &doc.definition).is_ok());
    }

    #[test]
    fn no_text_makes_the_reader_stumble(text in "(model|schema 1.1|type|define|relations|or|and|but not|from|[a-c]|[:,()#*\\[\\]\n ]){0,60}") {
        let _ = import(&text);
        let _ = dsl(&text);
        let _ = read_tuples(&text, 1);
    }
}

#[test]
fn what_editors_and_later_versions_write_is_read() {
    let text = "\u{feff}model\n  schema 1.2\ntype user\ntype team/doc\n  relations\n    define can/view: [user with office_hours, \
        user:* with office_hours]\n    define editor: can/view\ncondition office_hours(hour: int) {\n  hour > 8 && name != \"}\" }\n";
    let imported = import(text).unwrap();
    let doc = imported.models.iter().find(|model| model.entity_type == "team.doc").unwrap();
    let viewer = &doc.definition["relations"]["can.view"];
    assert_eq!(viewer["subjects"], json!(["user with office_hours", "user:* with office_hours"]));
    assert_eq!(doc.definition["relations"]["editor"]["anyOf"], json!([{"relation": "can.view"}]));
    let notes: Vec<&str> = imported.notes.iter().map(|note| note.problem.as_str()).collect();
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(
        notes[0].contains("`can.view`") && notes[1].contains("`team.doc`") && notes[2].contains("denies"),
        "{notes:?}"
    );
    let missing = import("model\n schema 1.1\ntype user\ntype doc\n relations\n  define a: [user with c]").unwrap_err();
    assert!(missing[0].problem.contains("no condition `c`"), "{missing:?}");
    let twice = import("model\n schema 1.1\ntype a/b\ntype a.b").unwrap_err();
    assert!(twice[0].problem.contains("twice"), "{twice:?}");
    let document = json!({
        "schema_version": "1.2",
        "type_definitions": [{"type": "user"}, {"type": "doc", "relations": {"a": {"this": {}}}, "metadata": {"module": "m", "relations": {
            "a": {"directly_related_user_types": [{"type": "user", "condition": "c"}]}}}}],
        "conditions": {"c": {"name": "c", "expression": "true"}}
    });
    let imported = import(&format!("\u{feff}{document}")).unwrap();
    let doc = imported.models.iter().find(|model| model.entity_type == "doc").unwrap();
    assert_eq!(doc.definition["relations"]["a"]["subjects"], json!(["user with c"]));
}

#[test]
fn a_relation_whose_subjects_need_a_condition_takes_and_counts_no_tuple_without_one() {
    let imported = import(
        "model\n schema 1.1\ntype user\ntype doc\n relations\n  define a: [user with c]\ncondition c(x: int) { x > 1 }",
    )
    .unwrap();
    let doc = imported.models.iter().find(|model| model.entity_type == "doc").unwrap();
    let model = compile("doc", None, &doc.definition).unwrap();
    let mut world = World::default();
    world.models.insert(String::from("doc"), std::sync::Arc::new(model));
    let ann = crate::records::SubjectRef::new("user", "ann");
    let mut alone = tuple(("doc", "1", "a"), ann.clone());
    let asked =
        |world: &World| Engine::new(world.graph(), &ann).holds(ObjectRelation::new("doc", "1", "a")).unwrap().result;
    world.tuples.insert(alone.key.clone(), alone.clone());
    assert_eq!(asked(&world), CheckResult::No);
    alone.condition = Some(super::unwritten("c"));
    world.tuples.insert(alone.key.clone(), alone);
    assert_eq!(asked(&world), CheckResult::Gated);
    let tuple = r#"{"user":"user:ann","relation":"a","object":"doc:1","condition":{"name":"c","context":{"x":1}}}"#;
    let read = crate::access::import::read_tuples(&format!("\u{feff}{tuple}"), 1).unwrap();
    let script = read[0].condition.clone().unwrap();
    assert!(script.contains("c: this denies") && script.ends_with("return false"), "{script}");
}
