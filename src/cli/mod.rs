//! The command line: a client of the admin API, and the way to start the server.
//!
//! May use: every floor, and `serve` beside it. The only place that prints to standard output. Start reading at
//! [`tree`] (what can be typed), then [`remote`] (how a command reaches the server, or becomes one for a moment). One
//! file per noun.

mod api_key;
mod audit;
mod backup;
mod check;
mod client;
mod config;
mod doctor;
mod entry;
mod fields;
mod flags;
mod group;
mod input;
mod key;
mod model;
mod outbox;
mod output;
mod policy;
mod remote;
mod secret;
mod serving;
mod session;
mod tree;
mod tuple;
mod user;
mod user_sign_in;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use serde_json::json;

use crate::config::{Environment, Loaded, Log, LogFormat, Mistakes, Overrides, SYSTEM_FILE, load};
use crate::oauth::clients;
use crate::serve::telemetry;
use flags::{Paths, ServeFlags};
use output::{Failure, Output};
use remote::Remote;
use tree::{AdminArgs, AdminCommand, Auther, Command, HealthcheckArgs};

/// Does what the arguments say, the program's name first. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    crate::serve::install_crypto_provider();
    let arguments: Vec<OsString> = arguments.collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let auther = match Auther::try_parse_from(&arguments) {
        Ok(auther) => auther,
        Err(error) => return refuse_usage(&error, json),
    };
    let done = dispatch(auther);
    telemetry::flush();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            Output { json }.fail(&failure);
            failure.exit()
        }
    }
}

/// Help and version are answers; the rest is a mistake in what was typed.
fn refuse_usage(error: &clap::Error, json: bool) -> ExitCode {
    let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_answer || !json {
        // With the terminal gone there is nobody left to tell.
        let _ = error.print();
        return if is_answer { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let failure = Failure::usage("usage", line);
    Output { json }.fail(&failure);
    failure.exit()
}

fn dispatch(auther: Auther) -> Result<(), Failure> {
    let bare = auther.serve;
    match auther.command {
        None => serving::serve(overrides(bare)),
        Some(Command::Serve(flags)) => serving::serve(overrides(merged(bare, flags))),
        Some(Command::Healthcheck(args)) => healthcheck(bare.paths, args),
        Some(Command::Config(args)) => {
            let loaded = configuration(&overrides(merged(bare, args.flags)))?;
            args.command.run(&loaded, Output { json: args.json })
        }
        Some(Command::Admin(_)) if bare.serves() => {
            Err(Failure::usage("usage", "--listen, --issuer and --tls belong to `auther serve`."))
        }
        Some(Command::Admin(args)) => admin(bare.paths, *args),
    }
}

fn healthcheck(bare: Paths, args: HealthcheckArgs) -> Result<(), Failure> {
    let ready = Remote::new(located(bare, args.paths)?).ready()?;
    Output { json: args.json }.show(&json!({"status": ready}), |_| ready.clone())
}

/// The configuration that names the files; paths behind the command win over those before it.
fn located(bare: Paths, behind: Paths) -> Result<Loaded, Failure> {
    let (config, data) = (behind.config.or(bare.config), behind.data.or(bare.data));
    configuration(&Overrides { config, data, ..overrides(ServeFlags::default()) })
}

fn admin(bare: Paths, args: AdminArgs) -> Result<(), Failure> {
    let loaded = located(bare, args.paths)?;
    if !args.json {
        // Without a server the API runs in this process: faults of it are told here and nowhere else.
        telemetry::start(&Log { format: LogFormat::Text, level: String::from("error") });
    }
    let (remote, output) = (Remote::new(loaded), Output { json: args.json });
    match args.command {
        AdminCommand::SetupLink => entry::setup_link(&remote, output),
        AdminCommand::Recover(args) => entry::recover(args, &remote, output),
        AdminCommand::Ca => entry::ca(&remote, output),
        AdminCommand::User(command) => command.run(&remote, output),
        AdminCommand::Client(command) => command.run(&remote, output),
        AdminCommand::Group(command) => command.run(&remote, output),
        AdminCommand::Model(command) => command.run(&remote, output),
        AdminCommand::Policy(command) => command.run(&remote, output),
        AdminCommand::Tuple(command) => command.run(&remote, output),
        AdminCommand::Check(args) => args.run(&remote, output),
        AdminCommand::Key(command) => command.run(&remote, output),
        AdminCommand::ApiKey(command) => command.run(&remote, output),
        AdminCommand::Session(command) => command.run(&remote, output),
        AdminCommand::Audit(command) => command.run(&remote, output),
        AdminCommand::Outbox(command) => command.run(&remote, output),
        AdminCommand::Backup(command) => command.run(&remote, output),
        AdminCommand::Doctor => doctor::examine(&remote, output),
    }
}

/// What stands behind the command wins over what stands before it.
fn merged(before: ServeFlags, behind: ServeFlags) -> ServeFlags {
    ServeFlags {
        paths: Paths {
            config: behind.paths.config.or(before.paths.config),
            data: behind.paths.data.or(before.paths.data),
        },
        listen: if behind.listen.is_empty() { before.listen } else { behind.listen },
        issuer: behind.issuer.or(before.issuer),
        tls: behind.tls.or(before.tls),
    }
}

fn overrides(flags: ServeFlags) -> Overrides {
    Overrides {
        config: flags.paths.config,
        system_file: Some(PathBuf::from(SYSTEM_FILE)),
        data: flags.paths.data,
        listen: flags.listen,
        issuer: flags.issuer,
        tls: flags.tls,
        client_rules: Some(clients::mistakes),
    }
}

fn configuration(overrides: &Overrides) -> Result<Loaded, Failure> {
    load(overrides, &Environment::of_process(), Path::new("")).map_err(|mistakes| wrong_configuration(&mistakes))
}

fn wrong_configuration(mistakes: &Mistakes) -> Failure {
    Failure::usage("configuration", format!("the configuration is wrong.\n{mistakes}"))
}

#[cfg(test)]
mod tests;
