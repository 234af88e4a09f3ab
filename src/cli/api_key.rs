//! `auther admin api-key`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::flags::{PageFlags, SortFlag};
use super::input::object;
use super::output::{Failure, Output, facts, list, text};
use super::remote::{Call, Remote};
use crate::apikeys::{KeyChange, RefillRule};
use crate::http::admin::api_keys::NewApiKey;
use crate::records::RateLimit;

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
    /// Change a key; what is not named stays, and so does the text of the key
    #[command(after_help = "Examples:\n  \
        auther admin api-key update key_06gvp --enabled=false\n  \
        auther admin api-key update key_06gvp --network 10.0.0.0/8 --network 192.0.2.7 --rate-limit 100/60\n  \
        auther admin api-key update key_06gvp --clear expires-in --clear rate-limit\n\n\
        What a key may do is said by its relations: auther admin tuple list --subject apikey:KEY")]
    Update(UpdateArgs),
    /// Delete a key: it stops working at once
    Revoke(Named),
}

/// Names a key.
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
    #[command(flatten)]
    limits: LimitFlags,
}

/// Within what a key may be used.
#[derive(Args, Debug)]
pub struct LimitFlags {
    /// Where it may be used from, as CIDR or an address; as often as needed [default: everywhere]
    #[arg(long, value_name = "NETWORK")]
    network: Vec<String>,
    /// How often it may be used from now on [default: any number]
    #[arg(long, value_name = "USES")]
    remaining: Option<u64>,
    /// How often it may be used in so many seconds [default: any number]
    #[arg(long, value_name = "USES/SECONDS", value_parser = rate)]
    rate_limit: Option<Rate>,
    /// Let the remaining uses be this many again every so many seconds
    #[arg(long, value_name = "USES/SECONDS", value_parser = rate)]
    refill: Option<Rate>,
    /// Notes, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = object)]
    metadata: Option<Map<String, Value>>,
}

/// So many in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    count: u64,
    millis: u64,
}

fn rate(text: &str) -> Result<Rate, String> {
    let parsed = text.split_once('/').and_then(|(count, seconds)| {
        let millis = seconds.parse::<u64>().ok()?.checked_mul(1_000)?;
        Some(Rate { count: count.parse().ok()?, millis })
    });
    parsed.ok_or_else(|| String::from("expected uses and seconds, such as 100/60"))
}

impl Rate {
    fn limit(self) -> RateLimit {
        RateLimit { max: self.count, window_ms: self.millis }
    }

    fn refill(self) -> RefillRule {
        RefillRule { amount: self.count, interval_ms: self.millis }
    }
}

/// `api-key update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    named: Named,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// It works; with =false it does not until it is enabled again
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    enabled: Option<bool>,
    /// How long it works from now on, one day to ten years
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(86_400..=315_360_000))]
    expires_in: Option<u64>,
    #[command(flatten)]
    limits: LimitFlags,
    /// Take this limit, or the end, away; as often as needed
    #[arg(long, value_name = "WHAT", value_parser = ["expires-in", "network", "remaining", "rate-limit", "refill", "metadata"])]
    clear: Vec<String>,
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
    #[command(flatten)]
    sort: SortFlag,
    #[command(flatten)]
    page: PageFlags,
}

impl ApiKeyCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(remote, output),
            Self::List(args) => {
                let call = Call::get(["api-keys"]).page(&args.page).sort(args.sort);
                let call = call.query("owner", args.owner).query("client", args.client);
                output.show(&remote.call(call)?, keys)
            }
            Self::Show(named) => output.show(&remote.call(Call::get(["api-keys", &named.key]))?, key),
            Self::Update(args) => args.run(remote, output),
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
        let LimitFlags { network, remaining, rate_limit, refill, metadata } = self.limits;
        let body = NewApiKey {
            name: self.name,
            owner: self.owner,
            client: self.client,
            expires_in: self.expires_in,
            networks: Some(network),
            metadata,
            remaining,
            rate_limit: rate_limit.map(Rate::limit),
            refill: refill.map(Rate::refill),
            prefix: None,
        };
        let answer = remote.call(Call::post(["api-keys"]).body(&body))?;
        output.show(&answer, |answer| {
            let end = "The key is shown this once. Keep it where the machine can read it and nobody else.";
            format!("Made.\n\n{}\n\n{end}", key(answer))
        })
    }
}

impl UpdateArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let LimitFlags { network, remaining, rate_limit, refill, metadata } = self.limits;
        let clears = |what: &str| self.clear.iter().any(|cleared| cleared == what);
        // What is both cleared and given is given.
        let change = KeyChange {
            expected_version: None,
            name: self.name,
            enabled: self.enabled,
            expires_in: self.expires_in.map(Some).or(clears("expires-in").then_some(None)),
            networks: (!network.is_empty() || clears("network")).then_some(network),
            metadata: metadata.or_else(|| clears("metadata").then(Map::new)),
            remaining: remaining.map(Some).or(clears("remaining").then_some(None)),
            refill: refill.map(|rate| Some(rate.refill())).or(clears("refill").then_some(None)),
            rate_limit: rate_limit.map(|rate| Some(rate.limit())).or(clears("rate-limit").then_some(None)),
        };
        if change.is_empty() {
            return Err(Failure::usage(
                "nothing_to_change",
                "name what is to change; see auther admin api-key update --help.",
            ));
        }
        let answer = remote.call(Call::patch(["api-keys", &self.named.key]).body(&change))?;
        output.show(&answer, key)
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
        ("rate limit", "rate_limit"),
        ("refill", "refill"),
        ("metadata", "metadata"),
        ("uses", "uses"),
        ("last used", "last_used_at"),
        ("created", "created_at"),
        ("updated", "updated_at"),
    ];
    facts(document, &members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_uses_and_seconds() {
        assert_eq!(rate("100/60"), Ok(Rate { count: 100, millis: 60_000 }));
        for wrong in ["", "100", "100/", "/60", "a/b", "100/60/1", "-1/5", "1/99999999999999999999"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
