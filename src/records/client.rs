//! An app that signs people in with us, or a machine.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::Algorithm;
use super::settable::settable;
use crate::base::Moment;
use crate::base::id::ClientId;
use crate::base::secret::Digest;

settable! {
    /// What can be set of a client beside its name. This is the one place where such a field is declared: records, the
    /// configuration, the API with its description, the command line and the admin pages are made of it. What must hold
    /// of it stands in `oauth::clients::check`.
    pub struct ClientFields;
    /// What is to be set of a client: what is absent stays as it is, or as it is for a new client of its type.
    pub struct ClientFieldsChange;
    short: &[("token_endpoint_auth_method", "auth_method"), ("grant_types", "grants")];
    /// Where codes are sent, exactly (RFC 9700 §4.1.3)
    #[schema(max_items = 100)]
    redirect_uris: Vec<String>,
    /// Where people return after logging out, exactly (RP-Initiated Logout §3.1)
    #[schema(max_items = 100)]
    post_logout_redirect_uris: Vec<String>,
    /// Redirect URIs may be plain http on private addresses and names that end in .lan, .home.arpa or .internal. Anyone
    /// who listens in that network can read codes and what the app shows.
    allow_private_http: bool,
    /// How the app proves itself at the token endpoint
    #[serde(rename = "token_endpoint_auth_method", alias = "auth_method")]
    auth_method: AuthMethod,
    /// What it may present at the token endpoint
    #[serde(rename = "grant_types", alias = "grants")]
    grants: Vec<GrantType>,
    /// `aud` of its access tokens; the installation's when there is none
    #[schema(max_items = 100)]
    audiences: Vec<String>,
    /// Origins whose pages may call from a browser, beyond those of the redirect URIs
    #[schema(max_items = 100)]
    origins: Vec<String>,
    /// Scopes it may ask for; all when there is none
    #[schema(max_items = 100)]
    scopes: Vec<String>,
    /// People are not asked for consent
    trusted: bool,
    /// PKCE is demanded even though the app has a secret; of public apps it always is
    require_pkce: bool,
    /// A scope that it may not ask for ends its request, and is not just left out
    strict_scopes: bool,
    /// What its tokens are signed with
    signing_alg: Algorithm,
    /// typ in the header of its access tokens: JWT, which every verifier takes, or at+jwt of RFC 9068
    access_token_typ: AccessTokenTyp,
    /// Its public keys for `private_key_jwt`, as a JWK set (RFC 7517)
    jwks: Option<Map<String, Value>>,
    /// Who may sign in: everybody, or those who hold owner, admin or use of it, themselves or through a group, and
    /// administrators
    access_policy: AccessPolicy,
    /// Which permissions stand in its tokens: on its own types and those of no client, on all types, or none
    permission_claims: PermissionScope,
    /// When the names of a person's groups stand in its tokens: when it asks for the scope groups, always, or never
    group_claims: GroupClaims,
    /// The claim that groups stand in: a name, or a path of members such as /realm_access/groups; groups when empty
    #[schema(max_length = 100)]
    group_claim_name: String,
    /// Groups stand there by their paths, such as /staff/writers, and not by their names
    group_paths: bool,
    /// Which groups stand there: names, or beginnings of names with * at the end; all when there is none
    #[schema(max_items = 100)]
    group_filter: Vec<String>,
    /// More claims, each as NAME=SOURCE: department=attribute:department, roles=roles, role=role:admin,use
    #[schema(max_items = 50)]
    claims: Vec<String>,
    /// Which claims about the person stand in its ID tokens: those of its scopes, or only those that its claims
    /// parameter asks for; userinfo has them all (OpenID Connect Core §5.4)
    id_token_claims: IdTokenClaims,
    /// Lifetime of its access tokens, in seconds; the installation's when there is none
    #[serde(rename = "access_token_seconds", alias = "access_seconds")]
    #[schema(minimum = 60, maximum = 86_400)]
    access_seconds: Option<u64>,
}

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
    /// What can be set of it.
    #[serde(default)]
    pub fields: ClientFields,
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

/// What can be set of a client is read as if it stood in the client itself.
impl Deref for Client {
    type Target = ClientFields;

    fn deref(&self) -> &ClientFields {
        &self.fields
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// Every type, in the order in which pages offer them.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// HTTP Basic with form-encoded halves (RFC 6749 §2.3.1).
    #[default]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessPolicy {
    /// Everybody with an account.
    #[default]
    AllUsers,
    /// Those who hold a relation to the client that lets them, themselves or through a group, and administrators of the
    /// platform.
    Restricted,
}

impl AccessPolicy {
    /// Every policy, in the order in which pages offer them.
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
    /// Those on its own types and on the types of no client. `own+platform` is another word for it: the platform's
    /// types belong to no client.
    #[default]
    #[serde(alias = "own+platform")]
    Own,
    /// Those on all types.
    All,
    /// Public client: it has nothing to prove itself with.
    None,
}

impl PartialSchema for PermissionScope {
    fn schema() -> RefOr<Schema> {
        let words = ["own", "all", "none", "own+platform"];
        let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        text.description(Some("Which permissions stand in tokens; own+platform is another word for own.")).into()
    }
}

impl ToSchema for PermissionScope {}

impl PermissionScope {
    /// Every scope, from its own types to none.
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

/// When the names of a person's groups stand in a client's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupClaims {
    /// When it asks for the scope `groups`, and the person allows it.
    #[default]
    Requested,
    /// Whatever it asks for.
    Always,
    /// Never: the scope is unknown to it.
    None,
}

/// `typ` of an access token's header. RFC 9068 §2.1 wants `at+jwt`, so that an access token is not taken for another
/// one; many verifiers take `JWT` alone. What a token of Auther is for is told by its claim `token_use` in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AccessTokenTyp {
    /// `JWT` (RFC 7519 §5.1).
    #[default]
    #[serde(rename = "JWT")]
    Jwt,
    /// `at+jwt` (RFC 9068 §2.1).
    #[serde(rename = "at+jwt")]
    AtJwt,
}

impl AccessTokenTyp {
    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AtJwt => "at+jwt",
        }
    }
}

/// Which claims about the person stand in the id tokens of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdTokenClaims {
    /// What its scopes give.
    #[default]
    All,
    /// Only what the `claims` parameter asks for there.
    Requested,
}

/// Where a client was declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// By an administrator.
    #[default]
    Admin,
    /// In the configuration file: read-only elsewhere.
    Config,
}
