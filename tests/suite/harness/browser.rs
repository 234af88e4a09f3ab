//! A browser as far as our pages need one: cookies, redirects, forms. It runs no script.

use std::sync::Arc;

use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, StatusCode};
use url::Url;

use super::{Callback, Home, PASSWORD, form};

/// Cookies and a way to send requests; follows no redirect by itself.
pub struct Browser {
    /// Sends requests with the cookies.
    pub http: Client,
    jar: Arc<Jar>,
    origin: String,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub url: Url,
    pub text: String,
}

impl Response {
    /// Reads a response to its end.
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        Self { status, headers, url, text: response.text().await.unwrap() }
    }

    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it redirects to.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// Where it leads by itself: a redirect, or the page in the place of one whose address is long; empty when nowhere.
    pub fn leads_to(&self) -> String {
        match self.text.split("id=\"lead-on\"").nth(1) {
            Some(rest) => attribute(rest, "href"),
            None => self.location().to_owned(),
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    /// The hidden fields of the page's form.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let inputs = self.text.split("<input type=\"hidden\" ").skip(1);
        inputs.map(|rest| (attribute(rest, "name"), attribute(rest, "value"))).collect()
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> String {
        self.hidden().into_iter().find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
    }

    /// Where the page's form leads.
    pub fn action(&self) -> String {
        let form = self.text.split("<form ").nth(1).unwrap_or_else(|| panic!("no form: {} {}", self.status, self.text));
        attribute(form, "action")
    }

    /// Whether the page has an element of this id.
    pub fn has(&self, id: &str) -> bool {
        self.text.contains(&format!("id=\"{id}\""))
    }
}

fn attribute(tag: &str, name: &str) -> String {
    let tag = tag.split('>').next().unwrap_or_default();
    let value = tag.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    value.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">")
}

impl Browser {
    /// One without cookies.
    pub fn new(home: &Home) -> Self {
        Self::of_origin(&home.origin)
    }

    fn of_origin(origin: &str) -> Self {
        let jar = Arc::new(Jar::default());
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .cookie_provider(jar.clone())
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .unwrap();
        Self { http, jar, origin: origin.to_owned() }
    }

    /// An address of the server from a path or a whole address.
    pub fn whole(&self, place: &str) -> String {
        if place.starts_with('/') { format!("{}{place}", self.origin) } else { place.to_owned() }
    }

    /// `GET`.
    pub async fn get(&self, place: &str) -> Response {
        Response::of(self.http.get(self.whole(place))).await
    }

    /// `GET`, and on through redirects that stay on the server.
    pub async fn visit(&self, place: &str) -> Response {
        self.follow(self.get(place).await).await
    }

    /// On from an answer through redirects that stay on the server.
    pub async fn follow(&self, mut answer: Response) -> Response {
        for _ in 0..8 {
            let location = answer.leads_to();
            let stays = location.starts_with('/') || location.starts_with(&format!("{}/", self.origin));
            if !stays {
                return answer;
            }
            answer = self.get(&location).await;
        }
        panic!("redirects in a circle: {}", answer.location());
    }

    /// Posts a form to a path, as a page of the server would.
    pub async fn post(&self, place: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.http.post(self.whole(place)).header("origin", &self.origin);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form(fields));
        Response::of(request).await
    }

    /// Sends the form of a page with its hidden fields and these.
    pub async fn submit(&self, page: &Response, fields: &[(&str, &str)]) -> Response {
        let hidden = page.hidden();
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.extend(fields);
        self.post(&page.action(), &all).await
    }

    /// Posts JSON to a path, as a script of our own origin would.
    pub async fn call(&self, place: &str, body: &serde_json::Value) -> Response {
        Response::of(self.http.post(self.whole(place)).header("origin", &self.origin).json(body)).await
    }

    /// Signs in on the page.
    pub async fn sign_in(&self, who: &str) {
        let page = self.get("/sign-in").await;
        let answer = self.submit(&page, &[("identifier", who), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{who}: {}", answer.text);
    }

    /// Opens an authorization request and goes on as a willing person would, signing in as `who` where asked, until the
    /// app is reached.
    pub async fn authorize_as(&self, who: &str, place: &str) -> Callback {
        let mut page = self.visit(place).await;
        for _ in 0..6 {
            if !page.leads_to().is_empty() {
                return Callback::of(&page.leads_to());
            }
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            let answer = if page.has("consent-allow") {
                self.submit(&page, &[("action", "allow")]).await
            } else {
                assert!(page.has("password"), "{}", page.text);
                self.submit(&page, &[("identifier", who), ("password", PASSWORD)]).await
            };
            page = self.follow(answer).await;
        }
        panic!("the app is not reached: {}", page.text);
    }

    /// The cookies it would send, as one header.
    pub fn cookies(&self) -> String {
        let url: Url = self.origin.parse().unwrap();
        self.jar.cookies(&url).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let all = self.cookies();
        let found = all.split("; ").find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.map(str::to_owned)
    }

    /// Plants a cookie.
    pub fn plant(&self, cookie: &str) {
        self.jar.add_cookie_str(cookie, &self.origin.parse().unwrap());
    }

    /// The session token, to be sent as bearer.
    pub fn session_token(&self) -> String {
        self.cookie("auther_session").expect("somebody is signed in")
    }
}
