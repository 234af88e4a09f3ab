//! Questions of administrators: may somebody do something, and why.

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::tuples::{new_tuple, resolved};
use crate::access::check::{Question, check, would_allow};
use crate::access::naming::{self, Naming};
use crate::access::{BoundedJson, Error, tuples};
use crate::base::id::{GroupId, UserId};
use crate::cx::Cx;
use crate::http::extract::{Admin, Input, Json, ViewTuples};
use crate::http::permissions::check::resource;
use crate::http::respond::Refusal;
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, TupleKey};
use crate::store::rows::{groups, users};

/// Tuples that are tried with one question.
const MAX_TRIED: usize = 20;

/// `POST check`: the five parts of the question, `resource` and `context` for policies, `explain`. A person may be named by e-mail address
/// or username, a group by name, and the answer says who they are; with `"names": false` all is taken for an identifier. `would_do` are tuples of which
/// each is tried: whether it would be enough, or up to a policy.
pub async fn ask(admin: Admin<ViewTuples>, body: Json<Map<String, Value>>) -> Result<HttpResponse, Refusal> {
    let mut input = Input::new(body.0);
    let (kind, id): (String, String) = (input.require("subject_type"), input.require("subject_id"));
    let relation: Option<String> = input.take("subject_relation");
    let (permission, entity_type): (String, String) = (input.require("permission"), input.require("entity_type"));
    let entity_id: Option<String> = input.take("entity_id");
    let about: Option<Map<String, Value>> = input.take_object("resource");
    let context: Option<Map<String, Value>> = input.take_object("context");
    let explain: Option<bool> = input.take("explain");
    let naming = Naming::asked(input.take("names").unwrap_or(true));
    let tried = input.take_objects("would_do").unwrap_or_default();
    if tried.len() > MAX_TRIED {
        input.refuse("would_do", "At most 20 tuples are tried with one question.");
    }
    input.finish()?;
    let tried: Vec<TupleKey> =
        tried.into_iter().map(|one| Ok(new_tuple(Input::new(one))?.key)).collect::<Result<_, Refusal>>()?;
    let typed = SubjectRef { kind, id, relation };
    let (subject, name) = naming::subject(&admin.cx, &admin.cx.read()?, &typed, naming)?;
    let question = Question {
        resource: about.map(resource).transpose()?,
        context: BoundedJson::new(context.unwrap_or_default())?,
        explain: explain.unwrap_or_default(),
        ..Question::new(subject, &permission, &entity_type, entity_id.as_deref().unwrap_or(ANY))
    };
    let decision = check(&admin.cx, &question).await?;
    let Value::Object(mut answer) = json!(decision) else { return Err(Refusal::internal("a decision is no object")) };
    if let Some(explanation) = &decision.explanation {
        let words: Vec<String> =
            explanation.sentences().iter().map(|line| with_names(&admin.cx, line)).collect::<Result<_, _>>()?;
        if let Some(explanation) = answer.get_mut("explanation").and_then(Value::as_object_mut) {
            explanation.insert(String::from("words"), words.into());
        }
    }
    if !tried.is_empty() {
        let question = question.clone();
        let enough = admin.cx.look(move |cx| are_enough(cx, &question, &tried)).await?;
        answer.insert(String::from("would_do"), enough.into());
    }
    answer.insert(String::from("because"), decision.reason.words().into());
    answer.insert(String::from("subject_type"), question.subject.kind.into());
    answer.insert(String::from("subject_id"), question.subject.id.into());
    Ok(HttpResponse::Ok().json(resolved(answer.into(), name.as_ref())))
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
