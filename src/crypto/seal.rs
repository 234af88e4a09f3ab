//! Sealing at rest: XChaCha20-Poly1305 under the master key. Random nonces of 192 bits need no counter.
//!
//! A sealed text is base64url of `version ‖ nonce ‖ ciphertext and tag`. The purpose is authenticated with it: what was
//! sealed as a signing key of a tenant does not open as anything else, nor in another one.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Purpose;
use crate::base::{Entropy, Secret};

/// The first byte of everything sealed.
const VERSION: u8 = 1;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// Salt of the extraction that turns a passphrase into a key (RFC 5869 §2.2). Changing it would lose every sealed
/// value.
const PASSPHRASE_SALT: &[u8] = b"auther sealing key 1";

/// Fewest characters of a passphrase.
const MIN_PASSPHRASE: usize = 32;

/// Why something cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another key, another purpose, or damage: these look the same.
    #[error("the sealed value cannot be opened with this master key")]
    Opening,
    /// Sealed by a newer program.
    #[error("the sealed value is of a version that is not known")]
    Version,
    /// Too much to seal at once.
    #[error("the value is too large to be sealed")]
    TooLarge,
    /// The text is no key.
    #[error("a master key is 32 bytes as hex or base64, or a passphrase of at least 32 characters")]
    Key,
}

/// The master key.
#[derive(Clone)]
pub struct SealingKey(Secret<[u8; 32]>);

impl SealingKey {
    /// A key of 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Secret::new(key))
    }

    /// Reads a key as an administrator writes it; white space around it does not count. In this order: 64 hexadecimal
    /// digits or 32 bytes of base64 (either alphabet, padded or not) are the key itself; any other text of at least 32
    /// characters is a passphrase, from which HKDF-Extract with SHA-256 (RFC 5869 §2.2) makes the key. That step is
    /// fast on purpose: a passphrase must be random enough not to be guessed.
    pub fn from_text(text: &Secret<String>) -> Result<Self, Error> {
        let text = text.expose().trim();
        if let Some(key) = written_out(text) {
            return Ok(Self::new(*key));
        }
        if text.chars().count() < MIN_PASSPHRASE {
            return Err(Error::Key);
        }
        let extract = Hmac::<Sha256>::new_from_slice(PASSPHRASE_SALT).map_err(|_| Error::Key)?;
        Ok(Self::new(extract.chain_update(text).finalize().into_bytes().into()))
    }

    /// Seals `plain` for `purpose` with a nonce from `entropy`.
    pub fn seal(&self, purpose: Purpose<'_>, plain: &[u8], entropy: &dyn Entropy) -> Result<String, Error> {
        let nonce = entropy.bytes::<NONCE>();
        let payload = Payload { msg: plain, aad: &purpose.bytes() };
        let ciphertext = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::TooLarge)?;
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens what [`SealingKey::seal`] sealed for the same purpose. The answer is wiped when dropped.
    pub fn open(&self, purpose: Purpose<'_>, text: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sealed = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Error::Opening)?;
        let (version, rest) = sealed.split_first().ok_or(Error::Opening)?;
        if *version != VERSION {
            return Err(Error::Version);
        }
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(Error::Opening)?;
        let payload = Payload { msg: ciphertext, aad: &purpose.bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| Error::Opening)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.expose().into())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// The 32 bytes that `text` spells out, if it does.
fn written_out(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    [HEXLOWER_PERMISSIVE, BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD].iter().find_map(|encoding| {
        let bytes = Zeroizing::new(encoding.decode(text.as_bytes()).ok()?);
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::id::TenantId;

    fn of(name: &str) -> Purpose<'_> {
        Purpose::of(TenantId::DEFAULT, name)
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_key_and_purpose_only() {
        let key = SealingKey::new([1; 32]);
        let sealed = key.seal(of("signing-key"), b"secret", &OsEntropy).unwrap();
        assert_eq!(key.open(of("signing-key"), &sealed).unwrap().as_slice(), b"secret");
        assert_ne!(key.seal(of("signing-key"), b"secret", &OsEntropy).unwrap(), sealed);
        assert_eq!(key.open(of("totp"), &sealed), Err(Error::Opening));
        assert_eq!(key.open(Purpose::of(TenantId(2), "signing-key"), &sealed), Err(Error::Opening));
        assert_eq!(SealingKey::new([2; 32]).open(of("signing-key"), &sealed), Err(Error::Opening));
        assert_eq!(key.open(of("empty"), &key.seal(of("empty"), b"", &OsEntropy).unwrap()).unwrap().len(), 0);
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let key = SealingKey::new([1; 32]);
        let sealed = BASE64URL_NOPAD.decode(key.seal(of("p"), b"secret", &OsEntropy).unwrap().as_bytes()).unwrap();
        for place in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[place] ^= 1;
            let wanted = if place == 0 { Error::Version } else { Error::Opening };
            assert_eq!(key.open(of("p"), &BASE64URL_NOPAD.encode(&damaged)), Err(wanted), "byte {place}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key.open(of("p"), &BASE64URL_NOPAD.encode(&sealed[..length])), Err(Error::Opening), "{length}");
        }
        assert_eq!(key.open(of("p"), "not base64url!"), Err(Error::Opening));
    }

    #[test]
    fn a_key_is_read_however_it_is_spelled() {
        let bytes: [u8; 32] = std::array::from_fn(|place| 255 - u8::try_from(place).unwrap());
        let sealed = SealingKey::new(bytes).seal(of("p"), b"x", &OsEntropy).unwrap();
        let upper = data_encoding::HEXUPPER.encode(&bytes);
        for text in [
            BASE64.encode(&bytes),
            BASE64_NOPAD.encode(&bytes),
            BASE64URL.encode(&bytes),
            format!("{}\n", BASE64URL_NOPAD.encode(&bytes)),
            upper.to_lowercase(),
            upper,
        ] {
            let key = SealingKey::from_text(&Secret::from(text.as_str())).unwrap();
            assert!(key.open(of("p"), &sealed).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_passphrase_makes_one_key_for_ever() {
        let text = Secret::from("correct horse battery staple, twice over");
        let key = SealingKey::from_text(&text).unwrap();
        let sealed = key.seal(of("p"), b"x", &OsEntropy).unwrap();
        assert!(SealingKey::from_text(&text).unwrap().open(of("p"), &sealed).is_ok());
        let other = Secret::from("correct horse battery staple, twice ovex");
        assert!(SealingKey::from_text(&other).unwrap().open(of("p"), &sealed).is_err());
        for short in ["", "hunter2", "thirty-one characters are not 32"].map(|text| &text[..text.len().min(31)]) {
            assert_eq!(SealingKey::from_text(&Secret::from(short)).err(), Some(Error::Key), "{short}");
        }
    }

    /// draft-irtf-cfrg-xchacha-03 appendix A.3.1: the cipher is the one that it is said to be.
    #[test]
    fn a_sealed_text_is_what_the_draft_says() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        let nonce = hex("404142434445464748494a4b4c4d4e4f5051525354555657");
        let aad = hex("50515253c0c1c2c3c4c5c6c7");
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let cipher = SealingKey::new(key.try_into().unwrap()).cipher();
        let nonce: [u8; NONCE] = nonce.try_into().unwrap();
        let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad }).unwrap();
        assert_eq!(sealed[..16], hex("bd6d179d3e83d43b9576579493c0e939"));
        assert_eq!(sealed[plain.len()..], hex("c0875924c1c7987947deafd8780acf49"));
    }
}
