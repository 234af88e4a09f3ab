//! What is decided by the route that a request was led to: the dialect in which it says no, and who may call it. The
//! paths themselves are in [`tenant::paths`](crate::tenant::paths).

use std::rc::Rc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header;

use crate::tenant::paths;

/// What machines ask, everything below these.
const MACHINE: [paths::Path; 6] =
    [paths::API_KEYS, paths::CHECK, paths::LIST_OBJECTS, paths::LIST_SUBJECTS, paths::INTERNAL_API, paths::AUTHZEN];

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
    /// One line of text, for machines that watch or fetch a file.
    Plain,
}

/// The dialect of a path.
pub fn dialect(path: &str) -> Dialect {
    let is_below = |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_one_of = |paths: &[paths::Path]| paths.iter().any(|one| one.pattern() == path);
    if is_one_of(&paths::AUTHORIZE) || is_one_of(&paths::END_SESSION) {
        Dialect::Page
    } else if is_below("/oauth2")
        || is_below("/api/auth/oauth2")
        || path.contains("/.well-known/")
        || is_one_of(&paths::JWKS)
    {
        Dialect::OAuth
    } else if MACHINE.iter().any(|base| is_below(base.pattern())) {
        Dialect::Machine
    } else if is_below(paths::ACCOUNT_API.pattern()) {
        Dialect::Account
    } else if is_below("/api") {
        Dialect::Admin
    } else if is_one_of(&[paths::HEALTHZ, paths::READYZ, paths::LOCAL_CA]) || is_below(paths::ASSETS.pattern()) {
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
    /// Who may call the routes of the dialect, unless one says otherwise: the authorization endpoint is navigated to,
    /// pages and the admin API are for our own origin.
    fn openness(self) -> Openness {
        match self {
            Self::OAuth | Self::Account | Self::Machine => Openness::RegisteredOrigins,
            Self::Admin | Self::Page | Self::Plain => Openness::Nobody,
        }
    }
}

/// The route that a request was led to, and everything that is decided by it. The router decodes a path before it looks
/// for a route, so the text of a request's path decides nothing: `/api/auth/sign-in/%65mail` is the route
/// `/api/auth/sign-in/email` in everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The path as it is registered: `/api/admin/users/{user}`. `None` where nothing is registered.
    pub pattern: Option<String>,
    /// In which dialect it says no.
    pub dialect: Dialect,
    /// Who may call it from a page of another origin.
    pub openness: Openness,
    /// Whether its `POST` tries something that could be guessed, or makes us hash a password: those are counted per
    /// address.
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
            ("/ca.pem", Dialect::Plain),
            ("/metrics", Dialect::Page),
            ("/oauth2x", Dialect::Page),
            ("/", Dialect::Page),
        ] {
            assert_eq!(dialect(path), wanted, "{path}");
        }
    }
}
