//! Links that let somebody in: the one that makes the first administrator, and those with which a person sets a
//! password, the first one or another in the place of a lost one.
//!
//! A link is single-use, and only the newest of its purpose works. Opening it changes nothing: mail scanners and
//! previews of messengers open links. Set-up closes for ever with the first administrator, however that one was made.
//! A link for a person is worth what its maker may do at the moment it is used: it ends with the right to make it, and
//! with any change of the password.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Entry, Event};
use crate::base::Moment;
use crate::base::Secret;
use crate::base::id::{LinkId, UserId};
use crate::base::page::PageRequest;
use crate::crypto::token;
use crate::cx::{Actor, Cx};
use crate::records::{ActorKind, Link, LinkMaker, LinkPurpose, Proof, ProofKind, User};
use crate::rights::{self, Right};
use crate::store::rows::{links as rows, users};
use crate::store::{self, Read, Tx};

use super::authentication::{Giving, Outcome, Visit};
use super::lookup::{USERS, find as find_person};
use super::password;
use super::password_rule::Known;
use super::sessions::{self, Opening};
use super::sign_up::NewAccount;
use super::signed_in::{SignedIn, Success};
use super::throttle;
use super::{Error, administrators, device};

/// How long a set-up link works; a new one is made at each start until it is used.
pub const SETUP_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long a recovery link of the operator works.
pub const RECOVERY_LIFETIME: Duration = Duration::from_secs(3600);
/// How long a sign-in link works when nobody says otherwise.
pub const SIGN_IN_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long a sign-in link works at the least.
pub const SHORTEST_SIGN_IN: Duration = Duration::from_secs(3600);
/// How long a sign-in link works at the most.
pub const LONGEST_SIGN_IN: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a link's page has to show.
#[derive(Debug)]
pub enum LinkState {
    /// It makes the first administrator.
    Setup,
    /// It sets a new password for this person.
    Recover(Box<User>),
    /// It is unknown, used, expired, replaced, or its time is over.
    Invalid,
}

/// A password was set through a recovery link.
#[derive(Debug)]
pub struct Recovered {
    /// Whose. They are not signed in by it: that takes the new password, too.
    pub user: User,
    /// Value of the device cookie to set: strangers who guess at the account do not keep this browser waiting.
    pub device: String,
    /// What the link has led to as the first proof of a sign-in; nothing in a browser that keeps no cookies.
    pub outcome: Option<Outcome>,
}

/// Whether the first administrator is still to be made.
pub fn setup_is_open(cx: &Cx) -> Result<bool, Error> {
    Ok(administrators::are_awaited(&cx.read()?, cx.tenant.id)?)
}

/// Whether nobody has an account, so that nobody can sign in before set-up.
pub fn nobody_is_here(cx: &Cx) -> Result<bool, Error> {
    let from = cx.read()?;
    let first = PageRequest::new(Some(1), None);
    let is_open = administrators::are_awaited(&from, cx.tenant.id)?;
    Ok(is_open && users::page(&from, cx.tenant.id, &first)?.items.is_empty())
}

/// Makes the token of a set-up link, for the operator; earlier ones stop working. `None` once there has been an
/// administrator. Errors: [`Error::Denied`].
pub async fn issue_setup(cx: &Cx) -> Result<Option<Secret<String>>, Error> {
    let (link, token) = draw(cx, LinkPurpose::Setup, SETUP_LIFETIME);
    let entry = Entry::new(cx).target(&link.id);
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        if !administrators::are_awaited(tx, at.tenant.id)? {
            return Ok::<_, Error>(false);
        }
        rows::put_only(tx, at.tenant.id, &link)?;
        entry.append(tx, &at, &Event::SetupLinkCreate {})?;
        Ok(true)
    };
    Ok(rights::write(cx, Right::Operator, change).await?.then_some(token))
}

/// Makes the first administrator and signs them in. Of many who hold the link one wins.
/// Errors: [`Error::InvalidLink`], the fields' own, [`Error::Busy`].
pub async fn redeem_setup(cx: &Cx, token: &str, account: NewAccount) -> Result<Success, Error> {
    working_setup(&cx.read()?, cx, token)?;
    let mut draft = account.draft()?;
    draft.roles = vec![String::from(User::ADMIN)];
    let phc = password::hash(cx, &account.password, draft.known()).await?;
    let user = draft.into_user(UserId::new(cx.now, cx.entropy()), Some(phc), cx.now);
    let proofs = [ProofKind::RecoveryLink, ProofKind::Password].map(|kind| Proof { kind, at: cx.now });
    let opening = Opening::draw(cx, &user.id, proofs.to_vec());
    let device = device::issue(cx, &user.id);
    let entry = Entry::new(cx).by(ActorKind::User, &user.id).target(&user.id);
    let (at, token, session) = (cx.clone(), Secret::from(token), opening.session.clone());
    let signed_in = cx
        .store()
        .write(move |tx| {
            working_setup(tx, &at, token.expose())?;
            rows::delete_all(tx, at.tenant.id, &LinkPurpose::Setup)?;
            super::users::save(tx, &at, None, &user)?;
            let session = sessions::open(tx, &at, &session, None)?;
            entry.append(tx, &at, &Event::SetupLinkRedeem {})?;
            Ok::<_, Error>(SignedIn { session, user: user.clone() })
        })
        .await?;
    Ok(Success { token: opening.token, signed_in, device })
}

/// A link that was made now for a person.
#[derive(Debug)]
pub struct Issued {
    /// Who sets a password with it.
    pub user: User,
    /// Goes into the link; shown this once.
    pub token: Secret<String>,
    /// When it stops working.
    pub expires_at: Moment,
}

/// Makes a link that sets a password for the person with this e-mail address, username or id, for the operator. It
/// works for [`RECOVERY_LIFETIME`]. Errors: [`Error::Denied`], [`Error::NotFound`], [`Error::Disabled`].
pub async fn issue_recovery(cx: &Cx, name: &str) -> Result<Issued, Error> {
    let user = super::users::by_name(cx, name)?;
    issue_for(cx, Right::Operator, &user.id, RECOVERY_LIFETIME).await
}

/// Makes a link with which a person signs in once and sets a password, with the right to set theirs. `None` means
/// [`SIGN_IN_LIFETIME`]. Errors: [`Error::Denied`], also for a person with authority over the platform by somebody who
/// does not administer it; [`Error::NotFound`], [`Error::Disabled`]; a lifetime out of bounds.
pub async fn issue_sign_in(cx: &Cx, id: &UserId, lifetime: Option<Duration>) -> Result<Issued, Error> {
    let lifetime = lifetime.unwrap_or(SIGN_IN_LIFETIME);
    if !(SHORTEST_SIGN_IN..=LONGEST_SIGN_IN).contains(&lifetime) {
        return Err(Error::field("expires_in", "must be between 3600 seconds, an hour, and 604800, 7 days"));
    }
    issue_for(cx, may_set_passwords(), id, lifetime).await
}

/// What making a link for a person needs besides the authority over that person.
fn may_set_passwords() -> Right {
    Right::on("update", USERS)
}

async fn issue_for(cx: &Cx, right: Right, id: &UserId, lifetime: Duration) -> Result<Issued, Error> {
    let (link, token) = draw(cx, LinkPurpose::Recover(id.clone()), lifetime);
    let entry = Entry::new(cx).target(id);
    let (at, id, expires_at) = (cx.clone(), id.clone(), link.expires_at);
    let change = move |tx: &mut Tx| {
        let user = find_person(tx, &at, &id)?;
        rights::may_change_person::<Error>(&at, tx, &user)?;
        if user.disabled {
            return Err(Error::Disabled);
        }
        rows::put_only(tx, at.tenant.id, &link)?;
        entry.append(tx, &at, &Event::RecoveryLinkCreate { expires_at: expires_at.rfc3339() })?;
        Ok(user)
    };
    let user = rights::write(cx, right, change).await?;
    Ok(Issued { user, token, expires_at })
}

/// What the link of this token opens.
pub fn inspect(cx: &Cx, token: &str) -> Result<LinkState, Error> {
    let snapshot = cx.read()?;
    let Some(link) = find(&snapshot, cx, token)? else { return Ok(LinkState::Invalid) };
    match link.purpose {
        LinkPurpose::Setup if administrators::are_awaited(&snapshot, cx.tenant.id)? => Ok(LinkState::Setup),
        LinkPurpose::Setup => Ok(LinkState::Invalid),
        LinkPurpose::Recover(_) => match working_recovery(&snapshot, cx, token) {
            Ok(user) => Ok(LinkState::Recover(Box::new(user))),
            Err(Error::InvalidLink) => Ok(LinkState::Invalid),
            Err(error) => Err(error),
        },
    }
}

/// Sets a new password for the person the link was made for: every session ends, every token family is revoked. The
/// link is the first proof of a sign-in, which waits for the new password; `visit` says where. Errors:
/// [`Error::InvalidLink`], those of the password, [`Error::Busy`].
pub async fn redeem_recovery(cx: &Cx, token: &str, new: &Secret<String>, visit: Visit<'_>) -> Result<Recovered, Error> {
    let user = working_recovery(&cx.read()?, cx, token)?;
    let phc = password::hash(cx, new, Known::of(&user)).await?;
    let device = device::issue(cx, &user.id);
    let giving = Arc::new(Giving::draw(cx, ProofKind::RecoveryLink, &user.id, &visit, device.clone()));
    let entry = Entry::new(cx).by(ActorKind::User, &user.id).target(&user.id);
    let (at, token, planned) = (cx.clone(), Secret::from(token), Arc::clone(&giving));
    let (user, given) = cx
        .store()
        .write(move |tx| {
            let old = working_recovery(tx, &at, token.expose())?;
            let (user, ended) = password::replace(tx, &at, &old, &phc)?;
            entry.append(tx, &at, &Event::RecoveryLinkRedeem { ended })?;
            let given = planned.carry_out(tx, &at, &user)?;
            Ok::<_, Error>((user, given))
        })
        .await?;
    throttle::forget(cx, &user);
    Ok(Recovered { user, device, outcome: giving.outcome(given).ok() })
}

/// The token opens set-up, and set-up is still open.
fn working_setup(from: &impl Read, cx: &Cx, token: &str) -> Result<(), Error> {
    let link = find(from, cx, token)?.ok_or(Error::InvalidLink)?;
    let works = link.purpose == LinkPurpose::Setup && administrators::are_awaited(from, cx.tenant.id)?;
    if works { Ok(()) } else { Err(Error::InvalidLink) }
}

/// The person whose password the token may set, as long as the maker of its link could make it now: the person may have
/// become stronger since, or the maker weaker.
fn working_recovery(from: &impl Read, cx: &Cx, token: &str) -> Result<User, Error> {
    let link = find(from, cx, token)?.ok_or(Error::InvalidLink)?;
    let LinkPurpose::Recover(id) = link.purpose else { return Err(Error::InvalidLink) };
    let user = users::find(from, cx.tenant.id, &id)?.filter(|user| !user.disabled).ok_or(Error::InvalidLink)?;
    let maker = cx.with_actor(actor(link.made_by));
    let may = may_set_passwords().require::<Error>(&maker, from);
    match may.and_then(|()| rights::may_change_person::<Error>(&maker, from, &user)) {
        Ok(()) => Ok(user),
        Err(Error::Denied(_)) => Err(Error::InvalidLink),
        Err(error) => Err(error),
    }
}

/// Who made a link, as who asks for an operation.
fn actor(maker: LinkMaker) -> Actor {
    match maker {
        LinkMaker::Operator => Actor::Local,
        LinkMaker::User(id) => Actor::User(id),
        LinkMaker::Client(id) => Actor::Client(id),
        LinkMaker::Key(id) => Actor::Key(id),
    }
}

/// Who asks for an operation, as who made a link. Nobody unknown has the right to make one.
fn maker(actor: &Actor) -> LinkMaker {
    match actor {
        Actor::User(id) => LinkMaker::User(id.clone()),
        Actor::Client(id) => LinkMaker::Client(id.clone()),
        Actor::Key(id) => LinkMaker::Key(id.clone()),
        Actor::Local | Actor::System | Actor::Anonymous => LinkMaker::Operator,
    }
}

/// The link of this token while its time lasts.
fn find(from: &impl Read, cx: &Cx, token: &str) -> Result<Option<Link>, store::Error> {
    let Some((id, secret)) = token::split(token) else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let link = rows::find(from, cx.tenant.id, &id)?;
    let longest = |link: &Link| match link.purpose {
        LinkPurpose::Setup => SETUP_LIFETIME,
        LinkPurpose::Recover(_) => LONGEST_SIGN_IN,
    };
    Ok(link.filter(|link| link.digest.matches(secret) && link.term(longest(link)).holds(cx.now)))
}

fn draw(cx: &Cx, purpose: LinkPurpose, lifetime: Duration) -> (Link, Secret<String>) {
    let secret = Secret::new(cx.entropy().token());
    let link = Link {
        id: LinkId::new(cx.now, cx.entropy()),
        digest: token::digest(secret.expose()),
        purpose,
        made_by: maker(&cx.actor),
        created_at: cx.now,
        expires_at: cx.now.plus(lifetime),
    };
    let token = Secret::new(token::compose(link.id.as_str(), secret.expose()));
    (link, token)
}
