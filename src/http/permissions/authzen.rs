//! OpenID AuthZEN Authorization API 1.0: the same questions in the words of the standard.
//!
//! May use: `access`, `http::{extract, respond, routes}`. Who may ask what is decided as for [`super::check`]. A denial
//! is an answer (200); `properties` of the resource are what policies know as `context.resource.attributes`. Start
//! reading at [`configure`].

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::ServiceConfig;
use serde_json::{Map, Value, json};

use super::check::{Asker, may_ask, may_ask_about_others};
use super::lists::{found_objects, found_subjects};
use crate::access::check::{Decision, Question, check, check_many, with_session};
use crate::access::{BoundedJson, Error, Resource, list};
use crate::base::page::{PageRequest, cursor_behind, place_of};
use crate::cx::Cx;
use crate::http::endpoint::Endpoint;
use crate::http::extract::{Caller, Json, LongJson};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::SubjectRef;
use crate::tenant::{Path, paths};

/// What the pages of a search for subjects are told by.
const SUBJECTS: &str = "subjects";

/// What the pages of a search for resources are told by.
const RESOURCES: &str = "resources";

/// Questions of one request.
const MAX_EVALUATIONS: usize = 1_000;

type Members = Map<String, Value>;

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
    if cx.tenant.urls.is_named_by(&base) {
        Ok(metadata(cx).await)
    } else {
        Err(Refusal::of_status(StatusCode::NOT_FOUND))
    }
}

/// Access Evaluation (AuthZEN 1.0 §6).
async fn evaluation(caller: Caller, body: LongJson) -> HandlerResult {
    let question = Whole::new(&caller, &body.0).question(&body.0)?;
    Ok(HttpResponse::Ok().json(decision(&check(&caller.cx, &question).await?)))
}

/// Access Evaluations (AuthZEN 1.0 §7): what an evaluation does not name is taken from the whole. Without evaluations
/// it is one evaluation.
async fn evaluations(caller: Caller, body: LongJson) -> HandlerResult {
    let Some(given) = body.0.get("evaluations") else { return evaluation(caller, body).await };
    let given = given.as_array().ok_or_else(|| malformed("evaluations", "a list"))?;
    if given.is_empty() {
        return evaluation(caller, body).await;
    }
    if given.len() > MAX_EVALUATIONS {
        return Err(Refusal::malformed(format!("At most {MAX_EVALUATIONS} evaluations are answered at once.")));
    }
    let stops = stops(&body.0)?;
    let (mut whole, mut questions) = (Whole::new(&caller, &body.0), Vec::with_capacity(given.len()));
    for one in given {
        let one = one.as_object().ok_or_else(|| malformed("evaluations", "a list of objects"))?;
        questions.push(whole.question(one)?);
    }
    let mut answers = Vec::with_capacity(questions.len());
    for answer in check_many(&caller.cx, &questions).await? {
        let (is_allowed, answer) = match answer {
            Ok(answer) => (answer.allowed, decision(&answer)),
            Err(Error::Store(error)) => return Err(Refusal::from(error)),
            Err(error) => {
                let told = json!({"status": 422, "code": error.code(), "message": error.to_string()});
                (false, json!({"decision": false, "context": {"error": told}}))
            }
        };
        answers.push(answer);
        if stops == Some(is_allowed) {
            break;
        }
    }
    Ok(HttpResponse::Ok().json(json!({ "evaluations": answers })))
}

/// The answer that ends a list of evaluations (§7.1.2.1).
fn stops(body: &Members) -> Result<Option<bool>, Refusal> {
    match body.get("options").and_then(|options| options.get("evaluations_semantic")).map(Value::as_str) {
        None | Some(Some("execute_all")) => Ok(None),
        Some(Some("deny_on_first_deny")) => Ok(Some(false)),
        Some(Some("permit_on_first_permit")) => Ok(Some(true)),
        Some(_) => {
            Err(malformed("options.evaluations_semantic", "execute_all, deny_on_first_deny or permit_on_first_permit"))
        }
    }
}

/// Subject Search (AuthZEN 1.0 §8.4).
async fn subjects(caller: Caller, body: Json<Members>) -> HandlerResult {
    let kind = text(&body.0, "subject", "type")?;
    let (entity_type, entity_id) = (text(&body.0, "resource", "type")?, text(&body.0, "resource", "id")?);
    let (permission, page) = (text(&body.0, "action", "name")?, page(&body.0, SUBJECTS)?);
    may_ask_about_others(&caller, &entity_type)?;
    let object = (&*entity_type, &*entity_id, &*permission);
    let found = found_subjects(&caller.cx, object, (&kind, None), &page).await?;
    let gated: Vec<bool> = found.items.iter().map(|item| item.abac_required).collect();
    let asked =
        found.items.iter().map(|item| Question::new(item.subject.clone(), &permission, &entity_type, &entity_id));
    let kept = kept(&caller, &body.0, asked.collect(), &gated).await?;
    let results: Vec<Value> =
        kept.iter().map(|question| json!({"type": question.subject.kind, "id": question.subject.id})).collect();
    Ok(searched(&results, found.next.map(|place| cursor_behind(SUBJECTS, &place))))
}

/// Resource Search (AuthZEN 1.0 §8.5).
async fn resources(caller: Caller, body: Json<Members>) -> HandlerResult {
    let subject = subject(&body.0)?;
    let (entity_type, permission) = (text(&body.0, "resource", "type")?, text(&body.0, "action", "name")?);
    let page = page(&body.0, RESOURCES)?;
    may_ask(&caller, &subject, &entity_type)?;
    let found = found_objects(&caller.cx, (&subject, &entity_type, &permission), &page).await?;
    let gated: Vec<bool> = found.items.iter().map(|item| item.abac_required).collect();
    let asked =
        found.items.iter().map(|item| Question::new(subject.clone(), &permission, &entity_type, &item.entity_id));
    let kept = kept(&caller, &body.0, asked.collect(), &gated).await?;
    let results: Vec<Value> =
        kept.iter().map(|question| json!({"type": question.entity_type, "id": question.entity_id})).collect();
    Ok(searched(&results, found.next.map(|place| cursor_behind(RESOURCES, &place))))
}

/// Action Search (AuthZEN 1.0 §8.6).
async fn actions(caller: Caller, body: Json<Members>) -> HandlerResult {
    let subject = subject(&body.0)?;
    let (entity_type, entity_id) = (text(&body.0, "resource", "type")?, text(&body.0, "resource", "id")?);
    may_ask(&caller, &subject, &entity_type)?;
    let (who, object) = (subject.clone(), (entity_type.clone(), entity_id.clone()));
    let look = move |cx: &Cx| with_session(cx, &who, |session| list::actions(session, &object.0, &object.1));
    let found = caller.cx.look(look).await?;
    let gated: Vec<bool> = found.iter().map(|item| item.abac_required).collect();
    let asked = found.iter().map(|item| Question::new(subject.clone(), &item.permission, &entity_type, &entity_id));
    let kept = kept(&caller, &body.0, asked.collect(), &gated).await?;
    let results: Vec<Value> = kept.iter().map(|question| json!({"name": question.permission})).collect();
    Ok(searched(&results, None))
}

/// Of what a search found, what is allowed: where a policy has the last word it is asked, with the properties of the
/// request.
async fn kept(caller: &Caller, body: &Members, found: Vec<Question>, gated: &[bool]) -> Result<Vec<Question>, Refusal> {
    let (said, context) = (BoundedJson::new(members(body, "resource")?)?, context(body)?);
    let (subject, action) = (BoundedJson::new(members(body, "subject")?)?, BoundedJson::new(members(body, "action")?)?);
    let asked = found
        .iter()
        .zip(gated)
        .filter(|(_, is_gated)| **is_gated)
        .map(|(question, _)| told(question.clone(), &said, &context, [&subject, &action]));
    let asked = asked.collect::<Result<Vec<_>, _>>()?;
    let mut allowed = check_many(&caller.cx, &asked).await?.into_iter();
    let mut kept = Vec::with_capacity(found.len());
    for (question, is_gated) in found.into_iter().zip(gated) {
        if !is_gated || allowed.next().transpose()?.is_some_and(|decision| decision.allowed) {
            kept.push(question);
        }
    }
    Ok(kept)
}

fn searched(results: &[Value], next: Option<String>) -> HttpResponse {
    let page = json!({"next_token": next.unwrap_or_default(), "count": results.len()});
    HttpResponse::Ok().json(json!({"results": results, "page": page}))
}

fn decision(decision: &Decision) -> Value {
    json!({"decision": decision.allowed, "context": {"reason": decision.reason, "revision": decision.revision}})
}

/// The parts of a request with several evaluations, each read when the first of them lacks it.
struct Whole<'b> {
    asker: Asker<'b>,
    body: &'b Members,
    subject: Option<(SubjectRef, BoundedJson)>,
    action: Option<(String, BoundedJson)>,
    resource: Option<(String, String, BoundedJson)>,
    context: Option<BoundedJson>,
}

impl<'b> Whole<'b> {
    fn new(caller: &'b Caller, body: &'b Members) -> Self {
        let (subject, action, resource, context) = (None, None, None, None);
        Self { asker: Asker::new(caller), body, subject, action, resource, context }
    }

    /// The question of an evaluation; what it lacks is that of the whole.
    fn question(&mut self, one: &Members) -> Result<Question, Refusal> {
        let body = self.body;
        let properties = |body: &Members, part: &str| Ok::<_, Refusal>(BoundedJson::new(members(body, part)?)?);
        let (subject, of_subject) = own_or_shared((one, body, "subject"), &mut self.subject, |body| {
            Ok((subject(body)?, properties(body, "subject")?))
        })?;
        let (permission, of_action) = own_or_shared((one, body, "action"), &mut self.action, |body| {
            Ok((text(body, "action", "name")?, properties(body, "action")?))
        })?;
        let (entity_type, entity_id, said) = own_or_shared((one, body, "resource"), &mut self.resource, |body| {
            Ok((text(body, "resource", "type")?, text(body, "resource", "id")?, properties(body, "resource")?))
        })?;
        let context = own_or_shared((one, body, "context"), &mut self.context, context)?;
        self.asker.may_ask(&subject, &entity_type)?;
        let question = Question::new(subject, &permission, &entity_type, &entity_id);
        told(question, &said, &context, [&of_subject, &of_action])
    }
}

/// What `one` says of a part, or if it says nothing the whole: that is read once.
fn own_or_shared<T: Clone>(
    (one, whole, part): (&Members, &Members, &str),
    shared: &mut Option<T>,
    read: impl Fn(&Members) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    if one.contains_key(part) {
        return read(one);
    }
    if let Some(known) = shared {
        return Ok(known.clone());
    }
    let known = read(whole)?;
    *shared = Some(known.clone());
    Ok(known)
}

/// The question with what policies are told: the properties of the resource are its attributes, those of subject and
/// action stand beside the request's own context. Who the subject is, is told by the store alone.
fn told(
    question: Question,
    resource: &BoundedJson,
    context: &BoundedJson,
    [subject, action]: [&BoundedJson; 2],
) -> Result<Question, Refusal> {
    resource.fits_with(context)?;
    let properties = [("subject_properties", subject), ("action_properties", action)];
    let given = properties.into_iter().filter(|(_, said)| **said != BoundedJson::default());
    let (id, attributes) = (Some(question.entity_id.clone()), resource.clone());
    Ok(Question {
        resource: Some(Resource { id, type_name: None, attributes }),
        context: context.clone(),
        properties: given.map(|(name, said)| (name, said.clone())).collect(),
        ..question
    })
}

/// Whom it asks about, by identifier.
fn subject(body: &Members) -> Result<SubjectRef, Refusal> {
    Ok(SubjectRef::new(text(body, "subject", "type")?, text(body, "subject", "id")?))
}

/// The request's own context.
fn context(body: &Members) -> Result<BoundedJson, Refusal> {
    Ok(BoundedJson::new(object(body.get("context"), "context")?)?)
}

/// The properties of a part.
fn members(body: &Members, part: &str) -> Result<Members, Refusal> {
    object(body.get(part).and_then(|part| part.get("properties")), &format!("{part}.properties"))
}

/// A copy of an object; an empty one where there is none.
fn object(value: Option<&Value>, name: &str) -> Result<Members, Refusal> {
    let given = value.filter(|value| !value.is_null());
    let given = given.map(|value| value.as_object().ok_or_else(|| malformed(name, "an object"))).transpose()?;
    Ok(given.cloned().unwrap_or_default())
}

fn text(body: &Members, part: &str, member: &str) -> Result<String, Refusal> {
    let found = body.get(part).and_then(|part| part.get(member)).and_then(Value::as_str);
    match found.filter(|text| !text.is_empty()) {
        Some(text) => Ok(text.to_owned()),
        None => Err(malformed(&format!("{part}.{member}"), "a text")),
    }
}

fn page(body: &Members, list: &str) -> Result<PageRequest, Refusal> {
    let Some(page) = body.get("page") else { return Ok(PageRequest::default()) };
    let page = page.as_object().ok_or_else(|| malformed("page", "an object"))?;
    let number = |limit: &Value| limit.as_u64().and_then(|limit| usize::try_from(limit).ok());
    let limit = page.get("limit").or_else(|| page.get("size"));
    let limit = limit.map(|limit| number(limit).ok_or_else(|| malformed("page.limit", "a number"))).transpose()?;
    // An empty token is that of no page (AuthZEN 1.0 §8.2).
    let token = page.get("token").or_else(|| page.get("next_token")).filter(|token| !token.is_null() && *token != "");
    let place = |token: &Value| token.as_str().and_then(|token| place_of(list, token));
    let after =
        token.map(|token| place(token).ok_or_else(|| malformed("page.token", "one of this search"))).transpose()?;
    Ok(PageRequest::new(limit, after))
}

fn malformed(name: &str, wanted: &str) -> Refusal {
    Refusal::malformed(format!("`{name}` must be {wanted}."))
}
