//! People and sessions as this dialect writes them.

use serde_json::{Value, json};

use crate::cx::Cx;
use crate::identity::sessions;
use crate::records::{Session, User};

/// A person, for themselves.
pub fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "emailVerified": user.email_verified,
        "name": user.profile.name.as_deref().unwrap_or_default(),
        "image": user.profile.picture,
        "username": user.username,
        "displayUsername": user.username,
        "role": if user.is_admin() { User::ADMIN } else { "user" },
        "createdAt": user.created_at.rfc3339(),
        "updatedAt": user.updated_at.rfc3339(),
    })
}

/// A session, for its person: unused it ends at `expiresAt`, which use moves, and at `endsAt` in any case. `token` names it in `revoke-session`; it is no secret and signs nobody in: only a digest of the real
/// token is kept, so it cannot be shown again.
pub fn session(cx: &Cx, session: &Session) -> Value {
    json!({
        "id": session.id,
        "token": session.id,
        "userId": session.user,
        "expiresAt": session.expires_at.rfc3339(),
        "endsAt": sessions::end_of(cx, session).rfc3339(),
        "createdAt": session.created_at.rfc3339(),
        "updatedAt": session.last_seen_at.rfc3339(),
        "ipAddress": session.ip,
        "userAgent": session.user_agent,
    })
}
