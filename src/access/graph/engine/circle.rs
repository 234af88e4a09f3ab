//! What exclusions take away where they are part of a circle: where what is taken away depends, over other exclusions
//! or without them, on what it is taken away from.
//!
//! Searching depth first finds something else there from each place it begins. So all relations of objects that the
//! question leads to become equations, and these are solved by the alternating fixpoint of the well-founded semantics
//! (Van Gelder, "The alternating fixpoint of logic programs with negation", 1993): what surely holds takes away least
//! from what may hold, and the other way round, until nothing changes. An exclusion takes away what may hold; where
//! that is all and does not surely hold, it is [`CheckResult::Error`], which gives nobody anything. The question is
//! then searched through again with that.

use std::collections::HashMap;

use super::{Engine, with_wildcard};
use crate::access::Error;
use crate::access::graph::memo::{Node, NodeResult};
use crate::access::graph::result::{CheckResult, ScriptSource};
use crate::access::graph::symbols::{Edge, Subject, Userset};
use crate::access::graph::tuple_reader::TupleReader;
use crate::access::model::{CompiledModel, Relation, Rewrite};
use foldhash::fast::RandomState;

/// Evaluations of equations for each node that a question may visit: circles of exclusions that need more are given up.
const ROUNDS: usize = 64;

/// What exclusions take away, and the outcomes of scripts, which run once for both searches.
#[derive(Default)]
pub(super) struct Taken {
    by: HashMap<(Node, usize), CheckResult, RandomState>,
    outcomes: HashMap<ScriptRun, Outcome, RandomState>,
}

type ScriptRun = (Option<(Userset, Subject)>, bool);
type Outcome = (CheckResult, Option<String>);

impl Taken {
    /// What the exclusion of `rewrite` takes away at a node.
    pub(super) fn by(&self, node: Node, rewrite: &Rewrite) -> Option<CheckResult> {
        self.by.get(&place(node, rewrite)).copied()
    }

    /// The outcome of a script that ran.
    pub(super) fn outcome_of(&self, tuple: Option<(Userset, Edge)>, source: ScriptSource) -> Option<&Outcome> {
        self.outcomes.get(&script_run(tuple, source))
    }

    pub(super) fn note_outcome(&mut self, tuple: Option<(Userset, Edge)>, source: ScriptSource, outcome: Outcome) {
        self.outcomes.insert(script_run(tuple, source), outcome);
    }
}

/// A part of a model by where it stands in memory: the engine keeps its models.
fn place(node: Node, rewrite: &Rewrite) -> (Node, usize) {
    (Node { applies: false, ..node }, std::ptr::from_ref(rewrite).addr())
}

fn script_run(tuple: Option<(Userset, Edge)>, source: ScriptSource) -> ScriptRun {
    (tuple.map(|(userset, edge)| (userset, edge.subject)), source == ScriptSource::Policy)
}

/// The right side of an equation.
enum Term {
    Known(CheckResult),
    /// The node with this number.
    Node(usize),
    /// What a tuple gives, if its script lets it.
    Through {
        tuple: (Userset, Edge),
        applies: bool,
        inner: Box<Term>,
    },
    AnyOf(Vec<Term>),
    AllOf(Vec<Term>),
    Except {
        base: Box<Term>,
        taken: Box<Term>,
        /// Where it is in the model, to find it again.
        place: (Node, usize),
        /// Whether it is about `*`, of which single objects may be excluded.
        every: bool,
    },
}

/// One equation for each node that a question leads to.
#[derive(Default)]
struct Equations {
    numbers: HashMap<Node, usize, RandomState>,
    nodes: Vec<Node>,
    terms: Vec<Term>,
}

/// Values by the number of their node.
type Values = Vec<CheckResult>;

/// Where a rewrite is turned into a term.
#[derive(Clone, Copy)]
struct Site<'s> {
    node: Node,
    model: &'s CompiledModel,
    relation: &'s Relation,
    applies: bool,
}

impl<F: TupleReader + ?Sized> Engine<'_, F> {
    /// The result of a node whose evaluation was given up because exclusions depend on themselves. Nothing of it is
    /// kept. Errors: [`Error::LimitReached`].
    pub(super) fn in_circle(&mut self, node: Node) -> Result<NodeResult, Error> {
        self.memo.clear();
        self.begin();
        self.taken = Some(Taken::default());
        let found = self.taken_away(node).and_then(|by| {
            if let Some(taken) = &mut self.taken {
                taken.by = by;
            }
            self.begin();
            self.node(node, 0)
        });
        self.taken = None;
        self.memo.clear();
        found
    }

    /// What every exclusion that the node leads to takes away.
    fn taken_away(&mut self, node: Node) -> Result<HashMap<(Node, usize), CheckResult, RandomState>, Error> {
        let equations = self.equations(node)?;
        let mut sure = vec![CheckResult::No; equations.terms.len()];
        let mut left = self.graph.limits.nodes.saturating_mul(ROUNDS);
        let possible = loop {
            let possible = self.fixpoint(&equations, &sure, &mut left)?;
            let next = self.fixpoint(&equations, &possible, &mut left)?;
            if next == sure {
                break possible;
            }
            sure = next;
        };
        let mut all = HashMap::default();
        for term in &equations.terms {
            self.collect(term, (&sure, &possible), &mut all)?;
        }
        Ok(all)
    }

    /// The least solution where `taken` says what is taken away.
    fn fixpoint(&mut self, equations: &Equations, taken: &Values, left: &mut usize) -> Result<Values, Error> {
        let mut given = vec![CheckResult::No; equations.terms.len()];
        loop {
            let mut changed = false;
            *left =
                left.checked_sub(given.len()).ok_or(Error::LimitReached("too many exclusions depend on each other"))?;
            self.graph.take(given.len())?;
            // What is found last is needed first.
            for (number, term) in equations.terms.iter().enumerate().rev() {
                let value = self.value(term, &given, taken)?;
                if let Some(known) = given.get_mut(number).filter(|known| **known != value) {
                    *known = value;
                    changed = true;
                }
            }
            if !changed {
                return Ok(given);
            }
        }
    }

    fn value(&mut self, term: &Term, given: &Values, taken: &Values) -> Result<CheckResult, Error> {
        match term {
            Term::Known(result) => Ok(*result),
            Term::Node(number) => Ok(given.get(*number).copied().unwrap_or(CheckResult::No)),
            Term::Through { tuple, applies, inner } => match self.value(inner, given, taken)? {
                CheckResult::No => Ok(CheckResult::No),
                inner => Ok(inner.min(self.script(Some(*tuple), *applies)?.0)),
            },
            Term::AnyOf(parts) => {
                let mut best = CheckResult::No;
                for part in parts {
                    best = best.max(self.value(part, given, taken)?);
                }
                Ok(best)
            }
            Term::AllOf(parts) => {
                let mut least = if parts.is_empty() { CheckResult::No } else { CheckResult::Yes };
                for part in parts {
                    least = least.min(self.value(part, given, taken)?);
                }
                Ok(least)
            }
            Term::Except { base, taken: excluded, every, .. } => {
                let base = self.value(base, given, taken)?;
                if base == CheckResult::No {
                    return Ok(base);
                }
                let result = match self.value(excluded, taken, given)? {
                    CheckResult::Yes => CheckResult::No,
                    CheckResult::No => base,
                    unclear => base.min(unclear),
                };
                Ok(if *every { result.min(CheckResult::Gated) } else { result })
            }
        }
    }

    /// Notes what the exclusions of a term take away.
    fn collect(
        &mut self,
        term: &Term,
        (sure, possible): (&Values, &Values),
        all: &mut HashMap<(Node, usize), CheckResult, RandomState>,
    ) -> Result<(), Error> {
        match term {
            Term::Known(_) | Term::Node(_) => Ok(()),
            Term::Through { inner, .. } => self.collect(inner, (sure, possible), all),
            Term::AnyOf(parts) | Term::AllOf(parts) => {
                parts.iter().try_for_each(|part| self.collect(part, (sure, possible), all))
            }
            Term::Except { base, taken, place, .. } => {
                let (least, most) = (self.value(taken, sure, possible)?, self.value(taken, possible, sure)?);
                let is_unclear = least != most && most == CheckResult::Yes;
                all.insert(*place, if is_unclear { CheckResult::Error } else { most });
                self.collect(base, (sure, possible), all)?;
                self.collect(taken, (sure, possible), all)
            }
        }
    }

    fn equations(&mut self, root: Node) -> Result<Equations, Error> {
        let mut equations = Equations::default();
        equations.number(root);
        while let Some(node) = equations.nodes.get(equations.terms.len()).copied() {
            if equations.nodes.len() > self.graph.limits.nodes {
                return Err(Error::LimitReached("it leads to too many objects"));
            }
            self.graph.take(1)?;
            let term = self.equation(node, &mut equations)?;
            equations.terms.push(term);
        }
        Ok(equations)
    }

    fn equation(&mut self, node: Node, equations: &mut Equations) -> Result<Term, Error> {
        if self.subject.as_set() == Some(node.at) {
            return Ok(Term::Known(self.script(None, node.applies)?.0));
        }
        let Some(model) = self.model(node.at.kind)? else { return Ok(Term::Known(CheckResult::No)) };
        let relation = model.relations.get(&*self.graph.tuples.text(&self.local, node.at.relation));
        let Some(relation) = relation else { return Ok(Term::Known(CheckResult::No)) };
        let site = Site { node, model: &model, relation, applies: node.applies };
        self.term(&relation.rewrite, site, equations)
    }

    fn term(&mut self, rewrite: &Rewrite, at: Site<'_>, equations: &mut Equations) -> Result<Term, Error> {
        let node = at.node.at;
        Ok(match rewrite {
            Rewrite::Direct => Term::AnyOf(self.tuple_terms(at, equations)?),
            Rewrite::Computed(relation) => {
                let relation = self.symbol(relation);
                Term::Node(equations.number(Node { at: Userset { relation, ..node }, applies: at.applies }))
            }
            Rewrite::FromParent { from, relation } => {
                Term::AnyOf(self.parent_terms((from, relation), at, equations)?)
            }
            Rewrite::AnyOf(parts) => Term::AnyOf(self.terms(parts, at, equations)?),
            Rewrite::AllOf(parts) => Term::AllOf(self.terms(parts, at, equations)?),
            Rewrite::Except(base, taken) => Term::Except {
                place: place(at.node, taken),
                every: self.runner.is_none() && node.id == super::Symbol::ANY,
                base: Box::new(self.term(base, at, equations)?),
                taken: Box::new(self.term(taken, Site { applies: false, ..at }, equations)?),
            },
        })
    }

    fn terms(&mut self, parts: &[Rewrite], at: Site<'_>, equations: &mut Equations) -> Result<Vec<Term>, Error> {
        parts.iter().map(|part| self.term(part, at, equations)).collect()
    }

    fn tuple_terms(&mut self, at: Site<'_>, equations: &mut Equations) -> Result<Vec<Term>, Error> {
        let mut terms = Vec::new();
        let through = |tuple, inner| Term::Through { tuple, applies: at.applies, inner: Box::new(inner) };
        for subject in [Some(self.subject), self.everyone].into_iter().flatten() {
            if subject.as_set().is_some() || !self.accepts(at.relation, subject, true) {
                continue;
            }
            for userset in with_wildcard(at.node.at) {
                let found = self.graph.tuples.edge(&self.local, userset, subject)?;
                let counted = found.filter(|edge| self.counts(at.relation, *edge));
                terms.extend(counted.map(|edge| through((userset, edge), Term::Known(CheckResult::Yes))));
            }
        }
        for userset in with_wildcard(at.node.at).filter(|_| at.relation.takes_sets()) {
            for edge in self.set_edges(userset)? {
                let Some(set) = self.set_of(at.relation, edge)? else { continue };
                let inner = Term::Node(equations.number(Node { at: set, applies: false }));
                terms.push(through((userset, edge), inner));
            }
        }
        Ok(terms)
    }

    fn parent_terms(
        &mut self,
        (from, relation): (&str, &str),
        at: Site<'_>,
        equations: &mut Equations,
    ) -> Result<Vec<Term>, Error> {
        let mut terms = Vec::new();
        let Some(to_parent) = at.model.relations.get(from).filter(|relation| relation.takes_tuples()) else {
            return Ok(terms);
        };
        let (from, relation) = (self.symbol(from), self.symbol(relation));
        for userset in with_wildcard(Userset { relation: from, ..at.node.at }) {
            for edge in self.parent_edges(userset)? {
                if self.is_parent(to_parent, edge) {
                    let Subject { kind, id, .. } = edge.subject;
                    let parent = Node { at: Userset { kind, id, relation }, applies: at.applies };
                    let inner = Box::new(Term::Node(equations.number(parent)));
                    terms.push(Term::Through { tuple: (userset, edge), applies: false, inner });
                }
            }
        }
        Ok(terms)
    }
}

impl Equations {
    /// The number of a node, which gets an equation.
    fn number(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        *self.numbers.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            next
        })
    }
}
