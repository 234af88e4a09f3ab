//! Who may sign in to an app, and which permissions stand in its tokens.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::harness::{ADMIN, ANN, App, BOB, Browser, Callback, Home, PASSWORD, Response, Tokens, payload};

const SCOPE: &str = "openid offline_access";

async fn administer(home: &Home, method: Method, path: &str, body: Value) -> Value {
    let admin = Program::of(home, ADMIN).await;
    let answer = admin.send(method, &format!("/api/admin/{path}"), body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    answer.json()
}

async fn change(home: &Home, client: &str, body: Value) -> Value {
    administer(home, Method::PATCH, &format!("clients/{client}"), body).await
}

async fn restrict(home: &Home, client: &str) {
    let shown = change(home, client, json!({"access_policy": "restricted"})).await;
    assert_eq!(shown["access_policy"], "restricted");
}

async fn give(home: &Home, parts: [&str; 5]) -> Value {
    let [entity_type, entity_id, relation, subject_type, subject_id] = parts;
    let tuple = json!({"entity_type": entity_type, "entity_id": entity_id, "relation": relation,
        "subject_type": subject_type, "subject_id": subject_id});
    administer(home, Method::POST, "tuples", tuple).await
}

async fn take(home: &Home, tuple: &Value) {
    administer(home, Method::DELETE, &format!("tuples/{}", text(tuple, "id")), json!({})).await;
}

/// A group whose members may use the app; Ann is one. Answers the tuple of her membership.
async fn staff_of(home: &Home, client: &str) -> Value {
    administer(home, Method::POST, "groups", json!({"name": "Staff"})).await;
    give(home, ["oauth_client", client, "use", "group", "Staff"]).await;
    administer(home, Method::POST, "groups/Staff/members", json!({"subject_id": ANN})).await
}

async fn refusals(home: &Home) -> Vec<Value> {
    let page = administer(home, Method::GET, "audit?action=app.refused", json!({})).await;
    page["items"].as_array().unwrap().clone()
}

/// The page that says no, with its reference.
fn reference(answer: &Response) -> String {
    assert_eq!((answer.status, answer.location()), (StatusCode::FORBIDDEN, ""), "{}", answer.text);
    assert!(
        answer.has("other-account") && answer.has("back-to-app") && !answer.has("consent-allow"),
        "{}",
        answer.text
    );
    let rest = answer.text.split("Reference ").nth(1).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

/// Where the link of this id leads.
fn link(answer: &Response, id: &str) -> String {
    let rest = answer.text.split(&format!("id=\"{id}\" href=\"")).nth(1).unwrap();
    rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
}

fn is_denied(callback: &Callback, home: &Home) {
    let got = (callback.get("error"), callback.get("state"), callback.get("iss"), callback.get("code"));
    assert_eq!(got, ("access_denied", "st&ate=1", &*home.origin, ""));
}

async fn asked(browser: &Browser, app: &App<'_>, extra: &[(&str, &str)]) -> Response {
    browser.visit(&app.request(SCOPE, extra)).await
}

fn is_invalid_grant(answer: &Response) {
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
}

#[tokio::test]
async fn a_stranger_is_refused_on_a_page_whose_reference_is_in_the_audit_log() {
    let home = Home::new().await;
    restrict(&home, "wiki").await;
    let (browser, wiki) = (home.signed_in(BOB).await, home.app("wiki"));
    let page = asked(&browser, &wiki, &[]).await;
    let reference = reference(&page);
    assert!(page.text.contains("access to Wiki") && page.text.contains(BOB), "{}", page.text);
    assert_eq!(page.header("x-request-id"), reference);
    assert!(!page.header("content-security-policy").contains("form-action"), "its form leads to the app");
    let rows = refusals(&home).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[0];
    assert_eq!((&row["request"], &row["target"]), (&json!(reference), &json!("wiki")));
    // An administrator who is told the reference finds this and nothing else.
    let found = administer(&home, Method::GET, &format!("audit?request={reference}"), json!({})).await;
    assert_eq!((&found["items"][0]["id"], found["items"].as_array().unwrap().len()), (&row["id"], 1), "{found}");
    assert_eq!((&row["actor_kind"], &row["outcome"]), (&json!("user"), &json!("failure")));
    assert_eq!(row["detail"], json!({"at": "authorize"}));
    let back = link(&page, "back-to-app");
    assert!(back.starts_with("https://wiki.example.com/callback?"), "{back}");
    is_denied(&Callback::of(&back), &home);
}

#[tokio::test]
async fn a_refused_person_may_go_on_with_another_account() {
    let home = Home::new().await;
    restrict(&home, "wiki").await;
    staff_of(&home, "wiki").await;
    let (browser, wiki) = (home.browser(), home.app("wiki"));
    let form = asked(&browser, &wiki, &[]).await;
    let answer = browser.submit(&form, &[("identifier", BOB), ("password", PASSWORD)]).await;
    let page = browser.follow(answer).await;
    reference(&page);
    let form = browser.get(&link(&page, "other-account")).await;
    assert!(form.has("password"), "{}", form.text);
    let answer = browser.submit(&form, &[("identifier", ANN), ("password", PASSWORD)]).await;
    let page = browser.follow(answer).await;
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let callback = Callback::of(browser.follow(answer).await.location());
    let tokens = Tokens::of(&wiki.redeem(callback.code()).await);
    assert_eq!(wiki.userinfo(&tokens.access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_app_that_takes_posts_is_told_so_by_one() {
    let home = Home::new().await;
    restrict(&home, "shop").await;
    let page = asked(&home.signed_in(BOB).await, &home.app("shop"), &[("response_mode", "form_post")]).await;
    reference(&page);
    assert_eq!(page.action(), "https://shop.example.com/cb?a=1");
    let told = (page.field("error"), page.field("state"), page.field("iss"));
    assert_eq!(told, ("access_denied".into(), "st&ate=1".into(), home.origin.clone()));
}

#[tokio::test]
async fn without_pages_the_app_is_told_access_denied() {
    let home = Home::new().await;
    for client in ["wiki", "shop"] {
        restrict(&home, client).await;
        let (browser, app) = (home.signed_in(BOB).await, home.app(client));
        is_denied(&Callback::of(asked(&browser, &app, &[("prompt", "none")]).await.location()), &home);
        let nobody = Callback::of(asked(&home.browser(), &app, &[("prompt", "none")]).await.location());
        assert_eq!(nobody.get("error"), "login_required", "nothing learns of nobody");
    }
}

#[tokio::test]
async fn members_owners_and_administrators_get_in_and_other_apps_are_open() {
    let home = Home::new().await;
    restrict(&home, "shop").await;
    staff_of(&home, "shop").await;
    let shop = home.app("shop");
    for who in [ANN, ADMIN] {
        shop.tokens(&home.browser(), who, SCOPE).await;
    }
    reference(&asked(&home.signed_in(BOB).await, &shop, &[]).await);
    home.app("wiki").tokens(&home.browser(), BOB, SCOPE).await;
    give(&home, ["oauth_client", "shop", "owner", "user", BOB]).await;
    shop.tokens(&home.browser(), BOB, SCOPE).await;
    let open = change(&home, "shop", json!({"access_policy": "all_users"})).await;
    assert_eq!(open["access_policy"], "all_users");
}

#[tokio::test]
async fn bug_12_lost_access_is_felt_on_the_consent_page_and_when_a_code_is_redeemed() {
    let home = Home::new().await;
    restrict(&home, "wiki").await;
    let member = staff_of(&home, "wiki").await;
    let (browser, wiki) = (home.signed_in(ANN).await, home.app("wiki"));
    let consent = asked(&browser, &wiki, &[]).await;
    assert!(consent.has("consent-allow"), "{}", consent.text);
    take(&home, &member).await;
    reference(&browser.submit(&consent, &[("action", "allow")]).await);
    let member = administer(&home, Method::POST, "groups/Staff/members", json!({"subject_id": ANN})).await;
    let code = wiki.code(&browser, ANN, SCOPE).await;
    take(&home, &member).await;
    is_invalid_grant(&wiki.redeem(&code).await);
    administer(&home, Method::POST, "groups/Staff/members", json!({"subject_id": ANN})).await;
    is_invalid_grant(&wiki.redeem(&code).await);
    let gates: BTreeSet<_> = refusals(&home).await.iter().map(|row| text(&row["detail"], "at").to_owned()).collect();
    assert_eq!(gates, BTreeSet::from(["authorize".into(), "code".into()]));
}

#[tokio::test]
async fn bug_12_lost_access_ends_the_family_at_the_next_refresh() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let before = shop.tokens(&home.browser(), BOB, SCOPE).await;
    restrict(&home, "shop").await;
    let member = staff_of(&home, "shop").await;
    is_invalid_grant(&shop.refresh(&before.refresh).await);
    let first = shop.tokens(&home.browser(), ANN, SCOPE).await;
    let second = Tokens::of(&shop.refresh(&first.refresh).await);
    take(&home, &member).await;
    is_invalid_grant(&shop.refresh(&second.refresh).await);
    assert_eq!(shop.userinfo(&second.access).await.status, StatusCode::UNAUTHORIZED);
    administer(&home, Method::POST, "groups/Staff/members", json!({"subject_id": ANN})).await;
    is_invalid_grant(&shop.refresh(&second.refresh).await);
    let rows = refusals(&home).await;
    assert!(rows.iter().all(|row| row["detail"]["at"] == "refresh" && row["actor_kind"] == "user"), "{rows:?}");
    assert_eq!(rows.len(), 2, "a family that has ended is refused for that");
    let sub = payload(&first.access)["sub"].clone();
    assert!(rows.iter().any(|row| row["actor"] == sub), "{rows:?}");
}

#[tokio::test]
async fn a_restricted_machine_acts_for_itself() {
    let home = Home::new().await;
    restrict(&home, "robot").await;
    Tokens::of(&home.app("robot").token(&[("grant_type", "client_credentials")]).await);
}

#[tokio::test]
async fn what_is_no_policy_is_refused_beside_its_field() {
    let home = Home::new().await;
    let admin = Program::of(&home, ADMIN).await;
    let body = json!({"access_policy": "everybody", "permission_claims": "mine"});
    let answer = admin.send(Method::PATCH, "/api/admin/clients/shop", body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert!(answer.text.contains("all_users, restricted") && answer.text.contains("own, all, none"), "{}", answer.text);
    let shown = change(&home, "shop", json!({"permission_claims": "own+platform"})).await;
    assert_eq!((&shown["permission_claims"], &shown["access_policy"]), (&json!("own"), &json!("all_users")));
}

/// The types in the permission maps of a person's tokens and userinfo, which agree.
async fn types_at(home: &Home, app: &App<'_>) -> Vec<String> {
    let tokens = app.tokens(&home.browser(), ANN, "openid").await;
    let permissions = payload(&tokens.access)["permissions"].clone();
    assert_eq!(payload(&tokens.id)["permissions"], permissions);
    assert_eq!(app.userinfo(&tokens.access).await.json()["permissions"], permissions);
    permissions.as_object().map(|maps| maps.keys().cloned().collect()).unwrap_or_default()
}

/// The claims about permissions among these.
fn about_permissions(claims: &Value) -> Vec<&str> {
    let is_one =
        |name: &&str| name.starts_with("permissions") || ["abac_required", "client_full_access"].contains(name);
    claims.as_object().unwrap().keys().map(String::as_str).filter(is_one).collect()
}

#[tokio::test]
async fn the_client_says_which_permissions_stand_in_its_tokens() {
    let home = Home::new().await;
    let model = json!({"definition": {"relations": {"viewer": {}}}});
    for kind in ["client_shop:order", "client_wiki:article", "folder"] {
        administer(&home, Method::PUT, &format!("models/{kind}"), model.clone()).await;
        give(&home, [kind, "*", "viewer", "user", ANN]).await;
    }
    let shop = home.app("shop");
    let all = vec!["client_shop:order", "client_wiki:article", "folder"];
    for (scope, wanted) in [(None, vec![all[0], all[2]]), (Some("all"), all.clone()), (Some("none"), vec![])] {
        if let Some(scope) = scope {
            assert_eq!(change(&home, "shop", json!({"permission_claims": scope})).await["permission_claims"], scope);
        }
        assert_eq!(types_at(&home, &shop).await, wanted, "{scope:?}");
    }
}

#[tokio::test]
async fn tokens_of_a_client_that_wants_no_permissions_say_nothing_of_them() {
    let home = Home::new().await;
    give(&home, ["oauth_client", "shop", "full_access", "user", ANN]).await;
    let shop = home.app("shop");
    // The maps, their revision, and the apps inside which everything is allowed.
    for (scope, count) in [("own", 4), ("none", 0)] {
        change(&home, "shop", json!({"permission_claims": scope})).await;
        let tokens = shop.tokens(&home.browser(), ANN, "openid").await;
        let userinfo = shop.userinfo(&tokens.access).await.json();
        let introspected = shop.introspect(&tokens.access).await;
        for claims in [payload(&tokens.access), payload(&tokens.id), userinfo, introspected] {
            assert_eq!(about_permissions(&claims).len(), count, "{scope}: {claims}");
        }
    }
}

#[tokio::test]
async fn id_tokens_hold_what_is_asked_for_where_the_client_wants_it_so() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let names = ["name", "email", "email_verified"];
    let found = |claims: &Value| names.iter().filter(|name| claims.get(**name).is_some()).count();
    for (setting, by_scope) in [("all", 3), ("requested", 0)] {
        assert_eq!(change(&home, "shop", json!({"id_token_claims": setting})).await["id_token_claims"], setting);
        let tokens = shop.tokens(&home.browser(), ANN, "openid profile email offline_access").await;
        assert_eq!(found(&payload(&tokens.id)), by_scope, "{setting}");
        assert_eq!(found(&shop.userinfo(&tokens.access).await.json()), 3, "{setting}");
        let again = Tokens::of(&shop.refresh(&tokens.refresh).await);
        assert_eq!(found(&payload(&again.id)), by_scope, "{setting}");
        // By name it is told in any case.
        let request = shop.request("openid email", &[("claims", r#"{"id_token":{"email":null}}"#)]);
        let code = home.browser().authorize_as(ANN, &request).await.code().to_owned();
        let named = payload(&Tokens::of(&shop.redeem(&code).await).id);
        let is_verified_told = named.get("email_verified").is_some();
        assert_eq!((named.get("email").is_some(), is_verified_told), (true, setting == "all"), "{setting}");
    }
}

#[tokio::test]
async fn tokens_of_machines_and_keys_follow_the_client_too() {
    let home = Home::new().await;
    let model = json!({"definition": {"relations": {"viewer": {}}}});
    administer(&home, Method::PUT, "models/folder", model).await;
    let key = administer(&home, Method::POST, "api-keys", json!({"name": "ci", "client": "robot"})).await;
    give(&home, ["folder", "*", "viewer", "apikey", text(&key, "id")]).await;
    give(&home, ["folder", "*", "viewer", "client", "robot"]).await;
    for (scope, wanted) in [("own", json!({"folder": ["viewer"]})), ("none", Value::Null)] {
        change(&home, "robot", json!({"permission_claims": scope})).await;
        let machine = Tokens::of(&home.app("robot").token(&[("grant_type", "client_credentials")]).await);
        assert_eq!(payload(&machine.access)["permissions"], wanted, "{scope}");
        let exchanged = exchange(&home, text(&key, "key")).await.json();
        assert_eq!(payload(text(&exchanged, "token"))["permissions"], wanted, "{scope}");
    }
}
