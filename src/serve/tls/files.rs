//! A certificate and its key in PEM files, read again when they change.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::{Error, provider};

/// What tells one version of a file from the next.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// The two files.
#[derive(Debug)]
pub struct Files {
    cert: PathBuf,
    key: PathBuf,
    /// The version that was read last, good or bad.
    seen: Mutex<Stamp>,
}

impl Files {
    /// The files with these names; nothing is read yet.
    pub fn new(cert: PathBuf, key: PathBuf) -> Self {
        Self { cert, key, seen: Mutex::default() }
    }

    /// Reads both. Errors: a file that cannot be read or holds something else, or a key that is not the certificate's.
    pub fn read(&self) -> Result<CertifiedKey, Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.stamp();
        let unreadable = |path: &PathBuf, cause: &dyn std::fmt::Display| Error::File {
            path: path.clone(),
            cause: cause.to_string(),
        };
        let chain = CertificateDer::pem_file_iter(&self.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| unreadable(&self.cert, &error))?;
        if chain.is_empty() {
            return Err(unreadable(&self.cert, &"it holds no certificate"));
        }
        let key = fs::read(&self.key).map(Zeroizing::new).map_err(|error| unreadable(&self.key, &error))?;
        if is_encrypted(&key) {
            return Err(Error::EncryptedKey(self.key.clone()));
        }
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| unreadable(&self.key, &error))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| Error::Pair {
            cert: self.cert.clone(),
            key: self.key.clone(),
            cause: error,
        })
    }

    /// Whether a file changed since it was read.
    pub fn changed(&self) -> bool {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != self.stamp()
    }

    fn stamp(&self) -> Stamp {
        [&self.cert, &self.key].map(|path| {
            let facts = fs::metadata(path).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        })
    }
}

/// Whether a key in PEM wants a passphrase: PKCS #8 (RFC 7468 section 11), or the older form with a header of its own
/// (RFC 1421 section 4.6.1.1).
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}
