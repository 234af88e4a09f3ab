//! The evaluation: whether a subject has a relation to an object, by the models' rewrites over the tuples.
//!
//! One engine, two modes. *Static*: scripts are not run, what hangs on one is [`Verdict::Gated`]. *Live*: scripts are put before a [`Judge`].
//! The search goes depth first in the order of the model and of the tuples, so that the same facts give the same explanation.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::facts::{At, Facts, Which};
use super::memo::{Answer, EXACT, Known, Memo, Node};
use super::names::{Given, Link, Name, Place, Who};
use super::proof::{Proof, Ran, Rule, Step};
use super::verdict::{Judge, Judgement, Limits, Schema, Script, ScriptSource, Verdict};
use crate::access::Error;
use crate::access::model::{CompiledModel, Relation, Rewrite};
use crate::base::hash::Seeded;
use crate::base::{Budget, Moment};
use crate::records::SubjectRef;

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
    /// How much all questions together may look at; `None` where the limits are enough.
    pub budget: Option<&'a Budget>,
}

impl<'a, F: ?Sized> Ground<'a, F> {
    /// The same with other facts.
    pub fn with<'b, G: ?Sized>(&self, facts: &'b G) -> Ground<'b, G>
    where
        'a: 'b,
    {
        let Self { schema, now, limits, budget, .. } = *self;
        Ground { facts, schema, now, limits, budget }
    }

    /// Takes steps from the budget. Errors: [`Error::LimitReached`].
    pub fn take(&self, steps: usize) -> Result<(), Error> {
        self.budget.map_or(Ok(()), |budget| Ok(budget.take(steps)?))
    }
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
    /// Whether a script failed on the way.
    pub failed: bool,
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
    given: Given,
    subject: Who,
    /// `user:*` when the subject is one user.
    everyone: Option<Who>,
    judge: Option<&'a mut dyn Judge>,
    policy: Option<Arc<str>>,
    explain: bool,
    memo: Memo,
    models: HashMap<Name, Option<Arc<CompiledModel>>, Seeded>,
    visited: usize,
    sets: usize,
    cut: bool,
    taking: bool,
    denied: bool,
    failed: bool,
    spoke: Option<ScriptSource>,
}

/// Where in a model, and on which object, a rewrite is evaluated.
#[derive(Clone, Copy)]
struct Spot<'s> {
    node: Node,
    model: &'s CompiledModel,
    relation: &'s Relation,
    depth: usize,
    applies: bool,
}

impl<'a, F: Facts + ?Sized> Engine<'a, F> {
    /// In static mode.
    pub fn new(ground: Ground<'a, F>, subject: &SubjectRef) -> Self {
        let given = Given::default();
        let name = |text: &str| ground.facts.name(&given, text);
        let held = name(subject.relation.as_deref().unwrap_or_default());
        let subject = Who { kind: name(&subject.kind), id: name(&subject.id), held };
        let single = subject.as_set().is_none() && subject.id != Name::ANY;
        Self {
            ground,
            given,
            everyone: single.then_some(Who { id: Name::ANY, ..subject }),
            subject,
            judge: None,
            policy: None,
            explain: false,
            memo: Memo::default(),
            models: HashMap::default(),
            visited: 0,
            sets: 0,
            cut: false,
            taking: false,
            denied: false,
            failed: false,
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
        (self.cut, self.taking, self.denied, self.failed) = (false, false, false, false);
        let applies = self.judge.is_some() && self.policy.is_some();
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|text| self.name(text));
        let node = Node { at: Place { kind, id, relation }, applies };
        let answer = self.node(node, 0);
        if answer.is_err() || self.cut {
            self.memo.clear();
        }
        let answer = answer?;
        if self.cut && answer.verdict != Verdict::Yes {
            return Err(Error::LimitReached("groups or parents are nested too deeply"));
        }
        let (denied, failed, spoke) = (self.denied, self.failed, self.spoke);
        Ok(Outcome { verdict: answer.verdict, denied, failed, spoke, proof: answer.proof })
    }

    fn name(&self, text: &str) -> Name {
        self.ground.facts.name(&self.given, text)
    }

    /// The model of a type, looked up once.
    fn model(&mut self, kind: Name) -> Result<Option<Arc<CompiledModel>>, Error> {
        if let Some(known) = self.models.get(&kind) {
            return Ok(known.clone());
        }
        let model = self.ground.schema.model(&self.ground.facts.text(&self.given, kind))?;
        self.models.insert(kind, model.clone());
        Ok(model)
    }

    fn node(&mut self, node: Node, depth: usize) -> Result<Answer, Error> {
        // A set has itself: `group:eng#member` is a member of `group:eng`.
        if self.subject.as_set() == Some(node.at) {
            let (verdict, ran) = self.script(None, node.applies)?;
            let proof = self.prove(|| Proof { ran, ..Proof::new(Rule::Subject, verdict) });
            return Ok(Answer::exact(verdict, proof));
        }
        match self.memo.known(node) {
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
        self.ground.take(1)?;
        let Some(model) = self.model(node.at.kind)? else { return Ok(Answer::no()) };
        let relation = model.relations.get(&*self.ground.facts.text(&self.given, node.at.relation));
        let Some(relation) = relation else { return Ok(Answer::no()) };
        let opened = self.memo.open(node);
        let spot = Spot { node, model: &model, relation, depth, applies: node.applies };
        let mut answer = self.rewrite(&relation.rewrite, spot)?;
        if self.explain {
            let by = answer.proof.take().into_iter().filter(|inner| inner.tells()).collect();
            let names = [node.at.kind, node.at.id, node.at.relation];
            let object = names.map(|name| Arc::from(&*self.ground.facts.text(&self.given, name)));
            let proof = Proof { object: Some(object), by, ..Proof::new(Rule::Relation, answer.verdict) };
            answer.proof = Some(Rc::new(proof));
        }
        Ok(self.memo.close(node, opened, answer))
    }

    fn rewrite(&mut self, rewrite: &Rewrite, at: Spot<'_>) -> Result<Answer, Error> {
        match rewrite {
            Rewrite::Direct => self.direct(at),
            Rewrite::Computed(relation) => {
                let relation = self.name(relation);
                self.node(Node { at: Place { relation, ..at.node.at }, applies: at.applies }, at.depth)
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
            if taken.verdict == Verdict::Error {
                let by = taken.proof.take().into_iter().collect();
                taken.proof = self.prove(|| Proof { by, ..Proof::new(Rule::Cycle, Verdict::Error) });
            }
        }
        let mut verdict = match taken.verdict {
            Verdict::No => base.verdict,
            Verdict::Yes => Verdict::No,
            unclear => base.verdict.min(unclear),
        };
        if self.judge.is_none() && at.node.at.id == Name::ANY {
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
        for subject in [Some(self.subject), self.everyone].into_iter().flatten() {
            if subject.as_set().is_some() || !self.accepts(at.relation, subject) {
                continue;
            }
            for place in places(at.node.at) {
                let found = self.ground.facts.link(&self.given, place, subject)?;
                if let Some(link) = found.filter(|link| link.counts_at(self.ground.now)) {
                    let (verdict, ran) = self.script(Some((place, link)), at.applies)?;
                    let proof = self.prove_by(Proof { ran, ..Proof::new(Rule::Tuple, verdict) }, (place, link))?;
                    if best.add(Answer::exact(verdict, proof)) {
                        return Ok(best.into_answer());
                    }
                }
            }
        }
        if at.relation.takes_sets() {
            self.sets(at, &mut best)?;
        }
        Ok(best.into_answer())
    }

    fn sets(&mut self, at: Spot<'_>, best: &mut Best) -> Result<(), Error> {
        let most = self.ground.limits.subjects;
        for place in places(at.node.at) {
            let sets = self.ground.facts.links(&self.given, place, Which::Sets, most.saturating_add(1))?;
            if sets.len() > most {
                return Err(Error::LimitReached("a relation is given to too many sets"));
            }
            self.ground.take(sets.len())?;
            for link in sets {
                let Some(set) = link.who.as_set() else { continue };
                if !link.counts_at(self.ground.now) || !self.accepts(at.relation, link.who) {
                    continue;
                }
                self.sets += 1;
                if self.sets > most {
                    return Err(Error::LimitReached("it leads to too many groups or sets"));
                }
                let inner = self.node(Node { at: set, applies: false }, at.depth + 1)?;
                if best.add(self.through(Rule::Tuple, (place, link), inner, at.applies)?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn inherited(&mut self, (from, relation): (&str, &str), at: Spot<'_>) -> Result<Answer, Error> {
        let mut best = Best::new(self.explain);
        let Some(to_parent) = at.model.relations.get(from).filter(|relation| relation.takes_tuples()) else {
            return Ok(Answer::no());
        };
        let (from, relation, most) = (self.name(from), self.name(relation), self.ground.limits.nodes);
        for place in places(Place { relation: from, ..at.node.at }) {
            let parents = self.ground.facts.links(&self.given, place, Which::All, most.saturating_add(1))?;
            if parents.len() > most {
                return Err(Error::LimitReached("an object has too many parents"));
            }
            self.ground.take(parents.len())?;
            for link in parents {
                let Who { kind, id, held } = link.who;
                if held != Name::NOTHING || !link.counts_at(self.ground.now) || !self.accepts(to_parent, link.who) {
                    continue;
                }
                let parent = Node { at: Place { kind, id, relation }, applies: at.applies };
                let inner = self.node(parent, at.depth + 1)?;
                if best.add(self.through(Rule::Parent, (place, link), inner, false)?) {
                    return Ok(best.into_answer());
                }
            }
        }
        Ok(best.into_answer())
    }

    /// What a tuple is worth whose set or parent came to `inner`. Its script is met only when that matters.
    fn through(&mut self, rule: Rule, tuple: (Place, Link), inner: Answer, applies: bool) -> Result<Answer, Error> {
        let (verdict, ran) = match inner.verdict {
            Verdict::No => (Verdict::No, None),
            _ => self.script(Some(tuple), applies)?,
        };
        let low = if verdict == Verdict::No && inner.verdict != Verdict::No { EXACT } else { inner.low };
        let verdict = verdict.min(inner.verdict);
        let by = inner.proof.into_iter().filter(|proof| proof.tells()).collect();
        let proof = self.prove_by(Proof { by, ran, ..Proof::new(rule, verdict) }, tuple)?;
        Ok(Answer { verdict, low, proof })
    }

    /// What the script says that a tuple hangs on: its condition, else the permission's policy where that applies.
    fn script(&mut self, tuple: Option<(Place, Link)>, applies: bool) -> Result<(Verdict, Option<Ran>), Error> {
        let conditional = tuple.is_some_and(|(_, link)| link.conditional);
        let policy = if applies { self.policy.clone() } else { None };
        let source = match (conditional, &policy) {
            (true, _) => ScriptSource::Condition,
            (false, Some(_)) => ScriptSource::Policy,
            (false, None) => return Ok((Verdict::Yes, None)),
        };
        let (result, message) = match &mut self.judge {
            None => (Verdict::Gated, None),
            Some(judge) => {
                let tuple = match tuple {
                    Some((place, link)) => self.ground.facts.whole(&self.given, place, link.who)?,
                    None => None,
                };
                let condition = tuple.as_ref().and_then(|tuple| tuple.condition.as_deref());
                match condition.filter(|_| conditional).or(policy.as_deref()) {
                    None => (Verdict::Error, Some(String::from("the script is gone"))),
                    Some(text) => match judge.judge(&Script { source, text, tuple: tuple.as_ref() }) {
                        Judgement::Allowed => (Verdict::Yes, None),
                        Judgement::Denied => (Verdict::No, None),
                        Judgement::Failed(message) => (Verdict::Error, Some(message)),
                    },
                }
            }
        };
        self.failed |= result == Verdict::Error;
        if !self.taking {
            self.denied |= result == Verdict::No;
            self.spoke = Some(source);
        }
        Ok((result, self.explain.then_some(Ran { source, result, message })))
    }

    fn accepts(&self, relation: &Relation, who: Who) -> bool {
        relation.subjects.is_none() || {
            let [kind, id, held] = [who.kind, who.id, who.held].map(|name| self.ground.facts.text(&self.given, name));
            relation.lets_in(&kind, &id, (who.held != Name::NOTHING).then_some(&held))
        }
    }

    /// The step that rests on a tuple.
    fn prove_by(&self, step: Proof, (place, link): (Place, Link)) -> Result<Option<Rc<Proof>>, Error> {
        if !self.explain {
            return Ok(None);
        }
        let tuple = self.ground.facts.whole(&self.given, place, link.who)?;
        Ok(Some(Rc::new(Proof { tuple: tuple.map(|tuple| tuple.key), ..step })))
    }

    fn prove(&self, proof: impl FnOnce() -> Proof) -> Option<Rc<Proof>> {
        self.explain.then(|| Rc::new(proof()))
    }
}

/// The relation of the object itself, and of what stands for every object.
fn places(at: Place) -> impl Iterator<Item = Place> {
    let every = (at.id != Name::ANY).then_some(Place { id: Name::ANY, ..at });
    std::iter::once(at).chain(every)
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
