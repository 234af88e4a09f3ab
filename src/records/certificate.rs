//! A TLS certificate of our own making.

use serde::{Deserialize, Serialize};

use crate::base::Moment;

/// The local CA, or the leaf it signed for the issuer's host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// PEM of the certificate.
    pub pem: String,
    /// PKCS#8 private key (DER), sealed under the master key.
    pub sealed_key: String,
    /// Names the leaf is for; empty for the CA.
    #[serde(default)]
    pub names: Vec<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends.
    pub not_after: Moment,
}
