//! OpenID AuthZEN 1.0: the requests of its interop scenarios (`tests/data/authzen`, with their licences) over models of
//! our own, and what the standard says of lists, defaults and errors.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::Program;
use crate::graph::{Graph, good, refused};
use crate::harness::{ANN, Home, Response};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const SUBJECTS: &str = "/access/v1/search/subject";
const RESOURCES: &str = "/access/v1/search/resource";
const ACTIONS: &str = "/access/v1/search/action";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn set(results: &Value) -> BTreeSet<String> {
    let all: BTreeSet<String> = items(results).iter().map(Value::to_string).collect();
    assert_eq!(all.len(), items(results).len(), "something stands there twice: {results}");
    all
}

/// A user views records of their own and of their department, and a manager any; edits their own, and a manager any of
/// their department; deletes their own.
async fn search(graph: &Graph) {
    let department = json!({"adminBypass": false,
        "relations": {"member": {"subjects": ["user"]}, "manager": {"subjects": ["user"]}}});
    let record = json!({"adminBypass": false,
        "relations": {
            "owner": {"subjects": ["user"]},
            "auditor": {"subjects": ["user"]},
            "department": {"subjects": ["department"]},
            "viewer": {"anyOf": [{"relation": "owner"}, {"relation": "auditor"}, {"relation": "member", "from": "department"}]},
            "editor": {"anyOf": [{"relation": "owner"}, {"relation": "manager", "from": "department"}]}},
        "permissions": {"view": {"relation": "viewer"}, "edit": {"relation": "editor"}, "delete": {"relation": "owner"}}});
    graph.model("department", &department).await;
    graph.model("record", &record).await;
    let mut lines = Vec::new();
    for user in items(&parsed(include_str!("../data/authzen/search-users.json"))) {
        let [id, role, of] = ["id", "role", "department"].map(|name| user[name].as_str().unwrap());
        lines.push(format!("department:{of}#member@user:{id}"));
        if role == "manager" {
            lines.extend([format!("department:{of}#manager@user:{id}"), format!("record:*#auditor@user:{id}")]);
        }
    }
    for record in items(&parsed(include_str!("../data/authzen/search-records.json"))) {
        let [owner, of] = ["owner", "department"].map(|name| record[name].as_str().unwrap());
        let id = &record["id"];
        lines.push(format!("record:{id}#owner@user:{owner}"));
        lines.push(format!("record:{id}#department@department:{of}"));
    }
    good(&graph.lines(&lines).await);
}

#[tokio::test]
async fn every_search_of_the_search_scenario_finds_what_it_should() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    search(&graph).await;
    for (path, file, count) in [
        (SUBJECTS, include_str!("../data/authzen/search-subject.json"), 60),
        (RESOURCES, include_str!("../data/authzen/search-resource.json"), 18),
        (ACTIONS, include_str!("../data/authzen/search-action.json"), 120),
    ] {
        let file = parsed(file);
        assert_eq!(items(&file["evaluation"]).len(), count);
        for case in items(&file["evaluation"]) {
            let body = good(&graph.post(path, case["request"].clone()).await);
            assert_eq!(set(&body["results"]), set(&case["expected"]["results"]), "{path} {}", case["request"]);
            assert_eq!(body["page"], json!({"next_token": "", "count": items(&body["results"]).len()}));
        }
    }
}

#[tokio::test]
async fn what_a_search_finds_is_what_an_evaluation_allows() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    search(&graph).await;
    let file = parsed(include_str!("../data/authzen/search-action.json"));
    for case in items(&file["evaluation"]) {
        let mut body = case["request"].clone();
        body["evaluations"] = ["view", "edit", "delete"].map(|name| json!({"action": {"name": name}})).to_vec().into();
        let answers = good(&graph.post(EVALUATIONS, body).await);
        let allowed = set(&case["expected"]["results"]);
        for (name, answer) in ["view", "edit", "delete"].iter().zip(items(&answers["evaluations"])) {
            assert_eq!(answer["decision"], allowed.contains(&json!({ "name": name }).to_string()), "{name} {case}");
        }
    }
}

#[tokio::test]
async fn a_search_can_be_read_in_pages() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    search(&graph).await;
    let asked =
        json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "view"}, "resource": {"type": "record"}});
    let whole = set(&good(&graph.post(RESOURCES, asked.clone()).await)["results"]);
    let (mut found, mut token, mut pages) = (BTreeSet::new(), String::new(), 0);
    loop {
        let mut asked = asked.clone();
        asked["page"] = json!({"limit": 7, "token": token});
        let body = good(&graph.post(RESOURCES, asked).await);
        found.extend(set(&body["results"]));
        token = body["page"]["next_token"].as_str().unwrap().to_owned();
        pages += 1;
        if token.is_empty() {
            break;
        }
        assert_eq!(items(&body["results"]).len(), 7);
    }
    assert_eq!((found, pages), (whole, 3));
}

/// The people of the Todo scenario: subject, address, roles.
const PEOPLE: [(&str, &str, &[&str]); 5] = [
    ("CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "rick@the-citadel.com", &["admin", "evil_genius"]),
    ("CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "morty@the-citadel.com", &["editor"]),
    ("CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "summer@the-smiths.com", &["editor"]),
    ("CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "beth@the-smiths.com", &["viewer"]),
    ("CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs", "jerry@the-smiths.com", &["viewer"]),
];

/// Roles on all todos; `own` counts for those whose `ownerID` is the person's address, and is of use to editors alone.
async fn todo(graph: &Graph) {
    let roles = json!({"viewer": {}, "editor": {"includes": ["viewer"]}, "admin": {"includes": ["editor"]},
        "evil_genius": {"includes": ["editor"]}, "own": {"subjects": ["user"]},
        "owner": {"allOf": [{"relation": "editor"}, {"relation": "own"}]},
        "updater": {"anyOf": [{"relation": "owner"}, {"relation": "evil_genius"}]},
        "deleter": {"anyOf": [{"relation": "owner"}, {"relation": "admin"}]}});
    let permissions = json!({"can_read_todos": {"relation": "viewer"}, "can_create_todo": {"relation": "editor"},
        "can_update_todo": {"relation": "updater"}, "can_delete_todo": {"relation": "deleter"}});
    graph.model("todo", &json!({"relations": roles, "permissions": permissions})).await;
    let user = json!({"relations": {"reader": {}}, "permissions": {"can_read_user": {"relation": "reader"}}});
    graph.model("user", &user).await;
    let mut lines = Vec::new();
    for (id, address, roles) in PEOPLE {
        lines.push(format!("user:*#reader@user:{id}"));
        lines.extend(roles.iter().map(|role| format!("todo:*#{role}@user:{id}")));
        let condition = format!("return context.resource.ownerID == \"{address}\"");
        let own = json!({"entity_type": "todo", "entity_id": "*", "relation": "own", "subject_type": "user",
            "subject_id": id, "condition": condition});
        lines.push(own.to_string());
    }
    good(&graph.lines(&lines).await);
}

#[tokio::test]
async fn every_decision_of_the_todo_scenario_is_as_expected() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    todo(&graph).await;
    let file = parsed(include_str!("../data/authzen/todo-decisions.json"));
    assert_eq!((items(&file["evaluation"]).len(), items(&file["evaluations"]).len()), (40, 3));
    for case in items(&file["evaluation"]) {
        let body = good(&graph.post(EVALUATION, case["request"].clone()).await);
        assert_eq!(body["decision"], case["expected"], "{}: {body}", case["request"]);
    }
    for case in items(&file["evaluations"]) {
        let body = good(&graph.post(EVALUATIONS, case["request"].clone()).await);
        let decisions: Vec<Value> =
            items(&body["evaluations"]).iter().map(|one| json!({"decision": one["decision"]})).collect();
        assert_eq!(Value::from(decisions), case["expected"], "{}", case["request"]);
    }
}

#[tokio::test]
async fn searches_ask_policies_with_the_properties_of_the_request() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    todo(&graph).await;
    let of_morty = json!({"type": "todo", "id": "1", "properties": {"ownerID": PEOPLE[1].1}});
    let who = json!({"subject": {"type": "user"}, "action": {"name": "can_delete_todo"}, "resource": of_morty});
    let mut found = set(&good(&graph.post(SUBJECTS, who.clone()).await)["results"]);
    found.retain(|subject| !subject.contains("usr_"));
    let named = |index: usize| json!({"type": "user", "id": PEOPLE[index].0}).to_string();
    // The names of a JSON object come in their order.
    let sorted = |text: String| parsed(&text).to_string();
    assert_eq!(found, BTreeSet::from([sorted(named(0)), sorted(named(1))]));
    let what = json!({"subject": {"type": "user", "id": PEOPLE[1].0}, "resource": of_morty});
    let found = set(&good(&graph.post(ACTIONS, what).await)["results"]);
    let names = ["can_read_todos", "can_create_todo", "can_update_todo", "can_delete_todo"];
    assert_eq!(found, names.map(|name| json!({ "name": name }).to_string()).into());
    let of_somebody = json!({"subject": {"type": "user", "id": PEOPLE[1].0}, "resource": {"type": "todo", "id": "1"}});
    let found = set(&good(&graph.post(ACTIONS, of_somebody).await)["results"]);
    assert_eq!(found, names[..2].iter().map(|name| json!({ "name": name }).to_string()).collect());
}

#[tokio::test]
async fn the_metadata_name_every_endpoint_and_each_of_them_answers() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let metadata = home.browser().get("/.well-known/authzen-configuration").await;
    assert_eq!(metadata.status, StatusCode::OK);
    let metadata = metadata.json();
    assert_eq!(metadata["policy_decision_point"], home.origin);
    for (name, path) in [
        ("access_evaluation_endpoint", EVALUATION),
        ("access_evaluations_endpoint", EVALUATIONS),
        ("search_subject_endpoint", SUBJECTS),
        ("search_resource_endpoint", RESOURCES),
        ("search_action_endpoint", ACTIONS),
    ] {
        assert_eq!(metadata[name], home.url(path), "{name}");
        assert_eq!(graph.post(path, json!({})).await.status, StatusCode::BAD_REQUEST, "{path}");
        let nobody = Response::of(home.browser().http.post(home.url(path)).json(&json!({}))).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!nobody.header("www-authenticate").is_empty(), "{path}");
        assert_eq!(home.browser().get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

/// Alice views 101 and not 102 of these.
async fn two_documents(graph: &Graph) {
    graph.model("paper", &json!({"relations": {"viewer": {}}, "permissions": {"view": {"relation": "viewer"}}})).await;
    graph.write(&["paper:101#viewer@user:alice", "paper:103#viewer@user:alice", "paper:102#viewer@user:bob"]).await;
}

#[tokio::test]
async fn evaluations_stop_where_the_semantics_say() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    two_documents(&graph).await;
    let decisions = async |semantic: Option<&str>, ids: [&str; 3]| -> Vec<bool> {
        let papers: Vec<Value> = ids.iter().map(|id| json!({"resource": {"type": "paper", "id": id}})).collect();
        let mut body =
            json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "view"}, "evaluations": papers});
        if let Some(semantic) = semantic {
            body["options"] = json!({ "evaluations_semantic": semantic });
        }
        let body = good(&graph.post(EVALUATIONS, body).await);
        items(&body["evaluations"]).iter().map(|one| one["decision"].as_bool().unwrap()).collect()
    };
    let mixed = ["101", "102", "103"];
    assert_eq!(decisions(None, mixed).await, [true, false, true]);
    assert_eq!(decisions(Some("execute_all"), mixed).await, [true, false, true]);
    assert_eq!(decisions(Some("deny_on_first_deny"), mixed).await, [true, false]);
    assert_eq!(decisions(Some("permit_on_first_permit"), mixed).await, [true]);
    assert_eq!(decisions(Some("permit_on_first_permit"), ["102", "102", "101"]).await, [false, false, true]);
    assert_eq!(decisions(Some("deny_on_first_deny"), ["101", "103", "101"]).await, [true, true, true]);
}

#[tokio::test]
async fn what_an_evaluation_lacks_is_taken_from_the_whole() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    two_documents(&graph).await;
    let (alice, bob) = (json!({"type": "user", "id": "alice"}), json!({"type": "user", "id": "bob"}));
    let paper = |id: &str| json!({"type": "paper", "id": id});
    let body = json!({"subject": alice, "action": {"name": "view"}, "resource": paper("101"), "evaluations": [
        {}, {"subject": bob}, {"resource": paper("102")}, {"subject": bob, "resource": paper("102")}, {"action": {"name": "burn"}},
    ]});
    let answers = good(&graph.post(EVALUATIONS, body.clone()).await);
    let decisions: Vec<bool> =
        items(&answers["evaluations"]).iter().map(|one| one["decision"].as_bool().unwrap()).collect();
    assert_eq!(decisions, [true, false, false, true, false]);
    assert_eq!(answers["evaluations"][4]["context"]["reason"], "no_permission");
    // Without evaluations it is one evaluation, and is answered as such.
    for none in [json!(null), json!([])] {
        let mut one = body.clone();
        one["evaluations"] = none.clone();
        if none.is_null() {
            one.as_object_mut().unwrap().remove("evaluations");
        }
        let answer = good(&graph.post(EVALUATIONS, one).await);
        assert_eq!((&answer["decision"], answer.get("evaluations")), (&json!(true), None));
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_a_denial_is_an_answer() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    two_documents(&graph).await;
    let whole = json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "view"}, "resource": {"type": "paper", "id": "102"}});
    let denied = graph.post(EVALUATION, whole.clone()).await;
    assert_eq!((denied.status, &denied.json()["decision"]), (StatusCode::OK, &json!(false)));
    for part in ["subject", "action", "resource"] {
        for wrong in [
            json!(null),
            json!("text"),
            json!({}),
            json!({"type": "", "id": "", "name": ""}),
            json!({"type": 1, "id": 2, "name": 3}),
        ] {
            let mut body = whole.clone();
            body[part] = wrong;
            let answer = graph.post(EVALUATION, body.clone()).await;
            assert_eq!(refused(&answer), (400, String::from("invalid_request")), "{body}");
            assert!(answer.json()["message"].as_str().unwrap().contains(part), "{}", answer.text);
        }
    }
    for (member, wrong) in [("evaluations", json!("all")), ("options", json!({"evaluations_semantic": "maybe"}))] {
        let mut body = whole.clone();
        body["evaluations"] = json!([{}]);
        body[member] = wrong;
        assert_eq!(refused(&graph.post(EVALUATIONS, body).await).0, 400, "{member}");
    }
    let mut many = whole.clone();
    many["evaluations"] = vec![json!({}); 1_001].into();
    assert_eq!(refused(&graph.post(EVALUATIONS, many).await).0, 400);
    let text = home.browser().http.post(home.url(EVALUATION)).bearer_auth(&graph.admin.token);
    let text = Response::of(text.header("content-type", "application/json").body("{")).await;
    assert_eq!(refused(&text), (400, String::from("invalid_request")));
    // Who may not ask about others asks about themselves.
    let ann = Program::of(&home, ANN).await;
    let ask = async |body: &Value| ann.send(Method::POST, EVALUATION, body.clone()).await;
    assert_eq!(refused(&ask(&whole).await), (403, String::from("forbidden")));
    let mut herself = whole.clone();
    herself["subject"]["id"] = json!(graph.id_of(ANN).await);
    assert_eq!(ask(&herself).await.json()["decision"], false);
    graph.write(&["paper:102#viewer@user:ann@example.com"]).await;
    assert_eq!(ask(&herself).await.json()["decision"], true);
    for (path, body) in [
        (
            SUBJECTS,
            json!({"subject": {"type": "user"}, "action": {"name": "view"}, "resource": {"type": "paper", "id": "101"}}),
        ),
        (
            RESOURCES,
            json!({"subject": {"type": "user", "id": "bob"}, "action": {"name": "view"}, "resource": {"type": "paper"}}),
        ),
        (ACTIONS, json!({"subject": {"type": "user", "id": "bob"}, "resource": {"type": "paper", "id": "101"}})),
    ] {
        assert_eq!(refused(&ann.send(Method::POST, path, body).await), (403, String::from("forbidden")), "{path}");
    }
}

#[tokio::test]
async fn a_question_that_is_too_large_is_an_error_of_its_own_evaluation() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let folder = json!({"relations": {"parent": {"subjects": ["folder"]},
        "viewer": {"anyOf": [{"direct": true}, {"relation": "viewer", "from": "parent"}]}}});
    graph.model("folder", &folder).await;
    let mut lines: Vec<String> = (0..40).map(|depth| format!("folder:{depth}#parent@folder:{}", depth + 1)).collect();
    lines.push(String::from("folder:40#viewer@user:alice"));
    good(&graph.lines(&lines).await);
    let body = json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "viewer"}, "evaluations": [
        {"resource": {"type": "folder", "id": "0"}}, {"resource": {"type": "folder", "id": "39"}},
    ]});
    let answers = good(&graph.post(EVALUATIONS, body).await);
    let first = &answers["evaluations"][0];
    assert_eq!((&first["decision"], &first["context"]["error"]["code"]), (&json!(false), &json!("limit_reached")));
    assert_eq!(answers["evaluations"][1]["decision"], true);
    let alone = json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "viewer"}, "resource": {"type": "folder", "id": "0"}});
    assert_eq!(refused(&graph.post(EVALUATION, alone).await), (422, String::from("limit_reached")));
    // So it is in the other batches.
    const BATCH: &str = "/api/auth/check-permission/batch";
    let uniform =
        json!({"userId": "alice", "entityType": "folder", "permission": "viewer", "entityIds": ["0", "39", "x"]});
    let answers = good(&graph.post(BATCH, uniform).await);
    assert_eq!(answers["results"], json!({"0": false, "39": true, "x": false}));
    assert_eq!(
        (&answers["errors"]["0"]["error"], answers["errors"].as_object().unwrap().len()),
        (&json!("limit_reached"), 1)
    );
    let of = |id: &str| json!({"userId": "alice", "entityType": "folder", "permission": "viewer", "entityId": id});
    let answers = good(&graph.post(BATCH, json!({"checks": [of("0"), of("39")]})).await);
    assert_eq!(
        (&answers["results"][0]["allowed"], &answers["results"][0]["error"]),
        (&json!(false), &json!("limit_reached"))
    );
    assert_eq!(answers["results"][1]["allowed"], true);
    let few = json!({"userId": "alice", "entityType": "folder", "permission": "viewer", "entityIds": ["39"]});
    assert_eq!(good(&graph.post(BATCH, few).await), json!({"results": {"39": true}}));
}

#[tokio::test]
async fn the_name_of_a_request_comes_back_with_its_answer() {
    let home = Home::new().await;
    for (path, is_kept) in [(EVALUATION, true), ("/api/auth/check-permission", false)] {
        let request = home.browser().http.post(home.url(path)).header("x-request-id", "bfe9eb29-ab87").json(&json!({}));
        let answer = Response::of(request).await;
        let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(id == "bfe9eb29-ab87", is_kept, "{path}: {id}");
    }
}
