//! The best of several results.

use std::rc::Rc;

use crate::access::graph::derivation::{Derivation, Rule};
use crate::access::graph::memo::{EXACT, NodeResult};
use crate::access::graph::result::CheckResult;
use crate::access::graph::symbols::{Symbol, Userset};

/// The relation of the object itself, and of `*`, which stands for every object of the type.
pub(super) fn with_wildcard(at: Userset) -> impl Iterator<Item = Userset> {
    let every = (at.id != Symbol::ANY).then_some(Userset { id: Symbol::ANY, ..at });
    std::iter::once(at).chain(every)
}

/// The best of several results.
pub(super) struct Best {
    result: NodeResult,
    tried: Option<Vec<Rc<Derivation>>>,
}

impl Best {
    pub(super) fn new(explain: bool) -> Self {
        Self { result: NodeResult::no(), tried: explain.then(Vec::new) }
    }

    /// Takes another result; true when no other one can be better.
    pub(super) fn add(&mut self, other: NodeResult) -> bool {
        let wins = other.result == CheckResult::Yes;
        self.result.result = self.result.result.max(other.result);
        self.result.low = if wins { EXACT } else { self.result.low.min(other.low) };
        if let Some(tried) = &mut self.tried {
            if wins {
                tried.clear();
            }
            tried.extend(other.derivation.filter(|derivation| derivation.is_informative()));
        }
        wins
    }

    /// With the derivation of the one that holds, else with those of all that were tried.
    pub(super) fn into_result(self) -> NodeResult {
        let result = self.result.result;
        let derivation = self.tried.map(|mut tried| match (tried.pop(), tried.is_empty()) {
            (Some(one), true) => one,
            (last, _) => {
                tried.extend(last);
                Rc::new(Derivation { by: tried, ..Derivation::new(Rule::AnyOf, result) })
            }
        });
        NodeResult { derivation, ..self.result }
    }
}
