//! Laws that hold in every world.

use proptest::prelude::*;

use super::naive::{Naive, Table};
use super::world::{IDS, RELATIONS, TYPES, TextRunner, World, some_free_knot, some_knot, some_world, subjects, tuple};
use crate::access::explain::DerivationStep;
use crate::access::graph::{
    CheckResult, Engine, Graph, IndexMaintainer, ObjectRelation, Overlay, SnapshotTuples, StoreTuples, TupleReader,
};
use crate::base::id::TenantId;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::tuples as rows;
use crate::store::{Error, Snapshot, Store};

fn questions() -> impl Iterator<Item = ObjectRelation<'static>> {
    let pairs = TYPES.into_iter().flat_map(|kind| IDS.into_iter().map(move |id| (kind, id)));
    pairs.flat_map(|(kind, id)| RELATIONS.into_iter().map(move |relation| ObjectRelation::new(kind, id, relation)))
}

fn value(table: &Table, subject: &SubjectRef, at: ObjectRelation<'_>, applies: bool) -> Option<CheckResult> {
    let node = super::naive::node(at.kind, at.id, at.relation, applies);
    (subject.as_set() != Some((at.kind, at.id, at.relation))).then(|| table[&node])
}

/// One engine for all questions: what it keeps from one must not spoil the next.
fn agrees(world: &World, graph: Graph<'_, impl TupleReader>, subject: &SubjectRef) -> Result<(), TestCaseError> {
    let (sure, possible) = Naive { world, subject: subject.clone(), live: None }.answers();
    prop_assert_eq!(&sure, &possible);
    let mut engine = Engine::new(graph, subject);
    for at in questions() {
        let got = engine.holds(at).unwrap().result;
        prop_assert_eq!(got, value(&sure, subject, at, false).unwrap_or(CheckResult::Yes), "{} {:?}", subject, at);
        prop_assert_eq!(Engine::new(graph, subject).holds(at).unwrap().result, got, "alone {} {:?}", subject, at);
    }
    for policy in [None, Some("yes"), Some("no"), Some("fails")] {
        let (sure, _) = Naive { world, subject: subject.clone(), live: Some(policy) }.answers();
        for at in questions() {
            let mut runner = TextRunner;
            let mut engine = Engine::live(graph, subject, policy.map(Into::into), &mut runner);
            let got = engine.holds(at).unwrap().result;
            let Some(wanted) = value(&sure, subject, at, policy.is_some()) else { continue };
            prop_assert_eq!(got, wanted, "live {:?} {} {:?}", policy, subject, at);
        }
    }
    Ok(())
}

/// The one meaning where there is one. Where something excludes itself, it is not given.
fn is_meant(
    subject: &SubjectRef,
    at: ObjectRelation<'_>,
    got: CheckResult,
    meant: (Option<CheckResult>, Option<CheckResult>),
) -> Result<(), TestCaseError> {
    let (Some(sure), Some(possible)) = meant else { return Ok(()) };
    if sure == possible {
        prop_assert_eq!(got, sure, "{} {:?}", subject, at);
    } else {
        prop_assert!(got != CheckResult::Yes || sure == CheckResult::Yes, "{} {:?}: {:?}", subject, at, got);
        prop_assert!(got <= possible.max(CheckResult::Error), "{} {:?}: {:?}", subject, at, got);
    }
    Ok(())
}

fn explained(
    graph: Graph<'_, impl TupleReader>,
    subject: &SubjectRef,
    at: ObjectRelation<'_>,
) -> (CheckResult, DerivationStep) {
    let outcome = Engine::new(graph, subject).explaining(true).holds(at).unwrap();
    (outcome.result, DerivationStep::of(&outcome).unwrap())
}

pub(super) fn stored(world: &World) -> Store {
    let store = Store::in_memory();
    let tuples: Vec<_> = world.tuples.values().cloned().collect();
    let fill = move |tx: &mut _| tuples.iter().try_for_each(|tuple| rows::put(tx, TenantId::DEFAULT, tuple));
    store.write_blocking::<_, Error, _>(fill).unwrap();
    store
}

fn change(store: &Store, key: &TupleKey, tuple: Option<&Tuple>) {
    let (key, tuple) = (key.clone(), tuple.cloned());
    let change = move |tx: &mut _| {
        match &tuple {
            Some(tuple) => rows::put(tx, TenantId::DEFAULT, tuple)?,
            None => drop(rows::delete(tx, TenantId::DEFAULT, &key)?),
        }
        rows::raise(tx, TenantId::DEFAULT)
    };
    store.write_blocking::<_, Error, _>(change).unwrap();
}

#[test]
fn the_index_holds_one_state_and_answers_for_no_other() {
    let store = Store::in_memory();
    let made = |n: usize| tuple(("doc", "1", "viewer"), SubjectRef::new("user", format!("u{n}")));
    let maintainer = IndexMaintainer::new(TenantId::DEFAULT);
    assert!(maintainer.at(&store, 0).is_none());
    maintainer.build_now(&store);
    let old = store.read().unwrap();
    let revision = |from: &Snapshot| rows::revision(from, TenantId::DEFAULT).unwrap();
    assert!(maintainer.at(&store, revision(&old)).is_some());
    for n in 0..40 {
        change(&store, &made(n).key, Some(&made(n)));
        let from = store.read().unwrap();
        let ready = maintainer.at(&store, revision(&from)).unwrap();
        let tuples = SnapshotTuples::new(StoreTuples { from: &from, tenant: TenantId::DEFAULT }, ready.index());
        for m in [0, n, n + 1] {
            let found = tuples.tuple(ObjectRelation::new("doc", "1", "viewer"), &made(m).key.subject).unwrap();
            assert_eq!(found, (m <= n).then(|| made(m)));
        }
        assert_eq!(tuples.holders(ObjectRelation::new("doc", "1", "viewer"), 99).unwrap().len(), n + 1);
    }
    assert!(maintainer.at(&store, revision(&old)).is_none());
    // Somebody reads while tuples change: the reader keeps what it has, the next one gets the new state.
    let from = store.read().unwrap();
    let reading = maintainer.at(&store, revision(&from)).unwrap();
    change(&store, &made(0).key, None);
    let now = store.read().unwrap();
    assert!(maintainer.at(&store, revision(&now)).is_none());
    assert!(reading.index().is_some());
    drop(reading);
    assert!(maintainer.at(&store, revision(&now)).is_some());
}

#[test]
fn an_index_that_missed_something_goes() {
    let store = Store::in_memory();
    let maintainer = IndexMaintainer::new(TenantId::DEFAULT);
    maintainer.build_now(&store);
    assert!(maintainer.at(&store, 0).is_some());
    // A change without a new count is nobody's to make; the index must not survive it.
    let made = tuple(("doc", "1", "viewer"), SubjectRef::new("user", "ann"));
    store.write_blocking::<_, Error, _>(move |tx| rows::put(tx, TenantId::DEFAULT, &made)).unwrap();
    assert!(maintainer.at(&store, 0).is_none());
    maintainer.build_now(&store);
    assert!(maintainer.at(&store, 0).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_says_what_the_naive_evaluator_says(world in prop_oneof![some_world(false), some_knot()], one in 0..9_usize) {
        agrees(&world, world.graph(), &subjects()[one])?;
    }

    #[test]
    fn an_overlay_over_the_store_says_what_the_same_tuples_say(
        world in prop_oneof![some_world(false), some_knot()], one in 0..9_usize, split in any::<u32>(), gone in some_world(false),
    ) {
        let subject = &subjects()[one];
        let mut below = World { tuples: gone.tuples.clone(), ..world.clone() };
        let mut added = Vec::new();
        for (n, (key, tuple)) in world.tuples.iter().enumerate() {
            if split >> (n % 32) & 1 == 0 {
                below.tuples.insert(key.clone(), tuple.clone());
            } else {
                added.push(tuple.clone());
            }
        }
        let removed = gone.tuples.keys().filter(|key| !world.tuples.contains_key(key)).cloned();
        let store = stored(&below);
        let from = store.read().unwrap();
        let base = StoreTuples { from: &from, tenant: TenantId::DEFAULT };
        let overlay = Overlay::new(&base, added, removed);
        let plain = world.graph();
        let graph = Graph { tuples: &overlay, schema: &world, now: plain.now, limits: plain.limits, budget: None };
        agrees(&world, graph, subject)?;
        for limit in [1, 2, 50] {
            for kind in ["user", "group", "folder"] {
                prop_assert_eq!(all_of_type(&overlay, kind, limit), all_of_type(&world, kind, limit));
            }
            prop_assert_eq!(all_of_subject(&overlay, subject, limit), all_of_subject(&world, subject, limit));
        }
    }

    #[test]
    fn the_index_says_what_the_store_says_whenever_it_was_built(
        world in prop_oneof![some_world(false), some_knot()], one in 0..9_usize, split in any::<u32>(), gone in some_world(false),
    ) {
        let subject = &subjects()[one];
        let first: Vec<_> = world.tuples.values().enumerate().filter(|(n, _)| split >> (n % 32) & 1 == 0).map(|(_, tuple)| tuple.clone()).collect();
        let others = gone.tuples.into_values().filter(|tuple| !world.tuples.contains_key(&tuple.key));
        let below = World { tuples: first.iter().cloned().chain(others).map(|tuple| (tuple.key.clone(), tuple)).collect(), ..world.clone() };
        let store = stored(&below);
        let maintainer = IndexMaintainer::new(TenantId::DEFAULT);
        maintainer.build_now(&store);
        for (key, tuple) in &world.tuples {
            change(&store, key, Some(tuple));
        }
        for key in below.tuples.keys().filter(|key| !world.tuples.contains_key(key)) {
            change(&store, key, None);
        }
        let from = store.read().unwrap();
        let revision = rows::revision(&from, TenantId::DEFAULT).unwrap();
        prop_assert!(maintainer.at(&store, revision + 1).is_none());
        let ready = maintainer.at(&store, revision).unwrap();
        let tuples = SnapshotTuples::new(StoreTuples { from: &from, tenant: TenantId::DEFAULT }, ready.index());
        let plain = world.graph();
        for at in questions() {
            for limit in [0, 1, 2, 99] {
                prop_assert_eq!(tuples.sets(at, limit).unwrap(), world.sets(at, limit).unwrap());
                let store = StoreTuples { from: &from, tenant: TenantId::DEFAULT };
                prop_assert_eq!(tuples.holders(at, limit).unwrap(), store.holders(at, limit).unwrap());
            }
        }
        agrees(&world, Graph { tuples: &tuples, schema: &world, now: plain.now, limits: plain.limits, budget: None }, subject)?;
    }

    #[test]
    fn no_answer_depends_on_another_question_and_nothing_is_given_that_excludes_itself(
        world in prop_oneof![some_world(true), some_free_knot()], one in 0..9_usize, order in Just((0..36_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let subject = &subjects()[one];
        let (sure, possible) = Naive { world: &world, subject: subject.clone(), live: None }.answers();
        let all: Vec<_> = questions().collect();
        let alone: Vec<_> = all.iter().map(|at| Engine::new(world.graph(), subject).holds(*at).unwrap().result).collect();
        for (at, got) in all.iter().zip(&alone) {
            is_meant(subject, *at, *got, (value(&sure, subject, *at, false), value(&possible, subject, *at, false)))?;
            prop_assert_eq!(explained(world.graph(), subject, *at).0, *got);
        }
        for batch in [(0..all.len()).collect(), (0..all.len()).rev().collect(), order] {
            let mut engine = Engine::new(world.graph(), subject);
            for number in batch {
                let got = engine.holds(all[number]).unwrap().result;
                prop_assert_eq!(got, alone[number], "{} {:?} in a batch", subject, all[number]);
            }
        }
        for policy in [Some("yes"), Some("no"), Some("fails")] {
            let (sure, possible) = Naive { world: &world, subject: subject.clone(), live: Some(policy) }.answers();
            for at in &all {
                let mut runner = TextRunner;
                let got = Engine::live(world.graph(), subject, policy.map(Into::into), &mut runner).holds(*at).unwrap();
                is_meant(subject, *at, got.result, (value(&sure, subject, *at, true), value(&possible, subject, *at, true)))?;
            }
        }
    }

    #[test]
    fn an_explanation_is_the_same_each_time_and_none_of_its_tuples_is_idle(world in prop_oneof![some_world(false), some_knot()], one in 0..9_usize) {
        let subject = &subjects()[one];
        for at in questions() {
            let (result, step) = explained(world.graph(), subject, at);
            prop_assert_eq!(&explained(world.graph(), subject, at).1, &step);
            prop_assert_eq!(Engine::new(world.graph(), subject).holds(at).unwrap().result, result);
            prop_assert_eq!(step.holds, result);
            if result != CheckResult::Yes {
                continue;
            }
            for key in step.tuples() {
                prop_assert!(world.tuples.contains_key(key));
                let less = Overlay::new(&world, [], [key.clone()]);
                let plain = world.graph();
                let graph = Graph { tuples: &less, schema: &world, now: plain.now, limits: plain.limits, budget: None };
                let (now, other) = explained(graph, subject, at);
                prop_assert!(now != CheckResult::Yes || other != step, "{} {:?} without {}", subject, at, key);
            }
        }
    }
}

fn all_of_type(tuples: &impl TupleReader, kind: &str, limit: usize) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let keys = tuples.of_subject_type(kind, after.as_ref(), limit).unwrap();
        let Some(last) = keys.last().cloned() else { return all };
        after = Some(last);
        all.extend(keys.iter().map(ToString::to_string));
    }
}

fn all_of_subject(tuples: &impl TupleReader, subject: &SubjectRef, limit: usize) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let keys = tuples.of_subject(subject, after.as_ref(), limit).unwrap();
        let Some(last) = keys.last().cloned() else { return all };
        after = Some(last);
        all.extend(keys.iter().map(ToString::to_string));
    }
}

/// `v` is whom `base` has without those of `a`; `a` needs `v` and something that nobody has.
#[test]
fn two_questions_whose_exclusion_is_in_a_circle_get_the_same_answers_in_either_order() {
    use super::world::{model, relation};
    use crate::access::model::Rewrite;
    let computed = |name: &str| Rewrite::Computed(name.to_owned());
    let mut world = World::default();
    let relations = vec![
        ("base", relation(Rewrite::Direct)),
        ("none", relation(Rewrite::Direct)),
        ("v", relation(Rewrite::Except(Box::new(computed("base")), Box::new(computed("a"))))),
        ("a", relation(Rewrite::AllOf(vec![computed("v"), computed("none")]))),
    ];
    world.models.insert(String::from("doc"), std::sync::Arc::new(model("doc", relations)));
    let base = tuple(("doc", "1", "base"), SubjectRef::new("user", "ann"));
    world.tuples.insert(base.key.clone(), base);
    let ann = SubjectRef::new("user", "ann");
    let ask = |names: [&str; 2]| {
        let mut engine = Engine::new(world.graph(), &ann);
        names.map(|name| engine.holds(ObjectRelation::new("doc", "1", name)).unwrap().result)
    };
    assert_eq!(ask(["v", "a"]), [CheckResult::Yes, CheckResult::No]);
    assert_eq!(ask(["a", "v"]), [CheckResult::No, CheckResult::Yes]);
}
