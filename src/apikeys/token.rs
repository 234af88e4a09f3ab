//! The text of a key: `ak_live_`, the id of its row, a secret, a checksum; after the prefix letters and digits only.
//!
//! With the id in it the row is found by one read, and with the checksum a mistyped key is refused without any. The
//! checksum is no secret: CRC-32, so that a scanner for leaked secrets can tell a key from what looks like one.

use crate::base::id::{ApiKeyId, TypedId};
use crate::base::{Entropy, Secret};

/// What a key begins with when nobody asked for something else.
pub const PREFIX: &str = "ak_live_";

/// The longest prefix.
const MAX_PREFIX: usize = 32;
/// Characters of the id behind its own prefix.
const ID_CHARS: usize = 26;
/// Characters of 32 random bytes in base 62.
const SECRET_CHARS: usize = 43;
/// Characters of the checksum: base 62 of 32 bits.
const CHECK_CHARS: usize = 6;
/// Characters of the id that are shown to tell keys apart: its moment, and some chance.
const SHOWN_CHARS: usize = 12;

/// What each byte does to the checksum: every presented key is checked.
const CRC: [u32; 256] = crc_table();

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A fresh text for the row `id`.
pub(super) fn compose(prefix: &str, id: &ApiKeyId, entropy: &dyn Entropy) -> Secret<String> {
    let secret = Secret::new(base62(&entropy.bytes::<32>(), SECRET_CHARS));
    let mut text = format!("{prefix}{}{}", body(id), secret.expose());
    text.push_str(&checksum(&text));
    Secret::new(text)
}

/// The id in a presented text; `None` when it is no key: mistyped, cut off, or something else.
pub(super) fn id_of(text: &str) -> Option<ApiKeyId> {
    if !text.is_ascii() || text.len() > MAX_PREFIX + ID_CHARS + SECRET_CHARS + CHECK_CHARS {
        return None;
    }
    let (signed, check) = text.split_at_checked(text.len().checked_sub(CHECK_CHARS)?)?;
    let (before, secret) = signed.split_at_checked(signed.len().checked_sub(SECRET_CHARS)?)?;
    let (prefix, id) = before.split_at_checked(before.len().checked_sub(ID_CHARS)?)?;
    let is_fit = is_prefix(prefix) && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_fit || checksum(signed) != check {
        return None;
    }
    ApiKeyId::parse(&[ApiKeyId::PREFIX, id].concat()).ok()
}

/// Whether a text is that of a key, even if of none that works, so that it is nothing else: session tokens and signed
/// tokens have a dot in them, which no key has.
pub fn is_of_a_key(text: &str) -> bool {
    text.starts_with(PREFIX) && !text.contains('.') || id_of(text).is_some()
}

/// Whether keys may begin so: 1 to 32 of letters, digits, `_` and `-`.
pub(super) fn is_prefix(text: &str) -> bool {
    (1..=MAX_PREFIX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// What a key is shown as once its text is gone. Nothing of the secret is in it.
pub(super) fn start(prefix: &str, id: &ApiKeyId) -> String {
    format!("{prefix}{}", body(id).get(..SHOWN_CHARS).unwrap_or_default())
}

fn body(id: &ApiKeyId) -> &str {
    id.as_str().strip_prefix(ApiKeyId::PREFIX).unwrap_or_default()
}

fn checksum(text: &str) -> String {
    let (mut number, mut digits) = (crc32(text.as_bytes()), [0; CHECK_CHARS]);
    for digit in digits.iter_mut().rev() {
        *digit = number % 62;
        number /= 62;
    }
    digits.iter().map(|digit| char::from(digit_of(*digit))).collect()
}

/// A digit in base 62.
fn digit_of(value: u32) -> u8 {
    usize::try_from(value).ok().and_then(|place| BASE62.get(place).copied()).unwrap_or(b'0')
}

/// The number that the bytes write, in base 62, with as many digits as asked for, most significant first.
fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = zeroize::Zeroizing::new(bytes.to_vec());
    let mut text = Vec::with_capacity(digits);
    for _ in 0..digits {
        let mut rest = 0_u16;
        for byte in number.iter_mut() {
            let value = rest * 256 + u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        text.push(digit_of(rest.into()));
    }
    text.iter().rev().map(|byte| char::from(*byte)).collect()
}

#[expect(clippy::indexing_slicing, reason = "counted at compile time, where nothing else is possible")]
const fn crc_table() -> [u32; 256] {
    let (mut table, mut number, mut byte) = ([0; 256], 0_u32, 0);
    while byte < table.len() {
        let (mut crc, mut bit) = (number, 0);
        while bit < 8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[byte] = crc;
        number += 1;
        byte += 1;
    }
    table
}

/// CRC-32 as Ethernet and zip have it (ISO/IEC 8802-3: reflected polynomial 0xEDB88320).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        (crc >> 8) ^ CRC.get(usize::from(low)).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;
    use crate::base::entropy::OsEntropy;

    fn fresh(prefix: &str) -> (ApiKeyId, String) {
        let id = ApiKeyId::new(Moment::from_seconds(1_800_000_000), &OsEntropy);
        let text = compose(prefix, &id, &OsEntropy).expose().clone();
        (id, text)
    }

    #[test]
    fn a_key_names_its_row() {
        for prefix in [PREFIX, "a", "-", "ci_", &"x".repeat(MAX_PREFIX)] {
            let (id, text) = fresh(prefix);
            assert!(text.starts_with(prefix));
            assert!(text[prefix.len()..].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text}");
            assert_eq!(text.len(), prefix.len() + 75);
            assert_eq!(id_of(&text), Some(id.clone()));
            assert!(text.starts_with(&start(prefix, &id)));
        }
    }

    #[test]
    fn a_mistyped_key_is_no_key() {
        let (_, text) = fresh(PREFIX);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(id_of(std::str::from_utf8(&bytes).unwrap()), None, "{at}");
            assert_eq!(id_of(&text[..at]), None);
            assert_eq!(id_of(&text[at + 1..]), None);
            if at > 0 && text.as_bytes()[at] != text.as_bytes()[at - 1] {
                let mut bytes = text.clone().into_bytes();
                bytes.swap(at, at - 1);
                assert_eq!(id_of(std::str::from_utf8(&bytes).unwrap()), None, "swapped at {at}");
            }
        }
        for bad in ["", " ", "ak_live_", "ak_live_xxxxxxxxxxxx", "ä", &format!("{text} "), &format!(" {text}")] {
            assert_eq!(id_of(bad), None, "{bad}");
        }
        assert_eq!(id_of(&"é".repeat(60)), None);
        assert_eq!(id_of(&"a".repeat(10_000)), None);
    }

    #[test]
    fn a_prefix_is_short_and_plain() {
        for bad in ["", "a b", "ä", "a/b", "a.b", &"x".repeat(MAX_PREFIX + 1)] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }

    /// The check value of the catalogue of parametrised CRC algorithms.
    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(&[0, 0, 0, 61], 2), "0z");
        assert_eq!(base62(&[0, 0, 0, 62], 2), "10");
        assert_eq!(base62(&[255; 4], 6), "4gfFC3");
    }

    #[test]
    fn two_keys_have_nothing_secret_in_common() {
        let ((_, one), (_, two)) = (fresh(PREFIX), fresh(PREFIX));
        assert_ne!(one[34..77], two[34..77]);
    }
}
