//! Explanations: why a question was answered as it was.
//!
//! May use: `access::graph`, `records`. An [`Explanation`] has the derivation that the engine noted, and for a denial
//! its near misses; `text` puts both in sentences. Start reading at [`Explanation`].

mod derivation_step;
mod explanation;
mod near_misses;
mod text;

pub use derivation_step::DerivationStep;
pub use explanation::{Explanation, Otherwise};
pub use near_misses::{NearMiss, NearMissReason};
