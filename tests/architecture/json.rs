//! JSON that somebody wrote is read at one place on each side, which refuses what two readers could understand
//! differently.

use super::{files_of, none, sources};

/// What reads JSON and takes a member twice, or rounds numbers.
const LENIENT: &[&str] = &[
    "serde_json::from_str",
    "serde_json::from_slice",
    "serde_json::from_reader",
    "serde_json::Deserializer",
    ".json().await",
    ".json::<",
];

/// Where it may stand: the strict reader itself, and what reads nothing but what this program wrote: rows, cursors,
/// sealed values, models in the binary, the answers of its own server.
const OWN: &[&str] = &[
    "src/access/model/builtin.rs",
    "src/base/sort.rs",
    "src/base/strict_json/reader.rs",
    "src/cli/remote.rs",
    "src/identity/interaction.rs",
    "src/oauth/logout.rs",
    "src/store/record.rs",
];

/// The same for scripts: the strict reader, answers of the own server, parts of own tokens, lists that the page made.
const SCRIPTS: &[&str] = &[
    "assets/admin/pages/client-fields.js",
    "assets/admin/pages/text-editor.js",
    "assets/admin/pages/tester.js",
    "assets/admin/pages/tokens.js",
    "assets/static/core/api.js",
];

#[test]
fn json_of_others_is_read_by_the_strict_reader_and_nothing_else() {
    let mut offences = Vec::new();
    for source in sources() {
        let flat: String = source.code.split_whitespace().collect();
        for reader in LENIENT.iter().filter(|reader| flat.contains(**reader)) {
            if !OWN.contains(&source.path.as_str()) {
                offences.push(format!("{}: {reader}; let base::strict_json read what others wrote", source.path));
            }
        }
    }
    for (path, text) in files_of("assets", &[".js"]) {
        let is_known = SCRIPTS.contains(&path.as_str()) || path.contains("/vendor/") || path.contains("/snippets");
        if !is_known && text.contains("JSON.parse(") {
            offences.push(format!("{path}: JSON.parse; let readJson of text-editor.js read what people typed"));
        }
    }
    none(&offences);
}
