//! The only place where tokens are made. Called after the transaction has been committed, with the ready signer.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::claims::{self, ClaimsDestination, Granted};
use super::token_use::{self, TokenUse};
use super::{Error, ErrorCode, scope};
use crate::access::claims::{PermissionClaims, Scope, Subject, resolve};
use crate::apikeys::Live;
use crate::base::Moment;
use crate::base::id::{self, GrantId, SessionId};
use crate::base::secret::sha256;
use crate::cx::Cx;
use crate::records::{Acr, Algorithm, Client, PermissionScope, User};
use crate::tenant::paths;

/// Names the key in a token that was made for one.
pub const API_KEY_CLAIM: &str = "apiKeyId";

/// `scope` of such a token.
pub const API_KEY_SCOPE: &str = "api_key_exchange";

/// Seconds such a token lives.
const API_KEY_LIFE: u64 = 15 * 60;

/// `typ` of a token that is not an access token (RFC 7519 §5.1).
const JWT: &str = "JWT";

/// What the token is for: a person at an app.
pub struct About<'a> {
    /// The app.
    pub client: &'a Client,
    /// The person.
    pub user: &'a User,
    /// The session it comes from.
    pub session: &'a SessionId,
    /// The family.
    pub grant: &'a GrantId,
    /// What was granted.
    pub scopes: &'a [String],
    /// The `claims` parameter.
    pub claims: Option<&'a Map<String, Value>>,
    /// `nonce` of the request.
    pub nonce: Option<&'a str>,
    /// When the person proved who they are.
    pub auth_time: Moment,
    /// How (RFC 8176 values).
    pub amr: &'a [String],
    /// How strongly.
    pub acr: Acr,
}

impl About<'_> {
    fn granted(&self) -> Granted<'_> {
        Granted { client: self.client, scopes: self.scopes, request: self.claims }
    }
}

/// A signed token and its life.
pub struct Minted {
    /// Compact serialisation.
    pub token: String,
    /// Seconds from now.
    pub expires_in: u64,
}

/// The permission maps for a person at an app, read from one snapshot for all tokens of one answer.
pub fn permissions(cx: &Cx, about: &About<'_>) -> Result<PermissionClaims, Error> {
    Ok(resolve(cx, &cx.read()?, Subject::User(&about.user.id), claims_within(about.client))?)
}

/// The types whose permissions stand in tokens of this client.
pub(super) fn claims_within(client: &Client) -> Scope<'_> {
    match client.permission_claims {
        PermissionScope::Own => Scope::Own(&client.id),
        PermissionScope::All => Scope::All,
        PermissionScope::None => Scope::None,
    }
}

/// An access token for a person at an app (RFC 9068 §2).
pub fn access_token(cx: &Cx, about: &About<'_>, permissions: &PermissionClaims) -> Result<Minted, Error> {
    let claims = access_claims(cx, about, permissions);
    let token = sign(cx, about.client.signing_alg, about.client.access_token_typ.as_str(), &claims)?;
    Ok(Minted { token, expires_in: access_life(cx, about.client) })
}

/// What stands in an access token for a person at an app.
pub fn access_claims(cx: &Cx, about: &About<'_>, permissions: &PermissionClaims) -> Map<String, Value> {
    let mut claims = Map::new();
    common(cx, &mut claims, TokenUse::Access, (about.user.id.as_str(), access_life(cx, about.client)));
    claims.insert("aud".into(), audience(cx, Some(about.client)));
    claims.insert("client_id".into(), json!(about.client.id));
    claims.insert("scope".into(), json!(about.scopes.join(" ")));
    claims.insert("sid".into(), json!(about.session));
    claims.insert("grant".into(), json!(about.grant));
    how(&mut claims, about);
    person(&mut claims, about.user, about.scopes);
    maps(cx, &mut claims, permissions);
    claims
}

/// What an access token, and introspection of one, says of the person. Takes the place of what was there.
pub(super) fn person(claims: &mut Map<String, Value>, user: &User, scopes: &[String]) {
    for name in ["email", "email_verified", "roles"] {
        claims.remove(name);
    }
    // Middleware of resource servers reads the address from the access token.
    if scope::holds(scopes, "email") {
        claims.insert("email".into(), json!(user.email));
        claims.insert("email_verified".into(), json!(user.email_verified));
    }
    if !user.roles.is_empty() {
        claims.insert("roles".into(), json!(user.roles));
    }
}

/// An access token for a client acting for itself (RFC 6749 §4.4, RFC 9068 §2.2: `sub` is the client). None for a
/// client whose id looks like that of something else: "Authorization servers SHOULD NOT allow clients to influence
/// their client_id or any claim if that could cause confusion with a genuine resource owner" (RFC 9700 §4.15.1). No
/// such client is registered any more, but an old file may hold one.
pub fn machine_token(cx: &Cx, client: &Client, scopes: &[String]) -> Result<Minted, Error> {
    if let Some(prefix) = id::foreign_prefix(client.id.as_str()) {
        return Err(Error::new(
            ErrorCode::UnauthorizedClient,
            format!(
                "The client_id begins with {prefix} and could be taken for another subject. Register the client under another id."
            ),
        ));
    }
    let life = access_life(cx, client);
    let permissions = resolve(cx, &cx.read()?, Subject::Client(&client.id), claims_within(client))?;
    let mut claims = Map::new();
    common(cx, &mut claims, TokenUse::Access, (client.id.as_str(), life));
    claims.insert("aud".into(), audience(cx, Some(client)));
    claims.insert("client_id".into(), json!(client.id));
    if !scopes.is_empty() {
        claims.insert("scope".into(), json!(scopes.join(" ")));
    }
    maps(cx, &mut claims, &permissions);
    Ok(Minted { token: sign(cx, client.signing_alg, client.access_token_typ.as_str(), &claims)?, expires_in: life })
}

/// An id token (OIDC Core §2) that goes with `access_token`.
pub fn id_token(
    cx: &Cx,
    about: &About<'_>,
    access_token: &str,
    permissions: &PermissionClaims,
) -> Result<String, Error> {
    let mut token = id_claims(cx, about, permissions);
    token.insert("at_hash".into(), json!(at_hash(about.client.signing_alg, access_token)));
    sign(cx, about.client.signing_alg, JWT, &token)
}

/// What stands in an id token, but the hash of the access token that it goes with.
pub fn id_claims(cx: &Cx, about: &About<'_>, permissions: &PermissionClaims) -> Map<String, Value> {
    let mut token = Map::new();
    common(cx, &mut token, TokenUse::Id, (about.user.id.as_str(), cx.settings().tokens.id.as_secs()));
    token.insert("aud".into(), json!(about.client.id));
    token.insert("azp".into(), json!(about.client.id));
    token.insert("sid".into(), json!(about.session));
    how(&mut token, about);
    if let Some(nonce) = about.nonce {
        token.insert("nonce".into(), json!(nonce));
    }
    token.extend(claims::about(about.user, about.granted(), ClaimsDestination::IdToken));
    maps(cx, &mut token, permissions);
    token
}

/// A token that a machine gets for its API key: its subject is the owner, its permissions are the key's own (RFC 8693
/// §4.1: the key acts). It does not outlive the key.
pub fn api_key_token(cx: &Cx, live: &Live) -> Result<Minted, Error> {
    let (key, client) = (&live.key, live.client.as_deref());
    let permissions = resolve(cx, &cx.read()?, Subject::Key(&key.id), client.map_or(Scope::All, claims_within))?;
    let left = key.expires_at.map_or(API_KEY_LIFE, |end| end.since(cx.now).as_secs());
    let life = left.clamp(1, API_KEY_LIFE);
    let mut claims = Map::new();
    common(cx, &mut claims, TokenUse::Key, (live.owner.id.as_str(), life));
    claims.insert("aud".into(), audience(cx, client));
    claims.insert("scope".into(), json!(API_KEY_SCOPE));
    claims.insert(API_KEY_CLAIM.into(), json!(key.id));
    claims.insert("act".into(), json!({ "sub": key.id }));
    if let Some(client) = client {
        claims.insert("client_id".into(), json!(client.id));
    }
    maps(cx, &mut claims, &permissions);
    let algorithm = client.map_or_else(Algorithm::default, |client| client.signing_alg);
    Ok(Minted { token: sign(cx, algorithm, JWT, &claims)?, expires_in: life })
}

/// Seconds an access token of this client lives.
pub fn access_life(cx: &Cx, client: &Client) -> u64 {
    client.access_seconds.unwrap_or(cx.settings().tokens.access.as_secs())
}

/// What every token says: of whom, how long, and what it is for.
fn common(cx: &Cx, claims: &mut Map<String, Value>, is_for: TokenUse, (subject, life): (&str, u64)) {
    let issued = cx.now.seconds();
    claims.insert("iss".into(), json!(cx.tenant.issuer));
    claims.insert("sub".into(), json!(subject));
    claims.insert("iat".into(), json!(issued));
    claims.insert("nbf".into(), json!(issued));
    claims.insert("exp".into(), json!(issued.saturating_add_unsigned(life)));
    claims.insert(token_use::CLAIM.into(), json!(is_for.as_str()));
    claims.insert("jti".into(), json!(BASE64URL_NOPAD.encode(&cx.entropy().bytes::<16>())));
}

fn how(claims: &mut Map<String, Value>, about: &About<'_>) {
    claims.insert("auth_time".into(), json!(about.auth_time.seconds()));
    claims.insert("amr".into(), json!(about.amr));
    claims.insert("acr".into(), json!(about.acr));
}

/// What a token, or an answer of userinfo or introspection, says of permissions. Takes the place of what was there.
/// Anyone who reads `permissions_truncated` asks at `permissions_url` instead.
pub(super) fn maps(cx: &Cx, claims: &mut Map<String, Value>, permissions: &PermissionClaims) {
    for name in ["permissions_truncated", "permissions_url", "client_full_access"] {
        claims.remove(name);
    }
    claims.insert("permissions".into(), Value::Object(permissions.permissions.clone()));
    claims.insert("abac_required".into(), Value::Object(permissions.abac_required.clone()));
    claims.insert("permissions_rev".into(), json!(permissions.rev));
    if permissions.truncated {
        claims.insert("permissions_truncated".into(), json!(true));
        claims.insert("permissions_url".into(), json!(cx.tenant.urls.url(paths::LIST_OBJECTS)));
    }
    if !permissions.client_full_access.is_empty() {
        claims.insert("client_full_access".into(), json!(permissions.client_full_access));
    }
}

/// The client's audiences, else the installation's, else the issuer: a token always names whom it is for (RFC 9068
/// §2.2). One audience is a plain string, as most verifiers expect.
pub fn audience(cx: &Cx, client: Option<&Client>) -> Value {
    let own = client.map(|client| &client.audiences).filter(|own| !own.is_empty());
    let configured = own.unwrap_or(&cx.settings().audiences);
    match configured.as_slice() {
        [] => json!(cx.tenant.issuer),
        [one] => json!(one),
        many => json!(many),
    }
}

/// Left half of the hash that belongs to the signature algorithm (OIDC Core §3.1.3.6). RS256 and ES256 hash with
/// SHA-256. Ed25519 hashes with SHA-512 inside, and so do the libraries that check this claim.
fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    use sha2::Digest as _;
    match algorithm {
        Algorithm::RS256 | Algorithm::ES256 => {
            BASE64URL_NOPAD.encode(sha256(access_token.as_bytes()).get(..16).unwrap_or_default())
        }
        Algorithm::EdDSA => {
            BASE64URL_NOPAD.encode(sha2::Sha512::digest(access_token.as_bytes()).get(..32).unwrap_or_default())
        }
    }
}

/// Signs with the current key; while the first key of an algorithm is still being made the caller may come back in a
/// moment.
fn sign(cx: &Cx, algorithm: Algorithm, typ: &str, claims: &Map<String, Value>) -> Result<String, Error> {
    let Some(signer) = cx.tenant.keyring.signer(algorithm) else {
        return Err(Error::new(
            ErrorCode::TemporarilyUnavailable,
            format!("The {algorithm} signing key is being made. Try again in a second."),
        ));
    };
    signer.sign(typ, claims).map_err(Error::internal)
}
