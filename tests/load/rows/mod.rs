//! The rows of the table, in its order. Each takes a [`Bench`] and gives what it measured.

mod permissions;
mod reads;
mod sign_in;
mod size;
mod store;
mod tokens;

use std::time::Duration;

use anyhow::Result;

use super::Bench;
use super::run::Figures;
use super::table::{Goal, Row};

/// Measures; most give one row.
pub type Measure = fn(&Bench) -> Result<Vec<Row>>;

/// Every row by the name that `--only` takes.
pub const ALL: &[(&str, Measure)] = &[
    ("client-credentials-rs256", tokens::client_credentials_rs256),
    ("client-credentials-es256", tokens::client_credentials_es256),
    ("refresh", tokens::refresh),
    ("code-exchange", tokens::code_exchange),
    ("discovery", reads::discovery),
    ("jwks", reads::jwks),
    ("introspection", reads::introspection),
    ("userinfo", reads::userinfo),
    ("sign-in-flow", tokens::sign_in_flow),
    ("password-sign-ins", sign_in::share_of_argon),
    ("static-in-a-storm", sign_in::static_in_a_storm),
    ("sign-in-overload", sign_in::overload),
    ("permission-check", permissions::over_http),
    ("check-in-process", permissions::in_process),
    ("list-objects", permissions::list_objects),
    ("api-key-check", permissions::api_key_check),
    ("exchange", permissions::exchange),
    ("policy", permissions::policy),
    ("durable-write", store::single),
    ("group-commit", store::group),
    ("many-rows", store::many_rows),
    ("start", size::start),
    ("memory", size::memory),
    ("binary", size::binary),
];

/// A row of CPU per request in R.
fn in_r(what: &str, figures: &Figures, must: f64, aim: f64) -> Vec<Row> {
    vec![Row {
        what: what.to_owned(),
        figure: figures.cpu_per_step() / figures.r,
        unit: " R",
        must: Goal::AtMost(must),
        aim: Goal::AtMost(aim),
        conditions: Vec::new(),
        beside: format!(
            "{}, {:.0}/s, CPU {:.0} µs, R {:.0} µs",
            times(figures),
            figures.rate(),
            figures.cpu_per_step() * 1e6,
            figures.r * 1e6
        ),
    }]
}

fn times(figures: &Figures) -> String {
    format!("p50 {}, p99 {}", ms(figures.percentile(0.5)), ms(figures.percentile(0.99)))
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
