//! How a data file is used.

/// How a data file is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for pages of the file, in bytes.
    pub cache_bytes: usize,
    /// Files up to this size, in bytes, are read and checked as a whole when they are opened; larger ones only where
    /// they are used, and by backups.
    pub check_bytes: u64,
    /// A disk that can be made to look full.
    #[cfg(test)]
    pub(crate) room: super::device::Room,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 48 << 20,
            check_bytes: 16 << 20,
            #[cfg(test)]
            room: super::device::Room::default(),
        }
    }
}
