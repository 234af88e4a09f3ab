//! Every address of a tenant, made of its origin, its base path and a [`Path`].

use url::form_urlencoded::Serializer;

use super::paths::{self, Path};
use crate::config::Issuer;

/// The longest address that is made of what others send, in bytes: with the origin before it, it stays within 4 KiB.
const LONGEST: usize = 4_000;

/// Where a tenant is found: everything that is linked, redirected to or published is made here.
///
/// A *path* (`/sign-in`, `/t/acme/sign-in`) is for our own pages and redirects; a *URL*
/// (`https://auth.example.com/sign-in`) for everybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    origin: Issuer,
    base: String,
    issuer: String,
}

impl Urls {
    /// The addresses below `base` on this origin: empty, or `/t/acme`, without a slash at the end.
    pub fn new(origin: Issuer, base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let issuer = format!("{}{base}", origin.origin());
        Self { origin, base, issuer }
    }

    /// `iss`: origin and base path.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The origin as browsers send it (RFC 6454 §6.2).
    pub fn origin(&self) -> &str {
        self.origin.origin()
    }

    /// Name or address without port; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.origin.host
    }

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.origin.https
    }

    /// The base path: empty, or `/t/acme`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether what stands behind the name of a well-known document of an issuer with a path (RFC 8414 §3.1) is this
    /// base path: `t/acme`, without a slash before it.
    pub fn is_named_by(&self, rest: &str) -> bool {
        self.base.strip_prefix('/') == Some(rest)
    }

    /// Whether a path of this site is one of the tenant. Below a base path a browser must not be able to climb out of
    /// it by dots.
    pub fn contain(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(&self.base) else { return false };
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let is_dots = |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
        let climbs = !self.base.is_empty() && path.split('/').any(is_dots);
        !climbs && (rest.is_empty() || rest.starts_with(['/', '?', '#']))
    }

    /// The path of a page or an endpoint.
    pub fn path(&self, to: Path) -> String {
        format!("{}{}", self.base, to.pattern())
    }

    /// The path of what is below another one: `rest` has no slash before it.
    pub fn path_below(&self, folder: Path, rest: &str) -> String {
        format!("{}{}/{rest}", self.base, folder.pattern())
    }

    /// The path with one query parameter, escaped; the bare path when the value is empty, or makes an address of more
    /// than 4,000 bytes: what waits is forgotten, and nothing on the way refuses the address.
    pub fn path_with(&self, to: Path, name: &str, value: &str) -> String {
        let whole = with_query(self.path(to), name, value);
        if whole.len() <= LONGEST { whole } else { self.path(to) }
    }

    /// The path with a whole query, which is escaped already.
    pub fn path_asking(&self, to: Path, query: &str) -> String {
        format!("{}?{query}", self.path(to))
    }

    /// The path of the sign-in form for another account than the one at hand; `token` brings the app's request back.
    pub fn other_account(&self, token: &str) -> String {
        format!("{}&other=1", self.path_with(paths::SIGN_IN, "continue", token))
    }

    /// The URL of a page or an endpoint.
    pub fn url(&self, to: Path) -> String {
        format!("{}{}", self.issuer, to.pattern())
    }

    /// The URL with one query parameter, escaped; the bare URL when the value is empty.
    pub fn url_with(&self, to: Path, name: &str, value: &str) -> String {
        with_query(self.url(to), name, value)
    }

    /// The URL with a whole query, which is escaped already.
    pub fn url_asking(&self, to: Path, query: &str) -> String {
        format!("{}?{query}", self.url(to))
    }
}

fn with_query(address: String, name: &str, value: &str) -> String {
    if value.is_empty() {
        return address;
    }
    let query = Serializer::new(String::new()).append_pair(name, value).finish();
    format!("{address}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(base: &str) -> Urls {
        let mut origin = crate::testing::settings().issuer;
        (origin.text, origin.host) = (String::from("https://id.example.com"), String::from("id.example.com"));
        Urls::new(origin, base)
    }

    #[test]
    fn everything_is_below_the_base_path() {
        let (plain, acme) = (urls(""), urls("/t/acme/"));
        assert_eq!((plain.issuer(), plain.base()), ("https://id.example.com", ""));
        assert_eq!((acme.issuer(), acme.base()), ("https://id.example.com/t/acme", "/t/acme"));
        assert_eq!((acme.origin(), acme.host()), ("https://id.example.com", "id.example.com"));
        assert_eq!((plain.path(paths::HOME), acme.path(paths::HOME)), ("/".into(), "/t/acme/".into()));
        assert_eq!(acme.url(paths::TOKEN[0]), "https://id.example.com/t/acme/api/auth/oauth2/token");
        assert_eq!(acme.path_below(paths::ADMIN, "users"), "/t/acme/admin/users");
        assert_eq!(acme.other_account("a.b"), "/t/acme/sign-in?continue=a.b&other=1");
    }

    #[test]
    fn a_base_path_is_named_whole_and_the_default_tenant_by_nothing() {
        let (plain, acme) = (urls(""), urls("/t/acme"));
        assert!(acme.is_named_by("t/acme"));
        for other in ["", "/", "t", "t/acm", "t/acme/", "/t/acme", "t/acme2", "T/acme"] {
            assert!(!acme.is_named_by(other) && !plain.is_named_by(other), "{other}");
        }
    }

    #[test]
    fn a_query_value_is_escaped() {
        let urls = urls("");
        assert_eq!(urls.path_with(paths::SIGN_IN, "continue", "a&b=c"), "/sign-in?continue=a%26b%3Dc");
        assert_eq!(urls.path_with(paths::SIGN_IN, "continue", ""), "/sign-in");
        assert_eq!(urls.url_asking(paths::AUTHORIZE[0], "a=b"), "https://id.example.com/api/auth/oauth2/authorize?a=b");
    }

    #[test]
    fn a_path_of_another_tenant_is_not_ours() {
        let acme = urls("/t/acme");
        for ours in ["/t/acme", "/t/acme/", "/t/acme/admin?x=1", "/t/acme?x", "/t/acme#x"] {
            assert!(acme.contain(ours), "{ours}");
        }
        for other in
            ["/", "/admin", "/t/acme2/admin", "/t/acm", "/t/other/admin", "/t/acme/../x", "/t/acme/a/%2E./../../x"]
        {
            assert!(!acme.contain(other), "{other}");
        }
        assert!(urls("").contain("/") && urls("").contain("/admin"));
    }
}
