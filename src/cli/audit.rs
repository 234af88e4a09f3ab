//! `auther admin audit`.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::flags::PageFlags;
use super::output::{Failure, Output, items, list, say, text};
use super::remote::{Call, Remote};
use crate::base::Moment;

/// How often `--follow` asks for new rows.
const EVERY: Duration = Duration::from_millis(500);

/// Rows that `--follow` begins with.
const TAIL: u32 = 10;

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List entries, newest first
    #[command(after_help = "Examples:\n  \
        auther admin audit list --action user.sign_in --since 2026-01-31T00:00:00Z\n  \
        auther admin audit list --request req_…\n  \
        auther admin audit list --result failure --search 198.51.100.7\n  \
        auther admin audit list --follow --json\n\n\
        --follow prints the latest entries, oldest first, and then each new one as it comes; with --json one document per line.")]
    List(ListArgs),
    /// Print all entries that fit, newest first: one JSON document per line
    #[command(after_help = "Example:\n  auther admin audit export --since 2026-01-01T00:00:00Z > audit.jsonl")]
    Export(ExportArgs),
}

/// `audit export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
}

/// Which entries.
#[derive(Args, Debug)]
pub struct FilterArgs {
    /// Only from this moment on (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only from before this moment (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Only what this one did: an e-mail address, a user id, a client_id, or `local`
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Only this action, or all of a noun: `user.sign_in`, `user`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to this one: an identifier or an e-mail address
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Only what this request did: the reference that people are shown on an error page
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Only what ended so
    #[arg(long, value_name = "RESULT", value_parser = ["success", "failure"])]
    result: Option<String>,
    /// Only entries that hold this text: an address, an id, a part of either
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

/// `audit list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Go on printing new entries until interrupted
    #[arg(long, conflicts_with_all = ["after", "until"])]
    follow: bool,
    #[command(flatten)]
    page: PageFlags,
}

/// Reads an RFC 3339 time.
pub fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse_rfc3339(text).ok_or_else(|| String::from("expected a time such as 2026-01-31T12:00:00Z"))
}

impl AuditCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::List(args) if args.follow => args.follow(remote, output),
            Self::List(args) => output.show(&args.list(remote)?, entries),
            Self::Export(args) => args.run(remote),
        }
    }
}

impl ExportArgs {
    /// A line for each entry, page after page.
    fn run(self, remote: &Remote) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let answer = remote.call(self.filter.call().page(&PageFlags { limit: Some(500), after }))?;
            for row in items(&answer) {
                say(&row.to_string())?;
            }
            after = answer.get("next").and_then(Value::as_str).map(str::to_owned);
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

impl FilterArgs {
    fn call(&self) -> Call {
        Call::get(["audit"])
            .query("since", self.since.map(Moment::rfc3339))
            .query("until", self.until.map(Moment::rfc3339))
            .query("actor", self.actor.clone())
            .query("action", self.action.clone())
            .query("target", self.target.clone())
            .query("request", self.request.clone())
            .query("result", self.result.clone())
            .query("search", self.search.clone())
    }
}

impl ListArgs {
    /// A page that has entries, if there are any: of a long log the server looks through a part at a time.
    fn list(&self, remote: &Remote) -> Result<Value, Failure> {
        let mut page = self.page.clone();
        loop {
            let answer = remote.call(self.filter.call().page(&page))?;
            let is_empty = items(&answer).is_empty();
            match answer.get("next").and_then(Value::as_str) {
                Some(next) if is_empty => page.after = Some(next.to_owned()),
                _ => return Ok(answer),
            }
        }
    }

    /// The latest entries, then each new one, until the process is interrupted or the reader goes away.
    fn follow(&self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let latest = PageFlags { limit: Some(self.page.limit.unwrap_or(TAIL)), after: None };
        let mut rows = items(&remote.call(self.filter.call().page(&latest))?).to_vec();
        rows.reverse();
        let mut cursor = rows.last().map(|row| text(row, "id"));
        loop {
            for row in rows {
                output.show(&row, entry)?;
            }
            std::thread::sleep(EVERY);
            // Only a running server adds entries: while there is none, its file is left alone.
            let newer = PageFlags { limit: Some(500), after: cursor.clone() };
            let call = self.filter.call().page(&newer).query("order", Some(String::from("asc")));
            rows = remote.call_if_running(call)?.map(|page| items(&page).to_vec()).unwrap_or_default();
            cursor = rows.last().map(|row| text(row, "id")).or(cursor);
        }
    }
}

fn entries(document: &Value) -> String {
    let rows: Vec<Value> = items(document).iter().map(shaped).collect();
    let columns = [
        ("WHEN", "at"),
        ("ACTION", "action"),
        ("OUTCOME", "outcome"),
        ("BY", "by"),
        ("TARGET", "target"),
        ("ADDRESS", "ip"),
    ];
    list(&json!({"items": rows, "next": document.get("next")}), &columns, "No entry.")
}

fn entry(row: &Value) -> String {
    let row = shaped(row);
    let columns = ["at", "action", "outcome", "by", "target", "ip"];
    let cells: Vec<String> = columns.iter().map(|column| text(&row, column)).filter(|cell| !cell.is_empty()).collect();
    cells.join("  ")
}

/// The row with one member for who did it: the id, else the kind.
fn shaped(row: &Value) -> Value {
    let mut row = row.clone();
    let by = [text(&row, "actor"), text(&row, "actor_kind")].into_iter().find(|name| !name.is_empty());
    if let Some(members) = row.as_object_mut() {
        members.insert(String::from("by"), by.into());
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_without_a_known_actor_shows_what_kind_it_was() {
        let row =
            json!({"at": "t", "action": "key.rotate", "outcome": "success", "actor_kind": "system", "actor": null});
        assert_eq!(entry(&row), "t  key.rotate  success  system");
    }
}
