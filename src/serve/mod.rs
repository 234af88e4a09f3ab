//! The process: an open data file, listeners, TLS, background work, and the end of it all.
//!
//! May use: every floor below. Start reading at [`Server::open`] and [`Server::run`]; [`OneCall`] is the server that a
//! command becomes when none runs.

mod connections;
mod error;
pub(crate) mod first_boot;
mod jobs;
mod listen;
mod one_call;
mod plain_http;
mod reload;
mod secrets;
pub(crate) mod socket;
mod supervisor;
mod tasks;
pub(crate) mod telemetry;
pub(crate) mod tls;
mod web;

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use crate::base::{Clock, Entropy, Secret};
use crate::config::{self, Loaded, Settings};
use crate::crypto::certificate;
use crate::cx::{Application, Current, Cx};
use crate::http;
use crate::http::extract::{LocalPeer, Stranger};
use crate::identity::links;
use crate::oauth;
use crate::store::rows::certificates::{self, Role};
use crate::store::{OpenError, Options, Store};
use crate::tenant::paths;
use connections::Connections;
use socket::Bound;
use tls::Tls;
use web::Listeners;

pub use crate::crypto::tls::install_provider as install_crypto_provider;
pub use error::Error;
pub use one_call::OneCall;
pub use reload::Reload;
pub use tasks::Tasks;

/// Opens the files that the configuration names for a server, without starting one. Answers what is wrong with them, a
/// line each: certificate and key, and the folder of the data file.
pub fn mistakes_in_files(settings: &Settings) -> Vec<String> {
    let tls = tls::check(&settings.tls).err().map(|error| error.to_string());
    let folder = settings.data.parent().filter(|folder| !folder.as_os_str().is_empty());
    let missing =
        folder.filter(|folder| !folder.is_dir()).map(|_| OpenError::NoFolder(settings.data.clone()).to_string());
    tls.into_iter().chain(missing).collect()
}

/// How long an idle connection is kept. Unit tests wait for the end of one.
const KEEP_ALIVE: Duration = Duration::from_secs(if cfg!(test) { 8 } else { 75 });

/// How long a client may take for the head of a request: against those who send a byte now and then.
const HEAD: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 5 });

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long a client may take to close.
const CLOSING: Duration = Duration::from_secs(2);

/// How long requests in flight may take to finish after the signal to stop, in seconds.
const GRACE: u64 = 20;

/// The exit code after a second signal: as shells report SIGINT.
const AT_ONCE: i32 = 130;

/// How long to wait for a command that holds the data file.
const FILE_WAIT: Duration = Duration::from_secs(3);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(25);

/// An installation that is ready to serve: the file is open, the addresses are bound, what must exist before the first
/// request exists.
pub struct Server {
    app: Current,
    tls: Option<Arc<Tls>>,
    tasks: Arc<Tasks>,
    listeners: Vec<TcpListener>,
    admin: (Bound, UnixListener),
    setup: Option<Secret<String>>,
}

impl Server {
    /// Binds the addresses, opens the data file or makes it, and prepares keys, certificate and set-up link. Nothing is
    /// answered before [`Server::run`].
    pub async fn open(mut settings: Settings, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, Error> {
        telemetry::warn_of(&settings);
        let listeners = listen::bind(&settings.listen)?;
        listen::complete_issuer(&mut settings, &listeners);
        listen::warn_of_issuer(&settings, &listeners);
        let socket = socket::path_of(&settings.data);
        let store = open_store(&settings, &socket).await?;
        let data = settings.data.clone();
        let app = first_boot::install(store, settings, clock, entropy).await?;
        let cx = Cx::for_system(app.clone());
        // Only the server does this: a command may be run from a folder whose configuration declares nobody.
        oauth::clients::declare(&cx, &app.settings.clients).await.map_err(Error::Clients)?;
        oauth::keys::tick(&cx, &first_boot::FAST).await.map_err(Error::Keys)?;
        let tls = Tls::load(&app).await?.map(Arc::new);
        let admin = Bound::listen(&socket, &data).map_err(|cause| Error::Socket { path: socket, cause })?;
        let setup = links::issue_setup(&cx).await.map_err(Error::Identity)?;
        let app = Current::from(app);
        let tasks = Arc::new(Tasks::new(app.clone(), tls.clone()));
        let setup = setup.map(|token| setup_url(&cx, &token));
        Ok(Self { app, tls, tasks, listeners, admin, setup })
    }

    /// The shared parts: for tests that look behind the web.
    pub fn app(&self) -> Arc<Application> {
        self.app.load()
    }

    /// The background work: a test whose clock has jumped settles it.
    pub fn tasks(&self) -> Arc<Tasks> {
        self.tasks.clone()
    }

    /// The addresses it listens on, with the ports the system gave.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// The SHA-256 of the local CA, as tools print it; `None` where the certificate is from elsewhere.
    pub fn ca_fingerprint(&self) -> Option<String> {
        let app = self.app.load();
        if app.settings.tls != config::Tls::LocalCa {
            return None;
        }
        let ca = app.store.read().and_then(|from| certificates::find(&from, Role::Ca)).ok()??;
        certificate::fingerprint(&ca.pem).ok()
    }

    /// The link for the first administrator; `None` once there is one.
    pub fn setup_url(&self) -> Option<&Secret<String>> {
        self.setup.as_ref()
    }

    /// Serves until `shutdown` is there: then stops accepting, finishes what is in flight and closes the file.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let (bound, socket) = self.admin;
        let state = http::State::new(self.app.clone());
        let owner = bound.owner();
        let app = self.app.load();
        let workers = app.settings.server.workers;
        let workers = if workers == 0 { first_boot::cores() } else { workers };
        let tls = self.tls.as_ref().map(|tls| tls.server_config()).transpose()?;
        let listeners = Listeners { admin: (socket, owner), public: self.listeners, tls };
        let bounds = connections::bounds(&app.settings);
        let parts = (state, self.app.clone(), Connections::new(bounds));
        let server = web::serve(parts, workers, listeners, shutdown)?;
        let background = actix_web::rt::spawn(self.tasks.clone().keep());
        let watched = actix_web::rt::spawn(supervisor::keep(self.app.clone()));
        let (connections, per_address) = (bounds.all, bounds.per_address);
        tracing::info!(issuer = app.tenant.issuer, connections, per_address, "serving");
        let ended = server.await;
        background.abort();
        watched.abort();
        drop(bound);
        jobs::write_down(&Cx::for_system(self.app.load())).await;
        app.store.close();
        tracing::info!("stopped");
        Ok(ended?)
    }

    /// Serves until SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reads certificates again, and the
    /// configuration through `again`.
    pub async fn run_until_signal(self, loaded: Loaded, again: Reload) -> Result<(), Error> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let hangup = signal(SignalKind::hangup())?;
        let reloading = actix_web::rt::spawn(reload::keep(hangup, self.tasks(), loaded, again));
        let shutdown = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            supervisor::tell(&[NotifyState::Stopping]);
            // Who asks again does not want to wait for what is in flight. The data file survives that.
            tokio::spawn(async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tracing::warn!("ended at once, by a second signal");
                std::process::exit(AT_ONCE);
            });
        };
        let ended = self.run(shutdown).await;
        reloading.abort();
        ended
    }
}

fn setup_url(cx: &Cx, token: &Secret<String>) -> Secret<String> {
    Secret::new(cx.tenant.urls.url_with(paths::SETUP, "token", token.expose()))
}

/// Notes who is at the other end of an admin connection. Over TCP there is nobody to note.
fn introduce(stream: &dyn Any, owner: u32, data: &mut Extensions) {
    let Some(stream) = stream.downcast_ref::<tokio::net::UnixStream>() else { return };
    match stream.peer_cred() {
        Ok(peer) if socket::may_administer(peer.uid(), owner) => {
            data.insert(LocalPeer { uid: peer.uid() });
        }
        Ok(peer) => {
            tracing::warn!(uid = peer.uid(), "a stranger connected to the admin socket");
            data.insert(Stranger);
        }
        Err(error) => {
            tracing::warn!(%error, "the peer of the admin socket is unknown");
            data.insert(Stranger);
        }
    }
}

/// Opens the data file. A command that has it for a moment is waited for; another server is not.
async fn open_store(settings: &Settings, socket: &Path) -> Result<Store, Error> {
    let options = Options { cache_bytes: settings.store.cache_bytes, ..Options::default() };
    let mut waited = Duration::ZERO;
    loop {
        match Store::open(&settings.data, &options) {
            Err(OpenError::InUse(_)) if waited < FILE_WAIT && !socket::answers(socket) => {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            opened => return Ok(opened?),
        }
    }
}

#[cfg(test)]
mod idle_tests;
#[cfg(test)]
mod tests;
