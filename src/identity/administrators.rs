//! Who administers the installation: never nobody again, once there was somebody.
//!
//! An administrator is somebody with a tuple `(platform, *, admin, user, usr_…)`, which is what every question is
//! answered from. The role `admin` of the account says to apps that somebody has one for good, without an end and
//! without a condition; both change in one transaction, whichever was written.

use std::ops::ControlFlow;

use crate::base::id::{TenantId, UserId};
use crate::base::page::{MAX_LIMIT, PageRequest};
use crate::cx::Cx;
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, Tuple, TupleKey, User};
use crate::store::rows::{marks, tuples, users};
use crate::store::{Error, Read, Tx};

/// The entity type of the installation itself.
const PLATFORM: &str = "platform";

/// The relation of administrators.
const ADMIN: &str = "admin";

/// The relations that make somebody an administrator.
const RELATIONS: [&str; 2] = [ADMIN, "super_admin"];

/// Whether the first administrator is still to be made. Once it is not, it never is again.
pub(super) fn are_awaited(from: &impl Read, tenant: TenantId) -> Result<bool, Error> {
    Ok(marks::value(from, &closed(tenant))?.is_none())
}

/// Notes that there is an administrator, and so closes set-up for ever.
pub(super) fn note_one(tx: &mut Tx, cx: &Cx) -> Result<(), Error> {
    marks::put_value(tx, &closed(cx.tenant.id), &cx.now.rfc3339())
}

/// Whether nobody could administer the installation if this person no longer did.
pub(super) fn is_last(from: &impl Read, tenant: TenantId, user: &User) -> Result<bool, Error> {
    Ok(administers(user) && !others_administer(from, tenant, &user.id)?)
}

/// Whether somebody else administers for good and can act. What ends or depends on a condition may be nothing tomorrow,
/// and a group may be empty: neither counts.
fn others_administer(from: &impl Read, tenant: TenantId, user: &UserId) -> Result<bool, Error> {
    for relation in RELATIONS {
        let mut found = false;
        tuples::visit_holders(from, tenant, (PLATFORM, ANY, relation), |tuple| {
            let subject = &tuple.key.subject;
            let id = if lasts(&tuple) && subject.kind == "user" { subject.id.parse::<UserId>().ok() } else { None };
            found = match id.filter(|other| other != user) {
                Some(other) => users::is_disabled(from, tenant, &other)? == Some(false),
                None => false,
            };
            Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a tuple counts from now on, whatever anybody asks.
fn lasts(tuple: &Tuple) -> bool {
    tuple.condition.is_none() && tuple.expires_at.is_none() && tuple.key.subject.relation.is_none()
}

/// The administrator who can act and was there first.
pub(super) fn first(from: &impl Read, tenant: TenantId) -> Result<Option<User>, Error> {
    let mut request = PageRequest::new(Some(MAX_LIMIT), None);
    loop {
        let page = users::page(from, tenant, &request)?;
        if let Some(user) = page.items.into_iter().find(administers) {
            return Ok(Some(user));
        }
        if page.next.is_none() {
            return Ok(None);
        }
        request.after = page.next;
    }
}

/// Whether this person is an administrator who can act.
pub(super) fn administers(user: &User) -> bool {
    user.is_admin() && !user.disabled
}

/// Makes the tuples say what the role says, after a person was written.
pub(super) fn follow_role(tx: &mut Tx, cx: &Cx, new: &User) -> Result<(), Error> {
    let (has, is) = (is_by_tuple(tx, cx.tenant.id, &new.id)?, new.is_admin());
    if has == is {
        return Ok(());
    }
    if !is {
        return demote(tx, cx, &new.id);
    }
    for relation in RELATIONS {
        let key = tuple(&new.id, relation);
        // The first administrator may also do what only one can.
        if relation == ADMIN || are_awaited(tx, cx.tenant.id)? {
            let (created_at, updated_at) = (cx.now, cx.now);
            tuples::put(tx, cx.tenant.id, &Tuple { key, condition: None, expires_at: None, created_at, updated_at })?;
        }
    }
    tuples::raise(tx, cx.tenant.id).map(drop)
}

/// Takes every tuple of their own that makes a person an administrator, also those for a while or on condition, which
/// their role does not show.
pub(super) fn demote(tx: &mut Tx, cx: &Cx, user: &UserId) -> Result<(), Error> {
    let mut had_one = false;
    for relation in RELATIONS {
        had_one |= tuples::delete(tx, cx.tenant.id, &tuple(user, relation))?;
    }
    if had_one { tuples::raise(tx, cx.tenant.id).map(drop) } else { Ok(()) }
}

/// Makes the role say what the tuples say that last, after a tuple about the platform was written or removed. A subject
/// that is no person of this installation has no role. Errors: [`super::Error::LastAdministrator`].
pub fn follow_tuple(tx: &mut Tx, cx: &Cx, key: &TupleKey) -> Result<(), super::Error> {
    let speaks_of_one = key.entity_type == PLATFORM && key.subject.kind == "user" && key.subject.relation.is_none();
    let Some(id) = speaks_of_one.then(|| key.subject.id.parse::<UserId>().ok()).flatten() else { return Ok(()) };
    let Some(old) = users::find(tx, cx.tenant.id, &id)? else { return Ok(()) };
    let is = is_by_tuple(tx, cx.tenant.id, &id)?;
    if is == old.is_admin() {
        return Ok(());
    }
    if !is && administers(&old) && !others_administer(tx, cx.tenant.id, &id)? {
        return Err(super::Error::LastAdministrator);
    }
    let mut new = User { updated_at: cx.now, version: old.version.saturating_add(1), ..old.clone() };
    new.roles.retain(|role| role != User::ADMIN);
    if is {
        new.roles.push(User::ADMIN.to_owned());
        new.roles.sort_unstable();
    }
    users::put(tx, cx.tenant.id, Some(&old), &new)??;
    if is && are_awaited(tx, cx.tenant.id)? {
        note_one(tx, cx)?;
    }
    Ok(())
}

fn is_by_tuple(from: &impl Read, tenant: TenantId, user: &UserId) -> Result<bool, Error> {
    for relation in RELATIONS {
        if tuples::find(from, tenant, &tuple(user, relation))?.is_some_and(|tuple| lasts(&tuple)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn tuple(user: &UserId, relation: &str) -> TupleKey {
    let subject = SubjectRef::new("user", user.as_str());
    TupleKey { entity_type: PLATFORM.to_owned(), entity_id: ANY.to_owned(), relation: relation.to_owned(), subject }
}

fn closed(tenant: TenantId) -> String {
    format!("setup_closed/{}", tenant.0)
}
