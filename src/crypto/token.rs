//! Opaque tokens and stateless values.
//!
//! An opaque token is `id.secret`: the id finds its row, the row holds the secret's digest. A stateless value is data
//! with a message authentication code (MAC) that only this server can make, for one purpose.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Purpose;
use crate::base::Secret;
pub use crate::base::secret::Digest;

/// Characters of a token's secret: 256 bits in base64url.
pub const SECRET_CHARS: usize = 43;

/// The longest id that a token may carry.
const MAX_ID_CHARS: usize = 64;

/// The token of the row `id` whose secret is `secret` (as [`crate::base::Entropy`] draws it: 43 characters).
pub fn compose(id: &str, secret: &str) -> String {
    format!("{id}.{secret}")
}

/// The id and the secret of a token; `None` for everything that [`compose`] could not have made. One token has one
/// spelling: one dot, letters of base64url on both sides, 43 of them canonical after it.
pub fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let id_is_fit = (1..=MAX_ID_CHARS).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let secret_is_fit = secret.len() == SECRET_CHARS && BASE64URL_NOPAD.decode(secret.as_bytes()).is_ok();
    (id_is_fit && secret_is_fit).then_some((id, secret))
}

/// What is stored in the place of a token's secret.
pub fn digest(secret: &str) -> Digest {
    Digest::of(secret)
}

/// A key for HMAC-SHA256 (RFC 2104) over stateless values. What is signed for one purpose or tenant does not verify for
/// another.
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// A key of 32 random bytes.
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        // A key shorter than the block is padded with zeros (RFC 2104 §2); done here, the length cannot be wrong.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(key.expose()).for_each(|(slot, byte)| *slot = *byte);
        Self(Hmac::new((&*block).into()))
    }

    /// The tag of `data` for `purpose`: 43 characters of base64url.
    pub fn sign(&self, purpose: Purpose<'_>, data: &[u8]) -> String {
        BASE64URL_NOPAD.encode(&self.keyed(purpose, data).finalize().into_bytes())
    }

    /// Whether `tag` is the tag of `data` for `purpose`; takes the same time for every wrong tag of the right form.
    pub fn verify(&self, purpose: Purpose<'_>, data: &[u8], tag: &str) -> bool {
        match BASE64URL_NOPAD.decode(tag.as_bytes()) {
            Ok(tag) => self.keyed(purpose, data).verify_slice(&tag).is_ok(),
            Err(_) => false,
        }
    }

    /// The length stands before the purpose, so that no other pair of purpose and data reads the same.
    fn keyed(&self, purpose: Purpose<'_>, data: &[u8]) -> Hmac<Sha256> {
        let purpose = purpose.bytes();
        let length = u64::try_from(purpose.len()).unwrap_or(u64::MAX);
        self.0.clone().chain_update(length.to_be_bytes()).chain_update(&*purpose).chain_update(data)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;
    use crate::base::entropy::OsEntropy;
    use crate::base::id::TenantId;

    #[test]
    fn a_token_comes_apart_as_it_was_composed() {
        let entropy: &dyn Entropy = &OsEntropy;
        let secret = entropy.token();
        let token = compose("ses_0j8", &secret);
        assert_eq!(split(&token), Some(("ses_0j8", secret.as_str())));
        assert!(digest(&secret).matches(split(&token).unwrap().1));
        assert!(!digest(&secret).matches("ses_0j8"));
    }

    #[test]
    fn a_token_has_one_spelling() {
        let secret = "A".repeat(SECRET_CHARS);
        assert!(split(&format!("a.{secret}")).is_some());
        for bad in [
            String::new(),
            ".".into(),
            format!(".{secret}"),
            secret.clone(),
            format!("a.{secret}."),
            format!("a.b.{secret}"),
            format!("a.{secret}A"),
            format!("a.{}", &secret[1..]),
            format!("a.{}B", &secret[1..]),
            format!("a.{}+", &secret[1..]),
            format!("a .{secret}"),
            format!(" a.{secret}"),
            format!("a.{secret}\n"),
            format!("ä.{secret}"),
            format!("a/..{secret}"),
            format!("{}.{secret}", "a".repeat(MAX_ID_CHARS + 1)),
        ] {
            assert_eq!(split(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_mark_holds_for_its_key_purpose_and_data() {
        let key = MacKey::new(&Secret::new([7; 32]));
        let purpose = |name| Purpose::of(TenantId::DEFAULT, name);
        let tag = key.sign(purpose("csrf"), b"data");
        assert_eq!(tag.len(), 43);
        assert!(key.verify(purpose("csrf"), b"data", &tag));
        assert!(!key.verify(purpose("csr"), b"fdata", &tag));
        assert!(!key.verify(purpose("csrf"), b"date", &tag));
        assert!(!key.verify(purpose("state"), b"data", &tag));
        assert!(!key.verify(Purpose::of(TenantId(2), "csrf"), b"data", &tag));
        assert!(!MacKey::new(&Secret::new([8; 32])).verify(purpose("csrf"), b"data", &tag));
        for bad in ["", "AAAA", &tag[1..], &format!("{tag}A"), &format!("{tag}="), &"A".repeat(43)] {
            assert!(!key.verify(purpose("csrf"), b"data", bad), "{bad}");
        }
    }

    /// RFC 4231 §4.3 (test case 2); its four-byte key is padded with zeros to the length of this key type. The frame is
    /// left out.
    #[test]
    fn the_mac_is_hmac_sha256() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = MacKey::new(&Secret::new(key)).0.chain_update("what do ya want for nothing?");
        let wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()), wanted);
    }
}
