//! The house rules that a machine can check: floors, the one home of each heavy crate, sizes, cards, and (in `linked`)
//! what may be linked.
//!
//! Reads the sources as text with comments, strings and test code taken out. The floors and their order are read from
//! the table in `src/lib.rs`, so the map that people read is the one that is enforced.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod addresses;
mod circles;
mod json;
mod linked;
mod names;
mod texts;

/// Lines that a file may have.
const MAX_LINES: usize = 500;

/// Crates that would spread if they could, and where they live.
const HOMES: &[(&str, &[&str])] = &[
    ("redb", &["src/store/redb/"]),
    ("josekit", &["src/crypto/jose/"]),
    ("argon2", &["src/crypto/password.rs"]),
    ("chacha20poly1305", &["src/crypto/seal.rs"]),
    ("actix_http", &["src/serve/web.rs"]),
    ("actix_service", &["src/serve/web.rs"]),
    ("actix_web", &["src/http/", "src/serve/", "src/cli/serving.rs", "src/cli/remote.rs"]),
    ("mlua", &["src/script/"]),
    ("askama", &["src/http/views/", "src/http/respond/page.rs"]),
    ("openssl", &["src/crypto/certificate.rs"]),
    ("rcgen", &["src/crypto/certificate.rs", "src/serve/tls/"]),
    ("rustls", &["src/crypto/tls.rs", "src/serve/mod.rs", "src/serve/tls/", "src/serve/web.rs"]),
    ("clap", &["src/cli/"]),
    ("toml", &["src/config/"]),
    ("reqwest", &["src/outbound/", "src/cli/remote.rs"]),
    ("rust_embed", &["src/http/assets.rs"]),
    ("tracing_subscriber", &["src/serve/telemetry/", "src/config/check.rs"]),
    ("getrandom", &["src/base/entropy.rs"]),
];

/// Who writes past `rights::write`: the log and counts, the start of the process, the clock; and what is proved by a
/// password, a link, a session, a code, a token or a key that is shown, and asked about in the transaction itself.
const WITHOUT_RIGHT: &[&str] = &[
    "src/access/evaluations.rs",
    "src/access/switched_off.rs",
    "src/apikeys/usage.rs",
    "src/apikeys/using.rs",
    "src/audit/mod.rs",
    "src/audit/news.rs",
    "src/http/admin/backup.rs",
    "src/identity/links.rs",
    "src/identity/password.rs",
    "src/identity/password_change.rs",
    "src/identity/sessions.rs",
    "src/identity/sign_in.rs",
    "src/identity/sign_up.rs",
    "src/oauth/authorize/issue.rs",
    "src/oauth/authorize/mod.rs",
    "src/oauth/client_auth.rs",
    "src/oauth/clients/failures.rs",
    "src/oauth/grants/code.rs",
    "src/oauth/grants/refresh.rs",
    "src/oauth/revoke.rs",
    "src/outbox/delivery.rs",
    "src/rights.rs",
    "src/serve/jobs.rs",
    "src/serve/secrets.rs",
    "src/serve/tls/mod.rs",
];

/// A source file and its code: no comments, no text in strings, no test modules.
struct Source {
    /// From the root of the project: `src/oauth/pkce.rs`.
    path: String,
    text: String,
    code: String,
}

impl Source {
    /// Modules from the root of the crate: `["oauth", "pkce"]`; none for `lib.rs` and `main.rs`.
    fn module(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        inner.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).collect()
    }

    /// The modules at the root of the crate that its code names, by `crate::` or by enough `super::`.
    fn rooms(&self) -> BTreeSet<&str> {
        let mut rooms = BTreeSet::new();
        for rest in after_word(&self.code, "crate") {
            rooms.extend(rest.strip_prefix("::").map(first_names).unwrap_or_default());
        }
        for mut rest in after_word(&self.code, "super") {
            let mut climbed = 1;
            while let Some(up) = rest.strip_prefix("::super") {
                (rest, climbed) = (up, climbed + 1);
            }
            if climbed == self.module().len() {
                rooms.extend(rest.strip_prefix("::").map(first_names).unwrap_or_default());
            }
        }
        rooms
    }
}

/// The first name of a path, or the first names of a group: `a::b`, `{a::b, c}`.
fn first_names(path: &str) -> Vec<&str> {
    let name = |text: &'_ str| text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    let Some(group) = path.strip_prefix('{') else { return path.get(..name(path)).into_iter().collect() };
    let (mut names, mut depth, mut begins) = (Vec::new(), 0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && is_word(c) => {
                let rest = group.get(at..).unwrap_or_default();
                names.extend(rest.get(..name(rest)));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows each use of `word` that is a whole word and the beginning of its path.
fn after_word<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = &'c str> {
    code.match_indices(word).filter_map(move |(at, _)| {
        let (before, rest) = (code.get(..at)?, code.get(at + word.len()..)?);
        let begins = !before.ends_with("::") && !before.ends_with(is_word);
        (begins && !rest.starts_with(is_word)).then_some(rest)
    })
}

/// The code without comments and without what stands in strings; everything else stays on its line.
fn without_words(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| raw_string(rest)).or_else(|| string(rest)).or_else(|| letter(rest));
        match skipped {
            Some(length) => {
                code.extend(rest.get(..length).unwrap_or_default().chars().filter(|c| *c == '\n'));
                code.push(' ');
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                code.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    code
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| rest.find("*/").map_or(rest.len(), |end| end + 2))
}

fn raw_string(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    let body = inner.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - body.len();
    Some(body.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

fn string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    Some(rest.len())
}

/// A character, as against a lifetime.
fn letter(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if body.starts_with('\\') {
        let end = body.get(2..)?.find('\'')?;
        return Some(end + 4);
    }
    let c = body.chars().next()?;
    body.get(c.len_utf8()..)?.starts_with('\'').then(|| c.len_utf8() + 2)
}

/// The code without every item, field and statement that is marked `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut parts = code.split("#[cfg(test)]");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.get(end_of_item(part)..).unwrap_or_default());
    }
    kept
}

/// Where the item that the text begins with has its end: a separator outside brackets, or its closing brace.
fn end_of_item(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            '}' if depth == 0 => return at,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, ';' | ',' | '}') {
            return at + 1;
        }
    }
    text.len()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the project.
fn files(folder: &str) -> Vec<(String, String)> {
    files_of(folder, &[".rs"])
}

/// All readable files at or below a place in the project whose names end so, with their texts.
fn files_of(place: &str, ends: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut places: Vec<PathBuf> = vec![root().join(place)];
    while let Some(path) = places.pop() {
        if path.is_dir() {
            places.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if ends.iter().any(|end| name.ends_with(end)) {
            found.extend(fs::read_to_string(&path).ok().map(|text| (name, text)));
        }
    }
    found.sort();
    found
}

/// The library and the program without their tests: files that are modules under `#[cfg(test)]` are left out.
fn sources() -> Vec<Source> {
    let files = files("src");
    let mut tests = BTreeSet::new();
    for (path, text) in &files {
        let folder = match path.rsplit_once('/').unwrap() {
            (folder, "mod.rs" | "lib.rs" | "main.rs") => folder.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "#[cfg(test)]");
        while let Some(line) = lines.next() {
            let mut declared = if line == "#[cfg(test)]" { lines.next().unwrap_or_default() } else { continue };
            let place = declared.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"));
            if let Some(place) = place {
                tests.insert(format!("{}/{place}", path.rsplit_once('/').unwrap().0));
                declared = lines.next().unwrap_or_default();
            }
            let name = declared.split("mod ").nth(1).and_then(|rest| rest.strip_suffix(';'));
            tests.extend(name.map(|name| format!("{folder}/{name}")));
        }
    }
    let is_test = |path: &str| {
        tests.iter().any(|test| path == test || path == format!("{test}.rs") || path.starts_with(&format!("{test}/")))
    };
    files
        .into_iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| Source { code: without_tests(&without_words(&text)), path, text })
        .collect()
}

/// Each module at the root of the crate with its floor and its place from the left, from the table in `src/lib.rs`.
fn floors() -> BTreeMap<String, (u32, usize)> {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let row = |line: &str| -> Option<(u32, String)> {
        let mut cells = line.strip_prefix("//! |")?.split('|').map(str::trim);
        let floor = cells.next()?.parse().ok()?;
        let name = cells.next()?.strip_prefix("[`")?.strip_suffix("`]")?;
        Some((floor, name.to_owned()))
    };
    let rows = map.lines().filter_map(row).enumerate();
    rows.map(|(place, (floor, name))| (name, (floor, place))).collect()
}

/// Fails with every offence at once.
fn none(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

#[test]
fn every_module_stands_on_a_floor() {
    let (floors, sources) = (floors(), sources());
    let lib = sources.iter().find(|source| source.path == "src/lib.rs").unwrap();
    let declared: BTreeSet<&str> = {
        let modules = lib.code.lines().filter_map(|line| line.trim_start_matches("pub(crate) ").strip_prefix("mod "));
        let open = lib.code.lines().filter_map(|line| line.strip_prefix("pub mod "));
        modules.filter(|name| *name != "testing;").chain(open).collect()
    };
    let declared: BTreeSet<String> = declared.iter().map(|name| name.trim_end_matches(';').to_owned()).collect();
    assert_eq!(
        declared,
        floors.keys().cloned().collect(),
        "the table in src/lib.rs lists other modules than there are"
    );
}

/// The register of what a process keeps.
const REGISTER: &str = "src/process_state.rs";

#[test]
fn the_register_names_what_a_process_keeps_and_does_nothing_with_it() {
    let register = sources().into_iter().find(|source| source.path == REGISTER).unwrap();
    let functions = after_word(&register.code, "fn").count();
    assert_eq!(functions, 1, "{REGISTER}: besides `default` it has no function");
}

#[test]
fn a_file_uses_lower_floors_and_what_stands_left_of_it() {
    let floors = floors();
    let mut offences = Vec::new();
    for source in sources() {
        let Some(own) = source.module().first().copied().and_then(|name| floors.get(name)) else { continue };
        // A register names the types of what it keeps, and does nothing with them.
        if source.path == REGISTER {
            continue;
        }
        for room in source.rooms() {
            let Some(other) = floors.get(room) else {
                offences.push(format!("{}: names crate::{room}, which is in no floor", source.path));
                continue;
            };
            if other > own {
                let what = if other.0 > own.0 { "a higher floor" } else { "to the right on its own floor" };
                offences.push(format!("{}: uses {room}, which is {what}", source.path));
            }
        }
    }
    none(&offences);
}

#[test]
fn every_heavy_crate_has_one_home() {
    let mut offences = Vec::new();
    for source in sources() {
        for (name, homes) in HOMES {
            // A module may be called as the crate that it is the home of.
            let code = source.code.replace(&format!("mod {name};"), "");
            let uses = after_word(&code, name).any(|rest| rest.starts_with("::") || rest.starts_with(';'));
            let at_home = homes.iter().any(|home| source.path.starts_with(home));
            if uses && !at_home {
                offences.push(format!("{}: names {name}, which lives in {}", source.path, homes.join(", ")));
            }
        }
    }
    none(&offences);
}

#[test]
fn files_stay_short() {
    let files = [files("src"), files("tests")].concat();
    let long = files.iter().map(|(path, text)| (path, text.lines().count())).filter(|(_, lines)| *lines > MAX_LINES);
    none(&long.map(|(path, lines)| format!("{path}: {lines} lines, at most {MAX_LINES}")).collect::<Vec<_>>());
}

#[test]
fn whatever_is_changed_on_somebodys_behalf_is_decided_where_it_is_changed() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| !source.path.starts_with("src/store/")) {
        let code: String = source.code.split_whitespace().collect();
        let writes = |call: &str| code.contains(&format!("store.{call}")) || code.contains(&format!("store().{call}"));
        let is_writer = ["write(", "write_unwatched(", "write_blocking("].iter().any(|call| writes(call));
        if is_writer != WITHOUT_RIGHT.contains(&&*source.path) {
            offences.push(format!("{}: writes past rights::write: {is_writer}; see WITHOUT_RIGHT", source.path));
        }
    }
    none(&offences);
}

/// Handlers ask a rule of `access::authority`, or name a right in their signature; what the rules are made of is not
/// for them.
#[test]
fn no_rule_of_authority_is_under_http() {
    let parts =
        ["authorizer", "check::may(", "check::may_in(", "Denied::new(", "Right::on(", "MANAGE_PLATFORM", "is_held_by("];
    let mut offences = Vec::new();
    let all = sources();
    for source in all.iter().filter(|source| source.path.starts_with("src/http/") && !source.path.contains("/tests/")) {
        let used = parts.iter().filter(|part| source.code.contains(**part));
        offences.extend(used.map(|part| format!("{}: {part}", source.path)));
    }
    let rules = all.iter().filter(|source| source.path.starts_with("src/access/authority/"));
    assert!(rules.map(|source| source.code.matches("pub fn may").count()).sum::<usize>() > 8, "the rules have moved");
    none(&offences);
}

#[test]
fn nothing_outside_tests_may_panic_on_what_it_is_given() {
    let mut offences = Vec::new();
    for source in sources() {
        // An `expect` of what cannot fail says so to clippy, with its reason.
        let excused = source.text.matches("clippy::expect_used").count();
        let uses = source.code.matches(".expect(").count();
        if source.code.contains(".unwrap(") || uses > excused {
            offences.push(format!("{}: unwrap or expect", source.path));
        }
    }
    none(&offences);
}

/// `Secret` has no `==`; what it exposes must not get one either.
fn compares_early(line: &str) -> bool {
    line.contains("expose()") && [" == ", " != "].iter().any(|operator| line.contains(operator))
}

#[test]
fn bug_32_what_is_secret_is_compared_in_constant_time() {
    let all = sources();
    let lines = all.iter().flat_map(|source| source.code.lines().map(|line| (&source.path, line)));
    let early = lines.filter(|(_, line)| compares_early(line));
    none(&early.map(|(path, line)| format!("{path}: use base::secret::ct_eq: {}", line.trim())).collect::<Vec<_>>());
    let secrets = all.iter().find(|source| source.path == "src/base/secret.rs").unwrap();
    let derived = secrets.code.lines().filter(|line| line.contains("derive(") && line.contains("PartialEq"));
    assert_eq!((derived.count(), secrets.code.contains("impl PartialEq")), (0, false), "a secret has a ==");
    assert!(compares_early("if one.expose() == two {") && !compares_early("ct_eq(one.expose(), two)"));
}

/// What is decided by the text of a path is decided before the router has decoded it; a route that is registered
/// elsewhere has no guard around it.
#[test]
fn bug_31_routes_are_registered_in_one_place_and_nothing_else_is_decided_by_a_path() {
    let may: &[(&str, &[&str])] = &[
        ("request.path()", &["src/http/guard/mod.rs"]), // For the log line.
        ("web::resource(", &["src/http/endpoint.rs"]),
        ("web::scope(", &[]),
        (".route(", &["src/http/endpoint.rs"]),
        // The address that a page comes back to, and the same address at the issuer.
        ("request.uri()", &["src/http/pages/app.rs", "src/http/host.rs"]),
        // The routes themselves, when they are registered and where there is none.
        (" dialect(", &["src/http/routes.rs"]),
    ];
    let all: Vec<Source> = sources().into_iter().filter(|source| source.path.starts_with("src/http/")).collect();
    assert!(all.len() > 50, "the web has moved");
    let mut offences = Vec::new();
    for (text, homes) in may {
        for source in all.iter().filter(|source| !source.path.contains("/tests/") && source.code.contains(text)) {
            if !homes.contains(&&*source.path) {
                offences.push(format!("{}: {text}", source.path));
            }
        }
        assert!(homes.iter().all(|home| all.iter().any(|s| s.path == *home && s.code.contains(text))), "{text}");
    }
    none(&offences);
}

#[test]
fn rows_are_read_up_to_a_number_or_by_a_visitor_that_can_stop() {
    let endless = |source: &Source| source.code.contains(", usize::MAX)") || source.code.contains("limit: usize::MAX");
    let offences = sources().into_iter().filter(endless);
    none(&offences.map(|source| format!("{}: asks for usize::MAX rows", source.path)).collect::<Vec<_>>());
}

#[test]
fn every_folder_begins_with_its_card() {
    let all = sources();
    let rooms = all.iter().filter(|source| source.path.ends_with("/mod.rs"));
    let bare = rooms.filter(|source| !source.text.starts_with("//! "));
    none(&bare.map(|source| format!("{}: no card", source.path)).collect::<Vec<_>>());
}

#[test]
fn the_checks_above_see_what_they_should() {
    let text = "use crate::{base::Moment, store::{self, Tx}};\n// crate::http\nlet s = \"crate::cli\"; let c = '\"';\n\
                let r = r#\"crate::serve \"quoted\"\"#; super::super::oauth::x(); 'a: loop {}\n\
                #[cfg(test)]\nmod tests {\n use crate::config;\n}";
    let code = without_tests(&without_words(text));
    let source = Source { path: String::from("src/identity/users.rs"), text: String::new(), code };
    assert_eq!(source.rooms().into_iter().collect::<Vec<_>>(), ["base", "oauth", "store"]);
    assert_eq!(source.module(), ["identity", "users"]);
    assert_eq!(after_word("store::redb::x(); redb::y()", "redb").count(), 1);
    assert!(floors().get("base") < floors().get("cli"), "the table is not read in order");
}
