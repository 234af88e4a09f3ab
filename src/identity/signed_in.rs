//! Who is signed in, and in which session.

use crate::base::Secret;
use crate::records::{Session, User};

/// A person and the session they are in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session, as of the same snapshot.
    pub session: Session,
    /// The person, as of the snapshot that the session was read from.
    pub user: User,
}

/// A sign-in that is complete: who, in which session, and what goes back to the browser.
#[derive(Debug)]
pub struct Success {
    /// The session token, `ses_….secret`; shown this once.
    pub token: Secret<String>,
    /// Who, and in which session.
    pub signed_in: SignedIn,
    /// Value of the device cookie to set: this browser is known from now on.
    pub device: String,
}
