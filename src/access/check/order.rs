//! The order of a check: is the subject active, does it administer, has it full access, is there a model, a permission,
//! a derivation.

use super::question::{Decision, Question, Reason, StaticDecision};
use super::subject_status::SubjectStatus;
use crate::access::Error;
use crate::access::explain::{DerivationStep, Explanation, NearMiss, NearMissReason};
use crate::access::graph::{
    CheckOutcome, CheckResult, Engine, Graph, ObjectRelation, Overlay, ScriptRunner, TupleReader,
};
use crate::access::model::CompiledModel;
use crate::base::id::ClientId;
use crate::records::SubjectRef;
use crate::records::tuple::ANY;

/// The type whose only object is the installation.
pub const PLATFORM: &str = "platform";

/// The type of clients as objects.
pub const CLIENTS: &str = "oauth_client";

/// The relation that gives everything inside a client.
pub const FULL_ACCESS: &str = "full_access";

/// The relations that make a platform administrator.
const ADMINISTERS: [&str; 2] = ["admin", "super_admin"];

/// Checks of one subject over one state: what is found for one question is kept for the next.
pub struct CheckSession<'a, F: ?Sized> {
    graph: Graph<'a, F>,
    engine: Engine<'a, F>,
    subject: SubjectRef,
    status: SubjectStatus,
    revision: u64,
    administers: Option<bool>,
}

impl<'a, F: TupleReader + ?Sized> CheckSession<'a, F> {
    /// For questions about `subject`, whose status is `status`, over the state `revision`.
    pub fn new(graph: Graph<'a, F>, subject: &SubjectRef, status: SubjectStatus, revision: u64) -> Self {
        let engine = Engine::new(graph, subject);
        Self { graph, engine, subject: subject.clone(), status, revision, administers: None }
    }

    /// The graph that it answers from.
    pub fn graph(&self) -> Graph<'a, F> {
        self.graph
    }

    /// The subject that it answers about.
    pub fn subject(&self) -> &SubjectRef {
        &self.subject
    }

    /// The client that the subject is bound to.
    pub fn bound(&self) -> Option<&ClientId> {
        match &self.status {
            SubjectStatus::Active { bound } => bound.as_ref(),
            SubjectStatus::Disabled | SubjectStatus::Unknown => None,
        }
    }

    /// Whether the subject may act at all.
    pub fn is_active(&self) -> bool {
        matches!(self.status, SubjectStatus::Active { .. })
    }

    /// The engine, for questions about relations as such.
    pub fn engine(&mut self) -> &mut Engine<'a, F> {
        &mut self.engine
    }

    /// What is decided before the tuples of the object: a subject that is not active, an administrator, full access, no
    /// model or permission; without `privileges`, as if the subject were no administrator and had no full access.
    /// `None` when tuples decide. Errors: [`Error::LimitReached`].
    pub fn decided_before_tuples(
        &mut self,
        model: Option<&CompiledModel>,
        (kind, id, name): (&str, &str, &str),
        privileges: bool,
    ) -> Result<Option<Reason>, Error> {
        match &self.status {
            SubjectStatus::Unknown => return Ok(Some(Reason::SubjectNotFound)),
            SubjectStatus::Disabled => return Ok(Some(Reason::SubjectDisabled)),
            SubjectStatus::Active { bound: Some(client) } => {
                let foreign_type = model.and_then(|model| model.client.as_ref()).is_some_and(|owner| owner != client);
                if foreign_type || kind == CLIENTS && id != client.as_str() {
                    return Ok(Some(Reason::OutsideClient));
                }
            }
            SubjectStatus::Active { bound: None } => {}
        }
        // Administrators are not above each other: on the platform itself only its own relations count.
        if privileges && kind != PLATFORM && model.is_none_or(|model| model.admin_bypass) && self.administers()? {
            return Ok(Some(Reason::AdminBypass));
        }
        let Some(model) = model else { return Ok(Some(Reason::NoModel)) };
        if let Some(client) = &model.client
            && privileges
            && self.engine.holds(ObjectRelation::new(CLIENTS, client.as_str(), FULL_ACCESS))?.result == CheckResult::Yes
        {
            return Ok(Some(Reason::ClientFullAccess));
        }
        Ok(model.wanted(name).is_none().then_some(Reason::NoPermission))
    }

    /// Whether the subject administers the platform.
    pub fn administers(&mut self) -> Result<bool, Error> {
        if let Some(known) = self.administers {
            return Ok(known);
        }
        let mut found = false;
        for relation in ADMINISTERS {
            found =
                found || self.engine.holds(ObjectRelation::new(PLATFORM, ANY, relation))?.result == CheckResult::Yes;
        }
        self.administers = Some(found);
        Ok(found)
    }

    /// The answer as far as it does not depend on scripts. Errors: [`Error::LimitReached`].
    pub fn decide(&mut self, question: &Question) -> Result<StaticDecision, Error> {
        let model = self.graph.schema.model(&question.entity_type)?;
        let kind = model.as_ref().map_or(question.entity_type.as_str(), |model| &model.entity_type);
        let asked = (kind, question.entity_id.as_str(), question.permission.as_str());
        if let Some(reason) = self.decided_before_tuples(model.as_deref(), asked, question.privileges)? {
            let mut decision = Decision::new(reason, self.revision);
            decision.explanation = question.explain.then(|| self.privilege(reason, model.as_deref())).transpose()?;
            return Ok(StaticDecision::Decided(Box::new(decision)));
        }
        let Some((model, (relation, policy))) =
            model.as_deref().and_then(|model| Some((model, model.wanted(&question.permission)?)))
        else {
            return Ok(StaticDecision::Decided(Box::new(Decision::new(Reason::NoPermission, self.revision))));
        };
        let at = ObjectRelation::new(kind, &question.entity_id, relation);
        let outcome = if question.contextual.is_empty() && !question.explain {
            self.engine.holds(at)?
        } else {
            let tuples = Overlay::new(self.graph.tuples, question.contextual.iter().cloned(), []);
            Engine::new(self.graph.with(&tuples), &self.subject).explaining(question.explain).holds(at)?
        };
        let gate = if policy.is_some() { CheckResult::Gated } else { CheckResult::Yes };
        if outcome.result.min(gate) == CheckResult::Gated {
            return Ok(StaticDecision::Gated);
        }
        Ok(StaticDecision::Decided(Box::new(self.decision(question, (model, at), &outcome)?)))
    }

    /// The result of a permission without running scripts; `None` when the subject may not act or the model does not
    /// know it.
    pub(in crate::access) fn static_result(
        &mut self,
        model: &CompiledModel,
        id: &str,
        permission: &str,
    ) -> Result<Option<CheckResult>, Error> {
        match self.decided_before_tuples(Some(model), (&model.entity_type, id, permission), true)? {
            Some(Reason::AdminBypass | Reason::ClientFullAccess) => return Ok(Some(CheckResult::Yes)),
            Some(_) => return Ok(None),
            None => {}
        }
        let Some((relation, policy)) = model.wanted(permission) else { return Ok(None) };
        let result = self.engine.holds(ObjectRelation::new(&model.entity_type, id, relation))?.result;
        Ok(Some(if policy.is_some() { result.min(CheckResult::Gated) } else { result }))
    }

    /// The answer to a question that [`CheckSession::decide`] found to depend on scripts, with the scripts run. Errors:
    /// [`Error::LimitReached`].
    pub fn decide_live(&mut self, question: &Question, runner: &mut dyn ScriptRunner) -> Result<Decision, Error> {
        let model = self.graph.schema.model(&question.entity_type)?;
        let Some((model, (relation, policy))) =
            model.as_deref().and_then(|model| Some((model, model.wanted(&question.permission)?)))
        else {
            return Ok(Decision::new(Reason::NoPermission, self.revision));
        };
        let at = ObjectRelation::new(&model.entity_type, &question.entity_id, relation);
        let tuples = Overlay::new(self.graph.tuples, question.contextual.iter().cloned(), []);
        let engine = Engine::live(self.graph.with(&tuples), &self.subject, policy.cloned(), runner);
        let outcome = engine.explaining(question.explain).holds(at)?;
        self.decision(question, (model, at), &outcome)
    }

    fn decision(
        &mut self,
        question: &Question,
        (model, at): (&CompiledModel, ObjectRelation<'_>),
        outcome: &CheckOutcome,
    ) -> Result<Decision, Error> {
        let reason = match outcome.result {
            CheckResult::Yes => Reason::Granted,
            CheckResult::Error if outcome.failed => Reason::PolicyError,
            _ if outcome.denied => Reason::PolicyDenied,
            _ => Reason::NoTuple,
        };
        let mut decision = Decision { source: outcome.deciding_script, ..Decision::new(reason, self.revision) };
        if question.explain {
            let derivation = DerivationStep::of(outcome);
            let mut misses = Vec::new();
            if !decision.allowed {
                misses.extend(derivation.iter().flat_map(DerivationStep::near_misses));
                self.elsewhere(model, at, &mut misses)?;
            }
            decision.explanation = Some(Explanation { derivation, misses, without_privilege: None });
        }
        Ok(decision)
    }

    /// The tuples that make an administrator or give full access.
    fn privilege(&mut self, reason: Reason, model: Option<&CompiledModel>) -> Result<Explanation, Error> {
        let relations: Vec<(&str, &str, &str)> = match (reason, model.and_then(|model| model.client.as_ref())) {
            (Reason::AdminBypass, _) => ADMINISTERS.map(|relation| (PLATFORM, ANY, relation)).to_vec(),
            (Reason::ClientFullAccess, Some(client)) => vec![(CLIENTS, client.as_str(), FULL_ACCESS)],
            _ => Vec::new(),
        };
        let mut derivation = None;
        for (kind, id, relation) in relations {
            let mut engine = Engine::new(self.graph, &self.subject).explaining(true);
            let outcome = engine.holds(ObjectRelation::new(kind, id, relation))?;
            if outcome.result == CheckResult::Yes && derivation.is_none() {
                derivation = DerivationStep::of(&outcome);
            }
        }
        Ok(Explanation { derivation, misses: Vec::new(), without_privilege: None })
    }

    /// What the subject once had on the object, and what else it has there.
    fn elsewhere(
        &mut self,
        model: &CompiledModel,
        at: ObjectRelation<'_>,
        misses: &mut Vec<NearMiss>,
    ) -> Result<(), Error> {
        for relation in model.relations.keys() {
            for id in if at.id == ANY { vec![ANY] } else { vec![at.id, ANY] } {
                let found = self.graph.tuples.tuple(ObjectRelation::new(at.kind, id, relation), &self.subject)?;
                if let Some(tuple) = found.filter(|tuple| !tuple.counts_at(self.graph.now)) {
                    let (why, tuple) = (NearMissReason::Expired, Some(tuple.key));
                    misses.push(NearMiss { why, tuple, relation: None, message: None });
                }
            }
            let other = ObjectRelation::new(at.kind, at.id, relation);
            if *relation != at.relation && self.engine.holds(other)?.result == CheckResult::Yes {
                let relation = Some(relation.clone());
                misses.push(NearMiss { why: NearMissReason::OtherRelation, tuple: None, relation, message: None });
            }
        }
        Ok(())
    }
}
