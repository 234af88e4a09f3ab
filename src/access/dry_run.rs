//! Who would gain and who would lose what by a change that is not made.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::Error;
use super::check::standing::{Models, State, rooms};
use super::check::{
    API_KEY, CLIENT, CLIENTS, Facts, Ground, Limits, Overlay, PLATFORM, Schema, Standing, StoreFacts, USER,
};
use super::list::{self, Who};
use super::model::CompiledModel;
use super::reach::Walk;
use crate::base::page::{MAX_LIMIT, PageRequest};
use crate::cx::Cx;
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::Snapshot;
use crate::store::rows::{models, tuples};

/// Objects that are looked at.
const MAX_OBJECTS: usize = 200;

/// Changes that are told.
const MAX_CHANGES: usize = 1_000;

/// What a change would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Who could do what afterwards and cannot now.
    pub gained: Vec<Change>,
    /// Who can do what now and could not afterwards.
    pub lost: Vec<Change>,
    /// Whether this is all: false when there is more than was looked at or told.
    pub complete: bool,
}

/// Somebody's permission. What depends on a policy counts as held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Who; `*` for everyone of the type.
    #[serde(flatten)]
    pub subject: SubjectRef,
    /// What.
    pub permission: String,
    /// On which type.
    pub entity_type: String,
    /// On which object.
    pub entity_id: String,
}

/// What writing some tuples and removing others would do, on the objects they are about and on all that inherit from those.
/// Errors: [`Error::LimitReached`].
pub fn of_tuples(cx: &Cx, added: &[Tuple], removed: &[TupleKey]) -> Result<Changes, Error> {
    with_ground(cx, |before, standing| {
        let overlay = Overlay::new(before.facts, added.iter().cloned(), removed.iter().cloned());
        let after = Ground { facts: &overlay, schema: before.schema, now: before.now, limits: before.limits };
        let mut objects = BTreeSet::new();
        let mut complete = true;
        for key in added.iter().map(|tuple| &tuple.key).chain(removed) {
            objects.insert((key.entity_type.clone(), key.entity_id.clone()));
            if key.entity_id == ANY {
                complete &= add_known(cx, before, &key.entity_type, &mut objects)?;
            }
            let holders = SubjectRef::set(&*key.entity_type, &*key.entity_id, &*key.relation);
            objects.extend(Walk::new(before).reached_by(&holders, true)?.objects);
            objects.extend(Walk::new(after).reached_by(&holders, true)?.objects);
        }
        complete &= add_administered(cx, before, &mut objects)?;
        complete &= objects.len() <= MAX_OBJECTS;
        let mut changes = Changes { complete, ..Changes::default() };
        for (kind, id) in objects.into_iter().take(MAX_OBJECTS) {
            compare(&mut changes, (held(before, &kind, &id, standing)?, held(after, &kind, &id, standing)?));
        }
        Ok(finished(changes))
    })
}

/// Adds what follows from access to a client: with full access, everything in its types. Answers whether that is all: what an administrator of the
/// platform may do is not listed.
fn add_administered(
    cx: &Cx,
    ground: Ground<'_, StoreFacts<'_, Snapshot>>,
    objects: &mut BTreeSet<(String, String)>,
) -> Result<bool, Error> {
    let mut complete = !objects.iter().any(|(kind, _)| kind == PLATFORM);
    let clients: BTreeSet<String> =
        objects.iter().filter(|(kind, _)| kind == CLIENTS).map(|(_, id)| id.clone()).collect();
    if clients.is_empty() {
        return Ok(complete);
    }
    let all = models::page(ground.facts.from, cx.tenant, &PageRequest::new(Some(MAX_LIMIT), None))?;
    complete &= all.next.is_none();
    for model in all.items {
        if model.client.is_some_and(|client| clients.contains(client.as_str()) || clients.contains(ANY)) {
            objects.insert((model.entity_type.clone(), ANY.to_owned()));
            complete &= add_known(cx, ground, &model.entity_type, objects)?;
        }
    }
    Ok(complete)
}

/// What another model of a type would do to the objects of that type.
/// Errors: [`Error::LimitReached`].
pub fn of_model(cx: &Cx, model: CompiledModel) -> Result<Changes, Error> {
    with_ground(cx, |before, standing| {
        let kind = model.entity_type.clone();
        let schema = Replaced { schema: before.schema, model: Arc::new(model) };
        let after = Ground { facts: before.facts, schema: &schema, now: before.now, limits: before.limits };
        let mut objects = BTreeSet::from([(kind.clone(), ANY.to_owned())]);
        let mut changes = Changes { complete: add_known(cx, before, &kind, &mut objects)?, ..Changes::default() };
        for (kind, id) in objects {
            compare(&mut changes, (held(before, &kind, &id, standing)?, held(after, &kind, &id, standing)?));
        }
        Ok(finished(changes))
    })
}

/// Models with one in the place of another.
struct Replaced<'a> {
    schema: &'a dyn Schema,
    model: Arc<CompiledModel>,
}

impl Schema for Replaced<'_> {
    fn model(&self, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        if entity_type == self.model.entity_type {
            return Ok(Some(Arc::clone(&self.model)));
        }
        self.schema.model(entity_type)
    }
}

type Judge<'a> = &'a dyn Fn(&SubjectRef) -> Result<Standing, Error>;

fn with_ground<T>(
    cx: &Cx,
    look: impl FnOnce(Ground<'_, StoreFacts<'_, Snapshot>>, Judge<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (rooms, from) = (rooms(cx), cx.read()?);
    let models = Models::new(cx, State::Committed(&from), &*rooms);
    let facts = StoreFacts { from: &from, tenant: cx.tenant };
    let ground = Ground { facts: &facts, schema: &models, now: cx.now, limits: Limits::of(cx) };
    look(ground, &|subject| models.standing(subject))
}

/// Adds the objects of a type that anybody has heard of; answers whether those are all.
fn add_known(
    cx: &Cx,
    ground: Ground<'_, StoreFacts<'_, Snapshot>>,
    kind: &str,
    objects: &mut BTreeSet<(String, String)>,
) -> Result<bool, Error> {
    let ids = tuples::entity_ids(ground.facts.from, cx.tenant, kind, None, MAX_OBJECTS)?;
    let complete = ids.len() < MAX_OBJECTS;
    objects.extend(ids.into_iter().map(|id| (kind.to_owned(), id)));
    Ok(complete)
}

/// Everything that somebody may do with an object, and whether that is all.
fn held<F: Facts + ?Sized>(
    ground: Ground<'_, F>,
    kind: &str,
    id: &str,
    standing: Judge<'_>,
) -> Result<(BTreeSet<Change>, bool), Error> {
    let (mut found, mut complete) = (BTreeSet::new(), true);
    let Some(model) = ground.schema.model(kind)? else { return Ok((found, complete)) };
    let page = PageRequest::new(Some(MAX_LIMIT), None);
    for permission in model.permissions.keys() {
        for subjects in [USER, API_KEY, CLIENT] {
            let who = Who { kind: subjects, relation: None };
            let all = list::subjects(ground, (kind, id, permission), &who, standing, &page)?;
            complete &= all.next.is_none();
            let everyone = (all.everyone || all.everyone_gated).then(|| SubjectRef::new(subjects, ANY));
            for subject in all.items.into_iter().map(|item| item.subject).chain(everyone) {
                let (entity_type, entity_id) = (kind.to_owned(), id.to_owned());
                found.insert(Change { subject, permission: permission.clone(), entity_type, entity_id });
            }
        }
    }
    Ok((found, complete))
}

type Held = (BTreeSet<Change>, bool);

fn compare(changes: &mut Changes, (before, after): (Held, Held)) {
    changes.gained.extend(after.0.difference(&before.0).cloned());
    changes.lost.extend(before.0.difference(&after.0).cloned());
    changes.complete &= before.1 && after.1;
}

fn finished(mut changes: Changes) -> Changes {
    changes.complete &= changes.gained.len() <= MAX_CHANGES && changes.lost.len() <= MAX_CHANGES;
    changes.gained.truncate(MAX_CHANGES);
    changes.lost.truncate(MAX_CHANGES);
    changes
}
