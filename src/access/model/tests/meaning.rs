//! What documents mean: one rewrite for each relation.

use serde_json::json;

use super::super::{Rewrite, SubjectRule};
use super::compiled;
use crate::records::SubjectRef;

fn computed(name: &str) -> Rewrite {
    Rewrite::Computed(name.to_owned())
}

#[test]
fn bug_52_union_means_includes_in_all_spellings() {
    for key in ["union", "includes"] {
        let model =
            compiled(json!({"relations": {"owner": {key: ["editor"]}, "editor": {key: ["viewer"]}, "viewer": []}}));
        assert_eq!(model.relations["viewer"].rewrite, Rewrite::AnyOf(vec![Rewrite::Direct, computed("editor")]));
        assert_eq!(model.relations["editor"].rewrite, Rewrite::AnyOf(vec![Rewrite::Direct, computed("owner")]));
        assert_eq!(model.relations["owner"].rewrite, Rewrite::Direct);
        assert_eq!(model.sources("viewer"), ["editor", "owner", "viewer"]);
    }
}

#[test]
fn who_includes_a_relation_is_excluded_from_it_all_the_same() {
    let model = compiled(json!({"relations": {
        "owner": {"includes": ["reader"]}, "banned": {}, "reader": {"except": [{"relation": "banned"}]}
    }}));
    let base = Rewrite::AnyOf(vec![Rewrite::Direct, computed("owner")]);
    assert_eq!(model.relations["reader"].rewrite, Rewrite::Except(Box::new(base), Box::new(computed("banned"))));
}

#[test]
fn inclusion_adds_to_an_intersection_and_is_not_part_of_it() {
    let model = compiled(json!({"relations": {
        "admin": {"includes": ["x", "x"]}, "a": {}, "b": {}, "x": {"allOf": [{"relation": "a"}, {"relation": "b"}]}
    }}));
    let both = Rewrite::AllOf(vec![computed("a"), computed("b")]);
    assert_eq!(model.relations["x"].rewrite, Rewrite::AnyOf(vec![both, computed("admin")]));
    assert!(!model.relations["x"].takes_tuples());
    assert_eq!(model.sources("x"), ["admin"]);
}

#[test]
fn nested_expressions_keep_their_shape() {
    let model = compiled(json!({"relations": {
        "a": {}, "b": {}, "parent": {},
        "x": {"anyOf": [
            {"direct": true},
            {"allOf": [{"relation": "a"}, {"relation": "x", "from": "parent"}], "except": [{"relation": "b"}]},
            {"anyOf": [{"relation": "a"}]}
        ]}
    }}));
    let parent = Rewrite::FromParent { from: "parent".into(), relation: "x".into() };
    let inner = Rewrite::Except(Box::new(Rewrite::AllOf(vec![computed("a"), parent])), Box::new(computed("b")));
    assert_eq!(model.relations["x"].rewrite, Rewrite::AnyOf(vec![Rewrite::Direct, inner, computed("a")]));
}

#[test]
fn a_question_names_a_permission_or_else_a_relation() {
    let model = compiled(json!({
        "relations": {"viewer": {}, "owner": {}},
        "permissions": {
            "read": {"relation": "viewer", "policyEngine": "lua", "policy": "return true", "description": "Reading."},
            "owner": {"relation": "viewer"}
        },
        "adminBypass": false
    }));
    assert_eq!(
        model.wanted("read").map(|(relation, policy)| (relation, policy.map(|p| &**p))),
        Some(("viewer", Some("return true")))
    );
    assert_eq!(model.wanted("viewer"), Some(("viewer", None)));
    assert_eq!(model.wanted("owner"), Some(("viewer", None)));
    assert_eq!(model.wanted("write"), None);
    assert!(!model.admin_bypass && compiled(json!({"relations": {}})).admin_bypass);
    assert_eq!(model.permissions["read"].description.as_deref(), Some("Reading."));
}

#[test]
fn bug_46_a_relation_accepts_what_its_subjects_name() {
    let model = compiled(json!({"relations": {
        "viewer": {"subjects": ["user", "user:*", "group#member", "user"], "subjectParams": {"hierarchy": true}},
        "open": {}, "derived": {"anyOf": [{"relation": "open"}]}
    }}));
    let viewer = &model.relations["viewer"];
    assert_eq!(viewer.subjects.as_ref().map(Vec::len), Some(3));
    assert!(viewer.subjects.as_ref().is_some_and(|rules| rules.contains(&SubjectRule::Everyone("user".into()))));
    assert!(
        viewer.accepts(&SubjectRef::new("user", "*"), false) && viewer.accepts(&SubjectRef::new("group", "eng"), false)
    );
    assert!(
        !viewer.accepts(&SubjectRef::new("apikey", "k"), false)
            && !viewer.accepts(&SubjectRef::set("team", "a", "member"), false)
    );
    assert!(model.relations["open"].accepts(&SubjectRef::new("user", "*"), false));
    assert!(!model.relations["derived"].accepts(&SubjectRef::new("user", "ann"), false));
}
