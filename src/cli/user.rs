//! `auther admin user`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::flags::{NamedPerson, PageFlags, SortFlag};
use super::input;
use super::output::{Failure, Output, facts, list, text};
use super::remote::{Call, Remote};
use super::secret;
use super::user_sign_in::{self, LinkArgs};
use crate::http::admin::users::{ClaimsChange, NewInvite, NewPassword, NewUser, UserChange};

/// What can be done with people. A person is named by e-mail address, username or id.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account
    #[command(after_help = "Examples:\n  \
        auther admin user create --email ann@example.com --name 'Ann Lee' --admin\n  \
        echo 'correct horse battery' | auther admin user create --email ann@example.com --password-stdin --verified\n\n\
        Without --password-stdin the password is asked for; an empty answer makes an account without one.")]
    Create(CreateArgs),
    /// List accounts, oldest first
    #[command(after_help = "Examples:\n  \
        auther admin user list --search ann\n  \
        auther admin user list --role admin --disabled=false")]
    List(ListArgs),
    /// Show an account
    Show(NamedPerson),
    /// Change an account; what is not named stays
    #[command(after_help = "Example:\n  auther admin user update ann@example.com --name 'Ann Lee' --verified")]
    Update(UpdateArgs),
    /// Set a new password and end all sessions
    SetPassword(PasswordArgs),
    /// Lock an account out and end its sessions
    Disable(NamedPerson),
    /// Let a disabled account in again
    Enable(NamedPerson),
    /// Delete an account with its sessions, grants and consents
    Delete(DeleteArgs),
    /// Show which groups somebody is in
    Groups(NamedPerson),
    /// Show what somebody may do
    #[command(after_help = "Example:\n  auther admin user access ann@example.com --client shop")]
    Access(AccessArgs),
    /// Show what somebody's tokens for an app would say; nothing is signed or stored
    #[command(
        after_help = "Example:\n  auther admin user token ann@example.com --client shop --scope openid --scope email"
    )]
    Token(TokenArgs),
    /// List the apps somebody has let in
    Consents(NamedPerson),
    /// Take back what somebody allowed an app, and end what the app got by it
    RevokeConsent(ConsentArgs),
    /// Print a link with which somebody signs in once and sets a password
    #[command(
        long_about = "Print a link with which somebody signs in once and sets a password: the first one of a new account, or \
                      another in the place of a lost one. Also while registration is closed. A newer link for the same person \
                      takes its place.",
        after_help = "Example:\n  auther admin user link ann@example.com --expires-in 259200"
    )]
    Link(LinkArgs),
    /// Forget failed sign-ins, so that nobody who signs in as this person waits
    Unlock(NamedPerson),
    /// Make an invitation to sign up
    #[command(after_help = "Example:\n  auther admin user invite --email ann@example.com --expires-in 259200")]
    Invite(InviteArgs),
}

/// `user list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Stands in the e-mail address, the username, a name or the id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only disabled accounts; with =false only the others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    disabled: Option<bool>,
    /// Only those with this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    #[command(flatten)]
    sort: SortFlag,
    #[command(flatten)]
    page: PageFlags,
}

/// `user access`.
#[derive(Args, Debug)]
pub struct AccessArgs {
    #[command(flatten)]
    named: NamedPerson,
    /// Only on the types of this app: its client_id
    #[arg(long, value_name = "ID")]
    client: Option<String>,
}

/// `user token`.
#[derive(Args, Debug)]
pub struct TokenArgs {
    #[command(flatten)]
    named: NamedPerson,
    /// For which app: its client_id
    #[arg(long, value_name = "ID")]
    client: String,
    /// Scope that the app asks for; as often as needed [default: openid]
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
}

/// `user revoke-consent`.
#[derive(Args, Debug)]
pub struct ConsentArgs {
    #[command(flatten)]
    named: NamedPerson,
    /// The app's client_id
    client: String,
}

/// `user delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    named: NamedPerson,
    /// Only say what would go with it
    #[arg(long)]
    dry_run: bool,
}

/// The facts of a person that can be set.
#[derive(Args, Debug)]
pub struct FactFlags {
    /// Full name
    #[arg(long)]
    name: Option<String>,
    /// Name to sign in with besides the e-mail address: 3 to 30 of a–z 0–9 _ . -
    #[arg(long)]
    username: Option<String>,
    /// The e-mail address is known to be theirs; so it is for a new account unless =false says otherwise
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    verified: Option<bool>,
    /// Administers this installation
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    admin: Option<bool>,
    /// Custom attributes: a JSON object
    #[arg(long, value_name = "JSON", value_parser = input::object)]
    attributes: Option<Map<String, Value>>,
    /// Standard claims of OpenID Connect, such as {"given_name":"Ann"}: a JSON object
    #[arg(long, value_name = "JSON", value_parser = input::profile)]
    profile: Option<Map<String, Value>>,
}

impl FactFlags {
    /// The claims that were given. Errors: one of the wrong type.
    fn claims(&mut self) -> Result<ClaimsChange, Failure> {
        let mut claims = self.profile.take().unwrap_or_default();
        claims.extend(self.name.take().map(|name| (String::from("name"), Value::from(name))));
        serde_json::from_value(claims.into()).map_err(|error| Failure::usage("profile", format!("--profile: {error}.")))
    }
}

/// `user create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// E-mail address
    #[arg(long)]
    email: String,
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    facts: FactFlags,
}

/// `user update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    named: NamedPerson,
    /// New e-mail address
    #[arg(long)]
    email: Option<String>,
    #[command(flatten)]
    facts: FactFlags,
}

/// `user set-password`.
#[derive(Args, Debug)]
pub struct PasswordArgs {
    #[command(flatten)]
    named: NamedPerson,
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
}

/// `user invite`.
#[derive(Args, Debug)]
pub struct InviteArgs {
    /// The only address that may use it
    #[arg(long)]
    email: Option<String>,
    /// Seconds until it stops working [default: 604800, a week]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(60..=31_536_000))]
    expires_in: Option<u64>,
}

impl UserCommand {
    /// Calls the admin API and prints what it answers. Errors: what it refuses, and that no server and no data file can
    /// be reached.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(remote, output),
            Self::List(args) => {
                let call = Call::get(["users"])
                    .page(&args.page)
                    .sort(args.sort)
                    .query("search", args.search)
                    .query("role", args.role);
                let call = call.query("disabled", args.disabled.map(|disabled| disabled.to_string()));
                output.show(&remote.call(call)?, people)
            }
            Self::Show(named) => {
                let answer = remote.call(Call::get(["users", &named.user]))?;
                output.show(&answer, person)
            }
            Self::Update(args) => {
                let mut facts = args.facts;
                let claims = facts.claims()?;
                let body = UserChange {
                    email: args.email,
                    email_verified: facts.verified,
                    username: facts.username.map(Some),
                    attributes: facts.attributes,
                    admin: facts.admin,
                    claims,
                    ..UserChange::default()
                };
                let answer = remote.call(Call::patch(["users", &args.named.user]).body(&body))?;
                output.show(&answer, person)
            }
            Self::SetPassword(args) => args.run(remote, output),
            Self::Disable(named) => {
                let answer = remote.call(Call::post(["users", &named.user, "disable"]))?;
                output.show(&answer, |answer| format!("Disabled {}; {}.", text(answer, "email"), ended(answer)))
            }
            Self::Enable(named) => {
                let answer = remote.call(Call::post(["users", &named.user, "enable"]))?;
                output.show(&answer, |answer| format!("Enabled {}.", text(answer, "email")))
            }
            Self::Delete(DeleteArgs { named, dry_run: true }) => {
                output.show(&remote.call(Call::get(["users", &named.user, "deletion"]))?, would_end)
            }
            Self::Delete(DeleteArgs { named, .. }) => {
                let answer = remote.call(Call::delete(["users", &named.user]))?;
                output.show(&answer, |answer| format!("Deleted {}; {}.", text(answer, "email"), ended(answer)))
            }
            Self::Groups(named) => {
                let columns = [("NAME", "name"), ("ID", "id"), ("BY NAME", "direct")];
                let answer = remote.call(Call::get(["users", &named.user, "groups"]))?;
                output.show(&answer, |answer| list(answer, &columns, "In no group."))
            }
            Self::Access(args) => args.run(remote, output),
            Self::Token(args) => args.run(remote, output),
            Self::Consents(named) => output.show(&remote.call(Call::get(["users", &named.user, "consents"]))?, apps),
            Self::RevokeConsent(args) => args.run(remote, output),
            Self::Link(args) => args.run(remote, output),
            Self::Unlock(named) => user_sign_in::unlock(&named, remote, output),
            Self::Invite(args) => args.run(remote, output),
        }
    }
}

impl AccessArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let call = Call::get(["users", &self.named.user, "access"]).query("client", self.client);
        output.show(&remote.call(call)?, access)
    }
}

impl TokenArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let call = Call::get(["users", &self.named.user, "token"]).query("client", Some(self.client));
        let scope = (!self.scope.is_empty()).then(|| self.scope.join(" "));
        output.show(&remote.call(call.query("scope", scope))?, token)
    }
}

impl ConsentArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let call = Call::delete(["users", &self.named.user, "consents", &self.client]);
        output.show(&remote.call(call)?, |answer| {
            let ended = answer.get("ended").unwrap_or(&Value::Null);
            format!("{} must ask again; {} grants were revoked.", text(answer, "client_id"), text(ended, "grants"))
        })
    }
}

impl InviteArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let body = NewInvite { email: self.email, expires_in: self.expires_in };
        let answer = remote.call(Call::post(["invites"]).body(&body))?;
        output.show(&answer, |answer| {
            let (end, url) = (text(answer, "expires_at"), text(answer, "url"));
            format!("Invitation, works once, until {end}:\n\n  {url}")
        })
    }
}

impl CreateArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let password = secret::new_password(self.password_stdin, true)?;
        let mut facts = self.facts;
        let claims = facts.claims()?;
        let body = NewUser {
            email: self.email,
            email_verified: facts.verified,
            username: facts.username,
            password,
            attributes: facts.attributes,
            admin: facts.admin,
            claims,
            ..NewUser::default()
        };
        let answer = remote.call(Call::post(["users"]).body(&body))?;
        output.show(&answer, |answer| format!("Created.\n\n{}", person(answer)))
    }
}

impl PasswordArgs {
    fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let Some(password) = secret::new_password(self.password_stdin, false)? else {
            return Err(Failure::usage("no_password", "no password was given."));
        };
        let body = NewPassword { password };
        let answer = remote.call(Call::post(["users", &self.named.user, "password"]).body(&body))?;
        output.show(&answer, |answer| format!("Password set for {}; {}.", text(answer, "email"), ended(answer)))
    }
}

fn people(document: &Value) -> String {
    let columns = [
        ("ID", "id"),
        ("EMAIL", "email"),
        ("USERNAME", "username"),
        ("NAME", "name"),
        ("ROLES", "roles"),
        ("DISABLED", "disabled"),
    ];
    list(document, &columns, "Nobody yet. Make the first account with the set-up link, or `auther admin user create`.")
}

fn person(document: &Value) -> String {
    let members = [
        ("id", "id"),
        ("email", "email"),
        ("verified", "email_verified"),
        ("username", "username"),
        ("name", "name"),
        ("roles", "roles"),
        ("attributes", "attributes"),
        ("password", "has_password"),
        ("disabled", "disabled"),
        ("created", "created_at"),
        ("updated", "updated_at"),
    ];
    facts(document, &members)
}

/// What went with it: `ended 3 sessions, revoked 2 grants, removed 1 consent`.
pub fn ended(answer: &Value) -> String {
    let ended = answer.get("ended").unwrap_or(&Value::Null);
    let count = |member: &str| ended.get(member).and_then(Value::as_u64).unwrap_or(0);
    let part = |verb: &str, count: u64, noun: &str| match count {
        1 => format!("{verb} 1 {noun}"),
        count => format!("{verb} {count} {noun}s"),
    };
    let mut parts = vec![part("ended", count("sessions"), "session")];
    if count("grants") > 0 {
        parts.push(part("revoked", count("grants"), "grant"));
    }
    if count("consents") > 0 {
        parts.push(part("removed", count("consents"), "consent"));
    }
    if count("api_keys") > 0 {
        parts.push(part("stopped", count("api_keys"), "API key"));
    }
    if count("tuples") > 0 {
        parts.push(part("removed", count("tuples"), "relation"));
    }
    if count("models") > 0 {
        parts.push(part("removed", count("models"), "entity type"));
    }
    parts.join(", ")
}

fn apps(document: &Value) -> String {
    let columns = [("CLIENT_ID", "client_id"), ("NAME", "client_name"), ("SCOPES", "scopes"), ("SINCE", "created_at")];
    list(document, &columns, "No app was let in.")
}

fn access(document: &Value) -> String {
    let columns = [
        ("TYPE", "entity_type"),
        ("OBJECT", "entity_id"),
        ("MAY", "permissions"),
        ("DEPENDS ON A POLICY", "abac_required"),
    ];
    let table = list(document, &columns, "Nothing that a relation gives.");
    let more = document.get("truncated").and_then(Value::as_bool).unwrap_or_default();
    if more { format!("{table}\n\nThere is more than is shown.") } else { table }
}

/// Claims as JSON: they are for who writes the app.
fn token(document: &Value) -> String {
    let claims = |member: &str| document.get(member).and_then(|claims| serde_json::to_string_pretty(claims).ok());
    let [id, access] = ["id_token", "access_token"].map(|member| claims(member).unwrap_or_default());
    let refused = match text(document, "refused") {
        why if why.is_empty() => String::new(),
        why => format!("\n\nBut there would be no token now: {why}."),
    };
    format!("ID token\n{id}\n\nAccess token\n{access}{refused}")
}

/// What a deletion would take along, and who would gain and who would lose what.
pub fn would_end(answer: &Value) -> String {
    let members = [
        ("sessions", "sessions"),
        ("refresh families", "refresh_families"),
        ("API keys", "api_keys"),
        ("relations", "tuples"),
        ("of these memberships", "memberships"),
        ("consents", "consents"),
        ("entity types", "models"),
    ];
    let changes = answer.get("changes").filter(|changes| changes.is_object());
    let told = changes.map(|changes| format!("\n\n{}", super::tuple::changes(changes))).unwrap_or_default();
    format!("Nothing was deleted. With it would go:\n\n{}{told}", facts(answer, &members))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_went_with_it_is_counted_in_words() {
        let answer = json!({"ended": {"sessions": 1, "grants": 2, "consents": 0}});
        assert_eq!(ended(&answer), "ended 1 session, revoked 2 grants");
        assert_eq!(ended(&json!({})), "ended 0 sessions");
    }

    #[test]
    fn the_name_is_one_of_the_claims_and_a_claim_of_the_wrong_type_is_refused() {
        let facts = |profile: &str| FactFlags {
            name: Some(String::from("Ann")),
            username: None,
            verified: Some(false),
            admin: None,
            attributes: None,
            profile: input::object(profile).ok(),
        };
        let claims = facts(r#"{"given_name":"A","locale":null}"#).claims().unwrap();
        assert_eq!(serde_json::to_value(&claims).unwrap(), json!({"name": "Ann", "given_name": "A", "locale": null}));
        assert!(facts(r#"{"given_name":1}"#).claims().unwrap_err().message.contains("profile"));
    }
}
