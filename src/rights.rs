//! The right to a change: decided in the transaction that makes the change, over the state that it changes.
//!
//! May use: `audit`, `cx` and below. What a handler asked before is an early answer: between that and the change a
//! right may have been taken away, and a name may have come to mean something else. So a rule that changes something
//! says with [`write`] which [`Right`] it needs, and asks [`may_change_subject`] about every person, key and client
//! that it is about to change. The rules about tuples, models, groups and clients are in `access::authority`, whose
//! answers come here by [`crate::cx::Authorizer`]. Start reading at [`write`].

use crate::audit::{self, Entry, Event};
use crate::base::id::UserId;
use crate::cx::{Actor, Cx};
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, User};
use crate::store::rows::users;
use crate::store::{self, Read, Tx};

/// The type whose only object is the installation.
pub const PLATFORM: &str = "platform";

/// The permission of who may give and take authority over the platform.
pub const MANAGE_PLATFORM: &str = "manage_platform";

/// The right that a change needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// A permission on an object: type and id, which may be `*`.
    On { permission: &'static str, entity_type: &'static str, entity_id: String },
    /// To be this person, who is not disabled.
    Own(UserId),
    /// To be the operator on the machine, or the server itself.
    Operator,
    /// What is needed depends on what the transaction finds: the change decides it there itself, before it writes.
    OnWhatIsFound,
}

impl Right {
    /// A permission on all objects of a type of the platform.
    pub fn on(permission: &'static str, entity_type: &'static str) -> Self {
        Self::On { permission, entity_type, entity_id: ANY.to_owned() }
    }

    /// To administer the platform.
    pub fn platform() -> Self {
        Self::on(MANAGE_PLATFORM, PLATFORM)
    }

    /// Refuses an operation whose actor lacks it. Errors: [`Denied`], the store's.
    pub fn require<E>(&self, cx: &Cx, from: &dyn Read) -> Result<(), E>
    where
        E: From<store::Error> + From<Denied>,
    {
        let (has, denied) = match self {
            Self::On { permission, entity_type, entity_id } => {
                let denied = Denied::new(permission, entity_type, entity_id);
                (cx.app.authorizer.may(cx, from, permission, (entity_type, entity_id))?, denied)
            }
            Self::Own(id) => {
                let is_oneself = matches!(&cx.actor, Actor::User(user) if user == id);
                let may_act = is_oneself && users::is_disabled(from, cx.tenant.id, id)? == Some(false);
                (may_act, Denied::new("own", "user", id.as_str()))
            }
            Self::Operator => (is_operator(cx), Denied::new("operate", "the machine", ANY)),
            Self::OnWhatIsFound => return Ok(()),
        };
        if has { Ok(()) } else { Err(denied.into()) }
    }
}

/// Whether the operator on the machine or the server itself asks.
fn is_operator(cx: &Cx) -> bool {
    matches!(cx.actor, Actor::Local | Actor::System)
}

/// The actor lacks the right to a change, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permission denied: this needs the permission {permission} on {object}")]
pub struct Denied {
    /// The permission that is missing.
    pub permission: String,
    /// The type that it is missing on, and which of it unless all.
    pub object: String,
    entity_type: String,
}

impl Denied {
    /// This permission is missing on this object.
    pub fn new(permission: &str, entity_type: &str, entity_id: &str) -> Self {
        let object = if entity_id == ANY { entity_type.to_owned() } else { format!("{entity_type}:{entity_id}") };
        Self { permission: permission.to_owned(), object, entity_type: entity_type.to_owned() }
    }
}

/// Errors that may say that a right is missing.
pub trait MayDeny: From<store::Error> + From<Denied> {
    /// Which right, if that is what they say.
    fn denied(&self) -> Option<&Denied>;
}

/// Runs a change in a transaction that decides about its right first: when the right is missing at that moment, nothing
/// is changed and the refusal is in the audit log. The change is as for [`Store::write`](crate::store::Store::write).
/// Errors: [`Denied`], the change's own.
pub async fn write<T, E, F>(cx: &Cx, right: Right, change: F) -> Result<T, E>
where
    F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: MayDeny + Send + 'static,
{
    let at = cx.clone();
    let allowed = move |tx: &mut Tx| {
        right.require::<E>(&at, tx)?;
        change(tx)
    };
    cx.store().write(allowed).await.inspect_err(|error| record_denial(cx, error))
}

/// As [`write`], and keeps nothing: what the change would answer. Errors: those.
pub fn rehearse<T, E: MayDeny>(cx: &Cx, right: &Right, change: impl FnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
    let rehearsed = cx.store().rehearse(|tx| {
        right.require::<E>(cx, tx)?;
        change(tx)
    });
    rehearsed.inspect_err(|error| record_denial(cx, error))
}

/// Refuses the change of a subject (a person, an API key, a client) that holds authority over the platform to everybody
/// who does not administer it: who may change people, keys or apps is not to take over, or to take away, what an
/// administrator has. Errors: [`Denied`], the store's.
pub fn may_change_subject<E>(cx: &Cx, from: &dyn Read, subject: &SubjectRef) -> Result<(), E>
where
    E: From<store::Error> + From<Denied>,
{
    let authorizer = &cx.app.authorizer;
    let administers = authorizer.may(cx, from, MANAGE_PLATFORM, (PLATFORM, ANY))?;
    if !administers && authorizer.holds_authority(cx, from, subject)? {
        return Err(Denied::new(MANAGE_PLATFORM, PLATFORM, ANY).into());
    }
    Ok(())
}

/// As [`may_change_subject`] for a person, whose role says as well whether they administer. Errors: those.
pub fn may_change_person<E>(cx: &Cx, from: &dyn Read, user: &User) -> Result<(), E>
where
    E: From<store::Error> + From<Denied>,
{
    if user.is_admin() {
        may_make_administrator::<E>(cx, from)?;
    }
    may_change_subject(cx, from, &SubjectRef::new("user", user.id.as_str()))
}

/// Refuses to make an administrator of the platform to everybody who is not one. Errors: [`Denied`], the store's.
pub fn may_make_administrator<E>(cx: &Cx, from: &dyn Read) -> Result<(), E>
where
    E: From<store::Error> + From<Denied>,
{
    Right::platform().require(cx, from)
}

fn record_denial(cx: &Cx, error: &impl MayDeny) {
    if let Some(denied) = error.denied() {
        record(cx, denied);
    }
}

/// Puts in the audit log that somebody who is known lacked a right: the same once a minute.
pub fn record(cx: &Cx, denied: &Denied) {
    let wanted = format!("{} on {}", denied.permission, denied.entity_type);
    let (kind, actor) = audit::actor(&cx.actor);
    let event = format!("access.refuse permission_denied {wanted} {kind:?} {}", actor.unwrap_or_default());
    audit::tell(cx, &event, || {
        (Entry::new(cx), Event::AccessRefuse { reason: "permission_denied", permission: Some(wanted) })
    });
}
