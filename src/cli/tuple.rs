//! `auther admin tuple`.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::flags::PageFlags;
use super::output::{Failure, Output, list, say, text};
use super::remote::{Call, Remote};
use crate::base::strict_json;
use crate::base::{Moment, Timestamp};
use crate::http::admin::tuples::{ImportedTuples, NewTuple, TupleChanges, TupleImport};

/// Lines that are sent at a time.
const BATCH: usize = 500;

/// Bytes of lines that are sent at a time, as JSON writes them. A request may have twice as many.
const BATCH_BYTES: usize = 512 * 1024;

/// What can be done with tuples.
#[derive(Debug, Subcommand)]
pub enum TupleCommand {
    /// Give somebody a relation to an object
    #[command(after_help = "Examples:\n  \
        auther admin tuple add client_abc:invoice inv_1 owner user ann@example.com\n  \
        auther admin tuple add client_abc:invoice '*' editor apikey key_…\n  \
        auther admin tuple add client_abc:project p1 viewer group Engineering\n  \
        auther admin tuple add folder f1 viewer folder f0 --subject-relation viewer")]
    Add(AddArgs),
    /// Take it away again
    #[command(after_help = "Examples:\n  \
        auther admin tuple remove client_abc:invoice inv_1 owner user ann@example.com\n  \
        auther admin tuple remove tpl_…")]
    Remove(RemoveArgs),
    /// List tuples
    List(ListArgs),
    /// Write many tuples from a file with one JSON document per line
    #[command(after_help = "One tuple per line, as `tuple export` prints them, or as OpenFGA does:\n  \
        {\"entity_type\":\"doc\",\"entity_id\":\"1\",\"relation\":\"viewer\",\"subject_type\":\"user\",\"subject_id\":\"usr_…\"}\n  \
        {\"user\":\"user:anne\",\"relation\":\"viewer\",\"object\":\"doc:1\"}")]
    Import(ImportArgs),
    /// Print all tuples, one JSON document per line; with --json one document with all of them
    Export,
}

/// What a tuple says.
#[derive(Args, Debug)]
pub struct Parts {
    /// Such as `client_abc:invoice`
    #[arg(value_name = "ENTITY_TYPE")]
    entity_type: String,
    /// The object; `*` for all of them
    #[arg(value_name = "ENTITY_ID")]
    entity_id: String,
    /// The role
    #[arg(value_name = "RELATION")]
    relation: String,
    /// `user`, `group`, `apikey`, `client`, or an entity type
    #[arg(value_name = "SUBJECT_TYPE")]
    subject_type: String,
    /// Who; a person also by verified e-mail address or username, a group also by name
    #[arg(value_name = "SUBJECT_ID")]
    subject_id: String,
    /// Everyone who has this relation to the subject
    #[arg(long, value_name = "RELATION")]
    subject_relation: Option<String>,
    /// Take SUBJECT_ID for an identifier, also when somebody here has it as their name
    #[arg(long)]
    as_is: bool,
}

impl Parts {
    fn tuple(self) -> NewTuple {
        NewTuple {
            entity_type: self.entity_type,
            entity_id: self.entity_id,
            relation: self.relation,
            subject_type: self.subject_type,
            subject_id: self.subject_id,
            subject_relation: self.subject_relation,
            names: Some(!self.as_is),
            ..NewTuple::default()
        }
    }
}

/// `tuple add`.
#[derive(Args, Debug)]
pub struct AddArgs {
    #[command(flatten)]
    parts: Parts,
    /// Lua that must return true for it to count; takes the place of the permission's policy
    #[arg(long, value_name = "FILE")]
    condition_file: Option<PathBuf>,
    /// RFC 3339 time from which on it does not count
    #[arg(long, value_name = "TIME", value_parser = super::audit::moment)]
    expires_at: Option<Moment>,
    /// Say who would gain and who would lose what, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// `tuple remove`.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// ENTITY_TYPE ENTITY_ID RELATION SUBJECT_TYPE SUBJECT_ID, or the `tpl_…` alone
    #[arg(value_name = "TUPLE", num_args = 1..=5, required = true)]
    parts: Vec<String>,
    /// Everyone who has this relation to the subject
    #[arg(long, value_name = "RELATION")]
    subject_relation: Option<String>,
    /// Take the subject's id for an identifier, also when somebody here has it as their name
    #[arg(long)]
    as_is: bool,
}

/// `tuple list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only objects of this type
    #[arg(long, value_name = "TYPE")]
    entity_type: Option<String>,
    /// Only this object
    #[arg(long, value_name = "ID", requires = "entity_type")]
    entity_id: Option<String>,
    /// Only this relation
    #[arg(long, value_name = "RELATION")]
    relation: Option<String>,
    /// Only this subject: `user:usr_…`, `group:grp_…`, or by name
    #[arg(long, value_name = "TYPE:ID")]
    subject: Option<String>,
    /// Take the subject's id for an identifier, also when somebody here has it as their name
    #[arg(long, requires = "subject")]
    as_is: bool,
    #[command(flatten)]
    page: PageFlags,
}

/// `tuple import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// File with one JSON document per line; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Written before each type name of OpenFGA tuples
    #[arg(long, default_value = "")]
    prefix: String,
    /// Another name for one of their types, as where the model was imported; may be repeated
    #[arg(long, value_name = "OLD=NEW", value_parser = super::input::renaming)]
    rename: Vec<(String, String)>,
    /// Look up e-mail addresses, usernames and names of groups as `tuple add` does; without it all are identifiers
    #[arg(long)]
    names: bool,
}

impl TupleCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Add(args) => args.run(remote, output),
            Self::Remove(args) => args.run(remote, output),
            Self::List(args) => {
                let call = Call::get(["tuples"])
                    .query("entity_type", args.entity_type)
                    .query("entity_id", args.entity_id)
                    .query("relation", args.relation)
                    .query("subject", args.subject)
                    .query("names", args.as_is.then(|| String::from("false")))
                    .page(&args.page);
                output.show(&remote.call(call)?, |answer| format!("{}{}", tuples(answer), taken_for(answer)))
            }
            Self::Import(args) => args.run(remote, output),
            Self::Export => export(remote, output),
        }
    }
}

impl AddArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let body = NewTuple {
            condition: self.condition_file.map(|file| super::input::read(&file)).transpose()?,
            expires_at: self.expires_at.map(Timestamp::from),
            ..self.parts.tuple()
        };
        if self.dry_run {
            let body = TupleChanges { add: Some(vec![body]), remove: None };
            let answer = remote.call(Call::post(["tuples", "dry-run"]).body(&body))?;
            return output.show(&answer, |answer| {
                let names = answer.get("resolved").and_then(Value::as_array).into_iter().flatten();
                let names: String = names.map(|name| taken_for(&json!({ "resolved": name }))).collect();
                format!("{}{names}{}", changes(answer), strangers(answer))
            });
        }
        let answer = remote.call(Call::post(["tuples"]).body(&body))?;
        let told = |answer: &Value| format!("Written.\n\n{}{}{}", tuple(answer), taken_for(answer), stranger(answer));
        output.show(&answer, told)
    }
}

/// Says for whom a name was taken, if one was given.
pub(super) fn taken_for(answer: &Value) -> String {
    let Some(name) = answer.get("resolved").filter(|name| name.is_object()) else { return String::new() };
    let kind = match &*text(name, "as") {
        "email" => "e-mail address",
        "username" => "username",
        _ => "name",
    };
    format!("\n{} is the {kind} of {}.", text(name, "typed"), text(name, "id"))
}

/// What the answer notes of a subject that is nobody here, as a line behind the rest.
pub(super) fn stranger(answer: &Value) -> String {
    match text(answer, "note") {
        note if note.is_empty() => note,
        note => format!("\nNote: {note}"),
    }
}

/// The notes of an answer about several tuples, a line for each.
fn strangers(answer: &Value) -> String {
    let notes = answer.get("notes").and_then(Value::as_array).into_iter().flatten();
    notes.map(|note| stranger(&json!({ "note": note }))).collect()
}

impl RemoveArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let call = match self.parts.as_slice() {
            [id] => Call::delete(["tuples", id]),
            [entity_type, entity_id, relation, subject_type, subject_id] => {
                Call::post(["tuples", "remove"]).body(&NewTuple {
                    entity_type: entity_type.clone(),
                    entity_id: entity_id.clone(),
                    relation: relation.clone(),
                    subject_type: subject_type.clone(),
                    subject_id: subject_id.clone(),
                    subject_relation: self.subject_relation,
                    names: Some(!self.as_is),
                    ..NewTuple::default()
                })
            }
            _ => {
                let message =
                    "name the five parts of the tuple, or its id alone. See `auther admin tuple remove --help`.";
                return Err(Failure::usage("usage", message));
            }
        };
        output.show(&remote.call(call)?, |answer| format!("Removed.\n\n{}", tuple(answer)))
    }
}

impl ImportArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let source = super::input::read(&self.file)?;
        let one_by_one = if fits(&source) { None } else { items(&source)? };
        let lines: Vec<&str> = match &one_by_one {
            Some(items) => items.iter().map(String::as_str).collect(),
            None => source.lines().collect(),
        };
        let batches = batches(&lines)?;
        let mut sum = ImportedTuples::default();
        for batch in &batches {
            let some = lines.get(batch.clone()).unwrap_or_default();
            let body = TupleImport {
                lines: some.iter().map(|line| (*line).to_owned()).collect(),
                first_line: Some(batch.start + 1),
                prefix: Some(self.prefix.clone()),
                rename: (!self.rename.is_empty()).then(|| self.rename.iter().cloned().collect()),
                names: Some(self.names),
            };
            let answer = remote.fetch::<ImportedTuples>(Call::post(["tuples", "import"]).body(&body).slow());
            let answer = answer.map_err(|failure| begun(failure, batch.start))?;
            sum.written += answer.written;
            sum.expired += answer.expired;
            sum.resolved += answer.resolved;
            sum.names += answer.names;
            sum.strangers += answer.strangers;
            if sum.notes.is_empty() {
                sum.notes = answer.notes;
            }
            if !output.json && batches.len() > 1 {
                eprint_progress(batch.end, lines.len());
            }
        }
        let ImportedTuples { written, expired, resolved, names, strangers, .. } = sum;
        let left_out = match expired {
            0 => String::new(),
            1 => String::from(" 1 has expired and was left out."),
            more => format!(" {more} have expired and were left out."),
        };
        let named = match (resolved, names) {
            (0, 0) => String::new(),
            (0, _) => format!(
                "\nNote: {names} of them speak of a subject by what is also the name of an account or a group here. They were taken for identifiers of \
                 another system. To look names up, import with --names."
            ),
            _ => format!("\n{resolved} subjects were named and are stored by their identifier."),
        };
        let nobody = match strangers {
            0 => String::new(),
            count => format!("\nNote: {count} of them speak of a subject that is nobody here, such as:"),
        };
        let told = |sum: &Value| {
            let notes = sum.get("notes").and_then(Value::as_array).into_iter().flatten();
            let notes: String = notes.filter_map(Value::as_str).map(|note| format!("\n  {note}")).collect();
            format!("{written} tuples are there now.{left_out}{named}{nobody}{notes}")
        };
        output.show(&json!(sum), told)
    }
}

/// The failure, and what was written before it.
fn begun(mut failure: Failure, lines: usize) -> Failure {
    if lines > 0 {
        failure.message.push_str(&format!(" The tuples of lines 1 to {lines} are written."));
    }
    failure
}

/// Whether the text can be sent at once.
fn fits(source: &str) -> bool {
    source.len() <= BATCH_BYTES / 2 && source.lines().count() <= BATCH
}

/// The tuples of a text that is one JSON document, such as OpenFGA writes, each as a line; `None` for lines.
/// Errors: a document that is JSON and not accepted.
fn items(source: &str) -> Result<Option<Vec<String>>, Failure> {
    let document = match super::input::json(source) {
        Ok(document) => document,
        Err(strict_json::Error::Syntax { .. }) => return Ok(None),
        Err(error) => {
            let message = format!("The file is not accepted as JSON: {error}. Nothing was written.");
            return Err(Failure::new("invalid_json", message));
        }
    };
    let list = match document {
        Value::Array(list) => Some(list),
        Value::Object(mut members) => match members.remove("tuples").or_else(|| members.remove("tuple_keys")) {
            Some(Value::Array(list)) => Some(list),
            _ => None,
        },
        _ => None,
    };
    Ok(list.map(|list| list.iter().map(Value::to_string).collect()))
}

/// Which lines are sent together. Errors: a line that is too long to be sent at all, before anything is.
fn batches(lines: &[&str]) -> Result<Vec<Range<usize>>, Failure> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, line) in lines.iter().enumerate() {
        // Its quotes and escapes count, and the comma.
        let size = json!(line).to_string().len() + 1;
        if size > BATCH_BYTES {
            let message = format!(
                "line {} has {} bytes. A line holds one tuple, and at most {BATCH_BYTES} bytes. Nothing was written.",
                index + 1,
                line.len()
            );
            return Err(Failure::new("invalid_request", message));
        }
        if index - start >= BATCH || bytes + size > BATCH_BYTES {
            batches.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < lines.len() {
        batches.push(start..lines.len());
    }
    Ok(batches)
}

fn eprint_progress(done: usize, all: usize) {
    use std::io::Write as _;
    // Progress that cannot be shown is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{done} of {all} lines");
}

/// A line for each tuple; with `--json` one document that holds them all. `import` reads both.
fn export(remote: &Remote, output: Output) -> Result<(), Failure> {
    let (mut after, mut whole) = (None, Vec::new());
    loop {
        let page = PageFlags { limit: Some(500), after };
        let answer = remote.call(Call::get(["tuples"]).page(&page))?;
        for item in super::output::items(&answer) {
            let mut line = item.clone();
            if let Some(members) = line.as_object_mut() {
                // What identifies it, and what belongs to it: the rest is made when it is written again.
                members
                    .retain(|name, value| !value.is_null() && !matches!(&**name, "id" | "created_at" | "updated_at"));
            }
            if output.json {
                whole.push(line);
            } else {
                say(&line.to_string())?;
            }
        }
        after = answer.get("next").and_then(Value::as_str).map(str::to_owned);
        if after.is_none() {
            return if output.json { say(&json!({ "tuples": whole }).to_string()) } else { Ok(()) };
        }
    }
}

fn tuples(answer: &Value) -> String {
    let columns = [
        ("ENTITY TYPE", "entity_type"),
        ("ENTITY", "entity_id"),
        ("RELATION", "relation"),
        ("SUBJECT TYPE", "subject_type"),
        ("SUBJECT", "subject_id"),
        ("OF", "subject_relation"),
        ("CONDITION", "condition"),
        ("EXPIRES", "expires_at"),
        ("ID", "id"),
    ];
    let mut answer = answer.clone();
    for item in answer.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(condition) = item.get_mut("condition") {
            *condition = condition.as_str().map(beginning).into();
        }
    }
    list(&answer, &columns, "No tuple.")
}

/// The first line of a condition, 40 characters at the most: a list has a line for each tuple.
fn beginning(condition: &str) -> String {
    const MOST: usize = 40;
    let first = condition.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let short: String = first.chars().take(MOST).collect();
    if short.len() == condition.trim().len() { short } else { format!("{short} …") }
}

fn tuple(answer: &Value) -> String {
    let set = match text(answer, "subject_relation") {
        relation if relation.is_empty() => relation,
        relation => format!("#{relation}"),
    };
    format!(
        "({}, {}, {}, {}, {}{set})  {}",
        text(answer, "entity_type"),
        text(answer, "entity_id"),
        text(answer, "relation"),
        text(answer, "subject_type"),
        text(answer, "subject_id"),
        text(answer, "id"),
    )
}

/// Who would gain and who would lose what.
pub(super) fn changes(answer: &Value) -> String {
    let lines = |name: &str, sign: &str| -> Vec<String> {
        let changes = answer.get(name).and_then(Value::as_array);
        let line = |change: &Value| {
            format!(
                "{sign} {}:{} {} {}:{}{}",
                text(change, "subject_type"),
                text(change, "subject_id"),
                text(change, "permission"),
                text(change, "entity_type"),
                text(change, "entity_id"),
                if change.get("abac_required") == Some(&json!(true)) {
                    "  (a policy or condition decides)"
                } else {
                    ""
                }
            )
        };
        changes.into_iter().flatten().map(line).collect()
    };
    let (gained, lost) = (lines("gained", "+"), lines("lost", "-"));
    let refused = match answer.get("refused") {
        Some(refused @ Value::Object(_)) => format!("\nIt would be refused: {}", text(refused, "message")),
        _ => String::new(),
    };
    let is_all = answer.get("complete").and_then(Value::as_bool) != Some(false);
    let more = if is_all { "" } else { "\nThis is not all: there is more than was looked at." };
    if gained.is_empty() && lost.is_empty() {
        let told =
            if is_all { "Nobody gains and nobody loses anything." } else { "Nobody was found who gains or loses." };
        return format!("{told}{more} Nothing was changed.{refused}");
    }
    let all: Vec<String> = gained.into_iter().chain(lost).collect();
    format!("{}{more}\nNothing was changed.{refused}", all.join("\n"))
}

#[cfg(test)]
#[path = "tuple_tests.rs"]
mod tests;
