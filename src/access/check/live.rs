//! Runs the policies that a question depends on: on a script thread, each with the context of the question, and every
//! evaluation is recorded.

use std::sync::Arc;

use serde_json::Value;

use super::checked_state::{LiveCheck, LiveRequest, subject_of};
use super::question::Decision;
use super::subject_status::{API_KEY, CLIENT, USER};
use crate::access::evaluations::{self, PolicyRun};
use crate::access::graph::{Script, ScriptOutcome, ScriptRunner, ScriptSource};
use crate::access::model::Models;
use crate::access::policy::{self, Caller, PolicyInput, Subject};
use crate::access::{BoundedJson, Error, Resource, membership, switched_off};
use crate::base::id::{ApiKeyId, ClientId};
use crate::cx::{Actor, Cx};
use crate::records::{Group, PolicyPlace, SubjectRef};
use crate::script::{Busy, Task, Vm};
use crate::store::Snapshot;
use crate::store::rows::{api_keys, clients, users};

/// Takes a check to a script thread, answers it there, and brings the decision back. Errors: [`Error::Busy`], those of
/// the check.
pub(super) async fn decide(cx: &Cx, check: LiveCheck) -> Result<Decision, Error> {
    let input = ScriptInput::of(cx, &check)?;
    let at = cx.clone();
    // Policies are written by those to whom the type belongs.
    let owner = input.client.as_ref().map_or_else(|| String::from("platform"), ToString::to_string);
    let task = Task { tenant: cx.tenant.id, owner, about: format!("{} {}", input.entity_type, input.permission) };
    let run = move |vm: &mut Vm| {
        let shared = check.shared();
        check.decide(&mut PolicyRunner { cx: &at, vm, input: &input, shared, context: None })
    };
    let ran = cx.app.scripts.run(task, run).await;
    if matches!(ran, Err(Busy::Lost)) {
        switched_off::note(cx).await?;
    }
    ran.map_err(|busy| match busy {
        Busy::Full | Busy::Stopped | Busy::Panicked | Busy::Lost => Error::Busy,
    })?
}

/// What every script of one question gets.
struct ScriptInput {
    subject_ref: SubjectRef,
    subject: Arc<Subject>,
    permission: String,
    entity_type: String,
    entity_id: String,
    resource: Resource,
    client: Option<ClientId>,
    extra: BoundedJson,
    properties: Vec<(&'static str, BoundedJson)>,
    caller: Caller,
}

impl ScriptInput {
    fn of(cx: &Cx, check: &LiveCheck) -> Result<Self, Error> {
        let (question, from) = (check.question(), check.from());
        let model = Models::current(cx, from)?.find(from, &question.entity_type)?;
        Ok(Self {
            subject_ref: question.subject.clone(),
            subject: check.shared().subject(&question.subject, || subject(cx, from, &question.subject))?,
            permission: question.permission.clone(),
            entity_type: question.entity_type.clone(),
            entity_id: question.entity_id.clone(),
            resource: question.resource.clone().unwrap_or_default(),
            client: model.and_then(|model| model.client.clone()),
            extra: question.context.clone(),
            properties: question.properties.clone(),
            caller: caller(cx, &question.subject),
        })
    }

    fn policy_input(&self, cx: &Cx) -> PolicyInput<'_> {
        PolicyInput {
            subject: &self.subject,
            permission: &self.permission,
            entity_type: &self.entity_type,
            entity_id: &self.entity_id,
            resource: &self.resource,
            client: self.client.as_ref(),
            extra: &self.extra,
            properties: &self.properties,
            now: cx.now,
            caller: &self.caller,
        }
    }
}

/// The subject as policies know it, with all groups it is in.
fn subject(cx: &Cx, from: &Snapshot, reference: &SubjectRef) -> Result<Subject, Error> {
    let in_groups: Vec<Group> =
        membership::of_subject(cx, from, reference)?.into_iter().map(|joined| joined.group).collect();
    let (kind, id, tenant) = (reference.kind.as_str(), reference.id.as_str(), cx.tenant.id);
    let known = match kind {
        USER => match id.parse() {
            Ok(id) => users::find(from, tenant, &id)?.map(|user| Subject::of_user(&user, &in_groups)),
            Err(_) => None,
        },
        API_KEY => match id.parse::<ApiKeyId>() {
            Ok(id) => match api_keys::find(from, tenant, &id)? {
                Some(key) => {
                    users::find(from, tenant, &key.owner)?.map(|owner| Subject::of_key(&key, &owner, &in_groups))
                }
                None => None,
            },
            Err(_) => None,
        },
        CLIENT => match id.parse::<ClientId>() {
            Ok(id) => clients::find(from, tenant, &id)?.map(|client| Subject::of_client(&client, &in_groups)),
            Err(_) => None,
        },
        _ => None,
    };
    Ok(known.unwrap_or_else(|| Subject::foreign(kind, id, &in_groups)))
}

fn caller(cx: &Cx, subject: &SubjectRef) -> Caller {
    let asking = subject_of(&cx.actor);
    let kind = match &cx.actor {
        Actor::Anonymous => "anonymous",
        Actor::User(_) => USER,
        Actor::Client(_) => CLIENT,
        Actor::Key(_) => API_KEY,
        Actor::Local => "local",
        Actor::System => "system",
    };
    Caller {
        kind: kind.to_owned(),
        is_subject: asking.as_ref() == Some(subject),
        id: asking.map(|asking| asking.id),
        ip: cx.request.ip,
        user_agent: cx.request.user_agent.clone(),
        origin: None,
    }
}

/// Runs the scripts of one question on the thread that it is on.
struct PolicyRunner<'a> {
    cx: &'a Cx,
    vm: &'a mut Vm,
    input: &'a ScriptInput,
    shared: &'a LiveRequest,
    /// The context of the scripts, made once for all of them.
    context: Option<Value>,
}

impl ScriptRunner for PolicyRunner<'_> {
    fn run(&mut self, script: &Script<'_>) -> ScriptOutcome {
        let input = self.input.policy_input(self.cx);
        let context = self.context.get_or_insert_with(|| input.context());
        policy::set_tuple(context, script.tuple);
        let evaluated = policy::evaluate(self.vm, script.text, context, self.cx.now);
        self.shared.add_micros(evaluated.micros);
        let place = match (script.source, script.tuple) {
            (ScriptSource::Condition, Some(tuple)) => PolicyPlace::Tuple(tuple.key.id()),
            _ => PolicyPlace::Permission(self.input.permission.clone()),
        };
        let run = PolicyRun { place: &place, script: script.text, context, evaluated: &evaluated };
        evaluations::note(self.cx, &input, &self.input.subject_ref, &run);
        match evaluated.decision {
            policy::PolicyDecision::Allowed => ScriptOutcome::Allowed,
            policy::PolicyDecision::Denied(_) => ScriptOutcome::Denied,
            policy::PolicyDecision::Failed(fault) => ScriptOutcome::Failed(fault.to_string()),
        }
    }
}
