//! Where a request comes from, when proxies stand between: what is not known is nobody's address.

use std::collections::BTreeSet;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::json;

use super::guards::guess;
use super::{Desk, Site, TestResponse};
use crate::audit;
use crate::base::page::PageRequest;
use crate::http::endpoint::tests::registered;
use crate::store::Order;

/// Every way in which a proxy does not say for whom it asks.
const UNKNOWN: [&[(&str, &str)]; 14] = [
    &[],
    &[("forwarded", "for=unknown")],
    &[("forwarded", "for=_hidden")],
    &[("forwarded", "for=\"192.0.2.7")],
    &[("forwarded", "for=192.0.2.7;x=\"")],
    &[("forwarded", "proto=https")],
    &[("forwarded", "")],
    &[("x-forwarded-for", "")],
    &[("x-forwarded-for", "unknown")],
    &[("x-forwarded-for", "192.0.2.7,")],
    &[("x-forwarded-for", "192.0.2.7, garbage")],
    &[("x-forwarded-for", "garbage, 192.0.2.1")],
    &[("x-forwarded-for", "203.0.113.5"), ("forwarded", "for=192.0.2.7")],
    &[("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=unknown")],
];

/// Among them the address that requests come from here.
const PROXIES: &str = "192.0.2.0/28";

/// A site behind a proxy.
async fn behind_a_proxy() -> Site {
    Site::with(|parts| parts.settings.trusted_proxies = vec![PROXIES.parse().unwrap()]).await
}

fn from(mut request: TestRequest, lines: &[(&'static str, &'static str)]) -> TestRequest {
    for (name, value) in lines {
        request = request.append_header((HeaderName::from_static(name), HeaderValue::from_static(value)));
    }
    request
}

fn code(answer: &TestResponse) -> String {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    [&body["error"], &body["code"]].into_iter().find_map(|code| code.as_str()).unwrap_or_default().to_owned()
}

#[actix_web::test]
async fn bug_class_35_a_key_that_is_bound_to_networks_admits_no_unknown_address_on_any_route() {
    let site = Site::with(|parts| {
        parts.settings.trusted_proxies = vec![PROXIES.parse().unwrap()];
        parts.settings.rate_limit.enabled = false;
    })
    .await;
    let routes = registered();
    let desk = Desk::of(site, "root@example.com").await;
    let made = json!({ "name": "k", "networks": ["192.0.2.0/24"] });
    let request = TestRequest::post().uri("/api/auth/api-key/create").set_json(made);
    let request = request.insert_header(("authorization", format!("Bearer {}", desk.token)));
    let key = desk.site.send(request).await.json()["key"].as_str().unwrap().to_owned();
    let ask = async |method: &Method, path: &str, lines: &[(&'static str, &'static str)]| {
        let request =
            TestRequest::default().method(method.clone()).uri(path).insert_header(("x-api-key", key.as_str()));
        let request = request.insert_header(("content-type", "application/json")).set_payload("{}");
        desk.site.send(from(request, lines)).await
    };
    let mut refused = 0;
    for (method, path) in routes {
        let elsewhere = ask(&method, &path, &[("x-forwarded-for", "203.0.113.5")]).await;
        let at_home = ask(&method, &path, &[("x-forwarded-for", "192.0.2.77")]).await;
        assert_ne!(code(&at_home), "KEY_NOT_ALLOWED_FROM_ADDRESS", "{method} {path}: {}", at_home.body);
        refused += usize::from(elsewhere.body.contains("may not be used from this address"));
        for lines in UNKNOWN {
            let answer = ask(&method, &path, lines).await;
            assert_eq!(
                (answer.status, code(&answer)),
                (elsewhere.status, code(&elsewhere)),
                "{method} {path} {lines:?}"
            );
        }
    }
    assert!(refused > 50, "the walk found {refused} routes that take keys");
}

#[actix_web::test]
async fn requests_of_unknown_clients_share_the_limit_of_their_proxy_and_no_other() {
    let site = behind_a_proxy().await;
    for number in 0..30 {
        let lines = UNKNOWN[number % UNKNOWN.len()];
        assert_eq!(site.send(from(guess(), lines)).await.status, StatusCode::UNAUTHORIZED, "{lines:?}");
    }
    for lines in UNKNOWN {
        assert_eq!(site.send(from(guess(), lines)).await.status, StatusCode::TOO_MANY_REQUESTS, "{lines:?}");
    }
    let named = site.send(from(guess(), &[("x-forwarded-for", "203.0.113.5")])).await;
    assert_eq!(named.status, StatusCode::UNAUTHORIZED, "who is named is counted by themselves");
}

#[actix_web::test]
async fn the_audit_log_says_that_an_address_is_not_known_and_whose_proxy_did_not_say() {
    let site = behind_a_proxy().await;
    site.person("ann@example.com", &[]).await;
    let body = json!({ "email": "ann@example.com", "password": super::PASSWORD });
    for lines in [&[("forwarded", "for=unknown")][..], &[("x-forwarded-for", "203.0.113.5")]] {
        let request = TestRequest::post().uri("/api/auth/sign-in/email").set_json(&body);
        assert_eq!(site.send(from(request, lines)).await.status, StatusCode::OK);
    }
    let filter = audit::Filter { action: Some(String::from("user.sign_in")), ..audit::Filter::default() };
    let rows = audit::page(&site.home.cx(), &filter, Order::Descending, &PageRequest::default()).unwrap().items;
    let from: BTreeSet<_> = rows.iter().map(|row| row.ip.as_deref().unwrap()).collect();
    assert_eq!(from, BTreeSet::from(["203.0.113.5", "unknown, by 192.0.2.1"]));
}

#[actix_web::test]
async fn a_connection_without_an_address_is_counted_and_admitted_nowhere() {
    let site = Site::open().await;
    for _ in 0..30 {
        assert_eq!((site.call)(guess()).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!((site.call)(guess()).await.status, StatusCode::TOO_MANY_REQUESTS);
}
