//! OpenID AuthZEN Authorization API 1.0: the same questions in the words of the standard.
//!
//! May use: `access`, `http::{extract, respond, routes}`. Who may ask what is decided as for [`super::check`]. A denial
//! is an answer (200); `properties` of the resource are what policies know as `context.resource.attributes`. Start
//! reading at [`configure`].

mod shapes;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::ServiceConfig;
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::shapes::{
    Action, ActionSearch, Evaluation, Evaluations, Item, PageAsked, Part, ResourceSearch, Semantic, Sent, Subject,
    SubjectSearch,
};
use super::check::{Asker, may_ask, may_ask_about_others};
use super::lists::{found_objects, found_subjects};
use crate::access::check::{Decision, Question, check, check_many, with_session};
use crate::access::list::{Objects, Subjects};
use crate::access::{BoundedJson, Error, Resource, list};
use crate::base::page::{PageRequest, cursor_behind, list_of_query, place_of};
use crate::cx::Cx;
use crate::http::endpoint::Endpoint;
use crate::http::extract::Caller;
use crate::http::respond::{FieldProblem, HandlerResult, Refusal};
use crate::records::SubjectRef;
use crate::tenant::{Path, paths};

/// What the pages of a search for subjects are told by.
const SUBJECTS: &str = "subjects";

/// What the pages of a search for resources are told by.
const RESOURCES: &str = "resources";

/// The one page of a search for actions has no token.
const ACTIONS: &str = "actions";

/// Questions of one request.
const MAX_EVALUATIONS: usize = 1_000;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(Endpoint::at([paths::AUTHZEN_METADATA]).get(metadata))
        .service(Endpoint::at([paths::AUTHZEN_METADATA_OF]).get(metadata_of))
        .service(at(paths::AUTHZEN_EVALUATION).post(evaluation))
        .service(at(paths::AUTHZEN_EVALUATIONS).post(evaluations))
        .service(at(paths::AUTHZEN_SEARCH_SUBJECT).post(subjects))
        .service(at(paths::AUTHZEN_SEARCH_RESOURCE).post(resources))
        .service(at(paths::AUTHZEN_SEARCH_ACTION).post(actions));
}

fn at(path: Path) -> Endpoint {
    Endpoint::at([path]).names_requests()
}

/// Metadata (AuthZEN 1.0 §9).
async fn metadata(cx: Cx) -> HttpResponse {
    let at = |path: Path| cx.tenant.urls.url(path);
    HttpResponse::Ok().json(json!({
        "policy_decision_point": cx.tenant.issuer,
        "access_evaluation_endpoint": at(paths::AUTHZEN_EVALUATION),
        "access_evaluations_endpoint": at(paths::AUTHZEN_EVALUATIONS),
        "search_subject_endpoint": at(paths::AUTHZEN_SEARCH_SUBJECT),
        "search_resource_endpoint": at(paths::AUTHZEN_SEARCH_RESOURCE),
        "search_action_endpoint": at(paths::AUTHZEN_SEARCH_ACTION),
    }))
}

/// The same, where clients of a decision point with a path look for it (AuthZEN 1.0 §9).
async fn metadata_of(cx: Cx, base: actix_web::web::Path<String>) -> HandlerResult {
    let is_ours = cx.tenant.urls.is_named_by(&base);
    if is_ours { Ok(metadata(cx).await) } else { Err(Refusal::of_status(StatusCode::NOT_FOUND)) }
}

/// Access Evaluation (AuthZEN 1.0 §6).
async fn evaluation(caller: Caller, body: Sent<Evaluation>) -> HandlerResult {
    one(&caller, body.0).await
}

async fn one(caller: &Caller, evaluation: Evaluation) -> HandlerResult {
    let whole = Ready::default();
    let question = whole.question(&mut Asker::new(caller), Ready::of(evaluation))?.map_err(Problem::refusal)?;
    Ok(HttpResponse::Ok().json(decision(&check(&caller.cx, &question).await?)))
}

/// Access Evaluations (AuthZEN 1.0 §7): what an evaluation does not name is taken from the whole. One that is wrong, or
/// too large to be answered, is denied by itself with an error in its place (§7.2.1); what stands for all and is too
/// large is refused. Without evaluations it is one evaluation.
async fn evaluations(caller: Caller, body: Sent<Evaluations>) -> HandlerResult {
    let mut body = body.0;
    let whole = body.take_whole();
    if body.evaluations.is_empty() {
        return one(&caller, whole).await;
    }
    if body.evaluations.len() > MAX_EVALUATIONS {
        return Err(Refusal::malformed(format!("At most {MAX_EVALUATIONS} evaluations are answered at once.")));
    }
    let stops = match body.options.evaluations_semantic {
        None | Some(Semantic::ExecuteAll) => None,
        Some(Semantic::DenyOnFirstDeny) => Some(false),
        Some(Semantic::PermitOnFirstPermit) => Some(true),
    };
    let (mut whole, mut asker) = (Ready::of(whole), Asker::new(&caller));
    if let Some(excess) = whole.excess.take() {
        return Err(excess.refusal());
    }
    let (mut questions, mut places) = (Vec::with_capacity(body.evaluations.len()), Vec::new());
    for item in body.evaluations {
        let question = match item {
            Item::Evaluation(one) => whole.question(&mut asker, Ready::of(*one))?,
            Item::NoObject => Err(Problem::malformed("An evaluation must be an object.")),
        };
        places.push(question.map(|question| questions.push(question)));
    }
    let mut answered = check_many(&caller.cx, &questions).await?.into_iter();
    let mut answers = Vec::with_capacity(places.len());
    for place in places {
        let answer = match place {
            Ok(()) => answered.next().ok_or_else(|| Refusal::internal("a question has no answer"))?,
            Err(problem) => {
                answers.push(problem.answer());
                if stops == Some(false) {
                    break;
                }
                continue;
            }
        };
        let (is_allowed, answer) = match answer {
            Ok(answer) => (answer.allowed, decision(&answer)),
            Err(Error::Store(error)) => return Err(Refusal::from(error)),
            Err(error) => (false, Problem::from(error).answer()),
        };
        answers.push(answer);
        if stops == Some(is_allowed) {
            break;
        }
    }
    Ok(HttpResponse::Ok().json(json!({ "evaluations": answers })))
}

/// Subject Search (AuthZEN 1.0 §8.4).
async fn subjects(caller: Caller, body: Sent<SubjectSearch>) -> HandlerResult {
    let SubjectSearch { subject, action, resource, context, page } = body.0;
    let list = list_of_query(SUBJECTS, &(&subject, &action, &resource, &context)).unwrap_or_default();
    let page = page_request(&list, page)?;
    let (entity_type, entity_id) = (resource.r#type.as_str(), resource.id.as_str());
    let (kind, permission) = (subject.r#type.as_str(), action.name.as_str());
    may_ask_about_others(&caller, entity_type)?;
    let found = found_subjects(&caller.cx, (entity_type, entity_id, permission), (kind, None), &page).await;
    let found = declared(found)?.unwrap_or_else(Subjects::default);
    let gated: Vec<bool> = found.items.iter().map(|item| item.abac_required).collect();
    let asked = found.items.into_iter().map(|item| Question::new(item.subject, permission, entity_type, entity_id));
    let asked = asked.collect();
    let told = Told::new([subject.properties, action.properties, resource.properties, context])?;
    let kept = kept(&caller, asked, &gated, &told).await?;
    let results: Vec<_> =
        kept.iter().map(|question| Entity { r#type: &question.subject.kind, id: &question.subject.id }).collect();
    let everyone = Everyone { everyone: found.everyone, everyone_abac_required: found.everyone_gated };
    Ok(searched(Some(everyone), &results, found.next.map(|place| cursor_behind(&list, &place))))
}

/// Resource Search (AuthZEN 1.0 §8.5).
async fn resources(caller: Caller, body: Sent<ResourceSearch>) -> HandlerResult {
    let ResourceSearch { subject, action, resource, context, page } = body.0;
    let list = list_of_query(RESOURCES, &(&subject, &action, &resource, &context)).unwrap_or_default();
    let page = page_request(&list, page)?;
    let who = SubjectRef::new(subject.r#type.as_str(), subject.id.as_str());
    let (entity_type, permission) = (resource.r#type.as_str(), action.name.as_str());
    may_ask(&caller, &who, entity_type)?;
    let found = declared(found_objects(&caller.cx, (&who, entity_type, permission), &page).await)?;
    let found = found.unwrap_or_else(Objects::default);
    let gated: Vec<bool> = found.items.iter().map(|item| item.abac_required).collect();
    let asked = found.items.iter().map(|item| Question::new(who.clone(), permission, entity_type, &item.entity_id));
    let asked = asked.collect();
    let told = Told::new([subject.properties, action.properties, resource.properties, context])?;
    let kept = kept(&caller, asked, &gated, &told).await?;
    let results: Vec<_> =
        kept.iter().map(|question| Entity { r#type: &question.entity_type, id: &question.entity_id }).collect();
    let every = EveryObject { every_object: found.wildcard_grant, every_object_abac_required: found.wildcard_gated };
    Ok(searched(Some(every), &results, found.next.map(|place| cursor_behind(&list, &place))))
}

/// Action Search (AuthZEN 1.0 §8.6). All are on one page.
async fn actions(caller: Caller, body: Sent<ActionSearch>) -> HandlerResult {
    let ActionSearch { subject, resource, context, page } = body.0;
    page_request(ACTIONS, page)?;
    let who = SubjectRef::new(subject.r#type.as_str(), subject.id.as_str());
    let (entity_type, entity_id) = (resource.r#type.as_str(), resource.id.as_str());
    may_ask(&caller, &who, entity_type)?;
    let (asks, object) = (who.clone(), (entity_type.to_owned(), entity_id.to_owned()));
    let look = move |cx: &Cx| with_session(cx, &asks, |session| list::actions(session, &object.0, &object.1));
    let found = declared(caller.cx.look(look).await)?.unwrap_or_default();
    let gated: Vec<bool> = found.iter().map(|item| item.abac_required).collect();
    let asked = found.iter().map(|item| Question::new(who.clone(), &item.permission, entity_type, entity_id));
    let asked = asked.collect();
    let told = Told::new([subject.properties, None, resource.properties, context])?;
    let kept = kept(&caller, asked, &gated, &told).await?;
    let results: Vec<_> = kept.iter().map(|question| Named { name: &question.permission }).collect();
    Ok(searched(None::<Everyone>, &results, None))
}

/// What is not declared has nothing in it: a search for it finds nothing.
fn declared<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::UnknownType(_) | Error::UnknownPermission { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Of what a search found, what is allowed: where a policy has the last word it is asked, with the properties of the
/// request.
async fn kept(caller: &Caller, found: Vec<Question>, gated: &[bool], said: &Told) -> Result<Vec<Question>, Refusal> {
    let asked = found.iter().zip(gated).filter(|(_, is_gated)| **is_gated);
    let asked = asked.map(|(question, _)| said.of(question.clone())).collect::<Result<Vec<_>, _>>()?;
    let mut allowed = check_many(&caller.cx, &asked).await?.into_iter();
    let mut kept = Vec::with_capacity(found.len());
    for (question, is_gated) in found.into_iter().zip(gated) {
        if !is_gated || allowed.next().transpose()?.is_some_and(|decision| decision.allowed) {
            kept.push(question);
        }
    }
    Ok(kept)
}

/// What a search found (§8.3): where it goes on comes first, for those who read while it arrives.
#[derive(Serialize)]
struct Found<'r, C, R> {
    page: PageTold,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<C>,
    results: &'r [R],
}

/// A page of a search.
#[derive(Serialize)]
struct PageTold {
    /// Empty at the end.
    next_token: String,
    count: usize,
}

/// Whether everyone of the type may, also those nobody has heard of; or perhaps, so that each must be asked about.
#[derive(Serialize)]
struct Everyone {
    everyone: bool,
    everyone_abac_required: bool,
}

/// Whether it may be done with every object of the type; or perhaps, so that each must be asked about.
#[derive(Serialize)]
struct EveryObject {
    every_object: bool,
    every_object_abac_required: bool,
}

/// A subject or a resource that was found.
#[derive(Serialize)]
struct Entity<'e> {
    r#type: &'e str,
    id: &'e str,
}

/// An action that was found.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

fn searched<C: Serialize, R: Serialize>(context: Option<C>, results: &[R], next: Option<String>) -> HttpResponse {
    let page = PageTold { next_token: next.unwrap_or_default(), count: results.len() };
    HttpResponse::Ok().json(Found { page, context, results })
}

fn decision(decision: &Decision) -> Value {
    json!({"decision": decision.allowed, "context": {"reason": decision.reason, "revision": decision.revision}})
}

/// Why an evaluation is not answered.
#[derive(Clone, Debug)]
struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<FieldProblem>,
}

impl Problem {
    fn malformed(message: &str) -> Self {
        let (status, code, message) = (StatusCode::BAD_REQUEST, "invalid_request", message.to_owned());
        Self { status, code, message, fields: Vec::new() }
    }

    /// All that is wrong, each with its place.
    fn of_fields(fields: Vec<FieldProblem>) -> Self {
        let said = fields.iter().map(|problem| format!("`{}`: {}", problem.field, problem.message));
        Self { fields: fields.clone(), ..Self::malformed(&said.collect::<Vec<_>>().join(" ")) }
    }

    /// In the place of a decision among others (§7.2.1).
    fn answer(self) -> Value {
        let mut error = json!({"status": self.status.as_u16(), "code": self.code, "message": self.message});
        if let Some(error) = error.as_object_mut().filter(|_| !self.fields.is_empty()) {
            error.insert(String::from("fields"), json!(self.fields));
        }
        json!({"decision": false, "context": {"error": error}})
    }

    /// In the place of the answer to a single evaluation.
    fn refusal(self) -> Refusal {
        Refusal::new(self.status, self.code, self.message).with_fields(self.fields)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (code, message) = (error.code(), error.to_string());
        let status = Refusal::from(error).status();
        Self { status, code, message, fields: Vec::new() }
    }
}

/// A part of an evaluation that was read, or what is wrong with it; `None` when it is not there.
type Known<T> = Option<Result<T, Vec<FieldProblem>>>;

/// The parts of an evaluation, or of what stands for several, ready to be asked.
#[derive(Default)]
struct Ready {
    subject: Known<(SubjectRef, BoundedJson)>,
    action: Known<(String, BoundedJson)>,
    resource: Known<(String, String, BoundedJson)>,
    context: Known<BoundedJson>,
    /// What is too large.
    excess: Option<Problem>,
}

impl Ready {
    fn of(evaluation: Evaluation) -> Self {
        let Evaluation { subject, action, resource, context } = evaluation;
        let mut excess = None;
        let mut bounded = |members: Option<Map<String, Value>>| {
            BoundedJson::new(members.unwrap_or_default()).unwrap_or_else(|error| {
                excess = Some(Problem::from(error));
                BoundedJson::default()
            })
        };
        let subject = known(subject, |subject: Subject| {
            (SubjectRef::new(subject.r#type, subject.id), bounded(subject.properties))
        });
        let action = known(action, |action: Action| (action.name.into(), bounded(action.properties)));
        let resource = known(resource, |resource: shapes::Resource| {
            (resource.r#type.into(), resource.id.into(), bounded(resource.properties))
        });
        let context = known(context, bounded);
        Self { subject, action, resource, context, excess }
    }

    /// The question of an evaluation; what it lacks is that of the whole, which this is. The outer error: it is not
    /// theirs to ask. The inner one: it cannot be asked.
    fn question(&self, asker: &mut Asker<'_>, one: Self) -> Result<Result<Question, Problem>, Refusal> {
        let mut wrong = Vec::new();
        let subject = part("subject", one.subject.as_ref().or(self.subject.as_ref()), &mut wrong);
        let action = part("action", one.action.as_ref().or(self.action.as_ref()), &mut wrong);
        let resource = part("resource", one.resource.as_ref().or(self.resource.as_ref()), &mut wrong);
        let context = match one.context.as_ref().or(self.context.as_ref()) {
            None => BoundedJson::default(),
            given => part("context", given, &mut wrong).unwrap_or_default(),
        };
        let (
            Some((subject, of_subject)),
            Some((permission, of_action)),
            Some((entity_type, entity_id, of_resource)),
            true,
        ) = (subject, action, resource, wrong.is_empty())
        else {
            return Ok(Err(Problem::of_fields(wrong)));
        };
        if let Some(excess) = one.excess {
            return Ok(Err(excess));
        }
        asker.may_ask(&subject, &entity_type)?;
        let told = Told { resource: of_resource, context, subject: of_subject, action: of_action };
        Ok(told.of(Question::new(subject, &permission, &entity_type, &entity_id)).map_err(Problem::from))
    }
}

fn known<T, U>(part: Part<T>, ready: impl FnOnce(T) -> U) -> Known<U> {
    match part {
        Part::Absent => None,
        Part::Given(part) => Some(Ok(ready(part))),
        Part::Wrong(mistakes) => Some(Err(mistakes.into_iter().map(FieldProblem::from).collect())),
    }
}

/// A part that must be there; what is wrong with it is added to the rest.
fn part<T: Clone>(
    name: &str,
    known: Option<&Result<T, Vec<FieldProblem>>>,
    wrong: &mut Vec<FieldProblem>,
) -> Option<T> {
    match known {
        Some(Ok(part)) => return Some(part.clone()),
        Some(Err(mistakes)) => wrong.extend(mistakes.iter().cloned()),
        None => wrong.push(FieldProblem { field: name.to_owned(), message: String::from("This is missing.") }),
    }
    None
}

/// What policies are told: the properties of the resource are its attributes, those of subject and action stand beside
/// the request's own context. Who the subject is, is told by the store alone.
struct Told {
    resource: BoundedJson,
    context: BoundedJson,
    subject: BoundedJson,
    action: BoundedJson,
}

impl Told {
    /// Of the properties of subject, action and resource, and the context. Errors: too large.
    fn new(given: [Option<Map<String, Value>>; 4]) -> Result<Self, Error> {
        let [subject, action, resource, context] = given.map(Option::unwrap_or_default).map(BoundedJson::new);
        Ok(Self { resource: resource?, context: context?, subject: subject?, action: action? })
    }

    /// The question with it. Errors: too large together.
    fn of(&self, question: Question) -> Result<Question, Error> {
        self.resource.fits_with(&self.context)?;
        let properties = [("subject_properties", &self.subject), ("action_properties", &self.action)];
        let given = properties.into_iter().filter(|(_, said)| **said != BoundedJson::default());
        let (id, attributes) = (Some(question.entity_id.clone()), self.resource.clone());
        Ok(Question {
            resource: Some(Resource { id, type_name: None, attributes }),
            context: self.context.clone(),
            properties: given.map(|(name, said)| (name, said.clone())).collect(),
            ..question
        })
    }
}

fn page_request(list: &str, page: Option<PageAsked>) -> Result<PageRequest, Refusal> {
    let page = page.unwrap_or_default();
    let limit = page.limit.or(page.size).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    // An empty token is that of no page (AuthZEN 1.0 §8.2).
    let after = match page.token.or(page.next_token).filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => Some(place_of(list, &token).ok_or_else(|| {
            let message =
                String::from("This is not a token of this search: it belongs to the request that it was given for.");
            Refusal::invalid_fields(vec![FieldProblem { field: String::from("page.token"), message }])
        })?),
    };
    Ok(PageRequest::new(limit, after))
}
