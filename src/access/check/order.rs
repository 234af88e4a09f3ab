//! The order of a check: is the subject live, does it administer, has it full access, is there a model, a permission, a derivation.

use super::engine::{Engine, Ground, Outcome};
use super::facts::{At, Facts};
use super::overlay::Overlay;
use super::proof::{Explanation, Miss, Step, Why};
use super::question::{Decision, Question, Reason, Ruling};
use super::standing::Standing;
use super::verdict::{Judge, Verdict};
use crate::access::Error;
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

/// Static answers about one subject: what it learns from one question it keeps for the next.
pub struct Bench<'a, F: ?Sized> {
    ground: Ground<'a, F>,
    engine: Engine<'a, F>,
    subject: SubjectRef,
    standing: Standing,
    revision: u64,
    administers: Option<bool>,
}

impl<'a, F: Facts + ?Sized> Bench<'a, F> {
    /// For questions about `subject`, which stands so, over the state `revision`.
    pub fn new(ground: Ground<'a, F>, subject: &SubjectRef, standing: Standing, revision: u64) -> Self {
        let engine = Engine::new(ground, subject);
        Self { ground, engine, subject: subject.clone(), standing, revision, administers: None }
    }

    /// What it answers from.
    pub fn ground(&self) -> Ground<'a, F> {
        self.ground
    }

    /// Whom it answers about.
    pub fn subject(&self) -> &SubjectRef {
        &self.subject
    }

    /// The client that the subject is bound to.
    pub fn bound(&self) -> Option<&ClientId> {
        match &self.standing {
            Standing::Live { bound } => bound.as_ref(),
            Standing::Disabled | Standing::Unknown => None,
        }
    }

    /// Whether the subject may act at all.
    pub fn is_live(&self) -> bool {
        matches!(self.standing, Standing::Live { .. })
    }

    /// The engine, for questions about relations as such.
    pub fn engine(&mut self) -> &mut Engine<'a, F> {
        &mut self.engine
    }

    /// What needs no look at the object: a subject that is not live, an administrator, full access, no model or permission.
    /// `None` when tuples decide. Errors: [`Error::LimitReached`].
    pub fn beforehand(
        &mut self,
        model: Option<&CompiledModel>,
        (kind, id, name): (&str, &str, &str),
    ) -> Result<Option<Reason>, Error> {
        match &self.standing {
            Standing::Unknown => return Ok(Some(Reason::SubjectNotFound)),
            Standing::Disabled => return Ok(Some(Reason::SubjectDisabled)),
            Standing::Live { bound: Some(client) } => {
                let foreign_type = model.and_then(|model| model.client.as_ref()).is_some_and(|owner| owner != client);
                if foreign_type || kind == CLIENTS && id != client.as_str() {
                    return Ok(Some(Reason::OutsideClient));
                }
            }
            Standing::Live { bound: None } => {}
        }
        // Administrators are not above each other: on the platform itself only its own relations count.
        if kind != PLATFORM && model.is_none_or(|model| model.admin_bypass) && self.administers()? {
            return Ok(Some(Reason::AdminBypass));
        }
        let Some(model) = model else { return Ok(Some(Reason::NoModel)) };
        if let Some(client) = &model.client
            && self.engine.holds(At::new(CLIENTS, client.as_str(), FULL_ACCESS))?.verdict == Verdict::Yes
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
            found = found || self.engine.holds(At::new(PLATFORM, ANY, relation))?.verdict == Verdict::Yes;
        }
        self.administers = Some(found);
        Ok(found)
    }

    /// The answer as far as it does not depend on scripts. Errors: [`Error::LimitReached`].
    pub fn rule(&mut self, question: &Question) -> Result<Ruling, Error> {
        let model = self.ground.schema.model(&question.entity_type)?;
        let kind = model.as_ref().map_or(question.entity_type.as_str(), |model| &model.entity_type);
        let place = (kind, question.entity_id.as_str(), question.permission.as_str());
        if let Some(reason) = self.beforehand(model.as_deref(), place)? {
            let mut decision = Decision::new(reason, self.revision);
            decision.explanation = question.explain.then(|| self.privilege(reason, model.as_deref())).transpose()?;
            return Ok(Ruling::Decided(Box::new(decision)));
        }
        let Some((model, (relation, policy))) =
            model.as_deref().and_then(|model| Some((model, model.wanted(&question.permission)?)))
        else {
            return Ok(Ruling::Decided(Box::new(Decision::new(Reason::NoPermission, self.revision))));
        };
        let at = At::new(kind, &question.entity_id, relation);
        let outcome = if question.contextual.is_empty() && !question.explain {
            self.engine.holds(at)?
        } else {
            let facts = Overlay::new(self.ground.facts, question.contextual.iter().cloned(), []);
            Engine::new(self.ground.with(&facts), &self.subject).explaining(question.explain).holds(at)?
        };
        let gate = if policy.is_some() { Verdict::Gated } else { Verdict::Yes };
        if outcome.verdict.min(gate) == Verdict::Gated {
            return Ok(Ruling::Gated);
        }
        Ok(Ruling::Decided(Box::new(self.decision(question, (model, at), &outcome)?)))
    }

    /// The answer to a question that [`Bench::rule`] found to depend on scripts, with the scripts run. Errors: [`Error::LimitReached`].
    pub fn judge(&mut self, question: &Question, judge: &mut dyn Judge) -> Result<Decision, Error> {
        let model = self.ground.schema.model(&question.entity_type)?;
        let Some((model, (relation, policy))) =
            model.as_deref().and_then(|model| Some((model, model.wanted(&question.permission)?)))
        else {
            return Ok(Decision::new(Reason::NoPermission, self.revision));
        };
        let at = At::new(&model.entity_type, &question.entity_id, relation);
        let facts = Overlay::new(self.ground.facts, question.contextual.iter().cloned(), []);
        let engine = Engine::live(self.ground.with(&facts), &self.subject, policy.cloned(), judge);
        let outcome = engine.explaining(question.explain).holds(at)?;
        self.decision(question, (model, at), &outcome)
    }

    fn decision(
        &mut self,
        question: &Question,
        (model, at): (&CompiledModel, At<'_>),
        outcome: &Outcome,
    ) -> Result<Decision, Error> {
        let reason = match outcome.verdict {
            Verdict::Yes => Reason::Granted,
            Verdict::Error if outcome.failed => Reason::PolicyError,
            _ if outcome.denied => Reason::PolicyDenied,
            _ => Reason::NoTuple,
        };
        let mut decision = Decision { source: outcome.spoke, ..Decision::new(reason, self.revision) };
        if question.explain {
            let derivation = outcome.step();
            let mut misses = Vec::new();
            if !decision.allowed {
                misses.extend(derivation.iter().flat_map(Step::misses));
                self.elsewhere(model, at, &mut misses)?;
            }
            decision.explanation = Some(Explanation { derivation, misses });
        }
        Ok(decision)
    }

    /// The tuples that make an administrator or give full access.
    fn privilege(&mut self, reason: Reason, model: Option<&CompiledModel>) -> Result<Explanation, Error> {
        let places: Vec<(&str, &str, &str)> = match (reason, model.and_then(|model| model.client.as_ref())) {
            (Reason::AdminBypass, _) => ADMINISTERS.map(|relation| (PLATFORM, ANY, relation)).to_vec(),
            (Reason::ClientFullAccess, Some(client)) => vec![(CLIENTS, client.as_str(), FULL_ACCESS)],
            _ => Vec::new(),
        };
        let mut derivation = None;
        for (kind, id, relation) in places {
            let mut engine = Engine::new(self.ground, &self.subject).explaining(true);
            let outcome = engine.holds(At::new(kind, id, relation))?;
            if outcome.verdict == Verdict::Yes && derivation.is_none() {
                derivation = outcome.step();
            }
        }
        Ok(Explanation { derivation, misses: Vec::new() })
    }

    /// What the subject once had on the object, and what else it has there.
    fn elsewhere(&mut self, model: &CompiledModel, at: At<'_>, misses: &mut Vec<Miss>) -> Result<(), Error> {
        for relation in model.relations.keys() {
            for id in if at.id == ANY { vec![ANY] } else { vec![at.id, ANY] } {
                let found = self.ground.facts.tuple(At::new(at.kind, id, relation), &self.subject)?;
                if let Some(tuple) = found.filter(|tuple| !tuple.counts_at(self.ground.now)) {
                    let (why, tuple) = (Why::Expired, Some(tuple.key));
                    misses.push(Miss { why, tuple, relation: None, message: None });
                }
            }
            let other = At::new(at.kind, at.id, relation);
            if *relation != at.relation && self.engine.holds(other)?.verdict == Verdict::Yes {
                let relation = Some(relation.clone());
                misses.push(Miss { why: Why::OtherRelation, tuple: None, relation, message: None });
            }
        }
        Ok(())
    }
}
