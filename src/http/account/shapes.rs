//! People and sessions as this dialect writes them.

use serde::Serialize;

use crate::base::Timestamp;
use crate::base::id::{SessionId, UserId};
use crate::cx::Cx;
use crate::identity::sessions;
use crate::records;

/// A person, for themselves.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User<'u> {
    id: &'u UserId,
    email: &'u str,
    email_verified: bool,
    name: &'u str,
    image: Option<&'u str>,
    username: Option<&'u str>,
    display_username: Option<&'u str>,
    role: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'u> From<&'u records::User> for User<'u> {
    fn from(user: &'u records::User) -> Self {
        Self {
            id: &user.id,
            email: &user.email,
            email_verified: user.email_verified,
            name: user.profile.name.as_deref().unwrap_or_default(),
            image: user.profile.picture.as_deref(),
            username: user.username.as_deref(),
            display_username: user.username.as_deref(),
            role: if user.is_admin() { records::User::ADMIN } else { "user" },
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
        }
    }
}

/// A session, for its person: unused it ends at `expiresAt`, which use moves, and at `endsAt` in any case. `token`
/// names it in `revoke-session`; it is no secret and signs nobody in: only a digest of the real token is kept, so it
/// cannot be shown again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session<'s> {
    id: &'s SessionId,
    token: &'s SessionId,
    user_id: &'s UserId,
    expires_at: Timestamp,
    ends_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    ip_address: Option<String>,
    user_agent: Option<&'s str>,
}

impl<'s> Session<'s> {
    /// As it is at this moment.
    pub fn new(cx: &Cx, session: &'s records::Session) -> Self {
        Self {
            id: &session.id,
            token: &session.id,
            user_id: &session.user,
            expires_at: session.expires_at.into(),
            ends_at: sessions::end_of(cx, session).into(),
            created_at: session.created_at.into(),
            updated_at: session.last_seen_at.into(),
            ip_address: session.ip.as_ref().map(ToString::to_string),
            user_agent: session.user_agent.as_deref(),
        }
    }
}

/// `{status: true}`
#[derive(Debug, Serialize)]
pub struct Done {
    status: bool,
}

/// It was done.
pub const DONE: Done = Done { status: true };

/// `{success: true}`
#[derive(Debug, Serialize)]
pub struct Success {
    success: bool,
}

/// It was done, in the words of other endpoints.
pub const SUCCESS: Success = Success { success: true };

/// `{token, user}`: somebody who is signed in, or, without a token, may be now.
#[derive(Debug, Serialize)]
pub struct SignedIn<'s> {
    /// The session token.
    pub token: Option<&'s str>,
    pub user: User<'s>,
}
