//! Commands give the same answers whether a server runs or not.

mod policies;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use clap::Parser as _;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::remote::{Call, Remote};
use crate::base::clock::SystemClock;
use crate::base::entropy::OsEntropy;
use crate::config::{Environment, Loaded, Overrides, load};
use crate::serve::{Server, install_crypto_provider};

/// The API of a data file in the folder, made now unless it is there or a server has it.
fn remote_in(folder: &Path) -> Remote {
    let remote = Remote::new(loaded(folder));
    if !remote.data().exists() {
        remote.call(Call::post(["setup-link"]).making_the_file()).unwrap();
    }
    remote
}

fn loaded(folder: &Path) -> Loaded {
    install_crypto_provider();
    let variables = [
        ("AUTHER_PASSWORD_MEMORY_KIB", "8"),
        ("AUTHER_LISTEN", "127.0.0.1:0"),
        ("AUTHER_ISSUER", "https://auth.example.com"),
        ("AUTHER_SERVER_WORKERS", "1"),
    ];
    load(&Overrides::default(), &variables.into_iter().collect::<Environment>(), folder).unwrap()
}

/// A server for the folder, on a thread of its own, until it is dropped.
struct Running(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Running {
    fn start(folder: &Path) -> Self {
        let loaded = loaded(folder);
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = Server::open(loaded.settings, Arc::new(SystemClock), Arc::new(OsEntropy)).await.unwrap();
                tell.send(()).unwrap();
                server.run(async { stopped.await.unwrap_or(()) }).await.unwrap();
            });
        });
        told.recv().unwrap();
        Self(Some((stop, thread)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            thread.join().unwrap();
        }
    }
}

/// Runs the story once through a server and once without one.
fn either_way(story: impl Fn(&Remote, &Path)) {
    install_crypto_provider();
    for is_running in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let running = is_running.then(|| Running::start(folder.path()));
        story(&remote_in(folder.path()), folder.path());
        drop(running);
    }
}

fn refused(remote: &Remote, call: Call) -> (String, String) {
    let failure = remote.call(call).unwrap_err();
    (failure.code, failure.message)
}

fn new_user(email: &str, more: Value) -> Call {
    let mut body = json!({"email": email});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Call::post(["users"]).body(&body)
}

#[test]
fn people_are_made_changed_and_deleted() {
    either_way(|remote, _| {
        let facts = json!({"name": "Ann", "username": "ann", "admin": true, "email_verified": true,
            "password": "correct horse", "attributes": {"team": "ops"}, "birthdate": "2000-01-01"});
        let ann = remote.call(new_user("ann@example.com", facts)).unwrap();
        assert_eq!((&ann["roles"], &ann["has_password"]), (&json!(["admin"]), &json!(true)));
        assert!(ann["created_at"].as_str().unwrap().ends_with('Z'));
        assert!(ann.get("password").is_none());
        let id = ann["id"].as_str().unwrap();
        for name in ["ann@example.com", "ANN", id] {
            assert_eq!(remote.call(Call::get(["users", name])).unwrap()["id"], id, "{name}");
        }
        let (code, _) = refused(remote, new_user("Ann@Example.com", json!({})));
        assert_eq!(code, "email_taken");
        let (code, _) = refused(remote, Call::delete(["users", "ann"]));
        assert_eq!(code, "last_administrator");

        remote.call(new_user("bob@example.com", json!({"admin": true}))).unwrap();
        let change = json!({"admin": false, "birthdate": null, "nickname": "A", "username": null});
        let changed = remote.call(Call::patch(["users", id]).body(&change)).unwrap();
        assert_eq!((&changed["roles"], &changed["nickname"]), (&json!([]), &json!("A")));
        assert!(changed.get("birthdate").is_none() && changed["username"].is_null());
        let stale = json!({"version": ann["version"], "name": "Anna"});
        assert_eq!(refused(remote, Call::patch(["users", id]).body(&stale)).0, "conflict");

        let off = remote.call(Call::post(["users", id, "disable"])).unwrap();
        assert_eq!((&off["disabled"], &off["ended"]["sessions"]), (&json!(true), &json!(0)));
        assert_eq!(remote.call(Call::post(["users", id, "enable"])).unwrap()["disabled"], false);
        let gone = remote.call(Call::delete(["users", id])).unwrap();
        assert_eq!((&gone["email"], &gone["deleted"]), (&json!("ann@example.com"), &json!(true)));
        assert_eq!(refused(remote, Call::get(["users", id])).0, "not_found");
    });
}

#[test]
fn every_wrong_field_is_named_at_once() {
    either_way(|remote, _| {
        let wrong = json!({"nickname": 3, "bogus": true, "attributes": []});
        let (code, message) = refused(remote, new_user("ann@example.com", wrong));
        assert_eq!(code, "invalid_fields");
        for field in ["nickname", "bogus", "attributes"] {
            assert!(message.contains(field), "{message}");
        }
        let wrong = json!({"type": "web", "redirect_uris": ["javascript:alert(1)"], "origins": ["nowhere"]});
        let (code, message) = refused(remote, Call::post(["clients"]).body(&wrong));
        assert_eq!(code, "invalid_fields");
        for field in ["name", "redirect_uris", "origins"] {
            assert!(message.contains(field), "{message}");
        }
    });
}

#[test]
fn a_client_shows_its_secret_once_and_rotates_it() {
    either_way(|remote, _| {
        let body = json!({"name": "Wiki", "type": "web", "client_id": "wiki", "redirect_uris": ["https://wiki.example.com/cb"]});
        let made = remote.call(Call::post(["clients"]).body(&body)).unwrap();
        assert!(made["client_secret"].as_str().unwrap().len() >= 43);
        assert!(remote.call(Call::get(["clients", "wiki"])).unwrap().get("client_secret").is_none());
        assert_eq!(refused(remote, Call::post(["clients"]).body(&body)).0, "client_id_taken");
        let again = Call::post(["clients", "wiki", "rotate-secret"]).body(&json!({"overlap_seconds": 60}));
        let rotated = remote.call(again).unwrap();
        assert_ne!(rotated["client_secret"], made["client_secret"]);
        assert_eq!(rotated["secrets"].as_array().unwrap().len(), 2);
        let change = |body: Value| remote.call(Call::patch(["clients", "wiki"]).body(&body)).unwrap();
        assert_eq!(change(json!({"access_token_seconds": 120}))["access_token_seconds"], 120);
        assert_eq!(change(json!({"name": "Wiki"}))["access_token_seconds"], 120, "what is absent stays");
        assert_eq!(change(json!({"access_token_seconds": null, "jwks": null}))["access_token_seconds"], Value::Null);
        assert_eq!(remote.call(Call::post(["clients", "wiki", "disable"])).unwrap()["disabled"], true);
        assert_eq!(remote.call(Call::delete(["clients", "wiki"])).unwrap()["deleted"], true);
        assert_eq!(refused(remote, Call::get(["clients", "wiki"])).0, "client_not_found");
    });
}

#[test]
fn lists_are_paged_and_foreign_cursors_refused() {
    either_way(|remote, _| {
        for name in ["a", "b", "c"] {
            remote.call(new_user(&format!("{name}@example.com"), json!({}))).unwrap();
        }
        let limit = |call: Call| call.query("limit", Some(String::from("2")));
        let first = remote.call(limit(Call::get(["users"]))).unwrap();
        let cursor = first["next"].as_str().unwrap().to_owned();
        let second = remote.call(limit(Call::get(["users"])).query("after", Some(cursor))).unwrap();
        assert_eq!((first["items"].as_array().unwrap().len(), second["items"].as_array().unwrap().len()), (2, 1));
        assert!(second["next"].is_null());
        for (name, value) in [("after", "ses_x"), ("limit", "many")] {
            let call = Call::get(["users"]).query(name, Some(String::from(value)));
            assert_eq!(refused(remote, call).0, "invalid_request", "{name}");
        }
        let log = remote.call(Call::get(["audit"]).query("action", Some(String::from("user")))).unwrap();
        assert_eq!(log["items"][0]["action"], "user.create");
        assert_eq!(log["items"][0]["actor"], "local");
    });
}

#[test]
fn the_set_up_link_closes_for_ever_and_recovery_takes_its_place() {
    either_way(|remote, _| {
        let link = remote.call(Call::post(["setup-link"])).unwrap();
        assert!(link["url"].as_str().unwrap().starts_with("https://auth.example.com/setup?token=lnk_"));
        remote.call(new_user("ann@example.com", json!({"admin": true}))).unwrap();
        assert_eq!(refused(remote, Call::post(["setup-link"])).0, "setup_closed");
        let recover = |email: &str| Call::post(["recover"]).body(&json!({"email": email}));
        assert!(remote.call(recover("ann@example.com")).unwrap()["url"].as_str().unwrap().contains("token=lnk_"));
        assert_eq!(refused(remote, recover("nobody@example.com")).0, "not_found");
    });
}

#[test]
fn the_exported_ca_is_the_one_of_the_server() {
    either_way(|remote, _| {
        let ca = remote.call(Call::post(["setup-link"])).and_then(|_| remote.call(Call::get(["ca"]))).unwrap();
        assert!(ca["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(remote.call(Call::get(["ca"])).unwrap(), ca);
    });
}

#[test]
fn a_backup_holds_what_was_there_and_restores_it() {
    either_way(|remote, folder| {
        remote.call(new_user("ann@example.com", json!({}))).unwrap();
        let file = folder.join("copy.redb");
        let backup = |path: &str| Call::post(["backup"]).body(&json!({"path": path})).slow();
        let report = remote.call(backup(file.to_str().unwrap())).unwrap();
        assert!(report["tables"]["users"] == 1, "{report}");
        assert_eq!(refused(remote, backup(file.to_str().unwrap())).0, "exists");
        assert_eq!(refused(remote, backup("copy2.redb")).0, "invalid_fields");

        let other = tempfile::tempdir().unwrap();
        let target = loaded(other.path());
        crate::store::restore(&file, &target.settings.data, false).unwrap();
        let restored = Remote::new(target).call(Call::get(["users", "ann@example.com"])).unwrap();
        assert_eq!(restored["email"], "ann@example.com");
    });
}

#[test]
fn keys_are_listed_and_rotated() {
    either_way(|remote, _| {
        let rotate = Call::post(["keys", "rotate"]).body(&json!({"alg": "ES256"}));
        let rotated = remote.call(rotate.clone()).unwrap();
        let current = |list: &Value| {
            let keys = list["items"].as_array().unwrap().clone();
            let mut current = keys.into_iter().filter(|key| key["alg"] == "ES256" && key["state"] == "current");
            current.next().unwrap()["kid"].as_str().unwrap().to_owned()
        };
        let first = current(&rotated);
        let second = current(&remote.call(rotate).unwrap());
        assert_ne!(first, second);
        let retired = remote.call(Call::post(["keys", &first, "retire"])).unwrap();
        assert!(retired["items"].as_array().unwrap().iter().all(|key| key["kid"] != first.as_str()));
        assert_eq!(refused(remote, Call::post(["keys", "kid_x", "retire"])).0, "not_found");
        let wrong = Call::post(["keys", "rotate"]).body(&json!({"alg": "HS256"}));
        assert_eq!(refused(remote, wrong).0, "invalid_fields");
    });
}

#[test]
fn a_command_makes_no_file_but_the_setup_link_and_leaves_nothing_behind() {
    install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(loaded(folder.path()));
    let calls = [Call::get(["users"]), new_user("ann@example.com", json!({})), Call::post(["keys", "rotate"]).slow()];
    for call in calls {
        let (code, message) = refused(&remote, call);
        assert!(code == "data_file" && message.contains("(configuration: no file)"), "{message}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let remote = remote_in(folder.path());
    remote.call(new_user("ann@example.com", json!({}))).unwrap();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["auther.redb"]);
}

#[test]
fn commands_that_are_given_at_once_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    remote_in(folder.path());
    let made = crate::testing::race(4, |number| {
        Remote::new(loaded(folder.path())).call(new_user(&format!("user{number}@example.com"), json!({}))).is_ok()
    });
    assert_eq!(made, [true; 4]);
    let all = Remote::new(loaded(folder.path())).call(Call::get(["users"])).unwrap();
    assert_eq!(all["items"].as_array().unwrap().len(), 4);
}

#[test]
fn a_socket_that_a_killed_server_left_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("auther.sock")).unwrap());
    let remote = remote_in(folder.path());
    remote.call(new_user("ann@example.com", json!({}))).unwrap();
    assert!(remote.call_if_running(Call::get(["users"])).unwrap().is_none());
    let running = Running::start(folder.path());
    assert_eq!(remote.call_if_running(Call::get(["users"])).unwrap().unwrap()["items"].as_array().unwrap().len(), 1);
    drop(running);
}

#[test]
fn keys_of_machines_are_made_listed_and_revoked() {
    either_way(|remote, _| {
        let nameless = refused(remote, Call::post(["api-keys"]).body(&json!({"name": "CI"})));
        assert_eq!(nameless.0, "invalid_request", "there is no administrator to own it");
        let root = remote.call(new_user("root@example.com", json!({"admin": true}))).unwrap();
        let ann = remote.call(new_user("ann@example.com", json!({}))).unwrap();
        let made = remote.call(Call::post(["api-keys"]).body(&json!({"name": "CI"}))).unwrap();
        assert_eq!((&made["owner"], &made["expires_at"]), (&root["id"], &Value::Null));
        assert!(made["key"].as_str().unwrap().starts_with(made["start"].as_str().unwrap()));
        let more = json!({"name": "Nightly", "owner": "ann@example.com", "expires_in": 86_400, "networks": ["10.0.0.0/8"],
            "remaining": 10, "refill": {"amount": 10, "interval_ms": 60_000}, "rate_limit": {"max": 5, "window_ms": 1000}});
        let other = remote.call(Call::post(["api-keys"]).body(&more)).unwrap();
        assert_eq!((&other["owner"], &other["networks"]), (&ann["id"], &json!(["10.0.0.0/8"])));
        let (first, second) = (made["id"].as_str().unwrap(), other["id"].as_str().unwrap());
        let shown = remote.call(Call::get(["api-keys", second])).unwrap();
        assert_eq!((&shown["remaining"], &shown["rate_limit"]["max"], shown.get("key")), (&json!(10), &json!(5), None));
        let ids = |call: Call| {
            let items = remote.call(call).unwrap()["items"].as_array().unwrap().clone();
            items.iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let mut all = ids(Call::get(["api-keys"]));
        all.sort_unstable();
        let mut both = vec![first.to_owned(), second.to_owned()];
        both.sort_unstable();
        assert_eq!(all, both);
        assert_eq!(ids(Call::get(["api-keys"]).query("owner", Some("ann@example.com".into()))), [second]);
        assert!(ids(Call::get(["api-keys"]).query("client", Some("wiki".into()))).is_empty());
        let change = json!({"enabled": false, "rate_limit": null, "version": 1});
        let changed = remote.call(Call::patch(["api-keys", second]).body(&change)).unwrap();
        assert_eq!((&changed["enabled"], &changed["rate_limit"]), (&json!(false), &Value::Null));
        assert_eq!(refused(remote, Call::patch(["api-keys", second]).body(&change)).0, "conflict");
        let (code, message) = refused(remote, Call::post(["api-keys"]).body(&json!({"name": "", "expires_in": 1})));
        assert!(code == "invalid_fields" && message.contains("86400"), "{code}: {message}");
        assert_eq!(remote.call(Call::delete(["api-keys", first])).unwrap()["deleted"], true);
        assert_eq!(refused(remote, Call::get(["api-keys", first])).0, "not_found");
        assert_eq!(refused(remote, Call::delete(["api-keys", "nothing"])).0, "not_found");
    });
}

#[derive(clap::Parser)]
struct OfKeys {
    #[command(subcommand)]
    command: super::api_key::ApiKeyCommand,
}

#[derive(clap::Parser)]
struct OfClients {
    #[command(subcommand)]
    command: super::client::ClientCommand,
}

#[derive(clap::Parser)]
struct OfSessions {
    #[command(subcommand)]
    command: super::session::SessionCommand,
}

#[test]
fn what_is_named_changes_and_what_is_cleared_goes() {
    let quiet = super::output::Output { json: true };
    either_way(|remote, _| {
        remote.call(new_user("root@example.com", json!({"admin": true}))).unwrap();
        let made = remote.call(Call::post(["api-keys"]).body(&json!({"name": "CI", "expires_in": 86_400}))).unwrap();
        let id = made["id"].as_str().unwrap();
        let update = |flags: &str| {
            let words = ["api-key", "update", id].into_iter().chain(flags.split_whitespace());
            OfKeys::try_parse_from(words).unwrap().command.run(remote, quiet)?;
            remote.call(Call::get(["api-keys", id]))
        };
        let key =
            update("--name Nightly --enabled=false --network 10.0.0.0/8 --remaining 5 --rate-limit 100/60").unwrap();
        assert_eq!((&key["name"], &key["enabled"], &key["remaining"]), (&json!("Nightly"), &json!(false), &json!(5)));
        assert_eq!(key["rate_limit"], json!({"max": 100, "window_ms": 60_000}));
        assert!(key["expires_at"].is_string(), "what is not named stays");
        let key = update("--enabled --clear expires-in --clear network --clear rate-limit --refill 5/3600").unwrap();
        assert_eq!((&key["enabled"], &key["expires_at"], &key["networks"]), (&json!(true), &Value::Null, &json!([])));
        assert_eq!((&key["rate_limit"], &key["refill"]["interval_ms"]), (&Value::Null, &json!(3_600_000)));
        let key = update("--clear remaining").unwrap();
        assert_eq!(
            (&key["remaining"], &key["refill"]),
            (&Value::Null, &Value::Null),
            "what has no count does not grow"
        );
        assert_eq!(update("").unwrap_err().code, "nothing_to_change");
        assert_eq!(update("--network nowhere").unwrap_err().code, "invalid_fields");

        let app = json!({"name": "Robot", "type": "m2m", "client_id": "robot", "access_token_seconds": 120,
            "audiences": ["https://a.example"]});
        remote.call(Call::post(["clients"]).body(&app)).unwrap();
        let clear =
            ["client", "update", "robot", "--clear", "access-token-seconds", "--clear", "audience", "--clear", "jwks"];
        OfClients::try_parse_from(clear).unwrap().command.run(remote, quiet).unwrap();
        let app = remote.call(Call::get(["clients", "robot"])).unwrap();
        assert_eq!((&app["access_token_seconds"], &app["audiences"]), (&Value::Null, &json!([])));

        let revoke = |words: &[&str]| OfSessions::try_parse_from(["session", "revoke"].iter().chain(words));
        revoke(&["--user", "root@example.com"]).unwrap().command.run(remote, quiet).unwrap();
        assert!(revoke(&[]).is_err() && revoke(&["ses_1", "--user", "root@example.com"]).is_err());
    });
}

#[derive(clap::Parser)]
struct OfGroups {
    #[command(subcommand)]
    command: super::group::GroupCommand,
}

#[derive(clap::Parser)]
struct OfPolicies {
    #[command(subcommand)]
    command: super::policy::PolicyCommand,
}

#[test]
fn a_group_gets_another_name_and_keeps_what_is_not_named() {
    let quiet = super::output::Output { json: true };
    either_way(|remote, _| {
        let body = json!({"name": "Engineering", "description": "Who builds it"});
        let made = remote.call(Call::post(["groups"]).body(&body)).unwrap();
        let update = |words: &[&str]| OfGroups::try_parse_from(["group", "update"].iter().chain(words));
        let renamed = update(&["Engineering", "--name", "Builders"]).unwrap();
        renamed.command.run(remote, quiet).unwrap();
        let group = remote.call(Call::get(["groups", "Builders"])).unwrap();
        assert_eq!((&group["id"], &group["description"]), (&made["id"], &made["description"]));
        update(&["Builders", "--description", ""]).unwrap().command.run(remote, quiet).unwrap();
        assert_eq!(remote.call(Call::get(["groups", "Builders"])).unwrap()["description"], Value::Null);
        assert!(update(&["Builders"]).is_err(), "nothing to change");
        let unknown = update(&["Engineering", "--name", "x"]).unwrap().command.run(remote, quiet).unwrap_err();
        assert_eq!(unknown.code, "not_found");
    });
}

#[derive(clap::Parser)]
struct OfDeliveries {
    #[command(subcommand)]
    command: super::outbox::OutboxCommand,
}

#[test]
fn the_outbox_is_listed_and_what_is_not_in_it_cannot_be_tried_again() {
    let quiet = super::output::Output { json: true };
    either_way(|remote, _| {
        remote.call(new_user("ann@example.com", json!({}))).unwrap();
        let run = |words: &[&str]| {
            OfDeliveries::try_parse_from(["outbox"].iter().chain(words)).unwrap().command.run(remote, quiet)
        };
        run(&["list", "--state", "dead", "--kind", "hook", "--limit", "5"]).unwrap();
        for words in [["retry", "dlv_06gvo7mf9cccritumit58h7qu0"], ["delete", "nothing"]] {
            assert_eq!(run(&words).unwrap_err().code, "not_found", "{words:?}");
        }
        assert!(OfDeliveries::try_parse_from(["outbox", "list", "--state", "lost"]).is_err());
    });
}

#[test]
fn the_doctor_answers_whether_a_server_runs_or_not() {
    either_way(|remote, folder| {
        remote.call(new_user("ann@example.com", json!({"admin": true, "password": "correct horse"}))).unwrap();
        let state = |document: &Value, name: &str| {
            let items = document["items"].as_array().unwrap();
            items.iter().find(|item| item["name"] == name).unwrap()["state"].as_str().unwrap().to_owned()
        };
        let document = remote.call(Call::get(["doctor"])).unwrap();
        assert_eq!(state(&document, "data_file"), "ok");
        assert_eq!(state(&document, "administrator"), "ok");
        assert_eq!(state(&document, "backup"), "warn");
        let copy = folder.join("copy.redb");
        remote.call(Call::post(["backup"]).body(&json!({"path": copy}))).unwrap();
        assert_eq!(state(&remote.call(Call::get(["doctor"])).unwrap(), "backup"), "ok");
    });
}

#[test]
fn a_data_file_that_cannot_be_opened_is_examined_from_outside() {
    use std::os::unix::fs::PermissionsExt as _;
    install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(loaded(folder.path()));
    let quiet = super::output::Output { json: true };
    assert_eq!(super::doctor::examine(&remote, quiet).unwrap_err().code, "unwell", "there is none");
    assert!(!remote.data().exists(), "and none was made");
    remote_in(folder.path()).call(new_user("ann@example.com", json!({}))).unwrap();
    std::fs::set_permissions(remote.data(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let failure = super::doctor::examine(&remote, quiet).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.message.as_str()), ("unwell", "2 checks failed."));
}
