//! The authorization endpoint: what it refuses, what it asks, what it answers.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use crate::harness::{ANN, BOB, Browser, Callback, Home, PASSWORD, Response, Tokens, challenge, payload};

/// A refusal on a page: nothing is redirected.
fn assert_page(answer: &Response, about: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{about}: {} {}", answer.location(), answer.text);
    assert_eq!(answer.location(), "", "{about}");
    assert!(answer.header("content-type").starts_with("text/html"), "{about}");
}

#[tokio::test]
async fn t01_near_misses_of_a_redirect_uri_are_refused_on_a_page() {
    let home = Home::new().await;
    let (browser, wiki) = (home.signed_in(ANN).await, home.app("wiki"));
    for near in [
        "https://wiki.example.com/callback/",
        "https://wiki.example.com/callback?x=1",
        "https://wiki.example.com/callback#f",
        "https://wiki.example.com/Callback",
        "https://WIKI.example.com/callback",
        "https://wiki.example.com:443/callback",
        "https://wiki.example.com./callback",
        "https://wiki-example.com/callback",
        "https://wiki.example.com/x/../callback",
        "https://wiki.example.com/%63allback",
        "https://wiki.example.com\\callback",
        "https://wiki.example.com@evil.example/callback",
        "https://evil.example/https://wiki.example.com/callback",
        "https://wiki.example.com/callback%2f",
        "https://wiki.example.com/callback\u{202e}",
        "http://wiki.example.com/callback",
        "//wiki.example.com/callback",
        "javascript:alert(1)",
        "https://wiki.example.com/bye",
    ] {
        let answer = browser.get(&wiki.request("openid", &[("redirect_uri", near)])).await;
        assert_page(&answer, near);
    }
}

#[tokio::test]
async fn t03_only_a_native_app_may_choose_the_port_of_a_loopback_literal() {
    let home = Home::new().await;
    let (browser, phone) = (home.signed_in(ANN).await, home.app("phone"));
    let callback =
        browser.authorize_as(ANN, &phone.request("openid", &[("redirect_uri", "http://127.0.0.1:51004/cb")])).await;
    assert_eq!(callback.uri, "http://127.0.0.1:51004/cb");
    for near in
        ["http://127.1:51004/cb", "http://2130706433:1/cb", "http://127.0.0.1:51004/cb2", "http://127.0.0.2:1/cb"]
    {
        assert_page(&browser.get(&phone.request("openid", &[("redirect_uri", near)])).await, near);
    }
    let other = home.app("wiki").request("openid", &[("redirect_uri", "https://wiki.example.com:8443/callback")]);
    assert_page(&browser.get(&other).await, "a web app");
}

#[tokio::test]
async fn t04_nothing_is_redirected_before_client_and_redirect_uri_are_proved() {
    let home = Home::new().await;
    let wiki = home.app("wiki");
    for browser in [home.browser(), home.signed_in(ANN).await] {
        for extra in [
            &[("client_id", "nobody")][..],
            &[("client_id", "")],
            &[("client_id", "Wiki")],
            &[("redirect_uri", "")],
            &[("redirect_uri", "https://evil.example/")],
            &[("redirect_uri", "https://evil.example/"), ("prompt", "none")],
            &[("redirect_uri", "https://evil.example/"), ("response_type", "token")],
            &[("redirect_uri", "https://evil.example/"), ("scope", "everything")],
            &[("client_id", "nobody"), ("prompt", "none")],
        ] {
            let answer = browser.get(&wiki.request("openid", extra)).await;
            assert_page(&answer, &format!("{extra:?}"));
        }
    }
    let evil = format!("/sign-in?redirectTo={}", "//evil.example/");
    let browser = home.browser();
    let page = browser.get(&evil).await;
    let answer = browser.submit(&page, &[("identifier", ANN), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/");
}

#[tokio::test]
async fn t04_an_error_is_told_to_a_proved_redirect_uri_with_its_state() {
    let home = Home::new().await;
    let (browser, wiki) = (home.browser(), home.app("wiki"));
    for (extra, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("prompt", "none consent"), "invalid_request"),
        (("prompt", "none"), "login_required"),
        (("prompt", "none login"), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("claims", "[]"), "invalid_request"),
        (("request", "a.b.c"), "request_not_supported"),
        (("request_uri", "https://evil.example/r"), "request_uri_not_supported"),
        (("id_token_hint", "a.b.c"), "invalid_request"),
    ] {
        let answer = browser.get(&wiki.request("openid", &[extra])).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{extra:?} {}", answer.text);
        let callback = Callback::of(answer.location());
        assert_eq!(callback.uri, wiki.redirect_uri);
        let got = (callback.get("error"), callback.get("state"), callback.get("iss"));
        assert_eq!(got, (error, "st&ate=1", &*home.origin), "{extra:?}");
        assert!(!callback.get("error_description").is_empty());
    }
}

#[tokio::test]
async fn t06_a_repeated_parameter_is_refused_and_nobody_is_redirected_while_the_address_is_in_doubt() {
    let home = Home::new().await;
    let browser = home.signed_in(ANN).await;
    let wiki = home.app("wiki");
    let ask = |extra: &str, changes: &[(&str, &str)]| {
        let (http, url) = (browser.http.clone(), home.url(&format!("{}&{extra}", wiki.request("openid", changes))));
        async move { Response::of(http.get(url)).await }
    };
    for repeated in [
        "client_id=wiki",
        "redirect_uri=https://evil.example/",
        "state=2",
        "state=2&scope=openid",
        "response_mode=query&response_mode=query",
        "st%61te=2",
    ] {
        let answer = ask(repeated, &[]).await;
        assert_page(&answer, repeated);
        assert!(answer.text.contains("invalid_request"), "{}", answer.text);
    }
    for repeated in
        ["scope=openid", "nonce=2", "foo=1&foo=2", "foo=&foo=", "prompt=none&prompt=none", "response_type=code"]
    {
        let answer = ask(repeated, &[]).await;
        let callback = Callback::of(answer.location());
        let got =
            (&*callback.uri, callback.get("error"), callback.get("state"), callback.get("iss"), callback.get("code"));
        assert_eq!(got, (&*wiki.redirect_uri, "invalid_request", "st&ate=1", &*home.origin, ""), "{repeated}");
        for unproved in [("client_id", "nobody"), ("redirect_uri", "https://evil.example/"), ("redirect_uri", "")] {
            assert_page(&ask(repeated, &[unproved]).await, &format!("{repeated} {unproved:?}"));
        }
    }
    let form = ask("foo=1&foo=2&response_mode=form_post", &[]).await;
    assert_eq!((form.field("error"), form.action()), (String::from("invalid_request"), wiki.redirect_uri.clone()));
    let query = format!("{}&scope=openid", wiki.query("openid", &[]));
    let post = browser.http.post(home.url("/api/auth/oauth2/authorize")).body(query);
    let answer = Response::of(post.header("content-type", "application/x-www-form-urlencoded")).await;
    assert_eq!(Callback::of(answer.location()).get("error"), "invalid_request");
    let unknown = browser.authorize_as(ANN, &format!("{}&flavour=1", wiki.request("openid", &[]))).await;
    assert!(!unknown.code().is_empty(), "unknown parameters are ignored");
}

#[tokio::test]
async fn t08_every_answer_names_the_issuer() {
    let home = Home::new().await;
    let wiki = home.app("wiki");
    let browser = home.browser();
    let callback = browser.authorize_as(ANN, &wiki.request("openid", &[])).await;
    assert_eq!((callback.get("iss"), callback.get("state")), (&*home.origin, "st&ate=1"));
    assert!(!callback.code().is_empty());
    let page = browser.visit(&wiki.request("openid email", &[])).await;
    let denied = Callback::of(browser.submit(&page, &[("action", "deny")]).await.location());
    let got = (denied.get("error"), denied.get("iss"), denied.get("state"), denied.get("code"));
    assert_eq!(got, ("access_denied", &*home.origin, "st&ate=1", ""));
}

#[tokio::test]
async fn a_registered_query_is_kept_and_the_answer_added() {
    let home = Home::new().await;
    let callback = home.browser().authorize_as(ANN, &home.app("shop").request("openid", &[])).await;
    assert_eq!((&*callback.uri, callback.get("a")), ("https://shop.example.com/cb", "1"));
}

#[tokio::test]
async fn every_path_of_the_endpoint_answers_by_get_and_by_post() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    for path in ["/api/auth/oauth2/authorize", "/oauth2/authorize"] {
        let query = shop.query("openid", &[]);
        let by_get = browser.get(&format!("{path}?{query}")).await;
        assert!(!Callback::of(by_get.location()).code().is_empty());
        let request = browser.http.post(home.url(path)).header("origin", "https://shop.example.com");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(query);
        let by_post = Response::of(request).await;
        assert_eq!(by_post.status, StatusCode::SEE_OTHER);
        assert!(!Callback::of(browser.visit(by_post.location()).await.location()).code().is_empty());
    }
}

#[tokio::test]
async fn a_caller_by_fetch_is_answered_in_json() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let fetch = |place: String| Response::of(browser.http.get(home.url(&place)).header("sec-fetch-mode", "cors"));
    let answer = fetch(shop.request("openid", &[])).await;
    assert_eq!((answer.status, &answer.json()["redirect"]), (StatusCode::OK, &json!(true)));
    assert!(!Callback::of(answer.json()["url"].as_str().unwrap()).code().is_empty());
    let refused = fetch(shop.request("openid", &[("client_id", "nobody")])).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.header("content-type").starts_with("text/html") || refused.json()["error"].is_string());
}

#[tokio::test]
async fn form_post_answers_with_a_form() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let page = browser.get(&shop.request("openid", &[("response_mode", "form_post")])).await;
    assert_eq!((page.status, page.action()), (StatusCode::OK, shop.redirect_uri.clone()));
    assert_eq!((page.field("state"), page.field("iss")), (String::from("st&ate=1"), home.origin.clone()));
    assert_eq!(page.header("cache-control"), "no-store");
    Tokens::of(&shop.redeem(&page.field("code")).await);
    let error = browser.get(&shop.request("email", &[("response_mode", "form_post"), ("max_age", "soon")])).await;
    assert_eq!((error.field("error"), error.action()), (String::from("invalid_request"), shop.redirect_uri.clone()));
}

#[tokio::test]
async fn t05_what_is_put_into_the_form_is_escaped() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let nasty = "\"><script>alert(1)</script>";
    let page = browser.get(&shop.request("openid", &[("response_mode", "form_post"), ("state", nasty)])).await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(!page.header("content-security-policy").contains("unsafe"));
}

#[tokio::test]
async fn prompt_none_answers_at_once() {
    let home = Home::new().await;
    let (wiki, shop) = (home.app("wiki"), home.app("shop"));
    let browser = home.signed_in(ANN).await;
    let browser = &browser;
    let silent = |place: String| async move { Callback::of(browser.get(&place).await.location()) };
    let needs_consent = silent(wiki.request("openid email", &[("prompt", "none")])).await;
    assert_eq!(needs_consent.get("error"), "consent_required");
    assert!(!silent(shop.request("openid", &[("prompt", "none")])).await.code().is_empty());
    home.clock.advance(Duration::from_secs(100));
    let old = silent(shop.request("openid", &[("prompt", "none"), ("max_age", "99")])).await;
    assert_eq!(old.get("error"), "login_required");
    assert!(!silent(shop.request("openid", &[("prompt", "none"), ("max_age", "100")])).await.code().is_empty());
}

#[tokio::test]
async fn prompt_login_and_max_age_ask_for_the_password_again() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    for extra in [("prompt", "login"), ("max_age", "10")] {
        home.clock.advance(Duration::from_secs(60));
        let page = browser.visit(&shop.request("openid", &[extra])).await;
        assert!(page.has("password"), "{extra:?}");
        let answer = browser.submit(&page, &[("identifier", ANN), ("password", PASSWORD)]).await;
        let callback = Callback::of(browser.follow(answer).await.location());
        let tokens = Tokens::of(&shop.redeem(callback.code()).await);
        assert_eq!(payload(&tokens.id)["auth_time"], json!(home.now().seconds()), "{extra:?}");
    }
}

#[tokio::test]
async fn the_password_given_again_in_a_session_is_when_the_person_proved_who_they_are() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let before = shop.tokens(&browser, ANN, "openid").await;
    let signed_in_at = home.now().seconds();
    home.clock.advance(Duration::from_secs(60));
    let again = browser.call("/api/auth/verify-password", &json!({"password": PASSWORD})).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    home.clock.advance(Duration::from_secs(5));
    let callback = Callback::of(browser.get(&shop.request("openid", &[("max_age", "10")])).await.location());
    let after = Tokens::of(&shop.redeem(callback.code()).await);
    for token in [&after.id, &after.access] {
        let said = payload(token);
        assert_eq!(said["auth_time"], json!(signed_in_at + 60));
        assert_eq!((&said["amr"], &said["acr"]), (&json!(["pwd"]), &json!("pwd")));
    }
    // Each sign-in to an app says what held when it took place.
    assert_eq!(payload(&before.id)["auth_time"], json!(signed_in_at));
    let silent =
        Callback::of(browser.get(&shop.request("openid", &[("max_age", "4"), ("prompt", "none")])).await.location());
    assert_eq!(silent.get("error"), "login_required");
}

#[tokio::test]
async fn acr_values_that_cannot_be_met_stay_unmet_and_the_id_token_says_what_was_reached() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let liked = json!({"id_token": {"acr": {"values": ["phr", "mfa"]}}}).to_string();
    for wish in
        [("acr_values", "mfa"), ("acr_values", "phrh pwd urn:other"), ("acr_values", "urn:other"), ("claims", &liked)]
    {
        let callback = Callback::of(browser.get(&shop.request("openid", &[wish])).await.location());
        let tokens = Tokens::of(&shop.redeem(callback.code()).await);
        assert_eq!(payload(&tokens.id)["acr"], json!("pwd"), "{wish:?}");
    }
}

#[tokio::test]
async fn prompt_consent_asks_again_and_a_stored_consent_does_not() {
    let home = Home::new().await;
    let (browser, wiki) = (home.signed_in(ANN).await, home.app("wiki"));
    assert!(browser.visit(&wiki.request("openid email", &[])).await.has("consent-allow"));
    wiki.tokens(&browser, ANN, "openid email").await;
    assert!(browser.get(&wiki.request("openid email", &[])).await.location().starts_with(&wiki.redirect_uri));
    assert!(browser.visit(&wiki.request("openid profile", &[])).await.has("consent-allow"), "more is asked");
    assert!(browser.visit(&wiki.request("openid", &[("prompt", "consent")])).await.has("consent-allow"));
}

#[tokio::test]
async fn prompt_select_account_asks_which() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let page = browser.visit(&shop.request("openid", &[("prompt", "select_account")])).await;
    assert!(page.url.path() == "/choose-account", "{}", page.url);
    let kept = browser.submit(&page, &[("action", "continue")]).await;
    assert!(!Callback::of(browser.follow(kept).await.location()).code().is_empty());
    let page = browser.visit(&shop.request("openid", &[("prompt", "select_account")])).await;
    let other = browser.submit(&page, &[("action", "other")]).await;
    let page = browser.follow(other).await;
    let answer = browser.submit(&page, &[("identifier", BOB), ("password", PASSWORD)]).await;
    let callback = Callback::of(browser.follow(answer).await.location());
    let tokens = Tokens::of(&shop.redeem(callback.code()).await);
    let me = shop.userinfo(&tokens.access).await.json();
    assert_ne!(me["sub"], json!(null));
    assert_eq!(browser.get("/api/auth/get-session").await.json()["user"]["email"], BOB);
}

#[tokio::test]
async fn an_id_token_hint_of_somebody_else_asks_for_that_person() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let ann = shop.tokens(&browser, ANN, "openid").await;
    let silent = browser.get(&shop.request("openid", &[("prompt", "none"), ("id_token_hint", &ann.id)])).await;
    assert!(!Callback::of(silent.location()).code().is_empty());
    let bobs = home.signed_in(BOB).await;
    let silent = bobs.get(&shop.request("openid", &[("prompt", "none"), ("id_token_hint", &ann.id)])).await;
    assert_eq!(Callback::of(silent.location()).get("error"), "login_required");
    assert!(bobs.visit(&shop.request("openid", &[("id_token_hint", &ann.id)])).await.has("password"));
}

#[tokio::test]
async fn a_sub_that_the_claims_parameter_names_is_the_only_one_that_gets_a_code() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let ann = payload(&shop.tokens(&browser, ANN, "openid").await.id)["sub"].clone();
    let bobs = home.signed_in(BOB).await;
    for wish in [
        json!({"id_token": {"sub": {"value": ann}}}),
        json!({"id_token": {"sub": {"essential": true, "values": ["usr_other", ann]}}}),
        json!({"userinfo": {"sub": {"value": ann}}}),
    ] {
        let wish = wish.to_string();
        let silent = |browser: &Browser| {
            let place = shop.request("openid", &[("prompt", "none"), ("claims", &wish)]);
            let (http, url) = (browser.http.clone(), browser.whole(&place));
            async move { Callback::of(Response::of(http.get(url)).await.location()) }
        };
        assert!(!silent(&browser).await.code().is_empty(), "{wish}");
        let refused = silent(&bobs).await;
        assert_eq!((refused.get("error"), refused.get("code")), ("login_required", ""), "{wish}");
        // Bob is asked to sign in, and doing so as himself once more gives no code.
        let page = bobs.visit(&shop.request("openid", &[("claims", &wish)])).await;
        assert!(page.has("password"), "{wish}");
        let answer = bobs.submit(&page, &[("identifier", BOB), ("password", PASSWORD)]).await;
        let refused = Callback::of(bobs.follow(answer).await.location());
        assert_eq!((refused.get("error"), refused.get("code")), ("login_required", ""), "{wish}");
    }
    let nobody = json!({"id_token": {"sub": {"value": 7}}}).to_string();
    let place = shop.request("openid", &[("prompt", "none"), ("claims", &nobody)]);
    assert_eq!(Callback::of(browser.get(&place).await.location()).get("error"), "login_required");
    let anybody = json!({"id_token": {"sub": null}, "userinfo": {"sub": {"essential": true}}}).to_string();
    let place = shop.request("openid", &[("prompt", "none"), ("claims", &anybody)]);
    assert!(!Callback::of(browser.get(&place).await.location()).code().is_empty());
}

#[tokio::test]
async fn an_essential_acr_that_cannot_be_met_is_a_failed_sign_in() {
    let home = Home::new().await;
    let shop = home.app("shop");
    for (acr, is_met) in [
        (json!({"essential": true, "values": ["mfa"]}), false),
        (json!({"essential": true, "value": "mfa"}), false),
        (json!({"essential": true, "values": []}), false),
        (json!({"essential": true, "values": "pwd"}), false),
        (json!({"essential": true, "values": ["mfa", "pwd"]}), true),
        (json!({"essential": true, "value": "pwd"}), true),
        (json!({"essential": true}), true),
        (json!({"values": ["mfa"]}), true),
        (json!(null), true),
    ] {
        let wish = json!({"id_token": {"acr": acr}}).to_string();
        for browser in [home.browser(), home.signed_in(ANN).await] {
            let place = shop.request("openid", &[("claims", &wish)]);
            if is_met {
                assert!(!browser.authorize_as(ANN, &place).await.code().is_empty(), "{wish}");
            } else {
                let refused = Callback::of(browser.get(&place).await.location());
                let got = (refused.get("error"), refused.get("state"), refused.get("iss"), refused.get("code"));
                assert_eq!(got, ("unmet_authentication_requirements", "st&ate=1", &*home.origin, ""), "{wish}");
            }
        }
    }
}

#[tokio::test]
async fn login_hint_fills_the_form() {
    let home = Home::new().await;
    let page = home.browser().visit(&home.app("shop").request("openid", &[("login_hint", BOB)])).await;
    assert!(page.text.contains(&format!("value=\"{BOB}\"")), "{}", page.text);
}

#[tokio::test]
async fn t09_a_challenge_must_be_s256_and_public_or_strict_clients_need_one() {
    let home = Home::new().await;
    let browser = home.signed_in(ANN).await;
    let good = challenge();
    for (client, extra, fine) in [
        ("spa", [("code_challenge", ""), ("code_challenge_method", "")], false),
        ("phone", [("code_challenge", ""), ("code_challenge_method", "")], false),
        ("strict", [("code_challenge", ""), ("code_challenge_method", "")], false),
        ("shop", [("code_challenge", ""), ("code_challenge_method", "")], true),
        ("shop", [("code_challenge", &*good), ("code_challenge_method", "plain")], false),
        ("shop", [("code_challenge", &*good), ("code_challenge_method", "")], false),
        ("shop", [("code_challenge", ""), ("code_challenge_method", "S256")], false),
        ("shop", [("code_challenge", "short"), ("code_challenge_method", "S256")], false),
        ("shop", [("code_challenge", &*good), ("code_challenge_method", "S256")], true),
        ("spa", [("code_challenge", &*good), ("code_challenge_method", "S256")], true),
    ] {
        let app = home.app(client);
        let answer = browser.get(&app.request("openid", &extra)).await;
        let callback = Callback::of(answer.location());
        let wanted = if fine { "" } else { "invalid_request" };
        assert_eq!(callback.get("error"), wanted, "{client} {extra:?}");
    }
}
