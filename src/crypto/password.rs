//! Password hashing: argon2id (RFC 9106) on a few threads of its own with a bounded queue, so that a storm of sign-ins
//! can neither eat the memory nor slow down everything else. A full queue is an answer at once, not a wait.
//!
//! Time tells nothing: a check costs the same whether there is an account and whatever its stored hash costs. Cost is
//! counted as work: the memory times the passes over it, in KiB. What a stored hash lacks is made up by filling memory
//! for nothing.

#[cfg(test)]
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Argon2, Block, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::base::Secret;
use crate::base::pool::{Pool, Refusal, Shape, Worker};
use crate::base::secret::ct_eq;

/// Shortest password in characters, after normalisation.
pub const MIN_CHARS: usize = 8;

/// Longest password in characters, after normalisation.
pub const MAX_CHARS: usize = 128;

/// Longest password in bytes, after normalisation.
pub const MAX_BYTES: usize = 1024;

/// Longest text that is normalised at all. Composing shrinks a text, but nowhere near sixteenfold.
const MAX_RAW_BYTES: usize = 16 * MAX_BYTES;

/// Bytes of the hashes we make.
const OUTPUT_BYTES: usize = 32;

/// The most that a stored hash may ask of us: 256 MiB, and one GiB filled in all its passes together.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_FILLED_KIB: u64 = 1024 * 1024;
const MAX_PARALLELISM: u32 = 16;

/// Hashed for accounts that do not exist.
const DUMMY_SALT: [u8; 16] = *b"no such account.";

/// How long a thread without work holds on to its memory.
const IDLE: Duration = Duration::from_secs(60);

/// What a hash costs (RFC 9106 §3.1). The default is the least that OWASP recommends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes; they are filled one after the other here.
    pub parallelism: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1 }
    }
}

/// Whether a password was the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It was. With `rehash` the stored hash costs other than what is configured: hash again and store that.
    Match {
        /// Whether to store a new hash.
        rehash: bool,
    },
    /// It was not, or there is no such account.
    Mismatch,
}

/// Why a password's length is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LengthError {
    /// Fewer than [`MIN_CHARS`].
    #[error("the password is shorter than 8 characters")]
    TooShort,
    /// More than [`MAX_CHARS`] or [`MAX_BYTES`].
    #[error("the password is longer than 128 characters or 1 KiB")]
    TooLong,
}

/// Why there is no hash or no verification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The queue is full: ask the client to come back in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    /// The password's length.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// What is stored is not an argon2id hash within bounds.
    #[error("the stored password hash is not readable: {0}")]
    Stored(&'static str),
    /// The configured parameters are impossible.
    #[error("the argon2 parameters are out of bounds")]
    Parameters,
    /// The pool has stopped or could not start.
    #[error("the password threads are not running")]
    Stopped,
}

/// A password as it is hashed, that is after NFKC (Unicode TR 15), if it may be chosen: 8 to 128 characters, at most 1
/// KiB.
pub fn of_fit_length(password: &Secret<String>) -> Result<Zeroizing<String>, LengthError> {
    let normal = normalise(password.expose())?;
    match normal.chars().count() {
        ..MIN_CHARS => Err(LengthError::TooShort),
        MIN_CHARS..=MAX_CHARS => Ok(normal),
        _ => Err(LengthError::TooLong),
    }
}

/// The work that checking against this stored hash takes, in KiB; `None` when it cannot be read.
pub fn work_of(phc: &str) -> Option<u64> {
    Stored::parse(phc).ok().map(|stored| work(&stored.parameters))
}

/// How far the threads step back (`nice`): a hash takes the core for tens of milliseconds, and what else is asked
/// meanwhile takes microseconds.
const NICE: i32 = 15;

/// The memory of a thread, from hash to hash. One that waits long gives it back.
#[derive(Default)]
struct Memory(Vec<Block>);

impl Worker for Memory {
    fn rest(&mut self) {
        self.0 = Vec::new();
    }
}

/// The pool. Dropping it answers what still waits with [`Error::Stopped`] and waits for the hashes being computed.
#[derive(Debug)]
pub struct Hasher {
    parameters: Params,
    /// The work of the dearest stored hash that is known of, in KiB.
    dearest: AtomicU64,
    /// The work done so far, in KiB.
    #[cfg(test)]
    done: Arc<AtomicU64>,
    pool: Pool<Memory, ()>,
}

impl Hasher {
    /// Starts `threads` threads (at least one) in front of which at most `queue` more passwords may wait. Each thread
    /// holds the memory of one hash while there is work, and gives it back after a minute without.
    pub fn start(parameters: Parameters, threads: usize, queue: usize) -> Result<Self, Error> {
        let parameters = bounded(parameters, OUTPUT_BYTES).ok_or(Error::Parameters)?;
        let shape = Shape { nice: NICE, rest: Some(IDLE), ..Shape::new("password", threads, queue) };
        let pool = Pool::start(shape, || Some(Memory::default())).ok_or(Error::Stopped)?;
        Ok(Self {
            parameters,
            dearest: AtomicU64::default(),
            #[cfg(test)]
            done: Arc::default(),
            pool,
        })
    }

    /// The work of a hash that is made today, in KiB.
    pub fn work(&self) -> u64 {
        work(&self.parameters)
    }

    /// Tells that there are stored hashes of this work: from now on no check takes less.
    pub fn cost_at_least(&self, work: u64) {
        self.dearest.fetch_max(work, Ordering::Relaxed);
    }

    /// Hashes a password of at most [`MAX_BYTES`]; the answer is a PHC string. `salt` must be fresh randomness. Whether
    /// the password may be chosen is the caller's to check, see [`of_fit_length`].
    pub async fn hash(&self, password: &Secret<String>, salt: [u8; 16]) -> Result<String, Error> {
        let normal = normalise(password.expose())?;
        let output = self.compute(normal, self.parameters.clone(), salt.to_vec(), 0).await?;
        phc(&self.parameters, &salt, &output).ok_or(Error::Parameters)
    }

    /// Checks a password against a stored hash. `None` is an account that does not exist or has no password: it costs
    /// the same, waits in the same queue, and never matches. So does a password too long to be anyone's, and a hash
    /// that cannot be read, which is an error afterwards.
    ///
    /// The work is that of a hash made today, or of the dearest stored hash if that is more.
    pub async fn verify(&self, password: &Secret<String>, phc: Option<&str>) -> Result<Verification, Error> {
        let (stored, unreadable) = match phc.map(Stored::parse) {
            Some(Ok(stored)) => (Some(stored), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        if let Some(stored) = &stored {
            self.cost_at_least(work(&stored.parameters));
        }
        let total = self.work().max(self.dearest.load(Ordering::Relaxed));
        let (Some(stored), Ok(normal)) = (stored, normalise(password.expose())) else {
            let decoy = Zeroizing::new(String::new());
            self.compute(decoy, self.parameters.clone(), DUMMY_SALT.to_vec(), total).await?;
            return unreadable.map_or(Ok(Verification::Mismatch), Err);
        };
        let output = self.compute(normal, stored.parameters.clone(), stored.salt.clone(), total).await?;
        if ct_eq(&output, &stored.output) {
            Ok(Verification::Match { rehash: stored.is_other_than(&self.parameters) })
        } else {
            Ok(Verification::Mismatch)
        }
    }

    /// The work done so far, in KiB.
    #[cfg(test)]
    pub(crate) fn work_done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    /// Hands a hash to the pool. It takes at least `total` KiB of work.
    async fn compute(
        &self,
        password: Zeroizing<String>,
        parameters: Params,
        salt: Vec<u8>,
        total: u64,
    ) -> Result<Bytes, Error> {
        let padding = padding(total.saturating_sub(work(&parameters)), &self.parameters);
        let (job, kept) = (Job { password, parameters, padding, salt }, self.parameters.block_count());
        #[cfg(test)]
        let done = Arc::clone(&self.done);
        let pending = self.pool.submit((), move |memory, _| {
            let output = job.output(&mut memory.0);
            if memory.0.len() > kept {
                memory.0.truncate(kept);
                memory.0.shrink_to_fit();
            }
            #[cfg(test)]
            done.fetch_add(job.work(), Ordering::SeqCst);
            output
        });
        match pending.answer().await {
            Ok(Some(output)) => Ok(output),
            Err(Refusal::Full) => Err(Error::Busy),
            Ok(None) | Err(Refusal::Stopped | Refusal::Panicked | Refusal::Lost) => Err(Error::Stopped),
        }
    }
}

/// The hash that a job yields.
type Bytes = Zeroizing<Vec<u8>>;

struct Job {
    password: Zeroizing<String>,
    parameters: Params,
    /// What is computed for nothing, so that all checks take the same work.
    padding: Option<Params>,
    salt: Vec<u8>,
}

impl Job {
    fn output(&self, memory: &mut Vec<Block>) -> Option<Bytes> {
        let output = argon2id(&self.parameters, self.password.as_bytes(), &self.salt, memory)?;
        if let Some(padding) = &self.padding {
            // It serves nothing but the clock of who waits; the compiler does not see into argon2, so it is not left
            // out.
            std::hint::black_box(argon2id(padding, &[], &DUMMY_SALT, memory)?);
        }
        Some(output)
    }

    #[cfg(test)]
    fn work(&self) -> u64 {
        work(&self.parameters) + self.padding.as_ref().map_or(0, work)
    }
}

fn argon2id(parameters: &Params, password: &[u8], salt: &[u8], memory: &mut Vec<Block>) -> Option<Bytes> {
    let blocks = parameters.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let mut output = Zeroizing::new(vec![0; parameters.output_len().unwrap_or(OUTPUT_BYTES)]);
    let argon2 = Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, parameters.clone());
    let memory = memory.get_mut(..blocks)?;
    argon2.hash_password_into_with_memory(password, salt, &mut output, memory).ok()?;
    Some(output)
}

/// The work of a hash, in KiB: its memory as often as it is passed over.
fn work(parameters: &Params) -> u64 {
    u64::from(parameters.m_cost()) * u64::from(parameters.t_cost())
}

/// A computation of this much work, less one KiB per pass at the most, that needs no more memory than a hash of today.
/// `None` when it is too little to be one.
fn padding(missing: u64, today: &Params) -> Option<Params> {
    let least = u64::from(Params::MIN_M_COST);
    let passes = missing.div_ceil(u64::from(today.m_cost())).min(missing / least);
    let memory = u32::try_from(missing.checked_div(passes)?).ok()?;
    Params::new(memory, u32::try_from(passes).ok()?, 1, Some(OUTPUT_BYTES)).ok()
}

/// A stored hash, read.
struct Stored {
    parameters: Params,
    salt: Vec<u8>,
    output: Bytes,
}

impl Stored {
    /// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. What would cost more than the bounds is refused, not computed.
    fn parse(phc: &str) -> Result<Self, Error> {
        let stored = PasswordHash::new(phc).map_err(|_| Error::Stored("not a PHC string"))?;
        if stored.algorithm != ARGON2ID_IDENT || stored.version != Some(Version::V0x13.into()) {
            return Err(Error::Stored("not argon2id version 19"));
        }
        let (Some(salt), Some(output)) = (&stored.salt, &stored.hash) else {
            return Err(Error::Stored("without salt or hash"));
        };
        let [Some(memory_kib), Some(iterations), Some(parallelism)] =
            ["m", "t", "p"].map(|name| stored.params.get_decimal(name))
        else {
            return Err(Error::Stored("without parameters"));
        };
        let parameters = bounded(Parameters { memory_kib, iterations, parallelism }, output.len());
        Ok(Self {
            parameters: parameters.ok_or(Error::Stored("parameters out of bounds"))?,
            salt: salt.to_vec(),
            output: Zeroizing::new(output.as_bytes().to_vec()),
        })
    }

    /// Whether guessing against this hash is cheaper than against one made today, or checking against it dearer.
    fn is_other_than(&self, today: &Params) -> bool {
        self.parameters.m_cost() < today.m_cost()
            || work(&self.parameters) != work(today)
            || self.output.len() < OUTPUT_BYTES
            || self.salt.len() < DUMMY_SALT.len()
    }
}

fn bounded(parameters: Parameters, output_bytes: usize) -> Option<Params> {
    let filled = u64::from(parameters.memory_kib) * u64::from(parameters.iterations);
    let fits = parameters.memory_kib <= MAX_MEMORY_KIB
        && filled <= MAX_FILLED_KIB
        && parameters.parallelism <= MAX_PARALLELISM;
    if !fits {
        return None;
    }
    Params::new(parameters.memory_kib, parameters.iterations, parameters.parallelism, Some(output_bytes)).ok()
}

fn phc(parameters: &Params, salt: &[u8], output: &[u8]) -> Option<String> {
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(parameters).ok()?,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(output).ok()?),
    };
    Some(hash.to_string())
}

/// NFKC into a buffer that never grows, so that no copy is left behind where it had stood before.
fn normalise(password: &str) -> Result<Zeroizing<String>, LengthError> {
    if password.len() > MAX_RAW_BYTES {
        return Err(LengthError::TooLong);
    }
    let mut normal = Zeroizing::new(String::with_capacity(MAX_BYTES));
    for letter in password.nfkc() {
        if normal.len() + letter.len_utf8() > MAX_BYTES {
            return Err(LengthError::TooLong);
        }
        normal.push(letter);
    }
    Ok(normal)
}

#[cfg(test)]
#[path = "password_tests.rs"]
mod tests;
