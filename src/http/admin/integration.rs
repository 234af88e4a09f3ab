//! What the developer of an app must know to let people sign in with it.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::json;

use crate::http::extract::{Admin, ViewClients};
use crate::http::respond::Refusal;
use crate::oauth::clients::{self, Error};
use crate::oauth::{discovery, mint, scope};
use crate::records::GrantType;
use crate::tenant::paths;

/// `GET clients/{client}/integration`: addresses as discovery has them, and what is registered. Never a secret.
pub async fn show(admin: Admin<ViewClients>, id: Path<String>) -> Result<HttpResponse, Refusal> {
    let client = clients::find(&admin.cx, &id)?.ok_or(Error::NotFound)?;
    let document = discovery::document(&admin.cx.tenant);
    let address = |name: &str| document.get(name).cloned().unwrap_or_default();
    let scopes = match client.scopes.as_slice() {
        [] => scope::SUPPORTED.map(str::to_owned).to_vec(),
        registered => registered.to_vec(),
    };
    let grants: Vec<&str> = client.grants.iter().map(|grant: &GrantType| grant.as_str()).collect();
    Ok(HttpResponse::Ok().json(json!({
        "issuer": admin.cx.tenant.issuer,
        "discovery": admin.cx.tenant.urls.url(paths::DISCOVERY[0]),
        "jwks": address("jwks_uri"),
        "authorize": address("authorization_endpoint"),
        "token": address("token_endpoint"),
        "userinfo": address("userinfo_endpoint"),
        "end_session": address("end_session_endpoint"),
        "client_id": client.id,
        "client_name": client.name,
        "audience": mint::audience(&admin.cx, Some(&client)),
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "scopes": scopes,
        "type": client.kind.as_str(),
        "auth_method": client.auth_method.as_str(),
        "grant_types": grants,
        "signing_alg": client.signing_alg.as_str(),
        "pkce_required": client.is_public() || client.require_pkce,
    })))
}
