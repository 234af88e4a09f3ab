//! A server in this process.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use auther::audit;
use auther::base::clock::ManualClock;
use auther::base::entropy::OsEntropy;
use auther::base::page::PageRequest;
use auther::base::{Clock as _, Moment};
use auther::config::{self, Environment, Overrides, Settings};
use auther::cx::{Application, Cx};
use auther::records::AuditRow;
use auther::serve::{Server, Tasks};
use auther::store::Order;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::template::template;
use super::{App, Browser};

/// 2026-01-31T12:00:00Z: when every test begins.
pub const START: Moment = Moment::from_millis(1_769_860_800_000);

/// A running server with a data file and a clock of its own.
pub struct Home {
    /// Its issuer, which is where it is reached.
    pub origin: String,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The link for the first administrator.
    pub setup: Option<String>,
    /// What it listens on.
    pub address: std::net::SocketAddr,
    app: Arc<Application>,
    tasks: Arc<Tasks>,
    folder: Option<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a server tells once it is open.
struct Opened {
    origin: String,
    setup: Option<String>,
    address: std::net::SocketAddr,
    app: Arc<Application>,
    tasks: Arc<Tasks>,
}

impl Home {
    /// With the template's people and clients, without limits on attempts.
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// The same with settings as `change` leaves them.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_private(&data_in(folder.path()), &template().bytes);
        Self::start(folder, Arc::new(ManualClock::new(START)), change).await
    }

    /// With nothing in its data file.
    pub async fn empty() -> Self {
        Self::start(tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(START)), |_| ()).await
    }

    async fn start(folder: TempDir, clock: Arc<ManualClock>, change: impl FnOnce(&mut Settings)) -> Self {
        auther::serve::install_crypto_provider();
        let mut settings = settings(folder.path());
        change(&mut settings);
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let its_clock = clock.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = Server::open(settings, its_clock, Arc::new(OsEntropy)).await.unwrap();
                let setup = server.setup_url().map(|url| url.expose().clone());
                let address = server.addresses()[0];
                let (app, tasks) = (server.app(), server.tasks());
                let origin = app.settings.issuer.origin().to_owned();
                let opened = Opened { origin, setup, address, app, tasks };
                assert!(tell.send(opened).is_ok(), "the test waits");
                server.run(async { drop(stopped.await) }).await.unwrap();
            });
        });
        let Opened { origin, setup, address, app, tasks } = told.await.expect("the server opens");
        let (stop, thread) = (Some(stop), Some(thread));
        Self { origin, clock, setup, address, app, tasks, folder: Some(folder), stop, thread }
    }

    /// Stops the server and starts one on the same data file, at the same moment of the same clock.
    pub async fn restart(mut self) -> Self {
        drop(self.stop.take());
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        let (folder, clock) = (self.folder.take().unwrap(), self.clock.clone());
        drop(self);
        Self::start(folder, clock, |_| ()).await
    }

    /// An address of this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The operation behind the web, for what has no page yet.
    pub fn cx(&self) -> Cx {
        Cx::for_system(self.app.clone())
    }

    /// The audit rows of an action, in any order, once everything that was asked for so far is written.
    pub async fn told(&self, action: &str) -> Vec<AuditRow> {
        let cx = self.cx();
        cx.store().write(|_| Ok::<_, auther::store::Error>(())).await.unwrap();
        let filter = audit::Filter { action: Some(action.to_owned()), ..audit::Filter::default() };
        audit::page(&cx, &filter, Order::Ascending, &PageRequest::default()).unwrap().items
    }

    /// The moment it is here.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Moves the clock and does what became due.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.tasks.settle().await.unwrap();
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(self)
    }

    /// A browser in which this person has signed in on the page.
    pub async fn signed_in(&self, who: &str) -> Browser {
        let browser = self.browser();
        browser.sign_in(who).await;
        browser
    }

    /// A client of the template.
    pub fn app(&self, id: &str) -> App<'_> {
        App::of_template(self, id)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// Settings of an empty folder: plain HTTP on a free port, cheap hashes, no limits on attempts.
pub fn settings(folder: &Path) -> Settings {
    let overrides = Overrides {
        data: Some(data_in(folder)),
        listen: vec![String::from("127.0.0.1:0")],
        tls: Some(String::from("off")),
        ..Overrides::default()
    };
    let mut settings = config::load(&overrides, &Environment::default(), folder).unwrap().settings;
    settings.password.memory_kib = 8;
    settings.password.iterations = 1;
    settings.password.threads = 2;
    settings.password.queue = 1000;
    settings.rate_limit.enabled = false;
    settings.server.workers = 2;
    settings.store.cache_bytes = 1 << 20;
    settings
}

fn data_in(folder: &Path) -> PathBuf {
    folder.join("auther.redb")
}

fn write_private(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
