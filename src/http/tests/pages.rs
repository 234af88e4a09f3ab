use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use serde_json::json;

use super::{Desk, PASSWORD, Site, Tab, authorize};
use crate::base::Secret;
use crate::config::Registration;
use crate::identity::proofs::kinds;
use crate::identity::sign_in::{Outcome, Visit};
use crate::identity::{invites, links, sessions};
use crate::records::ProofKind;

const SESSION: &str = "__Host-auther_session";

#[actix_web::test]
async fn a_set_up_link_makes_the_first_administrator_once() {
    let site = Site::open().await;
    let token = links::issue_setup(&site.home.cx()).await.unwrap().unwrap();
    let uri = format!("/setup?token={}", token.expose());
    let mut tab = Tab::new(&site);
    let page = tab.get(&uri).await;
    assert_eq!(page.status, StatusCode::OK);
    let csrf = page.field("csrf_token");
    let fields = [
        ("csrf_token", &*csrf),
        ("token", token.expose()),
        ("name", "Ann"),
        ("email", "ann@example.com"),
        ("password", PASSWORD),
    ];
    let done = tab.post("/setup", &fields).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"));
    let home = tab.get("/").await;
    assert!(home.body.contains("ann@example.com") && home.body.contains("auther admin client create"));
    let mut other = Tab::new(&site);
    let closed = other.get(&uri).await;
    assert_eq!(closed.status, StatusCode::FORBIDDEN);
    assert!(closed.body.contains("Set-up is finished"));
    let again = tab.post("/setup", &fields).await;
    assert_ne!(again.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_person_signs_in_and_out() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    let answer = tab.sign_in("/sign-in?redirectTo=/logout", "Ann@Example.com", PASSWORD).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/logout"));
    let line =
        answer.headers.get_all("set-cookie").map(|line| line.to_str().unwrap()).find(|line| line.contains(SESSION));
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(line.unwrap().contains(part), "{line:?}");
    }
    let token = tab.cookie(SESSION).unwrap().to_owned();
    let page = tab.get("/logout").await;
    assert!(page.body.contains("logout-confirm"));
    assert!(sessions::resolve(&site.home.cx(), &token).unwrap().is_some(), "looking ends nothing");
    let csrf = page.field("csrf_token");
    let answer = tab.post("/logout", &[("csrf_token", &csrf), ("continue", "")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/logout"));
    assert_eq!(tab.cookie(SESSION), None);
    assert!(sessions::resolve(&site.home.cx(), &token).unwrap().is_none());
}

#[actix_web::test]
async fn bug_class_34_a_form_works_only_for_the_browser_and_session_it_was_drawn_for() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    let csrf = tab.get("/sign-in").await.field("csrf_token");
    let fields = [("csrf_token", &*csrf), ("identifier", "ann@example.com"), ("password", PASSWORD)];
    for origin in ["https://evil.example", "null", "https://localhost:8444"] {
        tab.origin = Some(origin);
        let answer = tab.post("/sign-in", &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let mut stranger = Tab::new(&site);
    assert_eq!(stranger.post("/sign-in", &fields).await.status, StatusCode::FORBIDDEN, "no cookie");
    assert_eq!(stranger.post("/sign-in", &fields).await.status, StatusCode::FORBIDDEN, "another cookie");
    let mut without = Tab::new(&site);
    without.get("/sign-in").await;
    assert_eq!(without.post("/sign-in", &fields[1..]).await.status, StatusCode::FORBIDDEN, "no token");
    tab.origin = Some(super::OWN);
    assert_eq!(tab.post("/sign-in", &fields).await.status, StatusCode::SEE_OTHER);
    let asked = tab.post("/logout", &fields[..1]).await;
    assert_eq!(asked.status, StatusCode::OK, "drawn before the sign-in: the page asks again");
    assert!(tab.cookie(SESSION).is_some() && asked.field("csrf_token") != csrf);
}

#[actix_web::test]
async fn bug_class_34_a_sign_in_gives_a_new_session_and_ends_the_old() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let first = tab.cookie(SESSION).unwrap().to_owned();
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let second = tab.cookie(SESSION).unwrap().to_owned();
    assert_ne!(first, second);
    assert!(sessions::resolve(&site.home.cx(), &first).unwrap().is_none());
    assert!(sessions::resolve(&site.home.cx(), &second).unwrap().is_some());
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut pages = Vec::new();
    for name in ["ann@example.com", "bob@example.com"] {
        let mut tab = Tab::new(&site);
        let answer = tab.sign_in("/sign-in", name, "wrong wrong").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(tab.cookie(SESSION), None);
        pages.push(answer.body.replace(&answer.field("csrf_token"), "").replace(name, ""));
    }
    assert_eq!(pages[0], pages[1]);
}

#[actix_web::test]
async fn bug_class_37_what_was_typed_comes_back_escaped() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    let answer = tab.sign_in("/sign-in", "\"><script>alert(1)</script>", "wrong wrong").await;
    assert!(!answer.body.contains("<script>alert"));
    assert!(answer.body.contains("alert(1)"));
}

#[actix_web::test]
async fn before_set_up_the_front_door_says_how_the_first_account_is_made() {
    let site = Site::open().await;
    for path in ["/", "/sign-in"] {
        let page = site.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains("auther admin setup-link") && !page.body.contains("name=\"password\""), "{path}");
    }
    // Who was made by the command line signs in before there is an administrator.
    site.person("ann@example.com", &[]).await;
    assert!(site.get("/sign-in").await.body.contains("name=\"password\""));
    let mut tab = Tab::new(&site);
    assert_eq!(tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_blank_sign_in_is_told_what_is_missing_and_is_no_attempt() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&site);
    for (name, password, told) in [
        ("", "", &["Enter your e-mail or username.", "Enter your password."][..]),
        (" ", PASSWORD, &["Enter your e-mail or username."]),
        ("ann@example.com", "", &["Enter your password."]),
    ] {
        for _ in 0..7 {
            let page = tab.sign_in("/sign-in", name, password).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(told.iter().all(|words| page.body.contains(words)), "{name:?}: {}", page.body);
        }
    }
    assert_eq!(tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn all_that_is_wrong_with_a_new_account_is_told_at_once() {
    let site = Site::with(|parts| parts.settings.registration = Registration::Open).await;
    let mut tab = Tab::new(&site);
    let link = links::issue_setup(&site.home.cx()).await.unwrap().unwrap();
    let wrong = [("email", "no address"), ("password", "short"), ("name", "a\u{202e}b")];
    let all = ["not a valid e-mail address", "at least 8 characters", "turns the direction of reading"];
    for (path, form, token) in
        [("/sign-up", "/sign-up".to_owned(), ""), ("/setup", format!("/setup?token={}", link.expose()), link.expose())]
    {
        let csrf = tab.get(&form).await.field("csrf_token");
        let fields: Vec<_> = [("csrf_token", &*csrf), ("token", token)].into_iter().chain(wrong).collect();
        let page = tab.post(path, &fields).await;
        assert!(all.iter().all(|words| page.body.contains(words)), "{path}: {}", page.body);
    }
    let desk = Desk::of(site, "root@example.com").await;
    let body = json!({"email": "no address", "username": "a b", "password": "x", "name": "a\u{202e}b"});
    let request = TestRequest::post().uri("/api/admin/users").set_json(body);
    let answer =
        desk.site.send(request.insert_header(("authorization", format!("Bearer {}", desk.token)))).await.json();
    let fields: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "username", "name", "password"], "{answer}");
}

#[actix_web::test]
async fn a_forgotten_password_leads_to_who_helps() {
    let site = Site::with(|parts| {
        parts.settings.look.contact = Some(crate::config::Contact::of(String::from("help@example.com")));
    })
    .await;
    site.person("ann@example.com", &[]).await;
    assert!(site.get("/sign-in").await.body.contains("href=\"/forgot-password\""));
    let page = site.get("/forgot-password").await.body;
    assert!(page.contains("href=\"mailto:help@example.com\""), "{page}");
    let change = site.get("/.well-known/change-password").await;
    assert_eq!((change.status, change.location()), (StatusCode::FOUND, "/account/security"));
    let text = site.get("/.well-known/security.txt").await.body;
    assert!(text.starts_with("Contact: mailto:help@example.com\nExpires: "), "{text}");
    assert_eq!(Site::open().await.get("/.well-known/security.txt").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/robots.txt").await.body, "User-agent: *\nDisallow: /\n");
}

#[actix_web::test]
async fn bug_class_04_a_sign_in_leads_to_no_foreign_place() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    for target in ["https://evil.example/", "//evil.example/", "/%5Cevil.example", "javascript:alert(1)"] {
        let mut tab = Tab::new(&site);
        let answer = tab.sign_in(&format!("/sign-in?redirectTo={target}"), "ann@example.com", PASSWORD).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{target}");
    }
    assert_eq!(site.get("/sign-in?continue=https://evil.example/").await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn an_app_gets_its_code_after_sign_in_and_consent() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    site.client(false).await;
    let mut tab = Tab::new(&site);
    let asked = tab.get(&authorize("")).await;
    assert!(asked.location().starts_with("/sign-in?continue="), "{}", asked.location());
    let page = tab.get(asked.location()).await;
    assert!(page.body.contains("Grafana"));
    let policy = page.header("content-security-policy");
    assert!(!policy.contains("form-action"), "Chromium would hold it against what the app does next: {policy}");
    let entered = tab.sign_in(asked.location(), "ann@example.com", PASSWORD).await;
    let consent = tab.get(entered.location()).await.location().to_owned();
    assert!(consent.starts_with("/consent?continue="), "{consent}");
    let page = tab.get(&consent).await;
    assert!(page.body.contains("consent-allow") && page.body.contains("ann@example.com"));
    assert!(!page.header("content-security-policy").contains("form-action"));
    let (csrf, token) = (page.field("csrf_token"), page.field("continue"));
    let answer = tab.post("/consent", &[("csrf_token", &csrf), ("continue", &token), ("action", "allow")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location().starts_with("https://app.example.com/cb?code="), "{}", answer.location());
    let again = tab.get(&authorize("")).await;
    assert!(again.location().starts_with("https://app.example.com/cb?code="), "consent is remembered");
}

#[actix_web::test]
async fn a_person_may_deny() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    site.client(false).await;
    let mut tab = Tab::new(&site);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let consent = tab.get(&authorize("")).await.location().to_owned();
    let page = tab.get(&consent).await;
    let (csrf, token) = (page.field("csrf_token"), page.field("continue"));
    let answer = tab.post("/consent", &[("csrf_token", &csrf), ("continue", &token), ("action", "switch")]).await;
    assert!(answer.location().starts_with("/sign-in?continue=") && answer.location().ends_with("&other=1"));
    let answer = tab.post("/consent", &[("csrf_token", &csrf), ("continue", &token), ("action", "deny")]).await;
    assert!(answer.location().contains("error=access_denied") && answer.location().contains("state=s1"));
}

#[actix_web::test]
async fn bug_class_11_consent_asked_in_one_session_is_not_given_in_another() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    site.person("eve@example.com", &[]).await;
    site.client(false).await;
    let mut eve = Tab::new(&site);
    eve.sign_in("/sign-in", "eve@example.com", PASSWORD).await;
    let link = eve.get(&authorize("")).await.location().to_owned();
    let token = eve.get(&link).await.field("continue");
    let mut ann = Tab::new(&site);
    ann.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    // The request begins anew in the other browser, with nothing proved.
    let begins_anew =
        |answer: &super::TestResponse| answer.location().starts_with("/api/auth/oauth2/authorize?client_id=");
    assert!(begins_anew(&ann.get(&link).await));
    let csrf = ann.get("/logout").await.field("csrf_token");
    let answer = ann.post("/consent", &[("csrf_token", &csrf), ("continue", &token), ("action", "allow")]).await;
    assert!(begins_anew(&answer), "{} {}", answer.status, answer.location());
}

#[actix_web::test]
async fn a_signed_in_person_confirms_or_chooses_when_the_app_asks() {
    let site = Site::open().await;
    site.person("ann@example.com", &[]).await;
    site.client(true).await;
    let mut tab = Tab::new(&site);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    site.home.advance(std::time::Duration::from_secs(60));
    let asked = tab.get(&authorize("&prompt=login")).await.location().to_owned();
    let page = tab.get(&asked).await;
    assert!(page.body.contains("Confirm it is you") && page.body.contains("readonly"));
    let other = tab.get(&format!("{asked}&other=1")).await;
    assert!(!other.body.contains("Confirm it is you"));
    let entered = tab.sign_in(&asked, "ann@example.com", PASSWORD).await.location().to_owned();
    assert!(tab.get(&entered).await.location().starts_with("https://app.example.com/cb?code="));
    let choice = tab.get(&authorize("&prompt=select_account")).await.location().to_owned();
    assert!(choice.starts_with("/choose-account?continue="), "{choice}");
    let page = tab.get(&choice).await;
    let (csrf, token) = (page.field("csrf_token"), page.field("continue"));
    let fields = [("csrf_token", &*csrf), ("continue", &token), ("action", "continue")];
    let chosen = tab.post("/choose-account", &fields).await.location().to_owned();
    assert!(tab.get(&chosen).await.location().starts_with("https://app.example.com/cb?code="));
}

#[actix_web::test]
async fn signing_up_looks_the_same_for_a_taken_address() {
    let site = Site::with(|parts| parts.settings.registration = Registration::Open).await;
    site.person("ann@example.com", &[]).await;
    for email in ["ann@example.com", "new@example.com"] {
        let mut tab = Tab::new(&site);
        let csrf = tab.get("/sign-up").await.field("csrf_token");
        let fields = [("csrf_token", &*csrf), ("name", "X"), ("email", email), ("password", "another horse")];
        let answer = tab.post("/sign-up", &fields).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/sign-up?created=1"), "{email}");
        assert_eq!(tab.cookie(SESSION), None);
        let notice = tab.get(answer.location()).await;
        assert!(notice.body.contains("Account created"));
    }
    let mut tab = Tab::new(&site);
    assert_eq!(tab.sign_in("/sign-in", "new@example.com", "another horse").await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        tab.sign_in("/sign-in", "ann@example.com", "another horse").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[actix_web::test]
async fn a_closed_site_explains_itself() {
    let site = Site::open().await;
    let page = site.get("/sign-up").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("Registration is closed"));
}

#[actix_web::test]
async fn an_invitation_opens_the_sign_up_for_its_address() {
    let site = Site::with(|parts| parts.settings.registration = Registration::Invite).await;
    assert!(site.get("/sign-up").await.body.contains("An invitation is needed"));
    assert!(site.get("/sign-up?invite=inv_x.y").await.body.contains("does not work"));
    let invite = invites::issue(&site.home.cx(), Some("bob@example.com"), None).await.unwrap();
    let uri = format!("/sign-up?invite={}", invite.token.expose());
    let mut tab = Tab::new(&site);
    let page = tab.get(&uri).await;
    assert!(page.body.contains("bob@example.com") && page.body.contains("readonly"));
    let csrf = page.field("csrf_token");
    let (mut name, token) = ("eve@example.com", invite.token.expose());
    for wanted in [StatusCode::FORBIDDEN, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SEE_OTHER] {
        let fields = [("csrf_token", &*csrf), ("invite", token), ("email", name), ("password", PASSWORD)];
        let answer = tab.post("/sign-up", if wanted == StatusCode::FORBIDDEN { &fields[1..] } else { &fields }).await;
        assert_eq!(answer.status, wanted, "{}", answer.body);
        name = if wanted == StatusCode::FORBIDDEN { name } else { "bob@example.com" };
    }
    assert!(site.get(&uri).await.body.contains("does not work"), "it is used up");
}

#[actix_web::test]
async fn a_recovery_link_sets_a_password_and_signs_in() {
    let site = Site::open().await;
    site.person("ada@example.com", &["admin"]).await;
    let old = site.token("ada@example.com").await;
    let token = links::issue_recovery(&site.home.cx(), "ada@example.com").await.unwrap().token;
    let mut tab = Tab::new(&site);
    let old_place = tab.get(&format!("/setup?token={}", token.expose())).await;
    assert_eq!(old_place.location(), format!("/reset-password?token={}", token.expose()));
    let page = tab.get(&format!("/reset-password?token={}", token.expose())).await;
    assert!(page.body.contains("ada@example.com"));
    let csrf = page.field("csrf_token");
    let fields = |password: &'static str| {
        [("csrf_token", csrf.clone()), ("token", token.expose().clone()), ("password", password.to_owned())]
    };
    let short = fields("short");
    let short: Vec<(&str, &str)> = short.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(tab.post("/reset-password", &short).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let good = fields("another horse");
    let good: Vec<(&str, &str)> = good.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = tab.post("/reset-password", &good).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    assert!(tab.get("/").await.body.contains("ada@example.com"));
    let ada = sessions::resolve(&site.home.cx(), tab.cookie(SESSION).unwrap()).unwrap().unwrap();
    assert_eq!(kinds(&ada.session.proofs), [ProofKind::RecoveryLink, ProofKind::Password]);
    assert!(sessions::resolve(&site.home.cx(), &old).unwrap().is_none());
    let mut second = Tab::new(&site);
    assert_eq!(second.get(&format!("/reset-password?token={}", token.expose())).await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn bug_24_a_sign_in_that_waits_for_a_proof_opens_nothing_and_goes_on_at_the_sign_in_page() {
    const WAITS: &str = "__Host-auther_authentication";
    let site = Site::open().await;
    site.person("ann@example.com", &["admin"]).await;
    site.client(true).await;
    let mut tab = Tab::new(&site);
    tab.get("/sign-in").await;
    let cx = site.home.cx();
    let link = links::issue_recovery(&cx, "ann@example.com").await.unwrap().token;
    let name = tab.cookie("__Host-auther_browser").unwrap().to_owned();
    let visit = Visit { browser: Some(&name), ..Visit::default() };
    let recovered = links::redeem_recovery(&cx, link.expose(), &Secret::from(PASSWORD), visit).await.unwrap();
    let Some(Outcome::Waits(waiting)) = recovered.outcome else { panic!("it waits") };
    let token = waiting.token.expose();
    // As what it is, as a session, and as a bearer token.
    for cookie in [WAITS, SESSION] {
        let mut thief = Tab::new(&site);
        thief.cookies.clone_from(&tab.cookies);
        thief.cookies.push(actix_web::cookie::Cookie::new(cookie, token.clone()));
        assert_eq!(thief.get("/api/auth/get-session").await.body, "null");
        assert_eq!(thief.get("/api/admin/me").await.status, StatusCode::UNAUTHORIZED);
        let asked = thief.get(&authorize("")).await;
        assert!(asked.location().starts_with("/sign-in?continue="), "{}", asked.location());
        let silent = thief.get(&authorize("&prompt=none")).await;
        assert!(silent.location().contains("error=login_required"), "{}", silent.location());
        assert!(thief.get("/account").await.location().starts_with("/sign-in"));
    }
    let bearer = TestRequest::get().uri("/api/admin/me").insert_header(("authorization", format!("Bearer {token}")));
    assert_eq!(site.send(bearer).await.status, StatusCode::UNAUTHORIZED);
    let nobody = sessions::of_user(&cx, &recovered.user.id).unwrap();
    assert!(nobody.is_empty(), "{nobody:?}");
    // The password completes it, and the cookie is gone.
    let names = |page: &super::TestResponse| page.body.contains("value=\"ann@example.com\"");
    tab.cookies.push(actix_web::cookie::Cookie::new(WAITS, token.clone()));
    assert!(names(&tab.get("/sign-in").await) && !names(&tab.get("/sign-in?redirectTo=/account").await));
    let answer = tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    assert_eq!((answer.status, tab.cookie(WAITS)), (StatusCode::SEE_OTHER, None));
    let session = sessions::of_user(&cx, &recovered.user.id).unwrap().pop().unwrap();
    assert_eq!(kinds(&session.proofs), [ProofKind::RecoveryLink, ProofKind::Password]);
}
