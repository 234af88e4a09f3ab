//! Log lines on their way to standard error. Every request has one, and a system call for each would show: lines are
//! gathered for a moment and written together. What warns is written at once, with all that was said before it.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait for others.
const MOMENT: Duration = Duration::from_millis(10);

/// Bytes that may wait; who adds more writes.
const MOST: usize = 256 * 1024;

/// Where lines are gathered. Copies share it.
pub(super) struct Lines<W>(Arc<Gathered<W>>);

struct Gathered<W> {
    waiting: Mutex<Vec<u8>>,
    some: Condvar,
    /// Held while writing, and taken first: lines leave in the order in which they came.
    out: Mutex<W>,
}

impl<W> Clone for Lines<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Lines for `out`, and the thread that writes them for the rest of the process. Without a thread each line is
    /// written at once.
    pub(super) fn start(out: W) -> (Self, bool) {
        let lines = Self::new(out);
        let theirs = lines.clone();
        let thread = std::thread::Builder::new().name(String::from("log")).spawn(move || theirs.write_on());
        (lines, thread.is_ok())
    }

    fn new(out: W) -> Self {
        Self(Arc::new(Gathered { waiting: Mutex::default(), some: Condvar::new(), out: Mutex::new(out) }))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_on(&self) {
        loop {
            let some = self.0.some.wait_while(self.waiting(), |waiting| waiting.is_empty());
            drop(some.unwrap_or_else(PoisonError::into_inner));
            std::thread::sleep(MOMENT);
            self.flush();
        }
    }

    /// Writes all that waits. There is nobody to tell when that fails.
    pub(super) fn flush(&self) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = std::mem::take(&mut *self.waiting());
        let _ = out.write_all(&bytes);
    }

    fn add(&self, bytes: &[u8], at_once: bool) {
        let mut waiting = self.waiting();
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(bytes);
        let is_full = waiting.len() > MOST;
        drop(waiting);
        if at_once || is_full {
            self.flush();
        } else if was_empty {
            self.0.some.notify_one();
        }
    }
}

/// One line of an event.
pub(super) struct Entry<W> {
    lines: Lines<W>,
    at_once: bool,
}

impl<W: Write + Send + 'static> Write for Entry<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.add(bytes, self.at_once);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write + Send + 'static> MakeWriter<'_> for Lines<W> {
    type Writer = Entry<W>;

    fn make_writer(&self) -> Entry<W> {
        Entry { lines: self.clone(), at_once: true }
    }

    fn make_writer_for(&self, meta: &Metadata<'_>) -> Entry<W> {
        Entry { lines: self.clone(), at_once: *meta.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn writes(&self) -> Vec<String> {
            self.0.lock().unwrap().iter().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect()
        }
    }

    #[test]
    fn lines_are_gathered_and_a_warning_takes_along_what_was_said_before_it() {
        let kept = Kept::default();
        let lines = Lines::new(kept.clone());
        lines.add(b"one\n", false);
        lines.add(b"two\n", false);
        assert!(kept.writes().is_empty());
        lines.add(b"warning\n", true);
        assert_eq!(kept.writes(), ["one\ntwo\nwarning\n"]);
        lines.add(b"three\n", false);
        lines.flush();
        assert_eq!(kept.writes().concat(), "one\ntwo\nwarning\nthree\n");
    }

    #[test]
    fn more_than_may_wait_is_written_by_who_adds_it() {
        let kept = Kept::default();
        let lines = Lines::new(kept.clone());
        lines.add(&vec![b'x'; MOST + 1], false);
        assert_eq!(kept.writes().concat().len(), MOST + 1);
    }

    #[test]
    fn the_thread_writes_what_waits_and_no_line_is_lost_or_torn() {
        let kept = Kept::default();
        let (lines, is_running) = Lines::start(kept.clone());
        assert!(is_running);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let lines = lines.clone();
                scope.spawn(move || {
                    for n in 0..500 {
                        lines.add(format!("{thread} {n}\n").as_bytes(), n % 100 == 0);
                    }
                });
            }
        });
        // The last of them leave without anybody asking for it.
        let all = || kept.writes().concat();
        while all().lines().count() < 2000 {
            std::thread::yield_now();
        }
        for thread in 0..4 {
            let all = all();
            let own = all.lines().filter_map(|line| line.strip_prefix(&format!("{thread} ")));
            assert!(own.eq((0..500).map(|n| n.to_string())), "{thread}");
        }
    }
}
