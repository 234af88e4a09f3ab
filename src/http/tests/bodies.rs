//! What is read of a body, by whom it is sent: callers first, then the size that this caller may send, and never more
//! than all may hold.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::{Payload, Service};
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use futures_util::stream::{self, StreamExt};
use futures_util::{FutureExt, Stream};
use serde_json::json;

use super::PASSWORD;
use crate::base::Secret;
use crate::base::json_schema::AnyObject;
use crate::http::body_budget::{Budget, WEIGHT};
use crate::http::endpoint::tests::registered_with;
use crate::http::extract::body::OF_STRANGERS;
use crate::http::respond::Refusal;
use crate::http::routes::Dialect;
use crate::http::{State, app};
use crate::identity::users::{NewUser, create};
use crate::tenant::paths;
use crate::testing::TestApp;

/// Bytes of a piece of a body.
const PIECE: usize = 8 * 1024;

/// Most that a known caller may send anywhere.
const LONG: usize = 1024 * 1024;

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;
type Reply = Pin<Box<dyn Future<Output = (StatusCode, String)>>>;

/// A site whose requests have bodies that are watched.
struct Watched {
    home: TestApp,
    bodies: Arc<Budget>,
    call: Box<dyn Fn(TestRequest, Body) -> Reply>,
}

impl Watched {
    async fn open() -> Self {
        let home = TestApp::with(|parts| parts.settings.rate_limit.enabled = false);
        let state = State::new(home.parts.clone());
        let bodies = state.bodies.clone();
        let service = Rc::new(init_service(app(state)).await);
        let call = Box::new(move |request: TestRequest, body: Body| {
            let (request, _) = request.to_request().replace_payload(Payload::Stream { payload: body });
            let service = service.clone();
            let reply: Reply = Box::pin(async move {
                let response = match service.call(request).await {
                    Ok(response) => response.map_into_boxed_body().into_parts().1,
                    Err(error) => error.error_response(),
                };
                let retry = response.headers().get("retry-after").map(|wait| wait.to_str().unwrap().to_owned());
                (response.status(), retry.unwrap_or_default())
            });
            reply
        });
        Self { home, bodies, call }
    }

    /// Sends a body of so many pieces; what was answered, the pieces that were read, and the most bytes that were held,
    /// as they are charged.
    async fn send(&self, request: TestRequest, pieces: usize) -> (StatusCode, usize, usize) {
        let (read, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (count, peak, bodies) = (read.clone(), most.clone(), self.bodies.clone());
        let body = stream::iter(0..pieces).map(move |_| {
            count.set(count.get() + 1);
            let (strangers, known) = bodies.held();
            peak.set(peak.get().max(strangers + known));
            Ok(Bytes::from(vec![b' '; PIECE]))
        });
        let (status, _) = (self.call)(request.peer_addr("192.0.2.1:4711".parse().unwrap()), Box::pin(body)).await;
        assert_eq!(self.bodies.held(), (0, 0), "what a request held is given back");
        (status, read.get(), most.get())
    }

    async fn token(&self) -> String {
        let password = Some(Secret::from(PASSWORD));
        let new = NewUser {
            email: String::from("root@example.com"),
            password,
            roles: vec![String::from("admin")],
            ..NewUser::default()
        };
        create(&self.home.cx(), new).await.unwrap();
        let body = json!({ "email": "root@example.com", "password": PASSWORD }).to_string();
        let service = init_service(app(State::new(self.home.parts.clone()))).await;
        let request =
            TestRequest::post().uri("/api/auth/sign-in/email").insert_header(("content-type", "application/json"));
        let response = service.call(request.set_payload(body).to_request()).await.unwrap();
        let body: serde_json::Value = actix_web::test::read_body_json(response).await;
        body["token"].as_str().unwrap().to_owned()
    }
}

fn to(method: &Method, path: &str, kind: &'static str) -> TestRequest {
    TestRequest::default().method(method.clone()).uri(path).insert_header(("content-type", kind))
}

const KINDS: [&str; 3] = ["application/json", "application/x-www-form-urlencoded", "text/plain"];

/// Strangers are heard at these without a credential outside of the body: they sign in, or the body may hold a key or a
/// client's proof.
fn hears_strangers(path: &str, dialect: Dialect) -> bool {
    let named =
        ["/sign-up/email", "/sign-in/email", "/sign-in/username", "/is-username-available", "/api-key/exchange"];
    let asked = ["/check-permission", "/check-permission/batch", "/list-objects", "/list-subjects"];
    matches!(dialect, Dialect::OAuth | Dialect::Page) || named.iter().chain(&asked).any(|end| path.ends_with(end))
}

#[actix_web::test]
async fn bug_class_40_no_route_holds_more_of_a_strangers_body_than_a_little() {
    let site = Watched::open().await;
    let routes = registered_with();
    let mut unread = 0;
    for (method, path, matched) in routes {
        for kind in KINDS {
            let credentials: [Option<(&str, &str)>; 4] = [
                None,
                Some(("authorization", "Bearer ses_nobody.x")),
                Some(("authorization", "Basic bm9ib2R5OnNlY3JldA==")),
                Some(("x-api-key", "ak_live_nobody")),
            ];
            for credential in credentials {
                let mut request = to(&method, &path, kind);
                if let Some(credential) = credential {
                    request = request.insert_header(credential);
                }
                let (status, read, held) = site.send(request, 2 * LONG / PIECE).await;
                assert!(!status.is_server_error() || path == "/readyz", "{method} {path} {kind}: {status}");
                assert!(held <= OF_STRANGERS * WEIGHT, "{method} {path} {kind} {credential:?}: {held}");
                if !hears_strangers(&path, matched.dialect) {
                    assert_eq!(read, 0, "{method} {path} {kind} {credential:?}: {status}");
                    unread += 1;
                }
            }
        }
    }
    assert!(unread > 500, "{unread}");
}

#[actix_web::test]
async fn no_route_holds_more_of_a_known_callers_body_than_it_says() {
    let site = Watched::open().await;
    let token = site.token().await;
    let routes = {
        registered_with().clear();
        let _app = init_service(app(State::new(site.home.parts.clone()))).await;
        registered_with()
    };
    let (mut long, mut short) = (0, 0);
    for (method, path, _) in routes.iter().filter(|(method, _, _)| !method.is_safe()) {
        // These end the session that is needed below.
        if ["/sign-out", "/revoke-sessions", "/delete-user"].iter().any(|end| path.ends_with(end)) {
            continue;
        }
        for kind in KINDS {
            let request = to(method, path, kind).insert_header(("authorization", format!("Bearer {token}")));
            let (status, _, held) = site.send(request, 2 * LONG / PIECE).await;
            assert!(!status.is_server_error(), "{method} {path} {kind}: {status}");
            assert!(held <= LONG * WEIGHT, "{method} {path} {kind}: {held}");
            long += usize::from(held > OF_STRANGERS * WEIGHT);
            short += usize::from(held > 0 && held <= OF_STRANGERS * WEIGHT);
        }
    }
    assert!(long >= 20 && short >= 60, "{long} {short}");
}

#[actix_web::test]
async fn who_shows_a_key_outside_of_the_body_may_ask_much_and_who_shows_it_inside_little() {
    let site = Watched::open().await;
    let token = site.token().await;
    let body = |size: usize| -> Body {
        let text = json!({ "entityType": "doc", "permission": "read", "entityIds": ["a"], "apiKey": "ak_live_no", "pad": "x".repeat(size) });
        Box::pin(stream::once(async move { Ok(Bytes::from(text.to_string())) }))
    };
    for path in ["/api/auth/check-permission", "/api/auth/check-permission/batch"] {
        let stranger = |size| (site.call)(to(&Method::POST, path, "application/json"), body(size));
        assert_eq!(stranger(1000).await.0, StatusCode::UNAUTHORIZED, "the key in the body is looked at: {path}");
        assert_eq!(stranger(OF_STRANGERS).await.0, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        let known =
            to(&Method::POST, path, "application/json").insert_header(("authorization", format!("Bearer {token}")));
        assert_eq!(
            (site.call)(known, body(2 * OF_STRANGERS)).await.0,
            StatusCode::UNAUTHORIZED,
            "read, and the key counts: {path}"
        );
    }
}

/// A body that sends so much, and never ends.
fn endless(size: usize) -> Body {
    Box::pin(stream::once(async move { Ok(Bytes::from(vec![b' '; size])) }).chain(stream::pending()))
}

#[actix_web::test]
async fn slow_bodies_of_many_hold_no_more_than_all_may_and_keep_no_known_caller_out() {
    let site = Watched::open().await;
    let token = site.token().await;
    let mut open = Vec::new();
    let (mut refused, mut most) = (0, 0);
    for number in 0..2000 {
        let peer = format!("198.51.{}.{}:4711", number / 200, number % 200 / 50);
        let request = to(&Method::POST, "/api/auth/sign-in/email", "application/json").peer_addr(peer.parse().unwrap());
        let mut reply = (site.call)(request, endless(OF_STRANGERS));
        match reply.as_mut().now_or_never() {
            Some((status, retry)) => {
                assert_eq!((status, retry.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "1"));
                refused += 1;
            }
            None => open.push(reply),
        }
        most = most.max(site.bodies.held().0);
    }
    assert!(refused > 1000 && (60..=64).contains(&(most >> 20)), "{refused} {most}");
    let known = to(&Method::POST, "/api/auth/check-permission", "application/json");
    let known = known.insert_header(("authorization", format!("Bearer {token}")));
    let asked = json!({ "entityType": "doc", "entityId": "1", "permission": "read" }).to_string();
    let body: Body = Box::pin(stream::once(async move { Ok(Bytes::from(asked)) }));
    assert_eq!((site.call)(known, body).await.0, StatusCode::OK);
    drop(open);
    assert_eq!(site.bodies.held(), (0, 0));
}

/// The proof of a caller may take a while: the body is not read meanwhile, wherever the two stand in the signature.
#[actix_web::test]
async fn a_body_waits_until_its_caller_is_proved() {
    use actix_web::{App, FromRequest, HttpRequest, HttpResponse, web};
    use tokio::sync::oneshot;

    use crate::http::endpoint::Endpoint;
    use crate::http::extract::{OpenBody, prove};

    thread_local! {
        static PROOF: Cell<Option<oneshot::Receiver<bool>>> = const { Cell::new(None) };
    }

    struct Slow;

    impl FromRequest for Slow {
        type Error = Refusal;
        type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let proof = PROOF.take().unwrap();
            let proof = async move { if proof.await.unwrap() { Ok(Self) } else { Err(Refusal::unauthenticated()) } };
            prove(request, proof, |_| true)
        }
    }

    async fn take(_body: OpenBody<AnyObject>, _caller: Slow) -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    let home = TestApp::with(|_| ());
    let state = State::new(home.parts.clone());
    let app = App::new().app_data(state).service(Endpoint::below(paths::ERROR, "slow").post(take));
    let service = init_service(app.default_service(web::to(HttpResponse::NotFound))).await;
    for (is_somebody, status, wanted) in [(false, 401, 0), (true, 200, 1)] {
        let (tell, proof) = oneshot::channel();
        PROOF.set(Some(proof));
        let read = Rc::new(Cell::new(0));
        let count = read.clone();
        let body = stream::once(async { Ok(Bytes::from_static(b"{}")) }).inspect(move |_| count.set(count.get() + 1));
        let request =
            TestRequest::post().uri("/error/slow").insert_header(("content-type", "application/json")).to_request();
        let body: Body = Box::pin(body);
        let (request, _) = request.replace_payload(Payload::Stream { payload: body });
        let mut reply = Box::pin(service.call(request));
        assert!(reply.as_mut().now_or_never().is_none());
        assert_eq!(read.get(), 0, "nobody is known yet");
        tell.send(is_somebody).unwrap();
        let answered = match reply.await {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        assert_eq!((answered.as_u16(), read.get()), (status, wanted));
    }
}
