//! What a person allowed an app to see.

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::id::{ClientId, UserId};

/// A person's standing permission for a client; one per pair.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// Who allowed.
    pub user: UserId,
    /// Whom.
    pub client: ClientId,
    /// Which scopes, sorted.
    pub scopes: Vec<String>,
    /// When first.
    pub created_at: Moment,
    /// When last widened.
    pub updated_at: Moment,
}
