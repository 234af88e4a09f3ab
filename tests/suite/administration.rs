//! What administrators are told about themselves, the configuration, what happened, and how the installation is.

use std::time::Duration;

use auther::config::{self, Environment, Overrides};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{Program, text};
use crate::graph::{Graph, good, refused};
use crate::harness::{ADMIN, ANN, BOB, Home, Response};

async fn get(program: &Program, path: &str) -> Response {
    program.send(Method::GET, &format!("/api/admin/{path}"), json!({})).await
}

/// Lets a person have a relation to all objects of a type of the platform.
async fn give(graph: &Graph, entity_type: &str, relation: &str, subject: &str) {
    let tuple = json!({"entity_type": entity_type, "entity_id": "*", "relation": relation, "subject_type": "user",
        "subject_id": subject});
    good(&graph.post("/api/admin/tuples", tuple).await);
}

fn items(answer: &Response) -> Vec<Value> {
    good(answer)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn everybody_learns_who_they_are_and_which_rights_they_hold() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let me = good(&get(&graph.admin, "me").await);
    assert_eq!((&me["kind"], &me["email"], &me["is_admin"]), (&json!("user"), &json!(ADMIN), &json!(true)));
    let rights = me["rights"].as_array().unwrap();
    for right in ["view on users", "manage_platform on platform", "update on tuples", "view on settings"] {
        assert!(rights.contains(&json!(right)), "{right}");
    }
    let ann = Program::of(&home, ANN).await;
    let me = good(&get(&ann, "me").await);
    assert_eq!((&me["email"], &me["is_admin"], &me["rights"]), (&json!(ANN), &json!(false), &json!([])));
    give(&graph, "users", "viewer", ANN).await;
    assert_eq!(good(&get(&ann, "me").await)["rights"], json!(["view on users"]));
}

#[tokio::test]
async fn a_machine_is_told_who_it_is_and_a_stranger_or_an_app_is_not() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    let key = ann.key(json!({"name": "Nightly"})).await;
    let me = |credential: fn(reqwest::RequestBuilder, &str) -> reqwest::RequestBuilder, secret: String| {
        let request = home.browser().http.get(home.url("/api/admin/me"));
        async move { Response::of(credential(request, &secret)).await }
    };
    let machine = good(&me(|request, key| request.header("x-api-key", key), text(&key, "key").to_owned()).await);
    assert_eq!((&machine["kind"], &machine["id"], &machine["name"]), (&json!("key"), &key["id"], &json!("Nightly")));
    assert_eq!((&machine["email"], &machine["rights"]), (&Value::Null, &json!([])));
    assert_eq!(me(|request, _| request, String::new()).await.status, StatusCode::UNAUTHORIZED);
    let browser = home.signed_in(ADMIN).await;
    let tokens = home.app("wiki").tokens(&browser, ADMIN, "openid").await;
    assert_eq!(me(|request, token| request.bearer_auth(token), tokens.access).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn settings_say_where_they_come_from_and_show_no_secret() {
    let home = Home::with(|settings| {
        let folder = settings.data.parent().unwrap().to_owned();
        std::fs::write(folder.join("auther.toml"), "registration = \"invite\"\n").unwrap();
        let variables = [
            ("AUTHER_AUDIT_KEEP_DAYS", "30"),
            ("AUTHER_SMTP_HOST", "mail.example.com"),
            ("AUTHER_SMTP_FROM", "auther@example.com"),
            ("AUTHER_SMTP_USERNAME", "auther"),
            ("AUTHER_SMTP_PASSWORD", "hunter2-hunter2"),
        ];
        let flags = Overrides { tls: Some(String::from("off")), ..Overrides::default() };
        let environment: Environment = variables.into_iter().collect();
        settings.origins = config::load(&flags, &environment, &folder).unwrap().settings.origins;
    })
    .await;
    let graph = Graph::of(&home).await;
    let answer = get(&graph.admin, "settings").await;
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    let all = items(&answer);
    assert_eq!(all.len(), config::schema::KEYS.len());
    let find = |key: &str| all.iter().find(|item| item["key"] == key).unwrap();
    for (key, value, origin) in [
        ("registration", json!("invite"), "file"),
        ("audit.keep_days", json!(30), "environment"),
        ("tls.mode", json!("off"), "flag"),
        ("tokens.access_seconds", json!(3600), "default"),
        ("smtp.password", json!("(set)"), "environment"),
        ("master_key", Value::Null, "default"),
        ("issuer", json!(home.origin), "default"),
    ] {
        assert_eq!((&find(key)["value"], &find(key)["origin"]), (&value, &json!(origin)), "{key}");
    }
    assert!(text(find("registration"), "place").ends_with("auther.toml:1"));
    assert_eq!((&find("registration")["reloadable"], &find("listen")["reloadable"]), (&json!(true), &json!(false)));
    assert_eq!(
        (&find("smtp.password")["secret"], &find("tls.mode")["variable"]),
        (&json!(true), &json!("AUTHER_TLS_MODE"))
    );
    let ann = Program::of(&home, ANN).await;
    assert_eq!(refused(&get(&ann, "settings").await), (403, String::from("forbidden")));
    give(&graph, "settings", "viewer", ANN).await;
    assert_eq!(get(&ann, "settings").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_log_is_narrowed_by_every_filter_and_refuses_what_is_none() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let start = home.now();
    let wrong = json!({"email": BOB, "password": "not the password"});
    home.browser().call("/api/auth/sign-in/email", &wrong).await;
    home.advance(Duration::from_secs(60)).await;
    let ann = Program::of(&home, ANN).await;
    let id = ann.id().await;
    let later = home.now();
    let log = async |query: &str| items(&get(&graph.admin, &format!("audit?{query}")).await);
    let actions =
        |rows: &[Value]| rows.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(actions(&log("result=failure").await), ["user.sign_in"]);
    assert!(log("result=success").await.iter().all(|row| row["outcome"] == "success"));
    let of_ann = log(&format!("actor={ANN}")).await;
    assert!(!of_ann.is_empty() && of_ann.iter().all(|row| row["actor"] == json!(id)));
    assert_eq!(log(&format!("search={}", id.to_uppercase())).await, log(&format!("search={ANN}")).await);
    assert!(log("search=SIGN_IN").await.len() >= 3);
    assert!(log("search=nothing-like-it").await.is_empty());
    let recent = log(&format!("since={later}")).await;
    assert!(!recent.is_empty() && recent.iter().all(|row| row["at"] == json!(later.rfc3339())));
    let (old, all) = (log(&format!("until={later}")).await, log("").await);
    assert_eq!(old.len() + recent.len(), all.len(), "no row is in both, none in neither");
    assert!(log(&format!("until={start}")).await.iter().all(|row| text(row, "at") < start.rfc3339().as_str()));
    let mut turned = log(&format!("until={later}&order=asc")).await;
    turned.reverse();
    assert_eq!(turned, old);
    assert_eq!(log(&format!("since={later}&order=asc")).await.len(), recent.len());
    for wrong in ["result=maybe", "until=tomorrow", "since=1", "search=a&search=b"] {
        assert_eq!(refused(&get(&graph.admin, &format!("audit?{wrong}")).await).0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn who_reads_the_log_and_not_people_finds_nobody_by_address() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    give(&graph, "audit", "viewer", BOB).await;
    Program::of(&home, ANN).await;
    let bob = Program::of(&home, BOB).await;
    assert!(items(&get(&bob, &format!("audit?actor={ANN}")).await).is_empty());
    assert!(!items(&get(&graph.admin, &format!("audit?actor={ANN}")).await).is_empty());
}

#[tokio::test]
async fn the_overview_counts_sign_ins_by_the_hour_and_shows_each_part_to_who_may_see_it() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let before = good(&get(&graph.admin, "overview").await);
    for password in ["wrong password", "another wrong one"] {
        let wrong = json!({"email": BOB, "password": password});
        home.browser().call("/api/auth/sign-in/email", &wrong).await;
    }
    home.advance(Duration::from_secs(2 * 60 * 60)).await;
    let ann = Program::of(&home, ANN).await;
    let day = good(&get(&graph.admin, "overview?period=24h").await);
    let hours = day["per_hour"].as_array().unwrap();
    assert_eq!((hours.len(), &hours[23]["ok"], &hours[21]["failed"]), (24, &json!(1), &json!(2)));
    assert_eq!(hours[23]["at"], "2026-01-31T14:00:00.000Z");
    let ok = before["sign_ins"]["ok"].as_u64().unwrap();
    assert_eq!(day["sign_ins"], json!({"ok": ok + 1, "failed": 2}));
    assert_eq!(day["counts"]["sessions"].as_u64(), before["counts"]["sessions"].as_u64().map(|count| count + 1));
    assert_eq!(good(&get(&graph.admin, "overview?period=30d").await)["per_hour"].as_array().unwrap().len(), 720);
    assert_eq!(day["recent"][0]["action"], "user.sign_in");
    assert!(day["checklist"].as_array().unwrap().iter().any(|step| step["done"] == true));
    assert!(day["checklist"].as_array().unwrap().iter().all(|step| text(step, "href").starts_with("/admin/")));
    assert_eq!(refused(&get(&graph.admin, "overview?period=1y").await).0, 400);
    assert_eq!(refused(&get(&ann, "overview").await).0, 403);
    let graph = Graph::of(&home).await;
    give(&graph, "users", "viewer", ANN).await;
    let part = good(&get(&ann, "overview").await);
    assert_eq!((&part["counts"]["users"], &part["counts"]["clients"]), (&day["counts"]["users"], &Value::Null));
    assert_eq!((&part["sign_ins"], &part["recent"], &part["keys"]), (&Value::Null, &json!([]), &json!([])));
    assert_eq!((&part["per_hour"], &part["checklist"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn what_is_counted_for_the_overview_goes_with_the_log() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    home.advance(Duration::from_secs(400 * 24 * 60 * 60)).await;
    assert_eq!(refused(&get(&graph.admin, "overview").await).0, 401, "the session has ended");
    let hours = auther::store::rows::sign_ins::latest(&home.cx().read().unwrap(), home.cx().tenant.id, 10).unwrap();
    assert!(hours.is_empty(), "{hours:?}");
}

#[tokio::test]
async fn the_doctor_examines_a_server_and_is_for_who_may_see_settings() {
    let home = Home::with(|settings| settings.trusted_proxies = vec!["0.0.0.0/0".parse().unwrap()]).await;
    let graph = Graph::of(&home).await;
    let all = items(&get(&graph.admin, "doctor").await);
    let state = |name: &str| text(all.iter().find(|item| item["name"] == name).unwrap(), "state").to_owned();
    assert_eq!((state("data_file"), state("file_permissions")), ("ok".into(), "ok".into()));
    assert_eq!((state("trusted_proxies"), state("rate_limit")), ("fail".into(), "fail".into()));
    assert_eq!((state("clock"), state("administrator"), state("backup")), ("ok".into(), "ok".into(), "warn".into()));
    for item in &all {
        assert_eq!(item["state"] == "ok", item["fix"].is_null(), "{item}");
    }
    assert_eq!(refused(&get(&Program::of(&home, ANN).await, "doctor").await).0, 403);
}
