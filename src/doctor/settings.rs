//! What was configured: each value may be right by itself and still not what anybody wants.

use super::Finding;
use crate::config::{EgressRule, Registration, Settings, Tls};
use crate::outbound;

/// argon2id as OWASP recommends it: memory in KiB and passes. More of one makes up for less of the other.
const COSTS: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9216, 4), (7168, 5)];

/// Networks at least this large hold strangers: `0.0.0.0/0` and its halves, not `10.0.0.0/8`.
const LARGE: u8 = 7;

/// Every check that needs nothing but the settings.
pub fn of_settings(settings: &Settings) -> Vec<Finding> {
    vec![
        issuer(settings),
        transport(settings),
        trusted_proxies(settings),
        master_key(settings),
        limits(settings),
        password_cost(settings),
        registration(settings),
        egress(settings),
        without_effect(settings),
    ]
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
}

fn is_reachable(settings: &Settings) -> bool {
    settings.listen.iter().flat_map(|listen| &listen.addresses).any(|address| !address.ip().is_loopback())
}

/// Apps compare the issuer letter by letter, and browsers follow it: it must be the address under which both reach this
/// server.
fn issuer(settings: &Settings) -> Finding {
    const NAME: &str = "issuer";
    let (issuer, origin) = (&settings.issuer, settings.issuer.origin());
    if is_local(&issuer.host) && is_reachable(settings) {
        let message = format!(
            "The issuer is {origin}, yet other machines are listened to: they reach themselves under that name."
        );
        return Finding::warn(
            NAME,
            message,
            "Set issuer to the address that browsers and apps use, such as https://auth.example.com.",
        );
    }
    let mut ports = settings.listen.iter().flat_map(|listen| &listen.addresses).map(|address| address.port());
    let direct = settings.tls != Tls::Off && settings.trusted_proxies.is_empty();
    if direct && !ports.any(|port| port == issuer.port || port == 0) {
        let message = format!("The issuer {origin} is at port {}, and none of `listen` is.", issuer.port);
        return Finding::warn(NAME, message, "Listen at that port, forward it here, or put the port into issuer.");
    }
    Finding::ok(NAME, format!("Apps and browsers reach this server at {origin}."))
}

/// Who encrypts.
fn transport(settings: &Settings) -> Finding {
    const NAME: &str = "tls";
    match &settings.tls {
        Tls::LocalCa if is_local(&settings.issuer.host) => Finding::ok(NAME, "TLS with a certificate of the local CA."),
        Tls::LocalCa => Finding::warn(
            NAME,
            "TLS with a certificate of the local CA, which browsers elsewhere do not trust.",
            "Import the CA that `auther admin ca` prints, or set tls.mode = \"files\" with a certificate that everybody trusts.",
        ),
        Tls::Files { cert, .. } => Finding::ok(NAME, format!("TLS with the certificate in {}.", cert.display())),
        Tls::Off if !settings.issuer.https => Finding::ok(NAME, "No TLS, for this machine only."),
        Tls::Off if settings.trusted_proxies.is_empty() => Finding::warn(
            NAME,
            "The issuer is https and TLS is off, so a proxy must encrypt; none is named in trusted_proxies. Everybody seems to come from \
             the proxy's address, in the audit log and for the limits against guessing.",
            "Set trusted_proxies to the address of the proxy.",
        ),
        Tls::Off if is_reachable(settings) => Finding::warn(
            NAME,
            "TLS is left to a proxy, and other machines are listened to without it.",
            "Listen at 127.0.0.1, or make sure that only the proxy reaches this port.",
        ),
        Tls::Off => Finding::ok(NAME, "TLS is left to the proxy in front."),
    }
}

/// Anyone who may say where a request comes from walks around every limit.
fn trusted_proxies(settings: &Settings) -> Finding {
    const NAME: &str = "trusted_proxies";
    let proxies = &settings.trusted_proxies;
    if let Some(all) = proxies.iter().find(|network| network.prefix_len() <= LARGE) {
        let message =
            format!("trusted_proxies has {all}: anybody may claim any address, and so walks around the limits.");
        return Finding::fail(NAME, message, "Name the addresses of your own proxies only.");
    }
    if proxies.is_empty() {
        return Finding::ok(NAME, "No proxy is believed: the address of a caller is the one that connects.");
    }
    let names: Vec<String> = proxies.iter().map(ToString::to_string).collect();
    Finding::ok(NAME, format!("Forwarding headers are believed from {}.", names.join(", ")))
}

fn master_key(settings: &Settings) -> Finding {
    const NAME: &str = "master_key";
    if settings.master_key.is_some() {
        return Finding::ok(NAME, "Secrets in the data file are sealed under a key that is not in it.");
    }
    Finding::warn(
        NAME,
        "Secrets in the data file are sealed under a key that lies in the same file: anyone who has a copy can sign tokens.",
        "Set AUTHER_MASTER_KEY_FILE to a file with the output of `openssl rand -base64 32`, and keep it away from the backups.",
    )
}

fn limits(settings: &Settings) -> Finding {
    if settings.rate_limit.enabled {
        return Finding::ok("rate_limit", "Guessing is limited, per account and per address.");
    }
    let message = "rate_limit.enabled is false: passwords may be guessed without a limit.";
    Finding::fail("rate_limit", message, "Take rate_limit.enabled out; it is for tests and measurements.")
}

/// OWASP Password Storage Cheat Sheet, argon2id.
fn password_cost(settings: &Settings) -> Finding {
    const NAME: &str = "password_hash";
    let cost = &settings.password;
    let message = format!("argon2id with {} KiB and {} passes.", cost.memory_kib, cost.iterations);
    if COSTS.iter().any(|(memory, passes)| cost.memory_kib >= *memory && cost.iterations >= *passes) {
        return Finding::ok(NAME, message);
    }
    let fix = "Use password.memory_kib = 19456 and password.iterations = 2, the defaults, or more.";
    Finding::warn(NAME, format!("{message} That is less than is recommended."), fix)
}

/// Where outgoing requests may go, and whom they believe.
fn egress(settings: &Settings) -> Finding {
    const NAME: &str = "egress";
    let egress = &settings.egress;
    if let Some(extra) = &egress.extra_ca
        && let Err(error) = outbound::Client::new(egress)
    {
        let message = format!("{error} (egress.extra_ca is {}).", extra.path.display());
        return Finding::fail(
            NAME,
            message,
            "Name a PEM file of certificate authorities, or take egress.extra_ca out.",
        );
    }
    let networks = egress.allow.iter().filter_map(|rule| match rule {
        EgressRule::Net(network) => Some(network),
        EgressRule::Host(_) => None,
    });
    if let Some(all) = networks.into_iter().find(|network| network.prefix_len() <= LARGE) {
        let message = format!("egress.allow has {all}: outgoing requests may reach every private network in it.");
        return Finding::warn(NAME, message, "Name the networks or hosts that are meant.");
    }
    let allowed = egress.allow.len();
    if allowed == 0 {
        return Finding::ok(NAME, "Outgoing requests reach public addresses only.");
    }
    Finding::ok(
        NAME,
        format!("Outgoing requests reach public addresses and what {allowed} entries of egress.allow open."),
    )
}

/// What was set in the belief that it does something.
fn without_effect(settings: &Settings) -> Finding {
    const NAME: &str = "settings";
    if settings.warnings.is_empty() {
        return Finding::ok(NAME, "Everything that is configured has its effect.");
    }
    let told: Vec<String> = settings.warnings.iter().map(|one| format!("{} ({})", one.what, one.place)).collect();
    Finding::warn(
        NAME,
        format!("{}.", told.join("; ")),
        "Take them out, or correct them: `auther config check` says which.",
    )
}

fn registration(settings: &Settings) -> Finding {
    let who = match settings.registration {
        Registration::Closed => "Administrators make accounts; nobody signs up.",
        Registration::Invite => "Who holds an invitation may sign up.",
        Registration::Open => "Everybody may sign up.",
    };
    Finding::ok("registration", who)
}
