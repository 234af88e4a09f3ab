//! Every path, once. Routes are registered under these names and links are built from them.

use std::rc::Rc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header;

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
            Rc::new(Self { pattern: None, ..Self::at(request.match_info().as_str()) })
        })
    }

    /// What holds for a route that is registered at this path, unless its endpoint says otherwise.
    pub(super) fn at(path: &str) -> Self {
        let dialect = dialect(path);
        Self {
            pattern: Some(path.to_owned()),
            dialect,
            openness: dialect.openness(),
            is_attempt: false,
            is_health: false,
            names_requests: false,
        }
    }

    /// The dialect in which this request is answered: a page that is called by `fetch` answers in JSON.
    pub(in crate::http) fn dialect_for(&self, headers: &header::HeaderMap) -> Dialect {
        let by_script = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "cors" || mode == "same-origin");
        if self.dialect == Dialect::Page && by_script { Dialect::OAuth } else { self.dialect }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
