//! A request of a registered app that was refused.

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::id::{ClientId, FailureId};

/// What the people who run an app should see of a request of theirs that led nowhere. Kept for a while, and few of one
/// app: anybody can send such a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeFailure {
    /// `flr_…`.
    pub id: FailureId,
    /// Which app the request named.
    pub client: ClientId,
    /// When it was last sent.
    pub at: Moment,
    /// From this moment on it is forgotten.
    pub expires_at: Moment,
    /// A stable word: a registered error code, or one of Auther where none could be told to the app.
    pub error: String,
    /// What was wrong, in words.
    pub message: String,
    /// The value that was wrong, as it was sent, if one value was; shortened when it was long.
    pub sent: Option<String>,
    /// How often it was noted.
    pub count: u64,
}
