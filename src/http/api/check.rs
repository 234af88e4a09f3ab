//! Questions of administrators: may somebody do something, and why.

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::input::Input;
use crate::access::check::{Question, check};
use crate::access::tuples;
use crate::http::extract::{Admin, Json, ViewTuples};
use crate::http::respond::Refusal;
use crate::records::SubjectRef;
use crate::records::tuple::ANY;

/// `POST check`: the five parts of the question, `resource` and `context` for policies, `explain`. A person may be named by e-mail address
/// or username, a group by name.
pub async fn ask(admin: Admin<ViewTuples>, body: Json<Map<String, Value>>) -> Result<HttpResponse, Refusal> {
    let mut input = Input::new(body.0);
    let (kind, id): (String, String) = (input.require("subject_type"), input.require("subject_id"));
    let relation: Option<String> = input.take("subject_relation");
    let (permission, entity_type): (String, String) = (input.require("permission"), input.require("entity_type"));
    let entity_id: Option<String> = input.take("entity_id");
    let resource: Option<Map<String, Value>> = input.take("resource");
    let context: Option<Map<String, Value>> = input.take("context");
    let explain: Option<bool> = input.take("explain");
    input.finish()?;
    let named = SubjectRef { kind, id, relation };
    let subject = tuples::subject_by_name(&admin.cx, &admin.cx.read()?, &named)?;
    let question = Question {
        resource,
        context: context.unwrap_or_default(),
        explain: explain.unwrap_or_default(),
        ..Question::new(subject, &permission, &entity_type, entity_id.as_deref().unwrap_or(ANY))
    };
    let decision = check(&admin.cx, &question).await?;
    let mut answer = json!(decision);
    answer["because"] = decision.reason.words().into();
    answer["subject_type"] = question.subject.kind.into();
    answer["subject_id"] = question.subject.id.into();
    Ok(HttpResponse::Ok().json(answer))
}
