//! Who and what a list asks about, in the order of identifiers and from any identifier on: so that a page costs what it
//! holds, and not what stands before it.

use std::collections::{BTreeSet, VecDeque};

use super::merged::Merged;
use crate::access::Error;
use crate::access::check::{CLIENTS, CheckSession};
use crate::access::graph::{Graph, Limits, ObjectRelation, RelationKey, TupleReader, Walk};
use crate::access::model::CompiledModel;
use crate::records::{SubjectRef, TupleKey};

/// Known objects read at a time.
const CHUNK: usize = 256;

/// Steps of a walk that is made anew for each page. What leads further is looked for among all known objects.
const WALK: usize = 10_000;

type Read<'a> = Box<dyn FnMut(usize, Option<&str>, usize) -> Result<Vec<String>, Error> + 'a>;

/// Identifiers, sorted, each once.
pub(super) enum Candidates<'a, F: ?Sized> {
    /// All objects of the type that anybody has heard of, behind one.
    Known { graph: Graph<'a, F>, kind: String, after: Option<String>, read: VecDeque<String> },
    /// These.
    These(VecDeque<String>),
    /// Those that some sorted lists hold.
    Merged(Merged<Read<'a>>),
}

impl<'a, F: TupleReader + ?Sized> Candidates<'a, F> {
    /// All objects of a type.
    pub(super) fn known(graph: Graph<'a, F>, kind: &str, after: Option<&str>) -> Self {
        let (kind, after) = (kind.to_owned(), after.map(str::to_owned));
        Self::Known { graph, kind, after, read: VecDeque::new() }
    }

    /// The objects of a type on which the subject of a session can have the relation. Errors: [`Error::LimitReached`].
    pub(super) fn reached(
        session: &CheckSession<'a, F>,
        (model, relation): (&CompiledModel, &str),
        after: Option<&str>,
    ) -> Result<Self, Error> {
        let graph = session.graph();
        let limits = Limits { listed: graph.limits.listed.min(WALK), ..graph.limits };
        let mut walk = Walk::new(Graph { limits, ..graph });
        let found = if walk.stands(&model.entity_type)? {
            let reached = walk.reached_by(session.subject(), true);
            reached.map(|reached| Some(Self::these(session, model, reached.objects, after)))
        } else {
            let sources = walk.sources_of(session.subject());
            sources.and_then(|sources| {
                sources.map(|sources| Self::merged(session, (model, relation), &sources, after)).transpose()
            })
        };
        match found {
            Ok(Some(found)) => Ok(found),
            // Too much to be walked through for each page, or something that stands for all objects of a type.
            Ok(None) => Ok(Self::known(graph, &model.entity_type, after)),
            Err(Error::LimitReached(_)) if graph.take(0).is_ok() => Ok(Self::known(graph, &model.entity_type, after)),
            Err(error) => Err(error),
        }
    }

    fn these(
        session: &CheckSession<'a, F>,
        model: &CompiledModel,
        objects: BTreeSet<(String, String)>,
        after: Option<&str>,
    ) -> Self {
        let of_type = objects.into_iter().filter(|(kind, _)| *kind == model.entity_type).map(|(_, id)| id);
        let mut ids: BTreeSet<String> = of_type.collect();
        ids.extend(own(session, model));
        Self::These(ids.into_iter().filter(|id| after.is_none_or(|after| id.as_str() > after)).collect())
    }

    /// The objects on which these subjects stand, with relations that the asked one can follow from.
    fn merged(
        session: &CheckSession<'a, F>,
        (model, relation): (&CompiledModel, &str),
        sources: &BTreeSet<SubjectRef>,
        after: Option<&str>,
    ) -> Result<Self, Error> {
        let (graph, kind) = (session.graph(), model.entity_type.clone());
        let relations = leading_to(model, relation);
        let mut lists = Vec::new();
        for subject in sources {
            graph.take(1)?;
            let (entity_id, relation) = (String::new(), String::new());
            let begin = TupleKey { entity_type: kind.clone(), entity_id, relation, subject: subject.clone() };
            let first = graph.tuples.of_subject(subject, Some(&begin), 1)?;
            if first.first().is_some_and(|key| key.entity_type == kind) {
                lists.extend(relations.iter().map(|relation| (subject.clone(), relation.clone())));
            }
        }
        let (count, own) = (lists.len() + 1, own(session, model));
        let read = move |list: usize, after: Option<&str>, most: usize| match lists.get(list) {
            Some((subject, relation)) => {
                let ids = graph.tuples.objects_of(subject, (&kind, relation), after, most)?;
                graph.take(ids.len().saturating_add(1))?;
                Ok(ids)
            }
            None => Ok(own.iter().filter(|id| after.is_none_or(|after| id.as_str() > after)).cloned().collect()),
        };
        let read: Read<'a> = Box::new(read);
        Ok(Self::Merged(Merged::new(count, after, read)?))
    }

    /// The subjects of a type, no sets, that stand at these relations of objects.
    pub(super) fn standing_at(
        graph: Graph<'a, F>,
        kind: &str,
        places: Vec<RelationKey>,
        after: Option<&str>,
    ) -> Result<Self, Error> {
        let (count, kind) = (places.len(), kind.to_owned());
        let read = move |list: usize, after: Option<&str>, most: usize| {
            let Some((of, id, relation)) = places.get(list) else { return Ok(Vec::new()) };
            let ids = graph.tuples.subjects_of(ObjectRelation::new(of, id, relation), &kind, after, most)?;
            graph.take(ids.len().saturating_add(1))?;
            Ok(ids)
        };
        let read: Read<'a> = Box::new(read);
        Ok(Self::Merged(Merged::new(count, after, read)?))
    }

    /// The next one. Errors: [`Error::LimitReached`].
    pub(super) fn next(&mut self) -> Result<Option<String>, Error> {
        match self {
            Self::These(ids) => Ok(ids.pop_front()),
            Self::Merged(merged) => merged.next(),
            Self::Known { graph, kind, after, read } => {
                if read.is_empty() {
                    read.extend(graph.tuples.entity_ids(kind, after.as_deref(), CHUNK)?);
                    graph.take(read.len())?;
                    *after = read.back().cloned();
                }
                Ok(read.pop_front())
            }
        }
    }
}

/// Objects of the type that the subject of a session may have something on without a tuple that leads there: the client
/// that it is bound to, and that whose set it is.
fn own<F: TupleReader + ?Sized>(session: &CheckSession<'_, F>, model: &CompiledModel) -> Vec<String> {
    let client = session.bound().filter(|_| model.entity_type == CLIENTS).map(ToString::to_string);
    let set =
        session.subject().as_set().filter(|(kind, ..)| *kind == model.entity_type).map(|(_, id, _)| id.to_owned());
    let ids: BTreeSet<String> = client.into_iter().chain(set).collect();
    ids.into_iter().collect()
}

/// The relations of a type whose tuples a question about one of them can come to: those that it refers to, and those
/// that lead to parents.
fn leading_to(model: &CompiledModel, relation: &str) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::from([relation.to_owned()]), vec![relation.to_owned()]);
    while let Some(name) = open.pop() {
        let Some(rewrite) = model.relations.get(&name).map(|relation| &relation.rewrite) else { continue };
        let parents = rewrite.inherited().into_iter().map(|(from, _)| from);
        for other in rewrite.computed().into_iter().chain(parents) {
            if found.insert(other.to_owned()) {
                open.push(other.to_owned());
            }
        }
    }
    found
}
