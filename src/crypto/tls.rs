//! The one cryptography provider of TLS, for what listens and for what connects.

use rustls::crypto::CryptoProvider;

/// The provider: OpenSSL, with post-quantum key exchange where its version has it (3.5 and later).
pub fn provider() -> CryptoProvider {
    rustls_openssl::default_provider()
}

/// Makes the one provider the process's own, for libraries that ask for it. Later calls change nothing.
pub fn install_provider() {
    // Refused when one is installed already, and it can only be this one.
    let _ = provider().install_default();
}
