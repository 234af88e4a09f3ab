//! Pages that were drawn before something changed: somebody signed in or out in another tab, or an hour went by. Each
//! leads on; none does what its form says, and none is a dead end.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

use super::{OWN, PASSWORD, Site, Tab, TestResponse, authorize};
use crate::oauth::keys;
use crate::records::Algorithm;

const SESSION: &str = "__Host-auther_session";

async fn site() -> Site {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    site.person("bob@example.com", &[]).await;
    site.client(true).await;
    site
}

/// Sends the form of a page as it was drawn, with these fields in the place of those it had.
async fn send_form(tab: &mut Tab<'_>, at: &str, drawn: &TestResponse, more: &[(&str, &str)]) -> TestResponse {
    let (csrf, token) = (drawn.field("csrf_token"), drawn.field("continue"));
    let mut fields = vec![("csrf_token", csrf.as_str()), ("continue", token.as_str())];
    fields.extend_from_slice(more);
    tab.post(at, &fields).await
}

/// Goes on until something is no redirect to a page of this site.
async fn follow(tab: &mut Tab<'_>, mut answer: TestResponse) -> TestResponse {
    for _ in 0..5 {
        if answer.status != StatusCode::SEE_OTHER && answer.status != StatusCode::FOUND {
            return answer;
        }
        let next = answer.location().to_owned();
        if !next.starts_with('/') {
            return answer;
        }
        answer = tab.get(&next).await;
    }
    panic!("goes round in circles");
}

#[actix_web::test]
async fn a_sign_in_page_of_before_the_sign_in_leads_on_to_the_app() {
    let site = site().await;
    let mut tab = Tab::new(&site);
    let mut asked = Vec::new();
    for nonce in ["n1", "n2", "n3", "n4"] {
        asked.push(tab.get(&authorize(&format!("&nonce={nonce}"))).await.location().to_owned());
    }
    let mut drawn = Vec::new();
    for page in &asked[1..] {
        drawn.push(tab.get(page).await);
    }
    tab.sign_in(&asked[0], "ann@example.com", PASSWORD).await;
    let session = tab.cookie(SESSION).unwrap().to_owned();
    let typed = [[("identifier", "ann@example.com"), ("password", PASSWORD)], [("identifier", ""), ("password", "")]];
    for (drawn, typed) in drawn.iter().zip(&typed) {
        let answer = send_form(&mut tab, "/sign-in", drawn, typed).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{typed:?}");
        let end = follow(&mut tab, answer).await;
        assert!(end.location().starts_with("https://app.example.com/cb?"), "{}", end.location());
    }
    assert_eq!(tab.cookie(SESSION), Some(session.as_str()), "nobody signed in anew");
    // Another person's name is another wish: the page says what happened, and works when it is sent again.
    let bobs = [("identifier", "bob@example.com"), ("password", PASSWORD)];
    let answer = send_form(&mut tab, "/sign-in", &drawn[2], &bobs).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("in another tab") && answer.body.contains("bob@example.com"));
    assert_eq!(send_form(&mut tab, "/sign-in", &answer, &bobs).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_page_without_an_app_leads_on_to_where_it_was_to_lead() {
    let site = site().await;
    let mut tab = Tab::new(&site);
    let drawn = tab.get("/sign-in?redirectTo=/account").await;
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let typed = [("identifier", "Ann@example.com"), ("password", PASSWORD)];
    let answer = send_form(&mut tab, "/sign-in", &drawn, &typed).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account"));
}

#[actix_web::test]
async fn a_consent_page_of_before_another_sign_in_asks_again_and_grants_nothing() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    site.person("bob@example.com", &[]).await;
    site.client(false).await;
    for next in ["ann@example.com", "bob@example.com"] {
        let mut tab = Tab::new(&site);
        let asked = tab.get(&authorize("&prompt=consent")).await;
        let entered = tab.sign_in(asked.location(), "ann@example.com", PASSWORD).await;
        let consent = tab.get(entered.location()).await.location().to_owned();
        let drawn = tab.get(&consent).await;
        assert!(drawn.body.contains("consent-allow"));
        tab.sign_in("/sign-in", next, PASSWORD).await;
        let answer = send_form(&mut tab, "/consent", &drawn, &[("action", "allow")]).await;
        let page = follow(&mut tab, answer).await;
        assert!(page.body.contains("consent-allow") && page.body.contains(next), "{next}: {}", page.location());
        let answer = send_form(&mut tab, "/consent", &page, &[("action", "allow")]).await;
        assert!(answer.location().starts_with("https://app.example.com/cb?code="), "{}", answer.location());
    }
}

#[actix_web::test]
async fn a_choice_of_account_of_before_another_sign_in_asks_again() {
    let site = site().await;
    let mut tab = Tab::new(&site);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let asked = tab.get(&authorize("&prompt=select_account")).await;
    let drawn = tab.get(asked.location()).await;
    assert!(drawn.body.contains("ann@example.com"), "{}", drawn.body);
    tab.sign_in("/sign-in", "bob@example.com", PASSWORD).await;
    let answer = send_form(&mut tab, "/choose-account", &drawn, &[("action", "go")]).await;
    let page = follow(&mut tab, answer).await;
    assert!(page.body.contains("bob@example.com"), "the choice is another one now");
}

#[actix_web::test]
async fn a_sign_out_page_of_before_another_sign_in_asks_again_and_one_of_before_the_sign_out_is_done() {
    let site = site().await;
    let mut tab = Tab::new(&site);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let drawn = tab.get("/logout").await;
    tab.sign_in("/sign-in", "bob@example.com", PASSWORD).await;
    let asked = send_form(&mut tab, "/logout", &drawn, &[]).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.body.contains("bob@example.com") && tab.cookie(SESSION).is_some());
    let done = send_form(&mut tab, "/logout", &asked, &[]).await;
    assert_eq!((done.status, tab.cookie(SESSION)), (StatusCode::SEE_OTHER, None));
    let again = send_form(&mut tab, "/logout", &asked, &[]).await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/logout"));
}

#[actix_web::test]
async fn forms_of_another_origin_lead_nowhere_and_do_nothing() {
    let site = site().await;
    let mut tab = Tab::new(&site);
    let asked = tab.get(&authorize("")).await;
    let drawn = tab.get(asked.location()).await;
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    tab.origin = Some("https://evil.example");
    for at in ["/consent", "/choose-account", "/logout"] {
        let answer = send_form(&mut tab, at, &drawn, &[("action", "allow")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{at}");
    }
    let answer = send_form(&mut tab, "/sign-in", &drawn, &[("identifier", ""), ("password", "")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // Nor do those that were drawn for another browser, wherever they come from.
    tab.origin = Some(OWN);
    let others = Tab::new(&site).get("/sign-in").await;
    for at in ["/consent", "/choose-account", "/logout", "/sign-in"] {
        let answer = send_form(&mut tab, at, &others, &[("action", "allow")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{at}");
    }
    assert!(tab.cookie(SESSION).is_some());
}

#[actix_web::test]
async fn a_browser_that_keeps_no_cookies_is_told_so() {
    let site = site().await;
    let drawn = Tab::new(&site).get("/sign-in").await;
    let mut tab = Tab::new(&site);
    let typed = [("identifier", "ann@example.com"), ("password", PASSWORD)];
    let answer = send_form(&mut tab, "/sign-in", &drawn, &typed).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("does not keep cookies") && !answer.body.contains("another tab"));
}

#[actix_web::test]
async fn a_page_that_was_left_open_or_bookmarked_begins_its_request_anew() {
    let site = site().await;
    let mut tab = Tab::new(&site);
    let asked = tab.get(&authorize("")).await;
    let bookmark = asked.location().to_owned();
    let drawn = tab.get(&bookmark).await;
    site.home.advance(Duration::from_secs(2 * 3600));
    let typed = [("identifier", "ann@example.com"), ("password", PASSWORD)];
    let late = send_form(&mut tab, "/sign-in", &drawn, &typed).await;
    let page = follow(&mut tab, late).await;
    assert!(page.body.contains("Grafana") && page.body.contains("name=\"password\""), "a form that works");
    let resumed = tab.get(&bookmark.replace("/sign-in?continue=", "/oauth2/authorize?interaction=")).await;
    assert!(follow(&mut tab, resumed).await.body.contains("name=\"password\""));
    for tab in [&mut tab, &mut Tab::new(&site)] {
        let again = tab.get(&bookmark).await;
        assert!(again.location().contains("/oauth2/authorize?client_id=grafana"), "{}", again.location());
        let page = tab.get(again.location()).await.location().to_owned();
        let entered = tab.sign_in(&page, "ann@example.com", PASSWORD).await;
        let end = follow(tab, entered).await;
        assert!(end.location().starts_with("https://app.example.com/cb?code="), "{}", end.location());
    }
}

#[actix_web::test]
async fn a_code_on_its_way_survives_that_the_person_proves_again_who_they_are() {
    let site = site().await;
    keys::tick(&site.home.cx(), &[Algorithm::RS256]).await.unwrap();
    let mut tab = Tab::new(&site);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    for (next, works) in [("ann@example.com", true), ("bob@example.com", false)] {
        let answer = tab.get(&authorize("")).await;
        let code = answer.location().split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap().to_owned();
        tab.sign_in("/sign-in", next, PASSWORD).await;
        tab.sign_in("/sign-in", next, PASSWORD).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "grafana"),
            ("code", &code),
            ("redirect_uri", "https://app.example.com/cb"),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ];
        let tokens = site.send(TestRequest::post().uri("/oauth2/token").set_form(fields)).await;
        assert_eq!(tokens.status == StatusCode::OK, works, "{next}: {}", tokens.body);
        if works {
            // The family belongs to the session of now: to end that ends it.
            let access = tokens.json()["access_token"].as_str().unwrap().to_owned();
            let userinfo = || {
                TestRequest::get().uri("/oauth2/userinfo").insert_header(("authorization", format!("Bearer {access}")))
            };
            assert_eq!(site.send(userinfo()).await.status, StatusCode::OK);
            let drawn = tab.get("/logout").await;
            send_form(&mut tab, "/logout", &drawn, &[]).await;
            assert_eq!(site.send(userinfo()).await.status, StatusCode::UNAUTHORIZED);
            tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
        }
    }
}

#[actix_web::test]
async fn a_byte_that_is_no_text_in_a_cookie_of_another_program_hides_none_of_ours() {
    let site = site().await;
    let mut tab = Tab::new(&site);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let ours =
        tab.cookies.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect::<Vec<_>>().join("; ");
    for other in ["theirs=\u{0}x", "theirs", "=", "theirs==;;", "__Host-auther_sessions=x"] {
        for line in [format!("{other}; {ours}"), format!("{ours}; {other}")] {
            let mut line = line.into_bytes();
            for byte in &mut line {
                if *byte == 0 {
                    *byte = 0xff;
                }
            }
            let value = actix_web::http::header::HeaderValue::from_bytes(&line).unwrap();
            let home = site.send(TestRequest::get().uri("/").insert_header(("cookie", value.clone()))).await;
            assert!(home.body.contains("ann@example.com"), "{other}: {}", home.status);
            let drawn = site.send(TestRequest::get().uri("/logout").insert_header(("cookie", value))).await;
            assert!(drawn.body.contains("csrf_token"));
        }
    }
    let request = TestRequest::default().method(Method::GET).uri("/").insert_header(("origin", OWN));
    assert!(!site.send(request).await.body.contains("ann@example.com"));
}
