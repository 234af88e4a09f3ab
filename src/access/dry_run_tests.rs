use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::access::graph::tests::world::{IDS, TYPES, World, model, permission, relation, some_world, subjects, tuple};
use crate::access::model::Rewrite;
use crate::base::Budget;
use crate::records::tuple::GROUP;

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

/// What everybody gains and loses everywhere, found by asking about all of them.
fn asked<A: TupleReader>(world: &World, after: Graph<'_, A>) -> Changes {
    let mut trial = Trial::new(world.graph(), after, &everybody_is_live);
    let pairs = TYPES.into_iter().flat_map(|kind| IDS.into_iter().map(move |id| (kind.to_owned(), id.to_owned())));
    let objects: Vec<Object> = pairs.collect();
    for person in subjects().iter().filter(|subject| subject.relation.is_none() && subject.kind == USER) {
        trial.compare(person, &objects).unwrap();
    }
    trial.finished()
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
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Those whom nothing names gain and lose what everyone does, and are not listed by themselves.
    #[test]
    fn a_dry_run_finds_what_asking_about_everybody_and_everything_finds(
        world in some_world(false),
        more in some_world(false),
        picks in prop::collection::vec(0..24_usize, 0..3),
    ) {
        let removed: Vec<TupleKey> = picks.iter().filter_map(|pick| world.tuples.keys().nth(*pick).cloned()).collect();
        let added: Vec<Tuple> = more.tuples.values().take(2).cloned().collect();
        let overlay = Overlay::new(&world, added.iter().cloned(), removed.iter().cloned());
        let plain = world.graph();
        let keys: Vec<&TupleKey> = added.iter().map(|tuple| &tuple.key).chain(&removed).collect();
        let (found, all) = (tried(&world, plain.with(&overlay), &keys), asked(&world, plain.with(&overlay)));
        // An object that no tuple names is as `*` is.
        let named: BTreeSet<(&str, &str)> =
            world.tuples.keys().chain(keys.iter().copied()).map(|key| (&*key.entity_type, &*key.entity_id)).collect();
        let is_told = |change: &&Change| {
            let is_named = change.entity_id == ANY || named.contains(&(&*change.entity_type, &*change.entity_id));
            let everyone = Change { subject: SubjectRef::new(USER, ANY), ..(*change).clone() };
            let is_one = !(all.gained.contains(&everyone) || all.lost.contains(&everyone));
            is_named && (change.subject.id == ANY || is_one)
        };
        for (found, all) in [(&found.gained, &all.gained), (&found.lost, &all.lost)] {
            for change in all.iter().filter(is_told) {
                prop_assert!(found.contains(change), "{:?} is not found\n{}", change, told(&world, &added, &removed));
            }
            for change in found.iter().filter(|change| change.subject.kind == USER) {
                prop_assert!(all.contains(change), "{:?} is made up\n{}", change, told(&world, &added, &removed));
            }
        }
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
    assert_eq!((changes.gained.len(), changes.lost.len(), changes.complete), (40, 0, true));
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
        assert_eq!(changes.complete, changes.gained.len() == 40 && !budget.is_spent(), "{steps}");
        assert!(changes.gained.len() >= last.get() && changes.lost.is_empty());
        last.set(changes.gained.len());
    }
    assert_eq!(last.get(), 40);
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
