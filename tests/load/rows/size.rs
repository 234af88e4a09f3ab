//! How soon it is there, and how much room it takes.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::seed::{self, Amounts};
use super::super::table::{Goal, Row};
use super::super::{Bench, http, machine, server};
use super::ms;

/// Rows in the file that is opened.
const ROWS: usize = 100_000;

/// People in the file of an idle server.
const PEOPLE: usize = 1000;

/// From the start of the process to the first 200, over a file with many rows, after an orderly stop.
pub fn start(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.folder()?;
    seed::seed(&folder.path().join(server::DATA), Amounts { people: ROWS, ..Amounts::default() })?;
    let mut first = bench.start(folder.path())?;
    first.await_keys()?;
    first.stop()?;
    let mut took = Vec::new();
    for _ in 0..9 {
        let begun = machine::start();
        let server = bench.start(folder.path())?;
        took.push(begun.elapsed());
        server.stop()?;
    }
    let middle = machine::median(&mut took);
    let (least, most) = (took.first().copied().unwrap_or_default(), took.last().copied().unwrap_or_default());
    Ok(vec![Row {
        what: format!("start with an existing file ({ROWS} rows) to the first 200"),
        figure: middle.as_secs_f64() * 1e3,
        unit: " ms",
        must: Goal::AtMost(150.0),
        aim: Goal::AtMost(50.0),
        conditions: Vec::new(),
        beside: format!("median of {}; least {}, most {}", took.len(), ms(least), ms(most)),
    }])
}

/// Resident memory when it has served a little and rests.
pub fn memory(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(Amounts { people: PEOPLE, signed_in: PEOPLE, ..Amounts::default() })?;
    http::drive(http::PATIENCE, async {
        let mut connection = http::Connection::open(served.server.address).await?;
        for _ in 0..200 {
            connection.expect(&http::get(&served.server.host, "/api/auth/jwks", ""), 200).await?;
            connection.expect(&served.server.client_credentials("machine-rs256"), 200).await?;
        }
        Ok(())
    })?;
    std::thread::sleep(Duration::from_secs(1));
    Ok(vec![Row {
        what: format!("RSS idle, {PEOPLE} users"),
        figure: served.server.resident()? / 1e6,
        unit: " MB",
        must: Goal::AtMost(40.0),
        aim: Goal::AtMost(20.0),
        conditions: Vec::new(),
        beside: String::from("after 400 requests"),
    }])
}

/// The file that is shipped.
pub fn binary(bench: &Bench) -> Result<Vec<Row>> {
    let bytes = std::fs::metadata(bench.binary())?.len();
    ensure!(bytes > 0, "the binary is empty");
    Ok(vec![Row {
        what: String::from("binary, stripped, pages embedded"),
        figure: bytes as f64 / 1e6,
        unit: " MB",
        must: Goal::AtMost(25.0),
        aim: Goal::AtMost(15.0),
        conditions: Vec::new(),
        beside: String::from("all assets inside"),
    }])
}
