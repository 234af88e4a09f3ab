//! From a path to an open, proved file, or a refusal that leaves the bytes alone.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::panic;
use std::path::Path;
use std::sync::{Arc, Once};

use redb::{Builder, Database, DatabaseError, StorageBackend};

use super::device::{Access, Device};
use super::error::OpenError;
use super::fault::{fault, guarded};
use super::options::Options;
use super::view::view_of;
use crate::store::{Error, Snapshot, migrate};

/// What every redb file begins with.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// The flags after the magic: bit 0 tells the current commit slot, bit 1 that the file is in use or was not closed, bit
/// 2 that the last commit was in two phases, which ours always are.
const KNOWN_FLAGS: u8 = 0b111;
const TWO_PHASES: u8 = 0b100;

/// The smallest file: the header's page and one more.
const SMALLEST: u64 = 2 * 4096;

pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) device: Device,
}

/// Opens the file at `path` for this process alone, and proves it whole and of a known version. Nothing is written to
/// it before [`Device::settle`].
pub(super) fn existing(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    let file = file_of(path, Access::Exclusive)?;
    quietly(|| staged(path, file, Access::Exclusive, options))
}

/// Opens the file at `path` to read and check all of it. It is never written to.
pub(super) fn read_only(path: &Path, options: &Options) -> Result<Database, OpenError> {
    let everything = Options { check_bytes: u64::MAX, ..options.clone() };
    let file = file_of(path, Access::ReadOnly)?;
    quietly(|| staged(path, file, Access::ReadOnly, &everything)).map(|opened| opened.database)
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of this thread from being printed meanwhile: redb stops so at some damaged files, and the refusal that
/// is made of it is to be one line.
fn quietly<T>(open: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                before(panic);
            }
        }));
    });
    QUIET.set(true);
    let result = open();
    QUIET.set(false);
    result
}

/// Makes an empty file at `path`, 0600, and opens it. Errors: also when something is there.
pub(super) fn fresh(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
    let file = made.map_err(|error| OpenError::from_io(path, &error))?;
    // The process may forbid its owner's bits too; a file that nobody can open again helps nobody.
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(|error| OpenError::from_io(path, &error))?;
    let device = Device::new(file, Access::Exclusive).map_err(|error| refusal(path, error))?;
    #[cfg(test)]
    let device = device.with_room(&options.room);
    device.settle().map_err(|error| OpenError::from_io(path, &error))?;
    let database = database(path, &device, options)?;
    Ok(Opened { database, device })
}

/// Locks the file at `path` against everybody for as long as the answer lives. Errors: [`OpenError::InUse`].
pub(super) fn lock(path: &Path) -> Result<Device, OpenError> {
    let file =
        OpenOptions::new().read(true).write(true).open(path).map_err(|error| OpenError::from_io(path, &error))?;
    let device = Device::new(file, Access::Exclusive).map_err(|error| refusal(path, error))?;
    match device.try_lock_range(std::ops::Bound::Unbounded, std::ops::Bound::Unbounded) {
        Ok(true) => Ok(device),
        Ok(false) => Err(OpenError::InUse(path.to_path_buf())),
        Err(error) => Err(OpenError::from_io(path, &io::Error::from(error))),
    }
}

/// Opens the file after looking at what the system tells about it.
fn file_of(path: &Path, access: Access) -> Result<File, OpenError> {
    let known = fs::metadata(path).map_err(|error| OpenError::from_io(path, &error))?;
    if !known.is_file() {
        return Err(OpenError::NotAFile(path.to_path_buf()));
    }
    // What to do about its mode is said of a data file only, not of any file that was named by mistake.
    if let Ok(file) = File::open(path) {
        has_magic(path, &file)?;
    }
    let mode = known.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Mode { path: path.to_path_buf(), mode });
    }
    if access == Access::Exclusive && mode & 0o200 == 0 {
        return Err(OpenError::ReadOnly(path.to_path_buf()));
    }
    let opened = OpenOptions::new().read(true).write(access == Access::Exclusive).open(path);
    opened.map_err(|error| OpenError::from_io(path, &error))
}

/// Opens redb over the file with all writes held back, and checks what is in it.
fn staged(path: &Path, file: File, access: Access, options: &Options) -> Result<Opened, OpenError> {
    check_header(path, &file)?;
    let opened = file.metadata().map_err(|error| OpenError::from_io(path, &error))?;
    let device = Device::new(file, access).map_err(|error| refusal(path, error))?;
    #[cfg(test)]
    let device = device.with_room(&options.room);
    let mut database = database(path, &device, options)?;
    // The lock is on the file, not on its name: by now the name may stand for another one.
    let named = fs::metadata(path).map_err(|error| OpenError::from_io(path, &error))?;
    if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
        return Err(OpenError::InUse(path.to_path_buf()));
    }
    if opened.len() <= options.check_bytes {
        // Whether the bookkeeping of free pages had to be put right does not matter; all rows were read and are whole.
        let checked = guarded(|| database.check_integrity().map(drop).map_err(fault));
        checked.map_err(|error| OpenError::from_store(path, error))?;
    }
    let view = guarded(|| view_of(&database)).map_err(|error| OpenError::from_store(path, error))?;
    check_schema(path, &Snapshot::new(Arc::new(view)))?;
    Ok(Opened { database, device })
}

/// The byte after the magic number, if there is one. Errors: [`OpenError::NotAuther`] for a file that begins otherwise.
fn has_magic(path: &Path, file: &File) -> Result<Option<u8>, OpenError> {
    let mut start = Vec::new();
    let read = file.take(MAGIC.len() as u64 + 1).read_to_end(&mut start);
    read.map_err(|error| OpenError::from_io(path, &error))?;
    match start.strip_prefix(&MAGIC) {
        Some(rest) => Ok(rest.first().copied()),
        None => Err(OpenError::NotAuther(path.to_path_buf())),
    }
}

fn check_header(path: &Path, file: &File) -> Result<(), OpenError> {
    let flags = has_magic(path, file)?;
    let damaged = |reason: &str| OpenError::Damaged { path: path.to_path_buf(), reason: reason.to_owned() };
    let length = file.metadata().map_err(|error| OpenError::from_io(path, &error))?.len();
    let Some(flags) = flags.filter(|_| length >= SMALLEST) else { return Err(damaged("it ends too early")) };
    if flags & !KNOWN_FLAGS != 0 || flags & TWO_PHASES == 0 {
        return Err(damaged("its header was changed"));
    }
    Ok(())
}

fn check_schema(path: &Path, snapshot: &Snapshot) -> Result<(), OpenError> {
    match migrate::schema_of(snapshot) {
        Ok(0) => Err(OpenError::NotAuther(path.to_path_buf())),
        Ok(found) if found > migrate::known() => {
            Err(OpenError::Newer { path: path.to_path_buf(), found, known: migrate::known() })
        }
        Ok(_) => Ok(()),
        Err(error) => Err(OpenError::from_store(path, error)),
    }
}

fn database(path: &Path, device: &Device, options: &Options) -> Result<Database, OpenError> {
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_bytes);
    let mut refused = None;
    let opened = guarded(|| match builder.create_with_backend(device.clone()) {
        Ok(database) => Ok(database),
        Err(error) => {
            refused = Some(refusal(path, error));
            Err(Error::Closed)
        }
    });
    opened.map_err(|error| refused.unwrap_or_else(|| OpenError::from_store(path, error)))
}

fn refusal(path: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path.to_path_buf()),
        DatabaseError::UpgradeRequired(_) => OpenError::NotAuther(path.to_path_buf()),
        other => OpenError::from_store(path, fault(other)),
    }
}
