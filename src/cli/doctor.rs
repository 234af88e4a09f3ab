//! `auther admin doctor`.

use serde_json::{Value, json};

use super::output::{Failure, Output, items, text};
use super::remote::{Call, Remote};
use crate::doctor::{Finding, State, of_files, of_settings};

/// Examines the installation. Errors: a check failed, which is told after all of them were printed.
pub fn examine(remote: &Remote, output: Output) -> Result<(), Failure> {
    let document = match remote.call(Call::get(["doctor"])) {
        Ok(document) => document,
        // What cannot be opened is examined from outside.
        Err(failure) if is_of_the_file(&failure) => from_outside(remote, &failure),
        Err(failure) => return Err(failure),
    };
    output.show(&document, findings)?;
    let failed = items(&document).iter().filter(|item| text(item, "state") == "fail").count();
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new("unwell", "one check failed.")),
        many => Err(Failure::new("unwell", format!("{many} checks failed."))),
    }
}

fn is_of_the_file(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "data_file" | "configuration" | "socket")
}

fn from_outside(remote: &Remote, failure: &Failure) -> Value {
    let why = failure.message.clone();
    let fix = "Correct what is said there, and run this command again: the data file was not examined.";
    let mut all = vec![Finding::fail("data_file", why, fix)];
    all.extend(of_files(remote.settings()).into_iter().filter(|_| remote.data().exists()));
    all.extend(of_settings(remote.settings()));
    json!({"items": all, "next": null})
}

/// What is wrong first of all, each with what to do; then one line for each check that is well.
fn findings(document: &Value) -> String {
    let mut lines = Vec::new();
    for state in [State::Fail, State::Warn, State::Ok] {
        let name = json!(state);
        for item in items(document).iter().filter(|item| item.get("state") == Some(&name)) {
            lines.push(format!("{:4}  {:16}  {}", text(item, "state"), text(item, "name"), text(item, "message")));
            let fix = text(item, "fix");
            if !fix.is_empty() {
                lines.push(format!("{:24}{fix}", ""));
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_first_with_what_to_do() {
        let document = json!({"items": [
            {"name": "clock", "state": "ok", "message": "Right.", "fix": null},
            {"name": "tls", "state": "fail", "message": "None.", "fix": "Use it."},
        ]});
        let lines: Vec<String> = findings(&document).lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "fail  tls               None.");
        assert_eq!(lines[1].trim(), "Use it.");
        assert!(lines[2].starts_with("ok    clock"));
    }
}
