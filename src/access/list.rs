//! Lists: with which objects a subject may do something, which subjects may do it with an object, and what a subject
//! may do with an object.
//!
//! Candidates come from walks over the tuples; each one is then asked about like any other question, without running
//! scripts.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Error;
use super::check::{CLIENTS, CheckSession, FULL_ACCESS, PLATFORM, SubjectStatus, with_graph};
use super::explain::DerivationStep;
use super::graph::{CheckResult, Engine, Graph, ObjectRelation, TupleReader, Walk};
use super::model::CompiledModel;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP, MEMBER};

/// Known objects looked at in one go.
const CHUNK: usize = 256;

/// A page of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Objects {
    /// In the order of their identifiers.
    pub items: Vec<Object>,
    /// Pass as `after` to read on; absent at the end.
    pub next: Option<String>,
    /// Whether it may be done with every object of the type, also with those nobody has heard of.
    pub wildcard_grant: bool,
    /// Whether it perhaps may: a script decides, or single objects may be excluded, so that each must be asked about.
    pub wildcard_gated: bool,
}

/// An object with which it may be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Object {
    pub entity_id: String,
    /// Whether a script decides, so that it must be asked live.
    pub abac_required: bool,
    /// The tuples that give it: identifier and relation. None for administrators and full access.
    pub tuples: Vec<(String, String)>,
}

/// A page of subjects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Subjects {
    /// In their order.
    pub items: Vec<Subject>,
    /// Pass as `after` to read on; absent at the end.
    pub next: Option<String>,
    /// Whether everyone of the type may, also those nobody has heard of.
    pub everyone: bool,
    /// Whether everyone perhaps may: a script decides, or single subjects may be excluded.
    pub everyone_gated: bool,
}

/// A subject that may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    pub subject: SubjectRef,
    /// Whether a script decides.
    pub abac_required: bool,
}

/// Something that may be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    pub permission: String,
    /// Whether a script decides.
    pub abac_required: bool,
}

/// The objects of a type with which the subject of `session` may do `permission`. Errors: [`Error::UnknownType`],
/// [`Error::UnknownPermission`], [`Error::LimitReached`], and [`Error::Invalid`] for the holders on every object,
/// `T:*#R`: what is taken away from them on `*` alone they may have on objects that nothing names.
pub fn objects<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    entity_type: &str,
    permission: &str,
    request: &PageRequest,
) -> Result<Objects, Error> {
    if session.subject().id == ANY && session.subject().relation.is_some() {
        return Err(Error::invalid(
            "subject",
            "no list is made for who has a relation to every object: name one object",
        ));
    }
    let graph = session.graph();
    let model = declared(&graph, entity_type, permission)?;
    let every = session.static_result(&model, ANY, permission)?;
    let (wildcard_grant, wildcard_gated) = (every == Some(CheckResult::Yes), every == Some(CheckResult::Gated));
    let mut source = if wildcard_grant || wildcard_gated {
        Source::Known(request.after.clone())
    } else {
        Source::Reached(reached(session, &model, request)?)
    };
    let mut found = Vec::new();
    let mut looked = 0;
    while found.len() <= request.limit {
        let Some(ids) = source.more(&graph, &model.entity_type)? else { break };
        for id in ids.into_iter().filter(|id| id != ANY) {
            looked += 1;
            if looked > graph.limits.listed {
                return Err(Error::LimitReached("the list is too long to be looked through"));
            }
            let result = session.static_result(&model, &id, permission)?;
            if let Some(result) = result.filter(|result| *result >= CheckResult::Gated) {
                found.push((id, result));
            }
            if found.len() > request.limit {
                break;
            }
        }
    }
    let next = if found.len() > request.limit { found.get(request.limit.saturating_sub(1)) } else { None };
    let next = next.map(|(id, _)| id.clone());
    found.truncate(request.limit);
    let items = granted(session, (&model, permission), found)?;
    Ok(Objects { items, next, wildcard_grant, wildcard_gated })
}

/// Where candidates come from.
enum Source {
    /// Every known object after this one.
    Known(Option<String>),
    Reached(Vec<String>),
}

impl Source {
    fn more<F: TupleReader + ?Sized>(
        &mut self,
        graph: &Graph<'_, F>,
        kind: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        match self {
            Self::Known(after) => {
                let ids = graph.tuples.entity_ids(kind, after.as_deref(), CHUNK)?;
                *after = ids.last().cloned();
                Ok((!ids.is_empty()).then_some(ids))
            }
            Self::Reached(ids) => Ok((!ids.is_empty()).then(|| std::mem::take(ids))),
        }
    }
}

fn reached<F: TupleReader + ?Sized>(
    session: &CheckSession<'_, F>,
    model: &CompiledModel,
    request: &PageRequest,
) -> Result<Vec<String>, Error> {
    let reached = Walk::new(session.graph()).reached_by(session.subject(), true)?;
    let of_type = reached.objects.into_iter().filter(|(kind, _)| *kind == model.entity_type).map(|(_, id)| id);
    let mut ids: BTreeSet<String> = of_type.collect();
    if let Some(client) = session.bound().filter(|_| model.entity_type == CLIENTS) {
        ids.insert(client.to_string());
    }
    Ok(ids.into_iter().filter(|id| request.after.as_ref().is_none_or(|after| id > after)).collect())
}

/// The items of a page, with the tuples that give them.
fn granted<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    (model, permission): (&CompiledModel, &str),
    found: Vec<(String, CheckResult)>,
) -> Result<Vec<Object>, Error> {
    let Some((relation, _)) = model.wanted(permission) else { return Ok(Vec::new()) };
    let mut engine = Engine::new(session.graph(), session.subject()).explaining(true);
    let mut items = Vec::with_capacity(found.len());
    for (entity_id, result) in found {
        let outcome = engine.holds(ObjectRelation::new(&model.entity_type, &entity_id, relation))?;
        let step = DerivationStep::of(&outcome);
        let tuples = step.iter().flat_map(|step| step.granting_tuples());
        let tuples = tuples.map(|key| (key.id(), key.relation.clone())).collect();
        items.push(Object { entity_id, abac_required: result == CheckResult::Gated, tuples });
    }
    Ok(items)
}

/// The subjects that are asked for.
#[derive(Clone, Debug)]
pub struct SubjectFilter<'a> {
    /// The type of the subjects.
    pub kind: &'a str,
    /// With it, sets of this relation; groups are listed as such, without it.
    pub relation: Option<&'a str>,
}

/// The subjects that may do `permission` with an object. `status` says which of them are active.
/// Errors: [`Error::UnknownType`], [`Error::UnknownPermission`], [`Error::LimitReached`].
pub fn subjects<F: TupleReader + ?Sized>(
    graph: Graph<'_, F>,
    (entity_type, entity_id, permission): (&str, &str, &str),
    who: &SubjectFilter<'_>,
    status: &dyn Fn(&SubjectRef) -> Result<SubjectStatus, Error>,
    request: &PageRequest,
) -> Result<Subjects, Error> {
    let model = declared(&graph, entity_type, permission)?;
    let Some((relation, _)) = model.wanted(permission) else { return Err(unknown(&model, permission)) };
    let relations = relations_met(&model, entity_id, [relation]);
    let (met, takes_away) = Walk::new(graph).met_at(&relations)?;
    let candidates: BTreeSet<SubjectRef> = met.iter().filter_map(|subject| who.named(subject)).collect();
    let result = |subject: &SubjectRef| -> Result<Option<CheckResult>, Error> {
        CheckSession::new(graph, subject, status(subject)?, 0).static_result(&model, entity_id, permission)
    };
    let ask = |subject: &SubjectRef| Ok::<_, Error>(result(subject)?.filter(|result| *result >= CheckResult::Gated));
    let is_one = who.relation.is_none() && who.kind != GROUP;
    let every = if is_one { ask(&SubjectRef::new(who.kind, ANY))? } else { None };
    let mut everyone = every == Some(CheckResult::Yes);
    // A subject without tuples has what everyone has; of the others one may be excluded.
    for subject in candidates.iter().filter(|_| takes_away) {
        everyone = everyone && result(subject)?.is_none_or(|result| result == CheckResult::Yes);
    }
    let everyone_gated = every.is_some() && !everyone;
    let mut items = Vec::new();
    let later = |subject: &SubjectRef| request.after.as_ref().is_none_or(|after| subject.to_string() > *after);
    let mut sorted: Vec<_> = candidates.into_iter().filter(later).collect();
    sorted.sort_by_cached_key(ToString::to_string);
    for subject in sorted {
        if let Some(result) = ask(&subject)? {
            items.push(Subject { subject, abac_required: result == CheckResult::Gated });
        }
        if items.len() > request.limit {
            break;
        }
    }
    let next = if items.len() > request.limit { items.get(request.limit.saturating_sub(1)) } else { None };
    let next = next.map(|item| item.subject.to_string());
    items.truncate(request.limit);
    Ok(Subjects { items, next, everyone, everyone_gated })
}

/// The relations of objects that a question about these relations of an object may come to.
pub(super) fn relations_met<'p>(
    model: &'p CompiledModel,
    id: &'p str,
    relations: impl IntoIterator<Item = &'p str>,
) -> Vec<ObjectRelation<'p>> {
    let mut met: Vec<_> =
        relations.into_iter().map(|relation| ObjectRelation::new(&model.entity_type, id, relation)).collect();
    if model.admin_bypass && model.entity_type != PLATFORM {
        met.extend(["admin", "super_admin"].map(|relation| ObjectRelation::new(PLATFORM, ANY, relation)));
    }
    if let Some(client) = &model.client {
        met.push(ObjectRelation::new(CLIENTS, client.as_str(), FULL_ACCESS));
    }
    met
}

impl SubjectFilter<'_> {
    /// The subject as it is listed, if it is one of these.
    fn named(&self, subject: &SubjectRef) -> Option<SubjectRef> {
        let groups = self.kind == GROUP && self.relation.is_none_or(|relation| relation == MEMBER);
        match subject.as_set() {
            Some((GROUP, id, MEMBER)) if groups => Some(SubjectRef::new(GROUP, id)),
            Some((kind, _, relation)) => {
                (kind == self.kind && Some(relation) == self.relation).then(|| subject.clone())
            }
            None => {
                (subject.kind == self.kind && subject.id != ANY && self.relation.is_none()).then(|| subject.clone())
            }
        }
    }
}

/// As [`subjects`], over the state of this moment and within the operation's budget.
pub fn subjects_now(
    cx: &Cx,
    question: (&str, &str, &str),
    who: &SubjectFilter<'_>,
    request: &PageRequest,
) -> Result<Subjects, Error> {
    with_graph(cx, |schema, graph| subjects(graph, question, who, &|subject| schema.status(subject), request))
}

/// What the subject of `session` may do with an object: permissions of its type, or where the model declares none, as
/// those of other software do that were imported, relations; sorted.
/// Errors: [`Error::UnknownType`], [`Error::LimitReached`].
pub fn actions<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    entity_type: &str,
    entity_id: &str,
) -> Result<Vec<Action>, Error> {
    let model = session.graph().schema.model(entity_type)?.ok_or_else(|| Error::UnknownType(entity_type.to_owned()))?;
    let mut found = Vec::new();
    let relations = model.relations.keys().filter(|_| model.permissions.is_empty());
    for permission in model.permissions.keys().chain(relations) {
        let result = session.static_result(&model, entity_id, permission)?;
        if let Some(result) = result.filter(|result| *result >= CheckResult::Gated) {
            found.push(Action { permission: permission.clone(), abac_required: result == CheckResult::Gated });
        }
    }
    Ok(found)
}

fn declared<F: ?Sized>(
    graph: &Graph<'_, F>,
    entity_type: &str,
    permission: &str,
) -> Result<std::sync::Arc<CompiledModel>, Error> {
    let model = graph.schema.model(entity_type)?.ok_or_else(|| Error::UnknownType(entity_type.to_owned()))?;
    if model.wanted(permission).is_none() {
        return Err(unknown(&model, permission));
    }
    Ok(model)
}

fn unknown(model: &CompiledModel, permission: &str) -> Error {
    Error::UnknownPermission { entity_type: model.entity_type.clone(), permission: permission.to_owned() }
}
