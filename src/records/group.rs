//! A named set of people, keys and other groups. Who is in it is told by tuples: `(group, grp_…, member, user, usr_…)`.

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::base::id::GroupId;

/// A named set, whose members are given by tuples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// `grp_…`.
    pub id: GroupId,
    /// Unique without regard to case.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When name or description last changed.
    pub updated_at: Moment,
    /// 1, and one more with every change.
    pub version: u64,
}
