//! No answer has a head, and no address that is made here a length, that web servers on the way refuse: nginx takes
//! 4 KiB for the whole head of an answer as it comes.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::api_keys::Program;
use crate::harness::{ADMIN, ANN, Callback, Home, PASSWORD, Response, form};

const MOST: usize = 4_096;

/// The head of an answer as it is sent, in bytes.
fn head(answer: &Response) -> usize {
    let lines = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    lines.sum::<usize>() + "HTTP/1.1 303 See Other\r\n\r\n".len() + "date: Mon, 30 Nov 2026 20:00:00 GMT\r\n".len()
}

/// Asserts the bounds of an answer: its head, and every address in it.
fn is_short(answer: &Response, what: &str) {
    assert!(head(answer) <= MOST, "{what}: a head of {} bytes: {:?}", head(answer), answer.headers);
    assert!(!answer.status.is_server_error(), "{what}: {}", answer.text);
    for name in ["href=\"", "action=\"", "url="] {
        for rest in answer.text.split(name).skip(1) {
            let address = rest.split('"').next().unwrap_or_default();
            assert!(address.len() <= MOST, "{what}: an address of {} bytes", address.len());
        }
    }
}

#[tokio::test]
async fn no_head_and_no_address_of_a_sign_in_is_longer_than_servers_take() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let mut reached = 0;
    for name in
        ["state", "nonce", "login_hint", "claims", "acr_values", "ui_locales", "unknown", "redirect_uri", "scope"]
    {
        for length in [900, 1_900, 2_250, 2_500, 5_000, 8_000] {
            let value = match name {
                "claims" => json!({"id_token": {"x".repeat(length): null}}).to_string(),
                "redirect_uri" => format!("{}&{}", shop.redirect_uri, "x".repeat(length)),
                _ => "x".repeat(length),
            };
            for mode in ["query", "form_post"] {
                let what = format!("{name} {length} {mode}");
                let place = shop.request("openid", &[(name, &value), ("response_mode", mode)]);
                let browser = home.browser();
                let by_form = browser.post("/api/auth/oauth2/authorize", &pairs(&place)).await;
                is_short(&by_form, &format!("form {what}"));
                let mut answer = browser.get(&place).await;
                is_short(&answer, &what);
                // Each step of a willing person, with each answer of it.
                for _ in 0..8 {
                    let next = answer.leads_to();
                    answer = if next.starts_with('/') {
                        browser.get(&next).await
                    } else if answer.has("password") {
                        is_short(&browser.submit(&answer, &[("identifier", ANN), ("password", "wrong")]).await, &what);
                        browser.submit(&answer, &[("identifier", ANN), ("password", PASSWORD)]).await
                    } else {
                        break;
                    };
                    is_short(&answer, &what);
                }
                let end = answer.leads_to();
                assert!(end.len() <= MOST, "{what}");
                if mode == "query" && end.starts_with(&*shop.redirect_uri) && end.contains("code=") {
                    reached += 1;
                    let callback = Callback::of(&end);
                    assert_eq!(callback.get("state"), if name == "state" { &*value } else { "st&ate=1" }, "{what}");
                }
                // What does not reach the app says so, to it or on a page.
                let is_told = answer.status == StatusCode::BAD_REQUEST || end.starts_with("https://shop.");
                assert!(is_told || answer.action() == shop.redirect_uri, "{what}: {} {}", answer.status, answer.text);
            }
        }
    }
    assert!(reached >= 12, "{reached}");
}

fn pairs(place: &str) -> Vec<(&str, &str)> {
    let query = place.split_once('?').unwrap().1;
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let leak = |text: std::borrow::Cow<'_, str>| -> &'static str { Box::leak(text.into_owned().into_boxed_str()) };
    pairs.map(|(name, value)| (leak(name), leak(value))).collect()
}

#[tokio::test]
async fn an_id_token_as_hint_does_not_travel_through_addresses() {
    let home = Home::new().await;
    let shop = home.app("shop");
    let nonce = "n".repeat(1_000);
    let callback = home.browser().authorize_as(ANN, &shop.request("openid email", &[("nonce", &nonce)])).await;
    let id = crate::harness::Tokens::of(&shop.redeem(callback.code()).await).id;
    assert!(id.len() > 2_000, "{}", id.len());
    let browser = home.browser();
    let place = shop.request("openid", &[("id_token_hint", &id)]);
    for answer in [browser.get(&place).await, browser.post("/api/auth/oauth2/authorize", &pairs(&place)).await] {
        is_short(&answer, "hint");
        assert!(answer.leads_to().len() < 1_500, "{}", answer.leads_to());
    }
    // It still says who is meant.
    let callback = browser.authorize_as(ANN, &place).await;
    assert!(!callback.code().is_empty());
    let page = home.signed_in(ADMIN).await.visit(&place).await;
    assert!(page.has("password"), "another person: {}", page.text);
    let wrong = shop.request("openid", &[("id_token_hint", "x.y.z")]);
    let wrong = browser.post("/api/auth/oauth2/authorize", &pairs(&wrong)).await;
    let answer = browser.follow(wrong).await;
    assert_eq!(Callback::of(&answer.leads_to()).get("error"), "invalid_request");
    // Nor does one that is shown to sign out; and it signs out.
    let bye = [("id_token_hint", &*id), ("post_logout_redirect_uri", "https://shop.example.com/bye"), ("state", "s")];
    let answer = browser.post("/api/auth/oauth2/end-session", &bye).await;
    is_short(&answer, "sign out");
    assert!(answer.leads_to().len() < 1_500);
    let answer = browser.follow(answer).await;
    assert!(answer.has("logout-confirm"), "an older session: {}", answer.text);
}

#[tokio::test]
async fn no_head_of_another_answer_is_longer_than_servers_take() {
    let home = Home::new().await;
    let (browser, shop) = (home.signed_in(ANN).await, home.app("shop"));
    let admin = Program::of(&home, ADMIN).await;
    // An app of very many hosts.
    let hosts: Vec<String> = (0..99).map(|n| format!("https://host-{n}-{}.example.com/cb", "x".repeat(40))).collect();
    let uris: Vec<&str> = hosts.iter().map(String::as_str).chain([&*shop.redirect_uri]).collect();
    let body = json!({"redirect_uris": uris, "trusted": false});
    assert_eq!(admin.send(Method::PATCH, "/api/admin/clients/shop", body).await.status, StatusCode::OK);
    is_short(&home.browser().visit(&shop.request("openid", &[])).await, "the sign-in page of an app of many hosts");
    is_short(&browser.visit(&shop.request("openid email", &[])).await, "its consent page");
    for length in [1_000, 1_990, 2_500, 8_000, 30_000] {
        let long = "x".repeat(length);
        for place in [
            format!("/sign-in?continue=/{long}"),
            format!("/sign-in?continue={long}"),
            format!("/sign-in?continue=/%25{}", "%25".repeat(length / 3)),
            format!("/sign-up?continue=/{long}&invite={long}"),
            format!("/logout?continue={long}"),
            format!("/setup?token={long}"),
            format!("/{long}"),
            format!("/api/{long}"),
            format!("/admin/{long}"),
            format!("/account?x={long}"),
            format!("/api/auth/oauth2/userinfo?access_token={long}"),
            format!("/api/auth/oauth2/authorize?client_id={long}"),
            format!("/api/auth/oauth2/authorize?interaction={long}"),
            format!(
                "/api/auth/oauth2/end-session?{}",
                form(&[
                    ("client_id", "shop"),
                    ("state", &long),
                    ("post_logout_redirect_uri", "https://shop.example.com/bye")
                ])
            ),
            format!("/api/auth/oauth2/end-session?id_token_hint={long}"),
        ] {
            for browser in [&home.browser(), &browser] {
                let Ok(answer) = browser.http.get(browser.whole(&place)).send().await else { continue };
                let (status, headers, url) = (answer.status(), answer.headers().clone(), answer.url().clone());
                let answer = Response { status, headers, url, text: answer.text().await.unwrap() };
                is_short(&answer, &place[..place.len().min(80)]);
                let next = answer.leads_to();
                assert!(next.len() <= MOST, "{}", &place[..60]);
            }
        }
        for place in [
            "/sign-in",
            "/sign-up",
            "/consent",
            "/choose-account",
            "/logout",
            "/api/auth/oauth2/token",
            "/api/auth/oauth2/end-session",
            "/api/auth/oauth2/revoke",
        ] {
            let fields = [("continue", &*long), ("identifier", &*long), ("state", &*long), ("client_id", &*long)];
            is_short(&browser.post(place, &fields).await, place);
        }
        let request = browser.http.get(home.url("/api/auth/oauth2/userinfo")).bearer_auth(&long[..length.min(8_000)]);
        is_short(&Response::of(request.header("origin", format!("https://{}", &long[..900]))).await, "userinfo");
    }
}
