//! Setting up, signing in and up, sessions: who gets in, and what they may touch.

use std::time::Duration;

use auther::config::Registration;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ADMIN, ANN, BOB, Browser, Home, PASSWORD, Response, form};

async fn attempt(browser: &Browser, identifier: &str, password: &str) -> Response {
    browser.call("/api/auth/sign-in/email", &json!({"email": identifier, "password": password})).await
}

#[tokio::test]
async fn t27_the_first_administrator_is_made_once_even_by_a_race() {
    let home = Home::empty().await;
    let link = home.setup.clone().expect("a link is printed");
    let mut racers = Vec::new();
    for number in 0..8 {
        let browser = home.browser();
        let page = browser.get(&link).await;
        assert!(page.has("password"), "{}", page.text);
        racers.push((browser, page, format!("root{number}@example.com")));
    }
    let sent = racers.iter().map(|(browser, page, email)| {
        let fields = [("name", "Root"), ("email", email.as_str()), ("password", PASSWORD)];
        async move { browser.submit(page, &fields).await }
    });
    let answers = futures_util::future::join_all(sent).await;
    let won = answers.iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).count();
    assert_eq!(won, 1);
    assert_eq!(home.browser().get(&link).await.status, StatusCode::FORBIDDEN, "closed for ever after");
    let winner = &racers[answers.iter().position(|answer| answer.status == StatusCode::SEE_OTHER).unwrap()].0;
    let request = winner.http.get(home.url("/api/admin/users")).bearer_auth(winner.session_token());
    let users = Response::of(request).await.json();
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn t27_a_guessed_set_up_token_makes_nobody() {
    let home = Home::empty().await;
    let link = home.setup.clone().unwrap();
    let browser = home.browser();
    let page = browser.get(&link).await;
    let csrf = page.field("csrf_token");
    for token in ["", "x", "lnk_x.y", &format!("{}x", page.field("token"))] {
        let fields =
            [("csrf_token", csrf.as_str()), ("token", token), ("email", "e@example.com"), ("password", PASSWORD)];
        let answer = browser.post("/setup", &fields).await;
        assert!(answer.status.is_client_error(), "{token:?} {}", answer.status);
    }
    for (name, password) in [("admin", "admin"), ("admin@example.com", "admin"), ("root@example.com", "changeme")] {
        assert_eq!(attempt(&browser, name, password).await.status, StatusCode::UNAUTHORIZED, "no default account");
    }
}

#[tokio::test]
async fn t29_one_account_per_name_however_it_is_written() {
    let home = Home::with(|settings| settings.registration = Registration::Open).await;
    let browser = home.browser();
    for written in ["ANN@example.com", "ann@EXAMPLE.com", " ann@example.com ", "ＡＮＮ@example.com", "Ann"] {
        assert_eq!(attempt(&browser, written, PASSWORD).await.status, StatusCode::OK, "{written:?}");
    }
    for (email, password) in
        [("ANN@EXAMPLE.COM", "a wholly other password"), ("ａnn@example.com", "a wholly other password")]
    {
        let body = json!({"email": email, "password": password, "name": "Not Ann"});
        assert_eq!(browser.call("/api/auth/sign-up/email", &body).await.status, StatusCode::OK);
        assert_eq!(
            attempt(&browser, ANN, password).await.status,
            StatusCode::UNAUTHORIZED,
            "the account is Ann's still"
        );
    }
    for bad in ["a\u{0}nn@example.com", "ann@example.com\u{200b}x@", "", "ann", "@example.com"] {
        let answer = browser.call("/api/auth/sign-up/email", &json!({"email": bad, "password": PASSWORD})).await;
        assert!(answer.status.is_client_error(), "{bad:?} {}", answer.text);
    }
}

fn without_ids(text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    for name in ["id", "createdAt", "updatedAt", "email", "name"] {
        value["user"][name] = Value::Null;
    }
    value.to_string()
}

#[tokio::test]
async fn t30_a_stranger_learns_of_no_account() {
    let home = Home::with(|settings| settings.registration = Registration::Open).await;
    let browser = home.browser();
    let unknown = attempt(&browser, "nobody@example.com", "wrong password").await;
    let wrong = attempt(&browser, ANN, "wrong password").await;
    assert_eq!((unknown.status, &unknown.text), (wrong.status, &wrong.text));
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (StatusCode::UNAUTHORIZED, &json!("INVALID_EMAIL_OR_PASSWORD"))
    );
    let page = browser.get("/sign-in").await;
    let unknown = browser.submit(&page, &[("identifier", "nobody@example.com"), ("password", "wrong password")]).await;
    let wrong = browser.submit(&page, &[("identifier", ANN), ("password", "wrong password")]).await;
    let same = |answer: &Response| answer.text.replace(ANN, "").replace("nobody@example.com", "");
    assert_eq!((unknown.status, same(&unknown)), (wrong.status, same(&wrong)));
    let sign_up = |email: &'static str| {
        let browser = &browser;
        async move {
            let body = json!({"email": email, "password": "a fine long password", "name": "N"});
            browser.call("/api/auth/sign-up/email", &body).await
        }
    };
    let (taken, new) = (sign_up(ANN).await, sign_up("new@example.com").await);
    assert_eq!((taken.status, without_ids(&taken.text)), (new.status, without_ids(&new.text)));
}

#[tokio::test]
async fn t31_t30_a_name_that_is_guessed_at_waits_and_the_right_password_works_in_its_turn() {
    let home = Home::with(|settings| settings.rate_limit.enabled = true).await;
    let mut told = Vec::new();
    for name in [ANN, "nobody@example.com"] {
        for _ in 0..5 {
            assert_eq!(attempt(&home.browser(), name, "wrong password").await.status, StatusCode::UNAUTHORIZED);
        }
        let waiting = attempt(&home.browser(), name, PASSWORD).await;
        assert_eq!(waiting.status, StatusCode::TOO_MANY_REQUESTS, "{}", waiting.text);
        assert_eq!((waiting.header("retry-after"), &waiting.json()["code"]), ("5", &json!("SIGN_IN_DELAYED")));
        told.push(waiting.text);
    }
    assert_eq!(told[0], told[1], "an account that is there waits like one that is not");
    assert_eq!(attempt(&home.browser(), BOB, PASSWORD).await.status, StatusCode::OK);
    home.clock.advance(Duration::from_secs(5));
    assert_eq!(attempt(&home.browser(), ANN, PASSWORD).await.status, StatusCode::OK);
    let rows = home.told("user.sign_in").await;
    let delayed = rows.iter().filter(|row| row.detail.get("reason") == Some(&json!("delayed"))).count();
    assert_eq!(delayed, 1, "who waits learns of once a minute");
}

#[tokio::test]
async fn t31_the_page_says_how_long_and_keeps_what_was_typed_but_the_password() {
    let home = Home::with(|settings| settings.rate_limit.enabled = true).await;
    for name in [ANN, "nobody@example.com"] {
        let browser = home.browser();
        let mut page = browser.get("/sign-in").await;
        for number in 0..5 {
            assert!(!page.has("pause"), "{number}");
            page = browser.submit(&page, &[("identifier", name), ("password", "wrong password")]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        assert!(page.has("pause") && page.text.contains("in 5 seconds"), "{}", page.text);
        assert_eq!(page.header("retry-after"), "5");
        let early = browser.submit(&page, &[("identifier", name), ("password", "the password typed")]).await;
        assert_eq!((early.status, early.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "5"));
        assert!(early.text.contains(&format!("value=\"{name}\"")) && !early.text.contains("the password typed"));
        home.clock.advance(Duration::from_secs(5));
        let right = browser.submit(&early, &[("identifier", name), ("password", PASSWORD)]).await;
        let wanted = if name == ANN { StatusCode::SEE_OTHER } else { StatusCode::UNPROCESSABLE_ENTITY };
        assert_eq!(right.status, wanted, "{}", right.text);
    }
}

/// Every way to choose a password refuses the same ones, and says which rule it was.
#[tokio::test]
async fn no_way_to_choose_a_password_lets_a_common_one_or_ones_own_name_pass() {
    let home = Home::with(|settings| settings.registration = Registration::Open).await;
    let (admin, ann, stranger) = (home.signed_in(ADMIN).await, home.signed_in(ANN).await, home.browser());
    let id = ann.get("/api/auth/get-session").await.json()["user"]["id"].as_str().unwrap().to_owned();
    let cases = [
        ("1234567", "password_too_short"),
        ("\u{e4}\u{f6}\u{fc}\u{df}", "password_too_short"),
        (&"x".repeat(129), "password_too_long"),
        ("Password1", "password_too_common"),
        ("qwertyuiop", "password_too_common"),
        ("Example-2024", "password_from_name"),
    ];
    for (password, code) in cases {
        let loud = code.to_uppercase();
        let own = json!({"currentPassword": PASSWORD, "newPassword": password});
        let answer = ann.call("/api/auth/change-password", &own).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(loud)), "change {password}");
        let new = json!({"email": "new@example.com", "password": password, "name": "New"});
        let answer = stranger.call("/api/auth/sign-up/email", &new).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(loud)), "sign up {password}");
        for (path, body) in [
            (String::from("/api/admin/users"), new.clone()),
            (format!("/api/admin/users/{id}/password"), json!({"password": password})),
        ] {
            let body =
                if path.ends_with("/users") { json!({"email": new["email"], "password": password}) } else { body };
            let request = admin.http.post(home.url(&path)).bearer_auth(admin.session_token()).json(&body);
            let answer = Response::of(request).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(code)), "{path} {password}");
        }
        let page = stranger.get("/sign-up").await;
        let fields = [("email", "new@example.com"), ("name", "New"), ("password", password)];
        let page = stranger.submit(&page, &fields).await;
        assert!(page.has("password-error"), "page {password}: {}", page.text);
    }
    let first = Home::empty().await;
    let recovered = home.cx();
    let link = auther::identity::links::issue_recovery(&recovered, ANN).await.unwrap().token;
    for (home, token) in [(&first, None), (&home, Some(link.expose().clone()))] {
        let browser = home.browser();
        let place = token.map_or_else(|| home.setup.clone().unwrap(), |token| format!("/reset-password?token={token}"));
        let mut page = browser.get(&place).await;
        for (password, _) in cases {
            let fields = [("email", "root@example.com"), ("name", "Root"), ("password", password)];
            page = browser.submit(&page, &fields).await;
            assert!(page.has("password-error"), "{place} {password}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn t31_an_address_is_limited_whatever_headers_it_sends() {
    let home = Home::with(|settings| settings.rate_limit.enabled = true).await;
    let browser = home.browser();
    let mut refused = None;
    for number in 0..40 {
        let request = browser.http.post(home.url("/api/auth/sign-in/email"));
        let request = request.header("x-forwarded-for", format!("203.0.113.{number}")).header("x-real-ip", "127.0.0.1");
        let request = request.header("forwarded", format!("for=198.51.100.{number}"));
        let body = json!({"email": format!("n{number}@example.com"), "password": "wrong password"});
        let answer = Response::of(request.json(&body)).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((number, answer));
            break;
        }
    }
    let (number, answer) = refused.expect("the limit holds for loopback too");
    assert_eq!(number, 30);
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(browser.get("/sign-in").await.status, StatusCode::OK, "looking is free");
}

#[tokio::test]
async fn t33_a_huge_password_is_refused_before_it_is_hashed() {
    let home = Home::with(|settings| settings.registration = Registration::Open).await;
    let browser = home.browser();
    let long = "x".repeat(60_000);
    assert_eq!(attempt(&browser, ANN, &long).await.status, StatusCode::UNAUTHORIZED);
    for password in [long.as_str(), "short", &"x".repeat(257)] {
        let answer =
            browser.call("/api/auth/sign-up/email", &json!({"email": "n@example.com", "password": password})).await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
        assert!(password == "short" || !answer.text.contains(password), "and is not repeated");
    }
}

#[tokio::test]
async fn t34_a_form_of_another_site_changes_nothing() {
    let home = Home::new().await;
    let browser = home.signed_in(ANN).await;
    for (path, fields) in [
        ("/logout", vec![]),
        ("/consent", vec![("action", "allow")]),
        ("/choose-account", vec![("action", "continue")]),
        ("/sign-in", vec![("identifier", BOB), ("password", PASSWORD)]),
    ] {
        let good = browser.get("/").await.field("csrf_token");
        let stranger = home.browser();
        let foreign = stranger.get("/sign-in").await.field("csrf_token");
        for (token, origin) in
            [("", &*home.origin), (&*foreign, &*home.origin), (&*good, "https://evil.example"), (&*good, "null")]
        {
            let mut all = fields.clone();
            all.push(("csrf_token", token));
            let request = browser.http.post(home.url(path)).header("origin", origin);
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(form(&all));
            let answer = Response::of(request).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {origin} {token}");
        }
        assert_eq!(browser.get("/api/auth/get-session").await.json()["user"]["email"], ANN, "{path}");
    }
}

#[tokio::test]
async fn t34_json_calls_by_cookie_need_our_own_origin() {
    let home = Home::new().await;
    let browser = home.signed_in(ANN).await;
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        for path in ["sign-out", "revoke-sessions", "delete-user", "update-user"] {
            let request = browser.http.post(home.url(&format!("/api/auth/{path}"))).header(name, value);
            let answer = Response::of(request.json(&json!({"password": PASSWORD}))).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {name}");
        }
    }
    let plain = browser.http.post(home.url("/api/auth/sign-out")).header("content-type", "text/plain").body("{}");
    assert!(Response::of(plain).await.status.is_client_error());
    assert_eq!(browser.get("/api/auth/get-session").await.json()["user"]["email"], ANN);
}

#[tokio::test]
async fn t34_a_sign_in_makes_a_new_session_and_ends_the_old() {
    let home = Home::new().await;
    let victim = home.browser();
    let attacker = home.signed_in(BOB).await;
    victim.plant(&format!("auther_session={}; Path=/", attacker.session_token()));
    victim.plant("auther_browser=chosen; Path=/");
    victim.sign_in(ANN).await;
    assert_ne!(victim.session_token(), attacker.session_token(), "nothing planted is kept");
    assert_eq!(victim.get("/api/auth/get-session").await.json()["user"]["email"], ANN);
    let first = victim.session_token();
    victim.sign_in(ANN).await;
    assert_ne!(victim.session_token(), first);
    let old = Response::of(victim.http.get(home.url("/api/auth/list-sessions")).bearer_auth(&first)).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn cookies_are_http_only_and_lax() {
    let home = Home::new().await;
    let browser = home.browser();
    let page = browser.get("/sign-in").await;
    let answer = browser.submit(&page, &[("identifier", ANN), ("password", PASSWORD)]).await;
    let lines: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"), "{line}");
        assert!(!line.contains("Domain"), "{line}");
    }
}

#[tokio::test]
async fn t38_nobody_touches_what_is_another_persons() {
    let home = Home::new().await;
    let (ann, bob) = (home.signed_in(ANN).await, home.signed_in(BOB).await);
    let own = ann.get("/api/auth/list-sessions").await.json();
    let (session, user) = (own[0]["id"].as_str().unwrap(), own[0]["userId"].clone());
    let revoke = bob.call("/api/auth/revoke-session", &json!({"token": session})).await;
    assert_eq!(revoke.status, StatusCode::NOT_FOUND, "{}", revoke.text);
    for (path, body) in [
        ("update-user", json!({"name": "Owned", "userId": user, "id": user, "email": ANN})),
        ("delete-user", json!({"password": PASSWORD, "userId": user})),
        ("revoke-sessions", json!({"userId": user})),
    ] {
        let request = bob.http.post(home.url(&format!("/api/auth/{path}?userId={}", user.as_str().unwrap())));
        Response::of(request.header("origin", &home.origin).json(&body)).await;
        bob.sign_in(if path == "update-user" { BOB } else { ADMIN }).await;
    }
    let still = ann.get("/api/auth/get-session").await.json();
    assert_eq!((&still["user"]["name"], &still["session"]["id"]), (&json!("Ann Archer"), &json!(session)));
}

#[tokio::test]
async fn t37_names_are_escaped_wherever_they_are_shown() {
    let home = Home::new().await;
    let nasty = "<img src=x onerror=alert(1)>\"'";
    let admin = home.signed_in(ADMIN).await;
    let api = |method: reqwest::Method, path: &str, body: Value| {
        let request = admin.http.request(method, home.url(path)).bearer_auth(admin.session_token());
        Response::of(request.json(&body))
    };
    let renamed = api(reqwest::Method::PATCH, "/api/admin/clients/wiki", json!({"name": nasty})).await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text);
    let renamed = api(reqwest::Method::PATCH, &format!("/api/admin/users/{ANN}"), json!({"name": nasty})).await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text);
    let (browser, wiki) = (home.browser(), home.app("wiki"));
    let hint = [("login_hint", nasty), ("state", nasty), ("prompt", "login consent")];
    let sign_in = browser.visit(&wiki.request("openid email profile", &hint)).await;
    let answer = browser.submit(&sign_in, &[("identifier", ANN), ("password", PASSWORD)]).await;
    let consent = browser.follow(answer).await;
    assert!(consent.has("consent-allow"), "{}", consent.text);
    let refused = browser.get(&wiki.request("openid", &[("redirect_uri", nasty)])).await;
    let places =
        ["/", "/logout", "/choose-account?continue=%3Cimg", "/error?error=%3Cimg%20src=x%20onerror=alert(1)%3E"];
    let mut pages = vec![sign_in, consent, refused];
    for place in places {
        pages.push(browser.get(place).await);
    }
    for page in pages {
        assert!(!page.text.contains("<img src=x"), "{}", page.url);
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe-"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn t23_t24_no_malformed_sign_in_gets_in() {
    let home = Home::new().await;
    for body in [
        json!({}),
        json!({"email": ANN}),
        json!({"email": ANN, "password": ""}),
        json!({"email": ANN, "password": null}),
        json!({"email": ANN, "password": [PASSWORD]}),
        json!({"email": ANN, "password": {"$ne": ""}}),
        json!({"email": [ANN], "password": PASSWORD}),
        json!({"email": "", "password": PASSWORD}),
        json!({"password": PASSWORD}),
        json!([ANN, PASSWORD]),
        json!(null),
    ] {
        let browser = home.browser();
        let answer = browser.call("/api/auth/sign-in/email", &body).await;
        assert!(answer.status.is_client_error(), "{body} {}", answer.status);
        assert_eq!(browser.cookie("auther_session"), None, "{body}");
    }
    for cookie in ["", "x", "ses_x.y", "null", "%00", "ses_01.AAAA"] {
        let browser = home.browser();
        browser.plant(&format!("auther_session={cookie}; Path=/"));
        assert_eq!(browser.get("/api/auth/get-session").await.text, "null", "{cookie}");
        assert!(browser.visit(&home.app("shop").request("openid", &[])).await.has("password"), "{cookie}");
    }
    let waiting = home.browser();
    let page = waiting.visit(&home.app("shop").request("openid", &[])).await;
    let resumed =
        waiting.get(&format!("/api/auth/oauth2/authorize?{}", form(&[("interaction", &page.field("continue"))]))).await;
    assert!(!resumed.location().contains("code="), "an unanswered sign-in is none");
}

#[tokio::test]
async fn registration_is_closed_unless_somebody_opens_it() {
    let home = Home::new().await;
    let browser = home.browser();
    let body = json!({"email": "new@example.com", "password": "a fine long password", "name": "N"});
    assert_eq!(browser.call("/api/auth/sign-up/email", &body).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/sign-up").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn t23_the_token_of_an_asked_for_sign_in_does_not_pass_for_a_consent() {
    let home = Home::new().await;
    let browser = home.signed_in(ANN).await;
    let asked = browser.get(&home.app("shop").request("openid", &[("prompt", "login")])).await;
    let waiting = asked.location().split_once("continue=").expect("it asks to sign in again").1.to_owned();
    let csrf = browser.visit("/").await.field("csrf_token");
    let fields = [("csrf_token", csrf.as_str()), ("continue", waiting.as_str()), ("action", "allow")];
    let answer = browser.post("/consent", &fields).await;
    assert!(answer.location().starts_with("/sign-in?"), "{} {}", answer.status, answer.location());
}
