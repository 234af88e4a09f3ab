//! The ring of token-signing keys: ready to sign, ready to verify, ready to publish. In memory only; callers load the
//! records, and [`Keyring::replace`] the whole ring at once after a change. Which key when: [`super::rotation`].

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::jose::{self, Algorithm, SigningKey, VerifyingKey};
pub use super::rotation::{KeyFacts, RotationPolicy, Step, plan};
use crate::base::latest::Latest;
use crate::base::secret::sha256;

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Signs new tokens.
    Current,
    /// Published ahead, so that every cached key set knows it before its first token.
    Next,
    /// Signs no more, but its tokens still verify.
    Retired,
}

/// A key as a caller hands it to the ring: its private half if it is to sign, or the public half alone.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Whether it signs, will sign, or only verifies.
    pub state: KeyState,
    /// What there is of it.
    pub material: KeyMaterial,
}

/// What the ring is given of a key.
#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// Both halves, ready to sign.
    Private(Arc<SigningKey>),
    /// The public JWK with its `kid`: enough for a retired key, and nothing needs to be unsealed.
    Public(Map<String, Value>),
}

/// One key of the ring.
#[derive(Clone, Debug)]
pub struct PublishedKey {
    /// Its name in headers and in the key set.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Whether it signs, will sign, or only verifies.
    pub state: KeyState,
    /// The private half, when the ring was given it.
    pub signing: Option<Arc<SigningKey>>,
    /// The public half, ready to verify.
    pub verifying: Arc<VerifyingKey>,
    /// What the key set says of it.
    pub public_jwk: Map<String, Value>,
}

/// A JSON answer that is made when its content changes, not when it is asked for.
#[derive(Debug)]
pub struct PreparedJson {
    /// The JSON text.
    pub bytes: Vec<u8>,
    /// A strong entity tag with its quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

impl PreparedJson {
    /// Prepares `body`.
    pub fn of(body: &Value) -> Self {
        let bytes = body.to_string().into_bytes();
        let etag = format!("\"{}\"", BASE64URL_NOPAD.encode(&sha256(&bytes)));
        Self { bytes, etag }
    }
}

/// The ring as it is at one moment.
#[derive(Debug)]
struct Keys {
    keys: Vec<PublishedKey>,
    jwks: Arc<PreparedJson>,
}

/// All keys of one issuer. Reading is lock-free; one request may see the ring before a change and the next after it.
#[derive(Debug)]
pub struct Keyring {
    keys: Latest<Keys>,
}

impl Keyring {
    /// A ring of these keys; an empty one can sign and verify nothing. Errors as [`Keyring::replace`].
    pub fn new(entries: Vec<KeyEntry>) -> Result<Self, jose::Error> {
        Ok(Self { keys: Latest::new(Keys::new(entries)?) })
    }

    /// Puts the keys of a state of the store in the place of all that were, unless those are of a later state: who read
    /// before a key was retired does not bring it back. Answers whether it did. Refuses a public key that cannot be
    /// read or has no `kid`, and two keys of one `kid`; the ring then stays as it was.
    pub fn replace(&self, revision: u64, entries: Vec<KeyEntry>) -> Result<bool, jose::Error> {
        Ok(self.keys.offer(revision, Keys::new(entries)?))
    }

    /// The key that signs with `algorithm` now; `None` when there is no current one with its private half.
    pub fn signer(&self, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        let ring = self.keys.load();
        let current = |key: &&PublishedKey| key.algorithm == algorithm && key.state == KeyState::Current;
        ring.keys.iter().filter(current).find_map(|key| key.signing.clone())
    }

    /// The published key of this name, whatever its state: `None` when a token names a key that is not ours.
    pub fn verifier(&self, kid: &str) -> Option<Arc<VerifyingKey>> {
        self.keys.load().keys.iter().find(|key| key.kid == kid).map(|key| Arc::clone(&key.verifying))
    }

    /// The key set (RFC 7517 §5): current keys first, then the next, then the retired.
    pub fn jwks(&self) -> Arc<PreparedJson> {
        Arc::clone(&self.keys.load().jwks)
    }

    /// All keys, in the order of the key set: for `key list` and for carrying signers over into a new ring.
    pub fn published(&self) -> Vec<PublishedKey> {
        self.keys.load().keys.clone()
    }

    /// The algorithms that can be signed with now.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        Algorithm::ALL.into_iter().filter(|algorithm| self.signer(*algorithm).is_some()).collect()
    }
}

impl Keys {
    fn new(entries: Vec<KeyEntry>) -> Result<Self, jose::Error> {
        let mut keys = entries.into_iter().map(PublishedKey::new).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by(|one, two| (one.state, one.algorithm, &one.kid).cmp(&(two.state, two.algorithm, &two.kid)));
        let mut names: Vec<&str> = keys.iter().map(|key| key.kid.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() != keys.len() {
            return Err(jose::Error::Key("has the kid of another key"));
        }
        let set: Vec<&Map<String, Value>> = keys.iter().map(|key| &key.public_jwk).collect();
        let jwks = Arc::new(PreparedJson::of(&json!({ "keys": set })));
        Ok(Self { keys, jwks })
    }
}

impl PublishedKey {
    fn new(entry: KeyEntry) -> Result<Self, jose::Error> {
        let (signing, public_jwk) = match entry.material {
            KeyMaterial::Private(key) => {
                let public_jwk = key.public_jwk();
                (Some(key), public_jwk)
            }
            KeyMaterial::Public(public_jwk) => (None, public_jwk),
        };
        let verifying = VerifyingKey::from_public_jwk(&public_jwk)?;
        let kid = verifying.kid().ok_or(jose::Error::Key("has no kid"))?.to_owned();
        let algorithm = verifying.algorithm().as_str().parse();
        Ok(Self {
            kid,
            algorithm: algorithm.map_err(|_| jose::Error::Key("is for an algorithm that we do not sign with"))?,
            state: entry.state,
            signing,
            verifying: Arc::new(verifying),
            public_jwk,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::jose::{Expectation, MAX_BYTES, SignatureAlgorithm, TypRule, verify};
    use super::*;

    fn key(algorithm: Algorithm, kid: &str) -> Arc<SigningKey> {
        Arc::new(SigningKey::generate(algorithm, kid).unwrap())
    }

    fn private(state: KeyState, key: &Arc<SigningKey>) -> KeyEntry {
        KeyEntry { state, material: KeyMaterial::Private(Arc::clone(key)) }
    }

    fn kids(jwks: &PreparedJson) -> Vec<String> {
        let set: Value = serde_json::from_slice(&jwks.bytes).unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn only_the_current_key_signs_and_all_verify() {
        let (old, now, next) = (key(Algorithm::ES256, "a"), key(Algorithm::ES256, "b"), key(Algorithm::ES256, "c"));
        let retired = KeyEntry { state: KeyState::Retired, material: KeyMaterial::Public(old.public_jwk()) };
        let entries = vec![retired, private(KeyState::Next, &next), private(KeyState::Current, &now)];
        let ring = Keyring::new(entries).unwrap();
        assert_eq!(ring.signer(Algorithm::ES256).unwrap().kid(), "b");
        assert!(ring.signer(Algorithm::RS256).is_none());
        assert_eq!(ring.algorithms(), [Algorithm::ES256]);
        assert_eq!(kids(&ring.jwks()), ["b", "c", "a"]);
        let token = old.sign("JWT", &json!({})).unwrap();
        let expect =
            Expectation { algorithms: &SignatureAlgorithm::OURS, typ: TypRule::OneOf(&["JWT"]), max_bytes: MAX_BYTES };
        assert!(verify(&token, &ring.verifier("a").unwrap(), &expect).is_ok());
        assert!(ring.verifier("c").is_some());
        assert!(ring.verifier("d").is_none());
    }

    #[test]
    fn a_replaced_ring_shows_at_once_and_changes_its_tag() {
        let (one, two) = (key(Algorithm::EdDSA, "a"), key(Algorithm::ES256, "b"));
        let ring = Keyring::new(Vec::new()).unwrap();
        assert!(ring.signer(Algorithm::EdDSA).is_none());
        assert_eq!(ring.jwks().bytes, br#"{"keys":[]}"#);
        ring.replace(1, vec![private(KeyState::Current, &one)]).unwrap();
        let before = ring.jwks();
        assert!(before.etag.starts_with('"') && before.etag.ends_with('"'));
        ring.replace(2, vec![private(KeyState::Current, &two), private(KeyState::Current, &one)]).unwrap();
        assert_ne!(before.etag, ring.jwks().etag);
        assert_eq!(kids(&ring.jwks()), ["b", "a"]);
        assert!(!String::from_utf8_lossy(&ring.jwks().bytes).contains("\"d\""));
    }

    #[test]
    fn a_slower_reader_does_not_bring_back_what_a_faster_one_saw_go() {
        let (kept, retired) = (key(Algorithm::EdDSA, "a"), key(Algorithm::EdDSA, "b"));
        let before = || vec![private(KeyState::Current, &kept), private(KeyState::Next, &retired)];
        let after = || vec![private(KeyState::Current, &kept)];
        for is_faster_first in [true, false] {
            let ring = Keyring::new(Vec::new()).unwrap();
            if is_faster_first {
                assert!(ring.replace(2, after()).unwrap());
                assert!(!ring.replace(1, before()).unwrap());
            } else {
                assert!(ring.replace(1, before()).unwrap());
                assert!(ring.replace(2, after()).unwrap());
            }
            assert_eq!((kids(&ring.jwks()), ring.verifier("b").is_some()), (vec![String::from("a")], false));
        }
    }

    #[test]
    fn a_ring_that_cannot_be_made_leaves_the_old_one() {
        let one = key(Algorithm::EdDSA, "a");
        let ring = Keyring::new(vec![private(KeyState::Current, &one)]).unwrap();
        assert!(ring.replace(3, vec![private(KeyState::Current, &one), private(KeyState::Next, &one)]).is_err());
        let mut nameless = one.public_jwk();
        nameless.remove("kid");
        let nameless = KeyEntry { state: KeyState::Retired, material: KeyMaterial::Public(nameless) };
        assert!(ring.replace(4, vec![nameless]).is_err());
        assert_eq!(kids(&ring.jwks()), ["a"]);
    }
}
