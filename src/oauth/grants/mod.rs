//! The token endpoint (RFC 6749 §3.2): one file per grant.

mod client_credentials;
mod code;
pub(super) mod refresh;

pub use code::{Lasts, lasts};

use serde::Serialize;

use super::mint::{self, About};
use super::{Error, ErrorCode, Params, client_auth, scope};
use crate::audit::{self, Entry, Event};
use crate::base::Secret;
use crate::base::authorization::Authorization;
use crate::cx::{Actor, Cx};
use crate::records::{AuthMethod, Client, GrantType};

/// A successful answer of the token endpoint (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Debug, Serialize)]
pub struct TokenAnswer {
    /// JWT (RFC 9068).
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: u64,
    /// Present when offline access was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Present when the scope holds `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted, space-separated.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// Proves the client and hands the request to the grant it names.
pub async fn exchange(cx: &Cx, params: &Params, authorization: Option<&Authorization>) -> Result<TokenAnswer, Error> {
    let named = params.require("grant_type")?;
    let Some(grant) = GrantType::ALL.into_iter().find(|grant| grant.as_str() == named) else {
        let known = GrantType::ALL.map(GrantType::as_str).join(", ");
        return Err(Error::new(ErrorCode::UnsupportedGrantType, format!("The `grant_type` must be one of: {known}.")));
    };
    let client = client_auth::authenticate(cx, params, authorization).await?;
    client_may_use(&client, grant)?;
    // A public client proves nothing: what learns of it is counted by where it came from.
    let teller = if client.auth_method == AuthMethod::None {
        cx.clone()
    } else {
        cx.with_actor(Actor::Client(client.id.clone()))
    };
    let cx = &cx.with_actor(Actor::Client(client.id.clone()));
    let answer = match grant {
        GrantType::AuthorizationCode => code::exchange(cx, params, &client).await,
        GrantType::RefreshToken => refresh::exchange(cx, params, &client).await,
        GrantType::ClientCredentials => client_credentials::exchange(cx, params, &client),
    };
    answer.inspect_err(|error| {
        if error.code == ErrorCode::InvalidGrant {
            audit::tell(&teller, &format!("token.refuse {named} {}", client.id), || {
                let reason = error.public_description().to_string();
                (Entry::new(cx).target(&client.id), Event::TokenRefuse { grant_type: grant.as_str(), reason })
            });
        }
    })
}

/// "The authenticated client is not authorized to use this authorization grant type" (RFC 6749 §5.2).
fn client_may_use(client: &Client, grant: GrantType) -> Result<(), Error> {
    if client.allows(grant) {
        return Ok(());
    }
    let name = grant.as_str();
    Err(Error::new(
        ErrorCode::UnauthorizedClient,
        format!("This client is not registered for the grant type {name}. Add it to the client's grant types."),
    ))
}

/// The person was taken out of the app between sign-in and now.
fn no_access() -> Error {
    Error::invalid_grant("The person may not use this app any more. An administrator can give them access again.")
}

/// Signs the tokens of a family for one answer.
fn answer(cx: &Cx, about: &About<'_>, refresh: Option<Secret<String>>) -> Result<TokenAnswer, Error> {
    let permissions = mint::permissions(cx, about)?;
    let access = mint::access_token(cx, about, &permissions)?;
    let id_token = scope::holds(about.scopes, scope::OPENID)
        .then(|| mint::id_token(cx, about, &access.token, &permissions))
        .transpose()?;
    Ok(TokenAnswer {
        access_token: access.token,
        token_type: "Bearer",
        expires_in: access.expires_in,
        refresh_token: refresh.map(|token| token.expose().clone()),
        id_token,
        scope: about.scopes.join(" "),
    })
}
