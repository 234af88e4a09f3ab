//! Backups: a consistent copy while serving, proved by reading it, restored whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::draft::{Draft, Publish, Unpublished};
use super::engine::RedbEngine;
use super::error::{BackupError, OpenError};
use super::opening;
use super::options::Options;
use super::view::view_of;
use crate::base::id::TenantId;
use crate::store::changes::{Changes, Head};
use crate::store::engine::{DataFile as _, Engine, View};
use crate::store::key::Key;
use crate::store::meta::{META, Manifest, Meta};
use crate::store::scan::{Order, Row};
use crate::store::tx::Snapshot;
use crate::store::{Error, migrate, record, schema};

/// Replaced files that are kept beside the data file before somebody has to clear up.
const MOST_KEPT: u32 = 1000;

/// Rows per step of a copy.
const STEP: usize = 4096;

/// What was backed up, verified or restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// SHA-256 over all rows, in hexadecimal.
    pub sha256: String,
    /// All rows together.
    pub rows: u64,
    /// Rows by table, without empty tables.
    pub tables: BTreeMap<String, u64>,
    /// The schema number of the data.
    pub schema: u32,
    /// The size of the file that was written or read, in bytes.
    pub bytes: u64,
}

impl BackupReport {
    fn new(manifest: Manifest, file: &Path) -> Self {
        let bytes = fs::metadata(file).map_or(0, |file| file.len());
        let rows = manifest.tables.values().sum();
        Self { sha256: manifest.sha256, rows, tables: manifest.tables, schema: manifest.schema, bytes }
    }
}

/// Writes the state that `snapshot` shows to a new file. `progress` is told the rows copied so far.
/// Errors: [`Error::Exists`] when something is at `target`.
pub(super) fn create(
    snapshot: &Snapshot,
    target: &Path,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<BackupReport, Error> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(Error::Exists(target.to_path_buf()));
    }
    let draft = Draft::begin(target, options).map_err(unopened)?;
    let manifest = copy(snapshot.view(), draft.engine(), progress)?;
    let mut last = Changes::default();
    last.set("meta", manifest_key().encode(), Some(record::to_bytes(&Meta::Manifest(manifest.clone()))?));
    draft.engine().load(&last)?;
    draft.engine().close();
    match draft.publish(Publish::New) {
        Ok(_) => Ok(BackupReport::new(manifest, target)),
        Err(Unpublished::Exists) => Err(Error::Exists(target.to_path_buf())),
        Err(Unpublished::Failed(error)) => Err(unopened(error)),
    }
}

/// Reads all of a backup and proves that it holds what was backed up. The file is not changed.
pub fn verify_backup(path: &Path) -> Result<BackupReport, BackupError> {
    verified(path).map(|(_, manifest)| BackupReport::new(manifest, path))
}

/// A data file that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is in it.
    pub report: BackupReport,
    /// Where the file is that was there before, if there was one.
    pub kept: Option<PathBuf>,
}

/// Verifies `backup` and makes `target` a data file with its rows. An existing `target` is replaced only with `force`,
/// and never while a process holds it: it stays beside the new one under another name, and the new one takes over its
/// owner and its mode; without one there, the owner of the folder. When anything fails, `target` is as it was.
pub fn restore(backup: &Path, target: &Path, force: bool) -> Result<Restored, BackupError> {
    let (snapshot, manifest) = verified(backup)?;
    let exists = fs::symlink_metadata(target).is_ok();
    if exists && !force {
        return Err(BackupError::Exists(target.to_path_buf()));
    }
    // Held until the new file is in its place, so that nobody starts on the old one.
    let _held = if exists { Some(opening::lock(target)?) } else { None };
    let draft = Draft::begin(target, &Options::default())?;
    let unread = |cause| BackupError::Store { path: target.to_path_buf(), cause };
    copy(snapshot.view(), draft.engine(), &mut |_| {}).map_err(unread)?;
    let written = draft.engine().snapshot().and_then(|view| summary(view.as_ref())).map_err(unread)?;
    compare(target, &written, &manifest)?;
    draft.engine().close();
    let failed = |error: io::Error| BackupError::Open(OpenError::from_io(target, &error));
    draft.take_over_owner().map_err(failed)?;
    let kept = if exists { Some(keep(target).map_err(failed)?) } else { None };
    let published = draft.publish(if force { Publish::Replace } else { Publish::New });
    if let (Err(_), Some(kept)) = (&published, &kept) {
        // What was there is still in its place: its second name is one too many.
        let _ = fs::remove_file(kept);
    }
    match published {
        Ok(_) => Ok(Restored { report: BackupReport::new(manifest, target), kept }),
        Err(Unpublished::Exists) => Err(BackupError::Exists(target.to_path_buf())),
        Err(Unpublished::Failed(error)) => Err(error.into()),
    }
}

/// Gives the file a second name beside its own, so that it is still there when another one takes its place.
fn keep(file: &Path) -> io::Result<PathBuf> {
    let named = |number: u32| {
        let mut name = file.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".replaced-{number}"));
        file.with_file_name(name)
    };
    for number in 1..=MOST_KEPT {
        let kept = named(number);
        match fs::hard_link(file, &kept) {
            Ok(()) => return Ok(kept),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    let message = format!("{} and {MOST_KEPT} files like it are there already: remove some", named(1).display());
    Err(io::Error::other(message))
}

fn verified(path: &Path) -> Result<(Snapshot, Manifest), BackupError> {
    let database = opening::read_only(path, &Options::default())?;
    let unread = |cause| BackupError::Store { path: path.to_path_buf(), cause };
    let view = view_of(&database).map_err(unread)?;
    if let Some(table) = view.unlisted_tables().map_err(unread)?.pop() {
        return Err(differs(path, format!("the table `{table}` is unknown")));
    }
    let snapshot = Snapshot::new(Arc::new(Held { view, _database: database }));
    let manifest = match META.find(&snapshot, &manifest_key()).map_err(unread)? {
        Some(Meta::Manifest(manifest)) => manifest,
        _ => return Err(BackupError::NoManifest(path.to_path_buf())),
    };
    let found = summary(snapshot.view()).map_err(unread)?;
    compare(path, &found, &manifest)?;
    Ok((snapshot, manifest))
}

/// A view that keeps its file open.
struct Held<V> {
    view: V,
    _database: redb::Database,
}

impl<V: View> View for Held<V> {
    fn head(&self) -> Result<Head, Error> {
        self.view.head()
    }

    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.view.get(table, key)
    }

    fn count(&self, table: &'static str) -> Result<u64, Error> {
        self.view.count(table)
    }

    fn scan(
        &self,
        table: &'static str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        self.view.scan(table, from, to, order, limit)
    }
}

fn compare(path: &Path, found: &Manifest, wanted: &Manifest) -> Result<(), BackupError> {
    if found.schema != wanted.schema {
        return Err(differs(path, format!("schema {} instead of {}", found.schema, wanted.schema)));
    }
    let names: std::collections::BTreeSet<_> = found.tables.keys().chain(wanted.tables.keys()).collect();
    for name in names {
        let (found, wanted) = (found.tables.get(name).unwrap_or(&0), wanted.tables.get(name).unwrap_or(&0));
        if found != wanted {
            return Err(differs(path, format!("{found} rows in `{name}` instead of {wanted}")));
        }
    }
    if found.sha256 != wanted.sha256 {
        return Err(differs(path, String::from("the checksum over all rows is another one")));
    }
    Ok(())
}

fn differs(path: &Path, reason: String) -> BackupError {
    BackupError::Differs { path: path.to_path_buf(), reason }
}

fn manifest_key() -> (TenantId, String) {
    (TenantId::INSTALLATION, String::from("manifest"))
}

fn unopened(error: OpenError) -> Error {
    match error {
        OpenError::Full(_) => Error::Full,
        other => Error::Io(other.to_string()),
    }
}

/// Copies all rows to an empty engine and sums them up.
fn copy(view: &dyn View, target: &RedbEngine, progress: &mut dyn FnMut(u64)) -> Result<Manifest, Error> {
    let mut copied = 0_u64;
    walk(view, &mut |table, rows| {
        let mut changes = Changes::default();
        copied += rows.len() as u64;
        for (key, value) in rows {
            changes.set(table, key, Some(value));
        }
        target.load(&changes)?;
        progress(copied);
        Ok(())
    })
}

/// Reads all rows and sums them up. Errors: [`Error::Damaged`] for rows that are neither record nor index.
fn summary(view: &dyn View) -> Result<Manifest, Error> {
    walk(view, &mut |table, rows| match rows.iter().find(|(key, value)| !is_readable(key, value)) {
        Some(_) => Err(Error::Damaged(format!("a row of `{table}` cannot be read"))),
        None => Ok(()),
    })
}

/// Whether a row has a tenant in its key, and an index's empty value or a record's version and JSON.
fn is_readable(key: &[u8], value: &[u8]) -> bool {
    key.len() >= size_of::<TenantId>() && (value.is_empty() || record::is_well_formed(value))
}

/// Reads all rows but the manifest in a fixed order, hands them over in steps, and sums them up.
fn walk(view: &dyn View, take: &mut dyn FnMut(&'static str, Vec<Row>) -> Result<(), Error>) -> Result<Manifest, Error> {
    let manifest_key = manifest_key().encode();
    let mut digest = Sha256::new();
    let mut tables = BTreeMap::new();
    let mut names: Vec<_> = schema::tables().collect();
    names.sort_unstable();
    for table in names {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut rows = view.scan(table, from, Bound::Unbounded, Order::Ascending, STEP)?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            rows.retain(|(key, _)| *key != manifest_key || table != "meta");
            if rows.is_empty() {
                continue;
            }
            *tables.entry(table.to_owned()).or_insert(0) += rows.len() as u64;
            for (key, value) in &rows {
                for part in [table.as_bytes(), key, value] {
                    digest.update((part.len() as u64).to_be_bytes());
                    digest.update(part);
                }
            }
            take(table, rows)?;
        }
    }
    let schema = migrate::schema_of(view)?;
    Ok(Manifest { sha256: HEXLOWER.encode(&digest.finalize()), tables, schema })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde::Deserialize;

    use super::*;
    use crate::store::tx::transact;
    use crate::store::{Record, Store, Table, Tx};

    const LEFT: Table<(TenantId, u64), Count> = Table::new("test_a");
    const RIGHT: Table<(TenantId, u64), Count> = Table::new("test_b");

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Count(u64);
    impl Record for Count {}

    fn add(tx: &mut Tx) -> Result<(), Error> {
        let key = |row| (TenantId::DEFAULT, row);
        let count = LEFT.find(tx, &key(0))?.map_or(0, |count| count.0) + 1;
        LEFT.put(tx, &key(0), &Count(count))?;
        LEFT.put(tx, &key(count), &Count(count))?;
        RIGHT.put(tx, &key(0), &Count(count))
    }

    /// A folder with a backup of a few rows.
    fn backed_up() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("backup.redb");
        let store = Store::in_memory();
        (0..3).for_each(|_| store.write_blocking(add).unwrap());
        store.backup(&target, |_| {}).unwrap();
        (folder, target)
    }

    /// Changes a closed file as somebody could who has this program.
    fn tamper(path: &Path, change: impl FnOnce(&mut Tx) -> Result<(), Error>) {
        let engine = RedbEngine::open(path, &Options::default()).unwrap();
        transact(&engine, change).unwrap();
    }

    #[test]
    fn a_backup_is_of_one_moment_while_others_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("auther.redb"), &Options::default()).unwrap();
        store.write_blocking(add).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (writer, until) = (store.clone(), Arc::clone(&stop));
        let writing = std::thread::spawn(move || {
            while !until.load(Ordering::SeqCst) {
                writer.write_blocking(add).unwrap();
            }
        });
        let mut last = 0;
        for round in 0..4 {
            let target = folder.path().join(format!("backup {round}"));
            let before = store.commits();
            let mut copied = 0;
            let report = store
                .backup(&target, |rows| {
                    copied = rows;
                    // The copy is not done before others have written meanwhile.
                    while store.commits() == before {
                        std::thread::yield_now();
                    }
                })
                .unwrap();
            assert_eq!(copied, report.rows);
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(verify_backup(&target).unwrap(), report);
            let copy = folder.path().join(format!("restored {round}"));
            let made = restore(&target, &copy, false).unwrap();
            assert_eq!((made.report.sha256, made.kept), (report.sha256, None));
            let restored = Store::open(&copy, &Options::default()).unwrap();
            let copy = restored.read().unwrap();
            let counts = [&LEFT, &RIGHT].map(|table| table.find(&copy, &(TenantId::DEFAULT, 0)).unwrap().unwrap().0);
            assert_eq!(counts[0], counts[1]);
            assert_eq!(report.tables["test_a"], counts[0] + 1);
            assert!(counts[0] > last);
            last = counts[0];
        }
        stop.store(true, Ordering::SeqCst);
        writing.join().unwrap();
    }

    #[test]
    fn a_backup_replaces_nothing() {
        let (folder, target) = backed_up();
        let before = fs::read(&target).unwrap();
        assert_eq!(Store::in_memory().backup(&target, |_| {}), Err(Error::Exists(target.clone())));
        assert!(fs::read(&target).unwrap() == before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_backup_that_was_changed_is_found_out_and_not_restored() {
        type Change = fn(&mut Tx) -> Result<(), Error>;
        let changes: [Change; 6] = [
            |tx| LEFT.put(tx, &(TenantId::DEFAULT, 1), &Count(7)),
            |tx| LEFT.put(tx, &(TenantId::DEFAULT, 9), &Count(7)),
            |tx| LEFT.delete(tx, &(TenantId::DEFAULT, 1)),
            |tx| tx.set_raw("test_a", (TenantId::DEFAULT, 1_u64).encode(), Some(b"\x01{".to_vec())),
            |tx| tx.set_raw("test_a", b"x".to_vec(), Some(Vec::new())),
            |tx| META.delete(tx, &manifest_key()),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let (folder, target) = backed_up();
            tamper(&target, change);
            let error = verify_backup(&target).unwrap_err();
            assert!(!error.to_string().contains('\n'), "{error}");
            let place = folder.path().join("auther.redb");
            assert!(restore(&target, &place, true).is_err(), "change {number} was restored");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
        }
    }

    #[test]
    fn a_scribbled_backup_is_found_out_and_left_alone() {
        let (_folder, target) = backed_up();
        let sound = fs::read(&target).unwrap();
        let place = sound.windows(12).position(|bytes| bytes.starts_with(b"sha256")).unwrap();
        let mut bytes = sound.clone();
        bytes[place + 10] ^= 1;
        fs::write(&target, &bytes).unwrap();
        assert!(verify_backup(&target).is_err());
        assert!(fs::read(&target).unwrap() == bytes);
        fs::write(&target, &sound[..sound.len() / 2]).unwrap();
        assert!(verify_backup(&target).is_err());
        assert_eq!(fs::read(&target).unwrap().len(), sound.len() / 2);
    }

    #[test]
    fn verifying_writes_nothing_and_disturbs_no_reader() {
        let (_folder, target) = backed_up();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o400)).unwrap();
        let before = fs::read(&target).unwrap();
        let (_held, manifest) = verified(&target).unwrap();
        assert_eq!(verify_backup(&target).unwrap().sha256, manifest.sha256);
        assert!(fs::read(&target).unwrap() == before);
    }

    #[test]
    fn a_restore_replaces_only_when_told_and_never_what_is_in_use() {
        let (folder, target) = backed_up();
        let place = folder.path().join("auther.redb");
        let store = Store::open(&place, &Options::default()).unwrap();
        assert!(matches!(restore(&target, &place, false), Err(BackupError::Exists(_))));
        assert!(matches!(restore(&target, &place, true), Err(BackupError::Open(OpenError::InUse(_)))));
        store.write_blocking(add).unwrap();
        store.close();
        let before = fs::read(&place).unwrap();
        assert!(matches!(restore(&target, &place, false), Err(BackupError::Exists(_))));
        assert!(fs::read(&place).unwrap() == before);
        let kept = restore(&target, &place, true).unwrap().kept.unwrap();
        assert!(kept == folder.path().join("auther.redb.replaced-1") && fs::read(&kept).unwrap() == before);
        assert_eq!(Store::open(&kept, &Options::default()).map(|store| store.close()).ok(), Some(()));
        let store = Store::open(&place, &Options::default()).unwrap();
        let counted = LEFT.find(&store.read().unwrap(), &(TenantId::DEFAULT, 0)).unwrap();
        assert_eq!(counted, Some(Count(3)));
        assert_eq!(META.find(&store.read().unwrap(), &manifest_key()).unwrap(), None, "it is a data file again");
        assert!(matches!(verify_backup(&target), Ok(report) if report.rows == 6));
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        store.close();
        let second = restore(&target, &place, true).unwrap().kept;
        assert_eq!(second, Some(folder.path().join("auther.redb.replaced-2")), "nothing that is kept is replaced");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_data_file_is_not_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auther.redb");
        Store::open(&path, &Options::default()).unwrap().close();
        assert!(matches!(verify_backup(&path), Err(BackupError::NoManifest(_))));
        assert!(matches!(verify_backup(&folder.path().join("none")), Err(BackupError::Open(_))));
    }
}
