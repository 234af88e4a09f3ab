//! What every test of the suite stands on.
//!
//! May use: the library, an HTTP client. [`Home`] is a server with its clock; [`Browser`] fetches pages and sends their
//! forms as a person would; [`App`] is a relying party at the token endpoint. Start reading at [`Home::new`].

mod app;
mod browser;
pub mod process;
mod server;
mod template;

pub use app::{App, Callback, Proof, Tokens, payload};
pub use browser::{Browser, Response};
pub use server::Home;
pub use template::{ADMIN, ANN, BOB, PASSWORD, key_of_signer, template};

use sha2::{Digest as _, Sha256};

/// A verifier and its S256 challenge (RFC 7636 §4.2), the same for everybody.
pub const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636.~_0123456789";

/// The S256 challenge of [`VERIFIER`].
pub fn challenge() -> String {
    data_encoding::BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER))
}

/// `name=value&…`, escaped.
pub fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
