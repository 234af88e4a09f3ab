use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::*;
use crate::base::clock::{ManualClock, SystemClock};
use crate::base::entropy::OsEntropy;
use crate::config::{Environment, Overrides, load, reload as reload_configuration};
use crate::identity::users::{self, NewUser};
use crate::outbox;
use crate::records::Algorithm;
use crate::testing::block_on;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The configuration of a server in this folder, on a port that the system gives.
pub(super) fn loaded(folder: &Path, variables: &[(&str, &str)]) -> Loaded {
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

/// A server on a thread of its own. Its clock stands still at the real time, which TLS clients compare certificates
/// with.
pub(super) struct Running {
    told: Told,
    clock: Arc<ManualClock>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Running {
    pub(super) fn start(loaded: Loaded) -> Self {
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

    pub(super) fn address(&self) -> SocketAddr {
        self.told.address
    }

    pub(super) fn app(&self) -> Arc<Application> {
        self.told.tasks.app()
    }

    fn settle(&self) {
        block_on(self.told.tasks.settle()).unwrap();
    }

    pub(super) fn stop(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

fn current_kid(app: &Application) -> String {
    app.tenant.keyring.signer(Algorithm::ES256).unwrap().kid().to_owned()
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
    let (pem, [well, file, start]) = block_on(async {
        // Without anybody the start page says how to set it up.
        let cx = Cx::for_system(server.app());
        let new = NewUser {
            email: String::from("root@example.com"),
            roles: vec![String::from("admin")],
            ..NewUser::default()
        };
        users::create(&cx, new).await.unwrap();
        let pem = tls::ensure_ca(&server.app()).await.unwrap().pem;
        let ca = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([ca]).resolve("localhost", server.told.address);
        let client = client.build().unwrap();
        let mut told = Vec::new();
        for path in ["/healthz", "/ca.pem", "/"] {
            let response = client.get(format!("{issuer}{path}")).send().await.unwrap();
            told.push((response.status().as_u16(), response.text().await.unwrap()));
        }
        (pem, <[_; 3]>::try_from(told).unwrap())
    });
    assert_eq!((well.0, well.1.as_str()), (200, "up\n"));
    // Everybody may load the authority, and the start page shows the fingerprint of that very file.
    let fingerprint = crate::crypto::certificate::fingerprint(&pem).unwrap();
    assert_eq!((file.0, fingerprint.len()), (200, 95));
    assert_eq!(file.1, pem);
    assert!(start.1.contains(&fingerprint) && start.1.contains("/ca.pem"), "{}", start.1);
    server.stop();
    assert_eq!(names_in(folder.path()), ["auther.redb"]);
}

#[test]
fn a_jump_in_time_rotates_the_keys_and_a_restart_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let settings = loaded(folder.path(), &[("AUTHER_TLS_MODE", "off")]);
    let server = Running::start(settings.clone());
    server.settle();
    let first = current_kid(&server.app());
    assert!(server.app().tenant.keyring.signer(Algorithm::RS256).is_some(), "the slow key is made in the background");
    server.clock.advance(DAY * 31);
    server.settle();
    let second = current_kid(&server.app());
    assert_ne!(first, second);
    assert!(server.app().tenant.keyring.verifier(&first).is_some(), "tokens of the old key still verify");
    server.stop();
    let server = Running::start(settings);
    assert_eq!(current_kid(&server.app()), second);
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
    let before = server.app();
    let fresh = loaded(folder.path(), &[off, ("AUTHER_REGISTRATION", "open"), ("AUTHER_CLIENTS_JSON", CLIENT)]);
    block_on(apply(&server.told.tasks, &fresh)).unwrap();
    assert_eq!(before.settings.registration, crate::config::Registration::Closed);
    assert_eq!(server.app().settings.registration, crate::config::Registration::Open);
    assert_eq!(server.app().settings.issuer, before.settings.issuer, "the port that the system gave stays");
    let cx = Cx::for_system(server.app());
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
    // A caller that brings the rules learns it before anything happens; another one when the clients are written.
    let ruled = Overrides { client_rules: Some(oauth::clients::mistakes), ..Overrides::default() };
    let environment = variables.into_iter().collect::<Environment>();
    let mistakes = reload_configuration(&running, &ruled, &environment, folder.path()).unwrap_err().to_string();
    assert!(mistakes.contains("AUTHER_CLIENTS_JSON: client \"declared\": redirect_uris: "), "{mistakes}");
    let fresh = loaded(folder.path(), &variables);
    block_on(apply(&server.told.tasks, &fresh)).unwrap_err();
    assert_eq!(server.app().settings.registration, crate::config::Registration::Closed);
    assert!(oauth::clients::find(&Cx::for_system(server.app()), "declared").unwrap().is_none());
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
    assert_eq!(server.app().settings.registration, crate::config::Registration::Invite);
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

/// Asks for a path on a connection that stays open; the status line and the head of the answer.
fn ask(stream: &mut TcpStream, path: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    stream.read_exact(&mut vec![0; length])?;
    Ok(head)
}

/// The status of one question to the admin socket.
fn ask_admin(folder: &Path) -> String {
    let mut stream = std::os::unix::net::UnixStream::connect(folder.join("auther.sock")).unwrap();
    stream.write_all(b"GET /api/admin/me HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[test]
fn bug_class_40_open_connections_lock_out_neither_the_admin_socket_nor_who_asks_for_the_servers_health() {
    let folder = tempfile::tempdir().unwrap();
    let few = [("AUTHER_TLS_MODE", "off"), ("AUTHER_SERVER_CONNECTIONS", "40")];
    let server = Running::start(loaded(folder.path(), &few));
    let connect = || TcpStream::connect(server.told.address).unwrap();
    // This machine has three quarters of all; each of these is counted once it is answered.
    let mut open: Vec<TcpStream> = Vec::new();
    for number in 0..30 {
        let mut stream = connect();
        let head = ask(&mut stream, "/healthz").unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && !head.contains("connection: close"), "{number}: {head}");
        open.push(stream);
    }
    let mut late = connect();
    let head = ask(&mut late, "/sign-in").unwrap();
    assert!(head.starts_with("HTTP/1.1 503") && head.contains("retry-after: 2"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    for path in ["/healthz", "/readyz", "/%68ealthz"] {
        let head = ask(&mut connect(), path).unwrap();
        assert!(!head.contains("too much") && head.contains("connection: close"), "{path}: {head}");
        assert!(head.starts_with("HTTP/1.1 200") || path == "/readyz", "{path}: {head}");
    }
    assert_eq!(ask_admin(folder.path()), "HTTP/1.1 200 OK");
    // The reserve is bounded, too: what is above it is closed unanswered, and still the admin socket answers.
    let mut idle: Vec<TcpStream> = (0..60).map(|_| connect()).collect();
    let closed = idle.iter_mut().rev().take(40).filter_map(|stream| ask(stream, "/healthz").err()).count();
    assert_eq!(closed, 40);
    assert_eq!(ask_admin(folder.path()), "HTTP/1.1 200 OK");
    assert!(ask(&mut open[0], "/sign-in").unwrap().starts_with("HTTP/1.1 200"), "who is in stays in");
    drop((open, idle, late));
    let answered = (0..200).any(|_| ask(&mut connect(), "/sign-in").is_ok_and(|head| head.starts_with("HTTP/1.1 200")));
    assert!(answered, "there is room again");
    server.stop();
}

#[test]
fn connections_are_counted_before_their_handshake() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[("AUTHER_SERVER_CONNECTIONS", "40")]));
    let mut open: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(server.told.address).unwrap()).collect();
    // 30 of this machine and 4 of the reserve wait for their handshake; the others are closed without one.
    for stream in open.iter_mut().rev().take(40) {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let read = stream.read(&mut [0; 16]);
        let is_closed =
            read.as_ref().map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |read| *read == 0);
        assert!(is_closed, "{read:?}");
    }
    assert_eq!(ask_admin(folder.path()), "HTTP/1.1 200 OK");
    server.stop();
}

/// A kind of delivery that hands over what it was given.
struct HandsOver(mpsc::Sender<serde_json::Value>);

impl outbox::Kind for HandsOver {
    fn name(&self) -> &'static str {
        "test"
    }

    fn deliver<'a>(
        &'a self,
        _cx: &'a Cx,
        delivery: &'a crate::records::Delivery,
    ) -> std::pin::Pin<Box<dyn Future<Output = outbox::Outcome> + Send + 'a>> {
        let sent = self.0.send(delivery.payload.clone());
        Box::pin(async move { sent.map_err(|error| outbox::Failed::for_good(error.to_string())) })
    }
}

#[test]
fn what_is_put_into_the_outbox_of_a_running_server_is_delivered_without_waiting_for_the_next_look() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[("AUTHER_TLS_MODE", "off")]));
    let app = server.app();
    let (sender, delivered) = mpsc::channel();
    app.process.delivery_kinds.add(Arc::new(HandsOver(sender)));
    for number in 0..2 {
        let cx = Cx::for_system(Arc::clone(&app));
        let draft = outbox::Draft::new(&cx, "test", "usr_1", &number).unwrap();
        app.store.write_blocking::<_, crate::store::Error, _>(move |tx| draft.put(tx, &cx)).unwrap();
        // The clock is looked at every 15 seconds.
        assert_eq!(delivered.recv_timeout(Duration::from_secs(10)).unwrap(), number);
    }
    server.stop();
}

#[test]
fn plain_http_on_the_port_of_tls_is_answered_with_the_https_address() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[]));
    let issuer = format!("https://localhost:{}", server.told.address.port());
    let say = |text: &str| {
        let mut stream = TcpStream::connect(server.told.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let led = say("GET /admin HTTP/1.1\r\nhost: 10.0.0.7:8443\r\n\r\n");
    assert!(led.starts_with("HTTP/1.1 308 ") && led.contains(&format!("location: {issuer}/admin\r\n")), "{led}");
    let refused = say("POST /oauth2/token HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains(&issuer), "{refused}");
    server.stop();
}
