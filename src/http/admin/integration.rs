//! What the developer of an app must know to let people sign in with it.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::operation::{Operation, get};
use crate::base::id::ClientId;
use crate::http::extract::{Admin, ViewClients};
use crate::http::respond::HandlerResult;
use crate::oauth::clients::{self, Error};
use crate::oauth::{discovery, mint, scope};
use crate::records::{AccessTokenTyp, Algorithm, AuthMethod, ClientType, GrantType, GroupClaims};
use crate::tenant::paths;

/// What the developer of an app needs: addresses as discovery has them, and what is registered. Never a secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Integration {
    issuer: String,
    discovery: String,
    jwks: String,
    authorize: String,
    token: String,
    userinfo: String,
    end_session: String,
    client_id: ClientId,
    client_name: String,
    /// `aud` of its access tokens.
    audience: Audience,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    /// Scopes that it may ask for.
    scopes: Vec<String>,
    #[serde(rename = "type")]
    kind: ClientType,
    auth_method: AuthMethod,
    grant_types: Vec<GrantType>,
    signing_alg: Algorithm,
    pkce_required: bool,
    /// The claim that the names of a person's groups stand in, if they do.
    #[schema(required)]
    groups_in: Option<String>,
    /// When they stand there.
    group_claims: GroupClaims,
    /// `typ` in the header of its access tokens.
    access_token_typ: AccessTokenTyp,
}

/// One audience, or several.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Audience {
    /// The only one.
    One(String),
    /// All of them.
    Several(Vec<String>),
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let shown = get("clients/{client}/integration", "What the app's developer needs; never a secret");
    vec![shown.needs("view on clients").gives::<Integration>().under("apps")]
}

/// `GET clients/{client}/integration`.
pub async fn show(admin: Admin<ViewClients>, id: Path<String>) -> HandlerResult {
    let client = clients::find(&admin.cx, &id)?.ok_or(Error::NotFound)?;
    let document = discovery::document(&admin.cx.tenant);
    let address = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let audience = match mint::audience(&admin.cx, Some(&client)) {
        Value::String(one) => Audience::One(one),
        several => Audience::Several(serde_json::from_value(several).unwrap_or_default()),
    };
    Ok(HttpResponse::Ok().json(Integration {
        issuer: admin.cx.tenant.issuer.to_string(),
        discovery: admin.cx.tenant.urls.url(paths::DISCOVERY[0]),
        jwks: address("jwks_uri"),
        authorize: address("authorization_endpoint"),
        token: address("token_endpoint"),
        userinfo: address("userinfo_endpoint"),
        end_session: address("end_session_endpoint"),
        pkce_required: client.is_public() || client.require_pkce,
        kind: client.kind,
        scopes: scope::open_to(&client).into_iter().map(str::to_owned).collect(),
        groups_in: match (client.group_claims, client.group_claim_name.as_str()) {
            (GroupClaims::None, _) => None,
            (_, "") => Some(String::from(scope::GROUPS)),
            (_, named) => Some(named.to_owned()),
        },
        group_claims: client.group_claims,
        access_token_typ: client.access_token_typ,
        audience,
        redirect_uris: client.fields.redirect_uris.clone(),
        post_logout_redirect_uris: client.fields.post_logout_redirect_uris.clone(),
        auth_method: client.fields.auth_method,
        grant_types: client.fields.grants.clone(),
        signing_alg: client.fields.signing_alg,
        client_id: client.id.clone(),
        client_name: client.name.clone(),
    }))
}
