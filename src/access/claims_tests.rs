//! What tokens cost, and what is left out of them.

use std::cell::Cell;

use serde_json::json;

use super::*;
use crate::access::check::SubjectStatus;
use crate::access::graph::tests::world::{World, tuple};
use crate::access::tests::{INVOICE, key, someone, world};
use crate::records::{Tuple, TupleKey};
use crate::store;

/// Facts that count how often they are read.
struct Counted<'a>(&'a World, Cell<usize>);

impl Counted<'_> {
    fn once<T>(&self, value: T) -> T {
        self.1.set(self.1.get() + 1);
        value
    }
}

type Read1<T> = Result<T, store::Error>;

impl TupleReader for Counted<'_> {
    fn tuple(&self, at: ObjectRelation<'_>, subject: &SubjectRef) -> Read1<Option<Tuple>> {
        let key = key(at.kind, at.id, at.relation, subject.clone());
        self.once(Ok(self.0.tuples.get(&key).cloned()))
    }
    fn sets(&self, at: ObjectRelation<'_>, limit: usize) -> Read1<Vec<Tuple>> {
        let first = key(at.kind, at.id, at.relation, SubjectRef::new("", ""));
        let same =
            |key: &TupleKey| (&*key.entity_type, &*key.entity_id, &*key.relation) == (at.kind, at.id, at.relation);
        let all = self.0.tuples.range(first..).take_while(|(key, _)| same(key)).map(|(_, tuple)| tuple);
        self.once(Ok(all.filter(|tuple| tuple.key.subject.as_set().is_some()).take(limit).cloned().collect()))
    }
    fn holders(&self, at: ObjectRelation<'_>, limit: usize) -> Read1<Vec<Tuple>> {
        self.once(self.0.holders(at, limit))
    }
    fn of_subject(&self, subject: &SubjectRef, after: Option<&TupleKey>, limit: usize) -> Read1<Vec<TupleKey>> {
        self.once(self.0.of_subject(subject, after, limit))
    }
    fn of_subject_type(&self, kind: &str, after: Option<&TupleKey>, limit: usize) -> Read1<Vec<TupleKey>> {
        self.once(self.0.of_subject_type(kind, after, limit))
    }
    fn entity_ids(&self, kind: &str, after: Option<&str>, limit: usize) -> Read1<Vec<String>> {
        self.once(self.0.entity_ids(kind, after, limit))
    }
    fn objects_of(
        &self,
        subject: &SubjectRef,
        object: (&str, &str),
        after: Option<&str>,
        limit: usize,
    ) -> Read1<Vec<String>> {
        self.once(self.0.objects_of(subject, object, after, limit))
    }
    fn subjects_of(&self, at: ObjectRelation<'_>, kind: &str, after: Option<&str>, limit: usize) -> Read1<Vec<String>> {
        self.once(self.0.subjects_of(at, kind, after, limit))
    }
    fn subject_types(&self, limit: usize) -> Read1<Vec<String>> {
        self.once(self.0.subject_types(limit))
    }
}

fn claims_of(world: &World, scope: Scope<'_>) -> (PermissionClaims, usize) {
    let counted = Counted(world, Cell::new(0));
    let plain = world.graph();
    let graph = Graph { tuples: &counted, schema: world, now: plain.now, limits: Limits::default(), budget: None };
    let claims =
        collect(&mut CheckSession::new(graph, &someone("ann"), SubjectStatus::ACTIVE, 0), scope, 6 * 1024).unwrap();
    (claims, counted.1.get())
}

#[test]
fn five_thousand_grants_cost_little_more_than_what_fits_into_a_token() {
    let grants = (0..5_000).map(|n| tuple((INVOICE, &format!("inv_{n:05}"), "owner"), someone("ann")));
    let every = tuple(("folder", "*", "viewer"), someone("ann"));
    let (claims, reads) = claims_of(&world(grants.chain([every])), Scope::All);
    assert!(claims.truncated);
    assert_eq!(json!(claims.permissions), json!({"folder": ["viewer"]}));
    assert!(reads < 5_000, "{reads}");
}

#[test]
fn what_leads_too_far_is_left_out_of_a_token_and_the_rest_stays() {
    let set = |n: usize| SubjectRef::new("group", format!("g{n}"));
    let chain = (1..60).map(|n| tuple(("group", &format!("g{n}"), "member"), set(n + 1)));
    let near = [
        tuple(("folder", "near", "viewer"), someone("ann")),
        tuple((INVOICE, "1", "owner"), someone("ann")),
        tuple(("folder", "deep", "viewer"), set(1)),
        tuple(("group", "g60", "member"), someone("ann")),
    ];
    let (claims, _) = claims_of(&world(chain.chain(near)), Scope::All);
    assert!(claims.truncated);
    let keys: Vec<_> = claims.permissions.keys().cloned().collect();
    assert_eq!(keys, ["client_abc:invoice:1", "folder:near"]);
    // Each costs a long search, so that there is an end to it.
    let many = (0..50).map(|n| tuple(("folder", &format!("a{n}"), "viewer"), set(1)));
    let chain = (1..60).map(|n| tuple(("group", &format!("g{n}"), "member"), set(n + 1)));
    let own = [tuple(("group", "g60", "member"), someone("ann")), tuple(("folder", "z", "viewer"), someone("ann"))];
    let (claims, reads) = claims_of(&world(many.chain(chain).chain(own)), Scope::All);
    assert!(claims.truncated && claims.permissions.is_empty(), "{:?}", claims.permissions);
    assert!(reads < 3_000, "{reads}");
}
