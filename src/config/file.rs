//! The first layer: `auther.toml` as it was typed, with the line of every value.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::clients;
use super::mistakes::Source;
use super::nearest::nearest;
use super::schema::{KEYS, Kind, find_key};
use super::typed::{Entry, Layer, Reading};
use super::value::{Body, Node, Value};

/// Reads the text of the file at `path`. All syntax errors are noted; then nothing else of the file is looked at.
pub(super) fn read(text: &str, path: &Path, reading: &mut Reading<'_>) -> Layer {
    let (root, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::of(text);
    if errors.is_empty() {
        let mut file = FileReader { path, reading, layer: Layer::new() };
        file.table("", &entries(root.get_ref(), &lines));
        return file.layer;
    }
    for error in errors {
        let place = Source::File { path: path.to_owned(), line: error.span().map(|span| lines.line(span.start)) };
        reading.note(place, format!("not TOML: {}", error.message()), "see https://toml.io for the format");
    }
    Layer::new()
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at + 1).collect())
    }

    /// The line, counted from 1, that holds the byte at `offset`.
    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset) + 1
    }
}

fn entries(table: &DeTable<'_>, lines: &Lines) -> Vec<(String, Node)> {
    let mut entries: Vec<(String, Node)> = table
        .iter()
        .map(|(name, value)| {
            let line = lines.line(name.span().start);
            (name.get_ref().to_string(), Node { line: Some(line), body: body(value, lines) })
        })
        .collect();
    entries.sort_by_key(|(_, node)| node.line);
    entries
}

fn body(value: &Spanned<DeValue<'_>>, lines: &Lines) -> Body {
    match value.get_ref() {
        DeValue::String(text) => Body::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Body::Number(number),
            Err(_) => Body::Other("a number that large"),
        },
        DeValue::Float(_) => Body::Other("a fraction"),
        DeValue::Boolean(yes) => Body::Bool(*yes),
        DeValue::Datetime(_) => Body::Other("a date"),
        DeValue::Array(items) => Body::List(
            items
                .iter()
                .map(|item| Node { line: Some(lines.line(item.span().start)), body: body(item, lines) })
                .collect(),
        ),
        DeValue::Table(table) => Body::Table(entries(table, lines)),
    }
}

struct FileReader<'r, 'w> {
    path: &'r Path,
    reading: &'r mut Reading<'w>,
    layer: Layer,
}

impl FileReader<'_, '_> {
    fn table(&mut self, section: &str, entries: &[(String, Node)]) {
        for (name, node) in entries {
            let full = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
            match (find_key(&full), &node.body) {
                (Some(key), _) => self.value(key.name, key.kind, node),
                (None, Body::Table(entries)) if is_section(&full) => self.table(&full, entries),
                (None, _) => self.unknown(&full, node),
            }
        }
    }

    fn value(&mut self, name: &'static str, kind: Kind, node: &Node) {
        let source = self.place(node);
        let value = match kind {
            Kind::Clients => clients::read(node, &source, self.reading).map(Value::Clients),
            _ => self.reading.accept(name, Value::from_node(kind, node), &source),
        };
        self.layer.insert(name, Entry { value, source });
    }

    fn unknown(&mut self, name: &str, node: &Node) {
        let place = self.place(node);
        if is_section(name) {
            let remedy = format!("write it as a table: [{name}]");
            self.reading.note(place, format!("{name} is the name of a section, not a key"), remedy);
        } else if matches!(node.body, Body::Table(_)) {
            let known = nearest(name, KEYS.iter().map(|key| section_of(key.name).unwrap_or(key.name)));
            let remedy = format!("did you mean `{}`?", known.unwrap_or_default());
            self.reading.note(place, format!("unknown section `{name}`"), remedy);
        } else {
            let known = nearest(name, KEYS.iter().map(|key| key.name));
            let remedy = format!("did you mean `{}`?", known.unwrap_or_default());
            self.reading.note(place, format!("unknown key `{name}`"), remedy);
        }
    }

    fn place(&self, node: &Node) -> Source {
        Source::File { path: self.path.to_owned(), line: node.line }
    }
}

fn section_of(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(section, _)| section)
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| section_of(key.name) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Environment;

    fn complaints(text: &str) -> Vec<String> {
        let env = Environment::default();
        let mut reading = Reading::new(Path::new(""), &env);
        read(text, Path::new("a.toml"), &mut reading);
        reading.mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_wrong_line_is_named() {
        let text = "issuerr = \"x\"\n\n[tls]\nmod = \"off\"\n[tsl]\nmode = \"off\"\n[password]\nqueue = \"64\"\n";
        assert_eq!(
            complaints(text),
            [
                "a.toml:1: unknown key `issuerr`; did you mean `issuer`?",
                "a.toml:4: unknown key `tls.mod`; did you mean `tls.mode`?",
                "a.toml:5: unknown section `tsl`; did you mean `tls`?",
                "a.toml:8: password.queue expects a whole number, not text; use 1 to 100000",
            ]
        );
    }

    #[test]
    fn a_key_in_the_place_of_a_section_is_explained() {
        assert_eq!(
            complaints("tls = \"off\"\n"),
            ["a.toml:1: tls is the name of a section, not a key; write it as a table: [tls]"]
        );
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        let said = complaints("issuer = \"https://a.example\"\nlisten = [\n\"x\"\nlog = \n");
        assert!(!said.is_empty());
        assert!(said.iter().all(|line| line.starts_with("a.toml:") && line.contains("not TOML")), "{said:?}");
        let twice = complaints("data = \"a\"\ndata = \"b\"\n");
        assert!(twice.len() == 1 && twice[0].starts_with("a.toml:2: not TOML"), "{twice:?}");
    }

    #[test]
    fn numbers_may_be_written_as_toml_allows() {
        let env = Environment::default();
        let mut reading = Reading::new(Path::new(""), &env);
        let text = "store.cache_mib = 0x40\npassword.memory_kib = 19_456\n";
        let layer = read(text, Path::new("a.toml"), &mut reading);
        let shown = |name| layer.get(name).and_then(|entry| entry.value.as_ref()).map(ToString::to_string);
        assert_eq!(shown("store.cache_mib").as_deref(), Some("64"));
        assert_eq!(shown("password.memory_kib").as_deref(), Some("19456"));
        assert_eq!(complaints("store.cache_mib = 1.5\n").len(), 1);
        assert_eq!(complaints("store.cache_mib = 99999999999999999999\n").len(), 1);
    }
}
