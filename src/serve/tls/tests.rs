use std::fs;
use std::path::Path;
use std::time::Duration;

use rustls::client::ClientConnection;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ServerConnection;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};

use super::*;
use crate::base::Entropy;
use crate::base::clock::ManualClock;
use crate::base::entropy::OsEntropy;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn start() -> Moment {
    Moment::from_seconds(1_800_000_000)
}

#[derive(Debug)]
struct At(Moment);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(self.0.millis()).ok()?)))
    }
}

/// A client that trusts `ca`, at `now`.
fn client(ca: &str, now: Moment) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let client = ClientConfig::builder_with_details(Arc::new(provider()), Arc::new(At(now)));
    let client = client.with_safe_default_protocol_versions().unwrap();
    Arc::new(client.with_root_certificates(roots).with_no_client_auth())
}

/// A connection to `name`, after all that the two have to say to each other.
fn connect(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    name: &str,
) -> Result<ClientConnection, rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            server.read_tls(&mut bytes).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            client.read_tls(&mut bytes).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok(client)
}

/// The server's certificate as a client sees it that trusts `ca` and connects to `name` at `now`.
fn handshake(tls: &Tls, ca: &str, name: &str, now: Moment) -> Result<CertificateDer<'static>, rustls::Error> {
    let connection = connect(&Arc::new(tls.server_config().unwrap()), &client(ca, now), name)?;
    Ok(connection.peer_certificates().unwrap()[0].clone().into_owned())
}

async fn app(clock: &Arc<ManualClock>, settings: impl FnOnce(&mut config::Settings)) -> Arc<Application> {
    let mut loaded =
        config::load(&config::Overrides::default(), &config::Environment::default(), Path::new("/nowhere"))
            .unwrap()
            .settings;
    loaded.password.memory_kib = 8;
    settings(&mut loaded);
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    super::super::first_boot::install(store::Store::in_memory(), loaded, clock.clone(), entropy).await.unwrap()
}

fn ca_of(app: &Application) -> String {
    certificates::find(&app.store.read().unwrap(), Role::Ca).unwrap().unwrap().pem
}

#[actix_web::test]
async fn the_chain_verifies_against_the_exported_ca_under_every_name() {
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    let tls = Tls::load(&app).await.unwrap().unwrap();
    let ca = ca_of(&app);
    for name in ["localhost", "127.0.0.1", "::1"] {
        handshake(&tls, &ca, name, start()).unwrap();
    }
    assert!(handshake(&tls, &ca, "example.com", start()).is_err());
}

#[actix_web::test]
async fn who_comes_again_resumes_the_session_without_a_full_handshake() {
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    let tls = Tls::load(&app).await.unwrap().unwrap();
    let (server, client) = (Arc::new(tls.server_config().unwrap()), client(&ca_of(&app), start()));
    let kinds = [(); 2].map(|()| connect(&server, &client, "localhost").unwrap().handshake_kind());
    assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
    let another = Arc::new(tls.server_config().unwrap());
    let kind = connect(&another, &client, "localhost").unwrap().handshake_kind();
    assert_eq!(kind, Some(HandshakeKind::Full), "keys of another server");
}

/// Both versions, and each kind of suite that clients choose by what their processor is good at.
#[actix_web::test]
async fn every_version_and_suite_that_is_offered_works() {
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    let tls = Tls::load(&app).await.unwrap().unwrap();
    let (server, ca) = (Arc::new(tls.server_config().unwrap()), ca_of(&app));
    let mut spoken = Vec::new();
    for suite in provider().cipher_suites {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let only = rustls::crypto::CryptoProvider { cipher_suites: vec![suite], ..provider() };
        let client = ClientConfig::builder_with_details(Arc::new(only), Arc::new(At(start())));
        let client = client.with_protocol_versions(&[suite.version()]).unwrap();
        let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
        if let Ok(connection) = connect(&server, &client, "localhost") {
            spoken.push(connection.negotiated_cipher_suite().unwrap().suite());
        }
    }
    let ecdsa = provider().cipher_suites.iter().map(|suite| suite.suite()).collect::<Vec<_>>();
    let ecdsa: Vec<_> = ecdsa.into_iter().filter(|suite| !format!("{suite:?}").contains("_RSA_")).collect();
    assert_eq!(spoken, ecdsa, "the local CA's leaf has an ECDSA key");
    assert_eq!(spoken.len(), 6, "AES-GCM with both lengths and ChaCha20-Poly1305, in TLS 1.2 and 1.3");
}

#[actix_web::test]
async fn the_leaf_is_for_the_issuers_host_and_made_anew_when_that_changes() {
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    Tls::load(&app).await.unwrap();
    let ca = ca_of(&app);
    let moved = local_ca::names_for("auth.example.com");
    assert_eq!(moved, ["auth.example.com", "localhost", "127.0.0.1", "::1"]);
    let certified = ensure_leaf(&app, &moved, start()).await.unwrap();
    let resolver = Arc::new(Resolver(Latest::new(Arc::new(certified))));
    let tls = Tls { resolver, source: Source::LocalCa { names: moved } };
    handshake(&tls, &ca, "auth.example.com", start()).unwrap();
    assert_eq!(ca_of(&app), ca);
}

#[actix_web::test]
async fn a_restart_serves_the_same_certificate() {
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    let first = Tls::load(&app).await.unwrap().unwrap();
    let second = Tls::load(&app).await.unwrap().unwrap();
    let ca = ca_of(&app);
    let seen = |tls| handshake(tls, &ca, "localhost", start()).unwrap();
    assert_eq!(seen(&first), seen(&second));
}

#[actix_web::test]
async fn the_leaf_is_renewed_at_two_thirds_of_its_life_and_clients_see_the_new_one_at_once() {
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    let tls = Tls::load(&app).await.unwrap().unwrap();
    let ca = ca_of(&app);
    let first = handshake(&tls, &ca, "localhost", start()).unwrap();
    clock.advance(DAY * 59);
    assert!(!tls.refresh(&app).await.unwrap());
    clock.advance(DAY * 2);
    assert!(tls.refresh(&app).await.unwrap());
    let second = handshake(&tls, &ca, "localhost", start().plus(DAY * 61)).unwrap();
    assert_ne!(first, second);
    assert!(handshake(&tls, &ca, "localhost", start().plus(DAY * 100)).is_ok());
    assert!(handshake(&tls, &ca, "localhost", start().plus(DAY * 200)).is_err());
}

#[actix_web::test]
async fn a_jump_of_ten_years_makes_a_new_ca_instead_of_a_leaf_that_cannot_verify() {
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    let tls = Tls::load(&app).await.unwrap().unwrap();
    let old = ca_of(&app);
    clock.advance(DAY * 3640);
    assert!(tls.refresh(&app).await.unwrap());
    let new = ca_of(&app);
    assert_ne!(old, new);
    handshake(&tls, &new, "localhost", start().plus(DAY * 3640)).unwrap();
}

/// A certificate for localhost and the CA that signed it.
fn write_pair(app: &Application, cert: &Path, key: &Path) -> String {
    let ca = local_ca::new_ca("test", start(), &app.sealing, &OsEntropy).unwrap();
    let leaf = local_ca::new_leaf(&ca, vec![String::from("localhost")], start(), &app.sealing, &OsEntropy).unwrap();
    let (_, der) = local_ca::unsealed(&leaf, &app.sealing).unwrap();
    let base64 = data_encoding::BASE64.encode(der.secret_der());
    fs::write(cert, &leaf.pem).unwrap();
    fs::write(key, format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")).unwrap();
    ca.pem
}

#[actix_web::test]
async fn changed_files_are_served_and_bad_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let clock = Arc::new(ManualClock::new(start()));
    let app = app(&clock, |_| {}).await;
    let first = write_pair(&app, &cert, &key);
    let files = Files::new(cert.clone(), key.clone());
    let resolver = Arc::new(Resolver(Latest::new(Arc::new(files.read().unwrap()))));
    let tls = Tls { resolver, source: Source::Files(files) };
    handshake(&tls, &first, "localhost", start()).unwrap();
    assert!(!tls.refresh(&app).await.unwrap());

    let second = write_pair(&app, &cert, &key);
    assert!(tls.refresh(&app).await.unwrap());
    handshake(&tls, &second, "localhost", start()).unwrap();
    assert!(handshake(&tls, &first, "localhost", start()).is_err());

    fs::write(&cert, "not a certificate").unwrap();
    assert!(matches!(tls.refresh(&app).await, Err(Error::File { .. })));
    // The same bad files are not complained about again.
    assert!(!tls.refresh(&app).await.unwrap());
    handshake(&tls, &second, "localhost", start()).unwrap();

    let third = write_pair(&app, &cert, &key);
    let other = folder.path().join("other.pem");
    write_pair(&app, &folder.path().join("unused.pem"), &other);
    fs::copy(&other, &key).unwrap();
    assert!(matches!(tls.reload(&app).await, Err(Error::Pair { .. })));
    handshake(&tls, &second, "localhost", start()).unwrap();
    assert!(handshake(&tls, &third, "localhost", start()).is_err());
}

#[actix_web::test]
async fn who_reads_the_files_while_they_change_does_not_bring_the_old_certificate_back() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let app = app(&Arc::new(ManualClock::new(start())), |_| {}).await;
    write_pair(&app, &cert, &key);
    let files = Files::new(cert.clone(), key.clone());
    let resolver = Arc::new(Resolver(Latest::new(Arc::new(files.read().unwrap()))));
    let tls = Tls { resolver: resolver.clone(), source: Source::Files(files) };
    // The first reader has read, and is slow; the files change, and a second one comes.
    let turn = resolver.0.turn().await;
    let old = tls.read(&app).await.unwrap();
    let second = write_pair(&app, &cert, &key);
    let mut reload = std::pin::pin!(tls.reload(&app));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(reload.as_mut().poll(&mut context).is_pending(), "it waits until the first one is done");
    turn.put(Arc::new(old));
    drop(turn);
    reload.await.unwrap();
    handshake(&tls, &second, "localhost", start()).unwrap();
    assert!(!tls.refresh(&app).await.unwrap());
}

#[actix_web::test]
async fn two_who_find_no_ca_end_up_with_the_same() {
    let app = app(&Arc::new(ManualClock::new(start())), |_| {}).await;
    let both = futures_util::future::join_all([ensure_ca(&app), ensure_ca(&app)]).await;
    let pems: Vec<String> = both.into_iter().map(|ca| ca.unwrap().pem).collect();
    assert_eq!((&pems[0], &pems[1]), (&ca_of(&app), &ca_of(&app)));
}
