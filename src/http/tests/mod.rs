//! The web as a whole, called without a network.

mod accounts;
mod addresses;
mod asking;
mod authzen;
mod bodies;
mod bounds;
mod described;
mod details;
mod failures;
mod fresh;
mod graph;
mod guards;
mod hosts;
mod lists;
mod matched;
mod owners;
mod pages;
mod policies;
mod races;
mod rows;
mod rules;
mod sign_in_links;
mod tabs;
mod tenants;
mod walk;
mod writers;

use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::to_bytes;
use actix_web::cookie::Cookie;
use actix_web::dev::Service;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use serde_json::Value;

use super::{State, app};
use crate::base::Secret;
use crate::identity::users::{NewUser, create};
use crate::oauth::clients::{NewClient, register};
use crate::records::{ClientFieldsChange, ClientType, SubjectRef, TupleKey, User};
use crate::testing::{Parts, TestApp};

/// The password of every person here.
const PASSWORD: &str = "correct horse";
/// The issuer of the default settings.
const OWN: &str = "https://localhost:8443";

/// What came back.
struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl TestResponse {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn location(&self) -> &str {
        self.header("location")
    }

    /// The value of a hidden field of a page.
    fn field(&self, name: &str) -> String {
        let at =
            self.body.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {}", self.body));
        let rest = &self.body[at + name.len() + 15..];
        rest[..rest.find('"').unwrap()].to_owned()
    }
}

type Call = Box<dyn Fn(TestRequest) -> Pin<Box<dyn Future<Output = TestResponse>>>>;

/// A site of its own.
struct Site {
    home: TestApp,
    call: Call,
}

impl Site {
    async fn open() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Parts)) -> Self {
        let home = TestApp::with(change);
        let service = Rc::new(init_service(app(State::new(home.parts.clone()))).await);
        let call: Call = Box::new(move |request: TestRequest| {
            let service = service.clone();
            Box::pin(async move {
                let response = match service.call(request.to_request()).await {
                    Ok(response) => response.map_into_boxed_body().into_parts().1,
                    Err(error) => error.error_response(),
                };
                let (status, headers) = (response.status(), response.headers().clone());
                let body = to_bytes(response.into_body()).await.unwrap_or_default();
                TestResponse { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
            })
        });
        Self { home, call }
    }

    async fn send(&self, request: TestRequest) -> TestResponse {
        (self.call)(request.peer_addr("192.0.2.1:4711".parse().unwrap())).await
    }

    async fn get(&self, uri: &str) -> TestResponse {
        self.send(TestRequest::get().uri(uri)).await
    }

    async fn person(&self, email: &str, roles: &[&str]) -> User {
        let new = NewUser {
            email: email.to_owned(),
            email_verified: true,
            password: Some(Secret::from(PASSWORD)),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..NewUser::default()
        };
        create(&self.home.cx(), new).await.unwrap()
    }

    async fn client(&self, trusted: bool) {
        let fields = ClientFieldsChange {
            redirect_uris: Some(vec![String::from("https://app.example.com/cb")]),
            origins: Some(vec![String::from("https://other.example.com")]),
            trusted: Some(trusted),
            ..ClientFieldsChange::default()
        };
        let input = NewClient {
            name: Some(String::from("Grafana")),
            kind: Some(ClientType::Spa),
            client_id: Some(String::from("grafana")),
            fields,
        };
        register(&self.home.cx(), &input).await.unwrap();
    }

    /// Signs in over JSON; gives the session token.
    async fn token(&self, email: &str) -> String {
        let body = serde_json::json!({ "email": email, "password": PASSWORD });
        let answer = self.send(TestRequest::post().uri("/api/auth/sign-in/email").set_json(body)).await;
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}

/// The address with which the app of [`Site::client`] asks for a code, and more parameters.
fn authorize(more: &str) -> String {
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let redirect = "https%3A%2F%2Fapp.example.com%2Fcb";
    format!(
        "/oauth2/authorize?client_id=grafana&response_type=code&scope=openid&redirect_uri={redirect}&state=s1\
         &code_challenge={challenge}&code_challenge_method=S256{more}"
    )
}

/// A site with an administrator, and a way to ask as them.
struct Desk {
    site: Site,
    token: String,
}

impl Desk {
    async fn open() -> Self {
        let site = Site::with(|parts| parts.settings.rate_limit.enabled = false).await;
        Self::of(site, "root@example.com").await
    }

    /// The desk of a new administrator of this site.
    async fn of(site: Site, email: &str) -> Self {
        site.person(email, &["admin"]).await;
        let token = site.token(email).await;
        Self { site, token }
    }

    async fn get(&self, path: &str) -> TestResponse {
        self.call(Method::GET, path).await
    }

    async fn call(&self, method: Method, path: &str) -> TestResponse {
        self.call_as(&self.token, method, path).await
    }

    async fn call_as(&self, token: &str, method: Method, path: &str) -> TestResponse {
        let request = TestRequest::default().method(method).uri(&format!("/api/admin/{path}"));
        self.site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
    }

    /// Gives a person a relation to a type of the platform; their session token.
    async fn lesser(&self, email: &str, relations: &[(&str, &str)]) -> String {
        let user = self.site.person(email, &[]).await;
        for (kind, relation) in relations {
            let key = TupleKey {
                entity_type: (*kind).to_owned(),
                entity_id: String::from("*"),
                relation: (*relation).to_owned(),
                subject: SubjectRef::new("user", user.id.as_str()),
            };
            crate::access::tuples::write(&self.site.home.cx(), key.into()).await.unwrap();
        }
        self.site.token(email).await
    }

    /// One member of every item of a list, read two at a time until the end.
    async fn all(&self, path: &str, member: &str) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let answer = self.get(&format!("{path}{joint}limit=2{after}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            let page = answer.json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2, "{path}");
            found.extend(items.iter().map(|item| item[member].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return found,
            }
        }
    }
}

/// A browser: keeps cookies, sends them, and says whose page asks.
struct Tab<'a> {
    site: &'a Site,
    cookies: Vec<Cookie<'static>>,
    origin: Option<&'static str>,
}

impl<'a> Tab<'a> {
    fn new(site: &'a Site) -> Self {
        Self { site, cookies: Vec::new(), origin: Some(OWN) }
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|cookie| cookie.name() == name).map(Cookie::value)
    }

    async fn send(&mut self, mut request: TestRequest) -> TestResponse {
        for cookie in &self.cookies {
            request = request.cookie(cookie.clone());
        }
        let answer = self.site.send(request).await;
        for line in answer.headers.get_all("set-cookie") {
            let cookie = Cookie::parse(line.to_str().unwrap().to_owned()).unwrap();
            self.cookies.retain(|other| other.name() != cookie.name());
            if !cookie.value().is_empty() {
                self.cookies.push(cookie);
            }
        }
        answer
    }

    async fn get(&mut self, uri: &str) -> TestResponse {
        self.send(TestRequest::get().uri(uri)).await
    }

    async fn post(&mut self, uri: &str, fields: &[(&str, &str)]) -> TestResponse {
        self.send(self.request(Method::POST, uri).set_form(fields)).await
    }

    async fn post_json(&mut self, uri: &str, body: Value) -> TestResponse {
        self.send(self.request(Method::POST, uri).set_json(body)).await
    }

    fn request(&self, method: Method, uri: &str) -> TestRequest {
        let request = TestRequest::default().method(method).uri(uri);
        match self.origin {
            Some(origin) => request.insert_header(("origin", origin)),
            None => request,
        }
    }

    /// Fills in the sign-in page at `uri` and sends it.
    async fn sign_in(&mut self, uri: &str, email: &str, password: &str) -> TestResponse {
        let page = self.get(uri).await;
        let (csrf, token) = (page.field("csrf_token"), page.field("continue"));
        let fields = [("csrf_token", &*csrf), ("continue", &token), ("identifier", email), ("password", password)];
        self.post("/sign-in", &fields).await
    }
}
