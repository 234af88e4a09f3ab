//! The stored authorization model of an entity type.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::Moment;
use crate::base::id::ClientId;

/// A model as it was written. What it means is for `access::model`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// `users`, `client_abc:invoice`, ….
    pub entity_type: String,
    /// The client whose type it is; `None` for types of the installation.
    #[serde(default)]
    pub client: Option<ClientId>,
    /// `relations`, `permissions` and what else was written, in the form of the documents.
    pub definition: Map<String, Value>,
    /// 1, and one more with every change.
    pub version: u64,
    /// When it was first written.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}
