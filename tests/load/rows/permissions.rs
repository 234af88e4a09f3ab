//! What questions about permissions cost, over HTTP and in this process.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use auther::access::check::{check, check_many};
use auther::store::{Options, Store};

use super::super::graph::{self, DOCUMENT, Graph, question};
use super::super::http::{self, Connection, Response};
use super::super::run::{Figures, Next, run};
use super::super::seed::{self, Amounts};
use super::super::table::{Goal, Row};
use super::super::{Bench, Served, machine, server};
use super::{in_r, times};

/// Clients at once.
const CLIENTS: usize = 8;

/// Questions of a batch.
const BATCH: usize = 100;

/// Tuples where there are few.
const FEW: usize = 1000;

/// Questions before a measurement: the server may take the tuples into memory once it is asked often.
const WARMING: usize = 200;

/// The goals of questions per CPU second.
type Goals = (f64, f64);

/// A server over many tuples that has been asked before, and what to ask.
fn served(bench: &Bench) -> Result<(Served, Graph)> {
    let tuples = bench.many();
    let served = bench.serve(Amounts { people: people(tuples), tuples, ..Amounts::default() })?;
    let graph = served.seeded.graph.clone().context("no tuples were written")?;
    http::drive(http::PATIENCE, async {
        let mut connection = Connection::open(served.server.address).await?;
        let mut chance = 7;
        for _ in 0..WARMING {
            let (person, document) = graph.drawn(&mut chance);
            let body = single(person.as_str(), "view", &document);
            connection.expect(&ask(&served, &graph, "check-permission", &body), 200).await?;
        }
        Ok(())
    })?;
    served.server.await_rest()?;
    Ok((served, graph))
}

fn people(tuples: usize) -> usize {
    (tuples / 100).max(1000)
}

fn ask(served: &Served, graph: &Graph, path: &str, body: &str) -> Vec<u8> {
    let key = format!("x-api-key: {}\r\n", graph.key);
    http::post(&served.server.host, &format!("/api/auth/{path}"), &key, "application/json", body)
}

fn single(person: &str, permission: &str, document: &str) -> String {
    format!(
        "{{\"subject\":{{\"type\":\"user\",\"id\":\"{person}\"}},\"permission\":\"{permission}\",\
         \"entityType\":\"{DOCUMENT}\",\"entityId\":\"{document}\"}}"
    )
}

fn is_allowed(response: &Response) -> bool {
    response.body.windows(14).any(|window| window == b"\"allowed\":true")
}

/// One question per request, a hundred per request about one person, a hundred about as many people.
pub fn over_http(bench: &Bench) -> Result<Vec<Row>> {
    let (served, graph) = served(bench)?;
    let load = |request: &dyn Fn(&mut u64) -> Vec<u8>| {
        run(&served.server, &mut seeds(), bench.lasting(), async |chance, connection| {
            connection.expect(&request(chance), 200).await?;
            Ok(Next::Again)
        })
    };
    let one = load(&|chance| {
        let (person, document) = graph.drawn(chance);
        let body = single(person.as_str(), "view", &document);
        ask(&served, &graph, "check-permission", &body)
    })?;
    let listed = load(&|chance| {
        let (person, documents) = graph.drawn_many(chance, BATCH);
        let ids = documents.join("\",\"");
        let body = format!(
            "{{\"subject\":{{\"type\":\"user\",\"id\":\"{person}\"}},\"permission\":\"view\",\
             \"entityType\":\"{DOCUMENT}\",\"entityIds\":[\"{ids}\"]}}"
        );
        ask(&served, &graph, "check-permission/batch", &body)
    })?;
    let mixed = load(&|chance| {
        let drawn: Vec<_> = (0..BATCH).map(|_| graph.drawn(chance)).collect();
        let checks: Vec<_> = drawn.iter().map(|(who, what)| single(who.as_str(), "view", what)).collect();
        let body = format!("{{\"checks\":[{}]}}", checks.join(","));
        ask(&served, &graph, "check-permission/batch", &body)
    })?;
    let memory = served.server.resident()? / 1e6;
    let tuples = bench.many();
    let mut first =
        per_cpu_second(&format!("permission checks over HTTP, {tuples} tuples, depth 3"), &one, 1, (40e3, 70e3));
    first.beside.push_str(&format!(", RSS {memory:.0} MB"));
    Ok(vec![
        first,
        per_cpu_second("the same, batches of 100 objects for one subject", &listed, BATCH, (200e3, 500e3)),
        per_cpu_second("the same, batches of 100 checks of 100 subjects", &mixed, BATCH, (200e3, 500e3)),
    ])
}

fn seeds() -> Vec<u64> {
    (1..=CLIENTS as u64).collect()
}

fn per_cpu_second(what: &str, figures: &Figures, each: usize, goals: Goals) -> Row {
    let cost = figures.cpu_per_step() / each as f64;
    let beside = format!("{}, {:.0} requests/s", times(figures), figures.rate());
    rate(what, cost, figures.r, goals, &beside)
}

/// R in seconds where the goals per CPU second were set: rates are stated for a machine of that speed, as all others
/// are in R.
const REFERENCE_R: f64 = 440e-6;

/// A row of questions per CPU second from the CPU seconds of one.
fn rate(what: &str, cost: f64, r: f64, (must, aim): Goals, beside: &str) -> Row {
    let mut row = Row {
        what: what.to_owned(),
        figure: r / (cost * REFERENCE_R),
        unit: " per CPU-s of R = 440 µs",
        must: Goal::AtLeast(must),
        aim: Goal::AtLeast(aim),
        conditions: Vec::new(),
        beside: format!(
            "{:.2} µs = {:.4} R each, {:.0} per CPU-s here, R {:.0} µs",
            cost * 1e6,
            cost / r,
            1.0 / cost,
            r * 1e6
        ),
    };
    if !beside.is_empty() {
        row.beside.push_str(&format!(", {beside}"));
    }
    row
}

/// The library alone: questions of one thread, over few and many tuples.
pub fn in_process(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for tuples in [FEW, bench.many()] {
        let folder = bench.folder()?;
        let path = folder.path().join(server::DATA);
        let seeded = seed::seed(&path, Amounts { people: people(tuples), tuples, ..Amounts::default() })?;
        let graph = seeded.graph.context("no tuples were written")?;
        let store = Store::open(&path, &Options::default())?;
        let goals = (90e3, 1e6);
        let what = format!("permission checks in process, {tuples} tuples");
        let (cost, r) = alone(bench, &store, &graph, Kind::Single)?;
        rows.push(rate(&format!("{what}, depth 3"), cost, r, goals, "one at a time"));
        let (cost, r) = alone(bench, &store, &graph, Kind::Batch)?;
        rows.push(rate(&format!("{what}, {BATCH} objects for one subject"), cost / BATCH as f64, r, goals, ""));
        let (cost, r) = alone(bench, &store, &graph, Kind::Deep)?;
        let mut deep = rate(&format!("{what}, below 20 parents"), cost, r, goals, "20 parents, then a group");
        (deep.must, deep.aim) = (Goal::None, Goal::None);
        rows.push(deep);
    }
    Ok(rows)
}

#[derive(Clone, Copy)]
enum Kind {
    Single,
    Batch,
    Deep,
}

/// CPU seconds of one call, and of one signature meanwhile.
fn alone(bench: &Bench, store: &Store, graph: &Graph, kind: Kind) -> Result<(f64, f64)> {
    let cx = graph::operation(store)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut chance = 1;
    let mut some = |calls: usize| -> Result<usize> {
        runtime.block_on(async {
            let mut allowed = 0;
            for _ in 0..calls {
                let decisions = match kind {
                    Kind::Single => {
                        let (person, document) = graph.drawn(&mut chance);
                        vec![check(&cx, &question(person, "view", &document)).await]
                    }
                    Kind::Deep => {
                        let (person, document) = graph.deep();
                        vec![check(&cx, &question(person, "view", &document)).await]
                    }
                    Kind::Batch => {
                        let (person, documents) = graph.drawn_many(&mut chance, BATCH);
                        let questions: Vec<_> = documents.iter().map(|id| question(person, "view", id)).collect();
                        check_many(&cx, &questions).await?
                    }
                };
                for decision in decisions {
                    allowed += usize::from(decision?.allowed);
                }
            }
            Ok(allowed)
        })
    };
    some(WARMING)?;
    machine::await_rest()?;
    let (begun, mut cpu, mut calls, mut allowed, mut signatures) = (machine::start(), Duration::ZERO, 0, 0, Vec::new());
    while begun.elapsed() < bench.lasting() {
        let before = machine::thread_cpu()?;
        allowed += some(500)?;
        cpu += machine::thread_cpu()? - before;
        calls += 500;
        signatures.push(machine::one_signature(&bench.key)?);
    }
    ensure!(allowed > calls / 2, "of {calls} calls {allowed} questions were allowed");
    let r = signatures.iter().sum::<Duration>().as_secs_f64() / signatures.len().max(1) as f64;
    Ok((cpu.as_secs_f64() / f64::from(u32::try_from(calls)?), r))
}

/// A question of a machine about itself, with its key, on a tuple of its own.
pub fn api_key_check(bench: &Bench) -> Result<Vec<Row>> {
    let (served, graph) = served(bench)?;
    let document = graph.of_the_key();
    let body = format!("{{\"permission\":\"view\",\"entityType\":\"{DOCUMENT}\",\"entityId\":\"{document}\"}}");
    let request = ask(&served, &graph, "check-permission", &body);
    let figures = repeat(bench, &served, &request, |response| {
        ensure!(is_allowed(response), "the key may not view its document");
        Ok(())
    })?;
    Ok(in_r("API-key check (direct tuple)", &figures, 0.06, 0.04))
}

/// A key for a token that can be verified without asking.
pub fn exchange(bench: &Bench) -> Result<Vec<Row>> {
    let (served, graph) = served(bench)?;
    let request = ask(&served, &graph, "api-key/exchange", "{}");
    let figures = repeat(bench, &served, &request, |_| Ok(()))?;
    Ok(vec![without_goal("API-key exchange (a signature and a durable audit row)", &figures)])
}

/// A permission whose policy is asked.
pub fn policy(bench: &Bench) -> Result<Vec<Row>> {
    let (served, graph) = served(bench)?;
    let figures = run(&served.server, &mut seeds(), bench.lasting(), async |chance, connection| {
        let (person, document) = graph.drawn(chance);
        let body = single(person.as_str(), "pay", &document);
        let body = body.replacen('{', "{\"resource\":{\"attributes\":{\"amount\":500}},", 1);
        connection.expect(&ask(&served, &graph, "check-permission", &body), 200).await?;
        Ok(Next::Again)
    })?;
    Ok(vec![without_goal("permission check with a Lua policy", &figures)])
}

/// What a person may view, the first hundred of it.
pub fn list_objects(bench: &Bench) -> Result<Vec<Row>> {
    let (served, graph) = served(bench)?;
    let figures = run(&served.server, &mut seeds(), bench.lasting(), async |chance, connection| {
        let (person, _) = graph.drawn(chance);
        let body = format!(
            "{{\"subject\":{{\"type\":\"user\",\"id\":\"{person}\"}},\"permission\":\"view\",\"entityType\":\"{DOCUMENT}\"}}"
        );
        connection.expect(&ask(&served, &graph, "list-objects", &body), 200).await?;
        Ok(Next::Again)
    })?;
    Ok(vec![without_goal("list-objects, a page of 100 of about 400", &figures)])
}

fn repeat(bench: &Bench, served: &Served, request: &[u8], look: impl Fn(&Response) -> Result<()>) -> Result<Figures> {
    run(&served.server, &mut [(); CLIENTS], bench.lasting(), async |(), connection| {
        look(&connection.expect(request, 200).await?)?;
        Ok(Next::Again)
    })
}

fn without_goal(what: &str, figures: &Figures) -> Row {
    let mut rows = in_r(what, figures, f64::INFINITY, f64::INFINITY);
    let mut row = rows.remove(0);
    (row.must, row.aim) = (Goal::None, Goal::None);
    row
}
