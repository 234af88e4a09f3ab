//! Answers questions for a running installation: static on the worker that asks, live only when a script decides.

use std::sync::Arc;

use super::checked_state::{CheckedState, LiveRequest};
use super::live;
use super::order::CheckSession;
use super::question::{Decision, Question, Reason, StaticDecision};
use super::subject_status::{State, StoredSchema, SubjectStatus};
use crate::access::Error;
use crate::access::explain::Otherwise;
use crate::access::graph::{Graph, Limits, SnapshotTuples, StoreTuples};
use crate::audit::{self, Entry, Event};
use crate::base::Budget;
use crate::cx::Cx;
use crate::records::{SubjectRef, Tuple};
use crate::store::rows::tuples;
use crate::store::{self, Read, Snapshot};

/// Steps that the questions of one request may take on the thread that answers it, besides [`SHORT_FOR_EACH`].
const SHORT: u64 = 20_000;

/// Steps more for each question: several times what an ordinary one takes.
const SHORT_FOR_EACH: u64 = 64;

/// Steps that a question about a caller's right to use Auther itself may take.
const OWN: u64 = 100_000;

/// How much context all scripts of one request may get of its caller together, in bytes as [`Question::weight`] counts
/// them.
const MAX_CONTEXT: usize = 16 * 1024 * 1024;

/// How long all scripts of one request may run together, in microseconds.
const MAX_MICROS: u64 = 10_000_000;

/// Answers a question over the state of this moment. Errors: [`Error::LimitReached`], [`Error::Busy`].
pub async fn check(cx: &Cx, question: &Question) -> Result<Decision, Error> {
    let mut answers = check_many(cx, std::slice::from_ref(question)).await?;
    answers.pop().unwrap_or(Err(Error::Busy))
}

/// Answers questions over one state, in their order. What takes longer than ordinary questions leaves the thread that
/// asks. Errors, for all of them: the store's; [`Error::TooLarge`] when the context of all scripts would be too large;
/// [`Error::Crowded`].
pub async fn check_many(cx: &Cx, questions: &[Question]) -> Result<Vec<Result<Decision, Error>>, Error> {
    let from = Arc::new(cx.read()?);
    let decisions = static_decisions(cx, &from, questions).await?;
    context_is_bounded(questions, &decisions)?;
    let mut answers = Vec::with_capacity(questions.len());
    let state = CheckedState { cx, from: &from, budget: None };
    let mut shared: Option<Arc<LiveRequest>> = None;
    for (question, decision) in questions.iter().zip(decisions) {
        answers.push(match decision {
            Ok(StaticDecision::Decided(decision)) => Ok(*decision),
            Ok(StaticDecision::Gated) => {
                let shared = shared.get_or_insert_default();
                if shared.micros() > MAX_MICROS {
                    Err(Error::LimitReached("the policies of one request took too long together"))
                } else {
                    // Boxed: few checks are live, and the others must not carry room for its state.
                    Box::pin(live::decide(cx, state.live_check(question, shared))).await
                }
            }
            Err(error) => Err(error),
        });
    }
    record_bypasses(cx, questions, &answers).await?;
    without_privileges(cx, questions, &mut answers).await?;
    Ok(answers)
}

/// Says in the explanations of those who were let through by who they are what the answer would be otherwise.
async fn without_privileges(
    cx: &Cx,
    questions: &[Question],
    answers: &mut [Result<Decision, Error>],
) -> Result<(), Error> {
    for (question, answer) in questions.iter().zip(answers) {
        let Ok(decision) = answer else { continue };
        let Some(explanation) = decision.explanation.as_mut().filter(|_| decision.reason.is_privilege()) else {
            continue;
        };
        let plain = Question { privileges: false, ..question.clone() };
        // Boxed: it ends here, for that answer has no privilege.
        let Decision { allowed, reason, explanation: why, .. } = Box::pin(check(cx, &plain)).await?;
        let otherwise = Otherwise { allowed, reason: reason.as_str(), because: reason.words(), explanation: why };
        explanation.without_privilege = Some(Box::new(otherwise));
    }
    Ok(())
}

/// The answers without scripts: here, or when that takes too many steps, among the long work.
async fn static_decisions(
    cx: &Cx,
    from: &Arc<Snapshot>,
    questions: &[Question],
) -> Result<Vec<Result<StaticDecision, Error>>, Error> {
    let count = u64::try_from(questions.len()).unwrap_or(u64::MAX);
    let short = Budget::of(count.saturating_mul(SHORT_FOR_EACH).saturating_add(SHORT));
    let decisions = CheckedState { cx, from, budget: Some(&short) }.decide_all(questions);
    if !short.is_spent() {
        return decisions;
    }
    let (from, questions) = (Arc::clone(from), questions.to_vec());
    let decide = move |cx: &Cx| CheckedState { cx, from: &from, budget: cx.budget.as_deref() }.decide_all(&questions);
    cx.look_long(decide).await
}

/// Refuses context that too many scripts would get a copy of, before any is run.
fn context_is_bounded(questions: &[Question], decisions: &[Result<StaticDecision, Error>]) -> Result<(), Error> {
    let gated = questions.iter().zip(decisions).filter(|(_, decision)| matches!(decision, Ok(StaticDecision::Gated)));
    let bytes = gated.map(|(question, _)| question.weight()).fold(0, usize::saturating_add);
    if bytes <= MAX_CONTEXT {
        return Ok(());
    }
    let message =
        "`resource` and `context` are too large for so many questions that policies decide: ask fewer at once";
    Err(Error::TooLarge(message.to_owned()))
}

/// For each of some tuples, whether the answer to the question would be yes, or up to a script, if it were stored.
/// Errors: [`Error::LimitReached`].
pub fn would_allow(cx: &Cx, question: &Question, tuples: Vec<Tuple>) -> Result<Vec<bool>, Error> {
    with_session(cx, &question.subject, |session| {
        let mut found = Vec::with_capacity(tuples.len());
        for tuple in tuples {
            let tried = Question { contextual: vec![tuple], explain: false, ..question.clone() };
            found.push(match session.decide(&tried)? {
                StaticDecision::Decided(decision) => decision.allowed,
                StaticDecision::Gated => true,
            });
        }
        Ok(found)
    })
}

/// Puts in the audit log that somebody was let through because they administer the platform: the same permission on a
/// type once a minute.
async fn record_bypasses(
    cx: &Cx,
    questions: &[Question],
    answers: &[Result<Decision, Error>],
) -> Result<(), store::Error> {
    for (question, answer) in questions.iter().zip(answers) {
        if !answer.as_ref().is_ok_and(|decision| decision.reason == Reason::AdminBypass) {
            continue;
        }
        let (subject, permission, kind) = (&question.subject, &question.permission, &question.entity_type);
        if let Some(left_out) = audit::news(cx, &format!("access.bypass {subject} {permission} {kind}")) {
            let entry = Entry::new(cx).target(format!("{kind}:{}", question.entity_id)).after(left_out);
            let event = Event::AccessBypass { subject: subject.to_string(), permission: permission.to_string() };
            audit::record(cx, entry, event).await?;
        }
    }
    Ok(())
}

/// Whether a subject surely may, whatever scripts say: for guarding Auther's own interfaces. Errors:
/// [`Error::LimitReached`].
pub fn may(cx: &Cx, subject: &SubjectRef, permission: &str, entity_type: &str, entity_id: &str) -> Result<bool, Error> {
    let question = Question::new(subject.clone(), permission, entity_type, entity_id);
    let budget = Budget::of(OWN);
    Ok(session_within(cx, subject, Some(&budget), |session| session.decide(&question))?.allows())
}

/// As [`may`], over the state of a transaction, its own changes included: for the right to what it is about to write.
pub fn may_in(
    cx: &Cx,
    from: &dyn Read,
    subject: &SubjectRef,
    permission: &str,
    (entity_type, entity_id): (&str, &str),
) -> Result<bool, Error> {
    let schema = StoredSchema::new(cx, State::Tentative(from));
    let stored = StoreTuples { from, tenant: cx.tenant.id };
    let budget = Budget::of(OWN);
    let (now, limits) = (cx.now, Limits::of(cx));
    let graph = Graph { tuples: &stored, schema: &schema, now, limits, budget: Some(&budget) };
    let question = Question::new(subject.clone(), permission, entity_type, entity_id);
    let revision = tuples::revision(from, cx.tenant.id)?;
    Ok(CheckSession::new(graph, subject, schema.status(subject)?, revision).decide(&question)?.allows())
}

/// Hands over a session for static questions about a subject, over the state of this moment and within the operation's
/// budget. Errors: the questions' own.
pub fn with_session<T>(
    cx: &Cx,
    subject: &SubjectRef,
    ask: impl FnOnce(&mut CheckSession<'_, SnapshotTuples<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    session_within(cx, subject, cx.budget.as_deref(), ask)
}

fn session_within<T>(
    cx: &Cx,
    subject: &SubjectRef,
    budget: Option<&Budget>,
    ask: impl FnOnce(&mut CheckSession<'_, SnapshotTuples<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let from = Arc::new(cx.read()?);
    CheckedState { cx, from: &from, budget }.session(subject, ask)
}

/// Hands over the models and the graph for static questions about any subject, over the state of this moment and within
/// the operation's budget. Errors: the questions' own.
pub(in crate::access) fn with_graph<T>(
    cx: &Cx,
    ask: impl FnOnce(&StoredSchema<'_>, Graph<'_, SnapshotTuples<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let from = Arc::new(cx.read()?);
    let state = CheckedState { cx, from: &from, budget: cx.budget.as_deref() };
    state.graph(|schema, graph, _| ask(schema, graph))
}

/// The status of a subject at the moment.
pub fn subject_status(cx: &Cx, subject: &SubjectRef) -> Result<SubjectStatus, Error> {
    StoredSchema::new(cx, State::Committed(&cx.read()?)).status(subject)
}
