//! Sign-in links: who may make one, for whom, and what ends one. And the pause after failed sign-ins, which helpers see
//! and lift.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::base::id::TenantId;
use crate::store::Store;

const NEW: &str = "another horse battery";

impl Desk {
    async fn link_as(&self, token: &str, user: &str, body: Value) -> TestResponse {
        let request = TestRequest::post().uri(&format!("/api/admin/users/{user}/link")).set_json(body);
        self.site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
    }

    /// The path of a link for this person.
    async fn link(&self, token: &str, user: &str) -> String {
        let answer = self.link_as(token, user, json!({})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.json()["url"].as_str().unwrap().strip_prefix(OWN).unwrap().to_owned()
    }
}

/// Opens a link in a browser and sets the password; the status of the page and of the answer to its form.
async fn redeem(site: &Site, link: &str) -> (StatusCode, StatusCode) {
    let mut tab = Tab::new(site);
    let page = tab.get(link).await;
    if page.status != StatusCode::OK {
        // The form is sent all the same.
        let csrf = tab.get("/sign-in").await.field("csrf_token");
        return (page.status, send(&mut tab, link, &csrf).await);
    }
    let csrf = page.field("csrf_token");
    (page.status, send(&mut tab, link, &csrf).await)
}

async fn send(tab: &mut Tab<'_>, link: &str, csrf: &str) -> StatusCode {
    let token = link.split_once("token=").unwrap().1;
    let answer = tab.post("/reset-password", &[("csrf_token", csrf), ("token", token), ("password", NEW)]).await;
    answer.status
}

const WORKS: (StatusCode, StatusCode) = (StatusCode::OK, StatusCode::SEE_OTHER);
const ENDED: (StatusCode, StatusCode) = (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN);

async fn desk() -> Desk {
    let desk = Desk::open().await;
    desk.site.person("ann@example.com", &[]).await;
    desk
}

#[actix_web::test]
async fn a_colleague_without_a_password_gets_in_by_a_link_while_registration_is_closed() {
    let desk = desk().await;
    let new = NewUser { email: String::from("new@example.com"), ..NewUser::default() };
    create(&desk.site.home.cx(), new).await.unwrap();
    let link = desk.link(&desk.token, "new@example.com").await;
    let mut tab = Tab::new(&desk.site);
    let page = tab.get(&link).await;
    assert!(page.body.contains("Choose a password") && page.body.contains("new@example.com"), "{}", page.body);
    let csrf = page.field("csrf_token");
    assert_eq!(send(&mut tab, &link, &csrf).await, StatusCode::SEE_OTHER);
    assert!(tab.get("/").await.body.contains("new@example.com"), "signed in");
    let row = &desk.get("audit?action=recovery_link.create").await.json()["items"][0];
    assert!(row["detail"]["expires_at"].is_string() && !row.to_string().contains("lnk_"), "{row}");
    let row = &desk.get("audit?action=recovery_link.redeem").await.json()["items"][0];
    assert_eq!(row["detail"]["ended"]["sessions"], 0, "{row}");
}

#[actix_web::test]
async fn looking_at_a_link_does_not_use_it_up_and_using_it_does() {
    let desk = desk().await;
    let link = desk.link(&desk.token, "ann@example.com").await;
    for _ in 0..3 {
        // As a scanner of mail does: without cookies, by GET and by HEAD.
        assert_eq!(desk.site.get(&link).await.status, StatusCode::OK);
        let head = TestRequest::default().method(Method::HEAD).uri(&link);
        assert_eq!(desk.site.send(head).await.status, StatusCode::OK);
    }
    assert_eq!(redeem(&desk.site, &link).await, WORKS);
    assert_eq!(redeem(&desk.site, &link).await, ENDED);
    let page = desk.site.get(&link).await.body;
    assert!(page.contains("This link does not work any more") && page.contains("Ask "), "{page}");
}

#[actix_web::test]
async fn a_link_lasts_as_long_as_was_asked_for_from_an_hour_to_seven_days() {
    let desk = desk().await;
    for wrong in [0, 3_599, 604_801, u64::MAX] {
        let answer = desk.link_as(&desk.token, "ann@example.com", json!({"expires_in": wrong})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.body);
    }
    let mut token = desk.token.clone();
    for (asked, lasts) in
        [(json!({"expires_in": 3600}), 3_600), (json!({}), 86_400), (json!({"expires_in": 604_800}), 604_800)]
    {
        let url = desk.link_as(&token, "ann@example.com", asked).await.json()["url"].as_str().unwrap().to_owned();
        let link = url.strip_prefix(OWN).unwrap();
        desk.site.home.advance(Duration::from_secs(lasts - 1));
        assert_eq!(desk.site.get(link).await.status, StatusCode::OK, "{lasts}");
        desk.site.home.advance(Duration::from_secs(1));
        assert_eq!(redeem(&desk.site, link).await, ENDED, "{lasts}");
        token = desk.site.token("root@example.com").await;
    }
}

#[actix_web::test]
async fn a_link_ends_with_a_newer_one_a_change_of_the_password_a_disabling_and_its_person() {
    let desk = desk().await;
    let older = desk.link(&desk.token, "ann@example.com").await;
    let link = desk.link(&desk.token, "ann@example.com").await;
    assert_eq!(redeem(&desk.site, &older).await, ENDED);
    // By the person.
    let token = desk.site.token("ann@example.com").await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": "a third horse battery"});
    let request = TestRequest::post().uri("/api/auth/change-password").set_json(body);
    let changed = desk.site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await;
    assert_eq!((changed.status, redeem(&desk.site, &link).await), (StatusCode::OK, ENDED));
    // By an administrator.
    let link = desk.link(&desk.token, "ann@example.com").await;
    let ann = crate::identity::users::by_name(&desk.site.home.cx(), "ann@example.com").unwrap();
    let cx = desk.site.home.cx();
    crate::identity::users::set_password(&cx, &ann.id, &Secret::from(PASSWORD)).await.unwrap();
    assert_eq!(redeem(&desk.site, &link).await, ENDED);
    // Disabled, and enabled again.
    let link = desk.link(&desk.token, "ann@example.com").await;
    desk.call(Method::POST, "users/ann@example.com/disable").await;
    assert_eq!(redeem(&desk.site, &link).await, ENDED);
    assert_eq!(desk.link_as(&desk.token, "ann@example.com", json!({})).await.status, StatusCode::FORBIDDEN);
    desk.call(Method::POST, "users/ann@example.com/enable").await;
    assert_eq!(redeem(&desk.site, &link).await, ENDED);
    // Deleted, and no row stays.
    let link = desk.link(&desk.token, "ann@example.com").await;
    desk.call(Method::DELETE, "users/ann@example.com").await;
    assert_eq!(redeem(&desk.site, &link).await, ENDED);
    let from = cx.read().unwrap();
    assert_eq!((from.count("links").unwrap(), from.count("links_by_user").unwrap()), (0, 0));
}

#[actix_web::test]
async fn a_link_for_who_is_stronger_is_refused_and_one_of_before_ends() {
    let desk = desk().await;
    let helper = desk.lesser("helen@example.com", &[("users", "editor")]).await;
    let viewer = desk.lesser("vi@example.com", &[("users", "viewer")]).await;
    desk.lesser("moe@example.com", &[("clients", "admin")]).await;
    for stronger in ["root@example.com", "moe@example.com"] {
        assert_eq!(desk.link_as(&helper, stronger, json!({})).await.status, StatusCode::FORBIDDEN, "{stronger}");
    }
    assert_eq!(desk.link_as(&viewer, "ann@example.com", json!({})).await.status, StatusCode::FORBIDDEN);
    // Made while ann had no authority: she has some now.
    let link = desk.link(&helper, "ann@example.com").await;
    assert_eq!(desk.site.get(&link).await.status, StatusCode::OK);
    let cx = desk.site.home.cx();
    let ann = crate::identity::users::by_name(&cx, "ann@example.com").unwrap();
    let key = TupleKey {
        entity_type: String::from("clients"),
        entity_id: String::from("*"),
        relation: String::from("admin"),
        subject: SubjectRef::new("user", ann.id.as_str()),
    };
    crate::access::tuples::write(&cx, key.clone().into()).await.unwrap();
    assert_eq!(redeem(&desk.site, &link).await, ENDED);
    crate::access::tuples::remove_by_id(&cx, &key.id()).await.unwrap();
    assert_eq!(desk.site.get(&link).await.status, StatusCode::OK, "it ended for as long as she had it");
    // Its maker may no longer make it.
    desk.call(Method::POST, "users/helen@example.com/disable").await;
    assert_eq!(redeem(&desk.site, &link).await, ENDED);
    // The operator's is worth what the operator may.
    let issued = crate::identity::links::issue_recovery(&cx, "root@example.com").await.unwrap();
    assert_eq!(redeem(&desk.site, &format!("/reset-password?token={}", issued.token.expose())).await, WORKS);
}

#[actix_web::test]
async fn a_link_of_one_tenant_opens_nothing_in_another() {
    let store = Store::in_memory();
    let open = async |tenant| {
        let store = store.clone();
        Site::with(|parts| {
            (parts.tenant, parts.store) = (tenant, store);
            parts.settings.rate_limit.enabled = false;
        })
        .await
    };
    let desk = Desk::of(open((TenantId::DEFAULT, "")).await, "root@example.com").await;
    let other = open((TenantId(7), "/t/acme")).await;
    for site in [&desk.site, &other] {
        site.person("ann@example.com", &[]).await;
    }
    let link = desk.link(&desk.token, "ann@example.com").await;
    assert_eq!(other.get(&link).await.status, StatusCode::FORBIDDEN);
    assert_eq!(desk.site.get(&link).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_helper_sees_who_has_to_wait_and_lifts_it() {
    let desk = Desk::of(Site::open().await, "root@example.com").await;
    desk.site.person("ann@example.com", &[]).await;
    let helper = desk.lesser("helen@example.com", &[("users", "editor")]).await;
    let sign_in = async |password: &str| {
        let body = json!({"email": "ann@example.com", "password": password});
        let request = TestRequest::post().uri("/api/auth/sign-in/email").set_json(body);
        desk.site.send(request.peer_addr("203.0.113.9:1".parse().unwrap())).await.status
    };
    let pause = async || desk.call_as(&helper, Method::GET, "users/ann@example.com/pause").await.json();
    assert_eq!((&pause().await["failures"], &pause().await["wait_seconds"]), (&json!(0), &json!(0)));
    for _ in 0..5 {
        assert_eq!(sign_in("wrong password").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(sign_in(PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    let told = pause().await;
    assert!(told["failures"].as_u64() >= Some(5) && told["wait_seconds"].as_u64() >= Some(1), "{told}");
    let viewer = desk.lesser("vi@example.com", &[("users", "viewer")]).await;
    let unlock = "users/ann@example.com/unlock";
    assert_eq!(desk.call_as(&viewer, Method::POST, unlock).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        desk.call_as(&helper, Method::POST, "users/root@example.com/unlock").await.status,
        StatusCode::FORBIDDEN
    );
    let lifted = desk.call_as(&helper, Method::POST, unlock).await;
    assert_eq!((lifted.status, &lifted.json()["failures"]), (StatusCode::OK, &told["failures"]));
    assert_eq!(pause().await["wait_seconds"], 0);
    assert_eq!(sign_in(PASSWORD).await, StatusCode::OK);
    let row = &desk.get("audit?action=user.unlock").await.json()["items"][0];
    assert_eq!(row["detail"]["failures"], told["failures"], "{row}");
}
