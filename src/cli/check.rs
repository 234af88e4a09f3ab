//! `auther admin check`.

use clap::Args;
use serde_json::{Map, Value};

use super::input;
use super::output::{Failure, Output, text};
use super::remote::{Call, Remote};
use crate::http::admin::check::CheckQuestion;

/// `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// `user`, `group`, `apikey`, `client`, …
    #[arg(value_name = "SUBJECT_TYPE")]
    subject_type: String,
    /// Who; a person also by e-mail address or username, a group also by name
    #[arg(value_name = "SUBJECT_ID")]
    subject_id: String,
    /// The permission, or a relation
    #[arg(value_name = "PERMISSION")]
    permission: String,
    /// Such as `client_abc:invoice`
    #[arg(value_name = "ENTITY_TYPE")]
    entity_type: String,
    /// The object; `*` asks about all of them
    #[arg(value_name = "ENTITY_ID")]
    entity_id: String,
    /// What policies may know of the object: {"attributes":{"amount":50}}
    #[arg(long, value_name = "JSON", value_parser = input::object)]
    resource: Option<Map<String, Value>>,
    /// Say why, or why not
    #[arg(long)]
    explain: bool,
    /// Take SUBJECT_ID for an identifier, also when somebody here has it as their name
    #[arg(long)]
    as_is: bool,
}

impl CheckArgs {
    /// Asks the question and prints the answer. Errors: what the admin API refuses, and that no server and no data file
    /// can be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let body = CheckQuestion {
            subject_type: self.subject_type,
            subject_id: self.subject_id,
            permission: self.permission,
            entity_type: self.entity_type,
            entity_id: Some(self.entity_id),
            resource: self.resource,
            explain: Some(self.explain),
            names: Some(!self.as_is),
            ..CheckQuestion::default()
        };
        let answer = remote.call(Call::post(["check"]).body(&body))?;
        output.show(&answer, |answer| {
            let allowed = answer.get("allowed").and_then(Value::as_bool).unwrap_or_default();
            let word = if allowed { "Allowed" } else { "Denied" };
            let mut lines = vec![format!("{word}: {}.", text(answer, "because"))];
            let words = answer.pointer("/explanation/words").and_then(Value::as_array);
            lines.extend(words.into_iter().flatten().filter_map(Value::as_str).map(|line| format!("  {line}")));
            format!("{}{}{}", lines.join("\n"), super::tuple::taken_for(answer), super::tuple::stranger(answer))
        })
    }
}
