//! What every rule is handed: the installation, and the values that are fixed for one operation.
//!
//! May use: everything below (`store`, `script`, `config`, `records`, `crypto`, `base`). One request sees one moment,
//! one actor, one tenant.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::id::{ApiKeyId, ClientId, RequestId, UserId};
use crate::base::latest::{self, Latest};
use crate::base::long_work::Busy;
use crate::base::{Budget, Clock, Entropy, Moment, Uptime};
use crate::config::Settings;
use crate::crypto::password::Hasher;
use crate::crypto::seal::SealingKey;
use crate::crypto::token::MacKey;
use crate::process_state::ProcessState;
use crate::records::{Session, SubjectRef};
use crate::script;
use crate::store::{self, Read, Snapshot, Store};
use crate::tenant::Tenant;

/// The long-lived parts of a running Auther, shared by all requests. A copy shares all parts but the settings.
#[derive(Clone)]
pub struct Application {
    /// Where everything is stored.
    pub store: Store,
    /// The tenant that every operation happens in.
    pub tenant: Arc<Tenant>,
    /// What the operator wants of the installation. What rules obey are the settings of the tenant: [`Cx::settings`].
    pub settings: Arc<Settings>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub entropy: Arc<dyn Entropy>,
    /// The password pool.
    pub hasher: Arc<Hasher>,
    /// Seals secrets at rest.
    pub sealing: SealingKey,
    /// Authenticates stateless values: CSRF tokens, interactions, device cookies.
    pub mac: MacKey,
    /// The threads that run policies.
    pub scripts: Arc<script::Pool>,
    /// Who may change what, asked in the transaction of the change.
    pub authorizer: Arc<dyn Authorizer>,
    /// What rules keep between operations.
    pub process: Arc<ProcessState>,
}

/// Who may change what, over any state that is given: so a rule asks it in its own transaction, about what it is about
/// to write. `access::authority` answers from the permission graph; the modules to the left of `access` use it by this
/// trait.
pub trait Authorizer: Send + Sync {
    /// Whether the actor of an operation has a permission on an object (type, id) whatever scripts say. The operator
    /// and the server itself have all, nobody known has none. What is too large to be answered is no. Errors: the
    /// store's.
    fn may(&self, cx: &Cx, from: &dyn Read, permission: &str, object: (&str, &str)) -> Result<bool, store::Error>;

    /// Whether a subject holds something of the platform itself, by its own relations or through sets; of a person or a
    /// client also whether one of their API keys does, single clients aside. When there is too much to look at, yes.
    /// Errors: the store's.
    fn holds_authority(&self, cx: &Cx, from: &dyn Read, subject: &SubjectRef) -> Result<bool, store::Error>;
}

/// The installation as it is configured at the moment: settings may change while it runs, and an operation that began
/// before the change ends with the settings it began with.
#[derive(Clone)]
pub struct Current(Arc<Latest<Arc<Application>>>);

impl Current {
    /// The installation for an operation that begins now.
    pub fn load(&self) -> Arc<Application> {
        Arc::clone(&*self.0.load())
    }

    /// The right to change the settings. Who reads them from somewhere reads them after this: what was read earlier
    /// could be older than what another one has put in effect meanwhile.
    pub async fn turn(&self) -> Turn<'_> {
        Turn { current: self, turn: self.0.turn().await }
    }
}

/// The right to change the settings of a [`Current`]: one has it at a time.
pub struct Turn<'c> {
    current: &'c Current,
    turn: latest::Turn<'c, Arc<Application>>,
}

impl Turn<'_> {
    /// Operations that begin from now on see these settings. Parts that were made with the old ones stay as they are.
    pub fn reconfigure(&self, settings: Settings) {
        let (now, settings) = (self.current.load(), Arc::new(settings));
        let tenant = Arc::new(now.tenant.reconfigured(Arc::clone(&settings)));
        self.turn.put(Arc::new(Application { tenant, settings, ..Application::clone(&now) }));
    }
}

impl From<Arc<Application>> for Current {
    fn from(app: Arc<Application>) -> Self {
        Self(Arc::new(Latest::new(app)))
    }
}

/// Who asks for an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// No credential was shown, or none that is needed.
    Anonymous,
    /// A signed-in person.
    User(UserId),
    /// An authenticated OAuth client.
    Client(ClientId),
    /// A machine with an API key.
    Key(ApiKeyId),
    /// The operator on the machine, through the admin socket.
    Local,
    /// The server itself.
    System,
}

/// How long ago the actor last proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing here grows old: a key, a token of an app, a client's secret, the operator, the server itself; or nobody
    /// is known.
    Lasting,
    /// A session, whose person gave their last proof at this moment.
    ProvedAt(Moment),
}

/// What is known of the request an operation belongs to.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    /// Named in the log, the audit row and `x-request-id`.
    pub id: String,
    /// Address of the peer, or of the client behind a trusted proxy. `None` where there is none (the admin socket, the
    /// server itself) and where it is not known: then [`RequestFacts::unnamed_by`] is there. What admits by address
    /// admits no address that is not known.
    pub ip: Option<IpAddr>,
    /// The peer of a request whose client is not known: a trusted proxy that does not say, in a way that can be
    /// believed, for whom it asks. Unspecified (`::`) where not even the peer is known.
    pub unnamed_by: Option<IpAddr>,
    /// `User-Agent`, at most 256 characters.
    pub user_agent: Option<String>,
}

impl RequestFacts {
    /// The address that limits count: the client's, or of an unknown client its proxy's. `None` only for what came over
    /// no network.
    pub fn counted(&self) -> Option<IpAddr> {
        self.ip.or(self.unnamed_by)
    }

    /// Where the request came from, as logs and rows show it: the address, or `unknown, by` and the proxy. `None` as
    /// for [`RequestFacts::counted`].
    pub fn origin(&self) -> Option<String> {
        let unknown = || self.unnamed_by.map(|proxy| format!("unknown, by {proxy}"));
        self.ip.map(|ip| ip.to_string()).or_else(unknown)
    }
}

/// One operation: cheap to clone, handed to every rule.
#[derive(Clone)]
pub struct Cx {
    /// The installation that all operations share.
    pub app: Arc<Application>,
    /// The moment of the operation, as the clock shows it: for what is stored.
    pub now: Moment,
    /// The same by a clock that nobody sets: for what is kept in memory.
    pub uptime: Uptime,
    /// The tenant it happens in.
    pub tenant: Arc<Tenant>,
    /// On whose behalf it is done.
    pub actor: Actor,
    /// Since when that is proved.
    pub proof: Freshness,
    /// What is known of the request.
    pub request: Arc<RequestFacts>,
    /// How much it may still look at; `None` where that is bounded by other means, as in all that looks at a few rows.
    pub budget: Option<Arc<Budget>>,
}

/// Steps that a look at the data may take on a thread that answers requests: a few milliseconds.
const SHORT: u64 = 5_000;

/// Steps that it may take elsewhere: some seconds.
const LONG: u64 = 2_000_000;

impl Cx {
    /// An operation that a request asked for; nobody is known yet.
    pub fn for_request(app: Arc<Application>, request: RequestFacts) -> Self {
        let (now, uptime, tenant) = (app.clock.now(), app.clock.uptime(), Arc::clone(&app.tenant));
        let (actor, proof, request) = (Actor::Anonymous, Freshness::Lasting, Arc::new(request));
        Self { app, now, uptime, tenant, actor, proof, request, budget: None }
    }

    /// An operation of the server itself: first boot, rotation, sweeping.
    pub fn for_system(app: Arc<Application>) -> Self {
        let (now, uptime, tenant) = (app.clock.now(), app.clock.uptime(), Arc::clone(&app.tenant));
        let id = RequestId::new(now, &*app.entropy).to_string();
        let request = Arc::new(RequestFacts { id, ip: None, unnamed_by: None, user_agent: None });
        let (actor, proof) = (Actor::System, Freshness::Lasting);
        Self { app, now, uptime, tenant, actor, proof, request, budget: None }
    }

    /// The same operation once it is known who asks, by something that does not grow old. A person in a session:
    /// [`Cx::in_session`].
    pub fn with_actor(&self, actor: Actor) -> Self {
        Self { actor, proof: Freshness::Lasting, ..self.clone() }
    }

    /// The same operation once it is known that a person asks, in a session of theirs.
    pub fn in_session(&self, session: &Session) -> Self {
        Self {
            actor: Actor::User(session.user.clone()),
            proof: Freshness::ProvedAt(session.auth_time()),
            ..self.clone()
        }
    }

    /// What the operator wants of the tenant.
    pub fn settings(&self) -> &Settings {
        &self.tenant.settings
    }

    /// What the process keeps between operations.
    pub fn process(&self) -> &ProcessState {
        &self.app.process
    }

    /// Where chance comes from.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.app.entropy
    }

    /// The store of the installation: reads of an operation go through [`Cx::read`].
    pub fn store(&self) -> &Store {
        &self.app.store
    }

    /// A snapshot of the data as it is now. What is read of it counts against the operation's budget.
    pub fn read(&self) -> Result<Snapshot, store::Error> {
        Ok(self.app.store.read()?.within(self.budget.clone()))
    }

    /// The same operation, which may take so many steps from here on.
    pub fn within(&self, steps: u64) -> Self {
        Self { budget: Some(Arc::new(Budget::of(steps))), ..self.clone() }
    }

    /// Looks at the data: here as long as that is short, else once more and in whole as [`Cx::look_long`]. For
    /// everything whose cost the data decide, and not the request. Errors: those of `look`, which must end soon when
    /// the budget of its operation is spent; [`Busy`].
    pub async fn look<T, E, F>(&self, look: F) -> Result<T, E>
    where
        F: Fn(&Self) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Busy> + Send + 'static,
    {
        if self.budget.is_some() {
            return look(self);
        }
        let short = self.within(SHORT);
        let done = look(&short);
        if short.is_spent() { self.look_long(look).await } else { done }
    }

    /// Looks at the data on the threads for long work, within a large budget and no longer than somebody waits. Errors:
    /// those of `look`, [`Busy`].
    pub async fn look_long<T, E, F>(&self, look: F) -> Result<T, E>
    where
        F: FnOnce(&Self) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Busy> + Send + 'static,
    {
        let long = self.within(LONG);
        let budget = long.budget.clone().unwrap_or_else(|| Arc::new(Budget::of(LONG)));
        self.process().long_work.run((self.tenant.id, self.caller()), budget, move || look(&long)).await?
    }

    /// Whether the operation has used up its budget.
    pub fn is_spent(&self) -> bool {
        self.budget.as_ref().is_some_and(|budget| budget.is_spent())
    }

    /// By whom long work is shared out: who asks, or from where.
    fn caller(&self) -> String {
        match &self.actor {
            Actor::User(id) => id.to_string(),
            Actor::Client(id) => id.to_string(),
            Actor::Key(id) => id.to_string(),
            Actor::Local | Actor::System => String::from("local"),
            Actor::Anonymous => self.request.counted().map(|ip| ip.to_string()).unwrap_or_default(),
        }
    }
}
