//! Questions: may this subject do this with that object, and why.
//!
//! May use: `access::model`, what `access::said` and `access::policy` tell scripts, `cx` and below. `ask` answers for a running installation in the `order` of a check: `standing` says whether the
//! subject may act at all, then `engine` searches for a derivation. It reads tuples in the few shapes of `facts` (`overlay` adds some that are
//! not stored, `index` keeps them in memory) and between numbers (`names`), `memo` keeps what was found, `proof` tells it, `words` for
//! people. Start reading at [`check`] and [`Engine`].

mod ask;
mod engine;
mod facts;
mod index;
mod lately;
mod memo;
pub mod names;
mod order;
mod overlay;
mod proof;
mod question;
pub(in crate::access) mod standing;
mod verdict;
mod words;

#[cfg(test)]
pub(super) mod tests;

pub(in crate::access) use ask::survey;
pub use ask::{Case, Request, check, check_many, may, may_in, sit, standing, subject_of, would_do};
pub use engine::{Engine, Ground, Outcome};
pub use facts::{At, Facts, StoreFacts, Which};
pub(crate) use index::Keepers;
pub use index::SnapshotFacts;
pub(crate) use lately::Lately;
pub use order::{Bench, CLIENTS, FULL_ACCESS, PLATFORM};
pub use overlay::Overlay;
pub use proof::{Explanation, Miss, Ran, Rule, Step, Why};
pub use question::{Decision, Question, Reason, Ruling};
pub(crate) use standing::Connected;
#[cfg(test)]
pub use standing::connect;
pub use standing::{API_KEY, CLIENT, Catalogue, Pending, Rooms, Standing, State, USER};
pub use verdict::{Judge, Judgement, Limits, Schema, Script, ScriptSource, Verdict};
