//! Questions about permissions: one, or many; `lists` has which objects and which subjects. Errors are
//! `{"error","message"}`; a denial is an answer, not an error.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::asked::{Asked, missing, wrong};
use super::shapes::{BatchRequest, CheckRequest, ContextualTuple, OneCheck, Said, Whom};
use crate::access::authority;
use crate::access::check::{Decision, Question, Reason, check, check_many, subject_of};
use crate::access::explain::Explanation;
use crate::access::{BoundedJson, Error, Resource, tuples};
use crate::base::Filled;
use crate::http::extract::Caller;
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, Tuple, TupleKey};

/// Objects or questions of one batch.
const MAX_BATCH: usize = 1_000;

/// Contextual tuples of one question at the most.
const MAX_CONTEXTUAL: usize = 100;

/// Contextual tuples of all questions of one request, each counted for every question that it is for.
const MAX_CONTEXTUAL_IN_ALL: usize = 5_000;

/// Questions of one request that ask why.
const MAX_EXPLAINED: usize = 20;

/// `POST /api/auth/check-permission`: may the caller, or with `subject` somebody else, do this?
pub async fn one(asked: Asked<CheckRequest>) -> HandlerResult {
    let Asked { caller, body } = asked;
    let question = question(&mut Asker::new(&caller), body.said(), None)?;
    let decision = answered(check(&caller.cx, &question).await)?;
    Ok(HttpResponse::Ok().json(Answered::Decided(Decided::new(&question, &decision))))
}

/// A question's part of an answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Answered<'a> {
    Decided(Decided<'a>),
    /// It led too far.
    Failed {
        allowed: bool,
        #[serde(flatten)]
        why: Unanswered,
    },
}

/// What stands for the answer to one question of a batch: one that is too large leaves the others theirs.
#[derive(Serialize)]
struct Unanswered {
    error: &'static str,
    message: String,
}

impl Unanswered {
    fn new(error: &Error) -> Self {
        Self { error: error.code(), message: error.to_string() }
    }
}

/// A decision, with what was asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided<'a> {
    allowed: bool,
    reason: Reason,
    entity_type: &'a str,
    entity_id: &'a str,
    permission: &'a str,
    subject_type: &'a str,
    subject_id: &'a str,
    revision: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
}

impl<'a> Decided<'a> {
    fn new(question: &'a Question, decision: &'a Decision) -> Self {
        Self {
            allowed: decision.allowed,
            reason: decision.reason,
            entity_type: &question.entity_type,
            entity_id: &question.entity_id,
            permission: &question.permission,
            subject_type: &question.subject.kind,
            subject_id: &question.subject.id,
            revision: decision.revision,
            explanation: decision.explanation.as_ref(),
        }
    }
}

/// A key that is bound to one client and asks about another's types is refused, not denied: the question is not its own
/// to ask.
fn answered(decision: Result<Decision, Error>) -> Result<Decision, Refusal> {
    match decision? {
        decision if decision.reason == Reason::OutsideClient => {
            Err(Refusal::forbidden("The key is bound to a client, and this entity type belongs to another one."))
        }
        decision => Ok(decision),
    }
}

/// `POST /api/auth/check-permission/batch`: one permission on many `entityIds` of a type, answered by id; or `checks`
/// of any kind, answered in their order.
pub async fn batch(asked: Asked<BatchRequest>) -> HandlerResult {
    let Asked { caller, mut body } = asked;
    match body.checks.take() {
        None => uniform(&caller, body).await,
        Some(checks) => {
            let beside = body.beside_checks();
            if beside.is_empty() {
                return mixed(&caller, checks).await;
            }
            let message = "This does not stand beside `checks`: each of them says it for itself.";
            Err(wrong(beside.into_iter().map(|name| (name.to_owned(), message.to_owned()))))
        }
    }
}

async fn mixed(caller: &Caller, checks: Vec<OneCheck>) -> HandlerResult {
    at_most(checks.len(), "checks")?;
    let (mut asker, mut questions) = (Asker::new(caller), Vec::with_capacity(checks.len()));
    for check in checks {
        questions.push(question(&mut asker, check.said(), None)?);
    }
    is_explained_to_few(&questions)?;
    let decisions = check_many(&caller.cx, &questions).await?.into_iter().map(|decision| match decision {
        Err(Error::Store(error)) => Err(Refusal::from(error)),
        decision => Ok(decision),
    });
    let decisions = decisions.collect::<Result<Vec<_>, _>>()?;
    let results = questions.iter().zip(&decisions).map(|(question, decision)| match decision {
        Ok(decision) => Answered::Decided(Decided::new(question, decision)),
        Err(error) => Answered::Failed { allowed: false, why: Unanswered::new(error) },
    });
    let results: Vec<_> = results.collect();
    Ok(HttpResponse::Ok().json(HashMap::from([("results", results)])))
}

async fn uniform(caller: &Caller, mut body: BatchRequest) -> HandlerResult {
    let (ids, resources) = (body.entity_ids.take(), body.resources.take());
    let (said, mut ids) = body.said().named(ids).map_err(|absent| missing(&absent))?;
    at_most(ids.len(), "entityIds")?;
    // The answer has no place for reasons.
    let asked = Question { explain: false, ..question(&mut Asker::new(caller), said, Some(ANY))? };
    ids.sort_unstable();
    ids.dedup();
    has_room_for(asked.contextual.len().saturating_mul(ids.len()))?;
    let mut resources = resources.unwrap_or_default();
    let questions: Vec<Question> = ids
        .into_iter()
        .map(|entity_id| {
            let own = resources.0.remove(&entity_id).flatten();
            let own = own.map(|own| Resource::of(own, &format!("resources.{entity_id}"))).transpose()?;
            Ok(Question { resource: own.or_else(|| asked.resource.clone()), entity_id, ..asked.clone() })
        })
        .collect::<Result<_, Refusal>>()?;
    let (mut results, mut errors) = (Map::new(), Map::new());
    for (question, decision) in questions.iter().zip(check_many(&caller.cx, &questions).await?) {
        let allowed = match decision {
            Ok(_) | Err(Error::Store(_)) => answered(decision)?.allowed,
            Err(error) => {
                errors.insert(question.entity_id.clone(), json!(Unanswered::new(&error)));
                false
            }
        };
        results.insert(question.entity_id.clone(), allowed.into());
    }
    let mut answer = Map::from_iter([(String::from("results"), Value::Object(results))]);
    if !errors.is_empty() {
        answer.insert(String::from("errors"), errors.into());
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// Somebody with many questions: what they may ask about others is looked up once for each type, and what their
/// questions bring along is counted.
pub(super) struct Asker<'a> {
    caller: &'a Caller,
    allowed: Vec<String>,
    contextual: usize,
}

impl<'a> Asker<'a> {
    /// Who has asked nothing yet.
    pub(super) fn new(caller: &'a Caller) -> Self {
        Self { caller, allowed: Vec::new(), contextual: 0 }
    }

    /// As [`may_ask`].
    pub(super) fn may_ask(&mut self, subject: &SubjectRef, entity_type: &str) -> Result<(), Refusal> {
        if authority::is_oneself(&self.caller.cx, subject) {
            return Ok(());
        }
        self.may_ask_about_others(entity_type)
    }

    fn may_ask_about_others(&mut self, entity_type: &str) -> Result<(), Refusal> {
        if self.allowed.iter().any(|known| known == entity_type) {
            return Ok(());
        }
        may_ask_about_others(self.caller, entity_type)?;
        self.allowed.push(entity_type.to_owned());
        Ok(())
    }
}

/// The question that a body says: about the caller when it names nobody else, and about the object that `entityId` or
/// `resource.id` names, else about `otherwise`.
fn question(asker: &mut Asker<'_>, said: Said<Filled>, otherwise: Option<&str>) -> Result<Question, Refusal> {
    let subject = subject(asker.caller, said.whom)?;
    let context = BoundedJson::new(said.context.unwrap_or_default())?;
    let is_apart = said.resource.is_some();
    let resource = Resource::of_question(said.resource, &context)?;
    if let Some(resource) = resource.as_ref().filter(|_| is_apart) {
        resource.attributes.fits_with(&context)?;
    }
    let named = said.entity_id.as_deref().or(resource.as_ref().and_then(|resource| resource.id.as_deref()));
    let named = named.filter(|id| !id.is_empty()).or(otherwise);
    // An app that forgot to say which object must not be told about all of them.
    let entity_id = named.ok_or_else(|| missing(&["entityId"]))?;
    let (entity_type, permission) = (said.entity_type.as_str(), said.permission.as_str());
    asker.may_ask(&subject, entity_type)?;
    let asked = Question::new(subject, permission, entity_type, entity_id);
    let contextual = contextual(asker, said.contextual_tuples.unwrap_or_default())?;
    Ok(Question { resource, context, contextual, explain: said.explain.unwrap_or_default(), ..asked })
}

/// `contextualTuples`: what is to count for this question as if it were stored, under the rules for stored tuples. Only
/// for who may ask about others, for a tuple shows what stands behind the set that it names.
fn contextual(asker: &mut Asker<'_>, given: Vec<ContextualTuple>) -> Result<Vec<Tuple>, Refusal> {
    if given.len() > MAX_CONTEXTUAL {
        return Err(Refusal::malformed(format!("`contextualTuples` has more than {MAX_CONTEXTUAL} items.")));
    }
    asker.contextual += given.len();
    has_room_for(asker.contextual)?;
    let mut keys = Vec::with_capacity(given.len());
    for one in given {
        let subject = SubjectRef { kind: one.subject_type, id: one.subject_id, relation: one.subject_relation };
        let ContextualTuple { entity_type, entity_id, relation, .. } = one;
        asker.may_ask_about_others(&entity_type)?;
        keys.push(TupleKey { entity_type, entity_id, relation, subject });
    }
    Ok(tuples::contextual(&asker.caller.cx, keys)?)
}

fn has_room_for(contextual: usize) -> Result<(), Refusal> {
    if contextual <= MAX_CONTEXTUAL_IN_ALL {
        return Ok(());
    }
    let message = format!("The questions have more than {MAX_CONTEXTUAL_IN_ALL} contextual tuples together.");
    Err(Refusal::malformed(message))
}

fn is_explained_to_few(questions: &[Question]) -> Result<(), Refusal> {
    if questions.iter().filter(|question| question.explain).count() <= MAX_EXPLAINED {
        return Ok(());
    }
    Err(Refusal::malformed(format!("At most {MAX_EXPLAINED} questions of a batch are explained.")))
}

/// Whom a body asks about: `subject` (`{type,id,relation}`), or `subjectType` and `subjectId`, or `userId`, or the
/// caller. By identifier: what a program knows somebody by is never looked up as a name.
pub(super) fn subject(caller: &Caller, whom: Whom) -> Result<SubjectRef, Refusal> {
    match (whom.subject, whom.kind, whom.id, whom.user) {
        (Some(subject), None, None, None) => {
            Ok(SubjectRef { kind: subject.r#type, id: subject.id, relation: subject.relation })
        }
        (None, Some(kind), Some(id), None) => Ok(SubjectRef::new(kind, id)),
        (None, None, None, Some(id)) => Ok(SubjectRef::new("user", id)),
        (None, None, None, None) => subject_of(&caller.cx.actor).ok_or_else(|| missing(&["subject"])),
        _ => Err(Refusal::malformed("Name the subject once, by `subject`: {\"type\",\"id\"}.")),
    }
}

/// Refuses who may not ask what this subject may do with objects of a type.
pub(super) fn may_ask(caller: &Caller, subject: &SubjectRef, entity_type: &str) -> Result<(), Refusal> {
    asking_allowed(authority::may_ask(&caller.cx, caller.own_client(), subject, entity_type)?)
}

/// As [`may_ask`], about subjects that are not the caller.
pub(super) fn may_ask_about_others(caller: &Caller, entity_type: &str) -> Result<(), Refusal> {
    asking_allowed(authority::may_ask_about_others(&caller.cx, caller.own_client(), entity_type)?)
}

fn asking_allowed(is_allowed: bool) -> Result<(), Refusal> {
    let message = "Asking about others needs the permission view on tuples, or a client asking about its own types.";
    if is_allowed { Ok(()) } else { Err(Refusal::forbidden(message)) }
}

fn at_most(count: usize, name: &str) -> Result<(), Refusal> {
    if count <= MAX_BATCH {
        return Ok(());
    }
    let message = format!("`{name}` has more than {MAX_BATCH} items.");
    Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_request", message))
}
