//! `auther admin session`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::{Failure, Output, list, text};
use super::remote::{Call, Remote};
use super::tree::PageFlags;
use super::user::ended;

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List sessions, newest first
    List(ListArgs),
    /// End a session and the tokens that came from it
    Revoke(RevokeArgs),
}

/// `session list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only those of this person: e-mail address, username or id
    #[arg(long)]
    user: Option<String>,
    /// Only those out of which this app got a code: its client_id
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// Which part.
    #[command(flatten)]
    page: PageFlags,
}

/// `session revoke`.
#[derive(Args, Debug)]
pub struct RevokeArgs {
    /// The session's id
    session: String,
}

impl SessionCommand {
    /// Does it.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::List(args) => {
                let call = Call::get(["sessions"]).page(&args.page);
                let call = call.query("user", args.user).query("client", args.client);
                output.show(&remote.call(call)?, sessions)
            }
            Self::Revoke(args) => {
                let answer = remote.call(Call::delete(["sessions", &args.session]))?;
                output.show(&answer, |answer| format!("Revoked {}; {}.", text(answer, "id"), ended(answer)))
            }
        }
    }
}

fn sessions(document: &Value) -> String {
    let columns = [
        ("ID", "id"),
        ("USER", "user"),
        ("SIGNED IN", "auth_time"),
        ("LAST SEEN", "last_seen_at"),
        ("ENDS", "expires_at"),
        ("ADDRESS", "ip"),
    ];
    list(document, &columns, "Nobody is signed in.")
}
