//! Lists: with which objects a subject may do something, which subjects may do it with an object, and what a subject
//! may do with an object.
//!
//! Candidates come in the order of their identifiers from any of them on (`candidates`, which reads several sorted
//! lists as one: `merged`); each one is then asked about like any other question, without running scripts.

mod candidates;
mod merged;

use std::collections::BTreeSet;

use serde::Serialize;

use self::candidates::Candidates;
use super::Error;
use super::check::{CLIENTS, CheckSession, FULL_ACCESS, PLATFORM, SubjectStatus, with_graph};
use super::explain::DerivationStep;
use super::graph::{CheckResult, Engine, Graph, ObjectRelation, RelationKey, TupleReader, Walk};
use super::model::CompiledModel;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP, MEMBER};

/// Objects or subjects that one page looks at: those behind them are for the next one.
const LOOKED_AT: usize = 20_000;

/// Subjects that are asked about to know whether everyone may of whom single ones may be excluded.
const EXCLUDED: usize = 1_000;

/// Names of those that are left out of a page because no check has an answer.
const MOST_UNDECIDED: usize = 100;

/// A page of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Objects {
    /// In the order of their identifiers. There may be fewer than asked for, or none, and still more behind them.
    pub items: Vec<Object>,
    /// Pass as `after` to read on; absent at the end.
    pub next: Option<String>,
    /// Whether it may be done with every object of the type, also with those nobody has heard of.
    pub wildcard_grant: bool,
    /// Whether it perhaps may: a script decides, or single objects may be excluded, so that each must be asked about.
    pub wildcard_gated: bool,
    /// What is left out because no check has an answer: it leads too far. The first hundred of the page.
    pub undecided: Vec<String>,
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
    /// In their order. There may be fewer than asked for, or none, and still more behind them.
    pub items: Vec<Subject>,
    /// Pass as `after` to read on; absent at the end.
    pub next: Option<String>,
    /// Whether everyone of the type may, also those nobody has heard of.
    pub everyone: bool,
    /// Whether everyone perhaps may: a script decides, or single subjects may be excluded.
    pub everyone_gated: bool,
    /// Who is left out because no check has an answer: it leads too far. The first hundred of the page.
    pub undecided: Vec<String>,
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
    let Some((relation, _)) = model.wanted(permission) else { return Err(unknown(&model, permission)) };
    let (every, after) = (answered(graph, session.static_result(&model, ANY, permission))?, request.after.as_deref());
    let [wildcard_grant, wildcard_gated] =
        [CheckResult::Yes, CheckResult::Gated].map(|result| every == Answer::Is(Some(result)));
    // Where nothing is known of all of them, each may have it that anybody has heard of.
    let mut candidates = if wildcard_grant || wildcard_gated || every == Answer::LeadsTooFar {
        Candidates::known(graph, &model.entity_type, after)
    } else {
        Candidates::reached(session, (&model, relation), after)?
    };
    // What holds of all objects is said apart.
    let ask = |id: &str| if id == ANY { Ok(None) } else { session.static_result(&model, id, permission) };
    let page = looked_through(graph, request.limit, || candidates.next(), ask)?;
    let mut undecided = page.undecided;
    if every == Answer::LeadsTooFar {
        undecided.insert(0, ANY.to_owned());
    }
    let items = granted(session, (&model, permission), page.found)?;
    Ok(Objects { items, next: page.next, wildcard_grant, wildcard_gated, undecided })
}

/// What a check says, as far as it has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Is(Option<CheckResult>),
    /// A limit of one question was reached.
    LeadsTooFar,
}

/// One question that leads too far leaves the others theirs. Errors: those that end the whole list.
fn answered<F: ?Sized>(graph: Graph<'_, F>, result: Result<Option<CheckResult>, Error>) -> Result<Answer, Error> {
    match result {
        Ok(result) => Ok(Answer::Is(result.filter(|result| *result >= CheckResult::Gated))),
        Err(Error::LimitReached(_)) => {
            graph.take(0)?;
            Ok(Answer::LeadsTooFar)
        }
        Err(error) => Err(error),
    }
}

/// What was found for a page.
#[derive(Default)]
struct Found {
    found: Vec<(String, CheckResult)>,
    next: Option<String>,
    undecided: Vec<String>,
}

/// Asks about one candidate after another, until the page is full, they end, or enough was looked at: then the page is
/// short, and the next one goes on behind it. Errors: those of both, [`Error::LimitReached`] when the budget ends
/// before anything was looked at.
fn looked_through<F: ?Sized>(
    graph: Graph<'_, F>,
    limit: usize,
    mut candidate: impl FnMut() -> Result<Option<String>, Error>,
    mut ask: impl FnMut(&str) -> Result<Option<CheckResult>, Error>,
) -> Result<Found, Error> {
    let (mut page, mut looked) = (Found::default(), 0);
    let mut last: Option<String> = None;
    loop {
        let asked = candidate().and_then(|id| match id {
            Some(id) => answered(graph, ask(&id)).map(|answer| Some((id, answer))),
            None => Ok(None),
        });
        let (id, answer) = match asked {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(page),
            Err(Error::LimitReached(_)) if last.is_some() => return Ok(Found { next: last, ..page }),
            Err(error) => return Err(error),
        };
        match answer {
            Answer::Is(Some(_)) if page.found.len() == limit => return Ok(Found { next: last, ..page }),
            Answer::Is(Some(result)) => page.found.push((id.clone(), result)),
            Answer::Is(None) => {}
            Answer::LeadsTooFar if page.undecided.len() < MOST_UNDECIDED => page.undecided.push(id.clone()),
            Answer::LeadsTooFar => {}
        }
        looked += 1;
        if looked == LOOKED_AT {
            return Ok(Found { next: Some(id), ..page });
        }
        last = Some(id);
    }
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
        // The budget may end here: what was found stays found, without the tuples that give it.
        let outcome = match engine.holds(ObjectRelation::new(&model.entity_type, &entity_id, relation)) {
            Err(Error::LimitReached(_)) => None,
            outcome => Some(outcome?),
        };
        let step = outcome.as_ref().and_then(DerivationStep::of);
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
    let (places, takes_away) = Walk::new(graph).places_met(&relations)?;
    let result = |subject: &SubjectRef| -> Result<Option<CheckResult>, Error> {
        CheckSession::new(graph, subject, status(subject)?, 0).static_result(&model, entity_id, permission)
    };
    let ask = |id: &str| result(&who.subject(id));
    let after = request.after.as_deref().map(|after| who.id_of(after));
    if who.are_sets() {
        let sets: BTreeSet<&str> = places.iter().filter_map(|place| who.named(place)).collect();
        let mut sets = sets.into_iter().filter(|id| after.is_none_or(|after| *id > after)).map(str::to_owned);
        let page = looked_through(graph, request.limit, || Ok(sets.next()), ask)?;
        return Ok(who.page(page, (false, false)));
    }
    let places: BTreeSet<RelationKey> = places.into_iter().flat_map(with_wildcard).collect();
    let places: Vec<RelationKey> = places.into_iter().collect();
    let every = answered(graph, ask(ANY))?;
    let mut everyone = every == Answer::Is(Some(CheckResult::Yes));
    if everyone && takes_away {
        let mut all = Candidates::standing_at(graph, who.kind, places.clone(), None)?;
        everyone = nobody_is_excluded(graph, &mut all, ask)?;
    }
    let everyone_gated = every != Answer::Is(None) && !everyone;
    let mut candidates = Candidates::standing_at(graph, who.kind, places, after)?;
    let mut page = looked_through(graph, request.limit, || candidates.next(), ask)?;
    if every == Answer::LeadsTooFar {
        page.undecided.insert(0, ANY.to_owned());
    }
    Ok(who.page(page, (everyone, everyone_gated)))
}

/// Whether all who stand somewhere have what everyone has. A subject without tuples has it; of many others it is not
/// found out.
fn nobody_is_excluded<F: TupleReader + ?Sized>(
    graph: Graph<'_, F>,
    candidates: &mut Candidates<'_, F>,
    mut ask: impl FnMut(&str) -> Result<Option<CheckResult>, Error>,
) -> Result<bool, Error> {
    for _ in 0..EXCLUDED {
        let Some(id) = candidates.next()? else { return Ok(true) };
        // Who may not act at all has nothing to be taken away.
        let result = match ask(&id) {
            Err(Error::LimitReached(_)) => {
                graph.take(0)?;
                return Ok(false);
            }
            result => result?,
        };
        if result.is_some_and(|result| result != CheckResult::Yes) {
            return Ok(false);
        }
    }
    Ok(false)
}

/// The relation of the object itself, and of `*`, whose tuples count on every object.
fn with_wildcard(place: RelationKey) -> Vec<RelationKey> {
    let every = (place.0.clone(), ANY.to_owned(), place.2.clone());
    vec![place, every]
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
    fn are_sets(&self) -> bool {
        self.relation.is_some() || self.kind == GROUP
    }

    /// The relation in the name of a set; groups are named alone.
    fn held(&self) -> Option<&str> {
        self.relation.filter(|relation| self.kind != GROUP || *relation != MEMBER)
    }

    /// The object whose set it is, if it is one of these.
    fn named<'p>(&self, (kind, id, relation): &'p RelationKey) -> Option<&'p str> {
        (kind == self.kind && relation == self.relation.unwrap_or(MEMBER)).then_some(id)
    }

    /// The subject as it is listed.
    fn subject(&self, id: &str) -> SubjectRef {
        SubjectRef { kind: self.kind.to_owned(), id: id.to_owned(), relation: self.held().map(str::to_owned) }
    }

    /// The identifier in a cursor.
    fn id_of<'c>(&self, cursor: &'c str) -> &'c str {
        let id = cursor.strip_prefix(self.kind).and_then(|rest| rest.strip_prefix(':')).unwrap_or(cursor);
        let held = self.held().and_then(|held| id.strip_suffix(held)?.strip_suffix('#'));
        held.unwrap_or(id)
    }

    fn page(&self, page: Found, (everyone, everyone_gated): (bool, bool)) -> Subjects {
        let text = |id: String| self.subject(&id).to_string();
        let item = |(id, result): (String, CheckResult)| Subject {
            subject: self.subject(&id),
            abac_required: result == CheckResult::Gated,
        };
        Subjects {
            items: page.found.into_iter().map(item).collect(),
            next: page.next.map(text),
            everyone,
            everyone_gated,
            undecided: page.undecided.into_iter().map(text).collect(),
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
