//! Every writer, by every lesser administrator, against everything that carries authority over the platform.

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::graph::parts;
use super::{Desk, TestResponse};
use crate::access::model::builtin;
use crate::http::endpoint::tests::registered;
use crate::http::routes::{Dialect, dialect};
use crate::oauth::clients::failures;
use crate::oauth::clients::{NewClient, register};

/// Writers that reach nothing that carries authority, anyone who may call them.
const HARMLESS: [&str; 9] = [
    "invites",
    "keys/rotate",
    "keys/kid/retire",
    "groups",
    "users/user/groups",
    "users/user/access",
    "policies/switched-off/script",
    "outbox/delivery/retry",
    "outbox/delivery",
];

/// What is posted and only asks, or is for the operator alone.
const QUESTIONS: [&str; 9] = [
    "models/validate",
    "models/type/dry-run",
    "tuples/dry-run",
    "check",
    "policies/validate",
    "policies/test",
    "backup",
    "setup-link",
    "recover",
];

/// One request against something that carries authority.
struct Attempt {
    /// As registered, below `/api/admin`; empty for one elsewhere.
    route: &'static str,
    method: Method,
    path: String,
    body: Value,
}

struct World {
    desk: Desk,
    carrier: String,
    nested: String,
    key: String,
    of_root: String,
    failure: String,
    session: String,
    tuple: String,
    member: String,
}

fn client(id: &str, kind: &str) -> NewClient {
    let uris = if kind == "m2m" { json!([]) } else { json!([format!("https://{id}.example.com/cb")]) };
    serde_json::from_value(json!({"client_id": id, "name": id, "type": kind, "redirect_uris": uris})).unwrap()
}

impl World {
    async fn new() -> Self {
        let desk = Desk::open().await;
        let cx = desk.site.home.cx();
        desk.site.client(false).await;
        for (id, kind) in [("carrier", "web"), ("robot", "m2m")] {
            register(&cx, &client(id, kind)).await.unwrap();
        }
        let carl = desk.lesser("carl@example.com", &[("users", "viewer")]).await;
        for email in ["keyed@example.com", "plain@example.com"] {
            desk.site.person(email, &[]).await;
        }
        let (carrier, nested) = (desk.group("Carrier").await, desk.group("Nested").await);
        desk.group("Ordinary").await;
        desk.model(
            "teams",
            json!({"relations": {"lead": {"anyOf": [{"direct": true}], "except": [{"relation": "out"}]}, "out": {}}}),
        )
        .await;
        desk.model("grafana:team", json!({"relations": {"lead": {}}})).await;
        desk.model("notes", json!({"relations": {"viewer": {}}})).await;
        let key = desk.key(json!({"name": "carrying", "owner": "keyed@example.com", "networks": ["10.0.0.0/8"], "expires_in": 86_400})).await;
        let of_root = desk.key(json!({"name": "of an administrator", "networks": ["10.0.0.0/8"]})).await;
        for id in [&key, &of_root] {
            let off = desk.admin(Method::PATCH, &format!("api-keys/{id}"), json!({"enabled": false})).await;
            assert_eq!(off.status, StatusCode::OK, "{}", off.body);
        }
        for tuple in [
            format!("platform * admin group {carrier}"),
            format!("group {carrier} member group {nested}"),
            format!("group {carrier} member user carl@example.com"),
            format!("users * admin apikey {key}"),
            String::from("users * admin client carrier"),
            String::from("users * admin teams t1 lead"),
            String::from("teams t1 out user plain@example.com"),
            String::from("groups * admin grafana:team t1 lead"),
            String::from("grafana:team t1 lead user carl@example.com"),
        ] {
            desk.tuple(&tuple).await;
        }
        // A client that there is not yet.
        desk.tuple_of_before("users * admin client awaited").await;
        let wrong = failures::Wrong {
            error: failures::REDIRECT_URI_MISMATCH,
            message: "off by a slash",
            sent: Some("https://carrier.example.com/cb/"),
        };
        failures::note(&cx, "carrier", wrong).await.unwrap();
        let id_of = |answer: TestResponse| answer.json()["items"][0]["id"].as_str().unwrap().to_owned();
        let failure = id_of(desk.get("clients/carrier/failures").await);
        let session = id_of(desk.get("sessions?user=carl@example.com").await);
        let tuple = id_of(desk.get("tuples?entity_type=platform").await);
        let member = id_of(desk.get("tuples?entity_type=grafana:team").await);
        assert_eq!(desk.call_as(&carl, Method::GET, "users").await.status, StatusCode::OK);
        Self { desk, carrier, nested, key, of_root, failure, session, tuple, member }
    }

    /// Everything that must stay as it is.
    async fn state(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for path in [
            "users/carl@example.com",
            "users/keyed@example.com",
            "users/plain@example.com",
            "users/root@example.com",
            "users?role=admin",
            "sessions?user=carl@example.com",
            "clients?limit=500",
            "groups",
            "tuples?limit=500&entity_type=platform",
            "tuples?limit=500&entity_type=group",
            "tuples?limit=500&entity_type=teams",
            "tuples?limit=500&entity_type=grafana:team",
            "tuples?limit=500&subject=client:awaited",
            &format!("tuples?subject=apikey:{}", self.key),
            &format!("api-keys/{}", self.key),
            &format!("api-keys/{}", self.of_root),
            "models/teams",
            "models/grafana:team",
        ] {
            let answer = self.desk.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            all.push(answer.json());
        }
        all
    }

    fn attempts(&self, me: &str) -> Vec<Attempt> {
        let mut all = Vec::new();
        let mut add = |route: &'static str, method: Method, path: &str, body: Value| {
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/admin/{path}") };
            all.push(Attempt { route, method, path, body });
        };
        let (post, patch, put, delete) = (Method::POST, Method::PATCH, Method::PUT, Method::DELETE);
        for user in ["carl@example.com", "keyed@example.com", "root@example.com"] {
            let at = |rest: &str| format!("users/{user}{rest}");
            add("users/user", patch.clone(), &at(""), json!({"email": "mine@example.com", "email_verified": true}));
            add("users/user", delete.clone(), &at(""), json!({}));
            add("users/user/password", post.clone(), &at("/password"), json!({"password": "a fine long phrase"}));
            add("users/user/link", post.clone(), &at("/link"), json!({}));
            add("users/user/unlock", post.clone(), &at("/unlock"), json!({}));
            add("users/user/disable", post.clone(), &at("/disable"), json!({}));
            add("users/user/enable", post.clone(), &at("/enable"), json!({}));
            add("users/user/sessions", delete.clone(), &at("/sessions"), json!({}));
            add("users/user/consents/client", delete.clone(), &at("/consents/grafana"), json!({}));
        }
        add("users/user", patch.clone(), "users/plain@example.com", json!({"admin": true}));
        add("users", post.clone(), "users", json!({"email": "new@example.com", "roles": ["admin"]}));
        add("sessions/session", delete.clone(), &format!("sessions/{}", self.session), json!({}));
        for change in [
            json!({"enabled": true, "networks": [], "expires_in": null}),
            json!({"enabled": true}),
            json!({"enabled": false}),
            json!({"networks": []}),
            json!({"expires_in": null}),
            json!({"name": "mine"}),
        ] {
            add("api-keys/key", patch.clone(), &format!("api-keys/{}", self.key), change);
        }
        add("api-keys/key", delete.clone(), &format!("api-keys/{}", self.key), json!({}));
        let again = json!({"enabled": true, "networks": [], "expires_in": null});
        add("api-keys/key", patch.clone(), &format!("api-keys/{}", self.of_root), again);
        add("api-keys", post.clone(), "api-keys", json!({"name": "mine", "owner": "root@example.com"}));
        let fix = format!("clients/carrier/failures/{}/fix", self.failure);
        add("clients/client/failures/failure/fix", post.clone(), &fix, json!({}));
        let uris = json!({"redirect_uris": ["https://evil.example.com/cb"]});
        add("clients/client", patch.clone(), "clients/carrier", uris);
        add("clients/client", delete.clone(), "clients/carrier", json!({}));
        // On its types rests who administers groups.
        add("clients/client", delete.clone(), "clients/grafana", json!({}));
        for verb in ["rotate-secret", "disable", "enable"] {
            let route = match verb {
                "rotate-secret" => "clients/client/rotate-secret",
                "disable" => "clients/client/disable",
                _ => "clients/client/enable",
            };
            add(route, post.clone(), &format!("clients/carrier/{verb}"), json!({}));
        }
        add("clients", post.clone(), "clients", json!({"client_id": "awaited", "name": "Mine", "type": "m2m"}));
        for group in ["Carrier", "Nested", self.carrier.as_str(), self.nested.as_str()] {
            let at = |rest: &str| format!("groups/{group}{rest}");
            add("groups/group", patch.clone(), &at(""), json!({"name": "Renamed"}));
            add("groups/group", patch.clone(), &at(""), json!({"description": "Come in"}));
            add("groups/group", delete.clone(), &at(""), json!({}));
            add("groups/group/members", post.clone(), &at("/members"), json!({"subject_id": me}));
            let member = at("/members/user/carl@example.com");
            add("groups/group/members/type/id", delete.clone(), &member, json!({}));
        }
        let mine = [
            format!("platform * admin user {me}"),
            format!("platform * member user {me}"),
            format!("users * viewer user {me}"),
            format!("oauth_client * owner user {me}"),
            format!("group * member user {me}"),
            format!("group Carrier member user {me}"),
            format!("group Nested member user {me}"),
            String::from("group Nested member group Ordinary"),
            format!("teams t1 lead user {me}"),
            format!("teams * lead user {me}"),
            String::from("teams t1 lead group Ordinary"),
            format!("grafana:team t1 lead user {me}"),
            format!("client_grafana:team t1 lead user {me}"),
        ];
        for tuple in &mine {
            add("tuples", post.clone(), "tuples", parts(tuple));
            let harmless = parts(&format!("notes n1 viewer user {me}"));
            add("tuples", post.clone(), "tuples", json!({"tuples": [harmless, parts(tuple)]}));
            add(
                "tuples/import",
                post.clone(),
                "tuples/import",
                json!({"names": true, "lines": [parts(tuple).to_string()]}),
            );
        }
        for tuple in ["teams t1 out user plain@example.com", "group Carrier member user carl@example.com"] {
            add("tuples/remove", post.clone(), "tuples/remove", parts(tuple));
        }
        add("tuples/tuple", delete.clone(), &format!("tuples/{}", self.tuple), json!({}));
        let grant = json!({"entityTypeName": "team", "entityId": "t1", "relation": "lead", "subjectType": "user", "subjectId": me});
        add("", post.clone(), "/api/internal/clients/grafana/grants", grant);
        add("", delete.clone(), &format!("/api/internal/clients/grafana/grants/{}", self.member), json!({}));
        let open =
            json!({"definition": {"relations": {"lead": {}, "admin": {}, "member": {}, "viewer": {}, "out": {}}}});
        for kind in ["platform", "users", "group", "teams", "grafana:team", "client_grafana:team"] {
            add("models/type", put.clone(), &format!("models/{kind}"), open.clone());
        }
        add("models/type", delete.clone(), "models/teams", json!({}));
        let source = "model\n  schema 1.1\ntype user\ntype teams\n  relations\n    define lead: [user]\n";
        add("models/import", post, "models/import", json!({"source": source}));
        all
    }
}

impl Desk {
    async fn key(&self, new: Value) -> String {
        let made = self.admin(Method::POST, "api-keys", new).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.json()["id"].as_str().unwrap().to_owned()
    }
}

/// Every relation of the platform's own types but the platform's.
fn lesser_relations() -> Vec<(&'static str, &'static str)> {
    let own = builtin::all().filter(|model| !matches!(&*model.entity_type, "platform" | "group"));
    own.flat_map(|model| model.relations.keys().map(|relation| (model.entity_type.as_str(), relation.as_str())))
        .filter(|(kind, relation)| (*kind, *relation) != ("oauth_client", "use"))
        .collect()
}

#[actix_web::test]
async fn bug_class_38_no_lesser_administrator_reaches_what_carries_authority() {
    let world = World::new().await;
    let desk = &world.desk;
    let all = lesser_relations();
    assert!(all.len() > 40, "{all:?}");
    let everything = desk.lesser("every@example.com", &all).await;
    let before = world.state().await;
    let attempts = world.attempts("every@example.com");
    // Anyone who has every right there is but the platform is refused for want of that one, and by nothing before it.
    for Attempt { method, path, body, .. } in &attempts {
        let answer = desk.send(&everything, method.clone(), path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {body}: {}", answer.body);
        assert!(answer.body.contains("manage_platform"), "{method} {path} {body}: {}", answer.body);
    }
    assert_eq!(world.state().await, before);
    for (number, (kind, relation)) in all.into_iter().enumerate() {
        let email = format!("lesser{number}@example.com");
        let token = desk.lesser(&email, &[(kind, relation)]).await;
        for Attempt { method, path, body, .. } in world.attempts(&email) {
            let answer = desk.send(&token, method.clone(), &path, body.clone()).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{relation} of {kind}: {method} {path} {body}: {}",
                answer.body
            );
        }
        let me = desk.call_as(&token, Method::GET, "me").await.json();
        assert_eq!(me["is_admin"], false, "{relation} of {kind}");
    }
    // What is left to compare is what those who tried are written down as themselves.
    let after = world.state().await;
    assert_eq!(after, before);
}

#[actix_web::test]
async fn bug_class_38_the_walk_over_the_writers_leaves_none_out() {
    let world = World::new().await;
    let attempted: Vec<&str> = world.attempts("me@example.com").iter().map(|attempt| attempt.route).collect();
    for (method, path) in registered() {
        let Some(route) = path.strip_prefix("/api/admin/").filter(|_| dialect(&path) == Dialect::Admin) else {
            continue;
        };
        if method.is_safe() || QUESTIONS.contains(&route) {
            continue;
        }
        let is_known = attempted.contains(&route) || HARMLESS.contains(&route);
        assert!(is_known, "{method} {path} changes something and is not in the walk");
    }
}

#[actix_web::test]
async fn who_administers_the_platform_may_do_all_of_it() {
    let world = World::new().await;
    let desk = &world.desk;
    for (method, path, body) in [
        (Method::PATCH, "users/carl@example.com", json!({"name": "Carl"})),
        (Method::PATCH, "groups/Nested", json!({"name": "Inner"})),
        (Method::POST, "clients", json!({"client_id": "awaited", "name": "New", "type": "m2m"})),
        (Method::POST, "clients/carrier/rotate-secret", json!({})),
        (Method::DELETE, "clients/grafana", json!({})),
        (Method::DELETE, &format!("sessions/{}", world.session), json!({})),
        (
            Method::PATCH,
            &format!("api-keys/{}", world.key),
            json!({"enabled": true, "networks": [], "expires_in": null}),
        ),
        (Method::POST, &format!("clients/carrier/failures/{}/fix", world.failure), json!({})),
    ] {
        let answer = desk.admin(method.clone(), path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.body);
    }
    // A new client begins with nothing, for everyone who registers one.
    let left = desk.get("tuples?subject=client:awaited").await.json();
    assert_eq!(left["items"], json!([]));
}

#[actix_web::test]
async fn a_right_to_revoke_keys_takes_from_them_and_gives_nothing() {
    let desk = Desk::open().await;
    desk.site.person("owner@example.com", &[]).await;
    // As an installation may have it whose own model of keys is older than the right to change them.
    let definition = json!({"relations": {"admin": {"includes": ["viewer"]}, "viewer": {}, "guard": {}}, "permissions": {
        "view_all": {"relation": "viewer"}, "revoke": {"relation": "guard"}, "update": {"relation": "admin"}}});
    desk.model("api_keys", definition).await;
    let guard = desk.lesser("guard@example.com", &[("api_keys", "guard")]).await;
    let editor = desk.lesser("editor@example.com", &[("api_keys", "admin")]).await;
    let new = json!({"name": "k", "owner": "owner@example.com", "networks": ["10.0.0.0/8"], "expires_in": 864_000,
        "remaining": 10, "rate_limit": {"max": 10, "window_ms": 1_000}});
    let key = format!("/api/admin/api-keys/{}", desk.key(new).await);
    for widening in [
        json!({"networks": []}),
        json!({"networks": ["10.0.0.0/7"]}),
        json!({"expires_in": null}),
        json!({"expires_in": 8_640_000}),
        json!({"remaining": null}),
        json!({"remaining": 11}),
        json!({"refill": {"amount": 5, "interval_ms": 60_000}}),
        json!({"rate_limit": null}),
        json!({"rate_limit": {"max": 11, "window_ms": 1_000}}),
        json!({"rate_limit": {"max": 10, "window_ms": 999}}),
        json!({"name": "another"}),
        json!({"metadata": {"team": "mine"}}),
        json!({"enabled": false, "networks": []}),
    ] {
        let refused = desk.send(&guard, Method::PATCH, &key, widening.clone()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{widening}: {}", refused.body);
        assert!(refused.body.contains("update on api_keys"), "{widening}: {}", refused.body);
    }
    for narrowing in [
        json!({"networks": ["10.1.0.0/16"]}),
        json!({"expires_in": 86_400}),
        json!({"remaining": 3}),
        json!({"rate_limit": {"max": 5, "window_ms": 2_000}}),
        json!({"enabled": false}),
    ] {
        let answer = desk.send(&guard, Method::PATCH, &key, narrowing.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{narrowing}: {}", answer.body);
    }
    let back = json!({"enabled": true});
    assert_eq!(desk.send(&guard, Method::PATCH, &key, back.clone()).await.status, StatusCode::FORBIDDEN);
    let again = desk.send(&editor, Method::PATCH, &key, back).await;
    assert_eq!((again.status, &again.json()["enabled"]), (StatusCode::OK, &json!(true)), "{}", again.body);
    assert_eq!(desk.send(&editor, Method::DELETE, &key, json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(desk.send(&guard, Method::DELETE, &key, json!({})).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn who_may_ban_people_does_not_let_them_in_again() {
    let desk = Desk::open().await;
    desk.site.person("bob@example.com", &[]).await;
    let definition = json!({"relations": {"admin": {"includes": ["viewer"]}, "viewer": {}, "moderator": {}}, "permissions": {
        "view": {"relation": "viewer"}, "update": {"relation": "admin"}, "ban": {"relation": "moderator"}}});
    desk.model("users", definition).await;
    let moderator = desk.lesser("mod@example.com", &[("users", "moderator")]).await;
    let call =
        async |verb: &str| desk.call_as(&moderator, Method::POST, &format!("users/bob@example.com/{verb}")).await;
    assert_eq!(call("disable").await.status, StatusCode::OK);
    assert_eq!(call("enable").await.status, StatusCode::FORBIDDEN);
}
