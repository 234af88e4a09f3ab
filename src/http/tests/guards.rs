use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::{App, HttpResponse};

use super::{OWN, Site, Tab};
use crate::http::endpoint::Endpoint;
use crate::http::state::State;
use crate::tenant::paths;
use crate::testing::TestApp;

#[actix_web::test]
async fn every_response_carries_the_headers_of_every_response() {
    let site = Site::open().await;
    let uris = [
        "/",
        "/sign-in",
        "/healthz",
        "/readyz",
        "/nothing",
        "/api/auth/get-session",
        "/api/auth/jwks",
        "/oauth2/token",
    ];
    for uri in uris {
        let answer = site.get(uri).await;
        assert!(answer.header("x-request-id").starts_with("req_"), "{uri}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{uri}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{uri}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{uri}: {policy}");
        assert!(!policy.contains("unsafe"), "{uri}: {policy}");
        assert!(!answer.header("cache-control").is_empty(), "{uri}");
        assert_eq!(answer.header("strict-transport-security"), "", "loopback hosts are not bound: {uri}");
    }
}

#[actix_web::test]
async fn a_public_host_with_our_tls_is_bound_to_it() {
    let site = Site::with(|parts| parts.settings.issuer.host = String::from("id.example.com")).await;
    assert_eq!(site.get("/").await.header("strict-transport-security"), "max-age=31536000");
}

#[actix_web::test]
async fn a_request_id_is_taken_from_a_trusted_proxy_only() {
    let ask = |id: &'static str| TestRequest::get().uri("/healthz").insert_header(("x-request-id", id));
    let site = Site::open().await;
    assert_ne!(site.send(ask("mine-1")).await.header("x-request-id"), "mine-1");
    let site = Site::with(|parts| parts.settings.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()]).await;
    assert_eq!(site.send(ask("mine-1")).await.header("x-request-id"), "mine-1");
    assert_ne!(site.send(ask("not an id")).await.header("x-request-id"), "not an id");
    let twice = ask("mine-1").append_header(("x-request-id", "mine-2"));
    assert!(site.send(twice).await.header("x-request-id").starts_with("req_"));
}

#[actix_web::test]
async fn each_family_says_no_in_its_own_dialect() {
    let site = Site::open().await;
    let oauth = site.get("/oauth2/nothing").await;
    assert_eq!((oauth.status, &oauth.json()["error"]), (StatusCode::NOT_FOUND, &"invalid_request".into()));
    let account = site.get("/api/auth/nothing").await;
    assert_eq!((account.status, &account.json()["code"]), (StatusCode::NOT_FOUND, &"NOT_FOUND".into()));
    let admin = site.get("/api/nothing").await;
    assert_eq!(admin.header("content-type"), "application/problem+json");
    assert_eq!(admin.json()["request_id"], admin.header("x-request-id"));
    for path in ["/nothing", "/metrics"] {
        let page = site.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.header("content-type").starts_with("text/html") && page.body.contains("Page not found"), "{path}");
        assert!(page.body.contains(page.header("x-request-id")));
    }
}

#[actix_web::test]
async fn another_method_is_405_with_the_ones_that_work() {
    let site = Site::open().await;
    let answer = site.get("/api/auth/oauth2/token").await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert_eq!(answer.json()["error"], "invalid_request");
    let answer = site.send(TestRequest::delete().uri("/sign-in")).await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD, POST"));
    assert_eq!(site.send(TestRequest::default().method(Method::HEAD).uri("/sign-in")).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn bug_class_40_a_panic_is_a_500_with_a_request_id() {
    async fn boom() -> HttpResponse {
        panic!("the secret is xyzzy")
    }
    let state = State::new(TestApp::new().parts);
    let app = App::new().app_data(state).service(Endpoint::below(paths::ADMIN_API, "boom").get(boom));
    let service = init_service(app).await;
    let error = try_call_service(&service, TestRequest::get().uri("/api/admin/boom").to_request()).await.err().unwrap();
    let response = error.error_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
    let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("xyzzy"));
}

/// A guess at a name that was not tried before: one that was, is limited by itself.
pub(super) fn guess() -> TestRequest {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("n{}@example.com", NUMBER.fetch_add(1, Ordering::SeqCst));
    let body = serde_json::json!({ "email": name, "password": "wrong wrong" });
    TestRequest::post().uri("/api/auth/sign-in/email").set_json(body)
}

#[actix_web::test]
async fn bug_class_31_attempts_are_counted_by_the_real_peer() {
    let site = Site::open().await;
    for number in 0..30 {
        let spoofed = guess().insert_header(("x-forwarded-for", format!("198.51.100.{number}")));
        assert_eq!(site.send(spoofed).await.status, StatusCode::UNAUTHORIZED);
    }
    let answer = site.send(guess().insert_header(("x-forwarded-for", "198.51.100.99"))).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((answer.header("retry-after"), &answer.json()["code"]), ("2", &"TOO_MANY_REQUESTS".into()));
    assert_eq!(site.get("/sign-in").await.status, StatusCode::OK, "looking is free");
    site.home.advance(Duration::from_secs(2));
    assert_eq!(site.send(guess()).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn limits_can_be_switched_off() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    for _ in 0..40 {
        assert_eq!(site.send(guess()).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn bodies_are_bounded_typed_and_unambiguous() {
    let site = Site::open().await;
    let post = |kind: &'static str, body: Vec<u8>| {
        TestRequest::post().uri("/api/auth/sign-in/email").insert_header(("content-type", kind)).set_payload(body)
    };
    let huge = format!("{{\"email\":\"{}\"}}", "x".repeat(70_000)).into_bytes();
    for (kind, body, status) in [
        ("application/json", huge, 413),
        ("text/plain", b"{}".to_vec(), 415),
        ("application/json; charset=utf-16", b"{}".to_vec(), 415),
        ("application/json", b"{\"email\":\"a\",\"email\":\"b\",\"password\":\"x\"}".to_vec(), 400),
        ("application/json", "[".repeat(60_000).into_bytes(), 400),
        ("application/json", b"{\"email\":\"\xff\"}".to_vec(), 400),
        ("application/json", b"{\"email\":5,\"password\":\"x\"}".to_vec(), 400),
        ("application/json", b"".to_vec(), 400),
    ] {
        let answer = site.send(post(kind, body)).await;
        assert_eq!(answer.status.as_u16(), status, "{kind}: {}", answer.body);
        assert!(answer.json()["code"].is_string());
    }
    let twice =
        TestRequest::post().uri("/sign-in").insert_header(("content-type", "application/x-www-form-urlencoded"));
    let answer = site.send(twice.set_payload("identifier=a&identifier=b")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn bug_class_40_the_lines_of_a_head_have_a_bound_over_http_2() {
    use actix_web::http::Version;
    let site = Site::open().await;
    let ask = |lines: usize, version: Version| {
        let request = TestRequest::get().uri("/api/auth/get-session").version(version);
        (0..lines).fold(request, |request, _| request.append_header(("x-more", "x".repeat(1000))))
    };
    assert_eq!(site.send(ask(30, Version::HTTP_2)).await.status, StatusCode::OK);
    let answer = site.send(ask(100, Version::HTTP_2)).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (431, Some("HEAD_TOO_LARGE")));
    assert_eq!(site.send(ask(100, Version::HTTP_11)).await.status, StatusCode::OK, "there the reader of heads has one");
}

fn preflight(uri: &str, origin: &'static str) -> TestRequest {
    TestRequest::default()
        .method(Method::OPTIONS)
        .uri(uri)
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", "POST"))
}

#[actix_web::test]
async fn registered_origins_may_call_and_others_may_not() {
    let site = Site::open().await;
    site.client(true).await;
    for origin in ["https://app.example.com", "https://other.example.com"] {
        let answer = site.send(preflight("/oauth2/token", origin)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "", "cookies are for our own pages");
        let fields = answer.header("access-control-allow-headers");
        assert!(fields.contains("authorization") && fields.ends_with(", *"), "{fields}: and what tracing adds");
        assert_eq!(answer.header("vary"), "Origin");
    }
    for origin in ["https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "null"] {
        let answer = site.send(preflight("/oauth2/token", origin)).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (StatusCode::FORBIDDEN, ""),
            "{origin}"
        );
        let answer = site.send(TestRequest::post().uri("/oauth2/token").insert_header(("origin", origin))).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "a server may send Origin too");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    assert_eq!(site.send(preflight("/sign-in", "https://app.example.com")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.send(preflight("/api/admin/users", "https://app.example.com")).await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn the_public_documents_are_for_everybody() {
    let site = Site::open().await;
    for uri in ["/.well-known/openid-configuration", "/api/auth/jwks", "/.well-known/jwks.json"] {
        let answer = site.send(TestRequest::get().uri(uri).insert_header(("origin", "https://any.example"))).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (StatusCode::OK, "*"), "{uri}");
        assert_eq!(site.send(preflight(uri, "https://any.example")).await.status, StatusCode::NO_CONTENT);
    }
}

#[actix_web::test]
async fn bug_class_35_no_answer_is_built_from_what_the_request_says_of_the_host() {
    let site = Site::open().await;
    for uri in ["/", "/sign-in", "/.well-known/openid-configuration", "/nothing", "/api/auth/sign-out"] {
        let request = TestRequest::get()
            .uri(uri)
            .insert_header(("host", "evil.example"))
            .insert_header(("x-forwarded-host", "evil.example"))
            .insert_header(("forwarded", "host=evil.example;proto=http"));
        let answer = site.send(request).await;
        assert!(!answer.body.contains("evil.example") && !answer.location().contains("evil.example"), "{uri}");
    }
    let mut tab = Tab::new(&site);
    assert!(tab.get("/").await.body.contains("localhost"));
    assert_eq!(site.home.cx().tenant.issuer, OWN);
}
