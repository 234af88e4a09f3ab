//! The results that an evaluation already has, and which of them are exact.
//!
//! A result found while another one was still open may rest on the assumption that the other one is no. Such results
//! are kept only as long as that assumption is not disproved: they become exact when the other one is no, and are
//! forgotten when it is anything else.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::derivation::Derivation;
use super::result::CheckResult;
use super::symbols::Userset;
use foldhash::fast::RandomState;

/// The `low` of a result that rests on nothing unfinished.
pub(super) const EXACT: usize = usize::MAX;

/// A relation of an object, and whether the permission's policy applies to the tuples that give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) at: Userset,
    pub(super) applies: bool,
}

impl Hash for Node {
    /// In two words, which is quicker than four.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        state.write_u64(pair(self.at.kind.0, self.at.id.0));
        state.write_u64(pair(self.at.relation.0, u32::from(self.applies)));
    }
}

/// The result of a node.
#[derive(Clone, Debug)]
pub(super) struct NodeResult {
    pub(super) result: CheckResult,
    /// The lowest open node that it assumed to be no (the low-link of Tarjan's algorithm), or [`EXACT`].
    pub(super) low: usize,
    pub(super) derivation: Option<Rc<Derivation>>,
}

impl NodeResult {
    pub(super) fn exact(result: CheckResult, derivation: Option<Rc<Derivation>>) -> Self {
        Self { result, low: EXACT, derivation }
    }

    pub(super) fn no() -> Self {
        Self::exact(CheckResult::No, None)
    }
}

#[derive(Debug)]
enum Entry {
    /// Being evaluated, as the n-th from the root.
    Open(usize),
    Done(NodeResult),
}

/// Results by node.
#[derive(Debug)]
pub(super) struct Memo {
    entries: HashMap<Node, Entry, RandomState>,
    open: usize,
    /// Nodes whose results are not exact, in the order they were found.
    provisional: Vec<Node>,
}

/// What is known of a node.
pub(super) enum Known {
    Result(NodeResult),
    /// It is being evaluated, as the n-th from the root.
    Open(usize),
    Nothing,
}

/// A node that is being evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    pub(super) index: usize,
    /// How many provisional results there were before it.
    provisional: usize,
}

/// Nodes of an ordinary question: room for them is made at once.
const ORDINARY: usize = 28;

impl Default for Memo {
    fn default() -> Self {
        let entries = HashMap::with_capacity_and_hasher(ORDINARY, RandomState::default());
        Self { entries, open: 0, provisional: Vec::new() }
    }
}

impl Memo {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.provisional.clear();
        self.open = 0;
    }

    pub(super) fn known(&self, node: Node) -> Known {
        match self.entries.get(&node) {
            Some(Entry::Done(found)) => Known::Result(found.clone()),
            Some(Entry::Open(index)) => Known::Open(*index),
            None => Known::Nothing,
        }
    }

    /// Begins to evaluate a node.
    pub(super) fn open(&mut self, node: Node) -> Opened {
        let opened = Opened { index: self.open, provisional: self.provisional.len() };
        self.open += 1;
        self.entries.insert(node, Entry::Open(opened.index));
        opened
    }

    /// Keeps the result of a node as far as it may be kept.
    pub(super) fn close(&mut self, node: Node, opened: Opened, mut found: NodeResult) -> NodeResult {
        self.open = opened.index;
        // A yes rests on what holds; more yeses elsewhere cannot undo it. What assumed only that this node itself is no
        // was right.
        if found.result == CheckResult::Yes || found.low >= opened.index {
            found.low = EXACT;
        }
        if found.result == CheckResult::No {
            self.confirm(opened, found.low);
        } else {
            for assumed in self.provisional.drain(opened.provisional..) {
                self.entries.remove(&assumed);
            }
        }
        if found.low != EXACT {
            self.provisional.push(node);
        }
        self.entries.insert(node, Entry::Done(found.clone()));
        found
    }

    /// The node is no, as was assumed: what rested on it now rests on what the node itself rests on.
    fn confirm(&mut self, opened: Opened, low: usize) {
        let entries = &mut self.entries;
        let mut at = 0;
        self.provisional.retain(|node| {
            at += 1;
            let Some(Entry::Done(found)) = entries.get_mut(node).filter(|_| at > opened.provisional) else {
                return true;
            };
            found.low = match found.low {
                before if before >= opened.index => low,
                before => before.min(low),
            };
            found.low != EXACT
        });
    }
}
