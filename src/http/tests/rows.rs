//! What each kind of caller can write into the data file: every table, flooded by everybody who reaches it, with the
//! limits on attempts switched off. The same table stands in docs/security.md.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::config::Registration;
use crate::store::rows::{codes, grants, sessions};
use crate::store::schema::TABLES;

/// The most rows of each table that the flood below may leave. Tables that nobody there reaches have their few.
const BOUNDS: &[(&str, u64)] = &[
    ("meta", 2),
    ("expiry", 2_500),
    ("audit", 1_500),
    ("certificates", 0),
    ("clients", 2),
    ("codes", 500),
    ("consents", 10),
    ("consents_by_client", 10),
    ("grants", 500),
    ("grants_by_client", 500),
    ("grants_by_session", 500),
    ("grants_by_user", 500),
    ("installation", 10),
    ("invites", 0),
    ("links", 0),
    ("marks", 150),
    ("refresh_tokens", 600),
    ("sessions", 120),
    ("sessions_by_user", 120),
    ("sign_in_failures", 0),
    ("signing_keys", 10),
    ("users", 70),
    ("users_by_email", 70),
    ("users_by_username", 70),
    ("api_keys", 10),
    ("api_keys_by_owner", 10),
    ("api_keys_by_client", 10),
    ("evaluations", 60),
    ("groups", 10),
    ("groups_by_name", 10),
    ("models", 5),
    ("policy_versions", 141),
    ("tuples", 30),
    ("tuples_by_id", 30),
    ("tuples_by_subject", 30),
    ("authorize_failures", 20),
    ("sign_in_hours", 40),
    ("policies_switched_off", 0),
    ("recent_sign_ins", 2),
    ("scripts", 10),
    ("codes_by_user", 500),
    ("refresh_tokens_by_grant", 600),
    ("policy_versions_gone", 60),
    ("interactions", 600),
    ("change_counts", 1),
    ("outbox", 0),
    ("outbox_by_due", 0),
    ("authentications", 0),
    ("authentications_by_user", 0),
    ("links_by_user", 0),
];

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

impl Desk {
    fn count(&self, table: &'static str) -> u64 {
        self.site.home.cx().read().unwrap().count(table).unwrap()
    }

    async fn rows_of(&self, action: &str) -> Vec<Value> {
        // What nobody waits for is written before this is.
        self.site.home.cx().store().write(|_| Ok::<_, crate::store::Error>(())).await.unwrap();
        let answer = self.get(&format!("audit?action={action}&limit=500")).await;
        answer.json()["items"].as_array().unwrap().clone()
    }

    async fn from(&self, address: &str, request: TestRequest) -> TestResponse {
        let peer: SocketAddr = address.parse().unwrap();
        (self.site.call)(request.peer_addr(peer)).await
    }

    async fn as_shop(&self, secret: &str, method: Method, path: &str, body: Value) -> TestResponse {
        let request = TestRequest::default().method(method).uri(path).set_json(body);
        self.site.send(request.insert_header(("authorization", basic("shop", secret)))).await
    }
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("{id}:{secret}").as_bytes()))
}

/// An installation with an app that people sign in to, and one with objects of its own; the secret of that one.
async fn flooded() -> (Desk, String) {
    let site = Site::with(|parts| {
        parts.settings.rate_limit.enabled = false;
        parts.settings.registration = Registration::Open;
    })
    .await;
    crate::oauth::keys::tick(&site.home.cx(), &crate::records::Algorithm::ALL).await.unwrap();
    let desk = Desk::of(site, "root@example.com").await;
    desk.site.client(true).await;
    let shop = NewClient {
        name: Some(String::from("Shop")),
        kind: Some(crate::records::ClientType::M2m),
        client_id: Some(String::from("shop")),
        ..NewClient::default()
    };
    let shop = register(&desk.site.home.cx(), &shop).await.unwrap();
    let policy = format!("return context.n >= 0 --{}", "x".repeat(9_000));
    desk.model(
        "shop:invoice",
        json!({"relations": {"viewer": {}}, "permissions": {"read": {"relation": "viewer", "policyEngine": "lua", "policy": policy}}}),
    )
    .await;
    (desk, shop.secret.unwrap().expose().clone())
}

/// Bad credentials of clients, names that nobody has, accounts, requests in the name of an app, keys: from one network.
async fn strangers(desk: &Desk) {
    for n in 0..2_000_u32 {
        let address = format!("[2001:db8:1:{:x}::{n:x}]:4711", n % 700);
        let request = TestRequest::post().uri("/api/auth/oauth2/token");
        let request = request.insert_header(("authorization", basic(if n % 2 == 0 { "shop" } else { "nobody" }, "x")));
        desk.from(&address, request.set_form([("grant_type", "client_credentials")])).await;
    }
    for n in 0..400_u32 {
        let body = json!({"email": format!("nobody{n}@example.com"), "password": "wrong password"});
        desk.from("198.51.100.7:1", TestRequest::post().uri("/api/auth/sign-in/email").set_json(body)).await;
        let body = json!({"email": format!("new{n}@example.com"), "password": PASSWORD, "name": "N"});
        desk.from("198.51.100.8:1", TestRequest::post().uri("/api/auth/sign-up/email").set_json(body)).await;
        let uri =
            format!("/oauth2/authorize?client_id=grafana&response_type=code&redirect_uri=https%3A%2F%2Fx{n}.example");
        desk.from("198.51.100.9:1", TestRequest::get().uri(&uri)).await;
        let key = format!("ak_{n:026}_{:043}", n);
        let request = TestRequest::post().uri("/api/auth/api-key/exchange").insert_header(("x-api-key", key));
        desk.from("198.51.100.9:1", request).await;
    }
}

/// Sessions, codes and what they become, one's own account and keys, and calls that one may not make.
async fn person(desk: &Desk) -> (String, String) {
    desk.site.person("ann@example.com", &[]).await;
    let mut token = String::new();
    for _ in 0..130 {
        token = desk.site.token("ann@example.com").await;
        desk.site.home.advance(Duration::from_millis(500));
    }
    let cookie = format!("__Host-auther_session={token}");
    let mut refresh = String::new();
    for n in 0..560 {
        let uri = format!(
            "/oauth2/authorize?client_id=grafana&response_type=code&scope=openid%20offline_access&state=s\
             &redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&code_challenge={CHALLENGE}&code_challenge_method=S256"
        );
        let answer = desk.site.send(TestRequest::get().uri(&uri).insert_header(("cookie", cookie.clone()))).await;
        let code = answer.location().split("code=").nth(1).unwrap_or_else(|| panic!("{}", answer.body));
        let code = code.split('&').next().unwrap().to_owned();
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "grafana"),
            ("code", &*code),
            ("redirect_uri", "https://app.example.com/cb"),
            ("code_verifier", VERIFIER),
        ];
        let answer = desk.site.send(TestRequest::post().uri("/oauth2/token").set_form(fields)).await;
        assert_eq!(answer.status, StatusCode::OK, "{n}: {}", answer.body);
        refresh = answer.json()["refresh_token"].as_str().unwrap_or_default().to_owned();
        desk.site.home.advance(Duration::from_millis(20));
    }
    for n in 0..150 {
        let name = json!({"name": format!("Ann {n}")});
        desk.send(&token, Method::POST, "/api/auth/update-user", name).await;
        let made = desk.send(&token, Method::POST, "/api/auth/api-key/create", json!({"name": "k"})).await.json();
        let gone = json!({"keyId": made["id"]});
        desk.send(&token, Method::POST, "/api/auth/api-key/delete", gone).await;
        for path in ["users", "clients", "groups"] {
            assert_eq!(desk.call_as(&token, Method::GET, path).await.status, StatusCode::FORBIDDEN);
        }
    }
    (token, refresh)
}

/// Refreshing, revoking, writing grants with conditions, and asking.
async fn client(desk: &Desk, secret: &str, mut refresh: String) {
    for n in 0..160 {
        let fields = [("grant_type", "refresh_token"), ("client_id", "grafana"), ("refresh_token", &*refresh)];
        let answer = desk.site.send(TestRequest::post().uri("/oauth2/token").set_form(fields)).await;
        assert_eq!(answer.status, StatusCode::OK, "{n}: {}", answer.body);
        refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
        desk.site.home.advance(Duration::from_millis(100));
    }
    for n in 0..120 {
        let send = async |path: &str, name: &str, value: &str| {
            let request = TestRequest::post().uri(path).insert_header(("authorization", basic("shop", secret)));
            desk.site.send(request.set_form([(name, value)])).await
        };
        let token = send("/oauth2/token", "grant_type", "client_credentials").await.json();
        let token = token["access_token"].as_str().unwrap().to_owned();
        assert_eq!(send("/oauth2/revoke", "token", &token).await.status, StatusCode::OK);
        let grant = json!({"entityTypeName": "invoice", "entityId": (n % 7).to_string(), "relation": "viewer", "subjectType": "user",
            "subjectEmail": "ann@example.com", "condition": format!("return context.n ~= {n}")});
        let made = desk.as_shop(secret, Method::POST, "/api/internal/clients/shop/grants", grant).await;
        assert!(made.status.is_success(), "{}", made.body);
        if n % 2 == 0 {
            let id = made.json()["tupleId"].as_str().unwrap().to_owned();
            let path = format!("/api/internal/clients/shop/grants/{id}");
            desk.as_shop(secret, Method::DELETE, &path, json!({})).await;
        }
    }
    for n in 0..1_500 {
        let question = json!({"userId": "ann@example.com", "permission": "read", "entityType": "shop:invoice", "entityId": "policed",
            "context": {"n": n, "filler": "x".repeat(3_000)}});
        let answer = desk.as_shop(secret, Method::POST, "/api/auth/check-permission", question).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    crate::access::evaluations::flush(&desk.site.home.cx()).await.unwrap();
}

async fn key(desk: &Desk, token: &str) {
    let made = desk.send(token, Method::POST, "/api/auth/api-key/create", json!({"name": "machine"})).await.json();
    let key = made["key"].as_str().unwrap().to_owned();
    for _ in 0..200 {
        let request = TestRequest::post().uri("/api/auth/api-key/exchange").insert_header(("x-api-key", key.clone()));
        desk.site.send(request).await;
        let request = TestRequest::get().uri("/api/admin/users").insert_header(("x-api-key", key.clone()));
        desk.site.send(request).await;
    }
}

/// Groups that come and go, by somebody who may only do that.
async fn lesser_administrator(desk: &Desk) {
    let token = desk.lesser("gil@example.com", &[("groups", "admin")]).await;
    for n in 0..150 {
        let name = json!({"name": format!("g{n}")});
        assert_eq!(desk.send(&token, Method::POST, "/api/admin/groups", name).await.status, StatusCode::CREATED);
        let path = format!("/api/admin/groups/g{n}");
        assert_eq!(desk.send(&token, Method::DELETE, &path, json!({})).await.status, StatusCode::OK);
        assert_eq!(desk.call_as(&token, Method::GET, "users").await.status, StatusCode::FORBIDDEN);
    }
}

#[actix_web::test]
async fn what_every_kind_of_caller_can_write_has_a_bound_in_every_table() {
    let (desk, secret) = flooded().await;
    strangers(&desk).await;
    // In the middle of the flood somebody known is refused for the first time, and it is told.
    let calm = desk.lesser("cal@example.com", &[]).await;
    assert_eq!(desk.call_as(&calm, Method::GET, "users").await.status, StatusCode::FORBIDDEN);
    assert_eq!(desk.rows_of("access.refuse").await.len(), 1);
    assert_eq!(desk.rows_of("client.authenticate").await.len(), 30, "of one /48");
    assert_eq!(desk.rows_of("user.sign_up").await.len(), 61, "of each account, and that there were too many");
    let (token, refresh) = person(&desk).await;
    desk.tuple("shop:invoice policed viewer user ann@example.com").await;
    client(&desk, &secret, refresh).await;
    key(&desk, &token).await;
    lesser_administrator(&desk).await;
    // What an administrator does is there to the last row.
    assert_eq!(desk.rows_of("group.delete").await.len(), 150);
    let found: Vec<(&str, u64)> = TABLES.iter().map(|table| (*table, desk.count(table))).collect();
    for (table, count) in &found {
        let bound = BOUNDS.iter().find(|(name, _)| name == table).map(|(_, bound)| *bound);
        assert!(bound.is_some_and(|bound| *count <= bound), "{table} holds {count}: {found:?}");
    }
    assert_eq!(desk.count("codes"), codes::PER_PERSON as u64);
    assert_eq!(desk.count("grants"), grants::PER_PERSON as u64);
    // Of a person, of the administrators here, and of those who signed in once.
    assert!(desk.count("sessions") <= sessions::PER_PERSON as u64 + 5);
    // An hour later, what no row could tell is told.
    desk.site.home.advance(Duration::from_hours(1));
    crate::audit::tell_left_out(&desk.site.home.cx()).await.unwrap();
    let summed: Vec<_> = desk.rows_of("audit.left_out").await;
    assert!(summed.iter().any(|row| row["target"] == "client.authenticate"), "{summed:?}");
}

#[test]
fn every_table_stands_in_the_documentation_with_who_writes_it_and_its_bound() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md")).unwrap();
    let section = page.split("## What can be written, and how much").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    for table in TABLES {
        let row = section.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{table}`")));
        let row = row.unwrap_or_else(|| panic!("{table} has no row in docs/security.md"));
        assert!(row.split('|').filter(|cell| !cell.trim().is_empty()).count() >= 3, "{row}");
    }
    assert_eq!(BOUNDS.len(), TABLES.len());
}
