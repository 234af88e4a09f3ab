//! `auther admin client`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::flags::{PageFlags, SortFlag};
use super::input::given;
use super::output::{Failure, Output, facts, list, text};
use super::remote::{Call, Remote};
use super::user::{ended, would_end};

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

/// Which app.
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
    #[arg(long = "type", value_name = "TYPE", value_parser = ["web", "spa", "native", "m2m"])]
    kind: Option<String>,
    /// Only disabled apps; with =false only the others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    disabled: Option<bool>,
    /// In which order.
    #[command(flatten)]
    sort: SortFlag,
    /// Which part.
    #[command(flatten)]
    page: PageFlags,
}

/// `client fix`.
#[derive(Args, Debug)]
pub struct FixArgs {
    /// Which.
    #[command(flatten)]
    named: Named,
    /// The failure's id: flr_…
    failure: String,
}

/// `client delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// Which.
    #[command(flatten)]
    named: Named,
    /// Only say what would go with it
    #[arg(long)]
    dry_run: bool,
}

/// The facts of an app that can be set.
#[derive(Args, Debug)]
pub struct FactFlags {
    /// Where codes are sent, exactly; as often as needed
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Where people return after logging out, exactly; as often as needed
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// How the app proves itself at the token endpoint
    #[arg(long, value_name = "METHOD", value_parser = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])]
    auth_method: Option<String>,
    /// What it may present at the token endpoint; as often as needed
    #[arg(long, value_name = "GRANT", value_parser = ["authorization_code", "refresh_token", "client_credentials"])]
    grant: Vec<String>,
    /// `aud` of its access tokens; as often as needed
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// Origin whose pages may call from a browser, beyond those of the redirect URIs; as often as needed
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    /// Scope it may ask for; as often as needed [default: all]
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// People are not asked for consent
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    trusted: Option<bool>,
    /// PKCE is demanded even though the app has a secret
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    require_pkce: Option<bool>,
    /// What its tokens are signed with
    #[arg(long, value_name = "ALG", value_parser = ["RS256", "ES256", "EdDSA"])]
    signing_alg: Option<String>,
    /// Who may sign in: everybody, or those who hold owner, admin or use of it, themselves or through a group
    #[arg(long, value_name = "POLICY", value_parser = ["all_users", "restricted"])]
    access_policy: Option<String>,
    /// Which permissions stand in its tokens: on its own types and those of no client, on all types, or none
    #[arg(long, value_name = "TYPES", value_parser = ["own", "own+platform", "all", "none"])]
    permission_claims: Option<String>,
    /// Lifetime of its access tokens
    #[arg(long, value_name = "SECONDS")]
    access_token_seconds: Option<u64>,
    /// File with its public keys, a JWK set, for private_key_jwt
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
}

impl FactFlags {
    fn body(self) -> Result<Map<String, Value>, Failure> {
        let mut body = Map::new();
        let lists = [
            ("redirect_uris", self.redirect_uri),
            ("post_logout_redirect_uris", self.post_logout_redirect_uri),
            ("grant_types", self.grant),
            ("audiences", self.audience),
            ("origins", self.origin),
            ("scopes", self.scope),
        ];
        for (member, list) in lists {
            if !list.is_empty() {
                body.insert(member.to_owned(), list.into());
            }
        }
        body.extend(given([
            ("token_endpoint_auth_method", self.auth_method.map(Value::from)),
            ("trusted", self.trusted.map(Value::from)),
            ("require_pkce", self.require_pkce.map(Value::from)),
            ("signing_alg", self.signing_alg.map(Value::from)),
            ("access_policy", self.access_policy.map(Value::from)),
            ("permission_claims", self.permission_claims.map(Value::from)),
            ("access_token_seconds", self.access_token_seconds.map(Value::from)),
            ("jwks", self.jwks_file.map(key_set).transpose()?),
        ]));
        Ok(body)
    }
}

fn key_set(file: PathBuf) -> Result<Value, Failure> {
    let wrong = |what: String| Failure::usage("jwks_file", format!("{}: {what}.", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("not JSON: {error}")))
}

/// `client create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Name that people see
    #[arg(long)]
    name: String,
    /// web: keeps a secret; spa: in the browser; native: on a device; m2m: without people
    #[arg(long = "type", value_name = "TYPE", value_parser = ["web", "spa", "native", "m2m"])]
    kind: String,
    /// The client_id [default: generated]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The rest.
    #[command(flatten)]
    facts: FactFlags,
}

/// `client update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// Which.
    #[command(flatten)]
    named: Named,
    /// Name that people see
    #[arg(long)]
    name: Option<String>,
    /// The rest.
    #[command(flatten)]
    facts: FactFlags,
    /// Empty this list or take this value away; as often as needed
    #[arg(long, value_name = "WHAT", value_parser = ["redirect-uri", "post-logout-redirect-uri", "audience", "origin", "scope",
        "access-token-seconds", "jwks"])]
    clear: Vec<String>,
}

/// `client rotate-secret`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// Which.
    #[command(flatten)]
    named: Named,
    /// How long the old secret goes on working [default: 0]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=7_776_000))]
    overlap: Option<u64>,
}

impl ClientCommand {
    /// Does it.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(remote, output),
            Self::List(args) => {
                let call = Call::get(["clients"])
                    .page(&args.page)
                    .sort(args.sort)
                    .query("search", args.search)
                    .query("type", args.kind);
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
                ];
                let answer = remote.call(Call::get(["clients", &named.client, "failures"]))?;
                output.show(&answer, |answer| list(answer, &columns, "Nothing went wrong lately."))
            }
            Self::Fix(args) => {
                let call = Call::post(["clients", &args.named.client, "failures", &args.failure, "fix"]);
                output.show(&remote.call(call)?, app)
            }
            Self::RotateSecret(args) => {
                let body = json!({"overlap_seconds": args.overlap.unwrap_or(0)});
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
        let mut body = self.facts.body()?;
        body.insert(String::from("name"), self.name.into());
        body.insert(String::from("type"), self.kind.into());
        if let Some(id) = self.client_id {
            body.insert(String::from("client_id"), id.into());
        }
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
        let mut body = self.facts.body()?;
        if let Some(name) = self.name {
            body.insert(String::from("name"), name.into());
        }
        for cleared in self.clear {
            let (member, nothing) = match &*cleared {
                "jwks" => (cleared, Value::Null),
                "access-token-seconds" => (cleared.replace('-', "_"), Value::Null),
                list => (format!("{}s", list.replace('-', "_")), json!([])),
            };
            body.entry(member).or_insert(nothing);
        }
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
    let members = [
        ("client_id", "client_id"),
        ("client_secret", "client_secret"),
        ("name", "name"),
        ("type", "type"),
        ("auth method", "token_endpoint_auth_method"),
        ("grants", "grant_types"),
        ("redirect URIs", "redirect_uris"),
        ("after logout", "post_logout_redirect_uris"),
        ("audiences", "audiences"),
        ("origins", "origins"),
        ("scopes", "scopes"),
        ("trusted", "trusted"),
        ("require PKCE", "require_pkce"),
        ("signing alg", "signing_alg"),
        ("access policy", "access_policy"),
        ("claims", "permission_claims"),
        ("access seconds", "access_token_seconds"),
        ("disabled", "disabled"),
        ("managed by", "managed_by"),
        ("created", "created_at"),
        ("updated", "updated_at"),
    ];
    facts(document, &members)
}
