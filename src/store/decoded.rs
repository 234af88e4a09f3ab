//! Rows that are read with nearly every request, decoded once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;

use super::key::{Key, Parts, prefix};
use super::record::{self, Record};
use super::tx::{Read, Snapshot};
use super::{Error, Table};

/// Rows that are kept. With one more, all are let go: who has more than this has other costs.
const MOST: usize = 512;

/// Bytes of a row above which it is decoded each time, so that what is kept has an end: 16 MiB of rows.
const MOST_BYTES: usize = 32 * 1024;

/// Rows of one table, each with the bytes that it was decoded from. A row is taken from here only where the snapshot
/// has these very bytes: nothing has to be told when it changes, in this process or in another one.
#[derive(Debug)]
pub struct Decoded<R> {
    rows: RwLock<HashMap<Vec<u8>, Row<R>, RandomState>>,
}

#[derive(Debug)]
struct Row<R> {
    bytes: Vec<u8>,
    record: Arc<R>,
}

impl<R> Default for Decoded<R> {
    fn default() -> Self {
        Self { rows: RwLock::default() }
    }
}

impl<R> Decoded<R> {
    fn find(&self, key: &[u8], bytes: &[u8]) -> Option<Arc<R>> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(key).filter(|row| row.bytes == bytes).map(|row| Arc::clone(&row.record))
    }

    fn keep(&self, key: Vec<u8>, bytes: Vec<u8>, record: &Arc<R>) {
        if bytes.len() > MOST_BYTES {
            return;
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= MOST && !rows.contains_key(&key) {
            rows.clear();
        }
        rows.insert(key, Row { bytes, record: Arc::clone(record) });
    }
}

impl<K: Key, R: Record> Table<K, R> {
    /// As [`Table::find`], shared with others who found the same row. Errors: reading, and a row that cannot be
    /// decoded.
    pub fn find_shared(
        &self,
        from: &Snapshot,
        key: impl Parts<Key = K>,
        decoded: &Decoded<R>,
    ) -> Result<Option<Arc<R>>, Error> {
        let key = prefix(key);
        let Some(bytes) = from.get_raw(self.name(), &key)? else { return Ok(None) };
        if let Some(record) = decoded.find(&key, &bytes) {
            return Ok(Some(record));
        }
        let record = Arc::new(record::from_bytes(&bytes)?);
        decoded.keep(key, bytes, &record);
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::store::Store;
    use crate::testing::block_on;

    #[derive(Debug, Serialize, Deserialize)]
    struct Named {
        name: String,
    }
    impl Record for Named {}

    const TABLE: Table<(String,), Named> = Table::new("test_a");

    fn put(store: &Store, key: &str, name: &str) {
        let (key, row) = (key.to_owned(), Named { name: name.to_owned() });
        let row = Arc::new(row);
        block_on(store.write(move |tx| TABLE.put(tx, (key.as_str(),), &row))).unwrap();
    }

    #[test]
    fn a_row_is_decoded_once_and_again_when_it_has_changed_also_for_who_sees_the_old_state() {
        let (store, decoded) = (Store::in_memory(), Decoded::default());
        put(&store, "k", "one");
        let before = store.read().unwrap();
        let find = |from: &Snapshot| TABLE.find_shared(from, ("k",), &decoded).unwrap().unwrap();
        let (first, second) = (find(&before), find(&before));
        assert!(Arc::ptr_eq(&first, &second));
        put(&store, "k", "two");
        let after = store.read().unwrap();
        assert_eq!((&*find(&after).name, &*find(&before).name, &*find(&after).name), ("two", "one", "two"));
        assert!(TABLE.find_shared(&after, ("other",), &decoded).unwrap().is_none());
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let decoded = Decoded::default();
        let row = Arc::new(());
        for number in 0..=MOST {
            decoded.keep(number.to_be_bytes().to_vec(), vec![1], &row);
        }
        decoded.keep(b"large".to_vec(), vec![1; MOST_BYTES + 1], &row);
        assert_eq!(decoded.rows.read().unwrap().len(), 1);
    }
}
