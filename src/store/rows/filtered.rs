//! Pages of which not every row is wanted: a bounded number of rows is looked at for each, so that a rare one does not
//! hold anybody up.

use crate::base::best::Best;
use crate::base::page::Page;
use crate::base::sort::{Rank, Sort, Sortable};
use crate::store::{Error, Key, Order, Read, Record, Table};

/// Rows looked at to fill one page, at the most.
const SCAN_LIMIT: usize = 5_000;

/// Rows read at a time while most of them are not wanted.
const CHUNK: usize = 500;

/// The range of a table that a page is read from.
pub(super) struct PageRange<K> {
    /// What its keys begin with.
    pub prefix: Vec<u8>,
    /// The key that it comes after.
    pub after: Option<K>,
    pub order: Order,
    /// How many records at the most.
    pub limit: usize,
}

/// The page of the records that `wanted` accepts; `cursor` names a key. A page may be short and still have a successor
/// when few records are wanted: the cursor is then the last one that was looked at, so that reading on until there is
/// none finds each exactly once.
pub(super) fn page<K: Key, R: Record>(
    from: &(impl Read + ?Sized),
    table: &Table<K, R>,
    range: PageRange<K>,
    wanted: impl Fn(&R) -> bool,
    cursor: impl Fn(&K) -> String,
) -> Result<Page<R>, Error> {
    let PageRange { prefix, mut after, order, limit } = range;
    let mut items = Vec::new();
    // The last key that is on the page or was looked at and left out.
    let mut last: Option<String> = None;
    let (mut looked, mut chunk) = (0, limit.saturating_add(1));
    loop {
        let rows = table.page(from, &prefix, after.as_ref(), order, chunk)?;
        let ended = rows.len() < chunk;
        for (key, record) in rows {
            let hit = wanted(&record);
            if hit && items.len() == limit || looked == SCAN_LIMIT {
                return Ok(Page { items, next: last });
            }
            looked += 1;
            last = Some(cursor(&key));
            after = Some(key);
            items.extend(hit.then_some(record));
        }
        if ended {
            return Ok(Page { items, next: None });
        }
        chunk = CHUNK;
    }
}

/// The page of the records that `wanted` accepts in the order of `sort`: all whose keys begin with `prefix` are looked
/// at, and no more than the page is held. `rank` tells what each is sorted by.
pub(super) fn sorted<K: Key, R: Record + Sortable>(
    from: &(impl Read + ?Sized),
    table: &Table<K, R>,
    prefix: &[u8],
    (sort, limit): (&Sort, usize),
    wanted: impl Fn(&R) -> bool,
    rank: impl Fn(&R) -> Rank,
) -> Result<Page<R>, Error> {
    let (mut best, mut after) = (Best::new(sort, limit), None);
    loop {
        let rows = table.page(from, prefix, after.as_ref(), Order::Ascending, CHUNK)?;
        let ended = rows.len() < CHUNK;
        for (key, record) in rows {
            after = Some(key);
            if wanted(&record) {
                best.offer_as(rank(&record), record);
            }
        }
        if ended {
            return Ok(best.into_page());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::groups;
    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::id::{GroupId, TenantId};
    use crate::base::page::PageRequest;
    use crate::records::Group;
    use crate::store::{Store, Tx};
    use crate::testing::START;

    const TENANT: TenantId = TenantId::DEFAULT;

    fn store_of(count: usize) -> Store {
        let groups: Vec<Group> = (0..count)
            .map(|number| Group {
                id: GroupId::new(START, &OsEntropy),
                name: format!("g{number}"),
                description: None,
                created_at: START,
                updated_at: START,
                version: number as u64,
            })
            .collect();
        let store = Store::in_memory();
        let write =
            move |tx: &mut Tx| groups.iter().try_for_each(|group| groups::put(tx, TENANT, None, group).map(drop));
        store.write_blocking::<_, Error, _>(write).unwrap();
        store
    }

    /// Reads to the end; answers the versions found and the pages that it took.
    fn read(store: &Store, limit: usize, wanted: impl Fn(&Group) -> bool) -> (Vec<u64>, usize) {
        let from = store.read().unwrap();
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = groups::page_of(&from, TENANT, &PageRequest::new(Some(limit), after), &wanted).unwrap();
            assert!(page.items.len() <= limit);
            found.extend(page.items.iter().map(|group| group.version));
            pages += 1;
            after = page.next;
            if after.is_none() {
                found.sort_unstable();
                return (found, pages);
            }
        }
    }

    #[test]
    fn every_wanted_row_is_found_once_whatever_the_page() {
        let store = store_of(1_203);
        for limit in [1, 7, 100, 500] {
            for step in [1, 2, 50, 600, 5_000] {
                let (found, _) = read(&store, limit, |group| group.version % step == 0);
                let all: Vec<u64> = (0..1_203).filter(|number| number % step == 0).collect();
                assert_eq!(found, all, "{limit} {step}");
            }
        }
        assert_eq!(read(&store, 100, |_| false), (Vec::new(), 1));
        assert_eq!(read(&store, 401, |_| true).1, 3, "no empty page at the end");
    }

    #[test]
    fn a_page_looks_at_a_bounded_number_of_rows_and_goes_on() {
        let store = store_of(SCAN_LIMIT + 1);
        let (found, pages) = read(&store, 10, |group| group.version == 3);
        assert_eq!((found, pages), (vec![3], 2));
    }
}
