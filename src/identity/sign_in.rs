//! Signing in with a password.
//!
//! Unknown name, wrong password, disabled and locked account give one answer at one cost: each hashes a password once and commits
//! once. The lock is weighed again in the transaction, so that guesses sent at the same time count one after the other.

use crate::audit::Entry;
use crate::base::id::{SessionId, UserId};
use crate::base::{Secret, canonical};
use crate::cx::Cx;
use crate::records::{ActorKind, Session, User};
use crate::store::rows::users as rows;
use crate::store::{self, Read, Tx};

use super::lockout::{self, Bucket};
use super::password::{self, Proven};
use super::sessions::{self, Opening, SignedIn};
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
    /// The session that the browser is in, which the new one takes the place of.
    pub replaces: Option<&'a SignedIn>,
}

/// Somebody is in.
#[derive(Debug)]
pub struct Success {
    /// The session token, `ses_….secret`; shown this once.
    pub token: Secret<String>,
    /// Who, and in which session.
    pub signed_in: SignedIn,
    /// Value of the device cookie to set: this browser is known from now on.
    pub device: String,
}

/// Signs a person in. Errors: [`Error::InvalidCredentials`] for every reason not to, [`Error::Busy`].
pub async fn with_password(cx: &Cx, attempt: Attempt<'_>) -> Result<Success, Error> {
    let user = find_by_name(&cx.read()?, cx, attempt.identifier)?;
    let phc = user.as_ref().and_then(|user| user.password.as_deref());
    let proven = password::prove(cx, attempt.password, phc).await?;
    let plan = Plan::draw(cx, &attempt, user.as_ref(), proven);
    let (token, device) = (plan.token.clone(), plan.device.clone());
    let at = cx.clone();
    let signed_in = cx.store().write(move |tx| plan.carry_out(tx, &at)).await?;
    signed_in.map(|signed_in| Success { token, signed_in, device }).ok_or(Error::InvalidCredentials)
}

/// The person with this e-mail address or username, however it is spelled. An address has an `@`, a username has none.
pub(super) fn find_by_name(from: &(impl Read + ?Sized), cx: &Cx, name: &str) -> Result<Option<User>, store::Error> {
    if let Some(email) = canonical::email(name) {
        rows::find_by_email(from, cx.tenant, &email)
    } else if let Some(username) = canonical::username(name) {
        rows::find_by_username(from, cx.tenant, &username)
    } else {
        Ok(None)
    }
}

/// Why an attempt is refused: for the audit log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Unknown,
    WrongPassword,
    Disabled,
    Locked,
}

impl Refusal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::WrongPassword => "wrong_password",
            Self::Disabled => "disabled",
            Self::Locked => "locked",
        }
    }
}

/// An attempt ready for its transaction: the password is weighed, everything random is drawn.
struct Plan {
    user: Option<UserId>,
    proven: Option<Proven>,
    bucket: Bucket,
    draft: Option<Session>,
    replaces: Option<SessionId>,
    token: Secret<String>,
    device: String,
    success: Entry,
    failure: Entry,
}

impl Plan {
    fn draw(cx: &Cx, attempt: &Attempt<'_>, user: Option<&User>, proven: Option<Proven>) -> Self {
        let mut failure = Entry::failure(cx, "user.sign_in");
        if canonical::email(attempt.identifier).is_some() {
            // Anything else might be a password typed into the wrong field.
            failure = failure.detail("identifier", canonical::identifier(attempt.identifier));
        }
        let mut plan = Self {
            user: user.map(|user| user.id.clone()),
            proven,
            bucket: bucket(cx, attempt, user),
            draft: None,
            replaces: attempt.replaces.map(|signed_in| signed_in.session.id.clone()),
            token: Secret::new(String::new()),
            device: String::new(),
            success: Entry::success(cx, "user.sign_in"),
            failure,
        };
        if let Some(user) = user {
            let opening = Opening::draw(cx, &user.id);
            plan.success = plan.success.by(ActorKind::User, &user.id).target(&user.id);
            plan.success = plan.success.detail("session", opening.session.id.as_str());
            plan.failure = plan.failure.target(&user.id);
            plan.device = device::issue(cx, &user.id);
            plan.token = opening.token;
            plan.draft = Some(opening.session);
        }
        plan
    }

    /// Lets the person in, or leaves the mark of a refusal and answers `None`.
    fn carry_out(&self, tx: &mut Tx, cx: &Cx) -> Result<Option<SignedIn>, Error> {
        let user = match &self.user {
            Some(id) => rows::find(tx, cx.tenant, id)?,
            None => None,
        };
        match self.weigh(tx, cx, user)? {
            Ok((user, proven, draft)) => {
                lockout::forgive(tx, cx, &self.bucket)?;
                let user = proven.store_rehashed(tx, cx, user)?;
                let session = sessions::open(tx, cx, draft, self.replaces.as_ref())?;
                self.success.append(tx, cx)?;
                Ok(Some(SignedIn { session, user }))
            }
            Err(refusal) => {
                self.leave_mark(tx, cx, refusal)?;
                Ok(None)
            }
        }
    }

    /// Everything that has to be so, as of this transaction.
    fn weigh(
        &self,
        tx: &Tx,
        cx: &Cx,
        user: Option<User>,
    ) -> Result<Result<(User, &Proven, &Session), Refusal>, store::Error> {
        if lockout::is_locked(tx, cx, &self.bucket)? {
            return Ok(Err(Refusal::Locked));
        }
        let (Some(user), Some(draft)) = (user, &self.draft) else { return Ok(Err(Refusal::Unknown)) };
        let Some(proven) = self.proven.as_ref().filter(|proven| proven.holds_for(&user)) else {
            return Ok(Err(Refusal::WrongPassword));
        };
        if user.disabled {
            return Ok(Err(Refusal::Disabled));
        }
        Ok(Ok((user, proven, draft)))
    }

    fn leave_mark(&self, tx: &mut Tx, cx: &Cx, refusal: Refusal) -> Result<(), store::Error> {
        let mut entry = self.failure.clone().detail("reason", refusal.as_str());
        if refusal != Refusal::Locked
            && let Some(lock) = lockout::count_failure(tx, cx, &self.bucket)?
        {
            entry = entry.detail("locked_for_seconds", lock.as_secs());
        }
        entry.append(tx, cx)
    }
}

/// What the attempt is counted with: the browser if its owner signed in with it before, else the account, else the name.
fn bucket(cx: &Cx, attempt: &Attempt<'_>, user: Option<&User>) -> Bucket {
    let Some(user) = user else { return Bucket::of_unknown(attempt.identifier) };
    match attempt.device.and_then(|cookie| device::nonce_for(cx, cookie, &user.id)) {
        Some(nonce) => Bucket::of_device(&user.id, nonce),
        None => Bucket::of_account(&user.id),
    }
}
