//! Names and values of `application/x-www-form-urlencoded` (URL Standard §5.1).

/// One name or value, decoded: `+` is a space, `%xx` a byte. `None` for a broken escape and for what is not UTF-8 then:
/// neither is replaced, because two readers of one request must not see different values.
pub fn decoded(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            plain => *plain,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_spaces_are_decoded() {
        for (text, value) in
            [("", ""), ("a+b", "a b"), ("%2B%2b", "++"), ("%C3%A4", "ä"), ("a%00b", "a\0b"), ("=&", "=&")]
        {
            assert_eq!(decoded(text.as_bytes()).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for text in [&b"%"[..], b"%2", b"a%g0", b"%0g", b"%+1", b"%C3", b"%ff", b"\xff"] {
            assert_eq!(decoded(text), None, "{text:?}");
        }
    }
}
