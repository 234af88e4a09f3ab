//! `auther admin model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::flags::PageFlags;
use super::output::{Failure, Output, list, text};
use super::remote::{Call, Remote};
use crate::base::id::ClientId;
use crate::http::admin::models::{ModelDraft, ModelImport, NewModel};

/// What can be done with authorization models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Write the model of an entity type
    #[command(after_help = "Example:\n  auther admin model put client_abc:invoice --file invoice.json\n\n\
        A model names relations and permissions, for example\n  \
        {\"relations\": {\"owner\": {\"union\": [\"viewer\"]}, \"viewer\": {}},\n   \
        \"permissions\": {\"read\": {\"relation\": \"viewer\"}}}\n\
        where owner includes viewer: who is owner may do all that a viewer may.")]
    Put(PutArgs),
    /// Print a model
    Get(Named),
    /// List models, the built-in ones of the platform included
    List(PageFlags),
    /// Read a model and say what is wrong with it, without writing it
    Validate(ValidateArgs),
    /// Delete the model of an entity type that no tuple uses
    Delete(Named),
    /// Read models written for OpenFGA (JSON or DSL) and write them here
    Import(ImportArgs),
}

/// Names a model by its entity type.
#[derive(Args, Debug)]
pub struct Named {
    /// Entity type, such as `client_abc:invoice`
    #[arg(value_name = "ENTITY_TYPE")]
    entity_type: String,
}

/// `model put`.
#[derive(Args, Debug)]
pub struct PutArgs {
    #[command(flatten)]
    named: Named,
    /// JSON file; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The client whose type it is [default: the one whose id stands before the colon]
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Say who would gain and who would lose what, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// `model validate`.
#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// Entity type it is for, if it is to be named in messages
    #[arg(value_name = "ENTITY_TYPE", default_value = "document")]
    entity_type: String,
    /// JSON file; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// `model import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// OpenFGA model, schema 1.1 or 1.2, as JSON or in its own language; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Written before each type name: `shop:` makes `document` into `shop:document`
    #[arg(long, default_value = "")]
    prefix: String,
    /// Another name for one type, such as `platform=site`; may be repeated. No prefix is written before it
    #[arg(long, value_name = "OLD=NEW", value_parser = super::input::renaming)]
    rename: Vec<(String, String)>,
    /// Remove the tuples that the new models would no longer take. Without it they are named, and nothing is written
    #[arg(long)]
    remove_tuples: bool,
}

impl ModelCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Put(args) => args.run(remote, output),
            Self::Get(named) => {
                let answer = remote.call(Call::get(["models", &named.entity_type]))?;
                output.show(&answer, model)
            }
            Self::List(page) => {
                let answer = remote.call(Call::get(["models"]).page(&page))?;
                let columns = [
                    ("ENTITY TYPE", "entity_type"),
                    ("VERSION", "version"),
                    ("CLIENT", "client"),
                    ("BUILT IN", "built_in"),
                ];
                output.show(&answer, |answer| list(answer, &columns, "No model yet."))
            }
            Self::Validate(args) => {
                let body = ModelDraft { definition: document(&args.file)?, entity_type: Some(args.entity_type) };
                let answer = remote.call(Call::post(["models", "validate"]).body(&body))?;
                output.show(&answer, |answer| format!("The model is sound.{}", remarks(answer)))
            }
            Self::Delete(named) => {
                let answer = remote.call(Call::delete(["models", &named.entity_type]))?;
                output.show(&answer, |answer| format!("Deleted the model of {}.", text(answer, "entity_type")))
            }
            Self::Import(args) => {
                let body = ModelImport {
                    source: super::input::read(&args.file)?,
                    prefix: Some(args.prefix),
                    rename: (!args.rename.is_empty()).then(|| args.rename.into_iter().collect()),
                    remove_tuples: args.remove_tuples.then_some(true),
                };
                let answer = remote.call(Call::post(["models", "import"]).body(&body))?;
                output.show(&answer, |answer| {
                    let columns = [("ENTITY TYPE", "entity_type"), ("VERSION", "version")];
                    format!(
                        "{}{}",
                        list(answer, &columns, "There was no type in it that needs a model."),
                        remarks(answer)
                    )
                })
            }
        }
    }
}

impl PutArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let body = NewModel { definition: document(&self.file)?, client: self.client, version: None };
        let name = &self.named.entity_type;
        if self.dry_run {
            let answer = remote.call(Call::post(["models", name, "dry-run"]).body(&body))?;
            return output.show(&answer, super::tuple::changes);
        }
        let answer = remote.call(Call::put(["models", name]).body(&body))?;
        output.show(&answer, |answer| format!("Written.\n\n{}", model(answer)))
    }
}

fn document(file: &std::path::Path) -> Result<Map<String, Value>, Failure> {
    let text = super::input::read(file)?;
    let wrong = |what: &str| Failure::new("invalid_json", format!("{} is no JSON object: {what}.", file.display()));
    match super::input::json(&text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(wrong("it holds something else")),
        Err(error) => Err(wrong(&error.to_string())),
    }
}

fn model(answer: &Value) -> String {
    let mut lines = vec![format!("{}  version {}", text(answer, "entity_type"), text(answer, "version"))];
    let hierarchy = answer.pointer("/description/hierarchy").and_then(Value::as_array);
    lines.extend(hierarchy.into_iter().flatten().filter_map(Value::as_str).map(|line| format!("  {line}")));
    let definition = answer.get("definition").unwrap_or(&Value::Null);
    lines.push(serde_json::to_string_pretty(definition).unwrap_or_default());
    format!("{}{}", lines.join("\n"), remarks(answer))
}

fn remarks(answer: &Value) -> String {
    let warnings = answer.get("warnings").and_then(Value::as_array);
    let lines = warnings.into_iter().flatten().map(|warning| {
        let (at, problem) = (text(warning, "at"), text(warning, "problem"));
        format!("\nNote: {at}: {problem}")
    });
    lines.collect()
}
