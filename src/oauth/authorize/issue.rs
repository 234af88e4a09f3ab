//! Making a code.

use super::request::{PageRefusal, Request, unmet};
use super::{Decision, response, too_many};
use crate::audit::{Entry, Event};
use crate::base::id::{CodeId, GrantId};
use crate::base::secret::Digest;
use crate::crypto::token;
use crate::cx::Cx;
use crate::identity::interaction::{Ended, Interaction};
use crate::identity::proofs;
use crate::identity::sessions::SignedIn;
use crate::oauth::{Error, claims};
use crate::records::{Acr, ActorKind, Code, Consent};
use crate::store::{Tx, rows};

/// Makes a code bound to client, redirect URI, session and challenge (RFC 6749 §4.1.2, RFC 7636 §4.4), and answers with
/// it. A request that comes back from one of our pages gets one only once. `allowed` is what the person has just
/// consented to.
pub(super) async fn code(
    cx: &Cx,
    request: &Request,
    signed_in: &SignedIn,
    interaction: Option<&Interaction>,
    allowed: Option<Vec<String>>,
) -> Result<Decision, Error> {
    if interaction.is_some() && !Interaction::may_answer(cx, &signed_in.user.id) {
        return Ok(too_many(cx, request));
    }
    let reached = proofs::acr(&signed_in.session.proofs);
    let Some(acr) = reached.and_then(|reached| claims::acr_to_tell(request.claims.as_ref(), reached)) else {
        return Ok(Decision::Respond(response::error(cx, &request.target(), &unmet())));
    };
    let secret = cx.entropy().token();
    let code = draw(cx, request, signed_in, acr, &secret);
    let text = token::compose(code.id.as_str(), &secret);
    let granted = Entry::new(cx).by(ActorKind::User, &code.user).target(&code.client);
    let consented = Entry::new(cx).target(&code.client);
    let (at, waiting) = (cx.clone(), interaction.cloned());
    let write = move |tx: &mut Tx| {
        if let Some(waiting) = &waiting
            && !waiting.answer(tx, &at)?
        {
            return Ok(false);
        }
        if let Some(scopes) = &allowed {
            remember_consent(tx, &at, &code, scopes)?;
            consented.append(tx, &at, &Event::ConsentAllow { scopes: scopes.clone() })?;
        }
        rows::codes::put(tx, at.tenant.id, None, &code)?;
        if let Some(session) = rows::sessions::find(tx, at.tenant.id, &code.session)?
            && !session.clients.contains(&code.client)
        {
            let mut used = session.clone();
            used.clients.push(code.client.clone());
            rows::sessions::put(tx, at.tenant.id, Some(&session), &used)?;
        }
        granted.append(tx, &at, &Event::AuthorizeGrant { scopes: code.scopes.clone() })?;
        Ok::<_, Error>(true)
    };
    Ok(if cx.store().write(write).await? {
        Decision::Respond(response::code(cx, &request.target(), &text))
    } else {
        Decision::Refuse(PageRefusal::over(Ended::Answered, &request.query))
    })
}

fn draw(cx: &Cx, request: &Request, signed_in: &SignedIn, acr: Acr, secret: &str) -> Code {
    Code {
        id: CodeId::new(cx.now, cx.entropy()),
        digest: Digest::of(secret),
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
        auth_time: signed_in.session.auth_time(),
        amr: proofs::amr(&signed_in.session.proofs),
        acr,
        created_at: cx.now,
        expires_at: cx.now.plus(cx.settings().tokens.code),
        used_at: None,
    }
}

/// Adds these scopes to what the person lets the app see.
fn remember_consent(tx: &mut Tx, cx: &Cx, code: &Code, wanted: &[String]) -> Result<(), Error> {
    let old = rows::consents::find(tx, cx.tenant.id, &code.user, &code.client)?;
    let created_at = old.as_ref().map_or(cx.now, |old| old.created_at);
    let mut scopes = old.map(|old| old.scopes).unwrap_or_default();
    scopes.extend(wanted.iter().cloned());
    scopes.sort();
    scopes.dedup();
    let (user, client) = (code.user.clone(), code.client.clone());
    let new = Consent { user, client, scopes, created_at, updated_at: cx.now };
    Ok(rows::consents::put(tx, cx.tenant.id, &new)?)
}
