//! Setting and changing passwords: what the old one opened ends.

use crate::audit::{Entry, Event};
use crate::base::Secret;
use crate::base::id::UserId;
use crate::cx::Cx;
use crate::records::ProofKind;
use crate::rights::{self, Right};
use crate::store::Tx;

use super::cascade::Ended;
use super::lookup::{USERS, find};
use super::password_rule::{self, Known};
use super::sessions::{self, Opening};
use super::signed_in::{SignedIn, Success};
use super::{Error, device, password, proofs, throttle};

/// Sets a password for a person, with the right to change people: ends every session and token family, and forgets
/// failed sign-ins. Errors: [`Error::Denied`], those of the password, [`Error::NotFound`], [`Error::Busy`].
pub async fn set_password(cx: &Cx, id: &UserId, new: &Secret<String>) -> Result<Ended, Error> {
    let user = find(&cx.read()?, cx, id)?;
    let phc = password::hash(cx, new, Known::of(&user)).await?;
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let old = find(tx, &at, &id)?;
        rights::may_change_person::<Error>(&at, tx, &old)?;
        let (_, ended) = password::replace(tx, &at, &old, &phc)?;
        entry.append(tx, &at, &Event::UserSetPassword { ended })?;
        Ok::<_, Error>(ended)
    };
    let ended = rights::write(cx, Right::on("update", USERS), change).await?;
    throttle::forget(cx, &user);
    Ok(ended)
}

/// Changes one's own password: every session ends, every token family is revoked, and a new session takes the place of
/// the one that asked. Errors: those of the new password, [`Error::InvalidCredentials`] when `current` is wrong
/// (counted), [`Error::Delayed`], [`Error::Busy`].
pub async fn change_password(
    cx: &Cx,
    signed_in: &SignedIn,
    current: &Secret<String>,
    new: &Secret<String>,
) -> Result<Success, Error> {
    password_rule::may_be_chosen(new, Known::of(&signed_in.user))?;
    let proven = password::confirm(cx, signed_in, current).await?;
    let phc = password::hash(cx, new, Known::of(&signed_in.user)).await?;
    let opening = Opening::draw(cx, &signed_in.user.id, proofs::with(&[], ProofKind::Password, cx.now));
    let device = device::issue(cx, &signed_in.user.id);
    let entry = Entry::new(cx).target(&signed_in.user.id);
    let (at, id, draft) = (cx.clone(), signed_in.user.id.clone(), opening.session.clone());
    let signed_in = cx
        .store()
        .write(move |tx| {
            let old = find(tx, &at, &id)?;
            if old.disabled || !proven.holds_for(&old) {
                return Err(Error::InvalidCredentials);
            }
            let (user, ended) = password::replace(tx, &at, &old, &phc)?;
            sessions::open(tx, &at, &draft, None)?;
            entry.append(tx, &at, &Event::UserChangePassword { ended })?;
            Ok(SignedIn { session: draft.clone(), user })
        })
        .await?;
    throttle::forget(cx, &signed_in.user);
    Ok(Success { token: opening.token, signed_in, device })
}
