//! What the people who run an app learn when it gets no tokens: the answer says little, the audit log and the failures
//! of the app say why and what to do.

use std::collections::BTreeSet;
use std::time::Duration;

use auther::oauth::Reason;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::Program;
use crate::harness::{ADMIN, ANN, App, Home, Proof, Response, Tokens, VERIFIER, challenge, form};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const MACHINE: (&str, &str) = ("grant_type", "client_credentials");

async fn administer(home: &Home, method: Method, path: &str, body: Value) -> Value {
    let admin = Program::of(home, ADMIN).await;
    let answer = admin.send(method, &format!("/api/admin/{path}"), body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    serde_json::from_str(&answer.text).unwrap_or_default()
}

/// The errors among the failures of an app.
async fn failures(home: &Home, client: &str) -> Vec<Value> {
    let page = administer(home, Method::GET, &format!("clients/{client}/failures"), json!({})).await;
    page["items"].as_array().unwrap().clone()
}

async fn post(home: &Home, basic: Option<(&str, &str)>, pairs: &[(&str, &str)]) -> Response {
    let request = home.app("spa").http().post(home.url("/api/auth/oauth2/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form(pairs));
    let request = match basic {
        Some((id, secret)) => request.basic_auth(id, Some(secret)),
        None => request,
    };
    Response::of(request).await
}

/// Asserts that a refusal is told in both places by its reason, and counts it as seen.
async fn is_told(home: &Home, seen: &mut BTreeSet<&'static str>, (client, reason): (&str, Reason), answer: Response) {
    assert!(answer.status.is_client_error(), "{reason:?}: {}", answer.text);
    // Nothing is learned by trying: what is wrong with a proof is always said in the same words.
    assert!(!answer.text.contains(reason.message()), "{}", answer.text);
    let word = reason.as_str();
    let mut rows = home.told("client.authenticate").await;
    rows.extend(home.told("token.refuse").await);
    let is_it = |row: &&auther::records::AuditRow| {
        let told = row.detail.get("cause").or_else(|| row.detail.get("reason"));
        told == Some(&json!(word)) && row.target.as_deref().unwrap_or_default() == client
    };
    assert!(rows.iter().any(|row| is_it(&row)), "no row of {client} {word}: {rows:?}");
    seen.insert(word);
    if client.is_empty() {
        return;
    }
    let known = failures(home, client).await;
    let failure = known.iter().find(|failure| failure["error"] == word);
    let failure = failure.unwrap_or_else(|| panic!("no failure of {client} {word}: {known:?}"));
    assert_eq!((&failure["message"], &failure["next_step"]), (&json!(reason.message()), &json!(reason.next_step())));
    // Ten new ones of an app are noted in a minute.
    home.advance(Duration::from_secs(61)).await;
}

#[tokio::test]
async fn every_reason_for_which_an_app_gets_no_tokens_is_told_with_what_to_do() {
    let home = Home::new().await;
    let mut seen = BTreeSet::new();
    proofs(&home, &mut seen).await;
    assertions(&home, &mut seen).await;
    codes(&home, &mut seen).await;
    refreshes(&home, &mut seen).await;
    let all: BTreeSet<&str> = Reason::ALL.into_iter().map(Reason::as_str).collect();
    let missing: Vec<_> = all.difference(&seen).collect();
    assert!(missing.is_empty(), "never told: {missing:?}");
}

async fn proofs(home: &Home, seen: &mut BTreeSet<&'static str>) {
    let Proof::Basic(own) = home.app("robot").proof else { panic!("robot has a secret") };
    let answer = post(home, Some(("nobody", "x")), &[MACHINE]).await;
    is_told(home, seen, ("", Reason::UnknownClient), answer).await;
    let answer = post(home, Some(("robot", "cs_wrong")), &[MACHINE]).await;
    is_told(home, seen, ("robot", Reason::WrongSecret), answer).await;
    let answer = post(home, None, &[MACHINE, ("client_id", "robot")]).await;
    is_told(home, seen, ("robot", Reason::WrongMethod), answer).await;
    let answer = post(home, None, &[MACHINE, ("client_id", "signer"), ("client_assertion", "x")]).await;
    is_told(home, seen, ("signer", Reason::NoProof), answer).await;
    let twice = [MACHINE, ("client_id", "robot"), ("client_secret", &own)];
    let answer = post(home, Some(("robot", &own)), &twice).await;
    is_told(home, seen, ("robot", Reason::SeveralProofs), answer).await;
    let answer = post(home, Some(("robot", &own)), &[MACHINE, ("client_id", "shop")]).await;
    is_told(home, seen, ("robot", Reason::OtherClient), answer).await;
    let answer = post(home, Some(("robot", &own)), &[("grant_type", "password")]).await;
    is_told(home, seen, ("robot", Reason::GrantUnknown), answer).await;
    let answer = post(home, Some(("robot", &own)), &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await;
    is_told(home, seen, ("robot", Reason::GrantNotRegistered), answer).await;
    let answer = post(home, Some(("robot", &own)), &[MACHINE, ("scope", "reports:delete")]).await;
    is_told(home, seen, ("robot", Reason::Scope), answer).await;
    for name in ["resource", "audience"] {
        let answer = post(home, Some(("robot", &own)), &[MACHINE, (name, "https://other.example.com")]).await;
        assert_eq!(answer.json()["error"], "invalid_target", "{name}");
        is_told(home, seen, ("robot", Reason::Target), answer).await;
        let answer = post(home, Some(("robot", &own)), &[MACHINE, (name, "https://reports.example.com")]).await;
        Tokens::of(&answer);
    }
    let both = [MACHINE, ("resource", "https://other.example.com"), ("resource", "https://reports.example.com")];
    assert_eq!(post(home, Some(("robot", &own)), &both).await.json()["error"], "invalid_target");
    administer(home, Method::POST, "clients/robot/rotate-secret", json!({"overlap_seconds": 60})).await;
    home.advance(Duration::from_secs(120)).await;
    let answer = post(home, Some(("robot", &own)), &[MACHINE]).await;
    is_told(home, seen, ("robot", Reason::OldSecret), answer).await;
    administer(home, Method::POST, "clients/robot/disable", json!({})).await;
    let answer = post(home, Some(("robot", &own)), &[MACHINE]).await;
    is_told(home, seen, ("robot", Reason::ClientDisabled), answer).await;
}

async fn assertions(home: &Home, seen: &mut BTreeSet<&'static str>) {
    let signer = home.app("signer");
    let show = async |assertion: &str| {
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
        post(home, None, &[MACHINE, ("client_id", "signer"), proof[0], proof[1]]).await
    };
    // What a widespread library signs.
    let now = home.now().seconds();
    Tokens::of(&show(&signer.assertion("an hour", &json!({"exp": now + 3600}))).await);
    let made = |reason: Reason| {
        let now = home.now().seconds();
        let change = match reason {
            Reason::AssertionIssuer => json!({"iss": "robot"}),
            Reason::AssertionAudience => json!({"aud": "https://other.example"}),
            Reason::AssertionExpired => json!({"exp": now - 31}),
            Reason::AssertionEarly => json!({"iat": now + 120}),
            Reason::AssertionLifetime => json!({"exp": now + 3700}),
            _ => json!({"jti": null}),
        };
        signer.assertion(reason.as_str(), &change)
    };
    for reason in [
        Reason::AssertionIssuer,
        Reason::AssertionAudience,
        Reason::AssertionExpired,
        Reason::AssertionEarly,
        Reason::AssertionLifetime,
        Reason::AssertionIncomplete,
    ] {
        let answer = show(&made(reason)).await;
        is_told(home, seen, ("signer", reason), answer).await;
    }
    let good = signer.assertion("once", &json!({"exp": home.now().seconds() + 600}));
    Tokens::of(&show(&good).await);
    let answer = show(&good).await;
    is_told(home, seen, ("signer", Reason::AssertionReplayed), answer).await;
    let mut forged = signer.assertion("forged", &json!({}));
    let first = forged.rfind('.').unwrap() + 1;
    let other = if forged[first..].starts_with('A') { "B" } else { "A" };
    forged.replace_range(first..=first, other);
    let answer = show(&forged).await;
    is_told(home, seen, ("signer", Reason::UnknownKey), answer).await;
    let (_, rest) = forged.split_once('.').unwrap();
    let none = format!("{}.{rest}", data_encoding::BASE64URL_NOPAD.encode(b"{\"alg\":\"none\"}"));
    let answer = show(&none).await;
    is_told(home, seen, ("signer", Reason::AssertionMalformed), answer).await;
}

async fn codes(home: &Home, seen: &mut BTreeSet<&'static str>) {
    let (browser, shop, wiki) = (home.signed_in(ANN).await, home.app("shop"), home.app("wiki"));
    let redeem = async |app: &App<'_>, code: &str, more: &[(&str, &str)]| {
        let pairs = [&[("grant_type", "authorization_code"), ("code", code)], more].concat();
        app.token(&pairs).await
    };
    let at_home = ("redirect_uri", &*shop.redirect_uri);
    let answer = redeem(&shop, "cod_nothing", &[at_home]).await;
    is_told(home, seen, ("shop", Reason::CodeUnknown), answer).await;
    let code = shop.code(&browser, ANN, "openid").await;
    home.advance(Duration::from_secs(3600)).await;
    let answer = redeem(&shop, &code, &[at_home]).await;
    is_told(home, seen, ("shop", Reason::CodeExpired), answer).await;
    let code = shop.code(&browser, ANN, "openid").await;
    Tokens::of(&redeem(&shop, &code, &[at_home]).await);
    let answer = redeem(&shop, &code, &[at_home]).await;
    is_told(home, seen, ("shop", Reason::CodeUsed), answer).await;
    let code = shop.code(&browser, ANN, "openid").await;
    let answer = redeem(&wiki, &code, &[at_home]).await;
    is_told(home, seen, ("wiki", Reason::CodeOfOther), answer).await;
    let code = shop.code(&browser, ANN, "openid").await;
    let answer = redeem(&shop, &code, &[("redirect_uri", "https://shop.example.com/cb")]).await;
    is_told(home, seen, ("shop", Reason::CodeRedirectUri), answer).await;
    let shown = failures(home, "shop").await;
    let failure = shown.iter().find(|failure| failure["error"] == "code_redirect_uri").unwrap();
    let told = (&failure["sent"], &failure["registered"], &failure["fix"]);
    assert_eq!(told, (&json!("https://shop.example.com/cb"), &json!(shop.redirect_uri), &Value::Null));
    let code = shop.code(&browser, ANN, "openid").await;
    let answer = redeem(&shop, &code, &[]).await;
    is_told(home, seen, ("shop", Reason::CodeRedirectUriMissing), answer).await;
    let challenge = challenge();
    let with = [("code_challenge", &*challenge), ("code_challenge_method", "S256")];
    let other = "a-verifier-that-is-long-enough-for-rfc-7636.~_012345678X";
    for (extra, verifier, reason) in [
        (&with[..], Some(other), Reason::VerifierWrong),
        (&with[..], None, Reason::VerifierMissing),
        (&[], Some(VERIFIER), Reason::VerifierUnexpected),
    ] {
        let code = browser.authorize_as(ANN, &shop.request("openid", extra)).await.code().to_owned();
        let sent: Vec<_> = verifier.map(|verifier| ("code_verifier", verifier)).into_iter().chain([at_home]).collect();
        let answer = redeem(&shop, &code, &sent).await;
        is_told(home, seen, ("shop", reason), answer).await;
    }
    let code = shop.code(&browser, ANN, "openid").await;
    administer(home, Method::PATCH, "clients/shop", json!({"access_policy": "restricted"})).await;
    let answer = redeem(&shop, &code, &[at_home]).await;
    is_told(home, seen, ("shop", Reason::NoAccess), answer).await;
    administer(home, Method::PATCH, "clients/shop", json!({"access_policy": "all_users"})).await;
    let code = shop.code(&browser, ANN, "openid").await;
    browser.call("/api/auth/sign-out", &json!({})).await;
    let answer = redeem(&shop, &code, &[at_home]).await;
    is_told(home, seen, ("shop", Reason::SignInOver), answer).await;
}

async fn refreshes(home: &Home, seen: &mut BTreeSet<&'static str>) {
    let (browser, wiki) = (home.signed_in(ANN).await, home.app("wiki"));
    let answer = wiki.refresh("rt_nothing").await;
    is_told(home, seen, ("wiki", Reason::RefreshUnknown), answer).await;
    let first = wiki.tokens(&browser, ANN, "openid offline_access").await;
    Tokens::of(&wiki.refresh(&first.refresh).await);
    home.advance(Duration::from_secs(600)).await;
    let answer = wiki.refresh(&first.refresh).await;
    is_told(home, seen, ("wiki", Reason::RefreshReused), answer).await;
    let answer = wiki.refresh(&first.refresh).await;
    is_told(home, seen, ("wiki", Reason::RefreshEnded), answer).await;
}

#[tokio::test]
async fn a_public_client_and_strangers_cannot_fill_the_failures_of_an_app() {
    let home = Home::new().await;
    let spa = home.app("spa");
    for number in 0..40 {
        let answer = spa.token(&[("grant_type", &format!("made up {number}"))]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert!(failures(&home, "spa").await.len() <= 10);
}

#[tokio::test]
async fn scopes_that_an_app_may_not_ask_for_are_left_out_and_told_unless_it_is_strict() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let tokens = shop.tokens(&browser, ANN, "openid grafana:admin email offline_access roles").await;
    assert_eq!(tokens.body["scope"], "email offline_access openid");
    let told = failures(&home, "shop").await;
    let told: Vec<_> = told.iter().map(|failure| (&failure["error"], &failure["sent"])).collect();
    assert_eq!(told, [(&json!("scopes_ignored"), &json!("grafana:admin roles"))]);
    // What was left out at the sign-in is left out of a refresh that repeats it, and nothing else is.
    let again = |scope: &'static str, token: &str| {
        let token = token.to_owned();
        let shop = &shop;
        async move { shop.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)]).await }
    };
    let next = Tokens::of(&again("openid roles offline_access", &tokens.refresh).await);
    assert_eq!(next.body["scope"], "offline_access openid");
    for wider in ["openid phone", "roles"] {
        assert_eq!(again(wider, &next.refresh).await.json()["error"], "invalid_scope", "{wider}");
    }
    // Nothing that is known is named: the person signs in, and that is all.
    assert_eq!(shop.tokens(&browser, ANN, "everything").await.body["scope"], "openid");
    let preview = administer(&home, Method::GET, "users/ann@example.com/token?client=shop&scope=openid%20x", json!({}));
    assert_eq!(preview.await["ignored_scopes"], json!(["x"]));
    administer(&home, Method::PATCH, "clients/shop", json!({"strict_scopes": true})).await;
    let callback = browser.authorize_as(ANN, &shop.request("openid everything", &[])).await;
    assert_eq!((callback.get("error"), callback.get("state")), ("invalid_scope", "st&ate=1"));
    assert_eq!(again("openid roles", &next.refresh).await.json()["error"], "invalid_scope");
}

#[tokio::test]
async fn a_machine_that_sends_scopes_of_people_gets_a_token_without_them() {
    let home = Home::new().await;
    let robot = home.app("robot");
    for (sent, given) in [
        (Some("openid"), Some("")),
        (Some("openid profile email groups reports:read"), Some("reports:read")),
        (Some("reports:read"), Some("reports:read")),
        (None, None),
    ] {
        let pairs: Vec<_> = [MACHINE].into_iter().chain(sent.map(|sent| ("scope", sent))).collect();
        let tokens = Tokens::of(&robot.token(&pairs).await);
        assert_eq!((tokens.body["scope"].as_str(), &*tokens.id), (given, ""), "{sent:?}");
    }
    administer(&home, Method::PATCH, "clients/robot", json!({"strict_scopes": true})).await;
    assert_eq!(robot.token(&[MACHINE, ("scope", "openid")]).await.json()["error"], "invalid_scope");
}
