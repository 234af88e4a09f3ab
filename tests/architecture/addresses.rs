//! Addresses are made at one place, so that a tenant that is found below another path is found there by everything.

use super::{comment, files_of, none, raw_string, sources, string};

/// Where path names stand, and what decides by them.
const PLACES: &[&str] = &["src/tenant/paths.rs", "src/http/routes.rs", "assets/static/core/urls.js"];

/// Programs of others that are printed for the developers of apps, with addresses of their own.
const PRINTED: &str = "assets/admin/pages/snippets";

/// Where the setting `issuer` is read: the tenant is made of it; the others bring it into effect or check what was
/// written.
const ISSUER: &[&str] = &["src/tenant/mod.rs", "src/serve/listen.rs", "src/doctor/settings.rs", "src/config/"];

/// Texts for the caller that name an endpoint.
const WORDS: &[&str] = &["src/http/account/api_keys.rs", "src/identity/error.rs"];

/// What the paths of this server begin with.
const NAMES: &[&str] = &[
    "/.well-known",
    "/access/v1",
    "/account",
    "/admin",
    "/api",
    "/assets",
    "/choose-account",
    "/consent",
    "/error",
    "/favicon",
    "/healthz",
    "/logout",
    "/oauth2",
    "/readyz",
    "/setup",
    "/sign-in",
    "/sign-up",
];

/// The path of this server that a text holds.
fn address(text: &str) -> Option<&'static str> {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    NAMES.iter().copied().find(|name| {
        text.match_indices(name).any(|(at, _)| {
            let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + name.len()..).unwrap_or_default());
            !before.ends_with(|c: char| goes_on(c) || matches!(c, '.' | '/')) && !after.starts_with(goes_on)
        })
    })
}

/// The texts in a Rust file up to its tests and the samples for them.
fn texts(file: &str) -> Vec<&str> {
    let ends = ["mod tests", "impl "].map(|item| file.find(&format!("#[cfg(test)]\n{item}")).unwrap_or(file.len()));
    let mut rest = file.get(..ends[0].min(ends[1])).unwrap_or_default();
    let mut found = Vec::new();
    while let Some(c) = rest.chars().next() {
        let (length, is_text) = match (comment(rest), raw_string(rest).or_else(|| string(rest))) {
            (Some(length), _) => (length, false),
            (None, Some(length)) => (length, true),
            (None, None) => (c.len_utf8(), false),
        };
        found.extend(rest.get(..length).filter(|_| is_text));
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

/// The lines of a script or a template that are no comment.
fn lines(file: &str) -> Vec<&str> {
    file.lines().filter(|line| !line.trim_start().starts_with("//")).collect()
}

#[test]
fn no_file_but_one_on_each_side_writes_an_address() {
    let rust = sources().into_iter().map(|source| (source.path, source.text));
    let assets = files_of("assets", &[".js", ".html", ".css"]);
    let mut offences = Vec::new();
    for (path, text) in rust.chain(assets) {
        if PLACES.contains(&path.as_str()) || path.contains("/vendor/") || path.starts_with(PRINTED) {
            continue;
        }
        let is_words = |part: &str| WORDS.contains(&path.as_str()) && part.contains(' ');
        let parts = if path.ends_with(".rs") { texts(&text) } else { lines(&text) };
        for part in parts.into_iter().filter(|part| !is_words(part)) {
            if let Some(name) = address(part) {
                offences.push(format!("{path}: {name} in {}; let tenant::Urls or core/urls.js make it", part.trim()));
            }
        }
    }
    none(&offences);
}

#[test]
fn the_issuer_is_read_where_the_tenant_is_made() {
    let reads = |code: &str| {
        let flat: String = code.split_whitespace().collect();
        flat.contains("settings.issuer") || flat.contains("settings().issuer")
    };
    let files = sources().into_iter().filter(|source| reads(&source.code));
    let offences: Vec<String> = files
        .filter(|source| !ISSUER.iter().any(|place| source.path.starts_with(place)))
        .map(|source| format!("{}: reads settings.issuer; ask the tenant", source.path))
        .collect();
    none(&offences);
    assert!(sources().iter().any(|source| source.path == "src/tenant/mod.rs" && reads(&source.code)));
}

#[test]
fn an_address_is_seen_wherever_it_stands_in_a_text() {
    for text in ["\"/admin\"", "format!(\"{issuer}/api/auth\")", "href=\"/sign-in?continue=x\"", "`${base}/logout`"] {
        assert!(address(text).is_some(), "{text}");
    }
    for text in
        ["\"../static/account/app.js\"", "/administrators", "\"/users\"", "https://app.example/x/admin", "/errors"]
    {
        assert_eq!(address(text), None, "{text}");
    }
    assert_eq!(texts("// \"a\"\nlet b = \"c\"; let d = r#\"e\"#;"), ["\"c\"", "r#\"e\"#"]);
}
