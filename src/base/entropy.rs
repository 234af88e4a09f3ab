//! Chance as a value. Every random byte of the program is drawn through an [`Entropy`].

use data_encoding::BASE64URL_NOPAD;

/// A source of random bytes fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// `N` fresh random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.fill(&mut buffer);
        buffer
    }

    /// 256 random bits as 43 characters of base64url without padding (RFC 4648 §5).
    pub fn token(&self) -> String {
        BASE64URL_NOPAD.encode(&self.bytes::<32>())
    }
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(
        clippy::expect_used,
        clippy::disallowed_methods,
        reason = "the one place that asks the system; without randomness nothing this program does is safe: stop at once"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system must supply random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_differ_and_are_url_safe() {
        let entropy: &dyn Entropy = &OsEntropy;
        let (one, two) = (entropy.token(), entropy.token());
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}
