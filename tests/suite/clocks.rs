//! A clock that is set, back or forward, while the server runs or before it starts: nobody is locked out by it, and
//! nothing lives longer.

use std::time::Duration;

use auther::base::Moment;
use auther::config::Registration;
use auther::identity::{invites, links};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange};
use crate::harness::{ADMIN, ANN, BOB, Browser, Home, PASSWORD, Response};

const HOUR: Duration = Duration::from_secs(3600);

/// One of everything that is stored with an end.
struct Things {
    session: Browser,
    code: String,
    access: String,
    refresh: String,
    recovery: String,
    invite: String,
    key_with_end: String,
    key_without_end: String,
}

impl Things {
    async fn made_in(home: &Home) -> Self {
        let shop = home.app("shop");
        let session = home.signed_in(ANN).await;
        let tokens = shop.tokens(&session, ANN, "openid offline_access").await;
        let code = shop.code(&session, ANN, "openid").await;
        let program = Program::of(home, ANN).await;
        let key = async |body: Value| program.key(body).await["key"].as_str().unwrap().to_owned();
        let recovery = links::issue_recovery(&home.cx(), BOB).await.unwrap().token;
        // After a restart registration is closed, and there are none.
        let invite = invites::issue(&home.cx(), None, None).await.map(|issued| issued.token.expose().clone());
        Self {
            session,
            code,
            access: tokens.access,
            refresh: tokens.refresh,
            recovery: recovery.expose().clone(),
            invite: invite.unwrap_or_default(),
            key_with_end: key(json!({"name": "ends", "expiresIn": 86_400})).await,
            key_without_end: key(json!({"name": "lasts"})).await,
        }
    }

    /// What works now, by name. Nothing is used up by being refused.
    async fn that_work(&self, home: &Home) -> Vec<&'static str> {
        let shop = home.app("shop");
        let stranger = home.browser();
        // The server may have another port by now, for which the browser has no cookies.
        let token = self.session.session_token();
        let get = async |path: &str| Response::of(stranger.http.get(home.url(path)).bearer_auth(&token)).await;
        let works = [
            ("session", get("/api/auth/list-sessions").await.status == StatusCode::OK),
            ("code", shop.redeem(&self.code).await.status == StatusCode::OK),
            ("access token", shop.userinfo(&self.access).await.status == StatusCode::OK),
            ("refresh token", shop.refresh(&self.refresh).await.status == StatusCode::OK),
            ("recovery link", stranger.get(&format!("/reset-password?token={}", self.recovery)).await.has("password")),
            ("invitation", stranger.get(&format!("/sign-up?invite={}", self.invite)).await.has("password")),
            ("key with an end", exchange(home, &self.key_with_end).await.status == StatusCode::OK),
            ("key without an end", exchange(home, &self.key_without_end).await.status == StatusCode::OK),
        ];
        works.into_iter().filter(|(_, works)| *works).map(|(name, _)| name).collect()
    }
}

const ALL: [&str; 8] = [
    "session",
    "code",
    "access token",
    "refresh token",
    "recovery link",
    "invitation",
    "key with an end",
    "key without an end",
];

fn set(home: &Home, to: Moment) {
    home.clock.set(to);
}

async fn home() -> Home {
    Home::with(|settings| settings.registration = Registration::Invite).await
}

#[tokio::test]
async fn what_was_made_in_the_future_does_not_hold_and_what_is_made_now_does() {
    let home = home().await;
    let things = Things::made_in(&home).await;
    set(&home, home.now().minus(2 * HOUR));
    assert_eq!(things.that_work(&home).await, ["key without an end"]);
    assert_eq!(Things::made_in(&home).await.that_work(&home).await, ALL, "and everybody begins anew");
    // The clock is right again: nothing was lost.
    set(&home, home.now().plus(2 * HOUR));
    let again = things.that_work(&home).await;
    let wanted: Vec<&str> = ALL.into_iter().filter(|name| *name != "recovery link").collect();
    assert_eq!(again, wanted, "the newer link has taken the place of the older");
}

#[tokio::test]
async fn the_same_over_a_restart() {
    let home = home().await;
    let things = Things::made_in(&home).await;
    set(&home, home.now().minus(2 * HOUR));
    let home = home.restart().await;
    assert_eq!(things.that_work(&home).await, ["key without an end"]);
    let anew = Things::made_in(&home).await.that_work(&home).await;
    assert!(anew.len() >= ALL.len() - 1, "{anew:?}: registration is closed after the restart");
}

#[tokio::test]
async fn a_correction_of_a_few_seconds_is_not_felt() {
    let home = home().await;
    let things = Things::made_in(&home).await;
    let before = things.that_work(&home).await;
    assert_eq!(before, ALL);
    let things = Things::made_in(&home).await;
    set(&home, home.now().minus(Duration::from_secs(20)));
    // An access token is checked by everybody who gets one, and by its own `iat`.
    let felt: Vec<&str> = things.that_work(&home).await;
    assert_eq!(felt, ALL.into_iter().filter(|name| *name != "access token").collect::<Vec<_>>());
}

#[tokio::test]
async fn a_clock_that_is_set_forward_ends_what_should_end_and_removes_nothing_for_an_hour() {
    let home = home().await;
    home.advance(Duration::ZERO).await;
    let things = Things::made_in(&home).await;
    let right = home.now();
    set(&home, right.plus(400 * 24 * HOUR));
    home.advance(Duration::ZERO).await;
    assert_eq!(things.that_work(&home).await, ["key without an end"]);
    set(&home, right);
    home.advance(Duration::ZERO).await;
    assert_eq!(things.that_work(&home).await, ALL, "a mistake that is put right within the hour costs nothing");
    // A clock that stays there is believed after that.
    let things = Things::made_in(&home).await;
    set(&home, right.plus(400 * 24 * HOUR));
    home.advance(Duration::ZERO).await;
    home.advance(HOUR).await;
    set(&home, right);
    assert_eq!(things.that_work(&home).await, ["key with an end", "key without an end"]);
}

/// As it was found: two hours back, and every address that had tried was refused with `Retry-After: 7147`.
#[tokio::test]
async fn bug_class_31_limits_in_memory_go_on_by_a_clock_that_nobody_sets() {
    let home = Home::with(|settings| settings.rate_limit.enabled = true).await;
    let browser = home.browser();
    let attempt = async |name: &str, password: &str| {
        browser.call("/api/auth/sign-in/email", &json!({"email": name, "password": password})).await
    };
    let admin = Program::of(&home, ADMIN).await;
    let make = async |body: Value| admin.key(body).await["key"].as_str().unwrap().to_owned();
    let windowed = make(json!({"name": "w", "rateLimitMax": 1, "rateLimitTimeWindow": 60_000})).await;
    let refilled = make(json!({"name": "r", "remaining": 1, "refillAmount": 1, "refillInterval": 60_000})).await;
    for key in [&windowed, &refilled] {
        assert_eq!(exchange(&home, key).await.status, StatusCode::OK);
        assert_eq!(exchange(&home, key).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    for _ in 0..5 {
        assert_eq!(attempt(ANN, "wrong password").await.status, StatusCode::UNAUTHORIZED);
    }
    let mut last = attempt(ANN, PASSWORD).await;
    assert_eq!(last.json()["code"], "SIGN_IN_DELAYED");
    while last.json()["code"] != "TOO_MANY_REQUESTS" {
        last = attempt("nobody@example.com", "wrong password").await;
    }
    set(&home, home.now().minus(2 * HOUR));
    let told = attempt(ANN, PASSWORD).await;
    assert_eq!((told.status, told.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "2"));
    home.clock.advance(Duration::from_secs(60));
    assert_eq!(attempt(ANN, PASSWORD).await.status, StatusCode::OK);
    for key in [&windowed, &refilled] {
        assert_eq!(exchange(&home, key).await.status, StatusCode::OK);
    }
    // And forward: what has to wait is not let in earlier.
    for _ in 0..5 {
        attempt(BOB, "wrong password").await;
    }
    set(&home, home.now().plus(2 * HOUR));
    let waiting = attempt(BOB, PASSWORD).await;
    assert_eq!(waiting.json()["code"], "SIGN_IN_DELAYED");
    assert_eq!(exchange(&home, &windowed).await.status, StatusCode::TOO_MANY_REQUESTS);
}
