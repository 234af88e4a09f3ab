//! Lists of the admin API: what narrows them, and reading on.

use serde_json::{Value, json};

use super::*;
use crate::base::id::ClientId;
use crate::records::{Client, ClientFieldsChange, ClientType};

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
        ("?search=%C3%A4NN", &[ann, cy]),
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
        let fields = ClientFieldsChange { redirect_uris, ..ClientFieldsChange::default() };
        let input = NewClient {
            name: Some(name.to_owned()),
            kind: serde_json::from_value(kind.into()).unwrap(),
            client_id: Some(id.to_owned()),
            fields,
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
    let tenant = desk.site.home.cx().tenant.id;
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
async fn lists_are_read_in_the_order_that_is_asked_for() {
    let desk = Desk::open().await;
    let cx = desk.site.home.cx();
    for (email, name) in [("ann@example.com", "Zoe"), ("bob@example.com", "adam"), ("cy@example.com", "Änne")] {
        let user = desk.site.person(email, &[]).await;
        let profile = json!({ "name": name }).as_object().unwrap().clone();
        let change = crate::identity::users::UserChange { profile, ..Default::default() };
        crate::identity::users::update(&cx, &user.id, change).await.unwrap();
    }
    let [root, ann, bob, cy] = ["root@example.com", "ann@example.com", "bob@example.com", "cy@example.com"];
    for (query, wanted) in [
        ("sort=email", &[ann, bob, cy, root][..]),
        ("sort=-email", &[root, cy, bob, ann]),
        ("sort=name", &[bob, ann, cy, root]),
        ("sort=-name", &[cy, ann, bob, root]),
        ("sort=-name&search=example.com&role=admin", &[root]),
        ("sort=name&search=ann", &[ann, cy]),
    ] {
        assert_eq!(desk.all(&format!("users?{query}"), "email").await, wanted, "{query}");
    }
    for name in ["Sales", "engineering", "Staff"] {
        crate::access::groups::create(&cx, name, None).await.unwrap();
    }
    assert_eq!(desk.all("groups?sort=name", "name").await, ["engineering", "Sales", "Staff"]);
    assert_eq!(desk.all("groups?sort=-name&search=staff", "name").await, ["Staff"]);
    for (id, name) in [("b", "One"), ("a2", "two"), ("c3", "Three")] {
        let input = NewClient {
            name: Some(name.to_owned()),
            kind: Some(ClientType::M2m),
            client_id: Some(format!("{id}-app")),
            ..NewClient::default()
        };
        register(&cx, &input).await.unwrap();
    }
    assert_eq!(desk.all("clients?sort=name", "name").await, ["One", "Three", "two"]);
    assert_eq!(desk.all("clients?sort=-client_id&type=m2m", "name").await, ["Three", "One", "two"]);
    let by_time = desk.all("sessions?sort=created_at", "id").await;
    let of_root = desk.all("sessions?sort=-last_seen_at&user=root@example.com", "id").await;
    assert_eq!((&by_time, by_time.len()), (&of_root, 1));
}

#[actix_web::test]
async fn keys_are_sorted_by_what_is_shown_of_them() {
    let desk = Desk::open().await;
    let ann = desk.site.person("ann@example.com", &[]).await;
    let cx = desk.site.home.cx();
    let mut texts = Vec::new();
    for (name, days) in [("b", Some(3)), ("A", None), ("c", Some(1))] {
        let expires_in = days.map(|days: u64| days * 86_400);
        let new = crate::apikeys::NewKey { name: name.to_owned(), expires_in, ..Default::default() };
        texts.push(crate::apikeys::create(&cx, &ann.id, new).await.unwrap().secret);
    }
    crate::apikeys::accept(&cx, &texts[0], None).await.unwrap();
    for (query, wanted) in [
        ("sort=name", ["A", "b", "c"]),
        ("sort=expires_at", ["c", "b", "A"]),
        ("sort=-expires_at", ["b", "c", "A"]),
        ("sort=name&owner=ann@example.com", ["A", "b", "c"]),
    ] {
        assert_eq!(desk.all(&format!("api-keys?{query}"), "name").await, wanted, "{query}");
    }
    let used = desk.all("api-keys?sort=-last_used_at", "name").await;
    assert_eq!(used[0], "b", "the use of this minute counts");
}

#[actix_web::test]
async fn an_order_that_there_is_not_and_a_cursor_of_another_are_refused() {
    let desk = Desk::open().await;
    for n in 0..3 {
        desk.site.person(&format!("p{n}@example.com"), &[]).await;
    }
    let wrong = desk.get("users?sort=password").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let told = wrong.json();
    assert_eq!(told["errors"][0]["field"], "sort");
    for field in ["name", "email", "created_at"] {
        assert!(told["detail"].as_str().unwrap().contains(field), "{told}");
    }
    let sorted = desk.get("users?sort=email&limit=2").await.json()["next"].as_str().unwrap().to_owned();
    let plain = desk.get("users?limit=2").await.json()["next"].as_str().unwrap().to_owned();
    for query in [
        format!("sort=-email&after={sorted}"),
        format!("sort=name&after={sorted}"),
        format!("sort=email&after={plain}"),
        format!("after={sorted}"),
        format!("sort=email&sort=name&after={sorted}"),
        String::from("sort="),
        String::from("sort=-"),
    ] {
        assert_eq!(desk.get(&format!("users?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(desk.get(&format!("users?sort=email&after={sorted}")).await.status, StatusCode::OK);
    assert_eq!(desk.get(&format!("clients?after={sorted}")).await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn somebody_is_signed_out_everywhere_at_once() {
    let desk = Desk::open().await;
    let ann = desk.site.person("ann@example.com", &[]).await;
    for _ in 0..3 {
        desk.site.token("ann@example.com").await;
    }
    let lesser = desk.lesser("vi@example.com", &[("users", "admin")]).await;
    let path = "users/ann@example.com/sessions";
    assert_eq!(desk.call_as(&lesser, Method::DELETE, path).await.status, StatusCode::FORBIDDEN);
    let ended = desk.call(Method::DELETE, path).await.json();
    assert_eq!((&ended["id"], &ended["ended"]["sessions"]), (&json!(ann.id), &json!(3)));
    assert_eq!(desk.all("sessions?user=ann@example.com", "id").await, [""; 0]);
    assert_eq!(desk.get("me").await.status, StatusCode::OK, "others stay");
    let row = desk.get("audit?action=session.end_all&limit=1").await.json()["items"][0].clone();
    assert_eq!((&row["target"], &row["detail"]["ended"]["sessions"]), (&json!(ann.id), &json!(3)));
    assert_eq!(desk.call(Method::DELETE, "users/nobody@example.com/sessions").await.status, StatusCode::NOT_FOUND);
}

/// A text that a parameter of this schema does not take; `None` where it takes any.
fn wrong_text(schema: &Value) -> Option<&'static str> {
    let is = |word: &str, value: &str| schema[word] == value;
    let takes_some = schema.get("enum").is_some() || is("type", "integer") || is("type", "boolean");
    (takes_some || is("format", "date-time")).then_some("neither")
}

#[actix_web::test]
async fn everything_that_is_wrong_with_a_query_is_said_at_once_for_every_list() {
    let desk = Desk::open().await;
    let document = desk.get("openapi.json").await.json();
    let (mut lists, mut wrong) = (0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(parameters) = item["get"]["parameters"].as_array() else { continue };
        let named = |one: &Value| one["name"].as_str().unwrap().to_owned();
        let in_query = parameters.iter().filter(|one| one["in"] == "query");
        let mut names: Vec<String> = in_query.filter(|one| wrong_text(&one["schema"]).is_some()).map(named).collect();
        if names.is_empty() {
            continue;
        }
        let query: Vec<String> = names.iter().map(|name| format!("{name}=neither")).collect();
        let path = path.trim_start_matches('/').replace(['{', '}'], "");
        let path = path.strip_prefix("api/admin/").unwrap_or(&path);
        let answer = desk.get(&format!("{path}?{}", query.join("&"))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.body);
        let told = answer.json();
        assert_eq!(told["code"], "invalid_request", "{path}");
        let mut found: Vec<String> =
            told["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap().to_owned()).collect();
        // What is needed and is not there is said with the rest.
        let is_needed = |one: &&Value| one["in"] == "query" && one["required"] == true;
        names.extend(parameters.iter().filter(is_needed).map(named));
        found.sort_unstable();
        names.sort_unstable();
        names.dedup();
        assert_eq!(found, names, "{path}: {}", answer.body);
        (lists, wrong) = (lists + 1, wrong + found.len());
    }
    assert!(lists >= 12 && wrong >= 25, "{lists} {wrong}");
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
