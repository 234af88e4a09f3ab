//! The evaluation: whether a subject has a relation to an object, by the models' rewrites over the tuples.
//!
//! One engine, two modes. *Static*: scripts are not run, what hangs on one is [`Verdict::Gated`]. *Live*: scripts are put before a [`Judge`].
//! The search goes depth first in the order of the model and of the tuples, so that the same facts give the same explanation.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::facts::{At, Facts};
use super::hash::Seeded;
use super::memo::{Answer, EXACT, Known, Memo, Node};
use super::proof::{Proof, Ran, Rule, Step};
use super::rules::{accepts, accepts_sets, takes_tuples};
use super::verdict::{Judge, Judgement, Limits, Schema, Script, ScriptSource, Verdict};
use crate::access::Error;
use crate::access::model::{CompiledModel, Relation, Rewrite};
use crate::base::Moment;
use crate::records::tuple::ANY;
use crate::records::{SubjectRef, Tuple};

/// What questions are answered from.
pub struct Ground<'a, F: ?Sized> {
    /// The tuples.
    pub facts: &'a F,
    /// The models.
    pub schema: &'a dyn Schema,
    /// Tuples that expire by this moment do not exist.
    pub now: Moment,
    /// How far a question may lead.
    pub limits: Limits,
}

impl<F: ?Sized> Clone for Ground<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: ?Sized> Copy for Ground<'_, F> {}

/// What an evaluation came to.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it holds.
    pub verdict: Verdict,
    /// Whether a script said no on the way.
    pub denied: bool,
    /// What the script hung on that spoke last, when one spoke.
    pub spoke: Option<ScriptSource>,
    proof: Option<Rc<Proof>>,
}

impl Outcome {
    /// Why, if the engine was told to note it.
    pub fn step(&self) -> Option<Step> {
        self.proof.as_ref().map(Step::told)
    }
}

/// Answers questions about one subject over one state of the facts; what it learns from one it keeps for the next.
pub struct Engine<'a, F: ?Sized> {
    ground: Ground<'a, F>,
    subject: Rc<SubjectRef>,
    /// `user:*` when the subject is one user.
    everyone: Option<Rc<SubjectRef>>,
    judge: Option<&'a mut dyn Judge>,
    policy: Option<Arc<str>>,
    explain: bool,
    memo: Memo,
    models: HashMap<Arc<str>, Option<Arc<CompiledModel>>, Seeded>,
    any: Arc<str>,
    visited: usize,
    sets: usize,
    cut: bool,
    taking: bool,
    denied: bool,
    spoke: Option<ScriptSource>,
}

/// Where in a model, and on which object, a rewrite is evaluated.
#[derive(Clone, Copy)]
struct Spot<'s> {
    node: &'s Node,
    model: &'s CompiledModel,
    relation: &'s Relation,
    depth: usize,
    applies: bool,
}

impl<'a, F: Facts + ?Sized> Engine<'a, F> {
    /// In static mode.
    pub fn new(ground: Ground<'a, F>, subject: &SubjectRef) -> Self {
        let single = subject.as_set().is_none() && subject.id != ANY;
        Self {
            ground,
            everyone: single.then(|| Rc::new(SubjectRef::new(subject.kind.as_str(), ANY))),
            subject: Rc::new(subject.clone()),
            judge: None,
            policy: None,
            explain: false,
            memo: Memo::default(),
            models: HashMap::default(),
            any: Arc::from(ANY),
            visited: 0,
            sets: 0,
            cut: false,
            taking: false,
            denied: false,
            spoke: None,
        }
    }

    /// In live mode: for questions about one permission, whose policy is `policy`.
    pub fn live(
        ground: Ground<'a, F>,
        subject: &SubjectRef,
        policy: Option<Arc<str>>,
        judge: &'a mut dyn Judge,
    ) -> Self {
        Self { judge: Some(judge), policy, ..Self::new(ground, subject) }
    }

    /// The same, but it also notes why.
    #[must_use]
    pub fn explaining(self, explain: bool) -> Self {
        Self { explain, ..self }
    }

    /// Whether the subject has `relation` to `kind:id`. In static mode a permission with a policy is the least of this and
    /// [`Verdict::Gated`]. Errors: [`Error::LimitReached`] when that is not known.
    pub fn holds(&mut self, at: At<'_>) -> Result<Outcome, Error> {
        (self.visited, self.sets, self.spoke) = (0, 0, None);
        (self.cut, self.taking, self.denied) = (false, false, false);
        let applies = self.judge.is_some() && self.policy.is_some();
        let node = Node { kind: at.kind.into(), id: at.id.into(), relation: at.relation.into(), applies };
        let answer = self.node(node, 0);
        if answer.is_err() || self.cut {
            self.memo.clear();
        }
        let answer = answer?;
        if self.cut && answer.verdict != Verdict::Yes {
            return Err(Error::LimitReached("groups or parents are nested too deeply"));
        }
        Ok(Outcome { verdict: answer.verdict, denied: self.denied, spoke: self.spoke, proof: answer.proof })
    }

    /// The model of a type, looked up once.
    pub fn model(&mut self, kind: &Arc<str>) -> Result<Option<Arc<CompiledModel>>, Error> {
        if let Some(known) = self.models.get(kind) {
            return Ok(known.clone());
        }
        let model = self.ground.schema.model(kind)?;
        self.models.insert(Arc::clone(kind), model.clone());
        Ok(model)
    }

    fn node(&mut self, node: Node, depth: usize) -> Result<Answer, Error> {
        if self.is_subject(&node) {
            let (verdict, ran) = self.script(None, node.applies);
            let proof = self.prove(|| Proof { ran, ..Proof::new(Rule::Subject, verdict) });
            return Ok(Answer::exact(verdict, proof));
        }
        match self.memo.known(&node) {
            Known::Answer(answer) => return Ok(answer),
            Known::Open(index) => {
                let proof = self.prove(|| Proof::new(Rule::Cycle, Verdict::No));
                return Ok(Answer { verdict: Verdict::No, low: index, proof });
            }
            Known::Nothing => {}
        }
        if depth > self.ground.limits.depth {
            // Another branch may still say yes; a no that rests on this one is not known.
            self.cut = true;
            return Ok(Answer { low: 0, ..Answer::no() });
        }
        self.visited += 1;
        if self.visited > self.ground.limits.nodes {
            return Err(Error::LimitReached("it leads to too many objects"));
        }
        let Some(model) = self.model(&node.kind)? else { return Ok(Answer::no()) };
        let Some(relation) = model.relations.get(&*node.relation) else { return Ok(Answer::no()) };
        let opened = self.memo.open(&node);
        let spot = Spot { node: &node, model: &model, relation, depth, applies: node.applies };
        let mut answer = self.rewrite(&relation.rewrite, spot)?;
        if self.explain {
            let by = answer.proof.take().into_iter().filter(|inner| inner.tells()).collect();
            let object = [&node.kind, &node.id, &node.relation].map(Arc::clone);
            let proof = Proof { object: Some(object), by, ..Proof::new(Rule::Relation, answer.verdict) };
            answer.proof = Some(Rc::new(proof));
        }
        Ok(self.memo.close(node, opened, answer))
    }

    /// A set has itself: `group:eng#member` is a member of `group:eng`.
    fn is_subject(&self, node: &Node) -> bool {
        self.subject.as_set() == Some((&node.kind, &node.id, &node.relation))
    }

    fn rewrite(&mut self, rewrite: &Rewrite, at: Spot<'_>) -> Result<Answer, Error> {
        match rewrite {
            Rewrite::Direct => self.direct(at),
            Rewrite::Computed(relation) => {
                let node = Node { relation: relation.as_str().into(), applies: at.applies, ..at.node.clone() };
                self.node(node, at.depth)
            }
            Rewrite::FromParent { from, relation } => self.inherited((from, relation), at),
            Rewrite::AnyOf(parts) => {
                let mut best = Best::new(self.explain);
                for part in parts {
                    let answer = self.rewrite(part, at)?;
                    if best.add(answer) {
                        break;
                    }
                }
                Ok(best.into_answer())
            }
            Rewrite::AllOf(parts) => self.all_of(parts, at),
            Rewrite::Except(base, taken) => self.except(base, taken, at),
        }
    }

    fn all_of(&mut self, parts: &[Rewrite], at: Spot<'_>) -> Result<Answer, Error> {
        let (mut verdict, mut low, mut by) = (Verdict::Yes, EXACT, Vec::new());
        for part in parts {
            let answer = self.rewrite(part, at)?;
            verdict = verdict.min(answer.verdict);
            low = if verdict == Verdict::No { answer.low } else { low.min(answer.low) };
            by.extend(answer.proof);
            if verdict == Verdict::No {
                break;
            }
        }
        if parts.is_empty() {
            verdict = Verdict::No;
        }
        let proof = self.prove(|| Proof { by, ..Proof::new(Rule::AllOf, verdict) });
        Ok(Answer { verdict, low, proof })
    }

    fn except(&mut self, base: &Rewrite, taken: &Rewrite, at: Spot<'_>) -> Result<Answer, Error> {
        let base = self.rewrite(base, at)?;
        if base.verdict == Verdict::No {
            return Ok(base);
        }
        let outer = std::mem::replace(&mut self.taking, true);
        let mut taken = self.rewrite(taken, Spot { applies: false, ..at })?;
        self.taking = outer;
        if taken.low != EXACT {
            // What is taken away depends on what is asked, or lies beyond a limit: nobody may count on it not being taken away.
            taken.verdict = taken.verdict.max(Verdict::Error);
        }
        let mut verdict = match taken.verdict {
            Verdict::No => base.verdict,
            Verdict::Yes => Verdict::No,
            unclear => base.verdict.min(unclear),
        };
        if self.judge.is_none() && *at.node.id == *ANY {
            // Of all objects, a single one may be excluded.
            verdict = verdict.min(Verdict::Gated);
        }
        let low = if taken.verdict == Verdict::Yes { taken.low } else { base.low.min(taken.low) };
        let by = base.proof.into_iter().chain(taken.proof).collect();
        let proof = self.prove(|| Proof { by, ..Proof::new(Rule::Except, verdict) });
        Ok(Answer { verdict, low, proof })
    }

    /// The tuples of the relation itself: first those that name the subject, then the sets it may be in.
    fn direct(&mut self, at: Spot<'_>) -> Result<Answer, Error> {
        let mut best = Best::new(self.explain);
        for subject in [Some(Rc::clone(&self.subject)), self.everyone.clone()].into_iter().flatten() {
            if subject.as_set().is_some() || !accepts(at.relation, &subject) {
                continue;
            }
            for id in self.ids(at.node) {
                let found = self.ground.facts.tuple(At::new(&at.node.kind, &id, &at.node.relation), &subject)?;
                if let Some(tuple) = found.filter(|tuple| tuple.counts_at(self.ground.now)) {
                    let (verdict, ran) = self.script(Some(&tuple), at.applies);
                    let proof = self.prove(|| Proof::of_tuple(Rule::Tuple, verdict, &tuple, ran));
                    if best.add(Answer::exact(verdict, proof)) {
                        return Ok(best.into_answer());
                    }
                }
            }
        }
        if accepts_sets(at.relation) {
            self.sets(at, &mut best)?;
        }
        Ok(best.into_answer())
    }

    fn sets(&mut self, at: Spot<'_>, best: &mut Best) -> Result<(), Error> {
        let most = self.ground.limits.subjects;
        for id in self.ids(at.node) {
            let place = At::new(&at.node.kind, &id, &at.node.relation);
            let sets = self.ground.facts.sets(place, most.saturating_add(1))?;
            if sets.len() > most {
                return Err(Error::LimitReached("a relation is given to too many sets"));
            }
            for tuple in sets {
                let Some((kind, id, relation)) = tuple.key.subject.as_set() else { continue };
                if !tuple.counts_at(self.ground.now) || !accepts(at.relation, &tuple.key.subject) {
                    continue;
                }
                self.sets += 1;
                if self.sets > most {
                    return Err(Error::LimitReached("it leads to too many groups or sets"));
                }
                let set = Node { kind: kind.into(), id: id.into(), relation: relation.into(), applies: false };
                let inner = self.node(set, at.depth + 1)?;
                if best.add(self.through(Rule::Tuple, &tuple, inner, at.applies)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn inherited(&mut self, (from, relation): (&str, &str), at: Spot<'_>) -> Result<Answer, Error> {
        let mut best = Best::new(self.explain);
        let Some(link) = at.model.relations.get(from).filter(|link| takes_tuples(&link.rewrite)) else {
            return Ok(Answer::no());
        };
        let most = self.ground.limits.nodes;
        for id in self.ids(at.node) {
            let parents = self.ground.facts.holders(At::new(&at.node.kind, &id, from), most.saturating_add(1))?;
            if parents.len() > most {
                return Err(Error::LimitReached("an object has too many parents"));
            }
            for tuple in parents {
                let subject = &tuple.key.subject;
                if subject.relation.is_some() || !tuple.counts_at(self.ground.now) || !accepts(link, subject) {
                    continue;
                }
                let (kind, id) = (subject.kind.as_str().into(), subject.id.as_str().into());
                let parent = Node { kind, id, relation: relation.into(), applies: at.applies };
                let inner = self.node(parent, at.depth + 1)?;
                if best.add(self.through(Rule::Parent, &tuple, inner, false)) {
                    return Ok(best.into_answer());
                }
            }
        }
        Ok(best.into_answer())
    }

    /// What a tuple is worth whose set or parent came to `inner`. Its script is met only when that matters.
    fn through(&mut self, rule: Rule, tuple: &Tuple, inner: Answer, applies: bool) -> Answer {
        let (verdict, ran) = match inner.verdict {
            Verdict::No => (Verdict::No, None),
            _ => self.script(Some(tuple), applies),
        };
        let low = if verdict == Verdict::No && inner.verdict != Verdict::No { EXACT } else { inner.low };
        let verdict = verdict.min(inner.verdict);
        let proof = self.prove(|| {
            let by = inner.proof.into_iter().filter(|proof| proof.tells()).collect();
            Proof { by, ..Proof::of_tuple(rule, verdict, tuple, ran) }
        });
        Answer { verdict, low, proof }
    }

    /// What the script says that a tuple hangs on: its condition, else the permission's policy where that applies.
    fn script(&mut self, tuple: Option<&Tuple>, applies: bool) -> (Verdict, Option<Ran>) {
        let condition = tuple.and_then(|tuple| tuple.condition.as_deref());
        let policy = if applies { self.policy.clone() } else { None };
        let (source, text) = match (condition, &policy) {
            (Some(condition), _) => (ScriptSource::Condition, condition),
            (None, Some(policy)) => (ScriptSource::Policy, &**policy),
            (None, None) => return (Verdict::Yes, None),
        };
        let (result, message) = match &mut self.judge {
            None => (Verdict::Gated, None),
            Some(judge) => match judge.judge(&Script { source, text, tuple }) {
                Judgement::Allowed => (Verdict::Yes, None),
                Judgement::Denied => (Verdict::No, None),
                Judgement::Failed(message) => (Verdict::Error, Some(message)),
            },
        };
        if !self.taking {
            self.denied |= result == Verdict::No;
            self.spoke = Some(source);
        }
        (result, self.explain.then_some(Ran { source, result, message }))
    }

    /// The object itself, and what stands for every object.
    fn ids(&self, node: &Node) -> impl Iterator<Item = Arc<str>> + use<F> {
        let every = (*node.id != *ANY).then(|| Arc::clone(&self.any));
        std::iter::once(Arc::clone(&node.id)).chain(every)
    }

    fn prove(&self, proof: impl FnOnce() -> Proof) -> Option<Rc<Proof>> {
        self.explain.then(|| Rc::new(proof()))
    }
}

/// The best of several answers.
struct Best {
    answer: Answer,
    told: Option<Vec<Rc<Proof>>>,
}

impl Best {
    fn new(explain: bool) -> Self {
        Self { answer: Answer::no(), told: explain.then(Vec::new) }
    }

    /// Takes another answer; true when no other one can be better.
    fn add(&mut self, answer: Answer) -> bool {
        let wins = answer.verdict == Verdict::Yes;
        self.answer.verdict = self.answer.verdict.max(answer.verdict);
        self.answer.low = if wins { EXACT } else { self.answer.low.min(answer.low) };
        if let Some(told) = &mut self.told {
            if wins {
                told.clear();
            }
            told.extend(answer.proof.filter(|proof| proof.tells()));
        }
        wins
    }

    /// The winner's proof, or of all that was tried what tells something.
    fn into_answer(self) -> Answer {
        let verdict = self.answer.verdict;
        let proof = self.told.map(|mut told| match (told.pop(), told.is_empty()) {
            (Some(one), true) => one,
            (last, _) => {
                told.extend(last);
                Rc::new(Proof { by: told, ..Proof::new(Rule::AnyOf, verdict) })
            }
        });
        Answer { proof, ..self.answer }
    }
}
