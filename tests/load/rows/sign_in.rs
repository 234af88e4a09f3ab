//! Passwords: what a sign-in costs beside its hash, and what a storm of them does to everything else.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::json;

use super::super::run::{Figures, Next, run_undisturbed};
use super::super::seed::{Amounts, PASSWORD};
use super::super::table::{Goal, Row};
use super::super::{Bench, Served};
use super::super::{http, machine};
use super::{ms, times};

/// People who sign in at once in a storm: enough to keep every hashing thread busy, few enough that none is turned
/// away.
const STORM: usize = 16;

/// People who sign in at once when it is too much.
const FLOOD: usize = 256;

/// How long somebody who was turned away waits before the next try.
const RETRY: Duration = Duration::from_millis(250);

/// Between two looks of somebody who looks now and then: one who never pauses would be part of the storm.
const LOOK: Duration = Duration::from_millis(2);

const AMOUNTS: Amounts = Amounts { people: 1000, signed_in: 0, codes: 0, tuples: 0 };

/// The requests of everybody's sign-in, in turn.
struct Visitors {
    requests: Vec<Vec<u8>>,
    turn: AtomicUsize,
}

impl Visitors {
    fn of(served: &Served) -> Self {
        let request = |email: &str| {
            let body = json!({ "email": email, "password": PASSWORD }).to_string();
            http::post(&served.server.host, "/api/auth/sign-in/email", "", "application/json", &body)
        };
        let requests = served.seeded.people.iter().map(|person| request(&person.email)).collect();
        Self { requests, turn: AtomicUsize::new(0) }
    }

    fn next(&self) -> Result<&[u8]> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let request = self.requests.get(turn % self.requests.len().max(1));
        request.map(Vec::as_slice).context("nobody is there")
    }

    fn storm(&self, served: &Served, bench: &Bench) -> Result<Figures> {
        run_undisturbed(&served.server, &mut [(); STORM], bench.lasting(), async |(), connection| {
            connection.expect(self.next()?, 200).await?;
            Ok(Next::Again)
        })
    }
}

/// CPU of a bare hash over CPU of a sign-in, both with as many threads at once as the server has.
pub fn share_of_argon(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(AMOUNTS)?;
    let raw = machine::hashes_per_cpu_second(machine::cores(), bench.lasting() / 2)?;
    let figures = Visitors::of(&served).storm(&served, bench)?;
    let signed_in = 1.0 / figures.cpu_per_step();
    Ok(vec![Row {
        what: String::from("password sign-ins, as a share of the raw argon2id rate, per CPU second"),
        figure: signed_in / raw,
        unit: "",
        must: Goal::AtLeast(0.85),
        aim: Goal::AtLeast(0.95),
        conditions: Vec::new(),
        beside: format!(
            "{}, {:.1}/s; {signed_in:.1} sign-ins and {raw:.1} bare hashes per CPU second",
            times(&figures),
            figures.rate()
        ),
    }])
}

/// p99 of a prepared document, one request after the other, while people sign in and while nobody does.
pub fn static_in_a_storm(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(AMOUNTS)?;
    let request = http::get(&served.server.host, "/api/auth/jwks", "");
    let watch = || {
        run_undisturbed(&served.server, &mut [()], bench.lasting(), async |(), connection| {
            connection.expect(&request, 200).await?;
            Ok(Next::After(LOOK))
        })
    };
    let quiet = watch()?;
    let visitors = Visitors::of(&served);
    let (stormy, storm) = thread::scope(|scope| {
        let storm = scope.spawn(|| visitors.storm(&served, bench));
        let stormy = watch();
        (stormy, storm.join().map_err(|_| anyhow!("a client panicked")))
    });
    let (stormy, storm) = (stormy?, storm??);
    let (calm, rough) = (quiet.percentile(0.99), stormy.percentile(0.99));
    Ok(vec![Row {
        what: String::from("p99 of a static endpoint during a sign-in storm, against quiet"),
        figure: rough.as_secs_f64() / calm.as_secs_f64(),
        unit: "×",
        must: Goal::AtMost(3.0),
        aim: Goal::AtMost(2.0),
        conditions: Vec::new(),
        beside: format!(
            "p50 {} and {}, p99 {} and {}, {:.1} sign-ins/s",
            ms(quiet.percentile(0.5)),
            ms(stormy.percentile(0.5)),
            ms(calm),
            ms(rough),
            storm.rate()
        ),
    }])
}

/// Far more people than can be served: the refusals are timed.
pub fn overload(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(AMOUNTS)?;
    let visitors = Visitors::of(&served);
    // The memory that hashing always holds, and a buffer per connection, is not what grows without bound.
    visitors.storm(&served, bench)?;
    let before = served.server.resident()?;
    let (over, most) = (AtomicBool::new(false), Mutex::new(before));
    let (polite, served_too) = (AtomicBool::new(true), AtomicUsize::new(0));
    let figures = thread::scope(|scope| {
        let watch = scope.spawn(|| -> Result<()> {
            while !over.load(Ordering::Relaxed) {
                let now = served.server.resident()?;
                let mut most = most.lock().map_err(|_| anyhow!("a client panicked"))?;
                *most = most.max(now);
                drop(most);
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        });
        let figures = run_undisturbed(&served.server, &mut [(); FLOOD], bench.lasting(), async |(), connection| {
            let response = connection.send(visitors.next()?).await?;
            if response.status == 503 {
                polite.fetch_and(response.header("retry-after").is_some(), Ordering::Relaxed);
                return Ok(Next::After(RETRY));
            }
            ensure!(response.status == 200, "a sign-in was answered {}", response.status);
            served_too.fetch_add(1, Ordering::Relaxed);
            Ok(Next::Uncounted)
        });
        over.store(true, Ordering::Relaxed);
        watch.join().map_err(|_| anyhow!("the watch panicked"))??;
        figures
    })?;
    let most = *most.lock().map_err(|_| anyhow!("a client panicked"))?;
    let growth = (most - before) / 1e6;
    Ok(vec![Row {
        what: format!("sign-in overload, {FLOOD} at once: p99 of the refusals"),
        figure: figures.percentile(0.99).as_secs_f64() * 1e3,
        unit: " ms",
        must: Goal::AtMost(50.0),
        aim: Goal::AtMost(50.0),
        conditions: vec![
            (String::from("503 with Retry-After"), polite.load(Ordering::Relaxed)),
            (format!("RSS grew by {growth:.1} MB (< 32)"), growth < 32.0),
        ],
        beside: format!(
            "{}, {} refused and {} signed in, {:.1} sign-ins/s",
            times(&figures),
            figures.steps,
            served_too.load(Ordering::Relaxed),
            served_too.load(Ordering::Relaxed) as f64 / figures.wall
        ),
    }])
}
