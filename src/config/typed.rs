//! What was typed, key by key and with its place: one layer per source, laid over each other at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::declaration::ClientRules;
use super::environment::Environment;
use super::mistakes::{Mistake, Source};
use super::schema::{KEYS, Key, Kind};
use super::value::{Value, Wrong};

/// The most that is read of a file that is to hold one secret.
const SECRET_BYTES: u64 = 64 * 1024;

/// One key as one source typed it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// `None` when what was typed is no value of its kind; the mistake has been noted.
    pub(super) value: Option<Value>,
    pub(super) source: Source,
}

/// The keys that one source typed, or all keys once the layers lie over each other.
pub(super) type Layer = BTreeMap<&'static str, Entry>;

/// What every reader of a layer needs, and where it notes mistakes.
pub(super) struct Reading<'a> {
    pub(super) cwd: &'a Path,
    pub(super) env: &'a Environment,
    pub(super) mistakes: Vec<Mistake>,
    /// Variables that a declaration names, so that they are not unknown ones.
    pub(super) claimed: BTreeSet<String>,
    /// What else must hold of a declared client.
    pub(super) client_rules: Option<ClientRules>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(cwd: &'a Path, env: &'a Environment) -> Self {
        Self { cwd, env, mistakes: Vec::new(), claimed: BTreeSet::new(), client_rules: None }
    }

    pub(super) fn note(&mut self, place: Source, what: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.push(Mistake::new(place, what, remedy));
    }

    /// The value, or `None` and a note that `name` holds something wrong.
    pub(super) fn accept(&mut self, name: &str, read: Result<Value, Wrong>, place: &Source) -> Option<Value> {
        match read {
            Ok(value) => Some(value),
            Err(Wrong { what, remedy }) => {
                self.note(place.clone(), format!("{name} {what}"), remedy);
                None
            }
        }
    }

    /// The text of a variable; `None` when it is not set, or is no text, which is noted.
    pub(super) fn variable(&mut self, name: &str) -> Option<String> {
        let value = self.env.find(name)?;
        let text = value.to_str().map(str::to_owned);
        if text.is_none() {
            self.note(Source::Env { variable: name.to_owned() }, "is not UTF-8", "give it another value");
        }
        text
    }

    /// The content of a file that holds one secret, without the end of its line; `None` and a note when there is none.
    pub(super) fn secret_file(&mut self, name: &str, place: &Source) -> Option<Value> {
        match read_secret(&self.cwd.join(name)) {
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                self.accept(&format!("the file {name}"), Value::from_text(Kind::Secret, text), place)
            }
            Err(error) => {
                let what = format!("cannot read {name}: {error}");
                self.note(place.clone(), what, "name a readable file that holds the secret");
                None
            }
        }
    }
}

fn read_secret(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// All keys: each from the first of `layers` that typed it, else its default.
pub(super) fn overlay(layers: &[Layer], reading: &mut Reading<'_>) -> Layer {
    KEYS.iter()
        .map(|key| {
            let typed = layers.iter().find_map(|layer| layer.get(key.name)).cloned();
            (key.name, typed.unwrap_or_else(|| default_of(key, reading)))
        })
        .collect()
}

fn default_of(key: &Key, reading: &mut Reading<'_>) -> Entry {
    let value = match key.kind {
        Kind::Clients => Some(Value::Clients(Vec::new())),
        Kind::List => reading.accept(key.name, Value::from_text(key.kind, key.default), &Source::Default),
        _ if key.default.is_empty() => Some(Value::Absent),
        _ => reading.accept(key.name, Value::from_text(key.kind, key.default), &Source::Default),
    };
    Entry { value, source: Source::Default }
}
