//! Who would gain and who would lose what by a change that is not made.
//!
//! What somebody may do changes only through the tuples and the relations that change. So the search goes from those to
//! the subjects that they name, and to all objects on which something rests on theirs. These are asked about, each
//! subject over the old state and over the new one: who gains and who loses is what the two checks say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::Error;
use super::check::{API_KEY, CLIENT, CLIENTS, CheckSession, PLATFORM, Reason, SubjectStatus, USER, with_graph};
use super::graph::{CheckResult, Graph, ObjectRelation, Overlay, RelationKey, Schema, TupleReader, Walk};
use super::groups;
use super::list::relations_met;
use super::model::{CompiledModel, Permission};
use crate::base::id::GroupId;
use crate::base::page::{MAX_LIMIT, PageRequest};
use crate::cx::Cx;
use crate::records::tuple::{ANY, GROUP};
use crate::records::{SubjectRef, Tuple, TupleKey};
use crate::store::rows::models;

/// Objects that are looked at.
const MAX_OBJECTS: usize = 1_000;

/// Tuples of a group that are thought away to see what its deletion does.
pub(super) const MAX_REMOVED: usize = 2_000;

/// The most changes of each kind that are listed.
const MAX_CHANGES: usize = 1_000;

/// The types of subjects that are asked about as everyone, whether anything names them or not.
const KINDS: [&str; 3] = [USER, API_KEY, CLIENT];

/// What a change would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PermissionChanges)]
pub struct Changes {
    /// Who could do what afterwards and cannot now.
    #[schema(value_type = Vec<Change>)]
    pub gained: BTreeSet<Change>,
    /// Who can do what now and could not afterwards.
    #[schema(value_type = Vec<Change>)]
    pub lost: BTreeSet<Change>,
    /// Whether this is all: false when there is more than was looked at or listed, or when a policy or condition is
    /// another one afterwards, of which only a check says what it does. What is listed is true in either case.
    pub complete: bool,
    /// How far the look went.
    pub looked_at: LookedAt,
}

/// How many were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LookedAt {
    /// People, keys, clients and subjects of other systems.
    pub subjects: usize,
    /// Objects.
    pub objects: usize,
}

/// Somebody's permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = Change)]
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
    /// Whether a policy or condition decides before or afterwards: it may be gained, or lost.
    pub abac_required: bool,
}

/// An object: type and identifier.
type Object = (String, String);
type Objects = BTreeSet<Object>;
type StatusOf<'a> = &'a dyn Fn(&SubjectRef) -> Result<SubjectStatus, Error>;

/// What writing some tuples and removing others would do, on the objects they are about and on all that inherit from
/// those, within the operation's budget: when that ends, what was found so far is given as not complete. Errors: the
/// store's.
pub fn of_tuples(cx: &Cx, added: &[Tuple], removed: &[TupleKey]) -> Result<Changes, Error> {
    with_graph(cx, |stored, before| {
        let keys: Vec<&TupleKey> = added.iter().map(|tuple| &tuple.key).chain(removed).collect();
        let overlay = Overlay::new(before.tuples, added.iter().cloned(), removed.iter().cloned());
        let status = |subject: &SubjectRef| stored.status(subject);
        let mut trial = Trial::new(before, before.with(&overlay), &status);
        // What an administrator of the platform may do is not listed: it is everything.
        trial.is_not_all(keys.iter().any(|key| key.entity_type == PLATFORM));
        trial.within_reach(|trial| {
            trial.compare_by_tuples(cx, &keys)?;
            trial.note_conditions(added)
        })?;
        Ok(trial.finished())
    })
}

/// What the deletion of a group would do, as [`of_tuples`] with all its tuples gone. Of a group with more than
/// [`MAX_REMOVED`] nothing is listed. Errors: those of the deletion.
pub fn of_group(cx: &Cx, group: &GroupId) -> Result<Changes, Error> {
    let removed = groups::tuples_of(cx, group)?;
    if removed.len() > MAX_REMOVED {
        return Ok(Changes::default());
    }
    of_tuples(cx, &[], &removed)
}

/// What another model of a type would do to the objects of that type, within the operation's budget as [`of_tuples`].
/// Errors: the store's.
pub fn of_model(cx: &Cx, model: CompiledModel) -> Result<Changes, Error> {
    with_graph(cx, |stored, before| {
        let kind = model.entity_type.clone();
        let schema = Replaced { schema: before.schema, model: Arc::new(model) };
        let status = |subject: &SubjectRef| stored.status(subject);
        let mut trial = Trial::new(before, Graph { schema: &schema, ..before }, &status);
        trial.is_not_all(kind == PLATFORM);
        trial.within_reach(|trial| {
            trial.compare_by_model(cx, &kind)?;
            trial.note_policies(&kind)
        })?;
        Ok(trial.finished())
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

/// The state before and the state after.
pub(super) struct Trial<'a, B: ?Sized, A: ?Sized> {
    before: Graph<'a, B>,
    after: Graph<'a, A>,
    status: StatusOf<'a>,
    changes: Changes,
    objects: Objects,
    /// Who may do nothing afterwards.
    gone: BTreeSet<SubjectRef>,
}

impl<'a, B: TupleReader + ?Sized, A: TupleReader + ?Sized> Trial<'a, B, A> {
    /// Nothing is compared yet.
    pub(super) fn new(before: Graph<'a, B>, after: Graph<'a, A>, status: StatusOf<'a>) -> Self {
        let changes = Changes { complete: true, ..Changes::default() };
        Self { before, after, status, changes, objects: Objects::new(), gone: BTreeSet::new() }
    }

    /// The same, where these subjects are gone afterwards.
    pub(super) fn without(self, gone: BTreeSet<SubjectRef>) -> Self {
        Self { gone, ..self }
    }

    /// Notes whether there is more than is looked at.
    pub(super) fn is_not_all(&mut self, more: bool) {
        self.changes.complete &= !more;
    }

    /// Compares what rests on tuples with these keys.
    pub(super) fn compare_by_tuples(&mut self, cx: &Cx, keys: &[&TupleKey]) -> Result<(), Error> {
        let mut objects = self.objects(keys)?;
        self.add_administered(cx, &mut objects)?;
        let subjects = self.subjects(keys)?;
        self.compare_all(&subjects, objects)
    }

    /// Compares what rests on the model of this type.
    pub(super) fn compare_by_model(&mut self, cx: &Cx, kind: &str) -> Result<(), Error> {
        let mut objects = self.resting_on(kind)?;
        self.add_administered(cx, &mut objects)?;
        self.compare_everybody(objects)
    }

    /// Looks as far as limits and budget let it; where they end it, the changes are not complete.
    pub(super) fn within_reach(&mut self, look: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        match look(self) {
            Err(Error::LimitReached(_)) => {
                self.changes.complete = false;
                Ok(())
            }
            looked => looked,
        }
    }

    /// What was found.
    pub(super) fn finished(mut self) -> Changes {
        self.changes.looked_at.objects = self.objects.len();
        self.changes
    }

    /// The objects that tuples with these keys are about, and all that inherit from those.
    fn objects(&mut self, keys: &[&TupleKey]) -> Result<Objects, Error> {
        let mut objects = Objects::new();
        for key in keys {
            objects.insert((key.entity_type.clone(), key.entity_id.clone()));
            // A tuple that leads to a parent gives what is taken over from it.
            let model = self.before.schema.model(&key.entity_type)?;
            let relations = model.iter().flat_map(|model| &model.relations);
            let taking_over = relations.filter(|(_, relation)| {
                relation.rewrite.inherited().iter().any(|(to_parent, _)| *to_parent == key.relation)
            });
            for relation in taking_over.map(|(name, _)| name).chain([&key.relation]) {
                let holders = SubjectRef::set(&*key.entity_type, &*key.entity_id, relation.as_str());
                objects.extend(Walk::new(self.before).reached_by(&holders, true)?.objects);
                objects.extend(Walk::new(self.after).reached_by(&holders, true)?.objects);
            }
        }
        self.add_everywhere(&mut objects)?;
        Ok(objects)
    }

    /// The objects of a type whose model changes, and all on which something rests on a relation that changes.
    fn resting_on(&mut self, kind: &str) -> Result<Objects, Error> {
        let mut objects = Objects::from([(kind.to_owned(), ANY.to_owned())]);
        self.add_known(kind, &mut objects)?;
        let (old, new) = (self.before.schema.model(kind)?, self.after.schema.model(kind)?);
        let relation = |model: &Option<Arc<CompiledModel>>, name: &str| model.as_ref()?.relations.get(name).cloned();
        let names: BTreeSet<&String> = old.iter().chain(&new).flat_map(|model| model.relations.keys()).collect();
        let changed: Vec<&String> =
            names.into_iter().filter(|name| relation(&old, name) != relation(&new, name)).collect();
        let starts = |objects: &Objects| -> Vec<RelationKey> {
            let all = objects.iter().flat_map(|(kind, id)| changed.iter().map(move |name| (kind, id, *name)));
            all.map(|(kind, id, name)| (kind.clone(), id.clone(), name.clone())).collect()
        };
        let starts = starts(&objects);
        objects.extend(Walk::new(self.before).reached_from(&starts)?.objects);
        objects.extend(Walk::new(self.after).reached_from(&starts)?.objects);
        self.add_everywhere(&mut objects)?;
        Ok(objects)
    }

    /// What holds on every object of a type may not hold on each.
    fn add_everywhere(&mut self, objects: &mut Objects) -> Result<(), Error> {
        let everywhere = objects.iter().filter(|(_, id)| id == ANY).map(|(kind, _)| kind.clone());
        for kind in everywhere.collect::<Vec<_>>() {
            self.add_known(&kind, objects)?;
        }
        Ok(())
    }

    /// A condition in the place of another one may say something else.
    fn note_conditions(&mut self, added: &[Tuple]) -> Result<(), Error> {
        for tuple in added.iter().filter(|tuple| tuple.condition.is_some()) {
            let key = &tuple.key;
            let at = ObjectRelation::new(&key.entity_type, &key.entity_id, &key.relation);
            let old = self.before.tuples.tuple(at, &key.subject)?.and_then(|old| old.condition);
            self.changes.complete &= old.is_none() || old == tuple.condition;
        }
        Ok(())
    }

    /// A policy in the place of another one may say something else.
    fn note_policies(&mut self, kind: &str) -> Result<(), Error> {
        let (old, new) = (self.before.schema.model(kind)?, self.after.schema.model(kind)?);
        let (Some(old), Some(new)) = (old, new) else { return Ok(()) };
        let is_other = |name: &String, permission: &Permission| {
            let before = old.permissions.get(name).and_then(|before| before.policy.as_ref());
            before.is_some() && permission.policy.is_some() && before != permission.policy.as_ref()
        };
        self.changes.complete &= !new.permissions.iter().any(|(name, permission)| is_other(name, permission));
        Ok(())
    }

    /// Adds the objects of a type that anybody has heard of.
    fn add_known(&mut self, kind: &str, objects: &mut Objects) -> Result<(), Error> {
        let ids = self.before.tuples.entity_ids(kind, None, MAX_OBJECTS)?;
        self.before.take(ids.len())?;
        self.changes.complete &= ids.len() < MAX_OBJECTS;
        objects.extend(ids.into_iter().map(|id| (kind.to_owned(), id)));
        Ok(())
    }

    /// Adds what follows from access to a client: with full access, everything in its types.
    fn add_administered(&mut self, cx: &Cx, objects: &mut Objects) -> Result<(), Error> {
        let clients = objects.iter().filter(|(kind, _)| kind == CLIENTS).map(|(_, id)| id.clone());
        let clients: BTreeSet<String> = clients.collect();
        if clients.is_empty() {
            return Ok(());
        }
        let all = models::page(&cx.read()?, cx.tenant.id, &PageRequest::new(Some(MAX_LIMIT), None))?;
        self.changes.complete &= all.next.is_none();
        for model in all.items {
            if model.client.is_some_and(|client| clients.contains(client.as_str()) || clients.contains(ANY)) {
                objects.insert((model.entity_type.clone(), ANY.to_owned()));
                self.add_known(&model.entity_type, objects)?;
            }
        }
        Ok(())
    }

    /// The subjects that tuples with these keys concern: their own, the holders of those that are usersets, and with
    /// parents those who have there what is taken over from them. Nobody else can gain or lose by them.
    fn subjects(&mut self, keys: &[&TupleKey]) -> Result<BTreeSet<SubjectRef>, Error> {
        let mut subjects = BTreeSet::new();
        for key in keys {
            let subject = &key.subject;
            let mut from = Vec::new();
            match subject.as_set() {
                Some((kind, id, relation)) => from.push(ObjectRelation::new(kind, id, relation)),
                None => {
                    subjects.insert(subject.clone());
                }
            }
            let model = self.before.schema.model(&key.entity_type)?;
            let rewrites = model.iter().flat_map(|model| model.relations.values()).map(|relation| &relation.rewrite);
            let inherited = rewrites.flat_map(|rewrite| rewrite.inherited());
            let taken_over =
                inherited.filter(|(to_parent, _)| *to_parent == key.relation && subject.relation.is_none());
            from.extend(taken_over.map(|(_, relation)| ObjectRelation::new(&subject.kind, &subject.id, relation)));
            subjects.extend(Walk::new(self.before).met_at(&from)?.0);
            subjects.extend(Walk::new(self.after).met_at(&from)?.0);
        }
        subjects.retain(is_one);
        Ok(subjects)
    }

    /// Asks about everyone, and about all who are met at these objects.
    fn compare_everybody(&mut self, objects: Objects) -> Result<(), Error> {
        let objects = self.looked_at(objects);
        let everyone: BTreeSet<SubjectRef> = KINDS.into_iter().map(|kind| SubjectRef::new(kind, ANY)).collect();
        everyone.iter().try_for_each(|subject| self.compare(subject, &objects))?;
        self.compare_met(None, &objects, &everyone)
    }

    /// As many of the objects as are looked at.
    fn looked_at(&mut self, objects: Objects) -> Vec<Object> {
        self.changes.complete &= objects.len() <= MAX_OBJECTS;
        objects.into_iter().take(MAX_OBJECTS).collect()
    }

    /// Asks about all these with all those. Of what everyone may do somebody may be excluded, so with everyone go those
    /// who are met at the objects.
    fn compare_all(&mut self, subjects: &BTreeSet<SubjectRef>, objects: Objects) -> Result<(), Error> {
        let objects = self.looked_at(objects);
        for subject in subjects {
            self.compare(subject, &objects)?;
        }
        let everyone = subjects.iter().filter(|subject| subject.id == ANY);
        let kinds: Vec<&str> = everyone.map(|subject| subject.kind.as_str()).collect();
        if kinds.is_empty() { Ok(()) } else { self.compare_met(Some(&kinds), &objects, subjects) }
    }

    /// Asks about the subjects of these types, or of all, with each object that a question may meet them on, before or
    /// after; not about those who were asked about.
    fn compare_met(
        &mut self,
        kinds: Option<&[&str]>,
        objects: &[Object],
        done: &BTreeSet<SubjectRef>,
    ) -> Result<(), Error> {
        let mut met: BTreeMap<SubjectRef, Vec<&Object>> = BTreeMap::new();
        for object in objects {
            let mut found = met_at(self.before, object)?;
            found.extend(met_at(self.after, object)?);
            found.retain(|subject| {
                let is_asked_for = kinds.is_none_or(|kinds| kinds.contains(&&*subject.kind));
                is_one(subject) && is_asked_for && !done.contains(subject)
            });
            found.into_iter().for_each(|subject| met.entry(subject).or_default().push(object));
        }
        met.iter().try_for_each(|(subject, objects)| self.compare(subject, objects.iter().copied()))
    }

    /// Asks about a subject with some objects.
    fn compare<'o>(
        &mut self,
        subject: &SubjectRef,
        objects: impl IntoIterator<Item = &'o Object>,
    ) -> Result<(), Error> {
        let status = (self.status)(subject)?;
        let status_after = if self.gone.contains(subject) { SubjectStatus::Unknown } else { status.clone() };
        let mut before = CheckSession::new(self.before, subject, status, 0);
        let mut after = CheckSession::new(self.after, subject, status_after, 0);
        self.changes.looked_at.subjects += 1;
        for object in objects {
            self.compare_on(object, (&mut before, &mut after))?;
            if !self.objects.contains(object) {
                self.objects.insert(object.clone());
            }
        }
        Ok(())
    }

    fn compare_on(
        &mut self,
        (kind, id): &Object,
        (before, after): (&mut CheckSession<'a, B>, &mut CheckSession<'a, A>),
    ) -> Result<(), Error> {
        let (old, new) = (self.before.schema.model(kind)?, self.after.schema.model(kind)?);
        let names: BTreeSet<&String> = old.iter().chain(&new).flat_map(|model| actions_of(model)).collect();
        for permission in names {
            let at = (kind.as_str(), id.as_str(), permission.as_str());
            let held = [outcome(before, old.as_deref(), at), outcome(after, new.as_deref(), at)];
            let (held_before, held_after) = match held {
                [Ok(before), Ok(after)] => (before, after),
                // One question that leads too far leaves the others theirs.
                [Err(Error::LimitReached(_)), _] | [_, Err(Error::LimitReached(_))] => {
                    self.before.take(0)?;
                    self.changes.complete = false;
                    continue;
                }
                [Err(error), _] | [_, Err(error)] => return Err(error),
            };
            if held_before == held_after {
                continue;
            }
            let change = Change {
                subject: before.subject().clone(),
                permission: permission.clone(),
                entity_type: kind.clone(),
                entity_id: id.clone(),
                abac_required: [held_before, held_after].contains(&CheckResult::Gated),
            };
            self.note(change, held_after > held_before)?;
        }
        Ok(())
    }

    fn note(&mut self, change: Change, is_gain: bool) -> Result<(), Error> {
        let list = if is_gain { &mut self.changes.gained } else { &mut self.changes.lost };
        if list.len() == MAX_CHANGES {
            return Err(Error::LimitReached("more changes than are listed"));
        }
        list.insert(change);
        Ok(())
    }
}

/// The subjects that a question about what may be done with an object may come to.
fn met_at<F: TupleReader + ?Sized>(graph: Graph<'_, F>, (kind, id): &Object) -> Result<BTreeSet<SubjectRef>, Error> {
    let Some(model) = graph.schema.model(kind)? else { return Ok(BTreeSet::new()) };
    let relations = actions_of(&model).filter_map(|name| model.wanted(name)).map(|(relation, _)| relation);
    Ok(Walk::new(graph).met_at(&relations_met(&model, id, relations))?.0)
}

/// Whether it is a subject of which people speak: groups and other usersets stand for those in them.
fn is_one(subject: &SubjectRef) -> bool {
    subject.relation.is_none() && subject.kind != GROUP
}

/// What may be done with objects of a type: its permissions, or its relations where it has none. Memberships of groups
/// are not permissions.
fn actions_of(model: &CompiledModel) -> impl Iterator<Item = &String> {
    let has_none = model.permissions.is_empty() && model.entity_type != GROUP;
    model.permissions.keys().chain(model.relations.keys().filter(move |_| has_none))
}

/// What a check says: [`CheckResult::Yes`], [`CheckResult::Gated`] where a script decides, else [`CheckResult::No`].
fn outcome<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    model: Option<&CompiledModel>,
    (kind, id, permission): (&str, &str, &str),
) -> Result<CheckResult, Error> {
    let result = match model {
        Some(model) => session.static_result(model, id, permission)?,
        None => {
            let decided = session.decided_before_tuples(None, (kind, id, permission), true)?;
            decided.filter(|reason| *reason == Reason::AdminBypass).map(|_| CheckResult::Yes)
        }
    };
    Ok(result.filter(|result| *result >= CheckResult::Gated).unwrap_or(CheckResult::No))
}

#[cfg(test)]
#[path = "dry_run_tests.rs"]
mod tests;
