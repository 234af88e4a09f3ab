//! The printed integration scenarios, and what people count on: machines (C), many tenants (E), a mesh of services (F), a tuple that is taken
//! away, somebody who is deleted, somebody with very much.

use std::time::Duration;

use auther::crypto::jose::{self, Expectation, SignatureAlgorithm, TypRule, VerifyingKey};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::graph::{Graph, good, refused};
use crate::harness::{ADMIN, ANN, Answer, BOB, Home, Tokens, payload};

/// A service that verifies tokens by itself, as strictly as one in Go does: the algorithm is fixed, the key is chosen by `kid`, `iss` is compared
/// as text, `aud` may be a text or a list, times have no leeway.
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
async fn machines(graph: &Graph) {
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
async fn check_with(home: &Home, key: &str, body: Value) -> Answer {
    let request = home.browser().http.post(home.url("/api/auth/check-permission")).header("x-api-key", key);
    Answer::of(request.json(&body)).await
}

async fn check_as(home: &Home, token: &str, body: &Value) -> Answer {
    let request = home.browser().http.post(home.url("/api/auth/check-permission")).bearer_auth(token);
    Answer::of(request.json(body)).await
}

fn decided(answer: &Answer) -> (bool, String) {
    let body = good(answer);
    (body["allowed"].as_bool().unwrap(), text(&body, "reason").to_owned())
}

fn yes() -> (bool, String) {
    (true, String::from("granted"))
}

fn no(reason: &str) -> (bool, String) {
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
    assert_eq!(decided(&Answer::of(request).await), yes());
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

/// Projects of the tenant `acme_corp`. Whoever may archive does so with completed projects; a manager with any.
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

#[tokio::test]
async fn whoever_is_deleted_takes_their_tuples_along_and_the_answer_says_so() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let left = async || {
        good(&graph.admin.send(Method::GET, "/api/admin/tuples?entity_type=client_abc:deployment", json!({})).await)["items"].as_array().unwrap().len()
    };
    let delete =
        async |path: &str| good(&graph.admin.send(Method::DELETE, &format!("/api/admin/{path}"), json!({})).await);

    good(&graph.post("/api/admin/groups", json!({"name": "eng"})).await);
    for who in [ANN, BOB] {
        good(&graph.post("/api/admin/groups/eng/members", json!({"subject_id": who})).await);
    }
    let key = Program::of(&home, ANN).await.key(json!({"name": "ann's"})).await;
    let mine = graph.admin.key(json!({"name": "root's"})).await;
    let deployment = |id: &str, subject: &str| format!("(client_abc:deployment, {id}, viewer, {subject})");
    let tuples = [
        deployment("1", "user, ann@example.com"),
        deployment("2", "user, ann@example.com"),
        deployment("3", "group, eng"),
        deployment("4", "client, wiki"),
        deployment("5", &format!("apikey, {}", text(&key, "id"))),
        deployment("6", &format!("apikey, {}", text(&mine, "id"))),
        String::from("(oauth_client, wiki, use, user, bob@example.com)"),
    ];
    graph.write(&tuples.each_ref().map(String::as_str)).await;
    assert_eq!(left().await, 6);

    // Ann, with two relations, a membership, and a key that has one relation.
    let gone = delete(&format!("users/{ANN}")).await;
    assert_eq!(
        (&gone["deleted"], &gone["ended"]["tuples"], &gone["ended"]["api_keys"]),
        (&json!(true), &json!(4), &json!(1))
    );
    assert_eq!(left().await, 3);
    let members = good(&graph.admin.send(Method::GET, "/api/admin/groups/eng/members", json!({})).await);
    assert_eq!(members["items"].as_array().unwrap().len(), 1);
    assert_eq!(refused(&exchange(&home, text(&key, "key")).await), (401, String::from("invalid_api_key")));

    // The group: Bob's membership and its relation.
    assert!(graph.check("user:bob@example.com", "read", "client_abc:deployment:3").await.0);
    assert_eq!(delete("groups/eng").await["ended"]["tuples"], 2);
    assert!(!graph.check("user:bob@example.com", "read", "client_abc:deployment:3").await.0);
    // The app: what it had, and who might use it.
    assert_eq!(delete("clients/wiki").await["ended"]["tuples"], 2);
    // The key.
    assert_eq!(delete(&format!("api-keys/{}", text(&mine, "id"))).await["ended"]["tuples"], 1);
    assert_eq!(left().await, 0);
}

#[tokio::test]
async fn somebody_with_five_thousand_grants_signs_in_with_a_small_token_that_says_what_it_lacks() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    for batch in 0..5 {
        let lines: Vec<String> = (batch * 1000..(batch + 1) * 1000)
            .map(|n| format!("(client_abc:deployment, deployment_number_{n:04}, editor, user, {ANN})"))
            .collect();
        good(&graph.lines(&lines).await);
    }
    graph.write(&["(client_abc:config, *, viewer, user, ann@example.com)"]).await;
    let wiki = home.app("wiki");
    let tokens = wiki.tokens(&home.browser(), ANN, "openid profile email offline_access").await;
    for token in [&tokens.id, &tokens.access] {
        assert!(token.len() < 8 * 1024, "{} bytes", token.len());
        let claims = payload(token);
        assert_eq!(claims["permissions_truncated"], true);
        assert_eq!(claims["permissions_url"], home.url("/api/auth/list-objects"));
        // What holds for all objects is still there, and half of the objects would look like all of them.
        assert_eq!(claims["permissions"], json!({"client_abc:config": ["read", "viewer"]}));
    }
    // Where the token says so, everything is found.
    let url = payload(&tokens.id)["permissions_url"].as_str().unwrap().to_owned();
    let (mut cursor, mut found) = (None::<String>, 0);
    loop {
        let mut query = vec![("entityType", "client_abc:deployment"), ("permission", "edit"), ("limit", "200")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let request =
            home.browser().http.get(format!("{url}?{}", crate::harness::form(&query))).bearer_auth(&tokens.access);
        let body = good(&Answer::of(request).await);
        found += body["items"].as_array().unwrap().len();
        cursor = body["pagination"]["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, 5_000);
    assert_eq!(Tokens::of(&wiki.refresh(&tokens.refresh).await).body["token_type"], "Bearer");
    let question =
        json!({"entityType": "client_abc:deployment", "entityId": "deployment_number_4999", "permission": "edit"});
    assert_eq!(decided(&check_as(&home, &tokens.id, &question).await), yes());
}

#[tokio::test]
async fn sixty_four_who_write_one_tuple_make_one() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let definition = json!({"relations": {"viewer": {}}});
    let put = json!({"definition": definition, "client": "shop"});
    good(&graph.admin.send(Method::PUT, "/api/admin/models/shop:basket", put).await);
    let body = json!({"entityTypeName": "basket", "entityId": "1", "relation": "viewer", "subjectType": "user", "subjectId": BOB});
    let tries = (0..64).map(|_| graph.post("/api/internal/clients/shop/grants", body.clone()));
    let answers = join_all(tries).await;
    let count = |status: StatusCode| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(StatusCode::CREATED), count(StatusCode::OK)), (1, 63));
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| text(&answer.json(), "tupleId").to_owned()).collect();
    assert_eq!(ids.len(), 1);
    let path = format!("/api/admin/audit?action=tuple.write&target={}", ids.first().unwrap());
    let told = good(&graph.admin.send(Method::GET, &path, json!({})).await);
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "written once, told once");
    // The same for a removal: one finds it, the others find nothing.
    let path = format!("/api/internal/clients/shop/grants/{}", ids.first().unwrap());
    let answers = join_all((0..64).map(|_| graph.admin.send(Method::DELETE, &path, json!({})))).await;
    let mut found: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    found.sort_unstable();
    assert_eq!((found[0], found[1], found[63]), (200, 404, 404));
}

#[tokio::test]
async fn contextual_tuples_are_for_who_may_ask_about_others() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let more = |relation: &str, id: &str| {
        json!({"contextualTuples": [{"entityType": "client_abc:deployment", "entityId": "1",
        "relation": relation, "subjectType": "user", "subjectId": id}]})
    };
    let ask = async |more: Value| graph.ask("user:bob@example.com", "edit", "client_abc:deployment:1", &more).await;
    assert_eq!(decided(&ask(json!({})).await), no("no_tuple"));
    assert_eq!(decided(&ask(more("editor", BOB)).await), yes());
    assert_eq!(decided(&ask(more("editor", ANN)).await), no("no_tuple"));
    assert_eq!(decided(&ask(json!({})).await), no("no_tuple"), "nothing was stored");
    crate::graph::bad(&ask(more("burner", BOB)).await);
    // They make nobody an administrator.
    let platform = json!({"contextualTuples": [{"entityType": "platform", "entityId": "*", "relation": "admin",
        "subjectType": "user", "subjectId": BOB}]});
    assert_eq!(decided(&ask(platform).await), no("no_tuple"));
    // Nor may anybody ask about themselves with them.
    let bob = Program::of(&home, BOB).await;
    let mut body = json!({"entityType": "client_abc:deployment", "entityId": "1", "permission": "edit"});
    assert_eq!(decided(&bob.send(Method::POST, "/api/auth/check-permission", body.clone()).await), no("no_tuple"));
    body["contextualTuples"] = more("editor", BOB)["contextualTuples"].clone();
    let answer = bob.send(Method::POST, "/api/auth/check-permission", body.clone()).await;
    assert_eq!(refused(&answer), (403, String::from("forbidden")));
    body["contextualTuples"] = vec![body["contextualTuples"][0].clone(); 101].into();
    let admin = Program::of(&home, ADMIN).await;
    assert_eq!(admin.send(Method::POST, "/api/auth/check-permission", body).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_tuple_ends_when_it_was_said_and_is_written_as_it_was_read() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let (end, later) = (home.now().plus(Duration::from_secs(60)), home.now().plus(Duration::from_secs(3600)));
    let tuple = |end: &str| {
        json!({"entity_type": "client_abc:deployment", "entity_id": "1", "relation": "viewer",
        "subject_type": "user", "subject_id": "guest", "expires_at": end})
    };
    for wrong in ["tomorrow", "2026-02-31T00:00:00Z", "1769860800000"] {
        crate::graph::bad(&graph.post("/api/admin/tuples", tuple(wrong)).await);
        crate::graph::bad(&graph.lines(&[tuple(wrong).to_string()]).await);
    }
    let written = good(&graph.post("/api/admin/tuples", tuple(&end.rfc3339())).await);
    assert_eq!(written["expires_at"], end.rfc3339());
    let list =
        good(&graph.admin.send(Method::GET, "/api/admin/tuples?entity_type=client_abc:deployment", json!({})).await);
    assert_eq!(list["items"], json!([written]));
    // As it was read, by either way; another end takes the place of the first.
    good(&graph.lines(&[written.to_string()]).await);
    assert_eq!(good(&graph.post("/api/admin/tuples", written.clone()).await), written);
    assert_eq!(good(&graph.post("/api/admin/tuples", tuple(&later.rfc3339())).await)["id"], written["id"]);
    home.advance(Duration::from_secs(60)).await;
    assert_eq!(graph.check("user:guest", "read", "client_abc:deployment:1").await, yes());
    home.advance(Duration::from_secs(3540)).await;
    assert_eq!(graph.check("user:guest", "read", "client_abc:deployment:1").await, no("no_tuple"));
    // A client's grants are told the same way.
    good(
        &graph
            .admin
            .send(Method::PUT, "/api/admin/models/shop:basket", json!({"definition": {"relations": {"viewer": {}}}}))
            .await,
    );
    let end = home.now().plus(Duration::from_secs(60)).rfc3339();
    let grant = json!({"entityTypeName": "basket", "entityId": "1", "relation": "viewer", "subjectType": "user",
        "subjectId": BOB, "expiresAt": end});
    good(&graph.post("/api/internal/clients/shop/grants", grant).await);
    let path = "/api/internal/clients/shop/grants";
    assert_eq!(good(&graph.admin.send(Method::GET, path, json!({})).await)["grants"][0]["expiresAt"], end);
}

#[tokio::test]
async fn what_comes_in_batches_may_be_long_and_a_strangers_body_is_not_read() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    machines(&graph).await;
    let condition = format!("return true -- {}", "x".repeat(300));
    let tuple = |n: usize| {
        json!({"entity_type": "client_abc:deployment", "entity_id": n.to_string(), "relation": "viewer",
        "subject_type": "user", "subject_id": "guest", "condition": condition})
    };
    let many: Vec<Value> = (0..1000).map(tuple).collect();
    let lines: Vec<String> = many.iter().map(Value::to_string).collect();
    assert_eq!(good(&graph.lines(&lines).await)["written"], 1000);
    good(&graph.post("/api/admin/tuples", json!({ "tuples": many })).await);
    let question = json!({"entityType": "client_abc:deployment", "entityId": "1", "permission": "read", "userId": BOB});
    let answer =
        good(&graph.post("/api/auth/check-permission/batch", json!({"checks": vec![question.clone(); 1000]})).await);
    assert_eq!(answer["results"].as_array().unwrap().len(), 1000);
    let mut heavy = question.clone();
    heavy["resource"] = json!({"attributes": {"text": "x".repeat(64 * 1024)}});
    assert_eq!(
        refused(&graph.post("/api/auth/check-permission", heavy.clone()).await),
        (422, String::from("too_large"))
    );
    heavy["resource"] = json!({"attributes": {"text": "x".repeat(2 << 20)}});
    assert_eq!(refused(&graph.post("/api/auth/check-permission", heavy).await), (413, String::from("too_large")));
    let ann = Program::of(&home, ANN).await;
    assert_eq!(
        ann.send(Method::POST, "/api/admin/tuples/import", json!({ "lines": lines })).await.status,
        StatusCode::FORBIDDEN
    );
}
