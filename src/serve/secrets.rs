//! The two secrets of an installation: what seals the others at rest, and what authenticates stateless values.

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::Error;
use super::tls::local_ca;
use crate::base::{Entropy, Secret};
use crate::crypto::Purpose;
use crate::crypto::seal::SealingKey;
use crate::crypto::token::MacKey;
use crate::oauth;
use crate::store::rows::certificates::{self, Role};
use crate::store::rows::{marks, signing_keys};
use crate::store::{self, Store};

/// The sealing key of an installation without a configured master key: it lies beside what it seals.
const OWN_KEY: &str = "master_key";

/// The key of cookies and other stateless values, sealed. Being able to open it proves that the master key is the right
/// one.
const MAC_KEY: &str = "mac_key";

/// What it is sealed for.
const MAC_SEAL: Purpose<'static> = Purpose::of_installation(MAC_KEY);

/// The secrets of the installation in this store; made when it has none. A master key that is configured for the first
/// time takes the place of the file's own.
pub async fn open(
    store: &Store,
    configured: Option<&Secret<String>>,
    entropy: &dyn Entropy,
) -> Result<(SealingKey, MacKey), Error> {
    let snapshot = store.read()?;
    let own = marks::value(&snapshot, OWN_KEY)?.map(Secret::new);
    let Some(sealed) = marks::value(&snapshot, MAC_KEY)? else {
        return make(store, configured, entropy).await;
    };
    let text = match (configured, &own) {
        (_, Some(own)) => own,
        (Some(configured), None) => configured,
        (None, None) => return Err(Error::MasterKeyMissing),
    };
    let sealing = SealingKey::from_text(text)?;
    let mac = open_mac(&sealing, &sealed)?;
    let sealing = match (configured, own) {
        (Some(configured), Some(_)) => adopt(store, &sealing, configured, &mac, entropy).await?,
        _ => sealing,
    };
    Ok((sealing, MacKey::new(&mac)))
}

fn open_mac(sealing: &SealingKey, sealed: &str) -> Result<Secret<[u8; 32]>, Error> {
    let bytes = sealing.open(MAC_SEAL, sealed).map_err(|_| Error::MasterKeyWrong)?;
    bytes.as_slice().try_into().map(Secret::new).map_err(|_| Error::MasterKeyWrong)
}

async fn make(
    store: &Store,
    configured: Option<&Secret<String>>,
    entropy: &dyn Entropy,
) -> Result<(SealingKey, MacKey), Error> {
    let own = Secret::new(BASE64URL_NOPAD.encode(&*Zeroizing::new(entropy.bytes::<32>())));
    let sealing = SealingKey::from_text(configured.unwrap_or(&own))?;
    let mac = Secret::new(entropy.bytes::<32>());
    let sealed = sealing.seal(MAC_SEAL, mac.expose(), entropy)?;
    let own = if configured.is_some() { None } else { Some(own) };
    store
        .write(move |tx| {
            if let Some(own) = &own {
                marks::put_value(tx, OWN_KEY, own.expose())?;
            }
            marks::put_value(tx, MAC_KEY, &sealed)
        })
        .await
        .map_err(|error: store::Error| error)?;
    Ok((sealing, MacKey::new(&mac)))
}

/// Seals everything anew under the configured key and forgets the file's own, all at once. Anyone who has an old copy
/// of the file has the old key with it.
async fn adopt(
    store: &Store,
    old: &SealingKey,
    configured: &Secret<String>,
    mac: &Secret<[u8; 32]>,
    entropy: &dyn Entropy,
) -> Result<SealingKey, Error> {
    let new = SealingKey::from_text(configured)?;
    let snapshot = store.read()?;
    let mut keys = Vec::new();
    for tenant in signing_keys::tenants(&snapshot)? {
        for key in signing_keys::all(&snapshot, tenant)? {
            keys.push((tenant, oauth::keys::resealed(tenant, key, old, &new, entropy)?));
        }
    }
    let mut certificates = Vec::new();
    for role in [Role::Ca, Role::Leaf] {
        if let Some(certificate) = certificates::find(&snapshot, role)? {
            certificates.push((role, local_ca::resealed(role, certificate, old, &new, entropy)?));
        }
    }
    let sealed = new.seal(MAC_SEAL, mac.expose(), entropy)?;
    drop(snapshot);
    store
        .write(move |tx| {
            for (tenant, key) in &keys {
                signing_keys::put(tx, *tenant, key)?;
            }
            for (role, certificate) in &certificates {
                certificates::put(tx, *role, certificate)?;
            }
            marks::put_value(tx, MAC_KEY, &sealed)?;
            marks::delete_value(tx, OWN_KEY)
        })
        .await
        .map_err(|error: store::Error| error)?;
    tracing::info!("the secrets in the data file are sealed under the configured master key from now on");
    Ok(new)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::id::{KeyId, TenantId};
    use crate::records::{Algorithm, SigningKeyRecord};
    use crate::testing::{START, block_on};

    fn opened(store: &Store, key: Option<&str>) -> Result<(SealingKey, MacKey), Error> {
        let key = key.map(Secret::from);
        block_on(open(store, key.as_ref(), &OsEntropy))
    }

    const KEY: &str = "a passphrase that is long enough to be a key";
    const OTHER: &str = "another passphrase that is long enough too";

    #[test]
    fn without_a_master_key_the_file_has_its_own_and_keeps_it() {
        let store = Store::in_memory();
        let (sealing, mac) = opened(&store, None).unwrap();
        let sealed = sealing.seal(Purpose::of_installation("test"), b"plain", &OsEntropy).unwrap();
        let tag = mac.sign(Purpose::of_installation("test"), b"data");
        let (sealing, mac) = opened(&store, None).unwrap();
        assert_eq!(sealing.open(Purpose::of_installation("test"), &sealed).unwrap().as_slice(), b"plain");
        assert!(mac.verify(Purpose::of_installation("test"), b"data", &tag));
    }

    #[test]
    fn a_file_opens_with_its_master_key_only() {
        let store = Store::in_memory();
        opened(&store, Some(KEY)).unwrap();
        assert!(marks::value(&store.read().unwrap(), OWN_KEY).unwrap().is_none());
        assert!(opened(&store, Some(KEY)).is_ok());
        assert!(matches!(opened(&store, Some(OTHER)), Err(Error::MasterKeyWrong)));
        assert!(matches!(opened(&store, None), Err(Error::MasterKeyMissing)));
    }

    #[test]
    fn a_master_key_that_is_configured_later_takes_over() {
        let store = Store::in_memory();
        let (old, mac) = opened(&store, None).unwrap();
        let tenants = [TenantId::DEFAULT, TenantId(7), TenantId(0x0200_0000)];
        let key = |tenant: TenantId, sealing: &SealingKey| {
            let rows = signing_keys::all(&store.read().unwrap(), tenant).unwrap();
            let [row] = <[_; 1]>::try_from(rows).unwrap();
            sealing.open(Purpose::of(tenant, "signing key"), &row.sealed_private).map(|private| private.to_vec())
        };
        for tenant in tenants {
            let row = SigningKeyRecord {
                id: KeyId::new(START, &OsEntropy),
                algorithm: Algorithm::ES256,
                public_jwk: Map::new(),
                sealed_private: old.seal(Purpose::of(tenant, "signing key"), b"private", &OsEntropy).unwrap(),
                created_at: START,
                activated_at: None,
                retired_at: None,
            };
            store.write_blocking(move |tx| signing_keys::put(tx, tenant, &row)).unwrap();
        }
        let tag = mac.sign(Purpose::of_installation("test"), b"data");
        let (new, mac) = opened(&store, Some(KEY)).unwrap();
        assert!(mac.verify(Purpose::of_installation("test"), b"data", &tag), "sessions and forms go on");
        let sealed = new.seal(Purpose::of_installation("test"), b"plain", &OsEntropy).unwrap();
        assert!(old.open(Purpose::of_installation("test"), &sealed).is_err());
        for tenant in tenants {
            assert!(key(tenant, &old).is_err(), "{tenant:?}: the old key opens it");
            assert_eq!(key(tenant, &new).unwrap(), b"private", "{tenant:?}");
        }
        assert!(matches!(opened(&store, None), Err(Error::MasterKeyMissing)));
        assert!(opened(&store, Some(KEY)).is_ok());
    }
}
