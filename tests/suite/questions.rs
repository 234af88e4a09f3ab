//! Questions and grants as apps send them by mistake: what is missing or nobody's is told, and never taken for
//! something else.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::api_keys::{refusal, text};
use crate::graph::{Graph, good};
use crate::harness::{ADMIN, ANN, Home, Response};

const CHECK: &str = "/api/auth/check-permission";
const BATCH: &str = "/api/auth/check-permission/batch";
const GRANTS: &str = "/api/internal/clients/shop/grants";

async fn invoices(graph: &Graph) {
    graph.model("shop:invoice", &json!({"relations": {"viewer": {}}})).await;
    graph.write(&["(shop:invoice, *, viewer, user, ann@example.com)"]).await;
}

#[tokio::test]
async fn a_question_that_lacks_a_part_is_refused() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    invoices(&graph).await;
    let ann = graph.id_of(ANN).await;
    let whole = json!({"userId": ann, "entityType": "shop:invoice", "entityId": "1", "permission": "viewer"});
    assert_eq!(good(&graph.post(CHECK, whole.clone()).await)["allowed"], true);
    for part in ["entityType", "entityId", "permission"] {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(part);
        let (one, many) = (graph.post(CHECK, body.clone()).await, graph.post(BATCH, json!({"checks": [body]})).await);
        for answer in [one, many] {
            assert_eq!(refusal(&answer), (400, String::from("missing_fields")), "{part}");
            assert!(answer.text.contains(part), "{}", answer.text);
        }
    }
    let mut named = whole.clone();
    named.as_object_mut().unwrap().remove("entityId");
    named["resource"] = json!({"id": "7"});
    assert_eq!(good(&graph.post(CHECK, named).await)["entityId"], "7");
    let without_ids = json!({"userId": ann, "entityType": "shop:invoice", "permission": "viewer"});
    assert_eq!(refusal(&graph.post(BATCH, without_ids).await), (400, String::from("missing_fields")));
    let none = json!({"userId": ANN, "entityType": "shop:invoice", "permission": "viewer", "entityIds": []});
    assert_eq!(good(&graph.post(BATCH, none).await), json!({"results": {}}));
}

#[tokio::test]
async fn a_grant_is_for_somebody_who_is_here() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    invoices(&graph).await;
    let group = good(&graph.post("/api/admin/groups", json!({"name": "Back Office"})).await);
    let grant = async |kind: &str, id: &str| {
        let body = json!({"entityTypeName": "invoice", "entityId": "1", "relation": "viewer", "subjectType": kind,
            "subjectId": id});
        graph.post(GRANTS, body).await
    };
    for (kind, id) in [
        ("user", "nobody@example.com"),
        ("user", "bob"),
        ("user", "ann"),
        ("user", "usr_nobody"),
        ("user", "usr_06gvqf1fch64btf5t0nap0qtp9"),
        ("group", "Front Office"),
        ("group", "Back Office"),
        ("group", "grp_06gvqf1fch64btf5t0nap0qtp9"),
        ("apikey", "key_nobody"),
    ] {
        assert_eq!(refusal(&grant(kind, id).await), (404, String::from("subject_not_found")), "{kind} {id}");
    }
    assert_eq!(grant("user", ANN).await.status, StatusCode::CREATED);
    assert_eq!(grant("group", text(&group, "id")).await.status, StatusCode::CREATED);
    let listed = good(&graph.admin.send(Method::GET, GRANTS, json!({})).await);
    assert_eq!(listed["grants"].as_array().map(Vec::len), Some(3), "{listed}");
}

#[tokio::test]
async fn a_group_is_named_by_its_whole_name() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    invoices(&graph).await;
    let group = good(&graph.post("/api/admin/groups", json!({"name": "Back Office"})).await);
    let tuple = |name: &str| {
        json!({"entity_type": "shop:invoice", "entity_id": "2", "relation": "viewer", "subject_type": "group",
            "subject_id": name})
    };
    let written = good(&graph.post("/api/admin/tuples", tuple("Back Office")).await);
    assert_eq!(text(&written, "subject_id"), text(&group, "id"));
    assert_eq!(graph.post("/api/admin/tuples", tuple("Front Office")).await.status, StatusCode::NOT_FOUND);
    good(&graph.post("/api/admin/tuples/remove", tuple("Back Office")).await);
    // A space is in no other identifier.
    let spaced = json!({"entity_type": "shop:invoice", "entity_id": "2 3", "relation": "viewer", "subject_type": "user",
        "subject_id": ANN});
    assert_eq!(graph.post("/api/admin/tuples", spaced).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn t39_a_token_that_an_app_holds_manages_no_grants() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    invoices(&graph).await;
    good(&graph.post("/api/admin/groups", json!({"name": "Staff"})).await);
    // An administrator signs in to an app. What it gets of them is for asking, not for giving.
    let tokens = home.app("wiki").tokens(&home.browser(), ADMIN, "openid").await;
    let body = json!({"entityTypeName": "invoice", "entityId": "1", "relation": "viewer", "subjectType": "user",
        "subjectId": ANN});
    for token in [&tokens.access, &tokens.id] {
        let with = |method: Method, path: &str| {
            home.browser().http.request(method, home.url(path)).bearer_auth(token).json(&body)
        };
        let grant = format!("{GRANTS}/tpl_0");
        for request in [
            with(Method::POST, GRANTS),
            with(Method::GET, GRANTS),
            with(Method::DELETE, &grant),
            with(Method::GET, "/api/internal/groups/Staff/members"),
        ] {
            assert_eq!(refusal(&Response::of(request).await), (403, String::from("forbidden")));
        }
    }
    assert_eq!(graph.post(GRANTS, body).await.status, StatusCode::CREATED);
}
