//! The seam: what an engine must be able to do. Byte tables, ordered keys, frozen views, commits in one order. What
//! only a file can do is [`DataFile`].

use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;

use super::Error;
use super::changes::{Changes, Head, Revision};
use super::lease::Lease;
use super::log::Logged;
use super::reads::ReadSet;
use super::scan::{Order, Row};
use crate::base::Moment;

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
    Conflict { newer: Revision },
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
