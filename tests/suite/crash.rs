//! The real binary, killed at any moment: what it said yes to is there, and nothing is half there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::PASSWORD;
use crate::harness::process::{admin, auther, create_user, json_of, serve};

const ROUNDS: usize = 15;
const WRITERS: usize = 4;

fn client() -> Client {
    Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

async fn sign_in(http: &Client, origin: &str) -> String {
    let body = json!({"email": "root@example.com", "password": PASSWORD});
    let answer = http.post(format!("{origin}/api/auth/sign-in/email")).json(&body).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["token"].as_str().unwrap().to_owned()
}

/// Makes people one after another; answers those whose making was acknowledged.
async fn write(http: Client, origin: String, token: String, name: String, count: Arc<AtomicUsize>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let email = format!("{name}-{number}@example.com");
        let body = json!({"email": email, "username": format!("{name}-{number}"), "name": "x".repeat(100)});
        let request = http.post(format!("{origin}/api/admin/users")).bearer_auth(&token).json(&body);
        match request.send().await {
            Ok(answer) if answer.status() == 201 => {
                acknowledged.push(email);
                count.fetch_add(1, Ordering::SeqCst);
            }
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => break,
        }
    }
    acknowledged
}

/// Serves, writes from several connections, kills once `after` writes were acknowledged; answers what was, and how long
/// opening took.
async fn round(folder: &Path, number: usize, after: usize) -> (Vec<String>, Duration) {
    let begin = Instant::now();
    let (mut server, origin) = serve(folder);
    let opening = begin.elapsed();
    let http = client();
    let token = sign_in(&http, &origin).await;
    let count = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let name = format!("r{number}w{writer}");
            tokio::spawn(write(http.clone(), origin.clone(), token.clone(), name, count.clone()))
        })
        .collect();
    while count.load(Ordering::SeqCst) < after {
        tokio::task::yield_now().await;
    }
    server.0.kill().unwrap();
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    server.0.wait().unwrap();
    (acknowledged, opening)
}

/// Every person there is, and for each that name and address lead to the same record.
async fn people(folder: &Path) -> Vec<String> {
    let (_server, origin) = serve(folder);
    let http = client();
    let token = sign_in(&http, &origin).await;
    let get = async |place: String| -> Value {
        let answer = http.get(format!("{origin}/api/admin/{place}")).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{place}");
        answer.json().await.unwrap()
    };
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = get(format!("users?limit=200{next}")).await;
        for user in page["items"].as_array().unwrap() {
            found.push(user["email"].as_str().unwrap().to_owned());
            if let Some(username) = user["username"].as_str() {
                assert_eq!(get(format!("users/{username}")).await["id"], user["id"], "its index entries are whole");
            }
        }
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => break found,
        }
    }
}

#[tokio::test]
async fn t51_what_was_acknowledged_survives_kill_9_at_any_moment() {
    auther::serve::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    assert!(create_user(folder.path(), "root@example.com", &["--admin"]).status.success());
    let (mut acknowledged, mut openings) = (Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        let (written, opening) = round(folder.path(), number, 1 + (number * 7) % 23).await;
        acknowledged.extend(written);
        openings.push(opening);
    }
    openings.sort();
    assert!(openings[ROUNDS / 2] < Duration::from_secs(2), "opening after a crash: {openings:?}");
    let mut found = people(folder.path()).await;
    let total = found.len();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), total, "nobody is there twice");
    for email in &acknowledged {
        assert!(found.binary_search(email).is_ok(), "{email} was acknowledged");
    }
    let most = acknowledged.len() + ROUNDS * WRITERS + 1;
    assert!((acknowledged.len() + 1..=most).contains(&total), "{total} of {}", acknowledged.len());
    let file = folder.path().join("auther.redb");
    let copy = folder.path().join("copy");
    let made = json_of(&admin(folder.path(), &["backup", "create", copy.to_str().unwrap()]));
    let verified = json_of(&admin(folder.path(), &["backup", "verify", copy.to_str().unwrap()]));
    assert_eq!(made["sha256"], verified["sha256"]);
    assert!(file.exists());
}

#[tokio::test]
async fn a_command_says_the_same_with_the_server_running_and_stopped() {
    auther::serve::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let made = json_of(&create_user(folder.path(), "ann@example.com", &["--name", "Ann", "--admin"]));
    let words =
        ["client", "create", "--name", "Wiki", "--type", "web", "--redirect-uri", "https://wiki.example.com/cb"];
    let app = json_of(&admin(folder.path(), &words));
    assert!(app["client_secret"].as_str().unwrap().len() > 20);
    let lists = [
        &["user", "list"][..],
        &["client", "list"],
        &["session", "list"],
        &["user", "show", "ann@example.com"],
        &["ca"],
    ];
    let stopped: Vec<Value> = lists.iter().map(|words| json_of(&admin(folder.path(), words))).collect();
    let (server, origin) = serve(folder.path());
    let mut running: Vec<Value> = lists.iter().map(|words| json_of(&admin(folder.path(), words))).collect();
    // The one difference is meant: this server was told to speak plain HTTP, so that it has no page with the CA.
    assert_eq!(running[4]["url"], Value::Null);
    running[4]["url"] = stopped[4]["url"].clone();
    assert_eq!(stopped, running);
    assert_eq!(stopped[0]["items"][0]["id"], made["id"]);
    let wrong_stopped = admin(folder.path(), &["user", "show", "nobody"]);
    assert_eq!(wrong_stopped.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&wrong_stopped.stderr).unwrap();
    assert!(error["error"]["code"].is_string(), "{error}");
    assert_eq!(client().get(format!("{origin}/healthz")).send().await.unwrap().status(), 200);
    let second = auther(folder.path()).args(["--tls", "off", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&second.stderr).trim().lines().count(), 1, "one line says why");
    drop(server);
    assert_eq!(admin(folder.path(), &["user", "nonsense"]).status.code(), Some(2));
}

#[tokio::test]
async fn commands_write_beside_a_server_that_writes() {
    auther::serve::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    assert!(create_user(folder.path(), "root@example.com", &["--admin"]).status.success());
    let (mut server, origin) = serve(folder.path());
    let http = client();
    let token = sign_in(&http, &origin).await;
    let (count, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn(write(http, origin, token, String::from("api"), count.clone()));
    let (place, done) = (folder.path().to_owned(), stop.clone());
    let commands = tokio::task::spawn_blocking(move || {
        for number in 0..5 {
            assert!(create_user(&place, &format!("cli-{number}@example.com"), &[]).status.success());
        }
        done.store(true, Ordering::SeqCst);
    });
    commands.await.unwrap();
    assert!(stop.load(Ordering::SeqCst));
    server.0.kill().unwrap();
    let acknowledged = writer.await.unwrap();
    server.0.wait().unwrap();
    let found = people(folder.path()).await;
    assert!(acknowledged.iter().all(|email| found.contains(email)));
    assert!((0..5).all(|number| found.contains(&format!("cli-{number}@example.com"))));
}

#[test]
fn a_command_that_sees_no_configuration_leaves_declared_clients_alone() {
    let folder = tempfile::tempdir().unwrap();
    let declared = "[[clients]]\nclient_id = \"declared\"\nname = \"Declared\"\ntype = \"spa\"\n\
                    redirect_uris = [\"https://app.example.com/cb\"]\n";
    let config = folder.path().join("auther.toml");
    std::fs::write(&config, declared).unwrap();
    drop(serve(folder.path()));
    std::fs::remove_file(&config).unwrap();
    let list = json_of(&admin(folder.path(), &["client", "list"]));
    assert_eq!(list["items"][0]["client_id"], "declared");
    drop(serve(folder.path()));
    let list = json_of(&admin(folder.path(), &["client", "list"]));
    assert_eq!(list["items"], json!([]), "a server that no longer declares it withdraws it");
}
