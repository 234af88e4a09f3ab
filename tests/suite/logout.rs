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

#[tokio::test]
async fn an_apps_server_ends_the_session_that_its_id_token_names_and_no_other() {
    let home = Home::new().await;
    let (browser, other, shop) = (home.browser(), home.browser(), home.app("shop"));
    let tokens = shop.tokens(&browser, ANN, "openid offline_access").await;
    let others = shop.tokens(&other, ANN, "openid").await;
    let is_live = async |browser: &crate::harness::Browser| browser.get("/api/auth/get-session").await.text != "null";
    // What proves nothing ends nothing.
    let key = auther::crypto::jose::SigningKey::generate(auther::crypto::jose::Algorithm::RS256, "own").unwrap();
    let forged = key.sign("JWT", &crate::harness::payload(&tokens.id)).unwrap();
    for pairs in [
        &[("id_token_hint", tokens.access.as_str())][..],
        &[("id_token_hint", &forged)],
        &[("id_token_hint", &tokens.id), ("client_id", "wiki")],
        &[("client_id", "shop")],
        &[("hinted", "e30.x")],
    ] {
        let answer = home.browser().get(&end(pairs)).await;
        assert!(is_live(&browser).await, "{pairs:?}");
        assert!(!answer.text.contains("still signed in"), "nobody is signed in there: {}", answer.text);
    }
    // The app's server has no cookie. It asks by a query or by a form.
    let answer = home.browser().get(&end(&[("id_token_hint", &tokens.id)])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!is_live(&browser).await && is_live(&other).await);
    assert_eq!(shop.userinfo(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
    let rows = home.told("session.end").await;
    assert_eq!((rows.len(), rows[0].actor.as_deref()), (1, Some("shop")));
    let server = home.browser();
    let fields = [("id_token_hint", others.id.as_str()), ("post_logout_redirect_uri", BYE)];
    let answer = server.follow(server.post("/api/auth/oauth2/end-session", &fields).await).await;
    assert_eq!(answer.location(), BYE);
    assert!(!is_live(&other).await);
    // One that has ended is no error.
    assert_eq!(home.browser().get(&end(&[("id_token_hint", &tokens.id)])).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn every_refused_logout_says_what_is_true_and_offers_to_sign_out() {
    let home = Home::new().await;
    let (browser, shop) = (home.browser(), home.app("shop"));
    let tokens = shop.tokens(&browser, ANN, "openid").await;
    let admin = crate::api_keys::Program::of(&home, crate::harness::ADMIN).await;
    let evil = ("post_logout_redirect_uri", "https://evil.example/");
    for (pairs, disabled, words) in [
        (vec![("client_id", "shop"), evil], false, "not registered for it"),
        (vec![("client_id", "nobody"), evil], false, "an app that is not registered here"),
        (vec![evil], false, "does not say which app"),
        (vec![("id_token_hint", "x.y.z")], false, "not an id token of this server"),
        (vec![("id_token_hint", &*tokens.id), ("client_id", "wiki")], false, "name different apps"),
        (vec![("state", "1"), ("state", "2")], false, "more than once"),
        (vec![("client_id", "shop"), ("post_logout_redirect_uri", BYE)], true, "switched off"),
        (vec![("id_token_hint", &*tokens.id), ("post_logout_redirect_uri", BYE)], true, "switched off"),
    ] {
        let state = if disabled { "disable" } else { "enable" };
        admin.send(reqwest::Method::POST, &format!("/api/admin/clients/shop/{state}"), json!({})).await;
        for browser in [&browser, &home.browser()] {
            let page = browser.get(&end(&pairs)).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{pairs:?}");
            assert!(page.text.contains(words), "{pairs:?}: {}", page.text);
            assert!(page.text.contains("href=\"/logout\""), "{pairs:?}: {}", page.text);
            let is_in = browser.get("/api/auth/get-session").await.text != "null";
            assert!(is_in || !page.text.contains("still signed in"), "{pairs:?}");
        }
    }
    // A page of a disabled app that asks for nothing more still signs out.
    let page = browser.get(&end(&[("client_id", "shop")])).await;
    assert!(page.has("logout-confirm"), "{}", page.text);
}
