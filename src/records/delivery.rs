//! Work that a transaction left for later: something to be delivered elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::id::DeliveryId;

/// A row of the outbox. It is there as soon as what it tells of is committed, and goes when it is delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// `dlv_…`: the same at every try, so that the receiver knows a repetition.
    pub id: DeliveryId,
    /// Which kind of delivery it is: who delivers it, and what the payload means.
    pub kind: String,
    /// What it is about: an identifier.
    pub target: String,
    /// What is to be delivered, as its kind reads it. Identifiers rather than secrets: it stands in the file as it is,
    /// and is shown to nobody.
    pub payload: Value,
    /// Whether it is still tried.
    pub state: DeliveryState,
    /// When it is tried next; of a dead one, when it was given up.
    pub due: Moment,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last.
    #[serde(default)]
    pub tried_at: Option<Moment>,
    /// Why the last try failed.
    #[serde(default)]
    pub error: Option<String>,
    /// When it was put here.
    pub created_at: Moment,
    /// From this moment on it is forgotten, delivered or not.
    pub expires_at: Moment,
}

/// Whether a delivery is still tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It waits for its next try.
    Waiting,
    /// It was given up: a dead letter, until somebody has it tried again or deletes it.
    Dead,
}

impl DeliveryState {
    /// Both states, for what reads one by its name.
    pub const ALL: [Self; 2] = [Self::Waiting, Self::Dead];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
        }
    }
}
