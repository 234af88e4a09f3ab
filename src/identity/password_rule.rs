//! Which passwords may be chosen. One rule for all who choose one: at sign-up, set-up, change and reset, by an
//! administrator, by a command.
//!
//! A password has 8 to 128 characters after NFKC, is none of the 10,000 that are tried first, and is not made of what
//! everybody knows of the account (NIST SP 800-63B-4 §3.1.1.2). Nothing is asked about which characters it has. A
//! stored hash is never checked by it.

use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use unicode_normalization::UnicodeNormalization;

use crate::base::Secret;
use crate::crypto::password::{self as hashing, LengthError};
use crate::records::{Profile, User};

use super::Error;

/// Passwords by how often people choose them: lower case, sorted by bytes, one a line. See
/// `assets/passwords/SOURCES.toml`.
const PACKED: &[u8] = include_bytes!("../../assets/passwords/common.txt.gz");

/// The list, unpacked when the first password is chosen.
static COMMON: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut text = String::new();
    // What is embedded is read by a test; a list that could not be read would refuse nothing.
    let _ = GzDecoder::new(PACKED).read_to_string(&mut text);
    text.leak().lines().collect()
});

/// Shortest part of a name that counts, in letters.
const MIN_LETTERS: usize = 2;

/// What everybody knows of the account that a password is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) email: &'a str,
    pub(super) username: Option<&'a str>,
    pub(super) profile: &'a Profile,
}

impl<'a> Known<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self { email: &user.email, username: user.username.as_deref(), profile: &user.profile }
    }

    /// The letters of its names and of its address, whole and in parts.
    fn words(&self) -> Vec<Vec<char>> {
        let Profile { name, given_name, middle_name, family_name, nickname, .. } = self.profile;
        let names = [name, given_name, middle_name, family_name, nickname].into_iter().filter_map(Option::as_deref);
        let texts = names.chain(self.email.split('@')).chain(self.username);
        let with_parts = texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([text]));
        let mut words: Vec<Vec<char>> = with_parts.map(letters).filter(|word| word.len() >= MIN_LETTERS).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// The password may be chosen for this account. Errors: [`Error::PasswordTooShort`], [`Error::PasswordTooLong`],
/// [`Error::PasswordTooCommon`], [`Error::PasswordFromName`].
pub(super) fn may_be_chosen(password: &Secret<String>, known: Known<'_>) -> Result<(), Error> {
    let normal = hashing::of_fit_length(password).map_err(of_length)?;
    let lower = zeroize::Zeroizing::new(normal.to_lowercase());
    if COMMON.binary_search(&lower.as_str()).is_ok() {
        return Err(Error::PasswordTooCommon);
    }
    if is_made_of(&letters(&lower), &known.words()) { Err(Error::PasswordFromName) } else { Ok(()) }
}

/// The error for a length that does not fit.
pub(super) fn of_length(error: LengthError) -> Error {
    match error {
        LengthError::TooShort => Error::PasswordTooShort,
        LengthError::TooLong => Error::PasswordTooLong,
    }
}

/// The letters of a text in lower case: digits and signs around and between them make nothing of it harder to guess.
fn letters(text: &str) -> Vec<char> {
    text.nfkc().flat_map(char::to_lowercase).filter(|c| c.is_alphabetic()).collect()
}

/// Whether the text has letters and all of them are words of the list, one behind the other in any order.
fn is_made_of(text: &[char], words: &[Vec<char>]) -> bool {
    // Places up to which the text is made of words.
    let mut reached = vec![false; text.len() + 1];
    if let Some(beginning) = reached.first_mut() {
        *beginning = true;
    }
    for from in 0..text.len() {
        if reached.get(from) != Some(&true) {
            continue;
        }
        let rest = text.get(from..).unwrap_or_default();
        for word in words.iter().filter(|word| rest.starts_with(word)) {
            if let Some(place) = reached.get_mut(from + word.len()) {
                *place = true;
            }
        }
    }
    !text.is_empty() && reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::base::secret::sha256;

    fn check(password: &str) -> Result<(), &'static str> {
        let profile = Profile {
            name: Some("Ann B. Smith-J\u{f3}nsd\u{f3}ttir".into()),
            nickname: Some("Bo".into()),
            ..Profile::default()
        };
        let known = Known { email: "ann.s99@mail.Example.com", username: Some("ann_the_great"), profile: &profile };
        may_be_chosen(&Secret::from(password), known).map_err(|error| error.code())
    }

    #[test]
    fn the_list_is_the_one_that_its_sources_tell_of() {
        let sources = include_str!("../../assets/passwords/SOURCES.toml");
        assert!(sources.contains(&HEXLOWER.encode(&sha256(PACKED))));
        assert_eq!(COMMON.len(), 10_000);
        assert!(COMMON.is_sorted());
        assert!(COMMON.iter().all(|word| word.chars().count() >= hashing::MIN_CHARS && word.to_lowercase() == **word));
        let as_normal = |word: &&str| word.nfkc().collect::<String>() == **word;
        assert!(COMMON.iter().all(as_normal));
    }

    #[test]
    fn none_of_the_most_common_may_be_chosen_however_it_is_spelled() {
        for word in COMMON.iter() {
            assert_eq!(check(word), Err("password_too_common"), "{word}");
        }
        for word in ["password", "Password1", "PASSWORD", "qwertyuiop", "12345678", "iloveyou", "\u{ff50}assword"] {
            assert_eq!(check(word), Err("password_too_common"), "{word}");
        }
    }

    #[test]
    fn nothing_that_everybody_knows_of_the_account_may_be_chosen() {
        for word in [
            "ann12345",
            "12345ann",
            "Ann-2024-Ann",
            "annsmith1",
            "smith.ann",
            "AnnSmith!",
            "jonsdottir\u{301}",
            "J\u{f3}nsd\u{f3}ttir1",
            "ann.s99@mail.example.com",
            "example1",
            "Example.com",
            "bobobobo",
            "annthegreat",
            "The_Great_1",
            "a-n-n-1-2-3-4",
        ] {
            let refused = check(word);
            let wanted = if word.ends_with('\u{301}') { Ok(()) } else { Err("password_from_name") };
            assert_eq!(refused, wanted, "{word}");
        }
        for word in ["ann likes pears", "exemplary", "8472610394857", "greatness", "smithereens", "correct horse"] {
            assert_eq!(check(word), Ok(()), "{word}");
        }
    }

    #[test]
    fn the_length_is_the_first_thing_that_is_told() {
        assert_eq!(check("ann"), Err("password_too_short"));
        assert_eq!(check(&"ann".repeat(60)), Err("password_too_long"));
    }

    #[test]
    fn bug_class_40_no_password_makes_the_check_long() {
        // 128 letters against many words that all begin alike.
        let profile = Profile { name: Some("a ".repeat(90) + &"aa aaa aaaa ".repeat(2)), ..Profile::default() };
        let known = Known { email: "aaa@aa.aaaa", username: None, profile: &profile };
        let password = Secret::new("a".repeat(127) + "b");
        assert!(may_be_chosen(&password, known).is_ok());
        assert!(known.words().len() <= 200);
    }
}
