//! One canonical form for names that people type: what is unique and what limits are counted by.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use url::Host;

use super::text::is_unseen;

/// Longest e-mail address in bytes (RFC 5321 §4.5.3.1.3 less the angle brackets).
const MAX_EMAIL: usize = 254;

/// The canonical form of an e-mail address: NFKC, lower case, the domain as the name service knows it (RFC 5891:
/// `xn--…`). `None` when the text is no address that mail could reach: control or white-space characters, no single
/// `@`, an empty half, a domain without a letter or digit at its ends.
pub fn email(text: &str) -> Option<String> {
    let folded = email_in_letters(text)?;
    let (local, domain) = folded.rsplit_once('@')?;
    // A domain that the name service could not know keeps its letters.
    match Host::parse(domain) {
        Ok(Host::Domain(ascii)) => Some(format!("{local}@{ascii}")),
        _ => Some(folded),
    }
}

/// The form with the domain's own letters, as [`email`] was before it knew better.
pub fn email_in_letters(text: &str) -> Option<String> {
    let folded = fold(text)?;
    let (local, domain) = folded.rsplit_once('@')?;
    let domain_is_fit = domain.split('.').all(|label| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    let local_is_fit = !local.is_empty()
        && !local.contains(['@', '"', '<', '>', '(', ')', ',', ';', ':', '\\'])
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    (domain_is_fit && local_is_fit && folded.len() <= MAX_EMAIL).then_some(folded)
}

/// The canonical form of a username: 3 to 30 of `a–z 0–9 _ . -`, lower case, beginning with a letter or digit.
pub fn username(text: &str) -> Option<String> {
    let folded = fold(text)?;
    let fit = (3..=30).contains(&folded.len())
        && folded.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && folded.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    fit.then_some(folded)
}

/// What failed sign-ins are counted by: the same for every spelling of one account, and defined for any text.
pub fn identifier(text: &str) -> String {
    email(text).unwrap_or_else(|| folded(text))
}

/// A name as it is kept and shown: without spaces around it, its letters composed (NFC), so that two spellings of one
/// name are one text.
pub fn composed(text: &str) -> String {
    text.trim().nfc().collect()
}

/// What names are found by that are unique without regard to case: NFKC, lower case.
pub fn name(text: &str) -> String {
    text.trim().nfkc().collect::<String>().to_lowercase()
}

fn folded(text: &str) -> String {
    text.trim().chars().take(256).nfkc().collect::<String>().to_lowercase()
}

/// Longest search in characters; what is beyond it is not looked for.
const MAX_SEARCH: usize = 256;

/// Most words of a search; the rest is not looked for.
const MAX_WORDS: usize = 10;

/// What somebody typed to find things by: words, each of which must stand somewhere, in any order, with or without
/// upper case, accents and the letters that have none on a plain keyboard (`muller` finds Müller, `gross` finds Groß).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// Nothing to search for when the text is blank; a long one is cut.
    pub fn new(text: &str) -> Option<Self> {
        let folded = without_accents(&text.trim().chars().take(MAX_SEARCH).collect::<String>());
        let words: Vec<String> = folded.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    /// Whether every word stands in this text.
    pub fn is_in(&self, text: &str) -> bool {
        self.is_in_any([text])
    }

    /// Whether every word stands in one of these texts, not all in the same one.
    pub fn is_in_any<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        let mut missing: Vec<&str> = self.0.iter().map(String::as_str).collect();
        texts.into_iter().any(|text| {
            let folded = without_accents(text);
            missing.retain(|word| !folded.contains(word));
            missing.is_empty()
        })
    }
}

/// Lower case, compatibility forms decomposed (NFKD), without marks that combine, and with the base letters of those
/// Latin letters that Unicode does not decompose.
fn without_accents(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().flat_map(char::to_lowercase).filter(|letter| !is_combining_mark(*letter)) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ł' => folded.push('l'),
            'ŋ' => folded.push('n'),
            'ŧ' => folded.push('t'),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    folded
}

fn fold(text: &str) -> Option<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.len() > 1024 {
        return None;
    }
    let folded = trimmed.nfkc().collect::<String>().to_lowercase();
    let clean = !folded.chars().any(|c| c.is_control() || c.is_whitespace() || is_unseen(c));
    clean.then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_share_a_form() {
        for spelling in ["Ann@Example.com", " ann@example.COM ", "ａｎｎ@example.com"] {
            assert_eq!(email(spelling).as_deref(), Some("ann@example.com"), "{spelling}");
        }
    }

    #[test]
    fn bug_class_29_a_domain_has_one_form_in_letters_and_in_ascii() {
        for spelling in
            ["x@exämple.com", "X@EXÄMPLE.com", "x@exa\u{308}mple.com", "x@xn--exmple-cua.com", "x@XN--Exmple-CUA.com"]
        {
            assert_eq!(email(spelling).as_deref(), Some("x@xn--exmple-cua.com"), "{spelling}");
            assert_eq!(identifier(spelling), "x@xn--exmple-cua.com", "{spelling}");
        }
        assert_ne!(email("x@exаmple.com"), email("x@example.com"), "a letter of another alphabet");
        // Only the domain has such a form; what is no domain stays as it is.
        for (text, form) in
            [("ä@example.com", "ä@example.com"), ("x@1.2", "x@1.2"), ("x@xn--zzzzzzzz9", "x@xn--zzzzzzzz9")]
        {
            assert_eq!(email(text).as_deref(), Some(form));
        }
        assert!(Search::new("x@exämple.com").unwrap().is_in("X@Exämple.com"));
    }

    #[test]
    fn what_is_no_address_has_no_form() {
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a b@example.com",
            "ann@exa\0mple.com",
            "ann@@example.com",
            "ann@.com",
            "a\u{200b}nn@example.com",
            "ann@example.com\r\nBcc: x@y.z",
            "\"a b\"@example.com",
            "a..b@example.com",
        ] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_search_finds_any_spelling_and_nothing_is_no_search() {
        let search = Search::new("  ÄRGER").unwrap();
        assert!(search.is_in("Viel a\u{308}rger") && search.is_in("Arger") && !search.is_in(""));
        assert!(Search::new("ANN").unwrap().is_in_any(["bob", "jo.ann@example.com"]));
        assert_eq!((Search::new(" "), Search::new("")), (None, None));
    }

    #[test]
    fn a_search_needs_no_accents_no_case_and_no_order_of_words() {
        for (typed, name) in [
            ("muller", "Jürgen Müller"),
            ("MÜLLER", "jurgen muller"),
            ("wojcik", "Wójcik, Łucja"),
            ("lucja wojcik", "Wójcik, Łucja"),
            ("GROSS", "Groß"),
            ("lee ann", "Ann Lee"),
            ("soren", "Søren Kierkegård"),
            ("istanbul", "İSTANBUL"),
            ("isik", "ışık"),
            ("aegir", "Ægir"),
            ("σοφοσ", "Σοφός"),
            ("ёлка", "Елка"),
            ("２", "2"),
        ] {
            assert!(Search::new(typed).unwrap().is_in(name), "{typed} in {name}");
        }
        let both = Search::new("ann example.com").unwrap();
        assert!(both.is_in_any(["Ann Lee", "lee@example.com"]), "a word in the name, another in the address");
        assert!(!both.is_in_any(["Ann Lee", "lee@example.org"]) && !both.is_in("ann"));
        let long = Search::new(&"word ".repeat(1000)).unwrap();
        assert_eq!(long.0.len(), MAX_WORDS);
    }

    #[test]
    fn spellings_of_one_name_share_a_form() {
        for spelling in ["Café", "Cafe\u{301}", " CAFÉ ", "ＣＡＦÉ"] {
            assert_eq!(name(spelling), "café", "{spelling}");
        }
        assert_eq!(composed(" Cafe\u{301}"), "Café");
    }

    #[test]
    fn usernames_fold_case_and_stay_ascii() {
        assert_eq!(username("Ann_B").as_deref(), Some("ann_b"));
        for bad in ["ab", "аnn", ".ann", "ann b", "ann@x"] {
            assert_eq!(username(bad), None, "{bad}");
        }
    }
}
