//! A client as it is declared in the configuration.

use super::mistakes::Source;
use crate::base::Secret;
use crate::base::id::ClientId;

/// One declared client. `None` leaves the choice to the rules for clients of its type.
#[derive(Clone, Debug)]
pub struct ClientDeclaration {
    /// Where it was declared; mistakes found later name it.
    pub place: Source,
    /// Unique among the declared clients.
    pub client_id: ClientId,
    /// Shown to people; the id when none was given.
    pub name: String,
    /// `web`, `spa`, `native` or `m2m`.
    pub client_type: String,
    /// The secret, wherever it was read from; present exactly when the authentication method needs one.
    pub client_secret: Option<Secret<String>>,
    /// As typed.
    pub redirect_uris: Vec<String>,
    /// As typed.
    pub post_logout_redirect_uris: Vec<String>,
    /// `client_secret_basic`, `client_secret_post`, `private_key_jwt` or `none`.
    pub auth_method: Option<String>,
    /// Of `authorization_code`, `refresh_token`, `client_credentials`.
    pub grants: Option<Vec<String>>,
    /// Audiences its access tokens may name.
    pub audiences: Vec<String>,
    /// Origins whose scripts may call, as typed.
    pub origins: Vec<String>,
    /// Scopes it may ask for.
    pub scopes: Option<Vec<String>>,
    /// Whether people are not asked for consent; yes unless said otherwise.
    pub trusted: bool,
    /// Whether a code challenge is demanded.
    pub require_pkce: Option<bool>,
    /// `RS256`, `ES256` or `EdDSA`.
    pub signing_alg: Option<String>,
    /// `all_users` or `restricted`.
    pub access_policy: Option<String>,
    /// `own`, `own+platform`, `all` or `none`.
    pub permission_claims: Option<String>,
    /// A JWK Set (RFC 7517 §5) with at least one key.
    pub jwks: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What is wrong with a declared client by rules that stand above this floor, such as what a redirect URI may be: the field's name here,
/// and what is wrong with it, in sentences.
pub type ClientRules = fn(&ClientDeclaration) -> Vec<(&'static str, String)>;
