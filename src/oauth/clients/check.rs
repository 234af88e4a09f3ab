//! What a valid client is. Every mistake is reported, each beside its field.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::id::{self, ClientId};
use crate::base::text::{self, Lines};
use crate::crypto::jose;
use crate::oauth::redirect::PlainHttp;
use crate::oauth::{client_claims, redirect, scope};
use crate::records::{AuthMethod, Client, ClientFields, ClientFieldsChange, ClientType, GrantType, Origin};

/// One mistake in one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name in the JSON API.
    pub field: &'static str,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// An app to register. What is absent is as it is for an app of its type.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Name that people see
    #[schema(required, nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// web: keeps a secret; spa: in the browser; native: on a device; m2m: without people
    #[serde(rename = "type")]
    #[schema(required, nullable = false)]
    pub kind: Option<ClientType>,
    /// The client_id; generated when absent
    #[schema(min_length = 2, max_length = 64)]
    pub client_id: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub fields: ClientFieldsChange,
}

/// What is to change of an app; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientChange {
    /// Name that people see
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// May be sent as it is; the type of an app cannot change.
    #[serde(rename = "type")]
    pub kind: Option<ClientType>,
    /// May be sent as it is; the client_id of an app cannot change.
    pub client_id: Option<String>,
    /// The version that the change was made from; another one by now is 409 `conflict`.
    pub version: Option<u64>,
    /// The rest.
    #[serde(flatten)]
    pub fields: ClientFieldsChange,
}

struct Checker {
    errors: Vec<FieldError>,
}

impl Checker {
    fn note(&mut self, field: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError { field, message: message.into() });
    }
}

/// A new client out of the input, without secrets yet; `generated` is its id unless one is wished for.
pub(super) fn create(input: &NewClient, generated: ClientId, now: Moment) -> Result<Client, Vec<FieldError>> {
    let mut checker = Checker { errors: Vec::new() };
    if input.kind.is_none() {
        checker.note("type", "Say what kind of app it is: web, spa, native or m2m.");
    }
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
    let Some(kind) = input.kind else {
        return Err(checker.errors);
    };
    let mut client = Client {
        id,
        name: input.name.as_deref().unwrap_or_default().trim().to_owned(),
        kind,
        secrets: Vec::new(),
        fields: ClientFields {
            auth_method: if kind.is_public() { AuthMethod::None } else { AuthMethod::ClientSecretBasic },
            grants: match kind {
                ClientType::M2m => vec![GrantType::ClientCredentials],
                _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            },
            ..ClientFields::default()
        },
        disabled: false,
        origin: Origin::Admin,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    if input.fields.jwks.as_ref().is_some_and(Option::is_some) && input.fields.auth_method.is_none() {
        client.fields.auth_method = AuthMethod::PrivateKeyJwt;
    }
    fill(&mut client, &input.fields);
    check_whole(&mut checker, &client);
    if checker.errors.is_empty() { Ok(client) } else { Err(checker.errors) }
}

/// The client after a change; its type and id stay.
pub(super) fn change(mut client: Client, input: &ClientChange, now: Moment) -> Result<Client, Vec<FieldError>> {
    let mut checker = Checker { errors: Vec::new() };
    if input.client_id.as_deref().is_some_and(|id| id != client.id.as_str()) {
        checker.note("client_id", "The id of a client cannot change. Register a new client instead.");
    }
    if input.kind.is_some_and(|kind| kind != client.kind) {
        checker.note("type", "The type of a client cannot change. Register a new client instead.");
    }
    if let Some(name) = &input.name {
        client.name = name.trim().to_owned();
    }
    fill(&mut client, &input.fields);
    check_whole(&mut checker, &client);
    client.updated_at = now;
    client.version += 1;
    if checker.errors.is_empty() { Ok(client) } else { Err(checker.errors) }
}

fn fill(client: &mut Client, change: &ClientFieldsChange) {
    change.apply(&mut client.fields);
    for origin in &mut client.fields.origins {
        origin.truncate(origin.trim_end_matches('/').len());
    }
}

/// What must hold of the client as a whole.
fn check_whole(checker: &mut Checker, client: &Client) {
    if client.name.is_empty() {
        checker.note("name", "Give the app a name.");
    } else if client.name.chars().count() > 100 {
        checker.note("name", "A name has 100 characters at the most.");
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
        if !redirect::is_origin(origin) {
            let message = format!(
                "`{origin}` is not an origin. Write scheme and host, as in https://app.example.com or capacitor://localhost."
            );
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
    for (field, message) in client_claims::mistakes(client) {
        checker.note(field, message);
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
        if let Err(message) = redirect::check_registrable(uri, PlainHttp::of(client)) {
            checker.note("redirect_uris", message);
        }
    }
    for uri in &client.post_logout_redirect_uris {
        if let Err(message) = redirect::check_registrable(uri, PlainHttp::of(client)) {
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
