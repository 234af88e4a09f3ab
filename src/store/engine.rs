//! The seam: what an engine must be able to do. Byte tables, ordered keys, frozen views, commits in one order. What
//! only a file can do is [`DataFile`].

use std::collections::BTreeMap;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::log::Logged;
use super::reads::ReadSet;
use super::{Error, Lease, schema};
use crate::base::Moment;

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// The direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the smallest key to the largest.
    Ascending,
    /// From the largest key to the smallest.
    Descending,
}

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
    /// The last commit.
    pub(super) revision: Revision,
    /// The last commit that touched what decides access ([`schema::ACCESS`]).
    pub(super) access: Revision,
}

impl Head {
    /// The state after one more commit.
    pub(super) fn after(self, changes: &Changes) -> Self {
        let revision = self.revision.next();
        let decides = changes.tables().any(|(name, _)| schema::ACCESS.contains(&name));
        Self { revision, access: if decides { revision } else { self.access } }
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

/// A frozen state of all tables. A table that was never written to is empty.
pub(super) trait View: Send + Sync {
    /// The value of a row.
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Up to `limit` rows between the bounds, in order. Bounds that leave nothing between them give no rows.
    fn scan(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error>;

    /// How many rows a table has, without reading them.
    fn count(&self, table: &'static str) -> Result<u64, Error>;

    /// Which state this is. Read from the state itself, so that the two always belong together.
    fn head(&self) -> Result<Head, Error>;
}

/// Changes that rest on what was read of one state.
#[derive(Debug)]
pub(super) struct Proposal {
    /// The state that was read.
    pub(super) base: Revision,
    /// What was read of it.
    pub(super) reads: ReadSet,
    /// What is to be put and deleted.
    pub(super) changes: Arc<Changes>,
}

/// Nothing of a proposal was kept, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CommitError {
    /// Another process has changed what was read. A snapshot taken from now on shows `newer` at least: propose again
    /// what follows from that.
    #[error("another process changed what was read, up to revision {}", newer.number())]
    Conflict {
        /// The last commit.
        newer: Revision,
    },
    /// There is no room left.
    #[error("the disk is full")]
    Full,
    /// The disk, or the way to where rows are kept, failed.
    #[error("{0}")]
    Io(String),
    /// What is stored does not fit together.
    #[error("the data file is damaged: {0}")]
    Damaged(String),
    /// The engine was closed.
    #[error("the store is closed")]
    Closed,
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::Full,
            Error::Io(cause) => Self::Io(cause),
            Error::Damaged(reason) => Self::Damaged(reason),
            Error::Closed => Self::Closed,
            other => Self::Io(other.to_string()),
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } => Self::Conflict,
            CommitError::Full => Self::Full,
            CommitError::Io(cause) => Self::Io(cause),
            CommitError::Damaged(reason) => Self::Damaged(reason),
            CommitError::Closed => Self::Closed,
        }
    }
}

/// What is called when another process has made a commit.
pub(super) type Listener = Box<dyn Fn() + Send + Sync>;

/// Where rows are kept. Backing up is built on a view (see `backup`), so that it works for every engine.
pub(super) trait Engine: Send + Sync {
    /// The state as of the last commit, unaffected by later ones. Those who ask between two commits may share one view.
    fn snapshot(&self) -> Result<Arc<dyn View>, Error>;

    /// Makes all changes of the proposal or none, durably, as the next revision, and answers that. Refuses it when a
    /// commit after its base has touched what it read. After another error the engine holds the state before, the state
    /// after, or fails clearly; which of them says the head of the next view.
    fn commit(&self, proposal: &Proposal) -> Result<Revision, CommitError>;

    /// All commits after `revision`, in order and without a gap, anyone who made them; `None` when not all of them are
    /// known any more. Asked after a commit of this process or a call of a [`Listener`], it knows that commit.
    fn changes_since(&self, revision: Revision) -> Result<Option<Vec<Logged>>, Error>;

    /// Calls `listener` whenever a commit that another process made has become known here. An engine that only one
    /// process can open never does.
    fn listen(&self, listener: Listener);

    /// Gives `lease` to this process, or prolongs it, unless another process holds one of the same name that has not
    /// ended at `now`; answers whether it did. An engine that only one process can open always gives it and stores
    /// nothing.
    fn lease<'a>(&'a self, lease: &'a Lease, now: Moment) -> Asked<'a>;

    /// Gives the lease back before its end. Does nothing when another process holds it by now.
    fn give_back<'a>(&'a self, lease: &'a Lease) -> Asked<'a>;
}

/// An answer that an engine may have to fetch from elsewhere.
pub(super) type Asked<'a> = Pin<Box<dyn Future<Output = Result<bool, Error>> + Send + 'a>>;

/// What an engine over a file can do besides. Rules never see it; opening, upgrading and closing do.
pub(super) trait DataFile: Send + Sync {
    /// Gives unused room back to the system; false when there was none, or readers hold on to it.
    fn compact(&self) -> Result<bool, Error>;

    /// Makes a savepoint of the current state, so that [`DataFile::roll_back`] can return to it even after a crash.
    fn savepoint(&self) -> Result<(), Error>;

    /// Returns to the savepoint and removes it; false when there is none.
    fn roll_back(&self) -> Result<bool, Error>;

    /// Removes the savepoint and keeps the current state.
    fn release(&self) -> Result<(), Error>;

    /// Lets go of the file. Everything afterwards fails with [`Error::Closed`].
    fn close(&self);
}

/// Whether no key can lie between the bounds.
pub(super) fn nothing_between(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}
