//! Lua for policies: a sandbox that a hostile script cannot leave, slow down or remember anything in.
//!
//! May use: `base`. The only folder that names mlua. `vm` runs one script, `budget` stops it at the steps that
//! `stepped` puts into it, `prelude` with `builtins.luau` is what it sees besides the language, `value` brings JSON in,
//! `pool` owns the threads, `lint` tells authors what is wrong. Start reading at [`Pool`] and [`Vm`].

mod budget;
mod chunks;
mod fault;
mod lex;
mod lint;
mod pool;
mod prelude;
mod stepped;
mod value;
mod vm;

#[cfg(test)]
mod adversary_tests;
#[cfg(test)]
mod pool_tests;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use fault::Fault;
pub use lint::{Note, Report, lint};
pub use pool::{Busy, Lost, Pool, Task};
pub use vm::{Evaluation, Returned, Vm};

/// What scripts may use up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest script, in bytes.
    pub source: usize,
    /// The largest context, in bytes of JSON.
    pub context: usize,
    /// Steps of one evaluation. A step is a statement, an expression, a call, a return, a round of a loop, a step of
    /// pattern matching, and 64 bytes of text or 8 elements of a table that a built-in function works on.
    pub steps: u64,
    /// Memory of a VM in bytes, the standard library's half a megabyte included.
    pub memory: usize,
    /// Wall-clock time of one evaluation.
    pub time: Duration,
    /// Wall-clock time of all evaluations of one job. Those that come later fail with [`Fault::Time`].
    pub job_time: Duration,
    /// Jobs that may wait for a thread.
    pub queue: usize,
    /// Wall-clock time after which a thread counts as lost to its job: far more than jobs may take.
    pub lost: Duration,
    /// Lost threads that are replaced, until one of them comes back.
    pub replaced: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source: 10_240,
            context: 64 * 1024,
            steps: 4_000_000,
            memory: 8 << 20,
            time: Duration::from_secs(1),
            job_time: Duration::from_secs(3),
            queue: 256,
            lost: Duration::from_secs(10),
            replaced: 4,
        }
    }
}
