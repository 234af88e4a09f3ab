//! Who administers the installation: never nobody again, once there was somebody.

use crate::base::id::TenantId;
use crate::base::page::{MAX_LIMIT, PageRequest};
use crate::cx::Cx;
use crate::records::User;
use crate::store::rows::{marks, users};
use crate::store::{Error, Read, Tx};

/// Whether the first administrator is still to be made. Once it is not, it never is again.
pub(super) fn are_awaited(from: &impl Read, tenant: TenantId) -> Result<bool, Error> {
    Ok(marks::value(from, &closed(tenant))?.is_none())
}

/// Notes that there is an administrator, and so closes set-up for ever.
pub(super) fn note_one(tx: &mut Tx, cx: &Cx) -> Result<(), Error> {
    marks::put_value(tx, &closed(cx.tenant), &cx.now.rfc3339())
}

/// Whether nobody could administer the installation if this person no longer did.
pub(super) fn is_last(from: &impl Read, tenant: TenantId, user: &User) -> Result<bool, Error> {
    if !administers(user) {
        return Ok(false);
    }
    let mut request = PageRequest::new(Some(MAX_LIMIT), None);
    loop {
        let page = users::page(from, tenant, &request)?;
        if page.items.iter().any(|other| other.id != user.id && administers(other)) {
            return Ok(false);
        }
        if page.next.is_none() {
            return Ok(true);
        }
        request.after = page.next;
    }
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

fn closed(tenant: TenantId) -> String {
    format!("setup_closed/{}", tenant.0)
}
