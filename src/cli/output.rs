//! What a command says: a document for programs, aligned text for people, and what went wrong.

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::base::text::{isolated, shown};

/// Why a command ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was tried and refused or failed.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// Nobody reads the answer any more (`| head`): no failure.
    ReaderGone,
}

/// The command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// Stable word for programs.
    pub code: String,
    /// One line for people.
    pub message: String,
    /// Decides the exit code.
    pub reason: Reason,
}

impl Failure {
    /// It was tried and failed: exit code 1.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), reason: Reason::Failed }
    }

    /// The command line or the configuration is wrong: exit code 2.
    pub fn usage(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), reason: Reason::Usage }
    }

    /// The exit code of the process.
    pub fn exit(&self) -> ExitCode {
        ExitCode::from(match self.reason {
            Reason::ReaderGone => 0,
            Reason::Failed => 1,
            Reason::Usage => 2,
        })
    }
}

/// Where a command's answer goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// `--json` was given.
    pub json: bool,
}

impl Output {
    /// Prints an answer: the document with `--json`, else the text that `human` makes of it.
    pub fn show(self, document: &Value, human: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        if self.json { say(&document.to_string()) } else { say(human(document).trim_end()) }
    }

    /// Prints what went wrong on standard error.
    pub fn fail(self, failure: &Failure) {
        if failure.reason == Reason::ReaderGone {
            return;
        }
        let line = if self.json {
            json!({"error": {"code": failure.code, "message": failure.message}}).to_string()
        } else {
            format!("auther: {}", failure.message)
        };
        // With standard error closed there is nobody left to tell.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Prints a line on standard output.
pub fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()).map_err(|error| {
        let reason = if error.kind() == io::ErrorKind::BrokenPipe { Reason::ReaderGone } else { Reason::Failed };
        Failure { code: String::from("output"), message: format!("the answer could not be printed: {error}."), reason }
    })
}

/// Prints a line on standard error, beside an answer that is for programs or for a file.
pub fn aside(text: &str) {
    // With the terminal gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Aligned columns under a heading; `empty` instead when there are no rows.
pub fn table(heading: &[&str], rows: &[Vec<String>], empty: &str) -> String {
    if rows.is_empty() {
        return empty.to_owned();
    }
    let cells = |row: &[String], column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
    let widths: Vec<usize> = heading
        .iter()
        .enumerate()
        .map(|(column, name)| rows.iter().map(|row| cells(row, column)).max().unwrap_or(0).max(name.len()))
        .collect();
    let line = |row: &mut dyn Iterator<Item = &str>| {
        // The marks that keep the direction of a name from its neighbours take no room.
        let cell = |(cell, width): (&str, &usize)| {
            format!("{}{}", isolated(cell), " ".repeat(width.saturating_sub(cell.chars().count())))
        };
        row.zip(&widths).map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut heading.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

/// `name  value` lines of the members that have a value, in the given order.
pub fn facts(document: &Value, members: &[(&str, &str)]) -> String {
    let width = members.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let lines: Vec<String> = members
        .iter()
        .map(|(label, member)| (label, text(document, member)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| format!("{label:width$}  {}", isolated(&value)))
        .collect();
    lines.join("\n")
}

/// A member as people read it: lists joined, `yes` and `no`, nothing for `null`. Control characters and those that are
/// not seen are shown as their number, so that a stored name cannot steer the terminal.
pub fn text(document: &Value, member: &str) -> String {
    match document.get(member) {
        None | Some(Value::Null) => String::new(),
        Some(value) => plain(value),
    }
}

/// A value as people read it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => String::from("yes"),
        Value::Bool(false) => String::from("no"),
        Value::Number(number) => number.to_string(),
        Value::String(text) => shown(text).into_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) if members.is_empty() => String::new(),
        Value::Object(_) => value.to_string(),
    }
}

/// What a list holds.
pub fn items(document: &Value) -> &[Value] {
    document.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A list as a table of the named members, and how to read on.
pub fn list(document: &Value, columns: &[(&str, &str)], empty: &str) -> String {
    let rows: Vec<Vec<String>> =
        items(document).iter().map(|item| columns.iter().map(|(_, member)| text(item, member)).collect()).collect();
    let heading: Vec<&str> = columns.iter().map(|(label, _)| *label).collect();
    let table = table(&heading, &rows, empty);
    match document.get("next").and_then(Value::as_str) {
        Some(next) => format!("{table}\n\nMore: --after {next}"),
        None => table,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_and_leaves_no_trailing_space() {
        let rows = vec![vec![String::from("a"), String::from("x")], vec![String::from("bcd"), String::new()]];
        assert_eq!(table(&["ID", "NAME"], &rows, "none"), "ID   NAME\na    x\nbcd");
        assert_eq!(table(&["ID"], &[], "Nobody yet."), "Nobody yet.");
    }

    #[test]
    fn a_stored_name_cannot_steer_the_terminal() {
        let document = json!({"name": "Ann\u{1b}[2J"});
        assert_eq!(text(&document, "name"), "Ann\\u{1b}[2J");
        assert_eq!(text(&json!({"name": "Graf\u{202e}ana"}), "name"), "Graf\\u{202e}ana");
    }

    #[test]
    fn a_name_that_is_read_from_right_to_left_does_not_reach_the_next_column() {
        let rows =
            vec![vec![String::from("\u{5d0}\u{5d1}"), String::from("x")], vec![String::from("abc"), String::from("y")]];
        assert_eq!(table(&["ID", "N"], &rows, "none"), "ID   N\n\u{2068}\u{5d0}\u{5d1}\u{2069}   x\nabc  y");
    }

    #[test]
    fn facts_leave_out_what_is_not_known() {
        let document = json!({"id": "usr_1", "username": null, "roles": ["admin", "staff"], "disabled": false});
        let text = facts(&document, &[("id", "id"), ("username", "username"), ("roles", "roles"), ("off", "disabled")]);
        assert_eq!(text, "id        usr_1\nroles     admin, staff\noff       no");
    }

    #[test]
    fn a_list_says_how_to_read_on() {
        let document = json!({"items": [{"id": "a"}], "next": "a"});
        assert_eq!(list(&document, &[("ID", "id")], "none"), "ID\na\n\nMore: --after a");
    }
}
