//! Who may sign in to an app: everybody, or those whom a relation to it lets in.

use super::Error;
use crate::access::check::{CLIENTS, FULL_ACCESS, PLATFORM, Question, USER, check};
use crate::audit::Entry;
use crate::base::id::UserId;
use crate::cx::Cx;
use crate::records::tuple::ANY;
use crate::records::{AccessPolicy, Client, SubjectRef};

/// The permission that lets people sign in. Owners and administrators of a client have it too.
const USE: &str = "use";

/// What makes an administrator of the platform.
const ADMIN: &str = "admin";

/// Where somebody is turned away, for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Before a code is made.
    Authorize,
    /// When a code is redeemed.
    Code,
    /// When a refresh token is used.
    Refresh,
}

impl Gate {
    fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Code => "code",
            Self::Refresh => "refresh",
        }
    }
}

/// Whether this person may use this app at this moment: everybody may, unless it is restricted to those who hold `use` or `full_access` on
/// it, themselves or through groups, and administrators of the platform.
/// Errors: `temporarily_unavailable` while all threads that run conditions are busy, `server_error` when there is no answer.
pub async fn may_use(cx: &Cx, client: &Client, user: &UserId) -> Result<bool, Error> {
    if client.access_policy == AccessPolicy::AllUsers {
        return Ok(true);
    }
    let id = client.id.as_str();
    for (permission, entity_type, entity_id) in [(USE, CLIENTS, id), (FULL_ACCESS, CLIENTS, id), (ADMIN, PLATFORM, ANY)]
    {
        let person = SubjectRef::new(USER, user.as_str());
        if check(cx, &Question::new(person, permission, entity_type, entity_id)).await?.allowed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The audit row of a person who was turned away, still without who it was. It carries the request's id, which the person is shown as
/// reference.
pub(super) fn refused(cx: &Cx, client: &Client, gate: Gate) -> Entry {
    Entry::failure(cx, "app.refused").target(&client.id).detail("at", gate.as_str())
}
