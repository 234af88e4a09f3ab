//! What people read is plain: no riddles, no words that a reader who is not a native speaker has to look up twice.

use super::{files_of, none};

/// Words that texts do without, and what to write instead.
const BANNED: &[(&str, &str)] = &[
    ("in vain", "without success, failed"),
    ("of ours", "of Auther, of this server"),
    ("whoever", "anyone who, the caller, the person"),
    ("lives at", "is at, there is"),
    ("broke off", "ended early"),
    ("is told of", "learns of, gets"),
    ("hangs on", "depends on, belongs to"),
    ("hang on", "depend on, belong to"),
    ("hangs below", "stands below"),
    ("judge", "check, decide"),
    ("judged", "checked, decided"),
    ("judges", "checks, decides"),
    ("judging", "checking, deciding"),
    ("verdict", "answer, outcome"),
];

/// Folders and files with texts, and the ends of the names that count in them.
const TEXTS: &[(&str, &[&str])] = &[
    ("src", &[".rs"]),
    ("assets", &[".js", ".html", ".css"]),
    ("docs", &[".md"]),
    ("packaging", &[""]),
    ("README.md", &[""]),
    ("CONTRIBUTING.md", &[""]),
    ("SECURITY.md", &[""]),
    ("CHANGELOG.md", &[""]),
    ("auther.toml.example", &[""]),
];

/// The first banned word in a line, and what to write instead.
fn banned(line: &str) -> Option<(&'static str, &'static str)> {
    let line = line.to_lowercase();
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let is_whole = |at: usize, word: &str| {
        let (before, after) = (line.get(..at).unwrap_or_default(), line.get(at + word.len()..).unwrap_or_default());
        !before.ends_with(is_letter) && !after.starts_with(is_letter)
    };
    BANNED.iter().copied().find(|(word, _)| line.match_indices(word).any(|(at, _)| is_whole(at, word)))
}

#[test]
fn texts_do_without_riddles() {
    let mut offences = Vec::new();
    for (place, ends) in TEXTS {
        for (path, text) in files_of(place, ends) {
            // Files of others, and the list of the most common passwords.
            if path.contains("/vendor/") || path.contains("/passwords/") {
                continue;
            }
            for (number, line) in text.lines().enumerate() {
                if let Some((word, instead)) = banned(line) {
                    offences.push(format!("{path}:{}: \"{word}\"; write: {instead}", number + 1));
                }
            }
        }
    }
    none(&offences);
}

#[test]
fn the_list_sees_whole_words_in_any_case() {
    assert_eq!(banned("Whoever asks").map(|(word, _)| word), Some("whoever"));
    assert_eq!(banned("a token of ours.").map(|(word, _)| word), Some("of ours"));
    assert_eq!(banned("fn bug_class_38_whoever_calls() of oursler"), None);
}

/// Columns that a line of a comment may take.
const COLUMNS: usize = 120;

/// Whether a line is a comment alone, and too long. What has no space to break at is as long as it is.
fn is_too_long(line: &str) -> bool {
    let Some(text) = line.trim_start().strip_prefix("//") else { return false };
    let text = text.trim_start_matches(['/', '!']).trim();
    // A row of a table is one line.
    line.chars().count() > COLUMNS && text.contains(' ') && !text.starts_with('|')
}

#[test]
fn comments_fit_the_columns() {
    let mut offences = Vec::new();
    for place in ["src", "tests/suite", "tests/load", "tests/architecture", "fuzz"] {
        for (path, text) in files_of(place, &[".rs"]) {
            let long = text.lines().enumerate().filter(|(_, line)| is_too_long(line));
            offences.extend(long.map(|(number, _)| format!("{path}:{}: more than {COLUMNS} columns", number + 1)));
        }
    }
    none(&offences);
}
