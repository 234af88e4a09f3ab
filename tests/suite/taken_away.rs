//! Everything that can be taken away, against every place that is asked: it is felt at once, and nothing else stops.

use std::collections::BTreeSet;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::harness::{ADMIN, ANN, App, Browser, Callback, Home, Proof, Response, Tokens};

const SCOPE: &str = "openid email offline_access";

/// Where somebody who shows a credential asks: method, path, body.
const QUESTIONS: [(&str, &str); 5] = [
    ("/api/auth/api-key/verify", r#"{"key":"ak_live_xxxxxxxxxxxx"}"#),
    ("/api/auth/check-permission", r#"{"entityType":"folder","entityId":"1","permission":"viewer"}"#),
    (
        "/api/auth/check-permission/batch",
        r#"{"checks":[{"entityType":"folder","entityId":"1","permission":"viewer"}]}"#,
    ),
    ("/api/auth/list-objects", r#"{"entityType":"folder","permission":"viewer"}"#),
    (
        "/access/v1/evaluation",
        r#"{"subject":{"type":"user","id":"x"},"action":{"name":"viewer"},"resource":{"type":"folder","id":"1"}}"#,
    ),
];

/// Places and the credential that is shown there, besides the questions.
const PLACES: [(&str, &str); 20] = [
    ("userinfo", "access"),
    ("introspection", "access"),
    ("introspection", "exchanged"),
    ("introspection", "machine"),
    ("own introspection", "refresh"),
    ("token endpoint", "secret"),
    ("revocation", "secret"),
    ("get-session", "session"),
    ("list-sessions", "session"),
    ("list of own keys", "session"),
    ("admin API", "session"),
    ("admin API", "key"),
    ("admin API", "exchanged"),
    ("grants of the app", "machine"),
    ("exchange", "key"),
    ("verification", "key"),
    ("authorization", "sign-in"),
    ("refresh", "refresh"),
    ("redemption", "code"),
    // Last: it ends the session that the hint names.
    ("end-session", "hint"),
];

/// What is given up with the app, the person behind it aside.
const AT_THE_APP: [&str; 7] = ["access", "id", "refresh", "code", "exchanged", "key", "sign-in"];

/// What is taken away, and which credentials must work nowhere from then on.
const TAKEN: [(&str, &[&str]); 21] = [
    ("nothing", &[]),
    ("use of the app", &AT_THE_APP),
    ("membership of the group with the use", &AT_THE_APP),
    ("app disabled", &["access", "id", "refresh", "code", "exchanged", "key", "sign-in", "secret", "hint"]),
    ("app deleted", &["access", "id", "refresh", "code", "exchanged", "key", "sign-in", "secret", "hint"]),
    ("person disabled", &["access", "id", "refresh", "code", "exchanged", "key", "sign-in", "session"]),
    ("person deleted", &["access", "id", "refresh", "code", "exchanged", "key", "sign-in", "session"]),
    ("password set anew", &["access", "id", "refresh", "code", "exchanged", "key", "sign-in", "session"]),
    ("session ended", &["access", "id", "refresh", "code", "sign-in", "session"]),
    ("consent withdrawn", &["access", "id", "refresh", "code", "sign-in"]),
    ("trust in the app", &[]),
    ("refresh token revoked", &["access", "id", "refresh"]),
    ("refresh token used twice", &["access", "id", "refresh"]),
    ("code used twice", &["access", "id", "refresh"]),
    ("access token revoked", &["access"]),
    ("key disabled", &["exchanged", "key"]),
    ("key deleted", &["exchanged", "key"]),
    ("secret of the app", &["secret"]),
    ("signing key", &["access", "id", "exchanged", "machine", "hint"]),
    ("machine disabled", &["machine"]),
    ("machine deleted and its id given again", &["machine"]),
];

/// One person at one restricted app, with a credential of every kind.
struct World {
    home: Home,
    admin: Program,
    browser: Browser,
    tokens: Tokens,
    spent_code: String,
    spent_refresh: String,
    code: String,
    session: String,
    key: Value,
    exchanged: String,
    machine: String,
    /// Of the app now, and as it was in the beginning.
    secret: String,
    first_secret: String,
    uses: Value,
    membership: Value,
}

fn secret_of(app: &App<'_>) -> String {
    match &app.proof {
        Proof::Basic(secret) | Proof::Post(secret) => secret.clone(),
        Proof::Assertion | Proof::None => String::new(),
    }
}

async fn administer(admin: &Program, method: Method, path: &str, body: Value) -> Value {
    let answer = admin.send(method, &format!("/api/admin/{path}"), body).await;
    assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
    serde_json::from_str(&answer.text).unwrap_or_default()
}

async fn give(admin: &Program, [entity_type, entity_id, relation, kind, id]: [&str; 5]) -> Value {
    let tuple = json!({"entity_type": entity_type, "entity_id": entity_id, "relation": relation,
        "subject_type": kind, "subject_id": id});
    administer(admin, Method::POST, "tuples", tuple).await
}

impl World {
    async fn new() -> Self {
        let home = Home::new().await;
        let admin = Program::of(&home, ADMIN).await;
        let folder = json!({"definition": {"relations": {"viewer": {}}}});
        administer(&admin, Method::PUT, "models/folder", folder).await;
        administer(&admin, Method::PATCH, "clients/wiki", json!({"access_policy": "restricted"})).await;
        administer(&admin, Method::POST, "groups", json!({"name": "Staff"})).await;
        let uses = give(&admin, ["oauth_client", "wiki", "use", "group", "Staff"]).await;
        let membership = administer(&admin, Method::POST, "groups/Staff/members", json!({"subject_id": ANN})).await;
        let key = json!({"name": "ci", "owner": ANN, "client": "wiki"});
        let key = administer(&admin, Method::POST, "api-keys", key).await;
        give(&admin, ["users", "*", "viewer", "user", ANN]).await;
        give(&admin, ["users", "*", "viewer", "apikey", text(&key, "id")]).await;
        give(&admin, ["oauth_client", "*", "introspect", "client", "strict"]).await;
        let (browser, wiki) = (home.signed_in(ANN).await, home.app("wiki"));
        let secret = secret_of(&wiki);
        let spent_code = wiki.code(&browser, ANN, SCOPE).await;
        let first = Tokens::of(&wiki.redeem(&spent_code).await);
        let tokens = Tokens::of(&wiki.refresh(&first.refresh).await);
        home.clock.advance(Duration::from_secs(11));
        let code = wiki.code(&browser, ANN, SCOPE).await;
        let exchanged = text(&exchange(&home, text(&key, "key")).await.json(), "token").to_owned();
        let machine = Tokens::of(&home.app("robot").token(&[("grant_type", "client_credentials")]).await).access;
        let (session, spent_refresh, first_secret) = (browser.session_token(), first.refresh, secret.clone());
        Self {
            home,
            admin,
            browser,
            tokens,
            spent_code,
            spent_refresh,
            code,
            session,
            key,
            exchanged,
            machine,
            secret,
            first_secret,
            uses,
            membership,
        }
    }

    fn wiki(&self) -> App<'_> {
        App::new(&self.home, "wiki", "https://wiki.example.com/callback", Proof::Basic(self.secret.clone()))
    }

    async fn administer(&self, method: Method, path: &str, body: Value) -> Value {
        administer(&self.admin, method, path, body).await
    }

    async fn by_browser(&self, path: &str, body: Value) {
        let answer = self.browser.call(&format!("/api/auth/{path}"), &body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
    }

    async fn take(&mut self, what: &str) {
        let tuple = |tuple: &Value| format!("tuples/{}", text(tuple, "id"));
        match what {
            "nothing" => {}
            "use of the app" => drop(self.administer(Method::DELETE, &tuple(&self.uses), json!({})).await),
            "membership of the group with the use" => {
                self.administer(Method::DELETE, &tuple(&self.membership), json!({})).await;
            }
            "app disabled" => drop(self.administer(Method::POST, "clients/wiki/disable", json!({})).await),
            "app deleted" => drop(self.administer(Method::DELETE, "clients/wiki", json!({})).await),
            "person disabled" => drop(self.administer(Method::POST, &format!("users/{ANN}/disable"), json!({})).await),
            "person deleted" => drop(self.administer(Method::DELETE, &format!("users/{ANN}"), json!({})).await),
            "password set anew" => {
                let body = json!({"password": "another long password"});
                self.administer(Method::POST, &format!("users/{ANN}/password"), body).await;
            }
            "session ended" => self.by_browser("sign-out", json!({})).await,
            "consent withdrawn" => self.by_browser("revoke-consent", json!({"clientId": "wiki"})).await,
            "trust in the app" => {
                // The person has consented, so it makes no difference whether the app is trusted.
                for trusted in [true, false] {
                    self.administer(Method::PATCH, "clients/wiki", json!({ "trusted": trusted })).await;
                }
            }
            "refresh token revoked" => self.revoke(&self.tokens.refresh).await,
            "access token revoked" => self.revoke(&self.tokens.access).await,
            "refresh token used twice" => {
                assert_eq!(self.wiki().refresh(&self.spent_refresh).await.status, StatusCode::BAD_REQUEST);
            }
            "code used twice" => {
                assert_eq!(self.wiki().redeem(&self.spent_code).await.status, StatusCode::BAD_REQUEST);
            }
            "key disabled" => {
                let path = format!("api-keys/{}", text(&self.key, "id"));
                self.administer(Method::PATCH, &path, json!({"enabled": false})).await;
            }
            "key deleted" => {
                let cx = self.home.cx();
                auther::apikeys::delete(&cx, &text(&self.key, "id").parse().unwrap()).await.unwrap();
            }
            "secret of the app" => {
                let rotated = self.administer(Method::POST, "clients/wiki/rotate-secret", json!({})).await;
                text(&rotated, "client_secret").clone_into(&mut self.secret);
            }
            "signing key" => {
                let header = BASE64URL_NOPAD.decode(self.tokens.access.split('.').next().unwrap().as_bytes());
                let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
                self.administer(Method::POST, &format!("keys/{}/retire", text(&header, "kid")), json!({})).await;
            }
            "machine disabled" => drop(self.administer(Method::POST, "clients/robot/disable", json!({})).await),
            "machine deleted and its id given again" => {
                self.administer(Method::DELETE, "clients/robot", json!({})).await;
                self.home.clock.advance(Duration::from_secs(1));
                let again = json!({"client_id": "robot", "name": "Robot", "type": "m2m"});
                self.administer(Method::POST, "clients", again).await;
            }
            other => panic!("nothing takes {other}"),
        }
    }

    async fn revoke(&self, token: &str) {
        let answer = self.wiki().call("/api/auth/oauth2/revoke", &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }

    /// A credential as callers show it.
    fn show(&self, credential: &str, request: RequestBuilder) -> Option<RequestBuilder> {
        Some(match credential {
            "access" => request.bearer_auth(&self.tokens.access),
            "id" => request.bearer_auth(&self.tokens.id),
            "exchanged" => request.bearer_auth(&self.exchanged),
            "machine" => request.bearer_auth(&self.machine),
            "session" => request.bearer_auth(&self.session),
            "key" => request.header("x-api-key", text(&self.key, "key")),
            "secret" => request.basic_auth("wiki", Some(&self.first_secret)),
            _ => return None,
        })
    }

    /// Whether the credential lets somebody ask there.
    async fn may_ask(&self, credential: &str, method: Method, path: &str, body: &str) -> Option<bool> {
        let request = self.home.browser().http.request(method, self.home.url(path));
        let request = self.show(credential, request)?.header("content-type", "application/json");
        let answer = Response::of(if body.is_empty() { request } else { request.body(body.to_owned()) }).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
        Some(answer.status != StatusCode::UNAUTHORIZED && !answer.text.contains("neither the key nor its owner"))
    }

    async fn get(&self, credential: &str, path: &str) -> Response {
        let request = self.home.browser().http.get(self.home.url(path));
        Response::of(self.show(credential, request).unwrap()).await
    }

    async fn works(&self, place: &str, credential: &str) -> bool {
        let wiki = self.wiki();
        let old = App::new(&self.home, "wiki", &wiki.redirect_uri, Proof::Basic(self.first_secret.clone()));
        match place {
            "userinfo" => wiki.userinfo(&self.tokens.access).await.status == StatusCode::OK,
            "introspection" => {
                let shown = match credential {
                    "access" => &self.tokens.access,
                    "exchanged" => &self.exchanged,
                    _ => &self.machine,
                };
                self.home.app("strict").introspect(shown).await["active"] == true
            }
            "own introspection" => {
                let answer = wiki.call("/api/auth/oauth2/introspect", &[("token", &self.tokens.refresh)]).await;
                answer.status == StatusCode::OK && answer.json()["active"] == true
            }
            "token endpoint" => old.refresh("rft_x.y").await.status != StatusCode::UNAUTHORIZED,
            "revocation" => old.call("/api/auth/oauth2/revoke", &[("token", "x")]).await.status == StatusCode::OK,
            "get-session" => self.get(credential, "/api/auth/get-session").await.text.contains(ANN),
            "list-sessions" => self.get(credential, "/api/auth/list-sessions").await.status == StatusCode::OK,
            "list of own keys" => self.get(credential, "/api/auth/api-key/list").await.status == StatusCode::OK,
            "admin API" => self.get(credential, "/api/admin/users").await.status == StatusCode::OK,
            "grants of the app" => {
                self.get(credential, "/api/internal/clients/robot/grants").await.status == StatusCode::OK
            }
            "exchange" => exchange(&self.home, text(&self.key, "key")).await.status == StatusCode::OK,
            "verification" => {
                let answer = self.admin.post("verify", json!({"key": self.key["key"]})).await;
                answer.json()["valid"] == true
            }
            "end-session" => {
                let query = crate::harness::form(&[
                    ("id_token_hint", &self.tokens.id),
                    ("post_logout_redirect_uri", "https://wiki.example.com/bye"),
                ]);
                let answer = self.home.browser().get(&format!("/api/auth/oauth2/end-session?{query}")).await;
                answer.status == StatusCode::SEE_OTHER
            }
            "authorization" => {
                let answer = self.browser.get(&wiki.request(SCOPE, &[("prompt", "none")])).await;
                answer.status.is_redirection() && !Callback::of(answer.location()).get("code").is_empty()
            }
            "refresh" => wiki.refresh(&self.tokens.refresh).await.status == StatusCode::OK,
            "redemption" => wiki.redeem(&self.code).await.status == StatusCode::OK,
            other => panic!("no place {other}"),
        }
    }
}

async fn felt(what: &str, dead: &[&str]) {
    let mut world = World::new().await;
    world.take(what).await;
    let mut seen = BTreeSet::new();
    for credential in ["access", "id", "exchanged", "machine", "session", "key", "secret"] {
        for (path, body) in QUESTIONS {
            let may_ask = world.may_ask(credential, Method::POST, path, body).await.unwrap();
            assert_eq!(may_ask, !dead.contains(&credential), "{what}: {credential} at {path}");
        }
        seen.insert(credential);
    }
    for (place, credential) in PLACES {
        assert_eq!(
            world.works(place, credential).await,
            !dead.contains(&credential),
            "{what}: {credential} at {place}"
        );
        seen.insert(credential);
    }
    assert!(dead.iter().all(|credential| seen.contains(credential)), "{what}: {dead:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_class_12_14_what_is_taken_away_is_felt_at_every_place_at_once() {
    for (what, dead) in TAKEN {
        felt(what, dead).await;
    }
}

#[tokio::test]
async fn bug_class_12_a_scope_that_the_app_may_not_ask_for_any_more_is_gone_from_what_it_holds() {
    let world = World::new().await;
    let wiki = world.wiki();
    assert_eq!(wiki.userinfo(&world.tokens.access).await.json()["email"], ANN);
    let body = json!({"scopes": ["openid", "offline_access"]});
    world.administer(Method::PATCH, "clients/wiki", body).await;
    assert_eq!(wiki.userinfo(&world.tokens.access).await.json()["email"], Value::Null);
    let told = wiki.introspect(&world.tokens.access).await;
    assert_eq!((&told["scope"], &told["email"]), (&json!("offline_access openid"), &Value::Null));
    assert_eq!(wiki.introspect(&world.tokens.refresh).await["scope"], "offline_access openid");
    let next = Tokens::of(&wiki.refresh(&world.tokens.refresh).await);
    assert_eq!(next.body["scope"], "offline_access openid");
    let wider = [("grant_type", "refresh_token"), ("refresh_token", &*next.refresh), ("scope", "openid email")];
    assert_eq!(Tokens::of(&wiki.token(&wider).await).body["scope"], "openid");
}

#[tokio::test]
async fn introspection_says_what_holds_now_and_not_what_held_when_the_token_was_made() {
    let world = World::new().await;
    let robot = world.home.app("robot");
    let mut tuples = Vec::new();
    for (kind, id) in [("user", ANN), ("apikey", text(&world.key, "id")), ("client", "robot")] {
        tuples.push(give(&world.admin, ["folder", "1", "viewer", kind, id]).await);
    }
    let wiki = world.wiki();
    for (app, token) in [(&wiki, &world.tokens.access), (&wiki, &world.exchanged), (&robot, &world.machine)] {
        assert_eq!(app.introspect(token).await["permissions"]["folder:1"], json!(["viewer"]));
    }
    let next = Tokens::of(&wiki.refresh(&world.tokens.refresh).await);
    for tuple in &tuples {
        world.administer(Method::DELETE, &format!("tuples/{}", text(tuple, "id")), json!({})).await;
    }
    world.administer(Method::PATCH, &format!("users/{ANN}"), json!({"email": "ann@new.example"})).await;
    for (app, token) in [(&wiki, &next.access), (&wiki, &world.exchanged), (&robot, &world.machine)] {
        assert_eq!(app.introspect(token).await["permissions"]["folder:1"], Value::Null);
    }
    assert_eq!(wiki.introspect(&next.access).await["email"], "ann@new.example");
}

#[tokio::test]
async fn a_client_that_may_not_act_for_itself_any_more_does_not_do_so_with_an_older_token() {
    let home = Home::new().await;
    let (signer, admin) = (home.app("signer"), Program::of(&home, ADMIN).await);
    let token = Tokens::of(&signer.token(&[("grant_type", "client_credentials")]).await).access;
    assert_eq!(signer.introspect(&token).await["active"], true);
    let fewer = json!({"grant_types": ["authorization_code", "refresh_token"]});
    administer(&admin, Method::PATCH, "clients/signer", fewer).await;
    assert_eq!(signer.introspect(&token).await, json!({ "active": false }));
}
