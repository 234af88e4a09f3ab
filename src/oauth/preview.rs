//! What a person's tokens for an app would say, made by the code that makes the real ones. Nothing is signed, nothing
//! is stored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::authorize::request::client_may_authorize;
use super::mint::{self, About};
use super::{Error, app_access, scope};
use crate::audit::{self, Entry, Event};
use crate::base::id::{GrantId, SessionId};
use crate::cx::Cx;
use crate::identity::proofs;
use crate::records::{Client, Proof, ProofKind, User};

/// What tokens would say after a sign-in with a password at this moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = TokenPreview)]
pub struct Preview {
    /// Claims of the id token, without the hash of the access token; none when the scopes have no `openid`.
    #[schema(required)]
    pub id_token: Option<Map<String, Value>>,
    /// Claims of the access token.
    pub access_token: Map<String, Value>,
    /// Scopes that the app may not ask for, and that are left out.
    pub ignored_scopes: Vec<String>,
    /// Why there would be no tokens at all, if so.
    #[schema(required)]
    pub refused: Option<Refused>,
}

/// Why a person gets no tokens for an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The person is disabled.
    UserDisabled,
    /// The app is disabled.
    ClientDisabled,
    /// The app is restricted, and the person may not use it.
    AccessDenied,
}

/// The claims for these scopes; leaves an audit row. Session and family are made up. Errors: `invalid_scope` for what
/// a strict app may not ask for, `unauthorized_client` for an app that signs nobody in.
pub async fn tokens(cx: &Cx, user: &User, client: &Client, scopes: &[&str]) -> Result<Preview, Error> {
    client_may_authorize(client)?;
    let scope::Asked { scopes, ignored } = scope::requested(scopes, client)?;
    let refused = refusal(cx, user, client).await?;
    let by_password = [Proof { kind: ProofKind::Password, at: cx.now }];
    let about = About {
        client,
        user,
        session: &SessionId::new(cx.now, cx.entropy()),
        grant: &GrantId::new(cx.now, cx.entropy()),
        scopes: &scopes,
        claims: None,
        nonce: None,
        auth_time: cx.now,
        amr: &proofs::amr(&by_password),
        acr: proofs::acr(&by_password).unwrap_or_default(),
    };
    let (access_token, id_token) = mint::preview(cx, &about, scope::holds(&scopes, scope::OPENID))?;
    let event = Event::TokenPreview { client: client.id.clone(), scopes: scopes.clone() };
    audit::record(cx, Entry::new(cx).target(&user.id), event).await?;
    Ok(Preview { id_token, access_token, ignored_scopes: ignored, refused })
}

async fn refusal(cx: &Cx, user: &User, client: &Client) -> Result<Option<Refused>, Error> {
    Ok(if user.disabled {
        Some(Refused::UserDisabled)
    } else if client.disabled {
        Some(Refused::ClientDisabled)
    } else if !app_access::may_use(cx, client, &user.id).await? {
        Some(Refused::AccessDenied)
    } else {
        None
    })
}
