//! What a session may do whose person has not given the password for a while.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Desk, PASSWORD, Site, Tab, TestResponse};
use crate::http::endpoint::tests::registered;
use crate::oauth::keys;
use crate::records::Algorithm;

/// What outlives a session, or changes how somebody signs in or is shown: for fresh sessions only.
const SENSITIVE: [&str; 19] = [
    "POST /api/auth/update-user",
    "POST /api/auth/api-key/create",
    "POST /api/admin/users",
    "PATCH /api/admin/users/user",
    "DELETE /api/admin/users/user",
    "POST /api/admin/users/user/password",
    "POST /api/admin/users/user/enable",
    "POST /api/admin/users/user/link",
    "POST /api/admin/invites",
    "POST /api/admin/clients",
    "PATCH /api/admin/clients/client",
    "DELETE /api/admin/clients/client",
    "POST /api/admin/clients/client/rotate-secret",
    "POST /api/admin/clients/client/enable",
    "POST /api/admin/clients/client/failures/failure/fix",
    "POST /api/admin/keys/rotate",
    "POST /api/admin/keys/kid/retire",
    "POST /api/admin/api-keys",
    // What is not delivered may have been to warn somebody.
    "DELETE /api/admin/outbox/delivery",
];

/// Sensitive by what is asked of them: authority over the platform, an API key that can do more. Each has a test below.
const SENSITIVE_AT_TIMES: [&str; 16] = [
    "POST /api/auth/api-key/update",
    "PATCH /api/admin/api-keys/key",
    "POST /api/admin/tuples",
    "POST /api/admin/tuples/remove",
    "POST /api/admin/tuples/import",
    "DELETE /api/admin/tuples/tuple",
    "POST /api/admin/groups/group/members",
    "DELETE /api/admin/groups/group/members/type/id",
    "PATCH /api/admin/groups/group",
    "DELETE /api/admin/groups/group",
    "PUT /api/admin/models/type",
    "DELETE /api/admin/models/type",
    "POST /api/admin/models/import",
    "POST /api/internal/clients/client/grants",
    "DELETE /api/internal/clients/client/grants/tuple",
    // Without the password.
    "POST /api/auth/delete-user",
];

/// Takes the password itself.
const PROVES: [&str; 2] = ["POST /api/auth/change-password", "POST /api/auth/verify-password"];

/// For the operator at the socket: no session at all.
const OPERATOR: [&str; 3] = ["POST /api/admin/setup-link", "POST /api/admin/recover", "POST /api/admin/backup"];

/// Takes away, which must be quick when somebody has to be thrown out.
const TAKES_AWAY: [&str; 13] = [
    "POST /api/auth/sign-out",
    "POST /api/auth/revoke-session",
    "POST /api/auth/revoke-sessions",
    "POST /api/auth/revoke-other-sessions",
    "POST /api/auth/revoke-consent",
    "POST /api/auth/api-key/delete",
    "POST /api/auth/api-key/delete-all-expired-api-keys",
    "POST /api/admin/users/user/disable",
    "POST /api/admin/clients/client/disable",
    "DELETE /api/admin/users/user/sessions",
    "DELETE /api/admin/users/user/consents/client",
    "DELETE /api/admin/sessions/session",
    "DELETE /api/admin/api-keys/key",
];

/// Asks, or works on what gives nothing of the platform.
const ORDINARY: [&str; 23] = [
    "POST /api/admin/users/user/unlock",
    "POST /api/admin/groups",
    "POST /api/admin/check",
    "POST /api/admin/models/validate",
    "POST /api/admin/models/type/dry-run",
    "POST /api/admin/tuples/dry-run",
    "POST /api/admin/policies/validate",
    "POST /api/admin/policies/test",
    "DELETE /api/admin/policies/switched-off/script",
    "POST /api/admin/outbox/delivery/retry",
    "POST /api/auth/is-username-available",
    "POST /api/auth/check-permission",
    "POST /api/auth/check-permission/batch",
    "POST /api/auth/list-objects",
    "POST /api/auth/list-subjects",
    "POST /api/auth/api-key/verify",
    "POST /api/auth/api-key/exchange",
    "POST /access/v1/evaluation",
    "POST /access/v1/evaluations",
    "POST /access/v1/search/subject",
    "POST /access/v1/search/resource",
    "POST /access/v1/search/action",
    "POST /error",
];

/// A sign-in, an app's own proof, or a page of a sign-in: no session is what lets them in, or single sign-on is what
/// they are for.
fn is_of_signing_in(path: &str) -> bool {
    const PAGES: [&str; 7] =
        ["/sign-in", "/sign-up", "/setup", "/reset-password", "/consent", "/choose-account", "/logout"];
    path.contains("/oauth2/") || path.starts_with("/api/auth/sign-") || PAGES.contains(&path)
}

fn is_refused(answer: &TestResponse) -> bool {
    let is = answer.status == StatusCode::FORBIDDEN && answer.body.to_lowercase().contains("session_not_fresh");
    assert!(is || !answer.body.to_lowercase().contains("session_not_fresh"), "{} {}", answer.status, answer.body);
    is
}

fn request(method: &Method, path: &str) -> TestRequest {
    let request = TestRequest::default().method(method.clone()).uri(path);
    if method.is_safe() { request } else { request.set_json(json!({})) }
}

async fn call(site: &Site, method: &Method, path: &str, token: &str) -> TestResponse {
    site.send(request(method, path).insert_header(("authorization", format!("Bearer {token}")))).await
}

async fn said(site: &Site, token: &str, route: &str, body: Value) -> TestResponse {
    let (method, path) = route.split_once(' ').unwrap();
    let request = TestRequest::default().method(method.parse().unwrap()).uri(path).set_json(body);
    site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
}

#[actix_web::test]
async fn bug_class_25_every_route_that_outlives_a_session_refuses_an_old_one_and_no_other_route_does() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    let classes: [&[&str]; 6] = [&SENSITIVE, &SENSITIVE_AT_TIMES, &PROVES, &OPERATOR, &TAKES_AWAY, &ORDINARY];
    let mut seen = BTreeSet::new();
    for (number, (method, path)) in registered().into_iter().enumerate() {
        let route = format!("{method} {path}");
        let of = classes.iter().filter(|class| class.contains(&&*route)).count();
        if !method.is_safe() && !is_of_signing_in(&path) {
            assert_eq!(of, 1, "{route} is in {of} classes: say whether it is for fresh sessions only");
        }
        seen.insert(route.clone());
        let email = format!("ada{number}@example.com");
        site.person(&email, &["admin"]).await;
        let token = site.token(&email).await;
        site.home.advance(site.home.parts.settings.session.fresh);
        let is_sensitive = SENSITIVE.contains(&&*route) || route == "POST /api/auth/delete-user";
        assert_eq!(is_refused(&call(&site, &method, &path, &token).await), is_sensitive, "{route}");
    }
    for route in classes.iter().copied().flatten().filter(|route| **route != "POST /error") {
        assert!(seen.contains(*route), "{route} is no route");
    }
}

#[actix_web::test]
async fn the_description_of_the_admin_api_says_which_routes_want_a_fresh_session() {
    let desk = Desk::open().await;
    let document = desk.get("openapi.json").await.json();
    let mut said = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["x-fresh-session"] == true {
                said.insert(format!("{} /api/admin{}", method.to_uppercase(), path.replace(['{', '}'], "")));
            }
        }
    }
    let known = SENSITIVE.iter().filter(|route| route.contains("/api/admin/")).map(|route| (*route).to_owned());
    assert_eq!(said, known.collect());
}

#[actix_web::test]
async fn a_fresh_session_and_everything_that_is_no_session_are_asked_for_no_proof() {
    let desk = Desk::open().await;
    keys::tick(&desk.site.home.cx(), &[Algorithm::RS256]).await.unwrap();
    let made = said(&desk.site, &desk.token, "POST /api/auth/api-key/create", json!({ "name": "Robot" })).await.json();
    let robot = json!({ "entity_type": "platform", "entity_id": "*", "relation": "admin", "subject_type": "apikey",
        "subject_id": made["id"] });
    let given = said(&desk.site, &desk.token, "POST /api/admin/tuples", robot).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.body);
    let key = made["key"].as_str().unwrap();
    let exchanged =
        desk.site.send(TestRequest::post().uri("/api/auth/api-key/exchange").set_json(json!({ "apiKey": key })));
    let exchanged = exchanged.await.json()["token"].as_str().unwrap().to_owned();
    for (number, route) in SENSITIVE.iter().chain(&SENSITIVE_AT_TIMES).enumerate() {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let by_key = desk.site.send(request(&method, path).insert_header(("x-api-key", key))).await;
        let by_token = call(&desk.site, &method, path, &exchanged).await;
        let email = format!("ada{number}@example.com");
        desk.site.person(&email, &["admin"]).await;
        let by_session = call(&desk.site, &method, path, &desk.site.token(&email).await).await;
        assert!(!is_refused(&by_key) && !is_refused(&by_token) && !is_refused(&by_session), "{route}");
    }
}

#[actix_web::test]
async fn bug_class_25_a_stolen_session_token_makes_no_key_changes_no_person_and_deletes_no_account() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let stolen = site.token("ann@example.com").await;
    site.home.advance(site.home.parts.settings.session.fresh);
    for (route, body) in [
        ("POST /api/auth/api-key/create", json!({ "name": "For ever" })),
        ("POST /api/auth/update-user", json!({ "name": "Mallory", "phone_number": "+15550100" })),
        ("POST /api/auth/update-user", json!({ "username": "mallory" })),
        ("POST /api/auth/delete-user", json!({})),
    ] {
        let answer = said(&site, &stolen, route, body).await;
        assert!(is_refused(&answer), "{route}: {} {}", answer.status, answer.body);
        assert!(
            answer.json()["message"].as_str().unwrap().contains("POST /api/auth/verify-password"),
            "{}",
            answer.body
        );
    }
    let account = said(&site, &stolen, "POST /api/auth/update-user", json!({ "name": "Mallory" })).await.json();
    assert_eq!(account["code"], "SESSION_NOT_FRESH");
    let machine = said(&site, &stolen, "POST /api/auth/api-key/create", json!({ "name": "For ever" })).await.json();
    assert_eq!((&machine["error"], &machine["code"]), (&json!("session_not_fresh"), &json!("SESSION_NOT_FRESH")));
}

#[actix_web::test]
async fn the_password_makes_a_session_fresh_again_and_throws_out_who_has_its_old_token() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let old = site.token("ann@example.com").await;
    let before = call(&site, &Method::GET, "/api/auth/get-session", &old).await.json();
    site.home.advance(site.home.parts.settings.session.fresh);
    let wrong = said(&site, &old, "POST /api/auth/verify-password", json!({ "password": "wrong wrong" })).await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (StatusCode::BAD_REQUEST, &json!("INVALID_PASSWORD")));
    let right = said(&site, &old, "POST /api/auth/verify-password", json!({ "password": PASSWORD })).await.json();
    assert_eq!(right["status"], true);
    let new = right["token"].as_str().unwrap().to_owned();
    let gone = said(&site, &old, "POST /api/auth/update-user", json!({ "name": "Mallory" })).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    let made = said(&site, &new, "POST /api/auth/api-key/create", json!({ "name": "Robot" })).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let after = call(&site, &Method::GET, "/api/auth/get-session", &new).await.json();
    for same in ["id", "createdAt", "endsAt", "expiresAt"] {
        assert_eq!(before["session"][same], after["session"][same], "{same}");
    }
    site.home.advance(site.home.parts.settings.session.fresh);
    assert!(is_refused(&said(&site, &new, "POST /api/auth/api-key/create", json!({ "name": "Two" })).await));
}

#[actix_web::test]
async fn a_browser_gives_the_proof_by_its_cookie_and_no_body_shows_the_new_token() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    tab.post_json("/api/auth/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    let cookie = tab.cookie("__Host-auther_session").unwrap().to_owned();
    site.home.advance(site.home.parts.settings.session.fresh);
    assert!(is_refused(&tab.post_json("/api/auth/update-user", json!({ "name": "Ann" })).await));
    tab.origin = Some("https://evil.example");
    let foreign = tab.post_json("/api/auth/verify-password", json!({ "password": PASSWORD })).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{}", foreign.body);
    tab.origin = Some(super::OWN);
    let proved = tab.post_json("/api/auth/verify-password", json!({ "password": PASSWORD })).await;
    assert_eq!(proved.json(), json!({ "status": true }));
    assert_ne!(tab.cookie("__Host-auther_session").unwrap(), cookie);
    assert_eq!(tab.post_json("/api/auth/update-user", json!({ "name": "Ann" })).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn guesses_at_the_password_of_an_open_session_are_counted() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let token = site.token("ann@example.com").await;
    for _ in 0..5 {
        said(&site, &token, "POST /api/auth/verify-password", json!({ "password": "wrong wrong" })).await;
    }
    let waiting = said(&site, &token, "POST /api/auth/verify-password", json!({ "password": PASSWORD })).await;
    assert_eq!((waiting.header("retry-after"), &waiting.json()["code"]), ("5", &json!("SIGN_IN_DELAYED")));
    for _ in 0..30 {
        said(&site, &token, "POST /api/auth/verify-password", json!({ "password": "wrong wrong" })).await;
    }
    let many = said(&site, &token, "POST /api/auth/verify-password", json!({ "password": PASSWORD })).await;
    assert_eq!(many.status, StatusCode::TOO_MANY_REQUESTS, "{}", many.body);
}

#[actix_web::test]
async fn what_gives_authority_over_the_platform_takes_a_fresh_session_and_other_grants_do_not() {
    let desk = Desk::open().await;
    let (site, token) = (&desk.site, &desk.token);
    let ann = site.person("ann@example.com", &[]).await;
    let group = |name: &'static str| async move {
        said(site, token, "POST /api/admin/groups", json!({ "name": name })).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (admins, readers) = (group("Admins").await, group("Readers").await);
    let model = json!({ "definition": { "relations": { "viewer": { "subjects": ["user", "group#member"] } } } });
    let stored = said(site, token, "PUT /api/admin/models/doc", model.clone()).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.body);
    let tuple = |kind: &str, relation: &str, subject: (&str, &str, Option<&str>)| {
        json!({ "entity_type": kind, "entity_id": "*", "relation": relation, "subject_type": subject.0,
            "subject_id": subject.1, "subject_relation": subject.2 })
    };
    let through = tuple("platform", "admin", ("group", &admins, Some("member")));
    let given = said(site, token, "POST /api/admin/tuples", through.clone()).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.body);
    let given = given.json()["id"].as_str().unwrap().to_owned();
    site.home.advance(site.home.parts.settings.session.fresh);
    let member = json!({ "subject_id": ann.id });
    let platform = tuple("platform", "admin", ("user", ann.id.as_str(), None));
    let line = format!(r#"{{"user":"user:{}","relation":"admin","object":"platform:*"}}"#, ann.id);
    for (route, body) in [
        (String::from("POST /api/admin/tuples"), platform),
        (String::from("POST /api/admin/tuples/remove"), through),
        (format!("DELETE /api/admin/tuples/{given}"), json!({})),
        (String::from("POST /api/admin/tuples/import"), json!({ "lines": [line] })),
        (format!("POST /api/admin/groups/{admins}/members"), member.clone()),
        (format!("DELETE /api/admin/groups/{admins}/members/user/{}", ann.id), json!({})),
        (format!("PATCH /api/admin/groups/{admins}"), json!({ "name": "Heads" })),
        (format!("DELETE /api/admin/groups/{admins}"), json!({})),
        (String::from("PUT /api/admin/models/platform"), model),
        (String::from("DELETE /api/admin/models/platform"), json!({})),
        (
            String::from("POST /api/admin/models/import"),
            json!({ "source": "model\n  schema 1.1\ntype user\ntype platform\n  relations\n    define admin: [user]\n" }),
        ),
    ] {
        let answer = said(site, token, &route, body).await;
        assert!(is_refused(&answer), "{route}: {} {}", answer.status, answer.body);
    }
    for (route, body) in [
        (String::from("POST /api/admin/tuples"), tuple("doc", "viewer", ("user", ann.id.as_str(), None))),
        (String::from("POST /api/admin/tuples/remove"), tuple("doc", "viewer", ("user", ann.id.as_str(), None))),
        (format!("POST /api/admin/groups/{readers}/members"), member),
        (format!("DELETE /api/admin/groups/{readers}/members/user/{}", ann.id), json!({})),
        (format!("PATCH /api/admin/groups/{readers}"), json!({ "name": "Everybody who reads" })),
        (format!("DELETE /api/admin/groups/{readers}"), json!({})),
        (String::from("DELETE /api/admin/models/doc"), json!({})),
    ] {
        let answer = said(site, token, &route, body).await;
        assert!(answer.status.is_success(), "{route}: {} {}", answer.status, answer.body);
    }
}

#[actix_web::test]
async fn a_key_is_narrowed_by_any_session_and_widened_by_a_fresh_one() {
    const DAY: u64 = 86_400;
    let desk = Desk::open().await;
    let (site, token) = (&desk.site, &desk.token);
    let new = json!({ "name": "Robot", "expiresIn": 10 * DAY, "networks": ["10.0.0.0/8"], "remaining": 5,
        "rateLimitMax": 5, "rateLimitTimeWindow": 1000 });
    let made = said(site, token, "POST /api/auth/api-key/create", new).await.json();
    let id = made["id"].as_str().unwrap();
    site.home.advance(site.home.parts.settings.session.fresh);
    for (own, admin, widens) in [
        (json!({ "name": "Renamed" }), json!({ "name": "Renamed" }), false),
        (json!({ "networks": ["10.1.0.0/16"] }), json!({ "networks": ["10.1.2.0/24"] }), false),
        (json!({ "expiresIn": 5 * DAY }), json!({ "expires_in": 4 * DAY }), false),
        (json!({ "remaining": 4 }), json!({ "remaining": 3 }), false),
        (json!({ "networks": [] }), json!({ "networks": ["0.0.0.0/0"] }), true),
        (json!({ "expiresIn": 9 * DAY }), json!({ "expires_in": 9 * DAY }), true),
        (json!({ "expiresIn": null }), json!({ "expires_in": null }), true),
        (json!({ "remaining": 9 }), json!({ "remaining": null }), true),
        (
            json!({ "refillAmount": 9, "refillInterval": 1000 }),
            json!({ "refill": { "amount": 9, "interval_ms": 1000 } }),
            true,
        ),
        (json!({ "rateLimitMax": 9 }), json!({ "rate_limit": null }), true),
        (json!({ "metadata": { "level": "more" } }), json!({ "metadata": { "level": "more" } }), true),
        (json!({ "enabled": false }), json!({ "enabled": false }), false),
        (json!({ "enabled": true }), json!({ "enabled": true }), true),
    ] {
        let mut named = own.clone();
        named["keyId"] = json!(id);
        let by_owner = said(site, token, "POST /api/auth/api-key/update", named).await;
        let by_admin = said(site, token, &format!("PATCH /api/admin/api-keys/{id}"), admin.clone()).await;
        assert_eq!(
            (is_refused(&by_owner), is_refused(&by_admin)),
            (widens, widens),
            "{own} {} {admin} {}",
            by_owner.body,
            by_admin.body
        );
        assert!(widens || (by_owner.status.is_success() && by_admin.status.is_success()), "{own} {}", by_owner.body);
    }
}

#[actix_web::test]
async fn a_session_ends_a_month_after_the_sign_in_however_much_it_is_used_and_its_cookie_with_it() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    tab.post_json("/api/auth/sign-in/email", json!({ "email": "ann@example.com", "password": PASSWORD })).await;
    let begun = tab.get("/api/auth/get-session").await.json();
    let settings = &site.home.parts.settings.session;
    let ends = site.home.cx().now.plus(settings.absolute);
    assert_eq!(begun["session"]["endsAt"], ends.rfc3339());
    let mut ages = Vec::new();
    for _ in 0..29 {
        site.home.advance(settings.refresh_after);
        let answer = tab.get("/api/auth/get-session").await;
        assert_eq!(answer.json()["session"]["endsAt"], ends.rfc3339());
        let line = answer.header("set-cookie").to_owned();
        let age = line.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap().parse::<u64>().unwrap();
        ages.push(age / 86_400);
    }
    assert_eq!((ages[0], ages[27], ages[28]), (7, 2, 1), "the cookie never outlives the session");
    tab.post_json("/api/auth/verify-password", json!({ "password": PASSWORD })).await;
    assert_ne!(tab.get("/api/auth/get-session").await.json(), Value::Null);
    site.home.advance(settings.refresh_after);
    assert_eq!(tab.get("/api/auth/get-session").await.json(), Value::Null, "a proof does not lengthen it either");
}

#[actix_web::test]
async fn a_cookie_that_ends_with_the_window_does_so_too_when_it_is_set_anew() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    for (remembered, wanted) in [(false, false), (true, true)] {
        let mut tab = Tab::new(&site);
        let lasts = |answer: &TestResponse| {
            let lines: Vec<&str> = answer.headers.get_all("set-cookie").map(|line| line.to_str().unwrap()).collect();
            lines.into_iter().find(|line| line.contains("_session=")).map(|line| line.contains("Max-Age"))
        };
        let body = json!({ "email": "ann@example.com", "password": PASSWORD, "rememberMe": remembered });
        assert_eq!(lasts(&tab.post_json("/api/auth/sign-in/email", body).await), Some(wanted), "signed in");
        site.home.advance(site.home.parts.settings.session.refresh_after);
        assert_eq!(lasts(&tab.get("/api/auth/get-session").await), Some(wanted), "moved by use");
        let again = tab.post_json("/api/auth/verify-password", json!({ "password": PASSWORD })).await;
        assert_eq!(lasts(&again), Some(wanted), "after the password");
        let body = json!({ "currentPassword": PASSWORD, "newPassword": PASSWORD });
        assert_eq!(lasts(&tab.post_json("/api/auth/change-password", body).await), Some(wanted), "another password");
        assert_ne!(tab.get("/api/auth/get-session").await.json(), Value::Null);
    }
}
