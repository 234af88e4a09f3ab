//! The state that questions are asked about: a snapshot with its graph, and what of it goes to a script thread.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use super::order::CheckSession;
use super::question::{Decision, Question, StaticDecision};
use super::subject_cache::SubjectCache;
use super::subject_status::{API_KEY, CLIENT, State, StoredSchema, USER};
use crate::access::Error;
use crate::access::graph::{Graph, IndexMaintainer, Limits, ScriptRunner, SnapshotTuples, StoreTuples};
use crate::access::policy::Subject;
use crate::base::Budget;
use crate::cx::{Actor, Cx};
use crate::records::SubjectRef;
use crate::store::Snapshot;
use crate::store::rows::tuples;

/// What may take more steps than these reads the store: the index in memory must not be held for as long as that.
const QUICK: u64 = 100_000;

/// Steps that a question may take whose scripts are run.
const LIVE: u64 = 200_000;

/// A question with everything that is needed to answer it on a script thread.
pub(super) struct LiveCheck {
    cx: Cx,
    from: Arc<Snapshot>,
    question: Question,
    shared: Arc<LiveRequest>,
}

/// What the live checks of one request share.
#[derive(Default)]
pub(super) struct LiveRequest {
    micros: AtomicU64,
    subject: Mutex<Option<(SubjectRef, Arc<Subject>)>>,
}

impl LiveRequest {
    /// How long its scripts ran so far, in microseconds.
    pub fn micros(&self) -> u64 {
        self.micros.load(Relaxed)
    }

    /// Notes how long a script ran.
    pub fn add_micros(&self, micros: u64) {
        self.micros.fetch_add(micros, Relaxed);
    }

    /// The subject as scripts know it, made by `make` once for the checks of it that follow each other.
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

impl LiveCheck {
    /// The question that is to be answered with scripts.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// The state that is asked about.
    pub fn from(&self) -> &Snapshot {
        &self.from
    }

    /// What it shares with the other live checks of its request.
    pub fn shared(&self) -> &LiveRequest {
        &self.shared
    }

    /// Answers with the scripts run by `runner`. Errors: [`Error::LimitReached`].
    pub fn decide(&self, runner: &mut dyn ScriptRunner) -> Result<Decision, Error> {
        let budget = Budget::of(LIVE);
        let state = CheckedState { cx: &self.cx, from: &self.from, budget: Some(&budget) };
        state.decide_live(&self.question, runner)
    }
}

/// The state of an installation that questions are asked about.
pub(super) struct CheckedState<'a> {
    pub cx: &'a Cx,
    pub from: &'a Arc<Snapshot>,
    pub budget: Option<&'a Budget>,
}

impl CheckedState<'_> {
    /// Hands over the graph for static questions: tuples from memory, if this state is there.
    pub fn graph<T>(
        &self,
        ask: impl FnOnce(&StoredSchema<'_>, Graph<'_, SnapshotTuples<'_>>, u64) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (cx, from) = (self.cx, &**self.from);
        let cache = SubjectCache::of(cx, from)?;
        let revision = cache.revision;
        let maintainer = IndexMaintainer::of(cx);
        let is_quick = self.budget.is_none_or(|budget| budget.most() <= QUICK);
        let ready = if is_quick { maintainer.at(cx.store(), revision) } else { None };
        let store = StoreTuples { from, tenant: cx.tenant.id };
        let tuples = SnapshotTuples::new(store, ready.as_ref().and_then(|ready| ready.index()));
        let schema = StoredSchema::new(cx, State::Committed(from)).with_cache(&cache);
        let (now, limits, budget) = (cx.now, Limits::of(cx), self.budget);
        ask(&schema, Graph { tuples: &tuples, schema: &schema, now, limits, budget }, revision)
    }

    pub fn session<T>(
        &self,
        subject: &SubjectRef,
        ask: impl FnOnce(&mut CheckSession<'_, SnapshotTuples<'_>>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.graph(|schema, graph, revision| {
            ask(&mut CheckSession::new(graph, subject, schema.status(subject)?, revision))
        })
    }

    /// The answers without scripts, in the order of the questions. Those about one subject that follow each other share
    /// a session.
    pub fn decide_all(&self, questions: &[Question]) -> Result<Vec<Result<StaticDecision, Error>>, Error> {
        self.graph(|schema, graph, revision| {
            let mut decisions = Vec::with_capacity(questions.len());
            for run in questions.chunk_by(|one, two| one.subject == two.subject) {
                let Some(first) = run.first() else { continue };
                let mut session = CheckSession::new(graph, &first.subject, schema.status(&first.subject)?, revision);
                decisions.extend(run.iter().map(|question| session.decide(question)));
            }
            Ok(decisions)
        })
    }

    /// Answers with scripts, from the store: scripts take their time, and must not keep the index from going on.
    fn decide_live(&self, question: &Question, runner: &mut dyn ScriptRunner) -> Result<Decision, Error> {
        let (cx, from) = (self.cx, &**self.from);
        let stored = StoreTuples { from, tenant: cx.tenant.id };
        let schema = StoredSchema::new(cx, State::Committed(from));
        let (now, limits, budget) = (cx.now, Limits::of(cx), self.budget);
        let graph = Graph { tuples: &stored, schema: &schema, now, limits, budget };
        let (status, revision) = (schema.status(&question.subject)?, tuples::revision(from, cx.tenant.id)?);
        CheckSession::new(graph, &question.subject, status, revision).decide_live(question, runner)
    }

    pub fn live_check(&self, question: &Question, shared: &Arc<LiveRequest>) -> LiveCheck {
        let (cx, from) = (self.cx.clone(), Arc::clone(self.from));
        LiveCheck { cx, from, question: question.clone(), shared: Arc::clone(shared) }
    }
}

/// The subject that an actor is; `None` for nobody, the operator on the machine and the server itself.
pub fn subject_of(actor: &Actor) -> Option<SubjectRef> {
    match actor {
        Actor::User(id) => Some(SubjectRef::new(USER, id.as_str())),
        Actor::Client(id) => Some(SubjectRef::new(CLIENT, id.as_str())),
        Actor::Key(id) => Some(SubjectRef::new(API_KEY, id.as_str())),
        Actor::Anonymous | Actor::Local | Actor::System => None,
    }
}
