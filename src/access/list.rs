//! Questions turned round: which objects a subject may do something with, who may do it with an object, and what may be done.
//!
//! Candidates come from walks over the tuples; each one is then asked about like any other question, without running scripts.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Error;
use super::check::{
    At, Bench, CLIENTS, Engine, FULL_ACCESS, Facts, Ground, PLATFORM, Reason, Standing, Verdict, survey,
};
use super::model::CompiledModel;
use super::reach::Walk;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP, MEMBER};

/// Known objects looked at in one go.
const CHUNK: usize = 256;

/// A page of objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Objects {
    /// In the order of their identifiers.
    pub items: Vec<Object>,
    /// Pass as `after` to read on; absent at the end.
    pub next: Option<String>,
    /// Whether it may be done with every object of the type, also with those nobody has heard of.
    pub wildcard_grant: bool,
    /// Whether it perhaps may: a script has the last word, or single objects may be excluded, so that each must be asked about.
    pub wildcard_gated: bool,
}

/// An object with which it may be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Object {
    /// The object.
    pub entity_id: String,
    /// Whether a script has the last word, so that it must be asked live.
    pub abac_required: bool,
    /// The tuples that give it: identifier and relation. None for administrators and full access.
    pub tuples: Vec<(String, String)>,
}

/// A page of subjects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subjects {
    /// In their order.
    pub items: Vec<Subject>,
    /// Pass as `after` to read on; absent at the end.
    pub next: Option<String>,
    /// Whether everyone of the type may, also those nobody has heard of.
    pub everyone: bool,
    /// Whether everyone perhaps may: a script has the last word, or single subjects may be excluded.
    pub everyone_gated: bool,
}

/// A subject that may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Who.
    pub subject: SubjectRef,
    /// Whether a script has the last word.
    pub abac_required: bool,
}

/// Something that may be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// The permission.
    pub permission: String,
    /// Whether a script has the last word.
    pub abac_required: bool,
}

/// The objects of a type with which the subject of `bench` may do `permission`.
/// Errors: [`Error::UnknownType`], [`Error::UnknownPermission`], [`Error::LimitReached`], and [`Error::Invalid`] for the holders on every
/// object, `T:*#R`: what is taken away from them on `*` alone they may have on objects that nothing names.
pub fn objects<F: Facts + ?Sized>(
    bench: &mut Bench<'_, F>,
    entity_type: &str,
    permission: &str,
    request: &PageRequest,
) -> Result<Objects, Error> {
    if bench.subject().id == ANY && bench.subject().relation.is_some() {
        return Err(Error::invalid(
            "subject",
            "no list is made for who has a relation to every object: name one object",
        ));
    }
    let ground = bench.ground();
    let model = declared(&ground, entity_type, permission)?;
    let every = bench.verdict(&model, ANY, permission)?;
    let (wildcard_grant, wildcard_gated) = (every == Some(Verdict::Yes), every == Some(Verdict::Gated));
    let mut source = if wildcard_grant || wildcard_gated {
        Source::Known(request.after.clone())
    } else {
        Source::Reached(reached(bench, &model, request)?)
    };
    let mut found = Vec::new();
    let mut looked = 0;
    while found.len() <= request.limit {
        let Some(ids) = source.more(&ground, &model.entity_type)? else { break };
        for id in ids.into_iter().filter(|id| id != ANY) {
            looked += 1;
            if looked > ground.limits.listed {
                return Err(Error::LimitReached("the list is too long to be looked through"));
            }
            let verdict = bench.verdict(&model, &id, permission)?;
            if let Some(verdict) = verdict.filter(|verdict| *verdict >= Verdict::Gated) {
                found.push((id, verdict));
            }
            if found.len() > request.limit {
                break;
            }
        }
    }
    let next = if found.len() > request.limit { found.get(request.limit.saturating_sub(1)) } else { None };
    let next = next.map(|(id, _)| id.clone());
    found.truncate(request.limit);
    let items = granted(bench, (&model, permission), found)?;
    Ok(Objects { items, next, wildcard_grant, wildcard_gated })
}

/// Where candidates come from.
enum Source {
    /// Every known object after this one.
    Known(Option<String>),
    /// These.
    Reached(Vec<String>),
}

impl Source {
    fn more<F: Facts + ?Sized>(&mut self, ground: &Ground<'_, F>, kind: &str) -> Result<Option<Vec<String>>, Error> {
        match self {
            Self::Known(after) => {
                let ids = ground.facts.entity_ids(kind, after.as_deref(), CHUNK)?;
                *after = ids.last().cloned();
                Ok((!ids.is_empty()).then_some(ids))
            }
            Self::Reached(ids) => Ok((!ids.is_empty()).then(|| std::mem::take(ids))),
        }
    }
}

fn reached<F: Facts + ?Sized>(
    bench: &Bench<'_, F>,
    model: &CompiledModel,
    request: &PageRequest,
) -> Result<Vec<String>, Error> {
    let reached = Walk::new(bench.ground()).reached_by(bench.subject(), true)?;
    let of_type = reached.objects.into_iter().filter(|(kind, _)| *kind == model.entity_type).map(|(_, id)| id);
    let mut ids: BTreeSet<String> = of_type.collect();
    if let Some(client) = bench.bound().filter(|_| model.entity_type == CLIENTS) {
        ids.insert(client.to_string());
    }
    Ok(ids.into_iter().filter(|id| request.after.as_ref().is_none_or(|after| id > after)).collect())
}

/// The items of a page, with the tuples that give them.
fn granted<F: Facts + ?Sized>(
    bench: &mut Bench<'_, F>,
    (model, permission): (&CompiledModel, &str),
    found: Vec<(String, Verdict)>,
) -> Result<Vec<Object>, Error> {
    let Some((relation, _)) = model.wanted(permission) else { return Ok(Vec::new()) };
    let mut engine = Engine::new(bench.ground(), bench.subject()).explaining(true);
    let mut items = Vec::with_capacity(found.len());
    for (entity_id, verdict) in found {
        let step = engine.holds(At::new(&model.entity_type, &entity_id, relation))?.step();
        let tuples = step.iter().flat_map(|step| step.granting());
        let tuples = tuples.map(|key| (key.id(), key.relation.clone())).collect();
        items.push(Object { entity_id, abac_required: verdict == Verdict::Gated, tuples });
    }
    Ok(items)
}

/// Who is asked for.
#[derive(Clone, Debug)]
pub struct Who<'a> {
    /// The type of the subjects.
    pub kind: &'a str,
    /// With it, sets of this relation; groups are listed as such, without it.
    pub relation: Option<&'a str>,
}

/// The subjects that may do `permission` with an object. `standing` says which of them are live.
/// Errors: [`Error::UnknownType`], [`Error::UnknownPermission`], [`Error::LimitReached`].
pub fn subjects<F: Facts + ?Sized>(
    ground: Ground<'_, F>,
    (entity_type, entity_id, permission): (&str, &str, &str),
    who: &Who<'_>,
    standing: &dyn Fn(&SubjectRef) -> Result<Standing, Error>,
    request: &PageRequest,
) -> Result<Subjects, Error> {
    let model = declared(&ground, entity_type, permission)?;
    let Some((relation, _)) = model.wanted(permission) else { return Err(unknown(&model, permission)) };
    let places = places(&model, entity_id, [relation]);
    let (met, takes_away) = Walk::new(ground).met_at(&places)?;
    let candidates: BTreeSet<SubjectRef> = met.iter().filter_map(|subject| who.named(subject)).collect();
    let verdict = |subject: &SubjectRef| -> Result<Option<Verdict>, Error> {
        Bench::new(ground, subject, standing(subject)?, 0).verdict(&model, entity_id, permission)
    };
    let ask = |subject: &SubjectRef| Ok::<_, Error>(verdict(subject)?.filter(|verdict| *verdict >= Verdict::Gated));
    let is_one = who.relation.is_none() && who.kind != GROUP;
    let every = if is_one { ask(&SubjectRef::new(who.kind, ANY))? } else { None };
    let mut everyone = every == Some(Verdict::Yes);
    // Whoever stands in no tuple has what everyone has; of the others one may be excluded.
    for subject in candidates.iter().filter(|_| takes_away) {
        everyone = everyone && verdict(subject)?.is_none_or(|verdict| verdict == Verdict::Yes);
    }
    let everyone_gated = every.is_some() && !everyone;
    let mut items = Vec::new();
    let later = |subject: &SubjectRef| request.after.as_ref().is_none_or(|after| subject.to_string() > *after);
    let mut sorted: Vec<_> = candidates.into_iter().filter(later).collect();
    sorted.sort_by_cached_key(ToString::to_string);
    for subject in sorted {
        if let Some(verdict) = ask(&subject)? {
            items.push(Subject { subject, abac_required: verdict == Verdict::Gated });
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

/// Where a question about these relations of an object may come across those who have them.
pub(super) fn places<'p>(
    model: &'p CompiledModel,
    id: &'p str,
    relations: impl IntoIterator<Item = &'p str>,
) -> Vec<At<'p>> {
    let mut places: Vec<_> = relations.into_iter().map(|relation| At::new(&model.entity_type, id, relation)).collect();
    if model.admin_bypass && model.entity_type != PLATFORM {
        places.extend(["admin", "super_admin"].map(|relation| At::new(PLATFORM, ANY, relation)));
    }
    if let Some(client) = &model.client {
        places.push(At::new(CLIENTS, client.as_str(), FULL_ACCESS));
    }
    places
}

impl Who<'_> {
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
    who: &Who<'_>,
    request: &PageRequest,
) -> Result<Subjects, Error> {
    survey(cx, |models, ground| subjects(ground, question, who, &|subject| models.standing(subject), request))
}

/// What the subject of `bench` may do with an object: permissions of its type, sorted.
/// Errors: [`Error::UnknownType`], [`Error::LimitReached`].
pub fn actions<F: Facts + ?Sized>(
    bench: &mut Bench<'_, F>,
    entity_type: &str,
    entity_id: &str,
) -> Result<Vec<Action>, Error> {
    let model = bench.ground().schema.model(entity_type)?.ok_or_else(|| Error::UnknownType(entity_type.to_owned()))?;
    let mut found = Vec::new();
    for permission in model.permissions.keys() {
        let verdict = bench.verdict(&model, entity_id, permission)?;
        if let Some(verdict) = verdict.filter(|verdict| *verdict >= Verdict::Gated) {
            found.push(Action { permission: permission.clone(), abac_required: verdict == Verdict::Gated });
        }
    }
    Ok(found)
}

impl<F: Facts + ?Sized> Bench<'_, F> {
    /// What a permission comes to without running scripts; `None` when the subject may not act or the model does not know it.
    pub(super) fn verdict(
        &mut self,
        model: &CompiledModel,
        id: &str,
        permission: &str,
    ) -> Result<Option<Verdict>, Error> {
        match self.beforehand(Some(model), (&model.entity_type, id, permission))? {
            Some(Reason::AdminBypass | Reason::ClientFullAccess) => return Ok(Some(Verdict::Yes)),
            Some(_) => return Ok(None),
            None => {}
        }
        let Some((relation, policy)) = model.wanted(permission) else { return Ok(None) };
        let verdict = self.engine().holds(At::new(&model.entity_type, id, relation))?.verdict;
        Ok(Some(if policy.is_some() { verdict.min(Verdict::Gated) } else { verdict }))
    }
}

fn declared<F: ?Sized>(
    ground: &Ground<'_, F>,
    entity_type: &str,
    permission: &str,
) -> Result<std::sync::Arc<CompiledModel>, Error> {
    let model = ground.schema.model(entity_type)?.ok_or_else(|| Error::UnknownType(entity_type.to_owned()))?;
    if model.wanted(permission).is_none() {
        return Err(unknown(&model, permission));
    }
    Ok(model)
}

fn unknown(model: &CompiledModel, permission: &str) -> Error {
    Error::UnknownPermission { entity_type: model.entity_type.clone(), permission: permission.to_owned() }
}
