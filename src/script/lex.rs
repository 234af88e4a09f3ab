//! Luau source as words with their lines, for hints. What is a mistake is for the compiler to say.

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Name,
    Number,
    /// A string of any form; its text is empty.
    Text,
    /// An operator or a bracket.
    Sign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'s> {
    pub kind: Kind,
    /// As it stands there; empty for strings.
    pub text: &'s str,
    /// Counted from 1.
    pub line: u32,
}

impl Word<'_> {
    /// Whether it is no whole number, or one that a floating-point number of 64 bits holds: all numbers are such in
    /// Luau.
    pub(super) fn is_exact(&self) -> bool {
        let digits = self.text.replace('_', "").to_ascii_lowercase();
        let (digits, radix) = match (digits.strip_prefix("0x"), digits.strip_prefix("0b")) {
            (Some(digits), _) => (digits, 16),
            (None, Some(digits)) => (digits, 2),
            (None, None) => (digits.as_str(), 10),
        };
        if self.kind != Kind::Number || digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return true;
        }
        u128::from_str_radix(digits, radix).is_ok_and(|whole| (whole as f64) as u128 == whole)
    }
}

/// Operators of more than one character, longest first.
const SIGNS: &[&str] = &[
    "...", "..=", "//=", "==", "~=", "<=", ">=", "..", "::", "//", "<<", ">>", "->", "+=", "-=", "*=", "/=", "%=", "^=",
];

/// The words of a source; comments are left out.
pub(super) fn words(source: &str) -> Vec<Word<'_>> {
    let mut lexer = Lexer { rest: source, line: 1 };
    let mut words = Vec::new();
    while let Some(word) = lexer.next() {
        words.push(word);
    }
    words
}

struct Lexer<'s> {
    rest: &'s str,
    line: u32,
}

impl<'s> Lexer<'s> {
    fn next(&mut self) -> Option<Word<'s>> {
        loop {
            let c = self.rest.chars().next()?;
            if c.is_whitespace() {
                self.take(c.len_utf8());
            } else if let Some(body) = self.rest.strip_prefix("--") {
                let length = long_bracket(body).unwrap_or_else(|| body.find('\n').unwrap_or(body.len()));
                self.take(2 + length);
            } else {
                return Some(self.word(c));
            }
        }
    }

    fn word(&mut self, c: char) -> Word<'s> {
        let line = self.line;
        let string = match c {
            '"' | '\'' | '`' => Some(quoted(self.rest, c)),
            '[' => long_bracket(self.rest),
            _ => None,
        };
        if let Some(length) = string {
            self.take(length);
            return Word { kind: Kind::Text, text: "", line };
        }
        let (kind, length) = if c.is_alphabetic() || c == '_' {
            (Kind::Name, self.span(|c| c.is_alphanumeric() || c == '_'))
        } else if c.is_ascii_digit() {
            (Kind::Number, self.span(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        } else {
            let sign = SIGNS.iter().find(|sign| self.rest.starts_with(**sign));
            (Kind::Sign, sign.map_or(c.len_utf8(), |sign| sign.len()))
        };
        Word { kind, text: self.take(length), line }
    }

    fn span(&self, belongs: impl Fn(char) -> bool) -> usize {
        self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len())
    }

    fn take(&mut self, length: usize) -> &'s str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        let lines = taken.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        taken
    }
}

/// The length of a string in quotes, quotes included; to the end when it has none.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// The length of `[[…]]` or `[==[…]==]` at the beginning of the text.
fn long_bracket(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('[')?;
    let level = inner.len() - inner.trim_start_matches('=').len();
    let body = inner.get(level..)?.strip_prefix('[')?;
    let end = format!("]{}]", "=".repeat(level));
    let start = rest.len() - body.len();
    Some(body.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_hide_their_words() {
        let source = "local a = 'io' --[[ os\n]] -- load\nreturn [=[ ]] ]=] .. \"\\\"debug\" ~= `x` // 2";
        let texts: Vec<_> = words(source).iter().map(|word| (word.text, word.line)).collect();
        let expected =
            [("local", 1), ("a", 1), ("=", 1), ("", 1), ("return", 3), ("", 3), ("..", 3), ("", 3), ("~=", 3)];
        assert_eq!(texts.get(..9), Some(&expected[..]));
        assert_eq!(texts.get(9..), Some(&[("", 3), ("//", 3), ("2", 3)][..]));
    }

    #[test]
    fn a_whole_number_that_would_be_rounded_is_found() {
        let exact = |text: &str| words(text).iter().all(Word::is_exact);
        for text in [
            "0",
            "9007199254740992",
            "9_007_199_254_740_991",
            "0x1F",
            "0b11",
            "1e308",
            "1.5",
            "'9007199254740993'",
            "x9007199254740993",
            "9007199254740994",
        ] {
            assert!(exact(text), "{text}");
        }
        for text in [
            "9007199254740993",
            "return -9_007_199_254_740_993",
            "0x20000000000001",
            "99999999999999999999999999999999999999999",
            "0X20000000000001",
        ] {
            assert!(!exact(text), "{text}");
        }
    }

    #[test]
    fn any_text_ends() {
        for source in ["\"", "[[", "--[[", "é§", "'\\", "[==", "`\\`", ""] {
            assert!(words(source).len() <= source.len(), "{source}");
        }
    }
}
