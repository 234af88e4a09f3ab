//! The record of the outcomes of policies: written behind the checks, in batches, and read by administrators.
//!
//! A check notes its evaluations with [`note`], which waits for nothing. They reach the disk when a batch is full,
//! every few seconds with the background work, before they are read, and at the end of the process. A crash may lose
//! the last of them, never a decision.
//!
//! In a minute so many are recorded about one subject, for one caller and from one network; above that a row says how
//! many like it were left out. The text of a script is stored once, and the table has an end.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::policy::{PolicyDecision, PolicyEvaluation, PolicyInput};
use crate::audit;
use crate::base::by_tenant::ByTenant;
use crate::base::id::{EvaluationId, TenantId};
use crate::base::net::networks;
use crate::base::page::{Page, PageRequest};
use crate::base::quota::{Level, Quota};
use crate::base::{Moment, ScriptDigest};
use crate::cx::Cx;
use crate::records::{Decision, EvaluationRow, PolicyPlace, PolicyVersion, SubjectRef};
use crate::store::rows::{evaluations as rows, policy_versions, scripts};
use crate::store::{Error, Order, Tx};

/// Rows written in one transaction.
const BATCH: usize = 64;

/// The largest context that is kept, in bytes of JSON.
const SNAPSHOT: usize = 4 * 1024;

/// In a minute so many rows are written: about one subject; for one caller; from one address, the networks around it,
/// and in all.
const PER_SUBJECT: u32 = 60;
const PER_CALLER: u32 = 600;
const PER_NETWORK: [u32; 3] = [600, 800, 1_000];
const IN_ALL: u32 = 1_200;

/// Rows that are kept: beyond them the oldest go, however young they are.
const MOST: u64 = 500_000;

/// Texts of scripts that are kept. The text of one that comes when there are as many is not: its rows have its digest.
const MOST_SCRIPTS: u64 = 10_000;

/// How long a text is kept beyond the rows that refer to it: it is not written again for every row.
const LONGER: Duration = Duration::from_hours(24);

/// What takes the place of a redacted value.
const REDACTED: &str = "[redacted]";

/// The count of what is recorded in a minute.
pub(crate) fn quota() -> Quota {
    Quota::new(Duration::from_secs(60))
}

/// Whether there is room for a row about this subject, and how many like it were left out before.
fn admit(cx: &Cx, subject: &SubjectRef) -> Option<u64> {
    let (kind, id) = audit::actor(&cx.actor);
    let level = |of: &str, most| Level::new("evaluation", of, most);
    let mut levels = vec![
        level(&format!("about {subject}"), PER_SUBJECT),
        level(&format!("for {kind:?} {}", id.unwrap_or_default()), PER_CALLER),
    ];
    let networks = cx.request.counted().map(networks).into_iter().flatten();
    levels.extend(networks.zip(PER_NETWORK).map(|(network, most)| level(&network, most)));
    levels.push(level("all", IN_ALL));
    cx.process().recorded_evaluations.take(cx.tenant.id, &levels, cx.now)
}

/// Rows that wait for their batch.
#[derive(Default)]
pub(crate) struct Unwritten(ByTenant<Vec<EvaluationRow>>);

impl Unwritten {
    /// Adds a row of a tenant; gives its batch when it is full.
    fn add(&self, tenant: TenantId, row: EvaluationRow) -> Option<Vec<EvaluationRow>> {
        self.0.with(tenant, |rows| {
            rows.push(row);
            (rows.len() >= BATCH).then(|| mem::take(rows))
        })
    }

    fn take(&self, tenant: TenantId) -> Vec<EvaluationRow> {
        self.0.with(tenant, mem::take)
    }
}

/// A policy that ran.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRun<'a> {
    pub place: &'a PolicyPlace,
    pub script: &'a str,
    pub context: &'a Value,
    pub evaluated: &'a PolicyEvaluation,
}

/// Notes an evaluation, to be written soon. Waits for nothing, and may be called on any thread.
pub fn note(cx: &Cx, input: &PolicyInput<'_>, subject: &SubjectRef, run: &PolicyRun<'_>) {
    let Some(left_out) = admit(cx, subject) else { return };
    let row = EvaluationRow { left_out, ..row(cx, input, subject, run) };
    let full = cx.process().evaluations.add(cx.tenant.id, row);
    if let Some(rows) = full {
        // The transaction takes place although nobody waits for it: it is in the writer's hands from the first poll.
        let _ = Box::pin(write(cx, rows)).now_or_never();
    }
}

/// Writes what waits.
pub async fn flush(cx: &Cx) -> Result<(), Error> {
    let rows = cx.process().evaluations.take(cx.tenant.id);
    if rows.is_empty() { Ok(()) } else { write(cx, rows).await }
}

/// Writes rows, and the texts they refer to that are not written yet. A text that is kept long enough is not touched.
async fn write(cx: &Cx, mut rows: Vec<EvaluationRow>) -> Result<(), Error> {
    let (tenant, least) = (cx.tenant.id, cx.now.plus(cx.settings().policy.keep));
    let until = least.plus(LONGER);
    let (from, mut texts) = (cx.read()?, BTreeMap::new());
    let mut room = MOST_SCRIPTS.saturating_sub(scripts::count(&from)?);
    for row in &mut rows {
        let (Some(digest), Some(text)) = (row.digest, row.script.take()) else { continue };
        if texts.contains_key(&digest) {
            continue;
        }
        let known = scripts::kept_until(&from, tenant, digest)?;
        if known.is_none() && room > 0 || known.is_some_and(|known| known < least) {
            room = room.saturating_sub(u64::from(known.is_none()));
            texts.insert(digest, text);
        }
    }
    let change = move |tx: &mut Tx| {
        texts.values().try_for_each(|text| scripts::keep(tx, tenant, text, until))?;
        rows.iter().try_for_each(|row| rows::append(tx, tenant, row))
    };
    cx.store().write(change).await
}

/// From when on [`sweep`] has something to do; `None` while there are no rows.
pub fn sweep_due(cx: &Cx) -> Result<Option<Moment>, Error> {
    let from = cx.read()?;
    if rows::count(&from)? > MOST {
        return Ok(Some(cx.now));
    }
    Ok(rows::oldest(&from, cx.tenant.id)?.map(|at| at.plus(cx.settings().policy.keep)))
}

/// Removes rows from before `before`, and those above the number that is kept, the oldest first; up to `limit` of them.
/// Answers how many.
pub async fn sweep(cx: &Cx, before: Moment, limit: usize) -> Result<usize, Error> {
    let surplus = rows::count(&cx.read()?)?.saturating_sub(MOST);
    let surplus = usize::try_from(surplus).unwrap_or(usize::MAX).min(limit);
    let (tenant, now) = (cx.tenant.id, cx.now);
    let change = move |tx: &mut Tx| {
        let old = rows::sweep(tx, tenant, before, limit)?;
        let more = if old < surplus { rows::sweep(tx, tenant, now, surplus - old)? } else { 0 };
        Ok(old + more)
    };
    cx.store().write(change).await
}

fn row(cx: &Cx, input: &PolicyInput<'_>, subject: &SubjectRef, run: &PolicyRun<'_>) -> EvaluationRow {
    let (result, error, message) = match &run.evaluated.decision {
        PolicyDecision::Allowed => (Decision::Allowed, None, None),
        PolicyDecision::Denied(note) => (Decision::Denied, None, note.clone()),
        PolicyDecision::Failed(fault) => (Decision::Error, Some(fault.code().to_owned()), Some(fault.to_string())),
    };
    EvaluationRow {
        id: EvaluationId::new(input.now, cx.entropy()),
        at: input.now,
        entity_type: input.entity_type.to_owned(),
        entity_id: input.entity_id.to_owned(),
        permission: input.permission.to_owned(),
        subject_type: subject.kind.clone(),
        subject_id: subject.id.clone(),
        place: run.place.clone(),
        digest: Some(ScriptDigest::of(run.script)),
        // Taken out again when the row is written.
        script: Some(run.script.to_owned()),
        result,
        error,
        message,
        context: snapshot(run.context, &cx.settings().policy.redact),
        micros: run.evaluated.micros,
        request: Some(cx.request.id.clone()),
        ip: cx.request.origin(),
        user_agent: cx.request.user_agent.clone(),
        left_out: 0,
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
    let from = cx.read()?;
    let mut page = rows::page(&from, cx.tenant.id, order, request, |row| filter.accepts(row))?;
    for row in &mut page.items {
        if let (None, Some(digest)) = (&row.script, row.digest) {
            row.script = scripts::text(&from, cx.tenant.id, digest)?;
        }
    }
    Ok(page)
}

/// What [`policy_versions::note_change`] takes: `script` is now at `place`, or with `None` nothing is, by the
/// operation's actor.
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
    policy_versions::page(&cx.read()?, cx.tenant.id, entity_type, place, request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::policy::{Caller, Subject};
    use crate::access::{BoundedJson, Resource};
    use crate::script::Fault;
    use crate::store::rows::expired;
    use crate::testing::{TestApp, block_on};

    fn noted(cx: &Cx, permission: &str, decision: PolicyDecision) {
        let (subject, resource, caller) =
            (Subject::foreign("user", "anne", &[]), Resource::default(), Caller::default());
        let input = PolicyInput {
            subject: &subject,
            permission,
            entity_type: "doc",
            entity_id: "1",
            resource: &resource,
            client: None,
            extra: &BoundedJson::default(),
            properties: &[],
            now: cx.now,
            caller: &caller,
        };
        let place = PolicyPlace::Permission(permission.to_owned());
        let evaluated = PolicyEvaluation { decision, returned: None, micros: 7 };
        let context = json!({"user": {"id": "anne", "Card-Number": "4111"}});
        let run = PolicyRun { place: &place, script: "return true", context: &context, evaluated: &evaluated };
        note(cx, &input, &SubjectRef::new("user", "anne"), &run);
    }

    fn all(cx: &Cx, filter: &Filter) -> Vec<EvaluationRow> {
        block_on(flush(cx)).unwrap();
        page(cx, filter, Order::Ascending, &PageRequest::new(Some(500), None)).unwrap().items
    }

    #[test]
    fn what_was_noted_can_be_read_at_once() {
        let home = TestApp::new();
        noted(&home.cx(), "read", PolicyDecision::Allowed);
        home.advance(std::time::Duration::from_secs(1));
        noted(&home.cx(), "write", PolicyDecision::Failed(Fault::Time));
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
        let home = TestApp::new();
        let mut cx = home.cx();
        for number in 0..BATCH * 2 + 3 {
            cx.now = home.cx().now.plus(Duration::from_secs(u64::try_from(number).unwrap() * 2));
            noted(&cx, "read", PolicyDecision::Allowed);
        }
        assert_eq!(cx.process().evaluations.take(cx.tenant.id).len(), 3);
        // Whatever is written after it comes after it.
        block_on(audit::record(&cx, audit::Entry::new(&cx), audit::Event::UserEnable {})).unwrap();
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
        let home = TestApp::new();
        noted(&home.cx(), "read", PolicyDecision::Allowed);
        assert_eq!(all(&home.cx(), &Filter::default()).len(), 1);
        home.advance(std::time::Duration::from_secs(60));
        let cx = home.cx();
        let swept = block_on(sweep(&cx, cx.now, 10)).unwrap();
        assert_eq!((swept, all(&cx, &Filter::default()).len()), (1, 0));
    }

    fn about(cx: &Cx, subject: &str, script: &str) {
        let (known, resource, caller) =
            (Subject::foreign("user", subject, &[]), Resource::default(), Caller::default());
        let input = PolicyInput {
            subject: &known,
            permission: "read",
            entity_type: "doc",
            entity_id: "1",
            resource: &resource,
            client: None,
            extra: &BoundedJson::default(),
            properties: &[],
            now: cx.now,
            caller: &caller,
        };
        let place = PolicyPlace::Permission(String::from("read"));
        let evaluated = PolicyEvaluation { decision: PolicyDecision::Allowed, returned: None, micros: 7 };
        let context = json!({"resource": {"text": "x".repeat(3_000)}});
        let run = PolicyRun { place: &place, script, context: &context, evaluated: &evaluated };
        note(cx, &input, &SubjectRef::new("user", subject), &run);
    }

    #[test]
    fn ten_thousand_evaluations_leave_few_rows_and_one_text() {
        let home = TestApp::new();
        let cx = home.cx();
        let script = format!("return true --{}", "x".repeat(10_000));
        for _ in 0..10_000 {
            about(&cx, "anne", &script);
        }
        about(&cx, "bert", &script);
        let rows = all(&cx, &Filter::default());
        assert_eq!(rows.len(), usize::try_from(PER_SUBJECT).unwrap() + 1);
        assert!(rows.iter().all(|row| row.script.as_deref() == Some(script.as_str())));
        let stored: usize = rows
            .iter()
            .map(|row| serde_json::to_string(&EvaluationRow { script: None, ..row.clone() }).unwrap().len())
            .sum();
        assert!(stored < 61 * 4_500, "{stored}");
        assert_eq!(scripts::count(&cx.read().unwrap()).unwrap(), 1);
        home.advance(Duration::from_secs(60));
        about(&home.cx(), "anne", &script);
        let rows = all(&home.cx(), &Filter::default());
        assert_eq!(rows.last().unwrap().left_out, 10_000 - u64::from(PER_SUBJECT));
    }

    #[test]
    fn many_subjects_and_many_scripts_have_an_end_too() {
        let home = TestApp::new();
        let cx = home.cx();
        for number in 0..3_000 {
            about(&cx, &format!("user{number}"), &format!("return {number}"));
        }
        block_on(flush(&cx)).unwrap();
        let count = rows::count(&cx.read().unwrap()).unwrap();
        assert_eq!(count, u64::from(PER_CALLER));
        assert!(scripts::count(&cx.read().unwrap()).unwrap() <= count);
    }

    #[test]
    fn a_text_is_kept_as_long_as_its_rows_and_goes_then() {
        let home = TestApp::new();
        let keep = home.parts.settings.policy.keep;
        let texts = || scripts::count(&home.cx().read().unwrap()).unwrap();
        about(&home.cx(), "anne", "return true");
        block_on(flush(&home.cx())).unwrap();
        home.advance(keep - Duration::from_secs(60));
        about(&home.cx(), "anne", "return true");
        block_on(flush(&home.cx())).unwrap();
        let settle = || {
            let cx = home.cx();
            let now = cx.now;
            cx.store().write_blocking::<_, Error, _>(move |tx| expired::sweep(tx, now, 100)).unwrap();
            block_on(sweep(&cx, now.minus(keep), 100)).unwrap();
        };
        home.advance(LONGER + LONGER);
        settle();
        let rows = all(&home.cx(), &Filter::default());
        assert_eq!((rows.len(), rows[0].script.as_deref(), texts()), (1, Some("return true"), 1));
        home.advance(keep + LONGER);
        settle();
        assert_eq!((all(&home.cx(), &Filter::default()).len(), texts()), (0, 0));
    }

    #[test]
    fn a_row_of_before_has_its_own_text() {
        let home = TestApp::new();
        noted(&home.cx(), "read", PolicyDecision::Allowed);
        let row = all(&home.cx(), &Filter::default()).remove(0);
        let mut old = serde_json::to_value(&row).unwrap();
        let members = old.as_object_mut().unwrap();
        members.retain(|name, _| name != "digest" && name != "left_out");
        members.insert(String::from("script"), json!("return 'old'"));
        let old: EvaluationRow = serde_json::from_value(old).unwrap();
        assert_eq!((old.script.as_deref(), old.digest, old.left_out), (Some("return 'old'"), None, 0));
    }
}
