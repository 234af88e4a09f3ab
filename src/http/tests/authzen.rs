//! What the AuthZEN standard says of requests and answers, and what is the same for all ways to ask.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Desk, TestResponse};

/// The five endpoints.
const PATHS: [&str; 5] = ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"];

/// A request that every one of them takes.
fn whole() -> Value {
    json!({"subject": {"type": "user", "id": "ann"}, "action": {"name": "view"}, "resource": {"type": "paper", "id": "1"}})
}

impl Desk {
    async fn zen(&self, path: &str, body: Value) -> TestResponse {
        self.send(&self.token, Method::POST, &format!("/access/v1/{path}"), body).await
    }

    async fn found(&self, path: &str, body: Value) -> Value {
        let answer = self.zen(path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.json()
    }

    /// Ann views 1 and 3, and everyone views 2.
    async fn papers(&self) {
        self.model("paper", json!({"relations": {"viewer": {}}, "permissions": {"view": {"relation": "viewer"}}}))
            .await;
        for text in ["paper 1 viewer user ann", "paper 2 viewer user *", "paper 3 viewer user ann"] {
            self.tuple(text).await;
        }
    }

    fn to(&self, path: &str) -> TestRequest {
        TestRequest::post().uri(path).insert_header(("authorization", format!("Bearer {}", self.token)))
    }
}

#[actix_web::test]
async fn what_is_not_sent_as_json_is_a_bad_request() {
    let desk = Desk::open().await;
    desk.papers().await;
    for path in PATHS {
        let path = format!("/access/v1/{path}");
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"] {
            let request = desk.to(&path).insert_header(("content-type", kind)).set_payload(whole().to_string());
            let answer = desk.site.send(request).await;
            assert_eq!(
                (answer.status, answer.json()["error"].clone()),
                (StatusCode::BAD_REQUEST, json!("invalid_request")),
                "{path} {kind}"
            );
        }
        let bare = desk.site.send(desk.to(&path).set_payload(whole().to_string())).await;
        assert_eq!(bare.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let elsewhere =
        desk.to("/api/auth/check-permission").insert_header(("content-type", "text/plain")).set_payload("{}");
    assert_eq!(desk.site.send(elsewhere).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[actix_web::test]
async fn an_evaluation_that_is_wrong_fails_alone_and_says_what_is_wrong_with_it() {
    let desk = Desk::open().await;
    desk.papers().await;
    let good = || json!({"resource": {"type": "paper", "id": "1"}});
    let wrong = [
        (json!({"resource": {"type": "paper"}}), "resource.id"),
        (json!({"resource": null}), "resource"),
        (json!({"resource": {"type": "paper", "id": ""}}), "resource.id"),
        (json!({"resource": {"type": "paper", "id": "1", "properties": []}}), "resource.properties"),
        (json!({"resource": ["paper", "1"]}), "resource"),
        (json!({"resource": {"type": "paper", "id": "1"}, "subject": {"id": 5}}), "subject.type"),
        (json!({"resource": {"type": "paper", "id": "1"}, "action": "view"}), "action"),
        (json!({"resource": {"type": "paper", "id": "1"}, "context": 1}), "context"),
        (json!({}), "resource"),
        (json!("paper"), "object"),
        (json!(null), "object"),
        (json!([]), "object"),
    ];
    let shared = || {
        let mut shared = whole();
        shared.as_object_mut().unwrap().remove("resource");
        shared
    };
    let mut all = shared();
    all["evaluations"] = json!([good()]);
    for (one, _) in &wrong {
        all["evaluations"].as_array_mut().unwrap().extend([one.clone(), good()]);
    }
    let answers = desk.found("evaluations", all).await["evaluations"].as_array().unwrap().clone();
    assert_eq!(answers.len(), 2 * wrong.len() + 1);
    for (place, answer) in answers.iter().enumerate() {
        assert_eq!(answer["decision"], place % 2 == 0, "{place}: {answer}");
    }
    for (number, (one, named)) in wrong.iter().enumerate() {
        let error = &answers[2 * number + 1]["context"]["error"];
        assert_eq!((&error["status"], &error["code"]), (&json!(400), &json!("invalid_request")), "{one}: {error}");
        assert!(error["message"].as_str().unwrap().contains(named), "{one}: {error}");
        let mut alone = shared();
        alone["evaluations"] = json!([one]);
        let alone = desk.found("evaluations", alone).await;
        assert_eq!(alone["evaluations"][0]["context"]["error"], *error, "a batch of one: {alone}");
        for (semantic, count) in [("deny_on_first_deny", 1), ("permit_on_first_permit", 2), ("execute_all", 3)] {
            let mut body = shared();
            body["evaluations"] = json!([one, good(), good()]);
            body["options"] = json!({"evaluations_semantic": semantic});
            let answers = desk.found("evaluations", body).await;
            assert_eq!(answers["evaluations"].as_array().unwrap().len(), count, "{semantic} {one}");
        }
    }
    // What stands for all is wrong only where it counts.
    let mut body = whole();
    body["resource"] = json!(7);
    body["evaluations"] = json!([{}, good()]);
    let answers = desk.found("evaluations", body).await;
    assert!(answers["evaluations"][0]["context"]["error"]["message"].as_str().unwrap().contains("resource"));
    assert_eq!(answers["evaluations"][1]["decision"], true);
    // So is what is too large.
    let mut body = shared();
    let large = json!({"type": "paper", "id": "1", "properties": {"text": "x".repeat(70_000)}});
    body["evaluations"] = json!([{"resource": large}, good()]);
    let answers = desk.found("evaluations", body).await;
    assert_eq!(answers["evaluations"][0]["context"]["error"]["code"], "too_large");
    assert_eq!(answers["evaluations"][1]["decision"], true);
    // A request that is wrong as a whole is refused as a whole.
    for (member, value) in
        [("evaluations", json!("all")), ("options", json!({"evaluations_semantic": "maybe"})), ("options", json!(1))]
    {
        let mut body = whole();
        body["evaluations"] = json!([good(), {"resource": 1}]);
        body[member] = value;
        assert_eq!(desk.zen("evaluations", body).await.status, StatusCode::BAD_REQUEST, "{member}");
    }
}

#[actix_web::test]
async fn a_search_says_where_it_goes_on_before_what_it_found_and_whether_it_is_all() {
    let desk = Desk::open().await;
    desk.papers().await;
    desk.tuple("paper * viewer user bob").await;
    let search = async |path: &str, body: Value| {
        let answer = desk.zen(path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert!(answer.body.starts_with("{\"page\":{"), "{}", answer.body);
        answer.json()
    };
    for (id, everyone) in [("1", false), ("2", true)] {
        let mut body = whole();
        body["subject"] = json!({"type": "user"});
        body["resource"]["id"] = json!(id);
        let context = json!({"everyone": everyone, "everyone_abac_required": false});
        assert_eq!(search("search/subject", body).await["context"], context, "{id}");
    }
    for (who, every) in [("ann", false), ("bob", true)] {
        let mut body = whole();
        body["subject"]["id"] = json!(who);
        body["resource"] = json!({"type": "paper"});
        let context = json!({"every_object": every, "every_object_abac_required": false});
        assert_eq!(search("search/resource", body).await["context"], context, "{who}");
    }
    assert_eq!(search("search/action", whole()).await["results"], json!([{"name": "view"}]));
}

#[actix_web::test]
async fn a_search_for_what_nobody_declared_finds_nothing() {
    let desk = Desk::open().await;
    desk.papers().await;
    for (path, part, value) in [
        ("search/subject", "resource", json!({"type": "nothing", "id": "1"})),
        ("search/subject", "action", json!({"name": "burn"})),
        ("search/resource", "resource", json!({"type": "nothing"})),
        ("search/resource", "action", json!({"name": "burn"})),
        ("search/action", "resource", json!({"type": "nothing", "id": "1"})),
        ("search/subject", "subject", json!({"type": "nothing"})),
    ] {
        let mut body = whole();
        body[part] = value;
        let found = desk.found(path, body.clone()).await;
        assert_eq!((&found["results"], &found["page"]["count"]), (&json!([]), &json!(0)), "{path} {body}");
    }
}

#[actix_web::test]
async fn where_a_model_declares_no_permissions_its_relations_are_actions() {
    let desk = Desk::open().await;
    desk.model(
        "folder",
        json!({"relations": {"owner": {}, "reader": {"anyOf": [{"direct": true}, {"relation": "owner"}]}}}),
    )
    .await;
    desk.tuple("folder a owner user ann").await;
    desk.tuple("folder a reader user bob").await;
    for (who, names) in [
        ("ann", json!([{"name": "owner"}, {"name": "reader"}])),
        ("bob", json!([{"name": "reader"}])),
        ("cy", json!([])),
    ] {
        let body = json!({"subject": {"type": "user", "id": who}, "resource": {"type": "folder", "id": "a"}});
        assert_eq!(desk.found("search/action", body).await["results"], names, "{who}");
    }
}

#[actix_web::test]
async fn a_token_of_a_page_belongs_to_its_query() {
    let desk = Desk::open().await;
    desk.papers().await;
    desk.tuple("paper 1 viewer user bob").await;
    for path in ["search/resource", "search/subject"] {
        let mut body = whole();
        body["page"] = json!({"limit": 1});
        let token = desk.found(path, body.clone()).await["page"]["next_token"].clone();
        assert_ne!(token, "", "{path}");
        body["page"] = json!({"limit": 1, "token": token});
        assert_eq!(desk.found(path, body.clone()).await["page"]["count"], 1, "{path}");
        let others = [
            ("subject", json!({"type": "user", "id": "bob"})),
            ("action", json!({"name": "viewer"})),
            ("resource", json!({"type": "paper", "id": "2"})),
            ("resource", json!({"type": "paper", "id": "1", "properties": {"a": 1}})),
            ("context", json!({"a": 1})),
        ];
        for (part, value) in others {
            // A search for subjects takes no id of one, and a search for resources none of a resource.
            let is_passed_over = (path, part) == ("search/subject", "subject")
                || path == "search/resource" && value == json!({"type": "paper", "id": "2"});
            let mut other = body.clone();
            other[part] = value.clone();
            let wanted = if is_passed_over { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            assert_eq!(desk.zen(path, other).await.status, wanted, "{path} {part} {value}");
        }
        let other = if path == "search/subject" { "search/resource" } else { "search/subject" };
        for path in [other, "search/action"] {
            assert_eq!(desk.zen(path, body.clone()).await.status, StatusCode::BAD_REQUEST, "{path}");
        }
    }
}

#[actix_web::test]
async fn every_printable_name_of_a_request_comes_back() {
    let desk = Desk::open().await;
    let named = async |path: &str, names: &[&str]| {
        let mut request = TestRequest::post().uri(path);
        for name in names {
            request = request.append_header(("x-request-id", *name));
        }
        desk.site.send(request.set_json(json!({}))).await.header("x-request-id").to_owned()
    };
    let long = "x".repeat(256);
    for path in PATHS {
        let path = format!("/access/v1/{path}");
        for name in ["bfe9eb29-ab87", "a/b+c=?", "trace: 1; span=2", "{\"id\":1}", &long] {
            assert_eq!(named(&path, &[name]).await, name);
        }
        for names in [&["a\tb"][..], &["ä"], &[&format!("{long}x")], &["a", "b"], &[""]] {
            assert!(named(&path, names).await.starts_with("req_"), "{names:?}");
        }
    }
    assert!(named("/api/auth/check-permission", &["bfe9eb29-ab87"]).await.starts_with("req_"));
}
