//! Lists of the admin API: what narrows them, and reading on.

use serde_json::json;

use super::*;
use crate::base::id::ClientId;
use crate::records::Client;

#[actix_web::test]
async fn people_are_found_by_name_state_and_role() {
    let desk = Desk::open().await;
    for (email, name) in [("ann@example.com", "Ann Lee"), ("bob@example.com", "Robert"), ("cy@example.org", "Änne")] {
        let user = desk.site.person(email, &[]).await;
        let profile = json!({"name": name}).as_object().unwrap().clone();
        let change = crate::identity::users::UserChange { profile, ..Default::default() };
        crate::identity::users::update(&desk.site.home.cx(), &user.id, change).await.unwrap();
        if email.starts_with("bob") {
            crate::identity::users::disable(&desk.site.home.cx(), &user.id).await.unwrap();
        }
    }
    let [root, ann, bob, cy] = ["root@example.com", "ann@example.com", "bob@example.com", "cy@example.org"];
    for (query, wanted) in [
        ("", &[root, ann, bob, cy][..]),
        ("?search=EXAMPLE.com", &[root, ann, bob]),
        ("?search=lee", &[ann]),
        ("?search=%C3%A4NN", &[cy]),
        ("?search=%20", &[root, ann, bob, cy]),
        ("?search=nobody", &[]),
        ("?disabled=true", &[bob]),
        ("?disabled=false&search=a", &[root, ann, cy]),
        ("?role=admin", &[root]),
        ("?role=admin&disabled=true", &[]),
        ("?role=", &[root, ann, bob, cy]),
    ] {
        // Ids of one moment have no order among them.
        let mut found = desk.all(&format!("users{query}"), "email").await;
        found.sort_by_key(|email| [root, ann, bob, cy].iter().position(|known| known == email));
        assert_eq!(found, wanted, "{query}");
    }
}

#[actix_web::test]
async fn apps_are_found_by_name_type_and_state() {
    let desk = Desk::open().await;
    for (id, name, kind) in [("wiki", "The Wiki", "web"), ("shop", "Shop", "spa"), ("robot", "Robot", "m2m")] {
        let redirect_uris = (kind != "m2m").then(|| vec![format!("https://{id}.example.com/cb")]);
        let input = ClientInput {
            name: Some(name.to_owned()),
            kind: Some(kind.to_owned()),
            client_id: Some(id.to_owned()),
            redirect_uris,
            ..ClientInput::default()
        };
        let Client { id, .. } = register(&desk.site.home.cx(), &input).await.unwrap().client;
        if kind == "spa" {
            let cx = desk.site.home.cx();
            crate::oauth::clients::set_disabled(&cx, &id, true).await.unwrap();
        }
    }
    for (query, wanted) in [
        ("", &["robot", "shop", "wiki"][..]),
        ("?search=the%20wiki", &["wiki"]),
        ("?search=EXAMPLE.COM/cb", &["shop", "wiki"]),
        ("?type=m2m", &["robot"]),
        ("?type=web&disabled=true", &[]),
        ("?disabled=true", &["shop"]),
    ] {
        assert_eq!(desk.all(&format!("clients{query}"), "client_id").await, wanted, "{query}");
    }
}

#[actix_web::test]
async fn groups_are_found_by_what_they_are_called() {
    let desk = Desk::open().await;
    let cx = desk.site.home.cx();
    for (name, description) in
        [("Sales", Some("Who sells")), ("Staff", None), ("Engineering", Some("builds for staff"))]
    {
        crate::access::groups::create(&cx, name, description).await.unwrap();
    }
    let mut staff = desk.all("groups?search=STAFF", "name").await;
    staff.sort();
    assert_eq!(staff, ["Engineering", "Staff"]);
    assert_eq!(desk.all("groups?search=sells", "name").await, ["Sales"]);
    assert_eq!(desk.all("groups", "name").await.len(), 3);
}

#[actix_web::test]
async fn sessions_are_found_by_person_and_app_and_ended_ones_are_not() {
    let desk = Desk::open().await;
    let ann = desk.site.person("ann@example.com", &[]).await;
    for _ in 0..5 {
        desk.site.token("ann@example.com").await;
    }
    let store = &desk.site.home.parts.store;
    let sessions = crate::identity::sessions::of_user(&desk.site.home.cx(), &ann.id).unwrap();
    let (old, wiki) = (sessions[1].clone(), "wiki".parse::<ClientId>().unwrap());
    let used = crate::records::Session { clients: vec![wiki], ..old.clone() };
    let tenant = desk.site.home.cx().tenant;
    let put = move |tx: &mut crate::store::Tx| crate::store::rows::sessions::put(tx, tenant, Some(&old), &used);
    store.write::<_, crate::store::Error, _>(put).await.unwrap();
    let newest_first: Vec<String> = sessions.iter().rev().map(|session| session.id.to_string()).collect();
    assert_eq!(desk.all("sessions?user=ann@example.com", "id").await, newest_first);
    assert_eq!(desk.all("sessions", "id").await.len(), 6);
    for query in ["client=wiki", "client=wiki&user=ann@example.com"] {
        assert_eq!(desk.all(&format!("sessions?{query}"), "id").await, [sessions[1].id.as_str()], "{query}");
    }
    assert_eq!(desk.all("sessions?client=wiki&user=root@example.com", "id").await, [""; 0]);
    assert_eq!(desk.all("sessions?client=never-was", "id").await, [""; 0]);
    assert_eq!(desk.get("sessions?user=nobody@example.com").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_wrong_filter_is_refused_and_names_its_field() {
    let desk = Desk::open().await;
    for (path, field) in [
        ("users?disabled=maybe", "disabled"),
        ("users?disabled=", "disabled"),
        ("users?search=a&search=b", "search"),
        ("clients?type=desktop", "type"),
        ("clients?disabled=1", "disabled"),
        ("sessions?client=%20", "client"),
        ("groups?limit=x", "limit"),
        ("groups?after=usr_1", "after"),
    ] {
        let answer = desk.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.body);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{path}");
    }
}
