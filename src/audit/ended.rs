//! How much ended together, as rows and answers say it.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records::TupleKey;
use crate::records::tuple::{GROUP, MEMBER};

/// How much ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// Sessions removed.
    pub sessions: usize,
    /// Token families revoked that were not yet.
    pub grants: usize,
    /// Consents removed.
    pub consents: usize,
    /// API keys removed, or that worked and do not any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub api_keys: usize,
    /// Relations removed, memberships of groups included.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tuples: usize,
    /// How many of those were memberships of groups.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub memberships: usize,
    /// Entity types removed: those of a client, with everything that was granted on their objects.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub models: usize,
}

impl AddAssign for Ended {
    fn add_assign(&mut self, more: Self) {
        self.sessions += more.sessions;
        self.grants += more.grants;
        self.consents += more.consents;
        self.api_keys += more.api_keys;
        self.tuples += more.tuples;
        self.memberships += more.memberships;
        self.models += more.models;
    }
}

impl Ended {
    /// Counts a relation that was removed.
    pub fn count(&mut self, key: &TupleKey) {
        self.tuples += 1;
        self.memberships += usize::from(key.entity_type == GROUP && key.relation == MEMBER);
    }

    /// The counts, or nothing when nothing ended.
    pub fn some(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
