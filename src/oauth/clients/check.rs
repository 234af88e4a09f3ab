//! What a valid client is. Every mistake is reported, each beside its field.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::base::Moment;
use crate::base::id::{self, ClientId};
use crate::base::text::{self, Lines};
use crate::crypto::jose;
use crate::oauth::{redirect, scope};
use crate::records::{AccessPolicy, Algorithm, AuthMethod, Client, ClientType, GrantType, Origin, PermissionScope};

/// One mistake in one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name in the JSON API.
    pub field: &'static str,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// The fields of a client as an administrator gives them. Absent ones keep their value, or take the type's default when the
/// client is new. `Some(None)` takes a value away. Unknown fields are refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientInput {
    /// Shown to people: 1 to 100 characters.
    pub name: Option<String>,
    /// `web` | `spa` | `native` | `m2m`. Fixed once the client exists.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$`; generated when absent. Fixed once the client exists.
    pub client_id: Option<String>,
    /// Exact URIs.
    pub redirect_uris: Option<Vec<String>>,
    /// Exact URIs.
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// A registered `token_endpoint_auth_method`.
    #[serde(alias = "auth_method")]
    pub token_endpoint_auth_method: Option<String>,
    /// Registered `grant_types`.
    #[serde(alias = "grants")]
    pub grant_types: Option<Vec<String>>,
    /// `aud` of access tokens.
    pub audiences: Option<Vec<String>>,
    /// Browser origins that may call us.
    pub origins: Option<Vec<String>>,
    /// Scopes it may ask for; empty means all known ones.
    pub scopes: Option<Vec<String>>,
    /// Never ask consent.
    pub trusted: Option<bool>,
    /// Demand PKCE of a confidential client.
    pub require_pkce: Option<bool>,
    /// `RS256` | `ES256` | `EdDSA`.
    pub signing_alg: Option<String>,
    /// JWK set with public keys, for `private_key_jwt`.
    #[serde(deserialize_with = "given")]
    pub jwks: Option<Option<Map<String, Value>>>,
    /// `all_users` | `restricted`.
    pub access_policy: Option<String>,
    /// `own` | `all` | `none`; `own+platform` is another word for `own`.
    pub permission_claims: Option<String>,
    /// Lifetime of access tokens: 60 to 86400 seconds.
    #[serde(deserialize_with = "given")]
    pub access_token_seconds: Option<Option<u64>>,
    /// The version that the change was drawn from.
    pub version: Option<u64>,
}

/// A member that is there, as a value or as `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

struct Checker {
    errors: Vec<FieldError>,
}

impl Checker {
    fn note(&mut self, field: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError { field, message: message.into() });
    }

    fn parse<T>(&mut self, field: &'static str, text: &str, all: &[T], name: fn(&T) -> &'static str) -> Option<T>
    where
        T: Copy,
    {
        let found = all.iter().copied().find(|candidate| name(candidate) == text);
        if found.is_none() {
            let names = all.iter().map(name).collect::<Vec<_>>().join(", ");
            self.note(field, format!("`{}` is not one of: {names}.", text.chars().take(64).collect::<String>()));
        }
        found
    }
}

/// A new client out of the input, without secrets yet; `generated` is its id unless one is wished for.
pub(super) fn create(input: &ClientInput, generated: ClientId, now: Moment) -> Result<Client, Vec<FieldError>> {
    let mut checker = Checker { errors: Vec::new() };
    let kind = match &input.kind {
        None => {
            checker.note("type", "Say what kind of app it is: web, spa, native or m2m.");
            None
        }
        Some(text) => checker.parse("type", text, &ClientType::ALL, |kind| kind.as_str()),
    };
    if input.name.is_none() {
        checker.note("name", "Give the app a name; people see it when they sign in.");
    }
    let id = match input.client_id.as_deref().map(str::parse::<ClientId>) {
        None => generated,
        Some(Ok(id)) if id.is_gone() => {
            checker.note("client_id", "A client id does not begin with gone_: that names clients that are no more.");
            generated
        }
        Some(Ok(id)) => {
            if let Some(prefix) = id::foreign_prefix(id.as_str()) {
                let rule = "The id of a client is the subject of its tokens, and must not be taken for another one.";
                checker.note("client_id", format!("{rule} Choose one that does not begin with `{prefix}`."));
            }
            id
        }
        Some(Err(_)) => {
            let rule = "A client id has 2 to 64 characters of A-Z a-z 0-9 . _ - and begins with a letter or digit.";
            checker.note("client_id", rule);
            generated
        }
    };
    let Some(kind) = kind else {
        return Err(checker.errors);
    };
    let mut client = Client {
        id,
        name: String::new(),
        kind,
        secrets: Vec::new(),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        auth_method: if kind.is_public() { AuthMethod::None } else { AuthMethod::ClientSecretBasic },
        grants: match kind {
            ClientType::M2m => vec![GrantType::ClientCredentials],
            _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        },
        audiences: Vec::new(),
        origins: Vec::new(),
        scopes: Vec::new(),
        trusted: false,
        require_pkce: false,
        signing_alg: Algorithm::default(),
        jwks: None,
        access_policy: AccessPolicy::default(),
        permission_claims: PermissionScope::default(),
        access_seconds: None,
        disabled: false,
        origin: Origin::Admin,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    if input.jwks.as_ref().is_some_and(Option::is_some) && input.token_endpoint_auth_method.is_none() {
        client.auth_method = AuthMethod::PrivateKeyJwt;
    }
    fill(&mut checker, &mut client, input);
    check_whole(&mut checker, &client);
    if checker.errors.is_empty() { Ok(client) } else { Err(checker.errors) }
}

/// The client after a change; its type and id stay.
pub(super) fn change(mut client: Client, input: &ClientInput, now: Moment) -> Result<Client, Vec<FieldError>> {
    let mut checker = Checker { errors: Vec::new() };
    if input.client_id.as_deref().is_some_and(|id| id != client.id.as_str()) {
        checker.note("client_id", "The id of a client cannot change. Register a new client instead.");
    }
    if input.kind.as_deref().is_some_and(|kind| kind != client.kind.as_str()) {
        checker.note("type", "The type of a client cannot change. Register a new client instead.");
    }
    fill(&mut checker, &mut client, input);
    check_whole(&mut checker, &client);
    client.updated_at = now;
    client.version += 1;
    if checker.errors.is_empty() { Ok(client) } else { Err(checker.errors) }
}

fn fill(checker: &mut Checker, client: &mut Client, input: &ClientInput) {
    if let Some(name) = &input.name {
        client.name = name.trim().to_owned();
    }
    if let Some(uris) = &input.redirect_uris {
        client.redirect_uris = uris.clone();
    }
    if let Some(uris) = &input.post_logout_redirect_uris {
        client.post_logout_redirect_uris = uris.clone();
    }
    if let Some(method) = &input.token_endpoint_auth_method
        && let Some(method) =
            checker.parse("token_endpoint_auth_method", method, &AuthMethod::ALL, |method| method.as_str())
    {
        client.auth_method = method;
    }
    if let Some(grants) = &input.grant_types {
        client.grants = grants
            .iter()
            .filter_map(|grant| checker.parse("grant_types", grant, &GrantType::ALL, |grant| grant.as_str()))
            .collect();
    }
    if let Some(audiences) = &input.audiences {
        client.audiences = audiences.clone();
    }
    if let Some(origins) = &input.origins {
        client.origins = origins.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect();
    }
    if let Some(scopes) = &input.scopes {
        client.scopes = scopes.clone();
    }
    if let Some(algorithm) = &input.signing_alg
        && let Some(algorithm) = checker.parse("signing_alg", algorithm, &Algorithm::ALL, |alg| alg.as_str())
    {
        client.signing_alg = algorithm;
    }
    fill_access(checker, client, input);
    client.trusted = input.trusted.unwrap_or(client.trusted);
    client.require_pkce = input.require_pkce.unwrap_or(client.require_pkce);
    if let Some(jwks) = &input.jwks {
        client.jwks.clone_from(jwks);
    }
    client.access_seconds = input.access_token_seconds.unwrap_or(client.access_seconds);
}

fn fill_access(checker: &mut Checker, client: &mut Client, input: &ClientInput) {
    if let Some(policy) = &input.access_policy
        && let Some(policy) = checker.parse("access_policy", policy, &AccessPolicy::ALL, |policy| policy.as_str())
    {
        client.access_policy = policy;
    }
    if let Some(scope) = input.permission_claims.as_deref()
        && let Some(scope) =
            checker.parse("permission_claims", short_scope(scope), &PermissionScope::EACH, |scope| scope.as_str())
    {
        client.permission_claims = scope;
    }
}

/// Own types and those of the platform: the platform's belong to no client, so that `own` has them already.
fn short_scope(text: &str) -> &str {
    if text == "own+platform" { PermissionScope::Own.as_str() } else { text }
}

/// What must hold of the client as a whole.
fn check_whole(checker: &mut Checker, client: &Client) {
    if !(1..=100).contains(&client.name.chars().count()) {
        checker.note("name", "A name has 1 to 100 printable characters.");
    } else if let Some(problem) = text::problem(&client.name, Lines::One) {
        checker.note("name", format!("The name {problem}."));
    }
    check_uris(checker, client);
    check_authentication(checker, client);
    for audience in &client.audiences {
        let is_seen = text::problem(audience, Lines::One).is_none() && !audience.contains(' ');
        if audience.is_empty() || audience.len() > 256 || !is_seen {
            checker.note(
                "audiences",
                "An audience has 1 to 256 characters without spaces, as in https://api.example.com.",
            );
        }
    }
    for origin in &client.origins {
        if redirect::origin(origin).as_deref() != Some(origin) {
            let message = format!("`{origin}` is not an origin. Write scheme and host, as in https://app.example.com.");
            checker.note("origins", message);
        }
    }
    for scope in &client.scopes {
        if !scope::is_well_formed(scope) {
            checker.note(
                "scopes",
                format!("`{scope}` is not a scope: printable ASCII without spaces, quotes and backslashes."),
            );
        }
    }
    if client.access_seconds.is_some_and(|seconds| !(60..=86_400).contains(&seconds)) {
        checker.note("access_token_seconds", "Access tokens live 60 to 86400 seconds.");
    }
    let too_many = [
        client.redirect_uris.len(),
        client.post_logout_redirect_uris.len(),
        client.audiences.len(),
        client.origins.len(),
        client.scopes.len(),
    ];
    if too_many.into_iter().any(|count| count > 100) {
        checker.note("redirect_uris", "A list holds at most 100 entries.");
    }
}

fn check_uris(checker: &mut Checker, client: &Client) {
    for uri in &client.redirect_uris {
        if let Err(message) = redirect::check_registrable(uri) {
            checker.note("redirect_uris", message);
        }
    }
    for uri in &client.post_logout_redirect_uris {
        if let Err(message) = redirect::check_registrable(uri) {
            checker.note("post_logout_redirect_uris", message);
        }
    }
    if client.allows(GrantType::AuthorizationCode) && client.redirect_uris.is_empty() {
        checker.note("redirect_uris", "Give at least one redirect URI: where people come back to after signing in.");
    }
}

fn check_authentication(checker: &mut Checker, client: &Client) {
    let field = "token_endpoint_auth_method";
    if client.kind.is_public() && client.auth_method != AuthMethod::None {
        let kind = client.kind.as_str();
        checker.note(field, format!("A client of type {kind} ships to people and cannot keep a secret: use none."));
    }
    if client.kind == ClientType::M2m && client.is_public() {
        checker.note(
            field,
            "A machine must prove itself: use client_secret_basic, client_secret_post or private_key_jwt.",
        );
    }
    if client.is_public() && client.allows(GrantType::ClientCredentials) {
        checker.note("grant_types", "client_credentials needs a client that can authenticate (RFC 6749 section 4.4).");
    }
    if client.grants.is_empty() {
        checker.note("grant_types", "Name at least one grant type.");
    }
    match (&client.jwks, client.auth_method) {
        (None, AuthMethod::PrivateKeyJwt) => {
            checker.note("jwks", "private_key_jwt needs the client's public keys as a JWK set.");
        }
        (Some(jwks), _) => {
            if let Err(message) = check_jwks(jwks) {
                checker.note("jwks", message);
            }
        }
        (None, _) => {}
    }
}

fn check_jwks(jwks: &Map<String, Value>) -> Result<(), String> {
    let keys = jwks.get("keys").and_then(Value::as_array).filter(|keys| (1..=10).contains(&keys.len()));
    let keys = keys.ok_or("A JWK set is {\"keys\":[…]} with 1 to 10 keys.")?;
    for key in keys {
        let key = key.as_object().ok_or("Each key of a JWK set is an object.")?;
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|private| key.contains_key(*private)) {
            return Err(String::from(
                "The JWK set holds a private key. Register the public half only, and replace the key.",
            ));
        }
        jose::VerifyingKey::from_public_jwk(key)
            .map_err(|error| format!("A key of the JWK set cannot be used: {error}"))?;
    }
    Ok(())
}
