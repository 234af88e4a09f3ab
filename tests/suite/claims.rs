//! What an app learns about a person: by scope and by the `claims` parameter.

use auther::oauth::clients::{self, NewClient};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ANN, App, BOB, Home, Proof, Response, form, payload};

async fn told(home: &Home, scope: &str) -> Value {
    let shop = home.app("shop");
    let tokens = shop.tokens(&home.browser(), ANN, scope).await;
    let answer = shop.userinfo(&tokens.access).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn each_scope_gives_its_claims_and_no_others() {
    let home = Home::new().await;
    let of = |claims: &Value| {
        let own = ["sub", "permissions", "abac_required", "permissions_rev"];
        let names = claims.as_object().unwrap().keys().filter(|name| !own.contains(&name.as_str()));
        names.cloned().collect::<Vec<String>>()
    };
    let only = told(&home, "openid").await;
    assert!(only["sub"].as_str().unwrap().starts_with("usr_"));
    assert_eq!(of(&only), Vec::<String>::new());
    let email = told(&home, "openid email").await;
    assert_eq!(
        (of(&email), &email["email_verified"]),
        (vec![String::from("email"), String::from("email_verified")], &json!(true))
    );
    assert_eq!(of(&told(&home, "openid phone").await), ["phone_number", "phone_number_verified"]);
    assert_eq!(told(&home, "openid address").await["address"]["formatted"], "Street 1, Town");
    let profile = told(&home, "openid profile").await;
    assert_eq!(of(&profile).len(), 14, "every claim of OIDC Core 5.4: {profile}");
    assert!(profile["updated_at"].is_i64());
    assert_eq!(profile["preferred_username"], "ann");
}

#[tokio::test]
async fn the_claims_parameter_asks_for_single_claims() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let claims =
        json!({"userinfo": {"name": {"essential": true}}, "id_token": {"email": null, "unheard_of": null}}).to_string();
    let callback = browser.authorize_as(ANN, &shop.request("openid", &[("claims", &claims)])).await;
    let tokens = crate::harness::Tokens::of(&shop.redeem(callback.code()).await);
    let (id, info) = (payload(&tokens.id), shop.userinfo(&tokens.access).await.json());
    assert_eq!((&id["email"], &id["name"]), (&json!(ANN), &Value::Null));
    assert_eq!((&info["name"], &info["email"]), (&json!("Ann Archer"), &Value::Null));
}

#[tokio::test]
async fn the_claims_parameter_is_no_way_around_the_scopes_of_a_client() {
    let home = Home::new().await;
    let mut document = json!({"client_id": "narrow", "name": "Narrow", "type": "web", "scopes": ["openid", "email"]});
    document["redirect_uris"] = json!(["https://narrow.example.com/cb"]);
    let input: NewClient = serde_json::from_value(document).unwrap();
    let secret = clients::register(&home.cx(), &input).await.unwrap().secret.unwrap().expose().clone();
    let narrow = App::new(&home, "narrow", "https://narrow.example.com/cb", Proof::Basic(secret));
    let claims = json!({
        "userinfo": {"phone_number": null, "email": null, "name": {"essential": true}, "address": null},
        "id_token": {"birthdate": null, "email": null, "phone_number": {"essential": true}},
    });
    let browser = home.signed_in(ANN).await;
    let request = narrow.request("openid", &[("claims", &claims.to_string())]);
    let page = browser.visit(&request).await;
    assert!(page.has("consent-allow") && !page.text.contains("phone"), "{}", page.text);
    let callback = browser.authorize_as(ANN, &request).await;
    let tokens = crate::harness::Tokens::of(&narrow.redeem(callback.code()).await);
    let (id, info) = (payload(&tokens.id), narrow.userinfo(&tokens.access).await.json());
    assert_eq!((&id["email"], &info["email"]), (&json!(ANN), &json!(ANN)), "what its scopes allow");
    for (claims, name) in
        [(&id, "birthdate"), (&id, "phone_number"), (&info, "phone_number"), (&info, "name"), (&info, "address")]
    {
        assert_eq!(claims[name], Value::Null, "{name}");
    }
}

#[tokio::test]
async fn userinfo_answers_in_all_the_ways_of_the_standard_and_refuses_with_a_challenge() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let tokens = shop.tokens(&home.browser(), BOB, "openid email").await;
    for path in ["/api/auth/oauth2/userinfo", "/oauth2/userinfo"] {
        let url = home.url(path);
        let body = form(&[("access_token", &tokens.access)]);
        let post = || shop.http().post(&url).header("content-type", "application/x-www-form-urlencoded");
        for request in [
            shop.http().get(&url).bearer_auth(&tokens.access),
            shop.http().post(&url).bearer_auth(&tokens.access),
            post().body(body.clone()),
        ] {
            let answer = Response::of(request).await;
            assert_eq!((answer.status, &answer.json()["email"]), (StatusCode::OK, &json!(BOB)));
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        let nothing = Response::of(shop.http().get(&url)).await;
        assert_eq!(nothing.status, StatusCode::UNAUTHORIZED);
        assert!(
            nothing.header("www-authenticate").starts_with("Bearer")
                && !nothing.header("www-authenticate").contains("error=")
        );
        let in_query = Response::of(shop.http().get(format!("{url}?{body}"))).await;
        assert_eq!(in_query.status, StatusCode::UNAUTHORIZED, "a token in a query is none");
        let twice = Response::of(post().bearer_auth(&tokens.access).body(body)).await;
        assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    }
    let plain = shop.tokens(&home.browser(), BOB, "email").await;
    assert_eq!(shop.userinfo(&plain.access).await.status, StatusCode::FORBIDDEN, "without openid");
    assert_eq!(plain.id, "");
}
