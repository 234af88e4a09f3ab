//! Setting, changing and checking passwords. The hash is computed before the transaction, never in it.

use crate::audit::Entry;
use crate::base::Secret;
use crate::base::id::UserId;
use crate::base::secret::ct_eq;
use crate::crypto::password::{self as hashing, LengthError, Verdict};
use crate::cx::Cx;
use crate::records::User;
use crate::rights::{self, Right};
use crate::store::Tx;
use crate::store::rows::users as rows;

use super::cascade::{self, Ended};
use super::lockout::{self, Bucket};
use super::sessions::{self, Opening, SignedIn};
use super::sign_in::Success;
use super::{Error, device};

/// When to come back after [`Error::Busy`]: the queue is short.
const RETRY_AFTER_SECONDS: u64 = 2;

/// A password that was right for a stored hash.
#[derive(Clone)]
pub(super) struct Proven {
    phc: String,
    rehashed: Option<String>,
}

impl Proven {
    /// Whether the person still has the password that was proved: it may have changed while it was being hashed.
    pub(super) fn holds_for(&self, user: &User) -> bool {
        user.password.as_deref().is_some_and(|phc| ct_eq(phc.as_bytes(), self.phc.as_bytes()))
    }

    /// Stores the stronger hash, if one was due. Not a change that anybody would see: the version stays.
    pub(super) fn store_rehashed(&self, tx: &mut Tx, cx: &Cx, user: User) -> Result<User, Error> {
        let Some(rehashed) = &self.rehashed else { return Ok(user) };
        let new = User { password: Some(rehashed.clone()), ..user.clone() };
        rows::put(tx, cx.tenant, Some(&user), &new)??;
        Ok(new)
    }
}

/// Hashes a new password. Errors: its length, [`Error::Busy`].
pub(super) async fn hash(cx: &Cx, password: &Secret<String>) -> Result<String, Error> {
    hashing::check_length(password).map_err(too_short_or_long)?;
    let salt = cx.entropy().bytes::<16>();
    cx.home.hasher.hash(password, salt).await.map_err(from_pool)
}

/// Checks a password against a stored hash; `None` costs the same and is never right.
pub(super) async fn prove(cx: &Cx, password: &Secret<String>, phc: Option<&str>) -> Result<Option<Proven>, Error> {
    let verdict = cx.home.hasher.verify(password, phc).await.map_err(from_pool)?;
    let (Verdict::Match { rehash }, Some(phc)) = (verdict, phc) else { return Ok(None) };
    // A busy pool is no reason to refuse somebody who is in: the next sign-in rehashes.
    let rehashed = if rehash { hash(cx, password).await.ok() } else { None };
    Ok(Some(Proven { phc: phc.to_owned(), rehashed }))
}

/// Sets a password for a person, with the right to change people: ends every session and token family, and forgets failed sign-ins.
/// Errors: [`Error::Denied`], the password's length, [`Error::NotFound`], [`Error::Busy`].
pub async fn set_password(cx: &Cx, id: &UserId, new: &Secret<String>) -> Result<Ended, Error> {
    super::users::find(&cx.read()?, cx, id)?;
    let phc = hash(cx, new).await?;
    let entry = Entry::success(cx, "user.set_password").target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let old = super::users::find(tx, &at, &id)?;
        super::users::is_within_reach(tx, &at, &old)?;
        let (_, ended) = replace(tx, &at, &old, &phc)?;
        entry.clone().detail("ended", ended_detail(&ended)).append(tx, &at)?;
        Ok(ended)
    };
    rights::write(cx, Right::on("update", super::users::USERS), change).await
}

/// Changes one's own password: every session ends, every token family is revoked, and a new session takes the place of the
/// one that asked. Errors: the new password's length, [`Error::InvalidCredentials`] when `current` is wrong (counted),
/// [`Error::Busy`].
pub async fn change_password(
    cx: &Cx,
    signed_in: &SignedIn,
    current: &Secret<String>,
    new: &Secret<String>,
) -> Result<Success, Error> {
    hashing::check_length(new).map_err(too_short_or_long)?;
    let proven = confirm(cx, signed_in, current).await?;
    let phc = hash(cx, new).await?;
    let opening = Opening::draw(cx, &signed_in.user.id);
    let device = device::issue(cx, &signed_in.user.id);
    let entry = Entry::success(cx, "user.change_password").target(&signed_in.user.id);
    let (at, id, draft) = (cx.clone(), signed_in.user.id.clone(), opening.session.clone());
    let signed_in = cx
        .store()
        .write(move |tx| {
            let old = super::users::find(tx, &at, &id)?;
            if old.disabled || !proven.holds_for(&old) {
                return Err(Error::InvalidCredentials);
            }
            let (user, ended) = replace(tx, &at, &old, &phc)?;
            sessions::open(tx, &at, &draft, None)?;
            entry.clone().detail("ended", ended_detail(&ended)).append(tx, &at)?;
            Ok(SignedIn { session: draft.clone(), user })
        })
        .await?;
    Ok(Success { token: opening.token, signed_in, device })
}

/// Confirms the password of a signed-in person before something sensitive. Failures are counted per session, so that whoever
/// sits at an open session cannot guess on. Errors: [`Error::InvalidCredentials`], [`Error::Busy`].
pub(super) async fn confirm(cx: &Cx, signed_in: &SignedIn, password: &Secret<String>) -> Result<Proven, Error> {
    let bucket = Bucket::of_session(&signed_in.session.id);
    let user = rows::find(&cx.read()?, cx.tenant, &signed_in.user.id)?;
    let phc = user.as_ref().and_then(|user| user.password.as_deref());
    let proven = prove(cx, password, phc).await?;
    let entry = Entry::failure(cx, "user.confirm_password").target(&signed_in.user.id);
    let (at, right) = (cx.clone(), proven.is_some());
    let confirmed = cx
        .store()
        .write(move |tx| {
            if lockout::is_locked(tx, &at, &bucket)? {
                entry.clone().detail("reason", "locked").append(tx, &at)?;
                return Ok::<_, Error>(false);
            }
            if right {
                lockout::forgive(tx, &at, &bucket)?;
            } else {
                lockout::count_failure(tx, &at, &bucket)?;
                entry.clone().detail("reason", "wrong_password").append(tx, &at)?;
            }
            Ok(right)
        })
        .await?;
    proven.filter(|_| confirmed).ok_or(Error::InvalidCredentials)
}

/// Writes the new hash, ends everything that the old password opened, and forgets failures on the account.
pub(super) fn replace(tx: &mut Tx, cx: &Cx, old: &User, phc: &str) -> Result<(User, Ended), Error> {
    let new = User {
        password: Some(phc.to_owned()),
        password_changed_at: Some(cx.now),
        updated_at: cx.now,
        version: old.version.saturating_add(1),
        ..old.clone()
    };
    rows::put(tx, cx.tenant, Some(old), &new)??;
    lockout::forgive(tx, cx, &Bucket::of_account(&old.id))?;
    let ended = cascade::end_everything_of_user(tx, cx, &old.id)?;
    let api_keys = cascade::freeze_keys_of_user(tx, cx, &old.id)?;
    Ok((new, Ended { api_keys, ..ended }))
}

pub(super) fn ended_detail(ended: &Ended) -> serde_json::Value {
    serde_json::json!(ended)
}

fn too_short_or_long(error: LengthError) -> Error {
    match error {
        LengthError::TooShort => Error::PasswordTooShort,
        LengthError::TooLong => Error::PasswordTooLong,
    }
}

fn from_pool(error: hashing::Error) -> Error {
    match error {
        hashing::Error::Busy => Error::Busy { retry_after_seconds: RETRY_AFTER_SECONDS },
        hashing::Error::Length(length) => too_short_or_long(length),
        other => Error::Internal(other.to_string()),
    }
}
