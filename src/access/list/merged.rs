//! Several sorted lists read as one.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::access::Error;

/// Texts read at a time, of all lists together.
const CHUNK: usize = 1_024;

/// Sorted lists as one sorted list with each text once. `read` gives up to so many texts of the n-th list behind one.
pub(super) struct Merged<R> {
    read: R,
    chunk: usize,
    heads: BinaryHeap<Reverse<(String, usize)>>,
    /// What was read of each list; `None` behind its end.
    rest: Vec<Option<VecDeque<String>>>,
    last: Option<String>,
}

impl<R: FnMut(usize, Option<&str>, usize) -> Result<Vec<String>, Error>> Merged<R> {
    /// Of `count` lists, what stands behind `after`. Errors: those of `read`.
    pub(super) fn new(count: usize, after: Option<&str>, read: R) -> Result<Self, Error> {
        let chunk = (CHUNK / count.max(1)).clamp(2, 256);
        let rest = vec![Some(VecDeque::new()); count];
        let mut merged = Self { read, chunk, heads: BinaryHeap::new(), rest, last: None };
        for list in 0..count {
            merged.advance(list, after)?;
        }
        Ok(merged)
    }

    /// The next text. Errors: those of `read`.
    pub(super) fn next(&mut self) -> Result<Option<String>, Error> {
        while let Some(Reverse((text, list))) = self.heads.pop() {
            self.advance(list, Some(&text))?;
            if self.last.as_ref() != Some(&text) {
                self.last = Some(text.clone());
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Brings the next text of a list among the heads: the one behind `after`, which was its head before.
    fn advance(&mut self, list: usize, after: Option<&str>) -> Result<(), Error> {
        let Some(Some(rest)) = self.rest.get_mut(list) else { return Ok(()) };
        if rest.is_empty() {
            rest.extend((self.read)(list, after, self.chunk)?);
        }
        match rest.pop_front() {
            Some(text) => self.heads.push(Reverse((text, list))),
            None => {
                if let Some(rest) = self.rest.get_mut(list) {
                    *rest = None;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_merged_in_order_and_each_text_comes_once() {
        let lists: Vec<Vec<String>> =
            (0..40).map(|list| (0..500).filter(|n| n % (list + 1) == 0).map(|n| format!("{n:03}")).collect()).collect();
        for after in [None, Some("000"), Some("250"), Some("499"), Some("x")] {
            let read = |list: usize, after: Option<&str>, most: usize| {
                let behind = lists[list].iter().filter(|text| after.is_none_or(|after| text.as_str() > after));
                Ok(behind.take(most).cloned().collect())
            };
            let mut merged = Merged::new(lists.len(), after, read).unwrap();
            let found: Vec<String> = std::iter::from_fn(|| merged.next().unwrap()).collect();
            let wanted = lists[0].iter().filter(|text| after.is_none_or(|after| text.as_str() > after));
            assert_eq!(found, wanted.cloned().collect::<Vec<_>>());
        }
        assert!(Merged::new(0, None, |_, _, _| Ok(Vec::new())).unwrap().next().unwrap().is_none());
    }
}
