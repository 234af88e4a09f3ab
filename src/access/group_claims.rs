//! What stands in tokens for apps that do not know relations: the names of a person's groups, and the relations that
//! the person has to the app.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{CLIENTS, CheckSession, State, StoredSchema, USER};
use super::graph::{CheckResult, Graph, Limits, ObjectRelation, StoreTuples};
use super::{Error, membership};
use crate::base::Budget;
use crate::base::id::{ClientId, UserId};
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{GROUP, MEMBER};
use crate::store::Snapshot;
use crate::store::rows::tuples;

/// Steps that looking for memberships may take.
const MAX_STEPS: u64 = 100_000;

/// Paths of one group that are given at the most: it may be within many.
const MAX_PATHS: usize = 10;

/// The longest path, in bytes.
const MAX_PATH: usize = 1_024;

/// Groups within each other that are followed at the most.
const MAX_DEPTH: usize = 50;

/// A group that somebody is surely in at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Its name.
    pub name: String,
    /// Where it stands: `/outer/inner`, from a group that is in no other one. In names, `/` is `%2F` and `%` is `%25`.
    pub paths: Vec<String>,
}

/// What somebody is to an app beside what the permission maps say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// Groups, sorted by name.
    pub groups: Vec<Membership>,
    /// Relations to the client, sorted.
    pub relations: Vec<String>,
    /// Whether something was left out because it led too far.
    pub truncated: bool,
}

/// Whether the paths of groups are wanted.
pub type WithPaths = bool;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Groups, and whether with their paths.
    pub groups: Option<WithPaths>,
    /// Relations to this client.
    pub relations_to: Option<&'a ClientId>,
}

/// Groups and relations of a person, from one snapshot. Each passes a check at this moment; what depends on a condition
/// or a policy is left out, since nobody asks it again.
pub fn resolve(cx: &Cx, from: &Snapshot, user: &UserId, wanted: Wanted<'_>) -> Result<Memberships, Error> {
    let schema = StoredSchema::new(cx, State::Committed(from));
    let stored = StoreTuples { from, tenant: cx.tenant.id };
    let budget = Budget::of(MAX_STEPS);
    let graph = Graph { tuples: &stored, schema: &schema, now: cx.now, limits: Limits::of(cx), budget: Some(&budget) };
    let subject = SubjectRef::new(USER, user.as_str());
    let status = schema.status(&subject)?;
    let mut session = CheckSession::new(graph, &subject, status, tuples::revision(from, cx.tenant.id)?);
    let mut found = Memberships::default();
    if !session.is_active() {
        return Ok(found);
    }
    let mut holds = |kind: &str, id: &str, relation: &str, truncated: &mut bool| match session
        .engine()
        .holds(ObjectRelation::new(kind, id, relation))
    {
        Ok(held) => Ok(held.result == CheckResult::Yes),
        Err(Error::LimitReached(_)) => {
            *truncated = true;
            Ok(false)
        }
        Err(error) => Err(error),
    };
    if let Some(with_paths) = wanted.groups {
        let mut joined = membership::of_subject(cx, from, &subject)?;
        found.truncated |= joined.len() >= membership::MAX_NESTED;
        let mut held = Vec::with_capacity(joined.len());
        for one in joined.drain(..) {
            if holds(GROUP, one.group.id.as_str(), MEMBER, &mut found.truncated)? {
                held.push(one);
            }
        }
        found.groups = named(&held, with_paths, &mut found.truncated);
    }
    if let Some(client) = wanted.relations_to
        && let Some(model) = super::graph::Schema::model(&schema, CLIENTS)?
    {
        for relation in model.relations.keys() {
            if holds(CLIENTS, client.as_str(), relation, &mut found.truncated)? {
                found.relations.push(relation.clone());
            }
        }
        found.relations.sort();
    }
    Ok(found)
}

fn named(joined: &[membership::Joined], with_paths: bool, truncated: &mut bool) -> Vec<Membership> {
    let mut nested = Nested::default();
    if with_paths {
        for one in joined {
            nested.names.insert(one.group.id.as_str(), escaped(&one.group.name));
            for inner in &one.through {
                nested.outer.entry(inner).or_default().push(one.group.id.as_str());
            }
        }
    }
    let mut found: Vec<Membership> = joined
        .iter()
        .map(|one| {
            let paths = if with_paths { nested.paths_to(one.group.id.as_str(), 0) } else { Vec::new() };
            *truncated |= with_paths && paths.is_empty();
            Membership { name: one.group.name.clone(), paths }
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Groups of somebody, and which are within which.
#[derive(Default)]
struct Nested<'a> {
    names: BTreeMap<&'a str, String>,
    outer: BTreeMap<&'a str, Vec<&'a str>>,
    /// What was found; empty while it is looked for, so that a circle ends.
    paths: BTreeMap<&'a str, Vec<String>>,
}

impl<'a> Nested<'a> {
    /// The paths that end at a group; none when they would be too long.
    fn paths_to(&mut self, id: &'a str, depth: usize) -> Vec<String> {
        if let Some(known) = self.paths.get(id) {
            return known.clone();
        }
        if depth > MAX_DEPTH {
            return Vec::new();
        }
        self.paths.insert(id, Vec::new());
        let name = self.names.get(id).cloned().unwrap_or_default();
        let outer: Vec<&str> = self.outer.get(id).cloned().unwrap_or_default();
        let outer: Vec<&str> = outer.into_iter().filter(|id| self.names.contains_key(id)).collect();
        let mut found = BTreeSet::new();
        for around in &outer {
            let all = self.paths_to(around, depth + 1).into_iter().map(|path| format!("{path}/{name}"));
            found.extend(all.filter(|path| path.len() <= MAX_PATH));
            if found.len() >= MAX_PATHS {
                break;
            }
        }
        if outer.is_empty() || (found.is_empty() && depth == 0) {
            found.insert(format!("/{name}"));
        }
        let found: Vec<String> = found.into_iter().take(MAX_PATHS).collect();
        self.paths.insert(id, found.clone());
        found
    }
}

fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}
