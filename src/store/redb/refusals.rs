//! Files that must not be opened, and must not be touched by the attempt.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::base::id::TenantId;
use crate::store::engine::DataFile as _;
use crate::store::{Commit, Error, Order, Record, Store, Table, Tx, meta, migrate, tx};

const ROWS: Table<(TenantId, u64), Text> = Table::new("test_a");

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Text(String);

impl Record for Text {}

/// A folder and the path of the data file in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auther.redb");
    (folder, path)
}

fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, &Options::default())
}

fn refused(path: &Path) -> OpenError {
    let before = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|_| fs::read(path).unwrap());
    let Err(error) = open(path) else { panic!("{} was opened", path.display()) };
    let after = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|_| fs::read(path).unwrap());
    assert!(before == after, "the attempt changed the file");
    let message = error.to_string();
    assert!(!message.contains('\n') && message.contains(&*path.to_string_lossy()), "{message}");
    error
}

fn write_file(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn text(number: u64) -> Text {
    Text(format!("{number} {}", "x".repeat(usize::try_from(number % 700).unwrap())))
}

fn fill(store: &Store, rows: std::ops::Range<u64>) {
    store
        .write_blocking(move |tx| {
            rows.clone().try_for_each(|number| ROWS.put(tx, &(TenantId::DEFAULT, number), &text(number)))
        })
        .unwrap();
}

/// The numbers of all rows; each is checked.
fn rows(store: &Store) -> Result<Vec<u64>, Error> {
    let rows = ROWS.page(&store.read()?, &[], None, Order::Ascending, usize::MAX)?;
    rows.iter().for_each(|((_, number), value)| assert_eq!(*value, text(*number)));
    Ok(rows.into_iter().map(|((_, number), _)| number).collect())
}

const FILLED: u64 = 300;

/// A file with rows, as it is after closing it and as a crash leaves it.
fn images() -> [Vec<u8>; 2] {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    for start in (0..FILLED).step_by(50) {
        fill(&store, start..start + 50);
    }
    let crashed = fs::read(&path).unwrap();
    store.close();
    [fs::read(&path).unwrap(), crashed]
}

/// Whether the file at `path` was opened with all its rows; otherwise it was refused and left alone.
fn whole_or_refused(path: &Path) -> bool {
    let before = fs::read(path).unwrap();
    match open(path) {
        Ok(store) => {
            assert_eq!(rows(&store).unwrap(), (0..FILLED).collect::<Vec<_>>());
            fill(&store, FILLED..FILLED + 1);
            drop(store);
            assert_eq!(rows(&open(path).unwrap()).unwrap().len() as u64, FILLED + 1);
            true
        }
        Err(error) => {
            assert!(matches!(error, OpenError::Damaged { .. } | OpenError::NotAuther(_)), "{error:?}");
            assert!(fs::read(path).unwrap() == before, "the attempt changed the file: {error}");
            false
        }
    }
}

#[test]
fn a_new_file_is_private_and_alone_in_its_folder() {
    let (folder, path) = place();
    let store = open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fill(&store, 0..3);
    drop(store);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(rows(&open(&path).unwrap()).unwrap(), [0, 1, 2]);
}

#[test]
fn a_crashed_file_opens_with_all_its_rows() {
    let (_folder, path) = place();
    for image in images() {
        write_file(&path, &image);
        assert!(whole_or_refused(&path));
    }
}

#[test]
fn a_file_that_is_open_is_refused() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    assert!(error.to_string().ends_with("is in use by another process. Stop it, or use --data to name another file."));
    fill(&store, 0..1);
    store.close();
    assert_eq!(rows(&open(&path).unwrap()).unwrap(), [0]);
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let (_folder, path) = place();
    open(&path).unwrap().close();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = refused(&path);
        assert!(matches!(error, OpenError::Mode { .. }), "{error:?}");
        assert!(error.to_string().contains("chmod 600"));
    }
}

#[test]
fn a_read_only_file_is_refused() {
    let (_folder, path) = place();
    open(&path).unwrap().close();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(matches!(refused(&path), OpenError::ReadOnly(_)));
}

#[test]
fn what_is_no_file_or_has_no_folder_is_refused() {
    let (folder, _) = place();
    assert!(matches!(refused(folder.path()), OpenError::NotAFile(_)));
    assert!(matches!(refused(Path::new("/dev/null")), OpenError::NotAFile(_)));
    assert!(matches!(refused(&folder.path().join("nowhere/auther.redb")), OpenError::NoFolder(_)));
    let file = folder.path().join("file");
    write_file(&file, b"");
    assert!(matches!(refused(&file.join("auther.redb")), OpenError::NotAFile(_)));
    let dangling = folder.path().join("dangling");
    std::os::unix::fs::symlink(folder.path().join("nothing"), &dangling).unwrap();
    assert!(matches!(refused(&dangling), OpenError::NoFile(_)));
    let nothing = folder.path().join("nothing");
    for error in [verify_backup(&nothing).map(drop), restore(&nothing, &file, false).map(drop)] {
        let message = error.unwrap_err().to_string();
        assert_eq!(message, format!("there is no file {}. Name one that exists.", nothing.display()));
    }
    let error = verify_backup(&folder.path().join("nowhere/nothing")).unwrap_err().to_string();
    assert!(error.starts_with("the folder of "), "{error}");
}

#[test]
fn a_foreign_file_is_refused() {
    let (_folder, path) = place();
    for bytes in [&b""[..], b"redb", b"-- notes --\n", &[0; 100_000]] {
        write_file(&path, bytes);
        assert!(matches!(refused(&path), OpenError::NotAuther(_)));
        // Nobody is told to change the mode of a file that is not ours, such as /etc/passwd.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(refused(&path), OpenError::NotAuther(_)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(refused(&path), OpenError::NotAuther(_)));
        fs::remove_file(&path).unwrap();
    }
    let foreign = opening::fresh(&path, &Options::default()).unwrap();
    let engine = RedbEngine::new(&path, &Options::default(), foreign).unwrap();
    tx::transact(&engine, |tx| ROWS.put(tx, &(TenantId::DEFAULT, 1), &text(1))).unwrap();
    engine.close();
    assert!(matches!(refused(&path), OpenError::NotAuther(_)));
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let newer = meta::Meta::Schema(migrate::known() + 1);
    let key = (TenantId::INSTALLATION, String::from("schema"));
    store.write_blocking(move |tx| meta::META.put(tx, &key, &newer)).unwrap();
    store.close();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Newer { .. }), "{error:?}");
}

#[test]
fn a_truncated_file_is_whole_or_refused() {
    let (_folder, path) = place();
    for image in images() {
        let pages = (0..image.len()).step_by(4096);
        let odd = [1, 9, 10, 64, 319, 320, 4095, 4097, image.len() - 1, image.len() - 4095];
        let (mut whole, mut cut) = (0, 0);
        for length in pages.chain(odd) {
            write_file(&path, &image[..length]);
            if whole_or_refused(&path) { whole += 1 } else { cut += 1 }
        }
        assert!(cut > 20, "{cut} of {} were refused", whole + cut);
    }
}

#[test]
fn every_changed_byte_of_the_header_is_harmless_or_found() {
    let (_folder, path) = place();
    let [image, _] = images();
    let mut found = 0;
    // The tenth byte holds the flags that tell which commit is the last one: each bit of it counts.
    let flags = (0..8).map(|bit| (9, 1 << bit));
    for (byte, change) in (0..320).map(|byte| (byte, 1_u8 << (byte % 8))).chain(flags) {
        let mut bytes = image.clone();
        bytes[byte] ^= change;
        write_file(&path, &bytes);
        found += u32::from(!whole_or_refused(&path));
    }
    assert!(found > 60, "{found} were found");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scribbled_file_is_whole_or_refused(
        scribbles in proptest::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..200)), 1..4),
    ) {
        let (_folder, path) = place();
        for mut image in images() {
            for (place, bytes) in &scribbles {
                let start = place.index(image.len());
                image.iter_mut().skip(start).zip(bytes).for_each(|(to, from)| *to = *from);
            }
            write_file(&path, &image);
            whole_or_refused(&path);
        }
    }
}

#[test]
fn a_full_disk_refuses_the_write_and_keeps_the_rest() {
    let (folder, path) = place();
    let options = Options::default();
    let store = Store::open(&path, &options).unwrap();
    fill(&store, 0..10);
    let frozen = store.read().unwrap();
    for left in [0, 100, 5_000, 20_000, 50_000] {
        let before = store.commits();
        options.room.set(left);
        let put = |tx: &mut Tx| (0..400).try_for_each(|n| ROWS.put(tx, &(TenantId::DEFAULT, 1000 + n), &text(n)));
        for attempt in 0..3 {
            let answer: Result<(), Error> = store.write_blocking(put);
            assert_eq!(answer, Err(Error::Full), "attempt {attempt} with {left} bytes left");
            assert_eq!(rows(&store).unwrap(), (0..10).collect::<Vec<_>>(), "reading goes on");
        }
        assert_eq!(store.commits(), before);
        options.room.set(u64::MAX);
        store.write_blocking(|tx| ROWS.put(tx, &(TenantId::DEFAULT, 9), &text(9))).unwrap();
        assert_eq!(store.commits(), before + 1, "with room, it writes again");
    }
    assert!(ROWS.find(&frozen, &(TenantId::DEFAULT, 3)).unwrap().is_some());
    options.room.set(10_000);
    assert_eq!(store.backup(&folder.path().join("backup.redb"), |_| {}), Err(Error::Full));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no half backup is left");
    options.room.set(u64::MAX);
    fill(&store, 10..12);
    store.close();
    assert_eq!(rows(&open(&path).unwrap()).unwrap(), (0..12).collect::<Vec<_>>());
    options.room.set(1_000);
    let error = Store::open(&folder.path().join("new.redb"), &options).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Full(_)), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no half file is left");
}

#[test]
fn on_a_full_disk_reading_goes_on_from_the_file_and_writing_as_soon_as_there_is_room() {
    let (_folder, path) = place();
    // Hardly anything is kept in memory: who reads goes to the file.
    let options = Options { cache_bytes: 16 << 10, ..Options::default() };
    let store = Store::open(&path, &options).unwrap();
    fill(&store, 0..2_000);
    let read_and_write = |tx: &mut Tx| -> Result<(), Error> {
        (0..2_000).try_for_each(|n| ROWS.find(tx, &(TenantId::DEFAULT, n)).map(drop))?;
        (0..400).try_for_each(|n| ROWS.put(tx, &(TenantId::DEFAULT, 5_000 + n), &text(n)))
    };
    for left in [0, 300, 5_000, 50_000] {
        options.room.set(left);
        for attempt in 0..3 {
            assert_eq!(store.write_blocking(read_and_write), Err(Error::Full), "attempt {attempt}, {left} bytes left");
            options.room.set(0);
            for _ in 0..2 {
                assert_eq!(rows(&store).unwrap(), (0..2_000).collect::<Vec<_>>(), "reading goes on");
            }
        }
        options.room.set(u64::MAX);
        store.write_blocking(|tx| ROWS.put(tx, &(TenantId::DEFAULT, 9), &text(9))).unwrap();
    }
    store.close();
    assert_eq!(rows(&open(&path).unwrap()).unwrap(), (0..2_000).collect::<Vec<_>>());
}

#[test]
fn a_file_that_cannot_be_opened_again_is_tried_by_whoever_comes_next() {
    let (folder, path) = place();
    let options = Options::default();
    let store = Store::open(&path, &options).unwrap();
    fill(&store, 0..10);
    let away = folder.path().join("away.redb");
    let change = |tx: &mut Tx| ROWS.put(tx, &(TenantId::DEFAULT, 10), &text(10));
    for write_first in [false, true] {
        options.room.set(0);
        fs::rename(&path, &away).unwrap();
        store.write_blocking(change).unwrap_err();
        store.read().map(drop).unwrap_err();
        store.write_blocking(change).unwrap_err();
        options.room.set(u64::MAX);
        fs::rename(&away, &path).unwrap();
        if write_first {
            store.write_blocking(change).unwrap();
        }
        assert_eq!(rows(&store).unwrap().len(), if write_first { 11 } else { 10 });
        store.write_blocking(change).unwrap();
    }
    store.close();
    assert!(matches!(store.read(), Err(Error::Closed)));
}

#[test]
fn a_commit_that_failed_has_no_revision_and_one_that_comes_later_is_the_next() {
    let (_folder, path) = place();
    let options = Options::default();
    let store = Store::open(&path, &options).unwrap();
    fill(&store, 0..10);
    let revision = || store.read().unwrap().revision().unwrap().number();
    let before = revision();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let hear = move |commit: &Commit<'_>| {
        log.lock().unwrap().push((commit.revision().number(), commit.is_known()));
        true
    };
    assert_eq!(store.follow(store.read().unwrap().revision().unwrap(), hear), Ok(true));
    for left in [0, 5_000, 20_000] {
        options.room.set(left);
        let put = |tx: &mut Tx| (0..400).try_for_each(|n| ROWS.put(tx, &(TenantId::DEFAULT, 1000 + n), &text(n)));
        assert_eq!(store.write_blocking(put), Err(Error::Full));
        assert_eq!(revision(), before, "nothing of it is there");
    }
    options.room.set(u64::MAX);
    fill(&store, 10..11);
    assert_eq!(revision(), before + 1);
    assert_eq!(*heard.lock().unwrap(), [(before + 1, true)]);
}

#[test]
fn a_file_that_went_back_is_not_read_until_it_is_what_was_seen() {
    let (folder, path) = place();
    let options = Options::default();
    let store = Store::open(&path, &options).unwrap();
    fill(&store, 0..10);
    let earlier = fs::read(&path).unwrap();
    fill(&store, 10..12);
    let away = folder.path().join("away.redb");
    fs::rename(&path, &away).unwrap();
    write_file(&path, &earlier);
    options.room.set(0);
    let change = |tx: &mut Tx| ROWS.put(tx, &(TenantId::DEFAULT, 12), &text(12));
    store.write_blocking(change).unwrap_err();
    let Err(Error::Io(told)) = store.read().map(drop) else { panic!("a state of the past is read") };
    assert!(told.contains("went back"), "{told}");
    options.room.set(u64::MAX);
    store.write_blocking(change).unwrap_err();
    fs::rename(&away, &path).unwrap();
    store.write_blocking(change).unwrap();
    assert_eq!(rows(&store).unwrap(), (0..13).collect::<Vec<_>>());
}

#[test]
fn a_commit_that_is_cut_short_anywhere_keeps_all_or_nothing() {
    let (folder, path) = place();
    let options = Options::default();
    let store = Store::open(&path, &options).unwrap();
    fill(&store, 0..100);
    let crashed = folder.path().join("crashed.redb");
    let (mut cut, mut kept) = (0, 0);
    for left in (0..).step_by(3_000) {
        options.room.set(left);
        let change = |tx: &mut Tx| {
            (100..140).try_for_each(|n| ROWS.put(tx, &(TenantId::DEFAULT, n), &text(n)))?;
            (0..20).try_for_each(|n| ROWS.delete(tx, &(TenantId::DEFAULT, n)))
        };
        let answer: Result<(), Error> = store.write_blocking(change);
        // What a killed process would leave behind: the writes so far.
        write_file(&crashed, &fs::read(&path).unwrap());
        let found = rows(&open(&crashed).unwrap()).unwrap();
        if answer.is_ok() {
            assert_eq!(found, (20..140).collect::<Vec<_>>());
            break;
        }
        let before = found == (0..100).collect::<Vec<_>>();
        assert!(before || found == (20..140).collect::<Vec<_>>(), "{left} bytes left half a commit");
        if before {
            cut += 1
        } else {
            kept += 1
        }
        options.room.set(u64::MAX);
        store
            .write_blocking(|tx| {
                (100..140).try_for_each(|n| ROWS.delete(tx, &(TenantId::DEFAULT, n)))?;
                (0..20).try_for_each(|n| ROWS.put(tx, &(TenantId::DEFAULT, n), &text(n)))
            })
            .unwrap();
    }
    assert!(cut > 5, "{cut} commits were cut short, {kept} were in the file all the same");
}

#[test]
fn compacting_gives_room_back_unless_somebody_reads() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    fill(&store, 0..5_000);
    store.write_blocking(|tx| (10..5_000).try_for_each(|n| ROWS.delete(tx, &(TenantId::DEFAULT, n)))).unwrap();
    let size = || fs::metadata(&path).unwrap().len();
    let (before, reader) = (size(), store.read().unwrap());
    assert_eq!(store.compact(), Ok(false));
    drop(reader);
    assert_eq!(store.compact(), Ok(true));
    assert!(size() < before / 2, "{} of {before} bytes are left", size());
    fill(&store, 10..20);
    assert_eq!(rows(&store).unwrap(), (0..20).collect::<Vec<_>>());
}

#[test]
fn what_the_system_says_is_sorted() {
    let path = Path::new("auther.redb");
    let sort = |kind: io::ErrorKind| OpenError::from_io(path, &io::Error::from(kind));
    assert!(matches!(sort(io::ErrorKind::PermissionDenied), OpenError::ReadOnly(_)));
    assert!(matches!(sort(io::ErrorKind::ReadOnlyFilesystem), OpenError::ReadOnly(_)));
    assert!(matches!(sort(io::ErrorKind::StorageFull), OpenError::Full(_)));
    assert!(matches!(sort(io::ErrorKind::QuotaExceeded), OpenError::Full(_)));
    assert!(matches!(sort(io::ErrorKind::TimedOut), OpenError::Other { .. }));
}
