//! What the targets share: an installation in memory with a client and a clock that stands still.
//!
//! Built with everything else by `cargo build -p auther-fuzz`; run with coverage by `fuzz/run`, and with an address
//! sanitizer by cargo-fuzz on a nightly compiler: `cargo +nightly fuzz run token_request`.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use auther::access::authority::GraphAuthorizer;
use auther::base::clock::ManualClock;
use auther::base::entropy::OsEntropy;
use auther::base::id::{ClientId, TenantId, TypedId};
use auther::base::secret::Digest;
use auther::base::{Moment, Secret};
use auther::config::{self, Environment, Overrides};
use auther::crypto::keyring::Keyring;
use auther::crypto::password::{Hasher, Parameters};
use auther::crypto::seal::SealingKey;
use auther::crypto::token::MacKey;
use auther::cx::{Application, Cx, RequestFacts};
use auther::records::{AuthMethod, Client, ClientFields, ClientSecret, ClientType, GrantType, Origin};
use auther::script::{Limits, Pool};
use auther::store::{self, Store, rows};
use auther::tenant::Tenant;

/// The one registered client, with a secret so short that it can be guessed.
pub const CLIENT: &str = "app";

/// Its secret.
pub const SECRET: &str = "s";

/// Its redirect URI.
pub const REDIRECT_URI: &str = "https://a.b/c";

const NOW: Moment = Moment::from_seconds(1_769_860_800);

static HOME: LazyLock<Arc<Application>> = LazyLock::new(|| {
    let settings = config::load(&Overrides::default(), &Environment::default(), Path::new("/nonexistent"))
        .expect("the defaults are sound")
        .settings;
    let (settings, keyring) = (Arc::new(settings), Arc::new(Keyring::new(Vec::new()).expect("a ring without keys")));
    let store = Store::in_memory();
    store
        .write_blocking(|tx| rows::clients::put(tx, TenantId::DEFAULT, &client()))
        .unwrap_or_else(|error: store::Error| panic!("{error}"));
    Arc::new(Application {
        store,
        tenant: Arc::new(Tenant::default_one(Arc::clone(&settings), keyring)),
        settings,
        clock: Arc::new(ManualClock::new(NOW)),
        entropy: Arc::new(OsEntropy),
        hasher: Hasher::start(Parameters { memory_kib: 32, iterations: 1, parallelism: 1 }, 1, 1)
            .expect("a thread")
            .into(),
        sealing: SealingKey::new([7; 32]),
        mac: MacKey::new(&Secret::new([9; 32])),
        scripts: Pool::start(1, Limits::default()).expect("a thread").into(),
        authorizer: Arc::new(GraphAuthorizer),
        process: Arc::default(),
    })
});

fn client() -> Client {
    Client {
        id: ClientId::parse(CLIENT).expect("a client id"),
        name: String::from("App"),
        kind: ClientType::Web,
        secrets: vec![ClientSecret { digest: Digest::of(SECRET), created_at: NOW, expires_at: None }],
        fields: ClientFields {
            redirect_uris: vec![String::from(REDIRECT_URI)],
            auth_method: AuthMethod::ClientSecretPost,
            grants: GrantType::ALL.to_vec(),
            ..ClientFields::default()
        },
        disabled: false,
        origin: Origin::Admin,
        created_at: NOW,
        updated_at: NOW,
        version: 0,
    }
}

/// A request of nobody known.
pub fn cx() -> Cx {
    let facts = RequestFacts { id: String::from("req_fuzz"), ip: None, unnamed_by: None, user_agent: None };
    Cx::for_request(Arc::clone(&HOME), facts)
}

/// Runs a future to its end on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
