//! A code becomes tokens: once, for whom it was made.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANN, Home, Response, Tokens, VERIFIER, challenge, payload};

fn error(answer: &Response) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn invalid_grant() -> (u16, String) {
    (400, String::from("invalid_grant"))
}

#[tokio::test]
async fn t09_the_verifier_must_fit_the_challenge_and_only_come_with_one() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let challenge = challenge();
    let with = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let longer = "x".repeat(129);
    for (extra, verifier, fine) in [
        (&with[..], VERIFIER, true),
        (&with, "", false),
        (&with, challenge.as_str(), false),
        (&with, "a-verifier-that-is-long-enough-for-rfc-7636.~_012345678X", false),
        (&with, "short", false),
        (&with, longer.as_str(), false),
        (&[], VERIFIER, false),
        (&[], "", true),
    ] {
        let callback = browser.authorize_as(ANN, &shop.request("openid", extra)).await;
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", callback.code()),
            ("redirect_uri", &*shop.redirect_uri),
        ];
        pairs.extend((!verifier.is_empty()).then_some(("code_verifier", verifier)));
        let answer = shop.token(&pairs).await;
        let wanted = if fine { (200, String::new()) } else { invalid_grant() };
        assert_eq!(error(&answer), wanted, "{extra:?} {verifier}");
    }
}

#[tokio::test]
async fn t10_of_64_redemptions_at_once_one_wins_and_the_replay_ends_what_it_won() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let code = shop.code(&browser, ANN, "openid offline_access").await;
    let attempts = (0..64).map(|_| shop.redeem(&code));
    let answers = futures_util::future::join_all(attempts).await;
    let (won, lost): (Vec<&Response>, Vec<&Response>) =
        answers.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| error(answer) == invalid_grant()));
    let tokens = Tokens::of(won[0]);
    assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED, "a replay ends the family");
    assert_eq!(error(&shop.refresh(&tokens.refresh).await), invalid_grant());
    assert_eq!(shop.introspect(&tokens.access).await, json!({ "active": false }));
}

#[tokio::test]
async fn t10_a_replay_much_later_still_ends_the_family() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let code = shop.code(&browser, ANN, "openid offline_access").await;
    let first = Tokens::of(&shop.redeem(&code).await);
    home.advance(Duration::from_secs(30 * 60)).await;
    let second = Tokens::of(&shop.refresh(&first.refresh).await);
    assert_eq!(shop.userinfo(&second.access).await.status, StatusCode::OK);
    assert_eq!(error(&shop.redeem(&code).await), invalid_grant());
    assert_eq!(shop.userinfo(&second.access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(error(&shop.refresh(&second.refresh).await), invalid_grant());
}

#[tokio::test]
async fn t11_a_code_is_for_its_client_and_its_redirect_uri_and_used_up_by_the_first_try() {
    let home = Home::new().await;
    let (browser, shop, wiki) = (home.signed_in(ANN).await, home.app("shop"), home.app("wiki"));
    let other = "https://shop.example.com/cb";
    for (app, uri) in [(&wiki, &*shop.redirect_uri), (&shop, other), (&shop, "")] {
        let code = shop.code(&browser, ANN, "openid").await;
        let mut pairs = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        pairs.extend((!uri.is_empty()).then_some(("redirect_uri", uri)));
        assert_eq!(error(&app.token(&pairs).await).0, 400, "{} {uri}", app.id);
        assert_eq!(error(&shop.redeem(&code).await), invalid_grant(), "used up by {} {uri}", app.id);
    }
    let wasted = home.told("token.code_wasted").await;
    assert_eq!(wasted.len(), 3);
}

#[tokio::test]
async fn who_does_not_have_the_code_cannot_use_it_up() {
    let home = Home::new().await;
    let (browser, shop, wiki) = (home.signed_in(ANN).await, home.app("shop"), home.app("wiki"));
    let code = shop.code(&browser, ANN, "openid offline_access").await;
    let (id, secret) = code.split_once('.').unwrap();
    let first = if secret.starts_with('A') { "B" } else { "A" };
    let guessed = format!("{id}.{first}{}", &secret[1..]);
    for app in [&wiki, &shop] {
        let pairs = [("grant_type", "authorization_code"), ("code", &*guessed), ("redirect_uri", &*shop.redirect_uri)];
        assert_eq!(error(&app.token(&pairs).await), invalid_grant());
    }
    let tokens = Tokens::of(&shop.redeem(&code).await);
    // Another client that shows the used code gets nothing, and ends nothing that is not its own.
    let pairs = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", &*shop.redirect_uri)];
    assert_eq!(error(&wiki.token(&pairs).await), invalid_grant());
    assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn t11_an_approval_cannot_be_moved_to_another_browser() {
    let home = Home::new().await;
    let (ann, root, wiki) = (home.signed_in(ANN).await, home.signed_in(ADMIN).await, home.app("wiki"));
    let page = ann.visit(&wiki.request("openid email", &[])).await;
    assert!(page.has("consent-allow"));
    let own = root.get("/").await;
    let moved = [("csrf_token", own.field("csrf_token")), ("continue", page.field("continue"))];
    let moved: Vec<(&str, &str)> = moved.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = root.post("/consent", &[moved.as_slice(), &[("action", "allow")]].concat()).await;
    // What Ann was asked begins anew for the other person, who is asked by themselves.
    let asked = root.follow(answer).await;
    assert!(asked.has("consent-allow") && asked.text.contains(ADMIN), "{} {}", asked.status, asked.location());
    assert!(home.told("consent.allow").await.is_empty() && home.told("authorize.grant").await.is_empty());
}

#[tokio::test]
async fn a_code_ends_after_a_minute() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let code = shop.code(&browser, ANN, "openid").await;
    home.clock.advance(Duration::from_secs(60));
    assert_eq!(error(&shop.redeem(&code).await), invalid_grant());
}

#[tokio::test]
async fn t20_what_was_switched_off_after_the_code_was_made_is_off_at_redemption() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let admin = home.signed_in(ADMIN).await.session_token();
    let code = shop.code(&browser, ANN, "openid").await;
    let change = json!({"grant_types": ["client_credentials"], "redirect_uris": []});
    let patch = shop.http().patch(home.url("/api/admin/clients/shop")).bearer_auth(&admin).json(&change);
    let changed = Response::of(patch).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(error(&shop.redeem(&code).await), (400, String::from("unauthorized_client")));
    let asked = browser.get(&shop.request("openid", &[])).await;
    assert_eq!(asked.status, StatusCode::BAD_REQUEST, "{}", asked.location());
}

#[tokio::test]
async fn t17_tokens_count_in_seconds_and_carry_what_they_must() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let tokens = shop.tokens(&browser, ANN, "openid email profile offline_access").await;
    let (access, id, now) = (payload(&tokens.access), payload(&tokens.id), home.now().seconds());
    for claims in [&access, &id] {
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 3600)));
        assert_eq!((&claims["auth_time"], &claims["iss"]), (&json!(now), &json!(home.origin)));
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pwd"]), &json!("pwd")));
        assert!(claims["jti"].is_string() && claims["sid"].is_string());
        assert_eq!((&claims["permissions"], &claims["abac_required"]), (&json!({}), &json!({})));
    }
    assert_eq!((&access["sub"], &access["client_id"]), (&id["sub"], &json!("shop")));
    assert_eq!(access["aud"], json!(["https://api.example.com", "https://stock.example.com"]));
    assert_eq!((&id["aud"], &id["nonce"], &id["email"]), (&json!("shop"), &json!("n-1"), &json!(ANN)));
    assert!(id["at_hash"].is_string());
    assert_ne!(access["jti"], id["jti"]);
    assert_eq!((&tokens.body["token_type"], &tokens.body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(header(&tokens.access)["typ"], "JWT");
    assert_eq!(header(&tokens.id)["alg"], "ES256");
}

fn header(token: &str) -> Value {
    let part = token.split('.').next().unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn each_client_signs_with_its_algorithm_and_the_key_is_published() {
    let home = Home::new().await;
    let browser = home.signed_in(ANN).await;
    for (client, algorithm) in [("wiki", "RS256"), ("shop", "ES256"), ("spa", "EdDSA")] {
        let app = home.app(client);
        let tokens = app.tokens(&browser, ANN, "openid").await;
        let keys = browser.get("/api/auth/jwks").await.json();
        for token in [&tokens.id, &tokens.access] {
            let header = header(token);
            assert_eq!(header["alg"], algorithm);
            assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]), "{client}");
        }
        let answer = Response::of(app.http().get(home.url("/api/auth/jwks"))).await;
        assert!(!answer.text.contains("\"d\""), "nothing private is published");
    }
}

#[tokio::test]
async fn an_access_token_names_the_issuer_when_no_audience_is_set() {
    let home = Home::new().await;
    let wiki = home.app("wiki");
    let tokens = wiki.tokens(&home.browser(), ANN, "openid").await;
    assert_eq!(payload(&tokens.access)["aud"], json!(home.origin));
    let home = Home::with(|settings| settings.audiences = vec![String::from("https://api.example.com")]).await;
    let wiki = home.app("wiki");
    let tokens = wiki.tokens(&home.browser(), ANN, "openid").await;
    assert_eq!(payload(&tokens.access)["aud"], json!("https://api.example.com"));
}
