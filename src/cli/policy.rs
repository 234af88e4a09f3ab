//! `auther admin policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::audit::moment;
use super::flags::PageFlags;
use super::input;
use super::output::{Failure, Output, items, list, plain, text};
use super::remote::{Call, Remote};
use crate::base::{Moment, ScriptDigest};
use crate::http::admin::policies::{ScriptText, ScriptTrial};

/// What can be done with policies. They are written as parts of a model (`model put`), or with a tuple (`tuple add
/// --condition-file`).
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say what is wrong with a policy, without running it; exit code 1 when it would be refused
    Validate(ScriptArgs),
    /// Run a policy with a context, as a check would, and record nothing
    #[command(after_help = "Example:\n  \
        auther admin policy test --file working-hours.lua --context '{\"resource\":{\"attributes\":{\"environment\":\"staging\"}}}'")]
    Test(TestArgs),
    /// List what policies said, newest first
    #[command(
        after_help = "Example:\n  auther admin policy evaluations --entity-type client_abc:deployment --result denied"
    )]
    Evaluations(EvaluationArgs),
    /// List what the policies of an entity type were, the newest first for each
    Versions(VersionArgs),
    /// List the policies that did not come back from an evaluation and are not run any more
    SwitchedOff,
    /// Let a policy run again that is switched off
    SwitchOn(SwitchOnArgs),
}

/// `policy validate`.
#[derive(Args, Debug)]
pub struct ScriptArgs {
    /// Lua file; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// `policy test`.
#[derive(Args, Debug)]
pub struct TestArgs {
    #[command(flatten)]
    script: ScriptArgs,
    /// What the policy sees, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = input::object, default_value = "{}")]
    context: Map<String, Value>,
}

/// `policy evaluations`.
#[derive(Args, Debug)]
pub struct EvaluationArgs {
    /// Only from this moment on (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only about this entity type
    #[arg(long, value_name = "TYPE")]
    entity_type: Option<String>,
    /// Only about this object
    #[arg(long, value_name = "ID")]
    entity_id: Option<String>,
    /// Only about this permission
    #[arg(long, value_name = "NAME")]
    permission: Option<String>,
    /// Only about this subject's id
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Only what ended so
    #[arg(long, value_name = "RESULT", value_parser = ["allowed", "denied", "error"])]
    result: Option<String>,
    #[command(flatten)]
    page: PageFlags,
}

/// `policy versions`.
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Entity type, such as `client_abc:deployment`
    entity_type: String,
    /// Only of this permission
    #[arg(long, value_name = "NAME")]
    permission: Option<String>,
    /// Only of this tuple
    #[arg(long, value_name = "ID", conflicts_with = "permission")]
    tuple: Option<String>,
    #[command(flatten)]
    page: PageFlags,
}

/// `policy switch-on`.
#[derive(Args, Debug)]
pub struct SwitchOnArgs {
    /// The digest of its text, as `switched-off` shows it
    #[arg(allow_hyphen_values = true)]
    digest: ScriptDigest,
}

impl PolicyCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Validate(args) => {
                let body = ScriptText { script: input::read(&args.file)? };
                let answer = remote.call(Call::post(["policies", "validate"]).body(&body))?;
                output.show(&answer, remarks)?;
                if answer.get("valid") == Some(&Value::Bool(true)) {
                    return Ok(());
                }
                Err(Failure::new("invalid_policy", "The policy would be refused."))
            }
            Self::Test(args) => {
                let body = ScriptTrial { script: input::read(&args.script.file)?, context: Some(args.context) };
                output.show(&remote.call(Call::post(["policies", "test"]).body(&body))?, decision_text)
            }
            Self::Evaluations(args) => {
                let call = Call::get(["policies", "evaluations"])
                    .query("since", args.since.map(Moment::rfc3339))
                    .query("entity_type", args.entity_type)
                    .query("entity_id", args.entity_id)
                    .query("permission", args.permission)
                    .query("subject", args.subject)
                    .query("result", args.result);
                let columns = [
                    ("AT", "at"),
                    ("RESULT", "result"),
                    ("ENTITY TYPE", "entity_type"),
                    ("OBJECT", "entity_id"),
                    ("PERMISSION", "permission"),
                    ("SUBJECT", "subject_id"),
                    ("MESSAGE", "message"),
                ];
                let answer = remote.call(call.page(&args.page))?;
                output.show(&answer, |answer| list(answer, &columns, "No policy was run."))
            }
            Self::Versions(args) => {
                let call = Call::get(["policies", "versions"])
                    .query("entity_type", Some(args.entity_type))
                    .query("permission", args.permission)
                    .query("tuple", args.tuple);
                output.show(&remote.call(call.page(&args.page))?, history)
            }
            Self::SwitchedOff => {
                let columns = [("AT", "at"), ("ABOUT", "about"), ("OWNER", "owner"), ("DIGEST", "script")];
                let answer = remote.call(Call::get(["policies", "switched-off"]))?;
                output.show(&answer, |answer| list(answer, &columns, "No policy is switched off."))
            }
            Self::SwitchOn(args) => {
                let answer = remote.call(Call::delete(["policies", "switched-off", &args.digest.to_string()]))?;
                output.show(&answer, |_| String::from("The policy is run again."))
            }
        }
    }
}

/// Errors, warnings and suggestions, one a line.
fn remarks(answer: &Value) -> String {
    let mut lines = Vec::new();
    for (member, word) in [("errors", "error"), ("warnings", "warning"), ("suggestions", "suggestion")] {
        let said = answer.get(member).and_then(Value::as_array);
        lines.extend(said.into_iter().flatten().map(|remark| match (remark.get("line"), remark.get("message")) {
            (Some(Value::Number(line)), Some(Value::String(message))) => format!("{word}, line {line}: {message}"),
            (_, Some(Value::String(message))) => format!("{word}: {message}"),
            _ => format!("{word}: {}", remark.as_str().unwrap_or_default()),
        }));
    }
    if lines.is_empty() { String::from("The policy is sound.") } else { lines.join("\n") }
}

/// Each version with its script below it.
fn history(answer: &Value) -> String {
    let versions = items(answer).iter().map(|item| {
        let fact = |member| text(item, member);
        let script = match item.get("script").and_then(Value::as_str) {
            Some(script) => {
                script.lines().map(|line| format!("    {}", plain(&line.into()))).collect::<Vec<_>>().join("\n")
            }
            None => String::from("    (taken away)"),
        };
        let by = format!("{} by {}", fact("at"), fact("changed_by"));
        format!("{} {}, version {}  {by}\n{script}", fact("policy_level"), fact("policy_name"), fact("version"))
    });
    let mut blocks: Vec<String> = versions.collect();
    if blocks.is_empty() {
        blocks.push(String::from("It has no policy."));
    }
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        blocks.push(format!("More: --after {next}"));
    }
    blocks.join("\n\n")
}

fn decision_text(answer: &Value) -> String {
    let (result, took) = (text(answer, "result"), text(answer, "execution_time_ms"));
    let why = match answer.get("error") {
        Some(error @ Value::Object(_)) => text(error, "message"),
        _ => text(answer, "note"),
    };
    if why.is_empty() { format!("{result}  ({took} ms)") } else { format!("{result}: {why}  ({took} ms)") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn remarks_name_their_lines() {
        let answer = json!({"errors": [{"line": 2, "message": "unexpected end"}], "warnings": [],
            "suggestions": [{"line": null, "message": "say why"}]});
        assert_eq!(remarks(&answer), "error, line 2: unexpected end\nsuggestion: say why");
        assert_eq!(remarks(&json!({"errors": [], "warnings": [], "suggestions": []})), "The policy is sound.");
    }

    #[test]
    fn an_outcome_says_why() {
        let denied = json!({"result": "denied", "note": "too much", "execution_time_ms": 0.5, "error": null});
        assert_eq!(decision_text(&denied), "denied: too much  (0.5 ms)");
        let failed =
            json!({"result": "error", "note": null, "execution_time_ms": 1, "error": {"message": "line 1: nil"}});
        assert_eq!(decision_text(&failed), "error: line 1: nil  (1 ms)");
        let allowed = json!({"result": "allowed", "note": null, "execution_time_ms": 1, "error": null});
        assert_eq!(decision_text(&allowed), "allowed  (1 ms)");
    }

    #[test]
    fn versions_show_their_scripts_and_steer_no_terminal() {
        let answer = json!({"items": [
            {"policy_level": "permission", "policy_name": "read", "version": 2, "at": "T", "changed_by": "usr_1", "script": "return\n\u{1b}[2J"},
            {"policy_level": "permission", "policy_name": "read", "version": 1, "at": "T", "changed_by": "usr_1", "script": null},
        ], "next": "permission.1.read"});
        let shown = history(&answer);
        assert!(shown.starts_with("permission read, version 2  T by usr_1\n    return\n    \\u{1b}[2J\n\n"), "{shown}");
        assert!(shown.ends_with("    (taken away)\n\nMore: --after permission.1.read"), "{shown}");
        assert_eq!(history(&json!({"items": [], "next": null})), "It has no policy.");
    }
}
