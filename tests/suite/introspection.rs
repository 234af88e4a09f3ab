//! To whom introspection tells what a token is: its own client, its audience, and those who hold the right (RFC 7662
//! §2.1, §4).

use reqwest::Method;
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::harness::{ADMIN, ANN, App, Home, Tokens};

const SCOPE: &str = "openid email offline_access";

async fn administer(home: &Home, method: Method, path: &str, body: Value) -> Value {
    let admin = Program::of(home, ADMIN).await;
    let answer = admin.send(method, &format!("/api/admin/{path}"), body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    serde_json::from_str(&answer.text).unwrap_or_default()
}

async fn give(home: &Home, client: &str, relation: &str, to: &str) -> Value {
    let tuple = json!({"entity_type": "oauth_client", "entity_id": client, "relation": relation,
        "subject_type": "client", "subject_id": to});
    administer(home, Method::POST, "tuples", tuple).await
}

async fn is_told(app: &App<'_>, token: &str) -> bool {
    let answer = app.introspect(token).await;
    if answer["active"] == true {
        return true;
    }
    assert_eq!(answer, json!({ "active": false }), "nothing else is told");
    false
}

#[tokio::test]
async fn a_token_is_shown_to_its_client_and_to_no_other() {
    let home = Home::new().await;
    let (shop, robot) = (home.app("shop"), home.app("robot"));
    let tokens = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let machine = Tokens::of(&robot.token(&[("grant_type", "client_credentials")]).await).access;
    let bound = administer(&home, Method::POST, "api-keys", json!({"name": "ci", "client": "shop"})).await;
    let bound = text(&exchange(&home, text(&bound, "key")).await.json(), "token").to_owned();
    let free = administer(&home, Method::POST, "api-keys", json!({"name": "ci"})).await;
    let free = text(&exchange(&home, text(&free, "key")).await.json(), "token").to_owned();
    for (token, owner) in
        [(&tokens.access, "shop"), (&tokens.refresh, "shop"), (&machine, "robot"), (&bound, "shop"), (&free, "")]
    {
        for id in ["shop", "robot", "wiki", "strict", "signer"] {
            assert_eq!(is_told(&home.app(id), token).await, id == owner, "{id} about a token of {owner}");
        }
    }
    let refused = home.told("token.introspect").await;
    assert!(refused.iter().any(|row| row.actor.as_deref() == Some("wiki") && row.target.as_deref() == Some("shop")));
    // A key without an app concerns those who may see all.
    give(&home, "*", "introspect", "wiki").await;
    assert!(is_told(&home.app("wiki"), &free).await && is_told(&home.app("wiki"), &machine).await);
}

#[tokio::test]
async fn the_right_is_the_relation_of_a_client_to_the_client_whose_tokens_it_sees() {
    let home = Home::new().await;
    let (shop, wiki) = (home.app("shop"), home.app("wiki"));
    let token = shop.tokens(&home.browser(), ANN, SCOPE).await.access;
    for (client, relation, sees) in [
        ("shop", "introspect", true),
        ("shop", "admin", true),
        ("shop", "owner", true),
        ("*", "introspect", true),
        ("shop", "use", false),
        ("shop", "full_access", false),
        ("strict", "introspect", false),
    ] {
        let tuple = give(&home, client, relation, "wiki").await;
        assert_eq!(is_told(&wiki, &token).await, sees, "{relation} of {client}");
        administer(&home, Method::DELETE, &format!("tuples/{}", text(&tuple, "id")), json!({})).await;
        assert!(!is_told(&wiki, &token).await, "{relation} of {client} was taken away");
    }
}

#[tokio::test]
async fn the_audience_by_its_id_is_told_and_so_is_who_may_see_its_tokens() {
    let home = Home::new().await;
    let (shop, wiki, strict) = (home.app("shop"), home.app("wiki"), home.app("strict"));
    administer(&home, Method::PATCH, "clients/shop", json!({"audiences": ["https://api.example.com", "wiki"]})).await;
    let tokens = shop.tokens(&home.browser(), ANN, SCOPE).await;
    assert!(is_told(&wiki, &tokens.access).await);
    assert!(!is_told(&wiki, &tokens.refresh).await, "a refresh token has no audience but us");
    assert!(!is_told(&strict, &tokens.access).await);
    give(&home, "wiki", "introspect", "strict").await;
    assert!(is_told(&strict, &tokens.access).await);
    // The same words as an audience of its own make nobody the audience.
    let audiences = json!({"audiences": ["https://api.example.com"]});
    administer(&home, Method::PATCH, "clients/signer", audiences).await;
    assert!(!is_told(&home.app("signer"), &tokens.access).await);
}
