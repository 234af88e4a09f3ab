use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::*;
use crate::base::clock::{ManualClock, SystemClock};
use crate::base::entropy::OsEntropy;
use crate::config::{Environment, Overrides, load, reload as reload_configuration};
use crate::records::Algorithm;
use crate::testing::block_on;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The configuration of a server in this folder, on a port that the system gives.
fn loaded(folder: &Path, variables: &[(&str, &str)]) -> Loaded {
    let small = [("AUTHER_PASSWORD_MEMORY_KIB", "8"), ("AUTHER_LISTEN", "127.0.0.1:0"), ("AUTHER_SERVER_WORKERS", "1")];
    let environment: Environment = small.iter().chain(variables).copied().collect();
    load(&Overrides::default(), &environment, folder).unwrap()
}

/// What a server tells before it serves.
struct Told {
    tasks: Arc<Tasks>,
    address: SocketAddr,
    setup: Option<String>,
}

/// A server on a thread of its own. Its clock stands still at the real time, which TLS clients compare certificates with.
struct Running {
    told: Told,
    clock: Arc<ManualClock>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Running {
    fn start(loaded: Loaded) -> Self {
        install_crypto_provider();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let its_clock = clock.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = Server::open(loaded.settings, its_clock, Arc::new(OsEntropy)).await?;
                let setup = server.setup_url().map(|url| url.expose().clone());
                tell.send(Told { tasks: server.tasks(), address: server.addresses()[0], setup }).unwrap();
                server.run(async { stopped.await.unwrap_or(()) }).await
            })
        });
        Self { told: told.recv().unwrap(), clock, stop, thread }
    }

    fn home(&self) -> Arc<Installation> {
        self.told.tasks.home()
    }

    fn settle(&self) {
        block_on(self.told.tasks.settle()).unwrap();
    }

    fn stop(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

fn current_kid(home: &Installation) -> String {
    home.keyring.signer(Algorithm::ES256).unwrap().kid().to_owned()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_empty_folder_becomes_a_server_with_tls_of_its_own_and_a_set_up_link() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[]));
    let issuer = format!("https://localhost:{}", server.told.address.port());
    assert!(server.told.setup.as_ref().unwrap().starts_with(&format!("{issuer}/setup?token=lnk_")));
    assert_eq!(names_in(folder.path()), ["auther.redb", "auther.sock"]);
    let (status, body) = block_on(async {
        let ca = tls::ensure_ca(&server.home()).await.unwrap();
        let ca = reqwest::Certificate::from_pem(ca.pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([ca]).resolve("localhost", server.told.address);
        let response = client.build().unwrap().get(format!("{issuer}/healthz")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    });
    assert_eq!((status, body.as_str()), (200, "up\n"));
    server.stop();
    assert_eq!(names_in(folder.path()), ["auther.redb"]);
}

#[test]
fn a_jump_in_time_rotates_the_keys_and_a_restart_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let settings = loaded(folder.path(), &[("AUTHER_TLS_MODE", "off")]);
    let server = Running::start(settings.clone());
    server.settle();
    let first = current_kid(&server.home());
    assert!(server.home().keyring.signer(Algorithm::RS256).is_some(), "the slow key is made in the background");
    server.clock.advance(DAY * 31);
    server.settle();
    let second = current_kid(&server.home());
    assert_ne!(first, second);
    assert!(server.home().keyring.verifier(&first).is_some(), "tokens of the old key still verify");
    server.stop();
    let server = Running::start(settings);
    assert_eq!(current_kid(&server.home()), second);
    server.stop();
}

#[test]
fn a_second_server_on_the_same_file_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let settings = loaded(folder.path(), &[("AUTHER_TLS_MODE", "off")]);
    let server = Running::start(settings.clone());
    let second = std::thread::spawn(move || {
        let open = Server::open(settings.settings, Arc::new(SystemClock), Arc::new(OsEntropy));
        actix_web::rt::System::new().block_on(open).map(|_| ()).unwrap_err()
    });
    let error = second.join().unwrap();
    assert!(error.is_in_use(), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    assert!(socket::answers(&socket::path_of(&folder.path().join("auther.redb"))));
    server.stop();
}

#[test]
fn settings_that_are_read_again_count_from_the_next_request_on() {
    let folder = tempfile::tempdir().unwrap();
    let off = ("AUTHER_TLS_MODE", "off");
    let server = Running::start(loaded(folder.path(), &[off]));
    let before = server.home();
    let fresh = loaded(folder.path(), &[off, ("AUTHER_REGISTRATION", "open"), ("AUTHER_CLIENTS_JSON", CLIENT)]);
    block_on(apply(&server.told.tasks, &fresh)).unwrap();
    assert_eq!(before.settings.registration, crate::config::Registration::Closed);
    assert_eq!(server.home().settings.registration, crate::config::Registration::Open);
    assert_eq!(server.home().settings.issuer, before.settings.issuer, "the port that the system gave stays");
    let cx = Cx::for_system(server.home());
    assert!(oauth::clients::find(&cx, "declared").unwrap().is_some());
    server.stop();
}

#[test]
fn a_configuration_with_a_wrong_client_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let off = ("AUTHER_TLS_MODE", "off");
    let running = loaded(folder.path(), &[off]);
    let server = Running::start(running.clone());
    let wrong = r#"[{"client_id":"declared","type":"spa","redirect_uris":["javascript:alert(1)"]}]"#;
    let variables = [off, ("AUTHER_REGISTRATION", "open"), ("AUTHER_CLIENTS_JSON", wrong)];
    // Whoever brings the rules is told before anything happens, whoever does not when the clients are written.
    let ruled = Overrides { client_rules: Some(oauth::clients::mistakes), ..Overrides::default() };
    let environment = variables.into_iter().collect::<Environment>();
    let mistakes = reload_configuration(&running, &ruled, &environment, folder.path()).unwrap_err().to_string();
    assert!(mistakes.contains("AUTHER_CLIENTS_JSON: client \"declared\": redirect_uris: "), "{mistakes}");
    let fresh = loaded(folder.path(), &variables);
    block_on(apply(&server.told.tasks, &fresh)).unwrap_err();
    assert_eq!(server.home().settings.registration, crate::config::Registration::Closed);
    assert!(oauth::clients::find(&Cx::for_system(server.home()), "declared").unwrap().is_none());
    server.stop();
}

async fn apply(tasks: &Tasks, fresh: &Loaded) -> Result<(), oauth::clients::Error> {
    let turn = tasks.turn().await;
    reload::apply(tasks, &turn, fresh).await
}

#[test]
fn settings_are_read_by_one_at_a_time_so_that_older_ones_do_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let off = ("AUTHER_TLS_MODE", "off");
    let server = Running::start(loaded(folder.path(), &[off]));
    let tasks = &server.told.tasks;
    let older = loaded(folder.path(), &[off, ("AUTHER_REGISTRATION", "open")]);
    block_on(async {
        let turn = tasks.turn().await;
        let mut other = std::pin::pin!(async {
            let turn = tasks.turn().await;
            let newer = loaded(folder.path(), &[off, ("AUTHER_REGISTRATION", "invite")]);
            reload::apply(tasks, &turn, &newer).await.unwrap();
        });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(other.as_mut().poll(&mut context).is_pending(), "it has read nothing yet");
        reload::apply(tasks, &turn, &older).await.unwrap();
        drop(turn);
        other.await;
    });
    assert_eq!(server.home().settings.registration, crate::config::Registration::Invite);
    server.stop();
}

const CLIENT: &str = r#"[{"client_id":"declared","type":"spa","redirect_uris":["https://app.example.com/cb"]}]"#;

/// Everything the server sends until it closes the connection.
fn rest_of(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_connection_that_idles_does_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[("AUTHER_TLS_MODE", "off")]));
    let mut stream = TcpStream::connect(server.told.address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    server.stop();
    rest_of(&mut stream);
}

#[test]
fn plain_text_on_a_tls_port_and_half_a_handshake_end_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[]));
    let mut plain = TcpStream::connect(server.told.address).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert!(!rest_of(&mut plain).contains("HTTP/1.1 200"));
    let mut half = TcpStream::connect(server.told.address).unwrap();
    half.write_all(&[0x16, 0x03, 0x01, 0x02]).unwrap();
    drop(half);
    server.stop();
}
