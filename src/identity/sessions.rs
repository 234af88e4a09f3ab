//! Sessions: who holds this token, how long it lasts, and how it ends.

use crate::audit::{Entry, Event};
use crate::base::best::Best;
use crate::base::clock::Term;
use crate::base::id::{ClientId, SessionId, UserId};
use crate::base::page::{Page, PageRequest};
use crate::base::{Moment, Secret};
use crate::crypto::token;
use crate::cx::{Actor, Cx, Freshness};
use crate::records::{Proof, ProofKind, Session, SubjectRef, Wanted};
use crate::rights::{self, Right};
use crate::store::rows::{grants, sessions as rows, users};
use crate::store::{self, Tx};

pub use super::signed_in::SignedIn;

use super::cascade::{self, Ended};
use super::next_step::{NextStep, Person, Policy, next_step};
use super::{Error, lookup, password, proofs};

/// The type that rights over sessions are on.
const SESSIONS: &str = "sessions";

/// A session about to begin: everything random is drawn, nothing is written.
pub(super) struct Opening {
    pub(super) session: Session,
    pub(super) token: Secret<String>,
}

impl Opening {
    /// A session of this person, who has given these proofs.
    pub(super) fn draw(cx: &Cx, user: &UserId, proofs: Vec<Proof>) -> Self {
        let id = SessionId::new(cx.now, cx.entropy());
        let secret = Secret::new(cx.entropy().token());
        let ends_at = cx.now.plus(cx.settings().session.absolute);
        let session = Session {
            digest: token::digest(secret.expose()),
            user: user.clone(),
            created_at: cx.now,
            expires_at: cx.now.plus(cx.settings().session.lifetime).min(ends_at),
            ends_at: Some(ends_at),
            last_seen_at: cx.now,
            proofs,
            ip: cx.request.ip.map(|ip| ip.to_string()),
            user_agent: cx.request.user_agent.clone(),
            earlier: Vec::new(),
            clients: Vec::new(),
            id,
        };
        let token = Secret::new(token::compose(session.id.as_str(), secret.expose()));
        Self { session, token }
    }
}

/// Who holds this session token: `None` when it is malformed, unknown, expired, or its person is gone or disabled.
pub fn resolve(cx: &Cx, token: &str) -> Result<Option<SignedIn>, Error> {
    let Some((id, secret)) = token::split(token) else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let snapshot = cx.read()?;
    let Some(session) = rows::find(&snapshot, cx.tenant.id, &id)? else { return Ok(None) };
    if !session.digest.matches(secret) || !is_live(cx, &session) {
        return Ok(None);
    }
    let user = users::find(&snapshot, cx.tenant.id, &session.user)?.filter(|user| !user.disabled);
    Ok(user.map(|user| SignedIn { session, user }))
}

/// Moves the end of a session in use, at most once per `session.refresh_after`; answers whether it did, so that the
/// cookie's own end can be moved too.
pub async fn extend_if_due(cx: &Cx, signed_in: &SignedIn) -> Result<bool, Error> {
    if !extension_is_due(cx, &signed_in.session) {
        return Ok(false);
    }
    let (at, id) = (cx.clone(), signed_in.session.id.clone());
    cx.store()
        .write(move |tx| {
            // Ended meanwhile, or extended by another request of the same page.
            let Some(old) = rows::find(tx, at.tenant.id, &id)?.filter(|old| extension_is_due(&at, old)) else {
                return Ok(false);
            };
            let expires_at = at.now.plus(at.settings().session.lifetime).min(end_of(&at, &old));
            let new = Session { last_seen_at: at.now, expires_at, ..old.clone() };
            rows::put(tx, at.tenant.id, Some(&old), &new)?;
            Ok(true)
        })
        .await
}

fn extension_is_due(cx: &Cx, session: &Session) -> bool {
    is_live(cx, session) && cx.now.since(session.last_seen_at) >= cx.settings().session.refresh_after
}

/// When a session ends however much it is used: as it was written down at its beginning. A session that is older than
/// that rule ends as one that began when it did.
pub fn end_of(cx: &Cx, session: &Session) -> Moment {
    session.ends_at.unwrap_or_else(|| session.created_at.plus(cx.settings().session.absolute))
}

/// Refuses what outlives a session, or changes how somebody signs in or is shown, to a session whose person has not
/// proved who they are for a while: a session can be stolen, and what it makes then would stay with the thief. Keys,
/// tokens of apps, clients and the operator are asked for nothing. A proof that lies ahead, after the clock was set
/// back, is none. Errors: [`Error::SessionNotFresh`].
pub fn require_fresh(cx: &Cx) -> Result<(), Error> {
    match cx.proof {
        Freshness::Lasting => Ok(()),
        Freshness::ProvedAt(made) => {
            let longest = cx.settings().session.fresh;
            let is_fresh = Term { made, end: made.plus(longest), longest }.holds(cx.now);
            if is_fresh { Ok(()) } else { Err(Error::SessionNotFresh) }
        }
    }
}

/// A session whose person gave the password again.
#[derive(Debug)]
pub struct Confirmed {
    /// Its new token, in the place of the one that was shown.
    pub token: Secret<String>,
    /// The session as it is now.
    pub session: Session,
}

/// Steps up a live session: its person gives the password again. From now on the session is fresh (see
/// [`require_fresh`]), `auth_time`, `amr` and `acr` of what apps get follow from its proofs with this one (RFC 9470
/// §4), and its token is another one, so that who had the old one does not profit by it. When it ends, its identifier,
/// and what apps have got already stay as they are. Errors: [`Error::InvalidCredentials`] (counted per session),
/// [`Error::Delayed`], [`Error::NotFound`] when it has ended meanwhile, [`Error::Busy`].
pub async fn confirm(cx: &Cx, signed_in: &SignedIn, password: &Secret<String>) -> Result<Confirmed, Error> {
    let proven = password::confirm(cx, signed_in, password).await?;
    let secret = Secret::new(cx.entropy().token());
    let digest = token::digest(secret.expose());
    let entry = Entry::new(cx).target(&signed_in.user.id);
    let (at, before) = (cx.clone(), signed_in.session.clone());
    let session = cx
        .store()
        .write(move |tx| {
            let user = lookup::find(tx, &at, &before.user)?;
            if user.disabled || !proven.holds_for(&user) {
                return Err(Error::InvalidCredentials);
            }
            // The very token that was shown: of two confirmations at the same time, one wins.
            let is_same = |old: &Session| old.digest.is_same(&before.digest) && is_live(&at, old);
            let old = rows::find(tx, at.tenant.id, &before.id)?.filter(is_same).ok_or(Error::NotFound)?;
            let proofs = proofs::with(&old.proofs, ProofKind::Password, at.now);
            let person = Person::of(&user);
            match next_step(&Policy::current(), Some(&person), &proofs::kinds(&proofs), Wanted::POLICY) {
                NextStep::Done(_) => {}
                NextStep::Ask(_) | NextStep::Enrol(_) | NextStep::Refused(_) => return Err(Error::InvalidCredentials),
            }
            let new = Session { digest, proofs, ..old.clone() };
            rows::put(tx, at.tenant.id, Some(&old), &new)?;
            entry.append(tx, &at, &Event::UserConfirmPassword { session: new.id.clone() })?;
            Ok(new)
        })
        .await?;
    let token = Secret::new(token::compose(session.id.as_str(), secret.expose()));
    Ok(Confirmed { token, session })
}

/// Ends a session of any person, with the right to; of somebody who holds something of the platform, its administrators
/// do. Errors: [`Error::Denied`], [`Error::NotFound`].
pub async fn end(cx: &Cx, id: &SessionId) -> Result<Ended, Error> {
    end_by(cx, Right::on("revoke_all", SESSIONS), id).await
}

/// Ends one of a person's own sessions. Errors: [`Error::NotFound`] also when it is somebody else's.
pub async fn end_own(cx: &Cx, signed_in: &SignedIn, id: &SessionId) -> Result<Ended, Error> {
    end_by(cx, Right::Own(signed_in.user.id.clone()), id).await
}

/// Ends the session that an app's server shows an id token of, which proves that the person was signed in to the app in
/// it (RP-Initiated Logout §2). One that has ended already, or is another person's, is no error; says whether there was
/// one.
pub async fn end_hinted(cx: &Cx, client: &ClientId, id: &SessionId, user: &UserId) -> Result<bool, Error> {
    let cx = cx.with_actor(Actor::Client(client.clone()));
    let entry = Entry::new(&cx).target(id);
    let (at, id, user) = (cx.clone(), id.clone(), user.clone());
    let change = move |tx: &mut Tx| {
        let Some(session) = rows::find(tx, at.tenant.id, &id)?.filter(|session| session.user == user) else {
            return Ok(false);
        };
        let ended = cascade::end_session(tx, &at, &session)?;
        entry.append(tx, &at, &Event::SessionEnd { user: session.user, ended })?;
        Ok(true)
    };
    cx.store().write(change).await
}

async fn end_by(cx: &Cx, right: Right, id: &SessionId) -> Result<Ended, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id, by) = (cx.clone(), id.clone(), right.clone());
    let change = move |tx: &mut Tx| {
        let is_theirs = |session: &Session| !matches!(&by, Right::Own(owner) if *owner != session.user);
        let session = rows::find(tx, at.tenant.id, &id)?.filter(is_theirs).ok_or(Error::NotFound)?;
        may_end(tx, &at, &by, &session.user)?;
        let ended = cascade::end_session(tx, &at, &session)?;
        entry.append(tx, &at, &Event::SessionEnd { user: session.user, ended })?;
        Ok(ended)
    };
    rights::write(cx, right, change).await
}

/// Whether the sessions of this person are for the actor to end.
fn may_end(tx: &Tx, cx: &Cx, by: &Right, user: &UserId) -> Result<(), Error> {
    if matches!(by, Right::Own(_)) {
        return Ok(());
    }
    rights::may_change_subject(cx, tx, &SubjectRef::new("user", user.as_str()))
}

/// Ends every session of a person but the one they are in.
pub async fn end_others(cx: &Cx, signed_in: &SignedIn) -> Result<Ended, Error> {
    let entry = Entry::new(cx).target(&signed_in.user.id);
    let (at, user, keep) = (cx.clone(), signed_in.user.id.clone(), signed_in.session.id.clone());
    let change = move |tx: &mut Tx| {
        let ended = cascade::end_other_sessions(tx, &at, &user, &keep)?;
        entry.append(tx, &at, &Event::SessionEndOthers { ended })?;
        Ok(ended)
    };
    rights::write(cx, Right::Own(signed_in.user.id.clone()), change).await
}

/// Ends every session of a person, and every token family, with the right to end sessions. Errors: as [`end`].
pub async fn end_all(cx: &Cx, user: &UserId) -> Result<Ended, Error> {
    end_all_by(cx, Right::on("revoke_all", SESSIONS), user).await
}

/// Ends every session of oneself, and every token family.
pub async fn end_all_own(cx: &Cx, signed_in: &SignedIn) -> Result<Ended, Error> {
    end_all_by(cx, Right::Own(signed_in.user.id.clone()), &signed_in.user.id).await
}

async fn end_all_by(cx: &Cx, right: Right, user: &UserId) -> Result<Ended, Error> {
    let entry = Entry::new(cx).target(user);
    let (at, user, by) = (cx.clone(), user.clone(), right.clone());
    let change = move |tx: &mut Tx| {
        may_end(tx, &at, &by, &user)?;
        let ended = cascade::end_everything_of_user(tx, &at, &user)?;
        entry.append(tx, &at, &Event::SessionEndAll { ended })?;
        Ok(ended)
    };
    rights::write(cx, right, change).await
}

/// The live sessions of a person, oldest first.
pub fn of_user(cx: &Cx, user: &UserId) -> Result<Vec<Session>, Error> {
    let mut sessions = rows::of_user(&cx.read()?, cx.tenant.id, user)?;
    sessions.retain(|session| is_live(cx, session));
    Ok(sessions)
}

/// Which sessions are wanted; absent fields accept all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this person.
    pub user: Option<UserId>,
    /// Only those out of which this app got a code.
    pub client: Option<ClientId>,
}

/// A page of the live sessions that `filter` accepts, newest first or as `request` sorts. It may be short and still
/// have a successor: read on until `next` is absent.
pub fn page(cx: &Cx, filter: &Filter, request: &PageRequest) -> Result<Page<Session>, Error> {
    let from = cx.read()?;
    let wanted = |session: &Session| {
        is_live(cx, session) && filter.client.as_ref().is_none_or(|client| session.clients.contains(client))
    };
    let Some(user) = &filter.user else { return Ok(rows::page_of(&from, cx.tenant.id, request, wanted)?) };
    // One person has few: none but theirs is looked at.
    let mut sessions = rows::of_user(&from, cx.tenant.id, user)?;
    if let Some(sort) = &request.sort {
        return Ok(Best::page_of(sort, request.limit, sessions.into_iter().filter(wanted)));
    }
    sessions.reverse();
    let is_after = |session: &Session| request.after.as_deref().is_none_or(|after| session.id.as_str() < after);
    let found = sessions.into_iter().filter(|session| wanted(session) && is_after(session)).take(request.limit + 1);
    Ok(Page::from_rows(found.collect(), request.limit, |session: &Session| session.id.to_string()))
}

/// The live session of a person that this one is, or that came in its place when the person signed in again in the same
/// browser. Errors: the store's.
pub fn live_after(tx: &Tx, cx: &Cx, user: &UserId, id: &SessionId) -> Result<Option<Session>, store::Error> {
    let found = match rows::find(tx, cx.tenant.id, id)? {
        Some(session) => Some(session),
        None => rows::of_user(tx, cx.tenant.id, user)?.into_iter().find(|session| session.continues(id)),
    };
    Ok(found.filter(|session| session.user == *user && is_live(cx, session)))
}

/// Whether a session has not ended by itself.
pub fn is_live(cx: &Cx, session: &Session) -> bool {
    let term = session.term(cx.settings().session.lifetime);
    Term { end: term.end.min(end_of(cx, session)), ..term }.holds(cx.now)
}

/// Writes a new session in the place of the one its browser held before: a session id never survives a sign-in. If it
/// was the same person's, the token families follow; anybody else's ends for good.
pub(super) fn open(
    tx: &mut Tx,
    cx: &Cx,
    draft: &Session,
    replaces: Option<&SessionId>,
) -> Result<Session, store::Error> {
    let mut session = draft.clone();
    let before = replaces.map(|id| rows::find(tx, cx.tenant.id, id)).transpose()?.flatten();
    if let Some(before) = before {
        if before.user == session.user && is_live(cx, &before) {
            for family in grants::of_session(tx, cx.tenant.id, &before.id)? {
                grants::delete(tx, cx.tenant.id, &family)?;
                let moved = crate::records::Grant { session: session.id.clone(), ..family };
                grants::put(tx, cx.tenant.id, None, &moved)?;
            }
            session.clients.clone_from(&before.clients);
            let forgotten = (before.earlier.len() + 1).saturating_sub(Session::EARLIER);
            session.earlier = before.earlier.iter().skip(forgotten).cloned().collect();
            session.earlier.push(before.id.clone());
            rows::delete(tx, cx.tenant.id, &before)?;
        } else {
            cascade::end_session(tx, cx, &before)?;
        }
    }
    rows::put(tx, cx.tenant.id, None, &session)?;
    for oldest in rows::surplus(tx, cx.tenant.id, &session.user)?.iter().filter(|oldest| oldest.id != session.id) {
        cascade::end_session(tx, cx, oldest)?;
    }
    Ok(session)
}
