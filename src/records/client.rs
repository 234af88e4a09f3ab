//! An app that signs people in with us, or a machine.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Algorithm;
use crate::base::Moment;
use crate::base::id::ClientId;
use crate::base::secret::Digest;

/// A registered OAuth 2 client (RFC 6749 §2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// `client_id`, byte-exact.
    pub id: ClientId,
    /// Shown to people at sign-in and consent.
    pub name: String,
    /// What kind of app it is.
    pub kind: ClientType,
    /// Valid secrets: one, or two while a rotation overlaps.
    #[serde(default)]
    pub secrets: Vec<ClientSecret>,
    /// Exact redirect URIs (RFC 9700 §4.1.3).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Exact URIs to return to after logout (RP-Initiated Logout §3.1).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// How it proves itself at the token endpoint.
    pub auth_method: AuthMethod,
    /// What it may present at the token endpoint.
    pub grants: Vec<GrantType>,
    /// `aud` of its access tokens; empty means the installation's default.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Origins that may call us from a browser, beyond those of the redirect URIs.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Scopes it may ask for; empty means all that we know.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// A trusted app is never asked consent for.
    #[serde(default)]
    pub trusted: bool,
    /// Whether a confidential client must use PKCE too. Public ones always must.
    #[serde(default)]
    pub require_pkce: bool,
    /// What its tokens are signed with.
    #[serde(default)]
    pub signing_alg: Algorithm,
    /// Public keys for `private_key_jwt` (RFC 7517 JWK set).
    #[serde(default)]
    pub jwks: Option<Map<String, Value>>,
    /// Who may sign in to it.
    #[serde(default)]
    pub access_policy: AccessPolicy,
    /// Which permissions stand in its tokens.
    #[serde(default)]
    pub permission_claims: PermissionScope,
    /// Lifetime of its access tokens in seconds; `None` means the installation's.
    #[serde(default)]
    pub access_seconds: Option<u64>,
    /// A disabled client gets nothing.
    #[serde(default)]
    pub disabled: bool,
    /// Who may change it.
    #[serde(default)]
    pub origin: Origin,
    /// When it was registered.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// Counts changes; a form drawn from an older version is refused.
    #[serde(default)]
    pub version: u64,
}

impl Client {
    /// Whether it cannot keep a secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether it may use this grant.
    pub fn allows(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }
}

/// A secret of a confidential client; the text was shown once and is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientSecret {
    /// Digest of the whole secret.
    pub digest: Digest,
    /// When it was made.
    pub created_at: Moment,
    /// `None` while it is the newest; a moment once a rotation has given it an end.
    pub expires_at: Option<Moment>,
}

/// What kind of app a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientType {
    /// A server-side app that keeps a secret.
    Web,
    /// An app in the browser: public.
    Spa,
    /// An app on a person's device: public.
    Native,
    /// A machine without people.
    M2m,
}

impl ClientType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Web, Self::Spa, Self::Native, Self::M2m];

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Spa => "spa",
            Self::Native => "native",
            Self::M2m => "m2m",
        }
    }

    /// Whether its code ships to people, so that it must be public.
    pub fn is_public(self) -> bool {
        matches!(self, Self::Spa | Self::Native)
    }
}

/// `token_endpoint_auth_method` (OIDC Core §9, RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// HTTP Basic with form-encoded halves (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// Public client.
    None,
}

impl AuthMethod {
    /// All, in the order discovery lists them.
    pub const ALL: [Self; 4] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::None];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }

    /// Whether it is proved with a shared secret.
    pub fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

/// `grant_type` (RFC 6749, RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl GrantType {
    /// All, in the order discovery lists them.
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// Who may sign in to a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessPolicy {
    /// Everybody with an account.
    #[default]
    AllUsers,
    /// Those who hold a relation to the client that lets them, themselves or through a group, and administrators of the platform.
    Restricted,
}

impl AccessPolicy {
    /// All.
    pub const ALL: [Self; 2] = [Self::AllUsers, Self::Restricted];

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllUsers => "all_users",
            Self::Restricted => "restricted",
        }
    }
}

/// Which permissions stand in a client's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionScope {
    /// Those on its own types and on the types of no client.
    #[default]
    Own,
    /// Those on all types.
    All,
    /// None.
    None,
}

impl PermissionScope {
    /// All of them.
    pub const EACH: [Self; 3] = [Self::Own, Self::All, Self::None];

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::All => "all",
            Self::None => "none",
        }
    }
}

/// Where a client was declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// By an administrator.
    #[default]
    Admin,
    /// In the configuration file: read-only elsewhere.
    Config,
}
