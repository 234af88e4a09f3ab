//! Tuples, models and groups over the admin API: who may write what, and what is told.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Answer, Desk};

impl Desk {
    async fn send(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let request = TestRequest::default().method(method).uri(path).set_json(body);
        self.site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
    }

    async fn admin(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send(&self.token, method, &format!("/api/admin/{path}"), body).await
    }

    async fn model(&self, entity_type: &str, definition: Value) {
        let answer = self.admin(Method::PUT, &format!("models/{entity_type}"), json!({"definition": definition})).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }

    async fn tuple(&self, text: &str) {
        let answer = self.as_somebody(&self.token, text).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{text}: {}", answer.body);
    }

    /// Writes `TYPE ID RELATION SUBJECT_TYPE SUBJECT_ID [SUBJECT_RELATION]`.
    async fn as_somebody(&self, token: &str, text: &str) -> Answer {
        self.send(token, Method::POST, "/api/admin/tuples", parts(text)).await
    }

    async fn group(&self, name: &str) -> String {
        self.admin(Method::POST, "groups", json!({"name": name})).await.json()["id"].as_str().unwrap().to_owned()
    }
}

fn parts(text: &str) -> Value {
    let parts: Vec<&str> = text.split(' ').collect();
    json!({"entity_type": parts[0], "entity_id": parts[1], "relation": parts[2], "subject_type": parts[3], "subject_id": parts[4],
        "subject_relation": parts.get(5)})
}

fn forbidden(answer: &Answer, what: &str) {
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
