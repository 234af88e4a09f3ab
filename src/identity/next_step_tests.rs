use super::*;
use crate::records::Factor;

/// Kinds as there are and as there may be: enough to reach every level that proofs can reach, in every way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Any {
    Link,
    Password,
    Code,
    Key,
    Passkey,
}

const ALL: [Any; 5] = [Any::Link, Any::Password, Any::Code, Any::Key, Any::Passkey];

impl Kind for Any {
    fn proves(self) -> Proves {
        let (factor, user_verification, phishing_resistance) = match self {
            Self::Link => (None, false, false),
            Self::Password => (Some(Factor::Knowledge), false, false),
            Self::Code => (Some(Factor::Possession), false, false),
            Self::Key => (Some(Factor::Possession), false, true),
            Self::Passkey => (Some(Factor::Possession), true, true),
        };
        let alone = !matches!(self, Self::Link | Self::Code);
        Proves { factor, alone, user_verification, phishing_resistance, amr: &[] }
    }
}

fn subsets<K: Copy>(all: &[K]) -> impl Iterator<Item = Vec<K>> + '_ {
    (0..1_u32 << all.len()).map(move |bits| {
        all.iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0).map(|(_, kind)| *kind).collect()
    })
}

fn wishes() -> impl Iterator<Item = Wanted> {
    let all = Acr::ALL.into_iter();
    all.flat_map(|acr| [Why::Policy, Why::Essential, Why::Voluntary].map(|why| Wanted { acr, why }))
}

/// The table: with the proofs of today, every person, every set of proofs, every wish.
#[test]
fn every_combination_of_today_has_the_step_of_the_table() {
    use NextStep::{Ask, Done, Enrol, Refused};
    use ProofKind::{Password, RecoveryLink};
    let person = |disabled, has: &[ProofKind]| Some(Person { disabled, has: has.to_vec() });
    let people = [
        ("nobody", None),
        ("disabled", person(true, &[Password])),
        ("without password", person(false, &[])),
        ("with password", person(false, &[Password])),
    ];
    let mut rows = 0;
    for (who, person) in &people {
        for given in subsets(&ProofKind::ALL) {
            for wanted in wishes() {
                let out_of_reach = wanted.acr > Acr::Pwd && wanted.why != Why::Voluntary;
                let step = match (*who, &*given) {
                    ("nobody", _) => Refused(Rule::PersonIsKnown),
                    ("disabled", _) => Refused(Rule::PersonIsEnabled),
                    _ if out_of_reach => Refused(Rule::LevelIsReachable),
                    (_, [Password] | [Password, RecoveryLink]) => Done(Acr::Pwd),
                    ("with password", [] | [RecoveryLink]) => Ask(vec![Password]),
                    ("without password", [RecoveryLink]) => Enrol(vec![Password]),
                    ("without password", []) => Refused(Rule::PersonHasProof),
                    other => panic!("no row for {other:?}"),
                };
                let is = next_step(&Policy::current(), person.as_ref(), &given, wanted);
                assert_eq!(is, step, "{who} {given:?} {wanted:?}");
                rows += 1;
            }
        }
    }
    assert_eq!(rows, 4 * 4 * 12);
}

/// Whatever kinds the policy names, for every person, whatever was given and is wanted.
#[test]
fn in_every_combination_only_proofs_that_the_policy_names_let_anybody_in() {
    for kinds in subsets(&ALL) {
        for least in [Acr::Pwd, Acr::Mfa, Acr::Phr] {
            let policy = Policy { kinds: kinds.clone(), least };
            for has in subsets(&ALL) {
                let person = Person { disabled: false, has };
                for given in subsets(&ALL) {
                    for wanted in wishes().step_by(2) {
                        holds(&policy, &person, &given, wanted);
                    }
                }
            }
        }
    }
}

fn holds(policy: &Policy<Any>, person: &Person<Any>, given: &[Any], wanted: Wanted) {
    let counted: Vec<Any> = given.iter().filter(|kind| policy.kinds.contains(kind)).copied().collect();
    let about = || format!("{policy:?} {person:?} {given:?} {wanted:?}");
    match next_step(policy, Some(person), given, wanted) {
        NextStep::Done(acr) => {
            assert_eq!(Some(acr), level(counted.iter()), "{}", about());
            let is_enough = acr >= policy.least && (wanted.why == Why::Voluntary || acr >= wanted.acr);
            assert!(is_enough, "{}", about());
        }
        // What is asked for brings the person further, and they have it; what is to be set up is not theirs yet.
        NextStep::Ask(kinds) => {
            let leads_on = |kind: &Any| level(counted.iter().chain([kind])) > level(counted.iter());
            let is_good = |kind: &Any| policy.kinds.contains(kind) && person.has.contains(kind) && leads_on(kind);
            assert!(!kinds.is_empty() && kinds.iter().all(is_good), "{}", about());
        }
        NextStep::Enrol(kinds) => {
            let is_new = |kind: &Any| policy.kinds.contains(kind) && !person.has.contains(kind);
            assert!(!counted.is_empty() && !kinds.is_empty() && kinds.iter().all(is_new), "{}", about());
        }
        NextStep::Refused(rule) => {
            assert!(matches!(rule, Rule::PersonHasProof | Rule::LevelIsReachable), "{}", about());
        }
    }
}

/// Who does what is asked for comes to an end, and never stands still.
#[test]
fn every_sequence_of_what_is_asked_for_ends() {
    for kinds in subsets(&ALL) {
        for has in subsets(&ALL) {
            for wanted in wishes() {
                let policy = Policy { kinds: kinds.clone(), least: Acr::Pwd };
                let mut person = Person { disabled: false, has: has.clone() };
                let mut given = Vec::new();
                for turn in 0.. {
                    // Each kind is set up once and given once at the most.
                    assert!(turn <= 2 * ALL.len(), "{policy:?} {person:?} {given:?} {wanted:?}");
                    match next_step(&policy, Some(&person), &given, wanted) {
                        NextStep::Ask(asked) => given.push(asked[turn % asked.len()]),
                        NextStep::Enrol(new) => {
                            assert!(!person.has.contains(&new[0]));
                            person.has.push(new[0]);
                        }
                        NextStep::Done(_) | NextStep::Refused(_) => break,
                    }
                }
            }
        }
    }
}

#[test]
fn nobody_sets_up_anything_who_has_proved_nothing() {
    let policy = Policy { kinds: ALL.to_vec(), least: Acr::Mfa };
    for (has, given, wanted) in [
        (vec![], vec![], NextStep::Refused(Rule::PersonHasProof)),
        (vec![Any::Password], vec![], NextStep::Ask(vec![Any::Password])),
        (vec![Any::Password], vec![Any::Link], NextStep::Ask(vec![Any::Password])),
        (vec![Any::Password], vec![Any::Password], NextStep::Enrol(vec![Any::Code, Any::Key, Any::Passkey])),
        (vec![Any::Password, Any::Code], vec![Any::Password], NextStep::Ask(vec![Any::Code])),
        (vec![Any::Password, Any::Code], vec![Any::Password, Any::Code], NextStep::Done(Acr::Mfa)),
        // What is worth nothing alone is not asked for first, and lets nobody in.
        (vec![Any::Password, Any::Code], vec![], NextStep::Ask(vec![Any::Password])),
        (vec![Any::Password, Any::Code], vec![Any::Code], NextStep::Ask(vec![Any::Password])),
        (vec![Any::Code], vec![], NextStep::Refused(Rule::PersonHasProof)),
        // A proof that is no way in for this person any more, though it was one, counts by the policy alone.
        (vec![], vec![Any::Passkey], NextStep::Done(Acr::Phr)),
    ] {
        let person = Person { disabled: false, has: has.clone() };
        assert_eq!(next_step(&policy, Some(&person), &given, Wanted::POLICY), wanted, "{has:?} {given:?}");
    }
}

#[test]
fn what_is_to_be_set_up_is_enough_where_one_kind_can_be() {
    let policy = Policy { kinds: ALL.to_vec(), least: Acr::Pwd };
    let person = Person { disabled: false, has: vec![Any::Password] };
    for (acr, new) in [(Acr::Mfa, vec![Any::Code, Any::Key, Any::Passkey]), (Acr::Phr, vec![Any::Key, Any::Passkey])] {
        let wanted = Wanted { acr, why: Why::Essential };
        assert_eq!(next_step(&policy, Some(&person), &[Any::Password], wanted), NextStep::Enrol(new));
        // What an app would only like is not set up for it.
        let liked = Wanted { acr, why: Why::Voluntary };
        assert_eq!(next_step(&policy, Some(&person), &[Any::Password], liked), NextStep::Done(Acr::Pwd));
    }
    let phrh = Wanted { acr: Acr::Phrh, why: Why::Essential };
    assert_eq!(next_step(&policy, Some(&person), &[Any::Password], phrh), NextStep::Refused(Rule::LevelIsReachable));
}
