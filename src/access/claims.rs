//! The two maps every token carries: what its subject may do, and which of it needs a live question.
//!
//! A map holds what a tuple of the subject, or of a set it is in, was met on; what follows from parents or from
//! administering the platform is for live questions. Everything in it passes a check at this moment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::check::{API_KEY, CLIENT, CLIENTS, CheckSession, FULL_ACCESS, State, StoredSchema, USER};
use super::graph::{CheckResult, Graph, Limits, ObjectRelation, StoreTuples, TupleReader, Walk};
use super::model::CompiledModel;
use crate::base::Budget as StepBudget;
use crate::base::id::{ApiKeyId, ClientId, UserId};
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP};
use crate::store::rows::tuples;
use crate::store::{Error, Snapshot};

/// Objects that are left out because they lead too far, before no more are looked at: each costs a long search.
const MAX_TOO_FAR: usize = 8;

/// Steps that the maps of one token may take: what needs more is left to be asked live.
const MAX_STEPS: u64 = 100_000;

/// Whose permissions a token names.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    User(&'a UserId),
    /// A client acting for itself (RFC 6749 §4.4).
    Client(&'a ClientId),
    /// A machine with an API key.
    Key(&'a ApiKeyId),
}

impl Subject<'_> {
    /// The same, as tuples name it.
    pub fn as_ref(&self) -> SubjectRef {
        match self {
            Self::User(id) => SubjectRef::new(USER, id.as_str()),
            Self::Client(id) => SubjectRef::new(CLIENT, id.as_str()),
            Self::Key(id) => SubjectRef::new(API_KEY, id.as_str()),
        }
    }
}

/// Which types may be in the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All but those of other clients than this one.
    Own(&'a ClientId),
    All,
    None,
}

/// `permissions` and `abac_required`: entity type (or `type:id`) to names of permissions and relations, sorted. Always
/// both, possibly empty, unless nothing is said of permissions at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionClaims {
    /// What the subject may do.
    pub permissions: Map<String, Value>,
    /// Which of that depends on a policy and must be asked live; what is so for one object stands under its type as
    /// well.
    pub abac_required: Map<String, Value>,
    /// Whether something was left out because the maps grew too large or a question led too far.
    pub truncated: bool,
    /// The state of tuples, models and groups they were made from.
    pub rev: u64,
    /// Clients inside which the subject may do everything.
    pub client_full_access: Vec<ClientId>,
    /// Whether none of this is to be said, since the client wants none ([`Scope::None`]).
    pub is_left_out: bool,
}

/// The maps for a subject, of the types that `scope` names, from one snapshot.
pub fn resolve(cx: &Cx, from: &Snapshot, subject: Subject<'_>, scope: Scope<'_>) -> Result<PermissionClaims, Error> {
    resolve_within(cx, from, (subject, scope), cx.settings().tokens.permissions_bytes)
}

/// As [`resolve`], in no more than `room` bytes of JSON.
pub fn resolve_within(
    cx: &Cx,
    from: &Snapshot,
    (subject, scope): (Subject<'_>, Scope<'_>),
    room: usize,
) -> Result<PermissionClaims, Error> {
    if scope == Scope::None {
        return Ok(PermissionClaims { is_left_out: true, ..PermissionClaims::default() });
    }
    let schema = StoredSchema::new(cx, State::Committed(from));
    let stored = StoreTuples { from, tenant: cx.tenant.id };
    let budget = StepBudget::of(MAX_STEPS);
    let graph = Graph { tuples: &stored, schema: &schema, now: cx.now, limits: Limits::of(cx), budget: Some(&budget) };
    let rev = tuples::revision(from, cx.tenant.id)?;
    let subject = subject.as_ref();
    let budget = cx.settings().tokens.permissions_bytes.min(room);
    let claims = schema
        .status(&subject)
        .and_then(|status| collect(&mut CheckSession::new(graph, &subject, status, rev), scope, budget));
    match claims {
        Ok(claims) => Ok(PermissionClaims { rev, ..claims }),
        Err(super::Error::Store(error)) => Err(error),
        // What is too much to be looked through is too much for a token: who reads the token must ask live.
        Err(_) => Ok(PermissionClaims { truncated: true, rev, ..PermissionClaims::default() }),
    }
}

/// The maps, within a budget in bytes of JSON. Errors: [`super::Error::LimitReached`].
pub fn collect<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    scope: Scope<'_>,
    budget: usize,
) -> Result<PermissionClaims, super::Error> {
    let mut claims = PermissionClaims::default();
    if scope == Scope::None || !session.is_active() {
        return Ok(claims);
    }
    let reached = Walk::new(session.graph()).reached_by(session.subject(), false)?;
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (kind, id) in reached.objects {
        // Memberships of groups are not permissions.
        if kind != GROUP {
            types.entry(kind).or_default().insert(id);
        }
    }
    let mut budget = Budget { left: budget.saturating_sub(4) };
    let (mut maps, mut is_full, mut too_far) = (Maps::default(), false, 0);
    for kind in types.iter().filter(|(_, ids)| ids.contains(ANY)).map(|(kind, _)| kind) {
        let Some(model) = visible(session, kind, scope)? else { continue };
        let before = maps.clone();
        match maps.object(session, (&model, ANY), &mut budget)? {
            Added::Whole => {}
            Added::TooFar => too_far += 1,
            Added::NoRoom => {
                (maps, is_full) = (before, true);
                break;
            }
        }
    }
    let coarse = maps.clone();
    for (kind, ids) in &types {
        let Some(model) = visible(session, kind, scope)? else { continue };
        for id in ids.iter().filter(|id| *id != ANY) {
            if is_full || too_far > MAX_TOO_FAR {
                break;
            }
            match maps.object(session, (&model, id), &mut budget)? {
                Added::Whole => {}
                Added::TooFar => too_far += 1,
                Added::NoRoom => is_full = true,
            }
        }
    }
    is_full |= too_far > MAX_TOO_FAR;
    // Half of the objects would look like all of them.
    let maps = if is_full { coarse } else { maps };
    claims.truncated = is_full || too_far > 0;
    let (everywhere, all) = full_access(session, types.get(CLIENTS), budget.left)?;
    claims.client_full_access = everywhere;
    claims.truncated |= !all;
    claims.permissions = json(maps.permissions);
    claims.abac_required = json(maps.abac_required);
    Ok(claims)
}

type Names = BTreeMap<String, BTreeSet<String>>;

#[derive(Clone, Debug, Default)]
struct Maps {
    permissions: Names,
    abac_required: Names,
}

struct Budget {
    left: usize,
}

/// What came of an object.
enum Added {
    /// All that the subject may do with it is in the maps.
    Whole,
    /// The search for it reached a limit: who reads the token must ask live. Nothing of it is in the maps.
    TooFar,
    /// There was no room for it; part of it is in the maps.
    NoRoom,
}

impl Budget {
    /// Takes what a name costs under a key; false when there is not enough left.
    fn take(&mut self, bytes: usize) -> bool {
        let enough = bytes <= self.left;
        self.left = self.left.saturating_sub(bytes);
        enough
    }
}

impl Maps {
    /// Adds what the subject may do with an object.
    fn object<F: TupleReader + ?Sized>(
        &mut self,
        session: &mut CheckSession<'_, F>,
        (model, id): (&CompiledModel, &str),
        budget: &mut Budget,
    ) -> Result<Added, super::Error> {
        let kind = &model.entity_type;
        let names = match names(session, (model, id)) {
            Err(super::Error::LimitReached(_)) => return Ok(Added::TooFar),
            names => names?,
        };
        let key = if id == ANY { kind.clone() } else { format!("{kind}:{id}") };
        for (name, result) in names {
            if !put(&mut self.permissions, &key, name, budget) {
                return Ok(Added::NoRoom);
            }
            if result == CheckResult::Gated
                && !(put(&mut self.abac_required, &key, name, budget)
                    && put(&mut self.abac_required, kind, name, budget))
            {
                return Ok(Added::NoRoom);
            }
        }
        Ok(Added::Whole)
    }
}

/// Names of relations and permissions that the subject has on an object. Errors: [`super::Error::LimitReached`].
fn names<'m, F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    (model, id): (&'m CompiledModel, &str),
) -> Result<Vec<(&'m str, CheckResult)>, super::Error> {
    let (kind, mut found) = (&model.entity_type, Vec::new());
    if kind == CLIENTS && session.bound().is_some_and(|client| client.as_str() != id) {
        return Ok(found);
    }
    for name in model.relations.keys().chain(model.permissions.keys()) {
        let Some((relation, policy)) = model.wanted(name) else { continue };
        let mut result = session.engine().holds(ObjectRelation::new(kind, id, relation))?.result;
        if policy.is_some() {
            result = result.min(CheckResult::Gated);
        }
        if result >= CheckResult::Gated {
            found.push((name.as_str(), result));
        }
    }
    Ok(found)
}

/// Puts a name under a key and pays for it: quotes, comma, and for a new key also colon and brackets.
fn put(map: &mut Names, key: &str, name: &str, budget: &mut Budget) -> bool {
    if let Some(names) = map.get_mut(key) {
        return !names.insert(name.to_owned()) || budget.take(quoted(name) + 1);
    }
    map.insert(key.to_owned(), BTreeSet::from([name.to_owned()]));
    budget.take(quoted(key) + quoted(name) + 5)
}

/// The length of text as a JSON string.
fn quoted(text: &str) -> usize {
    let escaped = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    text.len() + escaped + 2
}

/// The model of a type that may be in the maps.
fn visible<F: TupleReader + ?Sized>(
    session: &CheckSession<'_, F>,
    kind: &str,
    scope: Scope<'_>,
) -> Result<Option<std::sync::Arc<CompiledModel>>, super::Error> {
    let Some(model) = session.graph().schema.model(kind)? else { return Ok(None) };
    let may = |client: &ClientId| model.client.as_ref().is_none_or(|owner| owner == client);
    let in_scope = match scope {
        Scope::Own(client) => may(client),
        Scope::All => true,
        Scope::None => false,
    };
    let visible = in_scope && session.bound().is_none_or(may);
    Ok(visible.then_some(model))
}

/// The clients among these objects inside which the subject may do everything, as many as there is room for; and
/// whether none is left out because it leads too far.
fn full_access<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    ids: Option<&BTreeSet<String>>,
    room: usize,
) -> Result<(Vec<ClientId>, bool), super::Error> {
    let (mut found, mut all, mut room) = (Vec::new(), true, room);
    for id in ids.into_iter().flatten() {
        let Ok(client) = id.parse::<ClientId>() else { continue };
        let Some(rest) = room.checked_sub(quoted(id) + 1) else { break };
        room = rest;
        let bound_elsewhere = session.bound().is_some_and(|bound| *bound != client);
        if bound_elsewhere {
            continue;
        }
        match session.engine().holds(ObjectRelation::new(CLIENTS, id, FULL_ACCESS)) {
            Err(super::Error::LimitReached(_)) => all = false,
            held => found.extend((held?.result == CheckResult::Yes).then_some(client)),
        }
        if !all {
            break;
        }
    }
    Ok((found, all))
}

fn json(names: Names) -> Map<String, Value> {
    names.into_iter().map(|(key, names)| (key, names.into_iter().collect())).collect()
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
