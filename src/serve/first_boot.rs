//! From a data file, new or old, to an installation that can work: its secrets, its declared clients, its first keys.

use std::sync::Arc;

use super::{Error, secrets};
use crate::access::authority::GraphAuthorizer;
use crate::access::switched_off;
use crate::base::{Clock, Entropy};
use crate::config::Settings;
use crate::crypto::keyring::Keyring;
use crate::crypto::password::{Hasher, Parameters};
use crate::cx::{Application, Cx};
use crate::identity::users;
use crate::oauth;
use crate::records::Algorithm;
use crate::script::{Limits, Pool};
use crate::store::Store;
use crate::tenant::Tenant;

/// Keys that are made in no time. RSA takes up to half a second and is made while the server already answers.
pub const FAST: [Algorithm; 2] = [Algorithm::ES256, Algorithm::EdDSA];

/// Threads that run policies. A script may hold one for a second, so one is not enough even on one core; and no owner
/// of policies has all.
const SCRIPT_THREADS: usize = 3;

/// An open data file with everything that a rule is handed.
pub async fn install(
    store: Store,
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Application>, Error> {
    let (sealing, mac) = secrets::open(&store, settings.master_key.as_ref(), &*entropy).await?;
    let hasher = Arc::new(hasher(&settings)?);
    let keyring = Keyring::new(Vec::new()).map_err(|error| Error::Keys(oauth::Error::internal(error)))?;
    let settings = Arc::new(settings);
    let tenant = Arc::new(Tenant::default_one(Arc::clone(&settings), Arc::new(keyring)));
    let scripts = Arc::new(Pool::start(SCRIPT_THREADS, Limits::default()).map_err(Error::Scripts)?);
    let process = Arc::default();
    let authorizer = Arc::new(GraphAuthorizer);
    let parts =
        Application { store, tenant, settings, clock, entropy, hasher, sealing, mac, scripts, authorizer, process };
    let app = Arc::new(parts);
    let cx = Cx::for_system(app.clone());
    oauth::keys::load(&cx).map_err(Error::Keys)?;
    users::remember_cost(&cx).await.map_err(Error::People)?;
    switched_off::load(&cx)?;
    Ok(app)
}

fn hasher(settings: &Settings) -> Result<Hasher, Error> {
    let cost = &settings.password;
    let parameters =
        Parameters { memory_kib: cost.memory_kib, iterations: cost.iterations, parallelism: cost.parallelism };
    let threads = if cost.threads == 0 { cores() } else { cost.threads };
    Ok(Hasher::start(parameters, threads, cost.queue)?)
}

/// How many threads can work at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
