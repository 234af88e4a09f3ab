use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{PASSWORD, Site, Tab};
use crate::config::Registration;
use crate::store::rows;

async fn ask(site: &Site, token: &str, uri: &str) -> Value {
    let request = TestRequest::get().uri(uri).insert_header(("authorization", format!("Bearer {token}")));
    site.send(request).await.json()
}

async fn tell(site: &Site, token: &str, uri: &str, body: Value) -> super::TestResponse {
    let request = TestRequest::post().uri(uri).insert_header(("authorization", format!("bearer {token}")));
    site.send(request.set_json(body)).await
}

#[actix_web::test]
async fn a_session_token_works_as_a_bearer_token() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let token = site.token("ann@example.com").await;
    let found = ask(&site, &token, "/api/auth/get-session").await;
    assert_eq!(found["user"]["email"], "ann@example.com");
    assert!(found["session"]["expiresAt"].as_str().unwrap().ends_with(".000Z"));
    assert!(!found.to_string().contains(token.split_once('.').unwrap().1), "the secret half is never shown again");
    assert_eq!(site.get("/api/auth/get-session").await.json(), Value::Null);
    assert_eq!(tell(&site, &token, "/api/auth/sign-out", json!({})).await.json(), json!({ "success": true }));
    let gone =
        TestRequest::get().uri("/api/auth/get-session").insert_header(("authorization", format!("Bearer {token}")));
    assert_eq!(site.send(gone).await.json(), Value::Null);
}

#[actix_web::test]
async fn a_wrong_password_is_401_like_an_unknown_name() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "bob@example.com", "no address"] {
        let body = json!({ "email": email, "password": "wrong wrong" });
        let answer = site.send(TestRequest::post().uri("/api/auth/sign-in/email").set_json(body)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answers.push(answer.body);
    }
    assert!(answers[0].contains("INVALID_EMAIL_OR_PASSWORD"));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[actix_web::test]
async fn bug_class_34_a_cookie_counts_only_for_our_own_pages() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    tab.post_json("/api/auth/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    for origin in ["https://evil.example", "null"] {
        tab.origin = Some(origin);
        let answer = tab.post_json("/api/auth/update-user", json!({ "name": "Eve" })).await;
        assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::FORBIDDEN, &"CSRF".into()), "{origin}");
    }
    tab.origin = None;
    let foreign = tab.request(actix_web::http::Method::POST, "/api/auth/sign-out");
    let foreign = foreign.insert_header(("sec-fetch-site", "cross-site"));
    assert_eq!(tab.send(foreign).await.status, StatusCode::FORBIDDEN);
    let form = tab.request(actix_web::http::Method::POST, "/api/auth/sign-out").set_form([("a", "b")]);
    assert_eq!(tab.send(form).await.status, StatusCode::FORBIDDEN, "a form that names no sender");
    assert_eq!(tab.get("/api/auth/get-session").await.json()["user"]["name"], "");
    tab.origin = Some(super::OWN);
    assert_eq!(tab.post_json("/api/auth/update-user", json!({ "name": "Ann" })).await.status, StatusCode::OK);
    assert_eq!(tab.get("/api/auth/get-session").await.json()["user"]["name"], "Ann");
}

#[actix_web::test]
async fn a_bad_bearer_token_does_not_fall_back_to_the_cookie() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    tab.post_json("/api/auth/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    let request = TestRequest::get().uri("/api/auth/get-session").insert_header(("authorization", "Bearer nonsense"));
    assert_eq!(tab.send(request).await.json(), Value::Null);
    let request = TestRequest::get().uri("/api/auth/list-sessions").insert_header(("authorization", "Bearer nonsense"));
    assert_eq!(tab.send(request).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn bug_class_38_nobody_reaches_the_sessions_of_another() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    site.person("eve@example.com", &[]).await;
    let (ann, eve) = (site.token("ann@example.com").await, site.token("eve@example.com").await);
    let target = ask(&site, &ann, "/api/auth/list-sessions").await[0]["token"].clone();
    let answer = tell(&site, &eve, "/api/auth/revoke-session", json!({ "token": target })).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = tell(&site, &eve, "/api/auth/revoke-session", json!({ "token": "ses_unknown" })).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let other = ask(&site, &ann, "/api/auth/get-session").await["user"]["id"].clone();
    let answer = tell(&site, &eve, "/api/auth/revoke-sessions", json!({ "userId": other })).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(ask(&site, &ann, "/api/auth/list-sessions").await.as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let (one, two) = (site.token("ann@example.com").await, site.token("ann@example.com").await);
    let list = ask(&site, &one, "/api/auth/list-sessions").await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    let answer = tell(&site, &one, "/api/auth/revoke-session", json!({ "token": two })).await;
    assert_eq!(answer.json(), json!({ "status": true }));
    assert_eq!(ask(&site, &one, "/api/auth/list-sessions").await.as_array().unwrap().len(), 1);
    site.token("ann@example.com").await;
    tell(&site, &one, "/api/auth/revoke-other-sessions", json!({})).await;
    assert_eq!(ask(&site, &one, "/api/auth/list-sessions").await.as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn bug_class_39_no_body_grants_a_role() {
    let site = Site::with(|parts| parts.settings.registration = Registration::Open).await;
    let body = json!({
        "email": "eve@example.com", "password": PASSWORD, "name": "Eve", "role": "admin", "roles": ["admin"],
        "emailVerified": true, "attributes": { "role": "admin" },
    });
    let answer = site.send(TestRequest::post().uri("/api/auth/sign-up/email").set_json(body)).await;
    assert_eq!((answer.status, &answer.json()["user"]["role"]), (StatusCode::OK, &"user".into()));
    let token = site.token("eve@example.com").await;
    for body in [
        json!({ "role": "admin" }),
        json!({ "roles": ["admin"] }),
        json!({ "attributes": {} }),
        json!({ "emailVerified": true }),
    ] {
        let answer = tell(&site, &token, "/api/auth/update-user", body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let cx = site.home.cx();
    let user = rows::users::find_by_email(&cx.read().unwrap(), cx.tenant.id, "eve@example.com").unwrap().unwrap();
    assert!(user.roles.is_empty() && user.attributes.is_empty() && !user.email_verified);
}

#[actix_web::test]
async fn a_changed_password_ends_all_but_the_new_session() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let (one, two) = (site.token("ann@example.com").await, site.token("ann@example.com").await);
    let wrong = json!({ "currentPassword": "wrong wrong", "newPassword": "another horse" });
    let answer = tell(&site, &one, "/api/auth/change-password", wrong).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::BAD_REQUEST, &"INVALID_PASSWORD".into()));
    let right = json!({ "currentPassword": PASSWORD, "newPassword": "another horse" });
    let answer = tell(&site, &one, "/api/auth/change-password", right).await;
    let fresh = answer.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(ask(&site, &fresh, "/api/auth/list-sessions").await.as_array().unwrap().len(), 1);
    for old in [one, two] {
        assert_eq!(tell(&site, &old, "/api/auth/sign-out", json!({})).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn a_person_deletes_themselves_with_the_password() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let token = site.token("ann@example.com").await;
    site.home.advance(site.home.parts.settings.session.fresh);
    let stale = tell(&site, &token, "/api/auth/delete-user", json!({})).await;
    assert_eq!((stale.status, &stale.json()["code"]), (StatusCode::FORBIDDEN, &"SESSION_NOT_FRESH".into()));
    let answer = tell(&site, &token, "/api/auth/delete-user", json!({ "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(tell(&site, &token, "/api/auth/sign-out", json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_session_in_use_slides_and_its_cookie_with_it() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    tab.post_json("/api/auth/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    assert_eq!(tab.get("/api/auth/get-session").await.header("set-cookie"), "");
    site.home.advance(site.home.parts.settings.session.refresh_after);
    assert!(tab.get("/api/auth/get-session").await.header("set-cookie").contains("Max-Age=604800"));
    assert_eq!(tab.get("/api/auth/get-session").await.header("set-cookie"), "");
    site.home.advance(site.home.parts.settings.session.lifetime);
    assert_eq!(tab.get("/api/auth/get-session").await.json(), Value::Null);
}

#[actix_web::test]
async fn a_link_does_not_sign_out() {
    let site = Site::open().await;
    let answer = site.get("/api/auth/sign-out").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/logout"));
}

#[actix_web::test]
async fn a_closed_site_takes_no_sign_up() {
    let site = Site::open().await;
    let body = json!({ "email": "eve@example.com", "password": PASSWORD, "name": "Eve" });
    let answer = site.send(TestRequest::post().uri("/api/auth/sign-up/email").set_json(body)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::FORBIDDEN, &"SIGN_UP_DISABLED".into()));
}

#[actix_web::test]
async fn everything_that_is_wrong_with_a_body_is_said_at_once_and_what_is_not_known_is_ignored() {
    let site = Site::open().await;
    for (path, body, places) in [
        ("sign-up/email", json!({"name": 1, "colour": 1}), &["email", "password", "name"][..]),
        ("sign-in/email", json!({"email": 1, "rememberMe": "x"}), &["password", "email", "rememberMe"]),
        ("sign-in/username", json!({"username": "ann", "password": 7, "rememberMe": 7}), &["password", "rememberMe"]),
        ("is-username-available", json!({"username": []}), &["username"]),
    ] {
        let request = TestRequest::post().uri(&format!("/api/auth/{path}")).set_json(&body);
        let answer = site.send(request).await;
        let code = (answer.status, answer.json()["code"].clone());
        assert_eq!(code, (StatusCode::BAD_REQUEST, json!("INVALID_REQUEST")), "{path}: {}", answer.body);
        let fields = answer.json()["fields"].clone();
        let found: Vec<&str> = fields.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(found, places, "{path}: {}", answer.body);
    }
}
