//! The record of what came of policies: written behind the checks, in batches, and read by administrators.
//!
//! A check notes its evaluations with [`note`], which waits for nothing. They reach the disk when a batch is full, every few seconds with
//! the background work, before they are read, and at the end of the process. A crash may lose the last of them, never a decision.

use std::mem;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::policy::{Judgement, PolicyInput, Verdict};
use crate::audit;
use crate::base::Moment;
use crate::base::id::EvaluationId;
use crate::base::page::{Page, PageRequest};
use crate::cx::Cx;
use crate::records::{Decision, EvaluationRow, PolicyPlace, PolicyVersion, SubjectRef};
use crate::store::rows::{evaluations as rows, policy_versions};
use crate::store::{Error, Order};

/// Rows written in one transaction.
const BATCH: usize = 64;

/// The largest context that is kept, in bytes of JSON.
const SNAPSHOT: usize = 8 * 1024;

/// What stands in the place of a redacted value.
const REDACTED: &str = "[redacted]";

/// Rows that wait for their batch. One for each installation.
#[derive(Default)]
pub struct Waiting(Mutex<Vec<EvaluationRow>>);

impl Waiting {
    /// Adds a row; gives the batch when it is full.
    fn add(&self, row: EvaluationRow) -> Option<Vec<EvaluationRow>> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push(row);
        (rows.len() >= BATCH).then(|| mem::take(&mut *rows))
    }

    fn take(&self) -> Vec<EvaluationRow> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A policy that ran.
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// Which one.
    pub place: &'a PolicyPlace,
    /// Its text.
    pub script: &'a str,
    /// What it was told.
    pub context: &'a Value,
    /// What came of it.
    pub judgement: &'a Judgement,
}

/// Notes an evaluation, to be written soon. Waits for nothing, and may be called on any thread.
pub fn note(cx: &Cx, input: &PolicyInput<'_>, subject: &SubjectRef, ran: &Ran<'_>) {
    let full = cx.home.shared.of::<Waiting>().add(row(cx, input, subject, ran));
    if let Some(rows) = full {
        // The transaction takes place although nobody waits for it: it is in the writer's hands from the first poll.
        let _ = Box::pin(write(cx, rows)).now_or_never();
    }
}

/// Writes what waits.
pub async fn flush(cx: &Cx) -> Result<(), Error> {
    let rows = cx.home.shared.of::<Waiting>().take();
    if rows.is_empty() { Ok(()) } else { write(cx, rows).await }
}

async fn write(cx: &Cx, rows: Vec<EvaluationRow>) -> Result<(), Error> {
    let tenant = cx.tenant;
    cx.store().write(move |tx| rows.iter().try_for_each(|row| rows::append(tx, tenant, row))).await
}

fn row(cx: &Cx, input: &PolicyInput<'_>, subject: &SubjectRef, ran: &Ran<'_>) -> EvaluationRow {
    let (result, error, message) = match &ran.judgement.verdict {
        Verdict::Allowed => (Decision::Allowed, None, None),
        Verdict::Denied(note) => (Decision::Denied, None, note.clone()),
        Verdict::Failed(fault) => (Decision::Error, Some(fault.code().to_owned()), Some(fault.to_string())),
    };
    EvaluationRow {
        id: EvaluationId::new(input.now, cx.entropy()),
        at: input.now,
        entity_type: input.entity_type.to_owned(),
        entity_id: input.entity_id.to_owned(),
        permission: input.permission.to_owned(),
        subject_type: subject.kind.clone(),
        subject_id: subject.id.clone(),
        place: ran.place.clone(),
        script: ran.script.to_owned(),
        result,
        error,
        message,
        context: snapshot(ran.context, &cx.settings().policy.redact),
        micros: ran.judgement.micros,
        request: Some(cx.request.id.clone()),
        ip: cx.request.origin(),
        user_agent: cx.request.user_agent.clone(),
    }
}

/// The context as it is kept: without the members named in `redact`, and without its bulk when it is large.
fn snapshot(context: &Value, redact: &[String]) -> Value {
    let names: Vec<String> = redact.iter().map(|name| folded(name)).collect();
    let kept = redacted(context, &names);
    let size = kept.to_string().len();
    if size <= SNAPSHOT { kept } else { json!({"omitted": format!("the context was {size} bytes long")}) }
}

fn redacted(value: &Value, names: &[String]) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| {
                let hidden = names.contains(&folded(name));
                (name.clone(), if hidden { json!(REDACTED) } else { redacted(member, names) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| redacted(item, names)).collect(),
        plain => plain.clone(),
    }
}

/// `card_number`, `cardNumber` and `Card-Number` are one name.
fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Which rows are wanted; absent fields accept all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only from this moment on.
    pub since: Option<Moment>,
    /// Only about this type.
    pub entity_type: Option<String>,
    /// Only about this object.
    pub entity_id: Option<String>,
    /// Only for this permission.
    pub permission: Option<String>,
    /// Only for this subject, by identifier.
    pub subject: Option<String>,
    /// Only with this result.
    pub result: Option<Decision>,
}

impl Filter {
    fn accepts(&self, row: &EvaluationRow) -> bool {
        let same = |wanted: &Option<String>, have: &str| wanted.as_deref().is_none_or(|wanted| wanted == have);
        self.since.is_none_or(|since| row.at >= since)
            && same(&self.entity_type, &row.entity_type)
            && same(&self.entity_id, &row.entity_id)
            && same(&self.permission, &row.permission)
            && same(&self.subject, &row.subject_id)
            && self.result.is_none_or(|result| row.result == result)
    }
}

/// A page of the record, as far as it is written: see [`flush`].
pub fn page(cx: &Cx, filter: &Filter, order: Order, request: &PageRequest) -> Result<Page<EvaluationRow>, Error> {
    rows::page(&cx.read()?, cx.tenant, order, request, |row| filter.accepts(row))
}

/// What [`policy_versions::note_change`] takes: `script` is now at `place`, or with `None` nothing is, by the operation's actor.
pub fn change(
    cx: &Cx,
    entity_type: &str,
    place: PolicyPlace,
    script: Option<&str>,
    reason: Option<&str>,
) -> PolicyVersion {
    let (changed_by_kind, changed_by) = audit::actor(&cx.actor);
    PolicyVersion {
        entity_type: entity_type.to_owned(),
        place,
        script: script.map(str::to_owned),
        version: 0,
        changed_by_kind,
        changed_by,
        reason: reason.map(str::to_owned),
        at: cx.now,
    }
}

/// A page of the versions of a type's policies, or of one place only.
pub fn versions(
    cx: &Cx,
    entity_type: &str,
    place: Option<&PolicyPlace>,
    request: &PageRequest,
) -> Result<Page<PolicyVersion>, Error> {
    policy_versions::page(&cx.read()?, cx.tenant, entity_type, place, request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::policy::{Caller, Subject};
    use crate::access::{Resource, Said};
    use crate::script::Fault;
    use crate::testing::{Home, block_on};

    fn noted(cx: &Cx, permission: &str, verdict: Verdict) {
        let (subject, resource, caller) =
            (Subject::foreign("user", "anne", &[]), Resource::default(), Caller::default());
        let input = PolicyInput {
            subject: &subject,
            permission,
            entity_type: "doc",
            entity_id: "1",
            resource: &resource,
            client: None,
            extra: &Said::default(),
            properties: &[],
            now: cx.now,
            caller: &caller,
        };
        let place = PolicyPlace::Permission(permission.to_owned());
        let judgement = Judgement { verdict, returned: None, micros: 7 };
        let context = json!({"user": {"id": "anne", "Card-Number": "4111"}});
        let ran = Ran { place: &place, script: "return true", context: &context, judgement: &judgement };
        note(cx, &input, &SubjectRef::new("user", "anne"), &ran);
    }

    fn all(cx: &Cx, filter: &Filter) -> Vec<EvaluationRow> {
        block_on(flush(cx)).unwrap();
        page(cx, filter, Order::Ascending, &PageRequest::new(Some(500), None)).unwrap().items
    }

    #[test]
    fn what_was_noted_can_be_read_at_once() {
        let home = Home::new();
        noted(&home.cx(), "read", Verdict::Allowed);
        home.advance(std::time::Duration::from_secs(1));
        noted(&home.cx(), "write", Verdict::Failed(Fault::Time));
        let rows = all(&home.cx(), &Filter::default());
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].result, rows[0].micros, rows[0].ip.as_deref()), (Decision::Allowed, 7, Some("192.0.2.1")));
        assert_eq!((rows[1].error.as_deref(), rows[1].result), (Some("time_limit"), Decision::Error));
        assert_eq!(rows[0].context["user"], json!({"id": "anne", "Card-Number": REDACTED}));
        let errors = Filter { result: Some(Decision::Error), ..Filter::default() };
        assert_eq!(all(&home.cx(), &errors).len(), 1);
        let other = Filter { permission: Some(String::from("delete")), ..Filter::default() };
        assert!(all(&home.cx(), &other).is_empty());
    }

    #[test]
    fn a_full_batch_is_written_without_being_asked_for() {
        let home = Home::new();
        let cx = home.cx();
        for _ in 0..BATCH * 2 + 3 {
            noted(&cx, "read", Verdict::Allowed);
        }
        assert_eq!(cx.home.shared.of::<Waiting>().take().len(), 3);
        // Whatever is written after it comes after it.
        block_on(audit::record(&cx, audit::Entry::success(&cx, "test.done"))).unwrap();
        assert_eq!(all(&cx, &Filter::default()).len(), BATCH * 2);
    }

    #[test]
    fn secrets_and_bulk_are_left_out() {
        let names = [String::from("card_number"), String::from("token")];
        let context =
            json!({"cardNumber": 1, "list": [{"TOKEN": "x", "tokens": 2}], "card": {"CARD-NUMBER": {"a": 1}}});
        let kept = snapshot(&context, &names);
        assert_eq!(
            kept,
            json!({"cardNumber": REDACTED, "list": [{"TOKEN": REDACTED, "tokens": 2}], "card": {"CARD-NUMBER": REDACTED}})
        );
        let large = snapshot(&json!({"a": "x".repeat(SNAPSHOT)}), &names);
        assert!(large["omitted"].as_str().unwrap().contains("bytes"));
    }

    #[test]
    fn what_is_old_is_swept() {
        let home = Home::new();
        noted(&home.cx(), "read", Verdict::Allowed);
        assert_eq!(all(&home.cx(), &Filter::default()).len(), 1);
        home.advance(std::time::Duration::from_secs(60));
        let cx = home.cx();
        let (tenant, now) = (cx.tenant, cx.now);
        let swept = cx.store().write_blocking::<_, Error, _>(move |tx| rows::sweep(tx, tenant, now, 10)).unwrap();
        assert_eq!((swept, all(&cx, &Filter::default()).len()), (1, 0));
    }
}
