//! Questions to a running installation: static on the worker that asks, live only when a script decides.

use std::sync::Arc;

use super::engine::Ground;
use super::facts::StoreFacts;
use super::index::{Keeper, SnapshotFacts};
use super::lately::Lately;
use super::order::Bench;
use super::question::{Decision, Question, Reason, Ruling};
use super::standing::{Models, Rooms, Standing, State, rooms};
use super::verdict::{Judge, Limits};
use crate::access::Error;
use crate::audit::{self, Entry};
use crate::cx::{Actor, Cx};
use crate::records::SubjectRef;
use crate::store::rows::tuples;
use crate::store::{self, Read, Snapshot};

/// A question with everything that is needed to answer it on another thread.
pub struct Case {
    cx: Cx,
    from: Arc<Snapshot>,
    rooms: Arc<dyn Rooms>,
    question: Question,
}

impl Case {
    /// What is asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// The operation that asks.
    pub fn cx(&self) -> &Cx {
        &self.cx
    }

    /// The state that is asked about.
    pub fn from(&self) -> &Snapshot {
        &self.from
    }

    /// Answers with the scripts run by `judge`. Errors: [`Error::LimitReached`].
    pub fn decide(&self, judge: &mut dyn Judge) -> Result<Decision, Error> {
        let sitting = Sitting { cx: &self.cx, from: &self.from, rooms: &self.rooms };
        sitting.judge(&self.question, judge)
    }
}

/// One state of an installation that is asked.
struct Sitting<'a> {
    cx: &'a Cx,
    from: &'a Arc<Snapshot>,
    rooms: &'a Arc<dyn Rooms>,
}

impl Sitting<'_> {
    /// Hands over the ground of static questions: tuples from memory, if this state is there.
    fn ground<T>(
        &self,
        ask: impl FnOnce(&Models<'_>, Ground<'_, SnapshotFacts<'_>>, u64) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (cx, from) = (self.cx, &**self.from);
        let lately = Lately::of(cx, from)?;
        let revision = lately.revision;
        let keeper = Keeper::of(cx);
        let ready = keeper.at(cx.store(), revision);
        let store = StoreFacts { from, tenant: cx.tenant };
        let facts = SnapshotFacts::new(store, ready.as_ref().and_then(|ready| ready.index()));
        let models = Models::new(cx, State::Committed(from), &**self.rooms).knowing(&lately);
        ask(&models, Ground { facts: &facts, schema: &models, now: cx.now, limits: Limits::of(cx) }, revision)
    }

    fn with<T>(
        &self,
        subject: &SubjectRef,
        ask: impl FnOnce(&mut Bench<'_, SnapshotFacts<'_>>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.ground(|models, ground, revision| {
            ask(&mut Bench::new(ground, subject, models.standing(subject)?, revision))
        })
    }

    /// What can be said without scripts, in the order of the questions. Those about one subject that follow each other share what is
    /// learned.
    fn rule_all(&self, questions: &[Question]) -> Result<Vec<Result<Ruling, Error>>, Error> {
        self.ground(|models, ground, revision| {
            let mut rulings = Vec::with_capacity(questions.len());
            for run in questions.chunk_by(|one, two| one.subject == two.subject) {
                let Some(first) = run.first() else { continue };
                let mut bench = Bench::new(ground, &first.subject, models.standing(&first.subject)?, revision);
                rulings.extend(run.iter().map(|question| bench.rule(question)));
            }
            Ok(rulings)
        })
    }

    /// Answers with scripts, from the store: scripts take their time, and must not keep the index from going on.
    fn judge(&self, question: &Question, judge: &mut dyn Judge) -> Result<Decision, Error> {
        let (cx, from) = (self.cx, &**self.from);
        let facts = StoreFacts { from, tenant: cx.tenant };
        let models = Models::new(cx, State::Committed(from), &**self.rooms);
        let ground = Ground { facts: &facts, schema: &models, now: cx.now, limits: Limits::of(cx) };
        let standing = models.standing(&question.subject)?;
        Bench::new(ground, &question.subject, standing, tuples::revision(from, cx.tenant)?).judge(question, judge)
    }

    fn case(&self, question: &Question) -> Case {
        let (cx, from, rooms) = (self.cx.clone(), Arc::clone(self.from), Arc::clone(self.rooms));
        Case { cx, from, rooms, question: question.clone() }
    }
}

/// Answers a question over the state of this moment. Errors: [`Error::LimitReached`], [`Error::Busy`].
pub async fn check(cx: &Cx, question: &Question) -> Result<Decision, Error> {
    let mut answers = check_many(cx, std::slice::from_ref(question)).await?;
    answers.pop().unwrap_or(Err(Error::Busy))
}

/// Answers questions over one state, in their order. Errors, for all of them: the store's.
pub async fn check_many(cx: &Cx, questions: &[Question]) -> Result<Vec<Result<Decision, Error>>, Error> {
    let (rooms, from) = (rooms(cx), Arc::new(cx.read()?));
    let mut answers = Vec::with_capacity(questions.len());
    let sitting = Sitting { cx, from: &from, rooms: &rooms };
    for (question, ruling) in questions.iter().zip(sitting.rule_all(questions)?) {
        answers.push(match ruling {
            Ok(Ruling::Decided(decision)) => Ok(*decision),
            Ok(Ruling::Gated) => rooms.live(cx, sitting.case(question)).await,
            Err(error) => Err(error),
        });
    }
    tell_bypasses(cx, questions, &answers).await?;
    Ok(answers)
}

/// Puts in the audit log that somebody was let through because they administer the platform: the same permission on a type once a minute.
async fn tell_bypasses(
    cx: &Cx,
    questions: &[Question],
    answers: &[Result<Decision, Error>],
) -> Result<(), store::Error> {
    for (question, answer) in questions.iter().zip(answers) {
        if !answer.as_ref().is_ok_and(|decision| decision.reason == Reason::AdminBypass) {
            continue;
        }
        let (subject, permission, kind) = (&question.subject, &question.permission, &question.entity_type);
        if audit::is_news(cx, format!("bypass {subject} {permission} {kind}")) {
            let entry = Entry::success(cx, "access.bypass").target(format!("{kind}:{}", question.entity_id));
            let entry = entry.detail("subject", subject.to_string()).detail("permission", permission.as_str());
            audit::record(cx, entry).await?;
        }
    }
    Ok(())
}

/// Whether a subject surely may, whatever scripts say: for guarding our own interfaces. Errors: [`Error::LimitReached`].
pub fn may(cx: &Cx, subject: &SubjectRef, permission: &str, entity_type: &str, entity_id: &str) -> Result<bool, Error> {
    let question = Question::new(subject.clone(), permission, entity_type, entity_id);
    Ok(sit(cx, subject, |bench| bench.rule(&question))?.allows())
}

/// As [`may`], over the state of a transaction, its own changes included: for the right to what it is about to write.
pub fn may_in(
    cx: &Cx,
    from: &dyn Read,
    subject: &SubjectRef,
    permission: &str,
    (entity_type, entity_id): (&str, &str),
) -> Result<bool, Error> {
    let rooms = rooms(cx);
    let models = Models::new(cx, State::Tentative(from), &*rooms);
    let facts = StoreFacts { from, tenant: cx.tenant };
    let ground = Ground { facts: &facts, schema: &models, now: cx.now, limits: Limits::of(cx) };
    let question = Question::new(subject.clone(), permission, entity_type, entity_id);
    let revision = tuples::revision(from, cx.tenant)?;
    Ok(Bench::new(ground, subject, models.standing(subject)?, revision).rule(&question)?.allows())
}

/// Hands over a bench for static questions about a subject, over the state of this moment. Errors: the questions' own.
pub fn sit<T>(
    cx: &Cx,
    subject: &SubjectRef,
    ask: impl FnOnce(&mut Bench<'_, SnapshotFacts<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (rooms, from) = (rooms(cx), Arc::new(cx.read()?));
    Sitting { cx, from: &from, rooms: &rooms }.with(subject, ask)
}

/// How a subject stands at the moment.
pub fn standing(cx: &Cx, subject: &SubjectRef) -> Result<Standing, Error> {
    let (rooms, from) = (rooms(cx), cx.read()?);
    Models::new(cx, State::Committed(&from), &*rooms).standing(subject)
}

/// The subject that an actor is; `None` for nobody, the operator on the machine and the server itself.
pub fn subject_of(actor: &Actor) -> Option<SubjectRef> {
    match actor {
        Actor::User(id) => Some(SubjectRef::new(super::standing::USER, id.as_str())),
        Actor::Client(id) => Some(SubjectRef::new(super::standing::CLIENT, id.as_str())),
        Actor::Key(id) => Some(SubjectRef::new(super::standing::API_KEY, id.as_str())),
        Actor::Anonymous | Actor::Local | Actor::System => None,
    }
}
