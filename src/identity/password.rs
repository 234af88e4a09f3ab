//! Hashing, checking and replacing passwords. The hash is computed before the transaction, never in it; what may be
//! chosen is said in [`password_rule`](super::password_rule).

use std::sync::Arc;

use crate::audit::{self, Entry, Event};
use crate::base::Secret;
use crate::base::id::UserId;
use crate::base::page::PageRequest;
use crate::base::secret::ct_eq;
use crate::crypto::password::{self as hashing, Verification};
use crate::cx::Cx;
use crate::records::{ProofKind, User};
use crate::store::rows::{marks, users as rows};
use crate::store::{self, Commit, Read, Snapshot, Tx};

use super::Error;
use super::cascade::{self, Ended};
use super::next_step::Rule;
use super::password_rule::{self, Known};
use super::signed_in::SignedIn;
use super::throttle::{self, AttemptSource};

/// When to come back after [`Error::Busy`]: the queue is short.
const RETRY_AFTER_SECONDS: u64 = 2;

/// A password that was right for a stored hash.
#[derive(Clone)]
pub(super) struct Proven {
    user: UserId,
    phc: String,
    /// Whether the hash costs other than what is configured.
    is_dated: bool,
}

impl Proven {
    /// Whether the person still has the password that was proved: it may have changed while it was being hashed.
    pub(super) fn holds_for(&self, user: &User) -> bool {
        user.password.as_deref().is_some_and(|phc| ct_eq(phc.as_bytes(), self.phc.as_bytes()))
    }
}

/// Hashes a password that somebody chose for this account. Errors: those of [`password_rule::may_be_chosen`],
/// [`Error::Busy`].
pub(super) async fn hash(cx: &Cx, password: &Secret<String>, known: Known<'_>) -> Result<String, Error> {
    password_rule::may_be_chosen(password, known)?;
    let salt = cx.entropy().bytes::<16>();
    cx.app.hasher.hash(password, salt).await.map_err(from_pool)
}

/// Checks a password against what is stored of a person; nobody costs the same and is never right.
pub(super) async fn prove(cx: &Cx, password: &Secret<String>, user: Option<&User>) -> Result<Option<Proven>, Error> {
    let stored = user.and_then(|user| user.password.as_deref().map(|phc| (user, phc)));
    let verification = match cx.app.hasher.verify(password, stored.map(|(_, phc)| phc)).await {
        // The same answer as for a wrong password: that the account is there is nobody's business.
        Err(error @ hashing::Error::Stored(_)) => {
            let user = stored.map(|(user, _)| user.id.as_str()).unwrap_or_default();
            tracing::error!(user, %error, "this person cannot sign in: set a new password");
            return Ok(None);
        }
        verification => verification.map_err(from_pool)?,
    };
    let (Verification::Match { rehash }, Some((user, phc))) = (verification, stored) else { return Ok(None) };
    Ok(Some(Proven { user: user.id.clone(), phc: phc.to_owned(), is_dated: rehash }))
}

/// Once somebody is in: stores a hash of today's cost, if theirs has another, and answers the person with it. Not a
/// change that anybody would see: the version stays. Not before: the time it takes would tell that a password is right
/// to who may not come in.
pub(super) async fn renew(cx: &Cx, proven: Option<Proven>, password: &Secret<String>) -> Result<Option<User>, Error> {
    let Some(proven) = proven.filter(|proven| proven.is_dated) else { return Ok(None) };
    let salt = cx.entropy().bytes::<16>();
    // A busy pool is no reason to refuse somebody who is in: the next sign-in renews it.
    let Ok(phc) = cx.app.hasher.hash(password, salt).await else { return Ok(None) };
    let at = cx.clone();
    cx.store()
        .write(move |tx| {
            let user = rows::find(tx, at.tenant.id, &proven.user)?.filter(|user| proven.holds_for(user));
            let Some(old) = user else { return Ok(None) };
            let new = User { password: Some(phc.clone()), ..old.clone() };
            rows::put(tx, at.tenant.id, Some(&old), &new)??;
            Ok(Some(new))
        })
        .await
}

/// Tells the hasher what the dearest stored hash costs that any process has noted: now, and whenever one notes more.
fn follow_cost(cx: &Cx) -> Result<(), store::Error> {
    let hasher = Arc::downgrade(&cx.app.hasher);
    let take = move |from: &Snapshot| {
        let Some(hasher) = hasher.upgrade() else { return Ok(false) };
        let noted = marks::value(from, marks::PASSWORD_WORK)?.and_then(|text| text.parse().ok());
        hasher.cost_at_least(noted.unwrap_or(0));
        Ok(true)
    };
    let concerns = |commit: &Commit<'_>| marks::value_may_be_changed_by(commit, marks::PASSWORD_WORK);
    cx.store().derive("the cost of passwords", concerns, take)
}

/// When the server starts: tells the hasher what the dearest stored hash costs, so that who has one is not known by the
/// time it takes, and keeps it told of what other processes note. People are looked at only when the configured cost is
/// lower than it was, or was never noted.
pub async fn remember_cost(cx: &Cx) -> Result<(), Error> {
    let today = cx.app.hasher.work();
    let from = cx.read()?;
    let before = marks::value(&from, marks::PASSWORD_WORK)?;
    let noted: Option<u64> = before.as_deref().and_then(|text| text.parse().ok());
    let most = match noted {
        Some(noted) if noted <= today => today,
        _ => dearest(&from, cx)?.max(today),
    };
    if noted != Some(most) {
        let note = move |tx: &mut Tx| marks::put_value(tx, marks::PASSWORD_WORK, &most.to_string());
        cx.store().write(note).await.map_err(|error: store::Error| error)?;
    }
    cx.app.hasher.cost_at_least(most);
    Ok(follow_cost(cx)?)
}

/// The work of the dearest hash that anybody has.
fn dearest(from: &impl Read, cx: &Cx) -> Result<u64, store::Error> {
    let (mut request, mut most) = (PageRequest::new(Some(500), None), 0);
    loop {
        let page = rows::page(from, cx.tenant.id, &request)?;
        let works = page.items.iter().filter_map(|user| user.password.as_deref().and_then(hashing::work_of));
        most = works.fold(most, u64::max);
        request.after = page.next;
        if request.after.is_none() {
            return Ok(most);
        }
    }
}

/// Confirms the password of a signed-in person before something sensitive. Failures are counted per session, so that
/// somebody who sits at an open session cannot guess on. Errors: [`Error::InvalidCredentials`], [`Error::Delayed`],
/// [`Error::Busy`].
pub(super) async fn confirm(cx: &Cx, signed_in: &SignedIn, password: &Secret<String>) -> Result<Proven, Error> {
    let pending = throttle::enter(cx, AttemptSource::session(&signed_in.session.id))?;
    let user = rows::find(&cx.read()?, cx.tenant.id, &signed_in.user.id)?;
    let proven = match prove(cx, password, user.as_ref()).await {
        Err(error) => {
            pending.did_not_take_place();
            return Err(error);
        }
        Ok(proven) => proven,
    };
    if let Some(proven) = proven {
        pending.succeeded();
        return Ok(proven);
    }
    let event = Event::UserConfirmPasswordFailed {
        reason: "wrong_password",
        proof: ProofKind::Password.as_str(),
        rule: Rule::PasswordMatches.as_str(),
    };
    audit::record(cx, Entry::new(cx).target(&signed_in.user.id), event).await?;
    Err(Error::InvalidCredentials)
}

/// Writes the new hash and ends everything that the old password opened.
pub(super) fn replace(tx: &mut Tx, cx: &Cx, old: &User, phc: &str) -> Result<(User, Ended), Error> {
    let new = User {
        password: Some(phc.to_owned()),
        password_changed_at: Some(cx.now),
        updated_at: cx.now,
        version: old.version.saturating_add(1),
        ..old.clone()
    };
    rows::put(tx, cx.tenant.id, Some(old), &new)??;
    let ended = cascade::end_everything_of_user(tx, cx, &old.id)?;
    let api_keys = cascade::freeze_keys_of_user(tx, cx, &old.id)?;
    Ok((new, Ended { api_keys, ..ended }))
}

fn from_pool(error: hashing::Error) -> Error {
    match error {
        hashing::Error::Busy => Error::Busy { retry_after_seconds: RETRY_AFTER_SECONDS },
        hashing::Error::Length(length) => password_rule::of_length(length),
        other => Error::Internal(other.to_string()),
    }
}
