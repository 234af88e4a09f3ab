//! What the description of the admin API says is what the admin API does.

use std::cell::RefCell;
use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Site, TestResponse};
use crate::base::ScriptDigest;
use crate::base::json_schema::{self, Mistake};
use crate::crypto::certificate::self_signed;
use crate::oauth::keys;
use crate::records::{Algorithm, Certificate, Consent, SwitchedOff};
use crate::store::rows::certificates::{self, Role};
use crate::store::rows::{consents, switched_off};
use crate::testing::START;

/// What of a value is not as a schema says.
fn wrong(document: &Value, schema: &Value, value: &Value) -> Vec<Mistake> {
    json_schema::mistakes(document["components"]["schemas"].as_object().unwrap(), schema, value)
}

/// The admin API with its own description at hand.
struct Described<'s> {
    site: &'s Site,
    token: String,
    document: Value,
    seen: RefCell<BTreeSet<(String, String)>>,
}

impl<'s> Described<'s> {
    async fn of(site: &'s Site) -> Self {
        site.person("ada@example.com", &["admin"]).await;
        let token = site.token("ada@example.com").await;
        let mut it = Self { site, token, document: Value::Null, seen: RefCell::default() };
        it.document = it.send(&Method::GET, "/openapi.json", None).await.json();
        it
    }

    async fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> TestResponse {
        let uri = format!("/api/admin{path}");
        let request = TestRequest::default().method(method.clone()).uri(&uri);
        let request = request.insert_header(("authorization", format!("Bearer {}", self.token)));
        self.site
            .send(match body {
                Some(body) => request.set_json(body),
                None => request,
            })
            .await
    }

    /// Calls a path of the description with its parameters and a query, and compares what is sent and what comes back
    /// with what is described.
    async fn call(&self, method: Method, path: &str, values: &[&str], body: Option<Value>) -> Value {
        let (template, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let operation = &self.document["paths"][template][method.as_str().to_lowercase()];
        assert!(operation.is_object(), "{method} {template} is not described");
        let mut values = values.iter();
        let parts = template.split('/').map(|part| if part.starts_with('{') { *values.next().unwrap() } else { part });
        let mut uri = parts.collect::<Vec<_>>().join("/");
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let name = pair.split('=').next().unwrap();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            assert!(parameters.into_iter().any(|it| it["name"] == name && it["in"] == "query"), "{template}: {name}");
        }
        if let Some(query) = query {
            uri = format!("{uri}?{query}");
        }
        if let Some(body) = &body {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(wrong(&self.document, schema, body), [], "{method} {uri}");
        }
        let answer = self.send(&method, &uri, body.as_ref()).await;
        let described = &operation["responses"][answer.status.as_str()];
        assert!(answer.status.is_success(), "{method} {uri}: {} {}", answer.status, answer.body);
        assert!(described.is_object(), "{method} {uri}: {} is not described", answer.status);
        let given = answer.json();
        let schema = &described["content"]["application/json"]["schema"];
        assert_eq!(wrong(&self.document, schema, &given), [], "{method} {uri}");
        self.seen.borrow_mut().insert((method.to_string().to_lowercase(), template.to_owned()));
        given
    }

    async fn get(&self, path: &str, values: &[&str]) -> Value {
        self.call(Method::GET, path, values, None).await
    }

    async fn post(&self, path: &str, values: &[&str], body: Value) -> Value {
        self.call(Method::POST, path, values, Some(body)).await
    }

    /// Operations of this method, or of all, that were not called.
    fn unseen(&self, method: Option<&str>) -> Vec<(String, String)> {
        let mut left = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for name in item.as_object().unwrap().keys().filter(|name| method.is_none_or(|method| method == *name)) {
                let place = (name.clone(), path.clone());
                if !self.seen.borrow().contains(&place) {
                    left.push(place);
                }
            }
        }
        left
    }
}

async fn site() -> Site {
    Site::with(|parts| {
        parts.settings.rate_limit.enabled = false;
        parts.settings.registration = crate::config::Registration::Open;
    })
    .await
}

#[actix_web::test]
async fn every_answer_is_as_described() {
    let site = site().await;
    let api = Described::of(&site).await;
    keys::tick(&site.home.cx(), &[Algorithm::ES256]).await.unwrap();
    people(&api).await;
    apps(&api).await;
    access(&api).await;
    system(&api, &site).await;
    let mut unseen = api.unseen(Some("get"));
    // A file, and no JSON: it has a test of its own.
    unseen.retain(|(_, path)| path != "/audit/export");
    assert_eq!(unseen, [], "no test calls these");
    let operator = ["/backup", "/setup-link", "/recover"];
    let left: Vec<_> = api
        .unseen(None)
        .into_iter()
        .filter(|(_, path)| !operator.contains(&&**path) && path != "/audit/export")
        .collect();
    assert_eq!(left, [], "no test calls these");
}

async fn people(api: &Described<'_>) {
    let bob = json!({"email": "bob@example.com", "email_verified": true, "name": "Bob", "password": "correct horse", "username": "bob",
        "attributes": {"team": "ops"}, "phone_number_verified": true, "address": {"country": "FR"}});
    api.post("/users", &[], bob).await;
    api.get("/users?limit=1", &[]).await;
    let bob = api.get("/users/{user}", &["bob"]).await;
    let id = bob["id"].as_str().unwrap();
    let change = json!({"nickname": "B", "name": null, "version": bob["version"]});
    api.call(Method::PATCH, "/users/{user}", &[id], Some(change)).await;
    api.post("/users/{user}/password", &[id], json!({"password": "another horse"})).await;
    api.post("/users/{user}/link", &[id], json!({"expires_in": 3600})).await;
    api.get("/users/{user}/pause", &[id]).await;
    api.call(Method::POST, "/users/{user}/unlock", &[id], None).await;
    api.call(Method::POST, "/users/{user}/disable", &[id], None).await;
    api.call(Method::POST, "/users/{user}/enable", &[id], None).await;
    api.post("/invites", &[], json!({"email": "cy@example.com", "expires_in": 3600})).await;
    let sessions = api.get("/sessions?limit=5", &[]).await;
    assert!(!sessions["items"].as_array().unwrap().is_empty());
    api.site.person("eve@example.com", &[]).await;
    api.site.token("eve@example.com").await;
    let of_eve = api.get("/sessions?user=eve@example.com", &[]).await;
    let session = of_eve["items"][0]["id"].as_str().unwrap();
    api.call(Method::DELETE, "/sessions/{session}", &[session], None).await;
    api.call(Method::DELETE, "/users/{user}/sessions", &["eve@example.com"], None).await;
    api.get("/users?sort=-created_at&limit=1", &[]).await;
    api.get("/sessions?sort=last_seen_at&limit=1", &[]).await;
    api.post("/groups", &[], json!({"name": "Staff", "description": "Everybody"})).await;
    let change = json!({"description": null, "version": 1});
    api.call(Method::PATCH, "/groups/{group}", &["Staff"], Some(change)).await;
    api.get("/groups", &[]).await;
    api.get("/groups/{group}", &["Staff"]).await;
    api.post("/groups/{group}/members", &["Staff"], json!({"subject_id": "bob@example.com"})).await;
    api.get("/groups/{group}/members?direct=true", &["Staff"]).await;
    for path in ["/users/{user}/groups", "/users/{user}/access", "/users/{user}/deletion"] {
        api.get(path, &[id]).await;
    }
    api.get("/groups/{group}/deletion", &["Staff"]).await;
    api.call(Method::DELETE, "/groups/{group}/members/{type}/{id}", &["Staff", "user", id], None).await;
    api.call(Method::DELETE, "/groups/{group}", &["Staff"], None).await;
    api.call(Method::DELETE, "/users/{user}", &["bob"], None).await;
}

async fn apps(api: &Described<'_>) {
    let wiki = json!({"name": "Wiki", "type": "web", "client_id": "wiki", "audiences": ["api"],
        "redirect_uris": ["https://wiki.example.com/cb"]});
    api.post("/clients", &[], wiki).await;
    api.get("/clients", &[]).await;
    api.get("/clients/{client}", &["wiki"]).await;
    details(api).await;
    let change = json!({"trusted": true, "access_policy": "restricted", "access_token_seconds": 600});
    api.call(Method::PATCH, "/clients/{client}", &["wiki"], Some(change)).await;
    api.post("/clients/{client}/rotate-secret", &["wiki"], json!({"overlap_seconds": 60})).await;
    api.call(Method::POST, "/clients/{client}/disable", &["wiki"], None).await;
    api.call(Method::POST, "/clients/{client}/enable", &["wiki"], None).await;
    let key = json!({"name": "CI", "expires_in": 86_400, "networks": ["10.0.0.0/8"], "metadata": {"a": 1},
        "remaining": 5, "rate_limit": {"max": 2, "window_ms": 1000}, "refill": {"amount": 5, "interval_ms": 60_000}});
    let key = api.post("/api-keys", &[], key).await["id"].as_str().unwrap().to_owned();
    api.get("/api-keys?owner=ada@example.com", &[]).await;
    api.get("/api-keys/{key}", &[&key]).await;
    let change = json!({"enabled": false, "remaining": null, "refill": null, "rate_limit": null});
    api.call(Method::PATCH, "/api-keys/{key}", &[&key], Some(change)).await;
    api.call(Method::DELETE, "/api-keys/{key}", &[&key], None).await;
}

/// Ada lets the app in, and the app asks for what is not registered.
async fn details(api: &Described<'_>) {
    let me = api.get("/me", &[]).await["id"].as_str().unwrap().to_owned();
    let consent = Consent {
        user: me.parse().unwrap(),
        client: "wiki".parse().unwrap(),
        scopes: vec![String::from("openid")],
        created_at: START,
        updated_at: START,
    };
    let tenant = api.site.home.cx().tenant.id;
    api.site.home.parts.store.write(move |tx| consents::put(tx, tenant, &consent)).await.unwrap();
    api.get("/users/{user}/consents", &[&me]).await;
    api.get("/users/{user}/token?client=wiki&scope=openid", &[&me]).await;
    api.call(Method::DELETE, "/users/{user}/consents/{client}", &[&me, "wiki"], None).await;
    api.get("/clients/{client}/deletion", &["wiki"]).await;
    api.get("/clients/{client}/integration", &["wiki"]).await;
    let query = "client_id=wiki&response_type=code&scope=openid&redirect_uri=https://wiki.example.com/cb/";
    api.site.get(&format!("/api/auth/oauth2/authorize?{query}")).await;
    let failures = api.get("/clients/{client}/failures", &["wiki"]).await;
    let failure = failures["items"][0]["id"].as_str().unwrap();
    api.call(Method::POST, "/clients/{client}/failures/{failure}/fix", &["wiki", failure], None).await;
    api.get("/sessions?client=wiki", &[]).await;
    api.get("/clients?type=web&search=wiki&disabled=false", &[]).await;
    api.get("/users?role=admin&search=ada", &[]).await;
}

async fn access(api: &Described<'_>) {
    let definition = json!({"relations": {"owner": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"read": {"relation": "viewer", "policy": "return true", "policyEngine": "lua"}}});
    let draft = json!({"definition": definition, "client": "wiki"});
    api.post("/models/validate", &[], json!({"definition": definition, "entity_type": "wiki:doc"})).await;
    api.call(Method::PUT, "/models/{type}", &["wiki:doc"], Some(draft)).await;
    let import = json!({"source": "model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define viewer: [user]\n",
        "prefix": "old:"});
    api.post("/models/import", &[], import).await;
    api.get("/models", &[]).await;
    for name in ["wiki:doc", "users"] {
        api.get("/models/{type}", &[name]).await;
    }
    let tuple = json!({"entity_type": "wiki:doc", "entity_id": "1", "relation": "owner", "subject_type": "user",
        "subject_id": "eve@example.com"});
    let dry = api.post("/tuples/dry-run", &[], json!({"add": [tuple]})).await;
    assert!(!dry["gained"].as_array().unwrap().is_empty());
    let written = api.post("/tuples", &[], tuple.clone()).await;
    api.post("/tuples", &[], json!({"tuples": [written.clone()]})).await;
    let less = json!({"definition": {"relations": {"owner": {}}}});
    api.post("/models/{type}/dry-run", &["wiki:doc"], less).await;
    api.get("/tuples?subject=user:eve@example.com&entity_type=wiki:doc", &[]).await;
    api.get("/tuples?subject=user:eve@example.com&names=false", &[]).await;
    api.get("/tuples/{tuple}", &[written["id"].as_str().unwrap()]).await;
    let question = json!({"subject_type": "user", "subject_id": "eve@example.com", "permission": "read",
        "entity_type": "wiki:doc", "entity_id": "1", "explain": true});
    api.post("/check", &[], question).await;
    policies(api).await;
    api.call(Method::DELETE, "/tuples/{tuple}", &[written["id"].as_str().unwrap()], None).await;
    api.post("/tuples/import", &[], json!({"lines": ["wiki:doc:2#viewer@user:eve@example.com"], "names": true})).await;
    let tuple = json!({"entity_type": "wiki:doc", "entity_id": "2", "relation": "viewer", "subject_type": "user",
        "subject_id": "eve@example.com"});
    api.post("/tuples/remove", &[], tuple).await;
    api.call(Method::DELETE, "/models/{type}", &["wiki:doc"], None).await;
    api.call(Method::DELETE, "/clients/{client}", &["wiki"], None).await;
}

async fn policies(api: &Described<'_>) {
    api.post("/policies/validate", &[], json!({"script": "retur true"})).await;
    for script in ["return true", "return 1", "return nil + 1", "retur"] {
        api.post("/policies/test", &[], json!({"script": script, "context": {"a": 1}})).await;
    }
    api.get("/policies/evaluations?order=asc&result=allowed", &[]).await;
    let versions = api.get("/policies/versions?entity_type=wiki:doc", &[]).await;
    assert!(!versions["items"].as_array().unwrap().is_empty());
    let script = ScriptDigest::of("return off");
    let row = SwitchedOff { script, owner: String::from("wiki"), about: String::from("wiki:doc read"), at: START };
    let (store, tenant) = (api.site.home.parts.store.clone(), api.site.home.cx().tenant.id);
    store.write(move |tx| switched_off::put(tx, tenant, &row)).await.unwrap();
    api.post("/policies/validate", &[], json!({"script": "return off"})).await;
    let off = api.get("/policies/switched-off", &[]).await;
    assert_eq!(off["items"][0]["script"], json!(script));
    api.call(Method::DELETE, "/policies/switched-off/{script}", &[&script.to_string()], None).await;
}

async fn system(api: &Described<'_>, site: &Site) {
    let ca = Certificate {
        pem: self_signed(&["Auther local CA"]).0.pem(),
        sealed_key: String::new(),
        names: Vec::new(),
        created_at: START,
        not_after: START,
    };
    site.home.parts.store.write(move |tx| certificates::put(tx, Role::Ca, &ca)).await.unwrap();
    for path in ["/openapi.json", "/me", "/settings", "/doctor", "/ca", "/keys"] {
        api.get(path, &[]).await;
    }
    for period in ["24h", "7d", "30d"] {
        let overview = api.get(&format!("/overview?period={period}"), &[]).await;
        assert!(!overview["recent"].as_array().unwrap().is_empty());
    }
    outbox(api, site).await;
    api.get("/audit?result=success&search=ada&limit=500", &[]).await;
    api.post("/keys/rotate", &[], json!({"alg": "ES256"})).await;
    let keys = api.get("/keys", &[]).await;
    api.call(Method::POST, "/keys/{kid}/retire", &[keys["items"][0]["kid"].as_str().unwrap()], None).await;
}

async fn outbox(api: &Described<'_>, site: &Site) {
    let cx = site.home.cx();
    let draft = crate::outbox::Draft::new(&cx, "hook", "usr_1", &json!({"secret": "of its kind"})).unwrap();
    site.home.parts.store.write(move |tx| draft.put(tx, &cx)).await.unwrap();
    crate::outbox::deliver_due(&site.home.cx()).await.unwrap();
    let waiting = api.get("/outbox?state=waiting&kind=hook&target=usr_1", &[]).await;
    let item = &waiting["items"][0];
    assert_eq!((&item["attempts"], item["error"].is_string()), (&json!(1), true), "{waiting}");
    assert!(!waiting.to_string().contains("of its kind"), "{waiting}");
    assert_eq!(api.get("/outbox?state=dead", &[]).await["items"], json!([]));
    let id = item["id"].as_str().unwrap();
    assert_eq!(api.call(Method::POST, "/outbox/{delivery}/retry", &[id], None).await["attempts"], 0);
    api.call(Method::DELETE, "/outbox/{delivery}", &[id], None).await;
    assert_eq!(api.get("/outbox", &[]).await["items"], json!([]));
}

#[actix_web::test]
async fn every_right_is_the_one_that_the_route_asks_for_and_every_refusal_is_a_problem() {
    let site = site().await;
    let mut api = Described::of(&site).await;
    site.person("bob@example.com", &[]).await;
    let administrator = std::mem::replace(&mut api.token, site.token("bob@example.com").await);
    let problem = &api.document["components"]["schemas"]["Problem"];
    for (path, item) in api.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let filled = path.replace(['{', '}'], "");
            let answer = api.send(&method, &filled, Some(&json!({}))).await;
            let words = operation["description"].as_str().unwrap();
            if words == "For anyone who has a credential." {
                assert_eq!(answer.status, StatusCode::OK, "{method} {path}");
                continue;
            }
            let given = answer.json();
            assert_eq!(wrong(&api.document, problem, &given), [], "{method} {path}");
            if let Some(right) = operation["x-right"].as_str() {
                let detail = format!("Permission denied: this needs the permission {right}.");
                assert_eq!(
                    (answer.status, &given["detail"]),
                    (StatusCode::FORBIDDEN, &json!(detail)),
                    "{method} {path}"
                );
            }
        }
    }
    // Not even who administers is at the machine.
    api.token = administrator;
    for path in ["/backup", "/setup-link", "/recover"] {
        assert_eq!(api.send(&Method::POST, path, Some(&json!({}))).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}
