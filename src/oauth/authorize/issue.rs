//! Making a code.

use super::request::Request;
use super::response::{self, AuthorizationResponse};
use crate::audit::Entry;
use crate::base::id::{CodeId, GrantId};
use crate::base::secret::Digest;
use crate::crypto::token;
use crate::cx::Cx;
use crate::identity::sessions::SignedIn;
use crate::oauth::Error;
use crate::records::{ActorKind, Code};
use crate::store::rows;

/// Makes a code bound to client, redirect URI, session and challenge (RFC 6749 §4.1.2, RFC 7636 §4.4), and answers with it.
pub(super) async fn code(cx: &Cx, request: &Request, signed_in: &SignedIn) -> Result<AuthorizationResponse, Error> {
    let secret = cx.entropy().token();
    let code = Code {
        id: CodeId::new(cx.now, cx.entropy()),
        digest: Digest::of(&secret),
        client: request.client.id.clone(),
        user: signed_in.user.id.clone(),
        session: signed_in.session.id.clone(),
        grant: GrantId::new(cx.now, cx.entropy()),
        redirect_uri: request.redirect_uri.clone(),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        has_state: request.state.is_some(),
        challenge: request.challenge.clone(),
        claims: request.claims.clone(),
        auth_time: signed_in.session.auth_time,
        amr: signed_in.session.amr.clone(),
        created_at: cx.now,
        expires_at: cx.now.plus(cx.settings().tokens.code),
        used_at: None,
    };
    let text = token::compose(code.id.as_str(), &secret);
    let entry = Entry::success(cx, "authorize.grant")
        .by(ActorKind::User, &code.user)
        .target(&code.client)
        .detail("scopes", code.scopes.clone());
    let at = cx.clone();
    cx.store()
        .write(move |tx| {
            rows::codes::put(tx, at.tenant, None, &code)?;
            if let Some(session) = rows::sessions::find(tx, at.tenant, &code.session)?
                && !session.clients.contains(&code.client)
            {
                let mut used = session.clone();
                used.clients.push(code.client.clone());
                rows::sessions::put(tx, at.tenant, Some(&session), &used)?;
            }
            Ok::<_, Error>(entry.append(tx, &at)?)
        })
        .await?;
    Ok(response::code(cx, &request.target(), &text))
}
