//! Small worlds: models, tuples and a runner of scripts that reads the outcome off the text.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::access::Error;
use crate::access::graph::{Graph, Limits, ObjectRelation, Schema, Script, ScriptOutcome, ScriptRunner, TupleReader};
use crate::access::model::{CompiledModel, Permission, Relation, Rewrite, SubjectRule};
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store;
use crate::testing::START;

pub(in crate::access) const TYPES: [&str; 3] = ["doc", "folder", "group"];
pub(in crate::access) const IDS: [&str; 3] = ["1", "2", "*"];
/// A relation may take away only what relations before it give, so that every world has one meaning.
pub(in crate::access) const RELATIONS: [&str; 4] = ["member", "r1", "r2", "r3"];

#[derive(Clone, Debug, Default)]
pub(in crate::access) struct World {
    pub(in crate::access) models: BTreeMap<String, Arc<CompiledModel>>,
    pub(in crate::access) tuples: BTreeMap<TupleKey, Tuple>,
}

impl World {
    pub(in crate::access) fn graph(&self) -> Graph<'_, Self> {
        let limits = Limits { depth: 1_000, ..Limits::default() };
        Graph { tuples: self, schema: self, now: START, limits, budget: None }
    }

    pub(in crate::access) fn keys(&self, wanted: impl Fn(&TupleKey) -> bool) -> Vec<TupleKey> {
        self.tuples.keys().filter(|key| wanted(key)).cloned().collect()
    }

    fn at(&self, at: ObjectRelation<'_>) -> impl Iterator<Item = &Tuple> {
        self.tuples.values().filter(move |tuple| {
            let key = &tuple.key;
            (&*key.entity_type, &*key.entity_id, &*key.relation) == (at.kind, at.id, at.relation)
        })
    }
}

impl Schema for World {
    fn model(&self, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        Ok(self.models.get(entity_type).cloned())
    }
}

impl TupleReader for World {
    fn tuple(&self, at: ObjectRelation<'_>, subject: &SubjectRef) -> Result<Option<Tuple>, store::Error> {
        Ok(self.at(at).find(|tuple| tuple.key.subject == *subject).cloned())
    }

    fn sets(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, store::Error> {
        let sets = self.at(at).filter(|tuple| tuple.key.subject.as_set().is_some());
        Ok(sets.take(limit).cloned().collect())
    }

    fn holders(&self, at: ObjectRelation<'_>, limit: usize) -> Result<Vec<Tuple>, store::Error> {
        let mut all: Vec<_> = self.at(at).cloned().collect();
        all.sort_by_key(|tuple| tuple.key.subject.as_set().is_some());
        all.truncate(limit);
        Ok(all)
    }

    fn of_subject(
        &self,
        subject: &SubjectRef,
        after: Option<&TupleKey>,
        limit: usize,
    ) -> Result<Vec<TupleKey>, store::Error> {
        let order = |key: &TupleKey| (key.entity_type.clone(), key.relation.clone(), key.entity_id.clone());
        let mut keys = self.keys(|key| key.subject == *subject && after.is_none_or(|after| order(key) > order(after)));
        keys.sort_by_key(order);
        keys.truncate(limit);
        Ok(keys)
    }

    fn of_subject_type(
        &self,
        kind: &str,
        after: Option<&TupleKey>,
        limit: usize,
    ) -> Result<Vec<TupleKey>, store::Error> {
        let order = |key: &TupleKey| {
            (key.subject.clone(), key.entity_type.clone(), key.relation.clone(), key.entity_id.clone())
        };
        let mut keys = self.keys(|key| key.subject.kind == kind && after.is_none_or(|after| order(key) > order(after)));
        keys.sort_by_key(order);
        keys.truncate(limit);
        Ok(keys)
    }

    fn entity_ids(&self, kind: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, store::Error> {
        let mut ids: Vec<_> = self.keys(|key| key.entity_type == kind).into_iter().map(|key| key.entity_id).collect();
        ids.retain(|id| after.is_none_or(|after| id.as_str() > after));
        ids.dedup();
        ids.truncate(limit);
        Ok(ids)
    }

    fn objects_of(
        &self,
        subject: &SubjectRef,
        (kind, relation): (&str, &str),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, store::Error> {
        let keys = self.keys(|key| {
            let is_behind = after.is_none_or(|after| key.entity_id.as_str() > after);
            key.subject == *subject && key.entity_type == kind && key.relation == relation && is_behind
        });
        Ok(keys.into_iter().map(|key| key.entity_id).take(limit).collect())
    }

    fn subjects_of(
        &self,
        at: ObjectRelation<'_>,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, store::Error> {
        let subjects = self.at(at).map(|tuple| &tuple.key.subject).filter(|subject| {
            let is_one = subject.kind == kind && subject.as_set().is_none() && subject.id != "*";
            is_one && after.is_none_or(|after| subject.id.as_str() > after)
        });
        Ok(subjects.map(|subject| subject.id.clone()).take(limit).collect())
    }

    fn subject_types(&self, limit: usize) -> Result<Vec<String>, store::Error> {
        let kinds: std::collections::BTreeSet<_> = self.tuples.keys().map(|key| key.subject.kind.clone()).collect();
        Ok(kinds.into_iter().take(limit).collect())
    }
}

/// Allows on `yes`, denies on `no`, fails on anything else.
pub(in crate::access) struct TextRunner;

impl ScriptRunner for TextRunner {
    fn run(&mut self, script: &Script<'_>) -> ScriptOutcome {
        match script.text {
            "yes" => ScriptOutcome::Allowed,
            "no" => ScriptOutcome::Denied,
            other => ScriptOutcome::Failed(other.to_owned()),
        }
    }
}

pub(in crate::access) fn tuple(object: (&str, &str, &str), subject: SubjectRef) -> Tuple {
    let (entity_type, entity_id, relation) = (object.0.to_owned(), object.1.to_owned(), object.2.to_owned());
    let key = TupleKey { entity_type, entity_id, relation, subject };
    Tuple { key, condition: None, expires_at: None, created_at: START, updated_at: START }
}

pub(in crate::access) fn model(entity_type: &str, relations: Vec<(&str, Relation)>) -> CompiledModel {
    let relations: BTreeMap<_, _> = relations.into_iter().map(|(name, relation)| (name.to_owned(), relation)).collect();
    CompiledModel {
        entity_type: entity_type.to_owned(),
        client: None,
        permissions: BTreeMap::new(),
        relations,
        admin_bypass: true,
        version: 1,
    }
}

pub(in crate::access) fn relation(rewrite: Rewrite) -> Relation {
    Relation { rewrite, subjects: None }
}

pub(in crate::access) fn permission(relation: &str, policy: Option<&str>) -> Permission {
    Permission { relation: relation.to_owned(), policy: policy.map(Arc::from), description: None }
}

/// Every subject that questions are asked about.
pub(in crate::access) fn subjects() -> Vec<SubjectRef> {
    let mut all: Vec<_> =
        [("user", "ann"), ("user", "bob"), ("user", "*"), ("key", "k"), ("folder", "1"), ("group", "1")]
            .into_iter()
            .map(|(kind, id)| SubjectRef::new(kind, id))
            .collect();
    all.extend([
        SubjectRef::set("group", "2", "member"),
        SubjectRef::set("doc", "1", "r1"),
        SubjectRef::set("doc", "*", "r2"),
    ]);
    all
}

fn some_subject(below: usize) -> impl Strategy<Value = SubjectRef> {
    let id = || prop::sample::select(IDS.to_vec());
    prop_oneof![
        6 => prop::sample::select(vec![("user", "ann"), ("user", "bob"), ("user", "*"), ("key", "k")])
            .prop_map(|(kind, id)| SubjectRef::new(kind, id)),
        4 => id().prop_map(|id| SubjectRef::new("group", id)),
        3 => (prop::sample::select(TYPES.to_vec()), id(), 0..=below)
            .prop_map(|(kind, id, relation)| SubjectRef::set(kind, id, RELATIONS[relation])),
        4 => (prop::sample::select(vec!["doc", "folder"]), id()).prop_map(|(kind, id)| SubjectRef::new(kind, id)),
    ]
}

fn some_tuple(layered: bool) -> impl Strategy<Value = Tuple> {
    let script = prop_oneof![7 => Just(None), 1 => Just(Some("yes")), 1 => Just(Some("no")), 1 => Just(Some("fails"))];
    let expiry = prop_oneof![8 => Just(None), 1 => Just(Some(-1)), 1 => Just(Some(1))];
    (0..4_usize, prop::sample::select(TYPES.to_vec()), prop::sample::select(IDS.to_vec())).prop_flat_map(
        move |(relation, kind, id)| {
            let below = if layered { relation } else { RELATIONS.len() - 1 };
            (some_subject(below), script.clone(), expiry.clone()).prop_map(move |(subject, script, expiry)| {
                let mut made = tuple((kind, id, RELATIONS[relation]), subject);
                made.condition = script.map(str::to_owned);
                made.expires_at = expiry.map(|by| crate::base::Moment::from_millis(START.millis() + by));
                made
            })
        },
    )
}

/// A rewrite for the relation with this number. `free` ones may take away anything.
fn some_rewrite(number: usize, free: bool) -> BoxedStrategy<Rewrite> {
    let leaf = move |top: usize, direct: bool| {
        let name = (0..=top).prop_map(|n| RELATIONS[n].to_owned());
        let from = (0..4_usize).prop_map(|n| RELATIONS[n].to_owned());
        prop_oneof![
            u32::from(direct) * 6 + 1 => if direct { Just(Rewrite::Direct).boxed() } else { name.clone().prop_map(Rewrite::Computed).boxed() },
            2 => name.clone().prop_map(Rewrite::Computed),
            2 => (from, name).prop_map(|(from, relation)| Rewrite::FromParent { from, relation }),
        ]
        .boxed()
    };
    let gives = leaf(if free { 3 } else { number }, true);
    let takes = if free { Some(leaf(3, true)) } else { number.checked_sub(1).map(|top| leaf(top, false)) };
    gives
        .prop_recursive(2, 8, 3, move |inner| {
            let many = || prop::collection::vec(inner.clone(), 1..4);
            let any = many().prop_map(Rewrite::AnyOf).boxed();
            let all = many().prop_map(Rewrite::AllOf).boxed();
            match &takes {
                None => prop_oneof![any, all].boxed(),
                Some(takes) => {
                    let once = (inner.clone(), takes.clone());
                    let except = once.prop_map(|(base, taken)| Rewrite::Except(Box::new(base), Box::new(taken)));
                    let twice = (inner.clone(), takes.clone(), takes.clone()).prop_map(|(base, taken, back)| {
                        Rewrite::Except(Box::new(base), Box::new(Rewrite::Except(Box::new(taken), Box::new(back))))
                    });
                    prop_oneof![2 => any, 1 => all, 2 => except, 1 => twice].boxed()
                }
            }
        })
        .boxed()
}

fn some_rules() -> impl Strategy<Value = Option<Vec<SubjectRule>>> {
    let rule = prop_oneof![
        prop::sample::select(vec!["user", "group", "doc", "folder"]).prop_map(|kind| SubjectRule::One(kind.to_owned())),
        Just(SubjectRule::Everyone(String::from("user"))),
        (prop::sample::select(TYPES.to_vec()), 0..4_usize)
            .prop_map(|(kind, n)| SubjectRule::Set { kind: kind.to_owned(), relation: RELATIONS[n].to_owned() }),
    ];
    prop_oneof![3 => Just(None), 1 => prop::collection::vec(rule, 1..5).prop_map(Some)]
}

pub(in crate::access) fn some_model(kind: &'static str, free: bool) -> impl Strategy<Value = CompiledModel> {
    let relation = move |n: usize| {
        (some_rewrite(n, free), some_rules()).prop_map(|(rewrite, subjects)| Relation { rewrite, subjects })
    };
    (relation(0), relation(1), relation(2), relation(3)).prop_map(move |(a, b, c, d)| {
        let mut made = model(kind, RELATIONS.into_iter().zip([a, b, c, d]).collect());
        made.permissions = permissions();
        made
    })
}

/// Models and tuples; `free` ones may exclude in circles.
pub(in crate::access) fn some_world(free: bool) -> impl Strategy<Value = World> {
    let models = (some_model("doc", free), some_model("folder", free), some_model("group", free));
    (models, prop::collection::vec(some_tuple(!free), 0..24)).prop_map(|((doc, folder, group), tuples)| World {
        models: [doc, folder, group].into_iter().map(|model| (model.entity_type.clone(), Arc::new(model))).collect(),
        tuples: tuples.into_iter().map(|tuple| (tuple.key.clone(), tuple)).collect(),
    })
}

/// Worlds in which sets contain sets that contain them, and parents have parents: what is found in a circle must not be
/// kept for longer.
pub(in crate::access) fn some_knot() -> impl Strategy<Value = World> {
    knot(false)
}

/// The same, and exclusions are part of the circles.
pub(in crate::access) fn some_free_knot() -> impl Strategy<Value = World> {
    knot(true)
}

fn knot(free: bool) -> impl Strategy<Value = World> {
    let set = (prop::sample::select(TYPES.to_vec()), prop::sample::select(IDS.to_vec()), 0..4_usize);
    let tie = (set.clone(), set, 0..9_usize).prop_map(move |((kind, id, n), (of, whose, held), sort)| {
        let subject = match sort {
            0 => SubjectRef::new("user", "ann"),
            1 | 2 => SubjectRef::new(of, whose),
            _ => SubjectRef::set(of, whose, RELATIONS[if free { held } else { held.min(n) }]),
        };
        tuple((kind, id, RELATIONS[n]), subject)
    });
    let rewrite = move |number: usize| {
        let n = if free { 3 } else { number };
        let computed = (0..=n).prop_map(|n| Rewrite::Computed(RELATIONS[n].to_owned()));
        let parent = ((0..4_usize), 0..=n).prop_map(|(from, n)| Rewrite::FromParent {
            from: RELATIONS[from].to_owned(),
            relation: RELATIONS[n].to_owned(),
        });
        let part = prop_oneof![2 => Just(Rewrite::Direct), 1 => computed, 1 => parent];
        let parts = prop::collection::vec(part, 1..4);
        let most = if free { 4 } else { n.max(1) };
        let less = (0..most).prop_map(move |less| (n > 0).then(|| Rewrite::Computed(RELATIONS[less].to_owned())));
        (parts, 0..6_usize, less).prop_map(move |(parts, sort, less)| match (sort, less) {
            (0, _) => Rewrite::AllOf(parts),
            (1 | 2, Some(less)) if free || sort == 1 => {
                Rewrite::Except(Box::new(Rewrite::AnyOf(parts)), Box::new(less))
            }
            _ => Rewrite::AnyOf(parts),
        })
    };
    let model = move |kind: &'static str| {
        (rewrite(0), rewrite(1), rewrite(2), rewrite(3)).prop_map(move |(a, b, c, d)| {
            let all = RELATIONS.into_iter().zip([a, b, c, d].map(relation)).collect();
            let mut made = model(kind, all);
            made.permissions = permissions();
            made
        })
    };
    let models = (model("doc"), model("folder"), model("group"));
    (models, prop::collection::vec(tie, 10..50)).prop_map(|((doc, folder, group), tuples)| World {
        models: [doc, folder, group].into_iter().map(|model| (model.entity_type.clone(), Arc::new(model))).collect(),
        tuples: tuples.into_iter().map(|tuple| (tuple.key.clone(), tuple)).collect(),
    })
}

pub(in crate::access) fn permissions() -> BTreeMap<String, Permission> {
    BTreeMap::from([
        (String::from("see"), permission("r2", None)),
        (String::from("edit"), permission("r3", Some("yes"))),
        (String::from("pay"), permission("r3", Some("no"))),
        (String::from("fail"), permission("r1", Some("fails"))),
    ])
}
