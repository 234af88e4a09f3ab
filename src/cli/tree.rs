//! The command tree as it is typed: names, flags and the texts of `--help`.

use clap::{Args, Parser, Subcommand};

use super::flags::{Paths, ServeFlags};
use super::{
    api_key, audit, backup, check, client, config, entry, group, key, model, outbox, policy, session, tuple, user,
};

/// The identity server that fits in one file.
#[derive(Debug, Parser)]
#[command(
    name = "auther",
    version,
    about = "The identity server that fits in one file",
    long_about = "The identity server that fits in one file: people sign in, apps get OpenID Connect tokens.\n\n\
                  Without a command it serves: `auther` is `auther serve`. In an empty folder it makes auther.redb, listens on \
                  https://localhost:8443 and prints a link for the first administrator.",
    after_help = "Examples:\n  \
                  auther                                         serve, with everything at its default\n  \
                  auther serve --issuer https://auth.example.com --listen 0.0.0.0:443\n  \
                  auther admin client create --name Wiki --type web --redirect-uri https://wiki.example.com/callback\n  \
                  auther config show                             every setting, and where its value comes from",
    disable_help_subcommand = true
)]
pub struct Auther {
    /// For `auther` without a command.
    #[command(flatten)]
    pub serve: ServeFlags,
    /// What to do; serving when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The first word.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until a signal ends it
    #[command(after_help = "Examples:\n  \
                            auther serve\n  \
                            auther serve --tls off --listen 127.0.0.1:8080 --issuer http://localhost:8080\n  \
                            auther serve --config /etc/auther/auther.toml\n\n\
                            SIGTERM and SIGINT stop it gracefully, SIGHUP reads certificates and reloadable settings again.")]
    Serve(ServeFlags),
    /// Ask the running server whether it is ready, for containers
    #[command(
        long_about = "Ask the running server whether it is ready, through the admin socket beside the data file. \
                            Exit code 0: ready; 1: not ready, or no server runs."
    )]
    Healthcheck(HealthcheckArgs),
    /// Show or check the configuration
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Config(config::ConfigArgs),
    /// Administer people, apps, keys and sessions, whether the server runs or not
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Admin(Box<AdminArgs>),
}

/// `auther admin`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
                        auther admin setup-link\n  \
                        auther admin user create --email ann@example.com --name Ann --admin\n  \
                        auther admin client create --name Wiki --type web --redirect-uri https://wiki.example.com/callback\n  \
                        auther admin audit list --follow")]
pub struct AdminArgs {
    /// Where the files are.
    #[command(flatten)]
    pub paths: Paths,
    /// Print exactly one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// What to administer.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What `auther healthcheck` takes.
#[derive(Args, Debug)]
pub struct HealthcheckArgs {
    /// Where the files are.
    #[command(flatten)]
    pub paths: Paths,
    /// Print exactly one JSON document
    #[arg(long)]
    pub json: bool,
}

/// The nouns of `auther admin`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Print a new link for the first administrator
    #[command(
        long_about = "Print a new link for the first administrator. It works once and replaces the one before; once there is \
                      an administrator there is no such link any more: use `auther admin recover`."
    )]
    SetupLink,
    /// Print a link with which anybody, administrators included, sets a new password
    #[command(
        long_about = "Print a link with which a person sets a new password. It works for anybody, administrators included, once, \
                      within an hour.",
        after_help = "Example:\n  auther admin recover ann@example.com"
    )]
    Recover(entry::RecoverArgs),
    /// Print the certificate of the local CA, so that browsers and apps can trust it
    #[command(
        after_help = "Example:\n  auther admin ca > auther-ca.pem && curl --cacert auther-ca.pem https://localhost:8443/healthz"
    )]
    Ca,
    /// People
    #[command(subcommand)]
    User(user::UserCommand),
    /// Apps that sign people in, and machines
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Named sets of people, machines and other groups
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// What the relations and permissions of an entity type mean
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// The scripts that narrow permissions: try one, see what they said, see what they were
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Who has which relation to which object
    #[command(subcommand)]
    Tuple(tuple::TupleCommand),
    /// Ask whether somebody may do something, and why
    #[command(after_help = "Examples:\n  \
        auther admin check user ann@example.com refund client_abc:invoice inv_1 --explain\n  \
        auther admin check apikey key_… edit client_abc:deployment deploy_123 --resource '{\"attributes\":{\"environment\":\"staging\"}}'")]
    Check(check::CheckArgs),
    /// Token-signing keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Keys with which machines call
    #[command(subcommand)]
    ApiKey(api_key::ApiKeyCommand),
    /// Signed-in browsers and devices
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Who did what, when
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Deliveries to other servers that wait, or were given up
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Copies of the data file
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Say what is wrong with the installation, and what to do
    #[command(
        after_help = "Exit code 1 when a check fails. Warnings are for people to decide about.\n\nExample:\n  auther admin doctor --json"
    )]
    Doctor,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Auther::command().debug_assert();
    }

    #[test]
    fn no_command_serves_and_takes_the_flags_of_serve() {
        let bare = Auther::try_parse_from(["auther"]).unwrap();
        assert!(bare.command.is_none());
        let flags = ["auther", "--data", "x.redb", "--listen", ":1", "--listen", ":2", "--issuer", "https://a.b"];
        let bare = Auther::try_parse_from(flags).unwrap();
        assert_eq!(bare.serve.listen, [":1", ":2"]);
        assert_eq!(bare.serve.paths.data.as_deref(), Some(std::path::Path::new("x.redb")));
    }

    #[test]
    fn data_and_json_may_stand_anywhere_in_an_admin_command() {
        for line in [
            "auther admin --data x --json user list",
            "auther admin user --data x list --json",
            "auther admin user list --json --data x",
        ] {
            let parsed = Auther::try_parse_from(line.split(' ')).unwrap();
            let Some(Command::Admin(admin)) = parsed.command else { panic!("{line}") };
            assert!(admin.json, "{line}");
            assert_eq!(admin.paths.data.as_deref(), Some(std::path::Path::new("x")), "{line}");
        }
    }

    #[test]
    fn every_command_of_the_contract_that_exists_is_in_the_tree() {
        for line in [
            "setup-link",
            "recover ann@example.com",
            "ca",
            "user create --email a@b.c --name N --username u --password-stdin --verified --admin --attributes {}",
            "user list --limit 2 --after usr_x",
            "user list --search ann --disabled --role admin",
            "user show ann",
            "user update ann --name Ann",
            "user set-password ann --password-stdin",
            "user disable ann",
            "user enable ann",
            "user delete ann",
            "user delete ann --dry-run",
            "user groups ann",
            "user access ann --client c1",
            "user token ann --client c1 --scope openid --scope email",
            "user consents ann",
            "user revoke-consent ann c1",
            "user link ann --expires-in 86400",
            "user unlock ann",
            "user invite --email a@b.c",
            "client create --name N --type web --client-id c1 --redirect-uri https://a/1 --redirect-uri https://a/2 \
             --post-logout-redirect-uri https://a/out --auth-method client_secret_basic --grant authorization_code \
             --grant refresh_token --audience api --origin https://a --scope openid --trusted --require-pkce --jwks-file f \
             --access-policy restricted --permission-claims own+platform",
            "client list",
            "client list --search wiki --type web --disabled=false",
            "client show c1",
            "client update c1 --name N",
            "client integration c1",
            "client failures c1",
            "client fix c1 flr_1",
            "client update c1 --clear access-token-seconds --clear jwks --clear origin",
            "client list --sort name",
            "user list --sort -created_at --search ann",
            "group list --sort=-name",
            "api-key list --sort -last_used_at",
            "api-key create --name N --remaining 5 --rate-limit 100/60 --refill 5/86400",
            "api-key update key_1 --name N --enabled=false --expires-in 86400 --network 10.0.0.0/8 --remaining 5 \
             --rate-limit 100/60 --refill 5/86400 --metadata {}",
            "api-key update key_1 --clear expires-in --clear network --clear remaining --clear rate-limit --clear refill \
             --clear metadata --enabled",
            "session list --sort last_seen_at",
            "session revoke --user ann@example.com",
            "client rotate-secret c1",
            "client disable c1",
            "client enable c1",
            "client delete c1",
            "client delete c1 --dry-run",
            "group create --name N --description D",
            "group list",
            "group list --search N",
            "group show N --direct",
            "group add-member N ann@example.com",
            "group remove-member N key_1 --type apikey",
            "group delete N",
            "group delete N --dry-run",
            "model put client_abc:invoice --file f --dry-run",
            "model get client_abc:invoice",
            "model list",
            "model validate --file f",
            "model validate client_abc:invoice --file f",
            "model delete client_abc:invoice",
            "model import --file f --prefix shop:",
            "tuple add doc 1 viewer group g --subject-relation member --condition-file f --expires-at 2030-01-01T00:00:00Z",
            "tuple remove doc 1 viewer user ann",
            "tuple remove tpl_1",
            "tuple list --entity-type doc --entity-id 1 --relation viewer --subject user:ann",
            "tuple import --file f",
            "tuple export",
            "check user ann read doc 1 --resource {} --explain",
            "key list",
            "key rotate --alg ES256",
            "key retire kid_1",
            "api-key create --name N --owner ann --client c1 --expires-in 2592000 --network 10.0.0.0/8",
            "api-key list --owner ann --limit 2",
            "api-key list --client c1",
            "api-key show key_1",
            "api-key revoke key_1",
            "session list",
            "session list --user ann --client c1",
            "session revoke ses_1",
            "audit list --since 2026-01-01T00:00:00Z --actor usr_1 --action user --follow",
            "audit list --until 2026-01-01T00:00:00Z --result failure --search x --target usr_1 --request req_1",
            "audit export --since 2026-01-01T00:00:00Z --action user",
            "outbox list --state dead --kind hook --target usr_1",
            "outbox retry dlv_1",
            "outbox delete dlv_1",
            "backup create f",
            "backup verify f",
            "backup restore f --force",
            "doctor",
        ] {
            let words = ["auther", "admin"].into_iter().chain(line.split_whitespace());
            if let Err(error) = Auther::try_parse_from(words) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn a_password_cannot_be_an_argument() {
        for line in ["user create --email a@b.c --password x", "user set-password ann x"] {
            assert!(Auther::try_parse_from(["auther", "admin"].into_iter().chain(line.split(' '))).is_err(), "{line}");
        }
    }
}
