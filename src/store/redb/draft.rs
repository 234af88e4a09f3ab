//! A file that is filled beside its place and appears there whole, or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::engine::RedbEngine;
use super::error::{OpenError, folder_of};
use super::opening;
use super::options::Options;

/// Tells the drafts of one process apart.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// How a draft takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Publish {
    /// Nothing may be there.
    New,
    /// Over what may be there.
    Replace,
}

/// Why a draft did not take its place.
pub(in crate::store) enum Unpublished {
    /// Something is at its place.
    Exists,
    Failed(OpenError),
}

/// An open data file under a passing name; removed when dropped unpublished.
pub(in crate::store) struct Draft {
    target: PathBuf,
    file: TemporaryFile,
    engine: RedbEngine,
}

/// A file that is removed when dropped.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Draft {
    /// Makes the file in the folder of `target`.
    pub(in crate::store) fn begin(target: &Path, options: &Options) -> Result<Self, OpenError> {
        let name = target.file_name().ok_or_else(|| OpenError::NotAFile(target.to_path_buf()))?;
        let mut passing = OsString::from(name);
        passing.push(format!(".new-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        let path = target.with_file_name(passing);
        // One of that name can only be left from a process that has ended.
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(OpenError::from_io(target, &error));
        }
        let file = TemporaryFile(path);
        let opened = opening::fresh(&file.0, options).map_err(|error| named(error, target))?;
        let engine = RedbEngine::new(&file.0, options, opened).map_err(|error| OpenError::from_store(target, error))?;
        Ok(Self { target: target.to_path_buf(), file, engine })
    }

    /// The engine over the draft.
    pub(in crate::store) fn engine(&self) -> &RedbEngine {
        &self.engine
    }

    /// Gives the draft to the owner of the file that it takes the place of, with the same mode, or to the owner of its
    /// folder where there is none: root restores for a service that runs as somebody else. Does nothing for all others,
    /// who could not give a file away. Errors: the system's.
    pub(in crate::store) fn take_over_owner(&self) -> io::Result<()> {
        let theirs = match fs::metadata(&self.target) {
            Ok(replaced) => {
                fs::set_permissions(&self.file.0, replaced.permissions())?;
                replaced
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::metadata(folder_of(&self.target))?,
            Err(error) => return Err(error),
        };
        let ours = fs::metadata(&self.file.0)?;
        if (ours.uid(), ours.gid()) == (theirs.uid(), theirs.gid()) {
            return Ok(());
        }
        match chown(&self.file.0, Some(theirs.uid()), Some(theirs.gid())) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }

    /// Puts the draft in its place and gives the engine, which stays open if it was.
    pub(in crate::store) fn publish(self, how: Publish) -> Result<RedbEngine, Unpublished> {
        let failed = |error: io::Error| Unpublished::Failed(OpenError::from_io(&self.target, &error));
        File::open(&self.file.0).and_then(|file| file.sync_all()).map_err(failed)?;
        match how {
            Publish::Replace => fs::rename(&self.file.0, &self.target).map_err(failed)?,
            Publish::New => match fs::hard_link(&self.file.0, &self.target) {
                Ok(()) => fs::remove_file(&self.file.0).map_err(failed)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(Unpublished::Exists),
                Err(error) => self.move_without_links(&error)?,
            },
        }
        sync_folder(&self.target).map_err(failed)?;
        Ok(self.engine.renamed(&self.target))
    }

    /// For disks that know no hard links: not proof against another process that makes the same file in this moment.
    fn move_without_links(&self, error: &io::Error) -> Result<(), Unpublished> {
        let links_unknown = matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied);
        if !links_unknown {
            return Err(Unpublished::Failed(OpenError::from_io(&self.target, error)));
        }
        if fs::symlink_metadata(&self.target).is_ok() {
            return Err(Unpublished::Exists);
        }
        let moved = fs::rename(&self.file.0, &self.target);
        moved.map_err(|error| Unpublished::Failed(OpenError::from_io(&self.target, &error)))
    }
}

/// The same refusal, about the file the caller named.
fn named(error: OpenError, target: &Path) -> OpenError {
    let path = target.to_path_buf();
    match error {
        OpenError::NoFolder(_) => OpenError::NoFolder(path),
        OpenError::ReadOnly(_) => OpenError::ReadOnly(path),
        OpenError::Full(_) => OpenError::Full(path),
        OpenError::NotAFile(_) => OpenError::NotAFile(path),
        OpenError::Damaged { reason: cause, .. } | OpenError::Other { cause, .. } => OpenError::Other { path, cause },
        other => other,
    }
}

/// Makes the name of a new file survive a power loss.
fn sync_folder(file: &Path) -> io::Result<()> {
    File::open(folder_of(file))?.sync_all()
}
