//! Signed tokens from strangers: everywhere one is taken, a bad one is refused in that place's own words, and never
//! with a 5xx.

use auther::crypto::jose::{Algorithm, SigningKey};
use data_encoding::BASE64URL_NOPAD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ANN, App, Browser, Callback, Home, Response, Tokens, form, payload};

const VECTORS: &str = include_str!("../data/wycheproof/json_web_signature_test.json");

/// Every distinct token of Project Wycheproof's vectors: the invalid ones, with the valid ones, whose keys are not
/// ours.
fn vectors() -> Vec<String> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let groups = file["testGroups"].as_array().unwrap().iter();
    let tests = groups.flat_map(|group| group["tests"].as_array().unwrap());
    let mut tokens: Vec<String> = tests.filter_map(|test| test["jws"].as_str().map(str::to_owned)).collect();
    tokens.sort();
    tokens.dedup();
    tokens
}

/// Shows a token in every place that takes one; each must refuse it.
async fn assert_refused(app: &App<'_>, browser: &Browser, token: &str) {
    let userinfo = app.http().post(app.home.url("/api/auth/oauth2/userinfo"));
    let userinfo = userinfo.header("content-type", "application/x-www-form-urlencoded");
    let answer = Response::of(userinfo.body(form(&[("access_token", token)]))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "userinfo {token}");
    assert!(answer.header("www-authenticate").contains("invalid_token") || token.is_empty(), "{token}");
    assert_eq!(app.introspect(token).await, json!({ "active": false }), "introspect {token}");
    assert_eq!(app.call("/api/auth/oauth2/revoke", &[("token", token)]).await.status, StatusCode::OK, "revoke {token}");
    let hint = browser.get(&app.request("openid", &[("id_token_hint", token)])).await;
    assert_eq!(Callback::of(hint.location()).get("error"), "invalid_request", "hint {token}");
    let logout = browser.get(&format!("/api/auth/oauth2/end-session?{}", form(&[("id_token_hint", token)]))).await;
    assert_eq!(logout.status, StatusCode::BAD_REQUEST, "logout {token}");
    let assertion = form(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", token),
    ]);
    let request = app.http().post(app.home.url("/oauth2/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(assertion);
    let answer = Response::of(request).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].clone()), (401, json!("invalid_client")), "{token}");
}

#[tokio::test]
async fn t18_the_vectors_of_wycheproof_are_refused_everywhere() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let vectors = vectors();
    assert!(vectors.len() > 200, "{}", vectors.len());
    for token in vectors.iter().filter(|token| !token.is_empty()) {
        assert_refused(&shop, &browser, token).await;
    }
}

fn encode(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

#[tokio::test]
async fn t18_forged_variants_of_a_good_token_are_refused() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let stranger = home.browser();
    let good = shop.tokens(&browser, ANN, "openid offline_access").await;
    for token in [&good.access, &good.id] {
        let parts: Vec<&str> = token.split('.').collect();
        let header: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(parts[0].as_bytes()).unwrap()).unwrap();
        let with = |change: Value| {
            let mut header = header.clone();
            change.as_object().unwrap().iter().for_each(|(name, value)| header[name.as_str()] = value.clone());
            encode(&header)
        };
        let mut claims = payload(token);
        claims["sub"] = json!("usr_root");
        let own = SigningKey::generate(Algorithm::ES256, header["kid"].as_str().unwrap()).unwrap();
        for forged in [
            format!("{}.{}.", with(json!({"alg": "none"})), parts[1]),
            format!("{}.{}.{}", with(json!({"alg": "none"})), parts[1], parts[2]),
            format!("{}.{}.{}", with(json!({"alg": "HS256"})), parts[1], parts[2]),
            format!("{}.{}.{}", with(json!({"alg": "RS256"})), parts[1], parts[2]),
            format!("{}.{}.{}", with(json!({"kid": "../../dev/null"})), parts[1], parts[2]),
            format!("{}.{}.{}", with(json!({"kid": ""})), parts[1], parts[2]),
            format!("{}.{}.{}", with(json!({"jku": "https://evil.example/jwks"})), parts[1], parts[2]),
            format!("{}.{}.{}", with(json!({"jwk": own.public_jwk()})), parts[1], parts[2]),
            format!("{}.{}.{}", with(json!({"crit": ["exp"]})), parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], encode(&claims), parts[2]),
            format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{token}.x"),
            own.sign("at+jwt", &claims).unwrap(),
            own.sign("JWT", &claims).unwrap(),
            String::from("a.b.c"),
            String::from("...."),
            "a".repeat(20_000),
            String::from("{}.{}.{}"),
        ] {
            assert_refused(&shop, &stranger, &forged).await;
        }
    }
    assert_eq!(shop.userinfo(&good.access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn t16_t18_a_token_of_one_kind_does_not_pass_for_another() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let good = shop.tokens(&browser, ANN, "openid offline_access").await;
    assert_eq!(shop.userinfo(&good.id).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(shop.introspect(&good.id).await, json!({ "active": false }));
    assert_eq!(shop.userinfo(&good.refresh).await.status, StatusCode::UNAUTHORIZED);
    let hint = browser.get(&shop.request("openid", &[("id_token_hint", &good.access)])).await;
    assert_eq!(Callback::of(hint.location()).get("error"), "invalid_request");
    for path in ["/api/auth/list-sessions", "/api/admin/users"] {
        for token in [&good.access, &good.id, &good.refresh] {
            let answer = Response::of(shop.http().get(home.url(path)).bearer_auth(token)).await;
            // A token of an app is known, and does not administer in its user's name.
            let is_of_an_app = path.starts_with("/api/admin") && token != &good.refresh;
            let wanted = if is_of_an_app { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status, wanted, "{path}");
        }
    }
}

#[tokio::test]
async fn t16_a_token_of_another_installation_is_foreign() {
    let (home, other) = (Home::new().await, Home::new().await);
    let tokens = other.app("shop").tokens(&other.browser(), ANN, "openid").await;
    // Both began with the same data file, so the signature is good; the issuer is not.
    let shop = home.app("shop");
    assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(shop.introspect(&tokens.access).await, json!({ "active": false }));
}

#[tokio::test]
async fn t17_a_token_ends_on_the_second() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let tokens = shop.tokens(&home.browser(), ANN, "openid").await;
    home.clock.advance(std::time::Duration::from_secs(3599));
    assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::OK);
    home.clock.advance(std::time::Duration::from_secs(1));
    let ended = shop.userinfo(&tokens.access).await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    assert!(ended.header("www-authenticate").contains("error=\"invalid_token\""));
}

#[tokio::test]
async fn t19_the_next_key_is_published_ahead_and_the_old_one_kept_for_sixty_days() {
    const DAY: u64 = 86_400;
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let day = |days| home.advance(std::time::Duration::from_secs(days * DAY));
    let kid = |token: &str| {
        let part = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
        serde_json::from_slice::<Value>(&part).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    let first = shop.tokens(&browser, ANN, "openid").await;
    let before = published(&home).await;
    assert!(before.contains(&kid(&first.id)));
    day(29).await;
    let ahead = published(&home).await;
    assert_eq!(kid(&shop.tokens(&browser, ANN, "openid").await.id), kid(&first.id), "the next one does not sign yet");
    day(1).await;
    let second = shop.tokens(&browser, ANN, "openid").await;
    assert_ne!(kid(&second.id), kid(&first.id));
    assert!(ahead.contains(&kid(&second.id)), "the new key was published a day before it signed");
    day(59).await;
    assert!(published(&home).await.contains(&kid(&first.id)));
    let hint = home.browser().get(&shop.request("openid", &[("prompt", "none"), ("id_token_hint", &first.id)])).await;
    assert_eq!(Callback::of(hint.location()).get("error"), "login_required", "its tokens are still known as ours");
    day(2).await;
    assert!(!published(&home).await.contains(&kid(&first.id)));
}

async fn published(home: &Home) -> Vec<String> {
    let keys = home.browser().get("/.well-known/jwks.json").await.json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn t19_a_retired_key_verifies_nothing_from_that_moment() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let tokens: Tokens = shop.tokens(&home.browser(), ANN, "openid").await;
    let header = BASE64URL_NOPAD.decode(tokens.access.split('.').next().unwrap().as_bytes()).unwrap();
    let kid = serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned();
    let admin = home.signed_in(crate::harness::ADMIN).await.session_token();
    let retire = shop.http().post(home.url(&format!("/api/admin/keys/{kid}/retire"))).bearer_auth(&admin);
    let answer = Response::of(retire.json(&json!({}))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
    let again = shop.tokens(&home.browser(), ANN, "openid").await;
    assert_eq!(shop.userinfo(&again.access).await.status, StatusCode::OK, "another key signs");
}
