//! The edge: headers of proxies, other origins, odd bodies, closed doors.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANN, Home, PASSWORD, Response};

#[tokio::test]
async fn t35_forwarding_headers_of_strangers_are_ignored() {
    let home = Home::new().await;
    let browser = home.browser();
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-uri", "/admin"),
        ("forwarded", "for=203.0.113.1;host=evil.example;proto=https"),
        ("x-original-url", "/healthz"),
        ("x-forwarded-for", ""),
        ("x-forwarded-for", "203.0.113.9, , 10.0.0.1"),
    ] {
        let document =
            Response::of(browser.http.get(home.url("/.well-known/openid-configuration")).header(name, value)).await;
        assert_eq!(document.json()["issuer"], home.origin, "{name}");
        let body = json!({"email": ANN, "password": PASSWORD});
        let request = browser.http.post(home.url("/api/auth/sign-in/email")).header(name, value);
        let token = Response::of(request.json(&body)).await.json()["token"].as_str().unwrap().to_owned();
        let session = Response::of(browser.http.get(home.url("/api/auth/get-session")).bearer_auth(token)).await.json();
        assert_eq!(session["session"]["ipAddress"], "127.0.0.1", "{name}: {value}");
    }
    let host =
        Response::of(browser.http.get(home.url("/.well-known/openid-configuration")).header("host", "evil.example"))
            .await;
    assert!(!host.text.contains("evil.example"));
    let id = Response::of(browser.http.get(home.url("/healthz")).header("x-request-id", "chosen")).await;
    assert_ne!(id.header("x-request-id"), "chosen");
}

#[tokio::test]
async fn t35_a_trusted_proxy_is_believed() {
    let home = Home::with(|settings| settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let browser = home.browser();
    let body = json!({"email": ANN, "password": PASSWORD});
    let request =
        browser.http.post(home.url("/api/auth/sign-in/email")).header("x-forwarded-for", "10.9.9.9, 203.0.113.7");
    let answer = Response::of(request.header("x-request-id", "proxy-1").json(&body)).await;
    assert_eq!(answer.header("x-request-id"), "proxy-1");
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let session = Response::of(browser.http.get(home.url("/api/auth/get-session")).bearer_auth(token)).await.json();
    assert_eq!(session["session"]["ipAddress"], "203.0.113.7");
}

/// Paths that take a body, with the type they take.
const TAKERS: [(&str, &str); 12] = [
    ("/api/auth/oauth2/token", "application/x-www-form-urlencoded"),
    ("/api/auth/oauth2/token", "application/json"),
    ("/api/auth/oauth2/introspect", "application/x-www-form-urlencoded"),
    ("/api/auth/oauth2/revoke", "application/x-www-form-urlencoded"),
    ("/api/auth/oauth2/userinfo", "application/x-www-form-urlencoded"),
    ("/api/auth/oauth2/authorize", "application/x-www-form-urlencoded"),
    ("/api/auth/oauth2/end-session", "application/x-www-form-urlencoded"),
    ("/api/auth/sign-in/email", "application/json"),
    ("/api/auth/sign-up/email", "application/json"),
    ("/sign-in", "application/x-www-form-urlencoded"),
    ("/setup", "application/x-www-form-urlencoded"),
    ("/consent", "application/x-www-form-urlencoded"),
];

#[tokio::test]
async fn t40_no_body_makes_a_fault_of_ours() {
    let home = Home::new().await;
    let browser = home.browser();
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
    let many = "a=1&".repeat(2000);
    let bodies: Vec<Vec<u8>> = vec![
        vec![b'x'; 70_000],
        deep.into_bytes(),
        deep_object.into_bytes(),
        many.into_bytes(),
        b"grant_type=%ff%fe&x=%".to_vec(),
        b"\xff\xfe\x00=\x00".to_vec(),
        b"{\"email\":\"\\ud800\",\"password\":1e999}".to_vec(),
        b"{\"grant_type\":[1],\"token\":{}}".to_vec(),
        b"grant_type=authorization_code&code=cod_%00.%00&redirect_uri=x&client_id=%00".to_vec(),
        b"\"just text\"".to_vec(),
        b"-".to_vec(),
        Vec::new(),
    ];
    for (path, media_type) in TAKERS {
        for body in &bodies {
            for kind in [media_type, "text/xml", "application/json; charset=utf-16", ""] {
                let request = browser.http.post(home.url(path)).header("content-type", kind).body(body.clone());
                let answer = Response::of(request).await;
                let start = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
                let fine = answer.status.is_client_error() || answer.status == StatusCode::SEE_OTHER;
                assert!(fine, "{path} {kind} {start}: {}", answer.status);
                assert_ne!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {kind} {start}");
            }
        }
    }
    let large = browser.http.post(home.url("/api/auth/oauth2/token")).body(vec![b'a'; 70_000]);
    assert_eq!(Response::of(large.header("content-type", "application/x-www-form-urlencoded")).await.status, 413);
}

#[tokio::test]
async fn t40_pages_of_lists_are_bounded_and_cursors_checked() {
    let home = Home::new().await;
    let admin = home.signed_in(ADMIN).await;
    let token = admin.session_token();
    let get = async |place: &str| Response::of(admin.http.get(home.url(place)).bearer_auth(&token)).await;
    for list in ["users", "clients", "sessions", "audit", "policies/evaluations"] {
        for query in ["limit=0", "limit=1", "limit=4294967295", "limit=99999999999"] {
            let answer = get(&format!("/api/admin/{list}?{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{list} {query}: {}", answer.text);
            assert!(answer.json()["items"].as_array().unwrap().len() <= 500);
        }
        for query in
            ["limit=-1", "limit=x", "limit=99999999999999999999999", "after=%00", "after=../x", "limit=1&limit=2"]
        {
            let answer = get(&format!("/api/admin/{list}?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{list} {query}: {}", answer.text);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    let first = get("/api/admin/users?limit=1").await.json();
    let next = first["next"].as_str().unwrap();
    let second = get(&format!("/api/admin/users?limit=1&after={next}")).await.json();
    assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
}

#[tokio::test]
async fn t41_nothing_is_open_that_was_not_built() {
    let home = Home::new().await;
    let browser = home.browser();
    for path in [
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/administrator",
        "/playground",
        "/graphql",
        "/.git/config",
        "/.env",
        "/auther.redb",
        "/api/admin/openapi.json",
        "/assets/../Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e%2fsrc%2flib.rs",
        "/api",
        "/api/",
        "/server-status",
        "/actuator/env",
        "/swagger",
    ] {
        let answer = browser.get(path).await;
        assert!(matches!(answer.status.as_u16(), 401 | 404), "{path} {}", answer.status);
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    for path in ["/admin", "/admin/users", "/account"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.location().starts_with("/sign-in?continue=")), (StatusCode::SEE_OTHER, true));
    }
    for path in ["/healthz", "/readyz"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.len() < 10, "nothing but the word");
    }
}

#[tokio::test]
async fn discovery_is_one_document_in_three_places_and_says_what_is_so() {
    let home = Home::new().await;
    let browser = home.browser();
    let places = [
        "/.well-known/openid-configuration",
        "/api/auth/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ];
    let mut documents = Vec::new();
    for place in places {
        let answer = browser.get(place).await;
        assert_eq!(answer.header("content-type"), "application/json");
        documents.push(answer.json());
    }
    assert!(documents.windows(2).all(|pair| pair[0] == pair[1]));
    let document = &documents[0];
    assert_eq!(document["issuer"], home.origin);
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    let has = |name: &str, value: &str| document[name].as_array().unwrap().contains(&json!(value));
    assert!(has("id_token_signing_alg_values_supported", "RS256"));
    assert!(!has("id_token_signing_alg_values_supported", "none"));
    for name in ["authorization", "token", "userinfo", "end_session", "revocation", "introspection"] {
        let url = document[&format!("{name}_endpoint")].as_str().unwrap();
        let answer = browser.get(url).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{name}");
    }
    assert_eq!(browser.get(document["jwks_uri"].as_str().unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_keys_are_for_everybody_and_are_not_sent_twice() {
    let home = Home::new().await;
    let browser = home.browser();
    for place in ["/api/auth/jwks", "/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let first = Response::of(browser.http.get(home.url(place)).header("origin", "https://anybody.example")).await;
        assert_eq!(first.header("access-control-allow-origin"), "*", "{place}");
        assert!(first.header("cache-control").contains("max-age"));
        let etag = first.header("etag").to_owned();
        let again = Response::of(browser.http.get(home.url(place)).header("if-none-match", &etag)).await;
        assert_eq!((again.status, &*again.text), (StatusCode::NOT_MODIFIED, ""));
        let other = Response::of(browser.http.get(home.url(place)).header("if-none-match", "\"x\"")).await;
        assert_eq!(other.status, StatusCode::OK);
    }
    let names: Vec<Value> = browser.get("/api/auth/jwks").await.json()["keys"].as_array().unwrap().clone();
    let mut kids: Vec<&str> = names.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    kids.sort_unstable();
    kids.dedup();
    assert_eq!(kids.len(), names.len(), "each key has a name of its own");
}

#[tokio::test]
async fn only_pages_of_registered_origins_may_call_the_token_endpoint() {
    let home = Home::new().await;
    let browser = home.browser();
    let preflight = async |path: &str, origin: &str| {
        let request = browser.http.request(Method::OPTIONS, home.url(path)).header("origin", origin);
        Response::of(request.header("access-control-request-method", "POST")).await
    };
    for path in ["/api/auth/oauth2/token", "/oauth2/token", "/api/auth/oauth2/userinfo", "/api/auth/oauth2/revoke"] {
        for origin in ["https://spa.example.com", "https://app.spa.example.com", "https://wiki.example.com"] {
            let answer = preflight(path, origin).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path} {origin}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "");
            assert!(answer.header("access-control-allow-headers").contains("authorization"));
            let actual = browser.http.post(home.url(path)).header("origin", origin);
            assert_eq!(Response::of(actual).await.header("access-control-allow-origin"), origin);
        }
        for origin in ["https://evil.example", "null", "https://spa.example.com.evil.example", "http://spa.example.com"]
        {
            assert_eq!(preflight(path, origin).await.header("access-control-allow-origin"), "", "{path} {origin}");
            let actual = Response::of(browser.http.post(home.url(path)).header("origin", origin)).await;
            assert_eq!(actual.header("access-control-allow-origin"), "", "{path} {origin}");
        }
    }
    for path in ["/sign-in", "/consent", "/api/admin/users", "/api/auth/oauth2/authorize"] {
        assert_eq!(
            preflight(path, "https://spa.example.com").await.header("access-control-allow-origin"),
            "",
            "{path}"
        );
    }
}
