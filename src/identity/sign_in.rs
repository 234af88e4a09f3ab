//! Signing in with a password.
//!
//! Unknown name, wrong password, disabled account and one without a password give one answer at one cost: each hashes a password once and
//! commits once. Attempts are counted before anything is hashed ([`throttle`]), so that guesses sent at the same time count one after the
//! other; one that has to wait is not checked at all.

use std::sync::Arc;

use crate::audit::{self, Entry, Event};
use crate::base::id::UserId;
use crate::base::{Secret, canonical};
use crate::cx::Cx;
use crate::records::{ActorKind, ProofKind, User};
use crate::store::Tx;
use crate::store::rows::users as rows;

pub use super::authentication::{Outcome, Visit};
pub use super::signed_in::Success;

use super::authentication::{Given, Giving};
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

/// Takes a password for a sign-in, as its only proof or as one of several. Errors: [`Error::InvalidCredentials`] for every reason not to,
/// [`Error::Delayed`], [`Error::Busy`].
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
    let outcome = given.zip(plan.giving.as_ref()).and_then(|(given, giving)| giving.outcome(given).ok());
    let Some(mut outcome) = outcome else { return Err(Error::InvalidCredentials) };
    pending.succeeded();
    if let Some(renewed) = password::renew(cx, proven, attempt.password).await?
        && let Outcome::SignedIn(success) = &mut outcome
    {
        success.signed_in.user = renewed;
    }
    Ok(outcome)
}

/// After a refusal: the seconds that this caller's next attempt at this name has to wait, if it has to. A turn is kept for it.
pub fn pause(cx: &Cx, attempt: Attempt<'_>) -> Result<Option<u64>, Error> {
    let user = find_by_name(&cx.read()?, cx, attempt.identifier)?;
    Ok(throttle::pause(cx, &source(cx, &attempt, user.as_ref())))
}

/// Notes that somebody has to wait: once a minute for each network.
fn tell(cx: &Cx) {
    audit::tell(cx, "user.sign_in delayed", || (Entry::new(cx), refused(None, "delayed", None, Rule::TurnHasCome)));
}

fn refused(identifier: Option<String>, reason: &'static str, step: Option<usize>, rule: Rule) -> Event {
    let (proof, rule) = (ProofKind::Password.as_str(), rule.as_str());
    Event::UserSignInFailed { identifier, reason, step, proof, rule }
}

/// The word of the audit log for a rule that was not met.
fn reason(rule: Rule) -> &'static str {
    match rule {
        Rule::PersonIsKnown => "unknown",
        Rule::PasswordMatches => "wrong_password",
        Rule::PersonIsEnabled => "disabled",
        other => other.as_str(),
    }
}

/// An attempt ready for its transaction: the password is checked, everything random is drawn.
struct Plan {
    user: Option<UserId>,
    proven: Option<Proven>,
    giving: Option<Giving>,
    /// The name that was given, where it is an e-mail address: anything else might be a password typed into the wrong field.
    identifier: Option<String>,
    success: Entry,
    failure: Entry,
}

impl Plan {
    fn draw(cx: &Cx, attempt: &Attempt<'_>, user: Option<&User>, proven: Option<Proven>) -> Self {
        let is_address = canonical::email(attempt.identifier).is_some();
        let mut plan = Self {
            user: user.map(|user| user.id.clone()),
            proven,
            giving: None,
            identifier: is_address.then(|| canonical::identifier(attempt.identifier)),
            success: Entry::new(cx),
            failure: Entry::new(cx),
        };
        if let Some(user) = user {
            plan.success = plan.success.by(ActorKind::User, &user.id).target(&user.id);
            plan.failure = plan.failure.target(&user.id);
            let device = device::issue(cx, &user.id);
            plan.giving = Some(Giving::draw(cx, ProofKind::Password, &user.id, &attempt.visit, device));
        }
        plan
    }

    /// Lets the person in or further, or records the refusal and answers `None`.
    fn carry_out(&self, tx: &mut Tx, cx: &Cx) -> Result<Option<Given>, Error> {
        let user = match &self.user {
            Some(id) => rows::find(tx, cx.tenant.id, id)?,
            None => None,
        };
        let (Some(user), Some(giving)) = (user, &self.giving) else {
            return self.refuse(tx, cx, None, Rule::PersonIsKnown);
        };
        let step = Some(giving.before(tx, cx, &user)?.saturating_add(1));
        // Everything that has to be so, as of this transaction.
        if !self.proven.as_ref().is_some_and(|proven| proven.holds_for(&user)) {
            return self.refuse(tx, cx, step, Rule::PasswordMatches);
        }
        match giving.carry_out(tx, cx, &user)? {
            Given::Refused(rule) => self.refuse(tx, cx, step, rule),
            Given::Waits(user) => Ok(Some(Given::Waits(user))),
            Given::SignedIn(signed_in) => {
                let session = signed_in.session.id.clone();
                self.success.append(tx, cx, &Event::UserSignIn { session })?;
                Ok(Some(Given::SignedIn(signed_in)))
            }
        }
    }

    fn refuse(&self, tx: &mut Tx, cx: &Cx, step: Option<usize>, rule: Rule) -> Result<Option<Given>, Error> {
        let event = refused(self.identifier.clone(), reason(rule), step, rule);
        self.failure.append(tx, cx, &event)?;
        Ok(None)
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
