use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::access::graph::tests::naive::{self, Naive};
use crate::access::graph::tests::world::{
    IDS, TYPES, World, model, permission, relation, some_knot, some_model, some_world, subjects, tuple,
};
use crate::access::model::Rewrite;
use crate::base::Budget;

fn everybody_is_live(_: &SubjectRef) -> Result<SubjectStatus, Error> {
    Ok(SubjectStatus::ACTIVE)
}

fn tried<A: TupleReader>(world: &World, after: Graph<'_, A>, keys: &[&TupleKey]) -> Changes {
    let mut trial = Trial::new(world.graph(), after, &everybody_is_live);
    trial
        .within_reach(|trial| {
            let objects = trial.objects(keys)?;
            let subjects = trial.subjects(keys)?;
            trial.compare_all(&subjects, objects)
        })
        .unwrap();
    trial.finished()
}

/// Every subject that is no set, and everyone of each of their types.
fn everybody() -> Vec<SubjectRef> {
    let all = ["key", "folder"].map(|kind| SubjectRef::new(kind, ANY));
    subjects().into_iter().filter(is_one).chain(all).collect()
}

/// What everybody can do with everything, by the naive evaluator.
fn verdicts(world: &World) -> BTreeMap<(SubjectRef, &'static str, &'static str, String), CheckResult> {
    let mut all = BTreeMap::new();
    for subject in everybody() {
        let (sure, possible) = Naive { world, subject: subject.clone(), live: None }.answers();
        assert_eq!(sure, possible);
        for (kind, id) in TYPES.into_iter().flat_map(|kind| IDS.into_iter().map(move |id| (kind, id))) {
            let model = &world.models[kind];
            for name in actions_of(model) {
                let (relation, policy) = model.wanted(name).unwrap();
                let result = sure[&naive::node(kind, id, relation, false)];
                let result = if policy.is_some() { result.min(CheckResult::Gated) } else { result };
                let result = if result < CheckResult::Gated { CheckResult::No } else { result };
                all.insert((subject.clone(), kind, id, name.clone()), result);
            }
        }
    }
    all
}

/// Who gains and who loses what between two worlds, by asking about everybody and everything in both.
fn asked(before: &World, after: &World) -> Changes {
    let (old, new) = (verdicts(before), verdicts(after));
    let mut changes = Changes::default();
    for at in old.keys().chain(new.keys()) {
        let result = |all: &BTreeMap<_, CheckResult>| all.get(at).copied().unwrap_or(CheckResult::No);
        let (held, holds) = (result(&old), result(&new));
        let (subject, entity_type, entity_id, permission) = at.clone();
        let (entity_type, entity_id) = (entity_type.to_owned(), entity_id.to_owned());
        let abac_required = [held, holds].contains(&CheckResult::Gated);
        let change = Change { subject, permission, entity_type, entity_id, abac_required };
        if held < holds {
            changes.gained.insert(change);
        } else if held > holds {
            changes.lost.insert(change);
        }
    }
    changes
}

/// A dry run lists nothing that is not so, and leaves out nothing but objects that no tuple names, which are as `*` is,
/// and people who gain and lose just what everyone does.
fn is_right(found: &Changes, all: &Changes, keys: &[&TupleKey], told: &str) -> Result<(), TestCaseError> {
    prop_assert!(found.complete, "{}", told);
    let named: BTreeSet<(&str, &str)> = keys.iter().map(|key| (&*key.entity_type, &*key.entity_id)).collect();
    for (found, all) in [(&found.gained, &all.gained), (&found.lost, &all.lost)] {
        let is_told = |change: &&Change| {
            let is_named = change.entity_id == ANY || named.contains(&(&*change.entity_type, &*change.entity_id));
            let everyone = SubjectRef::new(&*change.subject.kind, ANY);
            let as_everyone = Change { subject: everyone.clone(), ..(*change).clone() };
            is_named && (change.subject == everyone || !all.contains(&as_everyone))
        };
        for change in all.iter().filter(is_told) {
            prop_assert!(found.contains(change), "{:?} is not found\n{}", change, told);
        }
        for change in found.iter().filter(|change| everybody().contains(&change.subject)) {
            prop_assert!(all.contains(change), "{:?} is made up\n{}", change, told);
        }
    }
    Ok(())
}

/// A world and a change in few lines.
fn told(world: &World, added: &[Tuple], removed: &[TupleKey]) -> String {
    let line = |mark: &str, key: &TupleKey| format!("{mark} {key}\n");
    let mut text: String = world.tuples.keys().map(|key| line(" ", key)).collect();
    text.extend(added.iter().map(|tuple| line("+", &tuple.key)));
    text.extend(removed.iter().map(|key| line("-", key)));
    for (kind, model) in &world.models {
        let rewrites = model
            .relations
            .iter()
            .map(|(name, relation)| format!("  {name} = {:?} {:?}\n", relation.rewrite, relation.subjects));
        text.push_str(&format!("{kind}:\n{}", rewrites.collect::<String>()));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dry_run_of_tuples_says_what_the_naive_evaluator_says_before_and_after(
        mut world in prop_oneof![some_world(false), some_knot()],
        more in some_world(false),
        picks in prop::collection::vec(0..24_usize, 0..3),
        plain in any::<bool>(),
    ) {
        if plain {
            without_permissions(&mut world);
        }
        let removed: Vec<TupleKey> = picks.iter().filter_map(|pick| world.tuples.keys().nth(*pick).cloned()).collect();
        // A condition that takes another one's place is said to be unclear, which has a test of its own.
        let is_new = |tuple: &&Tuple| !world.tuples.contains_key(&tuple.key);
        let added: Vec<Tuple> = more.tuples.values().filter(is_new).take(2).cloned().collect();
        let mut after = world.clone();
        after.tuples.retain(|key, _| !removed.contains(key));
        after.tuples.extend(added.iter().map(|tuple| (tuple.key.clone(), tuple.clone())));
        let overlay = Overlay::new(&world, added.iter().cloned(), removed.iter().cloned());
        let keys: Vec<&TupleKey> = added.iter().map(|tuple| &tuple.key).chain(&removed).collect();
        let found = tried(&world, world.graph().with(&overlay), &keys);
        let named: Vec<&TupleKey> = world.tuples.keys().chain(keys).collect();
        is_right(&found, &asked(&world, &after), &named, &told(&world, &added, &removed))?;
    }

    #[test]
    fn a_dry_run_of_a_model_says_what_the_naive_evaluator_says_before_and_after(
        mut world in some_world(false),
        kind in prop::sample::select(TYPES.to_vec()),
        other in some_model("doc", false),
        (all, plain) in any::<(bool, bool)>(),
    ) {
        if plain {
            without_permissions(&mut world);
        }
        let mut model = CompiledModel::clone(&world.models[kind]);
        model.permissions = if plain { BTreeMap::new() } else { other.permissions.clone() };
        for (name, relation) in other.relations {
            if all || name == "r1" {
                model.relations.insert(name, relation);
            }
        }
        let mut after = world.clone();
        after.models.insert(kind.to_owned(), Arc::new(model));
        let mut trial = Trial::new(world.graph(), Graph { schema: &after, ..world.graph() }, &everybody_is_live);
        trial
            .within_reach(|trial| {
                let objects = trial.resting_on(kind)?;
                trial.compare_everybody(objects)
            })
            .unwrap();
        let named: Vec<&TupleKey> = world.tuples.keys().collect();
        is_right(&trial.finished(), &asked(&world, &after), &named, &format!("{kind}\n{}", told(&after, &[], &[])))?;
    }
}

/// Imported models have none: their relations are what is asked for.
fn without_permissions(world: &mut World) {
    for model in world.models.values_mut() {
        Arc::make_mut(model).permissions.clear();
    }
}

/// Many documents in a folder, a large group that sees them, and one person who is put in.
fn library(documents: usize, members: usize) -> World {
    let mut world = World::default();
    let (direct, from) = (Rewrite::Direct, String::from("folder"));
    let inherited = Rewrite::FromParent { from, relation: String::from("viewer") };
    let mut doc = model("doc", vec![("folder", relation(direct.clone())), ("viewer", relation(inherited))]);
    doc.permissions.insert(String::from("read"), permission("viewer", None));
    let folder = model("folder", vec![("viewer", relation(direct.clone()))]);
    let group = model(GROUP, vec![("member", relation(direct))]);
    world.models = [doc, folder, group].into_iter().map(|model| (model.entity_type.clone(), Arc::new(model))).collect();
    let mut put = |object: (&str, &str, &str), subject| {
        let made = tuple(object, subject);
        world.tuples.insert(made.key.clone(), made);
    };
    for number in 0..documents {
        put(("doc", &format!("d{number:04}"), "folder"), SubjectRef::new("folder", "f"));
    }
    for number in 0..members {
        put((GROUP, "staff", "member"), SubjectRef::new(USER, format!("u{number:04}")));
    }
    put(("folder", "f", "viewer"), SubjectRef::set(GROUP, "staff", "member"));
    world
}

fn joins(person: &str) -> Tuple {
    tuple((GROUP, "staff", "member"), SubjectRef::new(USER, person))
}

#[test]
fn a_dry_run_asks_about_those_whom_the_change_speaks_of_and_nobody_else() {
    let world = library(40, 60);
    let added = [joins("zoe")];
    let overlay = Overlay::new(&world, added.iter().cloned(), []);
    let budget = Budget::of(u64::MAX);
    let before = Graph { budget: Some(&budget), ..world.graph() };
    let mut trial = Trial::new(before, before.with(&overlay), &everybody_is_live);
    let keys = [&added[0].key];
    let (objects, subjects) = (trial.objects(&keys).unwrap(), trial.subjects(&keys).unwrap());
    trial.compare_all(&subjects, objects).unwrap();
    let changes = trial.finished();
    assert_eq!((changes.gained.len(), changes.lost.len(), changes.complete), (41, 0, true));
    assert!(changes.gained.iter().all(|change| change.subject.id == "zoe"));
    assert_eq!(changes.looked_at.subjects, 1);
    // A few steps for each object, however many are in the group.
    assert!(budget.spent() < 1_500, "{}", budget.spent());
}

#[test]
fn a_dry_run_whose_budget_ends_tells_what_it_found_and_that_it_is_not_all() {
    let world = library(40, 60);
    let added = [tuple(("folder", "f", "viewer"), SubjectRef::new(USER, "zoe"))];
    let overlay = Overlay::new(&world, added.iter().cloned(), []);
    let last = Cell::new(0);
    for steps in [0, 50, 150, 250, 350, 100_000] {
        let budget = Budget::of(steps);
        let before = Graph { budget: Some(&budget), ..world.graph() };
        let mut trial = Trial::new(before, before.with(&overlay), &everybody_is_live);
        trial
            .within_reach(|trial| {
                let keys = [&added[0].key];
                let (objects, subjects) = (trial.objects(&keys)?, trial.subjects(&keys)?);
                trial.compare_all(&subjects, objects)
            })
            .unwrap();
        let changes = trial.finished();
        assert_eq!(changes.complete, changes.gained.len() == 41 && !budget.is_spent(), "{steps}");
        assert!(changes.gained.len() >= last.get() && changes.lost.is_empty());
        last.set(changes.gained.len());
    }
    assert_eq!(last.get(), 41);
}

#[test]
fn a_new_parent_is_felt_where_those_stand_who_have_something_by_it() {
    let mut world = library(0, 1);
    let mut note = model("note", vec![("viewer", relation(Rewrite::Direct))]);
    note.permissions.insert(String::from("read"), permission("viewer", None));
    world.models.insert(String::from("note"), Arc::new(note));
    let stands = tuple(("note", "n", "viewer"), SubjectRef::set("doc", "d", "viewer"));
    world.tuples.insert(stands.key.clone(), stands);
    let added = [tuple(("doc", "d", "folder"), SubjectRef::new("folder", "f"))];
    let overlay = Overlay::new(&world, added.iter().cloned(), []);
    let changes = tried(&world, world.graph().with(&overlay), &[&added[0].key]);
    let gained: Vec<String> =
        changes.gained.iter().map(|one| format!("{}:{} {}", one.entity_type, one.entity_id, one.subject.id)).collect();
    assert_eq!((gained, changes.complete), (vec![String::from("doc:d u0000"), String::from("note:n u0000")], true));
}

#[test]
fn a_narrowed_model_is_felt_by_what_inherits_from_its_type() {
    let world = library(3, 2);
    let mut narrowed = CompiledModel::clone(&world.models["folder"]);
    narrowed.relations.insert(String::from("viewer"), relation(Rewrite::AnyOf(Vec::new())));
    let mut after = world.clone();
    after.models.insert(String::from("folder"), Arc::new(narrowed));
    let mut trial = Trial::new(world.graph(), Graph { schema: &after, ..world.graph() }, &everybody_is_live);
    let objects = trial.resting_on("folder").unwrap();
    trial.compare_everybody(objects).unwrap();
    let changes = trial.finished();
    let lost = |change: &&Change| change.entity_type == "doc" && change.permission == "read";
    assert_eq!((changes.lost.iter().filter(lost).count(), changes.gained.len(), changes.complete), (6, 0, true));
}

#[test]
fn a_policy_that_comes_may_take_and_one_that_changes_is_not_known() {
    let world = library(1, 1);
    let tried = |from: Option<&str>, to: Option<&str>| {
        let mut worlds = [from, to].map(|policy| {
            let mut world = world.clone();
            let model = Arc::make_mut(world.models.get_mut("doc").unwrap());
            model.permissions.insert(String::from("read"), permission("viewer", policy));
            world
        });
        let [before, after] = &mut worlds;
        let mut trial = Trial::new(before.graph(), Graph { schema: after, ..before.graph() }, &everybody_is_live);
        let objects = trial.resting_on("doc").unwrap();
        trial.compare_everybody(objects).unwrap();
        trial.note_policies("doc").unwrap();
        let changes = trial.finished();
        let gated = changes.gained.iter().chain(&changes.lost).filter(|change| change.abac_required).count();
        (changes.gained.len(), changes.lost.len(), gated, changes.complete)
    };
    assert_eq!(tried(None, Some("no")), (0, 1, 1, true));
    assert_eq!(tried(Some("no"), None), (1, 0, 1, true));
    assert_eq!(tried(Some("yes"), Some("no")), (0, 0, 0, false));
    assert_eq!(tried(Some("yes"), Some("yes")), (0, 0, 0, true));
}
