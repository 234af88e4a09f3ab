//! Who may ask where machines ask: every credential of ours, and none that is not. The endpoint that verifies API keys
//! stands for all.

use std::time::Duration;

use auther::crypto::jose::{Algorithm, SigningKey};
use data_encoding::BASE64URL_NOPAD;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, refusal, text};
use crate::harness::{ADMIN, ANN, App, Home, Proof, Response, payload};

const VERIFY: &str = "/api/auth/api-key/verify";

/// What a caller is answered who asks about no key in particular.
async fn ask(home: &Home, credentials: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Response {
    let request = home.browser().http.post(home.url(VERIFY)).json(&json!({"key": "ak_live_xxxxxxxxxxxx"}));
    Response::of(credentials(request)).await
}

async fn bearer(home: &Home, token: &str) -> Response {
    ask(home, |request| request.bearer_auth(token)).await
}

fn is_let_in(answer: &Response) -> bool {
    let is_in = answer.status == StatusCode::OK;
    assert!(is_in || answer.status == StatusCode::UNAUTHORIZED, "{} {}", answer.status, answer.text);
    is_in
}

fn refused(answer: &Response, code: &str) {
    assert_eq!(refusal(answer), (401, code.to_owned()));
    assert!(!answer.header("www-authenticate").is_empty());
}

fn secret(app: &App<'_>) -> String {
    match &app.proof {
        Proof::Basic(secret) | Proof::Post(secret) => secret.clone(),
        _ => String::new(),
    }
}

/// A token with another header or other claims and the old signature, or one made up.
fn forged(token: &str, header: Option<&Value>, claims: &[(&str, Value)], signature: Option<&str>) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut body = payload(token);
    for (name, value) in claims {
        body[*name] = value.clone();
    }
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let header = header.map_or_else(|| parts[0].to_owned(), encode);
    let body = if claims.is_empty() { parts[1].to_owned() } else { encode(&body) };
    format!("{header}.{body}.{}", signature.unwrap_or(parts[2]))
}

#[tokio::test]
async fn a_verified_key_is_described_and_a_bad_one_is_no_error() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    let key = ann.key(json!({"name": "k", "expiresIn": 86_400, "networks": ["127.0.0.0/8"]})).await;
    let verify = async |body: Value| ann.post("verify", body).await;
    let answer = verify(json!({"key": key["key"], "ip": "127.0.0.1"})).await.json();
    assert_eq!((&answer["valid"], &answer["error"], &answer["key"]["id"]), (&json!(true), &Value::Null, &key["id"]));
    assert!(answer["key"].get("key").is_none() && answer["key"].get("hash").is_none());
    let elsewhere = verify(json!({"key": key["key"], "ip": "192.0.2.1"})).await.json();
    assert_eq!(elsewhere["error"]["code"], "KEY_NOT_ALLOWED_FROM_ADDRESS");
    // Who asks is not who showed the key.
    let unknown = verify(json!({"key": key["key"]})).await.json();
    assert_eq!(unknown["error"]["code"], "KEY_NOT_ALLOWED_FROM_ADDRESS");
    for (key, code) in [("", "KEY_NOT_FOUND"), ("ak_live_x", "KEY_NOT_FOUND")] {
        let answer = verify(json!({"key": key})).await;
        assert_eq!(answer.status, StatusCode::OK);
        let body = answer.json();
        assert_eq!((&body["valid"], &body["error"]["code"], &body["key"]), (&json!(false), &json!(code), &Value::Null));
    }
    assert_eq!(refusal(&verify(json!({})).await), (400, "missing_fields".into()));
    let wider = verify(json!({"key": key["key"], "permissions": {"files": ["read"]}})).await;
    assert_eq!(refusal(&wider), (400, "invalid_request".into()));
    let admin = Program::of(&home, ADMIN).await;
    let limited = admin.key(json!({"name": "k", "rateLimitMax": 1, "rateLimitTimeWindow": 5000})).await;
    assert_eq!(verify(json!({"key": limited["key"]})).await.json()["valid"], true);
    let again = verify(json!({"key": limited["key"]})).await.json();
    assert_eq!(
        (&again["error"]["code"], &again["error"]["details"]["tryAgainIn"]),
        (&json!("RATE_LIMITED"), &json!(5000))
    );
}

#[tokio::test]
async fn every_credential_of_ours_is_one() {
    let home = Home::new().await;
    let (ann, wiki, robot) = (Program::of(&home, ANN).await, home.app("wiki"), home.app("robot"));
    let key = ann.key(json!({"name": "k"})).await;
    let exchanged = exchange(&home, text(&key, "key")).await.json();
    let browser = home.signed_in(ANN).await;
    let tokens = wiki.tokens(&browser, ANN, "openid").await;
    let machine = robot.token(&[("grant_type", "client_credentials")]).await.json();
    for (what, token) in [
        ("session", ann.token.as_str()),
        ("access", &tokens.access),
        ("id", &tokens.id),
        ("machine", text(&machine, "access_token")),
        ("exchanged", text(&exchanged, "token")),
    ] {
        assert!(is_let_in(&bearer(&home, token).await), "{what}");
    }
    assert!(is_let_in(&ask(&home, |request| request.header("x-api-key", text(&key, "key"))).await));
    // A key cannot be mistaken for another bearer token, whatever it begins with.
    let named = ann.key(json!({"name": "k", "prefix": "shop_"})).await;
    for key in [&key, &named] {
        assert!(is_let_in(&bearer(&home, text(key, "key")).await));
        let both = ask(&home, |request| request.bearer_auth(text(key, "key")).header("x-api-key", text(key, "key")));
        assert!(is_let_in(&both.await));
        let exchanged = home.browser().http.post(home.url("/api/auth/api-key/exchange")).bearer_auth(text(key, "key"));
        assert_eq!(Response::of(exchanged.json(&json!({}))).await.status, StatusCode::OK);
    }
    let two =
        ask(&home, |request| request.bearer_auth(text(&key, "key")).header("x-api-key", text(&named, "key"))).await;
    assert_eq!(refusal(&two), (400, "invalid_request".into()));
    assert!(is_let_in(&ask(&home, |request| request.basic_auth("wiki", Some(secret(&wiki)))).await));
    let by_cookie = browser.call(VERIFY, &json!({"key": "x"})).await;
    assert!(is_let_in(&by_cookie));
    let foreign =
        browser.http.post(home.url(VERIFY)).header("origin", "https://evil.example").json(&json!({"key": "x"}));
    assert_eq!(refusal(&Response::of(foreign).await), (403, "forbidden".into()));
}

#[tokio::test]
async fn what_is_no_credential_lets_nobody_in_and_nothing_behind_it_is_tried() {
    let home = Home::new().await;
    let (ann, wiki) = (Program::of(&home, ANN).await, home.app("wiki"));
    let key = ann.key(json!({"name": "k"})).await;
    refused(&ask(&home, |request| request).await, "unauthorized");
    for header in ["", "Bearer", "Digest x", "Negotiate x"] {
        let answer = ask(&home, |request| request.header("authorization", header)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header:?}");
    }
    refused(&bearer(&home, "ses_nonsense.x").await, "invalid_token");
    refused(&bearer(&home, "x").await, "invalid_token");
    refused(&bearer(&home, "ak_live_x").await, "invalid_api_key");
    refused(&bearer(&home, &format!("{}x", text(&key, "key"))).await, "invalid_api_key");
    let good = |request: RequestBuilder| request.bearer_auth(&ann.token);
    refused(&ask(&home, |request| good(request).header("x-api-key", "ak_live_x")).await, "invalid_api_key");
    let basic = ask(&home, |request| request.basic_auth("wiki", Some("wrong"))).await;
    refused(&basic, "unauthorized");
    assert!(basic.header("www-authenticate").starts_with("Basic"));
    refused(&ask(&home, |request| request.basic_auth("spa", Some(""))).await, "unauthorized");
    let two = ask(&home, |request| good(request).basic_auth("wiki", Some(secret(&wiki)))).await;
    assert_eq!(refusal(&two), (400, "invalid_request".into()));
    let secret = text(&key, "key");
    let two = ask(&home, |request| request.header("x-api-key", secret).header("x-api-key", secret)).await;
    assert_eq!(refusal(&two), (400, "invalid_request".into()));
    let browser = home.signed_in(ANN).await;
    let request = browser.http.post(home.url(VERIFY)).header("origin", &home.origin).json(&json!({"key": "x"}));
    refused(&Response::of(request.bearer_auth("ses_nonsense.x")).await, "invalid_token");
}

#[tokio::test]
async fn t16_t18_a_token_that_is_not_exactly_ours_is_refused() {
    let (home, other) = (Home::new().await, Home::empty().await);
    let ann = Program::of(&home, ANN).await;
    let key = ann.key(json!({"name": "k"})).await;
    let exchanged = exchange(&home, text(&key, "key")).await.json();
    let browser = home.signed_in(ANN).await;
    let tokens = home.app("wiki").tokens(&browser, ANN, "openid").await;
    for token in [text(&exchanged, "token"), &tokens.id, &tokens.access] {
        assert!(is_let_in(&bearer(&home, token).await));
        let header: Value =
            serde_json::from_slice(&BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap())
                .unwrap();
        let with = |name: &str, value: Value| {
            let mut header = header.clone();
            header[name] = value;
            header
        };
        let stranger = SigningKey::generate(Algorithm::ES256, text(&header, "kid")).unwrap();
        let mut claims = payload(token);
        let by_stranger = stranger.sign("JWT", &claims).unwrap();
        claims["iss"] = json!(other.origin);
        for bad in [
            forged(token, Some(&with("alg", json!("none"))), &[], Some("")),
            forged(token, Some(&with("alg", json!("none"))), &[], None),
            forged(token, Some(&with("alg", json!("HS256"))), &[], None),
            forged(token, Some(&with("alg", json!("RS512"))), &[], None),
            forged(token, Some(&with("typ", json!("logout+jwt"))), &[], None),
            forged(token, Some(&with("kid", json!("kid_other"))), &[], None),
            forged(token, Some(&with("jku", json!("https://evil.example/jwks"))), &[], None),
            forged(token, Some(&with("jwk", Value::Object(stranger.public_jwk()))), &[], None),
            forged(token, Some(&with("crit", json!(["exp"]))), &[], None),
            forged(token, None, &[("sub", json!("usr_00000000000000000000000000"))], None),
            forged(token, None, &[("exp", json!(253_402_300_799_i64))], None),
            forged(token, None, &[], Some("")),
            forged(token, None, &[], Some("AAAA")),
            format!("{token}A"),
            format!("{token}."),
            by_stranger,
            stranger.sign("JWT", &claims).unwrap(),
        ] {
            refused(&bearer(&home, &bad).await, "invalid_token");
        }
        refused(&bearer(&other, token).await, "invalid_token");
    }
}

#[tokio::test]
async fn t17_a_token_of_ours_with_wrong_times_or_kind_is_refused() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    let key = ann.key(json!({"name": "k"})).await;
    let good = payload(text(&exchange(&home, text(&key, "key")).await.json(), "token"));
    let cx = home.cx();
    let signer = cx.tenant.keyring.signer(Algorithm::RS256).unwrap();
    let signed = |typ: &str, changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name.as_str()] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        signer.sign(typ, &claims).unwrap()
    };
    let now = home.now().seconds();
    assert!(is_let_in(&bearer(&home, &signed("JWT", json!({}))).await));
    for changes in [
        json!({"exp": null}),
        json!({"exp": now}),
        json!({"exp": (now + 900) * 1000}),
        json!({"exp": "never"}),
        json!({"iat": null}),
        json!({"iat": now + 60}),
        json!({"iat": now * 1000}),
        json!({"nbf": now + 60}),
        json!({"jti": null}),
        json!({"iss": "https://evil.example"}),
        json!({"iss": null}),
        json!({"sub": "usr_00000000000000000000000000"}),
        json!({"sub": null}),
        json!({"scope": "openid"}),
        json!({"apiKeyId": "key_00000000000000000000000000"}),
        json!({"apiKeyId": [good["apiKeyId"]]}),
        json!({"apiKeyId": null}),
    ] {
        refused(&bearer(&home, &signed("JWT", changes.clone())).await, "invalid_token");
    }
    for typ in ["at+jwt", "logout+jwt", "secevent+jwt", ""] {
        refused(&bearer(&home, &signed(typ, json!({}))).await, "invalid_token");
    }
}

#[tokio::test]
async fn t14_a_token_dies_with_what_stands_behind_it() {
    let home = Home::new().await;
    let ann = Program::of(&home, ANN).await;
    let wiki = home.app("wiki");
    let admin = Program::of(&home, ADMIN).await;
    let sees_all = json!({"entity_type": "oauth_client", "entity_id": "*", "relation": "introspect",
        "subject_type": "client", "subject_id": "wiki"});
    let answer = admin.send(reqwest::Method::POST, "/api/admin/tuples", sees_all).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let key = ann.key(json!({"name": "k"})).await;
    let exchanged = exchange(&home, text(&key, "key")).await.json();
    let token = text(&exchanged, "token");
    assert!(is_let_in(&bearer(&home, token).await));
    let told = wiki.introspect(token).await;
    assert_eq!((&told["active"], &told["apiKeyId"], &told["username"]), (&json!(true), &key["id"], &json!("ann")));
    ann.post("update", json!({"keyId": key["id"], "enabled": false})).await;
    assert_eq!(wiki.introspect(token).await, json!({"active": false}));
    refused(&bearer(&home, token).await, "invalid_token");
    ann.post("update", json!({"keyId": key["id"], "enabled": true})).await;
    assert!(is_let_in(&bearer(&home, token).await));
    home.clock.advance(Duration::from_secs(900));
    refused(&bearer(&home, token).await, "invalid_token");
    let exchanged = exchange(&home, text(&key, "key")).await.json();
    let token = text(&exchanged, "token");
    ann.post("delete", json!({"keyId": key["id"]})).await;
    refused(&bearer(&home, token).await, "invalid_token");

    let browser = home.signed_in(ANN).await;
    let tokens = wiki.tokens(&browser, ANN, "openid").await;
    assert!(is_let_in(&bearer(&home, &tokens.id).await));
    let session = browser.session_token();
    browser.call("/api/auth/sign-out", &json!({})).await;
    for token in [&tokens.id, &tokens.access, &session] {
        refused(&bearer(&home, token).await, "invalid_token");
    }
    let browser = home.signed_in(ANN).await;
    let tokens = wiki.tokens(&browser, ANN, "openid").await;
    let revoked = browser.call("/api/auth/revoke-consent", &json!({"clientId": "wiki"})).await;
    assert_eq!(revoked.status, StatusCode::OK, "{}", revoked.text);
    refused(&bearer(&home, &tokens.id).await, "invalid_token");
    refused(&bearer(&home, &tokens.access).await, "invalid_token");
    let browser = home.signed_in(ANN).await;
    let tokens = wiki.tokens(&browser, ANN, "openid").await;
    let owner = text(&key, "userId").parse().unwrap();
    auther::identity::users::disable(&home.cx(), &owner).await.unwrap();
    refused(&bearer(&home, &tokens.id).await, "invalid_token");
}
