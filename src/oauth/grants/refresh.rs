//! A refresh token becomes a new pair (RFC 6749 §6), rotated with reuse detection (RFC 9700 §4.14.2).

use super::code::family_life;
use super::{TokenAnswer, answer, no_access};
use crate::audit::Entry;
use crate::base::Secret;
use crate::base::id::{RefreshId, TypedId, UserId};
use crate::base::secret::Digest;
use crate::crypto::token;
use crate::cx::Cx;
use crate::identity::cascade;
use crate::oauth::app_access::{self, Gate};
use crate::oauth::mint::About;
use crate::oauth::{Error, Params, scope};
use crate::records::{ActorKind, Client, Grant, Refresh, Rotation, User};
use crate::store::{Tx, rows};

/// How a refresh ended; a refusal that leaves a mark is a value.
enum Refreshed {
    Granted(Box<(Grant, User, Vec<String>)>),
    Refused(Error),
}

/// Rotates the token and answers a new access and id token. Everything is weighed again: client, family, person, consent, and
/// whether the person may use the app.
pub(super) async fn exchange(cx: &Cx, params: &Params, client: &Client) -> Result<TokenAnswer, Error> {
    let presented = params.require("refresh_token")?;
    let (id, secret) = token::split(presented).ok_or_else(unknown_token)?;
    let (id, secret) = (RefreshId::parse(id).map_err(|_| unknown_token())?, Secret::from(secret));
    let wanted: Vec<String> = params.words("scope").into_iter().map(str::to_owned).collect();
    let successor = RefreshId::new(cx.now, cx.entropy());
    let successor_secret = Secret::new(cx.entropy().token());
    let refresh_token = Secret::new(token::compose(successor.as_str(), successor_secret.expose()));
    let digest = Digest::of(successor_secret.expose());
    let reuse = Entry::failure(cx, "token.refresh_reused");
    let refused = app_access::refused(cx, client, Gate::Refresh);
    let may_use = holder_may_use(cx, client, &id).await?;
    let (at, client_in_tx) = (cx.clone(), client.clone());
    let refreshed = cx
        .store()
        .write(move |tx| {
            let found = rows::grants::find_refresh(tx, at.tenant, &id)?;
            let Some(old) = found.filter(|token| token.digest.matches(secret.expose())) else {
                return Ok(Refreshed::Refused(unknown_token()));
            };
            let Some(grant) = family_is_live(tx, &at, &old, &client_in_tx)? else {
                return Ok(Refreshed::Refused(unknown_token()));
            };
            if !is_unused_or_in_grace(tx, &at, &old)? {
                cascade::revoke_grant(tx, &at, &grant.id)?;
                reuse.clone().target(&grant.id).detail("user", grant.user.as_str()).append(tx, &at)?;
                return Ok(Refreshed::Refused(unknown_token()));
            }
            let Some(user) = person_still_consents(tx, &at, &client_in_tx, &grant)? else {
                cascade::revoke_grant(tx, &at, &grant.id)?;
                return Ok(Refreshed::Refused(unknown_token()));
            };
            if !may_use {
                cascade::revoke_grant(tx, &at, &grant.id)?;
                refused.clone().by(ActorKind::User, &grant.user).append(tx, &at)?;
                return Ok(Refreshed::Refused(no_access()));
            }
            let words: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let scopes = match scope::narrowed(&words, &grant.scopes) {
                Ok(scopes) => scopes,
                Err(refusal) => return Ok(Refreshed::Refused(refusal)),
            };
            rotate(tx, &at, &old, &succeeding(&at, &grant, successor.clone(), digest))?;
            Ok::<_, Error>(Refreshed::Granted(Box::new((grant, user, scopes))))
        })
        .await?;
    let (grant, user, scopes) = match refreshed {
        Refreshed::Granted(granted) => *granted,
        Refreshed::Refused(refusal) => return Err(refusal),
    };
    answer(cx, &about(client, &user, &grant, &scopes), Some(refresh_token))
}

/// "It SHOULD NOT have a nonce claim, even when the ID Token issued at the time of the original authentication contained one" and its
/// `auth_time` is that of the original authentication (OIDC Core §12.2).
fn about<'a>(client: &'a Client, user: &'a User, grant: &'a Grant, scopes: &'a [String]) -> About<'a> {
    About {
        client,
        user,
        session: &grant.session,
        grant: &grant.id,
        scopes,
        claims: grant.claims.as_ref(),
        nonce: None,
        auth_time: grant.auth_time,
        amr: &grant.amr,
    }
}

/// "The refresh token … was issued to another client", expired or revoked (RFC 6749 §5.2).
fn family_is_live(tx: &Tx, cx: &Cx, refresh: &Refresh, client: &Client) -> Result<Option<Grant>, Error> {
    if !refresh.term(cx.settings().tokens.refresh_idle).holds(cx.now) {
        return Ok(None);
    }
    let grant = rows::grants::find(tx, cx.tenant, &refresh.grant)?;
    Ok(grant.filter(|grant| {
        grant.client == client.id && grant.revoked_at.is_none() && grant.term(family_life(cx)).holds(cx.now)
    }))
}

/// Whether the person may use the app now. Asked before the transaction: conditions must not hold up other writers.
async fn holder_may_use(cx: &Cx, client: &Client, refresh: &RefreshId) -> Result<bool, Error> {
    let holder = holder(cx, refresh)?;
    match holder {
        Some(user) => app_access::may_use(cx, client, &user).await,
        None => Ok(false),
    }
}

fn holder(cx: &Cx, refresh: &RefreshId) -> Result<Option<UserId>, Error> {
    let from = cx.read()?;
    let Some(refresh) = rows::grants::find_refresh(&from, cx.tenant, refresh)? else { return Ok(None) };
    Ok(rows::grants::find(&from, cx.tenant, &refresh.grant)?.map(|grant| grant.user))
}

/// A used token works once more only for a moment, and only while nobody has used its successor: two tabs that refresh at the same
/// time are not a theft. Everything else is (RFC 9700 §4.14.2).
fn is_unused_or_in_grace(tx: &Tx, cx: &Cx, refresh: &Refresh) -> Result<bool, Error> {
    let Some(rotation) = &refresh.rotated else { return Ok(true) };
    if cx.now.since(rotation.at) > cx.settings().tokens.refresh_grace {
        return Ok(false);
    }
    let successor = rows::grants::find_refresh(tx, cx.tenant, &rotation.successor)?;
    Ok(successor.is_some_and(|successor| successor.rotated.is_none()))
}

/// The person exists, is not disabled, and has not withdrawn consent from an app that needs it.
fn person_still_consents(tx: &Tx, cx: &Cx, client: &Client, grant: &Grant) -> Result<Option<User>, Error> {
    let user = rows::users::find(tx, cx.tenant, &grant.user)?.filter(|user| !user.disabled);
    if client.trusted {
        return Ok(user);
    }
    let consent = rows::consents::find(tx, cx.tenant, &grant.user, &client.id)?;
    let covers = consent.is_some_and(|consent| grant.scopes.iter().all(|scope| consent.scopes.contains(scope)));
    Ok(user.filter(|_| covers))
}

/// The next token of a family.
fn succeeding(cx: &Cx, grant: &Grant, id: RefreshId, digest: Digest) -> Refresh {
    Refresh {
        id,
        digest,
        grant: grant.id.clone(),
        created_at: cx.now,
        expires_at: cx.now.plus(cx.settings().tokens.refresh_idle).min(grant.expires_at),
        rotated: None,
    }
}

fn rotate(tx: &mut Tx, cx: &Cx, old: &Refresh, new: &Refresh) -> Result<(), Error> {
    if old.rotated.is_none() {
        let mut used = old.clone();
        used.rotated = Some(Rotation { at: cx.now, successor: new.id.clone() });
        rows::grants::put_refresh(tx, cx.tenant, Some(old), &used)?;
    }
    Ok(rows::grants::put_refresh(tx, cx.tenant, None, new)?)
}

fn unknown_token() -> Error {
    Error::invalid_grant(
        "The refresh token is unknown, expired, revoked or already used. Send the person to sign in again.",
    )
}
