//! Every path, once. Routes are registered under these names and links are built from them.

use std::borrow::Cow;
use std::rc::Rc;

use actix_web::dev::{HttpServiceFactory, ServiceRequest};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder, Route, guard, web};

use super::guard::around;
use super::respond::Refusal;

/// Discovery (OpenID Connect Discovery 1.0 §4, RFC 8414 §3), one document in three places.
pub const DISCOVERY: [&str; 3] = [
    "/.well-known/openid-configuration",
    "/api/auth/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];
/// The public keys (RFC 7517 §5).
pub const JWKS: [&str; 2] = ["/api/auth/jwks", "/.well-known/jwks.json"];
/// RFC 6749 §3.1.
pub const AUTHORIZE: [&str; 2] = ["/api/auth/oauth2/authorize", "/oauth2/authorize"];
/// RFC 6749 §3.2.
pub const TOKEN: [&str; 2] = ["/api/auth/oauth2/token", "/oauth2/token"];
/// OpenID Connect Core §5.3.
pub const USERINFO: [&str; 2] = ["/api/auth/oauth2/userinfo", "/oauth2/userinfo"];
/// RFC 7009.
pub const REVOKE: [&str; 2] = ["/api/auth/oauth2/revoke", "/oauth2/revoke"];
/// RFC 7662.
pub const INTROSPECT: [&str; 2] = ["/api/auth/oauth2/introspect", "/oauth2/introspect"];
/// OpenID Connect RP-Initiated Logout 1.0 §2.
pub const END_SESSION: [&str; 6] = [
    "/api/auth/oauth2/end-session",
    "/api/auth/oauth2/endsession",
    "/api/auth/oauth2/end_session",
    "/oauth2/end-session",
    "/oauth2/endsession",
    "/oauth2/end_session",
];

/// The start page.
pub const HOME: &str = "/";
/// The admin pages.
pub const ADMIN: &str = "/admin";
/// Each admin page.
pub const BELOW_ADMIN: &str = "/admin/{page:.*}";
/// The account pages.
pub const ACCOUNT: &str = "/account";
/// Each account page.
pub const BELOW_ACCOUNT: &str = "/account/{page:.*}";
/// The sign-in page.
pub const SIGN_IN: &str = "/sign-in";
/// Asks which account to go on with.
pub const CHOOSE_ACCOUNT: &str = "/choose-account";
/// The sign-up page.
pub const SIGN_UP: &str = "/sign-up";
/// The page behind a set-up or recovery link.
pub const SETUP: &str = "/setup";
/// Asks what an app may see.
pub const CONSENT: &str = "/consent";
/// Asks before signing out.
pub const LOGOUT: &str = "/logout";
/// Says what went wrong elsewhere.
pub const ERROR: &str = "/error";

/// The process is up.
pub const HEALTHZ: &str = "/healthz";
/// The store is open and keys are there.
pub const READYZ: &str = "/readyz";

/// OpenID AuthZEN Authorization API 1.0 §9.
pub const AUTHZEN_METADATA: &str = "/.well-known/authzen-configuration";
/// AuthZEN 1.0 §6.
pub const AUTHZEN_EVALUATION: &str = "/access/v1/evaluation";
/// AuthZEN 1.0 §7.
pub const AUTHZEN_EVALUATIONS: &str = "/access/v1/evaluations";
/// AuthZEN 1.0 §8.4.
pub const AUTHZEN_SEARCH_SUBJECT: &str = "/access/v1/search/subject";
/// AuthZEN 1.0 §8.5.
pub const AUTHZEN_SEARCH_RESOURCE: &str = "/access/v1/search/resource";
/// AuthZEN 1.0 §8.6.
pub const AUTHZEN_SEARCH_ACTION: &str = "/access/v1/search/action";

/// Tuples on a client's own types, managed by its backend.
pub const GRANTS: &str = "/api/internal/clients/{client}/grants";
/// One of them.
pub const GRANT: &str = "/api/internal/clients/{client}/grants/{tuple}";
/// Who is in a group.
pub const GROUP_MEMBERS: &str = "/api/internal/groups/{group}/members";

/// The JSON dialect of accounts, everything below this.
pub const ACCOUNT_API: &str = "/api/auth/";
/// The admin API, everything below this.
pub const ADMIN_API: &str = "/api/admin";

/// What machines ask, everything below these.
const MACHINE: [&str; 6] = [
    "/api/auth/api-key",
    "/api/auth/check-permission",
    "/api/auth/list-objects",
    "/api/auth/list-subjects",
    INTERNAL_API,
    "/access/v1",
];
/// Questions from our own network, everything below this.
pub const INTERNAL_API: &str = "/api/internal";

/// A path of the account dialect: `account("sign-out")` is `/api/auth/sign-out`.
pub fn account(name: &str) -> String {
    format!("{ACCOUNT_API}{name}")
}

/// A path with one query parameter, escaped; the bare path when the value is empty.
pub fn with_query(path: &str, name: &str, value: &str) -> String {
    if value.is_empty() {
        return path.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    format!("{path}?{query}")
}

/// An authorization request with these parameters.
pub fn authorize(query: &str) -> String {
    format!("{}?{query}", AUTHORIZE[0])
}

/// The sign-in form for another account than the one at hand; `token` brings the app's request back.
pub fn other_account(token: &str) -> String {
    format!("{}&other=1", with_query(SIGN_IN, "continue", token))
}

/// In which dialect a path says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `{"error","error_description"}` (RFC 6749 §5.2).
    OAuth,
    /// `{"code","message"}`, the dialect of the account API.
    Account,
    /// `{"error","message"}`: what machines ask, about permissions and API keys.
    Machine,
    /// `application/problem+json` (RFC 9457).
    Admin,
    /// A page for people.
    Page,
    /// One line of text, for machines that watch.
    Plain,
}

/// The dialect of a path.
pub fn dialect(path: &str) -> Dialect {
    let is_below = |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if AUTHORIZE.contains(&path) || END_SESSION.contains(&path) {
        Dialect::Page
    } else if is_below("/oauth2")
        || is_below("/api/auth/oauth2")
        || path.contains("/.well-known/")
        || JWKS.contains(&path)
    {
        Dialect::OAuth
    } else if MACHINE.iter().any(|base| is_below(base)) {
        Dialect::Machine
    } else if is_below("/api/auth") {
        Dialect::Account
    } else if is_below("/api") {
        Dialect::Admin
    } else if matches!(path, HEALTHZ | READYZ) || is_below("/assets") {
        Dialect::Plain
    } else {
        Dialect::Page
    }
}

/// Who may call a route from a page of another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// Every page.
    Everybody,
    /// Pages of the origins of registered clients.
    RegisteredOrigins,
    /// Pages of our own origin only.
    Nobody,
}

impl Dialect {
    /// Who may call the routes of the dialect, unless one says otherwise: the authorization endpoint is navigated to, pages and the admin API
    /// are for our own origin.
    fn openness(self) -> Openness {
        match self {
            Self::OAuth | Self::Account | Self::Machine => Openness::RegisteredOrigins,
            Self::Admin | Self::Page | Self::Plain => Openness::Nobody,
        }
    }
}

/// The route that a request was led to, and everything that is decided by it. The router decodes a path before it looks for a route, so the text
/// of a request's path decides nothing: `/api/auth/sign-in/%65mail` is the route `/api/auth/sign-in/email` in everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The path as it is registered: `/api/admin/users/{user}`. `None` where nothing is registered.
    pub pattern: Option<String>,
    /// In which dialect it says no.
    pub dialect: Dialect,
    /// Who may call it from a page of another origin.
    pub openness: Openness,
    /// Whether its `POST` tries something that could be guessed, or makes us hash a password: those are counted per address.
    pub is_attempt: bool,
    /// Whether it tells the state of the server: it is answered when there is room for nothing else.
    pub is_health: bool,
    /// Whether every caller may name the request with `X-Request-Id`; elsewhere only a trusted proxy may.
    pub names_requests: bool,
}

impl Matched {
    /// The route of a request whose middleware runs inside the route.
    pub(in crate::http) fn of(request: &ServiceRequest) -> Rc<Self> {
        let matched = request.app_data::<Rc<Self>>().cloned();
        matched.unwrap_or_else(|| {
            // As the router read it: decoded.
            let dialect = dialect(request.match_info().as_str());
            let openness = dialect.openness();
            Rc::new(Self {
                pattern: None,
                dialect,
                openness,
                is_attempt: false,
                is_health: false,
                names_requests: false,
            })
        })
    }

    /// The dialect in which this request is answered: a page that is called by `fetch` answers in JSON.
    pub(in crate::http) fn dialect_for(&self, headers: &header::HeaderMap) -> Dialect {
        let by_script = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "cors" || mode == "same-origin");
        if self.dialect == Dialect::Page && by_script { Dialect::OAuth } else { self.dialect }
    }
}

/// What answers at one or more paths: each method its handler, anything else 405 with `Allow` (RFC 9110 §15.5.6).
///
/// `Endpoint::at(routes::USERINFO).get(show).post(show)` is handed to `config.service(…)`. `GET` answers `HEAD` as well.
///
/// What holds for its routes besides is said here too, and [`Matched`] carries it to what decides by it.
pub struct Endpoint {
    paths: Vec<String>,
    allowed: Vec<Cow<'static, str>>,
    routes: Vec<Box<dyn Fn() -> Route>>,
    openness: Option<Openness>,
    is_attempt: bool,
    is_health: bool,
    names_requests: bool,
}

impl Endpoint {
    /// An endpoint at these paths: one, or one and its aliases.
    pub fn at<const N: usize>(paths: [&str; N]) -> Self {
        let paths = paths.map(str::to_owned).to_vec();
        let (is_attempt, is_health, names_requests) = (false, false, false);
        let (allowed, routes, openness) = (Vec::new(), Vec::new(), None);
        Self { paths, allowed, routes, openness, is_attempt, is_health, names_requests }
    }

    /// Its `POST` tries something that could be guessed, or makes us hash a password: it is counted per address.
    #[must_use]
    pub fn attempt(mut self) -> Self {
        self.is_attempt = true;
        self
    }

    /// It tells the state of the server.
    #[must_use]
    pub fn health(mut self) -> Self {
        self.is_health = true;
        self
    }

    /// Who may call it from a page of another origin, where that is not what its family says.
    #[must_use]
    pub fn open_to(mut self, openness: Openness) -> Self {
        self.openness = Some(openness);
        self
    }

    /// Every caller may name the request (AuthZEN 1.0 §10.1.1).
    #[must_use]
    pub fn names_requests(mut self) -> Self {
        self.names_requests = true;
        self
    }

    fn matched(&self, path: &str) -> Matched {
        let dialect = dialect(path);
        Matched {
            pattern: Some(path.to_owned()),
            dialect,
            openness: self.openness.unwrap_or(dialect.openness()),
            is_attempt: self.is_attempt,
            is_health: self.is_health,
            names_requests: self.names_requests,
        }
    }

    /// Answers `GET` and `HEAD`.
    #[must_use]
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let methods = || guard::Any(guard::Get()).or(guard::Head());
        self.with("GET, HEAD", move || web::route().guard(methods()).to(handler.clone()))
    }

    /// Answers `POST`.
    #[must_use]
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.with("POST", move || web::post().to(handler.clone()))
    }

    /// Answers another method.
    #[must_use]
    pub fn on<F, Args>(self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let name = method.to_string();
        self.with(name, move || web::method(method.clone()).to(handler.clone()))
    }

    /// Where it is.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The methods that do something of their own: `HEAD` does what `GET` does.
    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        self.allowed.iter().flat_map(|names| names.split(", ")).filter(|name| *name != "HEAD")
    }

    fn with(mut self, name: impl Into<Cow<'static, str>>, route: impl Fn() -> Route + 'static) -> Self {
        self.allowed.push(name.into());
        self.routes.push(Box::new(route));
        self
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(self, config: &mut actix_web::dev::AppService) {
        let allowed = self.allowed.join(", ");
        // A resource with one path is found by comparing texts, one with several by a regular expression.
        for path in &self.paths {
            let matched = self.matched(path);
            #[cfg(test)]
            tests::note(&matched, &allowed);
            let allowed = allowed.clone();
            let refuse = web::to(move |request: HttpRequest| {
                let allowed = allowed.clone();
                async move {
                    if request.method() == Method::OPTIONS {
                        return Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allowed)).finish());
                    }
                    Err(Refusal::method_not_allowed(allowed))
                }
            });
            let resource = web::resource(path.as_str()).app_data(Rc::new(matched)).default_service(refuse);
            let resource = self.routes.iter().fold(resource, |resource, route| resource.route(route()));
            resource.wrap(from_fn(around)).register(config);
        }
    }
}

/// The answer where nothing lives.
pub async fn not_found() -> Result<HttpResponse, Refusal> {
    Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", "No such endpoint."))
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static REGISTERED: RefCell<Vec<(Method, Matched)>> = const { RefCell::new(Vec::new()) };
    }

    /// Remembers what was registered, for the walk over every route.
    pub(super) fn note(matched: &Matched, allowed: &str) {
        let methods = allowed.split(", ").map(|method| (method.parse().unwrap(), matched.clone()));
        REGISTERED.with_borrow_mut(|all| all.extend(methods));
    }

    /// Every route of the application that this thread made last, with a path that leads to it and what is decided by it.
    pub(in crate::http) fn registered_with() -> Vec<(Method, String, Matched)> {
        let all = REGISTERED.take();
        let filled = all.into_iter().map(|(method, matched)| {
            let path = matched.pattern.as_deref().unwrap().replace(['{', '}'], "");
            (method, path, matched)
        });
        filled.collect()
    }

    /// The same without the latter.
    pub(in crate::http) fn registered() -> Vec<(Method, String)> {
        registered_with().into_iter().map(|(method, path, _)| (method, path)).collect()
    }

    #[test]
    fn every_path_has_its_dialect() {
        for (path, wanted) in [
            ("/api/auth/oauth2/token", Dialect::OAuth),
            ("/oauth2/nothing", Dialect::OAuth),
            ("/api/auth/jwks", Dialect::OAuth),
            ("/.well-known/openid-configuration", Dialect::OAuth),
            ("/api/auth/oauth2/authorize", Dialect::Page),
            ("/oauth2/end_session", Dialect::Page),
            ("/api/auth/sign-in/email", Dialect::Account),
            ("/api/auth/api-key/create", Dialect::Machine),
            ("/api/auth/api-keys", Dialect::Account),
            ("/api/auth/check-permission", Dialect::Machine),
            ("/api/auth/check-permission/batch", Dialect::Machine),
            ("/api/auth/list-objects", Dialect::Machine),
            ("/api/internal/groups", Dialect::Machine),
            ("/access/v1/evaluation", Dialect::Machine),
            ("/api/admin/users", Dialect::Admin),
            ("/api/nothing", Dialect::Admin),
            ("/healthz", Dialect::Plain),
            ("/metrics", Dialect::Page),
            ("/oauth2x", Dialect::Page),
            ("/", Dialect::Page),
        ] {
            assert_eq!(dialect(path), wanted, "{path}");
        }
    }

    #[test]
    fn a_query_value_is_escaped() {
        assert_eq!(with_query(SIGN_IN, "continue", "a&b=c"), "/sign-in?continue=a%26b%3Dc");
        assert_eq!(with_query(SIGN_IN, "continue", ""), "/sign-in");
    }
}
