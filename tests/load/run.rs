//! Many clients at once for a while, and what it cost the server.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use auther::crypto::jose::SigningKey;

use super::http::Connection;
use super::machine;
use super::server::Server;

/// Stack of a client's thread: there may be hundreds.
const STACK: usize = 256 * 1024;

/// Between two measurements of the unit during a run.
const PAUSE: Duration = Duration::from_millis(100);

/// What a run gave.
pub struct Figures {
    /// Steps taken.
    pub steps: usize,
    /// CPU seconds of the server.
    pub cpu: f64,
    /// How long it took, in seconds.
    pub wall: f64,
    /// The unit, measured meanwhile: CPU seconds of one RS256 signature under the same conditions; 0 where it was not.
    pub r: f64,
    /// Time of each step, ascending.
    times: Vec<Duration>,
}

impl Figures {
    /// CPU seconds of the server per step.
    pub fn cpu_per_step(&self) -> f64 {
        self.cpu / self.steps as f64
    }

    /// Steps per second.
    pub fn rate(&self) -> f64 {
        self.steps as f64 / self.wall
    }

    /// The time that `share` of the steps stayed below.
    pub fn percentile(&self, share: f64) -> Duration {
        let at = (self.times.len() as f64 * share) as usize;
        self.times.get(at.min(self.times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// What a client does after a step.
pub enum Next {
    /// The step counts; on to the next.
    Again,
    /// As `Again`, but what happened is not what is measured.
    Uncounted,
    /// There is nothing left to do.
    Done,
}

/// Runs one client per element of `clients`, each on its own connection, for `lasting`. The first failed step fails the run.
pub fn run<C: Send>(
    server: &Server,
    clients: &mut [C],
    lasting: Duration,
    step: impl Fn(&mut C, &mut Connection) -> Result<Next> + Sync,
) -> Result<Figures> {
    run_beside(Some(&server.unit), server, clients, lasting, step)
}

/// As [`run`], but without measuring the unit meanwhile, which keeps a core busy for milliseconds: for what is a ratio of two times.
pub fn run_undisturbed<C: Send>(
    server: &Server,
    clients: &mut [C],
    lasting: Duration,
    step: impl Fn(&mut C, &mut Connection) -> Result<Next> + Sync,
) -> Result<Figures> {
    run_beside(None, server, clients, lasting, step)
}

fn run_beside<C: Send>(
    unit: Option<&SigningKey>,
    server: &Server,
    clients: &mut [C],
    lasting: Duration,
    step: impl Fn(&mut C, &mut Connection) -> Result<Next> + Sync,
) -> Result<Figures> {
    let (start, stop) = (Barrier::new(clients.len() + 1), AtomicBool::new(false));
    let client = |client: &mut C| -> Result<Vec<Duration>> {
        let connection = Connection::open(server.address);
        start.wait();
        let (mut connection, mut times) = (connection?, Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let begun = machine::start();
            match step(client, &mut connection) {
                Ok(Next::Again) => times.push(begun.elapsed()),
                Ok(Next::Uncounted) => {}
                Ok(Next::Done) => break,
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(times)
    };
    let client = &client;
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for one in clients {
            threads.push(std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || client(one))?);
        }
        start.wait();
        let (begun, before) = (machine::start(), server.cpu()?);
        let mut signatures = Vec::new();
        while begun.elapsed() < lasting && !stop.load(Ordering::Relaxed) && !threads.iter().all(|t| t.is_finished()) {
            if let Some(key) = unit {
                signatures.push(machine::one_signature(key)?);
            }
            std::thread::sleep(PAUSE);
        }
        stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for thread in threads {
            times.extend(thread.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        let (cpu, wall) = (server.cpu()? - before, begun.elapsed().as_secs_f64());
        ensure!(!times.is_empty(), "not one request was answered");
        times.sort_unstable();
        // The mean, as the server's CPU time is one: both meet the same neighbours on the processor.
        let r = signatures.iter().sum::<Duration>().as_secs_f64() / signatures.len().max(1) as f64;
        Ok(Figures { steps: times.len(), cpu, wall, r, times })
    })
}
