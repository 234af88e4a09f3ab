//! What questions need from the rest of the house: models, keys, groups, and threads for scripts.

use std::sync::Arc;

use serde_json::Value;

use super::check::{Case, Catalogue, Judge, Judgement, Pending, Request, Rooms, Script, ScriptSource, State};
use super::evaluations::{self, Ran};
use super::model::{CompiledModel, Models};
use super::policy::{self, Caller, PolicyInput, Subject};
use super::{Error, Resource, Said, check, switched_off};
use crate::base::id::{ApiKeyId, ClientId, GroupId};
use crate::cx::{Actor, Cx};
use crate::records::{Group, PolicyPlace, SubjectRef};
use crate::script::{self, Busy, Task, Vm};
use crate::store::rows::api_keys::KeyStanding;
use crate::store::rows::{api_keys, clients, groups, users};
use crate::store::{Read, Snapshot};

/// Those of a running installation.
pub(super) struct Installed;

impl Rooms for Installed {
    fn models(&self, cx: &Cx, from: State<'_>) -> Result<Arc<dyn Catalogue>, Error> {
        match from {
            State::Committed(from) => Ok(Models::current(cx, from)?),
            State::Tentative(_) => Ok(Arc::new(Models::unshared(cx.tenant))),
        }
    }

    fn key(&self, cx: &Cx, from: &dyn Read, id: &ApiKeyId) -> Result<Option<KeyStanding>, Error> {
        Ok(api_keys::standing(from, cx.tenant, id)?)
    }

    fn has_group(&self, cx: &Cx, from: &dyn Read, id: &GroupId) -> Result<bool, Error> {
        Ok(groups::find(from, cx.tenant, id)?.is_some())
    }

    fn problem_of_script(&self, text: &str) -> Option<String> {
        let report = script::lint(text);
        report.errors.first().map(|error| format!("line {}: {}", error.line, error.message))
    }

    fn live<'a>(&'a self, cx: &'a Cx, case: Case) -> Pending<'a> {
        Box::pin(async move {
            let told = Told::of(cx, &case)?;
            let at = cx.clone();
            // Policies are written by those to whom the type belongs.
            let owner = told.client.as_ref().map_or_else(|| String::from("platform"), ToString::to_string);
            let task = Task { owner, about: format!("{} {}", told.entity_type, told.permission) };
            let run = move |vm: &mut Vm| {
                let request = case.request();
                case.decide(&mut Bench { cx: &at, vm, told: &told, request, context: None })
            };
            let ran = cx.home.scripts.run(task, run).await;
            if matches!(ran, Err(Busy::Lost)) {
                switched_off::note(cx).await?;
            }
            ran.map_err(|busy| match busy {
                Busy::Full | Busy::Stopped | Busy::Panicked | Busy::Lost => Error::Busy,
            })?
        })
    }
}

impl Catalogue for Models {
    fn find(&self, from: &dyn Read, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        Ok(Self::find(self, from, entity_type)?)
    }
}

/// What every script of one question is told.
struct Told {
    reference: SubjectRef,
    subject: Arc<Subject>,
    permission: String,
    entity_type: String,
    entity_id: String,
    resource: Resource,
    client: Option<ClientId>,
    extra: Said,
    properties: Vec<(&'static str, Said)>,
    caller: Caller,
}

impl Told {
    fn of(cx: &Cx, case: &Case) -> Result<Self, Error> {
        let (question, from) = (case.question(), case.from());
        let model = Models::current(cx, from)?.find(from, &question.entity_type)?;
        Ok(Self {
            reference: question.subject.clone(),
            subject: case.request().subject(&question.subject, || subject(cx, from, &question.subject))?,
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

    fn input(&self, cx: &Cx) -> PolicyInput<'_> {
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
        super::groups::of_subject(cx, from, reference)?.into_iter().map(|joined| joined.group).collect();
    let (kind, id, tenant) = (reference.kind.as_str(), reference.id.as_str(), cx.tenant);
    let known = match kind {
        check::USER => match id.parse() {
            Ok(id) => users::find(from, tenant, &id)?.map(|user| Subject::of_user(&user, &in_groups)),
            Err(_) => None,
        },
        check::API_KEY => match id.parse::<ApiKeyId>() {
            Ok(id) => match api_keys::find(from, tenant, &id)? {
                Some(key) => {
                    users::find(from, tenant, &key.owner)?.map(|owner| Subject::of_key(&key, &owner, &in_groups))
                }
                None => None,
            },
            Err(_) => None,
        },
        check::CLIENT => match id.parse::<ClientId>() {
            Ok(id) => clients::find(from, tenant, &id)?.map(|client| Subject::of_client(&client, &in_groups)),
            Err(_) => None,
        },
        _ => None,
    };
    Ok(known.unwrap_or_else(|| Subject::foreign(kind, id, &in_groups)))
}

fn caller(cx: &Cx, subject: &SubjectRef) -> Caller {
    let asking = check::subject_of(&cx.actor);
    let kind = match &cx.actor {
        Actor::Anonymous => "anonymous",
        Actor::User(_) => check::USER,
        Actor::Client(_) => check::CLIENT,
        Actor::Key(_) => check::API_KEY,
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

/// A script thread that judges one question; every evaluation is recorded.
struct Bench<'a> {
    cx: &'a Cx,
    vm: &'a mut Vm,
    told: &'a Told,
    request: &'a Request,
    /// What the scripts are told, made once for all of them.
    context: Option<Value>,
}

impl Judge for Bench<'_> {
    fn judge(&mut self, script: &Script<'_>) -> Judgement {
        let input = self.told.input(self.cx);
        let context = self.context.get_or_insert_with(|| input.context());
        policy::grant(context, script.tuple);
        let judgement = policy::judge(self.vm, script.text, context, self.cx.now);
        self.request.ran(judgement.micros);
        let place = match (script.source, script.tuple) {
            (ScriptSource::Condition, Some(tuple)) => PolicyPlace::Tuple(tuple.key.id()),
            _ => PolicyPlace::Permission(self.told.permission.clone()),
        };
        let ran = Ran { place: &place, script: script.text, context, judgement: &judgement };
        evaluations::note(self.cx, &input, &self.told.reference, &ran);
        match judgement.verdict {
            policy::Verdict::Allowed => Judgement::Allowed,
            policy::Verdict::Denied(_) => Judgement::Denied,
            policy::Verdict::Failed(fault) => Judgement::Failed(fault.to_string()),
        }
    }
}
