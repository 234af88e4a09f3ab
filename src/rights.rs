//! By which right somebody changes something: judged in the transaction that makes the change, over the state that it changes.
//!
//! May use: `audit`, `cx` and below. Whatever a handler looked at before is an early answer: between that look and the change a right may have been
//! taken away, and a name may have come to mean something else. So a rule that changes something says with [`write`] which [`Right`] it needs, and
//! asks [`spare`] about everybody it is about to change. Start reading at [`write`].

use crate::audit::{self, Entry, Event};
use crate::base::id::UserId;
use crate::cx::{Actor, Cx};
use crate::records::SubjectRef;
use crate::records::tuple::ANY;
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
    On {
        /// Such as `update`.
        permission: &'static str,
        /// Such as `users`.
        entity_type: &'static str,
        /// Which of them.
        entity_id: String,
    },
    /// To be this person, who is not disabled.
    Own(UserId),
    /// To be the operator on the machine, or the server itself.
    Operator,
    /// What is needed depends on what the transaction finds: the change judges it there itself, before it writes.
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

    /// Judges it for the actor of an operation. Errors: [`Denied`], the store's.
    pub fn judge<E>(&self, cx: &Cx, from: &dyn Read) -> Result<(), E>
    where
        E: From<store::Error> + From<Denied>,
    {
        let (has, denied) = match self {
            Self::On { permission, entity_type, entity_id } => {
                let denied = Denied::new(permission, entity_type, entity_id);
                (cx.home.judge.may(cx, from, permission, (entity_type, entity_id))?, denied)
            }
            Self::Own(id) => {
                let is_oneself = matches!(&cx.actor, Actor::User(user) if user == id);
                let may_act = is_oneself && users::is_disabled(from, cx.tenant, id)? == Some(false);
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

/// Runs a change in a transaction that judges its right first: when the right is missing at that moment, nothing is changed and the refusal stands in
/// the audit log. The change is as for [`Store::write`](crate::store::Store::write). Errors: [`Denied`], the change's own.
pub async fn write<T, E, F>(cx: &Cx, right: Right, change: F) -> Result<T, E>
where
    F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: MayDeny + Send + 'static,
{
    let at = cx.clone();
    let judged = move |tx: &mut Tx| {
        right.judge::<E>(&at, tx)?;
        change(tx)
    };
    cx.store().write(judged).await.inspect_err(|error| note(cx, error))
}

/// As [`write`], and keeps nothing: what the change would answer. Errors: those.
pub fn rehearse<T, E: MayDeny>(cx: &Cx, right: &Right, change: impl FnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
    let rehearsed = cx.store().rehearse(|tx| {
        right.judge::<E>(cx, tx)?;
        change(tx)
    });
    rehearsed.inspect_err(|error| note(cx, error))
}

/// Lets nobody but who administers the platform change somebody (a person, an API key, a client) who holds something of it: who may change people, keys
/// or apps is not to take over, or to take away, what an administrator has. Errors: [`Denied`], the store's.
pub fn spare<E>(cx: &Cx, from: &dyn Read, subject: &SubjectRef) -> Result<(), E>
where
    E: From<store::Error> + From<Denied>,
{
    let judge = &cx.home.judge;
    let spared = !judge.may(cx, from, MANAGE_PLATFORM, (PLATFORM, ANY))? && judge.holds_authority(cx, from, subject)?;
    if spared { Err(Denied::new(MANAGE_PLATFORM, PLATFORM, ANY).into()) } else { Ok(()) }
}

fn note(cx: &Cx, error: &impl MayDeny) {
    if let Some(denied) = error.denied() {
        tell(cx, denied);
    }
}

/// Puts in the audit log that somebody who is known lacked a right: the same once a minute.
pub fn tell(cx: &Cx, denied: &Denied) {
    let wanted = format!("{} on {}", denied.permission, denied.entity_type);
    let (kind, actor) = audit::actor(&cx.actor);
    let event = format!("access.refuse permission_denied {wanted} {kind:?} {}", actor.unwrap_or_default());
    audit::tell(cx, &event, || {
        (Entry::new(cx), Event::AccessRefuse { reason: "permission_denied", permission: Some(wanted) })
    });
}
