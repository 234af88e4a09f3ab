//! `auther config`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Failure, Output, say};
use super::tree::ServeFlags;
use crate::config::{self, Loaded};

/// `auther config`: takes the flags of `serve`, so that one can see what they would do.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// What `serve` would be given.
    #[command(flatten)]
    pub flags: ServeFlags,
    /// Print exactly one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What can be done with the configuration.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting, its value and where the value comes from
    Show,
    /// Say whether the configuration is right; every mistake with its place otherwise
    Check,
}

impl ConfigCommand {
    /// Does it with a configuration that was found right.
    pub fn run(self, loaded: &Loaded, output: Output) -> Result<(), Failure> {
        match self {
            Self::Show if output.json => output.show(&config::document(loaded), Value::to_string),
            Self::Show => say(config::table(loaded).trim_end()),
            Self::Check => {
                let file = loaded.file.as_ref().map(|file| file.display().to_string());
                let document = json!({"ok": true, "file": file});
                output.show(&document, |_| match file {
                    Some(file) => format!("The configuration is right ({file})."),
                    None => String::from("The configuration is right (no file)."),
                })
            }
        }
    }
}
