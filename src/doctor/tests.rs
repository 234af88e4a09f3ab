//! Installations with one thing wrong each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::base::Clock as _;
use crate::config::{EgressRule, ExtraCa, Settings, Tls};
use crate::crypto::certificate::self_signed;
use crate::oauth::keys;
use crate::records::Algorithm;
use crate::store::rows::marks;
use crate::testing::{TestApp, block_on, settings};

fn finding<'f>(all: &'f [Finding], name: &str) -> &'f Finding {
    all.iter().find(|finding| finding.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The state of a check of these settings, and whether it says what to do.
fn state_of(name: &str, change: impl FnOnce(&mut Settings)) -> (State, bool) {
    let mut settings = settings();
    change(&mut settings);
    let all = of_settings(&settings);
    let finding = finding(&all, name);
    (finding.state, finding.fix.is_some())
}

const WELL: (State, bool) = (State::Ok, false);
const DOUBTFUL: (State, bool) = (State::Warn, true);
const WRONG: (State, bool) = (State::Fail, true);

fn listens(settings: &mut Settings, address: &str) {
    settings.listen[0].addresses = vec![address.parse().unwrap()];
}

fn is_called(settings: &mut Settings, host: &str, port: u16) {
    settings.issuer.host = host.to_owned();
    settings.issuer.port = port;
}

#[test]
fn the_default_settings_are_well_but_for_the_key_in_the_file() {
    let bad: Vec<Finding> = of_settings(&settings()).into_iter().filter(|finding| finding.state != State::Ok).collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert_eq!((bad[0].name, bad[0].state), ("master_key", State::Warn));
}

#[test]
fn an_issuer_that_others_cannot_follow_is_told() {
    assert_eq!(state_of("issuer", |settings| listens(settings, "0.0.0.0:8443")), DOUBTFUL);
    assert_eq!(state_of("issuer", |settings| is_called(settings, "auth.example.com", 443)), DOUBTFUL);
    let fitting = |settings: &mut Settings| {
        is_called(settings, "auth.example.com", 443);
        listens(settings, "0.0.0.0:443");
    };
    assert_eq!(state_of("issuer", fitting), WELL);
}

#[test]
fn tls_that_nobody_does_is_told() {
    let behind = |settings: &mut Settings| {
        is_called(settings, "auth.example.com", 443);
        settings.tls = Tls::Off;
    };
    assert_eq!(state_of("tls", behind), DOUBTFUL);
    let with_proxy = |settings: &mut Settings| {
        behind(settings);
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    };
    assert_eq!(state_of("tls", with_proxy), WELL);
    let open = |settings: &mut Settings| {
        with_proxy(settings);
        listens(settings, "0.0.0.0:8080");
    };
    assert_eq!(state_of("tls", open), DOUBTFUL);
    assert_eq!(state_of("tls", |settings| is_called(settings, "auth.example.com", 8443)), DOUBTFUL, "local CA");
}

#[test]
fn settings_that_open_a_door_fail() {
    for network in ["0.0.0.0/0", "::/0", "128.0.0.0/1"] {
        let all = |settings: &mut Settings| settings.trusted_proxies = vec![network.parse().unwrap()];
        assert_eq!(state_of("trusted_proxies", all), WRONG, "{network}");
    }
    assert_eq!(state_of("trusted_proxies", |it| it.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]), WELL);
    assert_eq!(state_of("rate_limit", |settings| settings.rate_limit.enabled = false), WRONG);
    assert_eq!(state_of("password_hash", |settings| settings.password.memory_kib = 8192), DOUBTFUL);
    assert_eq!(state_of("password_hash", |settings| settings.password.memory_kib = 1 << 20), WELL);
    assert_eq!(state_of("master_key", |settings| settings.master_key = Some("x".into())), WELL);
}

#[test]
fn outgoing_requests_that_believe_nobody_or_reach_everything_are_told() {
    assert_eq!(state_of("egress", |_| ()), WELL);
    let allows = |network: &str| {
        let rule = EgressRule::Net(network.parse().unwrap());
        state_of("egress", |settings| settings.egress.allow.push(rule))
    };
    assert_eq!((allows("10.0.0.0/8"), allows("0.0.0.0/0")), (WELL, DOUBTFUL));
    let believes = |pem: String| {
        let extra = ExtraCa { path: "ca.pem".into(), pem };
        state_of("egress", |settings| settings.egress.extra_ca = Some(extra))
    };
    assert_eq!(believes(self_signed(&["ca.example"]).0.pem()), WELL);
    let nonsense = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(believes(nonsense.to_owned()), WRONG);
}

#[test]
fn a_data_file_that_others_may_read_or_replace_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("auther.redb");
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let mut settings = settings();
    settings.data = data.clone();
    let state = |settings: &Settings| finding(&of_files(settings), "file_permissions").state;
    assert_eq!(state(&settings), State::Fail, "it is not there");
    fs::write(&data, "").unwrap();
    mode(&data, 0o600);
    assert_eq!(state(&settings), State::Ok);
    assert_ne!(finding(&of_files(&settings), "disk_space").message, "");
    mode(folder.path(), 0o777);
    assert_eq!(state(&settings), State::Warn);
    mode(folder.path(), 0o700);
    mode(&data, 0o640);
    assert_eq!(state(&settings), State::Fail);
}

#[test]
fn keys_that_are_missing_or_old_are_told() {
    let home = TestApp::new();
    let state = || finding(&examine(&home.cx()), "signing_keys").state;
    assert_eq!(state(), State::Warn, "none yet");
    block_on(keys::tick(&home.cx(), &Algorithm::ALL)).unwrap();
    assert_eq!(state(), State::Ok);
    home.advance(home.parts.settings.keys.rotate + Duration::from_secs(2 * 60 * 60));
    assert_eq!(state(), State::Warn, "nobody rotated them");
}

#[test]
fn a_clock_that_went_back_is_told() {
    let home = TestApp::new();
    let cx = home.cx();
    let event = crate::audit::Event::BackupCreate { path: String::new() };
    block_on(crate::audit::record(&cx, crate::audit::Entry::new(&cx), event)).unwrap();
    let at = |now| finding(&examine(&Cx { now, ..home.cx() }), "clock").state;
    assert_eq!(at(cx.now), State::Ok);
    assert_eq!(at(cx.now.minus(Duration::from_secs(60))), State::Ok);
    assert_eq!(at(cx.now.minus(Duration::from_secs(3600))), State::Fail);
    assert_eq!(at(crate::base::Moment::from_millis(0)), State::Fail);
}

#[test]
fn a_clock_that_was_set_while_the_server_ran_is_told_for_a_day() {
    let home = TestApp::new();
    let look = || home.parts.process.clock_steps.look(home.clock.now(), home.clock.uptime());
    let told = || {
        let all = examine(&home.cx());
        let finding = finding(&all, "clock");
        (finding.state, finding.message.contains("set back by 2 hours"))
    };
    look();
    assert_eq!(told(), (State::Ok, false));
    home.clock.set(home.clock.now().minus(Duration::from_secs(7200)));
    look();
    assert_eq!(told(), (State::Warn, true));
    home.advance(Duration::from_secs(24 * 3600));
    look();
    assert_eq!(told(), (State::Ok, false));
}

#[test]
fn a_backup_counts_for_a_week() {
    let home = TestApp::new();
    let state = || finding(&examine(&home.cx()), "backup").state;
    assert_eq!(state(), State::Warn, "not known");
    let now = home.cx().now.rfc3339();
    let noted = move |tx: &mut crate::store::Tx| marks::put_value(tx, marks::LAST_BACKUP, &now);
    block_on(home.parts.store.write(noted)).unwrap();
    assert_eq!(state(), State::Ok);
    home.advance(Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(state(), State::Warn);
}

#[test]
fn a_policy_that_is_switched_off_is_told() {
    let home = TestApp::new();
    let told = || finding(&examine(&home.cx()), "policies").clone();
    assert_eq!(told().state, State::Ok);
    let script = crate::base::ScriptDigest::of("return true");
    let about = String::from("wiki:doc read");
    let row = crate::records::SwitchedOff { script, owner: String::from("wiki"), about, at: home.cx().now };
    let tenant = home.cx().tenant.id;
    block_on(home.parts.store.write(move |tx| crate::store::rows::switched_off::put(tx, tenant, &row))).unwrap();
    let told = told();
    assert_eq!(told.state, State::Warn);
    assert!(told.message.contains("wiki:doc read") && told.fix.is_some_and(|fix| fix.contains("switch-on")));
}

#[test]
fn without_an_administrator_there_is_a_link() {
    let home = TestApp::new();
    let all = examine(&home.cx());
    let finding = finding(&all, "administrator");
    assert_eq!(finding.state, State::Warn);
    assert!(finding.fix.as_ref().is_some_and(|fix| fix.contains("setup-link")));
}

#[test]
fn a_certificate_in_files_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let cert = folder.path().join("cert.pem");
    let made = self_signed(&["auth.example.com"]).0;
    fs::write(&cert, made.pem()).unwrap();
    let ends = certificate::end_of_file(&cert).unwrap();
    let home = TestApp::with(|parts| parts.settings.tls = Tls::Files { cert: cert.clone(), key: cert.clone() });
    let at = |now| finding(&examine(&Cx { now, ..home.cx() }), "certificate").state;
    assert_eq!(at(home.cx().now), State::Ok);
    assert_eq!(at(ends.minus(Duration::from_secs(24 * 60 * 60))), State::Warn);
    assert_eq!(at(ends), State::Fail);
    fs::write(&cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert_eq!(at(home.cx().now), State::Fail, "no certificate");
    fs::remove_file(&cert).unwrap();
    assert_eq!(at(home.cx().now), State::Fail, "no file");
}

#[test]
fn spans_and_sizes_read_well() {
    assert_eq!(
        [90, 3600, 90_000, 200_000].map(|s| span(Duration::from_secs(s))),
        ["1 minute", "1 hour", "1 day", "2 days"]
    );
    assert_eq!([4096, 5 << 20, 3 << 30].map(size), ["4 KiB", "5 MiB", "3 GiB"]);
}

#[test]
fn settings_without_effect_are_told() {
    use crate::config::{Mistake, Source};

    assert_eq!(state_of("settings", |_| ()), WELL);
    let typed = |settings: &mut Settings| {
        let place = Source::Env { variable: String::from("AUTHER_SMTP_HOST") };
        settings.warnings.push(Mistake::new(place, "smtp.host has no effect in this version", "take it out"));
    };
    assert_eq!(state_of("settings", typed), DOUBTFUL);
}
