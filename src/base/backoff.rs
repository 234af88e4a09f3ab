//! How long to wait before something that failed is tried again.

use std::time::Duration;

use super::Entropy;

/// Pauses that double from one failure to the next, up to a bound. Each is shortened by chance, by up to half, so that
/// what failed together does not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// The pause after so many failures in a row; of none, no pause.
    pub fn pause(self, failures: u32, entropy: &dyn Entropy) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        let full = self.first.saturating_mul(factor).min(self.longest);
        let half = full / 2;
        let share = f64::from(u32::from_le_bytes(entropy.bytes())) / f64::from(u32::MAX);
        full - half.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills with one byte.
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(10), longest: Duration::from_secs(60) };

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses: Vec<u64> = (0..6).map(|failures| BACKOFF.pause(failures, &Constant(0)).as_secs()).collect();
        assert_eq!(pauses, [0, 10, 20, 40, 60, 60]);
        assert_eq!(BACKOFF.pause(u32::MAX, &Constant(0)).as_secs(), 60);
    }

    #[test]
    fn chance_takes_up_to_half_of_a_pause_away() {
        assert_eq!(BACKOFF.pause(1, &Constant(u8::MAX)).as_secs(), 5);
        let middle = BACKOFF.pause(1, &Constant(0x80));
        assert!(middle > Duration::from_secs(7) && middle < Duration::from_secs(8), "{middle:?}");
    }
}
