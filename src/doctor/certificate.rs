//! When a certificate ends.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use data_encoding::BASE64;
use x509_parser::parse_x509_certificate;

use crate::base::Moment;

/// The most that is read of a file of certificates.
const MOST: u64 = 1 << 20;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// When the first of the certificates in a PEM file ends, which is the server's own. Errors: a sentence that says why
/// it cannot be told.
pub fn end_of_file(path: &Path) -> Result<Moment, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text));
    read.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    end(&text).ok_or_else(|| format!("{} holds no certificate", path.display()))
}

/// When the first certificate of a PEM text ends (RFC 7468 §5.1, RFC 5280 §4.1.2.5).
pub fn end(pem: &str) -> Option<Moment> {
    let (_, rest) = pem.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = BASE64.decode(body.as_bytes()).ok()?;
    let (_, certificate) = parse_x509_certificate(&der).ok()?;
    Some(Moment::from_seconds(certificate.validity().not_after.timestamp()))
}
