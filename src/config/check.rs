//! What must hold beyond the kind of a single value: each rule a function, all of them run.

use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::keys::TypedKeys;
use super::listen::is_host_name;
use super::mistakes::Mistake;
use super::nearest::nearest;
use super::schema::KEYS;
use super::settings::{Settings, Tls};

/// The fewest characters of a master key.
const MASTER_KEY: usize = 32;

/// What is said of a key that nothing reads yet.
const NO_EFFECT: &str = "has no effect in this version";

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Runs every rule over the settings and notes what breaks one.
pub(super) fn all(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    issuer_and_tls_agree(settings, typed);
    master_key_is_long(settings, typed);
    log_level_is_understood(settings, typed);
    password_memory_suffices(settings, typed);
    shorter_spans_fit_into_longer_ones(settings, typed);
    keys_outlive_their_tokens(settings, typed);
    smtp_is_complete(settings, typed);
}

/// What is accepted and does not do what it seems to, in the order of the keys.
pub(super) fn warnings(settings: &Settings, typed: &TypedKeys<'_, '_>) -> Vec<Mistake> {
    let mut warnings = Vec::new();
    let session = &settings.session;
    if typed.is_typed("session.lifetime_seconds") && session.lifetime > session.absolute {
        let what = "is longer than session.absolute_seconds, which ends the session first";
        warnings.push(typed.warning("session.lifetime_seconds", what, "make it shorter, or the other longer"));
    }
    let without_effect = KEYS.iter().filter(|key| key.not_yet && typed.is_typed(key.name));
    warnings.extend(without_effect.map(|key| typed.warning(key.name, NO_EFFECT, "nothing reads it: take it out")));
    warnings
}

/// Clients that believe in an http issuer would speak plain HTTP to a TLS port.
fn issuer_and_tls_agree(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    if typed.sound(&["issuer", "tls.mode"]) && !settings.issuer.https && settings.tls != Tls::Off {
        typed.note("issuer", "begins with http://, but we serve TLS", "use https://, or set tls.mode = \"off\"");
    }
}

fn master_key_is_long(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    let short = |key: &crate::base::Secret<String>| key.expose().chars().count() < MASTER_KEY;
    if settings.master_key.as_ref().is_some_and(short) {
        typed.note("master_key", "is too short", "use at least 32 characters, such as `openssl rand -base64 32` gives");
    }
}

/// A misspelt level would pass as the name of a module, and nothing would be logged any more.
fn log_level_is_understood(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    if !typed.sound(&["log.level"]) {
        return;
    }
    for directive in settings.log.level.split(',').map(str::trim) {
        let is_word = !directive.contains(['=', '[', ':']);
        let is_level = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(directive));
        if is_word && !is_level {
            let known = nearest(directive, LEVELS).unwrap_or_default();
            typed.note("log.level", &format!("has no level {directive:?}"), &format!("did you mean {known:?}?"));
            return;
        }
    }
    if EnvFilter::builder().parse(&settings.log.level).is_err() {
        typed.note("log.level", "is not understood", "write a level, or directives such as \"info,auther=debug\"");
    }
}

/// RFC 9106 §3.1: at least eight blocks of memory per lane.
fn password_memory_suffices(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    let keys = ["password.memory_kib", "password.parallelism"];
    let password = &settings.password;
    if typed.sound(&keys) && password.memory_kib < password.parallelism.saturating_mul(8) {
        report(typed, keys, "is less than 8 times password.parallelism", "give it more memory, or fewer lanes");
    }
}

fn shorter_spans_fit_into_longer_ones(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    let Settings { session, tokens, keys, .. } = settings;
    let mut fits = |names: [&str; 2], short: Duration, long: Duration| {
        if typed.sound(&names) && short > long {
            report(typed, names, &format!("is longer than {}", names[1]), "make it shorter, or the other longer");
        }
    };
    fits(["session.refresh_after_seconds", "session.lifetime_seconds"], session.refresh_after, session.lifetime);
    fits(
        ["tokens.refresh_idle_seconds", "tokens.refresh_absolute_seconds"],
        tokens.refresh_idle,
        tokens.refresh_absolute,
    );
    fits(["keys.publish_ahead_hours", "keys.rotate_days"], keys.publish_ahead, keys.rotate);
}

/// A token must be verifiable for as long as it lives, also one signed in the last moment of its key.
fn keys_outlive_their_tokens(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    for (name, life) in [("tokens.access_seconds", settings.tokens.access), ("tokens.id_seconds", settings.tokens.id)] {
        let names = ["keys.keep_days", name];
        if typed.sound(&names) && settings.keys.keep < life {
            report(typed, names, &format!("is shorter than {name}"), "keep keys as long as tokens live");
        }
    }
}

fn smtp_is_complete(settings: &Settings, typed: &mut TypedKeys<'_, '_>) {
    let Some(smtp) = settings.smtp.as_ref() else {
        for key in ["smtp.port", "smtp.username", "smtp.password", "smtp.from", "smtp.tls"] {
            if typed.sound(&["smtp.host", key]) && typed.is_typed(key) {
                typed.note(key, "has no use without smtp.host", "set smtp.host, or take it out");
            }
        }
        return;
    };
    if !is_host_name(&smtp.host) && smtp.host.parse::<std::net::IpAddr>().is_err() {
        typed.note("smtp.host", "is neither host name nor address", "write it without scheme and port");
    }
    if typed.sound(&["smtp.from"]) && !looks_like_mailbox(&smtp.from) {
        let what = if smtp.from.is_empty() { "needs smtp.from" } else { "needs an address in smtp.from" };
        typed.note("smtp.host", what, "write it as auther@example.com or Auther <auther@example.com>");
    }
    if typed.sound(&["smtp.username", "smtp.password"]) && smtp.login.is_none() {
        for (key, other) in [("smtp.username", "smtp.password"), ("smtp.password", "smtp.username")] {
            if typed.is_typed(key) {
                typed.note(key, &format!("needs {other}"), "set both or none");
            }
        }
    }
}

/// `name@host`, perhaps in angle brackets behind a display name (RFC 5322 §3.4).
fn looks_like_mailbox(text: &str) -> bool {
    let address = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let fit = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    !text.contains(char::is_control)
        && address.rsplit_once('@').is_some_and(|(name, host)| fit(name) && is_host_name(host))
}

/// Notes a mistake between two keys at the one somebody typed; the sentence is about the first.
fn report(typed: &mut TypedKeys<'_, '_>, [subject, other]: [&str; 2], what: &str, remedy: &str) {
    let place = if typed.is_typed(subject) || !typed.is_typed(other) { subject } else { other };
    typed.note_at(place, &format!("{subject} {what}"), remedy);
}
