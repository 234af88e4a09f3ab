//! Failed sign-ins of one account.

use serde::{Deserialize, Serialize};

use crate::base::Moment;

/// How often signing in to an account failed lately, and until when it is locked. Kept by canonical identifier, known or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignInFailures {
    /// Consecutive failures within the window.
    pub count: u32,
    /// The last one.
    pub last_at: Moment,
    /// No attempt is weighed before this moment.
    pub locked_until: Option<Moment>,
    /// When all of this is forgotten.
    pub expires_at: Moment,
}
