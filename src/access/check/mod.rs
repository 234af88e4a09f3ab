//! Questions: may this subject do this with that object, and why.
//!
//! May use: `access::model`, `cx` and below. `facts` reads tuples in a few shapes (`overlay` adds some that are not stored), `rules` says whom a
//! relation takes, `engine` searches for a derivation, `memo` keeps what it found, `proof` tells it. Start reading at [`Engine`].

mod engine;
mod facts;
mod memo;
mod overlay;
mod proof;
pub mod rules;
mod verdict;

#[cfg(test)]
pub(super) mod tests;

pub use engine::{Engine, Ground, Outcome};
pub use facts::{At, Facts, StoreFacts};
pub use overlay::Overlay;
pub use proof::{Explanation, Miss, Ran, Rule, Step, Why};
pub use verdict::{Judge, Judgement, Limits, Schema, Script, ScriptSource, Verdict};
