//! The token endpoint (RFC 6749 §3.2): one file per grant.

mod client_credentials;
mod code;
pub(super) mod refresh;

pub use code::{Lasts, lasts};

use serde::Serialize;
use serde_json::Value;

use super::mint::{self, About};
use super::{Error, ErrorCode, Params, Reason, client_auth, refusals, scope};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// Proves the client and hands the request to the grant it names. Every refusal is told to those who run the app.
pub async fn exchange(cx: &Cx, params: &Params, authorization: Option<&Authorization>) -> Result<TokenAnswer, Error> {
    let client = client_auth::authenticate(cx, params, authorization).await?;
    // A public client proves nothing: what learns of it is counted by where it came from.
    let teller = if client.auth_method == AuthMethod::None {
        cx.clone()
    } else {
        cx.with_actor(Actor::Client(client.id.clone()))
    };
    let cx = &cx.with_actor(Actor::Client(client.id.clone()));
    granted(cx, params, &client).await.inspect_err(|error| refusals::tell_grant(cx, &teller, params, &client, error))
}

async fn granted(cx: &Cx, params: &Params, client: &Client) -> Result<TokenAnswer, Error> {
    let grant = grant_is_known(params)?;
    client_may_use(client, grant)?;
    target_is_given(cx, params, client)?;
    match grant {
        GrantType::AuthorizationCode => code::exchange(cx, params, client).await,
        GrantType::RefreshToken => refresh::exchange(cx, params, client).await,
        GrantType::ClientCredentials => client_credentials::exchange(cx, params, client),
    }
}

/// "The authorization grant type is not supported by the authorization server" (RFC 6749 §5.2).
fn grant_is_known(params: &Params) -> Result<GrantType, Error> {
    let named = params.require("grant_type")?;
    GrantType::ALL.into_iter().find(|grant| grant.as_str() == named).ok_or_else(|| {
        let known = GrantType::ALL.map(GrantType::as_str).join(", ");
        Error::new(ErrorCode::UnsupportedGrantType, format!("The `grant_type` must be one of: {known}."))
            .because(Reason::GrantUnknown)
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
    )
    .because(Reason::GrantNotRegistered))
}

/// "The requested resource is invalid, missing, unknown, or malformed" (RFC 8707 §2). A token is always for the
/// audiences of its client: a request for another one, by `resource` or by the `audience` of other servers, is refused,
/// and not answered with a token that the API will not take.
fn target_is_given(cx: &Cx, params: &Params, client: &Client) -> Result<(), Error> {
    let mut wanted = ["resource", "audience"].into_iter().flat_map(|name| params.words(name)).peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    let given = match mint::audience(cx, Some(client)) {
        Value::Array(many) => many,
        one => vec![one],
    };
    match wanted.find(|wanted| !given.iter().any(|given| given.as_str() == Some(*wanted))) {
        None => Ok(()),
        Some(wanted) => {
            let shown: String = wanted.chars().take(200).collect();
            let rule = format!("This client's tokens are not for `{shown}`. Add it to the client's audiences.");
            Err(Error::new(ErrorCode::InvalidTarget, rule).because(Reason::Target))
        }
    }
}

/// The person was taken out of the app between sign-in and now.
fn no_access() -> Error {
    Error::invalid_grant("The person may not use this app any more. An administrator can give them access again.")
        .because(Reason::NoAccess)
}

/// Signs the tokens of a family for one answer.
fn answer(cx: &Cx, about: &About<'_>, refresh: Option<Secret<String>>) -> Result<TokenAnswer, Error> {
    let mint::Tokens { access, id } = mint::tokens(cx, about, scope::holds(about.scopes, scope::OPENID))?;
    Ok(TokenAnswer {
        access_token: access.token,
        token_type: "Bearer",
        expires_in: access.expires_in,
        refresh_token: refresh.map(|token| token.expose().clone()),
        id_token: id,
        scope: Some(about.scopes.join(" ")),
    })
}
