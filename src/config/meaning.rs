//! From what was typed to what it means. A key whose value was already refused is read as nothing: the mistake is noted, so
//! the settings made here are thrown away.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64;

use super::Effective;
use super::check;
use super::issuer::Issuer;
use super::listen::{egress_rule, listen, network};
use super::look;
use super::mistakes::{Mistake, Source};
use super::schema::KEYS;
use super::settings::{
    Audit, Egress, ExtraCa, Keys, Limits, Listen, Log, LogFormat, Password, Policy, RateLimit, Registration, Server,
    Session, Settings, Smtp, SmtpLogin, SmtpTls, Store, Tls, Tokens,
};
use super::typed::{Entry, Layer, Reading};
use super::value::{Value, Wrong};
use crate::base::Secret;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// Reads the settings out of all keys, and notes what is wrong with them, alone and together.
pub(super) fn settings(typed: &Layer, reading: &mut Reading<'_>) -> Settings {
    let mut meaning = Meaning { typed, reading };
    let mut settings = meaning.settings();
    check::all(&settings, &mut meaning);
    settings.warnings = check::warnings(&settings, &meaning);
    settings
}

/// Reads typed keys one by one; [`check`] uses it to see where a key was typed.
pub(super) struct Meaning<'m, 'r> {
    typed: &'m Layer,
    reading: &'m mut Reading<'r>,
}

impl Meaning<'_, '_> {
    fn settings(&mut self) -> Settings {
        let listen = self.listen();
        let tls = self.tls();
        Settings {
            issuer: self.issuer(&tls, &listen),
            listen,
            data: self.path("data").unwrap_or_default(),
            tls,
            trusted_proxies: self.each("trusted_proxies", network),
            look: look::read(self),
            registration: match self.text("registration") {
                Some("open") => Registration::Open,
                Some("invite") => Registration::Invite,
                _ => Registration::Closed,
            },
            audiences: self.each("audiences", |text| Ok(text.to_owned())),
            master_key: self.secret("master_key"),
            rate_limit: RateLimit { enabled: self.flag("rate_limit.enabled") },
            log: self.log(),
            password: self.password(),
            session: self.session(),
            tokens: self.tokens(),
            keys: Keys {
                rotate: self.duration("keys.rotate_days", DAY),
                publish_ahead: self.duration("keys.publish_ahead_hours", HOUR),
                keep: self.duration("keys.keep_days", DAY),
            },
            store: Store { cache_bytes: self.count("store.cache_mib").saturating_mul(1024 * 1024) },
            audit: Audit { keep: self.duration("audit.keep_days", DAY) },
            policy: Policy {
                keep: self.duration("policy.keep_days", DAY),
                redact: self.each("policy.redact", |name| Ok(name.to_owned())),
            },
            limits: self.limits(),
            server: Server {
                workers: self.count("server.workers"),
                connections: self.count("server.connections"),
                connections_per_address: self.count("server.connections_per_address"),
            },
            egress: Egress { allow: self.each("egress.allow", egress_rule), extra_ca: self.extra_ca() },
            smtp: self.smtp(),
            clients: match self.value("clients") {
                Some(Value::Clients(clients)) => clients.clone(),
                _ => Vec::new(),
            },
            waiting: Vec::new(),
            warnings: Vec::new(),
            origins: self.origins(),
        }
    }

    /// Every key that holds a value; those that do not were refused.
    fn origins(&self) -> Vec<Effective> {
        let known = KEYS.iter().filter_map(|key| Some((key.name, self.typed.get(key.name)?)));
        known
            .filter_map(|(key, Entry { value, source })| {
                Some(Effective { key, value: value.clone()?, source: source.clone() })
            })
            .collect()
    }

    fn listen(&mut self) -> Vec<Listen> {
        if matches!(self.value("listen"), Some(Value::List(items)) if items.is_empty()) {
            self.note("listen", "is empty", "name at least one address, or leave it out");
        }
        self.each("listen", listen)
    }

    /// The typed issuer; else localhost on the first port we listen on.
    fn issuer(&mut self, tls: &Tls, listen: &[Listen]) -> Issuer {
        let port = listen.first().and_then(|listen| listen.addresses.first()).map_or(8443, |address| address.port());
        let fallback = Issuer::of(*tls != Tls::Off, String::from("localhost"), port);
        match self.text("issuer").map(Issuer::parse) {
            None => fallback,
            Some(Ok(issuer)) => issuer,
            Some(Err(Wrong { what, remedy })) => {
                self.note("issuer", &what, &remedy);
                fallback
            }
        }
    }

    fn tls(&mut self) -> Tls {
        match self.text("tls.mode").map(str::to_owned).as_deref() {
            Some("files") => {
                let mut file = |key| {
                    if self.sound(&[key]) && self.text(key).is_none() {
                        self.note("tls.mode", &format!("\"files\" needs {key}"), "name the PEM file");
                    }
                    self.existing_file(key).unwrap_or_default()
                };
                Tls::Files { cert: file("tls.cert"), key: file("tls.key") }
            }
            Some(mode) => {
                for key in ["tls.cert", "tls.key"] {
                    if self.text(key).is_some() {
                        let remedy = "set tls.mode = \"files\", or take it out";
                        self.note(key, &format!("has no use with tls.mode = {mode:?}"), remedy);
                    }
                }
                if mode == "off" { Tls::Off } else { Tls::LocalCa }
            }
            None => Tls::LocalCa,
        }
    }

    fn log(&self) -> Log {
        let format = if self.text("log.format") == Some("json") { LogFormat::Json } else { LogFormat::Text };
        Log { format, level: self.text("log.level").unwrap_or_default().to_owned() }
    }

    fn password(&self) -> Password {
        Password {
            memory_kib: self.whole("password.memory_kib"),
            iterations: self.whole("password.iterations"),
            parallelism: self.whole("password.parallelism"),
            threads: self.count("password.threads"),
            queue: self.count("password.queue"),
        }
    }

    fn session(&self) -> Session {
        Session {
            lifetime: self.duration("session.lifetime_seconds", 1),
            refresh_after: self.duration("session.refresh_after_seconds", 1),
            absolute: self.duration("session.absolute_seconds", 1),
            fresh: self.duration("session.fresh_seconds", 1),
        }
    }

    fn tokens(&self) -> Tokens {
        Tokens {
            code: self.duration("tokens.code_seconds", 1),
            access: self.duration("tokens.access_seconds", 1),
            id: self.duration("tokens.id_seconds", 1),
            refresh_idle: self.duration("tokens.refresh_idle_seconds", 1),
            refresh_absolute: self.duration("tokens.refresh_absolute_seconds", 1),
            refresh_grace: self.duration("tokens.refresh_grace_seconds", 1),
            permissions_bytes: self.count("tokens.permissions_kib").saturating_mul(1024),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            body_bytes: self.count("limits.body_kib").saturating_mul(1024),
            check_depth: self.count("limits.check_depth"),
            check_sets: self.count("limits.check_sets"),
            check_nodes: self.count("limits.check_nodes"),
        }
    }

    fn extra_ca(&mut self) -> Option<ExtraCa> {
        let path = self.path("egress.extra_ca")?;
        match std::fs::read_to_string(&path) {
            Ok(pem) if holds_certificates(&pem) => Some(ExtraCa { path, pem }),
            Ok(_) => {
                self.note("egress.extra_ca", "names a file without certificates", "name a PEM file of certificates");
                None
            }
            Err(error) => {
                let what = format!("cannot be read: {error}");
                self.note("egress.extra_ca", &what, "name a readable PEM file of certificates");
                None
            }
        }
    }

    /// The mail server, when `smtp.host` is set. [`check`] looks at the rest.
    fn smtp(&mut self) -> Option<Smtp> {
        let host = self.text("smtp.host")?.to_owned();
        let login = match (self.text("smtp.username"), self.secret("smtp.password")) {
            (Some(username), Some(password)) => Some(SmtpLogin { username: username.to_owned(), password }),
            _ => None,
        };
        let tls = match self.text("smtp.tls") {
            Some("off") => SmtpTls::Off,
            Some("tls") => SmtpTls::Tls,
            _ => SmtpTls::StartTls,
        };
        let from = self.text("smtp.from").unwrap_or_default().to_owned();
        Some(Smtp { host, port: self.whole("smtp.port"), login, from, tls })
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.typed.get(key).and_then(|entry| entry.value.as_ref())
    }

    /// The text of a key; `None` when there is none.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.value(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The file name of a key, from the working folder.
    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(|name| self.reading.cwd.join(name))
    }

    /// A path to what must be there now. Whether it can be read shows when the process that needs it reads it.
    fn existing_file(&mut self, key: &str) -> Option<PathBuf> {
        let path = self.path(key)?;
        if std::fs::metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            self.note(key, &format!("names {}, which does not exist", path.display()), "name an existing file");
        }
        Some(path)
    }

    fn secret(&self, key: &str) -> Option<Secret<String>> {
        match self.value(key) {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        }
    }

    fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Bool(true)))
    }

    fn number(&self, key: &str) -> i64 {
        match self.value(key) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    fn whole<N: TryFrom<i64> + Default>(&self, key: &str) -> N {
        N::try_from(self.number(key)).unwrap_or_default()
    }

    fn count(&self, key: &str) -> usize {
        self.whole(key)
    }

    fn duration(&self, key: &str, unit_seconds: u64) -> Duration {
        Duration::from_secs(self.whole::<u64>(key).saturating_mul(unit_seconds))
    }

    /// Every entry of a list that can be read; the others are noted.
    fn each<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, Wrong>) -> Vec<T> {
        let Some(Value::List(items)) = self.value(key).cloned() else { return Vec::new() };
        let mut meant = Vec::with_capacity(items.len());
        for item in items {
            match read(&item) {
                Ok(value) => meant.push(value),
                Err(Wrong { what, remedy }) => self.note(key, &what, &remedy),
            }
        }
        meant
    }

    /// Whether all of `keys` hold values: a check over several keys is silent about those already refused.
    pub(super) fn sound(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.value(key).is_some())
    }

    /// Whether somebody typed the key.
    pub(super) fn is_typed(&self, key: &str) -> bool {
        self.typed.get(key).is_some_and(|entry| entry.source != Source::Default)
    }

    /// Notes a mistake of `key`, where it was typed. The sentence starts with the key.
    pub(super) fn note(&mut self, key: &str, what: &str, remedy: &str) {
        self.note_at(key, &format!("{key} {what}"), remedy);
    }

    /// Notes a mistake where `key` was typed.
    pub(super) fn note_at(&mut self, key: &str, what: &str, remedy: &str) {
        self.reading.note(self.place_of(key), what, remedy);
    }

    /// Something that is accepted and worth a look, where `key` was typed. The sentence starts with the key.
    pub(super) fn warning(&self, key: &str, what: &str, remedy: &str) -> Mistake {
        Mistake::new(self.place_of(key), format!("{key} {what}"), remedy)
    }

    fn place_of(&self, key: &str) -> Source {
        self.typed.get(key).map_or(Source::Default, |entry| entry.source.clone())
    }
}

/// Whether a text holds certificates, and each of them base64 (RFC 7468 §2). What they say is for TLS to find out.
fn holds_certificates(pem: &str) -> bool {
    let mut blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1).peekable();
    blocks.peek().is_some()
        && blocks.all(|block| {
            block.split_once("-----END CERTIFICATE-----").is_some_and(|(body, _)| {
                let body: String = body.split_ascii_whitespace().collect();
                !body.is_empty() && BASE64.decode(body.as_bytes()).is_ok()
            })
        })
}
