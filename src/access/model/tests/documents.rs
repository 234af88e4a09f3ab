//! Documents that are refused: the place and the way out.

use serde_json::{Value, json};

use super::super::compile;
use super::{compiled, members, mistake, mistakes};

/// A document with one relation `x` beside some plain ones.
fn with(relation: Value) -> Value {
    json!({"relations": {"viewer": {}, "editor": {}, "banned": {}, "parent": {}, "x": relation}})
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let all = mistakes(json!({
        "relatoins": {}, "adminBypass": "yes",
        "relations": {
            "9": {}, "viewer": 7,
            "editor": {"union": ["viewr"], "anyof": []},
            "owner": {"anyOf": [{"relation": "editor", "fromm": "x"}, {"relation": "gone"}], "except": []}
        },
        "permissions": {"read": {"relation": "vewer"}, "write": {}}
    }));
    let mut places: Vec<_> = all.iter().map(|mistake| mistake.at.as_str()).collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "adminBypass",
            "permissions.read.relation",
            "permissions.write.relation",
            "relations",
            "relations.editor.anyof",
            "relations.editor.union[0]",
            "relations.owner.anyOf[0].fromm",
            "relations.owner.anyOf[1].relation",
            "relations.owner.except",
            "relations.viewer",
            "relatoins",
        ]
    );
    let problem =
        |at: &str| all.iter().find(|mistake| mistake.at == at).map(|mistake| mistake.problem.clone()).unwrap();
    assert!(problem("relatoins").ends_with("did you mean `relations`?"));
    assert!(problem("relations.editor.anyof").ends_with("did you mean `anyOf`?"));
    assert!(problem("relations.editor.union[0]").ends_with("did you mean `viewer`?"));
}

#[test]
fn bug_52_a_bare_list_is_refused_with_both_readings() {
    let (at, problem) = mistake(json!({"relations": {"viewer": ["editor", "owner"], "editor": {}, "owner": []}}));
    assert_eq!(at, "relations.viewer");
    assert!(problem.contains(r#"{"includes": ["editor","owner"]}"#), "{problem}");
    assert!(
        problem.contains(r#"{"anyOf": [{"direct": true}, {"relation": "editor"}, {"relation": "owner"}]}"#),
        "{problem}"
    );
}

#[test]
fn expressions_without_sense_are_refused_where_they_are() {
    for (relation, at, says) in [
        (json!({"anyOf": []}), "relations.x.anyOf", "at least one"),
        (json!({"anyOf": {}}), "relations.x.anyOf", "must be a list"),
        (json!({"anyOf": [{}]}), "relations.x.anyOf[0]", "says nothing"),
        (json!({"anyOf": ["viewer"]}), "relations.x.anyOf[0]", "must be an object"),
        (json!({"anyOf": [{"direct": false}, {"relation": "viewer"}]}), "relations.x.anyOf[0].direct", "must be true"),
        (json!({"anyOf": [{"direct": true}], "allOf": [{"direct": true}]}), "relations.x", "both"),
        (json!({"anyOf": [{"from": "parent"}]}), "relations.x.anyOf[0].relation", "missing"),
        (json!({"anyOf": [{"relation": "viewer", "from": "paren"}]}), "relations.x.anyOf[0].from", "`parent`"),
        (json!({"anyOf": [{"relation": "viewer", "except": []}]}), "relations.x.anyOf[0].except", "beside"),
        (json!({"anyOf": [{"except": [{"relation": "banned"}]}]}), "relations.x.anyOf[0]", "take away from"),
        (json!({"except": [{"direct": true}]}), "relations.x.except", "cannot be excepted"),
        (json!({"relation": "viewer"}), "relations.x.relation", "belongs in a list"),
        (json!({"union": "viewer"}), "relations.x.union", "must be a list"),
        (json!({"includes": ["x"]}), "relations.x.includes[0]", "itself already"),
        (json!({"subjects": []}), "relations.x.subjects", "at least one"),
        (json!({"subjects": ["user:"]}), "relations.x.subjects[0]", "no kind of subject"),
        (json!({"subjects": ["doc#viewr"]}), "relations.x.subjects", "`viewer`"),
        (json!({"subjects": ["user"], "anyOf": [{"relation": "viewer"}]}), "relations.x.subjects", "takes no tuples"),
        (json!({"subjectParams": {"hierachy": true}}), "relations.x.subjectParams.hierachy", "`hierarchy`"),
        (json!({"description": 1}), "relations.x.description", "must be text"),
    ] {
        let (place, problem) = mistake(with(relation.clone()));
        assert_eq!(place, at, "{relation}: {problem}");
        assert!(problem.contains(says), "{relation}: {problem}");
    }
}

#[test]
fn parents_are_found_by_plain_relations_only() {
    let arrow = |parent: Value| json!({"relations": {"viewer": {}, "other": {}, "parent": parent, "x": {"anyOf": [{"relation": "viewer", "from": "parent"}]}}});
    for (parent, at, says) in [
        (json!({"anyOf": [{"relation": "other"}]}), "relations.x.anyOf[0].from", "takes no tuples"),
        (
            json!({"anyOf": [{"relation": "other"}, {"direct": true}]}),
            "relations.x.anyOf[0].from",
            "others have it too",
        ),
        (json!({"subjects": ["folder", "folder:*"]}), "relations.parent.subjects", "no single object"),
        (json!({"subjects": ["folder#viewer"]}), "relations.parent.subjects", "no single object"),
    ] {
        let (place, problem) = mistake(arrow(parent.clone()));
        assert_eq!(place, at, "{parent}: {problem}");
        assert!(problem.contains(says), "{parent}: {problem}");
    }
    compiled(arrow(json!({"subjects": ["folder"]})));
    let (place, _) = mistake(json!({"relations": {
        "parent": {"subjects": ["doc"]}, "x": {"anyOf": [{"direct": true}, {"relation": "viewer", "from": "parent"}]}
    }}));
    assert_eq!(place, "relations.x.anyOf[1].relation");
}

#[test]
fn relations_that_nobody_can_have_are_refused() {
    let all = mistakes(json!({"relations": {
        "a": {"anyOf": [{"relation": "b"}]}, "b": {"anyOf": [{"relation": "a"}]},
        "c": {"allOf": [{"direct": true}, {"relation": "a"}]}, "ok": {"anyOf": [{"relation": "a"}, {"direct": true}]}
    }}));
    let places: Vec<_> = all.iter().map(|mistake| mistake.at.as_str()).collect();
    assert_eq!(places, ["relations.a", "relations.b", "relations.c"]);
    assert!(all[0].problem.contains("through `b`"), "{all:?}");
    for relations in [
        json!({"x": {"subjects": ["doc#x"]}}),
        json!({"parent": {"subjects": ["doc"]}, "x": {"anyOf": [{"relation": "x", "from": "parent"}]}}),
    ] {
        assert_eq!(mistake(json!({"relations": relations})).0, "relations.x");
    }
    compiled(json!({"relations": {"parent": {}, "x": {"anyOf": [{"relation": "x", "from": "parent"}]}}}));
    compiled(json!({"relations": {"a": {"includes": ["b"]}, "b": {"includes": ["a"]}}}));
}

#[test]
fn an_exclusion_that_depends_on_itself_is_refused() {
    for relations in [
        json!({"x": {"except": [{"relation": "x"}]}}),
        json!({"x": {"except": [{"relation": "y"}]}, "y": {"anyOf": [{"direct": true}, {"relation": "x"}]}}),
        json!({"x": {"except": [{"relation": "y"}], "includes": ["y"]}, "y": {}}),
    ] {
        let (at, problem) = mistake(json!({"relations": relations.clone()}));
        assert_eq!(at, "relations.x.except", "{relations}: {problem}");
    }
    compiled(
        json!({"relations": {"x": {"except": [{"relation": "y"}]}, "y": {"except": [{"relation": "z"}]}, "z": {}}}),
    );
}

#[test]
fn policies_are_checked_before_they_are_stored() {
    let permission = |permission: Value| json!({"relations": {"viewer": {}}, "permissions": {"read": permission}});
    let long = format!("return true --{}", "x".repeat(10_240));
    for (document, at, says) in [
        (json!({"relation": "viewer", "policy": "return true"}), "policyEngine", "missing"),
        (json!({"relation": "viewer", "policyEngine": "lua"}), "policy", "missing"),
        (json!({"relation": "viewer", "policyEngine": "rego", "policy": "x"}), "policyEngine", "\"lua\""),
        (json!({"relation": "viewer", "policyEngine": "lua", "policy": " "}), "policy", "empty"),
        (json!({"relation": "viewer", "policyEngine": "lua", "policy": long}), "policy", "10240"),
        (json!({"relation": "viewer", "policyEngine": "lua", "policy": "return ("}), "policy", "no Lua script"),
        (json!({"relation": "viewer", "polcy": ""}), "polcy", "`policy`"),
    ] {
        let (place, problem) = mistake(permission(document.clone()));
        assert_eq!(place, format!("permissions.read.{at}"), "{problem}");
        assert!(problem.contains(says), "{document}: {problem}");
    }
    compiled(permission(json!({"relation": "viewer", "policyEngine": null, "policy": null, "description": "d"})));
}

#[test]
fn bug_40_models_are_bounded() {
    let names = |count: usize| (0..count).map(|n| (format!("r{n}"), json!({}))).collect::<serde_json::Map<_, _>>();
    assert!(compile("doc", None, &members(json!({"relations": names(256)}))).is_ok());
    assert_eq!(mistake(json!({"relations": names(257)})).0, "relations");
    let needs = |count: usize| {
        (0..count).map(|n| (format!("p{n}"), json!({"relation": "r0"}))).collect::<serde_json::Map<_, _>>()
    };
    assert_eq!(mistake(json!({"relations": names(1), "permissions": needs(257)})).0, "permissions");
    let nested =
        |depth: usize| (1..depth).fold(json!({"anyOf": [{"direct": true}]}), |inner, _| json!({"anyOf": [inner]}));
    compiled(json!({"relations": {"x": nested(16)}}));
    assert!(mistakes(json!({"relations": {"x": nested(17)}}))[0].problem.contains("16 levels"));
    assert!(!mistakes(json!({"relations": {"x": nested(60)}})).is_empty());
    assert!(mistake(json!({"relations": {}, "description": "x".repeat(256 * 1024)})).1.contains("262144"));
    assert_eq!(mistake(json!({})).0, "relations");
    assert!(compile("a b", None, &members(json!({"relations": {}}))).is_err());
}
