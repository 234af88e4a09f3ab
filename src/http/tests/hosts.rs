//! Pages that are opened under another address than the issuer's.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

use super::{OWN, PASSWORD, Site, Tab, TestResponse};
use crate::config::Issuer;

const FOREIGN: &str = "https://192.168.1.5:8443";

/// A site whose address is a name that other machines can open.
async fn named() -> Site {
    let (text, host) = (String::from("https://auth.example.com"), String::from("auth.example.com"));
    Site::with(|parts| parts.settings.issuer = Issuer { text, https: true, host, port: 443 }).await
}

fn opened(host: &str, path: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header(("host", host)).insert_header(("sec-fetch-mode", "navigate"))
}

async fn answers(site: &Site, request: TestRequest) -> TestResponse {
    site.send(request).await
}

#[actix_web::test]
async fn a_browser_is_led_to_the_issuer_once() {
    let site = named().await;
    for path in ["/", "/sign-in?redirectTo=/account", "/admin/users/x", "/oauth2/authorize?client_id=a%20b"] {
        for host in ["192.168.1.5:8443", "auth.example.com:8443", "old.example.com", "auth.example.com.evil.example"] {
            let answer = answers(&site, opened(host, path)).await;
            assert_eq!(answer.status, StatusCode::FOUND, "{host}{path}");
            assert_eq!(answer.location(), format!("https://auth.example.com{path}"), "{host}");
            let again = answers(&site, opened(host, path).insert_header(("cookie", "__Host-auther_led=1"))).await;
            assert_ne!(again.location(), format!("https://auth.example.com{path}"), "a proxy may write its own Host");
            assert!(
                answer.header("set-cookie").starts_with("__Host-auther_led=1; "),
                "{}",
                answer.header("set-cookie")
            );
        }
        for host in ["auth.example.com", "AUTH.example.com:443"] {
            assert_ne!(answers(&site, opened(host, path)).await.status, StatusCode::FOUND, "{host}{path}");
        }
    }
}

#[actix_web::test]
async fn an_address_that_is_too_long_for_a_head_is_led_on_by_a_page() {
    let site = named().await;
    let path = format!("/sign-in?redirectTo=/{}", "x".repeat(3_000));
    let answer = answers(&site, opened("192.168.1.5:8443", &path)).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::OK, ""));
    assert!(answer.body.contains(&format!("https://auth.example.com{path}")), "{}", answer.body);
    assert!(answer.header("set-cookie").starts_with("__Host-auther_led=1; "));
}

#[actix_web::test]
async fn what_is_no_page_for_a_person_is_answered_under_every_name() {
    let site = named().await;
    for path in ["/.well-known/openid-configuration", "/healthz", "/api/auth/jwks", "/api/auth/get-session"] {
        let answer = answers(&site, opened("10.0.0.7:8443", path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    let probe = TestRequest::get().uri("/sign-in").insert_header(("host", "10.0.0.7:8443"));
    assert_eq!(answers(&site, probe).await.status, StatusCode::OK, "a program that watches");
    let plain = TestRequest::get()
        .uri("/sign-in")
        .insert_header(("host", "10.0.0.7"))
        .insert_header(("upgrade-insecure-requests", "1"));
    assert_eq!(answers(&site, plain).await.status, StatusCode::FOUND, "a browser at a plain address says it so");
}

#[actix_web::test]
async fn where_nobody_could_follow_the_page_names_the_address() {
    let site = Site::open().await;
    let answer = answers(&site, opened("192.168.1.5:8443", "/sign-in")).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(
        answer.body.contains(OWN) && answer.body.contains(FOREIGN) && answer.body.contains("auther.toml"),
        "{}",
        answer.body
    );
    let here = answers(&site, opened("127.0.0.1:8443", "/sign-in")).await;
    assert_eq!((here.status, here.location()), (StatusCode::FOUND, &*format!("{OWN}/sign-in")));
}

#[actix_web::test]
async fn every_refusal_of_a_page_from_there_names_both_addresses() {
    let site = Site::open().await;
    site.person("ann@example.com", &["admin"]).await;
    let mut tab = Tab::new(&site);
    let page = tab.get("/sign-in").await;
    let (csrf, token) = (page.field("csrf_token"), page.field("continue"));
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    tab.origin = Some(FOREIGN);
    let from = |request: TestRequest| request.insert_header(("host", "192.168.1.5:8443"));
    for path in ["/sign-in", "/sign-up", "/setup", "/consent", "/choose-account", "/logout"] {
        let fields = [("csrf_token", &*csrf), ("continue", &token), ("identifier", "x"), ("password", "y")];
        let answer = tab.send(from(tab.request(Method::POST, path)).set_form(fields)).await;
        let said = answer.body.contains(FOREIGN) && answer.body.contains(OWN);
        let is_closed = path == "/sign-up" || path == "/setup";
        assert!(
            answer.status == StatusCode::FORBIDDEN && (said || is_closed),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
    }
    for path in ["/api/auth/update-user", "/api/admin/groups", "/api/auth/sign-in/email"] {
        let answer = tab.send(from(tab.request(Method::POST, path)).set_json(serde_json::json!({}))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.body.contains(FOREIGN) && answer.body.contains(OWN), "{path}: {}", answer.body);
    }
    // Any other site is told nothing of the kind.
    tab.origin = Some("https://evil.example");
    let answer = tab.send(from(tab.request(Method::POST, "/logout")).set_form([("csrf_token", &*csrf)])).await;
    assert!(answer.status == StatusCode::FORBIDDEN && !answer.body.contains("evil.example"));
}
