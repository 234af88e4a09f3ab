//! What the audit log learns of those who are refused, and of what happens for every token: once a minute, not every
//! time.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANN, App, Home, Proof, Response, Tokens, challenge};

/// Targets and facts of the rows of an action, sorted.
async fn told(home: &Home, action: &str) -> Vec<(String, Value)> {
    let rows = home.told(action).await.into_iter();
    let mut facts: Vec<_> = rows.map(|row| (row.target.unwrap_or_default(), Value::Object(row.detail))).collect();
    facts.sort_by_key(|(target, detail)| format!("{target} {detail}"));
    facts
}

#[tokio::test]
async fn a_wrong_secret_is_told_once_a_minute_per_client() {
    let home = Home::new().await;
    let wrong =
        |id: &str| App::new(&home, id, "https://wiki.example.com/callback", Proof::Basic(String::from("cs_wrong")));
    let grant = [("grant_type", "client_credentials")];
    for path in ["/api/auth/oauth2/token", "/api/auth/oauth2/introspect", "/api/auth/oauth2/revoke"] {
        for id in ["robot", "nobody", "somebody", "nobody", "robot"] {
            assert_eq!(wrong(id).call(path, &grant).await.status, StatusCode::UNAUTHORIZED);
        }
    }
    let unknown = json!({"reason": "unknown_client"});
    let wanted = [(String::new(), unknown), (String::from("robot"), json!({"reason": "wrong_secret"}))];
    assert_eq!(told(&home, "client.authenticate").await, wanted);
    home.advance(Duration::from_secs(60)).await;
    wrong("robot").token(&grant).await;
    wrong("wiki").token(&grant).await;
    let rows = home.told("client.authenticate").await;
    assert_eq!(rows.len(), 4);
    assert!(!format!("{rows:?}").contains("cs_wrong"), "never a secret");
}

#[tokio::test]
async fn a_token_for_a_machine_is_told_once_a_minute() {
    let home = Home::new().await;
    let robot = home.app("robot");
    let ask = async || robot.token(&[("grant_type", "client_credentials")]).await.status;
    for _ in 0..3 {
        assert_eq!(ask().await, StatusCode::OK);
    }
    assert_eq!(
        told(&home, "token.issue").await,
        [(String::from("robot"), json!({"grant_type": "client_credentials"}))]
    );
    home.advance(Duration::from_secs(61)).await;
    ask().await;
    assert_eq!(told(&home, "token.issue").await.len(), 2);
}

#[tokio::test]
async fn a_refresh_that_fails_and_a_code_that_is_none_are_told() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let tokens = shop.tokens(&browser, ANN, "openid offline_access").await;
    Tokens::of(&shop.refresh(&tokens.refresh).await);
    assert!(home.told("token.refuse").await.is_empty(), "what succeeds is no failure");
    for _ in 0..3 {
        assert_eq!(shop.refresh("rt_nothing").await.status, StatusCode::BAD_REQUEST);
        assert_eq!(shop.redeem("nothing").await.status, StatusCode::BAD_REQUEST);
    }
    let rows = home.told("token.refuse").await;
    let of = |kind: &str| rows.iter().filter(|row| row.detail["grant_type"] == kind).count();
    assert_eq!((rows.len(), of("refresh_token"), of("authorization_code")), (2, 1, 1));
    assert!(rows.iter().all(|row| row.target.as_deref() == Some("shop") && row.actor.as_deref() == Some("shop")));
}

#[tokio::test]
async fn a_wrong_verifier_is_told_with_the_person_and_uses_the_code_up() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let challenge = challenge();
    let extra = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let callback = browser.authorize_as(ANN, &shop.request("openid", &extra)).await;
    let with = |verifier: &'static str| {
        let pairs = [("grant_type", "authorization_code"), ("code", callback.code())];
        [pairs.as_slice(), &[("redirect_uri", &*shop.redirect_uri), ("code_verifier", verifier)]].concat()
    };
    for verifier in ["a-verifier-that-is-long-enough-for-rfc-7636.~_012345678X", crate::harness::VERIFIER] {
        assert_eq!(shop.token(&with(verifier)).await.status, StatusCode::BAD_REQUEST);
    }
    let rows = told(&home, "token.code_wasted").await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].1["user"].as_str().unwrap().starts_with("usr_"), "{rows:?}");
    assert!(rows[0].1["reason"].as_str().unwrap().contains("code_verifier"), "{rows:?}");
}

#[tokio::test]
async fn who_may_not_administer_is_told_once_a_minute() {
    let home = Home::new().await;
    let (ann, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let get =
        async |token: &str, path: &str| Response::of(shop.http().get(home.url(path)).bearer_auth(token)).await.status;
    let session = ann.session_token();
    for path in ["/api/admin/users", "/api/admin/users", "/api/admin/users?limit=1", "/api/admin/audit"] {
        assert_eq!(get(&session, path).await, StatusCode::FORBIDDEN);
    }
    let root = home.signed_in(ADMIN).await;
    let of_an_app = shop.tokens(&root, ADMIN, "openid").await.access;
    for _ in 0..2 {
        assert_eq!(get(&of_an_app, "/api/admin/users").await, StatusCode::FORBIDDEN);
    }
    assert_eq!(get(&root.session_token(), "/api/admin/users").await, StatusCode::OK);
    let facts: Vec<Value> = told(&home, "access.refuse").await.into_iter().map(|(_, detail)| detail).collect();
    let denied = |permission: &str| json!({"reason": "permission_denied", "permission": permission});
    assert_eq!(facts, [denied("view on audit"), denied("view on users"), json!({"reason": "token_of_an_app"})]);
    let rows = home.told("access.refuse").await;
    assert!(rows.iter().all(|row| row.actor.as_deref().is_some_and(|actor| actor.starts_with("usr_"))), "{rows:?}");
}

#[tokio::test]
async fn who_may_not_sign_up_is_told_once_a_minute() {
    for (registration, reason) in [
        (auther::config::Registration::Closed, "registration_closed"),
        (auther::config::Registration::Invite, "invalid_invite"),
    ] {
        let home = Home::with(|settings| settings.registration = registration).await;
        let wiki = home.app("wiki");
        for name in ["eve", "mallory"] {
            let body =
                json!({"name": name, "email": format!("{name}@example.com"), "password": "correct horse battery"});
            let answer = Response::of(wiki.http().post(home.url("/api/auth/sign-up/email")).json(&body)).await;
            assert!(answer.status.is_client_error(), "{}", answer.text);
        }
        let rows = told(&home, "user.sign_up").await;
        assert_eq!(rows, [(String::new(), json!({ "reason": reason }))]);
    }
}
