//! Every path, once, as it stands below the base path of a tenant. `http` registers routes under these names, and
//! [`Urls`](super::Urls) makes addresses of them. A [`Path`] shows its text to the router only, so that nothing else
//! makes an address of it.

/// A path below the base path of a tenant; in a route with names in braces for what varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path(&'static str);

impl Path {
    /// The text that a route is registered with. No address: [`Urls`](super::Urls) makes those.
    pub const fn pattern(self) -> &'static str {
        self.0
    }
}

/// Discovery (OpenID Connect Discovery 1.0 §4, RFC 8414 §3), one document in three places.
pub const DISCOVERY: [Path; 3] = [
    Path("/.well-known/openid-configuration"),
    Path("/api/auth/.well-known/openid-configuration"),
    Path("/.well-known/oauth-authorization-server"),
];
/// The same of an issuer with a path, which stands behind the name (RFC 8414 §3.1, RFC 8615 §3). Below the origin, not
/// below a base path.
pub const METADATA_OF_ISSUER: Path = Path("/.well-known/oauth-authorization-server/{base:.*}");
/// The public keys (RFC 7517 §5).
pub const JWKS: [Path; 2] = [Path("/api/auth/jwks"), Path("/.well-known/jwks.json")];
/// RFC 6749 §3.1.
pub const AUTHORIZE: [Path; 2] = [Path("/api/auth/oauth2/authorize"), Path("/oauth2/authorize")];
/// RFC 6749 §3.2.
pub const TOKEN: [Path; 2] = [Path("/api/auth/oauth2/token"), Path("/oauth2/token")];
/// OpenID Connect Core §5.3.
pub const USERINFO: [Path; 2] = [Path("/api/auth/oauth2/userinfo"), Path("/oauth2/userinfo")];
/// RFC 7009.
pub const REVOKE: [Path; 2] = [Path("/api/auth/oauth2/revoke"), Path("/oauth2/revoke")];
/// RFC 7662.
pub const INTROSPECT: [Path; 2] = [Path("/api/auth/oauth2/introspect"), Path("/oauth2/introspect")];
/// OpenID Connect RP-Initiated Logout 1.0 §2.
pub const END_SESSION: [Path; 6] = [
    Path("/api/auth/oauth2/end-session"),
    Path("/api/auth/oauth2/endsession"),
    Path("/api/auth/oauth2/end_session"),
    Path("/oauth2/end-session"),
    Path("/oauth2/endsession"),
    Path("/oauth2/end_session"),
];

/// The start page.
pub const HOME: Path = Path("/");
/// The admin pages.
pub const ADMIN: Path = Path("/admin");
/// Each admin page.
pub const BELOW_ADMIN: Path = Path("/admin/{page:.*}");
/// The account pages.
pub const ACCOUNT: Path = Path("/account");
/// Each account page.
pub const BELOW_ACCOUNT: Path = Path("/account/{page:.*}");
/// The sign-in page.
pub const SIGN_IN: Path = Path("/sign-in");
/// Asks which account to go on with.
pub const CHOOSE_ACCOUNT: Path = Path("/choose-account");
/// The sign-up page.
pub const SIGN_UP: Path = Path("/sign-up");
/// The page behind a set-up link.
pub const SETUP: Path = Path("/setup");
/// The page behind a link with which a person signs in once and sets a password.
pub const RESET_PASSWORD: Path = Path("/reset-password");
/// Says who helps with a forgotten password.
pub const FORGOT_PASSWORD: Path = Path("/forgot-password");
/// Leads password managers to where a password is changed (W3C, A Well-Known URL for Changing Passwords).
pub const CHANGE_PASSWORD: Path = Path("/.well-known/change-password");
/// What search engines may read: nothing (RFC 9309).
pub const ROBOTS: Path = Path("/robots.txt");
/// Whom to tell of a hole (RFC 9116).
pub const SECURITY_TXT: Path = Path("/.well-known/security.txt");
/// Asks what an app may see.
pub const CONSENT: Path = Path("/consent");
/// Asks before signing out.
pub const LOGOUT: Path = Path("/logout");
/// Says what went wrong elsewhere.
pub const ERROR: Path = Path("/error");

/// The files of the pages, everything below this.
pub const ASSETS: Path = Path("/assets");
/// The stylesheet with the colour that is set.
pub const STYLES: Path = Path("/assets/look.{hash}.css");
/// The logo that is set.
pub const LOGO: Path = Path("/assets/logo.{hash}.{kind}");
/// A file under the hash of its content.
pub const ASSET: Path = Path("/assets/{name}");
/// A module under the hash of all modules.
pub const MODULE: Path = Path("/assets/{version}/{path:.*}");
/// The icon that browsers ask for by themselves.
pub const FAVICON: Path = Path("/favicon.ico");

/// The process is up.
pub const HEALTHZ: Path = Path("/healthz");
/// The store is open and keys are there.
pub const READYZ: Path = Path("/readyz");

/// The certificate of the local CA, for whom it is to be trusted by.
pub const LOCAL_CA: Path = Path("/ca.pem");

/// OpenID AuthZEN Authorization API 1.0 §9.
pub const AUTHZEN_METADATA: Path = Path("/.well-known/authzen-configuration");
/// The same of a decision point with a path (AuthZEN 1.0 §9). Below the origin, not below a base path.
pub const AUTHZEN_METADATA_OF: Path = Path("/.well-known/authzen-configuration/{base:.*}");
/// AuthZEN 1.0 §6.
pub const AUTHZEN_EVALUATION: Path = Path("/access/v1/evaluation");
/// AuthZEN 1.0 §7.
pub const AUTHZEN_EVALUATIONS: Path = Path("/access/v1/evaluations");
/// AuthZEN 1.0 §8.4.
pub const AUTHZEN_SEARCH_SUBJECT: Path = Path("/access/v1/search/subject");
/// AuthZEN 1.0 §8.5.
pub const AUTHZEN_SEARCH_RESOURCE: Path = Path("/access/v1/search/resource");
/// AuthZEN 1.0 §8.6.
pub const AUTHZEN_SEARCH_ACTION: Path = Path("/access/v1/search/action");

/// A question about one permission.
pub const CHECK: Path = Path("/api/auth/check-permission");
/// Many of them.
pub const CHECK_BATCH: Path = Path("/api/auth/check-permission/batch");
/// Which objects a subject may act on.
pub const LIST_OBJECTS: Path = Path("/api/auth/list-objects");
/// Who may act on an object.
pub const LIST_SUBJECTS: Path = Path("/api/auth/list-subjects");
/// What the caller may do.
pub const MY_ACCESS: Path = Path("/api/auth/my-access");

/// Tuples on a client's own types, managed by its backend.
pub const GRANTS: Path = Path("/api/internal/clients/{client}/grants");
/// One of them.
pub const GRANT: Path = Path("/api/internal/clients/{client}/grants/{tuple}");
/// Who is in a group.
pub const GROUP_MEMBERS: Path = Path("/api/internal/groups/{group}/members");

/// The JSON dialect of accounts, everything below this.
pub const ACCOUNT_API: Path = Path("/api/auth");
/// The admin API, everything below this.
pub const ADMIN_API: Path = Path("/api/admin");
/// API keys of a person, everything below this.
pub const API_KEYS: Path = Path("/api/auth/api-key");
/// Questions from our own network, everything below this.
pub const INTERNAL_API: Path = Path("/api/internal");
/// Questions by OpenID AuthZEN, everything below this.
pub const AUTHZEN: Path = Path("/access/v1");
