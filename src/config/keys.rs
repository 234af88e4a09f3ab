//! Typed keys, read one by one. A key whose value was already refused is read as nothing: the mistake is noted.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::mistakes::{Mistake, Source};
use super::typed::{Entry, Layer, Reading};
use super::value::{Value, Wrong};
use crate::base::Secret;

/// What was typed for each key, where it was typed, and the place for notes on what is wrong with it.
pub(super) struct TypedKeys<'t, 'r> {
    layer: &'t Layer,
    reading: &'t mut Reading<'r>,
}

impl<'t, 'r> TypedKeys<'t, 'r> {
    /// All keys as they lie over each other in `layer`; mistakes are noted in `reading`.
    pub(super) fn new(layer: &'t Layer, reading: &'t mut Reading<'r>) -> Self {
        Self { layer, reading }
    }

    /// What was typed for this key, and where.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.layer.get(key)
    }

    /// The value of a key; `None` when what was typed was refused.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.entry(key).and_then(|entry| entry.value.as_ref())
    }

    /// The text of a key; `None` when there is none.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.value(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The file name of a key, from the working folder.
    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(|name| self.reading.cwd.join(name))
    }

    /// A path to what must be there now. Whether it can be read shows when the process that needs it reads it.
    pub(super) fn existing_file(&mut self, key: &str) -> Option<PathBuf> {
        let path = self.path(key)?;
        if std::fs::metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            self.note(key, &format!("names {}, which does not exist", path.display()), "name an existing file");
        }
        Some(path)
    }

    /// The secret of a key; `None` when there is none.
    pub(super) fn secret(&self, key: &str) -> Option<Secret<String>> {
        match self.value(key) {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        }
    }

    /// Whether a key is switched on.
    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Bool(true)))
    }

    fn number(&self, key: &str) -> i64 {
        match self.value(key) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// The number of a key; zero when `N` cannot hold it.
    pub(super) fn whole<N: TryFrom<i64> + Default>(&self, key: &str) -> N {
        N::try_from(self.number(key)).unwrap_or_default()
    }

    /// The number of a key, of things that are counted.
    pub(super) fn count(&self, key: &str) -> usize {
        self.whole(key)
    }

    /// The number of a key as a time, in units of so many seconds.
    pub(super) fn duration(&self, key: &str, unit_seconds: u64) -> Duration {
        Duration::from_secs(self.whole::<u64>(key).saturating_mul(unit_seconds))
    }

    /// Every entry of a list that can be read; the others are noted.
    pub(super) fn each<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, Wrong>) -> Vec<T> {
        let Some(Value::List(items)) = self.value(key).cloned() else { return Vec::new() };
        let mut meant = Vec::with_capacity(items.len());
        for item in items {
            match read(&item) {
                Ok(value) => meant.push(value),
                Err(Wrong { what, remedy }) => self.note(key, &what, &remedy),
            }
        }
        meant
    }

    /// Whether all of `keys` hold values: a check over several keys is silent about those already refused.
    pub(super) fn sound(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.value(key).is_some())
    }

    /// Whether somebody typed the key.
    pub(super) fn is_typed(&self, key: &str) -> bool {
        self.entry(key).is_some_and(|entry| entry.source != Source::Default)
    }

    /// Notes a mistake of `key`, where it was typed. The sentence starts with the key.
    pub(super) fn note(&mut self, key: &str, what: &str, remedy: &str) {
        self.note_at(key, &format!("{key} {what}"), remedy);
    }

    /// Notes a mistake where `key` was typed.
    pub(super) fn note_at(&mut self, key: &str, what: &str, remedy: &str) {
        self.reading.note(self.place_of(key), what, remedy);
    }

    /// Something that is accepted and worth a look, where `key` was typed. The sentence starts with the key.
    pub(super) fn warning(&self, key: &str, what: &str, remedy: &str) -> Mistake {
        Mistake::new(self.place_of(key), format!("{key} {what}"), remedy)
    }

    fn place_of(&self, key: &str) -> Source {
        self.entry(key).map_or(Source::Default, |entry| entry.source.clone())
    }
}
