//! `auther admin outbox`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::flags::PageFlags;
use super::output::{Failure, Output, list, text};
use super::remote::{Call, Remote};

/// What can be done with deliveries that are not done.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List deliveries that wait or were given up, newest first
    #[command(after_help = "Example:\n  auther admin outbox list --state dead")]
    List(ListArgs),
    /// Try a delivery again now
    Retry(OneArgs),
    /// Delete a delivery: it is not done
    Delete(OneArgs),
}

/// `outbox list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only those that wait for their next try, or only those that were given up
    #[arg(long, value_name = "STATE", value_parser = ["waiting", "dead"])]
    state: Option<String>,
    /// Only those of this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only those about this identifier
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    #[command(flatten)]
    page: PageFlags,
}

/// Names a delivery by its id.
#[derive(Args, Debug)]
pub struct OneArgs {
    /// Its id (dlv_…)
    delivery: String,
}

impl OutboxCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::List(args) => {
                let call = Call::get(["outbox"]).page(&args.page).query("state", args.state);
                let call = call.query("kind", args.kind).query("target", args.target);
                output.show(&remote.call(call)?, deliveries)
            }
            Self::Retry(OneArgs { delivery }) => {
                let answer = remote.call(Call::post(["outbox", &delivery, "retry"]))?;
                output.show(&answer, |answer| format!("{} is tried again.", text(answer, "id")))
            }
            Self::Delete(OneArgs { delivery }) => {
                let answer = remote.call(Call::delete(["outbox", &delivery]))?;
                output.show(&answer, |answer| format!("Deleted {}: it is not delivered.", text(answer, "id")))
            }
        }
    }
}

fn deliveries(document: &Value) -> String {
    let columns = [
        ("ID", "id"),
        ("KIND", "kind"),
        ("TARGET", "target"),
        ("STATE", "state"),
        ("TRIES", "attempts"),
        ("NEXT TRY", "due_at"),
        ("LAST ERROR", "error"),
    ];
    list(document, &columns, "Nothing waits in the outbox.")
}
