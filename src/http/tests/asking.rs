//! Questions and lists over the permission API, and what policies are told.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::graph::parts;
use super::{Desk, TestResponse};

impl Desk {
    async fn gated(&self, text: &str, condition: &str) {
        let mut tuple = parts(text);
        tuple["condition"] = json!(condition);
        let answer = self.admin(Method::POST, "tuples", tuple).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{text}: {}", answer.body);
    }

    async fn ask(&self, subject: &str, permission: &str, object: (&str, &str), more: Value) -> TestResponse {
        let mut body = json!({"subject": {"type": "user", "id": subject}, "permission": permission, "entityType": object.0, "entityId": object.1});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
        self.send(&self.token, Method::POST, "/api/auth/check-permission", body).await
    }

    async fn list(&self, which: &str, body: Value) -> Value {
        let answer = self.send(&self.token, Method::POST, &format!("/api/auth/list-{which}"), body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }
}

#[actix_web::test]
async fn bug_class_46_policies_are_told_groups_that_somebody_is_surely_in() {
    let desk = Desk::open().await;
    desk.model(
        "notes",
        json!({"relations": {"viewer": {}}, "permissions": {"read": {"relation": "viewer", "policyEngine": "lua",
            "policy": "return table.find(context.user.groups, 'auditors') ~= nil"}}}),
    )
    .await;
    let (auditors, inner) = (desk.group("auditors").await, desk.group("inner").await);
    let mut ids = std::collections::BTreeMap::new();
    for name in ["ann", "bob", "cy", "dee"] {
        ids.insert(name, desk.site.person(&format!("{name}@example.com"), &[]).await.id.to_string());
        desk.tuple(&format!("notes n1 viewer user {name}@example.com")).await;
    }
    desk.tuple(&format!("group {auditors} member user ann@example.com")).await;
    desk.gated(&format!("group {auditors} member user bob@example.com"), "return false").await;
    desk.gated(&format!("group {auditors} member group {inner}"), "return false").await;
    desk.tuple(&format!("group {inner} member user cy@example.com")).await;
    desk.tuple(&format!("group {auditors} member user *")).await;
    for (name, allowed) in [("ann", true), ("bob", false), ("cy", false)] {
        let answer = desk.ask(&ids[name], "read", ("notes", "n1"), json!({})).await.json();
        assert_eq!(answer["allowed"], allowed, "{name}: {answer}");
    }
    let path = format!("/api/internal/groups/{auditors}/members");
    let members = desk.send(&desk.token, Method::GET, &path, json!({})).await.json();
    let ann = desk.get("users/ann@example.com").await.json()["id"].clone();
    assert_eq!(members["memberIds"], json!([ann]), "{members}");
    let all = desk.get("groups/auditors/members").await.json();
    let conditional = |name: &str| {
        let items = all["items"].as_array().unwrap();
        items.iter().find(|item| item["name"] == format!("{name}@example.com")).unwrap()["conditional"].clone()
    };
    assert_eq!(["ann", "bob", "cy"].map(conditional), [json!(false), json!(true), json!(true)], "{all}");
    // Who is in for two reasons is surely in when one of them is sure.
    desk.tuple(&format!("group {auditors} member user cy@example.com")).await;
    let members = desk.send(&desk.token, Method::GET, &path, json!({})).await.json();
    assert_eq!(members["count"], 2, "{members}");
}

#[actix_web::test]
async fn bug_class_48_a_list_says_everything_or_everyone_only_where_each_check_does() {
    let desk = Desk::open().await;
    desk.model(
        "notes",
        json!({"relations": {"viewer": {}, "banned": {}, "reader": {"anyOf": [{"relation": "viewer"}], "except": [{"relation": "banned"}]}},
            "permissions": {"read": {"relation": "reader"}, "see": {"relation": "viewer"},
                "never": {"relation": "viewer", "policyEngine": "lua", "policy": "return false"}}}),
    )
    .await;
    desk.tuple("notes * viewer user ann").await;
    desk.tuple("notes x1 banned user ann").await;
    desk.gated("notes * viewer user bob", "return false").await;
    let objects = async |who: &str, permission: &str| {
        let body = json!({"subjectType": "user", "subjectId": who, "entityType": "notes", "permission": permission});
        let found = desk.list("objects", body).await;
        let ids: Vec<_> = found["items"].as_array().unwrap().iter().map(|item| item["entityId"].clone()).collect();
        (found["wildcardGrant"].clone(), found["wildcardAbacRequired"].clone(), ids)
    };
    let flags = |grant: bool, gated: bool| (json!(grant), json!(gated));
    for (who, permission, grant, gated) in [
        ("ann", "see", true, false),
        ("ann", "read", false, true),
        ("ann", "never", false, true),
        ("bob", "see", false, true),
        ("cy", "see", false, false),
    ] {
        let found = objects(who, permission).await;
        assert_eq!((found.0, found.1), flags(grant, gated), "{who} {permission}");
    }
    assert_eq!(objects("ann", "read").await.2, Vec::<Value>::new(), "x1 is taken away");
    assert_eq!(desk.ask("ann", "read", ("notes", "x1"), json!({})).await.json()["reason"], "no_tuple");

    desk.tuple("notes open viewer user *").await;
    desk.gated("notes shut viewer user *", "return false").await;
    let everyone = async |object: &str, permission: &str| {
        let found =
            desk.list("subjects", json!({"entityType": "notes", "entityId": object, "permission": permission})).await;
        (found["wildcardGrant"].clone(), found["wildcardAbacRequired"].clone())
    };
    assert_eq!(everyone("open", "read").await, flags(true, false));
    assert_eq!(everyone("shut", "see").await, flags(false, true));
    assert_eq!(everyone("x1", "see").await, flags(false, false));
    desk.tuple("notes open banned user cy").await;
    assert_eq!(everyone("open", "read").await, flags(false, true), "all but one");
    assert_eq!(everyone("open", "see").await, flags(true, false));
}

#[actix_web::test]
async fn a_policy_is_tried_with_the_context_that_a_check_makes() {
    let desk = Desk::open().await;
    let result = async |script: &str, context: Value| {
        let answer = desk.admin(Method::POST, "policies/test", json!({"script": script, "context": context})).await;
        answer.json()["result"].clone()
    };
    for script in ["return context.resource.amount < 5", "return context.resource.attributes.amount < 5"] {
        for resource in [json!({"amount": 1}), json!({"attributes": {"amount": 1}})] {
            assert_eq!(result(script, json!({"resource": resource})).await, "allowed", "{script} {resource}");
        }
    }
    let script = "return context.user.department == 'sales' and context.user.id == 'ann' and context.time.hour == 9 and context.now > 0";
    let context = json!({"user": {"id": "ann", "attributes": {"department": "sales", "id": "x"}}, "time": {"hour": 9}});
    assert_eq!(result(script, context).await, "allowed");
    assert_eq!(result("return context.resource.id == nil", json!({})).await, "denied");
}

#[actix_web::test]
async fn a_resource_is_read_in_one_way_everywhere() {
    let desk = Desk::open().await;
    let policy = "return context.resource.amount == 10 and context.resource.attributes.amount == 10";
    desk.model(
        "notes",
        json!({"relations": {"viewer": {}}, "permissions": {"read": {"relation": "viewer", "policyEngine": "lua", "policy": policy}}}),
    )
    .await;
    desk.tuple("notes n1 viewer user ann").await;
    let resources = [
        (json!({"amount": 10}), true),
        (json!({"attributes": {"amount": 10}}), true),
        (json!({"amount": 10, "attributes": {"open": true}, "id": "n1", "type": "notes"}), true),
        (json!({"amount": 11}), false),
        (json!({"attributes": {"amount": 11}}), false),
        (json!({}), false),
    ];
    let question = || json!({"userId": "ann", "entityType": "notes", "permission": "read"});
    let with = |mut body: Value, more: Value| {
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name.as_str()] = value.clone());
        body
    };
    let check = "/api/auth/check-permission";
    let batch = "/api/auth/check-permission/batch";
    for (resource, is_allowed) in &resources {
        let one = |more: Value| with(with(question(), json!({"entityId": "n1"})), more);
        let many = |more: Value| with(with(question(), json!({"entityIds": ["n1"]})), more);
        let admin = |more: Value| {
            let who = json!({"subject_type": "user", "subject_id": "ann", "permission": "read", "entity_type": "notes",
                "entity_id": "n1", "names": false});
            with(who, more)
        };
        let ways = [
            (check, one(json!({"resource": resource})), "/allowed"),
            (check, one(json!({"context": {"resource": resource}})), "/allowed"),
            (batch, json!({"checks": [one(json!({"resource": resource}))]}), "/results/0/allowed"),
            (batch, json!({"checks": [one(json!({"context": {"resource": resource}}))]}), "/results/0/allowed"),
            (batch, many(json!({"resource": resource})), "/results/n1"),
            (batch, many(json!({"resources": {"n1": resource}})), "/results/n1"),
            (batch, many(json!({"context": {"resource": resource}})), "/results/n1"),
            ("/api/admin/check", admin(json!({"resource": resource})), "/allowed"),
            ("/api/admin/check", admin(json!({"context": {"resource": resource}})), "/allowed"),
        ];
        for (path, body, place) in ways {
            let answer = desk.send(&desk.token, Method::POST, path, body.clone()).await;
            let allowed = answer.json().pointer(place).cloned();
            assert_eq!(allowed, Some(json!(is_allowed)), "{path} {body}: {}", answer.body);
        }
        let trial = json!({"script": policy, "context": {"resource": resource}});
        let result = desk.admin(Method::POST, "policies/test", trial).await.json()["result"].clone();
        assert_eq!(result == "allowed", *is_allowed, "{resource}: {result}");
    }
    // What is said twice and differently is not chosen from.
    let twice = json!({"amount": 10, "attributes": {"amount": 11}});
    for body in [json!({"resource": twice}), json!({"context": {"resource": twice}})] {
        let answer =
            desk.send(&desk.token, Method::POST, check, with(with(question(), json!({"entityId": "n1"})), body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    }
}

#[actix_web::test]
async fn everything_that_is_wrong_with_a_question_is_said_at_once() {
    let desk = Desk::open().await;
    desk.model("notes", json!({"relations": {"viewer": {}}})).await;
    let cases = [
        (
            "check-permission",
            json!({"entityId": 5, "subject": {"id": "ann", "name": 1}, "contextualTuples": [{"entityId": "1"}], "colour": 1}),
            "missing_fields",
            &[
                "contextualTuples[0].entityType",
                "contextualTuples[0].relation",
                "contextualTuples[0].subjectType",
                "contextualTuples[0].subjectId",
                "entityType",
                "permission",
                "entityId",
                "subject.type",
                "subject.name",
                "colour",
            ][..],
        ),
        (
            "check-permission",
            json!({"entityType": "notes", "permission": "viewer", "entityId": "1", "explain": "yes", "context": []}),
            "invalid_request",
            &["explain", "context"],
        ),
        ("check-permission/batch", json!({}), "missing_fields", &["entityType", "permission", "entityIds"]),
        (
            "check-permission/batch",
            json!({"checks": [{"entityType": "", "permission": "x"}, {"permission": 1, "entityIds": []}]}),
            "missing_fields",
            &["checks[0].entityType", "checks[1].entityType", "checks[1].permission", "checks[1].entityIds"],
        ),
        (
            "check-permission/batch",
            json!({"checks": [], "entityIds": [], "explain": true}),
            "invalid_request",
            &["explain", "entityIds"],
        ),
        (
            "check-permission/batch",
            json!({"entityType": "notes", "permission": "viewer", "entityIds": ["1"], "resources": {"1": 5}}),
            "invalid_request",
            &["resources.1"],
        ),
        (
            "list-objects",
            json!({"limit": "x", "entityId": "1"}),
            "missing_fields",
            &["entityType", "permission", "limit", "entityId"],
        ),
        (
            "list-objects",
            json!({"entityType": "notes", "permission": "viewer", "limit": -1}),
            "invalid_limit",
            &["limit"],
        ),
        ("list-subjects", json!({"userId": "ann"}), "missing_fields", &["entityType", "permission", "userId"]),
    ];
    for (path, body, code, places) in cases {
        let answer = desk.send(&desk.token, Method::POST, &format!("/api/auth/{path}"), body.clone()).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::BAD_REQUEST, &json!(code)),
            "{path} {body}: {}",
            answer.body
        );
        let mut found: Vec<String> = answer.json()["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["field"].as_str().unwrap().to_owned())
            .collect();
        let mut wanted: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{path} {body}: {}", answer.body);
    }
    for query in ["list-objects?entityType=notes&limit=x&limit=2", "list-subjects?permission=viewer&colour=1"] {
        let request = TestRequest::get().uri(&format!("/api/auth/{query}"));
        let answer = desk.site.send(request.insert_header(("authorization", format!("Bearer {}", desk.token)))).await;
        assert_eq!((answer.status, answer.json()["error"].clone()), (StatusCode::BAD_REQUEST, json!("missing_fields")));
        assert!(answer.json()["fields"].as_array().unwrap().len() >= 2, "{}", answer.body);
    }
    // Nobody is told before they are known.
    let body = json!({"entityType": 1});
    let answer = desk.site.send(TestRequest::post().uri("/api/auth/check-permission").set_json(body)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn what_is_excluded_by_itself_is_denied_for_no_failure_of_a_policy() {
    let desk = Desk::open().await;
    desk.model(
        "ring",
        json!({"relations": {"parent": {"subjects": ["ring"]}, "b": {},
            "a": {"anyOf": [{"direct": true}], "except": [{"relation": "a", "from": "parent"}]}}}),
    )
    .await;
    desk.tuple("ring x parent ring x").await;
    desk.tuple("ring x a user ann").await;
    let answer = desk.ask("ann", "a", ("ring", "x"), json!({"explain": true})).await.json();
    assert_eq!((&answer["allowed"], &answer["reason"]), (&json!(false), &json!("no_tuple")), "{answer}");
    assert_eq!(answer["explanation"]["misses"][0]["why"], "exclusion_unclear", "{answer}");
    // A condition that fails under an exclusion is a failure.
    desk.model("doc", json!({"relations": {"banned": {}, "a": {"except": [{"relation": "banned"}]}}})).await;
    desk.tuple("doc 1 a user ann").await;
    desk.gated("doc 1 banned user ann", "return nil < 1").await;
    assert_eq!(desk.ask("ann", "a", ("doc", "1"), json!({})).await.json()["reason"], "policy_error");
}

#[actix_web::test]
async fn members_of_another_type_are_refused_and_called_so() {
    let desk = Desk::open().await;
    desk.model("notes", json!({"relations": {"viewer": {}}})).await;
    for more in [
        json!({"resource": {"attributes": [1]}}),
        json!({"resource": {"id": 5}}),
        json!({"resource": [1]}),
        json!({"context": "x"}),
        json!({"entityId": 5}),
        json!({"entityType": 5}),
    ] {
        let answer = desk.ask("ann", "viewer", ("notes", "1"), more.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{more}: {}", answer.body);
        assert!(!answer.body.contains("missing"), "{more}: {}", answer.body);
    }
    let batch = json!({"entityType": "notes", "permission": "viewer", "entityIds": ["1"], "resources": {"1": {"attributes": [1]}}});
    let answer = desk.send(&desk.token, Method::POST, "/api/auth/check-permission/batch", batch).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    let zen = async |path: &str, more: Value| {
        let mut body = json!({"subject": {"type": "user", "id": "ann"}, "action": {"name": "viewer"}, "resource": {"type": "notes", "id": "1"}});
        for (name, value) in more.as_object().unwrap() {
            body[name.as_str()] = value.clone();
        }
        desk.send(&desk.token, Method::POST, &format!("/access/v1/{path}"), body).await.status
    };
    assert_eq!(zen("evaluation", json!({})).await, StatusCode::OK);
    for more in [
        json!({"context": "x"}),
        json!({"subject": {"type": "user", "id": "ann", "properties": []}}),
        json!({"resource": {"type": "notes", "id": "1", "properties": 1}}),
        json!({"action": {"name": "viewer", "properties": "x"}}),
    ] {
        assert_eq!(zen("evaluation", more.clone()).await, StatusCode::BAD_REQUEST, "{more}");
    }
    for path in ["search/resource", "search/subject"] {
        assert_eq!(zen(path, json!({"page": {"token": ""}})).await, StatusCode::OK, "{path}");
        for token in [json!("garbage"), json!("Z2FyYmFnZQ"), json!(5)] {
            assert_eq!(zen(path, json!({"page": {"token": token}})).await, StatusCode::BAD_REQUEST, "{path} {token}");
        }
    }
}
