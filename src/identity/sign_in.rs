//! Signing in with a password.
//!
//! Unknown name, wrong password, disabled account and one without a password give one answer at one cost: each hashes a password once and
//! commits once. Attempts are counted before anything is hashed ([`throttle`]), so that guesses sent at the same time count one after the
//! other; one that has to wait is not checked at all.

use crate::audit::{self, Entry, Event};
use crate::base::id::{SessionId, UserId};
use crate::base::{Secret, canonical};
use crate::cx::Cx;
use crate::records::{ActorKind, ProofKind, Session, User, Wanted};
use crate::store::Tx;
use crate::store::rows::users as rows;

pub use super::signed_in::Success;

use super::lookup::find_by_name;
use super::next_step::{NextStep, Person, Policy, Rule, next_step};
use super::password::{self, Proven};
use super::sessions::{self, Opening};
use super::signed_in::SignedIn;
use super::throttle::{self, AttemptSource};
use super::{Error, device, proofs};

/// What somebody offers to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// E-mail address or username, as typed.
    pub identifier: &'a str,
    /// The password, as typed.
    pub password: &'a Secret<String>,
    /// The device cookie of the browser, if it sent one.
    pub device: Option<&'a str>,
    /// What the browser's forms are bound to, if it keeps cookies: it has turns of its own then.
    pub browser: Option<&'a str>,
    /// The session that the browser is in, which the new one takes the place of.
    pub replaces: Option<&'a SignedIn>,
}

/// Signs a person in. Errors: [`Error::InvalidCredentials`] for every reason not to, [`Error::Delayed`], [`Error::Busy`].
pub async fn with_password(cx: &Cx, attempt: Attempt<'_>) -> Result<Success, Error> {
    let user = find_by_name(&cx.read()?, cx, attempt.identifier)?;
    let pending = throttle::enter(cx, source(cx, &attempt, user.as_ref())).inspect_err(|_| tell(cx))?;
    let proven = match password::prove(cx, attempt.password, user.as_ref()).await {
        Err(error) => {
            pending.did_not_take_place();
            return Err(error);
        }
        Ok(proven) => proven,
    };
    let plan = Plan::draw(cx, &attempt, user.as_ref(), proven.clone());
    let (token, device) = (plan.token.clone(), plan.device.clone());
    let at = cx.clone();
    let signed_in = cx.store().write(move |tx| plan.carry_out(tx, &at)).await?;
    let Some(mut signed_in) = signed_in else { return Err(Error::InvalidCredentials) };
    pending.succeeded();
    if let Some(renewed) = password::renew(cx, proven, attempt.password).await? {
        signed_in.user = renewed;
    }
    Ok(Success { token, signed_in, device })
}

/// After a refusal: the seconds that this caller's next attempt at this name has to wait, if it has to. A turn is kept for it.
pub fn pause(cx: &Cx, attempt: Attempt<'_>) -> Result<Option<u64>, Error> {
    let user = find_by_name(&cx.read()?, cx, attempt.identifier)?;
    Ok(throttle::pause(cx, &source(cx, &attempt, user.as_ref())))
}

/// Notes that somebody has to wait: once a minute for each network.
fn tell(cx: &Cx) {
    let event = Event::UserSignInFailed { identifier: None, reason: "delayed" };
    audit::tell(cx, "user.sign_in delayed", || (Entry::new(cx), event));
}

/// Why an attempt is refused: for the audit log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Unknown,
    WrongPassword,
    Disabled,
}

impl Refusal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::WrongPassword => "wrong_password",
            Self::Disabled => "disabled",
        }
    }
}

/// An attempt ready for its transaction: the password is checked, everything random is drawn.
struct Plan {
    user: Option<UserId>,
    proven: Option<Proven>,
    draft: Option<Session>,
    replaces: Option<SessionId>,
    token: Secret<String>,
    device: String,
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
            draft: None,
            replaces: attempt.replaces.map(|signed_in| signed_in.session.id.clone()),
            token: Secret::new(String::new()),
            device: String::new(),
            identifier: is_address.then(|| canonical::identifier(attempt.identifier)),
            success: Entry::new(cx),
            failure: Entry::new(cx),
        };
        if let Some(user) = user {
            let opening = Opening::draw(cx, &user.id, proofs::with(&[], ProofKind::Password, cx.now));
            plan.success = plan.success.by(ActorKind::User, &user.id).target(&user.id);
            plan.failure = plan.failure.target(&user.id);
            plan.device = device::issue(cx, &user.id);
            plan.token = opening.token;
            plan.draft = Some(opening.session);
        }
        plan
    }

    /// Lets the person in, or records the refusal and answers `None`.
    fn carry_out(&self, tx: &mut Tx, cx: &Cx) -> Result<Option<SignedIn>, Error> {
        let user = match &self.user {
            Some(id) => rows::find(tx, cx.tenant.id, id)?,
            None => None,
        };
        match self.decide(user) {
            Ok((user, draft)) => {
                let session = sessions::open(tx, cx, draft, self.replaces.as_ref())?;
                self.success.append(tx, cx, &Event::UserSignIn { session: session.id.clone() })?;
                Ok(Some(SignedIn { session, user }))
            }
            Err(refusal) => {
                let identifier = self.identifier.clone();
                self.failure.append(tx, cx, &Event::UserSignInFailed { identifier, reason: refusal.as_str() })?;
                Ok(None)
            }
        }
    }

    /// Everything that has to be so, as of this transaction.
    fn decide(&self, user: Option<User>) -> Result<(User, &Session), Refusal> {
        let (Some(user), Some(draft)) = (user, &self.draft) else { return Err(Refusal::Unknown) };
        if !self.proven.as_ref().is_some_and(|proven| proven.holds_for(&user)) {
            return Err(Refusal::WrongPassword);
        }
        match next_step(&Policy::current(), Some(&Person::of(&user)), &proofs::kinds(&draft.proofs), Wanted::POLICY) {
            NextStep::Done(_) => Ok((user, draft)),
            NextStep::Refused(Rule::PersonIsEnabled) => Err(Refusal::Disabled),
            NextStep::Ask(_) | NextStep::Enrol(_) | NextStep::Refused(_) => Err(Refusal::Unknown),
        }
    }
}

/// What the attempt is counted with: the browser if its owner signed in with it before, else the name as typed.
fn source(cx: &Cx, attempt: &Attempt<'_>, user: Option<&User>) -> AttemptSource {
    let nonce = attempt.device.and_then(|cookie| device::nonce_for(cx, cookie, user.map(|user| &user.id)));
    match (user, nonce) {
        (Some(user), Some(nonce)) => AttemptSource::device(&user.id, nonce),
        _ => AttemptSource::stranger(cx, attempt.identifier, attempt.browser),
    }
}
