//! Who may write what, answered by the permission graph over the state that is changed: tuples and models by what they
//! name there. What else is changed needs the permission that its own rule names with [`crate::rights::write`].

use std::collections::BTreeSet;

use super::platform;
use crate::access::Error;
use crate::access::check::{self, CLIENTS};
use crate::access::model::Models;
use crate::base::id::ClientId;
use crate::cx::{Actor, Cx};
use crate::identity::sessions;
use crate::records::tuple::{ANY, GROUP, MEMBER};
use crate::records::{Group, SubjectRef, TupleKey};
use crate::rights::{Denied, MANAGE_PLATFORM, PLATFORM};
use crate::store::Read;

/// As whom somebody writes tuples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAs {
    /// As themselves, with the rights that they have on tuples, groups and clients.
    Oneself,
    /// As who manages the grants of a client: tuples on the types of that client.
    ManagerOf(ClientId),
}

/// Refuses tuples that the actor may not write or remove. What gives authority over the platform, itself or through
/// others, is for its administrators; memberships for who manages them; the objects and the access of a client for who
/// manages access to it; everything for who may update tuples; grants for the client whose types they are on, for who
/// manages them, and for who may do everything in it. Their names must be those of stored tuples. Errors: [`Denied`],
/// the store's.
pub fn may_write_tuples(cx: &Cx, from: &dyn Read, write_as: &WriteAs, keys: &[TupleKey]) -> Result<(), Error> {
    within_reach(cx, from, keys)?;
    if let WriteAs::ManagerOf(client) = write_as {
        may_manage_grants(cx, from, client)?;
    }
    let mut seen = BTreeSet::new();
    for key in keys {
        // Rights are on types, and on each client.
        let id = if key.entity_type == CLIENTS { key.entity_id.as_str() } else { ANY };
        if seen.insert((key.entity_type.as_str(), id)) {
            match write_as {
                WriteAs::Oneself => may_write_tuple(cx, from, key)?,
                WriteAs::ManagerOf(client) => is_of_client(cx, from, client, key)?,
            }
        }
    }
    Ok(())
}

/// Refuses tuples that lead to authority over the platform to everybody who does not administer it: nobody is to give
/// themselves more than they have. Administrators need a fresh session for them.
fn within_reach(cx: &Cx, from: &dyn Read, keys: &[TupleKey]) -> Result<(), Error> {
    of_the_platform(cx, from, || platform::is_given_by(cx, from, keys))
}

/// Refuses what carries authority to everybody but administrators of the platform in a fresh session. Errors:
/// [`Denied`], [`Error::NotFresh`].
fn of_the_platform(
    cx: &Cx,
    from: &dyn Read,
    carries_authority: impl FnOnce() -> Result<bool, Error>,
) -> Result<(), Error> {
    let is_fresh = sessions::require_fresh(cx).is_ok();
    let is_administrator = cx.app.authorizer.may(cx, from, MANAGE_PLATFORM, (PLATFORM, ANY))?;
    if is_administrator && is_fresh || !carries_authority()? {
        return Ok(());
    }
    if is_administrator { Err(Error::NotFresh) } else { Err(Denied::new(MANAGE_PLATFORM, PLATFORM, ANY).into()) }
}

fn needs(cx: &Cx, from: &dyn Read, permission: &str, (entity_type, entity_id): (&str, &str)) -> Result<(), Error> {
    if cx.app.authorizer.may(cx, from, permission, (entity_type, entity_id))? {
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
    Ok(Models::unshared(cx.tenant.id).find(from, entity_type)?.and_then(|model| model.client.clone()))
}

/// Refuses who may not manage the grants of a client. A client may manage what is its own. Errors: [`Denied`], the
/// store's.
pub fn may_manage_grants(cx: &Cx, from: &dyn Read, client: &ClientId) -> Result<(), Error> {
    let object = (CLIENTS, client.as_str());
    let is_itself = matches!(&cx.actor, Actor::Client(actor) if actor == client);
    if is_itself || cx.app.authorizer.may(cx, from, check::FULL_ACCESS, object)? {
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
pub struct ModelChange<'a> {
    /// The name that it is stored by, or will be.
    pub entity_type: &'a str,
    /// The client whose type it is, or will be if it is new.
    pub owner: Option<&'a ClientId>,
    /// The client that is named as its owner from now on.
    pub named: Option<&'a ClientId>,
}

/// Refuses a model that the actor may not write or remove. Models that decide who has authority over the platform are
/// for its administrators, all others for who may update models, and those of a client's types for who manages that
/// client. Errors: [`Denied`], the store's.
pub fn may_change_model(cx: &Cx, from: &dyn Read, model: ModelChange<'_>) -> Result<(), Error> {
    of_the_platform(cx, from, || platform::rests_on_model(cx, from, model.entity_type))?;
    let all = needs(cx, from, "update", ("models", ANY));
    match (all, model.owner) {
        (Err(Error::Denied(_)), Some(client)) if model.named.is_none_or(|named| named == client) => {
            needs(cx, from, "manage", (CLIENTS, client.as_str()))
        }
        (all, _) => all,
    }
}

/// Refuses a change of a group that gives authority over the platform to everybody who does not administer it. Who may
/// rename and fill groups is not to become an administrator by that. Errors: [`Denied`], the store's.
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

/// Refuses the deletion of a client on whose types or people authority over the platform rests to everybody who does
/// not administer the platform: with them would go what gives authority, and what keeps somebody from it. Errors:
/// [`Denied`], the store's.
pub fn may_delete_client(cx: &Cx, from: &dyn Read, client: &ClientId) -> Result<(), Error> {
    of_the_platform(cx, from, || platform::rests_on_client(cx, from, client))
}
