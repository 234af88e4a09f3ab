//! The known name a wrong one most resembles.

use strsim::normalized_damerau_levenshtein;

/// A key typed in the wrong section is a weaker match than a slip of the finger, by this much.
const WRONG_SECTION: f64 = 0.15;

/// The candidate most like `name`; `None` only when there are no candidates. The last part of a dotted name counts too,
/// so that `memory_kib` finds `password.memory_kib`.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = normal(name);
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let score = likeness(&typed, candidate);
        if best.is_none_or(|(leader, _)| score > leader) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Longest name that is compared, in characters: no known one is longer, and the work grows with the product of both.
const COMPARED: usize = 128;

fn normal(name: &str) -> String {
    name.chars().take(COMPARED).collect::<String>().to_ascii_lowercase().replace('-', "_")
}

fn likeness(typed: &str, candidate: &str) -> f64 {
    let candidate = normal(candidate);
    let whole = normalized_damerau_levenshtein(typed, &candidate);
    let last = normalized_damerau_levenshtein(last_part(typed), last_part(&candidate)) - WRONG_SECTION;
    whole.max(last)
}

fn last_part(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let names = ["issuer", "listen", "tls.mode", "password.memory_kib", "rate_limit.enabled"];
        let near = |typed| nearest(typed, names);
        assert_eq!(near("isuser"), Some("issuer"));
        assert_eq!(near("tls.mod"), Some("tls.mode"));
        assert_eq!(near("memory_kib"), Some("password.memory_kib"));
        assert_eq!(near("rate-limit.enable"), Some("rate_limit.enabled"));
        assert_eq!(nearest("x", []), None);
    }
}
