//! `auther admin client`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::fields::{Clear, FieldFlags, labels};
use super::flags::{PageFlags, SortFlag, one_of};
use super::output::{Failure, Output, facts, list, text};
use super::remote::{Call, Remote};
use super::user::{ended, would_end};
use crate::http::admin::clients::Rotation;
use crate::oauth::clients::{ClientChange, NewClient};
use crate::records::{ClientFieldsChange, ClientType};

/// What can be done with apps.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Register an app or a machine
    #[command(after_help = "Examples:\n  \
        auther admin client create --name Wiki --type web --redirect-uri https://wiki.example.com/callback\n  \
        auther admin client create --name 'Web app' --type spa --redirect-uri https://app.example.com/\n  \
        auther admin client create --name Phone --type native --redirect-uri com.example.app:/callback\n  \
        auther admin client create --name Nightly --type m2m --audience https://api.example.com\n\n\
        The secret of a confidential client is shown this once.")]
    Create(CreateArgs),
    /// List registered apps
    #[command(after_help = "Example:\n  auther admin client list --type spa --search example.com")]
    List(ListArgs),
    /// Show an app
    Show(Named),
    /// Change an app; what is not named stays, a list that is named replaces the old one
    #[command(after_help = "Examples:\n  \
        auther admin client update wiki --redirect-uri https://wiki.example.com/callback\n  \
        auther admin client update wiki --trusted=false --clear origin --clear access-token-seconds\n  \
        auther admin client update wiki --access-policy restricted\n\n\
        Who may use a restricted app: auther admin tuple add oauth_client wiki use group staff")]
    Update(UpdateArgs),
    /// Show what the app's developer needs: addresses and what is registered, never the secret
    Integration(Named),
    /// List failed authorization requests
    Failures(Named),
    /// Put one of its failures right, by adding the redirect URI that the app sent
    Fix(FixArgs),
    /// Make a new secret; shown this once
    #[command(after_help = "Example:\n  auther admin client rotate-secret wiki --overlap 86400\n\n\
        Without --overlap the old secret stops working at once.")]
    RotateSecret(RotateArgs),
    /// Stop an app from getting anything
    Disable(Named),
    /// Let a disabled app in again
    Enable(Named),
    /// Delete an app with its grants and consents
    Delete(DeleteArgs),
}

/// Names an app.
#[derive(Args, Debug)]
pub struct Named {
    /// Its client_id
    client: String,
}

/// `client list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Stands in the client_id, the name or a redirect URI
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only apps of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of::<ClientType>())]
    kind: Option<ClientType>,
    /// Only disabled apps; with =false only the others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    disabled: Option<bool>,
    #[command(flatten)]
    sort: SortFlag,
    #[command(flatten)]
    page: PageFlags,
}

/// `client fix`.
#[derive(Args, Debug)]
pub struct FixArgs {
    #[command(flatten)]
    named: Named,
    /// The failure's id: flr_…
    failure: String,
}

/// `client delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    named: Named,
    /// Only say what would go with it
    #[arg(long)]
    dry_run: bool,
}

/// `client create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Name that people see
    #[arg(long)]
    name: String,
    /// web: keeps a secret; spa: in the browser; native: on a device; m2m: without people
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of::<ClientType>())]
    kind: ClientType,
    /// The client_id [default: generated]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    #[command(flatten)]
    fields: FieldFlags<ClientFieldsChange>,
}

/// `client update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    named: Named,
    /// Name that people see
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fields: FieldFlags<ClientFieldsChange>,
    #[command(flatten)]
    clear: Clear<ClientFieldsChange>,
}

/// `client rotate-secret`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    #[command(flatten)]
    named: Named,
    /// How long the old secret goes on working [default: 0]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=7_776_000))]
    overlap: Option<u64>,
}

impl ClientCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(remote, output),
            Self::List(args) => {
                let call = Call::get(["clients"])
                    .page(&args.page)
                    .sort(args.sort)
                    .query("search", args.search)
                    .query("type", args.kind.map(|kind| kind.as_str().to_owned()));
                let call = call.query("disabled", args.disabled.map(|disabled| disabled.to_string()));
                output.show(&remote.call(call)?, apps)
            }
            Self::Show(named) => output.show(&remote.call(Call::get(["clients", &named.client]))?, app),
            Self::Update(args) => args.run(remote, output),
            Self::Integration(named) => {
                output.show(&remote.call(Call::get(["clients", &named.client, "integration"]))?, integration)
            }
            Self::Failures(named) => {
                let columns = [
                    ("ID", "id"),
                    ("LAST", "at"),
                    ("TIMES", "count"),
                    ("ERROR", "error"),
                    ("SENT", "sent"),
                    ("REGISTERED", "registered"),
                    ("FIX", "fix"),
                    ("WHAT TO DO", "next_step"),
                ];
                let answer = remote.call(Call::get(["clients", &named.client, "failures"]))?;
                output.show(&answer, |answer| list(answer, &columns, "Nothing went wrong lately."))
            }
            Self::Fix(args) => {
                let call = Call::post(["clients", &args.named.client, "failures", &args.failure, "fix"]);
                output.show(&remote.call(call)?, app)
            }
            Self::RotateSecret(args) => {
                let body = Rotation { overlap_seconds: args.overlap };
                let call = Call::post(["clients", &args.named.client, "rotate-secret"]).body(&body);
                output.show(&remote.call(call)?, |answer| {
                    format!(
                        "New secret of {}, shown this once:\n\n  {}",
                        text(answer, "client_id"),
                        text(answer, "client_secret")
                    )
                })
            }
            Self::Disable(named) => {
                let answer = remote.call(Call::post(["clients", &named.client, "disable"]))?;
                output.show(&answer, |answer| format!("Disabled {}; {}.", text(answer, "client_id"), ended(answer)))
            }
            Self::Enable(named) => {
                let answer = remote.call(Call::post(["clients", &named.client, "enable"]))?;
                output.show(&answer, |answer| format!("Enabled {}.", text(answer, "client_id")))
            }
            Self::Delete(DeleteArgs { named, dry_run: true }) => {
                output.show(&remote.call(Call::get(["clients", &named.client, "deletion"]))?, would_end)
            }
            Self::Delete(DeleteArgs { named, .. }) => {
                let answer = remote.call(Call::delete(["clients", &named.client]))?;
                output.show(&answer, |answer| format!("Deleted {}; {}.", text(answer, "client_id"), ended(answer)))
            }
        }
    }
}

impl CreateArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let fields = self.fields.change(Clear::default())?;
        let body = NewClient { name: Some(self.name), kind: Some(self.kind), client_id: self.client_id, fields };
        let answer = remote.call(Call::post(["clients"]).body(&body))?;
        output.show(&answer, |answer| {
            let mut shown = format!("Registered.\n\n{}", app(answer));
            if answer.get("client_secret").is_some() {
                shown.push_str(
                    "\n\nThe client_secret is shown this once. Keep it where the app can read it and nobody else.",
                );
            }
            shown
        })
    }
}

impl UpdateArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let fields = self.fields.change(self.clear)?;
        let body = ClientChange { name: self.name, fields, ..ClientChange::default() };
        let answer = remote.call(Call::patch(["clients", &self.named.client]).body(&body))?;
        output.show(&answer, app)
    }
}

fn apps(document: &Value) -> String {
    let columns = [
        ("CLIENT_ID", "client_id"),
        ("NAME", "name"),
        ("TYPE", "type"),
        ("AUTH", "token_endpoint_auth_method"),
        ("DISABLED", "disabled"),
        ("MANAGED BY", "managed_by"),
    ];
    let empty = "No app yet. Register the first: auther admin client create --name \"My app\" --type web --redirect-uri https://…";
    list(document, &columns, empty)
}

fn integration(document: &Value) -> String {
    let members = [
        ("client_id", "client_id"),
        ("type", "type"),
        ("issuer", "issuer"),
        ("discovery", "discovery"),
        ("authorize", "authorize"),
        ("token", "token"),
        ("userinfo", "userinfo"),
        ("JWKS", "jwks"),
        ("end session", "end_session"),
        ("audience", "audience"),
        ("scopes", "scopes"),
        ("redirect URIs", "redirect_uris"),
        ("after logout", "post_logout_redirect_uris"),
        ("auth method", "auth_method"),
        ("grants", "grant_types"),
        ("PKCE required", "pkce_required"),
        ("signing alg", "signing_alg"),
    ];
    facts(document, &members)
}

fn app(document: &Value) -> String {
    let fixed = |members: &[(&str, &str)]| -> Vec<(String, String)> {
        members.iter().map(|(label, member)| ((*label).to_owned(), (*member).to_owned())).collect()
    };
    let mut members =
        fixed(&[("client_id", "client_id"), ("client_secret", "client_secret"), ("name", "name"), ("type", "type")]);
    members.extend(labels::<ClientFieldsChange>());
    members.extend(fixed(&[
        ("disabled", "disabled"),
        ("managed by", "managed_by"),
        ("created", "created_at"),
        ("updated", "updated_at"),
    ]));
    let members: Vec<(&str, &str)> = members.iter().map(|(label, member)| (&**label, &**member)).collect();
    let shown = facts(document, &members);
    if document["allow_private_http"] != true {
        return shown;
    }
    format!(
        "{shown}\nNote: with allow_private_http, anyone who listens in the app's network can read codes and what the app shows."
    )
}
