//! Requests that nearly fit, over every route, against the real binary: none of them makes it fail, stop, or keep
//! memory.
//!
//! `AUTHER_MUTATIONS=200000` sends more than the few of a test run. What is sent follows from a seed, so a failure can
//! be repeated with `AUTHER_MUTATIONS_SEED`. Start reading at [`no_mutated_request_makes_the_server_fail`].

mod bodies;
mod chance;
mod wire;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::PASSWORD;
use crate::harness::process::{admin, create_user, json_of, log_of, serve};

use chance::Chance;
use wire::Wire;

/// Every route of the program; a unit test keeps the list whole.
const ROUTES: &str = include_str!("../../data/routes.txt");

/// Requests of an ordinary run.
const REQUESTS: usize = 12_000;

/// Connections at once.
const CONNECTIONS: usize = 6;

/// After so many requests a connection makes sure that its credentials work again: some requests end them.
const REFRESH: usize = 400;

/// How much more memory the process may have at the end than after the first third, when its caches are warm, in KiB.
const GROWTH: u64 = 64 * 1024;

const ROOT: &str = "root@example.com";
const ANN: &str = "ann@example.com";

/// Who asks, and with what.
#[derive(Clone, Debug, Default)]
struct Credentials {
    root: String,
    ann: String,
    key: String,
    client: String,
}

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Memory of a process in KiB, where the system tells it.
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// People, an app, a type, a group and some tuples.
fn furnish(folder: &Path) {
    let run = |words: &[&str]| json_of(&admin(folder, words));
    json_of(&create_user(folder, ROOT, &["--admin", "--verified"]));
    json_of(&create_user(folder, ANN, &["--username", "ann", "--verified"]));
    let callback = "https://wiki.example.com/cb";
    let wiki = [
        &["client", "create", "--name", "Wiki", "--type", "web", "--client-id", "wiki", "--redirect-uri", callback][..],
        &["--grant", "authorization_code", "--grant", "refresh_token", "--grant", "client_credentials"],
    ]
    .concat();
    run(&wiki);
    run(&["group", "create", "--name", "Staff"]);
    run(&["group", "add-member", "Staff", ANN]);
    let model = json!({"relations": {"owner": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"read": {"relation": "viewer"},
            "pay": {"relation": "owner", "policyEngine": "lua", "policy": "return context.resource.amount < 10"}}});
    let file = folder.join("model.json");
    fs::write(&file, model.to_string()).unwrap();
    run(&["model", "put", "doc", "--file", file.to_str().unwrap()]);
    run(&["tuple", "add", "doc", "1", "owner", "user", ANN]);
    run(&["tuple", "add", "doc", "*", "viewer", "group", "Staff"]);
}

/// Puts right what requests may have ended, and signs in anew.
async fn refreshed(http: &Client, origin: &str, name: &str) -> Credentials {
    let sign_in = async |email: &str| {
        let body = json!({"email": email, "password": PASSWORD});
        let answer = http.post(format!("{origin}/api/auth/sign-in/email")).header("origin", origin).json(&body);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        answer["token"].as_str().unwrap_or_default().to_owned()
    };
    let root = sign_in(ROOT).await;
    assert!(!root.is_empty(), "the administrator can sign in");
    let say = async |path: &str, body: Value| {
        let request = http.post(format!("{origin}/api/admin/{path}")).bearer_auth(&root).json(&body);
        request.send().await.unwrap().json::<Value>().await.unwrap_or_default()
    };
    // Each may fail because all is well.
    say("users", json!({"email": ANN, "username": "ann", "password": PASSWORD})).await;
    say(&format!("users/{ANN}/enable"), json!({})).await;
    say(&format!("users/{ANN}/password"), json!({"password": PASSWORD})).await;
    if say("clients/wiki/enable", json!({})).await["client_id"].is_null() {
        let wiki = json!({"client_id": "wiki", "name": "Wiki", "type": "web", "redirect_uris": ["https://wiki.example.com/cb"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"]});
        say("clients", wiki).await;
    }
    say("groups", json!({"name": "Staff"})).await;
    let robot = json!({"client_id": name, "name": name, "type": "m2m"});
    let secret = match say("clients", robot).await["client_secret"].as_str() {
        Some(secret) => secret.to_owned(),
        None => {
            say(&format!("clients/{name}/rotate-secret"), json!({})).await["client_secret"].to_string().replace('"', "")
        }
    };
    let client = data_encoding::BASE64.encode(format!("{name}:{secret}").as_bytes());
    let key = say("api-keys", json!({"name": "Nightly", "expires_in": 3600})).await;
    let key = key["key"].as_str().unwrap_or_default().to_owned();
    Credentials { ann: sign_in(ANN).await, root, key, client }
}

/// Sends `share` mutated requests over one connection.
async fn hammer(origin: String, share: usize, seed: u64, sent: Arc<AtomicUsize>) -> Vec<String> {
    let http = Client::builder().no_proxy().build().unwrap();
    let routes: Vec<(&str, &str)> = ROUTES.lines().filter_map(|line| line.split_once(' ')).collect();
    let mut chance = Chance::new(seed);
    let mut wire = Wire::new(origin.strip_prefix("http://").unwrap());
    let mut credentials = Credentials::default();
    let mut faults = Vec::new();
    for number in 0..share {
        if number % REFRESH == 0 {
            credentials = refreshed(&http, &origin, &format!("robot-{seed}")).await;
        }
        let (method, pattern) = *chance.one_of(&routes);
        // A debug build takes seconds for an RSA key.
        if pattern == "/api/admin/keys/rotate" && !chance.once_in(100) {
            continue;
        }
        let request = bodies::request(&mut chance, &credentials, method, pattern);
        sent.fetch_add(1, Ordering::Relaxed);
        match wire.exchange(&request).await {
            Ok(answer) if answer.status < 500 => {}
            // Too much at once is told as such, and when to come back.
            Ok(answer) if answer.status == 503 && answer.head.contains("\r\nretry-after: ") => {}
            Ok(answer) => faults.push(format!("{}\n\n{}", wire::readable(&request), answer.head)),
            Err(error) => faults.push(format!("{}\n\n{error}", wire::readable(&request))),
        }
        assert!(faults.len() < 20, "{}", faults.join("\n\n"));
    }
    faults
}

/// The lines of a log that tell of a fault of the program itself.
fn failures(log: &str) -> String {
    let tells = |line: &&str| line.contains("panicked") || line.contains(" internal ") || line.contains("src/");
    log.lines().filter(tells).take(20).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn no_mutated_request_makes_the_server_fail() {
    auther::serve::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let (mut server, origin) = serve(folder.path());
    // The first key takes a debug build some seconds.
    let http = Client::builder().no_proxy().build().unwrap();
    while http.get(format!("{origin}/readyz")).send().await.unwrap().status() != 200 {
        tokio::task::yield_now().await;
    }
    let (requests, seed) = (number("AUTHER_MUTATIONS", REQUESTS), number("AUTHER_MUTATIONS_SEED", 1));
    let sent = Arc::new(AtomicUsize::new(0));
    let pid = server.0.id();
    let mut sizes = Vec::new();
    let mut faults = Vec::new();
    for third in 0..3 {
        let mut hands = Vec::new();
        for hand in 0..CONNECTIONS {
            let seed = (seed * 1_000 + third * CONNECTIONS + hand) as u64;
            let share = requests / 3 / CONNECTIONS;
            hands.push(tokio::spawn(hammer(origin.clone(), share, seed, sent.clone())));
        }
        for hand in hands {
            faults.extend(hand.await.unwrap());
        }
        sizes.push(resident(pid));
    }
    let log = fs::read_to_string(log_of(folder.path())).unwrap_or_default();
    assert!(faults.is_empty(), "{}\n\n{}", faults.join("\n\n"), failures(&log));
    assert!(server.0.try_wait().unwrap().is_none(), "the server is still there");
    assert!(!log.contains("panicked"), "{}", failures(&log));
    assert!(sent.load(Ordering::Relaxed) > requests * 9 / 10);
    if let [Some(warm), .., Some(end)] = sizes[..] {
        println!("{} requests; {warm} KiB after a third of them, {end} KiB at the end", sent.load(Ordering::Relaxed));
        assert!(end < warm + GROWTH, "memory: {sizes:?} KiB");
    }
}
