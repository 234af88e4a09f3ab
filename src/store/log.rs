//! The last commits, kept in memory by engines that have no log of their own: for who follows, and to find conflicts.

use std::collections::VecDeque;
use std::sync::Arc;

use super::changes::{Changes, Revision};
use super::reads::ReadSet;

/// Commits kept at the most.
const MOST: usize = 256;

/// Bytes of keys and values kept at the most; the last commit is kept however large it is.
const MOST_BYTES: usize = 1 << 20;

/// One commit: its revision, and what it changed.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) revision: Revision,
    pub(super) changes: Arc<Changes>,
}

/// Commits without a gap, up to the newest one.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The revision before the first of them.
    before: Revision,
    commits: VecDeque<Logged>,
    bytes: usize,
}

impl Log {
    /// Begins behind `revision`: nothing is known of what led there.
    pub(super) fn behind(revision: Revision) -> Self {
        Self { before: revision, ..Self::default() }
    }

    /// The newest revision that is known.
    pub(super) fn newest(&self) -> Revision {
        self.commits.back().map_or(self.before, |logged| logged.revision)
    }

    /// Adds a commit. One that does not follow the newest makes all before it unknown.
    pub(super) fn push(&mut self, logged: Logged) {
        if logged.revision != self.newest().next() {
            *self = Self::behind(logged.revision.previous());
        }
        self.bytes += logged.changes.bytes();
        self.commits.push_back(logged);
        while self.commits.len() > MOST || (self.bytes > MOST_BYTES && self.commits.len() > 1) {
            let Some(first) = self.commits.pop_front() else { break };
            self.bytes -= first.changes.bytes();
            self.before = first.revision;
        }
    }

    /// All commits after `revision`; `None` when not all of them are known.
    pub(super) fn since(&self, revision: Revision) -> Option<Vec<Logged>> {
        let known = self.commits.iter().rev().take_while(|logged| logged.revision > revision);
        let mut since: Vec<_> = known.cloned().collect();
        since.reverse();
        (revision >= self.before).then_some(since)
    }

    /// Whether a commit after `base` may have touched what was read at `base`.
    pub(super) fn touches(&self, reads: &ReadSet, base: Revision) -> bool {
        self.since(base).is_none_or(|since| since.iter().any(|logged| reads.is_touched_by(&logged.changes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(revision: u64, bytes: usize) -> Logged {
        let mut changes = Changes::default();
        changes.set("test_a", Vec::new(), Some(vec![0; bytes]));
        Logged { revision: Revision::at(revision), changes: Arc::new(changes) }
    }

    fn since(log: &Log, revision: u64) -> Option<Vec<u64>> {
        let since = log.since(Revision::at(revision))?;
        Some(since.iter().map(|logged| logged.revision.number()).collect())
    }

    #[test]
    fn what_is_known_has_no_gap() {
        let mut log = Log::behind(Revision::at(7));
        assert_eq!((since(&log, 7), since(&log, 6), since(&log, 8)), (Some(vec![]), None, Some(vec![])));
        (8..=10).for_each(|revision| log.push(logged(revision, 1)));
        assert_eq!(
            (since(&log, 7), since(&log, 9), log.newest()),
            (Some(vec![8, 9, 10]), Some(vec![10]), Revision::at(10))
        );
        log.push(logged(12, 1));
        assert_eq!((since(&log, 10), since(&log, 11)), (None, Some(vec![12])));
    }

    #[test]
    fn old_and_large_commits_are_forgotten() {
        let mut log = Log::default();
        (1..=2_000).for_each(|revision| log.push(logged(revision, 1)));
        assert_eq!((since(&log, 1_743), since(&log, 1_744).map(|since| since.len())), (None, Some(MOST)));
        log.push(logged(2_001, MOST_BYTES + 1));
        assert_eq!((since(&log, 1_999), since(&log, 2_000)), (None, Some(vec![2_001])));
    }
}
