//! The disk, and what many rows do.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow};
use auther::base::id::{SessionId, TenantId};
use auther::base::{Clock, clock::SystemClock, entropy::OsEntropy};
use auther::records::Session;
use auther::store::{Options, Store, Tx, rows};
use serde_json::json;

use super::super::Bench;
use super::super::graph::{self, DOCUMENT};
use super::super::http;
use super::super::machine;
use super::super::run::{Figures, Next, run};
use super::super::seed::{APP, Amounts, Person, lone_session};
use super::super::server;
use super::super::table::{Goal, Row};
use super::{ms, times};

/// Writers at once.
const WRITERS: usize = 128;

/// People where there are few.
const FEW: usize = 1000;

/// Clients at once over many rows.
const CLIENTS: usize = 16;

/// A session with its indexes, made durable: the library's store alone, one after the other.
pub fn single(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.folder()?;
    let store = Store::open(&folder.path().join(server::DATA), &Options::default())?;
    let units = bench.units()?;
    let mut took = one_at_a_time(&store, bench.lasting())?;
    took.sort_unstable();
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    let p50 = machine::median(&mut took);
    let alone = machine::median(&mut engine_alone(&folder.path().join("alone.redb"), bench.lasting() / 2)?);
    Ok(vec![Row {
        what: String::from("durable single write (a session and its indexes)"),
        figure: p50.as_secs_f64() / units.f,
        unit: " F",
        must: Goal::AtMost(5.0),
        aim: Goal::AtMost(3.0),
        conditions: Vec::new(),
        beside: format!(
            "p50 {}, p99 {}, F {:.0} µs; redb alone, with rows of this size in the same mode: {:.1} F",
            ms(p50),
            ms(p99),
            units.f * 1e6,
            alone.as_secs_f64() / units.f
        ),
    }])
}

/// The same, from many threads at once, against one at a time.
pub fn group(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.folder()?;
    let store = Store::open(&folder.path().join(server::DATA), &Options::default())?;
    let alone = one_at_a_time(&store, bench.lasting())?;
    let alone = alone.len() as f64 / alone.iter().sum::<Duration>().as_secs_f64();
    let (stop, commits, model) = (AtomicBool::new(false), store.commits(), lone_session()?);
    let begun = machine::start();
    // As in the server: one thread, many waiting operations.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let written = runtime.block_on(async {
        let writer = async || -> Result<u64> {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                store.write(insert(&model)).await?;
                count += 1;
            }
            Ok(count)
        };
        let writers = futures_util::future::join_all((0..WRITERS).map(|_| writer()));
        let bell = async {
            tokio::time::sleep(bench.lasting()).await;
            stop.store(true, Ordering::Relaxed);
        };
        let (written, ()) = tokio::join!(writers, bell);
        written.into_iter().sum::<Result<u64>>()
    })?;
    let together = written as f64 / begun.elapsed().as_secs_f64();
    let per_commit = written as f64 / (store.commits() - commits).max(1) as f64;
    Ok(vec![Row {
        what: format!("durable writes/s with {WRITERS} writers, against one at a time"),
        figure: together / alone,
        unit: "×",
        must: Goal::AtLeast(20.0),
        aim: Goal::AtLeast(50.0),
        conditions: Vec::new(),
        beside: format!("{together:.0}/s against {alone:.0}/s, {per_commit:.0} writes per commit"),
    }])
}

/// The transaction that is measured: a new session and its indexes.
fn insert(model: &Session) -> impl Fn(&mut Tx) -> Result<(), auther::store::Error> + Send + 'static {
    let mut session = model.clone();
    session.id = SessionId::new(SystemClock.now(), &OsEntropy);
    move |tx| rows::sessions::put(tx, TenantId::DEFAULT, None, &session)
}

fn write_one(store: &Store, model: &Session) -> Result<()> {
    Ok(store.write_blocking(insert(model))?)
}

fn one_at_a_time(store: &Store, lasting: Duration) -> Result<Vec<Duration>> {
    let (model, begun, mut took) = (lone_session()?, machine::start(), Vec::new());
    while begun.elapsed() < lasting {
        let before = machine::start();
        write_one(store, &model)?;
        took.push(before.elapsed());
    }
    Ok(took)
}

/// What the engine takes by itself for three rows like those of a session, in two phases and with quick repair: the
/// least that the write above can take on this disk.
fn engine_alone(file: &Path, lasting: Duration) -> Result<Vec<Duration>> {
    let database = redb::Database::create(file)?;
    let (begun, mut took) = (machine::start(), Vec::new());
    while begun.elapsed() < lasting {
        let key = format!("session {:020}", took.len());
        let before = machine::start();
        let mut transaction = database.begin_write()?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        for (table, length) in [("sessions", 313), ("sessions_by_user", 0), ("expiry", 0)] {
            let table = redb::TableDefinition::<&[u8], &[u8]>::new(table);
            transaction.open_table(table)?.insert(key.as_bytes(), &vec![b'x'; length][..])?;
        }
        transaction.commit()?;
        took.push(before.elapsed());
    }
    Ok(took)
}

/// People who act one after the other on the same connection.
struct Crowd {
    people: Vec<Person>,
    chance: u64,
}

impl Crowd {
    /// Somebody, the same in every run.
    fn somebody(&mut self) -> Option<&mut Person> {
        let place = graph::draw(&mut self.chance, self.people.len());
        self.people.get_mut(place)
    }
}

/// Refresh, userinfo, introspection, get-session and a permission check for people drawn at random, over few and over
/// many rows.
pub fn many_rows(bench: &Bench) -> Result<Vec<Row>> {
    let few = mixed(bench, FEW)?;
    let many = mixed(bench, bench.many())?;
    Ok(vec![Row {
        what: format!("CPU per request with {} users, sessions, token families and tuples against {FEW}", bench.many()),
        figure: (many.cpu_per_step() / many.r) / (few.cpu_per_step() / few.r),
        unit: "×",
        must: Goal::AtMost(1.5),
        aim: Goal::AtMost(1.2),
        conditions: Vec::new(),
        beside: format!(
            "{:.2} R against {:.2} R for a refresh, a userinfo, an introspection, a get-session and a permission check; {}",
            many.cpu_per_step() / many.r,
            few.cpu_per_step() / few.r,
            times(&many)
        ),
    }])
}

fn mixed(bench: &Bench, people: usize) -> Result<Figures> {
    let served = bench.serve(Amounts { people, signed_in: people, tuples: people, ..Amounts::default() })?;
    let graph = served.seeded.graph.clone().ok_or_else(|| anyhow!("no tuples were written"))?;
    let host = &served.server.host;
    let mut crowds: Vec<Crowd> = Vec::with_capacity(CLIENTS);
    for (number, chunk) in served.seeded.people.chunks(people.div_ceil(CLIENTS)).enumerate() {
        crowds.push(Crowd { people: chunk.to_vec(), chance: number as u64 });
    }
    run(&served.server, &mut crowds, bench.lasting(), async |crowd, connection| {
        let person = crowd.somebody().ok_or_else(|| anyhow!("nobody is there"))?;
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", &person.refresh), ("scope", "openid profile")];
        let response = connection.expect(&served.server.token_request(APP, &pairs), 200).await?;
        person.refresh = response.member("refresh_token")?.to_owned();
        let token = response.member("access_token")?;
        let bearer = format!("authorization: Bearer {token}\r\n");
        connection.expect(&http::get(host, "/api/auth/oauth2/userinfo", &bearer), 200).await?;
        let inspect = http::form(host, "/api/auth/oauth2/introspect", &server::basic(APP), &[("token", token)]);
        connection.expect(&inspect, 200).await?;
        let cookie = format!("cookie: auther_session={}\r\n", person.session);
        connection.expect(&http::get(host, "/api/auth/get-session", &cookie), 200).await?;
        let (person, document) = graph.drawn(&mut crowd.chance);
        let body = json!({
            "subject": {"type": "user", "id": person}, "permission": "view", "entityType": DOCUMENT, "entityId": document,
        });
        let key = format!("x-api-key: {}\r\n", graph.key);
        let check = http::post(host, "/api/auth/check-permission", &key, "application/json", &body.to_string());
        connection.expect(&check, 200).await?;
        Ok(Next::Again)
    })
}
