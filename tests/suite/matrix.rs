//! Every operation of the admin API, by every role with every credential. The operations are those that the running
//! server describes, which are those that are registered; the rights are those that it tells each caller.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::graph::{Graph, good};
use crate::harness::{ADMIN, ANN, BOB, Browser, Home, Response};

/// Types of the platform that have viewers.
const VIEWED: [&str; 10] =
    ["users", "clients", "groups", "api_keys", "keys", "audit", "settings", "models", "tuples", "policies"];

/// What only asks, although it is posted.
const QUESTIONS: [&str; 6] =
    ["/models/validate", "/models/{type}/dry-run", "/tuples/dry-run", "/check", "/policies/validate", "/policies/test"];

/// An operation of the description.
#[derive(Clone, Debug)]
struct Operation {
    method: Method,
    path: String,
    /// `view on users`, where it is one.
    right: Option<String>,
    /// What it says of who may call it.
    words: String,
}

impl Operation {
    fn all(document: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                all.push(Self {
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    right: operation["x-right"].as_str().map(str::to_owned),
                    words: text(operation, "description").to_owned(),
                });
            }
        }
        all
    }

    fn writes(&self) -> bool {
        self.method != Method::GET && !QUESTIONS.contains(&&*self.path)
    }

    fn is_for_everybody_known(&self) -> bool {
        self.words == "For anyone who has a credential."
    }

    fn is_for_the_operator(&self) -> bool {
        self.words.starts_with("For the operator")
    }

    /// Below the origin, with parameters as `fill` has them.
    fn place(&self, fill: impl Fn(&str) -> String) -> String {
        let part = |part: &str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).map(&fill);
        let parts = self.path.split('/').map(|text| part(text).unwrap_or_else(|| text.to_owned()));
        let query = match &*self.path {
            "/policies/versions" => "?entity_type=users",
            "/users/{user}/token" => "?client=wiki",
            _ => "",
        };
        format!("/api/admin{}{query}", parts.collect::<Vec<_>>().join("/"))
    }
}

/// How somebody shows who they are.
#[derive(Clone, Debug)]
enum Proof {
    Nothing,
    Bearer(String),
    Key(String),
    /// The session cookie, from an Auther page or from who does not say.
    Cookie {
        cookie: String,
        origin: Option<String>,
    },
}

/// Somebody with a credential.
#[derive(Clone, Debug)]
struct Caller {
    role: &'static str,
    by: &'static str,
    proof: Proof,
    /// What `me` tells them; empty for who gets no answer.
    rights: BTreeSet<String>,
    is_admin: bool,
}

impl Caller {
    fn new(role: &'static str, by: &'static str, proof: Proof) -> Self {
        Self { role, by, proof, rights: BTreeSet::new(), is_admin: false }
    }

    fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.proof {
            Proof::Nothing => request,
            Proof::Bearer(token) => request.bearer_auth(token),
            Proof::Key(key) => request.header("x-api-key", key),
            Proof::Cookie { cookie, origin } => {
                let request = request.header("cookie", cookie);
                origin.iter().fold(request, |request, origin| request.header("origin", origin))
            }
        }
    }

    /// What a request that is not for them is answered; `None` where they are let in.
    fn refusal(&self, operation: &Operation) -> Option<u16> {
        let is_cookie_of_nowhere = matches!(&self.proof, Proof::Cookie { origin: None, .. });
        match self.role {
            "nobody" => return Some(401),
            "app" => return Some(403),
            _ if is_cookie_of_nowhere && operation.method != Method::GET => return Some(403),
            _ => {}
        }
        let is_allowed = match &operation.right {
            _ if operation.is_for_the_operator() => false,
            _ if operation.is_for_everybody_known() || self.is_admin => true,
            Some(right) => self.rights.contains(right),
            None if operation.path == "/overview" => !self.rights.is_empty(),
            None => self.role == "viewer of everything" && !operation.writes(),
        };
        (!is_allowed).then_some(403)
    }
}

/// Everybody, and what there is.
struct World {
    home: Home,
    http: Client,
    operations: Vec<Operation>,
    callers: Vec<Caller>,
    graph: Graph,
    group: String,
    tuple: String,
}

async fn session(home: &Home, who: &str) -> (Browser, String) {
    let browser = home.signed_in(who).await;
    let token = browser.session_token();
    (browser, token)
}

impl World {
    async fn new() -> Self {
        let home = Home::new().await;
        let http = Client::builder().no_proxy().build().unwrap();
        let strangers = strangers(&home).await;
        let graph = Graph::of(&home).await;
        let document = good(&graph.admin.send(Method::GET, "/api/admin/openapi.json", json!({})).await);
        let operations = Operation::all(&document);
        assert!(operations.len() > 70, "{}", operations.len());
        let group = good(&graph.post("/api/admin/groups", json!({"name": "Staff"})).await);
        let member = json!({"subject_id": BOB});
        let tuple = good(&graph.post("/api/admin/groups/Staff/members", member).await);
        let mut world = Self {
            home,
            http,
            operations,
            callers: strangers,
            graph,
            group: text(&group, "id").to_owned(),
            tuple: text(&tuple, "id").to_owned(),
        };
        world.people().await;
        world
    }

    /// Makes people and keys of each role, with their credentials.
    async fn people(&mut self) {
        let make = async |email: &str| {
            let body = json!({"email": email, "password": crate::harness::PASSWORD, "email_verified": true});
            good(&self.graph.post("/api/admin/users", body).await);
        };
        make("una@example.com").await;
        make("vera@example.com").await;
        let mut all = Vec::new();
        for (role, who, types) in [
            ("without rights", ANN, &[][..]),
            ("users:viewer", "una@example.com", &["users"][..]),
            ("viewer of everything", "vera@example.com", &VIEWED[..]),
            ("administrator", ADMIN, &["platform"]),
        ] {
            let (browser, token) = session(&self.home, who).await;
            let owner = Program::of(&self.home, who).await;
            let key = owner.key(json!({"name": role})).await;
            let relation = if role == "administrator" { "admin" } else { "viewer" };
            for entity_type in types {
                for (kind, id) in [("user", who), ("apikey", text(&key, "id"))] {
                    let tuple = json!({"entity_type": entity_type, "entity_id": "*", "relation": relation,
                        "subject_type": kind, "subject_id": id});
                    good(&self.graph.post("/api/admin/tuples", tuple).await);
                }
            }
            let exchanged = exchange(&self.home, text(&key, "key")).await.json();
            let cookie = browser.cookies();
            let ours = Some(self.home.origin.clone());
            all.extend([
                Caller::new(role, "session token", Proof::Bearer(token)),
                Caller::new(role, "cookie of our pages", Proof::Cookie { cookie: cookie.clone(), origin: ours }),
                Caller::new(role, "cookie of nowhere", Proof::Cookie { cookie, origin: None }),
                Caller::new(role, "API key", Proof::Key(text(&key, "key").to_owned())),
                Caller::new(role, "exchanged token", Proof::Bearer(text(&exchanged, "token").to_owned())),
            ]);
        }
        let browser = self.home.signed_in(ADMIN).await;
        let tokens = self.home.app("wiki").tokens(&browser, ADMIN, "openid").await;
        all.push(Caller::new("app", "access token of an administrator", Proof::Bearer(tokens.access)));
        all.push(Caller::new("app", "ID token of an administrator", Proof::Bearer(tokens.id)));
        for mut caller in all {
            if caller.role != "app" {
                let me = good(&Response::of(caller.sign(self.http.get(self.home.url("/api/admin/me")))).await);
                caller.is_admin = me["is_admin"] == true;
                let rights = me["rights"].as_array().unwrap().iter();
                caller.rights = rights.map(|right| right.as_str().unwrap().to_owned()).collect();
            }
            self.callers.push(caller);
        }
    }

    async fn send(&self, caller: &Caller, operation: &Operation, place: &str, body: Option<&str>) -> Response {
        let request = caller.sign(self.http.request(operation.method.clone(), self.home.url(place)));
        Response::of(match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_owned()),
            None => request,
        })
        .await
    }

    /// What there is, by the name of the parameter.
    fn known(&self, parameter: &str) -> String {
        match parameter {
            "user" => BOB,
            "client" => "wiki",
            "group" => &self.group,
            "type" => "users",
            "tuple" => &self.tuple,
            _ => "nothing",
        }
        .to_owned()
    }
}

/// Who shows nothing that works.
async fn strangers(home: &Home) -> Vec<Caller> {
    let ann = Program::of(home, ADMIN).await;
    let key = ann.key(json!({"name": "short"})).await;
    let exchanged = exchange(home, text(&key, "key")).await.json();
    let expired = text(&exchanged, "token").to_owned();
    home.advance(Duration::from_secs(1_000)).await;
    // A key takes a fresh session, and that one is none any more.
    let ann = Program::of(home, ADMIN).await;
    let (browser, ended) = session(home, ADMIN).await;
    good(&browser.call("/api/auth/sign-out", &json!({})).await);
    let revoked = ann.key(json!({"name": "revoked"})).await;
    let deleted = ann.post("delete", json!({"keyId": text(&revoked, "id")})).await;
    assert!(deleted.status.is_success(), "{}", deleted.text);
    vec![
        Caller::new("nobody", "nothing", Proof::Nothing),
        Caller::new("nobody", "garbage", Proof::Bearer(String::from("ses_nonsense.x"))),
        Caller::new("nobody", "expired token", Proof::Bearer(expired)),
        Caller::new("nobody", "ended session", Proof::Bearer(ended)),
        Caller::new("nobody", "revoked key", Proof::Key(text(&revoked, "key").to_owned())),
    ]
}

#[tokio::test]
async fn t38_every_operation_lets_in_who_has_its_right_by_whatever_credential_and_nobody_else() {
    let world = World::new().await;
    let (mut let_in, mut refused) = (0, 0);
    for operation in &world.operations {
        for caller in &world.callers {
            let who = format!("{} {} by {} ({})", operation.method, operation.path, caller.role, caller.by);
            match caller.refusal(operation) {
                Some(status) => {
                    refused += 1;
                    // Neither what there is nor what is wrong with a request is told to who may not send it.
                    let bodies = [Some("{"), Some("{\"no_such_field\":1}"), None];
                    for (body, known) in bodies.iter().zip([true, false, true]) {
                        let fill = |name: &str| if known { world.known(name) } else { String::from("nothing") };
                        let body = body.filter(|_| operation.method != Method::GET);
                        let answer = world.send(caller, operation, &operation.place(fill), body).await;
                        assert_eq!(answer.status.as_u16(), status, "{who} {body:?}: {}", answer.text);
                        assert_eq!(answer.header("content-type"), "application/problem+json", "{who}");
                    }
                }
                None => {
                    let_in += 1;
                    let is_read = operation.method == Method::GET;
                    let fill = |name: &str| if is_read { world.known(name) } else { String::from("nothing") };
                    let body = (!is_read).then_some("{\"no_such_field\":1}");
                    let answer = world.send(caller, operation, &operation.place(fill), body).await;
                    let status = answer.status.as_u16();
                    assert!(!matches!(status, 401 | 403 | 500..), "{who}: {status} {}", answer.text);
                    let has_no_example = operation.path == "/ca" || operation.path.contains("{key}");
                    if is_read && !has_no_example {
                        assert_eq!(status, 200, "{who}: {}", answer.text);
                    }
                }
            }
        }
    }
    assert!(let_in > 400 && refused > 1_000, "{let_in} {refused}");
}

#[tokio::test]
async fn t38_who_may_look_may_write_nothing() {
    let world = World::new().await;
    for role in ["without rights", "users:viewer", "viewer of everything"] {
        let caller = world.callers.iter().find(|caller| caller.role == role).unwrap();
        assert!(!caller.is_admin);
        for operation in world.operations.iter().filter(|operation| operation.writes()) {
            assert_eq!(caller.refusal(operation), Some(403), "{role} {operation:?}");
        }
        let reads = world.operations.iter().filter(|operation| caller.refusal(operation).is_none()).count();
        let wanted = match role {
            "without rights" => 2..=2,
            "users:viewer" => 4..=8,
            _ => 25..=50,
        };
        assert!(wanted.contains(&reads), "{role} may call {reads}");
    }
}

/// Everything that must stay as it is.
async fn victims(world: &World, key: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for place in [
        format!("users/{ANN}"),
        format!("sessions?user={ANN}"),
        String::from("clients/shop"),
        String::from("groups/Others"),
        String::from("groups/Others/members"),
        format!("api-keys/{key}"),
        String::from("models/theirs"),
        String::from("tuples?entity_type=theirs"),
        String::from("keys"),
    ] {
        let path = format!("/api/admin/{place}");
        all.push(good(&world.graph.admin.send(Method::GET, &path, json!({})).await));
    }
    all
}

#[tokio::test]
async fn t39_what_is_changed_stands_in_the_path_whatever_a_body_says() {
    let world = World::new().await;
    let group = good(&world.graph.post("/api/admin/groups", json!({"name": "Others"})).await);
    good(&world.graph.post("/api/admin/groups/Others/members", json!({"subject_id": ANN})).await);
    let definition = json!({"relations": {"owner": {}}, "permissions": {"read": {"relation": "owner"}}});
    for name in ["theirs", "ours"] {
        world.graph.model(name, &definition).await;
    }
    world.graph.write(&["theirs:1#owner@user:ann@example.com"]).await;
    let ann = Program::of(&world.home, ANN).await;
    let (id, key) = (ann.id().await, ann.key(json!({"name": "theirs"})).await);
    let (mine, key) = (Program::of(&world.home, BOB).await.key(json!({"name": "ours"})).await, text(&key, "id"));
    let before = victims(&world, key).await;
    let is_wanted = |operation: &&Operation| operation.method != Method::GET && operation.path.contains('{');
    let mut with_ids: Vec<&Operation> = world.operations.iter().filter(is_wanted).collect();
    // What is gone cannot be changed any more.
    with_ids.sort_by_key(|operation| operation.method == Method::DELETE);
    for operation in with_ids {
        let fill = |name: &str| match name {
            "type" if operation.path.starts_with("/models") => String::from("ours"),
            "type" => String::from("user"),
            "id" => BOB.to_owned(),
            "key" => text(&mine, "id").to_owned(),
            other => world.known(other),
        };
        // The ids alone, and beside what the operation takes.
        for fitting in [
            json!({}),
            json!({"name": "Renamed"}),
            json!({"password": "another horse battery"}),
            json!({"definition": definition}),
            json!({"subject_id": BOB}),
            json!({"overlap_seconds": 1}),
        ] {
            let mut body = json!({"id": id, "user": id, "user_id": ANN, "email": ANN, "client": "shop", "client_id": "shop",
                "group": group["id"], "group_id": "Others", "key": key, "entity_type": "theirs", "type": "theirs",
                "session": id, "tuple": id});
            for (name, value) in fitting.as_object().unwrap() {
                body[name.as_str()] = value.clone();
            }
            let answer = world.graph.admin.send(operation.method.clone(), &operation.place(fill), body.clone()).await;
            assert!(answer.status.as_u16() < 500, "{operation:?} {body}: {}", answer.text);
        }
    }
    assert_eq!(victims(&world, key).await, before);
}
