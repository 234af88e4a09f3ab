//! What apps get that know no relations: groups, roles and attributes as claims, a name for everybody, and tokens that
//! web servers take as a header.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::harness::{ADMIN, ANN, App, BOB, Home, Tokens, payload};

async fn administer(home: &Home, method: Method, path: &str, body: Value) -> Value {
    let admin = Program::of(home, ADMIN).await;
    let answer = admin.send(method, &format!("/api/admin/{path}"), body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    serde_json::from_str(&answer.text).unwrap_or_default()
}

async fn change(home: &Home, client: &str, body: Value) -> Value {
    administer(home, Method::PATCH, &format!("clients/{client}"), body).await
}

async fn group(home: &Home, name: &str, members: &[(&str, &str)]) -> Vec<Value> {
    administer(home, Method::POST, "groups", json!({"name": name})).await;
    let mut tuples = Vec::new();
    for (kind, id) in members {
        let tuple = json!({"entity_type": "group", "entity_id": name, "relation": "member", "subject_type": kind,
            "subject_id": id});
        tuples.push(administer(home, Method::POST, "tuples", tuple).await);
    }
    tuples
}

/// What the id token, the access token, userinfo and introspection say; all the same.
async fn everywhere(app: &App<'_>, scope: &str, name: &str) -> Value {
    let tokens = app.tokens(&app.home.browser(), ANN, scope).await;
    let told = payload(&tokens.id)[name].clone();
    assert_eq!(payload(&tokens.access)[name], told);
    assert_eq!(app.userinfo(&tokens.access).await.json()[name], told);
    assert_eq!(app.introspect(&tokens.access).await[name], told);
    told
}

#[tokio::test]
async fn an_app_gets_the_groups_of_a_person_as_it_is_set_and_as_they_are_now() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let memberships = group(&home, "writers", &[("user", ANN)]).await;
    group(&home, "wiki/team 50%", &[("user", ANN)]).await;
    group(&home, "staff", &[("group", "writers")]).await;
    group(&home, "others", &[("user", BOB)]).await;
    administer(&home, Method::POST, "groups", json!({"name": "perhaps"})).await;
    let conditional = json!({"entity_type": "group", "entity_id": "perhaps", "relation": "member",
        "subject_type": "user", "subject_id": ANN, "condition": "return true"});
    administer(&home, Method::POST, "tuples", conditional).await;
    let all = json!(["staff", "wiki/team 50%", "writers"]);
    assert_eq!(everywhere(&shop, "openid", "groups").await, Value::Null, "nobody asked");
    assert_eq!(everywhere(&shop, "openid groups", "groups").await, all);
    for (settings, scope, name, wanted) in [
        (json!({"group_claims": "always"}), "openid", "groups", all.clone()),
        (json!({"group_filter": ["sta*", "writers", "nothing*"]}), "openid", "groups", json!(["staff", "writers"])),
        (json!({"group_claim_name": "roles"}), "openid", "roles", json!(["staff", "writers"])),
        (
            json!({"group_claim_name": "/realm_access/roles", "group_filter": [], "group_paths": true}),
            "openid",
            "realm_access",
            json!({"roles": ["/staff", "/wiki%2Fteam 50%25", "/staff/writers"]}),
        ),
        (json!({"group_claims": "none"}), "openid groups", "realm_access", Value::Null),
        (
            json!({"group_claims": "requested", "group_claim_name": "", "group_paths": false}),
            "openid groups",
            "groups",
            all,
        ),
    ] {
        change(&home, "shop", settings.clone()).await;
        assert_eq!(everywhere(&shop, scope, name).await, wanted, "{settings}");
    }
    // Who is taken out of a group is out of it at once, where Auther is asked.
    let tokens = shop.tokens(&home.browser(), ANN, "openid groups offline_access").await;
    let path = format!("tuples/{}", text(&memberships[0], "id"));
    administer(&home, Method::DELETE, &path, json!({})).await;
    assert_eq!(shop.userinfo(&tokens.access).await.json()["groups"], json!(["wiki/team 50%"]));
    assert_eq!(shop.introspect(&tokens.access).await["groups"], json!(["wiki/team 50%"]));
    assert_eq!(payload(&Tokens::of(&shop.refresh(&tokens.refresh).await).id)["groups"], json!(["wiki/team 50%"]));
    // So is a client that may not have them any more.
    change(&home, "shop", json!({"group_claims": "none"})).await;
    assert_eq!(shop.userinfo(&tokens.access).await.json()["groups"], Value::Null);
    let told = shop.introspect(&tokens.access).await;
    assert_eq!((&told["groups"], &told["scope"]), (&Value::Null, &json!("offline_access openid")));
    // A person is asked first.
    let page = home.signed_in(ANN).await.visit(&home.app("wiki").request("openid groups", &[])).await;
    assert!(page.has("consent-allow") && page.text.contains("Your groups"), "{}", page.text);
}

#[tokio::test]
async fn groups_within_each_other_in_a_circle_and_by_many_ways_end() {
    let home = Home::new().await;
    let shop = home.app("shop");
    change(&home, "shop", json!({"group_claims": "always", "group_paths": true})).await;
    group(&home, "g0", &[("user", ANN)]).await;
    for level in 1..8 {
        for side in ["a", "b", "c"] {
            let below: Vec<String> = match level {
                1 => vec![String::from("g0")],
                _ => ["a", "b", "c"].map(|side| format!("{side}{}", level - 1)).to_vec(),
            };
            let members: Vec<_> = below.iter().map(|name| ("group", name.as_str())).collect();
            group(&home, &format!("{side}{level}"), &members).await;
        }
    }
    let back = json!({"entity_type": "group", "entity_id": "a1", "relation": "member", "subject_type": "group",
        "subject_id": "a7"});
    administer(&home, Method::POST, "tuples", back).await;
    let tokens = shop.tokens(&home.browser(), ANN, "openid").await;
    let paths = shop.userinfo(&tokens.access).await.json()["groups"].as_array().unwrap().clone();
    assert!((22..=220).contains(&paths.len()), "{}", paths.len());
    assert!(paths.iter().any(|path| path.as_str().unwrap().ends_with("/g0")));
    assert!(tokens.access.len() <= 4096 && tokens.id.len() <= 4096);
}

#[tokio::test]
async fn an_app_gets_claims_from_attributes_and_from_relations_to_it() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let attributes = json!({"attributes": {"department": "R&D", "quota": 5, "nested": {"a": [1]}}});
    administer(&home, Method::PATCH, &format!("users/{ANN}"), attributes).await;
    let declared = [
        "dep=attribute:department",
        "immich_quota=attribute:quota",
        "n=attribute:nested",
        "none=attribute:missing",
        "/resource/shop/roles=roles",
        "immich_role=role:owner,admin",
    ];
    change(&home, "shop", json!({"claims": declared})).await;
    assert_eq!(everywhere(&shop, "openid", "immich_role").await, Value::Null, "no relation, no role");
    let tuple = json!({"entity_type": "oauth_client", "entity_id": "shop", "relation": "admin",
        "subject_type": "user", "subject_id": ANN});
    administer(&home, Method::POST, "tuples", tuple).await;
    for (name, wanted) in [
        ("dep", json!("R&D")),
        ("immich_quota", json!(5)),
        ("n", json!({"a": [1]})),
        ("none", Value::Null),
        ("resource", json!({"shop": {"roles": ["admin", "introspect", "use"]}})),
        ("immich_role", json!("admin")),
    ] {
        assert_eq!(everywhere(&shop, "openid", name).await, wanted, "{name}");
    }
    let admin = Program::of(&home, ADMIN).await;
    for bad in [json!(["sub=attribute:x"]), json!(["a=roles", "a=roles"]), json!(["/groups/x=roles"]), json!(["x"])] {
        let answer = admin.send(Method::PATCH, "/api/admin/clients/shop", json!({"claims": bad})).await;
        assert!(answer.status.is_client_error() && answer.text.contains("claims"), "{bad}: {}", answer.text);
    }
}

#[tokio::test]
async fn everybody_has_a_name_that_is_theirs_alone_and_no_address_that_was_not_asked_for() {
    let home = Home::new().await;
    let shop = home.app("shop");
    for (who, scope, wanted) in
        [(ANN, "openid profile", "ann"), (BOB, "openid profile email", BOB), (BOB, "openid profile", "usr_")]
    {
        let tokens = shop.tokens(&home.browser(), who, scope).await;
        for claims in [payload(&tokens.id), shop.userinfo(&tokens.access).await.json()] {
            let name = claims["preferred_username"].as_str().unwrap();
            assert!(if wanted == "usr_" { claims["sub"] == name } else { name == wanted }, "{who} {scope}: {name}");
            let nickname = claims["nickname"].as_str().unwrap();
            assert_eq!(nickname, if who == ANN { "annie" } else { name });
            assert_eq!(claims["email"].is_string(), scope.contains("email"));
        }
    }
}

#[tokio::test]
async fn an_account_that_an_administrator_makes_is_verified_unless_they_say_otherwise() {
    let home = Home::new().await;
    for (said, wanted) in [(None, true), (Some(true), true), (Some(false), false)] {
        let email = format!("new-{said:?}@example.com").replace(['(', ')'], "");
        let made = administer(&home, Method::POST, "users", json!({"email": email, "email_verified": said})).await;
        assert_eq!(made["email_verified"], wanted, "{said:?}");
    }
}

/// Fills what stands in Ann's tokens in one way.
async fn fill(home: &Home, with: &str) {
    let long = "x".repeat(1_000);
    match with {
        "permissions" => {
            let model = json!({"definition": {"relations": {"viewer": {}}}});
            administer(home, Method::PUT, "models/folder", model).await;
            for number in 0..145 {
                let tuple = json!({"entity_type": "folder", "entity_id": format!("a-folder-of-the-house-{number}"),
                    "relation": "viewer", "subject_type": "user", "subject_id": ANN});
                administer(home, Method::POST, "tuples", tuple).await;
            }
        }
        "groups" => {
            for number in 0..60 {
                group(
                    home,
                    &format!("a group with a rather long name, because there are many {number}"),
                    &[("user", ANN)],
                )
                .await;
            }
        }
        "attributes" => {
            let attributes: Map<String, Value> = (0..5).map(|n| (format!("a{n}"), json!(long))).collect();
            administer(home, Method::PATCH, &format!("users/{ANN}"), json!({"attributes": attributes})).await;
        }
        _ => {
            let url = format!("https://ann.example/{long}");
            let profile = json!({"name": "n".repeat(200), "website": url, "picture": url, "profile": url,
                "address": {"formatted": "a".repeat(200)}});
            administer(home, Method::PATCH, &format!("users/{ANN}"), profile).await;
        }
    }
}

#[tokio::test]
async fn no_token_is_longer_than_web_servers_take_whatever_fills_it_and_each_says_what_it_lacks() {
    let claims: Vec<String> = (0..5).map(|n| format!("c{n}=attribute:a{n}")).collect();
    for with in ["permissions", "groups", "attributes", "profile"] {
        let home = Home::new().await;
        fill(&home, with).await;
        for (client, scope) in [("shop", "openid email profile address phone groups"), ("spa", "openid profile groups")]
        {
            let app = home.app(client);
            change(&home, client, json!({"claims": claims})).await;
            let nonce = "n".repeat(1_000);
            let place = app.request(scope, &[("nonce", &nonce)]);
            let callback = home.browser().authorize_as(ANN, &place).await;
            let tokens = Tokens::of(&app.redeem(callback.code()).await);
            let info = app.userinfo(&tokens.access).await.json();
            for token in [&tokens.access, &tokens.id] {
                assert!(token.len() <= 4096, "{with} at {client}: {}", token.len());
                let told = payload(token);
                for name in ["sub", "aud", "exp", "permissions", "abac_required", "permissions_rev"] {
                    assert!(!told[name].is_null(), "{name}");
                }
                let left_out = told["claims_truncated"].as_array().cloned().unwrap_or_default();
                for (name, value) in info.as_object().unwrap() {
                    let is_permissions = name.starts_with("permissions") || name == "abac_required";
                    // Of the standard claims an access token has the address for e-mail alone.
                    let own = |name: &str| name == "groups" || name.starts_with('c');
                    let is_in_access = own(name) || ["sub", "email", "email_verified"].contains(&name.as_str());
                    if !is_permissions && (token == &tokens.id || is_in_access) {
                        assert!(told[name] == *value || left_out.contains(&json!(name)), "{with}: {name} in silence");
                    }
                }
                assert!(told["permissions"] == info["permissions"] || told["permissions_truncated"] == true, "{with}");
            }
            // Introspection and userinfo are no headers.
            assert_eq!(info["claims_truncated"], Value::Null);
        }
    }
}

#[tokio::test]
async fn tokens_of_machines_and_keys_are_as_short() {
    let home = Home::new().await;
    let model = json!({"definition": {"relations": {"viewer": {}}}});
    administer(&home, Method::PUT, "models/folder", model).await;
    let key = administer(&home, Method::POST, "api-keys", json!({"name": "ci"})).await;
    for number in 0..100 {
        for (kind, id) in [("client", "robot"), ("apikey", text(&key, "id"))] {
            let tuple = json!({"entity_type": "folder", "entity_id": format!("a-folder-of-the-house-{number}"),
                "relation": "viewer", "subject_type": kind, "subject_id": id});
            administer(&home, Method::POST, "tuples", tuple).await;
        }
    }
    let robot = Tokens::of(&home.app("robot").token(&[("grant_type", "client_credentials")]).await);
    let exchanged = exchange(&home, text(&key, "key")).await.json();
    for token in [robot.access.as_str(), text(&exchanged, "token")] {
        assert!(token.len() <= 4096, "{}", token.len());
        assert_eq!(payload(token)["permissions_truncated"], true);
    }
}

#[tokio::test]
async fn a_token_that_lacks_claims_is_told_to_those_who_run_the_app() {
    let home = Home::with(|settings| settings.tokens.max_bytes = 2_048).await;
    fill(&home, "groups").await;
    home.app("shop").tokens(&home.browser(), ANN, "openid groups").await;
    let page = administer(&home, Method::GET, "clients/shop/failures", json!({})).await;
    let told: Vec<_> = page["items"].as_array().unwrap().iter().map(|one| (&one["error"], &one["sent"])).collect();
    assert_eq!(told, [(&json!("claims_left_out"), &json!("groups"))]);
    // A nonce comes back in the id token, so it is short.
    let place = home.app("shop").request("openid", &[("nonce", &*"n".repeat(1_025))]);
    let callback = home.browser().authorize_as(ANN, &place).await;
    assert_eq!(callback.get("error"), "invalid_request");
}
