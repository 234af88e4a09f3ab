//! The state that is evaluated: tuples, models, a moment, and how far an evaluation may go.

use std::sync::Arc;

use crate::access::Error;
use crate::access::model::CompiledModel;
use crate::base::{Budget, Moment};
use crate::cx::Cx;

/// The permission graph as of one moment, and how far a question may go in it.
pub struct Graph<'a, F: ?Sized> {
    pub tuples: &'a F,
    pub schema: &'a dyn Schema,
    /// Tuples that expire by this moment do not exist.
    pub now: Moment,
    /// How far a question may lead.
    pub limits: Limits,
    /// How much all questions together may look at; `None` where the limits are enough.
    pub budget: Option<&'a Budget>,
}

impl<'a, F: ?Sized> Graph<'a, F> {
    /// The same with other tuples.
    pub fn with<'b, G: ?Sized>(&self, tuples: &'b G) -> Graph<'b, G>
    where
        'a: 'b,
    {
        let Self { schema, now, limits, budget, .. } = *self;
        Graph { tuples, schema, now, limits, budget }
    }

    /// Takes steps from the budget. Errors: [`Error::LimitReached`].
    pub fn take(&self, steps: usize) -> Result<(), Error> {
        self.budget.map_or(Ok(()), |budget| Ok(budget.take(steps)?))
    }
}

impl<F: ?Sized> Clone for Graph<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: ?Sized> Copy for Graph<'_, F> {}

/// How far an evaluation may go. Beyond them there is no answer: [`Error::LimitReached`], never a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps from one object to another: nested groups and parents.
    pub depth: usize,
    /// Usersets that are looked into.
    pub subjects: usize,
    /// Relations of objects that are visited.
    pub nodes: usize,
    /// Objects or subjects that a list looks at.
    pub listed: usize,
}

impl Limits {
    /// As the configuration says.
    pub fn of(cx: &Cx) -> Self {
        let set = &cx.settings().limits;
        let (depth, subjects, nodes) = (set.check_depth, set.check_sets, set.check_nodes);
        Self { depth, subjects, nodes, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 25, subjects: 1_000, nodes: 10_000, listed: 100_000 }
    }
}

/// Where models come from.
pub trait Schema {
    /// The model of an entity type; `None` when nobody declared it.
    fn model(&self, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error>;
}
