//! Policies: what is wrong with one, what it would say, what they said, and what they were.

use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde_json::{Map, Value, json};

use super::{page_request, paged, parameter, wrong_parameter};
use crate::access;
use crate::access::evaluations::{self, Filter};
use crate::access::policy::{PolicyDecision, evaluate, tried};
use crate::access::switched_off;
use crate::base::id::EvaluationId;
use crate::base::page::PageRequest;
use crate::base::{Moment, ScriptDigest};
use crate::cx::Cx;
use crate::http::extract::{Admin, Input, Json, Query, UpdatePolicies, ViewPolicies};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::{Decision, EvaluationRow, PolicyPlace, PolicyVersion, SwitchedOff};
use crate::script::{self, Busy, Fault, Task};
use crate::store::Order;

/// `POST policies/validate`: what there is to say about a `script`, and whether it is switched off. It is not run.
pub async fn validate(admin: Admin<ViewPolicies>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let script: String = input.require("script");
    input.finish()?;
    let report = script::lint(&script);
    let off = switched_off::find(&admin.cx, &script).map_err(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(json!({
        "valid": report.is_sound(),
        "errors": report.errors,
        "warnings": report.warnings,
        "suggestions": report.suggestions,
        "switched_off": off.as_ref().map(off_view),
    })))
}

/// `POST policies/test`: runs a `script` with a `context`, which is completed as that of a check is, and records nothing.
pub async fn test(admin: Admin<ViewPolicies>, body: Json<Map<String, Value>>) -> HandlerResult {
    let mut input = Input::new(body.0);
    let script: String = input.require("script");
    let context: Map<String, Value> = input.take("context").unwrap_or_default();
    input.finish()?;
    let now = admin.cx.now;
    let context = tried(&context, now)?;
    let task = Task { owner: format!("{:?}", admin.cx.actor), about: String::from("a policy that is tried out") };
    let ran = admin.cx.app.scripts.run(task, move |vm| evaluate(vm, &script, &context, now)).await;
    if matches!(ran, Err(Busy::Lost)) {
        switched_off::note(&admin.cx).await.map_err(Refusal::internal)?;
    }
    let evaluated = ran.map_err(|busy| match busy {
        Busy::Full | Busy::Lost => Refusal::busy(1),
        Busy::Stopped | Busy::Panicked => Refusal::internal(busy),
    })?;
    let (result, note, error) = match evaluated.decision {
        PolicyDecision::Allowed => (Decision::Allowed, None, Value::Null),
        PolicyDecision::Denied(note) => (Decision::Denied, note, Value::Null),
        PolicyDecision::Failed(fault) => (Decision::Error, None, error(&fault)),
    };
    Ok(HttpResponse::Ok().json(json!({
        "result": result.name(),
        "returned": evaluated.returned,
        "note": note,
        "execution_time_ms": milliseconds(evaluated.micros),
        "error": error,
    })))
}

fn off_view(row: &SwitchedOff) -> Value {
    json!({"script": row.script, "about": row.about, "owner": row.owner, "at": row.at.rfc3339()})
}

/// `GET policies/switched-off`: the policies that did not come back and are not run any more, oldest first.
pub async fn switched_off(admin: Admin<ViewPolicies>) -> HandlerResult {
    let all = switched_off::list(&admin.cx).map_err(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(json!({"items": all.iter().map(off_view).collect::<Vec<_>>()})))
}

/// `DELETE policies/switched-off/{script}`: lets the policy run again whose text has this digest.
pub async fn switch_on(admin: Admin<UpdatePolicies>, script: Path<String>) -> HandlerResult {
    let none = || Refusal::not_found("No policy that is switched off has this digest.");
    let script: ScriptDigest = script.parse().map_err(|_| none())?;
    let row = switched_off::switch_on(&admin.cx, script).await.map_err(|error| match error {
        access::Error::NotFound => none(),
        other => other.into(),
    })?;
    Ok(HttpResponse::Ok().json(off_view(&row)))
}

fn error(fault: &Fault) -> Value {
    let line = match fault {
        Fault::Syntax { line, .. } | Fault::Runtime { line: Some(line), .. } => Some(line),
        _ => None,
    };
    json!({"code": fault.code(), "line": line, "message": fault.to_string()})
}

#[expect(clippy::cast_precision_loss, reason = "no evaluation takes 285 years")]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

fn evaluation(row: &EvaluationRow) -> Value {
    json!({
        "id": row.id,
        "at": row.at.rfc3339(),
        "entity_type": row.entity_type,
        "entity_id": row.entity_id,
        "permission": row.permission,
        "subject_type": row.subject_type,
        "subject_id": row.subject_id,
        "policy_source": row.place.level(),
        "policy_name": row.place.name(),
        "policy_script": row.script,
        "result": row.result.name(),
        "error": row.error,
        "message": row.message,
        "context": row.context,
        "execution_time_ms": milliseconds(row.micros),
        "request": row.request,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "left_out": row.left_out,
    })
}

/// `GET policies/evaluations`: a page, newest first or in the given `order`; `since`, `entity_type`, `entity_id`, `permission`, `subject`
/// and `result` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewPolicies>, query: Query) -> HandlerResult {
    let order = match parameter(&query, "order")? {
        None | Some("desc") => Order::Descending,
        Some("asc") => Order::Ascending,
        Some(_) => return Err(wrong_parameter("order", "is neither asc nor desc")),
    };
    let since = match parameter(&query, "since")? {
        None => None,
        Some(text) => {
            Some(Moment::parse_rfc3339(text).ok_or_else(|| wrong_parameter("since", "is not an RFC 3339 time"))?)
        }
    };
    let result = match parameter(&query, "result")? {
        None => None,
        Some("allowed") => Some(Decision::Allowed),
        Some("denied") => Some(Decision::Denied),
        Some("error") => Some(Decision::Error),
        Some(_) => return Err(wrong_parameter("result", "is none of allowed, denied, error")),
    };
    let text = |name| parameter(&query, name).map(|value| value.map(str::to_owned));
    let filter = Filter {
        since,
        entity_type: text("entity_type")?,
        entity_id: text("entity_id")?,
        permission: text("permission")?,
        subject: text("subject")?,
        result,
    };
    evaluations::flush(&admin.cx).await?;
    let read = move |cx: &Cx, request: &PageRequest| evaluations::page(cx, &filter, order, request);
    let page = paged(&admin.cx, page_request::<EvaluationId>(&query)?, read).await?;
    let items: Vec<Value> = page.items.iter().map(evaluation).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}

/// A cursor of the list of versions: `LEVEL.VERSION.NAME`.
struct VersionCursor;

impl FromStr for VersionCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let level = parts.next().filter(|level| matches!(*level, "permission" | "tuple"));
        let number = parts.next().and_then(|number| number.parse::<u64>().ok());
        level.zip(number).zip(parts.next()).map(|_| Self).ok_or(())
    }
}

fn version(row: &PolicyVersion) -> Value {
    json!({
        "entity_type": row.entity_type,
        "policy_level": row.place.level(),
        "policy_name": row.place.name(),
        "script": row.script,
        "version": row.version,
        "changed_by_type": row.changed_by_kind,
        "changed_by": row.changed_by,
        "reason": row.reason,
        "at": row.at.rfc3339(),
    })
}

/// `GET policies/versions`: a page of what the policies of an `entity_type` were, the newest first for each; of one `permission` or `tuple`
/// only. A `script` that is `null` was taken away.
pub async fn versions(admin: Admin<ViewPolicies>, query: Query) -> HandlerResult {
    let Some(entity_type) = parameter(&query, "entity_type")? else {
        return Err(wrong_parameter("entity_type", "is missing"));
    };
    let place = match (parameter(&query, "permission")?, parameter(&query, "tuple")?) {
        (Some(_), Some(_)) => return Err(wrong_parameter("tuple", "cannot be given with permission")),
        (Some(name), None) => Some(PolicyPlace::Permission(name.to_owned())),
        (None, Some(id)) => Some(PolicyPlace::Tuple(id.to_owned())),
        (None, None) => None,
    };
    let request = page_request::<VersionCursor>(&query)?;
    let page = evaluations::versions(&admin.cx, entity_type, place.as_ref(), &request)?;
    let items: Vec<Value> = page.items.iter().map(version).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": page.next})))
}
