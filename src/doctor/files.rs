//! The data file, its folder and its disk, as the system tells of them.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Finding, size};
use crate::config::Settings;

/// Less room than this, in bytes, and the next change may be refused.
const LEAST: u64 = 64 << 20;

/// Less room than this, in bytes, is worth a look.
const LITTLE: u64 = 1 << 30;

/// Who may read the data file, and how much room its disk has.
pub fn of_files(settings: &Settings) -> Vec<Finding> {
    let data = &settings.data;
    match fs::metadata(data) {
        Ok(facts) => vec![permissions(data, &facts), disk(data, facts.len())],
        Err(error) => vec![Finding::fail(
            "file_permissions",
            format!("{} cannot be looked at: {error}.", data.display()),
            "If it was moved or removed while the server runs, back up at once with `auther admin backup create FILE`. Else name the \
             right file with --data.",
        )],
    }
}

/// The data file holds everything: nobody but its owner may read it, and nobody else may put another file in its place.
fn permissions(data: &Path, facts: &Metadata) -> Finding {
    const NAME: &str = "file_permissions";
    let mode = facts.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let message = format!("{} may be read or written by others (mode {mode:04o}).", data.display());
        return Finding::fail(NAME, message, format!("Run: chmod 600 {}", data.display()));
    }
    let folder = folder_of(data);
    match fs::metadata(&folder) {
        // With the sticky bit others may add files and not replace ours.
        Ok(facts) if facts.mode() & 0o022 != 0 && facts.mode() & 0o1000 == 0 => {
            let message = format!("Others may write to the folder {} and replace the data file.", folder.display());
            Finding::warn(NAME, message, format!("Run: chmod go-w {}", folder.display()))
        }
        Ok(_) => Finding::ok(NAME, format!("Only its owner may read {} (mode {mode:04o}).", data.display())),
        Err(error) => {
            let message = format!("The folder {} cannot be looked at: {error}.", folder.display());
            Finding::warn(NAME, message, "Let the user that runs Auther enter and read the folder.")
        }
    }
}

/// A full disk refuses every change; a backup and a compaction need room for a whole copy besides.
fn disk(data: &Path, bytes: u64) -> Finding {
    const NAME: &str = "disk_space";
    const FIX: &str = "Make room on this disk, or move the data file to a larger one while the server is stopped.";
    let Some(free) = free(&folder_of(data)) else {
        return Finding::warn(NAME, "The free space of the disk cannot be read on this system.", "Look at it with df.");
    };
    let message = format!("{} free beside a data file of {}.", size(free), size(bytes));
    if free < LEAST {
        Finding::fail(NAME, message, FIX)
    } else if free < LITTLE.max(bytes.saturating_mul(2)) {
        Finding::warn(NAME, message, FIX)
    } else {
        Finding::ok(NAME, message)
    }
}

/// Bytes that an ordinary user may still write to the disk of this folder.
fn free(folder: &Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    return rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    #[cfg(not(target_os = "linux"))]
    return None;
}

fn folder_of(data: &Path) -> PathBuf {
    let folder = data.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_path_buf()
}
