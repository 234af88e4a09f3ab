//! Signing up: making one's own account, where the installation lets people.
//!
//! Whether an address already has an account is not revealed: the answer to a taken one has the same shape and cost as
//! the answer to a free one, and uses up the invitation all the same. For that reason signing up does not sign in: that
//! is a step of its own, which only the password that was set opens.

use std::time::Duration;

use serde_json::Map;

use crate::audit::{self, Entry, Event};
use crate::base::id::UserId;
use crate::base::net::networks;
use crate::base::quota::{Level, Quota};
use crate::base::{Secret, canonical};
use crate::config::Registration;
use crate::cx::Cx;
use crate::records::{ActorKind, Profile, User};
use crate::store::Tx;
use crate::store::rows::users as rows;

use super::error::Mistakes;
use super::users::Draft;
use super::{Error, fields, invites, password, password_rule};

/// What a person says about themselves to get an account. Nothing in it grants anything.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// E-mail address.
    pub email: String,
    /// Password, 8 to 128 characters.
    pub password: Secret<String>,
    /// Username, if wanted.
    pub username: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// URL of a picture.
    pub picture: Option<String>,
}

impl NewAccount {
    /// The account as it would be stored. Errors: all that is wrong with its fields and its password.
    pub(super) fn draft(&self) -> Result<Draft, Error> {
        let profile = Profile { name: self.name.clone(), picture: self.picture.clone(), ..Profile::default() };
        let mut wrong = Mistakes::default();
        let draft = Draft {
            email: wrong.take(fields::email(&self.email)),
            email_verified: false,
            username: wrong.take(fields::optional_username(self.username.as_deref())),
            roles: Vec::new(),
            attributes: Map::new(),
            profile: wrong.take(fields::profile(profile)),
        };
        wrong.take(password_rule::may_be_chosen(&self.password, draft.known()));
        wrong.finish().map(|()| draft)
    }
}

/// Makes an account as the registration mode allows; an invitation that is presented must be good. Answers the person,
/// or one who looks just like it and is stored nowhere when the address is taken.
///
/// Errors: [`Error::RegistrationClosed`], [`Error::InvalidInvite`], [`Error::UsernameTaken`] (which anybody may ask
/// anyway), the fields' own, [`Error::Busy`].
pub async fn register(cx: &Cx, account: NewAccount, invite: Option<&str>) -> Result<User, Error> {
    let draft = account.draft()?;
    let email = canonical::email(&draft.email).ok_or(Error::InvalidEmail)?;
    is_let_in(cx, invite, &email).and_then(|()| has_room(cx, invite)).inspect_err(|refused| tell(cx, refused))?;
    let phc = password::hash(cx, &account.password, draft.known()).await?;
    let user = draft.into_user(UserId::new(cx.now, cx.entropy()), Some(phc), cx.now);
    let success = Entry::new(cx).by(ActorKind::User, &user.id).target(&user.id);
    let failure = Entry::new(cx);
    let (at, invite, answer) = (cx.clone(), invite.map(Secret::from), user.clone());
    cx.store()
        .write(move |tx| {
            if let Some(token) = &invite {
                invites::consume(tx, &at, token.expose(), &email)?;
            }
            username_is_free(tx, &at, &user)?;
            if rows::find_by_email(tx, at.tenant.id, &email)?.is_some() {
                let taken = Event::UserSignUpFailed { reason: "email_taken", email: Some(email.to_string()) };
                return Ok(failure.append(tx, &at, &taken)?);
            }
            rows::put(tx, at.tenant.id, None, &user)??;
            Ok::<_, Error>(success.append(tx, &at, &Event::UserSignUp {})?)
        })
        .await?;
    Ok(answer)
}

/// The registration mode lets this attempt through, and the invitation is good if one is presented.
fn is_let_in(cx: &Cx, invite: Option<&str>, email: &str) -> Result<(), Error> {
    registration_allows(cx, invite)?;
    match invite {
        Some(token) => invites::check(cx, token, Some(email)).map(drop),
        None => Ok(()),
    }
}

/// Accounts are for ever, so strangers make so many in an hour: from one address, from the networks around it, and in
/// all.
const IN_AN_HOUR: [u32; 4] = [60, 300, 1_000, 2_000];

/// The count that [`IN_AN_HOUR`] bounds.
pub(crate) fn quota() -> Quota {
    Quota::new(Duration::from_hours(1))
}

/// Whether one more account may be made by a stranger now. Who is invited is no stranger. Errors: [`Error::Busy`].
fn has_room(cx: &Cx, invite: Option<&str>) -> Result<(), Error> {
    if invite.is_some() {
        return Ok(());
    }
    let from = cx.request.counted().map(networks).into_iter().flatten().chain([String::from("all")]);
    let bounds = IN_AN_HOUR.into_iter().skip(if cx.request.counted().is_some() { 0 } else { IN_AN_HOUR.len() - 1 });
    let levels: Vec<Level> = from.zip(bounds).map(|(of, most)| Level::new("sign_up", &of, most)).collect();
    let room = cx.process().sign_ups.take(cx.tenant.id, &levels, cx.now);
    room.map(drop).ok_or(Error::Busy { retry_after_seconds: 600 })
}

/// Notes that somebody was not let in.
fn tell(cx: &Cx, refused: &Error) {
    let reason = match refused {
        Error::RegistrationClosed => "registration_closed",
        Error::InvalidInvite => "invalid_invite",
        Error::Busy { .. } => "too_many",
        _ => return,
    };
    let event = Event::UserSignUpFailed { reason, email: None };
    audit::tell(cx, &format!("user.sign_up {reason}"), || (Entry::new(cx), event));
}

/// The registration mode lets this attempt through.
fn registration_allows(cx: &Cx, invite: Option<&str>) -> Result<(), Error> {
    match cx.settings().registration {
        Registration::Closed => Err(Error::RegistrationClosed),
        Registration::Invite if invite.is_none() => Err(Error::InvalidInvite),
        Registration::Invite | Registration::Open => Ok(()),
    }
}

fn username_is_free(tx: &Tx, cx: &Cx, user: &User) -> Result<(), Error> {
    match user.username.as_deref().and_then(canonical::username) {
        Some(name) if rows::find_by_username(tx, cx.tenant.id, &name)?.is_some() => Err(Error::UsernameTaken),
        _ => Ok(()),
    }
}
