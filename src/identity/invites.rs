//! Invitations: a single-use right to sign up, perhaps for one address only.

use std::time::Duration;

use crate::audit::{Entry, Event};
use crate::base::id::InviteId;
use crate::base::{Secret, canonical};
use crate::config::Registration;
use crate::crypto::token;
use crate::cx::Cx;
use crate::records::Invite;
use crate::rights::{self, Right};
use crate::store::rows::invites as rows;
use crate::store::{Read, Tx};

use super::lookup::USERS;
use super::{Error, fields};

/// How long an invitation works when nobody says otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long one may work at the most.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

/// An invitation that was made now, with the token that only its link holds.
#[derive(Debug)]
pub struct Issued {
    /// The invitation as it is stored, without its token.
    pub invite: Invite,
    /// Goes into the link `/sign-up?invite=…`; shown this once.
    pub token: Secret<String>,
}

/// Makes an invitation, for one address or for anybody, with the right to make accounts; `None` means
/// [`DEFAULT_LIFETIME`]. Errors: [`Error::Denied`]; [`Error::RegistrationClosed`], since nobody could use it;
/// [`Error::InvalidEmail`]; a lifetime out of bounds.
pub async fn issue(cx: &Cx, email: Option<&str>, lifetime: Option<Duration>) -> Result<Issued, Error> {
    if cx.settings().registration == Registration::Closed {
        return Err(Error::RegistrationClosed);
    }
    let lifetime = lifetime.unwrap_or(DEFAULT_LIFETIME);
    if lifetime.is_zero() || lifetime > LONGEST_LIFETIME {
        return Err(Error::field("expires_in", "must be between one second and 90 days"));
    }
    let secret = Secret::new(cx.entropy().token());
    let invite = Invite {
        id: InviteId::new(cx.now, cx.entropy()),
        digest: token::digest(secret.expose()),
        email: email.map(fields::email).transpose()?,
        created_at: cx.now,
        expires_at: cx.now.plus(lifetime),
        used_at: None,
    };
    let entry = Entry::new(cx).target(&invite.id);
    let token = Secret::new(token::compose(invite.id.as_str(), secret.expose()));
    let (at, row) = (cx.clone(), invite.clone());
    let change = move |tx: &mut Tx| {
        rows::put(tx, at.tenant.id, None, &row)?;
        Ok::<_, Error>(entry.append(tx, &at, &Event::InviteCreate {})?)
    };
    rights::write(cx, Right::on("create", USERS), change).await?;
    Ok(Issued { invite, token })
}

/// The invitation of this token, if it works now, and for this address when one is given. Errors:
/// [`Error::InvalidInvite`].
pub fn check(cx: &Cx, token: &str, email: Option<&str>) -> Result<Invite, Error> {
    usable(&cx.read()?, cx, token, email)
}

/// Uses the invitation up, in the transaction of what it is used for. Errors: [`Error::InvalidInvite`].
pub(super) fn consume(tx: &mut Tx, cx: &Cx, token: &str, email: &str) -> Result<(), Error> {
    let old = usable(tx, cx, token, Some(email))?;
    let used = Invite { used_at: Some(cx.now), ..old.clone() };
    Ok(rows::put(tx, cx.tenant.id, Some(&old), &used)?)
}

fn usable(from: &impl Read, cx: &Cx, token: &str, email: Option<&str>) -> Result<Invite, Error> {
    let (id, secret) = token::split(token).ok_or(Error::InvalidInvite)?;
    let id: InviteId = id.parse().map_err(|_| Error::InvalidInvite)?;
    let invite = rows::find(from, cx.tenant.id, &id)?.ok_or(Error::InvalidInvite)?;
    let for_them = match (&invite.email, email) {
        (Some(bound), Some(email)) => canonical::email(bound) == canonical::email(email),
        _ => true,
    };
    let is_in_time = invite.term(LONGEST_LIFETIME).holds(cx.now);
    let works = invite.digest.matches(secret) && invite.used_at.is_none() && is_in_time && for_them;
    if works { Ok(invite) } else { Err(Error::InvalidInvite) }
}
