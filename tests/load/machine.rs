//! The machine: the two units everything is stated in, and what the page says about where it ran.

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use auther::crypto::jose::SigningKey;
use auther::crypto::password::Parameters;
use serde_json::json;

/// Signatures per sample: enough to hide what reading the clock costs.
const ROUND: u32 = 5;

/// Samples per measurement of [`Units::r`].
const SAMPLES: usize = 40;

/// Between two measurements of a [`Sampler`].
const PAUSE: Duration = Duration::from_millis(100);

/// Overwrites per measurement of [`Units::f`].
const OVERWRITES: usize = 200;

/// The units, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Units {
    /// CPU time of one RS256 signature on one core.
    pub r: f64,
    /// Median of a 4 KiB overwrite that has reached the disk.
    pub f: f64,
}

impl Units {
    /// Measures both, in the folder where the data files will be.
    pub fn measure(key: &SigningKey, folder: &Path) -> Result<Self> {
        Ok(Self { r: signature(key)?, f: overwrite(&folder.join("overwrite"))? })
    }
}

/// A moment to measure from.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures durations")]
pub fn start() -> Instant {
    Instant::now()
}

/// CPU time of the calling thread.
pub fn thread_cpu() -> Result<Duration> {
    // The kernel brings the figure up to date when the thread leaves the processor.
    thread::sleep(Duration::from_nanos(1));
    let text = fs::read_to_string("/proc/thread-self/schedstat").context("reading the CPU time of a thread")?;
    let nanos = text.split(' ').next().and_then(|first| first.parse().ok()).context("an unreadable CPU time")?;
    Ok(Duration::from_nanos(nanos))
}

/// Waits until no other thread of this process does anything.
pub fn await_rest() -> Result<()> {
    let used = || -> Result<f64> {
        let text = fs::read_to_string("/proc/self/stat").context("reading the CPU time of this process")?;
        let fields = text.rsplit_once(") ").map(|(_, rest)| rest).context("an unreadable stat")?;
        let ticks = |at: usize| fields.split(' ').nth(at).and_then(|text| text.parse::<f64>().ok());
        ticks(11).zip(ticks(12)).map(|(user, system)| user + system).context("an unreadable stat")
    };
    loop {
        let before = used()?;
        thread::sleep(Duration::from_millis(300));
        if used()? <= before {
            return Ok(());
        }
    }
}

/// CPU time of one signature, caches warm.
pub fn one_signature(key: &SigningKey) -> Result<Duration> {
    let claims = json!({ "sub": "somebody", "iat": 1_700_000_000 });
    black_box(key.sign("JWT", &claims)?);
    let before = thread_cpu()?;
    for _ in 0..ROUND {
        black_box(key.sign("JWT", &claims)?);
    }
    Ok((thread_cpu()? - before) / ROUND)
}

/// The CPU time of one signature, measured again and again on a thread of its own while something else goes on.
pub struct Sampler {
    /// The thread ends when this goes, so that it outlives neither a run nor its failure.
    running: mpsc::Sender<()>,
    thread: JoinHandle<Result<Vec<Duration>>>,
}

impl Sampler {
    /// Begins with the first measurement.
    pub fn start(key: Arc<SigningKey>) -> Result<Self> {
        let (running, over) = mpsc::channel();
        let sample = move || {
            let mut signatures = Vec::new();
            loop {
                signatures.push(one_signature(&key)?);
                if over.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                    return Ok(signatures);
                }
            }
        };
        Ok(Self { running, thread: thread::Builder::new().spawn(sample)? })
    }

    /// Ends it. The mean, as the server's CPU time is one: both meet the same neighbours on the processor.
    pub fn mean(self) -> Result<Duration> {
        drop(self.running);
        let signatures = self.thread.join().map_err(|_| anyhow!("measuring the unit panicked"))??;
        Ok(signatures.iter().sum::<Duration>().div_f64(signatures.len().max(1) as f64))
    }
}

fn signature(key: &SigningKey) -> Result<f64> {
    let times: Result<Vec<Duration>> = (0..SAMPLES).map(|_| one_signature(key)).collect();
    Ok(median(&mut times?).as_secs_f64())
}

fn overwrite(path: &Path) -> Result<f64> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    file.write_all_at(&[0; 4096], 0)?;
    file.sync_all()?;
    let mut times = Vec::with_capacity(OVERWRITES);
    for round in 0..OVERWRITES {
        let bytes = [u8::try_from(round % 251)?; 4096];
        let begun = start();
        file.write_all_at(&bytes, 0)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(median(&mut times).as_secs_f64())
}

/// The middle one.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Password hashes per CPU second, with the library's default cost, on `threads` threads at once for `lasting`.
pub fn hashes_per_cpu_second(threads: usize, lasting: Duration) -> Result<f64> {
    let cost = Parameters::default();
    let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, Some(32))
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let work = || -> Result<(u32, Duration)> {
        let mut memory = vec![Block::default(); params.block_count()];
        let (begun, before, mut count) = (start(), thread_cpu()?, 0);
        while begun.elapsed() < lasting {
            let mut output = [0; 32];
            argon
                .hash_password_into_with_memory(b"correct horse battery", b"sixteen bytes ok", &mut output, &mut memory)
                .map_err(|error| anyhow::anyhow!("{error}"))?;
            black_box(output);
            count += 1;
        }
        Ok((count, thread_cpu()? - before))
    };
    let results: Vec<Result<(u32, Duration)>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a panic")))).collect()
    });
    let (mut hashes, mut cpu) = (0, Duration::ZERO);
    for result in results {
        let (count, time) = result?;
        hashes += count;
        cpu += time;
    }
    Ok(f64::from(hashes) / cpu.as_secs_f64())
}

/// Threads that can work at once.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What the page says about the machine: a line each.
pub fn facts(folder: &Path) -> Vec<String> {
    let first = |path: &str, start: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_default();
        line.split_once(':').map_or(line, |(_, value)| value).trim().to_owned()
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    vec![
        format!("Processor: {}, {} threads", first("/proc/cpuinfo", "model name"), cores()),
        format!("Memory: {}", first("/proc/meminfo", "MemTotal")),
        format!("Kernel: Linux {}", kernel.trim()),
        format!("Data files on: {}", filesystem(folder)),
        format!("Load average when it began: {load}"),
    ]
}

fn filesystem(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let of = |line: &str| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    let holding = mounts.lines().filter_map(of).filter(|(place, _)| folder.starts_with(place));
    holding.max_by_key(|(place, _)| place.len()).map_or_else(|| String::from("unknown"), |(_, kind)| kind)
}
