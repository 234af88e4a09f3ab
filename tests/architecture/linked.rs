//! What may be linked into the program: no banned crate, and only permissive licences.

use std::collections::BTreeSet;
use std::process::Command;

use super::{none, root};

/// Crates that must not be in the program; `deny.toml` gives the reasons.
const BANNED: &[&str] = &["ring", "native-tls", "rsa", "async-std"];

/// Licences that may be in the program.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "0BSD",
    "CC0-1.0",
    "ISC",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// What is linked into the program and its build, by cargo's own reckoning for this machine.
fn linked(more: &[&str]) -> String {
    let plain = ["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none"];
    let tree = Command::new(env!("CARGO")).args(plain).args(more).current_dir(root()).output().unwrap();
    assert!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).unwrap()
}

#[test]
fn only_permissive_licences_are_linked() {
    let mut offences = BTreeSet::new();
    for line in linked(&["--format", "{p} = {l}"]).lines() {
        let Some((package, licence)) = line.trim_end_matches(" (*)").split_once(" = ") else { continue };
        // One of several suffices, all of several are needed; `/` is the old way to write OR.
        let needed = licence.split(" AND ").map(|part| part.trim_matches(['(', ')']));
        let free =
            |part: &str| part.split(" OR ").flat_map(|one| one.split('/')).any(|one| LICENCES.contains(&one.trim()));
        if !needed.clone().all(free) {
            offences.insert(format!("{package}: {licence}"));
        }
    }
    none(&offences.into_iter().collect::<Vec<_>>());
}

#[test]
fn what_is_banned_is_not_linked() {
    let tree = linked(&["--format", "{p}"]);
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let banned = BANNED.iter().filter(|name| names.contains(**name));
    none(&banned.map(|name| format!("{name} is linked; deny.toml says why not")).collect::<Vec<_>>());
}
