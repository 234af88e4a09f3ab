//! Every key has an effect, or says that it has none yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::config::schema::find_key;

/// A key: another value than the default one, and the setting that it ends in, as text and as code.
struct Case {
    key: &'static str,
    other: &'static str,
    path: &'static str,
    read: fn(&Settings) -> String,
}

macro_rules! cases {
    ($($key:literal = $other:literal => $($path:ident).+;)*) => {
        [$(Case { key: $key, other: $other, path: stringify!($($path).+), read: |settings| format!("{:?}", settings.$($path).+) }),*]
    };
}

/// All keys but the four that need a file, which are in [`OF_FILES`].
fn cases() -> impl Iterator<Item = Case> {
    let first = cases! {
        "issuer" = "https://a.example" => issuer;
        "listen" = "127.0.0.1:1" => listen;
        "data" = "other.redb" => data;
        "tls.mode" = "off" => tls;
        "trusted_proxies" = "10.0.0.0/8" => trusted_proxies;
        "look.name" = "Ann" => look.name;
        "look.accent" = "#0b5f73" => look.accent;
        "look.contact" = "help@example.com" => look.contact;
        "registration" = "open" => registration;
        "audiences" = "api" => audiences;
        "rate_limit.enabled" = "false" => rate_limit.enabled;
        "log.format" = "json" => log.format;
        "log.level" = "debug" => log.level;
        "password.memory_kib" = "20000" => password.memory_kib;
        "password.iterations" = "3" => password.iterations;
        "password.parallelism" = "2" => password.parallelism;
        "password.threads" = "3" => password.threads;
        "password.queue" = "3" => password.queue;
        "session.lifetime_seconds" = "700000" => session.lifetime;
        "session.refresh_after_seconds" = "3" => session.refresh_after;
        "session.absolute_seconds" = "3000000" => session.absolute;
        "session.fresh_seconds" = "3" => session.fresh;
        "tokens.code_seconds" = "3" => tokens.code;
        "tokens.access_seconds" = "3" => tokens.access;
        "tokens.id_seconds" = "3" => tokens.id;
        "tokens.refresh_idle_seconds" = "3" => tokens.refresh_idle;
        "tokens.refresh_absolute_seconds" = "700000" => tokens.refresh_absolute;
        "tokens.refresh_grace_seconds" = "3" => tokens.refresh_grace;
        "tokens.permissions_kib" = "3" => tokens.permissions_bytes;
        "tokens.max_bytes" = "3000" => tokens.max_bytes;
        "keys.rotate_days" = "3" => keys.rotate;
        "keys.publish_ahead_hours" = "3" => keys.publish_ahead;
        "keys.keep_days" = "3" => keys.keep;
        "store.cache_mib" = "3" => store.cache_bytes;
        "audit.keep_days" = "3" => audit.keep;
        "policy.keep_days" = "3" => policy.keep;
        "policy.redact" = "ssn" => policy.redact;
        "limits.body_kib" = "3" => limits.body_bytes;
        "limits.check_depth" = "3" => limits.check_depth;
        "limits.check_sets" = "3" => limits.check_sets;
        "limits.check_nodes" = "3" => limits.check_nodes;
        "server.workers" = "3" => server.workers;
        "server.connections" = "300" => server.connections;
        "server.connections_per_address" = "30" => server.connections_per_address;
        "clients" = r#"[{"client_id":"app","type":"spa"}]"# => clients;
    };
    let second = cases! {
        "egress.allow" = "10.0.0.0/8" => egress.allow;
        "smtp.host" = "m.example" => smtp;
        "smtp.port" = "25" => smtp;
        "smtp.tls" = "off" => smtp;
        "smtp.from" = "b@b.example" => smtp;
    };
    first.into_iter().chain(second)
}

/// Keys that name a file or hold a secret, with what reads the setting they end in: their values are not compared.
const OF_FILES: [(&str, &str); 7] = [
    ("tls.cert", "Tls::Files"),
    ("tls.key", "Tls::Files"),
    ("look.logo", "look.logo"),
    ("master_key", "settings.master_key"),
    ("egress.extra_ca", "egress.extra_ca"),
    ("smtp.username", "smtp.login"),
    ("smtp.password", "smtp.login"),
];

/// What the mail server needs to be one, so that a single key of it can be varied.
const MAIL: [(&str, &str); 2] = [("AUTHER_SMTP_HOST", "mail.example"), ("AUTHER_SMTP_FROM", "a@b.example")];

fn settings(variables: &[(&str, &str)]) -> Settings {
    let env: Environment = variables.iter().copied().collect();
    load(&Overrides::default(), &env, Path::new("/nonexistent"))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
        .settings
}

/// The sources that act by the settings, without blanks and without their unit tests: not what reads the configuration,
/// and not what only tells of it.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let is_left_out = ["config", "doctor", "testing.rs", "http/admin/settings.rs"].contains(&&*name);
            if is_left_out || name.contains("tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.insert(path, code.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect());
        }
    }
    found
}

/// Whether `text` stands in the code as a whole: `keys.keep` is not in `keys.keep_days`.
fn has(code: &str, text: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(text).any(|(at, _)| {
        !is_part(code[at + text.len()..].chars().next())
            && (text.starts_with('.') || !is_part(code[..at].chars().next_back()))
    })
}

/// Whether a file reads the setting at `path`: by its whole path from the settings, or its last part where the section
/// was handed over.
fn reads(code: &str, path: &str) -> bool {
    let from_settings = ["settings.", "settings().", "settings.clone()."];
    if from_settings.iter().any(|way| has(code, &format!("{way}{path}"))) {
        return true;
    }
    let Some((section, field)) = path.split_once('.') else { return false };
    let kind = format!("{}{}", section[..1].to_uppercase(), &section[1..]);
    let is_handed = from_settings.iter().any(|way| has(code, &format!("{way}{section}")))
        || code.split("usecrate::config::").skip(1).any(|rest| has(rest.split(';').next().unwrap_or_default(), &kind));
    is_handed && has(code, &format!(".{field}"))
}

#[test]
fn every_key_ends_in_a_setting_and_every_setting_is_read_by_what_acts_or_the_key_says_it_is_not() {
    let sources = sources();
    assert!(sources.len() > 100, "{}", sources.len());
    let mut seen = BTreeSet::new();
    for Case { key, other, path, read } in cases() {
        let named = find_key(key).unwrap_or_else(|| panic!("{key} is no key"));
        seen.insert(key);
        let base: &[(&str, &str)] = if key.starts_with("smtp.") { &MAIL } else { &[] };
        let variable = named.variable();
        let changed: Vec<(&str, &str)> =
            base.iter().copied().filter(|(name, _)| *name != variable).chain([(&*variable, other)]).collect();
        assert_ne!(read(&settings(base)), read(&settings(&changed)), "{key} does not end in settings.{path}");
        let is_read = sources.values().any(|code| reads(code, path));
        assert_eq!(is_read, !named.not_yet, "{key}: settings.{path} is read outside config/: {is_read}");
    }
    for (key, path) in OF_FILES {
        seen.insert(key);
        let is_read = sources.values().any(|code| has(code, path));
        assert_eq!(is_read, !find_key(key).unwrap().not_yet, "{key}: {path} is read outside config/: {is_read}");
    }
    let all: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(seen, all, "a key is missing in this test, or is gone");
}

#[test]
fn a_key_that_nothing_reads_is_accepted_and_warned_of_with_its_place() {
    let toml =
        "registration = \"open\"\n\n[egress]\nallow = [\"10.0.0.0/8\"]\n\n[smtp]\nhost = \"m.example\"\nport = 25\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("auther.toml"), toml).unwrap();
    let env: Environment = [("AUTHER_SMTP_FROM", "a@b.example")].into_iter().collect();
    let loaded = load(&Overrides::default(), &env, folder.path()).unwrap();
    let told = |loaded: &Loaded| -> Vec<String> {
        let place = format!("{}/", folder.path().display());
        loaded.settings.warnings.iter().map(|one| one.to_string().replace(&place, "")).collect()
    };
    let wanted = [
        "auther.toml:7: smtp.host has no effect in this version; nothing reads it: take it out",
        "auther.toml:8: smtp.port has no effect in this version; nothing reads it: take it out",
        "AUTHER_SMTP_FROM: smtp.from has no effect in this version; nothing reads it: take it out",
    ];
    assert_eq!(told(&loaded), wanted);
    let (again, _) = reload(&loaded, &Overrides::default(), &env, folder.path()).unwrap();
    assert_eq!(told(&again), wanted, "after SIGHUP too");
    assert!(settings(&[]).warnings.is_empty());
}

#[test]
fn a_lifetime_that_the_absolute_end_cuts_short_is_warned_of() {
    let told = settings(&[("AUTHER_SESSION_LIFETIME_SECONDS", "2592001")]).warnings;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].to_string().starts_with("AUTHER_SESSION_LIFETIME_SECONDS: session.lifetime_seconds is longer"));
}
