//! Refresh tokens: what each use weighs again, rotation, reuse; what ends with a session or a person.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANN, App, Home, PASSWORD, Response, Tokens, payload};

const SCOPE: &str = "openid email offline_access";

fn error(answer: &Response) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn invalid_grant() -> (u16, String) {
    (400, String::from("invalid_grant"))
}

async fn administer(home: &Home, path: &str, body: &Value) -> Response {
    let admin = home.signed_in(ADMIN).await;
    let request = admin.http.post(home.url(&format!("/api/admin/{path}"))).bearer_auth(admin.session_token());
    let answer = Response::of(request.json(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    answer
}

async fn assert_dead(app: &App<'_>, tokens: &Tokens, about: &str) {
    assert_eq!(error(&app.refresh(&tokens.refresh).await), invalid_grant(), "{about}");
    assert_eq!(app.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED, "{about}");
    assert_eq!(app.introspect(&tokens.access).await, json!({ "active": false }), "{about}");
    assert_eq!(app.introspect(&tokens.refresh).await, json!({ "active": false }), "{about}");
}

/// Takes the consent back, as the person.
async fn withdraw(home: &Home, who: &str, client: &str) {
    let browser = home.signed_in(who).await;
    let answer = browser.call("/api/auth/revoke-consent", &json!({ "clientId": client })).await;
    assert!(answer.status.is_success(), "{}", answer.text);
}

#[tokio::test]
async fn t12_a_disabled_person_refreshes_nothing() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let tokens = shop.tokens(&home.browser(), ANN, SCOPE).await;
    administer(&home, &format!("users/{ANN}/disable"), &json!({})).await;
    assert_dead(&shop, &tokens, "disabled").await;
    administer(&home, &format!("users/{ANN}/enable"), &json!({})).await;
    assert_dead(&shop, &tokens, "enabled again").await;
}

#[tokio::test]
async fn t12_a_disabled_client_refreshes_nothing() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let tokens = shop.tokens(&home.browser(), ANN, SCOPE).await;
    administer(&home, "clients/shop/disable", &json!({})).await;
    assert_eq!(error(&shop.refresh(&tokens.refresh).await), (401, String::from("invalid_client")));
    assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
    administer(&home, "clients/shop/enable", &json!({})).await;
    assert_dead(&shop, &tokens, "enabled again").await;
}

#[tokio::test]
async fn t12_a_withdrawn_consent_refreshes_nothing() {
    let home = Home::new().await;
    let wiki = home.app("wiki");
    let tokens = wiki.tokens(&home.browser(), ANN, SCOPE).await;
    withdraw(&home, ANN, "wiki").await;
    assert_eq!(error(&wiki.refresh(&tokens.refresh).await), invalid_grant());
    assert_eq!(wiki.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn t12_claims_are_fresh_at_every_refresh() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let tokens = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let admin = home.signed_in(ADMIN).await;
    let change = json!({"email": "ann@new.example", "email_verified": false});
    let request = admin.http.patch(home.url(&format!("/api/admin/users/{ANN}"))).bearer_auth(admin.session_token());
    assert_eq!(Response::of(request.json(&change)).await.status, StatusCode::OK);
    let answer = shop.refresh(&tokens.refresh).await;
    let fresh = Tokens::of(&answer);
    let claims = payload(&fresh.id);
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!("ann@new.example"), &json!(false)));
    assert_eq!(claims["nonce"], Value::Null, "{claims}");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
}

#[tokio::test]
async fn t13_a_reused_token_ends_the_family_after_the_grace() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let second = Tokens::of(&shop.refresh(&first.refresh).await);
    assert_ne!(first.refresh, second.refresh);
    home.clock.advance(Duration::from_secs(11));
    assert_eq!(error(&shop.refresh(&first.refresh).await), invalid_grant());
    assert_dead(&shop, &second, "after a reuse").await;
}

#[tokio::test]
async fn t13_a_repeat_within_the_grace_is_no_theft_unless_the_successor_was_used() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let second = Tokens::of(&shop.refresh(&first.refresh).await);
    home.clock.advance(Duration::from_secs(9));
    let again = Tokens::of(&shop.refresh(&first.refresh).await);
    assert_eq!(shop.userinfo(&again.access).await.status, StatusCode::OK);
    let third = Tokens::of(&shop.refresh(&second.refresh).await);
    assert_eq!(error(&shop.refresh(&first.refresh).await), invalid_grant(), "its successor was used");
    assert_dead(&shop, &third, "after a reuse").await;
}

#[tokio::test]
async fn t13_refreshes_at_once_leave_a_family_that_works() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let answers = futures_util::future::join_all((0..16).map(|_| shop.refresh(&first.refresh))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK), "all within the grace");
    let last = Tokens::of(&answers[7]);
    assert_eq!(shop.userinfo(&last.access).await.status, StatusCode::OK);
}

/// So many uses of one token at once, each of which is answered.
async fn at_once(app: &App<'_>, token: &str, count: usize) -> Vec<Tokens> {
    let answers = futures_util::future::join_all((0..count).map(|_| app.refresh(token))).await;
    answers.iter().map(Tokens::of).collect()
}

#[tokio::test]
async fn bug_class_13_of_many_successors_one_goes_on_and_the_use_of_another_ends_the_family() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let many = at_once(&shop, &first.refresh, 64).await;
    for one in &many {
        assert_eq!(shop.introspect(&one.refresh).await["active"], true, "none was used yet");
    }
    let kept = Tokens::of(&shop.refresh(&many[40].refresh).await);
    for (number, one) in many.iter().enumerate() {
        assert_eq!(shop.introspect(&one.refresh).await, json!({ "active": false }), "{number}");
        assert_eq!(shop.userinfo(&one.access).await.status, StatusCode::OK, "an access token is not rotated");
    }
    let next = Tokens::of(&shop.refresh(&kept.refresh).await);
    assert_eq!(error(&shop.refresh(&many[3].refresh).await), invalid_grant());
    assert_dead(&shop, &next, "after the use of one that has ended").await;
    assert!(home.told("token.refresh_reused").await.len() == 1);
}

#[tokio::test]
async fn bug_class_13_when_all_use_their_successor_at_once_one_wins_and_the_family_ends() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let many = at_once(&shop, &first.refresh, 64).await;
    let answers = futures_util::future::join_all(many.iter().map(|one| shop.refresh(&one.refresh))).await;
    let won: Vec<&Response> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1);
    assert_dead(&shop, &Tokens::of(won[0]), "the others were used too").await;
}

#[tokio::test]
async fn a_client_that_races_at_every_refresh_keeps_its_line() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let mut line = shop.tokens(&home.browser(), ANN, SCOPE).await;
    for generation in 0..5 {
        home.advance(Duration::from_secs(6 * 86_400 + 1)).await;
        if generation == 4 {
            assert_eq!(error(&shop.refresh(&line.refresh).await), invalid_grant(), "30 days are over");
            return;
        }
        line = at_once(&shop, &line.refresh, 4).await.swap_remove(generation % 4);
    }
}

#[tokio::test]
async fn a_token_gives_no_more_than_64_successors() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let many = at_once(&shop, &first.refresh, 64).await;
    assert_eq!(error(&shop.refresh(&first.refresh).await), invalid_grant());
    assert_dead(&shop, &many[63], "that is no race").await;
}

#[tokio::test]
async fn bug_class_31_a_clock_that_is_set_back_gives_no_used_token_a_longer_grace() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    home.clock.advance(Duration::from_secs(3600));
    let second = Tokens::of(&shop.refresh(&first.refresh).await);
    home.clock.set(home.now().minus(Duration::from_secs(600)));
    assert_eq!(error(&shop.refresh(&first.refresh).await), invalid_grant(), "it was used ten minutes from now");
    assert_dead(&shop, &second, "after a reuse").await;
}

#[tokio::test]
async fn a_line_goes_on_beyond_100_tokens_and_forgets_the_oldest_of_those_that_were_used() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let mut line = first.clone();
    for _ in 0..40 {
        // Which is the oldest is told by the time in identifiers.
        home.clock.advance(Duration::from_secs(1));
        line = at_once(&shop, &line.refresh, 4).await.swap_remove(2);
    }
    // Three siblings in each of 40 steps: 160 tokens were made.
    assert_eq!(error(&shop.refresh(&first.refresh).await), invalid_grant(), "no more known");
    let mut recent = line.clone();
    for _ in 0..3 {
        home.clock.advance(Duration::from_secs(1));
        recent = line;
        line = Tokens::of(&shop.refresh(&recent.refresh).await);
    }
    assert_eq!(shop.introspect(&line.refresh).await["active"], true);
    home.clock.advance(Duration::from_secs(11));
    assert_eq!(error(&shop.refresh(&recent.refresh).await), invalid_grant(), "known, and used twice");
    assert_dead(&shop, &line, "after a reuse").await;
}

#[tokio::test]
async fn t11_a_refresh_token_is_for_its_client() {
    let home = Home::new().await;
    let (shop, wiki) = (home.app("shop"), home.app("wiki"));
    let tokens = shop.tokens(&home.browser(), ANN, SCOPE).await;
    assert_eq!(error(&wiki.refresh(&tokens.refresh).await), invalid_grant());
    assert_eq!(wiki.introspect(&tokens.refresh).await, json!({ "active": false }));
    Tokens::of(&shop.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn t22_a_refresh_narrows_scopes_and_never_widens() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let tokens = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let with = |token: &str, scope: &'static str| {
        let token = token.to_owned();
        let shop = &shop;
        async move { shop.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)]).await }
    };
    assert_eq!(error(&with(&tokens.refresh, "openid profile").await), (400, String::from("invalid_scope")));
    let narrow = Tokens::of(&with(&tokens.refresh, "openid").await);
    assert_eq!((&narrow.body["scope"], &payload(&narrow.access)["scope"]), (&json!("openid"), &json!("openid")));
    assert_eq!(payload(&narrow.id)["email"], Value::Null);
    let audience =
        [("grant_type", "refresh_token"), ("refresh_token", &*narrow.refresh), ("resource", "https://x.example")];
    let answer = shop.token(&audience).await;
    assert_eq!(error(&answer), (400, String::from("invalid_target")), "a refresh gives no other audience either");
    let answer = shop.token(&[audience[0], audience[1], ("resource", "https://stock.example.com")]).await;
    assert_eq!(payload(&Tokens::of(&answer).access)["aud"], payload(&tokens.access)["aud"]);
}

#[tokio::test]
async fn a_refresh_token_ends_unused_after_a_week_and_used_after_a_month() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let browser = home.browser();
    let mut tokens = shop.tokens(&browser, ANN, SCOPE).await;
    let idle = shop.tokens(&browser, ANN, SCOPE).await;
    for _ in 0..4 {
        home.advance(Duration::from_secs(6 * 86_400)).await;
        browser.get("/api/auth/get-session").await;
        tokens = Tokens::of(&shop.refresh(&tokens.refresh).await);
    }
    assert_eq!(error(&shop.refresh(&idle.refresh).await), invalid_grant());
    home.advance(Duration::from_secs(6 * 86_400)).await;
    assert_eq!(error(&shop.refresh(&tokens.refresh).await), invalid_grant(), "30 days are over");
}

#[tokio::test]
async fn t14_whatever_ends_the_person_or_the_password_ends_sessions_and_tokens() {
    for way in ["disable", "password", "change", "delete", "revoke-session", "sign-out"] {
        let home = Home::new().await;
        let (browser, shop) = (home.browser(), home.app("shop"));
        let tokens = shop.tokens(&browser, ANN, SCOPE).await;
        let old = browser.session_token();
        assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::OK);
        end(&home, &browser, way, &old).await;
        assert_dead(&shop, &tokens, way).await;
        let stolen = Response::of(shop.http().get(home.url("/api/auth/list-sessions")).bearer_auth(&old)).await;
        assert_eq!(stolen.status, StatusCode::UNAUTHORIZED, "{way}");
    }
}

async fn end(home: &Home, browser: &crate::harness::Browser, way: &str, session: &str) {
    match way {
        "disable" => drop(administer(home, &format!("users/{ANN}/disable"), &json!({})).await),
        "password" => {
            let body = json!({"password": "another long password"});
            administer(home, &format!("users/{ANN}/password"), &body).await;
        }
        "change" => {
            let body = json!({"currentPassword": PASSWORD, "newPassword": "another long password"});
            assert_eq!(browser.call("/api/auth/change-password", &body).await.status, StatusCode::OK);
        }
        "delete" => {
            let answer = browser.call("/api/auth/delete-user", &json!({"password": PASSWORD})).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
        "revoke-session" => {
            let answer = browser.call("/api/auth/revoke-session", &json!({"token": session})).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
        _ => assert_eq!(browser.call("/api/auth/sign-out", &json!({})).await.status, StatusCode::OK),
    }
}
