//! Every key there is, in one table: the file, the environment, `config show` and the example file follow it.

use std::sync::LazyLock;

use crate::base::json_schema::{Member, Shape, members_of, words_of};
use crate::records::settable::Settable;
use crate::records::{ClientFieldsChange, ClientType};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of any form.
    Text,
    /// A file name; relative ones start from the working folder.
    Path,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, both included.
    Number {
        /// The least that is accepted.
        least: i64,
        /// The most that is accepted.
        most: i64,
    },
    /// One of the known names.
    Choice {
        /// The names that work.
        known: &'static [&'static str],
        /// Names that a later version will know: refused with a kinder answer.
        later: &'static [&'static str],
    },
    /// A list of texts; separated by commas in a variable.
    List,
    /// A list of known names.
    Choices(&'static [&'static str]),
    /// Text that is never shown; its variable also exists with `_FILE`.
    Secret,
    /// A table that is passed on as JSON.
    Table,
    /// The `[[clients]]` tables.
    Clients,
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The dotted name in the file: `tls.mode`.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The default as it would stand in a variable; empty for none.
    pub default: &'static str,
    /// One line of explanation.
    pub help: &'static str,
    /// Whether SIGHUP brings a new value into effect; the others wait for a restart.
    pub reloadable: bool,
    /// Whether nothing of this version reads it. It is accepted, since scripts set it, and anyone who sets it is
    /// warned.
    pub not_yet: bool,
}

impl Key {
    /// The environment variable of this key: `tls.mode` is `AUTHER_TLS_MODE`.
    pub fn variable(&self) -> String {
        let suffix = if self.kind == Kind::Clients { "_JSON" } else { "" };
        format!("{PREFIX}{}{suffix}", self.name.to_ascii_uppercase().replace('.', "_"))
    }
}

/// What every variable of Auther begins with.
pub const PREFIX: &str = "AUTHER_";

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "AUTHER_CONFIG";

/// The longest any duration may be: ten years in seconds.
const TEN_YEARS: i64 = 315_360_000;

const fn number(least: i64, most: i64) -> Kind {
    Kind::Number { least, most }
}

const fn choice(known: &'static [&'static str]) -> Kind {
    Kind::Choice { known, later: &[] }
}

const fn fixed(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, kind, default, help, reloadable: false, not_yet: false }
}

const fn live(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, kind, default, help, reloadable: true, not_yet: false }
}

const fn not_yet(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, kind, default, help, reloadable: true, not_yet: true }
}

const TLS_MODE: Kind = Kind::Choice { known: &["local-ca", "files", "off"], later: &["acme"] };

/// Members that hold secrets by their name.
const REDACT: &str = "password, secret, token, authorization, cookie, card_number, ssn";

/// All keys, in the order in which they are shown.
pub static KEYS: &[Key] = &[
    fixed("issuer", Kind::Text, "", "Public origin of this server; tokens carry it as `iss`"),
    fixed("listen", Kind::List, "localhost:8443", "Addresses to listen on"),
    fixed("data", Kind::Path, "auther.redb", "The data file"),
    fixed("tls.mode", TLS_MODE, "local-ca", "Where the certificate comes from"),
    fixed("tls.cert", Kind::Path, "", "PEM file with the certificate chain, for tls.mode = \"files\""),
    fixed("tls.key", Kind::Path, "", "PEM file with the private key, for tls.mode = \"files\""),
    live("trusted_proxies", Kind::List, "", "Networks whose forwarding headers are believed"),
    live("look.name", Kind::Text, "", "Name of the organisation, shown on every page"),
    live("look.accent", Kind::Text, "", "Colour of links and of what is pressed first, as `#0b5f73`"),
    live("look.logo", Kind::Path, "", "SVG or PNG file of 64 KiB at the most"),
    live("look.contact", Kind::Text, "", "Who helps people: an e-mail address, an https address, or words"),
    live("registration", choice(&["closed", "invite", "open"]), "closed", "Who may sign up"),
    live("audiences", Kind::List, "", "Audience of access tokens when a client names none; empty means the issuer"),
    fixed("master_key", Kind::Secret, "", "Seals the secrets in the data file; at least 32 characters"),
    live("rate_limit.enabled", Kind::Bool, "true", "Limits per account and per address"),
    fixed("log.format", choice(&["text", "json"]), "text", "Shape of the log lines"),
    live("log.level", Kind::Text, "info", "Level, or directives such as `info,auther=debug`"),
    fixed("password.memory_kib", number(8, 4_194_304), "19456", "argon2id memory per hash, in KiB"),
    fixed("password.iterations", number(1, 1000), "2", "argon2id passes"),
    fixed("password.parallelism", number(1, 64), "1", "argon2id lanes"),
    fixed("password.threads", number(0, 1024), "0", "Threads that hash passwords; 0 means one per core"),
    fixed("password.queue", number(1, 100_000), "64", "Hashes that may wait before sign-ins are turned away"),
    live("session.lifetime_seconds", number(1, TEN_YEARS), "604800", "A session unused for this long ends"),
    live("session.refresh_after_seconds", number(0, TEN_YEARS), "86400", "Use moves the end of an older session"),
    live("session.absolute_seconds", number(1, TEN_YEARS), "2592000", "A session ends, however much it is used"),
    live("session.fresh_seconds", number(1, TEN_YEARS), "600", "How long the password counts for what is sensitive"),
    live("tokens.code_seconds", number(1, 600), "60", "Lifetime of an authorization code"),
    live("tokens.access_seconds", number(1, TEN_YEARS), "3600", "Lifetime of an access token"),
    live("tokens.id_seconds", number(1, TEN_YEARS), "3600", "Lifetime of an ID token"),
    live("tokens.refresh_idle_seconds", number(1, TEN_YEARS), "604800", "An unused refresh token ends"),
    live("tokens.refresh_absolute_seconds", number(1, TEN_YEARS), "2592000", "A refresh token family ends"),
    live("tokens.refresh_grace_seconds", number(0, 60), "10", "A rotated refresh token may still be repeated"),
    live("tokens.permissions_kib", number(1, 8), "6", "Most that permissions may take in a token, in KiB"),
    live("tokens.max_bytes", number(2_048, 65_536), "4096", "Most that a whole token may take, in bytes"),
    live("keys.rotate_days", number(1, 3650), "30", "A signing key signs for this long"),
    live("keys.publish_ahead_hours", number(1, 8760), "24", "The next key is published this long before use"),
    live("keys.keep_days", number(1, 3650), "60", "A retired key stays published for this long"),
    fixed("store.cache_mib", number(1, 1_048_576), "48", "Memory for pages of the data file, in MiB"),
    live("audit.keep_days", number(1, 36_500), "365", "Audit rows are kept for this long"),
    live("policy.keep_days", number(1, 36_500), "90", "Evaluations of policies are kept for this long"),
    live("policy.redact", Kind::List, REDACT, "Members that are left out of recorded policy contexts"),
    fixed("limits.body_kib", number(1, 65_536), "64", "Largest request body, in KiB"),
    live("limits.check_depth", number(1, 100), "25", "Groups and parents above each other that a check follows"),
    live("limits.check_sets", number(1, 1_000_000), "1000", "Groups and other sets that a check looks into"),
    live("limits.check_nodes", number(1, 1_000_000), "10000", "Relations of objects that a check visits"),
    fixed("server.workers", number(0, 1024), "0", "Threads that answer requests; 0 means one per core"),
    fixed("server.connections", number(32, 1_000_000), "8192", "Connections that are taken at once"),
    fixed("server.connections_per_address", number(4, 1_000_000), "256", "Those from one address or IPv6 /64"),
    live("egress.allow", Kind::List, "", "Private networks and hosts this server may connect to"),
    live("egress.extra_ca", Kind::Path, "", "PEM file with further CAs for outgoing connections"),
    not_yet("smtp.host", Kind::Text, "", "Mail server"),
    not_yet("smtp.port", number(1, 65_535), "587", "Port of the mail server"),
    not_yet("smtp.username", Kind::Text, "", "Name to sign in with at the mail server"),
    not_yet("smtp.password", Kind::Secret, "", "Password to sign in with at the mail server"),
    not_yet("smtp.from", Kind::Text, "", "Sender of all mail"),
    not_yet("smtp.tls", choice(&["starttls", "tls", "off"]), "starttls", "How the connection is protected"),
    live("clients", Kind::Clients, "", "Clients declared here; read-only elsewhere"),
];

/// The key of this name.
pub fn find_key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// One field of a `[[clients]]` table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name in the table.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

/// All fields of a `[[clients]]` table: what names a client, its secret, and what can be set of it.
pub static CLIENT_FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let fixed = [
        field("client_id", Kind::Text),
        field("name", Kind::Text),
        field("type", Kind::Choice { known: known(words_of::<ClientType>()), later: &[] }),
        field("client_secret", Kind::Secret),
        field("client_secret_file", Kind::Path),
        field("client_secret_env", Kind::Text),
    ];
    fixed.into_iter().chain(members_of::<ClientFieldsChange>().into_iter().map(settable)).collect()
});

fn settable(member: Member) -> Field {
    let kind = match member.shape {
        Shape::Text => Kind::Text,
        Shape::Number(least, most) => {
            Kind::Number { least: i64::try_from(least).unwrap_or(0), most: i64::try_from(most).unwrap_or(i64::MAX) }
        }
        Shape::Bool => Kind::Bool,
        Shape::Word(words) => Kind::Choice { known: known(words), later: &[] },
        Shape::Texts => Kind::List,
        Shape::Words(words) => Kind::Choices(known(words)),
        Shape::Object => Kind::Table,
    };
    field(ClientFieldsChange::short(&member.name).to_owned().leak(), kind)
}

/// The words for the life of the program: the table is made once.
fn known(words: Vec<String>) -> &'static [&'static str] {
    let words: Vec<&'static str> = words.into_iter().map(|word| &*word.leak()).collect();
    words.leak()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::value::Value;

    #[test]
    fn every_variable_belongs_to_one_key() {
        let mut seen = BTreeSet::from([CONFIG_VARIABLE.to_owned()]);
        for key in KEYS {
            assert!(seen.insert(key.variable()), "{}", key.name);
            if key.kind == Kind::Secret {
                assert!(seen.insert(format!("{}_FILE", key.variable())), "{}", key.name);
            }
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            assert!(Value::from_text(key.kind, key.default).is_ok(), "{}", key.name);
        }
    }
}
