//! The first page of a sorted list: the best are kept while everything is looked at once, whatever there is.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::page::Page;
use super::sort::{Rank, Sort, Sortable};

/// The first items of a sorted list, of all that are offered: no more than a page of them is held.
pub struct Best<'s, R> {
    sort: &'s Sort,
    limit: usize,
    kept: BinaryHeap<Ranked<'s, R>>,
}

struct Ranked<'s, R> {
    sort: &'s Sort,
    rank: Rank,
    item: R,
}

impl<R: Sortable> Ord for Ranked<'_, R> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort.compare((&self.rank, self.item.key()), (&other.rank, other.item.key()))
    }
}

impl<R: Sortable> PartialOrd for Ranked<'_, R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R: Sortable> PartialEq for Ranked<'_, R> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<R: Sortable> Eq for Ranked<'_, R> {}

impl<'s, R: Sortable> Best<'s, R> {
    /// A page of at most `limit` items in this order.
    pub fn new(sort: &'s Sort, limit: usize) -> Self {
        Self { sort, limit, kept: BinaryHeap::new() }
    }

    /// Takes an item if it belongs to the page.
    pub fn offer(&mut self, item: R) {
        let rank = item.rank(self.sort.field);
        self.offer_as(rank, item);
    }

    /// As [`Best::offer`], where the value is known better than the record knows it.
    pub fn offer_as(&mut self, rank: Rank, item: R) {
        let is_before = |(last, key): &(Rank, String)| {
            self.sort.compare((&rank, item.key()), (last, key.as_str())) != Ordering::Greater
        };
        if self.sort.after.as_ref().is_some_and(is_before) {
            return;
        }
        let new = Ranked { sort: self.sort, rank, item };
        // One more than the page, to know whether there is another.
        if self.kept.len() <= self.limit {
            self.kept.push(new);
        } else if let Some(mut worst) = self.kept.peek_mut()
            && new < *worst
        {
            *worst = new;
        }
    }

    /// The page, in order.
    pub fn into_page(self) -> Page<R> {
        let sort = self.sort;
        let cursor = |last: &Ranked<R>| sort.cursor(&last.rank, last.item.key());
        Page::from_rows(self.kept.into_sorted_vec(), self.limit, cursor).map(|ranked| ranked.item)
    }

    /// The page of all these.
    pub fn page_of(sort: &'s Sort, limit: usize, items: impl IntoIterator<Item = R>) -> Page<R> {
        let mut best = Self::new(sort, limit);
        items.into_iter().for_each(|item| best.offer(item));
        best.into_page()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;

    #[derive(Clone, Debug, PartialEq)]
    struct Thing(String, Option<&'static str>, i64);

    impl Sortable for Thing {
        const FIELDS: &'static [&'static str] = &["name", "created_at"];

        fn rank(&self, field: &str) -> Rank {
            match field {
                "name" => Rank::text_if(self.1),
                _ => Rank::Time(Moment::from_millis(self.2)),
            }
        }

        fn key(&self) -> &str {
            &self.0
        }
    }

    fn things() -> Vec<Thing> {
        let names = [Some("Bob"), None, Some("ann"), Some("Änne"), Some("ANN"), None, Some("zoe"), Some("Bob")];
        names.into_iter().zip(0..).map(|(name, n)| Thing(format!("t{n}"), name, n % 3)).collect()
    }

    fn read(sort: &str, limit: usize) -> String {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let sort = Sort::of::<Thing>(sort).unwrap();
            let sort = match &after {
                None => sort,
                Some(cursor) => sort.after(cursor).unwrap(),
            };
            let page = Best::page_of(&sort, limit, things());
            assert!(page.items.len() <= limit);
            found.extend(page.items.into_iter().map(|thing| thing.0));
            after = page.next;
            if after.is_none() {
                return found.join(" ");
            }
        }
    }

    #[test]
    fn every_item_is_read_once_in_order_whatever_the_page() {
        for limit in [1, 2, 3, 7, 8, 9, 100] {
            assert_eq!(read("name", limit), "t2 t4 t0 t7 t6 t3 t1 t5");
            assert_eq!(read("-name", limit), "t3 t6 t7 t0 t4 t2 t5 t1", "those without a name stay at the end");
            assert_eq!(read("created_at", limit), "t0 t3 t6 t1 t4 t7 t2 t5");
            assert_eq!(read("-created_at", limit), "t5 t2 t7 t4 t1 t6 t3 t0");
        }
    }

    #[test]
    fn a_cursor_is_good_for_the_order_that_made_it() {
        let sort = Sort::of::<Thing>("-name").unwrap();
        let cursor = Best::page_of(&sort, 2, things()).next.unwrap();
        assert!(sort.clone().after(&cursor).is_some());
        for other in ["name", "created_at", "-created_at"] {
            assert_eq!(Sort::of::<Thing>(other).unwrap().after(&cursor), None, "{other}");
        }
        for wrong in ["", ".", "t1", ".e30", ".[]", &"x".repeat(9_000), &cursor[1..], &cursor[..cursor.len() - 2]] {
            assert_eq!(sort.clone().after(wrong), None, "{wrong}");
        }
        assert_eq!(Sort::of::<Thing>("colour"), None);
        assert_eq!(Sort::of::<Thing>("--name"), None);
    }
}
