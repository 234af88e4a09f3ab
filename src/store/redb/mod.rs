//! The data file: the engine over redb, and what opens, makes, guards, copies and proves a file. The only folder that
//! names redb.
//!
//! May use: the rest of `store`. Start reading at [`engine::RedbEngine`]; then `opening` (from a path to an open,
//! proved file, or a refusal), `device` (the bytes below redb), `draft` (a file that appears whole or not at all),
//! `backup`, and `files` (what only a store with a file can do).
//!
//! Two-phase commits and quick repair always: with a shared commit the safe mode is free, and a file reopens at once
//! after a crash.

mod backup;
mod device;
mod draft;
mod engine;
mod error;
mod fault;
mod files;
mod opening;
mod options;
mod view;

#[cfg(test)]
mod refusals;

pub use backup::{BackupReport, Restored, restore, verify_backup};
pub use error::{BackupError, OpenError};
pub use options::Options;

#[cfg(test)]
pub(super) use {
    draft::{Draft, Publish},
    engine::RedbEngine,
};
