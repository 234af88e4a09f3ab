//! `auther admin session`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::flags::{PageFlags, SortFlag};
use super::output::{Failure, Output, list, text};
use super::remote::{Call, Remote};
use super::user::ended;

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List sessions, newest first
    List(ListArgs),
    /// End a session, or all of a person, and the tokens that came from it
    #[command(after_help = "Examples:\n  \
        auther admin session revoke ses_06gvo7mf9cccritumit58h7qu0\n  \
        auther admin session revoke --user ann@example.com")]
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
    #[command(flatten)]
    sort: SortFlag,
    #[command(flatten)]
    page: PageFlags,
}

/// `session revoke`.
#[derive(Args, Debug)]
pub struct RevokeArgs {
    /// The session's id
    #[arg(required_unless_present = "user")]
    session: Option<String>,
    /// Sign this person out everywhere: e-mail address, username or id
    #[arg(long, value_name = "PERSON", conflicts_with = "session")]
    user: Option<String>,
}

impl SessionCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::List(args) => {
                let call = Call::get(["sessions"]).page(&args.page).sort(args.sort);
                let call = call.query("user", args.user).query("client", args.client);
                output.show(&remote.call(call)?, sessions)
            }
            Self::Revoke(RevokeArgs { user: Some(user), .. }) => {
                let answer = remote.call(Call::delete(["users", &user, "sessions"]))?;
                output.show(&answer, |answer| {
                    format!("Signed {} out everywhere; {}.", text(answer, "email"), ended(answer))
                })
            }
            Self::Revoke(args) => {
                let answer = remote.call(Call::delete(["sessions", &args.session.unwrap_or_default()]))?;
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
