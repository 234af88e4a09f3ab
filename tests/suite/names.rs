//! Names and identifiers: what somebody chooses to be called is looked up when a person writes it, and never after
//! that.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{refusal, text};
use crate::graph::{Graph, good, objects_in, refused};
use crate::harness::{ANN, Home, payload};

/// Ordinary documents: viewers may read unless they are banned, and so may members of groups that are viewers.
async fn documents(graph: &Graph) {
    let definition = json!({"relations": {
        "viewer": {},
        "banned": {},
        "reader": {"anyOf": [{"relation": "viewer"}], "except": [{"relation": "banned"}]}},
        "permissions": {"read": {"relation": "reader"}}});
    graph.model("doc", &definition).await;
}

async fn person(graph: &Graph, name: &str, verified: bool) -> String {
    let body = json!({"email": format!("{name}@example.com"), "username": name, "email_verified": verified});
    text(&good(&graph.post("/api/admin/users", body).await), "id").to_owned()
}

async fn list_subjects(graph: &Graph, object: &str) -> Vec<String> {
    let body = good(&graph.subjects("user", "read", object).await);
    body["items"].as_array().unwrap().iter().map(|item| text(item, "subjectId").to_owned()).collect()
}

/// What each call for programs says of somebody and an object.
async fn told(graph: &Graph, who: &str, object: &str) -> Vec<(&'static str, bool)> {
    let (kind, id) = object.split_once(':').unwrap();
    let subject = json!({"type": "user", "id": who});
    let one = json!({"subject": subject, "permission": "read", "entityType": kind, "entityId": id});
    let by_parts =
        json!({"subjectType": "user", "subjectId": who, "permission": "read", "entityType": kind, "entityId": id});
    let by_user = json!({"userId": who, "permission": "read", "entityType": kind, "entityId": id});
    let uniform = json!({"userId": who, "permission": "read", "entityType": kind, "entityIds": [id]});
    let asked = json!({"subject": subject, "action": {"name": "read"}, "resource": {"type": kind, "id": id}});
    let search = json!({"subject": subject, "action": {"name": "read"}, "resource": {"type": kind}});
    let at = async |path: &str, body: Value| good(&graph.post(path, body).await);
    let check = "/api/auth/check-permission";
    let found = objects_in(&good(&graph.objects(&format!("user:{who}"), "read", kind).await)).contains(object);
    let results = at("/access/v1/search/resource", search).await;
    let searched = results["results"].as_array().unwrap().iter().any(|result| result["id"] == id);
    let actions =
        at("/access/v1/search/action", json!({"subject": subject, "resource": {"type": kind, "id": id}})).await;
    let acts = actions["results"].as_array().unwrap().iter().any(|result| result["name"] == "read");
    vec![
        ("check", at(check, one.clone()).await["allowed"] == true),
        ("check by parts", at(check, by_parts).await["allowed"] == true),
        ("check by userId", at(check, by_user).await["allowed"] == true),
        ("batch", at(&format!("{check}/batch"), json!({"checks": [one]})).await["results"][0]["allowed"] == true),
        ("batch of one type", at(&format!("{check}/batch"), uniform).await["results"][id] == true),
        ("evaluation", at("/access/v1/evaluation", asked.clone()).await["decision"] == true),
        (
            "evaluations",
            at("/access/v1/evaluations", json!({"evaluations": [asked]})).await["evaluations"][0]["decision"] == true,
        ),
        ("list-objects", found),
        ("list-subjects", list_subjects(graph, object).await.contains(&who.to_owned())),
        ("resource search", searched),
        ("action search", acts),
    ]
}

async fn everywhere(graph: &Graph, who: &str, object: &str, wanted: bool) {
    for (place, is_allowed) in told(graph, who, object).await {
        assert_eq!(is_allowed, wanted, "{who} {object} by {place}");
    }
}

#[tokio::test]
async fn bug_class_what_another_system_calls_somebody_is_never_an_account_made_later() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    documents(&graph).await;
    let lines = [
        "doc:1#viewer@user:carol",
        "doc:2#viewer@user:carol@example.com",
        "doc:3#viewer@user:*",
        "doc:3#banned@user:carol",
        "doc:4#viewer@group:eng#member",
        "group:eng#member@user:carol",
    ];
    good(&graph.lines(&lines.map(str::to_owned)).await);
    let known = async || {
        for (who, object, wanted) in [
            ("carol", "doc:1", true),
            ("carol", "doc:2", false),
            ("carol@example.com", "doc:2", true),
            ("carol@example.com", "doc:1", false),
            ("carol", "doc:4", true),
        ] {
            everywhere(&graph, who, object, wanted).await;
        }
        // Everyone but who is banned: a list of subjects names nobody there.
        assert_eq!(graph.check("user:carol", "read", "doc:3").await, (false, String::from("no_tuple")));
    };
    known().await;
    let carol = person(&graph, "carol", true).await;
    good(&graph.post("/api/admin/groups", json!({"name": "eng"})).await);
    good(&graph.post("/api/admin/groups/eng/members", json!({"subject_id": "carol"})).await);
    known().await;
    for object in ["doc:1", "doc:2", "doc:4"] {
        everywhere(&graph, &carol, object, false).await;
    }
    // The ban was not hers either.
    assert!(graph.check(&format!("user:{carol}"), "read", "doc:3").await.0);
    let effective = good(&graph.admin.send(Method::GET, "/api/admin/users/carol/access", json!({})).await);
    let items = effective["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["entity_type"] != "doc" || item["entity_id"] == "3"), "{effective}");
}

#[tokio::test]
async fn what_a_person_writes_is_resolved_once_visibly_and_to_who_is_known_to_have_the_address() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    documents(&graph).await;
    let (carol, dan) = (person(&graph, "carol", true).await, person(&graph, "dan", false).await);
    let group = good(&graph.post("/api/admin/groups", json!({"name": "Back Office"})).await);
    let tuple = |kind: &str, id: &str| json!({"entity_type": "doc", "entity_id": "1", "relation": "viewer", "subject_type": kind, "subject_id": id});
    // Every way in which a person writes: the answer, and what it says of the subject.
    let ways = async |kind: &str, id: &str| {
        let one = tuple(kind, id);
        let line = format!("(doc, 1, viewer, {kind}, {id})");
        let many = graph.post("/api/admin/tuples", json!({"tuples": [one]})).await;
        let dry = graph.post("/api/admin/tuples/dry-run", json!({"add": [one]})).await;
        let member = json!({"subject_type": kind, "subject_id": id});
        [
            ("one", graph.post("/api/admin/tuples", one).await, ""),
            ("many", many, "/items/0"),
            ("member", graph.post("/api/admin/groups/Back Office/members", member).await, ""),
            ("dry run", dry, "/gained/0"),
            ("lines", graph.post("/api/admin/tuples/import", json!({"lines": [line], "names": true})).await, "lines"),
        ]
    };
    for (typed, kind) in [("carol@example.com", "email"), ("carol", "username"), ("CAROL@Example.com", "email")] {
        good(&graph.post("/api/admin/tuples/dry-run", json!({"add": [tuple("user", typed)]})).await);
        for (way, answer, at) in ways("user", typed).await {
            let body = good(&answer);
            match at {
                "lines" => assert_eq!((&body["resolved"], &body["names"]), (&json!(1), &json!(0)), "{way}"),
                "/gained/0" => assert_eq!(body["resolved"][0]["id"], carol, "{way}"),
                at => {
                    let told = body.pointer(at).unwrap();
                    assert_eq!(told["subject_id"], carol, "{way}");
                    assert_eq!(told["resolved"], json!({"typed": typed, "as": kind, "id": carol}), "{way}");
                }
            }
        }
    }
    // Nobody has shown that the address is Dan's: his name means nobody, and the answer says how to mean him.
    for typed in ["dan@example.com", "dan"] {
        for (way, answer, _) in ways("user", typed).await {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{way}: {}", answer.text);
            assert!(answer.text.contains(&dan), "{way}: {}", answer.text);
        }
    }
    for (way, answer, at) in ways("user", &dan).await {
        let body = good(&answer);
        assert!(body.pointer(at).is_none_or(|told| told["resolved"].is_null()), "{way}");
    }
    // A group by its name.
    let written = good(&graph.post("/api/admin/tuples", tuple("group", "Back Office")).await);
    assert_eq!((&written["subject_id"], &written["resolved"]["as"]), (&group["id"], &json!("group_name")));
    // Said to be an identifier, a name is none.
    let mut foreign = tuple("user", "carol");
    foreign["names"] = json!(false);
    let written = good(&graph.post("/api/admin/tuples", foreign).await);
    assert_eq!((&written["subject_id"], &written["resolved"]), (&json!("carol"), &Value::Null));
    // The same of a question, which also takes the name of somebody whose address nobody knows.
    let ask = async |id: &str, names: bool| {
        let body = json!({"subject_type": "user", "subject_id": id, "permission": "read", "entity_type": "doc",
            "entity_id": "1", "names": names});
        good(&graph.post("/api/admin/check", body).await)
    };
    assert_eq!(ask("carol", true).await["resolved"]["id"], carol);
    assert_eq!(ask("dan", true).await["resolved"], json!({"typed": "dan", "as": "username", "id": dan}));
    let as_it_is = ask("carol", false).await;
    assert_eq!((&as_it_is["subject_id"], &as_it_is["allowed"]), (&json!("carol"), &json!(true)));
}

#[tokio::test]
async fn a_name_that_goes_to_somebody_else_takes_no_grant_along() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    documents(&graph).await;
    let carol = person(&graph, "carol", true).await;
    let tuple = json!({"entity_type": "doc", "entity_id": "1", "relation": "viewer", "subject_type": "user", "subject_id": "carol"});
    good(&graph.post("/api/admin/tuples", tuple).await);
    let path = format!("/api/admin/users/{carol}");
    let renamed = json!({"username": "caroline", "email": "caroline@example.com", "email_verified": true});
    good(&graph.admin.send(Method::PATCH, &path, renamed).await);
    let other = person(&graph, "carol", true).await;
    assert!(graph.check(&format!("user:{carol}"), "read", "doc:1").await.0);
    assert!(!graph.check(&format!("user:{other}"), "read", "doc:1").await.0);
    everywhere(&graph, "carol", "doc:1", false).await;
}

#[tokio::test]
async fn a_removal_that_may_mean_two_tuples_removes_none() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    documents(&graph).await;
    good(&graph.lines(&[String::from("doc:1#viewer@user:ann"), String::from("doc:2#viewer@user:ann")]).await);
    let tuple = |id: &str, who: &str| json!({"entity_type": "doc", "entity_id": id, "relation": "viewer", "subject_type": "user", "subject_id": who});
    let mine = good(&graph.post("/api/admin/tuples", tuple("1", ANN)).await);
    let refused_one = graph.post("/api/admin/tuples/remove", tuple("1", "ann")).await;
    assert_eq!(refused(&refused_one).0, 400);
    assert!(refused_one.text.contains(text(&mine, "id")), "{}", refused_one.text);
    let path = format!("/api/admin/tuples/{}", text(&mine, "id"));
    good(&graph.admin.send(Method::DELETE, &path, json!({})).await);
    // One is left, and then the name means it.
    assert_eq!(good(&graph.post("/api/admin/tuples/remove", tuple("1", "ann")).await)["subject_id"], "ann");
    // With the account's alone, the name means that.
    good(&graph.post("/api/admin/tuples", tuple("1", ANN)).await);
    assert_eq!(
        good(&graph.post("/api/admin/tuples/remove", tuple("1", "ann")).await)["subject_id"],
        mine["subject_id"]
    );
    let mut as_it_is = tuple("2", "ann");
    as_it_is["names"] = json!(false);
    assert_eq!(good(&graph.post("/api/admin/tuples/remove", as_it_is).await)["subject_id"], "ann");
}

#[tokio::test]
async fn a_file_holds_identifiers_and_says_when_they_are_names_here_too() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    documents(&graph).await;
    let lines = ["doc:1#viewer@user:ann", "doc:1#viewer@user:ann@example.com", "doc:1#viewer@user:zoe"];
    let answer = good(&graph.lines(&lines.map(str::to_owned)).await);
    assert_eq!((&answer["written"], &answer["resolved"], &answer["names"]), (&json!(3), &json!(0), &json!(2)));
    let ann = graph.id_of(ANN).await;
    assert!(!graph.check(&format!("user:{ann}"), "read", "doc:1").await.0);
    let claims = payload(&home.app("wiki").tokens(&home.browser(), ANN, "openid").await.id);
    assert_eq!(claims["permissions"], json!({}));
    let doctor = good(&graph.admin.send(Method::GET, "/api/admin/doctor", json!({})).await);
    let finding = doctor["items"].as_array().unwrap().iter().find(|finding| finding["name"] == "names").unwrap();
    assert_eq!(finding["state"], "warn");
    assert!(text(finding, "message").contains("user:ann"), "{finding}");
}

#[tokio::test]
async fn a_grant_by_address_is_for_who_is_known_to_have_it() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    graph.model("shop:invoice", &json!({"relations": {"viewer": {}}})).await;
    let carol = person(&graph, "carol", true).await;
    person(&graph, "dan", false).await;
    let grant = async |member: &str, value: &str| {
        let body = json!({"entityTypeName": "invoice", "entityId": "1", "relation": "viewer", "subjectType": "user", member: value});
        graph.post("/api/internal/clients/shop/grants", body).await
    };
    assert_eq!(good(&grant("subjectEmail", "carol@example.com").await)["subjectId"], carol);
    assert_eq!(good(&grant("subjectId", &carol).await)["subjectId"], carol);
    for (member, value) in [("subjectEmail", "dan@example.com"), ("subjectEmail", "carol"), ("subjectId", "carol")] {
        assert_eq!(refusal(&grant(member, value).await), (404, String::from("subject_not_found")), "{value}");
    }
}

#[tokio::test]
async fn what_is_written_about_a_client_is_about_one_that_is_there() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    documents(&graph).await;
    let tuple = |id: &str| json!({"entity_type": "doc", "entity_id": "1", "relation": "viewer", "subject_type": "client", "subject_id": id});
    let answer = graph.post("/api/admin/tuples", tuple("billing")).await;
    assert_eq!(refused(&answer), (404, String::from("subject_not_found")));
    assert_eq!(graph.lines(&[String::from("doc:1#viewer@client:billing")]).await.status, StatusCode::BAD_REQUEST);
    good(&graph.post("/api/admin/tuples", tuple("robot")).await);
}

#[tokio::test]
async fn nobody_chooses_an_identifier_that_is_given_out_here() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let ann = graph.id_of(ANN).await;
    let begun =
        ["usr_x", "ses_x", "key_x", "grp_x", "tpl_x", "gnt_x", "kid_x", "inv_x", "aud_x", "req_x", "USR_x", &ann];
    for name in begun {
        let client = json!({"name": "X", "type": "m2m", "client_id": name});
        let declared = format!(
            "[{{\"client_id\":{name:?},\"type\":\"m2m\",\"client_secret\":\"a-secret-of-some-length\",\"grants\":[\"client_credentials\"]}}]"
        );
        let body = json!({"email": "x@example.com", "username": name});
        for (what, answer) in [
            ("client", graph.post("/api/admin/clients", client).await),
            ("user", graph.post("/api/admin/users", body.clone()).await),
            (
                "rename",
                graph.admin.send(Method::PATCH, &format!("/api/admin/users/{ann}"), json!({"username": name})).await,
            ),
            ("oneself", home.signed_in(ANN).await.call("/api/auth/update-user", &json!({"username": name})).await),
            ("free", home.browser().call("/api/auth/is-username-available", &json!({"username": name})).await),
            ("group", graph.post("/api/admin/groups", json!({"name": name})).await),
        ] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what} {name}: {}", answer.text);
        }
        assert!(config_mistakes(&declared).contains("client_id"), "{name}");
    }
    // Its own prefix a client may have.
    let own = json!({"name": "X", "type": "m2m", "client_id": "client_abc"});
    good(&graph.post("/api/admin/clients", own).await);
}

/// What is wrong with a configuration that declares these clients.
fn config_mistakes(clients: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_auther"));
    command.current_dir(folder.path()).env_clear().env("AUTHER_CLIENTS_JSON", clients).args(["config", "check"]);
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
