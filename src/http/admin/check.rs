//! Questions of administrators: may somebody do something, and why.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::operation::{Operation, post};
use super::tuples::NewTuple;
use crate::access::check::{Question, Reason, check, would_allow};
use crate::access::graph::ScriptSource;
use crate::access::naming::{self, Name, Naming};
use crate::access::{BoundedJson, Error, Resource, strangers, tuples};
use crate::base::id::{GroupId, UserId};
use crate::cx::Cx;
use crate::http::extract::{Admin, Body, ViewTuples};
use crate::http::respond::{FieldProblem, HandlerResult, Refusal};
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, TupleKey};
use crate::store::rows::{groups, users};

/// Tuples that are tried with one question.
const MAX_TRIED: usize = 20;

/// May somebody do something?
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckQuestion {
    pub subject_type: String,
    /// Who: an identifier, or the name of a person or group.
    pub subject_id: String,
    /// With it, the subject is everyone who has this relation to the one that is named.
    pub subject_relation: Option<String>,
    /// A permission, or a relation.
    pub permission: String,
    pub entity_type: String,
    /// The object; all of the type when absent.
    pub entity_id: Option<String>,
    /// What policies may know of the object: `id`, `type`, and attributes, in `attributes` or beside it.
    pub resource: Option<Map<String, Value>>,
    /// What policies may know besides.
    pub context: Option<Map<String, Value>>,
    /// Whether to say why.
    pub explain: Option<bool>,
    /// Whether somebody may be named; otherwise all is an identifier.
    pub names: Option<bool>,
    /// Tuples of which each is tried: whether it would be enough, or up to a policy.
    pub would_do: Option<Vec<NewTuple>>,
}

/// Whether somebody may do something, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckAnswer {
    allowed: bool,
    /// What decided it: a stable word.
    #[schema(value_type = String)]
    reason: Reason,
    /// Where the script comes from that ran last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    source: Option<ScriptSource>,
    /// The state of tuples, models and groups that was asked about.
    revision: u64,
    /// The reason in words.
    because: String,
    subject_type: String,
    subject_id: String,
    /// The name that the subject was given by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resolved: Option<Name>,
    /// What there is to say of the subject when it is nobody here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
    /// The derivation or what came nearest, and both in sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    explanation: Option<Value>,
    /// For each tuple that was tried, whether it would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    would_do: Option<Vec<bool>>,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let asks = post("check", "May somebody do something, and why").needs("view on tuples");
    vec![asks.takes::<CheckQuestion>().gives::<CheckAnswer>().under("access")]
}

/// `POST check`: the five parts of the question, `resource` and `context` for policies, `explain`. A person may be
/// named by e-mail address or username, a group by name, and the answer says who they are; with `"names": false` all is
/// taken for an identifier. `would_do` are tuples of which each is tried: whether it would be enough, or up to a
/// policy.
pub async fn ask(admin: Admin<ViewTuples>, body: Body<CheckQuestion>) -> HandlerResult {
    let CheckQuestion { subject_type, subject_id, subject_relation, permission, entity_type, entity_id, .. } = body.0;
    let CheckQuestion { resource: about, context, explain, names, would_do, .. } = body.0;
    let tried = would_do.unwrap_or_default();
    if tried.len() > MAX_TRIED {
        let message = String::from("At most 20 tuples are tried with one question.");
        return Err(Refusal::invalid_fields(vec![FieldProblem { field: String::from("would_do"), message }]));
    }
    let tried: Vec<TupleKey> = tried.into_iter().map(|one| tuples::NewTuple::from(one).key).collect();
    let typed = SubjectRef { kind: subject_type, id: subject_id, relation: subject_relation };
    let naming = Naming::asked(names.unwrap_or(true));
    let (subject, resolved) = naming::subject(&admin.cx, &admin.cx.read()?, &typed, naming)?;
    let note = strangers::note(&admin.cx, &admin.cx.read()?, &subject)?;
    let context = BoundedJson::new(context.unwrap_or_default())?;
    let question = Question {
        resource: Resource::of_question(about, &context)?,
        context,
        explain: explain.unwrap_or_default(),
        ..Question::new(subject, &permission, &entity_type, entity_id.as_deref().unwrap_or(ANY))
    };
    let decision = check(&admin.cx, &question).await?;
    let mut explanation = decision.explanation.as_ref().map(|explanation| json!(explanation));
    if let (Some(Value::Object(members)), Some(explanation)) = (&mut explanation, &decision.explanation) {
        let words: Vec<String> =
            explanation.sentences().iter().map(|line| with_names(&admin.cx, line)).collect::<Result<_, _>>()?;
        members.insert(String::from("words"), words.into());
    }
    let would_do = if tried.is_empty() {
        None
    } else {
        let question = question.clone();
        Some(admin.cx.look(move |cx| are_enough(cx, &question, &tried)).await?)
    };
    Ok(HttpResponse::Ok().json(CheckAnswer {
        allowed: decision.allowed,
        reason: decision.reason,
        source: decision.source,
        revision: decision.revision,
        because: decision.reason.words().to_owned(),
        subject_type: question.subject.kind,
        subject_id: question.subject.id,
        resolved,
        note,
        explanation,
        would_do,
    }))
}

/// For each tuple, whether it would be enough, or up to a policy. One that could not be written is not.
fn are_enough(cx: &Cx, question: &Question, tried: &[TupleKey]) -> Result<Vec<bool>, Error> {
    let mut enough = Vec::with_capacity(tried.len());
    for key in tried {
        match tuples::contextual(cx, vec![key.clone()]) {
            Ok(tuple) => enough.extend(would_allow(cx, question, tuple)?),
            Err(error @ (Error::Store(_) | Error::LimitReached(_))) => return Err(error),
            Err(_) => enough.push(false),
        }
    }
    Ok(enough)
}

/// The line with the names of people and groups behind their identifiers.
fn with_names(cx: &Cx, line: &str) -> Result<String, Refusal> {
    let from = cx.read()?;
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut told = String::new();
    for word in line.split_inclusive(|letter| !is_part(letter)) {
        let id = word.trim_end_matches(|letter| !is_part(letter));
        let name = if let Ok(user) = id.parse::<UserId>() {
            users::find(&from, cx.tenant.id, &user)?.map(|user| user.email)
        } else if let Ok(group) = id.parse::<GroupId>() {
            groups::find(&from, cx.tenant.id, &group)?.map(|group| group.name)
        } else {
            None
        };
        match name {
            Some(name) => told.push_str(&format!("{id} [{name}]{}", word.get(id.len()..).unwrap_or_default())),
            None => told.push_str(word),
        }
    }
    Ok(told)
}
