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
#[derive(Clone, Debug)]
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
    room: Room,
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
            room: Room::default(),
        })))
    }

    /// Plays what was held back onto the file, in its order and with its syncs, so that a crash in between is one that
    /// redb can repair. From here on writes go through; when that is so already, nothing happens. Errors: the file's;
    /// what is still held back stays, is read as before, and can be settled later.
    pub(super) fn settle(&self) -> io::Result<()> {
        let inner = &self.0;
        if inner.settled.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut staged = inner.staged.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.access == Access::ReadOnly {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        let mut played = 0;
        let result = staged.steps.iter().try_for_each(|step| {
            match step {
                Step::Write { offset, bytes } => self.write_through(*offset, bytes)?,
                Step::Length(length) => inner.file.set_len(*length)?,
                Step::Sync => inner.file.sync_data()?,
            }
            played += 1;
            io::Result::Ok(())
        });
        // What was played is never played again: a step may stand on what a later one has freed.
        staged.steps.drain(..played);
        staged.kept = staged.kept_of(inner.file.len()?);
        result?;
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

    fn write_through(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        self.0.room.take(bytes.len())?;
        self.0.file.write(offset, bytes)
    }

    /// The same device on a disk with that much room.
    #[cfg(test)]
    pub(super) fn with_room(self, room: &Room) -> Self {
        let mut inner = Arc::into_inner(self.0).unwrap();
        inner.room = room.clone();
        Self(Arc::new(inner))
    }
}

/// How many bytes may yet be written before the disk pretends to be full.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<std::sync::atomic::AtomicU64>);

#[cfg(test)]
impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(std::sync::atomic::AtomicU64::new(u64::MAX)))
    }
}

#[cfg(test)]
impl Room {
    pub(crate) fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::SeqCst);
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let left = |room: u64| if room == u64::MAX { Some(room) } else { room.checked_sub(bytes as u64) };
        let taken = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        taken.map(drop).map_err(|_| io::Error::from(io::ErrorKind::StorageFull))
    }
}

impl Staged {
    /// How much of the beginning of a file of that length counts, after the steps that wait.
    fn kept_of(&self, length: u64) -> u64 {
        let cuts = self.steps.iter().map(|step| if let Step::Length(length) = step { *length } else { u64::MAX });
        cuts.fold(length, u64::min)
    }

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
        match self.staged() {
            Some(mut staged) => {
                staged.steps.push(Step::Write { offset, bytes: data.to_vec() });
                Ok(())
            }
            None => self.write_through(offset, data),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..60_u64, prop::collection::vec(1..255_u8, 1..30)).prop_map(|(offset, bytes)| Step::Write { offset, bytes }),
            2 => (0..90_u64).prop_map(Step::Length),
            1 => Just(Step::Sync),
        ]
    }

    fn all(device: &Device) -> Vec<u8> {
        let mut bytes = vec![7; usize::try_from(device.len().unwrap()).unwrap()];
        device.read(0, &mut bytes).unwrap();
        bytes
    }

    fn both_take(step: &Step, held: &Device, through: &Device) {
        for device in [held, through] {
            match step {
                // redb writes within the length that it has set.
                Step::Write { offset, bytes } if offset + bytes.len() as u64 <= through.len().unwrap() => {
                    device.write(*offset, bytes).unwrap();
                }
                Step::Write { .. } => {}
                Step::Length(length) => device.set_len(*length).unwrap(),
                Step::Sync => device.sync_data().unwrap(),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_held_back_reads_as_if_it_were_written(
            steps in prop::collection::vec(step(), 0..12),
            from in 0..90_usize,
            length in 1..40_usize,
        ) {
            let files = [(); 2].map(|()| tempfile::tempfile().unwrap());
            let bytes: Vec<u8> = (100..150).collect();
            files.iter().for_each(|file| io::Write::write_all(&mut &*file, &bytes).unwrap());
            let [held, through] = files.map(|file| Device::new(file, Access::Exclusive).unwrap());
            through.settle().unwrap();
            steps.iter().for_each(|step| both_take(step, &held, &through));
            prop_assert_eq!(all(&held), all(&through));
            let (mut one, mut two) = (vec![1; length], vec![2; length]);
            let offset = from as u64;
            prop_assert_eq!(held.read(offset, &mut one).is_ok(), through.read(offset, &mut two).is_ok());
            if offset + length as u64 <= held.len().unwrap() {
                prop_assert_eq!(one, two);
            }
            prop_assert_eq!(held.0.file.len().unwrap(), 50, "the file was touched");
            held.settle().unwrap();
            prop_assert_eq!(held.0.file.len().unwrap(), through.len().unwrap());
            prop_assert_eq!(all(&held), all(&through));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_could_not_be_settled_reads_the_same_and_is_settled_later(
            steps in prop::collection::vec(step(), 0..12),
            rooms in prop::collection::vec(0..60_u64, 1..4),
        ) {
            let files = [(); 2].map(|()| tempfile::tempfile().unwrap());
            files.iter().for_each(|file| io::Write::write_all(&mut &*file, &[9; 50]).unwrap());
            let room = Room::default();
            let [held, through] = files.map(|file| Device::new(file, Access::Exclusive).unwrap().with_room(&room));
            through.settle().unwrap();
            steps.iter().for_each(|step| both_take(step, &held, &through));
            for left in rooms {
                room.set(left);
                if let Err(error) = held.settle() {
                    prop_assert_eq!(error.kind(), io::ErrorKind::StorageFull);
                }
                prop_assert_eq!(held.len().unwrap(), through.len().unwrap());
                prop_assert_eq!(all(&held), all(&through));
            }
            room.set(u64::MAX);
            held.settle().unwrap();
            prop_assert_eq!(held.0.file.len().unwrap(), through.len().unwrap());
            prop_assert_eq!(all(&held), all(&through));
        }
    }

    #[test]
    fn a_device_to_read_is_never_settled() {
        let device = Device::new(tempfile::tempfile().unwrap(), Access::ReadOnly).unwrap();
        device.set_len(10).unwrap();
        assert_eq!(device.settle().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(device.0.file.len().unwrap(), 0);
    }
}
