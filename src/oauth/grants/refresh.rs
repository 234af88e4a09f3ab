//! A refresh token becomes a new pair (RFC 6749 §6), rotated with reuse detection (RFC 9700 §4.14.2).
//!
//! A family has one live line. Who uses a token again within the grace gets a successor of their own, because two tabs
//! that refresh at the same time are not a theft; but the first successor that is used ends the others, and one that
//! has ended is a used token like any other: showing it ends the family. So a thief and the owner cannot both go on.

use super::code::family_life;
use super::{TokenAnswer, answer, no_access};
use crate::audit::{Entry, Event};
use crate::base::Secret;
use crate::base::id::{RefreshId, TypedId, UserId};
use crate::base::secret::Digest;
use crate::crypto::token;
use crate::cx::Cx;
use crate::identity::cascade;
use crate::oauth::app_access::{self, Gate};
use crate::oauth::consents::person_who_consents;
use crate::oauth::mint::About;
use crate::oauth::{Error, Params, Reason, scope};
use crate::records::{ActorKind, Client, Grant, Refresh, Rotation, User};
use crate::store::{Read, Tx, rows};

/// How a refresh ended; a refusal that is recorded is a value.
enum Refreshed {
    Granted(Box<(Grant, User, Vec<String>)>),
    Refused(Error),
}

/// Rotates the token and answers a new access and id token. Everything is weighed again: client, family, person,
/// consent, and whether the person may use the app.
pub(super) async fn exchange(cx: &Cx, params: &Params, client: &Client) -> Result<TokenAnswer, Error> {
    let presented = params.require("refresh_token")?;
    let unknown = || unknown_token(Reason::RefreshUnknown);
    let (id, secret) = token::split(presented).ok_or_else(unknown)?;
    let (id, secret) = (RefreshId::parse(id).map_err(|_| unknown())?, Secret::from(secret));
    let wanted: Vec<String> = params.words("scope").into_iter().map(str::to_owned).collect();
    let successor = RefreshId::new(cx.now, cx.entropy());
    let successor_secret = Secret::new(cx.entropy().token());
    let refresh_token = Secret::new(token::compose(successor.as_str(), successor_secret.expose()));
    let digest = Digest::of(successor_secret.expose());
    let reuse = Entry::new(cx);
    let (refused, refusal) = app_access::refused(cx, client, Gate::Refresh);
    let may_use = holder_may_use(cx, client, &id).await?;
    let (at, client_in_tx) = (cx.clone(), client.clone());
    let refreshed = cx
        .store()
        .write(move |tx| {
            let found = rows::grants::find_refresh(tx, at.tenant.id, &id)?;
            let Some(old) = found.filter(|token| token.digest.matches(secret.expose())) else {
                // One that has run out is removed after a while.
                let is_over =
                    id.says_made_at().is_some_and(|made| made.plus(at.settings().tokens.refresh_idle) < at.now);
                let reason = if is_over { Reason::RefreshEnded } else { Reason::RefreshUnknown };
                return Ok(Refreshed::Refused(unknown_token(reason)));
            };
            let Some(grant) = family_is_live(tx, &at, &old, &client_in_tx)? else {
                return Ok(Refreshed::Refused(unknown_token(Reason::RefreshEnded)));
            };
            let Some(turn) = turn(tx, &at, &old)? else {
                cascade::revoke_grant(tx, &at, &grant.id)?;
                let reused = Event::TokenRefreshReused { user: grant.user.clone() };
                reuse.clone().target(&grant.id).append(tx, &at, &reused)?;
                return Ok(Refreshed::Refused(unknown_token(Reason::RefreshReused)));
            };
            let Some(user) = person_who_consents(&at, tx, &client_in_tx, (&grant.user, &grant.scopes))? else {
                cascade::revoke_grant(tx, &at, &grant.id)?;
                return Ok(Refreshed::Refused(unknown_token(Reason::SignInOver)));
            };
            if !may_use {
                cascade::revoke_grant(tx, &at, &grant.id)?;
                refused.clone().by(ActorKind::User, &grant.user).append(tx, &at, &refusal)?;
                return Ok(Refreshed::Refused(no_access()));
            }
            let words: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let scopes = match scope::narrowed(&words, &still_open(&client_in_tx, &grant), &client_in_tx) {
                Ok(scopes) => scopes,
                Err(refusal) => return Ok(Refreshed::Refused(refusal)),
            };
            rotate(tx, &at, (&old, turn), succeeding(&at, &grant, successor.clone(), digest))?;
            Ok::<_, Error>(Refreshed::Granted(Box::new((grant, user, scopes))))
        })
        .await?;
    let (grant, user, scopes) = match refreshed {
        Refreshed::Granted(granted) => *granted,
        Refreshed::Refused(refusal) => return Err(refusal),
    };
    answer(cx, &about(client, &user, &grant, &scopes), Some(refresh_token))
}

/// What was granted, without the scopes that the client may not ask for any more.
pub(in crate::oauth) fn still_open(client: &Client, grant: &Grant) -> Vec<String> {
    grant.scopes.iter().filter(|scope| scope::is_open_to(client, scope)).cloned().collect()
}

/// "It SHOULD NOT have a nonce claim, even when the ID Token issued at the time of the original authentication
/// contained one" and its `auth_time` is that of the original authentication (OIDC Core §12.2).
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
        acr: grant.acr,
    }
}

/// "The refresh token … was issued to another client", expired or revoked (RFC 6749 §5.2).
fn family_is_live(tx: &Tx, cx: &Cx, refresh: &Refresh, client: &Client) -> Result<Option<Grant>, Error> {
    if !refresh.term(cx.settings().tokens.refresh_idle).holds(cx.now) {
        return Ok(None);
    }
    let grant = rows::grants::find(tx, cx.tenant.id, &refresh.grant)?;
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
    let Some(refresh) = rows::grants::find_refresh(&from, cx.tenant.id, refresh)? else { return Ok(None) };
    Ok(rows::grants::find(&from, cx.tenant.id, &refresh.grant)?.map(|grant| grant.user))
}

/// Successors that are given in the place of one token, at the most. More are no race of a client.
const MOST_SUCCESSORS: u32 = 64;

/// A use of a refresh token that is none too many.
enum Turn {
    First,
    /// The first one of a token that is one of several: `given` was used before, in the place of which they were given.
    FirstOfSeveral {
        given: Box<Refresh>,
    },
    /// Another one within the grace, while no successor was used: `first` was given to the first use.
    Again {
        first: Box<Refresh>,
    },
}

/// What kind of use this is; `None` when it is a reuse: of a token that was used before, or of one that ended because
/// another one given in the same place was used (RFC 9700 §4.14.2).
fn turn(tx: &Tx, cx: &Cx, refresh: &Refresh) -> Result<Option<Turn>, Error> {
    let Some(rotation) = &refresh.rotated else { return first_turn(tx, cx, refresh) };
    let grace = cx.settings().tokens.refresh_grace;
    // A clock that was set back does not make the grace longer.
    let is_over = cx.now.since(rotation.at) > grace || rotation.at > cx.now.plus(grace);
    if is_over || rotation.kept.is_some() || rotation.more + 1 >= MOST_SUCCESSORS {
        return Ok(None);
    }
    let first = rows::grants::find_refresh(tx, cx.tenant.id, &rotation.successor)?;
    let first = first.filter(|first| first.rotated.is_none());
    Ok(first.map(|first| Turn::Again { first: Box::new(first) }))
}

/// Of a token that was not used before. One that was given alone costs no read.
fn first_turn(from: &impl Read, cx: &Cx, refresh: &Refresh) -> Result<Option<Turn>, Error> {
    let Some(given) = &refresh.one_of else { return Ok(Some(Turn::First)) };
    let given = rows::grants::find_refresh(from, cx.tenant.id, given)?;
    let given = given.filter(|given| given.rotated.as_ref().is_some_and(|rotation| rotation.kept.is_none()));
    Ok(given.map(|given| Turn::FirstOfSeveral { given: Box::new(given) }))
}

/// Whether a token could be used now as far as it and those beside it tell: neither it nor another one given in the
/// same place was used.
pub(in crate::oauth) fn is_usable(from: &impl Read, cx: &Cx, refresh: &Refresh) -> Result<bool, Error> {
    let is_unused = refresh.rotated.is_none() && refresh.term(cx.settings().tokens.refresh_idle).holds(cx.now);
    Ok(is_unused && first_turn(from, cx, refresh)?.is_some())
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
        one_of: None,
        in_family: 0,
    }
}

/// How many tokens the family has with one more, given in the place of `used`; 0 where that is not known.
fn in_family(used: &Refresh, turn: &Turn) -> u32 {
    // In the place of a token there may stand several by now.
    let before = match turn {
        Turn::FirstOfSeveral { given } => given,
        Turn::First | Turn::Again { .. } => used,
    };
    let others = before.rotated.as_ref().map_or(0, |rotation| rotation.more.saturating_add(1));
    if before.in_family == 0 { 0 } else { before.in_family.saturating_add(others).saturating_add(1) }
}

/// Writes the successor and what becomes of those before and beside it. A lone refresh writes two rows.
fn rotate(tx: &mut Tx, cx: &Cx, (used, turn): (&Refresh, Turn), mut new: Refresh) -> Result<(), Error> {
    new.in_family = in_family(used, &turn);
    let put = |tx: &mut Tx, old: &Refresh, new: &Refresh| rows::grants::put_refresh(tx, cx.tenant.id, Some(old), new);
    if let Turn::Again { first } = &turn {
        // From now on there are several, and each of them knows. The one before them stays as long as they do, to tell
        // which goes on.
        let rotated = used.rotated.clone().map(|rotation| Rotation { more: rotation.more + 1, ..rotation });
        let expires_at = used.expires_at.max(new.expires_at);
        put(tx, used, &Refresh { rotated, expires_at, ..used.clone() })?;
        put(tx, first, &Refresh { one_of: Some(used.id.clone()), ..Refresh::clone(first) })?;
        new.one_of = Some(used.id.clone());
    } else {
        let rotation = Rotation { at: cx.now, successor: new.id.clone(), more: 0, kept: None };
        put(tx, used, &Refresh { rotated: Some(rotation), ..used.clone() })?;
    }
    if let Turn::FirstOfSeveral { given } = &turn {
        let rotated = given.rotated.clone().map(|rotation| Rotation { kept: Some(used.id.clone()), ..rotation });
        put(tx, given, &Refresh { rotated, ..Refresh::clone(given) })?;
    }
    Ok(rows::grants::put_refresh(tx, cx.tenant.id, None, &new)?)
}

fn unknown_token(reason: Reason) -> Error {
    Error::invalid_grant(
        "The refresh token is unknown, expired, revoked or already used. Send the person to sign in again.",
    )
    .because(reason)
}
