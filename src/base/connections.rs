//! How many connections a process takes, and the files that the system lets it have open: each connection is one.

/// Files that are kept for everything that is no connection of the public listeners: the data file, the admin socket,
/// logs, backups.
const KEPT: u64 = 128;

/// The most files that the process asks the system for: with them the count of connections is no question of files.
const WANTED: u64 = 65_536;

/// What is assumed where the system does not say: the usual soft limit.
#[cfg(any(test, not(target_os = "linux")))]
const USUAL: u64 = 1_024;

/// How many connections the public listeners take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub all: usize,
    pub per_address: usize,
    /// From this machine, or from one trusted proxy: many may stand behind such an address.
    pub per_proxy: usize,
    /// More of them when those are full: for anyone who asks whether the server is well.
    pub reserve: usize,
}

impl Bounds {
    /// The bounds of a process that may have this many files open, where so many connections are wanted at the most, in
    /// all and per address.
    pub fn new(files: u64, all: usize, per_address: usize) -> Self {
        let room = usize::try_from(files.saturating_sub(KEPT)).unwrap_or(usize::MAX).max(32);
        let reserve = (room / 16).clamp(4, 64);
        let all = (room - reserve).min(all);
        let per_proxy = all - all / 4;
        Self { all, per_address: per_address.min(per_proxy), per_proxy, reserve }
    }
}

/// The files that the process may have open now (the soft limit).
pub fn open_files() -> u64 {
    system::limit()
}

/// The files that it may have open once it has asked for them.
pub fn available_files() -> u64 {
    system::available(WANTED)
}

/// Asks the system for as many files as it gives without being asked by root, and says how many there are now.
pub fn raise_open_files() -> u64 {
    system::raise(WANTED);
    open_files()
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    pub(super) fn limit() -> u64 {
        getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
    }

    pub(super) fn available(wanted: u64) -> u64 {
        let now = getrlimit(Resource::Nofile);
        let wanted = now.maximum.map_or(wanted, |most| most.min(wanted));
        now.current.map_or(u64::MAX, |current| current.max(wanted))
    }

    pub(super) fn raise(wanted: u64) {
        let (now, wanted) = (getrlimit(Resource::Nofile), available(wanted));
        if now.current.is_some_and(|current| current < wanted) {
            // Where it is refused, the count of connections is that of the files there are.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..now });
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn limit() -> u64 {
        super::USUAL
    }

    pub(super) fn available(_: u64) -> u64 {
        super::USUAL
    }

    pub(super) fn raise(_: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        for files in [0, 64, 128, 256, USUAL, 4_096, 65_536, u64::MAX] {
            let bounds = Bounds::new(files, 8192, 256);
            assert!(bounds.per_address <= bounds.per_proxy && bounds.per_proxy < bounds.all && bounds.all <= 8192);
            assert!(bounds.per_address > 0 && bounds.reserve >= 4, "{bounds:?}");
            if files > KEPT + 32 {
                let taken = u64::try_from(bounds.all + bounds.reserve).unwrap();
                assert!(taken + KEPT <= files, "{files}: {bounds:?}");
            }
        }
        let small = Bounds { all: 840, per_address: 256, per_proxy: 630, reserve: 56 };
        assert_eq!(Bounds::new(USUAL, 8192, 256), small);
    }

    #[test]
    fn the_limit_is_raised_and_never_lowered() {
        let before = open_files();
        assert!(raise_open_files() >= before);
        assert_eq!(available_files(), open_files());
        assert_eq!(raise_open_files(), open_files());
    }
}
