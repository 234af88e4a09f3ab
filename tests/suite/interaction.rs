//! An authorization request that waits for a person: bound to its browser, answered once, and only a proof that was
//! given for it counts.

use std::time::Duration;

use reqwest::StatusCode;

use crate::harness::{ANN, BOB, Browser, Callback, Home, PASSWORD, Response, Tokens, form, payload};

/// What asks for a proof or a choice.
const WISHES: [(&str, &str); 4] =
    [("prompt", "login"), ("max_age", "0"), ("prompt", "select_account"), ("prompt", "consent")];

/// Every address that takes a request up again.
const PLACES: [&str; 5] = [
    "/sign-in?continue",
    "/sign-up?continue",
    "/choose-account?continue",
    "/consent?continue",
    "/api/auth/oauth2/authorize?interaction",
];

/// The token of the request that a page waits with.
fn token(page: &Response) -> String {
    let (_, value) =
        page.url.query_pairs().find(|(name, _)| name == "continue").unwrap_or_else(|| panic!("{}", page.url));
    value.into_owned()
}

fn with(place: &str, token: &str) -> String {
    let (path, name) = place.split_once('?').unwrap();
    format!("{path}?{}", form(&[(name, token)]))
}

/// Where the page offers to start again.
fn start_again(page: &Response) -> String {
    assert!(page.text.contains("Start again"), "{} {}", page.status, page.text);
    let link = page.text.split("href=\"").find(|rest| rest.starts_with("/api/auth/oauth2/authorize?"));
    link.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{}", page.text)).replace("&#38;", "&")
}

fn has_code(answer: &Response) -> bool {
    let location = answer.location();
    location.starts_with("https://") && !Callback::of(location).get("code").is_empty()
}

async fn finish(browser: &Browser, page: Response) -> Response {
    let answer = browser.submit(&page, &[("identifier", ANN), ("password", PASSWORD)]).await;
    browser.follow(answer).await
}

/// What a page asks for: its password, a choice, a consent, or to start again.
fn asks(page: &Response) -> bool {
    let names_app = page.has("password") || page.has("consent-allow") || page.url.path() == "/choose-account";
    names_app || page.url.path() == "/sign-up" || page.text.contains("Start again")
}

#[tokio::test]
async fn bug_class_11_what_waits_in_one_browser_gives_no_code_in_another() {
    let home = Home::new().await;
    let shop = home.app("shop");
    for wish in WISHES {
        for is_signed_in_there in [false, true] {
            let theirs = if is_signed_in_there { home.signed_in(BOB).await } else { home.browser() };
            let token = token(&theirs.visit(&shop.request("openid", &[wish])).await);
            home.clock.advance(Duration::from_secs(1));
            for place in PLACES {
                // One who was there before, one who signs in by themselves afterwards, and one who is a stranger.
                let later = home.signed_in(ANN).await;
                for (browser, about) in [(&later, "signed in later"), (&home.browser(), "nobody")] {
                    let page = browser.visit(&with(place, &token)).await;
                    assert!(!has_code(&page), "{wish:?} {place} {about}: {}", page.location());
                    assert!(asks(&page), "{wish:?} {place} {about}: {} {} {}", page.status, page.url, page.text);
                }
                let own = later.get("/sign-in").await;
                for (path, action) in [("/sign-in", ""), ("/choose-account", "continue"), ("/consent", "allow")] {
                    let csrf = own.field("csrf_token");
                    let fields = [("csrf_token", &*csrf), ("continue", &token), ("action", action)];
                    let answer = later.post(path, &fields).await;
                    let page = later.follow(answer).await;
                    assert!(!has_code(&page) && asks(&page), "{wish:?} {path}: {} {}", page.status, page.text);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_is_opened_in_another_browser_begins_anew_there() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let token = token(&home.browser().visit(&shop.request("openid", &[("prompt", "login")])).await);
    let ann = home.signed_in(ANN).await;
    let page = ann.visit(&with("/sign-in?continue", &token)).await;
    assert!(page.has("password"), "{}", page.text);
    let answer = finish(&ann, page).await;
    let tokens = Tokens::of(&shop.redeem(Callback::of(answer.location()).code()).await);
    assert_eq!(payload(&tokens.id)["auth_time"], home.now().seconds());
}

#[tokio::test]
async fn a_sign_in_that_did_not_carry_the_request_proves_nothing_to_it() {
    let home = Home::new().await;
    let shop = home.app("shop");
    for wish in [("prompt", "login"), ("max_age", "0"), ("prompt", "select_account")] {
        let browser = home.signed_in(ANN).await;
        let waiting = browser.visit(&shop.request("openid", &[wish])).await;
        let token = token(&waiting);
        home.clock.advance(Duration::from_secs(5));
        // In another window of the same browser, for nothing and for another app.
        browser.sign_in(ANN).await;
        let page = browser.visit(&with("/api/auth/oauth2/authorize?interaction", &token)).await;
        assert!(!has_code(&page) && asks(&page), "{wish:?} {}", page.location());
        browser.authorize_as(ANN, &home.app("strict").request("openid", &[("prompt", "login")])).await;
        let page = browser.visit(&with("/api/auth/oauth2/authorize?interaction", &token)).await;
        assert!(!has_code(&page) && asks(&page), "{wish:?} {}", page.location());
        // One that carries it does.
        let form = browser.visit(&with("/sign-in?continue", &token)).await;
        assert!(has_code(&finish(&browser, form).await), "{wish:?}");
    }
}

#[tokio::test]
async fn a_choice_counts_in_the_session_in_which_it_was_made() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let browser = home.signed_in(ANN).await;
    let page = browser.visit(&shop.request("openid", &[("prompt", "select_account")])).await;
    let chosen = browser.submit(&page, &[("action", "continue")]).await;
    browser.sign_in(BOB).await;
    let page = browser.follow(chosen).await;
    assert_eq!(page.url.path(), "/choose-account", "{}", page.location());
    assert!(page.text.contains(BOB));
}

#[tokio::test]
async fn a_request_gets_one_code_and_going_back_leads_to_a_new_start() {
    let home = Home::new().await;
    let wiki = home.app("wiki");
    let browser = home.browser();
    let form_page = browser.visit(&wiki.request("openid email", &[])).await;
    let consent = finish(&browser, form_page.clone()).await;
    assert!(consent.has("consent-allow"), "{}", consent.text);
    let allowed = browser.submit(&consent, &[("action", "allow")]).await;
    assert!(has_code(&allowed), "{}", allowed.text);
    // Back, and pressed again; or back to the pages before.
    let again = browser.submit(&consent, &[("action", "allow")]).await;
    let denied = browser.submit(&consent, &[("action", "deny")]).await;
    let mut pages = vec![again, denied];
    for place in PLACES {
        pages.push(browser.visit(&with(place, &token(&consent))).await);
        pages.push(browser.visit(&with(place, &token(&form_page))).await);
    }
    let own = browser.get("/sign-in").await;
    let (csrf, before) = (own.field("csrf_token"), token(&form_page));
    let fields = [("csrf_token", &*csrf), ("continue", &*before), ("identifier", ANN), ("password", PASSWORD)];
    pages.push(browser.post("/sign-in", &fields).await);
    for page in pages {
        assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{}", page.url);
        let answer = browser.visit(&start_again(&page)).await;
        assert!(has_code(&answer), "nothing more is asked: {} {}", answer.url, answer.text);
    }
}

#[tokio::test]
async fn of_many_who_take_a_request_up_at_once_one_gets_a_code() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let browser = home.browser();
    let page = browser.visit(&shop.request("openid", &[("prompt", "login")])).await;
    let answer = browser.submit(&page, &[("identifier", ANN), ("password", PASSWORD)]).await;
    let place = answer.location().to_owned();
    let answers = futures_util::future::join_all((0..64).map(|_| browser.get(&place))).await;
    assert_eq!(answers.iter().filter(|answer| has_code(answer)).count(), 1);
    assert_eq!(home.told("authorize.grant").await.len(), 1);
    for answer in answers.iter().filter(|answer| !has_code(answer)) {
        assert!(answer.status == StatusCode::BAD_REQUEST && !start_again(answer).is_empty(), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_refusal_is_the_one_answer_too() {
    let home = Home::new().await;
    let browser = home.signed_in(ANN).await;
    let consent = browser.visit(&home.app("wiki").request("openid", &[])).await;
    let denied = browser.submit(&consent, &[("action", "deny")]).await;
    assert_eq!(Callback::of(denied.location()).get("error"), "access_denied");
    for action in ["allow", "deny"] {
        let page = browser.submit(&consent, &[("action", action)]).await;
        assert!(!start_again(&page).is_empty(), "{action}");
    }
    assert!(home.told("consent.allow").await.is_empty(), "nothing was allowed");
    assert_eq!(home.told("consent.deny").await.len(), 1);
}

#[tokio::test]
async fn a_page_that_was_open_too_long_begins_anew() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let browser = home.browser();
    let page = browser.visit(&shop.request("openid", &[])).await;
    home.advance(Duration::from_secs(3601)).await;
    let late = browser.submit(&page, &[("identifier", ANN), ("password", PASSWORD)]).await;
    let form = browser.visit(late.location()).await;
    assert!(form.has("password"), "{}", form.text);
    assert!(has_code(&finish(&browser, form).await));
}

#[tokio::test]
async fn the_first_visit_gives_the_browser_its_name_and_one_without_cookies_is_told() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let browser = home.browser();
    let answer = browser.get(&shop.request("openid", &[])).await;
    assert!(answer.header("set-cookie").starts_with("auther_browser="), "{:?}", answer.headers);
    assert!(browser.get(answer.location()).await.has("password"));
    let forgetful = home.app("shop");
    let mut place = home.url(&shop.request("openid", &[]));
    for _ in 0..2 {
        let answer = Response::of(forgetful.http().get(&place)).await;
        if answer.status == StatusCode::BAD_REQUEST {
            assert!(answer.text.contains("cookies"), "{}", answer.text);
            return;
        }
        place = home.url(answer.location());
    }
    panic!("round in circles: {place}");
}

#[tokio::test]
async fn two_apps_that_open_at_once_on_the_first_visit_are_both_signed_in_to() {
    let home = Home::new().await;
    let apps = ["shop", "strict"].map(|id| home.app(id));
    let browser = home.browser();
    let mut pages = Vec::new();
    for app in &apps {
        // Both leave before either answer is there: each answer gives the browser another name.
        let nameless = home.browser();
        let answer = nameless.get(&app.request("openid", &[])).await;
        browser.plant(answer.header("set-cookie"));
        pages.push(answer.location().to_owned());
    }
    for page in pages {
        let form = browser.visit(&page).await;
        let answer = if form.has("password") { finish(&browser, form).await } else { form };
        assert!(has_code(&answer), "{} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn a_script_without_the_cookie_is_sent_to_the_request_itself() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let request = shop.http().get(home.url(&shop.request("openid", &[]))).header("sec-fetch-mode", "cors");
    let answer = Response::of(request).await.json();
    let url = answer["url"].as_str().unwrap();
    assert!(url.starts_with(&home.url("/api/auth/oauth2/authorize?")), "{url}");
    let callback = home.browser().authorize_as(ANN, url).await;
    assert!(!callback.code().is_empty());
}

#[tokio::test]
async fn an_app_that_posts_its_request_from_its_own_site_reaches_every_page() {
    let home = Home::new().await;
    let (wiki, browser) = (home.app("wiki"), home.browser());
    let query = wiki.query("openid", &[("prompt", "login"), ("response_mode", "form_post")]);
    // A browser leaves our cookies out of a form that another site posts.
    let bare = home.browser().http;
    let post = bare.post(home.url("/api/auth/oauth2/authorize")).header("origin", "https://wiki.example.com");
    let post = Response::of(post.header("content-type", "application/x-www-form-urlencoded").body(query)).await;
    let form = browser.visit(post.location()).await;
    let consent = finish(&browser, form).await;
    let page = browser.submit(&consent, &[("action", "allow")]).await;
    assert_eq!((page.status, page.action()), (StatusCode::OK, wiki.redirect_uri.clone()));
    Tokens::of(&wiki.redeem(&page.field("code")).await);
}
