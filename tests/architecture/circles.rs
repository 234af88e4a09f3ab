//! No circles: the files and folders that stand in one folder use each other in one direction only.
//!
//! A module uses another that stands beside it when any of its files names a path through it, by `crate::` or
//! `super::`. The `mod.rs` of the folder is no module among them: it may use all, and a name that it exports from one
//! of them counts as a use of that one (but not what it exports with `*`).

#![expect(clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, after_word, is_word, none, sources};

/// Which modules of a folder each of them uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// A path below `crate::`, and the name that it has where it is imported: `a::b as c` is `(["a", "b"], "c")`.
type Named = (Vec<String>, String);

/// All paths that a text begins with: `a::b`, or those of a group `{a::{b, c}, d}`.
fn paths(text: &str) -> Vec<Named> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return members(group).into_iter().flat_map(paths).collect();
    }
    let (name, rest) = text.split_at(text.find(|c: char| !is_word(c)).unwrap_or(text.len()));
    if let Some(inner) =
        rest.strip_prefix("::").filter(|inner| inner.trim_start().starts_with(|c| is_word(c) || c == '{'))
    {
        let longer = |(path, named): Named| {
            let named = if named == "self" { name.to_owned() } else { named };
            ([vec![name.to_owned()], path].concat(), named)
        };
        return paths(inner).into_iter().map(longer).collect();
    }
    let named =
        rest.trim_start().strip_prefix("as ").map(|rest| rest.split(|c| !is_word(c)).next().unwrap_or_default());
    vec![(vec![name.to_owned()], named.unwrap_or(name).to_owned())]
}

/// What stands between the commas of a group, whose opening brace has been read.
fn members(group: &str) -> Vec<&str> {
    let (mut found, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                found.push(&group[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        if c == '}' && begin == at + 1 {
            break;
        }
    }
    found.retain(|member| !member.trim().is_empty());
    found
}

/// The paths from the root of the crate that a source names.
fn named_by(source: &Source) -> Vec<Vec<String>> {
    let own: Vec<String> = source.module().into_iter().map(str::to_owned).collect();
    let mut found = Vec::new();
    for rest in after_word(&source.code, "crate").filter_map(|rest| rest.strip_prefix("::")) {
        found.extend(paths(rest).into_iter().map(|(path, _)| path));
    }
    for mut rest in after_word(&source.code, "super") {
        let mut climbed = 1;
        while let Some(up) = rest.strip_prefix("::super") {
            (rest, climbed) = (up, climbed + 1);
        }
        let (Some(rest), Some(length)) = (rest.strip_prefix("::"), own.len().checked_sub(climbed)) else { continue };
        found.extend(paths(rest).into_iter().map(|(path, _)| [&own[..length], &path[..]].concat()));
    }
    found
}

/// Which name the `mod.rs` of a folder takes from which module in it.
fn exports(facade: &Source, modules: &BTreeSet<String>) -> BTreeMap<String, String> {
    let uses = after_word(&facade.code, "use").flat_map(|rest| paths(rest.trim_start().trim_start_matches("self::")));
    let taken = uses.filter(|(path, _)| path.len() > 1 && modules.contains(&path[0]));
    taken.map(|(path, named)| (named, path[0].clone())).collect()
}

/// By folder (`access/graph`): which modules in it use which.
fn uses_by_folder(all: &[Source]) -> BTreeMap<String, Uses> {
    let mut folders: BTreeMap<Vec<&str>, BTreeSet<String>> = BTreeMap::new();
    for source in all {
        let module = source.module();
        for depth in 1..module.len() {
            folders.entry(module[..depth].to_vec()).or_default().insert(module[depth].to_owned());
        }
    }
    let named: Vec<_> = all.iter().map(|source| (source.module(), named_by(source))).collect();
    let mut found = BTreeMap::new();
    for (folder, modules) in folders {
        let facade = all.iter().find(|source| source.module() == folder).unwrap();
        let (exported, depth) = (exports(facade, &modules), folder.len());
        let mut uses = Uses::new();
        for (module, paths) in named.iter().filter(|(module, _)| module.len() > depth && module.starts_with(&folder)) {
            let inside = paths.iter().filter(|path| path.len() > depth && path[..depth] == folder[..]);
            let used = inside.filter_map(|path| modules.get(&path[depth]).or_else(|| exported.get(&path[depth])));
            let others = used.filter(|other| **other != module[depth]).cloned();
            uses.entry(module[depth].to_owned()).or_default().extend(others);
        }
        found.insert(folder.join("/"), uses);
    }
    found
}

/// The sets of modules each of which uses every other, directly or through others.
fn circles(uses: &Uses) -> BTreeSet<Vec<&str>> {
    let reached = |from: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(next) = open.pop() {
            let new = uses.get(&next).into_iter().flatten().filter(|other| seen.insert((*other).clone()));
            open.extend(new.cloned().collect::<Vec<_>>());
        }
        seen
    };
    let reach: BTreeMap<&str, BTreeSet<String>> = uses.keys().map(|name| (&**name, reached(name))).collect();
    let of = |name: &str| -> Vec<&str> {
        reach.keys().copied().filter(|other| reach[name].contains(*other) && reach[other].contains(name)).collect()
    };
    uses.keys().map(|name| of(name)).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn modules_of_a_folder_do_not_use_each_other_in_a_circle() {
    let folders = uses_by_folder(&sources());
    let mut offences = Vec::new();
    for (folder, uses) in &folders {
        offences.extend(circles(uses).iter().map(|circle| format!("src/{folder}: a circle of {}", circle.join(", "))));
    }
    none(&offences);
}

#[test]
fn circles_are_seen_through_groups_folders_and_what_a_facade_exports() {
    let source = |path: &str, code: &str| Source { path: path.to_owned(), text: String::new(), code: code.to_owned() };
    let all = [
        source("src/a/mod.rs", "mod one; pub use one::{self, Thing as Made}; pub use two::*; use three::deep::Other;"),
        source("src/a/one.rs", "use super::{two::{self, X}, Unknown};"),
        source("src/a/two.rs", "fn f() { crate::{b::Y, a::three::deep::go()} }"),
        source("src/a/three/mod.rs", "use super::super::b; mod deep;"),
        source("src/a/three/deep.rs", "use super::super::Made; use super::Near; use crate::a::three::deep;"),
        source("src/a/four.rs", "use super::Other; use super::one;"),
        source("src/b.rs", "use crate::a::one;"),
    ];
    let folders = uses_by_folder(&all);
    assert_eq!(folders.keys().collect::<Vec<_>>(), ["a", "a/three"]);
    let uses = |name: &str| folders["a"][name].iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    assert_eq!(["one", "two", "three", "four"].map(uses), ["two", "three", "one", "one three"]);
    assert_eq!(circles(&folders["a"]).into_iter().collect::<Vec<_>>(), [["one", "three", "two"]]);
    assert_eq!(circles(&folders["a/three"]).len(), 0);
}
