//! What a person allowed an app to see.

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::id::{ClientId, UserId};

/// A person's standing permission for a client; one per pair.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// The person who gave it.
    pub user: UserId,
    /// The app that it was given to.
    pub client: ClientId,
    /// Which scopes, sorted.
    pub scopes: Vec<String>,
    /// When it was given first.
    pub created_at: Moment,
    /// When last widened.
    pub updated_at: Moment,
}
