//! Why a question was answered as it was.

use serde::Serialize;

use super::derivation_step::DerivationStep;
use super::near_misses::NearMiss;

/// Why a question was answered as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The derivation, or where the search ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derivation: Option<DerivationStep>,
    /// For denials: what came nearest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<NearMiss>,
    /// Where administering the platform or full access let the subject through: the answer without that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_privilege: Option<Box<Otherwise>>,
}

/// The answer to a question without what let the subject through before tuples were looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Otherwise {
    /// Whether it may.
    pub allowed: bool,
    /// What decides it then, as a stable word.
    pub reason: &'static str,
    /// The same, as the part of a sentence behind "allowed" or "denied".
    #[serde(skip)]
    pub because: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}
