//! Data files with people in them, written through the library before the server is started.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use auther::base::clock::SystemClock;
use auther::base::entropy::OsEntropy;
use auther::base::id::{ClientId, CodeId, GrantId, RefreshId, SessionId, TenantId, TypedId, UserId};
use auther::base::secret::Digest;
use auther::base::{Clock, Entropy, Moment, Secret};
use auther::crypto::password::{Hasher, Parameters};
use auther::crypto::token;
use auther::records::{Acr, Client, Code, Grant, Profile, Proof, ProofKind, Refresh, Session, User};
use auther::store::{self, Options, Store, Tx, rows};

use super::graph::{self, Graph};
use super::server::REDIRECT_URI;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// The client of everybody's tokens.
pub const APP: &str = "app";

/// The PKCE verifier of every code (RFC 7636 §4.1).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Its S256 challenge (RFC 7636 appendix B).
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Rows that share a transaction.
const BATCH: usize = 4000;

const LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What goes into a file.
#[derive(Clone, Copy, Default)]
pub struct Amounts {
    /// People.
    pub people: usize,
    /// Of these, the first so many have a session and a family of tokens.
    pub signed_in: usize,
    /// Codes that wait to be redeemed, spread over those who are signed in.
    pub codes: usize,
    /// About so many tuples, with models and an API key.
    pub tuples: usize,
}

/// What a client needs to act for a person.
#[derive(Clone)]
pub struct Person {
    /// What they sign in with.
    pub email: String,
    /// A session token; empty when they have no session.
    pub session: String,
    /// A refresh token; empty when they have no session.
    pub refresh: String,
}

/// What was written.
pub struct Seeded {
    /// Everybody.
    pub people: Vec<Person>,
    /// Codes, each good once.
    pub codes: Vec<String>,
    /// What the tuples say.
    pub graph: Option<Graph>,
}

/// One person with everything that hangs on them, as rows.
#[derive(Clone)]
struct Rows {
    user: User,
    session: Option<(Session, Grant, Refresh)>,
}

/// Makes the data file at `path` and fills it.
pub fn seed(path: &Path, amounts: Amounts) -> Result<Seeded> {
    let store = Store::open(path, &Options::default())?;
    let app = app()?;
    store.write_blocking(move |tx| rows::clients::put(tx, TenantId::DEFAULT, &app))?;
    let maker = Maker::new()?;
    let mut seeded = Seeded { people: Vec::with_capacity(amounts.people), codes: Vec::new(), graph: None };
    let mut ids = Vec::with_capacity(amounts.people);
    let mut owners = Vec::new();
    while seeded.people.len() < amounts.people {
        let begin = seeded.people.len();
        let end = amounts.people.min(begin + BATCH);
        let mut batch = Vec::with_capacity(end - begin);
        for number in begin..end {
            let (person, rows) = maker.person(number, number < amounts.signed_in);
            if owners.len() < amounts.codes.min(1000) {
                owners.extend(rows.session.as_ref().map(|(session, ..)| session.clone()));
            }
            seeded.people.push(person);
            ids.push(rows.user.id.clone());
            batch.push(rows);
        }
        store.write_blocking(move |tx| batch.iter().try_for_each(|rows| put(tx, rows)))?;
        if amounts.people > 100_000 && end.is_multiple_of(100_000) {
            eprintln!("    {end} of {} people written", amounts.people);
        }
    }
    let mut codes = Vec::with_capacity(amounts.codes);
    for owner in owners.iter().cycle().take(amounts.codes) {
        let (text, code) = maker.code(owner);
        seeded.codes.push(text);
        codes.push(code);
    }
    for batch in codes.chunks(BATCH) {
        let batch = batch.to_vec();
        store.write_blocking(move |tx| {
            batch.iter().try_for_each(|code| rows::codes::put(tx, TenantId::DEFAULT, None, code))
        })?;
    }
    if amounts.tuples > 0 {
        seeded.graph = Some(graph::seed(&store, ids, amounts.tuples)?);
    }
    store.close();
    Ok(seeded)
}

/// The client of everybody's tokens, which the configuration declares: were it not there yet, the server would take
/// away what was written about an earlier one of its name.
fn app() -> Result<Client> {
    let now = SystemClock.now();
    Ok(serde_json::from_value(serde_json::json!({
        "id": APP, "name": APP, "kind": "web", "auth_method": "client_secret_basic", "grants": [], "origin": "config",
        "created_at": now, "updated_at": now,
    }))?)
}

fn put(tx: &mut Tx, rows: &Rows) -> Result<(), store::Error> {
    let tenant = TenantId::DEFAULT;
    // Every address is another one, so none is taken.
    let _ = rows::users::put(tx, tenant, None, &rows.user)?;
    if let Some((session, grant, refresh)) = &rows.session {
        rows::sessions::put(tx, tenant, None, session)?;
        rows::grants::put(tx, tenant, None, grant)?;
        rows::grants::put_refresh(tx, tenant, None, refresh)?;
    }
    Ok(())
}

/// A row of a session that belongs to nobody, for what is measured in the store alone.
pub fn lone_session() -> Result<Session> {
    let maker = Maker::new()?;
    let (_, rows) = maker.person(0, true);
    rows.session.map(|(session, ..)| session).ok_or_else(|| anyhow!("a session was not made"))
}

/// Draws rows.
struct Maker {
    now: Moment,
    password: String,
    client: ClientId,
    scopes: Vec<String>,
}

impl Maker {
    fn new() -> Result<Self> {
        let entropy: &dyn Entropy = &OsEntropy;
        let hasher = Hasher::start(Parameters::default(), 1, 1)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let password = runtime.block_on(hasher.hash(&Secret::from(PASSWORD), entropy.bytes()))?;
        Ok(Self {
            now: SystemClock.now(),
            password,
            client: ClientId::parse(APP).map_err(|error| anyhow!("{error}"))?,
            scopes: ["openid", "profile", "email", "offline_access"].map(String::from).to_vec(),
        })
    }

    fn person(&self, number: usize, signed_in: bool) -> (Person, Rows) {
        let entropy: &dyn Entropy = &OsEntropy;
        let user = User {
            id: UserId::new(self.now, entropy),
            email: format!("person{number}@example.com"),
            email_verified: true,
            username: None,
            profile: Profile {
                name: Some(format!("Person {number}")),
                given_name: Some(String::from("Person")),
                family_name: Some(number.to_string()),
                ..Profile::default()
            },
            attributes: serde_json::Map::new(),
            roles: Vec::new(),
            password: Some(self.password.clone()),
            password_changed_at: Some(self.now),
            disabled: false,
            created_at: self.now,
            updated_at: self.now,
            version: 0,
        };
        let mut person = Person { email: user.email.clone(), session: String::new(), refresh: String::new() };
        let session = signed_in.then(|| {
            let session = self.session(&user, &mut person);
            let (grant, refresh) = self.family(&session, &mut person);
            (session, grant, refresh)
        });
        (person, Rows { user, session })
    }

    fn session(&self, user: &User, person: &mut Person) -> Session {
        let entropy: &dyn Entropy = &OsEntropy;
        let (id, secret) = (SessionId::new(self.now, entropy), entropy.token());
        person.session = token::compose(id.as_str(), &secret);
        Session {
            id,
            digest: Digest::of(&secret),
            user: user.id.clone(),
            created_at: self.now,
            expires_at: self.now.plus(LIFE),
            ends_at: Some(self.now.plus(LIFE)),
            last_seen_at: self.now,
            proofs: vec![Proof { kind: ProofKind::Password, at: self.now }],
            ip: Some(String::from("192.0.2.1")),
            user_agent: Some(String::from("load")),
            earlier: Vec::new(),
            clients: vec![self.client.clone()],
        }
    }

    fn family(&self, session: &Session, person: &mut Person) -> (Grant, Refresh) {
        let entropy: &dyn Entropy = &OsEntropy;
        let grant = Grant {
            id: GrantId::new(self.now, entropy),
            client: self.client.clone(),
            user: session.user.clone(),
            session: session.id.clone(),
            scopes: self.scopes.clone(),
            claims: None,
            auth_time: self.now,
            amr: vec![String::from("pwd")],
            acr: Acr::Pwd,
            created_at: self.now,
            expires_at: self.now.plus(LIFE),
            revoked_at: None,
        };
        let (id, secret) = (RefreshId::new(self.now, entropy), entropy.token());
        person.refresh = token::compose(id.as_str(), &secret);
        let refresh = Refresh {
            id,
            digest: Digest::of(&secret),
            grant: grant.id.clone(),
            created_at: self.now,
            expires_at: self.now.plus(LIFE),
            rotated: None,
            one_of: None,
            in_family: 1,
        };
        (grant, refresh)
    }

    /// A code that lives long enough to be redeemed in a run that is not in a hurry.
    fn code(&self, owner: &Session) -> (String, Code) {
        let entropy: &dyn Entropy = &OsEntropy;
        let (id, secret) = (CodeId::new(self.now, entropy), entropy.token());
        let text = token::compose(id.as_str(), &secret);
        let code = Code {
            id,
            digest: Digest::of(&secret),
            client: self.client.clone(),
            user: owner.user.clone(),
            session: owner.id.clone(),
            grant: GrantId::new(self.now, entropy),
            redirect_uri: String::from(REDIRECT_URI),
            scopes: self.scopes.clone(),
            has_state: true,
            nonce: Some(String::from("n-0S6_WzA2Mj")),
            challenge: Some(String::from(CHALLENGE)),
            claims: None,
            auth_time: owner.auth_time(),
            amr: vec![String::from("pwd")],
            acr: Acr::Pwd,
            created_at: self.now,
            expires_at: self.now.plus(LIFE),
            used_at: None,
        };
        (text, code)
    }
}
