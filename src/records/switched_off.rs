//! A policy that is not run any more.

use serde::{Deserialize, Serialize};

use crate::base::{Moment, ScriptDigest};

/// A script that did not come back from an evaluation. It denies until its text changes or somebody switches it on
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchedOff {
    /// The script, by its text.
    pub script: ScriptDigest,
    /// Whose it was: a client, or `platform`.
    pub owner: String,
    /// What it was to decide: entity type and permission.
    pub about: String,
    /// When it was switched off.
    pub at: Moment,
}
