//! What is decided about a request is decided by the route that it is led to, whatever way its path is written.

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::json;

use super::{PASSWORD, Site, TestResponse};
use crate::http::endpoint::tests::registered_with;
use crate::http::routes::{Dialect, Matched, Openness};

/// Other ways to write a path that the router reads as the same: every letter escaped, one letter of each part, in
/// either case of the digits.
fn spellings(path: &str) -> Vec<String> {
    let escape = |letter: char, upper: bool| {
        if upper { format!("%{:02X}", u32::from(letter)) } else { format!("%{:02x}", u32::from(letter)) }
    };
    let whole = |upper| path.chars().map(|c| if c == '/' { String::from("/") } else { escape(c, upper) }).collect();
    let mut all: Vec<String> = vec![whole(true), whole(false)];
    for (at, letter) in path.char_indices().filter(|(_, letter)| *letter != '/') {
        let starts = path[..at].ends_with('/');
        let ends = path[at + letter.len_utf8()..].starts_with('/') || at + letter.len_utf8() == path.len();
        if starts || ends || matches!(letter, '-' | '.' | '_') {
            all.push(format!("{}{}{}", &path[..at], escape(letter, at % 2 == 0), &path[at + letter.len_utf8()..]));
        }
    }
    all
}

/// Paths that look like another one and lead elsewhere.
fn near_misses(path: &str) -> Vec<String> {
    let mut all = vec![
        format!("/{path}"),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path};a=b"),
        format!("{path}%2f"),
        format!("{path}%2F.."),
        format!("{path}/."),
        format!("{path}/../x"),
        format!("{path}%00"),
        format!("{path}%20"),
        path.replacen('/', "/./", 1),
        path.to_uppercase(),
    ];
    all.extend(path.get(1..).and_then(|rest| rest.find('/')).map(|at| {
        let (before, behind) = path.split_at(at + 1);
        format!("{before}%2f{}", &behind[1..])
    }));
    all.retain(|other| other != path);
    all
}

/// What the answer says of the decisions that were made about the request.
fn decisions(answer: &TestResponse) -> (u16, Vec<String>) {
    let names = [
        "content-type",
        "allow",
        "access-control-allow-origin",
        "access-control-allow-methods",
        "vary",
        "www-authenticate",
        "cache-control",
        "content-security-policy",
    ];
    (answer.status.as_u16(), names.map(|name| answer.header(name).to_owned()).to_vec())
}

fn from_app(method: &Method, path: &str) -> TestRequest {
    let request = TestRequest::default().method(method.clone()).uri(path);
    request.insert_header(("origin", "https://app.example.com")).insert_header(("content-type", "application/json"))
}

#[actix_web::test]
async fn bug_class_31_every_route_is_the_same_route_however_its_path_is_written() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    site.client(true).await;
    let routes = registered_with();
    assert!(routes.len() > 100, "the walk found {} routes only", routes.len());
    for (method, path, matched) in routes {
        let preflight = |path: &str| {
            let asked = ("access-control-request-method", method.as_str().to_owned());
            from_app(&Method::OPTIONS, path).insert_header(asked)
        };
        let wanted = decisions(&site.send(from_app(&method, &path)).await);
        let wanted_first = decisions(&site.send(preflight(&path)).await);
        let foreign = TestRequest::default().method(method.clone()).uri(&path).insert_header(("origin", "https://a.b"));
        let wanted_foreign = decisions(&site.send(foreign).await);
        match matched.openness {
            Openness::Nobody => assert_eq!(wanted_first.0, 403, "{path}"),
            Openness::Everybody | Openness::RegisteredOrigins => assert_eq!(wanted_first.0, 204, "{path}"),
        }
        for other in spellings(&path) {
            assert_eq!(decisions(&site.send(from_app(&method, &other)).await), wanted, "{method} {other}");
            assert_eq!(decisions(&site.send(preflight(&other)).await), wanted_first, "preflight {method} {other}");
            let foreign = TestRequest::default().method(method.clone()).uri(&other);
            let foreign = site.send(foreign.insert_header(("origin", "https://a.b"))).await;
            assert_eq!(decisions(&foreign), wanted_foreign, "foreign {method} {other}");
        }
    }
}

#[actix_web::test]
async fn bug_class_31_every_attempt_is_counted_however_its_path_is_written() {
    let routes = {
        let _site = Site::open().await;
        registered_with()
    };
    let attempts: Vec<String> = routes
        .iter()
        .filter(|(method, _, matched)| matched.is_attempt && *method == Method::POST)
        .map(|(_, path, _)| path.clone())
        .collect();
    let known = ["/sign-in", "/sign-up", "/setup", "/api/auth/sign-in/email", "/api/auth/sign-in/username"];
    assert!(known.iter().all(|path| attempts.iter().any(|attempt| attempt == path)), "{attempts:?}");
    for path in attempts {
        let site = Site::open().await;
        let mut spelled = spellings(&path).into_iter().cycle();
        for number in 0..30 {
            let answer = site.send(TestRequest::post().uri(&spelled.next().unwrap())).await;
            assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}: {number}");
        }
        for other in spellings(&path).into_iter().chain([path]) {
            let answer = site.send(TestRequest::post().uri(&other)).await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{other}");
        }
    }
}

#[actix_web::test]
async fn what_is_no_route_is_treated_as_none() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let routes = registered_with();
    let posts = routes.iter().filter(|(method, _, matched)| *method == Method::POST && matched.is_attempt);
    for (_, path, _) in posts {
        for other in near_misses(path) {
            let guess = json!({ "email": "ann@example.com", "password": PASSWORD });
            let answer = site.send(TestRequest::post().uri(&other).set_json(guess)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{other}");
        }
    }
    for (method, path, _) in &routes {
        for other in near_misses(path) {
            let answer = site.send(TestRequest::default().method(method.clone()).uri(&other)).await;
            assert!(
                !answer.status.is_server_error() || other.starts_with("/readyz"),
                "{method} {other}: {}",
                answer.body
            );
        }
    }
    for target in ["*", "/%", "/%zz", "/%c3%28", "/%e2%80%ae", "//", "/..", "/api/auth/%ff"] {
        let uri = target.parse::<actix_web::http::Uri>().unwrap();
        let answer = site.send(TestRequest::default().method(Method::OPTIONS).uri(&uri.to_string())).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{target}");
    }
}

#[actix_web::test]
async fn the_dialect_of_an_address_where_nothing_is_follows_the_decoded_path() {
    let site = Site::open().await;
    for path in ["/api/auth/nothing", "/%61pi/auth/nothing", "/api/%61uth/nothing"] {
        assert_eq!(site.get(path).await.json()["code"], "NOT_FOUND", "{path}");
    }
    assert_eq!(site.get("/%6fauth2/nothing").await.json()["error"], "invalid_request");
}

/// Signing in is a change of the browser's state, too: a page of another site does not get to do it.
#[actix_web::test]
async fn bug_class_35_no_page_of_another_site_changes_anything_in_the_dialect_of_accounts() {
    let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
    site.person("ann@example.com", &[]).await;
    site.client(true).await;
    let routes = registered_with();
    let changes =
        |(method, _, matched): &&(Method, String, Matched)| matched.dialect == Dialect::Account && !method.is_safe();
    let mut walked = 0;
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let kinds: [(&str, &str); 5] = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://localhost:8443.evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (method, path, _) in routes.iter().filter(changes) {
        walked += 1;
        for header in kinds {
            let request = TestRequest::default().method(method.clone()).uri(path).insert_header(header);
            let answer = site.send(request.set_json(&body)).await;
            assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (StatusCode::FORBIDDEN, Some("CSRF")),
                "{path} {header:?}"
            );
            assert_eq!(answer.header("set-cookie"), "", "{path} {header:?}");
        }
        let request = TestRequest::default().method(method.clone()).uri(path);
        let answer = site.send(request.insert_header(("origin", "https://app.example.com")).set_json(&body)).await;
        assert_ne!(answer.json()["code"], "CSRF", "{path}: pages of a registered origin may call");
        assert_eq!(answer.header("set-cookie"), "", "{path}: and no browser gets a cookie by it");
    }
    assert!(walked > 8, "{walked}");
    for header in [("origin", super::OWN), ("sec-fetch-site", "same-origin"), ("x-program", "curl")] {
        let request = TestRequest::post().uri("/api/auth/sign-in/email").insert_header(header).set_json(&body);
        let answer = site.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{header:?}");
        assert!(answer.header("set-cookie").contains("__Host-auther_"), "{header:?}");
    }
    let request = TestRequest::post().uri("/api/auth/sign-in/email").set_json(&body);
    let answer = site.send(request.insert_header(("origin", "https://app.example.com"))).await;
    assert!(answer.json()["token"].as_str().is_some_and(|token| token.starts_with("ses_")), "{}", answer.body);
}
