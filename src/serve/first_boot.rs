//! From a data file, new or old, to an installation that can work: its secrets, its declared clients, its first keys.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::Error;
use crate::base::{Clock, Entropy, Secret};
use crate::config::Settings;
use crate::crypto::keyring::Keyring;
use crate::crypto::password::{Hasher, Parameters};
use crate::crypto::seal::SealingKey;
use crate::crypto::token::MacKey;
use crate::cx::{Cx, Installation};
use crate::oauth;
use crate::records::Algorithm;
use crate::store::rows::marks;
use crate::store::{self, Store};

/// The sealing key of an installation without a configured master key: beside what it seals, as `auther doctor` says.
const OWN_KEY: &str = "master_key";

/// The key of cookies and other stateless values, sealed. Being able to open it proves that the master key is the right one.
const MAC_KEY: &str = "mac_key";

/// Keys that are made in no time. RSA takes up to half a second and is made while the server already answers.
pub const FAST: [Algorithm; 2] = [Algorithm::ES256, Algorithm::EdDSA];

/// An open data file with everything that a rule is handed.
pub async fn install(
    store: Store,
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Installation>, Error> {
    let (sealing, mac) = secrets(&store, settings.master_key.as_ref(), &*entropy).await?;
    let hasher = hasher(&settings)?;
    let keyring = Keyring::new(Vec::new()).map_err(|error| Error::Keys(oauth::Error::internal(error)))?;
    let home = Installation { store, keyring, settings, clock, entropy, hasher, sealing, mac };
    let home = Arc::new(home);
    let cx = Cx::for_system(home.clone());
    oauth::clients::declare(&cx, &home.settings.clients).await.map_err(Error::Clients)?;
    oauth::keys::load(&cx).map_err(Error::Keys)?;
    Ok(home)
}

/// The two secrets of an installation; made when it has none.
async fn secrets(
    store: &Store,
    configured: Option<&Secret<String>>,
    entropy: &dyn Entropy,
) -> Result<(SealingKey, MacKey), Error> {
    let snapshot = store.read()?;
    let own = marks::value(&snapshot, OWN_KEY)?.map(Secret::new);
    let Some(sealed) = marks::value(&snapshot, MAC_KEY)? else {
        return make_secrets(store, configured, entropy).await;
    };
    let text = match (configured, &own) {
        (Some(_), Some(_)) => return Err(Error::MasterKeyAdded),
        (Some(configured), None) => configured,
        (None, Some(own)) => own,
        (None, None) => return Err(Error::MasterKeyMissing),
    };
    let sealing = SealingKey::from_text(text)?;
    let bytes = sealing.open(MAC_KEY, &sealed).map_err(|_| Error::MasterKeyWrong)?;
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| Error::MasterKeyWrong)?;
    Ok((sealing, MacKey::new(&Secret::new(bytes))))
}

async fn make_secrets(
    store: &Store,
    configured: Option<&Secret<String>>,
    entropy: &dyn Entropy,
) -> Result<(SealingKey, MacKey), Error> {
    let own = match configured {
        Some(_) => None,
        None => Some(Zeroizing::new(BASE64URL_NOPAD.encode(&*Zeroizing::new(entropy.bytes::<32>())))),
    };
    let text = match (configured, &own) {
        (Some(configured), _) => configured.clone(),
        (None, own) => Secret::from(own.as_ref().map_or("", |own| own.as_str())),
    };
    let sealing = SealingKey::from_text(&text)?;
    let mac = Secret::new(entropy.bytes::<32>());
    let sealed = sealing.seal(MAC_KEY, mac.expose(), entropy)?;
    store
        .write(move |tx| {
            if let Some(own) = &own {
                marks::put_value(tx, OWN_KEY, own)?;
            }
            marks::put_value(tx, MAC_KEY, &sealed)
        })
        .await
        .map_err(|error: store::Error| Error::Store(error))?;
    Ok((sealing, MacKey::new(&mac)))
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
