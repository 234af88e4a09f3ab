//! What a commit changes, and its place among all commits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::schema;

/// A place in the order of all commits: how many there were. It is stored with the data, in the same commit, so that it
/// is the same for every process that serves them, after a restart, and in a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// As a number, for what keeps or shows it.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// That of the next commit.
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// That of the commit before.
    pub(super) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    #[cfg(test)]
    pub(super) const fn at(number: u64) -> Self {
        Self(number)
    }
}

/// Which state a view shows. Part of the state, as a row of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The last commit of all.
    pub(super) revision: Revision,
    /// The last commit that touched what decides access ([`schema::ACCESS`]).
    pub(super) access: Revision,
    /// The last commit that touched a model ([`schema::MODELS`]); 0 where none did since this is counted.
    #[serde(default)]
    pub(super) models: Revision,
}

impl Head {
    /// The state after one more commit.
    pub(super) fn after(self, changes: &Changes) -> Self {
        let revision = self.revision.next();
        let last = |tables: &[&str], before| {
            if changes.tables().any(|(name, _)| tables.contains(&name)) { revision } else { before }
        };
        let (access, models) = (last(schema::ACCESS, self.access), last(schema::MODELS, self.models));
        Self { revision, access, models }
    }
}

/// What a transaction, or a batch of them, changes: by table and key, the new value or `None` for a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    tables: BTreeMap<&'static str, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    bytes: usize,
}

impl Changes {
    /// Whether nothing was put or deleted.
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// About how much memory it takes: all keys and values that were ever noted.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Notes the new value of a row, or its deletion.
    pub(super) fn set(&mut self, table: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        self.tables.entry(table).or_default().insert(key, value);
    }

    /// What is noted of a row: nothing, its new value, or its deletion.
    pub(super) fn find(&self, table: &'static str, key: &[u8]) -> Option<Option<&[u8]>> {
        self.tables.get(table)?.get(key).map(Option::as_deref)
    }

    /// Takes over all of `later`, which wins.
    pub(super) fn absorb(&mut self, later: Self) {
        self.bytes += later.bytes;
        for (table, rows) in later.tables {
            self.tables.entry(table).or_default().extend(rows);
        }
    }

    /// The rows noted for one table, by key.
    pub(super) fn table(&self, table: &'static str) -> Option<&BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
        self.tables.get(table)
    }

    /// The tables with notes, and their rows by key.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<Vec<u8>, Option<Vec<u8>>>)> {
        self.tables.iter().map(|(name, rows)| (*name, rows))
    }
}
