//! When a certificate ends.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::base::Moment;
use crate::crypto::certificate;

/// The most that is read of a file of certificates.
const MOST: u64 = 1 << 20;

/// When the first of the certificates in a PEM file ends, which is the server's own. Errors: a sentence that says why
/// it cannot be told.
pub fn end_of_file(path: &Path) -> Result<Moment, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text));
    read.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    certificate::end(&text).ok_or_else(|| format!("{} holds no certificate", path.display()))
}
