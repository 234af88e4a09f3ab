//! Chance as a value. Every random byte of the program is drawn through an [`Entropy`].

use std::cell::RefCell;

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroize;

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

/// The operating system's generator. Secrets are drawn from it one by one; for identifiers, of which every request has
/// some, each thread draws ahead: asking the system costs more than making the rest of one.
#[derive(Debug, Default)]
pub struct OsEntropy;

/// The largest draw, in bytes, that may have been drawn ahead. Everything that is secret is larger.
const SMALL: usize = 16;

/// How much is drawn ahead, in bytes.
const AHEAD: usize = 32 * SMALL;

/// What a thread has drawn ahead; what was handed out is wiped.
struct Ahead {
    bytes: [u8; AHEAD],
    used: usize,
}

thread_local! {
    static DRAWN: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; AHEAD], used: AHEAD }) };
}

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if buffer.len() <= SMALL {
            DRAWN.with_borrow_mut(|ahead| ahead.hand_out(buffer));
        } else {
            draw(buffer);
        }
    }
}

impl Ahead {
    fn hand_out(&mut self, buffer: &mut [u8]) {
        if AHEAD - self.used < buffer.len() {
            draw(&mut self.bytes);
            self.used = 0;
        }
        let fresh = self.bytes.iter_mut().skip(self.used);
        for (wanted, drawn) in buffer.iter_mut().zip(fresh) {
            *wanted = *drawn;
            drawn.zeroize();
        }
        self.used += buffer.len();
    }
}

#[expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "the one place that asks the system; without randomness nothing this program does is safe: stop at once"
)]
fn draw(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system must supply random bytes");
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

    #[test]
    fn small_draws_differ_within_a_thread_and_between_threads_and_leave_nothing_behind() {
        let some = || (0..200).map(|_| (&OsEntropy as &dyn Entropy).bytes::<16>()).collect::<Vec<_>>();
        let mut all = [some(), std::thread::spawn(some).join().unwrap()].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(!all.contains(&[0; 16]));
        DRAWN.with_borrow(|ahead| assert!(ahead.bytes[..ahead.used].iter().all(|byte| *byte == 0)));
    }
}
