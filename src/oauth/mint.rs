//! The only place where tokens are made. Called after the transaction has been committed, with the ready signer.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::claims::{self, ClaimsDestination, Granted};
use super::client_claims::{self, ClientClaims};
use super::draft::{AT_HASH_ROOM, Draft};
use super::token_use::{self, TokenUse};
use super::{Error, ErrorCode, scope};
use crate::access::claims::{PermissionClaims, Scope, Subject, resolve_within};
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
    pub client: &'a Client,
    pub user: &'a User,
    /// The session it comes from.
    pub session: &'a SessionId,
    pub grant: &'a GrantId,
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

/// The tokens of one answer for a person at an app.
pub struct Tokens {
    /// The access token (RFC 9068 §2).
    pub access: Minted,
    /// The ID token (OIDC Core §2).
    pub id: Option<String>,
}

/// The tokens for a person at an app: what stands in both comes from one snapshot.
pub fn tokens(cx: &Cx, about: &About<'_>, with_id: bool) -> Result<Tokens, Error> {
    let (access, id) = drafts(cx, about, with_id)?;
    let token = access.sign(cx, Some(about.client))?;
    let id = match id {
        None => None,
        Some(mut id) => {
            id.claims.insert("at_hash".into(), json!(at_hash(about.client.signing_alg, &token)));
            Some(id.sign(cx, Some(about.client))?)
        }
    };
    Ok(Tokens { access: Minted { token, expires_in: access_life(cx, about.client) }, id })
}

/// What stands in a token.
pub type Claims = Map<String, Value>;

/// What would stand in the tokens for a person at an app, but the hash of the access token.
pub fn preview(cx: &Cx, about: &About<'_>, with_id: bool) -> Result<(Claims, Option<Claims>), Error> {
    let (access, id) = drafts(cx, about, with_id)?;
    let without_hash = |mut id: Draft| {
        id.claims.remove("at_hash");
        id.claims
    };
    Ok((access.claims, id.map(without_hash)))
}

fn drafts(cx: &Cx, about: &About<'_>, with_id: bool) -> Result<(Draft, Option<Draft>), Error> {
    let (client, from) = (about.client, cx.read()?);
    let own = client_claims::of(cx, &from, (client, about.user), about.scopes)?;
    let typ = client.access_token_typ.as_str();
    let mut access = Draft::new(cx, client.signing_alg, typ, access_claims(cx, about, &own))?;
    let mut id = match with_id {
        true => Some(Draft::new(cx, client.signing_alg, JWT, id_claims(cx, about, &own))?),
        false => None,
    };
    let room = id.iter().map(|id| id.left(cx)).chain([access.left(cx)]).min().unwrap_or_default();
    let who = (Subject::User(&about.user.id), claims_within(client));
    let permissions = resolve_within(cx, &from, who, room)?;
    maps(cx, &mut access.claims, &permissions);
    if let Some(id) = &mut id {
        maps(cx, &mut id.claims, &permissions);
    }
    Ok((access, id))
}

/// The types whose permissions stand in tokens of this client.
pub(super) fn claims_within(client: &Client) -> Scope<'_> {
    match client.permission_claims {
        PermissionScope::Own => Scope::Own(&client.id),
        PermissionScope::All => Scope::All,
        PermissionScope::None => Scope::None,
    }
}

/// What stands in an access token for a person at an app (RFC 9068 §2), without permissions.
fn access_claims(cx: &Cx, about: &About<'_>, own: &ClientClaims) -> Map<String, Value> {
    let mut claims = Map::new();
    common(cx, &mut claims, TokenUse::Access, (about.user.id.as_str(), access_life(cx, about.client)));
    claims.insert("aud".into(), audience(cx, Some(about.client)));
    claims.insert("client_id".into(), json!(about.client.id));
    claims.insert("scope".into(), json!(about.scopes.join(" ")));
    claims.insert("sid".into(), json!(about.session));
    claims.insert("grant".into(), json!(about.grant));
    how(&mut claims, about);
    person(&mut claims, about.user, about.scopes);
    own.put(&mut claims);
    claims
}

/// What an access token, and introspection of one, says of the person beside the client's own claims.
pub(super) fn person(claims: &mut Map<String, Value>, user: &User, scopes: &[String]) {
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
    let mut claims = Map::new();
    common(cx, &mut claims, TokenUse::Access, (client.id.as_str(), life));
    claims.insert("aud".into(), audience(cx, Some(client)));
    claims.insert("client_id".into(), json!(client.id));
    if !scopes.is_empty() {
        claims.insert("scope".into(), json!(scopes.join(" ")));
    }
    let draft = Draft::new(cx, client.signing_alg, client.access_token_typ.as_str(), claims)?;
    let who = (Subject::Client(&client.id), claims_within(client));
    Ok(Minted { token: with_permissions(cx, draft, who, Some(client))?, expires_in: life })
}

/// Adds the permissions that there is room for, and signs.
fn with_permissions(
    cx: &Cx,
    mut draft: Draft,
    who: (Subject<'_>, Scope<'_>),
    client: Option<&Client>,
) -> Result<String, Error> {
    let permissions = resolve_within(cx, &cx.read()?, who, draft.left(cx))?;
    maps(cx, &mut draft.claims, &permissions);
    draft.sign(cx, client)
}

/// What stands in an id token (OIDC Core §2), without permissions, and with room for the hash of the access token that
/// it goes with.
fn id_claims(cx: &Cx, about: &About<'_>, own: &ClientClaims) -> Map<String, Value> {
    let mut token = Map::new();
    common(cx, &mut token, TokenUse::Id, (about.user.id.as_str(), cx.settings().tokens.id.as_secs()));
    token.insert("aud".into(), json!(about.client.id));
    token.insert("azp".into(), json!(about.client.id));
    token.insert("sid".into(), json!(about.session));
    token.insert("at_hash".into(), json!(AT_HASH_ROOM));
    how(&mut token, about);
    if let Some(nonce) = about.nonce {
        token.insert("nonce".into(), json!(nonce));
    }
    token.extend(claims::about(about.user, about.granted(), ClaimsDestination::IdToken));
    own.in_id_token(about.client, about.claims).put(&mut token);
    token
}

/// A token that a machine gets for its API key: its subject is the owner, its permissions are the key's own (RFC 8693
/// §4.1: the key acts). It does not outlive the key.
pub fn api_key_token(cx: &Cx, live: &Live) -> Result<Minted, Error> {
    let (key, client) = (&live.key, live.client.as_deref());
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
    let algorithm = client.map_or_else(Algorithm::default, |client| client.signing_alg);
    let draft = Draft::new(cx, algorithm, JWT, claims)?;
    let who = (Subject::Key(&key.id), client.map_or(Scope::All, claims_within));
    Ok(Minted { token: with_permissions(cx, draft, who, client)?, expires_in: life })
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

/// The claims about permissions.
pub const PERMISSION_CLAIMS: [&str; 6] = [
    "permissions",
    "abac_required",
    "permissions_rev",
    "permissions_truncated",
    "permissions_url",
    "client_full_access",
];

/// What a token, or an answer of userinfo or introspection, says of permissions. Takes the place of what was there.
/// Anyone who reads `permissions_truncated` asks at `permissions_url` instead. Of a client that wants none, no claim is
/// written.
pub(super) fn maps(cx: &Cx, claims: &mut Map<String, Value>, permissions: &PermissionClaims) {
    for name in PERMISSION_CLAIMS {
        claims.remove(name);
    }
    if permissions.is_left_out {
        return;
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
