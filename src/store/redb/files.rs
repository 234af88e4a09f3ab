//! From a path to a store, and what only a store over a file can do.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::backup::{self, BackupReport};
use super::draft::{Draft, Publish, Unpublished};
use super::engine::RedbEngine;
use super::error::OpenError;
use super::options::Options;
use crate::store::engine::{DataFile, Engine};
use crate::store::{Error, Store, migrate};

impl Store {
    /// Opens the data file at `path`, or makes it (0600) when nothing is there, and brings it up to date. Blocks.
    ///
    /// Errors leave an existing file as it was. Two processes never have one file open.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let engine = if is_missing(path)? {
            match make(path, options) {
                Ok(engine) => engine,
                // Another process was faster.
                Err(Unpublished::Exists) => RedbEngine::open(path, options)?,
                Err(Unpublished::Failed(error)) => return Err(error),
            }
        } else {
            RedbEngine::open(path, options)?
        };
        bring_up_to_date(path, &engine)?;
        let engine = Arc::new(engine);
        let file: Arc<dyn DataFile> = Arc::clone(&engine) as _;
        Self::over(engine as Arc<dyn Engine>, Some(file), options).map_err(|error| OpenError::from_store(path, error))
    }

    /// Copies the present state to a new data file at `target` (0600), with a manifest, while others read and write.
    /// Blocks for as long as the copy takes. `progress` is told the rows copied so far. Errors: [`Error::Exists`],
    /// [`Error::Full`].
    pub fn backup(&self, target: &Path, mut progress: impl FnMut(u64)) -> Result<BackupReport, Error> {
        backup::create(&self.read()?, target, &self.inner.options, &mut progress)
    }

    /// Gives unused room in the file back to the disk. Does nothing, and says so with false, while snapshots are held,
    /// and where there is no file. Blocks, and lets nobody read or write meanwhile: for the start of the process.
    pub fn compact(&self) -> Result<bool, Error> {
        self.inner.file.as_ref().map_or(Ok(false), |file| file.compact())
    }
}

fn is_missing(path: &Path) -> Result<bool, OpenError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(OpenError::from_io(path, &error)),
    }
}

/// Makes a data file that is whole from the moment it can be seen.
fn make(path: &Path, options: &Options) -> Result<RedbEngine, Unpublished> {
    let draft = Draft::begin(path, options).map_err(Unpublished::Failed)?;
    bring_up_to_date(path, draft.engine()).map_err(Unpublished::Failed)?;
    draft.publish(Publish::New)
}

fn bring_up_to_date(path: &Path, engine: &RedbEngine) -> Result<(), OpenError> {
    migrate::run(engine, Some(engine), migrate::MIGRATIONS).map_err(|failure| {
        match (failure.migration, failure.cause) {
            (_, Error::Full) => OpenError::Full(path.to_path_buf()),
            (Some((number, name)), cause) => OpenError::Migration { path: path.to_path_buf(), number, name, cause },
            (None, cause) => OpenError::from_store(path, cause),
        }
    })
}
