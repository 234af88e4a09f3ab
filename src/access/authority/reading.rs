//! Who may see what, and ask what about others: answered over the state of this moment.

use crate::access::Error;
use crate::access::check::{self, CLIENTS, subject_of};
use crate::access::effective::{self, Item};
use crate::access::model::Models;
use crate::base::id::ClientId;
use crate::cx::{Actor, Cx};
use crate::records::SubjectRef;
use crate::records::tuple::ANY;
use crate::rights::{self, Denied};

/// Steps that may be taken to find out whether somebody may write anything at all.
const STEPS: u64 = 5_000;

/// Whether the actor of an operation has a permission on an object (type, id), whatever scripts say. The operator and
/// the server itself have all, nobody known has none. Errors: [`Error::LimitReached`], the store's.
pub fn may(cx: &Cx, permission: &str, (entity_type, entity_id): (&str, &str)) -> Result<bool, Error> {
    match (&cx.actor, subject_of(&cx.actor)) {
        (Actor::Local | Actor::System, _) => Ok(true),
        (_, Some(subject)) => check::may(cx, &subject, permission, entity_type, entity_id),
        (_, None) => Ok(false),
    }
}

/// As [`may`], and a refusal is recorded in the audit log. Errors: [`Error::Denied`], those.
pub fn require(cx: &Cx, permission: &str, (entity_type, entity_id): (&str, &str)) -> Result<(), Error> {
    if may(cx, permission, (entity_type, entity_id))? {
        return Ok(());
    }
    let denied = Denied::new(permission, entity_type, entity_id);
    rights::record(cx, &denied);
    Err(denied.into())
}

/// Refuses who may not see a model: with the permission to see models, and of a client's types also who manages that
/// client. Errors: [`Error::Denied`], those of [`may`].
pub fn may_see_model(cx: &Cx, owner: Option<&ClientId>) -> Result<(), Error> {
    match owner {
        _ if may(cx, "view", ("models", ANY))? => Ok(()),
        Some(client) => require(cx, "manage", (CLIENTS, client.as_str())),
        None => require(cx, "view", ("models", ANY)),
    }
}

/// Refuses who may not change the API keys of others at all: who may only revoke keys may still take from them, which
/// the change itself decides. Errors: [`Error::Denied`], those of [`may`].
pub fn may_change_some_key(cx: &Cx) -> Result<(), Error> {
    if may(cx, "revoke", ("api_keys", ANY))? { Ok(()) } else { require(cx, "update", ("api_keys", ANY)) }
}

/// Whether a subject is the actor itself.
pub fn is_oneself(cx: &Cx, subject: &SubjectRef) -> bool {
    subject_of(&cx.actor).as_ref() == Some(subject)
}

/// Whether the actor may ask what a subject may do with objects of a type: everybody about themselves, about others as
/// [`may_ask_about_others`]. `own` is the client that the actor is or is bound to. Errors: those of [`may`].
pub fn may_ask(cx: &Cx, own: Option<&ClientId>, subject: &SubjectRef, entity_type: &str) -> Result<bool, Error> {
    Ok(is_oneself(cx, subject) || may_ask_about_others(cx, own, entity_type)?)
}

/// Whether the actor may ask about others: a client, or a key bound to one, about the types of that client; about
/// everything with the permission to see tuples. Errors: those of [`may`].
pub fn may_ask_about_others(cx: &Cx, own: Option<&ClientId>, entity_type: &str) -> Result<bool, Error> {
    if own.is_some() {
        let from = cx.read()?;
        let model = Models::current(cx, &from)?.find(&from, entity_type)?;
        if model.is_some_and(|model| model.client.as_ref() == own) {
            return Ok(true);
        }
    }
    may(cx, "view", ("tuples", ANY))
}

/// What somebody may be allowed to write some of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writable {
    /// What types mean.
    Models,
    /// Who has which relation.
    Tuples,
}

impl Writable {
    /// The type that the right to write all of it is on.
    pub fn entity_type(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Tuples => "tuples",
        }
    }

    /// What the administrator of a client has, who writes within it.
    fn permission_of_clients(self) -> &'static str {
        match self {
            Self::Models => "manage",
            Self::Tuples => "manage_access",
        }
    }
}

/// Whether the actor may write anything of this: all of it, or what is within a client or a group. Yes for who has too
/// much to look through. Errors: those of [`may`].
pub fn may_write_some(cx: &Cx, what: Writable) -> Result<bool, Error> {
    if may(cx, "update", (what.entity_type(), ANY))? {
        return Ok(true);
    }
    if what == Writable::Tuples && may(cx, "manage_members", ("groups", ANY))? {
        return Ok(true);
    }
    let Some(subject) = subject_of(&cx.actor) else { return Ok(false) };
    let held = effective::of_subject(&cx.within(STEPS), &subject, None)?;
    let manages = |item: &Item| {
        let wanted = what.permission_of_clients();
        item.entity_type == CLIENTS && item.permissions.iter().any(|permission| permission == wanted)
    };
    Ok(held.truncated || held.items.iter().any(manages))
}
