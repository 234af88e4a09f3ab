//! What can go wrong on the way to an open file, and with backups.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::Error;

/// The data file was not opened, and it is as it was. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the file open.
    #[error("{} is in use by another process. Stop it, or use --data to name another file.", .0.display())]
    InUse(PathBuf),
    /// The bytes are not those of a data file at all.
    #[error("{} is not an Auther data file. Use --data to name another file.", .0.display())]
    NotAuther(PathBuf),
    /// A data file whose contents do not fit together.
    #[error("{} is damaged ({reason}). It was left untouched: restore a backup with `auther admin backup restore`.", path.display())]
    Damaged {
        /// The file that was to be opened or read.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The schema number is higher than this program's.
    #[error("{} was written by a newer version of Auther (schema {found}, this version knows {known}). Install that version or a later one.", path.display())]
    Newer {
        /// The file that was to be opened or read.
        path: PathBuf,
        /// The schema number in the file.
        found: u32,
        /// The highest schema number this program knows.
        known: u32,
    },
    /// The file may not be written.
    #[error("{} cannot be written: it, its folder or its disk is read-only for this user. Correct that with chmod or chown, or use --data to name another file.", .0.display())]
    ReadOnly(PathBuf),
    /// There is no room for the first or the next page.
    #[error("the disk that holds {} is full. Make room, then start again.", .0.display())]
    Full(PathBuf),
    /// Others than the owner may read or write the file.
    #[error("{} may be read or written by others (mode {mode:04o}). Run: chmod 600 {}", path.display(), path.display())]
    Mode {
        /// The file that was to be opened or read.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The path names a folder, a device or the like.
    #[error("{} is not a file. Use --data to name one.", .0.display())]
    NotAFile(PathBuf),
    /// The folder that should hold the file is missing.
    #[error("the folder of {} does not exist. Create it, or use --data to name another file.", .0.display())]
    NoFolder(PathBuf),
    /// There is no such file.
    #[error("there is no file {}. Name one that exists.", .0.display())]
    NoFile(PathBuf),
    /// A change of the stored shapes failed and was taken back.
    #[error("{} could not be brought up to date: migration {number} ({name}) failed: {cause}. Its data is as it was.", path.display())]
    Migration {
        /// The file that was to be opened or read.
        path: PathBuf,
        /// The number of the migration that failed.
        number: u32,
        /// What it does.
        name: &'static str,
        /// What the store reported.
        cause: Error,
    },
    /// Anything else the system reported.
    #[error("{} cannot be opened: {cause}.", path.display())]
    Other {
        /// The file that was to be opened or read.
        path: PathBuf,
        /// What the system reported.
        cause: String,
    },
}

impl OpenError {
    /// Sorts what the system said about `path` into the cases above.
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound if folder_of(&path).is_dir() => Self::NoFile(path),
            io::ErrorKind::NotFound => Self::NoFolder(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path),
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Self::NotAFile(path),
            _ => Self::Other { path, cause: error.to_string() },
        }
    }

    /// Sorts what the store said while `path` was being opened into the cases above.
    pub(super) fn from_store(path: &Path, error: Error) -> Self {
        let path = path.to_path_buf();
        match error {
            Error::Full => Self::Full(path),
            Error::Io(cause) => Self::Other { path, cause },
            Error::Damaged(reason) => Self::Damaged { path, reason },
            other => Self::Damaged { path, reason: other.to_string() },
        }
    }
}

/// Where a file of this name would be.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A backup was not verified or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The backup cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is a data file, but not one that `backup create` finished.
    #[error("{} is not a finished backup: it has no manifest.", .0.display())]
    NoManifest(PathBuf),
    /// The rows are not those that were backed up.
    #[error("{} does not hold what was backed up: {reason}.", path.display())]
    Differs {
        /// The backup that was read.
        path: PathBuf,
        /// The first difference that was found.
        reason: String,
    },
    /// The file to restore to exists.
    #[error("{} already exists. Use --force to replace it.", .0.display())]
    Exists(PathBuf),
    /// Reading or writing failed.
    #[error("{}: {cause}", path.display())]
    Store {
        /// The file that was read or written.
        path: PathBuf,
        /// What the store reported.
        cause: Error,
    },
}
