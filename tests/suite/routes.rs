//! Every route and every role: who may come in where.

use reqwest::Method;
use serde_json::json;

use crate::harness::{ADMIN, ANN, BOB, Home, Response};

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Everybody,
    People,
    Administrators,
    /// Anyone who is at the machine; not reached over the network at all.
    Operator,
}

use For::{Administrators, Everybody, Operator, People};

const ROUTES: &[(&str, &str, For)] = &[
    ("GET", "/", Everybody),
    ("GET", "/sign-in", Everybody),
    ("GET", "/logout", Everybody),
    ("GET", "/forgot-password", Everybody),
    ("GET", "/.well-known/change-password", Everybody),
    ("GET", "/robots.txt", Everybody),
    ("GET", "/healthz", Everybody),
    ("GET", "/readyz", Everybody),
    ("GET", "/favicon.ico", Everybody),
    ("GET", "/.well-known/openid-configuration", Everybody),
    ("GET", "/api/auth/.well-known/openid-configuration", Everybody),
    ("GET", "/.well-known/oauth-authorization-server", Everybody),
    ("GET", "/api/auth/jwks", Everybody),
    ("GET", "/.well-known/jwks.json", Everybody),
    ("GET", "/api/auth/get-session", Everybody),
    ("POST", "/api/auth/sign-out", Everybody),
    ("POST", "/api/auth/is-username-available", Everybody),
    ("GET", "/api/auth/list-sessions", People),
    ("POST", "/api/auth/revoke-session", People),
    ("POST", "/api/auth/revoke-sessions", People),
    ("POST", "/api/auth/revoke-other-sessions", People),
    ("GET", "/api/auth/list-consents", People),
    ("POST", "/api/auth/revoke-consent", People),
    ("GET", "/api/auth/my-access", People),
    ("POST", "/api/auth/update-user", People),
    ("POST", "/api/auth/change-password", People),
    ("POST", "/api/auth/delete-user", People),
    ("GET", "/api/auth/api-key/list", People),
    ("GET", "/api/auth/api-key/get?id=nothing", People),
    ("POST", "/api/auth/api-key/create", People),
    ("POST", "/api/auth/api-key/update", People),
    ("POST", "/api/auth/api-key/delete", People),
    ("POST", "/api/auth/api-key/delete-all-expired-api-keys", People),
    ("POST", "/api/auth/api-key/verify", People),
    ("POST", "/api/auth/api-key/exchange", Everybody),
    ("GET", "/api/admin/api-keys", Administrators),
    ("POST", "/api/admin/api-keys", Administrators),
    ("GET", "/api/admin/api-keys/nothing", Administrators),
    ("PATCH", "/api/admin/api-keys/nothing", Administrators),
    ("DELETE", "/api/admin/api-keys/nothing", Administrators),
    ("GET", "/api/admin/users", Administrators),
    ("POST", "/api/admin/users", Administrators),
    ("GET", "/api/admin/users/bob@example.com", Administrators),
    ("PATCH", "/api/admin/users/bob@example.com", Administrators),
    ("DELETE", "/api/admin/users/nobody", Administrators),
    ("GET", "/api/admin/users/bob@example.com/deletion", Administrators),
    ("GET", "/api/admin/users/bob@example.com/groups", Administrators),
    ("GET", "/api/admin/users/bob@example.com/access", Administrators),
    ("GET", "/api/admin/users/bob@example.com/token?client=wiki", Administrators),
    ("GET", "/api/admin/users/bob@example.com/consents", Administrators),
    ("DELETE", "/api/admin/users/bob@example.com/consents/wiki", Administrators),
    ("POST", "/api/admin/users/bob@example.com/password", Administrators),
    ("POST", "/api/admin/users/bob@example.com/link", Administrators),
    ("GET", "/api/admin/users/bob@example.com/pause", Administrators),
    ("POST", "/api/admin/users/bob@example.com/unlock", Administrators),
    ("POST", "/api/admin/users/nobody/disable", Administrators),
    ("POST", "/api/admin/users/bob@example.com/enable", Administrators),
    ("POST", "/api/admin/invites", Administrators),
    ("GET", "/api/admin/clients", Administrators),
    ("POST", "/api/admin/clients", Administrators),
    ("GET", "/api/admin/clients/wiki", Administrators),
    ("PATCH", "/api/admin/clients/wiki", Administrators),
    ("DELETE", "/api/admin/clients/nobody", Administrators),
    ("GET", "/api/admin/clients/wiki/deletion", Administrators),
    ("GET", "/api/admin/clients/wiki/integration", Administrators),
    ("GET", "/api/admin/clients/wiki/failures", Administrators),
    ("POST", "/api/admin/clients/wiki/failures/nothing/fix", Administrators),
    ("POST", "/api/admin/clients/nobody/rotate-secret", Administrators),
    ("POST", "/api/admin/clients/nobody/disable", Administrators),
    ("POST", "/api/admin/clients/nobody/enable", Administrators),
    ("GET", "/api/admin/groups", Administrators),
    ("POST", "/api/admin/groups", Administrators),
    ("GET", "/api/admin/groups/nothing", Administrators),
    ("PATCH", "/api/admin/groups/nothing", Administrators),
    ("DELETE", "/api/admin/groups/nothing", Administrators),
    ("GET", "/api/admin/groups/nothing/deletion", Administrators),
    ("GET", "/api/admin/groups/nothing/members", Administrators),
    ("GET", "/api/admin/models", Administrators),
    ("GET", "/api/admin/models/users", Administrators),
    ("POST", "/api/admin/models/validate", Administrators),
    ("POST", "/api/admin/models/users/dry-run", Administrators),
    ("GET", "/api/admin/tuples", Administrators),
    ("GET", "/api/admin/tuples/nothing", Administrators),
    ("POST", "/api/admin/tuples/dry-run", Administrators),
    ("POST", "/api/admin/check", Administrators),
    ("GET", "/.well-known/authzen-configuration", Everybody),
    ("GET", "/api/admin/keys", Administrators),
    ("POST", "/api/admin/keys/rotate", Administrators),
    ("POST", "/api/admin/keys/nothing/retire", Administrators),
    ("GET", "/api/admin/sessions", Administrators),
    ("DELETE", "/api/admin/sessions/nothing", Administrators),
    ("GET", "/api/admin/audit", Administrators),
    ("GET", "/api/admin/audit/export", Administrators),
    ("GET", "/api/admin/me", People),
    ("GET", "/api/admin/openapi.json", People),
    ("GET", "/api/admin/settings", Administrators),
    ("GET", "/api/admin/overview", Administrators),
    ("GET", "/api/admin/doctor", Administrators),
    ("POST", "/api/admin/policies/validate", Administrators),
    ("POST", "/api/admin/policies/test", Administrators),
    ("GET", "/api/admin/policies/evaluations", Administrators),
    ("GET", "/api/admin/policies/versions", Administrators),
    ("GET", "/api/admin/policies/switched-off", Administrators),
    ("DELETE", "/api/admin/policies/switched-off/nothing", Administrators),
    ("GET", "/api/admin/outbox", Administrators),
    ("POST", "/api/admin/outbox/nothing/retry", Administrators),
    ("DELETE", "/api/admin/outbox/nothing", Administrators),
    ("GET", "/api/admin/ca", Administrators),
    ("POST", "/api/admin/backup", Operator),
    ("POST", "/api/admin/setup-link", Operator),
    ("POST", "/api/admin/recover", Operator),
    ("GET", "/api/admin/nothing", Nobody::HERE),
    ("POST", "/api/admin/users/", Nobody::HERE),
    ("GET", "/api/auth/nothing", Nobody::HERE),
    ("GET", "/nothing", Nobody::HERE),
];

/// A path that there is not: 404 for everybody.
struct Nobody;

impl Nobody {
    const HERE: For = Everybody;
}

#[tokio::test]
async fn t38_every_route_lets_in_whom_it_is_for() {
    let home = Home::new().await;
    let mut seen = Vec::new();
    for (method, path, for_whom) in ROUTES.iter().copied() {
        for who in [None, Some(ANN), Some(ADMIN)] {
            let browser = home.browser();
            if let Some(who) = who {
                browser.sign_in(who).await;
            }
            let plain = home.browser();
            let request = plain.http.request(Method::from_bytes(method.as_bytes()).unwrap(), home.url(path));
            // With a password that is wrong: somebody who just signed in may delete the account without one.
            let body = json!({"password": "not the password"});
            let request = if method == "GET" { request } else { request.json(&body) };
            let request = if who.is_some() { request.bearer_auth(browser.session_token()) } else { request };
            let answer = Response::of(request).await;
            let status = answer.status.as_u16();
            let refused = match (for_whom, who) {
                (People | Administrators | Operator, None) => Some(401),
                (Administrators | Operator, Some(ANN)) | (Operator, Some(_)) => Some(403),
                _ => None,
            };
            match refused {
                Some(wanted) => assert_eq!(status, wanted, "{method} {path} {who:?}: {}", answer.text),
                None => {
                    assert!(!matches!(status, 401 | 403 | 500..), "{method} {path} {who:?}: {status} {}", answer.text)
                }
            }
            seen.push(status);
        }
    }
    assert!(seen.contains(&200) && seen.contains(&404));
}

#[tokio::test]
async fn t34_a_page_of_another_site_administers_nothing() {
    let home = Home::new().await;
    let browser = home.signed_in(ADMIN).await;
    for (method, path, for_whom) in ROUTES.iter().filter(|route| matches!(route.2, Administrators | Operator)) {
        let request = browser.http.request(Method::from_bytes(method.as_bytes()).unwrap(), home.url(path));
        let answer = Response::of(request.header("origin", "https://evil.example").json(&json!({}))).await;
        if *method == "GET" {
            // It may be fetched and not be read.
            assert!(answer.headers.get("access-control-allow-origin").is_none(), "{path}");
        } else {
            assert_eq!(answer.status.as_u16(), 403, "{method} {path} {for_whom:?}");
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_405_and_says_which_it_does() {
    let home = Home::new().await;
    let browser = home.browser();
    for (path, allow) in [
        ("/api/auth/oauth2/token", "POST"),
        ("/api/auth/oauth2/authorize", "GET, HEAD, POST"),
        ("/api/auth/jwks", "GET, HEAD"),
        ("/sign-in", "GET, HEAD, POST"),
        ("/api/admin/users/ann", "GET, HEAD, PATCH, DELETE"),
    ] {
        let answer = Response::of(browser.http.put(home.url(path))).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{path}");
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let home = Home::new().await;
    let admin = home.signed_in(ADMIN).await;
    let call = async |method: Method, path: &str, body: serde_json::Value| {
        let request = admin.http.request(method, home.url(path)).bearer_auth(admin.session_token());
        Response::of(request.json(&body)).await.status.as_u16()
    };
    let own = format!("/api/admin/users/{ADMIN}");
    assert_eq!(call(Method::DELETE, &own, json!({})).await, 409);
    assert_eq!(call(Method::POST, &format!("{own}/disable"), json!({})).await, 409);
    assert_eq!(call(Method::PATCH, &own, json!({"admin": false})).await, 409);
    assert_eq!(call(Method::PATCH, &format!("/api/admin/users/{BOB}"), json!({"admin": true})).await, 200);
    assert_eq!(call(Method::PATCH, &own, json!({"admin": false})).await, 200);
    assert_eq!(call(Method::GET, "/api/admin/users", json!({})).await, 403, "from the next request on");
}
