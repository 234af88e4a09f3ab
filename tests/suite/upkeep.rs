//! Tuples in daily life: who is deleted, who has very many, who writes at the same time, what ends, what comes in
//! batches.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::graph::{Graph, bad, good, refused};
use crate::harness::{ADMIN, ANN, BOB, Home, Response, Tokens, form, payload};
use crate::scenario::{check_as, decided, machines, no, yes};

#[tokio::test]
async fn whoever_is_deleted_takes_their_tuples_along_and_the_answer_says_so() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let left = async || {
        good(&graph.admin.send(Method::GET, "/api/admin/tuples?entity_type=client_abc:deployment", json!({})).await)["items"].as_array().unwrap().len()
    };
    let delete = async |path: &str| {
        let path = format!("/api/admin/{path}");
        let foretold = graph.admin.send(Method::GET, &format!("{path}/deletion"), json!({})).await;
        let gone = good(&graph.admin.send(Method::DELETE, &path, json!({})).await);
        // A key has no preview.
        if !path.contains("/api-keys/") {
            let foretold = good(&foretold);
            // Beside the counts, a group says who gains and loses.
            for (name, count) in foretold.as_object().unwrap().iter().filter(|(_, count)| count.is_u64()) {
                let name = match name.as_str() {
                    "refresh_families" => "grants",
                    same => same,
                };
                assert_eq!(gone["ended"][name].as_u64().unwrap_or(0), count.as_u64().unwrap(), "{path} {name}");
            }
        }
        gone
    };

    good(&graph.post("/api/admin/groups", json!({"name": "eng"})).await);
    for who in [ANN, BOB] {
        good(&graph.post("/api/admin/groups/eng/members", json!({"subject_id": who})).await);
    }
    let key = Program::of(&home, ANN).await.key(json!({"name": "ann's"})).await;
    let mine = graph.admin.key(json!({"name": "root's"})).await;
    let deployment = |id: &str, subject: &str| format!("(client_abc:deployment, {id}, viewer, {subject})");
    let tuples = [
        deployment("1", "user, ann@example.com"),
        deployment("2", "user, ann@example.com"),
        deployment("3", "group, eng"),
        deployment("4", "client, wiki"),
        deployment("5", &format!("apikey, {}", text(&key, "id"))),
        deployment("6", &format!("apikey, {}", text(&mine, "id"))),
        String::from("(oauth_client, wiki, use, user, bob@example.com)"),
    ];
    graph.write(&tuples.each_ref().map(String::as_str)).await;
    assert_eq!(left().await, 6);

    // Ann, with two relations, a membership, and a key that has one relation.
    let gone = delete(&format!("users/{ANN}")).await;
    assert_eq!(
        (&gone["deleted"], &gone["ended"]["tuples"], &gone["ended"]["api_keys"]),
        (&json!(true), &json!(4), &json!(1))
    );
    assert_eq!(gone["ended"]["memberships"], 1);
    assert_eq!(left().await, 3);
    let members = good(&graph.admin.send(Method::GET, "/api/admin/groups/eng/members", json!({})).await);
    assert_eq!(members["items"].as_array().unwrap().len(), 1);
    assert_eq!(refused(&exchange(&home, text(&key, "key")).await), (401, String::from("invalid_api_key")));

    // The group: Bob's membership and its relation.
    let bob = format!("user:{}", graph.id_of(BOB).await);
    assert!(graph.check(&bob, "read", "client_abc:deployment:3").await.0);
    let eng = delete("groups/eng").await;
    assert_eq!((&eng["ended"]["tuples"], &eng["ended"]["memberships"]), (&json!(2), &json!(1)));
    assert!(!graph.check(&bob, "read", "client_abc:deployment:3").await.0);
    // The app: what it had, and who might use it.
    assert_eq!(delete("clients/wiki").await["ended"]["tuples"], 2);
    // The key.
    assert_eq!(delete(&format!("api-keys/{}", text(&mine, "id"))).await["ended"]["tuples"], 1);
    assert_eq!(left().await, 0);
}

#[tokio::test]
async fn somebody_with_five_thousand_grants_signs_in_with_a_small_token_that_says_what_it_lacks() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let ann = graph.id_of(ANN).await;
    for batch in 0..5 {
        let lines: Vec<String> = (batch * 1000..(batch + 1) * 1000)
            .map(|n| format!("(client_abc:deployment, deployment_number_{n:04}, editor, user, {ann})"))
            .collect();
        good(&graph.lines(&lines).await);
    }
    graph.write(&["(client_abc:config, *, viewer, user, ann@example.com)"]).await;
    let wiki = home.app("wiki");
    let tokens = wiki.tokens(&home.browser(), ANN, "openid profile email offline_access").await;
    for token in [&tokens.id, &tokens.access] {
        assert!(token.len() < 8 * 1024, "{} bytes", token.len());
        let claims = payload(token);
        assert_eq!(claims["permissions_truncated"], true);
        assert_eq!(claims["permissions_url"], home.url("/api/auth/list-objects"));
        // What holds for all objects is still there, and half of the objects would look like all of them.
        assert_eq!(claims["permissions"], json!({"client_abc:config": ["read", "viewer"]}));
    }
    // Where the token says so, everything is found.
    let url = payload(&tokens.id)["permissions_url"].as_str().unwrap().to_owned();
    let (mut cursor, mut found) = (None::<String>, 0);
    loop {
        let mut query = vec![("entityType", "client_abc:deployment"), ("permission", "edit"), ("limit", "200")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let request = home.browser().http.get(format!("{url}?{}", form(&query))).bearer_auth(&tokens.access);
        let body = good(&Response::of(request).await);
        found += body["items"].as_array().unwrap().len();
        cursor = body["pagination"]["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, 5_000);
    assert_eq!(Tokens::of(&wiki.refresh(&tokens.refresh).await).body["token_type"], "Bearer");
    let question =
        json!({"entityType": "client_abc:deployment", "entityId": "deployment_number_4999", "permission": "edit"});
    assert_eq!(decided(&check_as(&home, &tokens.id, &question).await), yes());
}

#[tokio::test]
async fn how_much_of_a_token_permissions_take_is_a_setting() {
    for (kib, is_whole) in [(1, false), (6, true)] {
        let home = Home::with(|settings| {
            settings.tokens.permissions_bytes = kib * 1024;
            settings.tokens.max_bytes = 65_536;
        })
        .await;
        let graph = Graph::of(&home).await;
        graph.model("client_abc:config", &json!({"relations": {"viewer": {}}})).await;
        let ann = graph.id_of(ANN).await;
        let lines: Vec<String> =
            (0..50).map(|n| format!("(client_abc:config, configuration_{n}, viewer, user, {ann})")).collect();
        good(&graph.lines(&lines).await);
        let claims = payload(&home.app("wiki").tokens(&home.browser(), ANN, "openid").await.id);
        assert_eq!(claims["permissions"].as_object().map(serde_json::Map::len), Some(if is_whole { 50 } else { 0 }));
        assert_eq!(claims["permissions_truncated"].as_bool(), (!is_whole).then_some(true), "{kib} KiB");
    }
}

#[tokio::test]
async fn how_far_a_check_may_lead_is_a_setting_and_beyond_it_there_is_no_answer() {
    for (depth, is_answered) in [(1, false), (25, true)] {
        let home = Home::with(|settings| settings.limits.check_depth = depth).await;
        let graph = Graph::of(&home).await;
        let nested = [("a", "group", "b"), ("b", "group", "c"), ("c", "user", ANN)];
        let lines = nested.map(|(group, kind, id)| format!("(group, {group}, member, {kind}, {id})"));
        good(&graph.lines(&lines).await);
        let answer = graph.ask(&format!("user:{ANN}"), "member", "group:a", &json!({})).await;
        match is_answered {
            true => assert_eq!(good(&answer)["allowed"], true),
            false => assert_eq!(refused(&answer), (422, String::from("limit_reached"))),
        }
    }
}

#[tokio::test]
async fn that_an_administrator_was_let_through_is_in_the_audit_log_once_a_minute() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let root = format!("user:{}", graph.id_of(ADMIN).await);
    let told = async || {
        let audit = good(&graph.admin.send(Method::GET, "/api/admin/audit?limit=200", json!(null)).await);
        let rows = audit["items"].as_array().unwrap().clone();
        rows.into_iter().filter(|row| row["action"] == "access.bypass").collect::<Vec<_>>()
    };
    for _ in 0..3 {
        assert_eq!(graph.check(&root, "refund", "anything:42").await, (true, String::from("admin_bypass")));
    }
    let rows = told().await;
    assert_eq!((rows.len(), &rows[0]["target"]), (1, &json!("anything:42")));
    assert_eq!(rows[0]["detail"]["permission"], "refund");
    home.advance(Duration::from_secs(61)).await;
    graph.check(&root, "refund", "anything:42").await;
    graph.check(&root, "read", "anything:42").await;
    assert_eq!(told().await.len(), 3);
}

#[tokio::test]
async fn sixty_four_who_write_one_tuple_make_one() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let definition = json!({"relations": {"viewer": {}}});
    let put = json!({"definition": definition, "client": "shop"});
    good(&graph.admin.send(Method::PUT, "/api/admin/models/shop:basket", put).await);
    let body = json!({"entityTypeName": "basket", "entityId": "1", "relation": "viewer", "subjectType": "user", "subjectId": BOB});
    let tries = (0..64).map(|_| graph.post("/api/internal/clients/shop/grants", body.clone()));
    let answers = join_all(tries).await;
    let count = |status: StatusCode| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(StatusCode::CREATED), count(StatusCode::OK)), (1, 63));
    let ids: BTreeSet<String> = answers.iter().map(|answer| text(&answer.json(), "tupleId").to_owned()).collect();
    assert_eq!(ids.len(), 1);
    let path = format!("/api/admin/audit?action=tuple.write&target={}", ids.first().unwrap());
    let told = good(&graph.admin.send(Method::GET, &path, json!({})).await);
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "written once, told once");
    // The same for a removal: one finds it, the others find nothing.
    let path = format!("/api/internal/clients/shop/grants/{}", ids.first().unwrap());
    let answers = join_all((0..64).map(|_| graph.admin.send(Method::DELETE, &path, json!({})))).await;
    let mut found: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    found.sort_unstable();
    assert_eq!((found[0], found[1], found[63]), (200, 404, 404));
}

#[tokio::test]
async fn contextual_tuples_are_for_who_may_ask_about_others() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let (ann_id, bob_id) = (graph.id_of(ANN).await, graph.id_of(BOB).await);
    let bob = format!("user:{bob_id}");
    let more = |relation: &str, id: &str| {
        json!({"contextualTuples": [{"entityType": "client_abc:deployment", "entityId": "1",
        "relation": relation, "subjectType": "user", "subjectId": id}]})
    };
    let ask = async |more: Value| graph.ask(&bob, "edit", "client_abc:deployment:1", &more).await;
    assert_eq!(decided(&ask(json!({})).await), no("no_tuple"));
    assert_eq!(decided(&ask(more("editor", &bob_id)).await), yes());
    assert_eq!(decided(&ask(more("editor", &ann_id)).await), no("no_tuple"));
    assert_eq!(decided(&ask(json!({})).await), no("no_tuple"), "nothing was stored");
    bad(&ask(more("burner", &bob_id)).await);
    // They make nobody an administrator.
    let platform = json!({"contextualTuples": [{"entityType": "platform", "entityId": "*", "relation": "admin",
        "subjectType": "user", "subjectId": bob_id}]});
    assert_eq!(decided(&ask(platform).await), no("no_tuple"));
    // Nor may anybody ask about themselves with them.
    let bob = Program::of(&home, BOB).await;
    let mut body = json!({"entityType": "client_abc:deployment", "entityId": "1", "permission": "edit"});
    assert_eq!(decided(&bob.send(Method::POST, "/api/auth/check-permission", body.clone()).await), no("no_tuple"));
    body["contextualTuples"] = more("editor", BOB)["contextualTuples"].clone();
    let answer = bob.send(Method::POST, "/api/auth/check-permission", body.clone()).await;
    assert_eq!(refused(&answer), (403, String::from("forbidden")));
    body["contextualTuples"] = vec![body["contextualTuples"][0].clone(); 101].into();
    let admin = Program::of(&home, ADMIN).await;
    assert_eq!(admin.send(Method::POST, "/api/auth/check-permission", body).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_tuple_ends_when_it_was_said_and_is_written_as_it_was_read() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let (end, later) = (home.now().plus(Duration::from_secs(60)), home.now().plus(Duration::from_secs(3600)));
    let tuple = |end: &str| {
        json!({"entity_type": "client_abc:deployment", "entity_id": "1", "relation": "viewer",
        "subject_type": "user", "subject_id": "guest", "expires_at": end})
    };
    for wrong in ["tomorrow", "2026-02-31T00:00:00Z", "1769860800000"] {
        bad(&graph.post("/api/admin/tuples", tuple(wrong)).await);
        bad(&graph.lines(&[tuple(wrong).to_string()]).await);
    }
    let written = good(&graph.post("/api/admin/tuples", tuple(&end.rfc3339())).await);
    assert_eq!(written["expires_at"], end.rfc3339());
    let list =
        good(&graph.admin.send(Method::GET, "/api/admin/tuples?entity_type=client_abc:deployment", json!({})).await);
    let mut listed = written.clone();
    assert!(listed.as_object_mut().unwrap().remove("note").is_some(), "there is no guest here");
    assert_eq!(list["items"], json!([listed]));
    // As it was read, by either way; another end takes the place of the first.
    good(&graph.lines(&[listed.to_string()]).await);
    assert_eq!(good(&graph.post("/api/admin/tuples", listed).await), written);
    assert_eq!(good(&graph.post("/api/admin/tuples", tuple(&later.rfc3339())).await)["id"], written["id"]);
    home.advance(Duration::from_secs(60)).await;
    assert_eq!(graph.check("user:guest", "read", "client_abc:deployment:1").await, yes());
    home.advance(Duration::from_secs(3540)).await;
    assert_eq!(graph.check("user:guest", "read", "client_abc:deployment:1").await, no("no_tuple"));
    // A client's grants are told the same way.
    good(
        &graph
            .admin
            .send(Method::PUT, "/api/admin/models/shop:basket", json!({"definition": {"relations": {"viewer": {}}}}))
            .await,
    );
    let end = home.now().plus(Duration::from_secs(60)).rfc3339();
    let grant = json!({"entityTypeName": "basket", "entityId": "1", "relation": "viewer", "subjectType": "user",
        "subjectId": BOB, "expiresAt": end});
    good(&graph.post("/api/internal/clients/shop/grants", grant).await);
    let path = "/api/internal/clients/shop/grants";
    assert_eq!(good(&graph.admin.send(Method::GET, path, json!({})).await)["grants"][0]["expiresAt"], end);
}

#[tokio::test]
async fn what_comes_in_batches_may_be_long_and_a_strangers_body_is_not_read() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let condition = format!("return true -- {}", "x".repeat(300));
    let tuple = |n: usize| {
        json!({"entity_type": "client_abc:deployment", "entity_id": n.to_string(), "relation": "viewer",
        "subject_type": "user", "subject_id": "guest", "condition": condition})
    };
    let many: Vec<Value> = (0..1000).map(tuple).collect();
    let lines: Vec<String> = many.iter().map(Value::to_string).collect();
    assert_eq!(good(&graph.lines(&lines).await)["written"], 1000);
    good(&graph.post("/api/admin/tuples", json!({ "tuples": many })).await);
    let question = json!({"entityType": "client_abc:deployment", "entityId": "1", "permission": "read", "userId": BOB});
    let answer =
        good(&graph.post("/api/auth/check-permission/batch", json!({"checks": vec![question.clone(); 1000]})).await);
    assert_eq!(answer["results"].as_array().unwrap().len(), 1000);
    let mut heavy = question.clone();
    heavy["resource"] = json!({"attributes": {"text": "x".repeat(64 * 1024)}});
    assert_eq!(
        refused(&graph.post("/api/auth/check-permission", heavy.clone()).await),
        (422, String::from("too_large"))
    );
    heavy["resource"] = json!({"attributes": {"text": "x".repeat(2 << 20)}});
    assert_eq!(refused(&graph.post("/api/auth/check-permission", heavy).await), (413, String::from("too_large")));
    let ann = Program::of(&home, ANN).await;
    assert_eq!(
        ann.send(Method::POST, "/api/admin/tuples/import", json!({ "lines": lines })).await.status,
        StatusCode::FORBIDDEN
    );
}
