//! Signing in with a password.
//!
//! Unknown name, wrong password, disabled account and one without a password give one answer at one cost: each hashes a
//! password once and commits once. Attempts are counted before anything is hashed ([`throttle`]), so that guesses sent
//! at the same time count one after the other; one that has to wait is not checked at all.

use std::sync::Arc;

use crate::audit::{self, Entry};
use crate::base::id::UserId;
use crate::base::{Secret, canonical};
use crate::cx::Cx;
use crate::records::{ProofKind, User};
use crate::store::Tx;
use crate::store::rows::users as rows;

pub use super::authentication::{Outcome, Visit};
pub use super::signed_in::Success;

use super::authentication::{self, Given, Giving};
use super::lookup::find_by_name;
use super::next_step::Rule;
use super::password::{self, Proven};
use super::throttle::{self, AttemptSource};
use super::{Error, device};

/// What somebody offers to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// E-mail address or username, as typed.
    pub identifier: &'a str,
    /// The password, as typed.
    pub password: &'a Secret<String>,
    /// The device cookie of the browser, if it sent one.
    pub device: Option<&'a str>,
    /// Where it is given, and what for. A browser that keeps cookies has turns of its own.
    pub visit: Visit<'a>,
}

/// Takes a password for a sign-in, as its only proof or as one of several. Errors: [`Error::InvalidCredentials`] for
/// every reason not to, [`Error::Delayed`], [`Error::Busy`].
pub async fn with_password(cx: &Cx, attempt: Attempt<'_>) -> Result<Outcome, Error> {
    let user = find_by_name(&cx.read()?, cx, attempt.identifier)?;
    let pending = throttle::enter(cx, source(cx, &attempt, user.as_ref())).inspect_err(|_| tell(cx))?;
    let proven = match password::prove(cx, attempt.password, user.as_ref()).await {
        Err(error) => {
            pending.did_not_take_place();
            return Err(error);
        }
        Ok(proven) => proven,
    };
    let plan = Arc::new(Plan::draw(cx, &attempt, user.as_ref(), proven.clone()));
    let (at, planned) = (cx.clone(), Arc::clone(&plan));
    let given = cx.store().write(move |tx| planned.carry_out(tx, &at)).await?;
    let outcome = plan.giving.as_ref().and_then(|giving| giving.outcome(given).ok());
    let Some(mut outcome) = outcome else { return Err(Error::InvalidCredentials) };
    pending.succeeded();
    if let Some(renewed) = password::renew(cx, proven, attempt.password).await?
        && let Outcome::SignedIn(success) = &mut outcome
    {
        success.signed_in.user = renewed;
    }
    Ok(outcome)
}

/// After a refusal: the seconds that this caller's next attempt at this name has to wait, if it has to. A turn is kept
/// for it.
pub fn pause(cx: &Cx, attempt: Attempt<'_>) -> Result<Option<u64>, Error> {
    let user = find_by_name(&cx.read()?, cx, attempt.identifier)?;
    Ok(throttle::pause(cx, &source(cx, &attempt, user.as_ref())))
}

/// Notes that somebody has to wait: once a minute for each network.
fn tell(cx: &Cx) {
    let event = || authentication::refused(ProofKind::Password, None, None, Rule::TurnHasCome);
    audit::tell(cx, "user.sign_in delayed", || (Entry::new(cx), event()));
}

/// An attempt ready for its transaction: the password is checked, everything random is drawn.
struct Plan {
    user: Option<UserId>,
    proven: Option<Proven>,
    giving: Option<Giving>,
    /// The name that was given, where it is an e-mail address: anything else might be a password typed into the wrong
    /// field.
    identifier: Option<String>,
    unknown: Entry,
}

impl Plan {
    fn draw(cx: &Cx, attempt: &Attempt<'_>, user: Option<&User>, proven: Option<Proven>) -> Self {
        let is_address = canonical::email(attempt.identifier).is_some();
        let identifier = is_address.then(|| canonical::identifier(attempt.identifier));
        let giving = user.map(|user| {
            let device = device::issue(cx, &user.id);
            Giving::draw(cx, ProofKind::Password, &user.id, &attempt.visit, device).named(identifier.clone())
        });
        Self { user: user.map(|user| user.id.clone()), proven, giving, identifier, unknown: Entry::new(cx) }
    }

    /// Lets the person in or further, or records the refusal.
    fn carry_out(&self, tx: &mut Tx, cx: &Cx) -> Result<Given, Error> {
        let user = match &self.user {
            Some(id) => rows::find(tx, cx.tenant.id, id)?,
            None => None,
        };
        let (Some(user), Some(giving)) = (user, &self.giving) else {
            let rule = Rule::PersonIsKnown;
            let event = authentication::refused(ProofKind::Password, self.identifier.clone(), None, rule);
            self.unknown.append(tx, cx, &event)?;
            return Ok(Given::Refused(rule));
        };
        // Everything that has to be so, as of this transaction.
        if !self.proven.as_ref().is_some_and(|proven| proven.holds_for(&user)) {
            return Ok(giving.refuse(tx, cx, &user, Rule::PasswordMatches)?);
        }
        Ok(giving.carry_out(tx, cx, &user)?)
    }
}

/// What the attempt is counted with: the browser if its owner signed in with it before, else the name as typed.
fn source(cx: &Cx, attempt: &Attempt<'_>, user: Option<&User>) -> AttemptSource {
    let nonce = attempt.device.and_then(|cookie| device::nonce_for(cx, cookie, user.map(|user| &user.id)));
    match (user, nonce) {
        (Some(user), Some(nonce)) => AttemptSource::device(&user.id, nonce),
        _ => AttemptSource::stranger(cx, attempt.identifier, attempt.visit.browser),
    }
}
