//! Two tenants over one store: what is made in one leads to, and is good in, no other.

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::{Desk, OWN, PASSWORD, Site, Tab, TestResponse};
use crate::base::id::TenantId;
use crate::config::Registration;
use crate::crypto::jose::Algorithm;
use crate::http::cookies::Purpose;
use crate::http::endpoint::tests::registered_with;
use crate::http::routes::Dialect;
use crate::store::Store;

const ACME: (TenantId, &str) = (TenantId(7), "/t/acme");

async fn site(store: &Store, tenant: (TenantId, &'static str)) -> Site {
    let store = store.clone();
    Site::with(|parts| {
        parts.tenant = tenant;
        parts.store = store;
        parts.settings.rate_limit.enabled = false;
        parts.settings.registration = Registration::Open;
    })
    .await
}

/// Two sites over one store: of the default tenant, and of another one.
async fn two() -> [Site; 2] {
    let store = Store::in_memory();
    [site(&store, (TenantId::DEFAULT, "")).await, site(&store, ACME).await]
}

/// Everything in a page or its headers that a browser follows, loads or sends a form to.
fn led_to(answer: &TestResponse) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in ["href=\"", "src=\"", "action=\"", "data-base=\"", "data-logo=\""] {
        let values = answer.body.split(name).skip(1).filter_map(|rest| rest.split_once('"'));
        found.extend(values.map(|(value, _)| value.replace("&#38;", "&")));
    }
    found.extend(Some(answer.location().to_owned()).filter(|to| !to.is_empty()));
    found
}

fn is_below(address: &str, base: &str) -> bool {
    let path = address.strip_prefix(OWN).unwrap_or(address);
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

#[actix_web::test]
async fn pages_of_a_tenant_lead_to_addresses_below_its_base_path_only() {
    let acme = site(&Store::in_memory(), ACME).await;
    let pages: Vec<String> = registered_with()
        .into_iter()
        .filter(|(method, _, matched)| *method == Method::GET && matched.dialect == Dialect::Page)
        .map(|(_, path, _)| path)
        .collect();
    assert!(pages.len() > 12, "{pages:?}");
    acme.person("root@example.com", &["admin"]).await;
    acme.client(false).await;
    let authorize = "/api/auth/oauth2/authorize?response_type=code&client_id=grafana&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb\
                     &scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let (mut stranger, mut person) = (Tab::new(&acme), Tab::new(&acme));
    assert_eq!(person.sign_in("/sign-in", "root@example.com", PASSWORD).await.location(), "/t/acme/");
    let mut seen = BTreeSet::new();
    for tab in [&mut stranger, &mut person] {
        for page in pages.iter().map(String::as_str).chain([authorize, "/nothing-here", "/sign-in?continue=%2Fadmin"]) {
            let answer = tab.get(page).await;
            assert!(!answer.status.is_server_error(), "{page}: {}", answer.body);
            for to in led_to(&answer).into_iter().filter(|to| !to.starts_with('#')) {
                assert!(is_below(&to, ACME.1), "{page} leads to {to}");
                seen.insert(to);
            }
        }
        // The page that the app's request led to, and where its form leads.
        let asked = tab.get(authorize).await;
        let next = asked.location().strip_prefix(ACME.1).unwrap().to_owned();
        let answer = tab.get(&next).await;
        assert_eq!(answer.status, StatusCode::OK, "{next}");
        for to in led_to(&answer).into_iter().filter(|to| !to.starts_with('#')) {
            assert!(is_below(&to, ACME.1), "{next} leads to {to}");
        }
    }
    for wanted in ["/t/acme/sign-in", "/t/acme/admin", "/t/acme/account", "/t/acme/logout"] {
        assert!(seen.contains(wanted), "{wanted}: {seen:?}");
    }
    assert!(seen.iter().any(|to| to.starts_with("/t/acme/assets/auther.")), "{seen:?}");
}

/// Every text in a JSON document.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(many) => many.iter().for_each(|one| texts(one, found)),
        Value::Object(members) => members.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

#[actix_web::test]
async fn what_a_tenant_publishes_is_below_its_issuer() {
    let acme = site(&Store::in_memory(), ACME).await;
    acme.client(false).await;
    let desk = Desk::of(acme, "root@example.com").await;
    let mut found = Vec::new();
    for path in ["/.well-known/openid-configuration", "/.well-known/authzen-configuration"] {
        texts(&desk.site.get(path).await.json(), &mut found);
    }
    for path in ["clients/grafana/integration", "overview"] {
        texts(&desk.get(path).await.json(), &mut found);
    }
    texts(&desk.get("openapi.json").await.json()["servers"], &mut found);
    let invite = TestRequest::post().uri("/api/admin/invites").set_json(json!({}));
    let invite = invite.insert_header(("authorization", format!("Bearer {}", desk.token)));
    texts(&desk.site.send(invite).await.json(), &mut found);
    let ours: Vec<_> = found.iter().filter(|text| text.starts_with(OWN) || text.starts_with('/')).collect();
    assert!(ours.len() > 25, "{ours:?}");
    for text in ours {
        assert!(is_below(text, ACME.1), "{text}");
    }
}

#[actix_web::test]
async fn a_tenant_with_a_path_has_its_metadata_behind_the_well_known_name_and_below_its_issuer() {
    let [default, acme] = two().await;
    for name in ["oauth-authorization-server", "authzen-configuration"] {
        let (below, behind) = (format!("/.well-known/{name}"), format!("/.well-known/{name}/t/acme"));
        let (below, behind) = (acme.get(&below).await, acme.get(&behind).await);
        assert_eq!((below.status, behind.status), (StatusCode::OK, StatusCode::OK), "{name}");
        assert_eq!(below.json(), behind.json(), "{name}");
        let issuer = if name.starts_with("oauth") { "issuer" } else { "policy_decision_point" };
        assert_eq!(behind.json()[issuer], format!("{OWN}{}", ACME.1));
        for other in ["t/acme/", "t/other", "t", "", "t%2Facme/x"] {
            let path = format!("/.well-known/{name}/{other}");
            assert_eq!(acme.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(default.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(default.get(&format!("/.well-known/{name}/t/acme")).await.status, StatusCode::NOT_FOUND);
    }
    let asked = TestRequest::get().uri("/.well-known/oauth-authorization-server/t/acme");
    let answer = acme.send(asked.insert_header(("origin", "https://any.example"))).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[actix_web::test]
async fn a_browser_keeps_the_cookies_of_two_tenants_apart() {
    let [default, acme] = two().await;
    let names =
        |site: &Site| [Purpose::Session, Purpose::Browser, Purpose::Device].map(|one| one.name(&site.home.cx()));
    assert_eq!(names(&default), ["__Host-auther_session", "__Host-auther_browser", "__Host-auther_device"]);
    assert_eq!(names(&acme), ["__Host-auther_session_7", "__Host-auther_browser_7", "__Host-auther_device_7"]);
    acme.person("ann@example.com", &[]).await;
    let mut tab = Tab::new(&acme);
    tab.sign_in("/sign-in", "ann@example.com", PASSWORD).await;
    let kept: BTreeSet<_> = tab.cookies.iter().map(|cookie| cookie.name().to_owned()).collect();
    assert_eq!(kept, names(&acme).map(|name| name.into_owned()).into());
    for cookie in &tab.cookies {
        assert_eq!(
            (cookie.path(), cookie.secure(), cookie.http_only()),
            (Some("/"), Some(true), Some(true)),
            "{cookie}"
        );
    }
}

#[actix_web::test]
async fn a_session_of_one_tenant_is_nobody_in_the_other() {
    let [default, acme] = two().await;
    default.person("ann@example.com", &["admin"]).await;
    acme.person("ann@example.com", &["admin"]).await;
    let token = default.token("ann@example.com").await;
    for (site, wanted) in [(&default, StatusCode::OK), (&acme, StatusCode::UNAUTHORIZED)] {
        let request = TestRequest::get().uri("/api/admin/users");
        let answer = site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await;
        assert_eq!(answer.status, wanted, "{}", answer.body);
    }
}

#[actix_web::test]
async fn forms_and_requests_that_wait_are_good_in_their_tenant_only() {
    let [default, acme] = two().await;
    for site in [&default, &acme] {
        site.person("ann@example.com", &[]).await;
        site.client(false).await;
    }
    let mut here = Tab::new(&default);
    let asked = here
        .get(
            "/api/auth/oauth2/authorize?response_type=code&client_id=grafana&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&scope=openid\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        )
        .await;
    let next = asked.location().to_owned();
    let page = here.get(&next).await;
    let (csrf, waiting) = (page.field("csrf_token"), page.field("continue"));
    // The same browser by name, so that only the tenant differs.
    let browser = here.cookie("__Host-auther_browser").unwrap().to_owned();
    let mut there = Tab::new(&acme);
    there.cookies.push(actix_web::cookie::Cookie::new("__Host-auther_browser_7", browser));
    assert_eq!(here.get(&next).await.status, StatusCode::OK);
    assert_eq!(there.get(&next).await.status, StatusCode::BAD_REQUEST, "the request that waits is unknown");
    let fields = [("csrf_token", &*csrf), ("continue", ""), ("identifier", "ann@example.com"), ("password", PASSWORD)];
    assert_eq!(there.post("/sign-in", &fields).await.status, StatusCode::FORBIDDEN, "the form is none of its own");
    let fields =
        [("csrf_token", &*csrf), ("continue", &waiting), ("identifier", "ann@example.com"), ("password", PASSWORD)];
    assert_eq!(here.post("/sign-in", &fields).await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_path_of_another_tenant_is_not_gone_on_to() {
    let acme = site(&Store::in_memory(), ACME).await;
    acme.person("ann@example.com", &[]).await;
    for (given, wanted) in
        [("/t/acme/admin", "/t/acme/admin"), ("/t/acme/../admin", "/t/acme/"), ("/t/acme2/x", "/t/acme/")]
    {
        let mut tab = Tab::new(&acme);
        let page = tab.get("/sign-in").await;
        let csrf = page.field("csrf_token");
        let fields =
            [("csrf_token", &*csrf), ("continue", given), ("identifier", "ann@example.com"), ("password", PASSWORD)];
        let answer = tab.post("/sign-in", &fields).await;
        let went_on = answer.location() == wanted;
        // What is no path of the tenant is read as a token, which is none of its own.
        assert!(went_on || (answer.status == StatusCode::BAD_REQUEST && given != wanted), "{given}: {}", answer.status);
    }
}

#[actix_web::test]
async fn keys_and_ids_of_one_tenant_are_not_found_in_the_other() {
    let [default, acme] = two().await;
    let user = default.person("bob@example.com", &[]).await;
    default.client(false).await;
    let [default, acme] = [Desk::of(default, "root@example.com").await, Desk::of(acme, "root@example.com").await];
    let made = TestRequest::post().uri("/api/auth/api-key/create").set_json(json!({ "name": "k" }));
    let made = made.insert_header(("authorization", format!("Bearer {}", default.token)));
    let made = default.site.send(made).await.json();
    let (id, key) = (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned());
    let session = default.get("sessions").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    for path in [format!("users/{}", user.id), String::from("clients/grafana"), format!("api-keys/{id}")] {
        assert_eq!(default.get(&path).await.status, StatusCode::OK, "{path}");
        assert_eq!(acme.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let path = format!("sessions/{session}");
    assert_eq!(acme.call(Method::DELETE, &path).await.status, StatusCode::NOT_FOUND);
    for (desk, works) in [(&default, true), (&acme, false), (&default, true)] {
        let question = json!({ "entityType": "users", "entityId": "*", "permission": "view" });
        let request = TestRequest::post().uri("/api/auth/check-permission").set_json(question);
        let answer = desk.site.send(request.insert_header(("x-api-key", key.as_str()))).await;
        assert_eq!(answer.status != StatusCode::UNAUTHORIZED, works, "{}", answer.body);
    }
}

#[actix_web::test]
async fn a_signing_key_of_one_tenant_is_neither_published_nor_opened_in_the_other() {
    let [default, acme] = two().await;
    for site in [&default, &acme] {
        crate::oauth::keys::tick(&site.home.cx(), &[Algorithm::ES256]).await.unwrap();
    }
    let kids = async |site: &Site| {
        let set = site.get("/api/auth/jwks").await.json();
        let keys = set["keys"].as_array().unwrap().clone();
        keys.into_iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let (ours, theirs) = (kids(&default).await, kids(&acme).await);
    assert!(!ours.is_empty() && !theirs.is_empty() && ours.is_disjoint(&theirs), "{ours:?} {theirs:?}");
    let (here, there) = (default.home.cx(), acme.home.cx());
    let row = crate::store::rows::signing_keys::all(&here.read().unwrap(), here.tenant.id).unwrap().remove(0);
    let opened =
        |cx: &crate::cx::Cx| cx.app.sealing.open(cx.tenant.purpose("signing key"), &row.sealed_private).is_ok();
    assert!(opened(&here) && !opened(&there));
}
