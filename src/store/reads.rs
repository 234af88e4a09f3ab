//! What a transaction has read: keys, and ranges as their bounds. A commit by somebody else that touches none of it
//! changes nothing of what the transaction saw.

use std::ops::{Bound, Range};

use super::changes::Changes;
use super::scan::nothing_between;

/// Reads that are kept one by one. With more of them the tables are kept as a whole: a long transaction is then in
/// conflict more often, and what it holds in memory has an end.
const MOST: usize = 100_000;

/// Everything that was read of the state below a transaction.
///
/// All keys lie in one piece of memory, one after another, since a busy writer notes some thousand of them for each
/// commit.
#[derive(Debug, Default)]
pub(super) struct ReadSet {
    bytes: Vec<u8>,
    reads: Vec<OneRead>,
    whole: Vec<&'static str>,
}

#[derive(Debug)]
struct OneRead {
    table: &'static str,
    what: What,
}

/// Places in the bytes of the set.
#[derive(Debug)]
enum What {
    Key(Range<usize>),
    Between(Bound<Range<usize>>, Bound<Range<usize>>),
}

impl ReadSet {
    /// Notes that a row was looked for, whether it is there or not.
    pub(super) fn key(&mut self, table: &'static str, key: &[u8]) {
        let key = self.keep(key);
        self.note(table, What::Key(key));
    }

    /// Notes that all rows between two bounds were looked for. What leaves nothing between them is no read.
    pub(super) fn range(&mut self, table: &'static str, from: Bound<&[u8]>, to: Bound<&[u8]>) {
        if nothing_between(from, to) {
            return;
        }
        let (from, to) = (from.map(|key| self.keep(key)), to.map(|key| self.keep(key)));
        self.note(table, What::Between(from, to));
    }

    /// Whether a commit put or deleted a row that was read, or one that would have been found by a read.
    pub(super) fn is_touched_by(&self, changes: &Changes) -> bool {
        let whole = self.whole.iter().any(|table| changes.table(table).is_some());
        whole || self.reads.iter().any(|read| self.touches(read, changes))
    }

    fn touches(&self, read: &OneRead, changes: &Changes) -> bool {
        let Some(rows) = changes.table(read.table) else { return false };
        match &read.what {
            What::Key(key) => rows.contains_key(self.at(key)),
            What::Between(from, to) => {
                let bounds = (from.as_ref().map(|key| self.at(key)), to.as_ref().map(|key| self.at(key)));
                rows.range::<[u8], _>(bounds).next().is_some()
            }
        }
    }

    fn keep(&mut self, key: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        start..self.bytes.len()
    }

    fn at(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    fn note(&mut self, table: &'static str, what: What) {
        self.reads.push(OneRead { table, what });
        if self.reads.len() > MOST {
            self.whole.extend(self.reads.drain(..).map(|read| read.table));
            self.whole.sort_unstable();
            self.whole.dedup();
            self.bytes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "test_a";
    const B: &str = "test_b";

    fn changed(table: &'static str, key: &[u8]) -> Changes {
        let mut changes = Changes::default();
        changes.set(table, key.to_vec(), None);
        changes
    }

    #[test]
    fn a_commit_touches_what_was_read_and_what_would_have_been_found() {
        let mut reads = ReadSet::default();
        reads.key(A, b"k");
        reads.range(A, Bound::Included(b"p"), Bound::Excluded(b"q"));
        reads.range(B, Bound::Excluded(b"x"), Bound::Unbounded);
        reads.range(B, Bound::Included(b"d"), Bound::Excluded(b"d"));
        let touched = [(A, "k"), (A, "p"), (A, "pzz"), (B, "x0"), (B, "zzz")];
        let left_alone = [(A, "k0"), (A, ""), (A, "q"), (B, "k"), (B, "x"), (B, "d")];
        assert!(touched.iter().all(|(table, key)| reads.is_touched_by(&changed(table, key.as_bytes()))));
        assert!(!left_alone.iter().any(|(table, key)| reads.is_touched_by(&changed(table, key.as_bytes()))));
    }

    #[test]
    fn too_many_reads_are_kept_as_whole_tables() {
        let mut reads = ReadSet::default();
        for number in 0..=MOST {
            reads.key(A, &number.to_be_bytes());
        }
        assert!(reads.reads.is_empty() && reads.bytes.is_empty());
        reads.key(B, b"k");
        assert!(reads.is_touched_by(&changed(A, b"never read")));
        assert!(reads.is_touched_by(&changed(B, b"k")));
        assert!(!reads.is_touched_by(&changed(B, b"never read")));
    }
}
