//! The life of the signing keys: made, published, used, retired, removed, each by the clock of the operation.
//!
//! One operation at a time changes them, because each plans from what it has read. The ring follows the commits
//! ([`follow`]), those of other processes too, and is filled with the revision that its keys belong to, so that a
//! slower reader does not bring back a key that is gone.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::Error;
use crate::audit::{Entry, Event};
use crate::base::id::{KeyId, TenantId, TypedId};
use crate::base::{Entropy, Moment, Secret, Timestamp};
use crate::crypto::Purpose;
use crate::crypto::jose::SigningKey;
use crate::crypto::keyring::{KeyEntry, KeyMaterial, KeyState, Keyring};
use crate::crypto::rotation::{self, KeyFacts, RotationPolicy, Step};
use crate::crypto::seal::{self, SealingKey};
use crate::cx::Cx;
use crate::records::{Algorithm, SigningKeyRecord};
use crate::rights::{self, Right};
use crate::store::rows::signing_keys as rows;
use crate::store::{Snapshot, Tx};

/// What private keys are sealed for.
const PURPOSE: &str = "signing key";

/// A key as the admin API lists it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
pub struct KeyView {
    /// Its name in token headers.
    pub kid: KeyId,
    /// What it signs with.
    pub alg: Algorithm,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made and published.
    #[serde(with = "crate::base::clock::rfc3339")]
    #[schema(value_type = Timestamp)]
    pub created_at: Moment,
    /// When it began to sign.
    #[serde(with = "crate::base::clock::rfc3339::option")]
    #[schema(required, value_type = Option<Timestamp>)]
    pub activated_at: Option<Moment>,
    /// When it stopped to sign.
    #[serde(with = "crate::base::clock::rfc3339::option")]
    #[schema(required, value_type = Option<Timestamp>)]
    pub retired_at: Option<Moment>,
}

/// All keys, oldest first.
pub fn list(cx: &Cx) -> Result<Vec<KeyView>, Error> {
    Ok(rows::all(&cx.read()?, cx.tenant.id)?.iter().map(view).collect())
}

/// Keeps the ring as the store has it: now, and after every commit that changes a key, wherever it is made.
pub fn follow(cx: &Cx) -> Result<(), Error> {
    let (tenant, sealing, ring) = (cx.tenant.id, cx.app.sealing.clone(), Arc::downgrade(&cx.tenant.keyring));
    let take = move |from: &Snapshot| match ring.upgrade() {
        Some(ring) => fill(&ring, from, tenant, &sealing).map(|()| true),
        None => Ok(false),
    };
    cx.store().derive("signing keys", move |commit| rows::may_be_changed_by(commit, tenant), take)
}

/// Fills the ring from the store.
fn load(cx: &Cx) -> Result<(), Error> {
    fill(&cx.tenant.keyring, &cx.read()?, cx.tenant.id, &cx.app.sealing)
}

fn fill(ring: &Keyring, from: &Snapshot, tenant: TenantId, sealing: &SealingKey) -> Result<(), Error> {
    let entries = entries(ring, from, tenant, sealing)?;
    ring.replace(from.revision()?.number(), entries).map_err(Error::internal)?;
    Ok(())
}

/// The keys as a snapshot has them; what is ready to sign in the ring is not unsealed again.
fn entries(ring: &Keyring, from: &Snapshot, tenant: TenantId, sealing: &SealingKey) -> Result<Vec<KeyEntry>, Error> {
    let known = ring.published();
    let mut entries = Vec::new();
    for record in rows::all(from, tenant)? {
        let state = state(&record);
        let ready = known.iter().find(|key| key.kid == record.id.as_str()).and_then(|key| key.signing.clone());
        let material = match (state, ready) {
            (KeyState::Retired, _) => KeyMaterial::Public(record.public_jwk),
            (_, Some(ready)) => KeyMaterial::Private(ready),
            (_, None) => KeyMaterial::Private(Arc::new(unseal(tenant, sealing, &record)?)),
        };
        entries.push(KeyEntry { state, material });
    }
    Ok(entries)
}

/// Does whatever is due at `cx.now`: makes keys that are missing, publishes the next ones, switches over, removes the
/// very old. `algorithms` limits which ones are made, so that a first boot can answer before the slow ones are there.
/// Making an RSA key takes up to half a second of CPU: never call this where a request waits.
pub async fn tick(cx: &Cx, algorithms: &[Algorithm]) -> Result<(), Error> {
    let _alone = cx.process().key_rotation.lock().await;
    settle(cx, algorithms).await
}

async fn settle(cx: &Cx, algorithms: &[Algorithm]) -> Result<(), Error> {
    let policy = policy(cx, algorithms);
    // Each round may make the next possible: generate, then activate, then generate the one after.
    for _ in 0..4 {
        let facts: Vec<KeyFacts> = rows::all(&cx.read()?, cx.tenant.id)?.iter().map(facts).collect();
        let mut steps = rotation::plan(&facts, cx.now, &policy);
        steps.retain(|step| !matches!(step, Step::Generate(algorithm) if !algorithms.contains(algorithm)));
        if steps.is_empty() {
            break;
        }
        let (generate, others): (Vec<Step>, Vec<Step>) =
            steps.into_iter().partition(|step| matches!(step, Step::Generate(_)));
        let mut made = Vec::new();
        for step in generate {
            if let Step::Generate(algorithm) = step {
                made.push(generate_key(cx, algorithm).await?);
            }
        }
        apply(cx, others, made).await?;
    }
    load(cx)
}

/// Switches to the key that is published ahead, for one algorithm or all, and publishes another ahead. Tokens of the
/// old key still verify.
pub async fn rotate(cx: &Cx, only: Option<Algorithm>) -> Result<Vec<KeyView>, Error> {
    let _alone = cx.process().key_rotation.lock().await;
    succeed(cx, only).await?;
    list(cx)
}

async fn succeed(cx: &Cx, only: Option<Algorithm>) -> Result<(), Error> {
    settle(cx, &Algorithm::ALL).await?;
    let next: Vec<Step> = rows::all(&cx.read()?, cx.tenant.id)?
        .iter()
        .filter(|key| only.is_none_or(|only| key.algorithm == only))
        .filter(|key| state(key) == KeyState::Next)
        .map(|key| Step::Activate(key.id.to_string()))
        .collect();
    apply(cx, next, Vec::new()).await?;
    settle(cx, &Algorithm::ALL).await
}

/// Takes a key out of use and out of the published set at once, as after a leak: its tokens stop to verify. When it was
/// the current one, the next takes its place.
pub async fn retire(cx: &Cx, kid: &str) -> Result<Option<Vec<KeyView>>, Error> {
    let Ok(id) = KeyId::parse(kid) else { return Ok(None) };
    let _alone = cx.process().key_rotation.lock().await;
    let Some(record) = rows::find(&cx.read()?, cx.tenant.id, &id)? else { return Ok(None) };
    if state(&record) == KeyState::Current {
        succeed(cx, Some(record.algorithm)).await?;
    }
    apply(cx, vec![Step::Remove(kid.to_owned())], Vec::new()).await?;
    settle(cx, &Algorithm::ALL).await?;
    list(cx).map(Some)
}

/// When [`tick`] next has something to do, were nothing to happen until then. `None` when there is no current key to
/// go by.
pub fn next_due(cx: &Cx) -> Result<Option<Moment>, Error> {
    let every = cx.settings().keys.rotate;
    let keys = rows::all(&cx.read()?, cx.tenant.id)?;
    let rotations = keys.iter().filter(|key| state(key) == KeyState::Current).filter_map(|key| key.activated_at);
    let removals = keys.iter().filter_map(|key| key.retired_at).map(|at| at.plus(cx.settings().keys.keep));
    Ok(rotations.map(|at| at.plus(every)).chain(removals).min())
}

fn policy(cx: &Cx, algorithms: &[Algorithm]) -> RotationPolicy {
    let keys = &cx.settings().keys;
    RotationPolicy {
        every: keys.rotate,
        publish_ahead: keys.publish_ahead,
        keep: keys.keep,
        algorithms: algorithms.to_vec(),
    }
}

async fn generate_key(cx: &Cx, algorithm: Algorithm) -> Result<SigningKeyRecord, Error> {
    let id = KeyId::new(cx.now, cx.entropy());
    let kid = id.to_string();
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm, &kid)).await;
    let key = made.map_err(Error::internal)?.map_err(Error::internal)?;
    let private = key.to_private_jwk();
    let sealed = cx
        .app
        .sealing
        .seal(cx.tenant.purpose(PURPOSE), private.expose().as_bytes(), cx.entropy())
        .map_err(Error::internal)?;
    Ok(SigningKeyRecord {
        id,
        algorithm,
        public_jwk: key.public_jwk(),
        sealed_private: sealed,
        created_at: cx.now,
        activated_at: None,
        retired_at: None,
    })
}

/// The key of a tenant sealed under another master key.
pub fn resealed(
    tenant: TenantId,
    record: SigningKeyRecord,
    from: &SealingKey,
    to: &SealingKey,
    entropy: &dyn Entropy,
) -> Result<SigningKeyRecord, seal::Error> {
    let purpose = Purpose::of(tenant, PURPOSE);
    let private = from.open(purpose, &record.sealed_private)?;
    Ok(SigningKeyRecord { sealed_private: to.seal(purpose, &private, entropy)?, ..record })
}

fn unseal(tenant: TenantId, sealing: &SealingKey, record: &SigningKeyRecord) -> Result<SigningKey, Error> {
    let private = sealing.open(Purpose::of(tenant, PURPOSE), &record.sealed_private).map_err(Error::internal)?;
    let text = String::from_utf8(private.to_vec()).map_err(Error::internal)?;
    SigningKey::from_private_jwk(&Secret::new(text)).map_err(Error::internal)
}

/// Writes new keys and the other steps in one transaction with an audit row each, with the right to rotate keys, which
/// the server itself has.
async fn apply(cx: &Cx, steps: Vec<Step>, made: Vec<SigningKeyRecord>) -> Result<(), Error> {
    let mut entries = Vec::new();
    for key in &made {
        entries.push((Entry::new(cx).target(&key.id), Event::KeyPublish { alg: key.algorithm.as_str() }));
    }
    for step in &steps {
        entries.push(match step {
            Step::Activate(kid) => (Entry::new(cx).target(kid), Event::KeyActivate {}),
            Step::Remove(kid) => (Entry::new(cx).target(kid), Event::KeyRemove {}),
            Step::Generate(_) => continue,
        });
    }
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        for key in &made {
            rows::put(tx, at.tenant.id, key)?;
        }
        for step in &steps {
            match step {
                Step::Activate(kid) => activate(tx, &at, kid)?,
                Step::Remove(kid) => {
                    if let Ok(id) = KeyId::parse(kid) {
                        rows::delete(tx, at.tenant.id, &id)?;
                    }
                }
                Step::Generate(_) => {}
            }
        }
        for (entry, event) in &entries {
            entry.append(tx, &at, event)?;
        }
        Ok::<_, Error>(())
    };
    rights::write(cx, Right::on("rotate", "keys"), change).await?;
    load(cx)
}

fn activate(tx: &mut Tx, cx: &Cx, kid: &str) -> Result<(), Error> {
    let keys = rows::all(tx, cx.tenant.id)?;
    // A plan may be older than what it meets: a key that has stopped to sign does not begin again.
    let next = keys.iter().find(|key| key.id.as_str() == kid && state(key) != KeyState::Retired);
    let Some(next) = next else { return Ok(()) };
    let others = keys.iter().filter(|key| key.id != next.id && key.algorithm == next.algorithm);
    for old in others.filter(|key| state(key) == KeyState::Current) {
        let mut old = old.clone();
        old.retired_at = Some(cx.now);
        rows::put(tx, cx.tenant.id, &old)?;
    }
    let mut next = next.clone();
    next.activated_at = next.activated_at.or(Some(cx.now));
    Ok(rows::put(tx, cx.tenant.id, &next)?)
}

fn state(key: &SigningKeyRecord) -> KeyState {
    match (key.activated_at, key.retired_at) {
        (_, Some(_)) => KeyState::Retired,
        (Some(_), None) => KeyState::Current,
        (None, None) => KeyState::Next,
    }
}

fn facts(key: &SigningKeyRecord) -> KeyFacts {
    KeyFacts {
        kid: key.id.to_string(),
        algorithm: key.algorithm,
        created_at: key.created_at,
        activated_at: key.activated_at,
        retired_at: key.retired_at,
    }
}

fn view(key: &SigningKeyRecord) -> KeyView {
    KeyView {
        kid: key.id.clone(),
        alg: key.algorithm,
        state: state(key),
        created_at: key.created_at,
        activated_at: key.activated_at,
        retired_at: key.retired_at,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::testing::{TestApp, block_on};

    const ONE: [Algorithm; 1] = [Algorithm::ES256];

    fn published(cx: &Cx) -> Vec<String> {
        let mut kids: Vec<String> = cx.tenant.keyring.published().into_iter().map(|key| key.kid).collect();
        kids.sort();
        kids
    }

    fn stored(cx: &Cx) -> Vec<String> {
        let mut kids: Vec<String> = list(cx).unwrap().into_iter().map(|key| key.kid.to_string()).collect();
        kids.sort();
        kids
    }

    fn of_state(cx: &Cx, wanted: KeyState) -> String {
        let keys = rows::all(&cx.read().unwrap(), cx.tenant.id).unwrap();
        keys.iter().find(|key| state(key) == wanted && key.algorithm == Algorithm::ES256).unwrap().id.to_string()
    }

    #[test]
    fn bug_class_19_a_retired_key_does_not_come_back_with_a_slower_reader() {
        let home = TestApp::new();
        let cx = home.cx();
        block_on(tick(&cx, &ONE)).unwrap();
        let kid = of_state(&cx, KeyState::Current);
        let ring = &cx.tenant.keyring;
        let slow = cx.read().unwrap();
        let entries = entries(ring, &slow, cx.tenant.id, &cx.app.sealing).unwrap();
        let token = cx.tenant.keyring.signer(Algorithm::ES256).unwrap().sign("JWT", &serde_json::json!({})).unwrap();
        assert!(cx.tenant.keyring.verifier(&kid).is_some() && !token.is_empty());
        block_on(retire(&cx, &kid)).unwrap().unwrap();
        assert!(!ring.replace(slow.revision().unwrap().number(), entries).unwrap(), "read before the key was retired");
        assert!(cx.tenant.keyring.verifier(&kid).is_none());
        assert_eq!(published(&cx), stored(&cx));
        assert!(cx.tenant.keyring.signer(Algorithm::ES256).is_some());
    }

    #[test]
    fn bug_class_19_keys_that_are_retired_at_once_are_both_gone() {
        let home = TestApp::new();
        let cx = home.cx();
        block_on(tick(&cx, &ONE)).unwrap();
        let both = [of_state(&cx, KeyState::Current), of_state(&cx, KeyState::Next)];
        let ended = block_on(join_all(both.iter().map(|kid| retire(&cx, kid))));
        assert!(ended.into_iter().all(|answer| answer.unwrap().is_some()));
        for kid in &both {
            assert!(cx.tenant.keyring.verifier(kid).is_none() && !stored(&cx).contains(kid), "{kid}");
        }
        assert_eq!(published(&cx), stored(&cx));
    }

    #[test]
    fn a_plan_that_is_older_than_what_it_meets_makes_no_retired_key_sign_again() {
        let home = TestApp::new();
        let cx = home.cx();
        block_on(tick(&cx, &ONE)).unwrap();
        let old = of_state(&cx, KeyState::Current);
        block_on(rotate(&cx, Some(Algorithm::ES256))).unwrap();
        let now = of_state(&cx, KeyState::Current);
        assert_ne!(old, now);
        block_on(apply(&cx, vec![Step::Activate(old)], Vec::new())).unwrap();
        assert_eq!(of_state(&cx, KeyState::Current), now);
    }
}
