//! Every route, by everybody.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

use super::{OWN, Site, Tab, TestResponse};
use crate::http::endpoint::tests::{registered, registered_with};
use crate::http::routes::{Dialect, Matched, dialect};

/// What strangers may call in the dialect of accounts.
const FOR_STRANGERS: [&str; 6] =
    ["sign-up/email", "sign-in/email", "sign-in/username", "sign-out", "get-session", "is-username-available"];

fn is_for_strangers(path: &str) -> bool {
    FOR_STRANGERS.iter().any(|name| path == format!("/api/auth/{name}"))
}

async fn call(site: &Site, method: &Method, path: &str, token: Option<&str>) -> TestResponse {
    let mut request = TestRequest::default().method(method.clone()).uri(path);
    if let Some(token) = token {
        request = request.insert_header(("authorization", format!("Bearer {token}")));
    }
    if matches!(*method, Method::POST | Method::PATCH | Method::PUT) {
        request = request.insert_header(("content-type", "application/json")).set_payload("{}");
    }
    site.send(request).await
}

async fn said(site: &Site, method: Method, path: &str, token: &str, body: serde_json::Value) -> TestResponse {
    let request = TestRequest::default().method(method).uri(path);
    site.send(request.insert_header(("authorization", format!("Bearer {token}"))).set_json(body)).await
}

#[actix_web::test]
async fn bug_class_38_every_route_keeps_out_who_has_no_business_there() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    let routes = registered();
    assert!(routes.len() > 60, "the walk found {} routes only", routes.len());
    for (number, (method, path)) in routes.into_iter().enumerate() {
        // Some routes end the session or the account.
        let email = format!("ann{number}@example.com");
        site.person(&email, &[]).await;
        let token = site.token(&email).await;
        let stranger = call(&site, &method, &path, None).await.status;
        let person = call(&site, &method, &path, Some(&token)).await.status;
        let garbage = call(&site, &method, &path, Some("ses_nonsense.x")).await.status;
        for status in [stranger, person, garbage] {
            assert!(!status.is_server_error() || path == "/readyz", "{method} {path}: {status}");
        }
        match dialect(&path) {
            Dialect::Admin => {
                assert_eq!(
                    (stranger, garbage),
                    (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
                    "{method} {path}"
                );
                if is_for_everybody_known(&path) {
                    assert_eq!(person, StatusCode::OK, "{method} {path}");
                    continue;
                }
                assert_eq!(person, StatusCode::FORBIDDEN, "{method} {path}");
            }
            Dialect::Account if is_for_strangers(&path) => {
                assert_ne!(person, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
            Dialect::Account => {
                assert_eq!(
                    (stranger, garbage),
                    (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
                    "{method} {path}"
                );
                assert_ne!(person, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
            Dialect::Machine if path.ends_with("/exchange") => {
                assert_eq!([stranger, person, garbage], [StatusCode::BAD_REQUEST; 3], "no key: {method} {path}");
            }
            Dialect::Machine => {
                assert_eq!(
                    (stranger, garbage),
                    (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
                    "{method} {path}"
                );
                assert_ne!(person, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
            Dialect::OAuth | Dialect::Page | Dialect::Plain => {}
        }
    }
}

/// Routes of the admin API that answer anyone who shows a credential.
fn is_for_everybody_known(path: &str) -> bool {
    matches!(path, "/api/admin/me" | "/api/admin/openapi.json")
}

#[actix_web::test]
async fn every_route_of_the_admin_api_is_in_its_description_and_no_other() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    site.person("ada@example.com", &["admin"]).await;
    let token = site.token("ada@example.com").await;
    let mut routes: Vec<String> = registered()
        .into_iter()
        .filter(|(_, path)| dialect(path) == Dialect::Admin)
        .map(|(method, path)| format!("{method} {path}"))
        .filter(|route| !route.starts_with("HEAD "))
        .collect();
    let document = call(&site, &Method::GET, "/api/admin/openapi.json", Some(&token)).await.json();
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.push(format!("{} /api/admin{}", method.to_uppercase(), path.replace(['{', '}'], "")));
        }
    }
    routes.sort();
    described.sort();
    assert_eq!(routes, described);
}

/// Method and pattern of every route, for the tests from the outside, which cannot ask the program.
const ROUTES: &str = include_str!("../../../tests/data/routes.txt");

#[actix_web::test]
async fn tests_from_the_outside_know_every_route() {
    let _site = Site::open().await;
    let pattern = |matched: &Matched| matched.pattern.as_deref().unwrap().to_owned();
    let routes = registered_with().into_iter();
    let mut routes: Vec<String> =
        routes.map(|(method, _, matched)| format!("{method} {}", pattern(&matched))).collect();
    routes.sort();
    routes.dedup();
    let known: Vec<&str> = ROUTES.lines().collect();
    assert_eq!(known, routes, "write to tests/data/routes.txt:\n{}\n", routes.join("\n"));
}

#[actix_web::test]
async fn bug_class_38_who_has_no_right_changes_neither_models_nor_tuples() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    site.person("bob@example.com", &[]).await;
    let token = site.token("bob@example.com").await;
    let tuple = |kind: &str| serde_json::json!({ "entity_type": kind, "entity_id": "*", "relation": "admin", "subject_type": "user", "subject_id": "bob@example.com" });
    for kind in ["platform", "users", "oauth_client", "group", "doc"] {
        for path in ["/api/admin/tuples", "/api/admin/tuples/remove"] {
            let answer = said(&site, Method::POST, path, &token, tuple(kind)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {kind}");
        }
        let model = serde_json::json!({ "definition": { "relations": { "admin": {} } } });
        let answer = said(&site, Method::PUT, &format!("/api/admin/models/{kind}"), &token, model).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "model of {kind}");
    }
}

#[actix_web::test]
async fn an_administrator_administers_by_token_and_by_a_cookie_from_our_own_pages() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    site.person("ada@example.com", &["admin"]).await;
    let token = site.token("ada@example.com").await;
    assert_eq!(call(&site, &Method::GET, "/api/admin/users", Some(&token)).await.status, StatusCode::OK);
    let mut tab = Tab::new(&site);
    let body = serde_json::json!({ "email": "ada@example.com", "password": super::PASSWORD });
    tab.post_json("/api/auth/sign-in/email", body).await;
    let request = tab.request(Method::GET, "/api/admin/users").insert_header(("sec-fetch-site", "same-origin"));
    assert_eq!(tab.origin, Some(OWN));
    assert_eq!(tab.send(request).await.status, StatusCode::OK);
    tab.origin = Some("https://evil.example");
    let request = tab.request(Method::POST, "/api/admin/groups").insert_header(("sec-fetch-site", "cross-site"));
    let request = request.set_json(serde_json::json!({ "name": "Intruders" }));
    assert_eq!(tab.send(request).await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn what_gives_away_more_than_an_administrator_has_is_for_the_operator_on_the_machine() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    site.person("ada@example.com", &["admin"]).await;
    let token = site.token("ada@example.com").await;
    for path in ["/api/admin/setup-link", "/api/admin/recover", "/api/admin/backup"] {
        let answer = call(&site, &Method::POST, path, Some(&token)).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("forbidden")),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn nothing_that_is_sent_makes_a_route_fail() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    let routes = registered();
    let broken: [(&str, &[u8]); 7] = [
        ("application/x-www-form-urlencoded", b"a=1&a=2&%ff=%zz"),
        ("application/x-www-form-urlencoded", b"csrf_token=%00&continue=%F0%9F%92%A9&token=.&action=allow"),
        ("application/json", b"{\"a\":1,\"a\":2}"),
        ("application/json", b"[[[[]]]]"),
        ("application/json", b"{\"email\":null,\"username\":{},\"password\":[],\"token\":-1e400}"),
        ("text/xml", b"<a/>"),
        ("\"", b"\xff\xfe"),
    ];
    for (number, (method, path)) in routes.into_iter().enumerate() {
        let email = format!("ada{number}@example.com");
        site.person(&email, &["admin"]).await;
        let token = site.token(&email).await;
        for (kind, body) in broken {
            let uri = format!("{path}?continue=a.b&token=lnk_x.y&interaction=%20&limit=-1&after=%27&client_id=%00");
            let request = TestRequest::default().method(method.clone()).uri(&uri);
            let request = request.insert_header(("content-type", kind)).set_payload(body.to_vec());
            let request = request.insert_header(("authorization", format!("Bearer {token}")));
            let request = request.insert_header(("cookie", "__Host-auther_session=%ff; __Host-auther_browser=; a"));
            let answer = site.send(request).await;
            assert!(!answer.status.is_server_error() || path == "/readyz", "{method} {path} {kind}: {}", answer.body);
        }
    }
}

#[actix_web::test]
async fn whatever_is_not_found_is_named_with_where_it_is_looked_up() {
    let site = Site::open().await;
    site.person("root@example.com", &["admin"]).await;
    let token = site.token("root@example.com").await;
    let mut named = 0;
    for (method, path, matched) in registered_with() {
        let pattern = matched.pattern.unwrap_or_default();
        let names_something = pattern.contains('{') && matched.dialect == Dialect::Admin;
        if !names_something || method == Method::HEAD {
            continue;
        }
        // In the place of each name stands its own, which nobody has.
        let answer = call(&site, &method, &path, Some(&token)).await;
        if answer.status != StatusCode::NOT_FOUND {
            continue;
        }
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("There is no ") && detail.contains('`'), "{method} {path}: {detail}");
        assert!(detail.contains("`auther admin ") && detail.contains("GET /api/admin/"), "{method} {path}: {detail}");
        named += 1;
    }
    assert!(named >= 25, "{named} answers only were 404");
}
