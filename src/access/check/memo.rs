//! What an evaluation already knows, and how far it may be trusted.
//!
//! An answer found while another one was still being looked for may rest on "not yet" for that other one. Such answers are kept only
//! as long as that assumption stands: they become exact when the other one comes to no, and are forgotten when it comes to anything else.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::names::Place;
use super::proof::Proof;
use super::verdict::Verdict;
use crate::base::hash::Seeded;

/// The `low` of an answer that rests on nothing unfinished.
pub(super) const EXACT: usize = usize::MAX;

/// A relation of an object, and whether the permission's policy applies to the tuples that give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) at: Place,
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

/// What a part of the question came to.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    /// The lowest open node that it assumed to come to nothing, or [`EXACT`].
    pub(super) low: usize,
    pub(super) proof: Option<Rc<Proof>>,
}

impl Answer {
    pub(super) fn exact(verdict: Verdict, proof: Option<Rc<Proof>>) -> Self {
        Self { verdict, low: EXACT, proof }
    }

    pub(super) fn no() -> Self {
        Self::exact(Verdict::No, None)
    }
}

#[derive(Debug)]
enum Entry {
    /// Being looked for, as the n-th from the root.
    Open(usize),
    Done(Answer),
}

/// Answers by node.
#[derive(Debug)]
pub(super) struct Memo {
    entries: HashMap<Node, Entry, Seeded>,
    open: usize,
    /// Nodes whose answers are not exact, in the order they were found.
    provisional: Vec<Node>,
}

/// What is known of a node.
pub(super) enum Known {
    /// Its answer.
    Answer(Answer),
    /// It is being looked for, as the n-th from the root.
    Open(usize),
    /// Nothing.
    Nothing,
}

/// A node that is being looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    pub(super) index: usize,
    mark: usize,
}

/// Nodes of an ordinary question: room for them is made at once.
const ORDINARY: usize = 28;

impl Default for Memo {
    fn default() -> Self {
        let entries = HashMap::with_capacity_and_hasher(ORDINARY, Seeded::default());
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
            Some(Entry::Done(answer)) => Known::Answer(answer.clone()),
            Some(Entry::Open(index)) => Known::Open(*index),
            None => Known::Nothing,
        }
    }

    /// Begins to look for a node.
    pub(super) fn open(&mut self, node: Node) -> Opened {
        let opened = Opened { index: self.open, mark: self.provisional.len() };
        self.open += 1;
        self.entries.insert(node, Entry::Open(opened.index));
        opened
    }

    /// Keeps the answer to a node as far as it may be kept.
    pub(super) fn close(&mut self, node: Node, opened: Opened, mut answer: Answer) -> Answer {
        self.open = opened.index;
        // A yes rests on what holds; more yeses elsewhere cannot undo it. What assumed only this node itself assumed rightly.
        if answer.verdict == Verdict::Yes || answer.low >= opened.index {
            answer.low = EXACT;
        }
        if answer.verdict == Verdict::No {
            self.confirm(opened, answer.low);
        } else {
            for assumed in self.provisional.drain(opened.mark..) {
                self.entries.remove(&assumed);
            }
        }
        if answer.low != EXACT {
            self.provisional.push(node);
        }
        self.entries.insert(node, Entry::Done(answer.clone()));
        answer
    }

    /// The node came to no, as was assumed: what rested on it now rests on what the node itself rests on.
    fn confirm(&mut self, opened: Opened, low: usize) {
        let entries = &mut self.entries;
        let mut at = 0;
        self.provisional.retain(|node| {
            at += 1;
            let Some(Entry::Done(answer)) = entries.get_mut(node).filter(|_| at > opened.mark) else { return true };
            answer.low = match answer.low {
                before if before >= opened.index => low,
                before => before.min(low),
            };
            answer.low != EXACT
        });
    }
}
