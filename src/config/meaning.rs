//! From what was typed to what it means. A key whose value was already refused is read as nothing: the mistake is
//! noted, so the settings made here are thrown away.

use data_encoding::BASE64;

use super::Effective;
use super::check;
use super::issuer::Issuer;
use super::keys::TypedKeys;
use super::listen::{egress_rule, listen, network};
use super::look;
use super::schema::KEYS;
use super::settings::{
    Audit, Egress, ExtraCa, Keys, Limits, Listen, Log, LogFormat, Password, Policy, RateLimit, Registration, Server,
    Session, Settings, Smtp, SmtpLogin, SmtpTls, Store, Tls, Tokens,
};
use super::typed::{Entry, Layer, Reading};
use super::value::{Value, Wrong};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// Reads the settings out of all keys, and notes what is wrong with them, alone and together.
pub(super) fn settings(typed: &Layer, reading: &mut Reading<'_>) -> Settings {
    let mut typed = TypedKeys::new(typed, reading);
    let mut settings = typed.settings();
    check::all(&settings, &mut typed);
    settings.warnings = check::warnings(&settings, &typed);
    settings
}

impl TypedKeys<'_, '_> {
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
        let known = KEYS.iter().filter_map(|key| Some((key.name, self.entry(key.name)?)));
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
            max_bytes: self.count("tokens.max_bytes"),
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
