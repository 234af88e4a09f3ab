//! Which signing key when: a pure function from what is known of the keys and the time to the steps that are due.
//!
//! A key is made and published (*next*), signs (*current*), stops to sign but still verifies (*retired*), and is
//! removed.

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
/// A key retires when its successor takes over, not when it should have: after a long sleep the tokens that it signed
/// until this moment stay verifiable for the whole of `keep`. A key dated further ahead than `publish_ahead` was made
/// under a wrong clock: it does not count as published, and is not signed with longer than it takes to publish another.
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

/// The key has signed for its time, or claims to have begun in a future that no clock of this machine has seen.
fn is_due(key: &KeyFacts, now: Moment, horizon: Moment, policy: &RotationPolicy) -> bool {
    key.activated_at.is_some_and(|begin| now.since(begin) >= policy.every || begin > horizon)
}

/// Anyone who caches the key set has seen this key.
fn is_published(key: &KeyFacts, now: Moment, policy: &RotationPolicy) -> bool {
    now.since(key.created_at) >= policy.publish_ahead
}

/// Retired keys whose tokens are all dead. The newest key of an algorithm always stays.
fn removals(keys: &[&KeyFacts], now: Moment, policy: &RotationPolicy) -> Vec<Step> {
    let newest = keys.iter().max_by_key(|key| (key.created_at, &key.kid)).map(|key| &key.kid);
    keys.iter()
        .filter(|key| key.retired_at.is_some_and(|end| end.plus(policy.keep) <= now) && Some(&key.kid) != newest)
        .map(|key| Step::Remove(key.kid.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);
    const START: Moment = Moment::from_seconds(1_800_000_000);

    fn policy() -> RotationPolicy {
        RotationPolicy { algorithms: vec![Algorithm::ES256], ..RotationPolicy::default() }
    }

    /// A caller: does what the plan says, and remembers when each key could have signed.
    #[derive(Default)]
    struct World {
        keys: Vec<KeyFacts>,
        made: usize,
    }

    impl World {
        fn apply(&mut self, step: &Step, now: Moment) {
            match step {
                Step::Generate(algorithm) => {
                    self.made += 1;
                    let kid = format!("k{}", self.made);
                    self.keys.push(fact(&kid, *algorithm, now, None, None));
                }
                Step::Activate(kid) => {
                    let algorithm = self.keys.iter().find(|key| key.kid == *kid).unwrap().algorithm;
                    for key in self.keys.iter_mut().filter(|key| key.algorithm == algorithm) {
                        if key.kid == *kid {
                            assert!(key.retired_at.is_none(), "a retired key never signs again");
                            key.activated_at = key.activated_at.or(Some(now));
                        } else if key.activated_at.is_some() && key.retired_at.is_none() {
                            key.retired_at = Some(now);
                        }
                    }
                }
                Step::Remove(kid) => {
                    let key = self.keys.iter().find(|key| key.kid == *kid).unwrap();
                    assert!(key.retired_at.unwrap().plus(60 * DAY) <= now, "{kid} may still verify live tokens");
                    self.keys.retain(|key| key.kid != *kid);
                }
            }
        }

        /// Plans and applies until nothing is due; the number of rounds that had something to do.
        fn settle(&mut self, now: Moment, policy: &RotationPolicy) -> usize {
            for round in 0..10 {
                let steps = plan(&self.keys, now, policy);
                if steps.is_empty() {
                    return round;
                }
                steps.iter().for_each(|step| self.apply(step, now));
            }
            panic!("the plan does not come to rest: {:?}", self.keys);
        }

        fn current(&self, algorithm: Algorithm) -> Vec<&str> {
            self.kids(|key| key.algorithm == algorithm && key.activated_at.is_some() && key.retired_at.is_none())
        }

        fn next(&self, algorithm: Algorithm) -> Vec<&str> {
            self.kids(|key| key.algorithm == algorithm && key.activated_at.is_none() && key.retired_at.is_none())
        }

        fn kids(&self, wanted: impl Fn(&KeyFacts) -> bool) -> Vec<&str> {
            self.keys.iter().filter(|key| wanted(key)).map(|key| key.kid.as_str()).collect()
        }
    }

    fn fact(
        kid: &str,
        algorithm: Algorithm,
        created_at: Moment,
        activated_at: Option<Moment>,
        retired_at: Option<Moment>,
    ) -> KeyFacts {
        KeyFacts { kid: kid.to_owned(), algorithm, created_at, activated_at, retired_at }
    }

    /// An ES256 key by its days: made, activated, retired.
    fn days(kid: &str, made: u32, activated: Option<u32>, retired: Option<u32>) -> KeyFacts {
        let day = |day: u32| START.plus(day * DAY);
        fact(kid, Algorithm::ES256, day(made), activated.map(day), retired.map(day))
    }

    #[test]
    fn each_state_of_the_ring_has_its_step() {
        let activate = |kid: &str| Step::Activate(kid.to_owned());
        let remove = |kid: &str| Step::Remove(kid.to_owned());
        let generate = || Step::Generate(Algorithm::ES256);
        let (current, next) = (days("a", 0, Some(0), None), days("b", 0, None, None));
        for (case, keys, day, wanted) in [
            ("nothing", vec![], 0, vec![generate()]),
            ("only a next: no reason to wait", vec![next.clone()], 0, vec![activate("b"), generate()]),
            ("only a current", vec![current.clone()], 0, vec![generate()]),
            ("both", vec![current.clone(), next.clone()], 29, vec![]),
            ("due", vec![current.clone(), next.clone()], 30, vec![activate("b"), generate()]),
            ("due, next too fresh", vec![current.clone(), days("b", 30, None, None)], 30, vec![]),
            (
                "due, next old enough",
                vec![current.clone(), days("b", 30, None, None)],
                31,
                vec![activate("b"), generate()],
            ),
            (
                "the oldest next goes first",
                vec![current.clone(), days("c", 2, None, None), next.clone()],
                30,
                vec![activate("b")],
            ),
            (
                "two current: the newer stays",
                vec![current.clone(), next.clone(), days("c", 0, Some(1), None)],
                2,
                vec![activate("c")],
            ),
            (
                "retired, kept",
                vec![days("z", 0, Some(0), Some(9)), days("a", 9, Some(9), None), days("b", 9, None, None)],
                38,
                vec![],
            ),
            (
                "retired, to be kept to the last",
                vec![days("z", 0, Some(0), Some(9)), days("a", 60, Some(60), None), days("b", 60, None, None)],
                68,
                vec![],
            ),
            (
                "retired long ago",
                vec![days("z", 0, Some(0), Some(9)), days("a", 60, Some(60), None), days("b", 60, None, None)],
                69,
                vec![remove("z")],
            ),
            (
                "all retired: the newest stays",
                vec![days("z", 0, Some(0), Some(9)), days("y", 1, Some(1), Some(9))],
                90,
                vec![generate(), remove("z")],
            ),
            ("a next retired by hand", vec![current.clone(), days("b", 0, None, Some(1))], 2, vec![generate()]),
        ] {
            assert_eq!(plan(&keys, START.plus(day * DAY), &policy()), wanted, "{case}");
        }
    }

    #[test]
    fn a_ring_grows_from_nothing_in_one_settling() {
        let mut world = World::default();
        let policy = RotationPolicy::default();
        assert_eq!(world.settle(START, &policy), 2);
        for algorithm in [Algorithm::RS256, Algorithm::ES256] {
            assert_eq!((world.current(algorithm).len(), world.next(algorithm).len()), (1, 1), "{algorithm}");
        }
        assert!(world.current(Algorithm::EdDSA).is_empty());
    }

    #[test]
    fn an_algorithm_that_is_in_use_is_kept_up_without_being_listed() {
        let keys = [fact("e", Algorithm::EdDSA, START, Some(START), None)];
        assert!(plan(&keys, START, &policy()).contains(&Step::Generate(Algorithm::EdDSA)));
        let keys = [fact("e", Algorithm::EdDSA, START, Some(START), Some(START))];
        assert!(!plan(&keys, START, &policy()).contains(&Step::Generate(Algorithm::EdDSA)));
    }

    #[test]
    fn keys_rotate_monthly_and_every_key_is_published_a_day_before_it_signs() {
        let mut world = World::default();
        let mut changes = 0;
        let mut now = START;
        world.settle(now, &policy());
        let mut signing = world.current(Algorithm::ES256)[0].to_owned();
        while now < START.plus(365 * DAY) {
            now = now.plus(HOUR);
            world.settle(now, &policy());
            let [current] = world.current(Algorithm::ES256)[..] else { panic!("one key signs at {now}") };
            assert_eq!(world.next(Algorithm::ES256).len(), 1);
            if current != signing {
                let key = world.keys.iter().find(|key| key.kid == current).unwrap();
                assert!(key.activated_at.unwrap().since(key.created_at) >= DAY);
                signing = current.to_owned();
                changes += 1;
            }
        }
        assert_eq!(changes, 12);
        assert!((3..=5).contains(&world.keys.len()), "{} keys are published", world.keys.len());
    }

    #[test]
    fn a_jump_of_a_year_changes_the_key_once_and_keeps_what_signed_until_then() {
        let mut world = World::default();
        world.settle(START, &policy());
        let signed_with = world.current(Algorithm::ES256)[0].to_owned();
        let later = START.plus(365 * DAY);
        assert!(world.settle(later, &policy()) <= 3);
        assert_ne!(world.current(Algorithm::ES256), [signed_with.as_str()]);
        assert_eq!(world.next(Algorithm::ES256).len(), 1);
        world.settle(later.plus(60 * DAY).minus(HOUR), &policy());
        assert!(
            world.keys.iter().any(|key| key.kid == signed_with),
            "its last token was made a moment before the change"
        );
        world.settle(later.plus(60 * DAY), &policy());
        assert!(!world.keys.iter().any(|key| key.kid == signed_with));
    }

    #[test]
    fn a_jump_back_removes_and_changes_nothing() {
        let mut world = World::default();
        let mut now = START;
        for _ in 0..5 {
            world.settle(now, &policy());
            now = now.plus(31 * DAY);
        }
        let before = world.keys.clone();
        for back in [Duration::from_secs(1), HOUR, DAY] {
            assert_eq!(plan(&world.keys, now.minus(31 * DAY).minus(back), &policy()), [], "{back:?}");
        }
        assert_eq!(world.keys, before);
    }

    #[test]
    fn keys_made_under_a_wrong_clock_are_replaced_after_a_proper_announcement() {
        let mut world = World::default();
        world.settle(START.plus(3650 * DAY), &policy());
        let wrong = world.keys.clone();
        assert!(world.settle(START, &policy()) <= 3);
        assert_eq!(world.current(Algorithm::ES256), [wrong[0].kid.as_str()], "the new key is not known to anyone yet");
        world.settle(START.plus(DAY), &policy());
        let [current] = world.current(Algorithm::ES256)[..] else { panic!("one key signs") };
        assert!(wrong.iter().all(|key| key.kid != current));
        world.settle(START.plus(40 * DAY), &policy());
        assert!(!world.current(Algorithm::ES256).contains(&wrong[1].kid.as_str()));
    }
}
