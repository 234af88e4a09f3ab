//! The file under redb, with a hand on its shoulder: until the contents are proved sound, nothing is written.
//!
//! Opening a file after a crash repairs it, and redb repairs in place. A damaged file must stay as it is, so an opened
//! device keeps redb's writes in memory, in order, and plays them onto the file only when [`Device::settle`] is called.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// What redb wanted to do to the file.
#[derive(Debug)]
enum Step {
    Write { offset: u64, bytes: Vec<u8> },
    Length(u64),
    Sync,
}

/// The steps that wait, and what the file would be after them.
#[derive(Debug)]
struct Staged {
    steps: Vec<Step>,
    length: u64,
    /// So much of the file's own beginning still counts; what follows was cut off.
    kept: u64,
}

/// How a device treats the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Alone; writes wait for [`Device::settle`].
    Exclusive,
    /// Beside other readers; the file is never written, not even by `settle`.
    ReadOnly,
}

/// A data file. Cheap to clone; one clone goes to redb, the other one settles.
#[derive(Clone, Debug)]
pub(super) struct Device(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: FileBackend,
    access: Access,
    settled: AtomicBool,
    staged: Mutex<Staged>,
    #[cfg(test)]
    room: Arc<std::sync::atomic::AtomicU64>,
}

impl Device {
    /// Takes the opened file. Nothing is read, written or locked yet.
    pub(super) fn new(file: File, access: Access) -> Result<Self, DatabaseError> {
        let length = file.metadata()?.len();
        Ok(Self(Arc::new(Inner {
            file: FileBackend::new(file)?,
            access,
            settled: AtomicBool::new(false),
            staged: Mutex::new(Staged { steps: Vec::new(), length, kept: length }),
            #[cfg(test)]
            room: Arc::new(std::sync::atomic::AtomicU64::new(u64::MAX)),
        })))
    }

    /// Plays what was held back onto the file, in its order and with its syncs, so that a crash in between is one that
    /// redb can repair. From here on writes go through. Errors: the file's.
    pub(super) fn settle(&self) -> io::Result<()> {
        let inner = &self.0;
        let mut staged = inner.staged.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.access == Access::ReadOnly {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        for step in std::mem::take(&mut staged.steps) {
            match step {
                Step::Write { offset, bytes } => inner.file.write(offset, &bytes)?,
                Step::Length(length) => inner.file.set_len(length)?,
                Step::Sync => inner.file.sync_data()?,
            }
        }
        inner.settled.store(true, Ordering::Release);
        Ok(())
    }

    /// The steps that wait, or `None` when writes go through.
    fn staged(&self) -> Option<std::sync::MutexGuard<'_, Staged>> {
        if self.0.settled.load(Ordering::Acquire) {
            return None;
        }
        Some(self.0.staged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The bytes that may yet be written before the disk pretends to be full.
    #[cfg(test)]
    pub(super) fn room(&self) -> Arc<std::sync::atomic::AtomicU64> {
        Arc::clone(&self.0.room)
    }

    #[cfg(test)]
    fn use_room(&self, bytes: usize) -> io::Result<()> {
        let left = |room: u64| if room == u64::MAX { Some(room) } else { room.checked_sub(bytes as u64) };
        let taken = self.0.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        taken.map(drop).map_err(|_| io::Error::from(io::ErrorKind::StorageFull))
    }
}

impl Staged {
    fn read(&self, file: &FileBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.length);
        if end.is_none() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let from_file = usize::try_from(self.kept.saturating_sub(offset)).unwrap_or(usize::MAX).min(out.len());
        let (own, cut_off) = out.split_at_mut(from_file);
        if !own.is_empty() {
            file.read(offset, own)?;
        }
        cut_off.fill(0);
        for step in &self.steps {
            match step {
                Step::Write { offset: at, bytes } => lay_over(offset, out, *at, bytes),
                Step::Length(length) => {
                    let keep = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX).min(out.len());
                    out.iter_mut().skip(keep).for_each(|byte| *byte = 0);
                }
                Step::Sync => {}
            }
        }
        Ok(())
    }
}

/// Copies the part of `bytes`, which lie at `at`, that falls into `out`, which lies at `offset`.
fn lay_over(offset: u64, out: &mut [u8], at: u64, bytes: &[u8]) {
    let skip_out = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    let skip_bytes = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
    for (to, from) in out.iter_mut().skip(skip_out).zip(bytes.iter().skip(skip_bytes)) {
        *to = *from;
    }
}

impl StorageBackend for Device {
    fn len(&self) -> Result<u64, io::Error> {
        match self.staged() {
            Some(staged) => Ok(staged.length),
            None => self.0.file.len(),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        match self.staged() {
            Some(staged) => staged.read(&self.0.file, offset, out),
            None => self.0.file.read(offset, out),
        }
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        match self.staged() {
            Some(mut staged) => {
                staged.length = length;
                staged.kept = staged.kept.min(length);
                staged.steps.push(Step::Length(length));
                Ok(())
            }
            None => self.0.file.set_len(length),
        }
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        match self.staged() {
            Some(mut staged) => {
                staged.steps.push(Step::Sync);
                Ok(())
            }
            None => self.0.file.sync_data(),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        #[cfg(test)]
        self.use_room(data.len())?;
        match self.staged() {
            Some(mut staged) => {
                staged.steps.push(Step::Write { offset, bytes: data.to_vec() });
                Ok(())
            }
            None => self.0.file.write(offset, data),
        }
    }

    fn close(&self) -> Result<(), io::Error> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        match self.0.access {
            Access::Exclusive => self.0.file.try_lock_range(start, end),
            Access::ReadOnly => self.0.file.try_lock_shared_range(start, end),
        }
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        match self.0.access {
            Access::Exclusive => self.0.file.lock_range(start, end),
            Access::ReadOnly => self.0.file.lock_shared_range(start, end),
        }
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}
