//! An installation for tests: in memory, with a clock that stands still, cheap hashes and the default settings.
//!
//! `TestApp::new()` is enough for most; `TestApp::with(|parts| …)` changes a part before anything shares it. Start at
//! [`TestApp`].

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::access::authority::GraphAuthorizer;
use crate::base::clock::ManualClock;
use crate::base::entropy::OsEntropy;
use crate::base::id::{TenantId, UserId};
use crate::base::{Clock, Moment, Secret};
use crate::config::{self, Environment, Overrides, Settings};
use crate::crypto::keyring::Keyring;
use crate::crypto::password::{Hasher, Parameters};
use crate::crypto::seal::SealingKey;
use crate::crypto::token::MacKey;
use crate::cx::{Actor, Application, Cx, RequestFacts};
use crate::script::{Limits, Pool};
use crate::serve::first_boot::follow_the_log;
use crate::store::Store;
use crate::tenant::Tenant;

/// 2026-01-31T12:00:00Z: when every test begins.
pub(crate) const START: Moment = Moment::from_millis(1_769_860_800_000);

/// What of an installation a test may choose before anything shares it.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hasher: Arc<Hasher>,
    pub(crate) scripts: Arc<Pool>,
    /// The tenant that everything happens in: its id and base path.
    pub(crate) tenant: (TenantId, &'static str),
}

/// An installation of its own, with its clock.
pub(crate) struct TestApp {
    pub(crate) parts: Arc<Application>,
    pub(crate) clock: Arc<ManualClock>,
}

impl TestApp {
    /// With nothing in it.
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// Two over the same data, as two processes have them.
    pub(crate) fn two() -> [Self; 2] {
        Store::two_in_memory().map(|store| Self::with(|parts| parts.store = store))
    }

    /// With parts as `change` leaves them.
    pub(crate) fn with(change: impl FnOnce(&mut Parts)) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let cheap = Parameters { memory_kib: 32, iterations: 1, parallelism: 1 };
        let mut parts = Parts {
            store: Store::in_memory(),
            settings: settings(),
            clock: clock.clone(),
            hasher: Arc::new(Hasher::start(cheap, 2, 1024).unwrap()),
            scripts: Arc::new(Pool::start(1, Limits::default()).unwrap()),
            tenant: (TenantId::DEFAULT, ""),
        };
        change(&mut parts);
        let Parts { store, settings, clock: shown, hasher, scripts, tenant: (id, base) } = parts;
        let settings = Arc::new(settings);
        let keyring = Arc::new(Keyring::new(Vec::new()).unwrap());
        let app = Application {
            store,
            tenant: Arc::new(Tenant::new(id, base, Arc::clone(&settings), keyring)),
            settings,
            clock: shown,
            entropy: Arc::new(OsEntropy),
            hasher,
            sealing: SealingKey::new([7; 32]),
            mac: MacKey::new(&Secret::new([9; 32])),
            scripts,
            authorizer: Arc::new(GraphAuthorizer),
            process: Arc::default(),
        };
        let app = Self { parts: Arc::new(app), clock };
        follow_the_log(&app.cx()).unwrap();
        app
    }

    /// A request of the operator, who may do everything, at the clock's moment.
    pub(crate) fn cx(&self) -> Cx {
        self.stranger().with_actor(Actor::Local)
    }

    /// A request of nobody known.
    pub(crate) fn stranger(&self) -> Cx {
        let ip = Some([192, 0, 2, 1].into());
        let (id, user_agent) = (String::from("req_test"), Some(String::from("test")));
        let facts = RequestFacts { id, ip, unnamed_by: None, user_agent };
        Cx::for_request(Arc::clone(&self.parts), facts)
    }

    /// A request of this person.
    pub(crate) fn cx_of(&self, user: &UserId) -> Cx {
        self.stranger().with_actor(Actor::User(user.clone()))
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// The settings of an empty folder without variables.
pub(crate) fn settings() -> Settings {
    config::load(&Overrides::default(), &Environment::default(), Path::new("/nonexistent")).unwrap().settings
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs `attempt` on `count` threads that start together; answers in the order of their numbers.
pub(crate) fn race<T: Send>(count: usize, attempt: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let run = |number| {
            let (start, attempt) = (&start, &attempt);
            scope.spawn(move || {
                start.wait();
                attempt(number)
            })
        };
        let racers: Vec<_> = (0..count).map(run).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    })
}
