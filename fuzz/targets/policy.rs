//! A policy's text: the remarks on it, which read it in two ways, the compiler's and our own.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let report = auther::script::lint(source);
    let lines = source.lines().count().max(1) + 1;
    for note in report.errors.iter().chain(&report.warnings).chain(&report.suggestions) {
        assert!(!note.message.is_empty() && (1..=lines).contains(&(note.line as usize)), "{note:?}");
    }
});
