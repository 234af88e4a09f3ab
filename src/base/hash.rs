//! A quick hash under a secret number: for maps that live as long as a question, or hold what others have named.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Any odd number without a pattern.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Drawn once per process: a question makes maps so often that drawing for each would show.
static SECRET: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(SPREAD));

/// Makes hashers that nobody outside can foresee.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(*SECRET)
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding { state: self.0, secret: self.0 | 1 }
    }
}

/// Multiplies word after word and folds the halves of the product, which spreads every bit over all.
pub struct Folding {
    state: u64,
    secret: u64,
}

impl Folding {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.secret.rotate_left(31) ^ SPREAD);
        let (low, high) = (product & u128::from(u64::MAX), product >> 64);
        self.state = u64::try_from(low ^ high).unwrap_or(0).wrapping_add(self.secret);
    }
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        let mut last = Self { state: self.state, secret: self.secret.rotate_left(17) };
        last.fold(SPREAD);
        last.state
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.fold(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.fold(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.fold(u64::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_differs_little_hashes_apart_and_differently_each_time() {
        let (one, other) = (Seeded(*SECRET), Seeded(!*SECRET));
        let texts: Vec<String> = (0..20_000).map(|n| format!("folder_{n}")).collect();
        let hashes: HashSet<u64> = texts.iter().map(|text| one.hash_one(text)).collect();
        assert_eq!(hashes.len(), texts.len());
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 0xFFFF).collect();
        let high: HashSet<u64> = hashes.iter().map(|hash| hash >> 48).collect();
        // Of 65 536 places, 20 000 thrown by chance take about 17 200.
        assert!(low.len() > 16_500 && high.len() > 16_500, "{} {}", low.len(), high.len());
        assert_ne!(one.hash_one("folder"), other.hash_one("folder"));
        assert_ne!(one.hash_one(("ab", "c")), one.hash_one(("a", "bc")));
    }
}
