//! Questions to a running installation: static on the worker that asks, live only when a script decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::engine::Ground;
use super::facts::StoreFacts;
use super::index::{Keeper, SnapshotFacts};
use super::lately::Lately;
use super::order::Bench;
use super::question::{Decision, Question, Reason, Ruling};
use super::standing::{Models, Rooms, Standing, State, rooms};
use super::verdict::{Judge, Limits};
use crate::access::Error;
use crate::access::policy::Subject;
use crate::audit::{self, Entry, Event};
use crate::base::Budget;
use crate::cx::{Actor, Cx};
use crate::records::{SubjectRef, Tuple};
use crate::store::rows::tuples;
use crate::store::{self, Read, Snapshot};

/// Steps that the questions of one request may take on the thread that answers it, besides [`SHORT_FOR_EACH`].
const SHORT: u64 = 20_000;

/// Steps more for each question: several times what an ordinary one takes.
const SHORT_FOR_EACH: u64 = 64;

/// What may take more steps than these reads the store: the tuples in memory are not to be held for as long as that.
const QUICK: u64 = 100_000;

/// Steps that a question may take whose scripts are run.
const LIVE: u64 = 200_000;

/// Steps that a question of our own about a caller's rights may take.
const OWN: u64 = 100_000;

/// What all scripts of one request may be told by its caller together, in bytes as [`Question::weight`] counts them.
const MAX_TOLD: usize = 16 * 1024 * 1024;

/// How long all scripts of one request may run together, in microseconds.
const MAX_MICROS: u64 = 10_000_000;

/// A question with everything that is needed to answer it on another thread.
pub struct Case {
    cx: Cx,
    from: Arc<Snapshot>,
    rooms: Arc<dyn Rooms>,
    question: Question,
    request: Arc<Request>,
}

/// What the cases of one request share.
#[derive(Default)]
pub struct Request {
    micros: AtomicU64,
    subject: Mutex<Option<(SubjectRef, Arc<Subject>)>>,
}

impl Request {
    /// Notes how long a script ran.
    pub fn ran(&self, micros: u64) {
        self.micros.fetch_add(micros, Relaxed);
    }

    /// The subject as scripts know it, made by `make` once for the cases about it that follow each other.
    pub fn subject(
        &self,
        subject: &SubjectRef,
        make: impl FnOnce() -> Result<Subject, Error>,
    ) -> Result<Arc<Subject>, Error> {
        let mut kept = self.subject.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = kept.as_ref().filter(|(about, _)| about == subject) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make()?);
        *kept = Some((subject.clone(), Arc::clone(&made)));
        Ok(made)
    }
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

    /// What it shares with the other cases of its request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Answers with the scripts run by `judge`. Errors: [`Error::LimitReached`].
    pub fn decide(&self, judge: &mut dyn Judge) -> Result<Decision, Error> {
        let budget = Budget::of(LIVE);
        let sitting = Sitting { cx: &self.cx, from: &self.from, rooms: &self.rooms, budget: Some(&budget) };
        sitting.judge(&self.question, judge)
    }
}

/// One state of an installation that is asked.
struct Sitting<'a> {
    cx: &'a Cx,
    from: &'a Arc<Snapshot>,
    rooms: &'a Arc<dyn Rooms>,
    budget: Option<&'a Budget>,
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
        let is_quick = self.budget.is_none_or(|budget| budget.most() <= QUICK);
        let ready = if is_quick { keeper.at(cx.store(), revision) } else { None };
        let store = StoreFacts { from, tenant: cx.tenant };
        let facts = SnapshotFacts::new(store, ready.as_ref().and_then(|ready| ready.index()));
        let models = Models::new(cx, State::Committed(from), &**self.rooms).knowing(&lately);
        let (now, limits, budget) = (cx.now, Limits::of(cx), self.budget);
        ask(&models, Ground { facts: &facts, schema: &models, now, limits, budget }, revision)
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
        let (now, limits, budget) = (cx.now, Limits::of(cx), self.budget);
        let ground = Ground { facts: &facts, schema: &models, now, limits, budget };
        let standing = models.standing(&question.subject)?;
        Bench::new(ground, &question.subject, standing, tuples::revision(from, cx.tenant)?).judge(question, judge)
    }

    fn case(&self, question: &Question, request: &Arc<Request>) -> Case {
        let (cx, from, rooms) = (self.cx.clone(), Arc::clone(self.from), Arc::clone(self.rooms));
        Case { cx, from, rooms, question: question.clone(), request: Arc::clone(request) }
    }
}

/// Answers a question over the state of this moment. Errors: [`Error::LimitReached`], [`Error::Busy`].
pub async fn check(cx: &Cx, question: &Question) -> Result<Decision, Error> {
    let mut answers = check_many(cx, std::slice::from_ref(question)).await?;
    answers.pop().unwrap_or(Err(Error::Busy))
}

/// Answers questions over one state, in their order. What takes longer than ordinary questions leaves the thread that asks. Errors, for all of
/// them: the store's; [`Error::TooLarge`] when scripts would be told too much in all; [`Error::Crowded`].
pub async fn check_many(cx: &Cx, questions: &[Question]) -> Result<Vec<Result<Decision, Error>>, Error> {
    let (rooms, from) = (rooms(cx), Arc::new(cx.read()?));
    let rulings = rulings(cx, (&from, &rooms), questions).await?;
    is_not_told_too_much(questions, &rulings)?;
    let mut answers = Vec::with_capacity(questions.len());
    let sitting = Sitting { cx, from: &from, rooms: &rooms, budget: None };
    let mut request: Option<Arc<Request>> = None;
    for (question, ruling) in questions.iter().zip(rulings) {
        answers.push(match ruling {
            Ok(Ruling::Decided(decision)) => Ok(*decision),
            Ok(Ruling::Gated) => {
                let request = request.get_or_insert_default();
                if request.micros.load(Relaxed) > MAX_MICROS {
                    Err(Error::LimitReached("the policies of one request took too long together"))
                } else {
                    rooms.live(cx, sitting.case(question, request)).await
                }
            }
            Err(error) => Err(error),
        });
    }
    tell_bypasses(cx, questions, &answers).await?;
    Ok(answers)
}

/// What can be said without scripts: here, or when it takes too many steps for that, among the long work.
async fn rulings(
    cx: &Cx,
    (from, rooms): (&Arc<Snapshot>, &Arc<dyn Rooms>),
    questions: &[Question],
) -> Result<Vec<Result<Ruling, Error>>, Error> {
    let count = u64::try_from(questions.len()).unwrap_or(u64::MAX);
    let short = Budget::of(count.saturating_mul(SHORT_FOR_EACH).saturating_add(SHORT));
    let rulings = Sitting { cx, from, rooms, budget: Some(&short) }.rule_all(questions);
    if !short.is_spent() {
        return rulings;
    }
    let (from, rooms, questions) = (Arc::clone(from), Arc::clone(rooms), questions.to_vec());
    let rule =
        move |cx: &Cx| Sitting { cx, from: &from, rooms: &rooms, budget: cx.budget.as_deref() }.rule_all(&questions);
    cx.look_long(rule).await
}

/// Refuses what would be handed to too many scripts, before any is run.
fn is_not_told_too_much(questions: &[Question], rulings: &[Result<Ruling, Error>]) -> Result<(), Error> {
    let gated = questions.iter().zip(rulings).filter(|(_, ruling)| matches!(ruling, Ok(Ruling::Gated)));
    let told = gated.map(|(question, _)| question.weight()).fold(0, usize::saturating_add);
    if told <= MAX_TOLD {
        return Ok(());
    }
    let message =
        "`resource` and `context` are too large for so many questions that policies decide: ask fewer at once";
    Err(Error::TooLarge(message.to_owned()))
}

/// For each of some tuples, whether the answer to the question would be yes, or up to a script, if it were stored. Errors: [`Error::LimitReached`].
pub fn would_do(cx: &Cx, question: &Question, tuples: Vec<Tuple>) -> Result<Vec<bool>, Error> {
    sit(cx, &question.subject, |bench| {
        let mut found = Vec::with_capacity(tuples.len());
        for tuple in tuples {
            let tried = Question { contextual: vec![tuple], explain: false, ..question.clone() };
            found.push(match bench.rule(&tried)? {
                Ruling::Decided(decision) => decision.allowed,
                Ruling::Gated => true,
            });
        }
        Ok(found)
    })
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
        if let Some(left_out) = audit::news(cx, &format!("access.bypass {subject} {permission} {kind}")) {
            let entry = Entry::new(cx).target(format!("{kind}:{}", question.entity_id)).after(left_out);
            let event = Event::AccessBypass { subject: subject.to_string(), permission: permission.to_string() };
            audit::record(cx, entry, event).await?;
        }
    }
    Ok(())
}

/// Whether a subject surely may, whatever scripts say: for guarding our own interfaces. Errors: [`Error::LimitReached`].
pub fn may(cx: &Cx, subject: &SubjectRef, permission: &str, entity_type: &str, entity_id: &str) -> Result<bool, Error> {
    let question = Question::new(subject.clone(), permission, entity_type, entity_id);
    let budget = Budget::of(OWN);
    Ok(sit_within(cx, subject, Some(&budget), |bench| bench.rule(&question))?.allows())
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
    let budget = Budget::of(OWN);
    let (now, limits) = (cx.now, Limits::of(cx));
    let ground = Ground { facts: &facts, schema: &models, now, limits, budget: Some(&budget) };
    let question = Question::new(subject.clone(), permission, entity_type, entity_id);
    let revision = tuples::revision(from, cx.tenant)?;
    Ok(Bench::new(ground, subject, models.standing(subject)?, revision).rule(&question)?.allows())
}

/// Hands over a bench for static questions about a subject, over the state of this moment and within the operation's budget. Errors: the
/// questions' own.
pub fn sit<T>(
    cx: &Cx,
    subject: &SubjectRef,
    ask: impl FnOnce(&mut Bench<'_, SnapshotFacts<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    sit_within(cx, subject, cx.budget.as_deref(), ask)
}

fn sit_within<T>(
    cx: &Cx,
    subject: &SubjectRef,
    budget: Option<&Budget>,
    ask: impl FnOnce(&mut Bench<'_, SnapshotFacts<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (rooms, from) = (rooms(cx), Arc::new(cx.read()?));
    Sitting { cx, from: &from, rooms: &rooms, budget }.with(subject, ask)
}

/// Hands over the models and the ground of static questions about anybody, over the state of this moment and within the operation's budget. Errors:
/// the questions' own.
pub(in crate::access) fn survey<T>(
    cx: &Cx,
    ask: impl FnOnce(&Models<'_>, Ground<'_, SnapshotFacts<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (rooms, from) = (rooms(cx), Arc::new(cx.read()?));
    let sitting = Sitting { cx, from: &from, rooms: &rooms, budget: cx.budget.as_deref() };
    sitting.ground(|models, ground, _| ask(models, ground))
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
