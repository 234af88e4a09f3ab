//! `auther admin api-key`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::output::{Failure, Output, facts, list, text};
use super::remote::{Call, Remote};
use super::tree::PageFlags;

/// What can be done with the keys of machines.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key; shown this once
    #[command(after_help = "Examples:\n  \
        auther admin api-key create --name 'CI pipeline' --owner ann@example.com --expires-in 2592000\n  \
        auther admin api-key create --name Nightly --client wiki --network 10.0.0.0/8\n\n\
        A key holds nothing of its owner's: give it relations of its own, with the subject apikey and the key's id.")]
    Create(CreateArgs),
    /// List keys, newest first
    List(ListArgs),
    /// Show a key; its text cannot be shown again
    Show(Named),
    /// Delete a key: it stops working at once
    Revoke(Named),
}

/// Which key.
#[derive(Args, Debug)]
pub struct Named {
    /// Its id, key_…
    key: String,
}

/// `api-key create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// What people call it
    #[arg(long)]
    name: String,
    /// Whose it is: e-mail address, username or id [default: the first administrator]
    #[arg(long, value_name = "PERSON")]
    owner: Option<String>,
    /// Bind it to this app: its tokens are then for the audiences of the app
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// How long it works, one day to ten years [default: for ever]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(86_400..=315_360_000))]
    expires_in: Option<u64>,
    /// Where it may be used from, as CIDR or an address; as often as needed [default: everywhere]
    #[arg(long, value_name = "NETWORK")]
    network: Vec<String>,
}

/// `api-key list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only those of this person: e-mail address, username or id
    #[arg(long, value_name = "PERSON", conflicts_with = "client")]
    owner: Option<String>,
    /// Only those bound to this app
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// Which part.
    #[command(flatten)]
    page: PageFlags,
}

impl ApiKeyCommand {
    /// Does it.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(remote, output),
            Self::List(args) => {
                let call = Call::get(["api-keys"]).page(&args.page);
                let call = call.query("owner", args.owner).query("client", args.client);
                output.show(&remote.call(call)?, keys)
            }
            Self::Show(named) => output.show(&remote.call(Call::get(["api-keys", &named.key]))?, key),
            Self::Revoke(named) => {
                let answer = remote.call(Call::delete(["api-keys", &named.key]))?;
                output.show(&answer, |answer| {
                    let ended = answer.get("ended").unwrap_or(&Value::Null);
                    let (id, name, tuples) = (text(answer, "id"), text(answer, "name"), text(ended, "tuples"));
                    format!("Revoked {id} ({name}); {tuples} tuples went with it.")
                })
            }
        }
    }
}

impl CreateArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let mut body = Map::from_iter([(String::from("name"), Value::from(self.name))]);
        let more = [
            ("owner", self.owner.map(Value::from)),
            ("client", self.client.map(Value::from)),
            ("expires_in", self.expires_in.map(Value::from)),
            ("networks", (!self.network.is_empty()).then(|| self.network.into())),
        ];
        body.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        let answer = remote.call(Call::post(["api-keys"]).body(body.into()))?;
        output.show(&answer, |answer| {
            let end = "The key is shown this once. Keep it where the machine can read it and nobody else.";
            format!("Made.\n\n{}\n\n{end}", key(answer))
        })
    }
}

fn keys(document: &Value) -> String {
    let columns = [
        ("ID", "id"),
        ("NAME", "name"),
        ("START", "start"),
        ("OWNER", "owner"),
        ("CLIENT", "client"),
        ("ENABLED", "enabled"),
        ("ENDS", "expires_at"),
        ("LAST USED", "last_used_at"),
    ];
    list(document, &columns, "No API key yet. Make the first: auther admin api-key create --name \"CI pipeline\"")
}

fn key(document: &Value) -> String {
    let members = [
        ("id", "id"),
        ("key", "key"),
        ("name", "name"),
        ("start", "start"),
        ("owner", "owner"),
        ("client", "client"),
        ("enabled", "enabled"),
        ("expired", "expired"),
        ("expires", "expires_at"),
        ("networks", "networks"),
        ("remaining", "remaining"),
        ("uses", "uses"),
        ("last used", "last_used_at"),
        ("created", "created_at"),
        ("updated", "updated_at"),
    ];
    facts(document, &members)
}
