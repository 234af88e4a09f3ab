//! The one cryptography provider of TLS, for what listens and for what connects.

use rustls::crypto::CryptoProvider;

/// The provider: aws-lc, with post-quantum key exchange.
pub fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// Makes the one provider the process's own, for libraries that ask for it. Later calls change nothing.
pub fn install_provider() {
    // Refused when one is installed already, and it can only be this one.
    let _ = provider().install_default();
}
