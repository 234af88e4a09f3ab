//! What types, relations and permissions may be called, and which name was meant by one that nobody knows.

use strsim::normalized_damerau_levenshtein;

/// Longest name of a relation or permission, and longest segment of an entity type, in bytes.
const MAX_NAME: usize = 64;
/// Longest entity type, in bytes.
const MAX_TYPE: usize = 128;
/// Most segments of an entity type.
const MAX_SEGMENTS: usize = 3;
/// Below this likeness a name is no slip of the finger.
const LIKE: f64 = 0.5;

/// How relations and permissions are spelled, for people.
pub const NAME_RULE: &str = "a name begins with a letter or _ and goes on with letters, digits, _ . -, 64 at most";

/// How entity types are spelled, for people.
pub const TYPE_RULE: &str = "an entity type is one to three parts joined by `:`, 128 characters at most; each part begins with a \
    letter or digit and goes on with letters, digits, _ . -, 64 at most";

/// Whether a relation or permission may be called so: `[A-Za-z_][A-Za-z0-9_.-]{0,63}`.
pub fn is_name(text: &str) -> bool {
    let first_is_fit = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first_is_fit && text.len() <= MAX_NAME && text.bytes().all(is_inner)
}

/// Whether an entity type may be called so: one to three parts `[A-Za-z0-9][A-Za-z0-9_.-]{0,63}` joined by `:`.
pub fn is_entity_type(text: &str) -> bool {
    let part_is_fit = |part: &str| {
        let first_is_fit = part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        first_is_fit && part.len() <= MAX_NAME && part.bytes().all(is_inner)
    };
    text.len() <= MAX_TYPE && text.split(':').count() <= MAX_SEGMENTS && text.split(':').all(part_is_fit)
}

fn is_inner(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

/// Candidates that are compared: the work grows with their number.
const MAX_CANDIDATES: usize = 256;

/// The candidate that `name` was probably meant to be, of the first 256.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = normal(name);
    let mut best = (LIKE, None);
    for candidate in candidates.into_iter().take(MAX_CANDIDATES) {
        let likeness = normalized_damerau_levenshtein(&typed, &normal(candidate));
        if likeness >= best.0 && (best.1.is_none() || likeness > best.0) {
            best = (likeness, Some(candidate));
        }
    }
    best.1
}

fn normal(name: &str) -> String {
    name.chars().take(MAX_TYPE).filter(|c| !matches!(c, '_' | '-' | '.')).flat_map(char::to_lowercase).collect()
}

/// What to do about a name that is none of the candidates: `did you mean …?`, or all that there are.
pub fn advice<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(nearest) = nearest(name, candidates.clone()) {
        return format!("did you mean `{nearest}`?");
    }
    let all: Vec<_> = candidates.into_iter().take(12).map(|known| format!("`{known}`")).collect();
    if all.is_empty() { String::from("there are none") } else { format!("known are {}", all.join(", ")) }
}

/// A text that somebody typed, short enough and plain enough for a message.
pub fn quoted(text: &str) -> String {
    let plain: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() { format!("`{plain}…`") } else { format!("`{plain}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_rule() {
        for good in ["a", "_x", "can_view", "A.b-c9"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "9a", "-a", "a b", "a:b", "grants:manage", "ä", "a#b", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn entity_types_follow_their_rule() {
        for good in ["users", "client_abc:invoice", "9lives", "a:b:c"] {
            assert!(is_entity_type(good), "{good}");
        }
        let long = format!("{0}:{0}", "a".repeat(64));
        for bad in ["", "a:", ":a", "a:b:c:d", "a::b", "_a", "a b", "a:*", "a#b", &"a".repeat(65), &long] {
            assert!(!is_entity_type(bad), "{bad}");
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_nonsense_is_not() {
        let known = ["union", "includes", "anyOf", "allOf", "except"];
        assert_eq!(nearest("any_of", known), Some("anyOf"));
        assert_eq!(nearest("include", known), Some("includes"));
        assert_eq!(nearest("zzzzzzzz", known), None);
        assert_eq!(advice("zzz", ["a", "b"]), "known are `a`, `b`");
        assert_eq!(quoted("a\nb"), "`a\\nb`");
    }
}
