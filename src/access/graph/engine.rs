//! The evaluation: whether a subject has a relation to an object, by the rewrites of the models over the tuples.
//!
//! One engine, two modes. *Static*: scripts are not run, and what depends on one is [`CheckResult::Gated`]. *Live*: a
//! [`ScriptRunner`] runs them. The search goes depth first in the order of the model and of the tuples, so that the
//! same tuples give the same derivation. It gives up where an exclusion rests on a node that is still open, and
//! [`circle`] says first what is taken away there: so the answer is the same whatever was asked before.

mod best;
mod circle;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use self::best::{Best, with_wildcard};
use self::circle::Taken;
use super::derivation::{Derivation, Rule, ScriptResult};
use super::memo::{EXACT, Known, Memo, Node, NodeResult};
use super::result::{CheckResult, Script, ScriptOutcome, ScriptRunner, ScriptSource};
use super::state::Graph;
use super::symbols::{Edge, LocalSymbols, Subject, Symbol, Userset};
use super::tuple_reader::{ObjectRelation, TupleFilter, TupleReader};
use crate::access::Error;
use crate::access::model::{CompiledModel, Relation, Rewrite};
use crate::records::SubjectRef;
use foldhash::fast::RandomState;

/// The outcome of an evaluation.
#[derive(Debug)]
pub struct CheckOutcome {
    /// Whether it holds.
    pub result: CheckResult,
    /// Whether a script said no on the way.
    pub denied: bool,
    /// Whether a script failed on the way.
    pub failed: bool,
    /// Where the script comes from that ran last, when one ran.
    pub deciding_script: Option<ScriptSource>,
    /// Why, if that was asked for.
    pub(in crate::access) derivation: Option<Rc<Derivation>>,
}

/// Evaluates questions about one subject over one graph; what it finds for one question it keeps for the next.
pub struct Engine<'a, F: ?Sized> {
    graph: Graph<'a, F>,
    local: LocalSymbols,
    subject: Subject,
    /// `user:*` when the subject is one user.
    everyone: Option<Subject>,
    runner: Option<&'a mut dyn ScriptRunner>,
    policy: Option<Arc<str>>,
    explain: bool,
    memo: Memo,
    models: HashMap<Symbol, Option<Arc<CompiledModel>>, RandomState>,
    visited: usize,
    sets: usize,
    /// Whether a branch was not followed to its end.
    cut: bool,
    /// Whether what is evaluated is to be taken away.
    excluding: bool,
    /// Whether it was given up because an exclusion rests on a node that is still open.
    circular: bool,
    /// What exclusions take away, when the question before was given up for that.
    taken: Option<Taken>,
    denied: bool,
    failed: bool,
    deciding_script: Option<ScriptSource>,
}

/// Where in a model, and on which object, a rewrite is evaluated.
#[derive(Clone, Copy)]
struct RewriteSite<'s> {
    node: Node,
    model: &'s CompiledModel,
    relation: &'s Relation,
    depth: usize,
    /// Whether the policy of the permission applies to the tuples that give it.
    applies: bool,
}

impl<'a, F: TupleReader + ?Sized> Engine<'a, F> {
    /// In static mode.
    pub fn new(graph: Graph<'a, F>, subject: &SubjectRef) -> Self {
        let local = LocalSymbols::default();
        let symbol = |text: &str| graph.tuples.symbol(&local, text);
        let relation = symbol(subject.relation.as_deref().unwrap_or_default());
        let subject = Subject { kind: symbol(&subject.kind), id: symbol(&subject.id), relation };
        let single = subject.as_set().is_none() && subject.id != Symbol::ANY;
        Self {
            graph,
            local,
            everyone: single.then_some(Subject { id: Symbol::ANY, ..subject }),
            subject,
            runner: None,
            policy: None,
            explain: false,
            memo: Memo::default(),
            models: HashMap::default(),
            visited: 0,
            sets: 0,
            cut: false,
            excluding: false,
            circular: false,
            taken: None,
            denied: false,
            failed: false,
            deciding_script: None,
        }
    }

    /// In live mode: for questions about one permission, whose policy is `policy`.
    pub fn live(
        graph: Graph<'a, F>,
        subject: &SubjectRef,
        policy: Option<Arc<str>>,
        runner: &'a mut dyn ScriptRunner,
    ) -> Self {
        Self { runner: Some(runner), policy, ..Self::new(graph, subject) }
    }

    /// The same, and with `explain` it also notes why.
    #[must_use]
    pub fn explaining(self, explain: bool) -> Self {
        Self { explain, ..self }
    }

    /// Whether the subject has `relation` to `kind:id`. In static mode a permission with a policy is the least of this
    /// and [`CheckResult::Gated`]. Errors: [`Error::LimitReached`] when that is not known.
    pub fn holds(&mut self, at: ObjectRelation<'_>) -> Result<CheckOutcome, Error> {
        self.begin();
        let applies = self.runner.is_some() && self.policy.is_some();
        let [kind, id, relation] = [at.kind, at.id, at.relation].map(|text| self.symbol(text));
        let node = Node { at: Userset { kind, id, relation }, applies };
        let mut found = self.node(node, 0);
        if found.is_err() || self.cut {
            self.memo.clear();
        }
        if self.circular {
            found = self.in_circle(node);
        }
        let found = found?;
        if self.cut && found.result != CheckResult::Yes {
            return Err(Error::LimitReached("groups or parents are nested too deeply"));
        }
        let (denied, failed, deciding_script) = (self.denied, self.failed, self.deciding_script);
        Ok(CheckOutcome { result: found.result, denied, failed, deciding_script, derivation: found.derivation })
    }

    fn begin(&mut self) {
        (self.visited, self.sets, self.deciding_script) = (0, 0, None);
        (self.cut, self.excluding, self.circular, self.denied, self.failed) = (false, false, false, false, false);
    }

    fn symbol(&self, text: &str) -> Symbol {
        self.graph.tuples.symbol(&self.local, text)
    }

    /// The model of a type, looked up once.
    fn model(&mut self, kind: Symbol) -> Result<Option<Arc<CompiledModel>>, Error> {
        if let Some(known) = self.models.get(&kind) {
            return Ok(known.clone());
        }
        let model = self.graph.schema.model(&self.graph.tuples.text(&self.local, kind))?;
        self.models.insert(kind, model.clone());
        Ok(model)
    }

    fn node(&mut self, node: Node, depth: usize) -> Result<NodeResult, Error> {
        // A set has itself: `group:eng#member` is a member of `group:eng`.
        if self.subject.as_set() == Some(node.at) {
            let (result, script) = self.script(None, node.applies)?;
            let derivation = self.derived(|| Derivation { script, ..Derivation::new(Rule::Subject, result) });
            return Ok(NodeResult::exact(result, derivation));
        }
        match self.memo.known(node) {
            Known::Result(found) => return Ok(found),
            Known::Open(index) => {
                let derivation = self.derived(|| Derivation::new(Rule::Cycle, CheckResult::No));
                return Ok(NodeResult { result: CheckResult::No, low: index, derivation });
            }
            Known::Nothing => {}
        }
        if depth > self.graph.limits.depth {
            // Another branch may still say yes; a no that rests on this one is not known.
            self.cut = true;
            return Ok(NodeResult { low: 0, ..NodeResult::no() });
        }
        self.visited += 1;
        if self.visited > self.graph.limits.nodes {
            return Err(Error::LimitReached("it leads to too many objects"));
        }
        self.graph.take(1)?;
        let Some(model) = self.model(node.at.kind)? else { return Ok(NodeResult::no()) };
        let relation = model.relations.get(&*self.graph.tuples.text(&self.local, node.at.relation));
        let Some(relation) = relation else { return Ok(NodeResult::no()) };
        let opened = self.memo.open(node);
        let site = RewriteSite { node, model: &model, relation, depth, applies: node.applies };
        let mut found = self.rewrite(&relation.rewrite, site)?;
        if self.explain {
            let by = found.derivation.take().into_iter().filter(|inner| inner.is_informative()).collect();
            let symbols = [node.at.kind, node.at.id, node.at.relation];
            let object = symbols.map(|symbol| Arc::from(&*self.graph.tuples.text(&self.local, symbol)));
            let derivation = Derivation { object: Some(object), by, ..Derivation::new(Rule::Relation, found.result) };
            found.derivation = Some(Rc::new(derivation));
        }
        Ok(self.memo.close(node, opened, found))
    }

    fn rewrite(&mut self, rewrite: &Rewrite, at: RewriteSite<'_>) -> Result<NodeResult, Error> {
        match rewrite {
            Rewrite::Direct => self.direct(at),
            Rewrite::Computed(relation) => {
                let relation = self.symbol(relation);
                self.node(Node { at: Userset { relation, ..at.node.at }, applies: at.applies }, at.depth)
            }
            Rewrite::FromParent { from, relation } => self.inherited((from, relation), at),
            Rewrite::AnyOf(parts) => {
                let mut best = Best::new(self.explain);
                for part in parts {
                    let found = self.rewrite(part, at)?;
                    if best.add(found) {
                        break;
                    }
                }
                Ok(best.into_result())
            }
            Rewrite::AllOf(parts) => self.all_of(parts, at),
            Rewrite::Except(base, taken) => self.except(base, taken, at),
        }
    }

    fn all_of(&mut self, parts: &[Rewrite], at: RewriteSite<'_>) -> Result<NodeResult, Error> {
        let (mut result, mut low, mut by) = (CheckResult::Yes, EXACT, Vec::new());
        for part in parts {
            let found = self.rewrite(part, at)?;
            result = result.min(found.result);
            low = if result == CheckResult::No { found.low } else { low.min(found.low) };
            by.extend(found.derivation);
            if result == CheckResult::No {
                break;
            }
        }
        if parts.is_empty() {
            result = CheckResult::No;
        }
        let derivation = self.derived(|| Derivation { by, ..Derivation::new(Rule::AllOf, result) });
        Ok(NodeResult { result, low, derivation })
    }

    fn except(&mut self, base: &Rewrite, excluded: &Rewrite, at: RewriteSite<'_>) -> Result<NodeResult, Error> {
        let base = self.rewrite(base, at)?;
        if base.result == CheckResult::No {
            return Ok(base);
        }
        let outer = std::mem::replace(&mut self.excluding, true);
        let mut taken = self.rewrite(excluded, RewriteSite { applies: false, ..at })?;
        self.excluding = outer;
        if let Some(known) = self.taken.as_ref().and_then(|all| all.by(at.node, excluded)) {
            taken = NodeResult::exact(known, self.as_circular(taken, known));
        } else if taken.low != EXACT && !self.cut {
            self.circular = true;
            return Err(Error::LimitReached("an exclusion depends on itself"));
        } else if taken.low != EXACT {
            // What is excluded lies beyond a limit: it must not count as not excluded.
            let result = taken.result.max(CheckResult::Error);
            taken = NodeResult { result, low: taken.low, derivation: self.as_circular(taken, result) };
        }
        let mut result = match taken.result {
            CheckResult::No => base.result,
            CheckResult::Yes => CheckResult::No,
            unclear => base.result.min(unclear),
        };
        if self.runner.is_none() && at.node.at.id == Symbol::ANY {
            // Of all objects, a single one may be excluded.
            result = result.min(CheckResult::Gated);
        }
        let low = if taken.result == CheckResult::Yes { taken.low } else { base.low.min(taken.low) };
        let by = base.derivation.into_iter().chain(taken.derivation).collect();
        let derivation = self.derived(|| Derivation { by, ..Derivation::new(Rule::Except, result) });
        Ok(NodeResult { result, low, derivation })
    }

    /// The tuples of the relation itself: first those that name the subject, then the sets it may be in.
    fn direct(&mut self, at: RewriteSite<'_>) -> Result<NodeResult, Error> {
        let mut best = Best::new(self.explain);
        for subject in [Some(self.subject), self.everyone].into_iter().flatten() {
            let is_taken_alone = self.accepts(at.relation, subject, false);
            if subject.as_set().is_some() || !is_taken_alone && !self.accepts(at.relation, subject, true) {
                continue;
            }
            for userset in with_wildcard(at.node.at) {
                let found = self.graph.tuples.edge(&self.local, userset, subject)?;
                let counts = |edge: &Edge| edge.counts_at(self.graph.now) && (is_taken_alone || edge.conditional);
                if let Some(edge) = found.filter(counts) {
                    let (result, script) = self.script(Some((userset, edge)), at.applies)?;
                    let derivation = self
                        .derived_by(Derivation { script, ..Derivation::new(Rule::Tuple, result) }, (userset, edge))?;
                    if best.add(NodeResult::exact(result, derivation)) {
                        return Ok(best.into_result());
                    }
                }
            }
        }
        if at.relation.takes_sets() {
            self.sets(at, &mut best)?;
        }
        Ok(best.into_result())
    }

    fn sets(&mut self, at: RewriteSite<'_>, best: &mut Best) -> Result<(), Error> {
        for userset in with_wildcard(at.node.at) {
            for edge in self.set_edges(userset)? {
                let Some(set) = self.set_of(at.relation, edge)? else { continue };
                let inner = self.node(Node { at: set, applies: false }, at.depth + 1)?;
                if best.add(self.through(Rule::Tuple, (userset, edge), inner, at.applies)?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn inherited(&mut self, (from, relation): (&str, &str), at: RewriteSite<'_>) -> Result<NodeResult, Error> {
        let mut best = Best::new(self.explain);
        let Some(to_parent) = at.model.relations.get(from).filter(|relation| relation.takes_tuples()) else {
            return Ok(NodeResult::no());
        };
        let (from, relation) = (self.symbol(from), self.symbol(relation));
        for userset in with_wildcard(Userset { relation: from, ..at.node.at }) {
            for edge in self.parent_edges(userset)? {
                if !self.is_parent(to_parent, edge) {
                    continue;
                }
                let Subject { kind, id, .. } = edge.subject;
                let parent = Node { at: Userset { kind, id, relation }, applies: at.applies };
                let inner = self.node(parent, at.depth + 1)?;
                if best.add(self.through(Rule::Parent, (userset, edge), inner, false)?) {
                    return Ok(best.into_result());
                }
            }
        }
        Ok(best.into_result())
    }

    fn set_edges(&self, userset: Userset) -> Result<Vec<Edge>, Error> {
        let most = self.graph.limits.subjects;
        let sets = self.graph.tuples.edges(&self.local, userset, TupleFilter::Usersets, most.saturating_add(1))?;
        if sets.len() > most {
            return Err(Error::LimitReached("a relation is given to too many sets"));
        }
        self.graph.take(sets.len())?;
        Ok(sets)
    }

    /// The set that a tuple gives a relation to; `None` where the tuple does not count.
    fn set_of(&mut self, relation: &Relation, edge: Edge) -> Result<Option<Userset>, Error> {
        let Some(set) = edge.subject.as_set() else { return Ok(None) };
        if !self.counts(relation, edge) {
            return Ok(None);
        }
        self.sets += 1;
        if self.sets > self.graph.limits.subjects {
            return Err(Error::LimitReached("it leads to too many groups or sets"));
        }
        Ok(Some(set))
    }

    fn parent_edges(&self, userset: Userset) -> Result<Vec<Edge>, Error> {
        let most = self.graph.limits.nodes;
        let parents = self.graph.tuples.edges(&self.local, userset, TupleFilter::All, most.saturating_add(1))?;
        if parents.len() > most {
            return Err(Error::LimitReached("an object has too many parents"));
        }
        self.graph.take(parents.len())?;
        Ok(parents)
    }

    /// Whether a tuple of the relation `to_parent` leads to a parent.
    fn is_parent(&self, to_parent: &Relation, edge: Edge) -> bool {
        edge.subject.relation == Symbol::NONE && self.counts(to_parent, edge)
    }

    /// The result of a tuple whose userset or parent has the result `inner`. Its script counts only where that matters.
    fn through(
        &mut self,
        rule: Rule,
        tuple: (Userset, Edge),
        inner: NodeResult,
        applies: bool,
    ) -> Result<NodeResult, Error> {
        let (result, script) = match inner.result {
            CheckResult::No => (CheckResult::No, None),
            _ => self.script(Some(tuple), applies)?,
        };
        let low = if result == CheckResult::No && inner.result != CheckResult::No { EXACT } else { inner.low };
        let result = result.min(inner.result);
        let by = inner.derivation.into_iter().filter(|derivation| derivation.is_informative()).collect();
        let derivation = self.derived_by(Derivation { by, script, ..Derivation::new(rule, result) }, tuple)?;
        Ok(NodeResult { result, low, derivation })
    }

    /// The result of the script that a tuple depends on: its condition, else the permission's policy where that
    /// applies.
    fn script(
        &mut self,
        tuple: Option<(Userset, Edge)>,
        applies: bool,
    ) -> Result<(CheckResult, Option<ScriptResult>), Error> {
        let conditional = tuple.is_some_and(|(_, edge)| edge.conditional);
        let policy = if applies { self.policy.clone() } else { None };
        let source = match (conditional, &policy) {
            (true, _) => ScriptSource::Condition,
            (false, Some(_)) => ScriptSource::Policy,
            (false, None) => return Ok((CheckResult::Yes, None)),
        };
        let (result, message) = self.outcome(tuple, (source, policy.as_deref()))?;
        self.failed |= result == CheckResult::Error;
        if !self.excluding {
            self.denied |= result == CheckResult::No;
            self.deciding_script = Some(source);
        }
        Ok((result, self.explain.then_some(ScriptResult { source, result, message })))
    }

    fn outcome(
        &mut self,
        tuple: Option<(Userset, Edge)>,
        (source, policy): (ScriptSource, Option<&str>),
    ) -> Result<(CheckResult, Option<String>), Error> {
        let Some(runner) = &mut self.runner else { return Ok((CheckResult::Gated, None)) };
        if let Some(known) = self.taken.as_ref().and_then(|all| all.outcome_of(tuple, source)) {
            return Ok(known.clone());
        }
        let behind = match tuple {
            Some((userset, edge)) => self.graph.tuples.tuple_behind(&self.local, userset, edge.subject)?,
            None => None,
        };
        let text = match source {
            ScriptSource::Condition => behind.as_ref().and_then(|tuple| tuple.condition.as_deref()),
            ScriptSource::Policy => policy,
        };
        let Some(text) = text else {
            return Ok((CheckResult::Error, Some(String::from("the script is gone"))));
        };
        let outcome = match runner.run(&Script { source, text, tuple: behind.as_ref() }) {
            ScriptOutcome::Allowed => (CheckResult::Yes, None),
            ScriptOutcome::Denied => (CheckResult::No, None),
            ScriptOutcome::Failed(message) => (CheckResult::Error, Some(message)),
        };
        if let Some(all) = &mut self.taken {
            all.note_outcome(tuple, source, outcome.clone());
        }
        Ok(outcome)
    }

    /// Whether a tuple of a relation exists at this moment and is one that the relation takes.
    fn counts(&self, relation: &Relation, edge: Edge) -> bool {
        edge.counts_at(self.graph.now) && self.accepts(relation, edge.subject, edge.conditional)
    }

    fn accepts(&self, relation: &Relation, subject: Subject, conditional: bool) -> bool {
        relation.subjects.is_none() || {
            let parts = [subject.kind, subject.id, subject.relation];
            let [kind, id, held] = parts.map(|symbol| self.graph.tuples.text(&self.local, symbol));
            relation.lets_in((&kind, &id, (subject.relation != Symbol::NONE).then_some(&held)), conditional)
        }
    }

    /// The step that rests on a tuple.
    fn derived_by(&self, step: Derivation, (userset, edge): (Userset, Edge)) -> Result<Option<Rc<Derivation>>, Error> {
        if !self.explain {
            return Ok(None);
        }
        let tuple = self.graph.tuples.tuple_behind(&self.local, userset, edge.subject)?;
        Ok(Some(Rc::new(Derivation { tuple: tuple.map(|tuple| tuple.key), ..step })))
    }

    /// The derivation of what is taken away, where its result is said by more than itself.
    fn as_circular(&self, taken: NodeResult, result: CheckResult) -> Option<Rc<Derivation>> {
        if taken.result == result && taken.low == EXACT {
            return taken.derivation;
        }
        let by = taken.derivation.into_iter().collect();
        self.derived(|| Derivation { by, ..Derivation::new(Rule::Cycle, result) })
    }

    fn derived(&self, derivation: impl FnOnce() -> Derivation) -> Option<Rc<Derivation>> {
        self.explain.then(|| Rc::new(derivation()))
    }
}
