//! Who may write what, judged in the transaction that writes it: tuples and models by what they name there, everything else by the permission that
//! its rule says. The permission graph answers, in the state that the transaction sees.

use std::collections::BTreeSet;

use super::check::{self, CLIENTS};
use super::model::Models;
use super::{Error, authority};
use crate::base::id::ClientId;
use crate::cx::{Actor, Cx, Judge};
use crate::identity::sessions;
use crate::records::tuple::{ANY, GROUP, MEMBER};
use crate::records::{ApiKey, Group, SubjectRef, TupleKey};
use crate::rights::{Denied, MANAGE_PLATFORM, PLATFORM};
use crate::store::rows::api_keys;
use crate::store::{self, Read};

/// The judge of an installation: what its own graph says.
pub struct ByGraph;

impl Judge for ByGraph {
    fn may(&self, cx: &Cx, from: &dyn Read, permission: &str, object: (&str, &str)) -> Result<bool, store::Error> {
        let Some(subject) = check::subject_of(&cx.actor) else {
            return Ok(matches!(cx.actor, Actor::Local | Actor::System));
        };
        match check::may_in(cx, from, &subject, permission, object) {
            Ok(may) => Ok(may),
            Err(Error::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn holds_authority(&self, cx: &Cx, from: &dyn Read, subject: &SubjectRef) -> Result<bool, store::Error> {
        let held = holds(cx, from, subject);
        held.or_else(|error| if let Error::Store(error) = error { Err(error) } else { Ok(true) })
    }
}

fn holds(cx: &Cx, from: &dyn Read, subject: &SubjectRef) -> Result<bool, Error> {
    let keys = match subject.kind.as_str() {
        check::USER => match subject.id.parse() {
            Ok(id) => api_keys::of_owner(from, cx.tenant, &id)?,
            Err(_) => Vec::new(),
        },
        check::CLIENT => match subject.id.parse() {
            Ok(id) => api_keys::of_client(from, cx.tenant, &id)?,
            Err(_) => Vec::new(),
        },
        _ => Vec::new(),
    };
    let keys: Vec<_> = keys.iter().map(|key: &ApiKey| SubjectRef::new(check::API_KEY, key.id.as_str())).collect();
    authority::is_held_by(cx, from, subject, &keys)
}

/// By which right somebody writes tuples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Whatever right they have on tuples, groups and clients.
    OwnRights,
    /// As grants on the types of one client, which it manages itself.
    GrantsOf(ClientId),
}

/// Refuses tuples that the actor may not write or remove. What gives authority over the platform, itself or through others, is for its administrators;
/// memberships for who manages them; the objects and the access of a client for who manages access to it; everything for who may update tuples; grants
/// for the client whose types they are on, for who manages them, and for who may do everything in it. Their names must be those of stored tuples.
/// Errors: [`Denied`], the store's.
pub fn may_write_tuples(cx: &Cx, from: &dyn Read, by: &By, keys: &[TupleKey]) -> Result<(), Error> {
    within_reach(cx, from, keys)?;
    if let By::GrantsOf(client) = by {
        may_grant(cx, from, client)?;
    }
    let mut judged = BTreeSet::new();
    for key in keys {
        // Rights are on types, and on each client.
        let id = if key.entity_type == CLIENTS { key.entity_id.as_str() } else { ANY };
        if judged.insert((key.entity_type.as_str(), id)) {
            match by {
                By::OwnRights => may_write_tuple(cx, from, key)?,
                By::GrantsOf(client) => is_of_client(cx, from, client, key)?,
            }
        }
    }
    Ok(())
}

/// Refuses tuples that lead to authority over the platform to everybody who does not administer it: nobody is to give themselves more than they have.
/// Administrators need a fresh session for them.
fn within_reach(cx: &Cx, from: &dyn Read, keys: &[TupleKey]) -> Result<(), Error> {
    of_the_platform(cx, from, || authority::is_given_by(cx, from, keys))
}

/// Refuses what carries authority to everybody but administrators of the platform in a fresh session. Errors: [`Denied`], [`Error::NotFresh`].
fn of_the_platform(
    cx: &Cx,
    from: &dyn Read,
    carries_authority: impl FnOnce() -> Result<bool, Error>,
) -> Result<(), Error> {
    let is_fresh = sessions::require_fresh(cx).is_ok();
    let is_administrator = cx.home.judge.may(cx, from, MANAGE_PLATFORM, (PLATFORM, ANY))?;
    if is_administrator && is_fresh || !carries_authority()? {
        return Ok(());
    }
    if is_administrator { Err(Error::NotFresh) } else { Err(Denied::new(MANAGE_PLATFORM, PLATFORM, ANY).into()) }
}

fn needs(cx: &Cx, from: &dyn Read, permission: &str, (entity_type, entity_id): (&str, &str)) -> Result<(), Error> {
    if cx.home.judge.may(cx, from, permission, (entity_type, entity_id))? {
        return Ok(());
    }
    Err(Denied::new(permission, entity_type, entity_id).into())
}

fn may_write_tuple(cx: &Cx, from: &dyn Read, key: &TupleKey) -> Result<(), Error> {
    if key.entity_type == CLIENTS {
        return needs(cx, from, "manage_access", (CLIENTS, &key.entity_id));
    }
    if key.entity_type == GROUP {
        return needs(cx, from, "manage_members", ("groups", ANY));
    }
    let all = needs(cx, from, "update", ("tuples", ANY));
    match (all, owner(cx, from, &key.entity_type)?) {
        (Err(Error::Denied(_)), Some(client)) => needs(cx, from, "manage_access", (CLIENTS, client.as_str())),
        (all, _) => all,
    }
}

/// The client that a type belongs to, as it is written down.
fn owner(cx: &Cx, from: &dyn Read, entity_type: &str) -> Result<Option<ClientId>, Error> {
    Ok(Models::unshared(cx.tenant).find(from, entity_type)?.and_then(|model| model.client.clone()))
}

/// Refuses who may not manage the grants of a client. A client may manage what is its own. Errors: [`Denied`], the store's.
pub fn may_grant(cx: &Cx, from: &dyn Read, client: &ClientId) -> Result<(), Error> {
    let object = (CLIENTS, client.as_str());
    let is_itself = matches!(&cx.actor, Actor::Client(actor) if actor == client);
    if is_itself || cx.home.judge.may(cx, from, check::FULL_ACCESS, object)? {
        return Ok(());
    }
    needs(cx, from, "manage_grants", object)
}

fn is_of_client(cx: &Cx, from: &dyn Read, client: &ClientId, key: &TupleKey) -> Result<(), Error> {
    if owner(cx, from, &key.entity_type)?.as_ref() == Some(client) {
        return Ok(());
    }
    Err(Denied::new("manage_grants", &key.entity_type, &key.entity_id).into())
}

/// A model that somebody is about to write or remove.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The name that it is stored by, or will be.
    pub entity_type: &'a str,
    /// The client whose type it is, or will be if it is new.
    pub owner: Option<&'a ClientId>,
    /// The client that is named as its owner from now on.
    pub named: Option<&'a ClientId>,
}

/// Refuses a model that the actor may not write or remove. Models that decide who has authority over the platform are for its administrators, all others
/// for who may update models, and those of a client's types for who manages that client. Errors: [`Denied`], the store's.
pub fn may_write_model(cx: &Cx, from: &dyn Read, model: Written<'_>) -> Result<(), Error> {
    of_the_platform(cx, from, || authority::rests_on_model(cx, from, model.entity_type))?;
    let all = needs(cx, from, "update", ("models", ANY));
    match (all, model.owner) {
        (Err(Error::Denied(_)), Some(client)) if model.named.is_none_or(|named| named == client) => {
            needs(cx, from, "manage", (CLIENTS, client.as_str()))
        }
        (all, _) => all,
    }
}

/// Refuses a change of a group that gives authority over the platform to everybody who does not administer it. Who may rename and fill groups is not to
/// become an administrator by that. Errors: [`Denied`], the store's.
pub fn may_change_group(cx: &Cx, from: &dyn Read, group: &Group) -> Result<(), Error> {
    within_reach(
        cx,
        from,
        &[TupleKey {
            entity_type: GROUP.to_owned(),
            entity_id: group.id.to_string(),
            relation: MEMBER.to_owned(),
            subject: SubjectRef::new(check::USER, ANY),
        }],
    )
}

/// Refuses the end of a client on whose types or people authority over the platform rests to everybody who does not administer it: with them would go what
/// gives it, and what keeps somebody from it. Errors: [`Denied`], the store's.
pub fn may_end_client(cx: &Cx, from: &dyn Read, client: &ClientId) -> Result<(), Error> {
    of_the_platform(cx, from, || authority::rests_on_client(cx, from, client))
}
