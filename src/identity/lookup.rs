//! Who is meant: people by their identifier and by their names.

use crate::base::canonical;
use crate::base::id::UserId;
use crate::cx::Cx;
use crate::records::User;
use crate::store::rows::users as rows;
use crate::store::{self, Read};

use super::Error;

/// The type that rights over accounts are on.
pub(super) const USERS: &str = "users";

/// The person, or [`Error::NotFound`].
pub(super) fn find(from: &impl Read, cx: &Cx, id: &UserId) -> Result<User, Error> {
    rows::find(from, cx.tenant.id, id)?.ok_or(Error::NotFound)
}

/// The person with this e-mail address or username, however it is spelled. An address has an `@`, a username has none.
pub fn find_by_name(from: &(impl Read + ?Sized), cx: &Cx, name: &str) -> Result<Option<User>, store::Error> {
    if let Some(email) = canonical::email(name) {
        rows::find_by_email(from, cx.tenant.id, &email)
    } else if let Some(username) = canonical::username(name) {
        rows::find_by_username(from, cx.tenant.id, &username)
    } else {
        Ok(None)
    }
}
