//! The printed integration scenarios, and what people count on: machines (C), many tenants (E), a mesh of services (F),
//! a tuple that is taken away.

use std::time::Duration;

use auther::crypto::jose::{self, Expectation, SignatureAlgorithm, TypRule, VerifyingKey};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{exchange, text};
use crate::graph::{Graph, good, refused};
use crate::harness::{ANN, Home, Response, Tokens, payload};

/// A service that verifies tokens by itself, as strictly as one in Go does: the algorithm is fixed, the key is chosen
/// by `kid`, `iss` is compared as text, `aud` may be a text or a list, times have no leeway.
struct Service<'h> {
    home: &'h Home,
    jwks: Value,
    issuer: String,
    audience: String,
    algorithm: SignatureAlgorithm,
}

impl<'h> Service<'h> {
    async fn new(home: &'h Home, audience: &str) -> Self {
        let discovered = home.browser().get("/.well-known/openid-configuration").await.json();
        let jwks = home.browser().get("/api/auth/jwks").await.json();
        Self {
            home,
            jwks,
            issuer: text(&discovered, "issuer").to_owned(),
            audience: audience.to_owned(),
            algorithm: SignatureAlgorithm::RS256,
        }
    }

    /// The claims, or why not.
    fn verify(&self, token: &str) -> Result<Value, String> {
        let header = jose::peek_header(token).map_err(|error| error.to_string())?;
        let keys = self.jwks["keys"].as_array().unwrap();
        let found =
            keys.iter().find(|jwk| jwk["kid"].as_str().is_some() && jwk["kid"].as_str() == header.kid.as_deref());
        let jwk = found.ok_or("no such key")?;
        let verifier = VerifyingKey::from_public_jwk(jwk.as_object().unwrap()).map_err(|error| error.to_string())?;
        let typ = TypRule::OneOf(&["JWT", "at+jwt"]);
        let expect = Expectation { algorithms: std::slice::from_ref(&self.algorithm), typ, max_bytes: jose::MAX_BYTES };
        let claims = Value::Object(jose::verify(token, &verifier, &expect).map_err(|error| error.to_string())?.claims);
        if claims["iss"] != *self.issuer {
            return Err(String::from("another issuer"));
        }
        let audiences = claims["aud"].as_array().cloned().unwrap_or_else(|| vec![claims["aud"].clone()]);
        if !audiences.contains(&json!(self.audience)) {
            return Err(String::from("for somebody else"));
        }
        let now = self.home.now().seconds();
        if claims["exp"].as_i64().is_none_or(|exp| exp <= now) || claims["iat"].as_i64().is_none_or(|iat| iat > now) {
            return Err(String::from("not at this time"));
        }
        Ok(claims)
    }
}

/// Deployments and configurations of the client `abc`; production is out of reach of a policy.
pub async fn machines(graph: &Graph) {
    let relations = json!({"editor": {"union": ["viewer"]}, "viewer": []});
    let deploy = json!({"relation": "editor", "policyEngine": "lua", "policy": "return context.resource.environment ~= \"production\""});
    let permissions = json!({"read": {"relation": "viewer"}, "edit": {"relation": "editor"}, "deploy": deploy});
    let definition = json!({"relations": relations, "permissions": permissions});
    graph.model("client_abc:deployment", &definition).await;
    graph.model("client_abc:config", &definition).await;
}

/// A key with the request of the printed scenario, and its two tuples as they are printed there.
async fn pipeline_key(graph: &Graph) -> (String, String) {
    let body = json!({"name": "CI/CD Pipeline Key", "expiresIn": 2_592_000});
    let key = good(&graph.post("/api/auth/api-key/create", body).await);
    let id = text(&key, "id").to_owned();
    let tuples = [
        format!("(client_abc:deployment, *, editor, apikey, {id})"),
        format!("(client_abc:config, *, viewer, apikey, {id})"),
    ];
    graph.write(&tuples.each_ref().map(String::as_str)).await;
    (id, text(&key, "key").to_owned())
}

/// Option B of the scenario.
async fn check_with(home: &Home, key: &str, body: Value) -> Response {
    let request = home.browser().http.post(home.url("/api/auth/check-permission")).header("x-api-key", key);
    Response::of(request.json(&body)).await
}

pub async fn check_as(home: &Home, token: &str, body: &Value) -> Response {
    let request = home.browser().http.post(home.url("/api/auth/check-permission")).bearer_auth(token);
    Response::of(request.json(body)).await
}

pub fn decided(answer: &Response) -> (bool, String) {
    let body = good(answer);
    (body["allowed"].as_bool().unwrap(), text(&body, "reason").to_owned())
}

pub fn yes() -> (bool, String) {
    (true, String::from("granted"))
}

pub fn no(reason: &str) -> (bool, String) {
    (false, reason.to_owned())
}

#[tokio::test]
async fn scenario_c_runs_as_printed() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let (id, key) = pipeline_key(&graph).await;

    // Option A: a token that is verified without asking.
    let exchanged = exchange(&home, &key).await;
    let body = good(&exchanged);
    assert_eq!((&body["tokenType"], &body["expiresIn"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(body["expiresAt"], home.now().plus(Duration::from_secs(900)).rfc3339());
    let service = Service::new(&home, &home.origin).await;
    let claims = service.verify(text(&body, "token")).unwrap();
    assert_eq!(claims["apiKeyId"], id);
    let wanted = json!({"client_abc:config": ["read", "viewer"],
        "client_abc:deployment": ["deploy", "edit", "editor", "read", "viewer"]});
    assert_eq!(claims["permissions"], wanted);
    assert_eq!(claims["abac_required"], json!({"client_abc:deployment": ["deploy"]}));

    // Option B: one question, with a resource that has neither id nor type.
    let printed = json!({"entityType": "client_abc:deployment", "entityId": "deploy_123", "permission": "edit",
        "resource": {"attributes": {"environment": "staging"}}});
    let answer = good(&check_with(&home, &key, printed.clone()).await);
    for (name, value) in [
        ("allowed", json!(true)),
        ("entityType", json!("client_abc:deployment")),
        ("entityId", json!("deploy_123")),
        ("permission", json!("edit")),
        ("subjectType", json!("apikey")),
        ("subjectId", json!(id)),
        ("reason", json!("granted")),
    ] {
        assert_eq!(answer[name], value, "{name}");
    }
    let mut in_body = printed.clone();
    in_body["apiKey"] = json!(key);
    let request = home.browser().http.post(home.url("/api/auth/check-permission")).json(&in_body);
    assert_eq!(decided(&Response::of(request).await), yes());
    assert_eq!(decided(&check_as(&home, text(&body, "token"), &printed).await), yes());

    // A denial is an answer.
    let ask = async |kind: &str, name: &str, environment: &str| {
        let body = json!({"entityType": kind, "entityId": "x", "permission": name,
            "resource": {"attributes": {"environment": environment}}});
        decided(&check_with(&home, &key, body).await)
    };
    assert_eq!(ask("client_abc:config", "read", "staging").await, yes());
    assert_eq!(ask("client_abc:config", "edit", "staging").await, no("no_tuple"));
    assert_eq!(ask("client_abc:deployment", "deploy", "staging").await, yes());
    assert_eq!(ask("client_abc:deployment", "deploy", "production").await, no("policy_denied"));
    assert_eq!(ask("client_abc:deployment", "burn", "staging").await, no("no_permission"));
    assert_eq!(ask("client_abc:nothing", "edit", "staging").await, no("no_model"));
    let unknown = check_with(&home, "ak_live_xxxxxxxxxxxx", printed.clone()).await;
    assert_eq!(refused(&unknown), (401, String::from("invalid_api_key")));
    let lacking = check_with(&home, &key, json!({"entityId": "x"})).await;
    assert_eq!(refused(&lacking), (400, String::from("missing_fields")));

    // Fifteen minutes later the token is over and the key is not.
    home.advance(Duration::from_secs(900)).await;
    assert_eq!(service.verify(text(&body, "token")), Err(String::from("not at this time")));
    assert_eq!(check_as(&home, text(&body, "token"), &printed).await.status, StatusCode::UNAUTHORIZED);
    assert!(service.verify(text(&good(&exchange(&home, &key).await), "token")).is_ok());
}

/// Projects of the tenant `acme_corp`. Anyone who may archive does so with completed projects; a manager with any.
async fn projects(graph: &Graph) {
    let policy = "return context.resource.status == \"completed\" or context.user.role == \"manager\"";
    let relations = json!({"owner": {"union": ["admin"]}, "admin": {"union": ["member"]},
        "member": {"union": ["viewer"]}, "viewer": {}});
    let permissions = json!({"read": {"relation": "viewer"}, "write": {"relation": "member"}, "delete": {"relation": "owner"},
        "archive": {"relation": "admin", "policyEngine": "lua", "policy": policy}});
    graph.model("acme_corp:project", &json!({"relations": relations, "permissions": permissions})).await;
}

#[tokio::test]
async fn scenario_e_a_tenants_roles_are_in_the_token_and_its_policies_are_asked_live() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    projects(&graph).await;
    good(&graph.post("/api/admin/groups", json!({"name": "eng"})).await);
    good(&graph.post("/api/admin/groups/eng/members", json!({"subject_id": ANN})).await);
    graph
        .write(&[
            "(acme_corp:project, *, viewer, group, eng)",
            "(acme_corp:project, proj_alpha, owner, user, ann@example.com)",
        ])
        .await;

    let wiki = home.app("wiki");
    let tokens = wiki.tokens(&home.browser(), ANN, "openid email").await;
    let claims = Service::new(&home, "wiki").await.verify(&tokens.id).unwrap();
    let all = json!(["admin", "archive", "delete", "member", "owner", "read", "viewer", "write"]);
    assert_eq!(
        claims["permissions"],
        json!({"acme_corp:project": ["read", "viewer"], "acme_corp:project:proj_alpha": all})
    );
    // Under both keys: middleware that looks at the type alone must not miss it.
    let gated = json!({"acme_corp:project": ["archive"], "acme_corp:project:proj_alpha": ["archive"]});
    assert_eq!(claims["abac_required"], gated);
    let access = payload(&tokens.access);
    assert_eq!((&access["permissions"], &access["abac_required"]), (&claims["permissions"], &gated));
    let info = wiki.userinfo(&tokens.access).await.json();
    assert_eq!(info["permissions"], claims["permissions"]);

    let ask = async |token: &str, id: &str, name: &str, status: &str| {
        let body = json!({"entityType": "acme_corp:project", "entityId": id, "permission": name,
            "resource": {"attributes": {"status": status}}});
        decided(&check_as(&home, token, &body).await)
    };
    assert_eq!(ask(&tokens.id, "proj_alpha", "archive", "completed").await, yes());
    assert_eq!(ask(&tokens.id, "proj_alpha", "archive", "active").await, no("policy_denied"));
    assert_eq!(ask(&tokens.access, "proj_alpha", "archive", "completed").await, yes());
    assert_eq!(ask(&tokens.id, "proj_beta", "archive", "completed").await, no("no_tuple"));
    assert_eq!(ask(&tokens.id, "proj_beta", "read", "active").await, yes());
    let nothing = json!({"entityType": "acme_corp:project", "entityId": "proj_alpha", "permission": "archive"});
    assert_eq!(decided(&check_as(&home, &tokens.id, &nothing).await), no("policy_denied"));

    // What the policy knows of the person is what is stored, and at once.
    let answer =
        graph.admin.send(Method::PATCH, &format!("/api/admin/users/{ANN}"), json!({"roles": ["manager"]})).await;
    good(&answer);
    assert_eq!(ask(&tokens.id, "proj_alpha", "archive", "active").await, yes());
    let forged = json!({"entityType": "acme_corp:project", "entityId": "proj_alpha", "permission": "archive",
        "context": {"user": {"role": "manager"}}});
    good(&graph.admin.send(Method::PATCH, &format!("/api/admin/users/{ANN}"), json!({"roles": []})).await);
    assert_eq!(decided(&check_as(&home, &tokens.id, &forged).await), no("policy_denied"));
    assert_eq!(check_as(&home, "nonsense", &forged).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn scenario_f_services_verify_issuer_and_audience_by_themselves() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let invoice = json!({"relations": {"editor": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"read": {"relation": "viewer"}, "refund": {"relation": "editor", "policyEngine": "lua",
            "policy": "return context.resource.amount < 1000"}}});
    graph.model("client_abc:invoice", &invoice).await;
    graph
        .write(&[
            "(client_abc:invoice, *, editor, user, ann@example.com)",
            "(client_abc:invoice, *, viewer, client, robot)",
        ])
        .await;
    let robot_key = good(&graph.post("/api/auth/api-key/create", json!({"name": "job", "clientId": "robot"})).await);
    graph.write(&[&format!("(client_abc:invoice, *, editor, apikey, {})", text(&robot_key, "id"))]).await;

    // One audience is a text.
    let reports = Service::new(&home, "https://reports.example.com").await;
    let robot = home.app("robot");
    let machine = robot.token(&[("grant_type", "client_credentials")]).await.json();
    let claims = reports.verify(text(&machine, "access_token")).unwrap();
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("https://reports.example.com"), &json!("robot")));
    assert_eq!(claims["permissions"]["client_abc:invoice"], json!(["read", "viewer"]));
    let exchanged = good(&exchange(&home, text(&robot_key, "key")).await);
    let claims = reports.verify(text(&exchanged, "token")).unwrap();
    assert_eq!(claims["permissions"]["client_abc:invoice"], json!(["editor", "read", "refund", "viewer"]));
    assert_eq!(claims["abac_required"]["client_abc:invoice"], json!(["refund"]));

    // Two are a list, and either is enough. The shop wants ES256.
    let key = good(&graph.post("/api/auth/api-key/create", json!({"name": "job", "clientId": "shop"})).await);
    let token = text(&good(&exchange(&home, text(&key, "key")).await), "token").to_owned();
    for audience in ["https://api.example.com", "https://stock.example.com", "https://reports.example.com"] {
        let service = Service { algorithm: SignatureAlgorithm::ES256, ..Service::new(&home, audience).await };
        let aud = service.verify(&token).map(|claims| claims["aud"].is_array());
        let wanted = if audience.contains("reports") { Err(String::from("for somebody else")) } else { Ok(true) };
        assert_eq!(aud, wanted, "{audience}");
    }
    assert!(reports.verify(&token).is_err(), "another algorithm");

    // Only what a policy decides is asked.
    let tokens = home.app("wiki").tokens(&home.browser(), ANN, "openid").await;
    let claims = Service::new(&home, "wiki").await.verify(&tokens.id).unwrap();
    assert_eq!(claims["abac_required"], json!({"client_abc:invoice": ["refund"]}));
    for (amount, wanted) in [(999, yes()), (1000, no("policy_denied"))] {
        let body = json!({"entityType": "client_abc:invoice", "entityId": "inv_1", "permission": "refund",
            "resource": {"attributes": {"amount": amount}}});
        assert_eq!(decided(&check_as(&home, &tokens.id, &body).await), wanted);
    }
    let without = json!({"entityType": "client_abc:invoice", "entityId": "inv_1", "permission": "refund"});
    assert_eq!(
        decided(&check_as(&home, &tokens.id, &without).await),
        no("policy_error"),
        "nil is not less than a number"
    );

    // What a strict service refuses: another issuer, another signature, another time.
    let mut elsewhere = Service::new(&home, "wiki").await;
    elsewhere.issuer.push('/');
    assert_eq!(elsewhere.verify(&tokens.id), Err(String::from("another issuer")));
    let (signed, signature) = tokens.id.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    assert!(Service::new(&home, "wiki").await.verify(&format!("{signed}.{other}{}", &signature[1..])).is_err());
    let shop = home.app("shop").tokens(&home.browser(), ANN, "openid").await;
    assert!(Service::new(&home, "shop").await.verify(&shop.id).is_err(), "the algorithm is the service's choice");
}

#[tokio::test]
async fn a_tuple_that_is_taken_away_is_gone_everywhere_at_once() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let (id, key) = pipeline_key(&graph).await;
    graph.write(&["(client_abc:deployment, *, editor, user, ann@example.com)"]).await;
    let wiki = home.app("wiki");
    let first = wiki.tokens(&home.browser(), ANN, "openid offline_access").await;
    let exchanged = good(&exchange(&home, &key).await);
    let question = json!({"entityType": "client_abc:deployment", "entityId": "deploy_123", "permission": "edit"});
    assert_eq!(decided(&check_as(&home, &first.id, &question).await), yes());
    assert_eq!(decided(&check_with(&home, &key, question.clone()).await), yes());

    graph.remove(["client_abc:deployment", "*", "editor", "apikey", &id]).await;
    graph.remove(["client_abc:deployment", "*", "editor", "user", ANN]).await;
    for token in [&first.id, &first.access, text(&exchanged, "token")] {
        assert_eq!(decided(&check_as(&home, token, &question).await), no("no_tuple"));
    }
    assert_eq!(decided(&check_with(&home, &key, question.clone()).await), no("no_tuple"));
    let objects = json!({"entityType": "client_abc:deployment", "permission": "edit", "userId": ANN});
    assert_eq!(good(&graph.post("/api/auth/list-objects", objects).await)["wildcardGrant"], false);
    let (before, after) =
        (payload(text(&exchanged, "token")), payload(text(&good(&exchange(&home, &key).await), "token")));
    assert_eq!(after["permissions"], json!({"client_abc:config": ["read", "viewer"]}));
    assert!(after["permissions_rev"].as_u64() > before["permissions_rev"].as_u64());
    let second = Tokens::of(&wiki.refresh(&first.refresh).await);
    assert_eq!(payload(&first.access)["permissions"]["client_abc:deployment"].as_array().map(Vec::len), Some(5));
    for token in [&second.access, &second.id] {
        let claims = payload(token);
        assert_eq!((&claims["permissions"], &claims["abac_required"]), (&json!({}), &json!({})));
    }
    assert_eq!(wiki.userinfo(&second.access).await.json()["permissions"], json!({}));
}
