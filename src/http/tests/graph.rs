//! Tuples, models and groups over the admin API: who may write what, and what is told.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Desk, TestResponse};
use crate::base::id::TenantId;
use crate::records::{Tuple, TupleKey};
use crate::store::{self, Tx, rows};

impl Desk {
    pub(super) async fn send(&self, token: &str, method: Method, path: &str, body: Value) -> TestResponse {
        let request = TestRequest::default().method(method).uri(path).set_json(body);
        self.site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
    }

    pub(super) async fn admin(&self, method: Method, path: &str, body: Value) -> TestResponse {
        self.send(&self.token, method, &format!("/api/admin/{path}"), body).await
    }

    pub(super) async fn model(&self, entity_type: &str, definition: Value) {
        let answer = self.admin(Method::PUT, &format!("models/{entity_type}"), json!({"definition": definition})).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }

    pub(super) async fn tuple(&self, text: &str) {
        let answer = self.as_somebody(&self.token, text).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{text}: {}", answer.body);
    }

    /// A tuple as a file of an earlier version may hold it: it may speak of what is not there.
    pub(super) async fn tuple_of_before(&self, text: &str) {
        let key: TupleKey = serde_json::from_value(parts(text)).unwrap();
        let cx = self.site.home.cx();
        let tuple = Tuple { key, condition: None, expires_at: None, created_at: cx.now, updated_at: cx.now };
        let write = move |tx: &mut Tx| {
            rows::tuples::put(tx, TenantId::DEFAULT, &tuple)?;
            rows::tuples::raise(tx, TenantId::DEFAULT)
        };
        cx.store().write::<_, store::Error, _>(write).await.unwrap();
    }

    /// Writes `TYPE ID RELATION SUBJECT_TYPE SUBJECT_ID [SUBJECT_RELATION]`.
    async fn as_somebody(&self, token: &str, text: &str) -> TestResponse {
        self.send(token, Method::POST, "/api/admin/tuples", parts(text)).await
    }

    pub(super) async fn group(&self, name: &str) -> String {
        self.admin(Method::POST, "groups", json!({"name": name})).await.json()["id"].as_str().unwrap().to_owned()
    }
}

pub(super) fn parts(text: &str) -> Value {
    let parts: Vec<&str> = text.split(' ').collect();
    json!({"entity_type": parts[0], "entity_id": parts[1], "relation": parts[2], "subject_type": parts[3], "subject_id": parts[4],
        "subject_relation": parts.get(5)})
}

fn forbidden(answer: &TestResponse, what: &str) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}: {}", answer.body);
    assert!(answer.body.contains("manage_platform"), "{what}: {}", answer.body);
}

#[actix_web::test]
async fn an_administrator_whose_time_is_over_counts_nowhere() {
    let desk = Desk::open().await;
    let dan = desk.lesser("dan@example.com", &[]).await;
    let until = desk.site.home.cx().now.plus(std::time::Duration::from_secs(3)).rfc3339();
    let mut tuple = parts("platform * admin user dan@example.com");
    tuple["expires_at"] = json!(until);
    assert_eq!(desk.admin(Method::POST, "tuples", tuple).await.status, StatusCode::CREATED);
    let is_admin = async || desk.call_as(&dan, Method::GET, "me").await.json()["is_admin"].clone();
    assert_eq!(is_admin().await, true);
    desk.site.home.advance(std::time::Duration::from_secs(4));
    assert_eq!(is_admin().await, false);
    assert_eq!(desk.get("users/dan@example.com").await.json()["roles"], json!([]));
    assert_eq!(desk.all("users?role=admin", "email").await, ["root@example.com"]);
    let refused = desk.admin(Method::POST, "users/root@example.com/disable", json!({})).await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::CONFLICT, &json!("last_administrator")));
}

#[actix_web::test]
async fn who_is_to_be_no_administrator_is_none_for_a_while_either() {
    let desk = Desk::open().await;
    let dan = desk.lesser("dan@example.com", &[]).await;
    let is_admin = async || desk.call_as(&dan, Method::GET, "me").await.json()["is_admin"].clone();
    for body in [json!({"admin": false}), json!({"roles": []})] {
        let mut tuple = parts("platform * admin user dan@example.com");
        tuple["expires_at"] = json!(desk.site.home.cx().now.plus(std::time::Duration::from_secs(60)).rfc3339());
        assert_eq!(desk.admin(Method::POST, "tuples", tuple).await.status, StatusCode::CREATED);
        let renamed = desk.admin(Method::PATCH, "users/dan@example.com", json!({"name": "Dan"})).await;
        assert_eq!((renamed.status, is_admin().await), (StatusCode::OK, json!(true)));
        let demoted = desk.admin(Method::PATCH, "users/dan@example.com", body).await;
        assert_eq!((demoted.status, is_admin().await), (StatusCode::OK, json!(false)), "{}", demoted.body);
    }
}

/// A world in which leads of `t1` administer users, and parents and exclusions lead there.
async fn world(desk: &Desk) {
    desk.model("teams", json!({"relations": {
        "banned": {}, "parent": {"subjects": ["orgs"]}, "deputy": {}, "other": {},
        "lead": {"anyOf": [{"direct": true}, {"relation": "deputy"}, {"relation": "chief", "from": "parent"}], "except": [{"relation": "banned"}]}
    }}))
    .await;
    desk.model("orgs", json!({"relations": {"chief": {}, "guest": {}}})).await;
    desk.model("notes", json!({"relations": {"viewer": {}}})).await;
    desk.tuple("users * admin teams t1 lead").await;
    desk.tuple("teams t1 parent orgs o1").await;
    desk.site.person("bob@example.com", &[]).await;
}

#[actix_web::test]
async fn who_fills_a_group_inside_another_set_does_not_become_an_administrator() {
    let desk = Desk::open().await;
    world(&desk).await;
    let (g4, deep, free) = (desk.group("G4").await, desk.group("deep").await, desk.group("free").await);
    desk.tuple(&format!("teams t1 lead group {g4}")).await;
    desk.tuple(&format!("group {g4} member group {deep}")).await;
    desk.tuple(&format!("notes n1 viewer group {free}")).await;
    let gm = desk.lesser("gm@example.com", &[("groups", "admin")]).await;
    let member = json!({"subject_id": "gm@example.com"});
    for name in ["G4", "deep"] {
        let path = format!("/api/admin/groups/{name}");
        let answer = desk.send(&gm, Method::POST, &format!("{path}/members"), member.clone()).await;
        forbidden(&answer, name);
        forbidden(&desk.send(&gm, Method::DELETE, &path, json!({})).await, name);
    }
    forbidden(&desk.as_somebody(&gm, &format!("group {deep} member user gm@example.com")).await, "as a tuple");
    forbidden(&desk.as_somebody(&gm, "group * member user gm@example.com").await, "all groups");
    let fine = desk.send(&gm, Method::POST, "/api/admin/groups/free/members", member).await;
    assert_eq!(fine.status, StatusCode::CREATED, "{}", fine.body);
    assert_eq!(desk.call_as(&gm, Method::GET, "users").await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn who_writes_tuples_or_models_gives_nobody_authority_over_the_platform() {
    let desk = Desk::open().await;
    world(&desk).await;
    let editor = desk.lesser("ed@example.com", &[("tuples", "editor"), ("models", "editor")]).await;
    for tuple in [
        "teams t1 lead user bob@example.com",
        "teams * lead user bob@example.com",
        "teams t1 deputy user bob@example.com",
        "teams t1 banned user root@example.com",
        "teams t1 lead orgs o9 chief",
        "teams t1 parent orgs o9",
        "orgs o1 chief user bob@example.com",
        "orgs * chief user bob@example.com",
    ] {
        forbidden(&desk.as_somebody(&editor, tuple).await, tuple);
        let many = json!({"tuples": [parts("notes n1 viewer user bob@example.com"), parts(tuple)]});
        forbidden(&desk.send(&editor, Method::POST, "/api/admin/tuples", many).await, tuple);
    }
    desk.tuple("teams t1 banned user bob@example.com").await;
    let remove = parts("teams t1 banned user bob@example.com");
    forbidden(&desk.send(&editor, Method::POST, "/api/admin/tuples/remove", remove).await, "taking an exclusion away");
    for free in [
        "teams t1 other user bob@example.com",
        "teams t2 lead user bob@example.com",
        "orgs o1 guest user bob@example.com",
        "orgs o9 chief user bob@example.com",
        "notes * viewer teams t1 lead",
    ] {
        assert_eq!(desk.as_somebody(&editor, free).await.status, StatusCode::CREATED, "{free}");
    }
    for (kind, status) in [("teams", 403), ("orgs", 403), ("users", 403), ("notes", 200), ("fresh", 201)] {
        let body = json!({"definition": {"relations": {"viewer": {}, "chief": {}, "guest": {}, "lead": {}}}});
        let answer = desk.send(&editor, Method::PUT, &format!("/api/admin/models/{kind}"), body).await;
        assert_eq!(answer.status.as_u16(), status, "{kind}: {}", answer.body);
    }
}

#[actix_web::test]
async fn who_manages_people_does_not_take_over_those_who_hold_authority_through_a_set() {
    let desk = Desk::open().await;
    world(&desk).await;
    desk.tuple("orgs o1 chief user bob@example.com").await;
    let staff = desk.lesser("staff@example.com", &[("users", "admin")]).await;
    let change = json!({"email": "mine@example.com"});
    forbidden(&desk.send(&staff, Method::PATCH, "/api/admin/users/bob@example.com", change).await, "bob");
}

#[actix_web::test]
async fn who_manages_apps_does_not_take_over_one_that_holds_authority() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let editor = desk.lesser("apps@example.com", &[("clients", "admin")]).await;
    let rename = json!({"name": "Mine"});
    let renamed = desk.send(&editor, Method::PATCH, "/api/admin/clients/grafana", rename.clone()).await;
    assert_eq!(renamed.status, StatusCode::OK);
    desk.tuple("users * admin client grafana").await;
    for (method, path, body) in [
        (Method::PATCH, "", rename),
        (Method::POST, "/rotate-secret", json!({})),
        (Method::POST, "/disable", json!({})),
        (Method::DELETE, "", json!({})),
    ] {
        let path = format!("/api/admin/clients/grafana{path}");
        forbidden(&desk.send(&editor, method, &path, body).await, &path);
    }
}

#[actix_web::test]
async fn what_an_export_writes_an_import_reads_and_leaves_out_what_has_expired() {
    let desk = Desk::open().await;
    desk.model("notes", json!({"relations": {"viewer": {}}})).await;
    let until = desk.site.home.cx().now.plus(std::time::Duration::from_secs(3)).rfc3339();
    let mut short = parts("notes n1 viewer user bob");
    short["expires_at"] = json!(until);
    assert_eq!(desk.admin(Method::POST, "tuples", short.clone()).await.status, StatusCode::CREATED);
    desk.tuple("notes n2 viewer user bob").await;
    desk.site.home.advance(std::time::Duration::from_secs(4));
    let lines: Vec<String> = [short.clone(), parts("notes n2 viewer user bob"), parts("notes n3 viewer user bob")]
        .map(|line| line.to_string())
        .to_vec();
    let answer = desk.admin(Method::POST, "tuples/import", json!({"lines": lines})).await;
    assert_eq!(
        answer.json(),
        json!({
            "written": 2, "expired": 1, "resolved": 0, "names": 0, "strangers": 2,
            "notes": ["there is no person bob here. It was taken for the name of one in another system."],
        }),
        "{}",
        answer.body
    );
    // A mistake behind it keeps its line, and what is written by hand must not be over already.
    let wrong = [short.to_string(), parts("notes n4 boss user bob").to_string()];
    let refused = desk.admin(Method::POST, "tuples/import", json!({"lines": wrong})).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.body.contains("line 2"), "{}", refused.body);
    for body in [short.clone(), json!({"tuples": [short]})] {
        assert_eq!(desk.admin(Method::POST, "tuples", body).await.status, StatusCode::BAD_REQUEST);
    }
}

#[actix_web::test]
async fn dry_runs_know_full_access() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let definition = json!({"relations": {"viewer": {}}, "permissions": {"read": {"relation": "viewer"}}});
    desk.model("grafana:doc", definition.clone()).await;
    desk.tuple("oauth_client grafana full_access user cy").await;
    desk.tuple("grafana:doc d1 viewer user ann").await;
    let same = desk.admin(Method::POST, "models/grafana:doc/dry-run", json!({"definition": definition})).await.json();
    assert_eq!((&same["lost"], &same["gained"], &same["refused"]), (&json!([]), &json!([]), &Value::Null), "{same}");
    let fewer = json!({"definition": {"relations": {"owner": {}}}});
    let refused = desk.admin(Method::POST, "models/grafana:doc/dry-run", fewer).await.json();
    assert_eq!(refused["refused"]["code"], "in_use", "{refused}");
    let staff = desk.group("staff").await;
    desk.tuple("oauth_client grafana full_access group staff").await;
    for add in ["oauth_client grafana full_access user bob".to_owned(), format!("group {staff} member user bob")] {
        let told = desk.admin(Method::POST, "tuples/dry-run", json!({"add": [parts(&add)]})).await.json();
        let gained: Vec<_> = told["gained"].as_array().unwrap().iter().map(|one| one.to_string()).collect();
        for object in ["d1", "*"] {
            let wanted = |one: &String| {
                one.contains("\"bob\"") && one.contains(&format!("\"{object}\"")) && one.contains("read")
            };
            assert!(gained.iter().any(wanted), "{add} {object}: {told}");
        }
        assert_eq!(told["complete"], true, "{told}");
    }
    let admin = desk.admin(Method::POST, "tuples/dry-run", json!({"add": [parts("platform * admin user bob")]})).await;
    assert_eq!(admin.json()["complete"], false, "what an administrator may do is not listed: {}", admin.body);
}

#[actix_web::test]
async fn bug_class_50_nothing_is_written_on_groups_and_clients_that_are_not_there() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let gone = desk.group("gone").await;
    desk.tuple(&format!("group {gone} member user ann")).await;
    assert_eq!(desk.admin(Method::DELETE, "groups/gone", json!({})).await.status, StatusCode::OK);
    for tuple in [
        &format!("group {gone} member user ann"),
        "group grp_06gvppeqjk9kphqde4kl8em4ec member user ann",
        "oauth_client nosuch owner user ann",
        "oauth_client client_00000000000000000000000000 owner user ann",
    ] {
        let refused = desk.as_somebody(&desk.token, tuple).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (StatusCode::NOT_FOUND, &json!("subject_not_found")),
            "{tuple}"
        );
        let many = desk.admin(Method::POST, "tuples", json!({"tuples": [parts(tuple)]})).await;
        assert_eq!(many.status, StatusCode::BAD_REQUEST, "{tuple}: {}", many.body);
    }
    assert_eq!(desk.get(&format!("tuples?entity_type=group&entity_id={gone}")).await.json()["items"], json!([]));
    for fine in ["oauth_client grafana owner user ann", "oauth_client * use user ann", "group * member user ann"] {
        desk.tuple(fine).await;
    }
    // What was granted on a client goes with it, and does not come back with its name.
    assert_eq!(desk.admin(Method::DELETE, "clients/grafana", json!({})).await.status, StatusCode::OK);
    let again = desk.as_somebody(&desk.token, "oauth_client grafana owner user ann").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    desk.site.client(false).await;
    let left = desk.get("tuples?entity_type=oauth_client&entity_id=grafana").await;
    assert_eq!(left.json()["items"], json!([]));
}

#[actix_web::test]
async fn who_disables_an_app_or_a_person_is_told_what_stopped() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let bob = desk.lesser("bob@example.com", &[]).await;
    for body in [json!({"name": "own"}), json!({"name": "off"})] {
        let made = desk.send(&bob, Method::POST, "/api/auth/api-key/create", body).await;
        assert!(made.status.is_success(), "{}", made.body);
    }
    let made = desk.admin(Method::POST, "api-keys", json!({"name": "bound", "client": "grafana"})).await;
    assert!(made.status.is_success(), "{}", made.body);
    let app = desk.admin(Method::POST, "clients/grafana/disable", json!({})).await.json();
    assert_eq!(app["ended"], json!({"sessions": 0, "grants": 0, "consents": 0, "api_keys": 1}), "{app}");
    let person = desk.admin(Method::POST, "users/bob@example.com/disable", json!({})).await.json();
    assert_eq!(person["ended"], json!({"sessions": 1, "grants": 0, "consents": 0, "api_keys": 2}), "{person}");
    let rows = desk.get("audit?action=client.disable").await.json();
    assert_eq!(rows["items"][0]["detail"]["ended"]["api_keys"], 1, "{rows}");
}

#[actix_web::test]
async fn bug_class_40_a_cursor_of_no_list_is_refused() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    for kind in ["a", "b", "c"] {
        desk.model(kind, json!({"relations": {"viewer": {}}})).await;
        desk.tuple(&format!("{kind} 1 viewer user ann")).await;
    }
    let objects = desk.get("tuples?limit=1").await.json()["next"].as_str().unwrap().to_owned();
    let subjects = desk.get("tuples?limit=1&subject=user:ann").await.json()["next"].as_str().unwrap().to_owned();
    for path in ["tuples?after=zz", "models?after=zz", "clients?after=zz", "tuples?subject=user:ann&after=zz"] {
        assert_eq!(desk.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    for path in [
        format!("tuples?after={subjects}"),
        format!("tuples?subject=user:ann&after={objects}"),
        format!("models?after={objects}"),
    ] {
        assert_eq!(desk.get(&path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(desk.get(&format!("tuples?limit=1&after={objects}")).await.status, StatusCode::OK);
    let (mut kinds, mut after) = (Vec::new(), String::new());
    while kinds.len() < 3 {
        let page = desk.get(&format!("models?limit=1{after}")).await.json();
        kinds.push(page["items"][0]["entity_type"].as_str().unwrap().to_owned());
        after = format!("&after={}", page["next"].as_str().unwrap_or_default());
    }
    assert_eq!(kinds, ["a", "b", "c"]);
    assert_eq!(desk.all("tuples?subject=user:ann", "entity_type").await, ["a", "b", "c"]);
    assert_eq!(desk.all("clients", "client_id").await, ["grafana"]);
}

#[actix_web::test]
async fn a_subject_whose_type_or_identifier_holds_colons_is_found() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    for kind in ["doc", "grafana:folder", "twice", "twice:a"] {
        desk.model(kind, json!({"relations": {"viewer": {}, "parent": {}}})).await;
    }
    for subject in ["grafana:folder f1", "doc urn:x:1", "twice a:1", "user ann:1"] {
        desk.tuple(&format!("doc 1 viewer {subject}")).await;
    }
    for (subject, kind) in
        [("grafana:folder:f1", "grafana:folder"), ("doc:urn:x:1", "doc"), ("user:ann:1", "user"), ("other:1", "")]
    {
        let found = desk.get(&format!("tuples?subject={subject}")).await.json();
        let kinds: Vec<&str> =
            found["items"].as_array().unwrap().iter().map(|one| one["subject_type"].as_str().unwrap()).collect();
        assert_eq!(kinds, if kind.is_empty() { vec![] } else { vec![kind] }, "{subject}");
    }
    for wrong in ["ann", "user:", ":ann", "", "twice:a:1", "no:such:type"] {
        let refused = desk.get(&format!("tuples?subject={wrong}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}: {}", refused.body);
    }
    let chosen = desk.get("tuples?subject_type=twice&subject_id=a:1").await.json();
    assert_eq!(chosen["items"].as_array().unwrap().len(), 1, "{chosen}");
}

#[actix_web::test]
async fn a_condition_that_says_nothing_is_refused() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    desk.model("grafana:doc", json!({"relations": {"viewer": {}}})).await;
    desk.site.person("bob@example.com", &[]).await;
    for condition in ["", " \n"] {
        let mut tuple = parts("grafana:doc 1 viewer user bob@example.com");
        tuple["condition"] = json!(condition);
        assert_eq!(desk.admin(Method::POST, "tuples", tuple).await.status, StatusCode::BAD_REQUEST);
        let grant = |condition: Value| {
            json!({"entityTypeName": "doc", "entityId": "1", "relation": "viewer", "subjectType": "user",
                "subjectEmail": "bob@example.com", "condition": condition})
        };
        let path = "/api/internal/clients/grafana/grants";
        let refused = desk.send(&desk.token, Method::POST, path, grant(json!(condition))).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
        assert!(desk.send(&desk.token, Method::POST, path, grant(Value::Null)).await.status.is_success());
        let refused = desk.send(&desk.token, Method::POST, path, grant(json!(condition))).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "an existing one: {}", refused.body);
    }
}

#[actix_web::test]
async fn expressions_of_a_model_nest_sixteen_deep() {
    let desk = Desk::open().await;
    let put = async |depth: usize| {
        let nested = (0..depth).fold(json!({"direct": true}), |inner, _| json!({"anyOf": [inner, {"relation": "b"}]}));
        let body = json!({"definition": {"relations": {"a": nested, "b": {}}}});
        desk.admin(Method::PUT, &format!("models/deep{depth}"), body).await
    };
    for depth in [14, 15, 16] {
        let answer = put(depth).await;
        assert!(answer.status.is_success(), "{depth}: {}", answer.body);
    }
    let refused = put(17).await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST && refused.body.contains("more than 16 levels"),
        "{}",
        refused.body
    );
}
