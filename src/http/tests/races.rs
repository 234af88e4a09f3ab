//! Names that change their meaning, and rights that go, while somebody writes.

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Desk;
use super::graph::parts;

/// How often each race is run.
const ROUNDS: usize = 200;

impl Desk {
    async fn rename(&self, token: &str, group: &str, name: &str) -> StatusCode {
        self.send(token, Method::PATCH, &format!("/api/admin/groups/{group}"), json!({"name": name})).await.status
    }

    async fn is_admin(&self, token: &str) -> bool {
        self.call_as(token, Method::GET, "me").await.json()["is_admin"] == true
    }
}

/// The ways in which somebody names a group while they put themselves into it.
fn ways(name: &str) -> [(String, Value); 4] {
    let tuple = parts(&format!("group {name} member user gm@example.com"));
    [
        (String::from("/api/admin/tuples"), tuple.clone()),
        (String::from("/api/admin/tuples"), json!({"tuples": [tuple]})),
        (String::from("/api/admin/tuples/import"), json!({"lines": [tuple.to_string()]})),
        (format!("/api/admin/groups/{name}/members"), json!({"subject_id": "gm@example.com"})),
    ]
}

#[actix_web::test]
async fn bug_class_38_a_name_means_the_same_group_to_the_check_and_to_the_write() {
    let desk = Desk::open().await;
    let (own, carrier) = (desk.group("Door").await, desk.group("Board").await);
    desk.tuple(&format!("platform * admin group {carrier}")).await;
    let gm = desk.lesser("gm@example.com", &[("groups", "admin"), ("tuples", "admin")]).await;
    let root = desk.token.clone();
    let mut written = 0;
    for round in 0..ROUNDS {
        let (path, body) = ways("Door")[round % 4].clone();
        // Even rounds: everything by the one who wants in. Odd ones: an administrator renames, and the one who wants in
        // writes at that moment.
        let renamer = if round % 2 == 0 { &gm } else { &root };
        let (_, swapped, answer) = if round % 3 == 0 {
            tokio::join!(
                desk.rename(renamer, &own, "Elsewhere"),
                desk.rename(renamer, &carrier, "Door"),
                desk.send(&gm, Method::POST, &path, body),
            )
        } else {
            let (answer, first, swapped) = tokio::join!(
                desk.send(&gm, Method::POST, &path, body),
                desk.rename(renamer, &own, "Elsewhere"),
                desk.rename(renamer, &carrier, "Door"),
            );
            (first, swapped, answer)
        };
        assert_eq!(swapped == StatusCode::OK, round % 2 == 1, "only who may give authority renames what carries it");
        assert!(!desk.is_admin(&gm).await, "round {round}: {path} answered {} {}", answer.status, answer.body);
        written += usize::from(answer.status == StatusCode::CREATED);
        for (group, name) in [(&carrier, "Board"), (&own, "Door")] {
            assert_eq!(desk.rename(&root, group, name).await, StatusCode::OK);
        }
        let gone = format!("groups/{own}/members/user/gm@example.com");
        desk.admin(Method::DELETE, &gone, json!({})).await;
    }
    assert!(written > 0, "no race was ever written");
}

#[actix_web::test]
async fn bug_class_38_a_right_that_was_taken_away_is_felt_by_what_is_written_after() {
    let desk = Desk::open().await;
    desk.group("Club").await;
    desk.model("notes", json!({"relations": {"viewer": {}}})).await;
    let root = desk.token.clone();
    let gm = desk.lesser("gm@example.com", &[("groups", "admin"), ("tuples", "admin")]).await;
    let right = |kind: &str| parts(&format!("{kind} * admin user gm@example.com"));
    for round in 0..ROUNDS {
        let (kind, path, body) = match round % 3 {
            0 => ("groups", "/api/admin/groups", json!({"name": format!("Late {round}")})),
            1 => ("groups", "/api/admin/groups/Club/members", json!({"subject_id": format!("other{round}")})),
            _ => ("tuples", "/api/admin/tuples", parts(&format!("notes n{round} viewer user other{round}"))),
        };
        // Both wait for the writer at once; the right goes first.
        let (taken, answer) = tokio::join!(
            desk.send(&root, Method::POST, "/api/admin/tuples/remove", right(kind)),
            desk.send(&gm, Method::POST, path, body),
        );
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "round {round} {path}: {}", answer.body);
        assert_eq!(desk.admin(Method::POST, "tuples", right(kind)).await.status, StatusCode::CREATED);
    }
    let told = desk.get("audit?action=access.refuse").await.json();
    assert_eq!(told["items"][0]["detail"]["reason"], "permission_denied", "{told}");
}
