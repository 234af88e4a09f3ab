//! What Auther sees of how an app protects its sign-ins, and says to the people who run it; how long consent says that
//! access lasts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{ADMIN, ANN, App, Browser, Home, Response, VERIFIER, challenge};

/// One sign-in from the request to the tokens; `with` says what the request carries.
async fn signs_in(app: &App<'_>, browser: &Browser, with: &[&str]) {
    let challenge = challenge();
    let mut extra: Vec<(&str, &str)> = ["state", "nonce"].into_iter().map(|name| (name, "")).collect();
    extra.retain(|(name, _)| !with.contains(name));
    let has_pkce = with.contains(&"pkce");
    if has_pkce {
        extra.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
    }
    let callback = browser.authorize_as(ANN, &app.request("openid", &extra)).await;
    let mut pairs =
        vec![("grant_type", "authorization_code"), ("code", callback.code()), ("redirect_uri", &*app.redirect_uri)];
    pairs.extend(has_pkce.then_some(("code_verifier", VERIFIER)));
    assert_eq!(app.token(&pairs).await.status, 200);
}

async fn seen(admin: &Browser, client: &str) -> Value {
    admin.get(&format!("/api/admin/clients/{client}")).await.json()
}

fn advice(document: &Value) -> (bool, bool) {
    (document["could_require_pkce"] == true, document["is_unprotected"] == true)
}

async fn doctor(admin: &Browser) -> Value {
    let items = admin.get("/api/admin/doctor").await.json()["items"].as_array().unwrap().clone();
    items.into_iter().find(|finding| finding["name"] == "apps").unwrap()
}

#[tokio::test]
async fn an_app_that_always_sends_pkce_is_shown_that_it_can_be_demanded() {
    let home = Home::new().await;
    let (browser, admin, shop) = (home.signed_in(ANN).await, home.signed_in(ADMIN).await, home.app("shop"));
    for number in 0..10 {
        assert_eq!(advice(&seen(&admin, "shop").await), (false, false), "after {number}");
        signs_in(&shop, &browser, &["pkce", "state"]).await;
    }
    let document = seen(&admin, "shop").await;
    assert_eq!(document["sign_ins"], json!({ "days": 7, "all": 10, "pkce": 10, "bare": 0 }));
    assert_eq!(advice(&document), (true, false));
    let change = admin.http.patch(admin.whole("/api/admin/clients/shop")).header("origin", &home.origin);
    let changed = Response::of(change.json(&json!({ "require_pkce": true, "version": document["version"] }))).await;
    assert_eq!(changed.json()["require_pkce"], true, "{}", changed.text);
    assert_eq!(advice(&seen(&admin, "shop").await), (false, false), "there is nothing left to do");
}

#[tokio::test]
async fn one_sign_in_without_pkce_is_enough_not_to_advise_it_until_it_is_a_week_ago() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    signs_in(&shop, &browser, &["state"]).await;
    home.advance(Duration::from_hours(24)).await;
    for _ in 0..10 {
        signs_in(&shop, &browser, &["pkce"]).await;
    }
    let admin = home.signed_in(ADMIN).await;
    assert_eq!(advice(&seen(&admin, "shop").await), (false, false));
    home.advance(Duration::from_hours(6 * 24)).await;
    let admin = home.signed_in(ADMIN).await;
    assert_eq!(advice(&seen(&admin, "shop").await), (true, false));
    assert_eq!(seen(&admin, "strict").await["sign_ins"]["all"], 0, "other apps are counted by themselves");
}

#[tokio::test]
async fn a_code_that_the_app_does_not_redeem_counts_for_nothing() {
    let home = Home::new().await;
    let (browser, admin, shop) = (home.signed_in(ANN).await, home.signed_in(ADMIN).await, home.app("shop"));
    for _ in 0..10 {
        // Anybody with an account can send these.
        browser.authorize_as(ANN, &shop.request("openid", &[("state", ""), ("nonce", "")])).await.code();
    }
    let document = seen(&admin, "shop").await;
    assert_eq!((document["sign_ins"]["all"].clone(), advice(&document)), (json!(0), (false, false)));
}

#[tokio::test]
async fn an_app_that_sends_neither_pkce_nor_nonce_nor_state_is_warned_of() {
    let home = Home::new().await;
    let (browser, admin, shop) = (home.signed_in(ANN).await, home.signed_in(ADMIN).await, home.app("shop"));
    for with in [&["pkce"][..], &["nonce"], &["state"]] {
        signs_in(&shop, &browser, with).await;
    }
    assert_eq!(
        (advice(&seen(&admin, "shop").await), doctor(&admin).await["state"].clone()),
        ((false, false), json!("ok"))
    );
    for _ in 0..4 {
        signs_in(&shop, &browser, &[]).await;
    }
    let document = seen(&admin, "shop").await;
    assert_eq!(document["sign_ins"], json!({ "days": 7, "all": 7, "pkce": 1, "bare": 4 }));
    assert_eq!(advice(&document), (false, true));
    let finding = doctor(&admin).await;
    assert_eq!(finding["state"], "warn");
    assert!(finding["message"].as_str().unwrap().contains("Shop (shop)"), "{finding}");
    let removed = admin.http.delete(admin.whole("/api/admin/clients/shop")).header("origin", &home.origin);
    assert_eq!(Response::of(removed).await.status, 200);
    assert_eq!(doctor(&admin).await["state"], "ok", "the count goes with the app");
}

#[tokio::test]
async fn consent_says_for_how_long() {
    let home = Home::new().await;
    let (browser, wiki) = (home.signed_in(ANN).await, home.app("wiki"));
    for (scope, said) in [
        ("openid", "Each time you sign in to it, it has access for 1 hour."),
        ("openid offline_access", "It keeps access for up to 30 days, and loses it after 7 days without use."),
    ] {
        let page = browser.visit(&wiki.request(scope, &[])).await;
        assert!(page.has("consent-allow") && page.has("consent-deny") && page.has("how-long"), "{}", page.text);
        assert!(page.text.contains(said), "{scope}: {}", page.text);
    }
}
