//! Policies: what is wrong with one, what it would say, what they said, and what they were.

use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, post};
use super::paging::{Direction, PageQuery, paged, wrong_parameter};
use crate::access::evaluations::{self, Filter};
use crate::access::policy::{PolicyDecision, evaluate, tried};
use crate::access::switched_off;
use crate::base::id::EvaluationId;
use crate::base::page::PageRequest;
use crate::base::{ScriptDigest, Timestamp};
use crate::cx::Cx;
use crate::http::extract::{Admin, Body, Params, UpdatePolicies, ViewPolicies};
use crate::http::respond::{HandlerResult, Refusal};
use crate::records::{self, ActorKind, Decision, EvaluationRow, PolicyPlace};
use crate::script::{self, Busy, Fault, Note, Task};

/// A script to look at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptText {
    /// Lua.
    pub script: String,
}

/// A script to run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptTrial {
    /// Lua.
    pub script: String,
    /// What it knows, which is completed as that of a check is.
    pub context: Option<Map<String, Value>>,
}

/// What there is to say about a script.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScriptReport {
    /// Whether it can run.
    valid: bool,
    errors: Vec<Note>,
    /// It runs, but hardly as it is meant.
    warnings: Vec<Note>,
    /// It could be better.
    suggestions: Vec<Note>,
    #[schema(required)]
    switched_off: Option<SwitchedOff>,
}

/// What a script came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialResult {
    result: Decision,
    /// What it returned: true, false, or the name of another type.
    #[schema(required)]
    returned: Option<String>,
    /// Why what it returned counts as deny.
    #[schema(required)]
    note: Option<String>,
    execution_time_ms: f64,
    #[schema(required)]
    error: Option<ScriptError>,
}

/// Why a script failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScriptError {
    /// A stable word.
    code: String,
    #[schema(required)]
    line: Option<u32>,
    message: String,
}

/// A policy that did not come back and is not run any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct SwitchedOff {
    script: ScriptDigest,
    /// What it was to decide.
    about: String,
    /// Whose it was: a client, or `platform`.
    owner: String,
    at: Timestamp,
}

impl From<&records::SwitchedOff> for SwitchedOff {
    fn from(row: &records::SwitchedOff) -> Self {
        Self { script: row.script, about: row.about.clone(), owner: row.owner.clone(), at: row.at.into() }
    }
}

/// Policies that are switched off.
#[derive(Debug, Serialize, ToSchema)]
pub struct SwitchedOffList {
    items: Vec<SwitchedOff>,
}

/// What a policy got and answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evaluation {
    id: EvaluationId,
    at: Timestamp,
    entity_type: String,
    entity_id: String,
    permission: String,
    subject_type: String,
    subject_id: String,
    policy_source: PolicyLevel,
    /// The name of the permission, or the identifier of the tuple.
    policy_name: String,
    #[schema(required)]
    policy_script: Option<String>,
    result: Decision,
    /// The code of a fault.
    #[schema(required)]
    error: Option<String>,
    /// The fault in words, or why what it returned counts as deny.
    #[schema(required)]
    message: Option<String>,
    /// What it knew, without what is redacted.
    context: Value,
    execution_time_ms: f64,
    #[schema(required)]
    request: Option<String>,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    user_agent: Option<String>,
    /// So many like it were left out before it.
    left_out: u64,
}

/// Where a policy stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyLevel {
    /// At a permission of a model.
    Permission,
    /// At a tuple, as its condition.
    Tuple,
}

impl From<&PolicyPlace> for PolicyLevel {
    fn from(place: &PolicyPlace) -> Self {
        match place {
            PolicyPlace::Permission(_) => Self::Permission,
            PolicyPlace::Tuple(_) => Self::Tuple,
        }
    }
}

/// What a policy was.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyVersion {
    entity_type: String,
    policy_level: PolicyLevel,
    /// The name of the permission, or the identifier of the tuple.
    policy_name: String,
    /// `null` when it was taken away.
    #[schema(required)]
    script: Option<String>,
    version: u64,
    changed_by_type: ActorKind,
    #[schema(required)]
    changed_by: Option<String>,
    #[schema(required)]
    reason: Option<String>,
    at: Timestamp,
}

/// Which evaluations a list of them shows, in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EvaluationQuery {
    /// From this moment on.
    since: Option<Timestamp>,
    /// Only on this type.
    entity_type: Option<String>,
    /// Only on this object.
    entity_id: Option<String>,
    /// Only of this permission.
    permission: Option<String>,
    /// Only about this subject.
    subject: Option<String>,
    /// Only with this result.
    result: Option<Decision>,
    /// Oldest or newest first.
    order: Option<Direction>,
    #[serde(flatten)]
    page: PageQuery,
}

/// Which versions of policies a list of them shows.
#[derive(Debug, Deserialize, ToSchema)]
pub struct VersionQuery {
    /// Of which type.
    entity_type: String,
    /// Only of this permission.
    permission: Option<String>,
    /// Only of this tuple's condition.
    tuple: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        post("policies/validate", "What is wrong with a script; it is not run")
            .needs("view on policies")
            .takes::<ScriptText>()
            .gives::<ScriptReport>(),
        post("policies/test", "Runs a script as a check would, and records nothing")
            .needs("view on policies")
            .takes::<ScriptTrial>()
            .gives::<TrialResult>(),
        get("policies/evaluations", "What policies got and answered, newest first")
            .needs("view on policies")
            .asks::<EvaluationQuery>()
            .lists::<Evaluation>(),
        get("policies/versions", "What the policies of a type were, the newest first for each")
            .needs("view on policies")
            .asks::<VersionQuery>()
            .lists::<PolicyVersion>(),
        get("policies/switched-off", "Policies that did not come back and are not run any more, oldest first")
            .needs("view on policies")
            .gives::<SwitchedOffList>(),
        deletes("policies/switched-off/{script}", "Lets the policy run again whose text has this digest")
            .needs("update on policies")
            .gives::<SwitchedOff>(),
    ];
    all.into_iter().map(|operation| operation.under("access")).collect()
}

/// `POST policies/validate`: what there is to say about a `script`, and whether it is switched off. It is not run.
pub async fn validate(admin: Admin<ViewPolicies>, body: Body<ScriptText>) -> HandlerResult {
    let ScriptText { script } = body.0;
    let report = script::lint(&script);
    let off = switched_off::find(&admin.cx, &script).map_err(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(ScriptReport {
        valid: report.is_sound(),
        errors: report.errors,
        warnings: report.warnings,
        suggestions: report.suggestions,
        switched_off: off.as_ref().map(SwitchedOff::from),
    }))
}

/// `POST policies/test`: runs a `script` with a `context`, which is completed as that of a check is, and records
/// nothing.
pub async fn test(admin: Admin<ViewPolicies>, body: Body<ScriptTrial>) -> HandlerResult {
    let ScriptTrial { script, context } = body.0;
    let now = admin.cx.now;
    let context = tried(&context.unwrap_or_default(), now)?;
    let task = Task {
        tenant: admin.cx.tenant.id,
        owner: format!("{:?}", admin.cx.actor),
        about: String::from("a policy that is tried out"),
    };
    let ran = admin.cx.app.scripts.run(task, move |vm| evaluate(vm, &script, &context, now)).await;
    if matches!(ran, Err(Busy::Lost)) {
        switched_off::note(&admin.cx).await.map_err(Refusal::internal)?;
    }
    let evaluated = ran.map_err(|busy| match busy {
        Busy::Full | Busy::Lost => Refusal::busy(1),
        Busy::Stopped | Busy::Panicked => Refusal::internal(busy),
    })?;
    let (result, note, error) = match evaluated.decision {
        PolicyDecision::Allowed => (Decision::Allowed, None, None),
        PolicyDecision::Denied(note) => (Decision::Denied, note, None),
        PolicyDecision::Failed(fault) => (Decision::Error, None, Some(error(&fault))),
    };
    Ok(HttpResponse::Ok().json(TrialResult {
        result,
        returned: evaluated.returned.map(str::to_owned),
        note,
        execution_time_ms: milliseconds(evaluated.micros),
        error,
    }))
}

/// `GET policies/switched-off`: the policies that did not come back and are not run any more, oldest first.
pub async fn switched_off(admin: Admin<ViewPolicies>) -> HandlerResult {
    let all = switched_off::list(&admin.cx).map_err(Refusal::internal)?;
    Ok(HttpResponse::Ok().json(SwitchedOffList { items: all.iter().map(SwitchedOff::from).collect() }))
}

/// `DELETE policies/switched-off/{script}`: lets the policy run again whose text has this digest.
pub async fn switch_on(admin: Admin<UpdatePolicies>, script: Path<String>) -> HandlerResult {
    let script: ScriptDigest = script.parse().map_err(|_| Refusal::missing())?;
    let row = switched_off::switch_on(&admin.cx, script).await?;
    Ok(HttpResponse::Ok().json(SwitchedOff::from(&row)))
}

fn error(fault: &Fault) -> ScriptError {
    let line = match fault {
        Fault::Syntax { line, .. } | Fault::Runtime { line: Some(line), .. } => Some(*line),
        _ => None,
    };
    ScriptError { code: fault.code().to_owned(), line, message: fault.to_string() }
}

#[expect(clippy::cast_precision_loss, reason = "no evaluation takes 285 years")]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

impl From<EvaluationRow> for Evaluation {
    fn from(row: EvaluationRow) -> Self {
        Self {
            id: row.id,
            at: row.at.into(),
            entity_type: row.entity_type,
            entity_id: row.entity_id,
            permission: row.permission,
            subject_type: row.subject_type,
            subject_id: row.subject_id,
            policy_source: (&row.place).into(),
            policy_name: row.place.name().to_owned(),
            policy_script: row.script,
            result: row.result,
            error: row.error,
            message: row.message,
            context: row.context,
            execution_time_ms: milliseconds(row.micros),
            request: row.request,
            ip: row.ip,
            user_agent: row.user_agent,
            left_out: row.left_out,
        }
    }
}

/// `GET policies/evaluations`: a page, newest first or in the given `order`; `since`, `entity_type`, `entity_id`,
/// `permission`, `subject` and `result` narrow it. A page may be short and still have a `next`.
pub async fn list(admin: Admin<ViewPolicies>, query: Params<EvaluationQuery>) -> HandlerResult {
    let EvaluationQuery { since, entity_type, entity_id, permission, subject, result, order, page } = query.0;
    let (order, since) = (Direction::order(order), since.map(|Timestamp(since)| since));
    let filter = Filter { since, entity_type, entity_id, permission, subject, result };
    evaluations::flush(&admin.cx).await?;
    let read = move |cx: &Cx, request: &PageRequest| evaluations::page(cx, &filter, order, request);
    let page = paged(&admin.cx, page.request::<EvaluationId>()?, read).await?;
    Ok(HttpResponse::Ok().json(page.map(Evaluation::from)))
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

impl From<records::PolicyVersion> for PolicyVersion {
    fn from(row: records::PolicyVersion) -> Self {
        Self {
            entity_type: row.entity_type,
            policy_level: (&row.place).into(),
            policy_name: row.place.name().to_owned(),
            script: row.script,
            version: row.version,
            changed_by_type: row.changed_by_kind,
            changed_by: row.changed_by,
            reason: row.reason,
            at: row.at.into(),
        }
    }
}

/// `GET policies/versions`: a page of what the policies of an `entity_type` were, the newest first for each; of one
/// `permission` or `tuple` only. A `script` that is `null` was taken away.
pub async fn versions(admin: Admin<ViewPolicies>, query: Params<VersionQuery>) -> HandlerResult {
    let VersionQuery { entity_type, permission, tuple, page } = query.0;
    let place = match (permission, tuple) {
        (Some(_), Some(_)) => return Err(wrong_parameter("tuple", "This cannot be given with `permission`.")),
        (Some(name), None) => Some(PolicyPlace::Permission(name)),
        (None, Some(id)) => Some(PolicyPlace::Tuple(id)),
        (None, None) => None,
    };
    let request = page.request::<VersionCursor>()?;
    let page = evaluations::versions(&admin.cx, &entity_type, place.as_ref(), &request)?;
    Ok(HttpResponse::Ok().json(page.map(PolicyVersion::from)))
}
