//! Leaving: RP-initiated logout, revocation, and what introspection says.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ANN, BOB, Home, form};

const BYE: &str = "https://shop.example.com/bye";

fn end(pairs: &[(&str, &str)]) -> String {
    format!("/api/auth/oauth2/end-session?{}", form(pairs))
}

#[tokio::test]
async fn an_app_signs_its_person_out_with_its_id_token() {
    let home = Home::new().await;
    for path in [
        "/api/auth/oauth2/end-session",
        "/api/auth/oauth2/endsession",
        "/api/auth/oauth2/end_session",
        "/oauth2/end-session",
        "/oauth2/endsession",
        "/oauth2/end_session",
    ] {
        let (browser, shop) = (home.browser(), home.app("shop"));
        let tokens = shop.tokens(&browser, ANN, "openid offline_access").await;
        let query = form(&[("id_token_hint", &tokens.id), ("post_logout_redirect_uri", BYE), ("state", "a b")]);
        let answer = browser.get(&format!("{path}?{query}")).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "https://shop.example.com/bye?state=a+b")
        );
        assert_eq!(browser.get("/api/auth/get-session").await.text, "null");
        assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn t04_a_logout_leads_to_registered_addresses_only() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let tokens = shop.tokens(&browser, ANN, "openid").await;
    for pairs in [
        &[("id_token_hint", tokens.id.as_str()), ("post_logout_redirect_uri", "https://evil.example/")][..],
        &[("id_token_hint", &tokens.id), ("post_logout_redirect_uri", "https://shop.example.com/bye/")],
        &[("id_token_hint", &tokens.id), ("post_logout_redirect_uri", "https://wiki.example.com/bye")],
        &[("id_token_hint", &tokens.id), ("client_id", "wiki"), ("post_logout_redirect_uri", BYE)],
        &[("post_logout_redirect_uri", BYE)],
        &[("client_id", "nobody"), ("post_logout_redirect_uri", BYE)],
        &[("id_token_hint", &tokens.id), ("post_logout_redirect_uri", BYE), ("state", "1"), ("state", "2")],
    ] {
        let answer = browser.get(&end(pairs)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, ""), "{pairs:?}");
        assert_eq!(browser.get("/api/auth/get-session").await.json()["user"]["email"], ANN, "{pairs:?}");
    }
}

#[tokio::test]
async fn without_a_proof_the_person_is_asked() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(BOB).await, home.app("shop"));
    let anns = shop.tokens(&home.browser(), ANN, "openid").await;
    for pairs in [
        &[][..],
        &[("client_id", "shop"), ("post_logout_redirect_uri", BYE)],
        &[("id_token_hint", anns.id.as_str()), ("post_logout_redirect_uri", BYE)],
    ] {
        let page = browser.get(&end(pairs)).await;
        assert!(page.has("logout-confirm"), "{pairs:?} {}", page.text);
        assert_eq!(browser.get("/api/auth/get-session").await.json()["user"]["email"], BOB);
    }
    let page = browser.get(&end(&[("client_id", "shop"), ("post_logout_redirect_uri", BYE), ("state", "s")])).await;
    let answer = browser.submit(&page, &[]).await;
    assert_eq!(answer.location(), "https://shop.example.com/bye?state=s");
    assert_eq!(browser.get("/api/auth/get-session").await.text, "null");
}

#[tokio::test]
async fn t04_the_waiting_destination_of_a_logout_cannot_be_forged() {
    let home = Home::new().await;
    let browser = home.signed_in(BOB).await;
    let page = browser.get(&end(&[])).await;
    let evil = data_encoding::BASE64URL_NOPAD.encode(b"https://evil.example/");
    let csrf = page.field("csrf_token");
    for token in ["https://evil.example/".to_owned(), evil.clone(), format!("{evil}.AAAA"), format!("{evil}.")] {
        browser.sign_in(BOB).await;
        let csrf = if browser.get("/").await.field("csrf_token").is_empty() {
            csrf.clone()
        } else {
            browser.get("/").await.field("csrf_token")
        };
        let answer = browser.post("/logout", &[("csrf_token", &csrf), ("continue", &token)]).await;
        assert!(!answer.location().contains("evil"), "{token} {}", answer.location());
    }
}

#[tokio::test]
async fn a_client_revokes_its_own_tokens_and_no_others() {
    let home = Home::new().await;
    let (shop, wiki) = (home.app("shop"), home.app("wiki"));
    for path in ["/api/auth/oauth2/revoke", "/oauth2/revoke"] {
        let tokens = shop.tokens(&home.browser(), ANN, "openid offline_access").await;
        for token in [&tokens.access, &tokens.refresh] {
            assert_eq!(wiki.call(path, &[("token", token)]).await.status, StatusCode::OK);
        }
        assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::OK, "another client's call did nothing");
        let hint = [("token", tokens.access.as_str()), ("token_type_hint", "refresh_token")];
        assert_eq!(shop.call(path, &hint).await.status, StatusCode::OK);
        assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
        let next = crate::harness::Tokens::of(&shop.refresh(&tokens.refresh).await);
        assert_eq!(shop.call(path, &[("token", &next.refresh)]).await.status, StatusCode::OK);
        assert_eq!(shop.userinfo(&next.access).await.status, StatusCode::UNAUTHORIZED, "the family goes with it");
        assert_eq!(shop.refresh(&next.refresh).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(shop.call(path, &[("token", "nonsense")]).await.status, StatusCode::OK);
        assert_eq!(shop.call(path, &[]).await.json()["error"], "invalid_request");
    }
}

#[tokio::test]
async fn introspection_tells_confidential_clients_what_a_token_is() {
    let home = Home::new().await;
    let (shop, spa) = (home.app("shop"), home.app("spa"));
    let tokens = shop.tokens(&home.browser(), ANN, "openid email offline_access").await;
    let told = shop.introspect(&tokens.access).await;
    assert_eq!((&told["active"], &told["client_id"], &told["username"]), (&json!(true), &json!("shop"), &json!("ann")));
    assert_eq!((&told["iss"], &told["grant"]), (&json!(home.origin), &Value::Null));
    let told = shop.introspect(&tokens.refresh).await;
    assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("refresh_token")));
    let public = spa.call("/oauth2/introspect", &[("token", &tokens.access)]).await;
    assert!(public.status.is_client_error() && public.json()["error"].is_string(), "{}", public.text);
}
