//! API keys from the outside: made, listed, exchanged, refused.

use std::time::Duration;

use auther::base::Moment;
use auther::crypto::jose::{self, Expectation, SignatureAlgorithm, TypRule, VerifyingKey};
use auther::identity::users;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANN, BOB, Browser, Home, Response, payload};

const DAY: u64 = 86_400;

/// A person with a session token, as a program uses it.
pub struct Program {
    pub browser: Browser,
    pub token: String,
    origin: String,
}

impl Program {
    pub async fn of(home: &Home, who: &str) -> Self {
        let browser = home.browser();
        browser.sign_in(who).await;
        let token = browser.session_token();
        Self { browser: home.browser(), token, origin: home.origin.clone() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        let request = self.browser.http.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token);
        Response::of(request.json(&body)).await
    }

    /// Sends a text as JSON, whatever it is.
    pub async fn send_text(&self, method: Method, path: &str, body: String) -> Response {
        let request = self.browser.http.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token);
        Response::of(request.header("content-type", "application/json").body(body)).await
    }

    pub async fn post(&self, name: &str, body: Value) -> Response {
        self.send(Method::POST, &format!("/api/auth/api-key/{name}"), body).await
    }

    pub async fn get(&self, name: &str) -> Response {
        self.send(Method::GET, &format!("/api/auth/api-key/{name}"), json!({})).await
    }

    /// Whose session it is.
    pub async fn id(&self) -> String {
        let request = self.browser.http.get(format!("{}/api/auth/get-session", self.origin)).bearer_auth(&self.token);
        text(&Response::of(request).await.json()["user"], "id").to_owned()
    }

    /// A new key; it is made.
    pub async fn key(&self, body: Value) -> Value {
        let answer = self.post("create", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }
}

pub async fn exchange(home: &Home, key: &str) -> Response {
    let request = home.browser().http.post(home.url("/api/auth/api-key/exchange")).json(&json!({ "apiKey": key }));
    Response::of(request).await
}

pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

/// Status and code of a refusal, which has nothing but the members of its dialect.
pub fn refusal(answer: &Response) -> (u16, String) {
    let body = answer.json();
    assert!(body["message"].as_str().is_some_and(|message| message.len() > 5), "{body}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    (answer.status.as_u16(), text(&body, "error").to_owned())
}

#[tokio::test]
async fn the_request_of_the_documentation_makes_a_key_that_works() {
    let home = Home::new().await;
    let admin = Program::of(&home, ADMIN).await;
    let key = admin.key(json!({"name": "CI/CD Pipeline Key", "expiresIn": 2_592_000})).await;
    assert!(text(&key, "key").starts_with("ak_live_") && text(&key, "id").starts_with("key_"), "{key}");
    assert!(text(&key, "key").starts_with(text(&key, "start")));
    assert_eq!(key["expiresAt"], home.now().plus(Duration::from_secs(2_592_000)).rfc3339());
    let wanted = json!({"name": "CI/CD Pipeline Key", "prefix": "ak_live_", "enabled": true, "refillInterval": null,
        "refillAmount": null, "lastRefillAt": null, "rateLimitEnabled": false, "rateLimitTimeWindow": null,
        "rateLimitMax": null, "requestCount": 0, "remaining": null, "lastRequest": null, "permissions": null,
        "metadata": {}, "createdAt": home.now().rfc3339(), "updatedAt": home.now().rfc3339()});
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&key[name.as_str()], value, "{name}");
    }
    let list = admin.get("list").await.json();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &key["id"]));
    assert!(list[0].get("key").is_none());
    let one = admin.get(&format!("get?id={}", text(&key, "id"))).await.json();
    assert_eq!((&one["userId"], one.get("key")), (&key["userId"], None));
    assert_eq!(exchange(&home, text(&key, "key")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_is_exchanged_for_a_token_that_the_published_keys_verify() {
    let home = Home::new().await;
    let admin = Program::of(&home, ADMIN).await;
    let key = admin.key(json!({"name": "CI"})).await;
    let answer = exchange(&home, text(&key, "key")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    let body = answer.json();
    assert_eq!((&body["tokenType"], &body["expiresIn"]), (&json!("Bearer"), &json!(900)));
    let end = home.now().plus(Duration::from_secs(900));
    assert_eq!(body["expiresAt"], Moment::from_seconds(end.seconds()).rfc3339());
    // What Python 3.10 and older read: exactly three digits, and an offset in the place of `Z`.
    let python = text(&body, "expiresAt").replace('Z', "+00:00");
    assert_eq!((python.len(), &python[19..20], &python[23..]), (29, ".", "+00:00"));
    assert_eq!(body.as_object().unwrap().len(), 4);

    let token = text(&body, "token");
    let header = jose::peek_header(token).unwrap();
    assert_eq!((&*header.alg, header.typ.as_deref()), ("RS256", Some("JWT")));
    let jwks = home.browser().get("/api/auth/jwks").await.json();
    let jwk = jwks["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"].as_str() == header.kid.as_deref()).unwrap();
    let verifier = VerifyingKey::from_public_jwk(jwk.as_object().unwrap()).unwrap();
    let algorithms = [SignatureAlgorithm::RS256];
    let expect = Expectation { algorithms: &algorithms, typ: TypRule::OneOf(&["JWT"]), max_bytes: jose::MAX_BYTES };
    let claims = Value::Object(jose::verify(token, &verifier, &expect).unwrap().claims);
    for (name, value) in [
        ("iss", json!(home.origin)),
        ("aud", json!(home.origin)),
        ("sub", key["userId"].clone()),
        ("scope", json!("api_key_exchange")),
        ("apiKeyId", key["id"].clone()),
        ("act", json!({"sub": key["id"]})),
        ("permissions", json!({})),
        ("abac_required", json!({})),
        ("iat", json!(home.now().seconds())),
        ("exp", json!(home.now().seconds() + 900)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() > 16) && claims.get("client_id").is_none());
    let by_header =
        home.browser().http.post(home.url("/api/auth/api-key/exchange")).header("x-api-key", text(&key, "key"));
    assert_eq!(Response::of(by_header).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_of_a_client_gets_the_audiences_of_the_client() {
    let home = Home::new().await;
    let admin = Program::of(&home, ADMIN).await;
    let key = admin.key(json!({"name": "robot", "clientId": "robot"})).await;
    let claims = payload(text(&exchange(&home, text(&key, "key")).await.json(), "token"));
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!("https://reports.example.com"), &json!("robot")));
    let key = admin.key(json!({"name": "shop", "clientId": "shop", "expiresIn": DAY})).await;
    home.advance(Duration::from_secs(DAY - 60)).await;
    let body = exchange(&home, text(&key, "key")).await.json();
    let claims = payload(text(&body, "token"));
    assert_eq!(claims["aud"], json!(["https://api.example.com", "https://stock.example.com"]));
    assert_eq!((&body["expiresIn"], claims["exp"].as_i64()), (&json!(60), Some(home.now().seconds() + 60)));
}

#[tokio::test]
async fn who_manages_a_client_binds_keys_to_it_and_nobody_else() {
    let home = Home::new().await;
    let (admin, ann) = (Program::of(&home, ADMIN).await, Program::of(&home, ANN).await);
    let bind = async |client: &str| ann.post("create", json!({"name": "k", "clientId": client})).await;
    let give = async |method: Method, client: &str, relation: &str| {
        let tuple = json!({"entity_type": "oauth_client", "entity_id": client, "relation": relation,
            "subject_type": "user", "subject_id": ANN});
        let path = if method == Method::POST { "/api/admin/tuples" } else { "/api/admin/tuples/remove" };
        let answer = admin.send(Method::POST, path, tuple).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    };
    let refused = (403, String::from("forbidden"));
    assert_eq!(refusal(&bind("robot").await), refused);
    // Neither who uses a client nor who may do everything inside it manages it, and one client is not another.
    give(Method::POST, "robot", "use").await;
    give(Method::POST, "robot", "full_access").await;
    give(Method::POST, "shop", "owner").await;
    for client in ["robot", "nobody"] {
        let answer = bind(client).await;
        assert_eq!(refusal(&answer), refused);
        assert_eq!(answer.json()["code"], "CLIENT_NOT_MANAGED");
    }
    give(Method::POST, "robot", "admin").await;
    let key = bind("robot").await.json();
    assert_eq!((&key["clientId"], &key["userId"].as_str()), (&json!("robot"), &Some(&*ann.id().await)));
    let claims = payload(text(&exchange(&home, text(&key, "key")).await.json(), "token"));
    assert_eq!(claims["client_id"], "robot");
    // Notes that name a client are for those who manage that one.
    let note = async |notes: Value| ann.post("update", json!({"keyId": key["id"], "metadata": notes})).await.status;
    for notes in [json!({"oauth_client_id": "wiki"}), json!({"oauth_client_id": 1}), json!({"access_level": "scoped"})]
    {
        assert_eq!(note(notes).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(note(json!({"oauth_client_id": "robot", "access_level": "scoped"})).await, StatusCode::OK);
    // Managing a client gives no say over the limits of keys, nor over whose they are.
    let limits = json!({"name": "k", "clientId": "robot", "remaining": 5});
    assert_eq!(refusal(&ann.post("create", limits).await), refused);
    give(Method::DELETE, "robot", "admin").await;
    assert_eq!(refusal(&bind("robot").await), refused);
}

#[tokio::test]
async fn a_key_that_does_not_work_is_refused_in_the_words_of_the_dialect() {
    let home = Home::new().await;
    let (admin, ann) = (Program::of(&home, ADMIN).await, Program::of(&home, ANN).await);
    let refused = async |key: &str, code: &str| {
        let answer = exchange(&home, key).await;
        assert_eq!((refusal(&answer), answer.json()["code"].as_str()), ((401, "invalid_api_key".into()), Some(code)));
        assert!(!answer.header("www-authenticate").is_empty());
    };
    refused("ak_live_xxxxxxxxxxxx", "KEY_NOT_FOUND").await;
    let key = ann.key(json!({"name": "k", "expiresIn": DAY})).await;
    let (id, secret) = (text(&key, "id"), text(&key, "key"));
    refused(&secret[..secret.len() - 1], "KEY_NOT_FOUND").await;
    // A file read with its line end, a variable with its quotes: that there is no such key would be another thing.
    for mistaken in [format!("{secret}\n"), format!(" {secret}"), format!("\"{secret}\""), secret.to_uppercase()] {
        let said = exchange(&home, &mistaken).await.json();
        assert!(said["message"].as_str().unwrap().contains("a line end at one of its ends"), "{said}");
    }
    ann.post("update", json!({"keyId": id, "enabled": false})).await;
    refused(secret, "KEY_DISABLED").await;
    ann.post("update", json!({"keyId": id, "enabled": true})).await;
    let owner = key["userId"].as_str().unwrap().parse().unwrap();
    users::disable(&home.cx(), &owner).await.unwrap();
    refused(secret, "KEY_DISABLED").await;
    users::enable(&home.cx(), &owner).await.unwrap();
    assert_eq!(exchange(&home, secret).await.status, StatusCode::OK);
    home.advance(Duration::from_secs(DAY)).await;
    refused(secret, "KEY_EXPIRED").await;
    let ann = Program::of(&home, ANN).await;
    assert_eq!(ann.get("list").await.json()[0]["expired"], true, "it stays to be seen");
    let swept = ann.post("delete-all-expired-api-keys", json!({})).await.json();
    assert_eq!(swept, json!({"success": true, "error": null, "deleted": 1}));
    refused(secret, "KEY_NOT_FOUND").await;
    let elsewhere = ann.key(json!({"name": "k", "networks": ["10.0.0.0/8"]})).await;
    assert_eq!(refusal(&exchange(&home, text(&elsewhere, "key")).await), (403, String::from("forbidden")));
    let at_home = ann.key(json!({"name": "k", "networks": ["127.0.0.1"]})).await;
    assert_eq!(exchange(&home, text(&at_home, "key")).await.status, StatusCode::OK);
    let revoked = text(&at_home, "id");
    let path = format!("/api/admin/api-keys/{revoked}");
    let answer = admin.send(Method::DELETE, &path, json!({})).await;
    assert_eq!((answer.status, &answer.json()["deleted"]), (StatusCode::OK, &json!(true)));
    refused(text(&at_home, "key"), "KEY_NOT_FOUND").await;
}

#[tokio::test]
async fn an_exchange_says_what_is_missing() {
    let home = Home::new().await;
    let url = home.url("/api/auth/api-key/exchange");
    let http = home.browser().http;
    let send = async |body: Value| refusal(&Response::of(http.post(&url).json(&body)).await);
    assert_eq!(send(json!({})).await, (400, "missing_api_key".into()));
    assert_eq!(send(json!({"apiKey": ""})).await, (400, "missing_api_key".into()));
    assert_eq!(send(json!({"apiKey": 1})).await, (400, "invalid_request".into()));
    assert_eq!(send(json!({"apiKey": "x", "permissions": ["read"]})).await, (400, "invalid_request".into()));
    let two = http.post(&url).header("x-api-key", "one").header("x-api-key", "two").json(&json!({}));
    assert_eq!(refusal(&Response::of(two).await), (400, "invalid_request".into()));
    let two = http.post(&url).header("x-api-key", "one").json(&json!({"apiKey": "two"}));
    assert_eq!(refusal(&Response::of(two).await), (400, "invalid_request".into()));
    let form = http.post(&url).header("content-type", "text/plain").body("x");
    assert_eq!(Response::of(form).await.status.as_u16(), 415);
    let nothing = home.browser().get("/api/auth/api-key/nothing").await;
    assert_eq!((nothing.status.as_u16(), &nothing.json()["error"]), (404, &json!("not_found")));
    assert_eq!(home.browser().get("/api/auth/api-key/exchange").await.status.as_u16(), 405);
}

#[tokio::test]
async fn limits_of_use_hold() {
    let home = Home::new().await;
    let admin = Program::of(&home, ADMIN).await;
    let limited = admin.key(json!({"name": "k", "rateLimitMax": 2, "rateLimitTimeWindow": 10_500})).await;
    let secret = text(&limited, "key");
    assert_eq!(limited["rateLimitEnabled"], true);
    for _ in 0..2 {
        assert_eq!(exchange(&home, secret).await.status, StatusCode::OK);
    }
    let answer = exchange(&home, secret).await;
    assert_eq!(refusal(&answer), (429, String::from("rate_limited")));
    assert_eq!((answer.header("retry-after"), &answer.json()["details"]["tryAgainIn"]), ("11", &json!(10_500)));
    home.advance(Duration::from_millis(10_500)).await;
    assert_eq!(exchange(&home, secret).await.status, StatusCode::OK);

    let counted = admin.key(json!({"name": "k", "remaining": 3})).await;
    let tries = (0..64).map(|_| exchange(&home, text(&counted, "key")));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 3);
    let refused = answers.iter().find(|answer| answer.status != StatusCode::OK).unwrap();
    assert_eq!((refusal(refused), &refused.json()["code"]), ((429, "rate_limited".into()), &json!("USAGE_EXCEEDED")));
}

#[tokio::test]
async fn t38_nobody_reaches_another_persons_key_by_naming_it() {
    let home = Home::new().await;
    let (admin, ann, bob) =
        (Program::of(&home, ADMIN).await, Program::of(&home, ANN).await, Program::of(&home, BOB).await);
    let key = ann.key(json!({"name": "ann's"})).await;
    let (id, owner) = (text(&key, "id"), text(&key, "userId"));
    for who in [&bob, &admin] {
        for answer in [
            who.get(&format!("get?id={id}")).await,
            who.post("update", json!({"keyId": id, "name": "mine"})).await,
            who.post("delete", json!({"keyId": id})).await,
        ] {
            assert_eq!(
                (refusal(&answer), &answer.json()["code"]),
                ((404, "not_found".into()), &json!("KEY_NOT_FOUND"))
            );
        }
    }
    for body in [
        json!({"name": "k", "userId": owner}),
        json!({"name": "k", "remaining": 5}),
        json!({"name": "k", "refillAmount": 1, "refillInterval": 60_000}),
        json!({"name": "k", "rateLimitEnabled": false}),
        json!({"name": "k", "rateLimitMax": 1}),
        json!({"name": "k", "permissions": {"files": ["read"]}}),
    ] {
        assert_eq!(refusal(&bob.post("create", body.clone()).await), (403, "forbidden".into()), "{body}");
    }
    assert_eq!(bob.get("list").await.json(), json!([]));
    let given = admin.key(json!({"name": "for ann", "userId": owner})).await;
    assert_eq!(given["userId"], owner);
    assert_eq!(ann.get("list").await.json().as_array().unwrap().len(), 2);
    assert_eq!(ann.post("delete", json!({"keyId": id})).await.json(), json!({"success": true}));
    assert_eq!(ann.get("list").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn t39_metadata_are_notes() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    for metadata in
        [json!({"oauth_client_id": "wiki"}), json!({"access_level": "full_access"}), json!("text"), json!([1])]
    {
        let answer = ann.post("create", json!({"name": "k", "metadata": metadata})).await;
        assert_eq!(refusal(&answer), (400, String::from("invalid_request")));
        assert_eq!(answer.json()["fields"][0]["field"], "metadata");
    }
    let notes = json!({"team": "ci", "role": "admin", "client_id": "wiki", "permissions": {"*": ["*"]}});
    let key = ann.key(json!({"name": "k", "metadata": notes})).await;
    assert_eq!(key["metadata"], notes);
    let claims = payload(text(&exchange(&home, text(&key, "key")).await.json(), "token"));
    assert_eq!((&claims["permissions"], claims.get("client_id"), claims.get("roles")), (&json!({}), None, None));
    let changed = ann.post("update", json!({"keyId": key["id"], "metadata": {}, "name": "n", "expiresIn": DAY})).await;
    let changed = changed.json();
    assert_eq!((&changed["metadata"], &changed["name"], &changed["version"]), (&json!({}), &json!("n"), &json!(2)));
    let for_ever = ann.post("update", json!({"keyId": key["id"], "expiresIn": null})).await.json();
    assert_eq!(for_ever["expiresAt"], Value::Null);
}

#[tokio::test]
async fn t40_what_cannot_be_is_refused_with_every_mistake() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    assert_eq!(refusal(&ann.post("create", json!({})).await), (400, "missing_fields".into()));
    assert_eq!(refusal(&ann.post("create", json!({"name": null})).await), (400, "missing_fields".into()));
    assert_eq!(refusal(&ann.post("update", json!({"name": "x"})).await), (400, "missing_fields".into()));
    assert_eq!(refusal(&ann.post("delete", json!({})).await), (400, "missing_fields".into()));
    assert_eq!(refusal(&ann.get("get").await), (400, "missing_fields".into()));
    for body in [
        json!({"name": "x".repeat(101)}),
        json!({"name": ["k"]}),
        json!({"name": "k", "expiresIn": 86_399}),
        json!({"name": "k", "expiresIn": 315_360_001}),
        json!({"name": "k", "expiresIn": -1}),
        json!({"name": "k", "expiresIn": "1d"}),
        json!({"name": "k", "prefix": ""}),
        json!({"name": "k", "prefix": "a b"}),
        json!({"name": "k", "prefix": "x".repeat(33)}),
        json!({"name": "k", "networks": ["everywhere"]}),
        json!({"name": "k", "colour": "red"}),
    ] {
        assert_eq!(refusal(&ann.post("create", body.clone()).await), (400, "invalid_request".into()), "{body}");
    }
    let both = ann.post("create", json!({"name": "", "expiresIn": 1})).await.json();
    assert_eq!(both["fields"].as_array().unwrap().len(), 2, "{both}");
    let custom = ann.key(json!({"name": "k", "prefix": "ci_"})).await;
    assert!(text(&custom, "key").starts_with("ci_"));
    assert_eq!(exchange(&home, text(&custom, "key")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn t34_a_page_of_another_site_makes_no_key_with_the_cookie() {
    let home = Home::new().await;
    let ann = home.signed_in(ANN).await;
    let body = json!({"name": "k"});
    assert_eq!(ann.call("/api/auth/api-key/create", &body).await.status, StatusCode::OK);
    let foreign = ann.http.post(home.url("/api/auth/api-key/create")).header("origin", "https://evil.example");
    assert_eq!(refusal(&Response::of(foreign.json(&body)).await), (403, "forbidden".into()));
    assert_eq!(ann.get("/api/auth/api-key/list").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn t25_a_key_signs_nobody_in() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    let key = ann.key(json!({"name": "k"})).await;
    let body = exchange(&home, text(&key, "key")).await.json();
    for (method, path) in [
        (Method::GET, "/api/auth/api-key/list"),
        (Method::POST, "/api/auth/api-key/create"),
        (Method::GET, "/api/auth/list-sessions"),
        (Method::POST, "/api/auth/change-password"),
        (Method::POST, "/api/auth/delete-user"),
        (Method::GET, "/api/admin/users"),
        (Method::GET, "/api/auth/oauth2/userinfo"),
    ] {
        let request = || home.browser().http.request(method.clone(), home.url(path)).json(&json!({"name": "k"}));
        let by_key = Response::of(request().header("x-api-key", text(&key, "key"))).await;
        let by_token = Response::of(request().bearer_auth(text(&body, "token"))).await;
        let as_bearer = Response::of(request().bearer_auth(text(&key, "key"))).await;
        // Administering is open to keys, each within its permissions; this one has none.
        let wanted = if path.starts_with("/api/admin") { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        for answer in [by_key, by_token, as_bearer] {
            assert_eq!(answer.status, wanted, "{method} {path}: {}", answer.text);
        }
    }
    let hint = format!("/api/auth/oauth2/end-session?id_token_hint={}", text(&body, "token"));
    assert_eq!(home.browser().get(&hint).await.status, StatusCode::BAD_REQUEST, "it is no id token");
}

#[tokio::test]
async fn the_last_use_is_shown_at_once_and_outlives_the_process() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    let key = ann.key(json!({"name": "k"})).await;
    for _ in 0..3 {
        exchange(&home, text(&key, "key")).await;
    }
    let seen = async |ann: &Program| {
        let shown = ann.get("list").await.json()[0].clone();
        (shown["requestCount"].as_u64(), shown["lastRequest"].as_str().map(str::to_owned))
    };
    let wanted = (Some(3), Some(home.now().rfc3339()));
    assert_eq!(seen(&ann).await, wanted);
    let home = home.restart().await;
    assert_eq!(seen(&Program::of(&home, ANN).await).await, wanted);
}
