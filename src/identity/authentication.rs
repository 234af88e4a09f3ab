//! Authentications: sign-ins that take more than one proof, from the first to the last.
//!
//! What a proof leads to is decided in one place, in the transaction in which it counts: a session, a row that waits
//! for the next proof, or a refusal ([`Giving::carry_out`]). The row opens nothing; there is no other half-way state.
//! It counts in the browser in which it began, for the person whose proofs were given, and for what was to be resumed,
//! for [`LIFETIME`]. A sign-in that is complete with its first proof has no row.

use std::time::Duration;

use crate::audit::{Entry, Event};
use crate::base::Secret;
use crate::base::id::{AuthenticationId, SessionId, UserId};
use crate::crypto::token;
use crate::cx::Cx;
use crate::records::{ActorKind, Authentication, Interaction, ProofKind, Session, User, Wanted};
use crate::store::rows::{authentications as rows, users};
use crate::store::{self, Read, Tx};

use super::interaction::digest;
use super::next_step::{NextStep, Person, Policy, Rule, next_step};
use super::proofs;
use super::sessions::{self, Opening};
use super::signed_in::{SignedIn, Success};

/// How long the next proof may take.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Where a proof is given, and what for. The default is a caller that keeps no cookies and comes from nowhere.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// What the browser's forms are bound to, if it keeps cookies.
    pub browser: Option<&'a str>,
    /// The session that the browser is in, which the new one takes the place of.
    pub replaces: Option<&'a SignedIn>,
    /// The token of the authentication that the browser is in.
    pub authentication: Option<&'a str>,
    /// What is taken up again afterwards.
    pub resume: Option<&'a Interaction>,
    /// Which level that needs.
    pub wanted: Wanted,
}

impl Default for Visit<'_> {
    fn default() -> Self {
        Self { browser: None, replaces: None, authentication: None, resume: None, wanted: Wanted::POLICY }
    }
}

/// What a proof has led to.
#[derive(Debug)]
pub enum Outcome {
    SignedIn(Box<Success>),
    /// An authentication that waits for more.
    Waits(Waiting),
}

/// An authentication that waits for more proofs.
#[derive(Debug)]
pub struct Waiting {
    /// Its token, for the cookie.
    pub token: Secret<String>,
    /// Value of the device cookie to set: this browser is known from now on.
    pub device: String,
}

/// A proof that was checked, ready for its transaction: everything random is drawn.
pub(super) struct Giving {
    kind: ProofKind,
    session: Session,
    session_token: Secret<String>,
    next: AuthenticationId,
    next_secret: Secret<String>,
    browser: Option<String>,
    continues: Option<Secret<String>>,
    resume: Option<Interaction>,
    wanted: Wanted,
    replaces: Option<SessionId>,
    device: String,
    named: Option<String>,
    success: Entry,
    failure: Entry,
}

/// What it has led to, as of its transaction.
pub(super) enum Given {
    SignedIn(Box<SignedIn>),
    /// A row that waits.
    Waits,
    Refused(Rule),
}

impl Giving {
    /// A proof of this person. `device` is the value of the device cookie that follows from it.
    pub(super) fn draw(cx: &Cx, kind: ProofKind, user: &UserId, visit: &Visit<'_>, device: String) -> Self {
        let opening = Opening::draw(cx, user, Vec::new());
        Self {
            kind,
            session: opening.session,
            session_token: opening.token,
            next: AuthenticationId::new(cx.now, cx.entropy()),
            next_secret: Secret::new(cx.entropy().token()),
            browser: visit.browser.map(digest),
            continues: visit.authentication.map(Secret::from),
            resume: visit.resume.cloned(),
            wanted: visit.wanted,
            replaces: visit.replaces.map(|signed_in| signed_in.session.id.clone()),
            device,
            named: None,
            success: Entry::new(cx).by(ActorKind::User, user).target(user),
            failure: Entry::new(cx).target(user),
        }
    }

    /// The same, by somebody who gave this name.
    pub(super) fn named(self, name: Option<String>) -> Self {
        Self { named: name, ..self }
    }

    /// Records that the proof of this person does not count, and by which rule.
    pub(super) fn refuse(&self, tx: &mut Tx, cx: &Cx, user: &User, rule: Rule) -> Result<Given, store::Error> {
        let before = self.held(tx, cx)?.filter(|begun| self.goes_on_with(begun, user));
        let step = before.map_or(0, |begun| begun.proofs.len()).saturating_add(1);
        self.failure.append(tx, cx, &refused(self.kind, self.named.clone(), Some(step), rule))?;
        Ok(Given::Refused(rule))
    }

    /// Decides what follows from the proof together with those before it, and writes it with its audit row:
    /// [`next_step`] is asked over the state that is written to.
    pub(super) fn carry_out(&self, tx: &mut Tx, cx: &Cx, user: &User) -> Result<Given, store::Error> {
        let held = self.held(tx, cx)?;
        let begun = held.as_ref().filter(|begun| self.goes_on_with(begun, user));
        let proofs = proofs::with(begun.map_or(&[], |begun| &begun.proofs), self.kind, cx.now);
        let wanted = begun.map_or(self.wanted, |begun| begun.wanted);
        let step = next_step(&Policy::current(), Some(&Person::of(user)), &proofs::kinds(&proofs), wanted);
        let given = match (step, &self.browser) {
            (NextStep::Done(_), _) => {
                let draft = Session { proofs, ..self.session.clone() };
                let session = sessions::open(tx, cx, &draft, self.replaces.as_ref())?;
                self.success.append(tx, cx, &Event::UserSignIn { session: session.id.clone() })?;
                Given::SignedIn(Box::new(SignedIn { session, user: user.clone() }))
            }
            (NextStep::Ask(_) | NextStep::Enrol(_), Some(browser)) => {
                // It lasts as long as it began with.
                let since = begun.map_or(cx.now, |begun| begun.created_at);
                let waiting = Authentication {
                    id: self.next.clone(),
                    digest: token::digest(self.next_secret.expose()),
                    browser: browser.clone(),
                    user: user.id.clone(),
                    proofs,
                    wanted,
                    resume: self.resume.clone(),
                    created_at: since,
                    expires_at: since.plus(LIFETIME),
                };
                rows::put(tx, cx.tenant.id, &waiting)?;
                Given::Waits
            }
            (NextStep::Ask(_) | NextStep::Enrol(_), None) => {
                return self.refuse(tx, cx, user, Rule::BrowserIsKnown);
            }
            (NextStep::Refused(rule), _) => return self.refuse(tx, cx, user, rule),
        };
        // Whatever the browser had begun before is over, its own or not.
        if let Some(held) = &held {
            rows::delete(tx, cx.tenant.id, &held.id)?;
        }
        Ok(given)
    }

    fn held(&self, from: &impl Read, cx: &Cx) -> Result<Option<Authentication>, store::Error> {
        let token = self.continues.as_ref().map(|token| token.expose().as_str());
        held(from, cx, token, self.browser.as_deref())
    }

    /// Whether what was proved there counts here: for this person, and what is to be resumed.
    fn goes_on_with(&self, begun: &Authentication, user: &User) -> bool {
        begun.user == user.id && is_for(begun, self.resume.as_ref())
    }

    /// What the browser gets of it. Errors: the rule by which there is nothing.
    pub(super) fn outcome(&self, given: Given) -> Result<Outcome, Rule> {
        match given {
            Given::SignedIn(signed_in) => {
                let (token, device) = (self.session_token.clone(), self.device.clone());
                let success = Success { token, signed_in: *signed_in, device };
                Ok(Outcome::SignedIn(Box::new(success)))
            }
            Given::Waits => {
                let token = Secret::new(token::compose(self.next.as_str(), self.next_secret.expose()));
                Ok(Outcome::Waits(Waiting { token, device: self.device.clone() }))
            }
            Given::Refused(rule) => Err(rule),
        }
    }
}

/// The event of a proof that does not count: which, of which step, by which rule.
pub(super) fn refused(kind: ProofKind, identifier: Option<String>, step: Option<usize>, rule: Rule) -> Event {
    let (proof, reason, rule) = (kind.as_str(), rule.reason(), rule.as_str());
    Event::UserSignInFailed { identifier, reason, step, proof, rule }
}

/// Who has begun to sign in in this browser, for what the visit is to resume, and what is needed next. `None` where
/// nobody has.
pub fn waiting(cx: &Cx, visit: &Visit<'_>) -> Result<Option<(User, NextStep)>, store::Error> {
    if visit.authentication.is_none() {
        return Ok(None);
    }
    let from = cx.read()?;
    let held = held(&from, cx, visit.authentication, visit.browser.map(digest).as_deref())?;
    let Some(begun) = held.filter(|begun| is_for(begun, visit.resume)) else { return Ok(None) };
    let user = users::find(&from, cx.tenant.id, &begun.user)?;
    Ok(user.map(|user| {
        let given = proofs::kinds(&begun.proofs);
        let step = next_step(&Policy::current(), Some(&Person::of(&user)), &given, begun.wanted);
        (user, step)
    }))
}

/// The authentication whose token the browser has, if it began in that browser and its time is not over.
fn held(
    from: &impl Read,
    cx: &Cx,
    token: Option<&str>,
    browser: Option<&str>,
) -> Result<Option<Authentication>, store::Error> {
    let Some((id, secret)) = token.and_then(token::split) else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let works = |begun: &Authentication| {
        begun.digest.matches(secret) && begun.term(LIFETIME).holds(cx.now) && browser == Some(&*begun.browser)
    };
    Ok(rows::find(from, cx.tenant.id, &id)?.filter(works))
}

/// Whether it began for what is to be resumed now.
fn is_for(begun: &Authentication, resume: Option<&Interaction>) -> bool {
    match (&begun.resume, resume) {
        (Some(one), Some(other)) => one.is_same(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
