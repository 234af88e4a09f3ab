//! What `docs/architecture.md` names is there: every file, module, type, function and field that it puts in backticks.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::{after_word, is_word, none, root, sources};

/// Names in backticks that are not ours: of the language, of libraries, of examples.
const NOT_OURS: &[&str] = &[
    "ToSchema",
    "a_code_works_once",
    "continue",
    "deny_unknown_fields",
    "expect",
    "find_x",
    "unsafe",
    "unwrap",
    "utoipa",
    "x",
];

/// Folders whose files and folders the page may name, from any folder on.
const PLACES: &[&str] = &["src", "assets", "tests", "docs"];

/// What stands in backticks, without blocks of code.
fn spans(page: &str) -> Vec<&str> {
    let text = page.split("```").step_by(2);
    text.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

/// Whether a span is a name: `module`, `Type`, `module::function`.
fn is_name(span: &str) -> bool {
    let is_one = |part: &str| part.starts_with(|c: char| c.is_alphabetic() || c == '_') && part.chars().all(is_word);
    span.split("::").all(is_one)
}

/// Whether a span is the path of a file or folder: `store/rows`, `base/pool.rs`.
fn is_path(span: &str) -> bool {
    span.contains('/') && !span.starts_with('/') && span.chars().all(|c| is_word(c) || matches!(c, '/' | '.' | '-'))
}

/// The names that the code declares: items, and what stands at the beginning of a line as fields and variants do.
fn declared() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources() {
        for keyword in ["mod", "fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules"] {
            let names = after_word(&source.code, keyword).map(|rest| rest.trim_start_matches(['!', ' ']));
            found.extend(names.map(|rest| rest.chars().take_while(|c| is_word(*c)).collect::<String>()));
        }
        for line in source.code.lines() {
            let line = line.trim_start();
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
            let end = line.find(|c| !is_word(c)).unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            if rest.is_empty() || rest.trim_start().starts_with([':', ',', '(', '{', '<']) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// The paths of files and folders, each from every folder on, with and without its ending.
fn paths() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut places: Vec<PathBuf> = PLACES.iter().map(|place| root().join(place)).collect();
    while let Some(place) = places.pop() {
        if place.is_dir() && !place.ends_with("node_modules") {
            places.extend(fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
        }
        let whole = place.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let starts = whole.match_indices('/').map(|(at, _)| at + 1).chain([0]);
        for path in starts.filter_map(|start| whole.get(start..)) {
            found.extend(path.rsplit_once('.').map(|(stem, _)| stem.to_owned()));
            found.insert(path.to_owned());
        }
    }
    found
}

#[test]
fn what_the_map_names_is_in_the_code() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (declared, paths) = (declared(), paths());
    let mut offences = Vec::new();
    for span in spans(&page) {
        if is_path(span) && !paths.contains(span.trim_end_matches('/')) {
            offences.push(format!("docs/architecture.md names `{span}`, and there is no such file or folder"));
        } else if is_name(span) {
            let missing = span
                .split("::")
                .filter(|part| !declared.contains(*part) && !paths.contains(*part) && !NOT_OURS.contains(part));
            offences
                .extend(missing.map(|part| format!("docs/architecture.md names `{span}`, and there is no `{part}`")));
        }
    }
    none(&offences);
}

#[test]
fn names_and_paths_are_told_from_other_texts() {
    assert_eq!(spans("a `b` c ```\n`d`\n``` `e::F`"), ["b", "e::F"]);
    for (span, name, path) in [
        ("Store", true, false),
        ("rights::write", true, false),
        ("store/rows", false, true),
        ("POST /sign-in", false, false),
        ("/t/acme", false, false),
        ("cargo fmt", false, false),
        ("usr_…", false, false),
    ] {
        assert_eq!((is_name(span), is_path(span)), (name, path), "{span}");
    }
    let (declared, paths) = (declared(), paths());
    assert!(declared.contains("MemoryEngine") && declared.contains("revision") && !declared.contains("Frobnicator"));
    assert!(paths.contains("store/redb/engine") && paths.contains("store/rows") && !paths.contains("store/rooms"));
}
