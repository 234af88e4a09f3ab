//! `auther admin key`.

use clap::{Args, Subcommand};

use super::flags::one_of;
use super::output::{Failure, Output, list, text};
use super::remote::{Call, Remote};
use crate::http::admin::keys::KeyRotation;
use crate::records::Algorithm;

/// What can be done with token-signing keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List keys with their age and state
    List,
    /// Sign with the key that is published ahead, and publish the one after it
    #[command(after_help = "Examples:\n  auther admin key rotate\n  auther admin key rotate --alg ES256\n\n\
        Rotation happens by itself; tokens signed before go on verifying.")]
    Rotate(RotateArgs),
    /// Stop publishing a key: tokens it signed no longer verify
    #[command(
        after_help = "For a key that others may have got hold of. If it is the one that signs, the next takes over at once."
    )]
    Retire(RetireArgs),
}

/// `key rotate`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// Only keys of this algorithm
    #[arg(long, value_name = "ALG", value_parser = one_of::<Algorithm>())]
    alg: Option<Algorithm>,
}

/// `key retire`.
#[derive(Args, Debug)]
pub struct RetireArgs {
    /// The key's `kid`
    kid: String,
}

impl KeyCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::List => output.show(&remote.call(Call::get(["keys"]))?, keys),
            Self::Rotate(args) => {
                let call = Call::post(["keys", "rotate"]).body(&KeyRotation { alg: args.alg });
                output.show(&remote.call(call)?, keys)
            }
            Self::Retire(args) => {
                let answer = remote.call(Call::post(["keys", &args.kid, "retire"]))?;
                output.show(&answer, |answer| format!("Retired {}.", text(answer, "kid")))
            }
        }
    }
}

fn keys(document: &serde_json::Value) -> String {
    let columns = [
        ("KID", "kid"),
        ("ALG", "alg"),
        ("STATE", "state"),
        ("CREATED", "created_at"),
        ("ACTIVATED", "activated_at"),
        ("RETIRED", "retired_at"),
    ];
    list(document, &columns, "No key yet.")
}
