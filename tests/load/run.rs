//! Many clients at once for a while, and what it cost the server.
//!
//! One thread drives all connections of a run. The kernel charges the waking of a thread that waits on a loopback
//! connection to the process that writes into it: with a thread per client that would be part of what the server seems
//! to cost.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::http::{self, Connection};
use super::machine::{self, Sampler};
use super::server::Server;

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
    /// As `Again`, after a pause that is no part of the step.
    After(Duration),
    /// As `Again`, but what happened is not what is measured.
    Uncounted,
    /// There is nothing left to do.
    Done,
}

/// Runs one client per element of `clients`, each on its own connection, for `lasting`. The first failed step fails the
/// run, as does a server that has not answered everybody some time later.
pub fn run<C>(
    server: &Server,
    clients: &mut [C],
    lasting: Duration,
    step: impl AsyncFn(&mut C, &mut Connection) -> Result<Next>,
) -> Result<Figures> {
    run_beside(true, server, clients, lasting, step)
}

/// As [`run`], but without measuring the unit meanwhile, which keeps a core busy for milliseconds: for what is a ratio
/// of two times.
pub fn run_undisturbed<C>(
    server: &Server,
    clients: &mut [C],
    lasting: Duration,
    step: impl AsyncFn(&mut C, &mut Connection) -> Result<Next>,
) -> Result<Figures> {
    run_beside(false, server, clients, lasting, step)
}

fn run_beside<C>(
    sampled: bool,
    server: &Server,
    clients: &mut [C],
    lasting: Duration,
    step: impl AsyncFn(&mut C, &mut Connection) -> Result<Next>,
) -> Result<Figures> {
    http::drive(lasting + http::PATIENCE, async {
        let mut connections = Vec::with_capacity(clients.len());
        for _ in 0..clients.len() {
            connections.push(Connection::open(server.address).await?);
        }
        let (begun, before) = (machine::start(), server.cpu()?);
        let sampler = if sampled { Some(Sampler::start(server.unit.clone())?) } else { None };
        let end = begun + lasting;
        let both = clients.iter_mut().zip(&mut connections);
        let mut working: FuturesUnordered<_> =
            both.map(|(client, connection)| work(client, connection, end, &step)).collect();
        let mut times = Vec::new();
        while let Some(one) = working.next().await {
            times.extend(one?);
        }
        let (cpu, wall) = (server.cpu()? - before, begun.elapsed().as_secs_f64());
        ensure!(!times.is_empty(), "not one request was answered");
        times.sort_unstable();
        let r = sampler.map(Sampler::mean).transpose()?.unwrap_or_default();
        Ok(Figures { steps: times.len(), cpu, wall, r: r.as_secs_f64(), times })
    })
}

/// One client until `end`: the time of each step that counts.
async fn work<C>(
    client: &mut C,
    connection: &mut Connection,
    end: Instant,
    step: &impl AsyncFn(&mut C, &mut Connection) -> Result<Next>,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    loop {
        let begun = machine::start();
        if begun >= end {
            return Ok(times);
        }
        match step(client, connection).await? {
            Next::Again => times.push(begun.elapsed()),
            Next::After(pause) => {
                times.push(begun.elapsed());
                tokio::time::sleep(pause.min(end.saturating_duration_since(machine::start()))).await;
            }
            Next::Uncounted => {}
            Next::Done => return Ok(times),
        }
    }
}
