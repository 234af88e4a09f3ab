//! Lists and claims say what checks say.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::laws::stored;
use super::world::{RELATIONS, TYPES, World, model, relation, some_knot, some_world, subjects, tuple};
use crate::access::Error;
use crate::access::check::{CheckSession, SubjectStatus};
use crate::access::claims::{PermissionClaims, Scope, collect};
use crate::access::graph::{CheckResult, Graph, Limits, Overlay, StoreTuples, TupleReader};
use crate::access::list::{SubjectFilter, actions, objects, subjects as list_subjects};
use crate::access::model::Rewrite;
use crate::base::Budget;
use crate::base::id::TenantId;
use crate::base::page::PageRequest;
use crate::records::{SubjectRef, Tuple};

const PERMISSIONS: [&str; 5] = ["see", "edit", "fail", "r1", "member"];

fn session<'a, F: TupleReader>(graph: Graph<'a, F>, subject: &SubjectRef) -> CheckSession<'a, F> {
    CheckSession::new(graph, subject, SubjectStatus::ACTIVE, 0)
}

fn result(graph: Graph<'_, impl TupleReader>, subject: &SubjectRef, question: (&str, &str, &str)) -> CheckResult {
    let model = graph.schema.model(question.0).unwrap().unwrap();
    session(graph, subject).static_result(&model, question.1, question.2).unwrap().unwrap()
}

fn objects_agree(
    graph: Graph<'_, impl TupleReader>,
    subject: &SubjectRef,
    (kind, permission, limit): (&str, &str, usize),
) -> Result<(), TestCaseError> {
    let mut request = PageRequest { limit, ..PageRequest::default() };
    let (mut listed, mut wildcard, mut granted) = (Vec::new(), false, false);
    let mut asked = session(graph, subject);
    if subject.id == "*" && subject.relation.is_some() {
        prop_assert!(matches!(objects(&mut asked, kind, permission, &request), Err(Error::Invalid(_))));
        return Ok(());
    }
    loop {
        let page = objects(&mut asked, kind, permission, &request).unwrap();
        wildcard |= page.wildcard_grant || page.wildcard_gated;
        granted |= page.wildcard_grant;
        listed.extend(page.items);
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    let known = graph.tuples.entity_ids(kind, None, 99).unwrap();
    let mut wanted = Vec::new();
    for id in ["1", "2"] {
        let result = result(graph, subject, (kind, id, permission));
        if result >= CheckResult::Gated && (!wildcard || known.iter().any(|one| one == id)) {
            wanted.push((id, result == CheckResult::Gated));
        }
    }
    let found: Vec<_> = listed.iter().map(|item| (item.entity_id.as_str(), item.abac_required)).collect();
    prop_assert_eq!(found, wanted, "{} may {} {}", subject, permission, kind);
    prop_assert_eq!(wildcard, result(graph, subject, (kind, "*", permission)) >= CheckResult::Gated);
    for id in ["1", "2", "unheard-of"].into_iter().filter(|_| granted) {
        prop_assert_eq!(
            result(graph, subject, (kind, id, permission)),
            CheckResult::Yes,
            "{} {} {}",
            subject,
            kind,
            id
        );
    }
    Ok(())
}

fn subjects_agree(
    graph: Graph<'_, impl TupleReader>,
    question: (&str, &str, &str),
    limit: usize,
) -> Result<(), TestCaseError> {
    for who in subjects() {
        let named = match who.as_set() {
            Some(("group", id, "member")) => SubjectRef::new("group", id),
            _ => who.clone(),
        };
        let asked = SubjectFilter { kind: &named.kind, relation: named.relation.as_deref() };
        let live = |_: &SubjectRef| Ok(SubjectStatus::ACTIVE);
        let mut request = PageRequest { limit, ..PageRequest::default() };
        let (mut listed, mut everyone, mut granted) = (Vec::new(), false, false);
        loop {
            let page = list_subjects(graph, question, &asked, &live, &request).unwrap();
            everyone |= page.everyone || page.everyone_gated;
            granted |= page.everyone;
            listed.extend(page.items);
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        for item in &listed {
            let result = result(graph, &item.subject, question);
            prop_assert_eq!(item.abac_required, result == CheckResult::Gated);
            prop_assert!(result >= CheckResult::Gated, "{} is listed for {:?}", item.subject, question);
        }
        let distinct: BTreeSet<_> = listed.iter().map(|item| item.subject.clone()).collect();
        prop_assert_eq!(distinct.len(), listed.len());
        let each = [who.clone(), SubjectRef::new(&*named.kind, "unheard-of")];
        for one in each.iter().filter(|_| granted) {
            prop_assert_eq!(result(graph, one, question), CheckResult::Yes, "{} for {:?}", one, question);
        }
        let may = result(graph, &who, question) >= CheckResult::Gated;
        let is_listed = listed.iter().any(|item| item.subject == named);
        if who.id == "*" && who.relation.is_none() {
            prop_assert_eq!(may, everyone);
        } else {
            prop_assert!(may == is_listed || may && everyone, "{} for {:?}: {} {}", who, question, may, is_listed);
        }
    }
    Ok(())
}

fn has(claims: &PermissionClaims, gated: bool, key: &str, name: &str) -> bool {
    let map = if gated { &claims.abac_required } else { &claims.permissions };
    map.get(key).and_then(|names| names.as_array()).is_some_and(|names| names.iter().any(|one| one == name))
}

fn claims_agree(world: &World, graph: Graph<'_, impl TupleReader>, subject: &SubjectRef) -> Result<(), TestCaseError> {
    let claims = collect(&mut session(graph, subject), Scope::All, 1 << 20).unwrap();
    for (key, names) in &claims.permissions {
        let (kind, id) = key.split_once(':').unwrap_or((key, "*"));
        for name in names.as_array().unwrap() {
            let name = name.as_str().unwrap();
            let gated = has(&claims, true, key, name);
            let found = result(graph, subject, (kind, id, name));
            prop_assert!(found == CheckResult::Yes || gated && found == CheckResult::Gated, "{} {}", key, name);
            if gated {
                prop_assert!(has(&claims, true, kind, name));
            } else if id == "*" && subject.relation.is_none() {
                // `doc:*#viewer` asked about is who sees all documents at once, not each.
                for one in ["1", "2", "unheard-of"] {
                    prop_assert_eq!(result(graph, subject, (kind, one, name)), CheckResult::Yes);
                }
            }
        }
    }
    for key in world.keys(|key| key.subject == *subject && key.entity_type != "group") {
        let (kind, id) = (&key.entity_type, &key.entity_id);
        let at = if id == "*" { kind.clone() } else { format!("{kind}:{id}") };
        let names = RELATIONS.into_iter().chain(["see", "edit", "pay", "fail"]);
        for name in names.filter(|name| world.models[kind].wanted(name).is_some()) {
            let found = result(graph, subject, (kind, id, name)) >= CheckResult::Gated;
            prop_assert_eq!(found, has(&claims, false, &at, name), "{} {}", at, name);
        }
    }
    for budget in [0, 40, 90, 200, 400] {
        let less = collect(&mut session(graph, subject), Scope::All, budget).unwrap();
        let size = |map| serde_json::to_string(map).unwrap().len();
        prop_assert!(size(&less.permissions) + size(&less.abac_required) <= budget.max(4));
        if !less.truncated {
            prop_assert_eq!(&less, &claims);
        }
        for (key, names) in &less.permissions {
            prop_assert!(names.as_array().unwrap().iter().all(|name| has(&claims, false, key, name.as_str().unwrap())));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn an_object_is_listed_exactly_when_it_passes_the_check(
        world in prop_oneof![some_world(false), some_knot()], one in 0..9_usize, limit in 1..4_usize,
    ) {
        for kind in TYPES {
            for permission in PERMISSIONS {
                objects_agree(world.graph(), &subjects()[one], (kind, permission, limit))?;
            }
        }
    }

    #[test]
    fn a_subject_is_listed_exactly_when_it_passes_the_check(
        world in prop_oneof![some_world(false), some_knot()], kind in 0..3_usize, id in 0..3_usize, permission in 0..5_usize, limit in 1..4_usize,
    ) {
        subjects_agree(world.graph(), (TYPES[kind], super::world::IDS[id], PERMISSIONS[permission]), limit)?;
    }

    #[test]
    fn everything_in_a_token_passes_the_check(world in prop_oneof![some_world(false), some_knot()], one in 0..9_usize) {
        claims_agree(&world, world.graph(), &subjects()[one])?;
    }

    #[test]
    fn lists_and_claims_see_through_an_overlay(
        world in prop_oneof![some_world(false), some_knot()], one in 0..9_usize, split in any::<u32>(), limit in 1..4_usize,
    ) {
        let subject = &subjects()[one];
        let chosen = |n: usize| split >> (n % 32) & 1 == 0;
        let below = world.tuples.iter().enumerate().filter(|(n, _)| chosen(*n));
        let below = World { tuples: below.map(|(_, (key, tuple))| (key.clone(), tuple.clone())).collect(), ..world.clone() };
        let added = world.tuples.values().enumerate().filter(|(n, _)| !chosen(*n)).map(|(_, tuple)| tuple.clone());
        let store = stored(&below);
        let from = store.read().unwrap();
        let base = StoreTuples { from: &from, tenant: TenantId::DEFAULT };
        let overlay = Overlay::new(&base, added, []);
        let plain = world.graph();
        let graph = Graph { tuples: &overlay, schema: &world, now: plain.now, limits: plain.limits, budget: None };
        for permission in PERMISSIONS {
            objects_agree(graph, subject, ("doc", permission, limit))?;
        }
        subjects_agree(graph, ("doc", "1", "see"), limit)?;
        claims_agree(&world, graph, subject)?;
        let offered = actions(&mut session(graph, subject), "doc", "1").unwrap();
        for name in world.models["doc"].permissions.keys() {
            let may = result(graph, subject, ("doc", "1", name)) >= CheckResult::Gated;
            prop_assert_eq!(may, offered.iter().any(|action| action.permission == *name));
        }
    }
}

/// Documents whose viewers are a group, and one that has more parents than a question may look at.
fn library(tuples: impl IntoIterator<Item = Tuple>) -> World {
    let mut world = World::default();
    let inherited = Rewrite::FromParent { from: String::from("folder"), relation: String::from("viewer") };
    let viewer = relation(Rewrite::AnyOf(vec![Rewrite::Direct, inherited]));
    let doc = model("doc", vec![("folder", relation(Rewrite::Direct)), ("viewer", viewer)]);
    let folder = model("folder", vec![("viewer", relation(Rewrite::Direct))]);
    let group = model("group", vec![("member", relation(Rewrite::Direct))]);
    world.models = [doc, folder, group].into_iter().map(|model| (model.entity_type.clone(), Arc::new(model))).collect();
    world.tuples = tuples.into_iter().map(|tuple| (tuple.key.clone(), tuple)).collect();
    world
}

fn ann() -> SubjectRef {
    SubjectRef::new("user", "ann")
}

#[test]
fn an_object_that_leads_too_far_takes_only_itself_away_and_is_named() {
    let far = (0..12).map(|n| tuple(("doc", "far", "folder"), SubjectRef::new("folder", format!("f{n}"))));
    let near = ["a", "z"].map(|id| tuple(("doc", id, "viewer"), ann()));
    let last = tuple(("folder", "f11", "viewer"), ann());
    let world = library(far.chain(near).chain([last]));
    let plain = world.graph();
    let graph = Graph { limits: Limits { nodes: 8, ..plain.limits }, ..plain };
    let page = objects(&mut session(graph, &ann()), "doc", "viewer", &PageRequest::default()).unwrap();
    let ids: Vec<&str> = page.items.iter().map(|item| item.entity_id.as_str()).collect();
    assert_eq!((ids, page.undecided, page.next), (vec!["a", "z"], vec![String::from("far")], None));
    let asked = SubjectFilter { kind: "user", relation: None };
    let live = |_: &SubjectRef| Ok(SubjectStatus::ACTIVE);
    let bob = tuple(("doc", "far", "viewer"), SubjectRef::new("user", "bob"));
    let other = library(world.tuples.values().cloned().chain([bob]));
    let graph = Graph { tuples: &other, schema: &other, ..graph };
    let page = list_subjects(graph, ("doc", "far", "viewer"), &asked, &live, &PageRequest::default()).unwrap();
    assert!(
        page.items.iter().any(|item| item.subject.id == "bob") && page.undecided.contains(&String::from("user:ann"))
    );
}

/// How many are listed to the end, with pages of this size, and the steps that the first and the last full page took.
fn listed(graph: Graph<'_, impl TupleReader>, limit: usize, what: ListOf) -> (usize, [u64; 2]) {
    let mut request = PageRequest { limit, ..PageRequest::default() };
    let (mut count, mut costs, mut seen) = (0, Vec::new(), BTreeSet::new());
    loop {
        let budget = Budget::of(u64::MAX);
        let graph = Graph { budget: Some(&budget), ..graph };
        let (items, next): (Vec<String>, _) = match what {
            ListOf::Objects => {
                let page = objects(&mut session(graph, &ann()), "doc", "viewer", &request).unwrap();
                (page.items.into_iter().map(|item| item.entity_id).collect(), page.next)
            }
            ListOf::Subjects => {
                let (asked, live) =
                    (SubjectFilter { kind: "user", relation: None }, |_: &SubjectRef| Ok(SubjectStatus::ACTIVE));
                let page = list_subjects(graph, ("doc", "shared", "viewer"), &asked, &live, &request).unwrap();
                (page.items.into_iter().map(|item| item.subject.id).collect(), page.next)
            }
        };
        count += items.len();
        if items.len() == limit {
            costs.push(budget.spent());
        }
        seen.extend(items);
        request.after = next;
        if request.after.is_none() {
            assert_eq!(seen.len(), count, "each is listed once");
            return (count, [costs[0], *costs.last().unwrap()]);
        }
    }
}

#[derive(Clone, Copy)]
enum ListOf {
    Objects,
    Subjects,
}

/// Many documents of one person, itself, through a group and through a folder; and one of a large group.
fn many(count: usize) -> World {
    let group = SubjectRef::new("group", "g");
    let own = (0..count).map(|n| {
        let id = format!("d{n:06}");
        match n % 5 {
            0 => tuple(("doc", &id, "viewer"), group.clone()),
            1 => tuple(("doc", &id, "folder"), SubjectRef::new("folder", "f")),
            _ => tuple(("doc", &id, "viewer"), ann()),
        }
    });
    let members = (0..count).map(|n| tuple(("group", "g", "member"), SubjectRef::new("user", format!("u{n:06}"))));
    let more = [
        tuple(("group", "g", "member"), ann()),
        tuple(("folder", "f", "viewer"), group.clone()),
        tuple(("doc", "shared", "viewer"), group.clone()),
    ];
    library(own.chain(members).chain(more))
}

#[test]
fn a_page_costs_what_it_holds_wherever_the_list_stands_and_lists_end() {
    let world = many(3_000);
    let store = stored(&world);
    let from = store.read().unwrap();
    let tuples = StoreTuples { from: &from, tenant: TenantId::DEFAULT };
    let plain = world.graph();
    // However few a walk may look at.
    let limits = Limits { listed: 500, ..plain.limits };
    let graph = Graph { tuples: &tuples, schema: &world, now: plain.now, limits, budget: None };
    for (what, wanted) in [(ListOf::Objects, 3_001), (ListOf::Subjects, 3_001)] {
        let (count, [first, last]) = listed(graph, 100, what);
        assert_eq!(count, wanted);
        assert!(first < 3_000 && last < 3_000, "{first} {last}");
        assert_eq!(listed(graph, 1_000, what).0, wanted);
    }
}

/// What lists of a hundred thousand cost: `cargo test --release --lib -- --ignored --nocapture a_hundred_thousand`.
#[test]
#[ignore = "measures"]
fn a_hundred_thousand_are_listed_to_the_end() {
    let cpu = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<u64> =
            stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2).map(|n| n.parse().unwrap()).collect();
        fields.iter().sum::<u64>() as f64 / 100.0
    };
    let world = many(100_000);
    let store = stored(&world);
    let from = store.read().unwrap();
    let tuples = StoreTuples { from: &from, tenant: TenantId::DEFAULT };
    let plain = world.graph();
    let graph = Graph { tuples: &tuples, schema: &world, now: plain.now, limits: Limits::default(), budget: None };
    for (name, what) in [("objects", ListOf::Objects), ("subjects", ListOf::Subjects)] {
        for limit in [200, 1_000] {
            let before = cpu();
            let (count, _) = listed(graph, limit, what);
            println!("{count} {name}, pages of {limit}: {:.2} CPU seconds", cpu() - before);
        }
    }
}
