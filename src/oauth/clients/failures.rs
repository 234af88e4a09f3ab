//! Requests of registered apps that were refused: noted for the people who run the app, and put right where that is
//! safe.
//!
//! Anybody can send a request in the name of an app, so little is kept of each, few of one app, for a while; the same
//! request again is counted and not kept twice.

use std::time::Duration;

use super::check::{self, ClientChange};
use super::registry::{CLIENTS, invalid, within_reach};
use super::{Error, registry};
use crate::audit::{Entry, Event};
use crate::base::id::{ClientId, FailureId};
use crate::base::quota::{Level, Quota};
use crate::cx::Cx;
use crate::oauth::redirect::PlainHttp;
use crate::oauth::{Reason, redirect, scope};
use crate::records::{AuthorizeFailure, Client, ClientFieldsChange, ClientType, Origin};
use crate::rights::{self, Right};
use crate::store::{Tx, rows};

/// The error of a request whose redirect URI is not registered.
pub const REDIRECT_URI_MISMATCH: &str = "redirect_uri_mismatch";

/// What is noted of a request that went on without some of its scopes.
pub const SCOPES_IGNORED: &str = "scopes_ignored";

/// What is noted of a token that would have been too long, and got shorter.
pub const CLAIMS_LEFT_OUT: &str = "claims_left_out";

/// What is noted of a token that is too long, and of which nothing more can be left out.
pub const TOKEN_TOO_LONG: &str = "token_too_long";

/// Failures kept of one app.
const KEPT: usize = 20;

/// How long each is kept.
const LIFE: Duration = Duration::from_hours(7 * 24);

/// The same failure is noted once in this time.
const AGAIN: Duration = Duration::from_mins(1);

/// Failures of one app that are noted in a minute.
const PER_MINUTE: u32 = 10;

/// The longest value that is kept whole, in bytes.
const MAX_SENT: usize = 2048;

/// What was wrong with a request.
#[derive(Clone, Copy, Debug)]
pub struct Wrong<'a> {
    /// A stable word.
    pub error: &'a str,
    pub message: &'a str,
    /// The value that was wrong.
    pub sent: Option<&'a str>,
}

/// The count that [`PER_MINUTE`] bounds.
pub(crate) fn quota() -> Quota {
    Quota::new(Duration::from_mins(1))
}

/// Whether one more may be noted of a client.
fn may_note(cx: &Cx, client: &ClientId) -> bool {
    let level = Level::new("failure", client.as_str(), PER_MINUTE);
    cx.process().authorization_failures.take(cx.tenant.id, &[level], cx.now).is_some()
}

/// Notes a refused request that named this client. Nothing is noted of clients that there are not, and not much in a
/// short time.
pub async fn note(cx: &Cx, client: &str, wrong: Wrong<'_>) -> Result<(), Error> {
    let Some(client) = registry::find(cx, client)? else { return Ok(()) };
    let Some(fresh) = news(cx, &client, wrong)? else { return Ok(()) };
    let at = cx.clone();
    cx.store().write(move |tx| put(tx, &at, &fresh)).await
}

/// As [`note`], and nobody waits for it.
pub fn tell(cx: &Cx, client: &Client, wrong: Wrong<'_>) {
    if let Ok(Some(fresh)) = news(cx, client, wrong) {
        let at = cx.clone();
        cx.store().write_unwatched(move |tx| put(tx, &at, &fresh));
    }
}

/// Tells that scopes were left out of a request that went on.
pub fn tell_ignored_scopes(cx: &Cx, client: &Client, ignored: &[String]) {
    let message = "The app asked for scopes that it may not ask for. The sign-in went on without them.";
    tell(cx, client, Wrong { error: SCOPES_IGNORED, message, sent: Some(&ignored.join(" ")) });
}

/// Tells that a token was too long: [`CLAIMS_LEFT_OUT`] with what was left out, or [`TOKEN_TOO_LONG`].
pub fn tell_long_token(cx: &Cx, client: &Client, error: &str, sent: Option<&str>) {
    let message = match error {
        TOKEN_TOO_LONG => "A token of the app is longer than tokens.max_bytes, and nothing more can be left out of it.",
        _ => {
            "A token would have been longer than tokens.max_bytes, so claims were left out of it. It names them in claims_truncated."
        }
    };
    tell(cx, client, Wrong { error, message, sent });
}

/// What is to be noted, unless the same was lately, or there is no room.
fn news(cx: &Cx, client: &Client, wrong: Wrong<'_>) -> Result<Option<AuthorizeFailure>, Error> {
    let fresh = AuthorizeFailure {
        id: FailureId::new(cx.now, cx.entropy()),
        client: client.id.clone(),
        at: cx.now,
        expires_at: cx.now.plus(LIFE),
        error: wrong.error.to_owned(),
        message: wrong.message.to_owned(),
        sent: wrong.sent.map(shortened),
        count: 1,
    };
    let known = rows::failures::of_client(&cx.read()?, cx.tenant.id, &fresh.client)?;
    let is_recent = |old: &AuthorizeFailure| is_same(old, &fresh) && old.at <= cx.now && cx.now.since(old.at) < AGAIN;
    let is_news = !known.iter().any(is_recent) && may_note(cx, &fresh.client);
    Ok(is_news.then_some(fresh))
}

fn put(tx: &mut Tx, cx: &Cx, fresh: &AuthorizeFailure) -> Result<(), Error> {
    // The client may have gone meanwhile.
    if rows::clients::find(tx, cx.tenant.id, &fresh.client)?.is_none() {
        return Ok(());
    }
    let mut known = rows::failures::of_client(tx, cx.tenant.id, &fresh.client)?;
    if let Some(old) = known.iter().find(|old| is_same(old, fresh)) {
        let (id, count) = (old.id.clone(), old.count.saturating_add(1));
        let new = AuthorizeFailure { id, count, ..fresh.clone() };
        return Ok(rows::failures::put(tx, cx.tenant.id, Some(old), &new)?);
    }
    // What an app really sends comes again; what somebody tries out does not, and goes first.
    known.sort_by_key(|failure| (failure.count, failure.at));
    let surplus = (known.len() + 1).saturating_sub(KEPT);
    for old in known.iter().take(surplus) {
        rows::failures::delete(tx, cx.tenant.id, old)?;
    }
    Ok(rows::failures::put(tx, cx.tenant.id, None, fresh)?)
}

fn is_same(one: &AuthorizeFailure, other: &AuthorizeFailure) -> bool {
    (&one.error, &one.message, &one.sent) == (&other.error, &other.message, &other.sent)
}

/// The value, or its beginning with a sign that it goes on, with which it is no URI.
fn shortened(sent: &str) -> String {
    if sent.len() <= MAX_SENT {
        return sent.to_owned();
    }
    let cut: String = sent.chars().take(300).collect();
    format!("{cut}…")
}

/// A failure beside what is registered now.
#[derive(Clone, Debug)]
pub struct Shown {
    pub failure: AuthorizeFailure,
    /// What is registered in the place of what was sent.
    pub registered: Option<String>,
    /// The redirect URI that can be added to put it right.
    pub fix: Option<String>,
    /// What to do about it.
    pub next_step: &'static str,
}

/// The failures of a client, newest first, without those that meanwhile would be none. Errors: [`Error::NotFound`].
pub fn of_client(cx: &Cx, client: &str) -> Result<Vec<Shown>, Error> {
    let client = registry::find(cx, client)?.ok_or(Error::NotFound)?;
    let mut failures = rows::failures::of_client(&cx.read()?, cx.tenant.id, &client.id)?;
    failures.retain(|failure| failure.expires_at > cx.now && !is_put_right(&client, failure));
    failures.sort_by(|one, two| (two.at, &two.id).cmp(&(one.at, &one.id)));
    Ok(failures.into_iter().map(|failure| shown(&client, failure)).collect())
}

fn shown(client: &Client, failure: AuthorizeFailure) -> Shown {
    let sent = failure.sent.as_deref();
    let registered = match (failure.error.as_str(), sent) {
        (REDIRECT_URI_MISMATCH, Some(sent)) => redirect::nearest(sent, &client.redirect_uris).cloned(),
        ("invalid_scope" | SCOPES_IGNORED, _) => Some(scope::open_to(client).join(" ")),
        ("code_redirect_uri", Some(sent)) => redirect::nearest(sent, &client.redirect_uris).cloned(),
        ("grant_not_registered", _) => {
            Some(client.grants.iter().map(|grant| grant.as_str()).collect::<Vec<_>>().join(" "))
        }
        ("invalid_target", _) => Some(client.audiences.join(" ")),
        _ => None,
    };
    let fix = addable(client, &failure).map(str::to_owned);
    let next_step = next_step(&failure.error);
    Shown { failure, registered, fix, next_step }
}

/// What the people who run an app do about an error.
fn next_step(error: &str) -> &'static str {
    match error {
        REDIRECT_URI_MISMATCH => {
            "Is this address the app's? Then add it to the client's redirect URIs. Otherwise correct the app."
        }
        SCOPES_IGNORED => {
            "Nothing, if the app works. Otherwise let the client ask for these scopes, or take them out of the app."
        }
        CLAIMS_LEFT_OUT => {
            "Let the app ask for less, or read the rest from userinfo. A filter of groups makes that claim shorter."
        }
        TOKEN_TOO_LONG => {
            "Register fewer audiences and scopes, let the app send a shorter nonce, or raise tokens.max_bytes if everything between takes longer headers."
        }
        error => Reason::parse(error).map_or("Correct this in the app.", Reason::next_step),
    }
}

/// Whether what was sent is registered by now, or the client is enabled again.
fn is_put_right(client: &Client, failure: &AuthorizeFailure) -> bool {
    match (failure.error.as_str(), failure.sent.as_deref()) {
        (REDIRECT_URI_MISMATCH, Some(sent)) => is_registered(client, sent),
        ("client_disabled", _) => !client.disabled,
        (SCOPES_IGNORED, Some(sent)) => sent.split(' ').all(|scope| scope::is_open_to(client, scope)),
        ("grant_not_registered", Some(sent)) => client.grants.iter().any(|grant| grant.as_str() == sent),
        _ => false,
    }
}

fn is_registered(client: &Client, sent: &str) -> bool {
    redirect::is_registered(sent, &client.redirect_uris, client.kind == ClientType::Native)
}

/// The redirect URI that was sent, if it may be added as it is: `http` or `https`, registrable, and on a host on which
/// the app has one already. Anybody can send a request in the app's name, so another host is for a person to write
/// down, not to wave through.
fn addable<'f>(client: &Client, failure: &'f AuthorizeFailure) -> Option<&'f str> {
    let sent = failure.sent.as_deref().filter(|_| failure.error == REDIRECT_URI_MISMATCH)?;
    let is_web = sent.starts_with("https://") || sent.starts_with("http://");
    let on_own_host = client.redirect_uris.iter().any(|uri| redirect::is_on_host_of(sent, uri));
    let is_fit = is_web && on_own_host && redirect::check_registrable(sent, PlainHttp::of(&client.fields)).is_ok();
    (is_fit && client.origin == Origin::Admin && !is_registered(client, sent)).then_some(sent)
}

/// Puts a failure right by adding the redirect URI that was sent, exactly as it was sent; the failure is forgotten. It
/// is a change of the client like any other, and needs the same right. Errors: [`Error::Denied`], [`Error::NotFound`],
/// [`Error::NoFailure`], [`Error::NotFixable`], [`Error::ManagedByConfig`].
pub async fn fix(cx: &Cx, client: &ClientId, id: &FailureId) -> Result<Client, Error> {
    let entry = Entry::new(cx).target(client);
    let (at, client, id) = (cx.clone(), client.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let old = within_reach(tx, &at, &client)?;
        let failure = rows::failures::find(tx, at.tenant.id, &client, &id)?;
        let failure = failure.filter(|failure| failure.expires_at > at.now).ok_or(Error::NoFailure)?;
        let added = addable(&old, &failure).ok_or(Error::NotFixable)?;
        let uris = old.redirect_uris.iter().cloned().chain([added.to_owned()]).collect();
        let fields = ClientFieldsChange { redirect_uris: Some(uris), ..ClientFieldsChange::default() };
        let input = ClientChange { fields, ..ClientChange::default() };
        let new = check::change(old, &input, at.now).map_err(invalid)?;
        rows::clients::put(tx, at.tenant.id, &new)?;
        rows::failures::delete(tx, at.tenant.id, &failure)?;
        entry.append(tx, &at, &Event::ClientFix { failure: id.to_string(), redirect_uri: added.to_owned() })?;
        Ok(new)
    };
    rights::write(cx, Right::on("update", CLIENTS), change).await
}
