//! Which signing key when: a pure function from what is known of the keys and the time to the steps that are due.
//!
//! A key is made and published (*next*), signs (*current*), stops to sign but still verifies (*retired*), and is removed.

use std::time::Duration;

use super::jose::Algorithm;
use crate::base::Moment;

/// What rotation needs to know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The key's name.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// When it was made and published.
    pub created_at: Moment,
    /// When it began to sign; `None` while it is published ahead.
    pub activated_at: Option<Moment>,
    /// When it stopped to sign.
    pub retired_at: Option<Moment>,
}

/// How keys come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs.
    pub every: Duration,
    /// How long a key is published before it signs: longer than anyone caches the key set.
    pub publish_ahead: Duration,
    /// How long a key is published after it signed: longer than its tokens live.
    pub keep: Duration,
    /// Algorithms that there must be keys for. Others are kept up as long as they have a key that is not retired.
    pub algorithms: Vec<Algorithm>,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            every: 30 * DAY,
            publish_ahead: DAY,
            keep: 60 * DAY,
            algorithms: vec![Algorithm::RS256, Algorithm::ES256],
        }
    }
}

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This published key signs from now on; every other current key of its algorithm retires now.
    Activate(String),
    /// Make a key of this algorithm and publish it as the next.
    Generate(Algorithm),
    /// Retired long enough: no token of this key can still be valid.
    Remove(String),
}

/// The steps that are due at `now`. Empty when all is well; doing the steps and asking again ends after at most three
/// rounds, also from nothing at all and after the clock has jumped.
///
/// A key retires when its successor takes over, not when it should have: after a long sleep the tokens that it signed until
/// this moment stay verifiable for the whole of `keep`. A key dated further ahead than `publish_ahead` was made under a
/// wrong clock: it does not count as published, and is not signed with longer than it takes to publish another.
pub fn plan(keys: &[KeyFacts], now: Moment, policy: &RotationPolicy) -> Vec<Step> {
    let mut steps = Vec::new();
    for algorithm in Algorithm::ALL {
        let keys: Vec<&KeyFacts> = keys.iter().filter(|key| key.algorithm == algorithm).collect();
        if policy.algorithms.contains(&algorithm) || keys.iter().any(|key| key.retired_at.is_none()) {
            steps.extend(succession(&keys, algorithm, now, policy));
        }
        steps.extend(removals(&keys, now, policy));
    }
    steps
}

/// Keeps one key signing and one published behind it.
fn succession(keys: &[&KeyFacts], algorithm: Algorithm, now: Moment, policy: &RotationPolicy) -> Vec<Step> {
    let horizon = now.plus(policy.publish_ahead);
    let live = || keys.iter().copied().filter(|key| key.retired_at.is_none());
    let mut waiting: Vec<&KeyFacts> = live().filter(|key| key.activated_at.is_none()).collect();
    waiting.sort_by_key(|key| (key.created_at > horizon, key.created_at));
    let mut current: Vec<&KeyFacts> = live().filter(|key| key.activated_at.is_some()).collect();
    current.sort_by_key(|key| key.activated_at);

    let successor = match (current.as_slice(), waiting.first().copied()) {
        ([], next) => next,
        ([only], Some(next)) if is_due(only, now, horizon, policy) && is_published(next, now, policy) => Some(next),
        ([_], _) => None,
        ([.., newest], _) => Some(*newest),
    };
    waiting.retain(|key| key.created_at <= horizon && successor.is_none_or(|chosen| chosen.kid != key.kid));

    let mut steps: Vec<Step> = successor.map(|key| Step::Activate(key.kid.clone())).into_iter().collect();
    if waiting.is_empty() {
        steps.push(Step::Generate(algorithm));
    }
    steps
}

/// The key has signed for its time, or claims to have begun in a future that no clock of ours has seen.
fn is_due(key: &KeyFacts, now: Moment, horizon: Moment, policy: &RotationPolicy) -> bool {
    key.activated_at.is_some_and(|begin| now.since(begin) >= policy.every || begin > horizon)
}

/// Whoever caches the key set has seen this key.
fn is_published(key: &KeyFacts, now: Moment, policy: &RotationPolicy) -> bool {
    key.created_at <= now && now.since(key.created_at) >= policy.publish_ahead
}

/// Retired keys whose tokens are all dead. The newest key of an algorithm always stays.
fn removals(keys: &[&KeyFacts], now: Moment, policy: &RotationPolicy) -> Vec<Step> {
    let newest = keys.iter().max_by_key(|key| (key.created_at, &key.kid)).map(|key| &key.kid);
    keys.iter()
        .filter(|key| key.retired_at.is_some_and(|end| end.plus(policy.keep) <= now) && Some(&key.kid) != newest)
        .map(|key| Step::Remove(key.kid.clone()))
        .collect()
}
