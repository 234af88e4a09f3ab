//! The load benchmark: the real server on loopback, measured against the goals of the project. `cargo bench --bench
//! load` runs it; it is no part of the test run.
//!
//! Start reading at [`rows::ALL`]: every row is a function that seeds a data file (`seed`), starts the server
//! (`server`), lets clients loose on it (`run`, `http`) and states the outcome in the units of the machine (`machine`)
//! against a goal (`table`).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod graph;
mod http;
mod machine;
mod rows;
mod run;
mod seed;
mod server;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use auther::crypto::jose::{Algorithm, SigningKey};

use machine::Units;
use seed::{Amounts, Seeded};
use server::Server;

/// As the server has it, for the rows that are measured in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: cargo bench --bench load -- [--quick] [--only NAME]... [--list] [--log-level LEVEL] \
                     [--rows N] [--binary FILE] [--markdown FILE]";

/// What was asked for.
struct Options {
    quick: bool,
    only: Vec<String>,
    list: bool,
    log_level: String,
    many: usize,
    binary: PathBuf,
    markdown: Option<PathBuf>,
}

/// What every row is handed.
pub struct Bench {
    options: Options,
    folder: tempfile::TempDir,
    key: Arc<SigningKey>,
}

impl Bench {
    /// The units of this minute.
    pub fn units(&self) -> Result<Units> {
        Units::measure(&self.key, self.folder.path())
    }

    /// How long one measurement takes.
    pub fn lasting(&self) -> Duration {
        Duration::from_secs(if self.options.quick { 2 } else { 6 })
    }

    /// How many people "many" are.
    pub fn many(&self) -> usize {
        self.options.many
    }

    /// The server under test.
    pub fn binary(&self) -> &Path {
        &self.options.binary
    }

    /// A folder of its own on the disk under test.
    pub fn folder(&self) -> Result<tempfile::TempDir> {
        Ok(tempfile::tempdir_in(self.folder.path())?)
    }

    /// A server over a file with these people, its keys made.
    pub fn serve(&self, amounts: Amounts) -> Result<Served> {
        let folder = self.folder()?;
        let seeded = seed::seed(&folder.path().join(server::DATA), amounts)?;
        let mut server = self.start(folder.path())?;
        server.await_keys()?;
        Ok(Served { server, seeded, _folder: folder })
    }

    /// A server over the file in `folder`.
    pub fn start(&self, folder: &Path) -> Result<Server> {
        Server::start(&self.options.binary, folder, &self.options.log_level, self.key.clone())
    }
}

/// A server and what is in its file.
pub struct Served {
    /// The server.
    pub server: Server,
    /// What its clients may use.
    pub seeded: Seeded,
    /// Goes when the server has gone.
    _folder: tempfile::TempDir,
}

fn main() -> ExitCode {
    match options().and_then(bench) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        quick: false,
        only: Vec::new(),
        list: false,
        log_level: String::from("info"),
        many: 0,
        binary: PathBuf::from(env!("CARGO_BIN_EXE_auther")),
        markdown: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} wants a value; {USAGE}"));
        match word.as_str() {
            // cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => options.quick = true,
            "--list" => options.list = true,
            "--only" => options.only.push(value()?),
            "--log-level" => options.log_level = value()?,
            "--rows" => options.many = value()?.parse().context("--rows wants a number")?,
            "--binary" => options.binary = std::path::absolute(value()?)?,
            "--markdown" => options.markdown = Some(PathBuf::from(value()?)),
            _ => bail!("{word} is not an option; {USAGE}"),
        }
    }
    if options.many == 0 {
        options.many = if options.quick { 100_000 } else { 1_000_000 };
    }
    for name in &options.only {
        ensure!(rows::ALL.iter().any(|(known, _)| known == name), "there is no row {name}; --list names them");
    }
    Ok(options)
}

fn bench(options: Options) -> Result<ExitCode> {
    if options.list {
        rows::ALL.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(ExitCode::SUCCESS);
    }
    if cfg!(debug_assertions) {
        eprintln!(
            "load: this is not a release build: rows that measure in this process mean nothing, nor do any of its own server"
        );
    }
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(base)?;
    let folder = tempfile::tempdir_in(base).context("making a folder")?;
    let facts = machine::facts(folder.path());
    let key = Arc::new(SigningKey::generate(Algorithm::RS256, "unit")?);
    let bench = Bench { options, folder, key };
    let first = bench.units()?;
    let mut rows = Vec::new();
    for (name, row) in rows::ALL {
        if bench.options.only.is_empty() || bench.options.only.iter().any(|only| only == name) {
            eprintln!("{name} …");
            let measured = row(&bench).with_context(|| format!("row {name}"))?;
            measured.iter().for_each(|row| eprintln!("    {}", table::line(row)));
            rows.extend(measured);
        }
    }
    println!("{}", table::plain(&rows));
    let circumstances = format!(
        "R = {:.0} µs, F = {:.0} µs when it began; log level of the server: {} (the default is info); {} measurements",
        first.r * 1e6,
        first.f * 1e6,
        bench.options.log_level,
        if bench.options.quick { "quick" } else { "full" },
    );
    println!("{circumstances}");
    if let Some(path) = &bench.options.markdown {
        std::fs::write(path, table::page(&rows, &facts, &circumstances))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(if rows.iter().all(table::Row::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
